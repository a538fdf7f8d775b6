//! The HTTP API: REST under `/v1`, live events, OpenAPI and metrics.

mod accepted;
mod answer;
mod artifact_document;
mod cache;
mod claims;
mod contributions;
mod describe;
mod document;
mod error;
mod events;
mod list;
mod live;
mod parameters;
mod proposals;
mod query;
mod receipts;
mod route;
mod routes;
mod state;
mod status;
mod wallets;

use crate::listen;
use error::Refusal;
use std::{convert::Infallible, future::Future, time::Duration};
use tokio::net::TcpListener;
use warp::{
    Filter,
    http::{
        HeaderMap, Method, StatusCode,
        header::{ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, ETAG, HeaderName, RETRY_AFTER},
    },
    reply::{Reply, Response},
};

pub use state::State;
pub use status::Status;

/// Headers of answers that a browser shows to pages of other origins.
const EXPOSED: [HeaderName; 6] = [ETAG, ALLOW, RETRY_AFTER, CONTENT_LENGTH, CONTENT_ENCODING, CACHE_CONTROL];

/// Serves the API on `listener` until `stop` resolves.
pub async fn serve(state: State, listener: TcpListener, stop: impl Future<Output = ()> + Send + 'static) {
    let cors = warp::cors()
        .allow_any_origin()
        .allow_methods(&[Method::GET, Method::HEAD, Method::OPTIONS])
        .allow_headers(["content-type", "last-event-id", "if-none-match"])
        .expose_headers(EXPOSED)
        .max_age(Duration::from_secs(86_400));
    let any = warp::method()
        .and(warp::path::full())
        .and(warp::query::<Vec<(String, String)>>())
        .and(warp::header::headers_cloned())
        .then(move |method: Method, path: warp::path::FullPath, query, headers| {
            let state = state.clone();
            async move { answer(&state, &method, path.as_str(), query, &headers).await }
        })
        .recover(|_| async {
            // Only a query part that is not `name=value&…` is rejected.
            Ok::<_, Infallible>(
                Refusal::unreadable("the query part is not readable: write name=value&name=value").into_response(),
            )
        })
        .with(cors)
        .boxed();
    listen::serve(any, listener, stop).await;
}

async fn answer(
    state: &State,
    method: &Method,
    path: &str,
    query: Vec<(String, String)>,
    headers: &HeaderMap,
) -> Response {
    let timer = state.metrics.answer_seconds.start_timer();
    let response = match *method {
        // The server sends no body to a HEAD.
        Method::GET | Method::HEAD => respond(state, path, query, headers).await.unwrap_or_else(Refusal::into_response),
        Method::OPTIONS => warp::reply::with_header(StatusCode::NO_CONTENT, ALLOW, error::METHODS).into_response(),
        _ => Refusal::method().into_response(),
    };
    timer.observe_duration();
    state.metrics.answers.with_label_values(&[response.status().as_str()]).inc();
    response
}

async fn respond(
    state: &State,
    path: &str,
    query: Vec<(String, String)>,
    headers: &HeaderMap,
) -> Result<Response, Refusal> {
    let query = query::Query::new(query)?;
    let last_id = headers.get("last-event-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    Ok(routes::answer(state, path, query, last_id).await?.into_response(headers))
}
