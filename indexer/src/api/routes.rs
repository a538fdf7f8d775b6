//! The routes, and where each request goes.

use super::{
    answer::Answer,
    claims, contributions,
    document::document,
    error::Refusal,
    events,
    list::{one, page},
    live,
    parameters::{
        AFTER, BALANCES, BATCHES, CHALLENGES, COMMITTEES, CONTRIBUTIONS, DATANETS, DELEGATIONS, EVENTS, FINAL, FUNDING,
        GRANTS, JOBS, LOCKS, MODELS, NONE, OPERATORS, PAGED, POOLS, PROPOSALS, Parameter, RECEIPTS, SETTLEMENTS,
        SLASHES, SLOTS, VOTES,
    },
    proposals,
    query::Query,
    receipts,
    route::{Body, Request, Route},
    state::State,
    status, wallets,
};
use openledger_sdk::api::types::{
    Balance, Batch, Challenge, Committee, Datanet, Delegation, Final, Funding, Grant, Insurance, InsurancePayment, Job,
    Model, Operator, Proposal, ReceiptRow, Settlement, Slash, StakePool, Vote, VoteLock,
};
use serde::{Serialize, de::DeserializeOwned};
use std::sync::LazyLock;
use utoipa::ToSchema;

/// Every route of the API.
static ROUTES: LazyLock<Vec<Route>> = LazyLock::new(|| {
    [index(), data(), models(), payments(), settlements(), stake(), governance()].into_iter().flatten().collect()
});

/// The OpenAPI document, which does not change while the process runs.
static DOCUMENT: LazyLock<Result<Vec<u8>, String>> =
    LazyLock::new(|| serde_json::to_vec(&document(&ROUTES)).map_err(|e| e.to_string()));

/// Answers `GET path`.
pub async fn answer(state: &State, path: &str, query: Query, last_id: Option<String>) -> Result<Answer, Refusal> {
    let found = ROUTES.iter().find_map(|route| Some((route, route.parts(path)?)));
    let (route, parts) = found.ok_or_else(|| Refusal::no_route(path))?;
    route.answer(state, parts, query, last_id).await
}

fn index() -> Vec<Route> {
    let tag = "index";
    vec![
        Route::json(
            "/v1/status",
            "getStatus",
            tag,
            "Whether the index is complete and right",
            |state: State, _| async move { status::status(&state).await },
        ),
        Route::json(
            "/v1/events",
            "listEvents",
            tag,
            "Events after number `after`, oldest first",
            |state: State, request: Request| async move { events::page(&state, &request.query).await },
        )
        .takes(EVENTS)
        .takes(&[FINAL, AFTER, events::CURSOR])
        .takes(&PAGED[2..]),
        Route::new(
            "/v1/events/stream",
            "streamEvents",
            tag,
            "Events live, as server-sent events that are named like them. Between them `rolled-back` names a transaction of \
             which all that was told is void, `final` a slot up to which all is final but for some transactions, and `reset` a \
             new numbering after which all is to be read again. The stream goes on after the header `Last-Event-ID`",
            Body::Text("text/event-stream"),
            |state, request: Request| async move {
                Ok(Answer::Stream(live::stream(&state, &request.query, request.last_id.clone()).await?))
            },
        )
        .takes(EVENTS)
        .takes(&[AFTER]),
        Route::new(
            "/metrics",
            "getMetrics",
            tag,
            "Metrics for Prometheus",
            Body::Text("text/plain"),
            |state: State, _| async move {
                let text = state.metrics.text().map_err(|e| Refusal::unavailable(e.to_string()))?;
                Ok(Answer::Whole("text/plain; version=0.0.4", text.into_bytes()))
            },
        ),
        Route::new("/openapi.json", "getDocument", tag, "This document", Body::Any, |_, _| async move {
            let document = DOCUMENT.as_ref().map_err(Refusal::unavailable)?;
            Ok(Answer::Whole("application/json", document.clone()))
        }),
    ]
}

