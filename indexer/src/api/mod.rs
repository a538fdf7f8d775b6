//! The HTTP API: REST under `/v1`, live events, OpenAPI and metrics.

mod cache;
mod claims;
mod contributions;
mod error;
mod events;
mod list;
mod openapi;
mod query;
mod receipts;
mod routes;
mod state;
mod status;
mod wallets;

use std::{collections::HashMap, convert::Infallible, future::Future};
use tokio::net::TcpListener;
use warp::{Filter, http::Method, reply::Response};

pub use list::Final;
pub use state::State;
pub use status::Status;

/// Serves the API on `listener` until `stop` resolves.
pub async fn serve(state: State, listener: TcpListener, stop: impl Future<Output = ()> + Send + 'static) {
    let cors = warp::cors()
        .allow_any_origin()
        .allow_methods(&[Method::GET, Method::OPTIONS])
        .allow_headers(["content-type", "last-event-id"]);
    let any = warp::method()
        .and(warp::path::full())
        .and(warp::query::<HashMap<String, String>>())
        .and(warp::header::optional::<String>("last-event-id"))
        .then(move |method: Method, path: warp::path::FullPath, query, last_id| {
            let state = state.clone();
            async move { answer(&state, &method, path.as_str(), query::Query(query), last_id).await }
        })
        .recover(|_| async {
            // Only a query part that is not `name=value&…` is rejected.
            Ok::<_, Infallible>(
                error::Refusal::bad("the query part is not readable: write name=value&name=value").into_response(),
            )
        })
        .with(cors);
    warp::serve(any).incoming(listener).graceful(stop).run().await;
}

async fn answer(state: &State, method: &Method, path: &str, query: query::Query, last_id: Option<String>) -> Response {
    let timer = state.metrics.answer_seconds.start_timer();
    let response = if method == Method::GET {
        routes::route(state, path, &query, last_id).await.unwrap_or_else(error::Refusal::into_response)
    } else {
        error::Refusal::method().into_response()
    };
    timer.observe_duration();
    state.metrics.answers.with_label_values(&[response.status().as_str()]).inc();
    response
}
