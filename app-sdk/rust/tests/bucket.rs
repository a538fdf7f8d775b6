//! A bucket as a store, against a real S3-compatible server (s3s over a folder) that checks every signature.

use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use openledger_sdk::{
    Store,
    artifact::Audit,
    store::{Key, StoreError},
};
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use s3s_fs::FileSystem;
use solana_pubkey::Pubkey;

/// A server with the bucket `artifacts`, until dropped.
struct Server {
    folder: tempfile::TempDir,
    endpoint: String,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("artifacts")).unwrap();
        let mut service = S3ServiceBuilder::new(FileSystem::new(folder.path()).unwrap());
        service.set_auth(SimpleAuth::from_single("reader", "secret"));
        let service = service.build();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let task = tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let service = service.clone();
                tokio::spawn(async move {
                    let server = Builder::new(TokioExecutor::new());
                    let _ = server.serve_connection(TokioIo::new(socket), service).await;
                });
            }
        });
        Self { folder, endpoint, task }
    }

    fn store(&self, url: &str, secret: &str) -> Store {
        let environment = [
            ("AWS_ENDPOINT_URL", self.endpoint.as_str()),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "reader"),
            ("AWS_SECRET_ACCESS_KEY", secret),
            ("HOME", "/"),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Store::open_in(url, None, environment).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[tokio::test]
async fn a_bucket_does_what_a_folder_does() {
    let server = Server::start().await;
    let store = server.store("s3://artifacts/net/one", "secret");
    let hash = store.put_blob("a page").await.unwrap();
    assert_eq!(store.get_blob(&hash).await.unwrap(), "a page");
    assert_eq!(store.blob_bytes(&hash).await.unwrap(), Some(6));
    assert!(matches!(store.get_blob_within(&hash, 5).await, Err(StoreError::Size { found: 6, .. })));
    assert!(matches!(store.get_blob(&[9; 32]).await, Err(StoreError::Missing { .. })));
    assert!(!store.has_blob(&[9; 32]).await.unwrap());

    let long: Vec<u8> = (0..20u32 << 20).map(|n| (n ^ (n >> 9)) as u8).collect();
    let hash = store.put_blob(long.clone()).await.unwrap();
    assert_eq!(store.get_blob(&hash).await.unwrap(), long);

    let report = store.put_settlement_report(3, "{}").await.unwrap();
    assert_eq!(store.get_blob(&report).await.unwrap(), "{}");
    for operator in [2, 1] {
        let operator = Pubkey::new_from_array([operator; 32]);
        let (version, signature) = (Audit::VERSION, String::new());
        let audit = Audit { version, epoch: 3, report, block: [4; 32], operator, answers: vec![], signature };
        store.put_audit(&audit).await.unwrap();
    }
    let audits = store.audits(3).await.unwrap();
    assert_eq!(audits.iter().map(|a| a.operator.to_bytes()[0]).collect::<Vec<_>>(), [1, 2]);
    assert!(store.audits(4).await.unwrap().is_empty() && store.answered().await.unwrap().is_empty());

    // The prefix keeps networks apart.
    assert!(server.folder.path().join("artifacts/net/one").join(Key::Blob(hash).to_string()).exists());
    assert!(!server.store("s3://artifacts", "secret").has_blob(&hash).await.unwrap());
}

#[tokio::test]
async fn a_forged_object_is_noticed_and_mended() {
    let server = Server::start().await;
    let store = server.store("s3://artifacts", "secret");
    let hash = store.put_blob("a page").await.unwrap();
    std::fs::write(server.folder.path().join("artifacts").join(Key::Blob(hash).to_string()), "forged").unwrap();
    assert!(matches!(store.get_blob(&hash).await, Err(StoreError::Hash { .. })));
    store.put_blob("a page").await.unwrap();
    assert_eq!(store.get_blob(&hash).await.unwrap(), "a page");
}

#[tokio::test]
async fn a_wrong_secret_is_refused_by_the_server() {
    let server = Server::start().await;
    let wrong = server.store("s3://artifacts", "guess");
    let error = wrong.put_blob("a page").await.unwrap_err().to_string();
    assert!(error.contains("the artifact store failed"), "{error}");
    let right = server.store("s3://artifacts", "secret");
    assert!(!right.has_blob(&openledger_protocol::hash::sha256(&[b"a page"])).await.unwrap());
}