fn data() -> Vec<Route> {
    let tag = "data";
    vec![
        list::<Datanet>("/v1/datanets", "listDatanets", tag, "Datanets", "datanet", DATANETS),
        row::<Datanet>("/v1/datanets/{address}", "getDatanet", tag, "A Datanet", "datanet", "Datanet"),
        Route::json(
            "/v1/datanets/{address}/contributions",
            "listContributions",
            tag,
            "Contributions of a Datanet",
            |state: State, request: Request| async move {
                let id = request.address("address")?;
                one::<Final<Datanet>>(&state.db, "datanet", "address", &id, "Datanet").await?;
                contributions::of_datanet(&state, &id, &request.query).await
            },
        )
        .takes(CONTRIBUTIONS)
        .takes(PAGED),
        Route::json(
            "/v1/contributions/{leaf}",
            "getContribution",
            tag,
            "A contribution, with the proof that it is in its Datanet's root once accepted",
            |state: State, request: Request| async move { contributions::with_proof(&state, request.hash("leaf")?).await },
        ),
        list::<Batch>("/v1/batches", "listBatches", tag, "Batches", "batch", BATCHES),
        row::<Batch>("/v1/batches/{address}", "getBatch", tag, "A batch with its reviews", "batch", "batch"),
        list::<Grant>(
            "/v1/grants",
            "listGrants",
            tag,
            "Leaves to train on permissioned Datanets",
            "access_grant",
            GRANTS,
        ),
        row::<Grant>("/v1/grants/{address}", "getGrant", tag, "A grant", "access_grant", "grant"),
    ]
}

fn models() -> Vec<Route> {
    let tag = "models";
    vec![
        list::<Model>("/v1/models", "listModels", tag, "Models", "model", MODELS),
        row::<Model>("/v1/models/{address}", "getModel", tag, "A model", "model", "model"),
        list::<Job>("/v1/jobs", "listJobs", tag, "Training jobs", "job", JOBS),
        row::<Job>("/v1/jobs/{address}", "getJob", tag, "A training job", "job", "job"),
    ]
}

fn payments() -> Vec<Route> {
    let tag = "payments";
    vec![
        list::<ReceiptRow>("/v1/receipts", "listReceipts", tag, "Payments for answers", "receipt", RECEIPTS)
            .takes(SLOTS),
        Route::json(
            "/v1/receipts/{request}",
            "getReceipt",
            tag,
            "A payment with its answer",
            |state: State, request: Request| async move { receipts::receipt(&state, request.hash("request")?).await },
        ),
        list::<Funding>(
            "/v1/funding",
            "listFunding",
            tag,
            "Payments into the pools beside fees: data shares of training jobs, and gifts",
            "funding",
            FUNDING,
        )
        .takes(SLOTS),
        list::<Balance>("/v1/balances", "listBalances", tag, "OPEN that wallets have paid ahead", "prepaid", BALANCES),
        row::<Balance>("/v1/balances/{address}", "getBalance", tag, "A prepaid balance", "prepaid", "balance"),
        Route::json(
            "/v1/wallets/{wallet}",
            "getWallet",
            tag,
            "Earnings, stake, spending and balance of a wallet",
            |state: State, request: Request| async move { wallets::wallet(&state, &request.address("wallet")?).await },
        ),
    ]
}

fn settlements() -> Vec<Route> {
    let tag = "settlements";
    vec![
        list::<Settlement>("/v1/settlements", "listSettlements", tag, "Settlements", "settlement", SETTLEMENTS),
        Route::json(
            "/v1/settlements/{epoch}",
            "getSettlement",
            tag,
            "The settlement of an epoch",
            |state: State, request: Request| async move {
                let epoch = request.number("epoch")? as i64;
                let found: Option<Final<Settlement>> =
                    state.db.row("SELECT * FROM settlement WHERE epoch = $1", &[&epoch]).await?;
                found.ok_or_else(|| Refusal::absent("settlement of epoch", &epoch.to_string()))
            },
        ),
        list::<Challenge>(
            "/v1/challenges",
            "listChallenges",
            tag,
            "Challenges of settlements",
            "challenge",
            CHALLENGES,
        ),
        row::<Challenge>("/v1/challenges/{address}", "getChallenge", tag, "A challenge", "challenge", "challenge"),
        Route::json(
            "/v1/claims/{wallet}",
            "getClaims",
            tag,
            "What a wallet has earned, claimed and can prove",
            |state: State, request: Request| async move { claims::claims(&state, &request.address("wallet")?).await },
        ),
    ]
}

