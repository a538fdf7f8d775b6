//! Routes requests to their handlers.

use super::{
    answer::Answer,
    claims, contributions,
    error::Refusal,
    events,
    filters::{self, Filter},
    list::{self, Final},
    openapi,
    query::{Query, address, hash, number},
    receipts,
    state::State,
    status, wallets,
};
use openledger_sdk::api::types::{Batch, Committee, Datanet, Funding, Job, Model, Operator, ReceiptRow, Settlement};
use serde::{Serialize, de::DeserializeOwned};

/// Parameters of every list.
const PAGED: [&str; 2] = ["cursor", "limit"];
/// Parameters that narrow a list to a range of slots: later than `after_slot`, and not later than `until_slot`.
const SLOTS: [&str; 2] = ["after_slot", "until_slot"];

/// Answers `GET path`.
pub async fn route(state: &State, path: &str, query: &Query, last_id: Option<String>) -> Result<Answer, Refusal> {
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match parts.as_slice() {
        ["v1", "events"] => {
            allow(query, &["after", "cursor", "limit"], filters::EVENTS)?;
            return Answer::json(&events::page(state, query).await?);
        }
        ["v1", "events", "stream"] => {
            allow(query, &["after"], filters::EVENTS)?;
            return Ok(Answer::Stream(events::stream(state, query, last_id).await?));
        }
        ["v1", "datanets"] => return rows::<Datanet>(state, "datanet", filters::DATANETS, query).await,
        ["v1", "models"] => return rows::<Model>(state, "model", filters::MODELS, query).await,
        ["v1", "jobs"] => return rows::<Job>(state, "job", filters::JOBS, query).await,
        ["v1", "receipts"] => return paid::<ReceiptRow>(state, "receipt", filters::RECEIPTS, query).await,
        ["v1", "funding"] => return paid::<Funding>(state, "funding", filters::FUNDING, query).await,
        ["v1", "settlements"] => return rows::<Settlement>(state, "settlement", filters::SETTLEMENTS, query).await,
        ["v1", "operators"] => return rows::<Operator>(state, "operator", filters::NONE, query).await,
        ["v1", "committees"] => return rows::<Committee>(state, "committee", filters::COMMITTEES, query).await,
        ["v1", "batches"] => return rows::<Batch>(state, "batch", filters::BATCHES, query).await,
        ["v1", "datanets", id, "contributions"] => {
            allow(query, &PAGED, filters::CONTRIBUTIONS)?;
            let id = address("address", id)?;
            list::one::<Final<Datanet>>(&state.db, "datanet", "address", &id, "Datanet").await?;
            return Answer::json(&contributions::of_datanet(state, &id, query).await?);
        }
        _ => query.allow(&[])?,
    }
    match parts.as_slice() {
        ["openapi.json"] | ["v1", "openapi.json"] => Answer::json(&openapi::document()),
        ["metrics"] | ["v1", "metrics"] => {
            let text = state.metrics.text().map_err(|e| Refusal::unavailable(e.to_string()))?;
            Ok(Answer::Whole("text/plain; version=0.0.4", text.into_bytes()))
        }
        ["v1", "status"] => Answer::json(&status::status(state).await?),
        ["v1", "datanets", id] => row::<Datanet>(state, "datanet", id, "Datanet").await,
        ["v1", "batches", id] => row::<Batch>(state, "batch", id, "batch").await,
        ["v1", "models", id] => row::<Model>(state, "model", id, "model").await,
        ["v1", "jobs", id] => row::<Job>(state, "job", id, "job").await,
        ["v1", "contributions", leaf] => Answer::json(&contributions::with_proof(state, hash("leaf", leaf)?).await?),
        ["v1", "receipts", request] => Answer::json(&receipts::receipt(state, hash("request", request)?).await?),
        ["v1", "settlements", epoch] => {
            let epoch = number("epoch", epoch)? as i64;
            let found: Option<Final<Settlement>> =
                state.db.row("SELECT * FROM settlement WHERE epoch = $1", &[&epoch]).await?;
            Answer::json(&found.ok_or_else(|| Refusal::absent("settlement of epoch", &epoch.to_string()))?)
        }
        ["v1", "claims", wallet] => Answer::json(&claims::claims(state, &address("wallet", wallet)?).await?),
        ["v1", "wallets", wallet] => Answer::json(&wallets::wallet(state, &address("wallet", wallet)?).await?),
        _ => Err(Refusal::no_route(path)),
    }
}

/// Refuses parameters that are neither in `known` nor `filters`.
fn allow(query: &Query, known: &[&str], filters: &[Filter]) -> Result<(), Refusal> {
    let names: Vec<&str> = known.iter().copied().chain(filters.iter().map(|f| f.name)).collect();
    query.allow(&names)
}

/// Answers with a page of `view`, narrowed by the parameters that the request gives. Only `filters` are allowed.
async fn rows<T: DeserializeOwned + Serialize>(
    state: &State,
    view: &str,
    filters: &'static [Filter],
    query: &Query,
) -> Result<Answer, Refusal> {
    allow(query, &PAGED, filters)?;
    list::<T>(state, view, filters, query).await
}

/// Like [`rows`], for payments. The request may also narrow them to a range of slots.
async fn paid<T: DeserializeOwned + Serialize>(
    state: &State,
    view: &str,
    filters: &'static [Filter],
    query: &Query,
) -> Result<Answer, Refusal> {
    allow(query, &[PAGED, SLOTS].concat(), filters)?;
    list::<T>(state, view, filters, query).await
}

async fn list<T: DeserializeOwned + Serialize>(
    state: &State,
    view: &str,
    filters: &'static [Filter],
    query: &Query,
) -> Result<Answer, Refusal> {
    Answer::json(&list::page::<Final<T>>(&state.db, view, &query.filters(filters)?, query).await?)
}

/// Answers with the row of `view` about account `id`.
async fn row<T: DeserializeOwned + Serialize>(
    state: &State,
    view: &str,
    id: &str,
    what: &str,
) -> Result<Answer, Refusal> {
    Answer::json(&list::one::<Final<T>>(&state.db, view, "address", &address("address", id)?, what).await?)
}
