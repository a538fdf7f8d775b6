//! What a Datanet has is learned without the ledger's history, over HTTP as against real services.

use openledger_sdk::{
    Client, Store,
    api::IndexerClient,
    flow::{contribute::Contribution, contribute::manifest, held::held},
    manifest::Metadata,
};
use serde_json::{Value, json};
use solana_pubkey::Pubkey;
use std::sync::{Arc, Mutex};
use warp::Filter;

/// Serves a node without batches, and returns its address and the methods that it is asked for.
async fn node() -> (String, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = asked.clone();
    let rpc = warp::post().and(warp::body::json()).map(move |request: Value| {
        seen.lock().unwrap().push(request["method"].as_str().unwrap().to_owned());
        warp::reply::json(&json!({ "jsonrpc": "2.0", "id": request["id"], "result": [] }))
    });
    (serve(rpc).await, asked)
}

/// Serves an indexer that knows each of these leaves with its status.
async fn indexer(known: Vec<(String, &'static str)>) -> String {
    let route = warp::path!("v1" / "contributions" / String).map(move |leaf: String| {
        let found = known.iter().find(|(name, _)| *name == leaf);
        let body = match found {
            Some((leaf, status)) => json!({
                "leaf": leaf, "datanet": "", "batch": "", "batch_index": 0, "place": 0, "contributor": "", "status": status,
                "detail": null, "slot": 1, "signature": "", "proof": null,
            }),
            None => json!({ "error": "unknown" }),
        };
        let status = if found.is_some() { 200 } else { 404 };
        warp::reply::with_status(warp::reply::json(&body), warp::http::StatusCode::from_u16(status).unwrap())
    });
    serve(route).await
}

async fn serve<F>(filter: F) -> String
where
    F: Filter<Error = warp::Rejection> + Clone + Send + Sync + 'static,
    F::Extract: warp::Reply,
{
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(warp::serve(filter).incoming(listener).run());
    url
}

#[tokio::test]
async fn accepted_and_reviewed_leaves_are_there_and_no_history_is_read() {
    let (datanet, wallet) = (Pubkey::new_from_array([1; 32]), Pubkey::new_from_array([2; 32]));
    let texts = ["accepted", "reviewed", "rejected", "new"];
    let all = texts.map(|text| Contribution::document(text, Metadata::default()));
    let leaves = manifest(&wallet, &datanet, &all).unwrap().leaf_hashes();
    let known = leaves.iter().map(hex::encode).zip(["accepted", "review", "rejected"]).collect();
    let ((node, asked), api) = (node().await, indexer(known).await);
    let folder = tempfile::tempdir().unwrap();
    let (client, store) = (Client::new(&node, ""), Store::folder(folder.path()).unwrap());
    let has = held(&client, &IndexerClient::new(api), &store, &datanet, &wallet, &leaves).await.unwrap();
    assert_eq!(has.leaves, leaves[..2].iter().copied().collect());
    assert_eq!(*asked.lock().unwrap(), ["getProgramAccounts"]);
    // Without an indexer nothing is known to be there, and validators' rules decide.
    let nobody = IndexerClient::new("http://127.0.0.1:9");
    assert!(held(&client, &nobody, &store, &datanet, &wallet, &leaves).await.unwrap().leaves.is_empty());
}