fn stake() -> Vec<Route> {
    let tag = "stake";
    vec![
        list::<Operator>("/v1/operators", "listOperators", tag, "Operators", "operator", OPERATORS),
        list::<Committee>("/v1/committees", "listCommittees", tag, "Committees", "committee", COMMITTEES),
        list::<StakePool>("/v1/pools", "listPools", tag, "Pools of delegations", "stake_pool", POOLS),
        row::<StakePool>("/v1/pools/{address}", "getPool", tag, "A pool of delegations", "stake_pool", "pool"),
        list::<Delegation>(
            "/v1/delegations",
            "listDelegations",
            tag,
            "What wallets have delegated",
            "delegation",
            DELEGATIONS,
        ),
        row::<Delegation>(
            "/v1/delegations/{address}",
            "getDelegation",
            tag,
            "A delegation",
            "delegation",
            "delegation",
        ),
        list::<Slash>("/v1/slashes", "listSlashes", tag, "Stake that was taken away for a fault", "slash", SLASHES)
            .takes(SLOTS),
        Route::json(
            "/v1/insurance",
            "getInsurance",
            tag,
            "What the insurance vault took in by slashes, and what it paid",
            |state: State, _| async move {
                let found: Option<Final<Insurance>> = state.db.row("SELECT * FROM insurance", &[]).await?;
                found.ok_or_else(|| Refusal::unavailable("the index does not answer now: try again later"))
            },
        ),
        list::<InsurancePayment>(
            "/v1/insurance/payments",
            "listInsurancePayments",
            tag,
            "Payments out of the insurance vault",
            "insurance_payment",
            NONE,
        )
        .takes(SLOTS),
    ]
}

fn governance() -> Vec<Route> {
    let tag = "governance";
    vec![
        list::<Proposal>("/v1/proposals", "listProposals", tag, "Proposals", "proposal", PROPOSALS),
        Route::json(
            "/v1/proposals/{address}",
            "getProposal",
            tag,
            "A proposal with its instructions",
            |state: State, request: Request| async move { proposals::proposal(&state, &request.address("address")?).await },
        ),
        list::<Vote>("/v1/votes", "listVotes", tag, "Votes", "vote", VOTES).takes(SLOTS),
        list::<VoteLock>("/v1/locks", "listLocks", tag, "OPEN that is locked for votes", "vote_lock", LOCKS),
        row::<VoteLock>("/v1/locks/{address}", "getLock", tag, "A lock for votes", "vote_lock", "lock"),
    ]
}

/// A route that answers with a page of `view`, narrowed by the parameters that the request gives.
fn list<T>(
    path: &'static str,
    id: &'static str,
    tag: &'static str,
    summary: &'static str,
    view: &'static str,
    filters: &'static [Parameter],
) -> Route
where
    T: DeserializeOwned + Serialize + ToSchema + Send + 'static,
{
    Route::json(path, id, tag, summary, move |state: State, request: Request| async move {
        page::<Final<T>>(&state.db, view, &request.query.filters(filters)?, &request.query).await
    })
    .takes(filters)
    .takes(PAGED)
}

