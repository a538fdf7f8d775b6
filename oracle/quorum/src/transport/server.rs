//! Serves the other members: checks the signed header of each request, reads its body, lets the participant answer it,
//! and signs the answer.

use std::{sync::Arc, time::Instant};

use bytes::Buf;
use futures::{Stream, StreamExt};
use serde_json::json;
use warp::{
    Filter, Reply,
    filters::BoxedFilter,
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    reply::Response,
};

use super::limits;
use crate::{
    answer::Answer,
    envelope::{Envelope, EnvelopeError, Header, Kind},
    error::{Code, Refusal, Result},
    membership::Committee,
    participant::Participant,
    quota::Place,
};

/// The route `POST /quorum/v1/<kind>`, which the node combines with its other routes.
pub fn routes(participant: Participant) -> BoxedFilter<(Response,)> {
    warp::path!("quorum" / "v1" / String)
        .and(warp::post())
        .and(warp::header::optional::<String>(Header::NAME))
        .and(warp::body::stream())
        .then(move |kind: String, header: Option<String>, body| {
            let participant = participant.clone();
            async move {
                match receive(&participant, &kind, header.as_deref(), body).await {
                    Ok(response) => response,
                    Err(Unsigned { status, code, message }) => {
                        let body = json!({ "error": { "code": code, "message": message } });
                        warp::reply::with_status(warp::reply::json(&body), status).into_response()
                    }
                }
            }
        })
        .boxed()
}

/// A response to somebody who has not shown to be a member.
struct Unsigned {
    status: StatusCode,
    code: &'static str,
    message: String,
}

fn unsigned(status: StatusCode, code: &'static str, message: impl Into<String>) -> Unsigned {
    Unsigned { status, code, message: message.into() }
}

async fn receive<B, E>(
    participant: &Participant,
    kind: &str,
    header: Option<&str>,
    body: impl Stream<Item = Result<B, E>>,
) -> Result<Response, Unsigned>
where
    B: Buf,
    E: std::fmt::Display,
{
    let (committee, header) = accept(participant, kind, header)?;
    let identity = &participant.identity;
    let longest = limits::longest(committee.size());
    let place: Place = match participant.quotas.enter(header.from, header.length, longest, Instant::now()) {
        Ok(place) => place,
        Err(wait) => {
            let seconds = wait.as_secs().max(1);
            let text = format!("you have used up your quota: ask again in {seconds} s");
            let refused = Answer::Refused(Refusal::new(Code::TooManyRequests, text));
            let mut response = signed(StatusCode::TOO_MANY_REQUESTS, header.reply(identity, &refused))?;
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
            return Ok(response);
        }
    };
    let reading = read(body, header.length);
    let bytes = tokio::time::timeout(participant.settings.request_timeout, reading)
        .await
        .map_err(|_| unsigned(StatusCode::REQUEST_TIMEOUT, "too_slow", "the body did not come in time"))?
        .map_err(|reason| unsigned(StatusCode::BAD_REQUEST, "bad_request", reason))?;
    let request = header.open(bytes).map_err(refused)?;
    let answer = participant.answer(&committee, &request).await;
    let status = match answer {
        Answer::Ready(_) => StatusCode::OK,
        Answer::Pending => StatusCode::ACCEPTED,
        Answer::Refused(_) => StatusCode::CONFLICT,
    };
    let response = signed(status, request.reply(identity, &answer));
    drop(place);
    response
}

/// Accepts the header of a well-signed, new request to this operator, of the kind that the URL names.
///
/// The cheap checks come first, the signature comes after them, and only a request that passes all of them uses up its
/// number.
fn accept(participant: &Participant, kind: &str, header: Option<&str>) -> Result<(Arc<Committee>, Header), Unsigned> {
    let bad = |message: String| unsigned(StatusCode::BAD_REQUEST, "bad_request", message);
    let kind = Kind::parse(kind).ok_or_else(|| {
        let message = format!("there is no message kind {kind:?} in version 1");
        unsigned(StatusCode::NOT_FOUND, "unknown_kind", message)
    })?;
    let header = header.ok_or_else(|| bad(format!("the header {} is missing", Header::NAME)))?;
    if header.len() > limits::HEADER {
        return Err(bad(format!("the header {} has more than {} bytes", Header::NAME, limits::HEADER)));
    }
    let header: Header =
        serde_json::from_str(header).map_err(|e| bad(format!("{} is not a signed header: {e}", Header::NAME)))?;
    if header.kind != kind {
        return Err(bad(format!("a {} message was posted to {}", header.kind.as_str(), kind.as_str())));
    }
    let committee = participant
        .committee(header.committee_epoch)
        .map_err(|e| unsigned(StatusCode::NOT_FOUND, "unknown_committee", e.to_string()))?;
    let limit = limits::request(kind, committee.size());
    if header.length > limit {
        let message = format!("a {} message has at most {limit} bytes", kind.as_str());
        return Err(unsigned(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message));
    }
    let replayed = || {
        let message = "this request was received before, or is older than this member's start: send a new one";
        unsigned(StatusCode::CONFLICT, "replayed", message)
    };
    if !participant.numbers.is_new(&header.from, header.number) {
        return Err(replayed());
    }
    header.verify(&committee, &participant.wallet()).map_err(refused)?;
    if !participant.numbers.take(&header.from, header.number) {
        return Err(replayed());
    }
    Ok((committee, header))
}

fn refused(error: EnvelopeError) -> Unsigned {
    unsigned(StatusCode::FORBIDDEN, "refused_envelope", error.to_string())
}

/// Reads a body of `length` bytes. Fails as soon as there are more.
async fn read<B: Buf, E: std::fmt::Display>(
    body: impl Stream<Item = Result<B, E>>,
    length: u64,
) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut body = std::pin::pin!(body);
    while let Some(chunk) = body.next().await {
        let mut chunk = chunk.map_err(|e| format!("the body cannot be read: {e}"))?;
        if (bytes.len() + chunk.remaining()) as u64 > length {
            return Err(format!("the body has more than the {length} bytes that its header names"));
        }
        while chunk.has_remaining() {
            let part = chunk.chunk();
            bytes.extend_from_slice(part);
            let taken = part.len();
            chunk.advance(taken);
        }
    }
    Ok(bytes)
}

/// The response that carries a signed answer.
fn signed(status: StatusCode, answer: Envelope) -> Result<Response, Unsigned> {
    let failed = |what: String| unsigned(StatusCode::INTERNAL_SERVER_ERROR, "unanswered", what);
    let header = serde_json::to_string(&answer.header).map_err(|e| failed(e.to_string()))?;
    let header = HeaderValue::from_str(&header).map_err(|e| failed(e.to_string()))?;
    let reply = warp::reply::with_header(answer.body, "content-type", "application/json");
    let mut response = warp::reply::with_status(reply, status).into_response();
    response.headers_mut().insert(Header::NAME, header);
    Ok(response)
}
