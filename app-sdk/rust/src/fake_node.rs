//! A node for tests: real HTTP, and the answers that a test wants.

use serde_json::{Value, json};
use solana_pubkey::Pubkey;
use warp::Filter;

/// Serves JSON-RPC and returns its URL. `answer` gets a request's method and parameters and gives its result or its error.
pub async fn serve(answer: impl Fn(&str, &Value) -> Result<Value, Value> + Clone + Send + Sync + 'static) -> String {
    let rpc = warp::post().and(warp::body::json()).map(move |request: Value| {
        let (name, value) = match answer(request["method"].as_str().unwrap_or_default(), &request["params"]) {
            Ok(result) => ("result", result),
            Err(error) => ("error", error),
        };
        warp::reply::json(&json!({ "jsonrpc": "2.0", "id": request["id"], name: value }))
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(warp::serve(rpc).incoming(listener).run());
    url
}

/// Serves one account at every address.
pub async fn account(owner: Pubkey, data: Vec<u8>) -> String {
    serve(move |_, _| Ok(found(&owner, &data))).await
}

/// The answer of a node that has an account.
pub fn found(owner: &Pubkey, data: &[u8]) -> Value {
    let data = json!([bs58::encode(data).into_string(), "base58"]);
    let account = json!({
        "lamports": 1, "owner": owner.to_string(), "data": data, "executable": false, "rentEpoch": 0, "space": 0,
    });
    json!({ "context": { "slot": 1 }, "value": account })
}

/// The answer of a node that has no such account.
pub fn none() -> Value {
    json!({ "context": { "slot": 1 }, "value": null })
}