/// A route that answers with the row of `view` about an account. `what` names such a thing.
fn row<T>(
    path: &'static str,
    id: &'static str,
    tag: &'static str,
    summary: &'static str,
    view: &'static str,
    what: &'static str,
) -> Route
where
    T: DeserializeOwned + Serialize + ToSchema + Send + 'static,
{
    Route::json(path, id, tag, summary, move |state: State, request: Request| async move {
        one::<Final<T>>(&state.db, view, "address", &request.address("address")?, what).await
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use std::collections::BTreeSet;

    fn shown() -> Value {
        serde_json::from_slice(DOCUMENT.as_ref().expect("serializes")).expect("JSON")
    }

    /// Calls `found` with every object in `value`.
    fn each(value: &Value, found: &mut impl FnMut(&serde_json::Map<String, Value>)) {
        match value {
            Value::Object(map) => {
                found(map);
                map.values().for_each(|v| each(v, found));
            }
            Value::Array(list) => list.iter().for_each(|v| each(v, found)),
            _ => {}
        }
    }

    #[test]
    fn every_route_is_in_the_document_and_the_document_has_no_others() {
        let document = shown();
        let paths = document["paths"].as_object().expect("paths");
        for route in ROUTES.iter() {
            let operation = &paths[route.path]["get"];
            assert_eq!(operation["operationId"], route.id, "{}", route.path);
            let named = |place: &str| -> BTreeSet<&str> {
                let all = operation["parameters"].as_array().into_iter().flatten();
                all.filter(|p| p["in"] == place).filter_map(|p| p["name"].as_str()).collect()
            };
            assert_eq!(named("query"), route.query.iter().map(|p| p.name).collect(), "{}", route.path);
            let parts = route.parts(route.path).expect("its own path");
            assert_eq!(named("path"), parts.iter().map(|(name, _)| *name).collect(), "{}", route.path);
        }
        let artifacts = paths.keys().filter(|path| path.starts_with("/v1/artifacts")).count();
        assert_eq!(paths.len(), ROUTES.len() + artifacts);
        assert!(artifacts >= 4, "{artifacts}");
    }

    #[test]
    fn every_operation_has_a_name_of_its_own_and_says_what_it_is_about() {
        let mut ids = BTreeSet::new();
        each(&shown()["paths"], &mut |map| {
            let Some(id) = map.get("operationId").and_then(Value::as_str) else { return };
            assert!(ids.insert(id.to_owned()), "{id} is there twice");
            for field in ["summary", "tags", "responses"] {
                assert!(map.contains_key(field), "{id} has no {field}");
            }
            for parameter in map.get("parameters").and_then(Value::as_array).into_iter().flatten() {
                assert!(parameter["description"].is_string() && parameter["schema"].is_object(), "{id}: {parameter}");
            }
        });
        assert!(ids.len() > 40, "{}", ids.len());
    }

    #[test]
    fn every_reference_leads_to_a_schema_and_every_schema_says_what_it_is() {
        let document = shown();
        let mut references = 0;
        each(&document, &mut |map| {
            let Some(reference) = map.get("$ref").and_then(Value::as_str) else { return };
            let pointer = reference.strip_prefix('#').expect("local");
            assert!(document.pointer(pointer).is_some(), "{reference}");
            references += 1;
        });
        assert!(references > 100, "{references}");
        for (name, schema) in document["components"]["schemas"].as_object().expect("schemas") {
            let page = name.ends_with("Page");
            assert!(page || schema["description"].is_string(), "{name} has no description");
            for (field, schema) in schema["properties"].as_object().into_iter().flatten() {
                let options = schema["oneOf"].as_array().cloned().unwrap_or_default();
                let described = page || options.iter().chain([schema]).any(|s| s["description"].is_string());
                assert!(described, "{name}.{field} has no description: {schema}");
            }
        }
    }

    #[test]
    fn every_list_tells_of_each_row_whether_it_is_final() {
        let document = shown();
        let schemas = document["components"]["schemas"].as_object().expect("schemas");
        let pages: Vec<&str> = schemas.keys().filter_map(|name| name.strip_suffix("Page")).collect();
        assert!(pages.len() >= 20, "{pages:?}");
        for row in pages {
            assert_eq!(schemas[row]["properties"]["finalized"]["type"], "boolean", "{row}");
        }
    }
}
