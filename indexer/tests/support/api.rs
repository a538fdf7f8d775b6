//! The API over a history.

use super::{Server, World, frozen::Way, node::GENESIS};
use openledger_indexer::{api, datasource::Source, db::Database, ingest::ingest, metrics::Metrics};
use openledger_sdk::{api::IndexerClient, client::Client, store::Store};
use serde_json::Value;
use tokio::sync::oneshot;

/// An API that serves the history until dropped.
pub struct Api {
    pub way: Way,
    pub base: String,
    pub client: IndexerClient,
    pub source: Source,
    pub store: tempfile::TempDir,
    _node: Option<tokio::net::TcpListener>,
    _server: Server,
    _stop: oneshot::Sender<()>,
}

impl Api {
    /// The node behind it never answers.
    pub async fn start(world: &World) -> Self {
        let node = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", node.local_addr().expect("bound"));
        Self { _node: Some(node), ..Self::start_with(world, &url).await }
    }

    /// `node` is the URL of the node behind it.
    pub async fn start_with(world: &World, node: &str) -> Self {
        let server = Server::start();
        let url = server.url("api");
        let db = Database::open(&url).await.expect("the schema migrates");
        openledger_indexer::checkpoint::bind_cluster(&db, GENESIS).await.expect("bound");
        for record in &world.history {
            ingest(&db, record).await.expect("ingests");
        }
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::folder(folder.path()).expect("a store");
        // The second batch's manifest is missing on purpose.
        for shown in [0, 2] {
            store.put_blob(world.manifests[shown].to_bytes().expect("canonical")).await.expect("stored");
        }
        store.put_settlement_report(1, world.report.clone()).await.expect("stored");
        let source = Source::new(Client::new(node, "ws://127.0.0.1:9"), db, Metrics::new().expect("metrics"));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("bound"));
        let way = Way::to(&url).await;
        let reader = Database::reader(&way.url(&url)).expect("a URL");
        let (stop, stopped) = oneshot::channel();
        tokio::spawn(api::serve(api::State::new(&source, reader, Some(store)), listener, async {
            let _ = stopped.await;
        }));
        Self {
            client: IndexerClient::new(&base),
            way,
            base,
            source,
            store: folder,
            _node: None,
            _server: server,
            _stop: stop,
        }
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        let response = reqwest::get(format!("{}{path}", self.base)).await.expect("answers");
        let status = response.status().as_u16();
        (status, response.json().await.unwrap_or_else(|e| panic!("{path}: {e}")))
    }
}
