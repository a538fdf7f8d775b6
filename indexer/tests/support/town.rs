//! The API and the artifact service, over everything that there can be.

use super::{api::Api, council::council, node::Node, world};
use openledger_indexer::{
    artifacts::{self, Limits, Service},
    ingest::ingest,
};
use openledger_sdk::store::Store;

/// Both services over both histories, until dropped. The node behind them answers.
pub struct Town {
    pub api: Api,
    pub artifacts: String,
    _node: Node,
}

impl Town {
    pub async fn start() -> Self {
        let node = Node::start(2_000, 1_000, vec![]).await;
        node.tell_accounts();
        let api = Api::start_with(&world(), &node.url).await;
        for record in &council().history {
            ingest(&api.source.db, record).await.expect("ingests");
        }
        let store = Store::folder(api.store.path()).expect("a store");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let uploads = api.store.path().join("uploads");
        let (db, client, metrics) =
            (api.source.db.clone(), api.source.client.clone(), api.source.metrics.artifacts.clone());
        // The report came into the store beside the service, which is told of it as of one that an operator stored.
        let report = openledger_protocol::hash::sha256(&[&world().report]);
        let service = Service::open([db.clone(), db.clone()], client, store, uploads, &url, Limits::default(), metrics)
            .await
            .expect("opens");
        let sql = "INSERT INTO artifacts.upload (hash, wallet, bytes, operator, named) VALUES ($1, $2, $3, true, true)";
        let (operator, bytes) = (world().operator.to_string(), world().report.len() as i64);
        db.execute(sql, &[&report.as_slice(), &operator, &bytes]).await.expect("is noted");
        let sql = "INSERT INTO artifacts.name (hash, kind, opened) VALUES ($1, 'report', true)";
        db.execute(sql, &[&report.as_slice()]).await.expect("is named");
        tokio::spawn(warp::serve(artifacts::routes(service)).incoming(listener).run());
        Self { api, artifacts: url, _node: node }
    }
}
