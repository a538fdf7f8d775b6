//! Tests that hold the OpenAPI document to the answers: every operation answers, with exactly the fields that it says.

mod support;

use openledger_interface::pda;
use reqwest::Method;
use serde_json::Value;
use support::{council::council, town::Town, world};

/// `path` with the parts of the history's accounts.
fn filled(path: &str) -> String {
    let (world, council) = (world(), council());
    let batch = pda::batch(&world.datanet, 0);
    let address = match path.split('/').nth(2) {
        Some("models") => world.model,
        Some("jobs") => world.job,
        Some("batches") => batch,
        Some("grants") => council.grant,
        Some("balances") => pda::prepaid_balance(&world.payer),
        Some("challenges") => pda::challenge(0, 0),
        Some("pools") => council.pool,
        Some("delegations") => council.delegation,
        Some("proposals") => council.proposal,
        Some("locks") => council.lock,
        _ => world.datanet,
    };
    path.replace("{address}", &address.to_string())
        .replace("{leaf}", &hex::encode(world.manifests[0].leaf_hashes()[0]))
        .replace("{request}", &hex::encode(world.request))
        .replace("{epoch}", "1")
        .replace("{wallet}", &world.contributors[0].to_string())
        .replace("{operator}", &world.operator.to_string())
        // Bytes whose reader needs no permit.
        .replace("{sha256}", &hex::encode(openledger_protocol::hash::sha256(&[&world.report])))
}

#[tokio::test]
async fn every_operation_of_the_document_answers_as_it_says() {
    let town = Town::start().await;
    let (_, document) = town.api.get("/openapi.json").await;
    let http = reqwest::Client::new();
    let mut answered = 0;
    for (path, item) in document["paths"].as_object().expect("paths") {
        let base = if path.starts_with("/v1/artifacts") { &town.artifacts } else { &town.api.base };
        let operations = item.as_object().expect("an item").iter().filter(|(_, o)| o["operationId"].is_string());
        for (method, operation) in operations {
            let name = operation["operationId"].as_str().expect("a name");
            let asked: Method = method.to_uppercase().parse().expect("a method");
            let url = format!("{base}{}", filled(path));
            let response = http.request(asked, &url).send().await.unwrap_or_else(|e| panic!("{name}: {e}"));
            let status = response.status().as_u16();
            let said = &operation["responses"][status.to_string()];
            assert!(said.is_object(), "{name} answers {status}, which the document does not say");
            answered += 1;
            let media = response.headers().get("content-type").map(|m| m.to_str().expect("text").to_owned());
            // What is stored needs a wallet's permit, and there is neither an audit nor an answer.
            let expected = match (method.as_str(), name) {
                ("put", _) => 401,
                (_, "getAnswer" | "headAnswer" | "getAudit" | "headAudit") => 404,
                _ => 200,
            };
            assert_eq!(status, expected, "{name}");
            let Some((kind, content)) = said["content"].as_object().and_then(|c| c.iter().next()) else { continue };
            assert!(media.is_some_and(|media| media.starts_with(kind.as_str())), "{name} is not {kind}");
            if kind == "application/json" && method == "get" && !path.ends_with(".json") {
                let value: Value = response.json().await.unwrap_or_else(|e| panic!("{name}: {e}"));
                fits(&document, &content["schema"], &value, name);
            }
        }
    }
    assert!(answered > 50, "{answered}");
}

/// Asserts that `value` has exactly the fields of `schema`, at every depth.
fn fits(document: &Value, schema: &Value, value: &Value, at: &str) {
    if let Some(reference) = schema["$ref"].as_str() {
        return fits(document, document.pointer(&reference[1..]).expect("a schema"), value, at);
    }
    if let Some(options) = schema["oneOf"].as_array() {
        let some = options.iter().find(|option| option["type"] != "null").expect("something");
        return if value.is_null() { assert_eq!(options.len(), 2, "{at}") } else { fits(document, some, value, at) };
    }
    if let Some(words) = schema["enum"].as_array() {
        assert!(words.contains(value), "{at}: {value} is none of {words:?}");
    }
    if let Some(properties) = schema["properties"].as_object() {
        let value = value.as_object().unwrap_or_else(|| panic!("{at}: {value} is no object"));
        for required in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            assert!(value.contains_key(required), "{at}: {required} is missing");
        }
        for (name, field) in value {
            let known = properties.get(name).unwrap_or_else(|| panic!("{at}: {name} is not in the document"));
            fits(document, known, field, &format!("{at}.{name}"));
        }
    } else if let (Some(items), Some(list)) = (schema.get("items"), value.as_array()) {
        list.iter().for_each(|v| fits(document, items, v, at));
    } else if let Some(types) = schema.get("type") {
        let found = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        let fits = types == found || types.as_array().is_some_and(|t| t.iter().any(|t| t == found));
        assert!(fits, "{at}: {found} is not {types}");
    }
}
