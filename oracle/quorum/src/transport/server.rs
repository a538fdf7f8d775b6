//! Serves the other members: checks the signature of each request, lets the participant answer it, and signs the
//! answer.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::json;
use warp::{Filter, Rejection, Reply, filters::BoxedFilter, http::StatusCode, reply::Response};

use crate::{
    answer::Answer,
    envelope::{Envelope, Kind},
    error::{Error, Result},
    membership::Committee,
    participant::Participant,
};

/// Longest request in bytes. A round over 100,000 scores by 100 members still fits.
const MAX_BODY: u64 = 128 << 20;

/// The route `POST /quorum/v1/<kind>`, which the node combines with its other routes.
pub fn routes(participant: Participant) -> BoxedFilter<(Response,)> {
    warp::path!("quorum" / "v1" / String)
        .and(warp::post())
        .and(warp::body::content_length_limit(MAX_BODY))
        .and(warp::body::bytes())
        .then(move |kind: String, body: Bytes| {
            let participant = participant.clone();
            async move { receive(&participant, &kind, &body).await }
        })
        .recover(refuse_size)
        .unify()
        .boxed()
}

async fn receive(participant: &Participant, kind: &str, body: &[u8]) -> Response {
    match accept(participant, kind, body) {
        Err((status, code, message)) => unsigned(status, code, &message),
        Ok((committee, request)) => {
            let answer = participant.answer(&committee, &request).await;
            let envelope = request.reply(&participant.identity, &answer);
            let status = match answer {
                Answer::Ready(_) => StatusCode::OK,
                Answer::Pending => StatusCode::ACCEPTED,
                Answer::Refused(_) => StatusCode::CONFLICT,
            };
            warp::reply::with_status(warp::reply::json(&envelope), status).into_response()
        }
    }
}

type Accepted = (Arc<Committee>, Envelope);

/// Accepts a well-signed request to this operator of the kind that the URL names. Fails with status, code and text
/// otherwise.
fn accept(participant: &Participant, kind: &str, body: &[u8]) -> Result<Accepted, (StatusCode, &'static str, String)> {
    let bad = |message: String| (StatusCode::BAD_REQUEST, "bad_request", message);
    let kind = Kind::parse(kind).ok_or_else(|| {
        (StatusCode::NOT_FOUND, "unknown_kind", format!("there is no message kind {kind:?} in version 1"))
    })?;
    let request: Envelope = serde_json::from_slice(body).map_err(|e| bad(format!("this is not an envelope: {e}")))?;
    let committee = participant
        .committee(request.committee_epoch)
        .map_err(|e: Error| (StatusCode::NOT_FOUND, "unknown_committee", e.to_string()))?;
    if request.kind != kind {
        return Err(bad(format!("a {} message was posted to {}", request.kind.as_str(), kind.as_str())));
    }
    request
        .verify(&committee, &participant.wallet())
        .map_err(|e| (StatusCode::FORBIDDEN, "refused_envelope", e.to_string()))?;
    Ok((committee, request))
}

fn unsigned(status: StatusCode, code: &str, message: &str) -> Response {
    let body = json!({ "error": { "code": code, "message": message } });
    warp::reply::with_status(warp::reply::json(&body), status).into_response()
}

async fn refuse_size(rejection: Rejection) -> Result<Response, Rejection> {
    if rejection.find::<warp::reject::PayloadTooLarge>().is_some() {
        let message = format!("a message has at most {MAX_BODY} bytes");
        return Ok(unsigned(StatusCode::PAYLOAD_TOO_LARGE, "too_large", &message));
    }
    if rejection.find::<warp::reject::LengthRequired>().is_some() {
        return Ok(unsigned(StatusCode::LENGTH_REQUIRED, "length_required", "give a Content-Length"));
    }
    Err(rejection)
}
