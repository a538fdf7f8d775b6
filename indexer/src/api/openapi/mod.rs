//! The API's OpenAPI document.

mod paths;
mod schemas;

use utoipa::openapi::{ComponentsBuilder, InfoBuilder, OpenApi, OpenApiBuilder, PathsBuilder};

/// Builds the OpenAPI 3.1 document.
pub fn document() -> OpenApi {
    let info = InfoBuilder::new()
        .title("OpenLedger indexer")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Amounts are base units of OPEN (9 decimals) as decimal strings, hashes 64 hex digits, addresses and \
             signatures Base58. Lists are newest first; pass `next` of an answer as `cursor` to go on. `finalized` says \
             whether every transaction behind a row is final: what is only confirmed may yet be rolled back.",
        ))
        .build();
    let components = schemas::all()
        .into_iter()
        .fold(ComponentsBuilder::new(), |all, (name, schema)| all.schema(name, schema))
        .build();
    let paths = paths::all().into_iter().fold(PathsBuilder::new(), |all, (path, item)| all.path(path, item)).build();
    OpenApiBuilder::new().info(info).paths(paths).components(Some(components)).build()
}

#[cfg(test)]
mod tests {
    use super::document;
    use serde_json::Value;

    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                found.extend(map.get("$ref").and_then(Value::as_str).map(str::to_owned));
                map.values().for_each(|v| references(v, found));
            }
            Value::Array(list) => list.iter().for_each(|v| references(v, found)),
            _ => {}
        }
    }

    #[test]
    fn every_reference_leads_to_a_schema() {
        let document = serde_json::to_value(document()).expect("serializes");
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 30);
        for reference in found {
            let pointer = reference.strip_prefix('#').expect("local");
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }
}
