//! Routes requests to their handlers.

use super::{
    put::{self, Body, Head},
    read,
    refusal::Refusal,
    service::Service,
};
use bytes::Buf;
use futures::{Stream, StreamExt, TryStreamExt};
use openledger_sdk::store::{
    Key, Permit,
    protocol::{OFFSET, ROOT},
};
use std::{collections::HashMap, convert::Infallible};
use warp::{
    Filter,
    filters::BoxedFilter,
    http::{
        HeaderMap, Method, StatusCode,
        header::{CONTENT_LENGTH, CONTENT_RANGE},
    },
    reply::{Reply, Response},
};

/// Everything that the service answers.
pub fn routes(service: Service) -> BoxedFilter<(Response,)> {
    let cors = warp::cors()
        .allow_any_origin()
        .allow_methods(&[Method::GET, Method::HEAD, Method::PUT, Method::OPTIONS])
        .allow_headers([
            Permit::HEADER,
            "content-type",
            "content-range",
            "range",
            "if-range",
            "if-match",
            "if-none-match",
        ])
        .expose_headers(["etag", "content-length", "content-range", "accept-ranges", "retry-after", OFFSET]);
    warp::method()
        .and(warp::path::full())
        .and(warp::query::<HashMap<String, String>>())
        .and(warp::header::headers_cloned())
        .and(warp::body::stream().map(pieces))
        .then(move |method: Method, path: warp::path::FullPath, query: HashMap<String, String>, headers, body: Body| {
            let (service, requests, name) = (service.clone(), service.metrics.requests.clone(), named(&method));
            async move {
                // A client that goes away must not stop what is just being written.
                let answered =
                    tokio::spawn(async move { answer(&service, &method, path.as_str(), &query, headers, body).await });
                let response = match answered.await {
                    Ok(answer) => answer.unwrap_or_else(Refusal::into_response),
                    Err(error) => Refusal::unavailable("the service failed", &error).into_response(),
                };
                requests.with_label_values(&[name, response.status().as_str()]).inc();
                response
            }
        })
        .recover(|_| async {
            // Only a query part that is not `name=value&…` is rejected.
            Ok::<_, Infallible>(Refusal::bad("the query part is not readable: write name=value").into_response())
        })
        .unify()
        .with(cors)
        .map(Reply::into_response)
        .boxed()
}

/// The method's name among the metrics. Whatever a stranger makes up is one of them.
fn named(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::PUT => "PUT",
        _ => "other",
    }
}

fn pieces<B: Buf>(body: impl Stream<Item = Result<B, warp::Error>> + Send + 'static) -> Body {
    body.map_ok(|mut piece| piece.copy_to_bytes(piece.remaining())).boxed()
}

async fn answer(
    service: &Service,
    method: &Method,
    path: &str,
    query: &HashMap<String, String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let no_route = || {
        let error = format!("nothing is at {path}: artifacts are at /{ROOT}/SHA256 and /{ROOT}/KEY");
        Refusal::new(StatusCode::NOT_FOUND, error)
    };
    let name = path.trim_start_matches('/').strip_prefix(ROOT).and_then(|rest| rest.strip_prefix('/'));
    let name = name.ok_or_else(no_route)?;
    let folder = match name.split('/').collect::<Vec<_>>().as_slice() {
        ["answers"] => true,
        ["audits" | "settlements", epoch] => epoch.parse::<u64>().is_ok_and(|n| n.to_string() == *epoch),
        _ => false,
    };
    if folder {
        return match *method {
            Method::GET => read::list(service, name, query.get("after").map(String::as_str)).await,
            _ => Err(Refusal::method("GET, OPTIONS")),
        };
    }
    let key: Key = match name.contains('/') {
        true => name.parse(),
        false => format!("blobs/{name}").parse(),
    }
    .map_err(|e: openledger_sdk::store::KeyError| Refusal::new(StatusCode::NOT_FOUND, e.to_string()))?;
    if name.starts_with("blobs/") {
        // An artifact has one address.
        return Err(no_route());
    }
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    match *method {
        Method::GET => read::read(service, &key, &headers, false).await,
        Method::HEAD => read::read(service, &key, &headers, true).await,
        Method::PUT => {
            let head = Head {
                permit: header(Permit::HEADER),
                content_range: header(CONTENT_RANGE.as_str()),
                content_length: header(CONTENT_LENGTH.as_str()).and_then(|text| text.parse().ok()),
            };
            put::put(service, key, head, body).await
        }
        _ => Err(Refusal::method("GET, HEAD, PUT, OPTIONS")),
    }
}
