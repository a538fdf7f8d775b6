//! The HTTP interface of verification: what this member says of a job's log, and requests to look at one.

use super::verify::Verification;
use anyhow::{Context, Result};
use openledger_protocol::Hash32;
use openledger_sdk::text::{hash_hex, parse_key};
use serde::Deserialize;
use serde_json::json;
use warp::{
    Filter, Rejection, Reply,
    http::StatusCode,
    reply::{Response, json, with_status},
};

/// Names the result that is to be verified.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// Hash of the training manifest's blob.
    #[serde(with = "hash_hex")]
    manifest: Hash32,
}

/// `GET /v1/verifications/{job}` returns this member's signed word of a job, or 404 if it has said nothing.
/// `POST /v1/verifications/{job}` with the hash of the trainer's manifest has this member verify the job.
///
/// Anybody may ask. It costs a few reads, unless the manifest is signed by the job's trainer and of the log whose root
/// is on chain. Each segment of that log is re-executed once, however often somebody asks.
pub fn routes(verification: Verification) -> impl Filter<Extract = (impl Reply,), Error = Rejection> + Clone {
    let with = move || {
        let verification = verification.clone();
        warp::any().map(move || verification.clone())
    };
    let said = warp::path!("v1" / "verifications" / String).and(warp::get()).and(with()).map(said);
    let asked = warp::path!("v1" / "verifications" / String)
        .and(warp::post())
        .and(with())
        .and(warp::body::content_length_limit(1024))
        .and(warp::body::json())
        .then(|job: String, verification: Verification, asked: Asked| async move {
            match ask(&verification, &job, asked).await {
                Ok(()) => with_status(json(&json!({})), StatusCode::ACCEPTED).into_response(),
                Err(e) => refused(StatusCode::BAD_REQUEST, &e),
            }
        });
    said.or(asked)
}

fn said(job: String, verification: Verification) -> Response {
    match parse_key(&job) {
        Ok(job) => match verification.words.last(&job) {
            Some(word) => json(&word).into_response(),
            None => refused(StatusCode::NOT_FOUND, &anyhow::anyhow!("this operator has verified nothing of job {job}")),
        },
        Err(e) => refused(StatusCode::BAD_REQUEST, &e.into()),
    }
}

async fn ask(verification: &Verification, job: &str, asked: Asked) -> Result<()> {
    verification.ask(parse_key(job).context("the job")?, asked.manifest).await
}

fn refused(status: StatusCode, error: &anyhow::Error) -> Response {
    with_status(json(&json!({ "error": format!("{error:#}") })), status).into_response()
}
