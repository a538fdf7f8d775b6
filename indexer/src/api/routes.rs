//! Routes requests to their handlers.

use super::{
    claims, contributions,
    error::Refusal,
    events,
    list::{self, Final},
    openapi,
    query::{Query, address, hash, number},
    receipts,
    state::State,
    status, wallets,
};
use openledger_sdk::api::types::{Batch, Committee, Datanet, Funding, Job, Model, Operator, ReceiptRow, Settlement};
use serde::{Serialize, de::DeserializeOwned};
use warp::reply::{Reply, Response};

/// Parameters of every list.
const PAGED: [&str; 2] = ["cursor", "limit"];
/// Parameters that narrow a list to a range of slots: later than `after_slot`, and not later than `until_slot`.
const SLOTS: [&str; 2] = ["after_slot", "until_slot"];

/// Answers `GET path`.
pub async fn route(state: &State, path: &str, query: &Query, last_id: Option<String>) -> Result<Response, Refusal> {
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match parts.as_slice() {
        ["v1", "events"] => {
            query.allow(&["after", "cursor", "limit", "program", "name", "subject"])?;
            return json(events::page(state, query).await?);
        }
        ["v1", "events", "stream"] => {
            query.allow(&["after"])?;
            return events::stream(state, query, last_id).await;
        }
        ["v1", "datanets"] => return rows::<Datanet>(state, "datanet", &["owner", "access"], query).await,
        ["v1", "models"] => return rows::<Model>(state, "model", &["owner", "status"], query).await,
        ["v1", "jobs"] => return rows::<Job>(state, "job", &["model", "requester", "operator", "status"], query).await,
        ["v1", "receipts"] => {
            return paid::<ReceiptRow>(state, "receipt", &["model", "payer", "operator"], query).await;
        }
        ["v1", "funding"] => {
            return paid::<Funding>(state, "funding", &["pool", "subject", "payer", "job", "model"], query).await;
        }
        ["v1", "settlements"] => return rows::<Settlement>(state, "settlement", &["status"], query).await,
        ["v1", "operators"] => return rows::<Operator>(state, "operator", &[], query).await,
        ["v1", "committees"] => return rows::<Committee>(state, "committee", &["status"], query).await,
        ["v1", "batches"] => return rows::<Batch>(state, "batch", &["datanet", "contributor", "status"], query).await,
        ["v1", "datanets", id, "contributions"] => {
            query.allow(&["cursor", "limit", "status", "contributor", "batch"])?;
            let id = address(id)?;
            list::one::<Final<Datanet>>(&state.db, "datanet", "address", &id, "Datanet").await?;
            return json(contributions::of_datanet(state, &id, query).await?);
        }
        _ => query.allow(&[])?,
    }
    match parts.as_slice() {
        ["openapi.json"] | ["v1", "openapi.json"] => json(openapi::document()),
        ["metrics"] | ["v1", "metrics"] => {
            let text = state.metrics.text().map_err(|e| Refusal::unavailable(e.to_string()))?;
            Ok(warp::reply::with_header(text, "content-type", "text/plain; version=0.0.4").into_response())
        }
        ["v1", "status"] => json(status::status(state).await?),
        ["v1", "datanets", id] => row::<Datanet>(state, "datanet", id, "Datanet").await,
        ["v1", "batches", id] => row::<Batch>(state, "batch", id, "batch").await,
        ["v1", "models", id] => row::<Model>(state, "model", id, "model").await,
        ["v1", "jobs", id] => row::<Job>(state, "job", id, "job").await,
        ["v1", "contributions", leaf] => json(contributions::with_proof(state, hash(leaf)?).await?),
        ["v1", "receipts", request] => json(receipts::receipt(state, hash(request)?).await?),
        ["v1", "settlements", epoch] => {
            let epoch = number("epoch", epoch)? as i64;
            let found: Option<Final<Settlement>> =
                state.db.row("SELECT * FROM settlement WHERE epoch = $1", &[&epoch]).await?;
            json(found.ok_or_else(|| Refusal::absent("settlement of epoch", &epoch.to_string()))?)
        }
        ["v1", "claims", wallet] => json(claims::claims(state, &address(wallet)?).await?),
        ["v1", "wallets", wallet] => json(wallets::wallet(state, &address(wallet)?).await?),
        _ => Err(Refusal::no_route(path)),
    }
}

fn json(value: impl Serialize) -> Result<Response, Refusal> {
    Ok(warp::reply::json(&value).into_response())
}

/// Answers with a page of `view`, narrowed by the parameters that the request gives. Only `filters` are allowed.
async fn rows<T: DeserializeOwned + Serialize>(
    state: &State,
    view: &str,
    filters: &[&str],
    query: &Query,
) -> Result<Response, Refusal> {
    query.allow(&[&PAGED, filters].concat())?;
    list::<T>(state, view, filters, query).await
}

/// Like [`rows`], for payments. The request may also narrow them to a range of slots.
async fn paid<T: DeserializeOwned + Serialize>(
    state: &State,
    view: &str,
    filters: &[&str],
    query: &Query,
) -> Result<Response, Refusal> {
    query.allow(&[&PAGED, &SLOTS, filters].concat())?;
    list::<T>(state, view, filters, query).await
}

async fn list<T: DeserializeOwned + Serialize>(
    state: &State,
    view: &str,
    filters: &[&str],
    query: &Query,
) -> Result<Response, Refusal> {
    let named: Vec<_> = filters.iter().filter_map(|f| query.text(f).map(|v| (*f, v))).collect();
    json(list::page::<Final<T>>(&state.db, view, &named, query).await?)
}

/// Answers with the row of `view` about account `id`.
async fn row<T: DeserializeOwned + Serialize>(
    state: &State,
    view: &str,
    id: &str,
    what: &str,
) -> Result<Response, Refusal> {
    json(list::one::<Final<T>>(&state.db, view, "address", &address(id)?, what).await?)
}
