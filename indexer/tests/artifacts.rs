//! Tests of the artifact service: real HTTP, a real folder behind it, a real database, and clients that lie, are cut off
//! or are slow.

mod support;

use datanet::events::DatanetCreated;
use openledger_indexer::{
    artifacts::{self, Limits, Service, sweep},
    db::Database,
    ingest::{TransactionRecord, ingest, set_aside},
    metrics::Metrics,
};
use openledger_interface::{events::Event, pda};
use openledger_protocol::hash::sha256;
use openledger_sdk::{
    Store,
    amount::Amount,
    artifact::Audit,
    client::Client,
    manifest::{Kind, Leaf, Manifest, Metadata, Original},
    receipt::{Answer, Receipt},
    store::{
        Key, Permit, StoreError,
        protocol::{OFFSET, PART},
    },
};
use reqwest::{Method, Response, StatusCode};
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use support::{Server, created, hash, key, paid};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

const WEIGHTS: [u8; 32] = [77; 32];

/// A service with a registered operator that was paid for one request, until dropped.
struct Town {
    base: String,
    address: SocketAddr,
    service: Service,
    db: Database,
    database: String,
    folder: tempfile::TempDir,
    operator: Keypair,
    identity: Keypair,
    request: [u8; 32],
    task: JoinHandle<()>,
    slot: AtomicUsize,
    _server: Server,
}

impl Town {
    async fn start() -> Self {
        Self::start_with(Limits::default(), None).await
    }

    /// `url` is where clients reach the service, if it is not its own address.
    async fn start_with(limits: Limits, url: Option<String>) -> Self {
        let server = Server::start();
        let db = server.database("artifacts").await;
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let base = url.unwrap_or_else(|| format!("http://{address}"));
        let database = server.url("artifacts");
        let service = open(&database, folder.path(), &base, limits).await;
        let task = serve(&service, listener);
        let (operator, identity, request) = (Keypair::new(), Keypair::new(), hash(7));
        let town = Self {
            base,
            address,
            service,
            db,
            database,
            folder,
            operator,
            identity,
            request,
            task,
            slot: AtomicUsize::new(1),
            _server: server,
        };
        town.stakes(&town.operator.pubkey(), stake::state::Role::Operator).await;
        town.registers(&town.operator.pubkey()).await;
        town.pays(&town.operator.pubkey(), 0).await;
        town
    }

    async fn happens(&self, event: Event) {
        let n = self.slot.fetch_add(1, Ordering::SeqCst);
        let record = TransactionRecord {
            signature: bs58::encode([n as u8; 64]).into_string(),
            slot: 100 + n as u64,
            place: None,
            block_time: None,
            failed: false,
            events: vec![event],
            unread: vec![],
        };
        ingest(&self.db, &record).await.unwrap();
    }

    async fn stakes(&self, owner: &Pubkey, role: stake::state::Role) {
        let (position, owner) = (pda::position(owner, role), *owner);
        let staked = stake::events::Staked { position, sequence: 0, owner, role, added: 70, amount: 70 };
        self.happens(Event::Staked(staked)).await;
    }

    /// Somebody pays `operator` for the request.
    async fn pays(&self, operator: &Pubkey, sequence: u64) {
        self.happens(Event::Paid(paid(sequence, self.request, *operator))).await;
    }

    /// A wallet registers an operator.
    async fn registers(&self, owner: &Pubkey) {
        self.happens(Event::OperatorRegistered(stake::events::OperatorRegistered {
            operator: pda::operator(owner),
            sequence: 0,
            owner: *owner,
            identity: self.identity.pubkey(),
            endpoint: "http://a:1".into(),
            capabilities: 5,
        }))
        .await;
    }

    /// Notes what a look does once the chain names a blob.
    async fn names(&self, blob: &[u8; 32]) {
        let sql = "INSERT INTO artifacts.name (hash, kind, opened) VALUES ($1, 'other', true) ON CONFLICT DO NOTHING";
        self.db.execute(sql, &[&blob.as_slice()]).await.unwrap();
    }

    fn store(&self, wallet: &Keypair) -> Store {
        Store::open_as(&self.base, Some(Arc::new(wallet.insecure_clone()))).unwrap()
    }

    fn reader(&self) -> Store {
        Store::open(&self.base).unwrap()
    }

    fn permit(&self, wallet: &Keypair, key: &Key, bytes: u64, hash: [u8; 32]) -> Permit {
        Permit::to_store(wallet, self.base.clone(), key, bytes, hash, now() + 300).unwrap()
    }

    async fn put(&self, path: &str, permit: Option<&Permit>, body: impl Into<reqwest::Body>) -> Response {
        let request = reqwest::Client::new().put(format!("{}/v1/artifacts/{path}", self.base)).body(body);
        let request = match permit {
            Some(permit) => request.header(Permit::HEADER, serde_json::to_string(permit).unwrap()),
            None => request,
        };
        request.send().await.unwrap()
    }

    async fn put_part(&self, permit: &Permit, range: &str, body: Vec<u8>) -> Response {
        reqwest::Client::new()
            .put(format!("{}/v1/artifacts/{}", self.base, hex::encode(permit.hash)))
            .header(Permit::HEADER, serde_json::to_string(permit).unwrap())
            .header("content-range", range)
            .body(body)
            .send()
            .await
            .unwrap()
    }

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        self.ask(Method::GET, path, headers).await
    }

    async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Response {
        let mut request = reqwest::Client::new().request(method, format!("{}/v1/artifacts/{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap()
    }

    /// Files with artifacts, and files with unfinished uploads.
    fn files(&self) -> (usize, usize) {
        let artifacts =
            walk(&self.folder.path().join("store")).into_iter().filter(|file| !file.starts_with(self.notes()));
        (artifacts.count(), walk(&self.folder.path().join("uploads")).len())
    }

    /// The folder with the notes of who has stored what.
    fn notes(&self) -> PathBuf {
        self.folder.path().join("store/owners")
    }

    fn blob_file(&self, hash: &[u8; 32]) -> PathBuf {
        self.folder.path().join("store").join(Key::Blob(*hash).to_string())
    }

    /// Stops the service as a kill would, and starts it again at the same address.
    async fn restart(&mut self, limits: Limits) {
        self.task.abort();
        let _ = (&mut self.task).await;
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.service = open(&self.database, self.folder.path(), &self.base, limits).await;
        self.task = serve(&self.service, listener);
    }

    fn answer(&self, text: &str) -> Answer {
        let mut answer = Answer {
            version: openledger_sdk::receipt::VERSION,
            request: self.request,
            model: key(2),
            adapter_hash: hash(1),
            manifest_hash: hash(2),
            payer: key(1),
            operator: self.operator.pubkey(),
            epoch: 1,
            prompt_tokens: vec![1],
            output_tokens: vec![2],
            text: text.into(),
            fee: Amount(1000),
            payment_signature: "s".into(),
            created_slot: 5,
            receipt: Receipt {
                method: "m".into(),
                settings_hash: hash(3),
                contributors: Amount(400),
                influences: vec![],
                weights: WEIGHTS,
                spans: vec![],
            },
            signature: String::new(),
        };
        answer.sign(&self.identity).unwrap();
        answer
    }
}

impl Drop for Town {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn open(database: &str, folder: &Path, url: &str, limits: Limits) -> Service {
    let store = Store::folder(folder.join("store")).unwrap();
    let nowhere = Arc::new(Client::new("http://127.0.0.1:9", "ws://127.0.0.1:9"));
    let db = Database::artifacts(database).unwrap();
    let metrics = Metrics::new().unwrap().artifacts;
    Service::open(db, nowhere, store, folder.join("uploads"), url, limits, metrics).await.unwrap()
}

fn serve(service: &Service, listener: TcpListener) -> JoinHandle<()> {
    tokio::spawn(warp::serve(artifacts::routes(service.clone())).incoming(listener).run())
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.path() {
            path if path.is_dir() => found.extend(walk(&path)),
            path => found.push(path),
        }
    }
    found
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn long(bytes: u64) -> Vec<u8> {
    (0..bytes).map(|n| (n ^ (n >> 9) ^ (n >> 17)) as u8).collect()
}

async fn error(response: Response, status: StatusCode) -> String {
    let (found, text) = (response.status(), response.text().await.unwrap());
    assert_eq!(found, status, "{text}");
    serde_json::from_str::<serde_json::Value>(&text).unwrap()["error"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_one_party_stores_another_reads_and_no_disk_is_shared() {
    let town = Town::start().await;
    let (writer, reader) = (town.store(&town.operator), town.reader());
    let page = writer.put_blob("a page").await.unwrap();
    town.names(&page).await;
    assert_eq!(reader.get_blob(&page).await.unwrap(), "a page");
    assert_eq!((reader.blob_bytes(&page).await.unwrap(), reader.has_blob(&[9; 32]).await.unwrap()), (Some(6), false));
    assert!(matches!(reader.get_blob(&[9; 32]).await, Err(StoreError::Missing { .. })));
    assert!(matches!(reader.get_blob_within(&page, 5).await, Err(StoreError::Size { found: 6, .. })));
    let nothing = writer.put_blob("").await.unwrap();
    town.names(&nothing).await;
    assert_eq!(reader.get_blob(&nothing).await.unwrap(), "");

    let adapter = long(2 * PART + 12_345);
    let name = writer.put_blob(adapter.clone()).await.unwrap();
    town.names(&name).await;
    assert_eq!(reader.get_blob(&name).await.unwrap(), adapter);

    let answer = town.answer("an answer");
    writer.put_answer(&answer).await.unwrap();
    assert_eq!(reader.get_answer(&town.request).await.unwrap(), answer);
    assert_eq!(reader.answered().await.unwrap(), [town.request]);

    let (version, operator) = (Audit::VERSION, town.operator.pubkey());
    let (report, block, answers, signature) = (hash(1), hash(2), vec![], String::new());
    let mut audit = Audit { version, epoch: 3, report, block, operator, answers, signature };
    audit.sign(&town.identity).unwrap();
    writer.put_audit(&audit).await.unwrap();
    assert_eq!(reader.audits(3).await.unwrap(), [audit]);
    assert!(reader.audits(30).await.unwrap().is_empty());

    let report = serde_json::json!({
        "version": 6, "epoch": 4, "cutoff_slot": 1, "previous": null, "band_ppm": 1, "answers": [], "models": [],
        "documents": [], "observations": [], "observations_root": hex::encode([0; 32]), "pools": [],
    });
    let hash = writer.put_settlement_report(4, report.to_string()).await.unwrap();
    town.names(&hash).await;
    assert_eq!(reader.get_blob(&hash).await.unwrap(), report.to_string());
    let found = town.get(&format!("settlements/4/{}.json", hex::encode(hash)), &[]).await;
    assert_eq!(found.text().await.unwrap(), report.to_string());
    assert_eq!(town.files().1, 0, "no upload is left unfinished");

    let unsigned = reader.put_blob("another page").await.unwrap_err().to_string();
    assert!(unsigned.contains("--keypair"), "{unsigned}");
}

#[tokio::test]
async fn lies_are_refused_by_name_and_leave_nothing_behind() {
    let town = Town::start_with(Limits { blob: 100, ..Limits::default() }, None).await;
    let (wallet, other) = (Keypair::new(), Keypair::new());
    let (page, hash) = ("a page", sha256(&[b"a page"]));
    let (key, path) = (Key::Blob(hash), hex::encode(hash));
    let good = town.permit(&wallet, &key, 6, hash);

    let text = error(town.put(&path, Some(&good), "a lie!").await, StatusCode::UNPROCESSABLE_ENTITY).await;
    assert!(text.contains(&hex::encode(sha256(&[b"a lie!"]))), "{text}");
    error(town.put(&path, None, page).await, StatusCode::UNAUTHORIZED).await;
    let text = error(town.put(&path, Some(&good), "a page and more").await, StatusCode::BAD_REQUEST).await;
    assert!(text.contains("another length"), "{text}");
    // Without a length in the header, the bytes are counted.
    for (body, said) in [("a page and more", "more than 6"), ("a pa", "ends 2 bytes before")] {
        let stream = futures::stream::iter([Ok::<_, std::io::Error>(body)]);
        let text =
            error(town.put(&path, Some(&good), reqwest::Body::wrap_stream(stream)).await, StatusCode::BAD_REQUEST)
                .await;
        assert!(text.contains(said), "{text}");
    }
    let large = town.permit(&wallet, &key, 101, hash);
    let text = error(town.put(&path, Some(&large), vec![0; 101]).await, StatusCode::PAYLOAD_TOO_LARGE).await;
    assert!(text.contains("at most 100"), "{text}");

    let expired = Permit::to_store(&wallet, town.base.clone(), &key, 6, hash, now() - 1).unwrap();
    let text = error(town.put(&path, Some(&expired), page).await, StatusCode::UNAUTHORIZED).await;
    assert!(text.contains("clocks"), "{text}");
    let endless = Permit::to_store(&wallet, town.base.clone(), &key, 6, hash, now() + 100_000).unwrap();
    error(town.put(&path, Some(&endless), page).await, StatusCode::UNAUTHORIZED).await;
    let elsewhere = Permit::to_store(&wallet, "https://elsewhere".into(), &key, 6, hash, now() + 300).unwrap();
    let text = error(town.put(&path, Some(&elsewhere), page).await, StatusCode::UNAUTHORIZED).await;
    assert!(text.contains("https://elsewhere") && text.contains(&town.base), "{text}");
    let stolen = Permit { wallet: other.pubkey(), ..good.clone() };
    error(town.put(&path, Some(&stolen), page).await, StatusCode::UNAUTHORIZED).await;
    let text = error(town.put(&hex::encode([1; 32]), Some(&good), page).await, StatusCode::UNAUTHORIZED).await;
    assert!(text.contains("the permit is for blobs/"), "{text}");
    let mismatched = town.permit(&wallet, &key, 6, [3; 32]);
    error(town.put(&path, Some(&mismatched), page).await, StatusCode::BAD_REQUEST).await;

    assert_eq!(town.files(), (0, 0));
    assert_eq!(town.put(&path, Some(&good), page).await.status(), StatusCode::CREATED);
    // A repeated permit stores the same bytes again, and nothing else.
    assert_eq!(town.put(&path, Some(&good), page).await.status(), StatusCode::OK);
    assert_eq!(town.files(), (1, 0));
}

#[tokio::test]
async fn no_path_leads_out_of_the_store() {
    let town = Town::start().await;
    std::fs::write(town.folder.path().join("secret"), "secret").unwrap();
    for path in [
        "../secret",
        "%2e%2e/secret",
        "..%2fsecret",
        "answers/../../secret",
        "audits/1/..%2f..%2f..%2fsecret",
        "/etc/passwd",
        "blobs",
        "",
        "audits/01",
        "audits",
    ] {
        // A client would shorten `..` itself.
        let mut socket = TcpStream::connect(town.address).await.unwrap();
        let request = format!("GET /v1/artifacts/{path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        socket.read_to_string(&mut text).await.unwrap();
        assert!(text.starts_with("HTTP/1.1 404") && !text.contains("\r\nsecret"), "{path}: {text}");
    }
    let hash = town.store(&Keypair::new()).put_blob("a page").await.unwrap();
    let twice = town.get(&format!("blobs/{}", hex::encode(hash)), &[]).await;
    assert_eq!(twice.status(), StatusCode::NOT_FOUND, "an artifact has one address");
    let deleted = town.ask(Method::DELETE, &hex::encode(hash), &[]).await;
    assert_eq!(deleted.headers()["allow"], "GET, HEAD, PUT, OPTIONS");
    assert_eq!(deleted.status(), StatusCode::METHOD_NOT_ALLOWED);
    let traced = town.ask(Method::TRACE, "answers", &[]).await;
    assert_eq!(traced.status(), StatusCode::METHOD_NOT_ALLOWED, "a list is there, if only to be read");
    assert_eq!(traced.headers()["allow"], "GET, OPTIONS");
}

#[tokio::test]
async fn blobs_are_read_whole_in_parts_or_from_a_cache() {
    let town = Town::start().await;
    let hash = town.store(&town.operator).put_blob("0123456789").await.unwrap();
    town.names(&hash).await;
    let (path, etag) = (hex::encode(hash), format!("\"{}\"", hex::encode(hash)));
    let whole = town.get(&path, &[]).await;
    assert_eq!((whole.status(), whole.headers()["etag"].to_str().unwrap()), (StatusCode::OK, etag.as_str()));
    assert!(whole.headers()["cache-control"].to_str().unwrap().contains("immutable"));
    assert_eq!(
        (&whole.headers()["accept-ranges"], &whole.headers()["x-content-type-options"]),
        (&"bytes".parse().unwrap(), &"nosniff".parse().unwrap())
    );
    assert_eq!(whole.text().await.unwrap(), "0123456789");

    let head = town.ask(Method::HEAD, &path, &[]).await;
    assert_eq!((head.status(), head.headers()["content-length"].to_str().unwrap()), (StatusCode::OK, "10"));
    assert_eq!(town.ask(Method::HEAD, &hex::encode([1; 32]), &[]).await.status(), StatusCode::NOT_FOUND);

    for (range, said, bytes) in
        [("bytes=2-4", "bytes 2-4/10", "234"), ("bytes=7-", "bytes 7-9/10", "789"), ("bytes=-2", "bytes 8-9/10", "89")]
    {
        let part = town.get(&path, &[("range", range)]).await;
        assert_eq!(
            (part.status(), part.headers()["content-range"].to_str().unwrap()),
            (StatusCode::PARTIAL_CONTENT, said)
        );
        assert_eq!(part.text().await.unwrap(), bytes);
    }
    let outside = town.get(&path, &[("range", "bytes=10-")]).await;
    assert_eq!(
        (outside.status(), outside.headers()["content-range"].to_str().unwrap()),
        (StatusCode::RANGE_NOT_SATISFIABLE, "bytes */10")
    );
    let other = town.get(&path, &[("range", "bytes=2-4"), ("if-range", "\"another\"")]).await;
    assert_eq!((other.status(), other.text().await.unwrap().as_str()), (StatusCode::OK, "0123456789"));

    assert_eq!(town.get(&path, &[("if-none-match", &etag)]).await.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(town.get(&path, &[("if-match", "\"another\"")]).await.status(), StatusCode::PRECONDITION_FAILED);
    let browser = town.get(&path, &[("origin", "https://studio.example.org")]).await;
    assert!(browser.headers()["access-control-expose-headers"].to_str().unwrap().contains("etag"));
}

#[tokio::test]
async fn a_slow_upload_is_given_up_and_others_go_on() {
    let limits = Limits { silence: Duration::from_millis(300), least_rate: 1 << 20, ..Limits::default() };
    let town = Town::start_with(limits, None).await;
    let (wallet, content) = (Keypair::new(), vec![b'a'; 1000]);
    let hash = sha256(&[&content]);
    let permit = town.permit(&wallet, &Key::Blob(hash), 1000, hash);
    let permit = serde_json::to_string(&permit).unwrap();
    let head = format!(
        "PUT /v1/artifacts/{} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n{}: {permit}\r\n\r\n",
        hex::encode(hash),
        Permit::HEADER
    );
    // One that falls silent, and one that never does but brings a byte at a time.
    let mut answers = Vec::new();
    for drips in [false, true] {
        let mut socket = TcpStream::connect(town.address).await.unwrap();
        socket.write_all(head.as_bytes()).await.unwrap();
        let (mut reading, mut writing) = socket.into_split();
        let dripping = tokio::spawn(async move {
            while writing.write_all(b"a").await.is_ok() && drips {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            // Held open until the answer is there.
            std::future::pending::<()>().await;
        });
        answers.push(tokio::spawn(async move {
            let (mut text, started) = (vec![0; 4096], Instant::now());
            let read = reading.read(&mut text).await.unwrap();
            dripping.abort();
            (String::from_utf8_lossy(&text[..read]).into_owned(), started.elapsed())
        }));
    }
    let quick = town.store(&town.operator).put_blob("a page").await.unwrap();
    assert_eq!(town.store(&town.operator).get_blob(&quick).await.unwrap(), "a page");
    for answer in answers {
        let (text, took) = answer.await.unwrap();
        assert!(text.starts_with("HTTP/1.1 408") && took < Duration::from_secs(10), "{took:?}: {text}");
    }
    assert_eq!(town.files(), (1, 0));
}

/// Passes connections on to the service. Each of the first is cut after some bytes in each direction.
async fn cutting_proxy(cuts: usize, after: usize) -> (String, tokio::sync::watch::Sender<Option<SocketAddr>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (to, known) = tokio::sync::watch::channel(None::<SocketAddr>);
    let left = Arc::new(AtomicUsize::new(cuts));
    tokio::spawn(async move {
        loop {
            let (client, _) = listener.accept().await.unwrap();
            let (mut known, left) = (known.clone(), left.clone());
            tokio::spawn(async move {
                let address = known.wait_for(Option::is_some).await.unwrap().unwrap();
                let server = TcpStream::connect(address).await.unwrap();
                let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
                    (client.into_split(), server.into_split());
                let pass = async |from: &mut tokio::net::tcp::OwnedReadHalf,
                                  to: &mut tokio::net::tcp::OwnedWriteHalf| {
                    let (mut passed, mut chunk) = (0, vec![0; 8192]);
                    while let Ok(read @ 1..) = from.read(&mut chunk).await {
                        if to.write_all(&chunk[..read]).await.is_err() {
                            return;
                        }
                        passed += read;
                        let spend = |n: usize| n.checked_sub(1);
                        if passed > after && left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, spend).is_ok() {
                            return;
                        }
                    }
                };
                tokio::select! {
                    () = pass(&mut from_client, &mut to_server) => {}
                    () = pass(&mut from_server, &mut to_client) => {}
                }
            });
        }
    });
    (url, to)
}

#[tokio::test]
async fn a_cut_connection_is_gone_on_with_and_nothing_is_sent_twice() {
    let (url, to) = cutting_proxy(5, 3_000_000).await;
    let town = Town::start_with(Limits::default(), Some(url)).await;
    to.send_replace(Some(town.address));
    let adapter = long(3 * PART + 777);
    let hash = town.store(&town.operator).put_blob(adapter.clone()).await.unwrap();
    assert_eq!(std::fs::read(town.blob_file(&hash)).unwrap(), adapter);
    assert_eq!(town.files(), (1, 0));
    town.names(&hash).await;
    assert_eq!(town.reader().get_blob(&hash).await.unwrap(), adapter);

    let (url, to) = cutting_proxy(5, 3_000_000).await;
    to.send_replace(Some(town.address));
    assert_eq!(Store::open(&url).unwrap().get_blob(&hash).await.unwrap(), adapter, "five cuts in one download");
}

#[tokio::test]
async fn an_upload_outlives_a_restart_and_another_wallet_cannot_touch_it() {
    let mut town = Town::start().await;
    let (wallet, other, content) = (Keypair::new(), Keypair::new(), long(1000));
    let hash = sha256(&[&content]);
    let permit = town.permit(&wallet, &Key::Blob(hash), 1000, hash);
    let first = town.put_part(&permit, "bytes 0-399/1000", content[..400].to_vec()).await;
    assert_eq!((first.status(), &first.headers()[OFFSET]), (StatusCode::ACCEPTED, &"400".parse().unwrap()));
    // Its first bytes are not the other's, who begins anew.
    let others = town.permit(&other, &Key::Blob(hash), 1000, hash);
    let begun = town.put_part(&others, "bytes 0-9/1000", vec![0; 10]).await;
    assert_eq!(&begun.headers()[OFFSET], &"10".parse::<reqwest::header::HeaderValue>().unwrap());

    town.restart(Limits::default()).await;
    let asked = town.put_part(&permit, "bytes */1000", vec![]).await;
    assert_eq!((asked.status(), &asked.headers()[OFFSET]), (StatusCode::ACCEPTED, &"400".parse().unwrap()));
    let gap = town.put_part(&permit, "bytes 500-999/1000", content[500..].to_vec()).await;
    assert_eq!((gap.status(), &gap.headers()[OFFSET]), (StatusCode::CONFLICT, &"400".parse().unwrap()));
    let again = town.put_part(&permit, "bytes 0-399/1000", content[..400].to_vec()).await;
    assert_eq!(again.status(), StatusCode::CONFLICT);
    assert_eq!(
        town.put_part(&permit, "bytes 400-999/1000", content[400..].to_vec()).await.status(),
        StatusCode::CREATED
    );
    assert_eq!(town.store(&wallet).get_blob(&hash).await.unwrap(), content);
    assert_eq!(town.put_part(&permit, "bytes */1000", vec![]).await.status(), StatusCode::OK);

    // Parts that do not make what was signed are thrown away.
    let lie = sha256(&[b"something else"]);
    let permit = town.permit(&wallet, &Key::Blob(lie), 20, lie);
    town.put_part(&permit, "bytes 0-9/20", vec![1; 10]).await;
    let text =
        error(town.put_part(&permit, "bytes 10-19/20", vec![1; 10]).await, StatusCode::UNPROCESSABLE_ENTITY).await;
    assert!(text.contains("the content has hash"), "{text}");
    let asked = town.put_part(&permit, "bytes */20", vec![]).await;
    assert_eq!(&asked.headers()[OFFSET], &"0".parse::<reqwest::header::HeaderValue>().unwrap());
}

#[tokio::test]
async fn unfinished_uploads_are_bounded_and_questions_leave_no_file() {
    let limits = Limits { unfinished: 1, parts_kept: Duration::ZERO, ..Limits::default() };
    let town = Town::start_with(limits, None).await;
    let (wallet, hashes) = (Keypair::new(), [hash(1), hash(2)]);
    let permits = hashes.map(|hash| town.permit(&wallet, &Key::Blob(hash), 20, hash));
    assert_eq!(town.put_part(&permits[0], "bytes */20", vec![]).await.status(), StatusCode::ACCEPTED);
    assert_eq!(town.files(), (0, 0));
    assert_eq!(town.put_part(&permits[0], "bytes 0-9/20", vec![1; 10]).await.status(), StatusCode::ACCEPTED);
    let refused = town.put_part(&permits[1], "bytes 0-9/20", vec![1; 10]).await;
    assert!(error(refused, StatusCode::TOO_MANY_REQUESTS).await.contains("1 unfinished"));
    let others = town.permit(&Keypair::new(), &Key::Blob(hashes[1]), 20, hashes[1]);
    assert_eq!(town.put_part(&others, "bytes 0-9/20", vec![1; 10]).await.status(), StatusCode::ACCEPTED);
    assert_eq!(town.files(), (0, 2));
    sweep::once(&town.service).await.unwrap();
    assert_eq!(town.files(), (0, 0), "nobody went on with them");
    let asked = town.put_part(&permits[0], "bytes */20", vec![]).await;
    assert_eq!(&asked.headers()[OFFSET], &"0".parse::<reqwest::header::HeaderValue>().unwrap());
}

#[tokio::test]
async fn the_same_content_from_many_wallets_at_once_is_stored_once() {
    let town = Town::start().await;
    let content = long(PART + 5);
    let wallets: Vec<_> = (0..4).map(|_| Keypair::new()).collect();
    let stores: Vec<_> = wallets.iter().flat_map(|wallet| [town.store(wallet), town.store(wallet)]).collect();
    let puts = stores.iter().map(|store| store.put_blob(content.clone()));
    let hashes: Vec<_> = futures::future::join_all(puts).await.into_iter().map(Result::unwrap).collect();
    assert!(hashes.iter().all(|hash| *hash == sha256(&[&content])));
    assert_eq!(stores[0].get_blob(&hashes[0]).await.unwrap(), content);
    assert_eq!(town.files().0, 1);
}

#[tokio::test]
async fn a_damaged_blob_is_noticed_by_readers_and_mended_by_storing_it_again() {
    let town = Town::start().await;
    let store = town.store(&town.operator);
    let hash = store.put_blob("a page").await.unwrap();
    town.names(&hash).await;
    for damage in ["a lie!", "short"] {
        std::fs::write(town.blob_file(&hash), damage).unwrap();
        assert!(matches!(town.reader().get_blob(&hash).await, Err(StoreError::Hash { .. })));
        store.put_blob("a page").await.unwrap();
        assert_eq!(town.reader().get_blob(&hash).await.unwrap(), "a page");
    }
}

#[tokio::test]
async fn only_the_operator_that_was_paid_first_answers_and_no_older_answer_comes_back() {
    let town = Town::start().await;
    let (store, request) = (town.store(&town.operator), town.request);
    let (path, key) = (format!("answers/{}.json", hex::encode(request)), Key::Answer(request));
    let (first, second) = (town.answer("first"), town.answer("second"));
    let bytes = |answer: &Answer| serde_json::to_vec(answer).unwrap();
    let old = bytes(&first);
    let old_permit = town.permit(&town.operator, &key, old.len() as u64, sha256(&[&old]));
    assert_eq!(town.put(&path, Some(&old_permit), old.clone()).await.status(), StatusCode::CREATED);
    // The client's permits end later than that one.
    store.put_answer(&second).await.unwrap();
    let text = error(town.put(&path, Some(&old_permit), old).await, StatusCode::CONFLICT).await;
    assert!(text.contains("later permit"), "{text}");
    assert_eq!(town.reader().get_answer(&request).await.unwrap(), second);

    // Another operator that has itself paid for the same request.
    let (thief, identity) = (Keypair::new(), Keypair::new());
    town.happens(Event::OperatorRegistered(stake::events::OperatorRegistered {
        operator: pda::operator(&thief.pubkey()),
        sequence: 0,
        owner: thief.pubkey(),
        identity: identity.pubkey(),
        endpoint: "http://b:1".into(),
        capabilities: 5,
    }))
    .await;
    town.pays(&thief.pubkey(), 1).await;
    let mut forged = Answer { operator: thief.pubkey(), ..town.answer("forged") };
    forged.sign(&identity).unwrap();
    let refused = town.store(&thief).put_answer(&forged).await.unwrap_err().to_string();
    assert!(refused.contains("was paid for this answer"), "{refused}");
    // And what is no answer by the one that was paid.
    let unsigned = Answer { text: "changed".into(), ..second.clone() };
    let refused = store.put_answer(&unsigned).await.unwrap_err().to_string();
    assert!(refused.contains("422"), "{refused}");
    let stranger = town.store(&Keypair::new());
    let report = stranger.put_settlement_report(1, "{}").await.unwrap_err().to_string();
    assert!(report.contains("registered no operator"), "{report}");
    assert_eq!(town.reader().get_answer(&request).await.unwrap(), second);
}

#[tokio::test]
async fn a_wallet_has_a_quota_until_validators_accept_what_it_stored() {
    let limits = Limits { unsettled: 20_000, kept: Duration::ZERO, parts_kept: Duration::ZERO, ..Limits::default() };
    let town = Town::start_with(limits, None).await;
    let (wallet, other) = (Keypair::new(), Keypair::new());
    let store = town.store(&wallet);
    let document = store.put_blob(long(7_000)).await.unwrap();
    let metadata = Metadata { title: "t".into(), licence: "MIT".into(), ..Default::default() };
    let leaf = Leaf { content: document, kind: Kind::Document, target: None, metadata };
    let manifest = Manifest::new(key(5), wallet.pubkey(), vec![leaf]).unwrap();
    let manifest_hash = store.put_blob(manifest.to_bytes().unwrap()).await.unwrap();
    let loose = store.put_blob("nobody names this").await.unwrap();
    let refused = store.put_blob(long(8_000)).await.unwrap_err().to_string();
    assert!(refused.contains("nobody has accepted") && refused.contains("20000"), "{refused}");
    // The same content may be stored again, and another wallet has a quota of its own.
    store.put_blob(long(7_000)).await.unwrap();
    town.store(&other).put_blob(long(8_001)).await.unwrap();

    town.opens(key(5), key(6), &wallet).await;
    town.submits(key(6), &manifest).await;
    let by_operator = town.store(&town.operator).put_blob("a state of a training").await.unwrap();
    assert_eq!(sweep::once(&town.service).await.unwrap(), 2, "the loose one, and the other wallet's");
    let reader = store.clone();
    assert_eq!(reader.get_blob(&document).await.unwrap(), long(7_000), "named through the manifest");
    assert!(reader.has_blob(&manifest_hash).await.unwrap() && !reader.has_blob(&loose).await.unwrap());
    assert!(town.store(&town.operator).has_blob(&by_operator).await.unwrap(), "an operator's is kept longer");
    // A batch may name what its contributor likes: it counts until it is accepted.
    let refused = store.put_blob(long(19_000)).await.unwrap_err().to_string();
    assert!(refused.contains("30096"), "the document, the manifest and this: {refused}");
    town.accepts(&key(5), &wallet).await;
    sweep::once(&town.service).await.unwrap();
    store.put_blob(long(19_000)).await.unwrap();
    // A new reading of the ledger, or a restart, forgets neither.
    assert_eq!(sweep::once(&town.service).await.unwrap(), 1);
    assert!(reader.has_blob(&document).await.unwrap());
}

#[tokio::test]
async fn the_files_that_accepted_documents_are_from_still_count_beyond_their_own_quota() {
    let limits = Limits { unsettled: 9_000, originals: 0, ..Limits::default() };
    let town = Town::start_with(limits, None).await;
    let (owner, wallet) = (Keypair::new(), Keypair::new());
    let store = town.store(&wallet);
    let original = store.put_blob("<p>what nobody has accepted yet</p>").await.unwrap();
    // The document has no room beside the file until this is accepted, so another wallet hands in.
    let other = Keypair::new();
    town.store(&other).put_blob("<p>what nobody has accepted yet</p>").await.unwrap();
    let [document, manifest] = handed_in(&town, &owner.pubkey(), &town.operator, datanet::state::Access::Open).await;
    town.accepts(&owner.pubkey(), &town.operator).await;
    sweep::once(&town.service).await.unwrap();
    let marks = async |hash: [u8; 32]| -> Vec<(bool, bool)> {
        let sql = "SELECT settled, original FROM artifacts.upload WHERE hash = $1";
        let rows = town.db.query(sql, &[&hash.as_slice()]).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    };
    assert_eq!((marks(document).await, marks(manifest).await), (vec![(true, false)], vec![(true, false)]));
    assert_eq!(marks(original).await, [(true, true); 2], "of both that have stored it");
    store.put_blob(long(4_500)).await.unwrap();
    let refused = store.put_blob(long(700)).await.unwrap_err().to_string();
    assert!(refused.contains("12692"), "4,096 of the original, 4,500 and 4,096: {refused}");
}

#[tokio::test]
async fn what_a_wallet_names_by_itself_is_kept_only_if_it_is_short() {
    let town = Town::start_with(swept_at_once(), None).await;
    let wallet = Keypair::new();
    let (short, long) = (long(5_000), long((1 << 20) + 1));
    for (id, description) in [(1, &short), (2, &long)] {
        town.store(&wallet).put_blob(description.clone()).await.unwrap();
        let metadata_hash = sha256(&[description]);
        let event = DatanetCreated { metadata_hash, ..created(wallet.pubkey(), id, "Letters") };
        town.happens(Event::DatanetCreated(event)).await;
    }
    assert_eq!(sweep::once(&town.service).await.unwrap(), 1);
    assert!(town.blob_file(&sha256(&[&short])).exists() && !town.blob_file(&sha256(&[&long])).exists());
}

#[tokio::test]
async fn saying_again_that_one_has_a_blob_keeps_it_no_longer_and_sending_it_again_does() {
    let town = Town::start_with(Limits { kept: Duration::from_secs(3600), ..Limits::default() }, None).await;
    let (wallet, hash) = (Keypair::new(), sha256(&[b"a page"]));
    town.store(&wallet).put_blob("a page").await.unwrap();
    let ages = async |minutes: i32| {
        let sql = format!("UPDATE artifacts.upload SET stored_at = now() - interval '{minutes} minutes'");
        town.db.execute(&sql, &[]).await.unwrap();
    };
    let age = async || -> f64 {
        let sql = "SELECT extract(epoch FROM now() - stored_at)::float8 FROM artifacts.upload";
        town.db.query_one(sql, &[]).await.unwrap().get(0)
    };
    let permit = town.permit(&wallet, &Key::Blob(hash), 6, hash);
    let asks = async || town.put_part(&permit, "bytes */6", vec![]).await.status();
    ages(10).await;
    assert_eq!(asks().await, StatusCode::OK);
    assert!(age().await >= 600.0, "a question changes nothing");
    ages(20).await;
    assert_eq!(asks().await, StatusCode::ACCEPTED, "its bytes are wanted again before it is swept");
    assert_eq!(town.put(&hex::encode(hash), Some(&permit), "a page").await.status(), StatusCode::CREATED);
    assert!(age().await < 500.0);
}

#[tokio::test]
async fn parts_that_come_for_too_long_are_swept_whenever_the_last_one_came() {
    let town = Town::start_with(Limits { parts_oldest: Duration::ZERO, ..Limits::default() }, None).await;
    let permit = town.permit(&Keypair::new(), &Key::Blob(hash(1)), 20, hash(1));
    assert_eq!(town.put_part(&permit, "bytes 0-9/20", vec![1; 10]).await.status(), StatusCode::ACCEPTED);
    assert_eq!(town.files(), (0, 1));
    sweep::once(&town.service).await.unwrap();
    assert_eq!(town.files(), (0, 0));
}

#[tokio::test]
async fn an_operator_whose_stake_is_gone_is_a_stranger_that_may_still_answer() {
    let limits = Limits { unsettled: 5_000, ..Limits::default() };
    let town = Town::start_with(limits, None).await;
    let (store, wallet) = (town.store(&town.operator), town.operator.pubkey());
    store.put_blob(long(20_000)).await.unwrap();
    let position = pda::position(&wallet, stake::state::Role::Operator);
    let unbonding = stake::events::Unbonding { position, sequence: 1, unbonding: 70, unbond_slot: 900, amount: 0 };
    town.happens(Event::Unbonding(unbonding)).await;
    let refused = store.put_blob(long(4_999)).await.unwrap_err().to_string();
    assert!(refused.contains("at most 5000"), "{refused}");
    store.put_answer(&town.answer("an answer")).await.unwrap();
}

#[tokio::test]
async fn an_upload_in_parts_goes_on_when_its_wallet_has_something_at_stake_meanwhile() {
    let town = Town::start().await;
    let (wallet, content) = (Keypair::new(), long(20));
    let hash = sha256(&[&content]);
    let permit = town.permit(&wallet, &Key::Blob(hash), 20, hash);
    assert_eq!(town.put_part(&permit, "bytes 0-9/20", content[..10].to_vec()).await.status(), StatusCode::ACCEPTED);
    town.opens(key(5), key(6), &wallet).await;
    assert_eq!(town.put_part(&permit, "bytes 10-19/20", content[10..].to_vec()).await.status(), StatusCode::CREATED);
    assert_eq!(town.files(), (1, 0));
}

#[tokio::test]
async fn a_manifest_that_fits_no_batch_is_read_once_however_often_batches_name_it() {
    let town = Town::start().await;
    let wallet = Keypair::new();
    let (document, manifest) = stored_batch(&town, &wallet).await;
    let name = manifest.hash().unwrap();
    let opened = async || -> bool {
        let sql = "SELECT bool_and(opened) FROM artifacts.name WHERE hash = $1";
        town.db.query_one(sql, &[&name.as_slice()]).await.unwrap().get(0)
    };
    town.opens(key(5), key(10), &wallet).await;
    town.submits_as(key(10), name, hash(1), 1).await;
    sweep::once(&town.service).await.unwrap();
    // It is not even looked for the next time.
    std::fs::rename(town.blob_file(&name), town.folder.path().join("aside")).unwrap();
    town.opens(key(5), key(11), &wallet).await;
    town.submits_as(key(11), name, hash(2), 1).await;
    sweep::once(&town.service).await.unwrap();
    assert!(opened().await);
    // The batch that it fits has it read again.
    std::fs::rename(town.folder.path().join("aside"), town.blob_file(&name)).unwrap();
    town.opens(key(5), key(12), &wallet).await;
    town.submits(key(12), &manifest).await;
    sweep::once(&town.service).await.unwrap();
    let sql = "SELECT named FROM artifacts.upload WHERE hash = $1";
    assert!(town.db.query_one(sql, &[&document.as_slice()]).await.unwrap().get::<_, bool>(0));
}

#[tokio::test]
async fn wallets_with_something_at_stake_store_where_strangers_have_filled_their_share() {
    let limits = Limits { strangers: 4096, summed_every: Duration::ZERO, ..Limits::default() };
    let town = Town::start_with(limits, None).await;
    let (contributor, stranger) = (Keypair::new(), Keypair::new());
    town.store(&stranger).put_blob("one").await.unwrap();
    let puts = async |wallet: &Keypair, content: &'static str| {
        let hash = sha256(&[content.as_bytes()]);
        let permit = town.permit(wallet, &Key::Blob(hash), content.len() as u64, hash);
        town.put(&hex::encode(hash), Some(&permit), content).await.status()
    };
    assert_eq!(puts(&contributor, "two").await, StatusCode::INSUFFICIENT_STORAGE);
    town.opens(key(5), key(6), &contributor).await;
    assert_eq!(puts(&contributor, "two").await, StatusCode::CREATED);
    assert_eq!(puts(&stranger, "three").await, StatusCode::INSUFFICIENT_STORAGE);
}

#[tokio::test]
async fn small_files_count_as_blocks_and_what_many_wallets_store_counts_once() {
    let limits = Limits { unsettled: 3 * 4096, strangers: 8 * 4096, summed_every: Duration::ZERO, ..Limits::default() };
    let town = Town::start_with(limits, None).await;
    let (one, two, three) = (Keypair::new(), Keypair::new(), Keypair::new());
    for n in 0..3 {
        town.store(&one).put_blob(vec![n]).await.unwrap();
    }
    let refused = town.store(&one).put_blob(vec![3]).await.unwrap_err().to_string();
    assert!(refused.contains("12288"), "the fourth file of a byte: {refused}");
    // Another wallet may have the same, and all together have it once, with a note for each of the two.
    for n in 0..3 {
        town.store(&two).put_blob(vec![n]).await.unwrap();
    }
    town.store(&three).put_blob(vec![4]).await.unwrap();
    town.store(&three).put_blob(vec![5]).await.unwrap();
    let permit = town.permit(&three, &Key::Blob(sha256(&[b"6"])), 1, sha256(&[b"6"]));
    let full = town.put(&hex::encode(permit.hash), Some(&permit), "6").await;
    assert!(error(full, StatusCode::INSUFFICIENT_STORAGE).await.contains("too much is here"));
}

/// A report of an epoch that pays a request by the receipt of its answer. `odd` makes it another report.
fn report(epoch: u64, request: [u8; 32], odd: u64) -> Vec<u8> {
    let answer = serde_json::json!({
        "request": hex::encode(request), "transaction": "s", "slot": 5, "model": key(2).to_string(),
        "job": key(8).to_string(), "operator": key(3).to_string(), "contributors": "400", "validators": "50",
        "divided": { "by": "receipt", "answer": hex::encode([1; 32]), "weights": hex::encode(WEIGHTS), "distance": 0 },
    });
    serde_json::json!({
        "version": 6, "epoch": epoch, "cutoff_slot": odd, "previous": null, "band_ppm": 1, "answers": [answer],
        "models": [], "documents": [], "observations": [], "observations_root": hex::encode([0; 32]), "pools": [],
    })
    .to_string()
    .into_bytes()
}

impl Town {
    fn audit(&self, epoch: u64) -> Audit {
        let (version, operator, signature) = (Audit::VERSION, self.operator.pubkey(), String::new());
        let mut audit = Audit { version, epoch, report: hash(1), block: hash(2), operator, answers: vec![], signature };
        audit.sign(&self.identity).unwrap();
        audit
    }

    async fn posts(&self, epoch: u64, report_hash: [u8; 32]) {
        self.happens(Event::SettlementPosted(payout::events::SettlementPosted {
            config: pda::payout_config(),
            sequence: self.sequence(),
            epoch,
            pools: Default::default(),
            funded: [0; 2],
            observations_root: hash(8),
            report_hash,
            cutoff_slot: 750,
            active_after: 800,
            committee_epoch: 1,
        }))
        .await;
    }

    async fn confirms(&self) {
        self.happens(Event::CommitteeConfirmed(stake::events::CommitteeConfirmed {
            committee: pda::committee(1),
            sequence: self.sequence(),
            member: self.operator.pubkey(),
            group_key: hash(5),
            active: true,
        }))
        .await;
    }
}

#[tokio::test]
async fn answers_audits_and_reports_count_against_their_operators_quota() {
    let limits = Limits { statements: 4 * 4096, ..Limits::default() };
    let town = Town::start_with(limits, None).await;
    let store = town.store(&town.operator);
    for epoch in 1..5 {
        store.put_audit(&town.audit(epoch)).await.unwrap();
    }
    let refused = store.put_audit(&town.audit(9)).await.unwrap_err().to_string();
    assert!(refused.contains("16384"), "{refused}");
    let refused = store.put_settlement_report(3, report(3, town.request, 1)).await.unwrap_err().to_string();
    assert!(refused.contains("16384"), "{refused}");
    // Answers have a quota of their own.
    store.put_answer(&town.answer("an answer")).await.unwrap();
    // What the chain names counts no more.
    town.confirms().await;
    town.posts(2, hash(3)).await;
    sweep::once(&town.service).await.unwrap();
    store.put_audit(&town.audit(9)).await.unwrap();
    store.put_audit(&town.audit(10)).await.unwrap_err();
}

#[tokio::test]
async fn answers_audits_and_reports_are_swept_unless_a_posted_settlement_names_them() {
    let town = Town::start_with(Limits { operator_kept: Duration::ZERO, ..Limits::default() }, None).await;
    let store = town.store(&town.operator);
    let (posted, other) = (report(2, town.request, 1), report(2, hash(9), 2));
    let weights = store.put_blob("what an answer names, and no settlement yet").await.unwrap();
    store.put_answer(&town.answer("an answer")).await.unwrap();
    assert_eq!(sweep::once(&town.service).await.unwrap(), 2, "an answer keeps nothing until it is settled");
    assert!(!town.blob_file(&weights).exists() && town.reader().answered().await.unwrap().is_empty());

    store.put_answer(&town.answer("an answer")).await.unwrap();
    for epoch in [2, 3] {
        store.put_audit(&town.audit(epoch)).await.unwrap();
    }
    town.confirms().await;
    town.posts(2, sha256(&[&posted])).await;
    let named = store.put_settlement_report(2, posted).await.unwrap();
    let loose = store.put_settlement_report(2, other).await.unwrap();
    // The audit of an epoch that is not settled, and the other report, which is there twice.
    assert_eq!(sweep::once(&town.service).await.unwrap(), 3);
    let file = |hash: &[u8; 32]| town.folder.path().join(format!("store/settlements/2/{}.json", hex::encode(hash)));
    assert!(file(&named).exists() && !file(&loose).exists());
    assert_eq!(town.reader().answered().await.unwrap(), [town.request], "the posted report pays by it");
    assert_eq!((town.reader().audits(2).await.unwrap().len(), town.reader().audits(3).await.unwrap().len()), (1, 0));
    assert_eq!(sweep::once(&town.service).await.unwrap(), 0);
}

#[tokio::test]
async fn a_lost_database_makes_nothing_public_and_the_store_says_who_has_stored_what() {
    let mut town = Town::start().await;
    let (owner, wallet, stranger) = (Keypair::new(), Keypair::new(), Keypair::new());
    let [document, _] = handed_in(&town, &owner.pubkey(), &wallet, datanet::state::Access::Permissioned).await;
    let draft = town.store(&wallet).put_blob("nobody has seen this").await.unwrap();
    let adapter = town.store(&town.operator).put_blob("an adapter").await.unwrap();
    town.store(&town.operator).put_answer(&town.answer("an answer")).await.unwrap();
    town.store(&town.operator).put_audit(&town.audit(3)).await.unwrap();
    std::fs::write(town.blob_file(&sha256(&[b"foreign"])), "foreign").unwrap();
    let standings = async |town: &Town| {
        let mut all = Vec::new();
        for blob in [document, draft, adapter, sha256(&[b"foreign"]), hash(99)] {
            all.push([town.reads(None, &blob).await, town.reads(Some(&stranger), &blob).await]);
        }
        all
    };
    let known = [[401, 403], [401, 403], [401, 403], [401, 403], [404, 404]];
    assert_eq!(standings(&town).await, known);
    assert_eq!(town.reads(Some(&town.operator), &adapter).await, 200);

    town.db.execute("DROP SCHEMA artifacts CASCADE", &[]).await.unwrap();
    town.restart(Limits::default()).await;
    // As long as nothing is known, nothing is given away.
    assert_eq!(standings(&town).await, known);
    assert_eq!(town.reads(Some(&wallet), &draft).await, 403);
    assert_eq!(artifacts::restore(&town.service).await.unwrap(), 6, "all that was stored through the service");
    assert_eq!(town.reader().answered().await.unwrap(), [town.request], "lists have what is there");
    assert_eq!(town.reader().audits(3).await.unwrap().len(), 1);
    assert_eq!(standings(&town).await, known);
    assert_eq!((town.reads(Some(&wallet), &draft).await, town.reads(Some(&owner), &document).await), (200, 200));
    assert_eq!(artifacts::restore(&town.service).await.unwrap(), 0);

    // A swept blob leaves no note behind.
    town.db.execute("UPDATE artifacts.upload SET stored_at = now() - interval '99 days'", &[]).await.unwrap();
    sweep::once(&town.service).await.unwrap();
    assert!(!town.blob_file(&draft).exists());
    let notes = walk(&town.notes());
    assert!(!notes.is_empty() && !notes.iter().any(|note| note.to_string_lossy().contains(&hex::encode(draft))));
}

#[tokio::test]
async fn uploads_from_before_there_were_notes_get_theirs() {
    let mut town = Town::start().await;
    let wallet = Keypair::new();
    town.store(&wallet).put_blob("a letter").await.unwrap();
    town.store(&town.operator).put_blob("a letter").await.unwrap();
    let notes = |town: &Town| {
        let mut notes = walk(&town.notes());
        notes.sort();
        notes
    };
    let before = notes(&town);
    std::fs::remove_dir_all(town.notes()).unwrap();
    assert_eq!(artifacts::complete(&town.service).await.unwrap(), 2);
    assert_eq!(notes(&town), before);
    assert_eq!(artifacts::complete(&town.service).await.unwrap(), 0);
    town.db.execute("DROP SCHEMA artifacts CASCADE", &[]).await.unwrap();
    town.restart(Limits::default()).await;
    assert_eq!(artifacts::restore(&town.service).await.unwrap(), 2);
}

#[tokio::test]
async fn whoever_stores_a_public_blob_again_needs_quota_unless_the_chain_names_it() {
    let limits = Limits { unsettled: 5_000, ..Limits::default() };
    let town = Town::start_with(limits, None).await;
    let wallet = Keypair::new();
    let (one, two) = (long(4_500), long(4_600));
    for blob in [&one, &two] {
        town.store(&town.operator).put_blob(blob.clone()).await.unwrap();
    }
    let rows = async || -> i64 {
        let sql = "SELECT count(*) FROM artifacts.upload WHERE wallet = $1";
        town.db.query_one(sql, &[&wallet.pubkey().to_string()]).await.unwrap().get(0)
    };
    town.store(&wallet).put_blob(one).await.unwrap();
    let refused = town.store(&wallet).put_blob(two.clone()).await.unwrap_err().to_string();
    assert!(refused.contains("nobody has accepted"), "{refused}");
    assert_eq!((rows().await, walk(&town.notes()).len()), (1, 3));
    town.posts(2, sha256(&[&two])).await;
    sweep::once(&town.service).await.unwrap();
    town.store(&wallet).put_blob(two).await.unwrap();
    assert_eq!((rows().await, walk(&town.notes()).len()), (1, 3), "it is no owner, and needs not be one");
}

#[tokio::test]
async fn what_a_transaction_in_quarantine_may_name_is_kept_for_three_days_and_of_an_operator_for_a_month() {
    let town = Town::start_with(Limits { operator_kept: Duration::ZERO, ..swept_at_once() }, None).await;
    let store = town.store(&Keypair::new());
    let before = store.put_blob("a letter").await.unwrap();
    let signature = bs58::encode([200; 64]).into_string();
    assert!(set_aside(&town.db, &signature, 300, "nobody can read it").await.unwrap());
    let after = store.put_blob("another letter").await.unwrap();
    let operators = town.store(&town.operator).put_blob("a state").await.unwrap();
    assert_eq!(sweep::once(&town.service).await.unwrap(), 1);
    assert!(!town.blob_file(&before).exists() && town.blob_file(&after).exists());
    let age = "UPDATE artifacts.upload SET stored_at = now() - interval '4 days'";
    town.db.execute(age, &[]).await.unwrap();
    town.db.execute("UPDATE quarantine SET since = now() - interval '5 days'", &[]).await.unwrap();
    assert_eq!(sweep::once(&town.service).await.unwrap(), 1);
    assert!(!town.blob_file(&after).exists() && town.blob_file(&operators).exists());
    town.db.execute("UPDATE quarantine SET since = now() - interval '31 days'", &[]).await.unwrap();
    assert_eq!(sweep::once(&town.service).await.unwrap(), 1);
    assert!(!town.blob_file(&operators).exists());
}

#[tokio::test]
async fn unfinished_audits_count_against_their_operators_quota_and_blobs_do_not() {
    let limits = Limits { statements: 2 * 4096, ..Limits::default() };
    let town = Town::start_with(limits, None).await;
    let begin = async |key: Key, bytes: u64| {
        let permit = town.permit(&town.operator, &key, bytes, key.hash().unwrap_or(hash(2)));
        let path = key.hash().map_or(key.to_string(), hex::encode);
        let request = reqwest::Client::new()
            .put(format!("{}/v1/artifacts/{path}", town.base))
            .header(Permit::HEADER, serde_json::to_string(&permit).unwrap())
            .header("content-range", format!("bytes 0-9/{bytes}"))
            .body(vec![0u8; 10]);
        request.send().await.unwrap()
    };
    let audit = |epoch: u64| Key::Audit { epoch, operator: town.operator.pubkey() };
    // A large blob under way is no reason to refuse an audit.
    assert_eq!(begin(Key::Blob(hash(1)), 100_000).await.status(), StatusCode::ACCEPTED);
    for epoch in 1..4 {
        assert_eq!(begin(audit(epoch), 20).await.status(), StatusCode::ACCEPTED);
    }
    let refused = error(begin(audit(4), 20).await, StatusCode::FORBIDDEN).await;
    assert!(refused.contains("12288") && refused.contains("8192"), "{refused}");
    assert_eq!(town.files(), (0, 4));
}

#[tokio::test]
async fn requests_that_wait_for_the_database_take_no_connection_from_the_index() {
    let town = Town::start().await;
    // Nobody can note an upload, and so every upload holds a connection of the service.
    let locked = town.db.begin().await.unwrap();
    locked.run("LOCK TABLE artifacts.upload").await.unwrap();
    let stores: Vec<_> = (0..20).map(|_| town.store(&Keypair::new())).collect();
    let puts: Vec<_> = (0..20u8)
        .zip(stores)
        .map(|(n, store)| tokio::spawn(async move { store.put_blob(vec![n]).await.unwrap() }))
        .collect();
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
    while town.db.query(waiting, &[]).await.unwrap()[0].get::<_, i64>(0) < 6 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let ingested = tokio::time::timeout(Duration::from_secs(5), town.confirms()).await;
    ingested.expect("the index goes on");
    locked.undo().await.unwrap();
    for put in puts {
        put.await.unwrap();
    }
}

#[tokio::test]
async fn the_file_that_a_document_is_from_is_kept_and_read_like_the_document() {
    let limits = Limits { kept: Duration::ZERO, ..Limits::default() };
    let town = Town::start_with(limits, None).await;
    let (owner, wallet) = (Keypair::new(), Keypair::new());
    let original = town.store(&wallet).put_blob("<p>what nobody has accepted yet</p>").await.unwrap();
    let loose = town.store(&wallet).put_blob("nobody names this").await.unwrap();
    handed_in(&town, &owner.pubkey(), &wallet, datanet::state::Access::Open).await;
    assert_eq!(sweep::once(&town.service).await.unwrap(), 1, "the loose one");
    assert!(town.blob_file(&original).exists() && !town.blob_file(&loose).exists());
    assert_eq!((town.reads(None, &original).await, town.reads(Some(&owner), &original).await), (401, 200));
    town.accepts(&owner.pubkey(), &wallet).await;
    assert_eq!(town.reads(None, &original).await, 200);
}

#[tokio::test]
async fn what_is_stored_again_is_not_swept_for_its_first_time() {
    let limits = Limits { kept: Duration::from_secs(3600), ..Limits::default() };
    let town = Town::start_with(limits, None).await;
    let hash = town.store(&Keypair::new()).put_blob("a page").await.unwrap();
    let age = "UPDATE artifacts.upload SET stored_at = now() - interval '2 hours'";
    town.db.execute(age, &[]).await.unwrap();
    town.store(&Keypair::new()).put_blob("a page").await.unwrap();
    assert_eq!(sweep::once(&town.service).await.unwrap(), 0);
    town.db.execute(age, &[]).await.unwrap();
    assert_eq!(sweep::once(&town.service).await.unwrap(), 1);
    assert!(!town.blob_file(&hash).exists());
}

/// A Datanet of `owner` with one batch of `wallet`, handed in with one document, which is from a file.
async fn handed_in(town: &Town, owner: &Pubkey, wallet: &Keypair, access: datanet::state::Access) -> [[u8; 32]; 2] {
    let (store, datanet, batch) = (town.store(wallet), pda::datanet(owner, 1), key(6));
    let document = store.put_blob("what nobody has accepted yet").await.unwrap();
    let sha256 = sha256(&[b"<p>what nobody has accepted yet</p>"]);
    let original = Some(Original { sha256, format: "html".into(), row: None });
    let metadata = Metadata { title: "t".into(), licence: "MIT".into(), original, ..Default::default() };
    let leaf = Leaf { content: document, kind: Kind::Document, target: None, metadata };
    let manifest = Manifest::new(datanet, wallet.pubkey(), vec![leaf]).unwrap();
    store.put_blob(manifest.to_bytes().unwrap()).await.unwrap();
    town.happens(Event::DatanetCreated(DatanetCreated { access, ..created(*owner, 1, "Letters") })).await;
    town.opens(datanet, batch, wallet).await;
    town.submits(batch, &manifest).await;
    [document, manifest.hash().unwrap()]
}

impl Town {
    /// A number that no event of the town had before.
    fn sequence(&self) -> u64 {
        self.slot.load(Ordering::SeqCst) as u64
    }

    async fn opens(&self, datanet: Pubkey, batch: Pubkey, wallet: &Keypair) {
        let (contributor, sequence) = (wallet.pubkey(), self.sequence());
        let opened = datanet::events::BatchOpened { datanet, sequence, batch, index: 0, contributor, bond: 5 };
        self.happens(Event::BatchOpened(opened)).await;
    }

    /// The batch is handed in, with what the chain says of an honest one.
    async fn submits(&self, batch: Pubkey, manifest: &Manifest) {
        self.submits_as(batch, manifest.hash().unwrap(), manifest.root(), manifest.leaves.len() as u64).await;
    }

    async fn submits_as(&self, batch: Pubkey, manifest: [u8; 32], root: [u8; 32], count: u64) {
        self.happens(Event::BatchSubmitted(datanet::events::BatchSubmitted {
            batch,
            sequence: 0,
            root,
            count,
            manifest,
            bulk: false,
            commit_until: 5,
            reveal_until: 6,
        }))
        .await;
    }

    async fn rejects(&self, datanet: Pubkey, batch: Pubkey, wallet: &Keypair) {
        self.happens(Event::BatchRejected(datanet::events::BatchRejected {
            datanet,
            sequence: self.sequence(),
            batch,
            index: 0,
            contributor: wallet.pubkey(),
            expired: true,
            rejected_by: vec![],
        }))
        .await;
    }

    async fn accepts(&self, owner: &Pubkey, wallet: &Keypair) {
        self.happens(Event::BatchAccepted(datanet::events::BatchAccepted {
            datanet: pda::datanet(owner, 1),
            sequence: self.sequence(),
            batch: key(6),
            index: 0,
            place: 0,
            contributor: wallet.pubkey(),
            root: hash(1),
            count: 1,
            approved_by: vec![],
            quality: 9000,
            datanet_root: hash(2),
        }))
        .await;
    }

    /// The status with which `wallet` reads a blob.
    async fn reads(&self, wallet: Option<&Keypair>, hash: &[u8; 32]) -> u16 {
        let permit = wallet.map(|wallet| {
            let permit = Permit::to_read(wallet, self.base.clone(), &Key::Blob(*hash), now() + 300).unwrap();
            serde_json::to_string(&permit).unwrap()
        });
        let headers: Vec<_> = permit.iter().map(|permit| (Permit::HEADER, permit.as_str())).collect();
        self.get(&hex::encode(hash), &headers).await.status().as_u16()
    }
}

#[tokio::test]
async fn a_document_is_read_by_those_who_judge_it_until_an_open_datanet_accepts_it() {
    let town = Town::start().await;
    let (owner, wallet, stranger) = (Keypair::new(), Keypair::new(), Keypair::new());
    for blob in handed_in(&town, &owner.pubkey(), &wallet, datanet::state::Access::Open).await {
        assert_eq!(town.reads(None, &blob).await, 401);
        assert_eq!(town.reads(Some(&stranger), &blob).await, 403);
        assert_eq!(town.reads(Some(&town.operator), &blob).await, 403, "operators wait for its acceptance");
        assert_eq!((town.reads(Some(&wallet), &blob).await, town.reads(Some(&owner), &blob).await), (200, 200));
        let private = town.store(&wallet).get_blob(&blob).await.unwrap();
        assert!(town.reader().get_blob(&blob).await.is_err(), "{private:?}");
        // A permit for another blob, for storing or of another wallet is none.
        let other = Permit::to_read(&wallet, town.base.clone(), &Key::Blob([1; 32]), now() + 300).unwrap();
        let storing = town.permit(&wallet, &Key::Blob(blob), 1, blob);
        let right = Permit::to_read(&wallet, town.base.clone(), &Key::Blob(blob), now() + 300).unwrap();
        let stolen = Permit { wallet: owner.pubkey(), ..right };
        for permit in [other, storing, stolen] {
            let text = serde_json::to_string(&permit).unwrap();
            assert_eq!(town.get(&hex::encode(blob), &[(Permit::HEADER, &text)]).await.status().as_u16(), 401);
        }
    }
    town.accepts(&owner.pubkey(), &wallet).await;
    let document = sha256(&[b"what nobody has accepted yet"]);
    assert_eq!(town.reads(None, &document).await, 200);
}

#[tokio::test]
async fn a_permissioned_document_stays_private_and_whoever_names_it_gets_no_right_to_it() {
    let town = Town::start().await;
    let (owner, wallet, thief) = (Keypair::new(), Keypair::new(), Keypair::new());
    let [document, _] = handed_in(&town, &owner.pubkey(), &wallet, datanet::state::Access::Permissioned).await;
    town.accepts(&owner.pubkey(), &wallet).await;
    assert_eq!(town.reads(None, &document).await, 401);
    assert_eq!(town.reads(Some(&owner), &document).await, 200);
    let permit = Permit::to_read(&owner, town.base.clone(), &Key::Blob(document), now() + 300).unwrap();
    let found = town.get(&hex::encode(document), &[(Permit::HEADER, &serde_json::to_string(&permit).unwrap())]).await;
    assert_eq!(found.headers()["cache-control"], "private, no-store");

    // The thief makes an open Datanet of which it says that the document is its description.
    let theft = DatanetCreated { metadata_hash: document, ..created(thief.pubkey(), 1, "Theft") };
    town.happens(Event::DatanetCreated(theft)).await;
    assert_eq!((town.reads(None, &document).await, town.reads(Some(&thief), &document).await), (401, 403));

    // An operator reads it once it is in a committee and a job was granted.
    town.happens(Event::CommitteeProposed(stake::events::CommitteeProposed {
        committee: pda::committee(1),
        sequence: 0,
        epoch: 1,
        threshold: 1,
        size: 1,
        members: vec![town.operator.pubkey()],
    }))
    .await;
    town.happens(Event::CommitteeConfirmed(stake::events::CommitteeConfirmed {
        committee: pda::committee(1),
        sequence: 1,
        member: town.operator.pubkey(),
        group_key: hash(5),
        active: true,
    }))
    .await;
    assert_eq!(town.reads(Some(&town.operator), &document).await, 403);
    let snapshots =
        vec![model::state::Snapshot { datanet: pda::datanet(&owner.pubkey(), 1), root: hash(2), batches: 1 }];
    town.happens(requested(key(8), &key(10), hash(3), snapshots)).await;
    assert_eq!(town.reads(Some(&town.operator), &document).await, 200);
    assert_eq!(town.reads(Some(&thief), &document).await, 403);
    // And no longer when the job has ended without a model.
    let ended = model::events::JobEnded { job: key(8), sequence: 1, expired: true, refunded: 5 };
    town.happens(Event::JobEnded(ended)).await;
    assert_eq!(town.reads(Some(&town.operator), &document).await, 403);
}

#[tokio::test]
async fn whoever_knows_only_the_hash_of_a_private_blob_gets_neither_a_right_to_it_nor_its_length() {
    let town = Town::start().await;
    let (wallet, thief, content) = (Keypair::new(), Keypair::new(), "a private letter");
    let hash = town.store(&wallet).put_blob(content).await.unwrap();
    let (path, length) = (hex::encode(hash), content.len() as u64);
    // An operator is one of the thieves: what it has stored would be public.
    for thief in [&thief, &town.operator] {
        for bytes in [length, length + 1] {
            let permit = town.permit(thief, &Key::Blob(hash), bytes, hash);
            let asked = town.put_part(&permit, &format!("bytes */{bytes}"), vec![]).await;
            assert_eq!((asked.status(), &asked.headers()[OFFSET]), (StatusCode::ACCEPTED, &"0".parse().unwrap()));
            error(town.put(&path, Some(&permit), "").await, StatusCode::BAD_REQUEST).await;
            let lie = vec![b'x'; bytes as usize];
            error(town.put(&path, Some(&permit), lie).await, StatusCode::UNPROCESSABLE_ENTITY).await;
        }
        assert_eq!((town.reads(Some(thief), &hash).await, town.reads(None, &hash).await), (403, 401));
    }
    // Whoever has stored it need not send it again, and whoever has it may store it too.
    let again = town.permit(&wallet, &Key::Blob(hash), length, hash);
    assert_eq!(town.put_part(&again, &format!("bytes */{length}"), vec![]).await.status(), StatusCode::OK);
    let permit = town.permit(&thief, &Key::Blob(hash), length, hash);
    assert_eq!(town.put(&path, Some(&permit), content).await.status(), StatusCode::CREATED);
    assert_eq!(town.reads(Some(&thief), &hash).await, 200);
}

/// A job that `requester` asks for.
fn requested(job: Pubkey, requester: &Pubkey, config_hash: [u8; 32], snapshots: Vec<model::state::Snapshot>) -> Event {
    Event::JobRequested(model::events::JobRequested {
        job,
        sequence: 0,
        model: key(9),
        number: 0,
        requester: *requester,
        config_hash,
        seed: 1,
        snapshots,
        budget: 5,
        data_share_bps: 5,
        taking_slot: 900,
    })
}

/// A manifest of `wallet` for the Datanet `key(5)` with one document, both stored.
async fn stored_batch(town: &Town, wallet: &Keypair) -> ([u8; 32], Manifest) {
    let document = town.store(wallet).put_blob("a document").await.unwrap();
    let leaf = Leaf { content: document, kind: Kind::Document, target: None, metadata: Metadata::default() };
    let manifest = Manifest::new(key(5), wallet.pubkey(), vec![leaf]).unwrap();
    town.store(wallet).put_blob(manifest.to_bytes().unwrap()).await.unwrap();
    (document, manifest)
}

fn swept_at_once() -> Limits {
    Limits { kept: Duration::ZERO, ..Limits::default() }
}

#[tokio::test]
async fn a_manifest_that_was_absent_for_a_moment_is_opened_when_it_is_back() {
    let town = Town::start_with(swept_at_once(), None).await;
    let wallet = Keypair::new();
    let (document, manifest) = stored_batch(&town, &wallet).await;
    town.opens(key(5), key(6), &wallet).await;
    town.submits(key(6), &manifest).await;
    let (file, aside) = (town.blob_file(&manifest.hash().unwrap()), town.folder.path().join("aside"));
    std::fs::rename(&file, &aside).unwrap();
    // The document is asked for, which looks at what the chain names, and nothing is swept yet.
    assert_eq!(town.reads(None, &document).await, 401);
    std::fs::rename(&aside, &file).unwrap();
    assert_eq!(sweep::once(&town.service).await.unwrap(), 0);
    assert!(town.blob_file(&document).exists());
}

#[tokio::test]
async fn events_that_the_index_hears_of_in_another_order_stop_no_look_and_name_what_they_name() {
    let town = Town::start_with(swept_at_once(), None).await;
    let wallet = Keypair::new();
    let (document, manifest) = stored_batch(&town, &wallet).await;
    // The Datanet's creation is not heard of yet, nor the opening of the batch.
    town.happens(Event::DatanetConfigured(datanet::events::DatanetConfigured {
        datanet: key(5),
        sequence: 1,
        metadata_uri: String::new(),
        metadata_hash: hash(90),
        min_bond: 5,
        panel_size: 3,
        quorum: 1,
    }))
    .await;
    town.submits(key(6), &manifest).await;
    assert_eq!(town.reads(None, &document).await, 401, "a look, in which the manifest is read in vain");
    town.opens(key(5), key(6), &wallet).await;
    looks_once(&town).await;
    let sql = "SELECT named FROM artifacts.upload WHERE hash = $1";
    assert!(town.db.query_one(sql, &[&document.as_slice()]).await.unwrap().get::<_, bool>(0));
}

#[tokio::test]
async fn nothing_is_swept_while_the_store_does_not_give_what_may_name_it_and_looks_go_on() {
    let limits = Limits { operator_kept: Duration::ZERO, ..swept_at_once() };
    let town = Town::start_with(limits, None).await;
    let wallet = Keypair::new();
    let (document, manifest) = stored_batch(&town, &wallet).await;
    town.opens(key(5), key(6), &wallet).await;
    town.submits(key(6), &manifest).await;
    town.store(&wallet).put_blob("nobody names this").await.unwrap();
    town.store(&town.operator).put_audit(&town.audit(3)).await.unwrap();
    // A link to itself cannot be opened, and is not absent.
    let (file, aside) = (town.blob_file(&manifest.hash().unwrap()), town.folder.path().join("aside"));
    std::fs::rename(&file, &aside).unwrap();
    std::os::unix::fs::symlink(&file, &file).unwrap();
    assert_eq!(sweep::once(&town.service).await.unwrap(), 0);
    assert_eq!(town.reads(None, &document).await, 401, "a look does not fail for it");
    std::fs::rename(&aside, &file).unwrap();
    assert_eq!(sweep::once(&town.service).await.unwrap(), 2, "the loose blob and the audit");
    assert!(town.blob_file(&document).exists());
}

#[tokio::test]
async fn what_a_look_noted_that_failed_is_judged_by_the_next() {
    let town = Town::start_with(swept_at_once(), None).await;
    let wallet = Keypair::new();
    let (document, manifest) = stored_batch(&town, &wallet).await;
    let metadata_hash = town.store(&wallet).put_blob("a description").await.unwrap();
    looks_once(&town).await;
    let event = DatanetCreated { metadata_hash, ..created(wallet.pubkey(), 1, "Letters") };
    town.happens(Event::DatanetCreated(event)).await;
    town.opens(key(5), key(6), &wallet).await;
    town.submits(key(6), &manifest).await;
    // Nobody can note a manifest's root, so that the look fails after it has noted the events.
    town.db.run("ALTER TABLE artifacts.manifest RENAME TO aside").await.unwrap();
    assert_eq!(town.reads(None, &document).await, 503);
    town.db.run("ALTER TABLE artifacts.aside RENAME TO manifest").await.unwrap();
    assert_eq!(town.reads(None, &document).await, 401);
    let sql = "SELECT bool_and(named) FROM artifacts.upload";
    assert!(
        town.db.query_one(sql, &[]).await.unwrap().get::<_, bool>(0),
        "the description too, which was noted before"
    );
}

/// A look at what the chain names, by asking for what it does not name.
async fn looks_once(town: &Town) {
    let unknown = town.store(&Keypair::new()).put_blob("a look").await.unwrap();
    assert_eq!(town.reads(None, &unknown).await, 401);
    town.db.execute("DELETE FROM artifacts.upload WHERE hash = $1", &[&unknown.as_slice()]).await.unwrap();
}

#[tokio::test]
async fn a_stranger_that_names_a_manifest_as_something_else_keeps_nobody_from_opening_it() {
    let town = Town::start_with(swept_at_once(), None).await;
    let wallet = Keypair::new();
    let (document, manifest) = stored_batch(&town, &wallet).await;
    town.happens(Event::ResultAttested(model::events::ResultAttested {
        job: key(8),
        sequence: 0,
        model: key(9),
        version: 1,
        adapter_hash: hash(9),
        manifest_hash: manifest.hash().unwrap(),
        compute: vec![],
        paid: 0,
        data_share: 0,
        refunded: 0,
        committee_epoch: 1,
    }))
    .await;
    town.opens(key(5), key(6), &wallet).await;
    assert_eq!(town.reads(None, &document).await, 401, "a look at what the chain names");
    town.submits(key(6), &manifest).await;
    assert_eq!(sweep::once(&town.service).await.unwrap(), 0);
    assert!(town.blob_file(&document).exists());
}

#[tokio::test]
async fn a_manifest_names_nothing_unless_it_is_what_the_batch_on_the_chain_says() {
    let town = Town::start_with(swept_at_once(), None).await;
    let (wallet, other) = (Keypair::new(), Keypair::new());
    let (document, manifest) = stored_batch(&town, &wallet).await;
    let (name, root) = (manifest.hash().unwrap(), manifest.root());
    for (n, datanet, contributor, root, count) in [
        (10, key(5), &wallet, hash(1), 1),
        (11, key(5), &wallet, root, 2),
        (12, key(4), &wallet, root, 1),
        (13, key(5), &other, root, 1),
    ] {
        town.opens(datanet, key(n), contributor).await;
        town.submits_as(key(n), name, root, count).await;
    }
    assert_eq!(sweep::once(&town.service).await.unwrap(), 1, "the document, which nothing names");
    assert!(!town.blob_file(&document).exists() && town.blob_file(&name).exists());
    // The honest batch, after the manifest was opened in vain.
    town.store(&wallet).put_blob("a document").await.unwrap();
    town.opens(key(5), key(6), &wallet).await;
    town.submits(key(6), &manifest).await;
    assert_eq!(sweep::once(&town.service).await.unwrap(), 0);
}

#[tokio::test]
async fn a_batch_that_ended_without_being_accepted_names_nothing_any_more() {
    let town = Town::start_with(swept_at_once(), None).await;
    let wallet = Keypair::new();
    let (_, manifest) = stored_batch(&town, &wallet).await;
    for n in [6, 7] {
        town.opens(key(5), key(n), &wallet).await;
        town.submits(key(n), &manifest).await;
    }
    assert_eq!(sweep::once(&town.service).await.unwrap(), 0);
    town.rejects(key(5), key(6), &wallet).await;
    assert_eq!(sweep::once(&town.service).await.unwrap(), 0, "the other batch names them");
    town.rejects(key(5), key(7), &wallet).await;
    assert_eq!(sweep::once(&town.service).await.unwrap(), 2);
    assert_eq!(town.files().0, 0);
    let rows = town.db.query_one("SELECT count(*) FROM artifacts.inside", &[]).await.unwrap();
    assert_eq!(rows.get::<_, i64>(0), 0, "nor is it remembered what they named");
    assert_eq!(sweep::once(&town.service).await.unwrap(), 0);
}

#[tokio::test]
async fn what_an_operator_hands_in_to_a_datanet_is_as_private_as_anybody_elses() {
    let town = Town::start().await;
    let owner = Keypair::new();
    let [document, manifest] =
        handed_in(&town, &owner.pubkey(), &town.operator, datanet::state::Access::Permissioned).await;
    let state = town.store(&town.operator).put_blob("a state of a training").await.unwrap();
    sweep::once(&town.service).await.unwrap();
    assert_eq!((town.reads(None, &document).await, town.reads(None, &manifest).await), (401, 401));
    assert_eq!(town.reads(Some(&owner), &document).await, 200);
    // What nothing names yet is for those who check it.
    let checker = Keypair::new();
    assert_eq!((town.reads(None, &state).await, town.reads(Some(&checker), &state).await), (401, 403));
    town.stakes(&checker.pubkey(), stake::state::Role::Operator).await;
    assert_eq!(town.reads(Some(&checker), &state).await, 200);
}

#[tokio::test]
async fn what_an_operator_hands_in_is_private_from_the_moment_that_it_is_stored() {
    let town = Town::start().await;
    let (document, manifest) = stored_batch(&town, &town.operator).await;
    let hash = manifest.hash().unwrap();
    assert_eq!((town.reads(None, &document).await, town.reads(None, &hash).await), (401, 401));
    // The chain names the manifest, and no look has come since.
    town.opens(key(5), key(6), &town.operator).await;
    town.submits(key(6), &manifest).await;
    assert_eq!((town.reads(None, &document).await, town.reads(None, &hash).await), (401, 401));
    sweep::once(&town.service).await.unwrap();
    assert_eq!((town.reads(None, &document).await, town.reads(None, &hash).await), (401, 401));
}

#[tokio::test]
async fn the_weights_of_an_answer_are_public_with_the_answer() {
    let town = Town::start().await;
    let store = town.store(&town.operator);
    let weights = store.put_blob("the weights of an answer").await.unwrap();
    assert_eq!(town.reads(None, &weights).await, 401);
    let mut answer = town.answer("an answer");
    answer.receipt.weights = weights;
    answer.sign(&town.identity).unwrap();
    store.put_answer(&answer).await.unwrap();
    assert_eq!(town.reads(None, &weights).await, 200);
}

#[tokio::test]
async fn a_description_is_named_until_the_next_one_and_a_jobs_config_until_it_ends_without_a_result() {
    let town = Town::start_with(swept_at_once(), None).await;
    let owner = Keypair::new();
    let store = town.store(&owner);
    let (first, second) =
        (store.put_blob("a description").await.unwrap(), store.put_blob("a better one").await.unwrap());
    let config = store.put_blob("a config").await.unwrap();
    town.happens(Event::DatanetCreated(DatanetCreated { metadata_hash: first, ..created(owner.pubkey(), 1, "Told") }))
        .await;
    town.happens(requested(key(8), &owner.pubkey(), config, vec![])).await;
    assert_eq!(sweep::once(&town.service).await.unwrap(), 1, "the second description is not told yet");
    store.put_blob("a better one").await.unwrap();
    assert_eq!((town.reads(None, &first).await, town.reads(None, &config).await), (200, 200));
    town.happens(Event::DatanetConfigured(datanet::events::DatanetConfigured {
        datanet: pda::datanet(&owner.pubkey(), 1),
        sequence: 1,
        metadata_uri: "x".into(),
        metadata_hash: second,
        min_bond: 5,
        panel_size: 3,
        quorum: 2,
    }))
    .await;
    assert_eq!(sweep::once(&town.service).await.unwrap(), 1);
    assert!(!town.blob_file(&first).exists() && town.blob_file(&second).exists() && town.blob_file(&config).exists());
    let ended = model::events::JobEnded { job: key(8), sequence: 1, expired: false, refunded: 5 };
    town.happens(Event::JobEnded(ended)).await;
    assert_eq!(sweep::once(&town.service).await.unwrap(), 1);
    assert!(!town.blob_file(&config).exists() && town.blob_file(&second).exists());
    assert_eq!(sweep::once(&town.service).await.unwrap(), 0);
}

#[tokio::test]
async fn a_wallet_with_nothing_at_stake_stores_little_until_it_opens_a_batch() {
    let town = Town::start_with(Limits { stranger: 9_000, ..Limits::default() }, None).await;
    let wallet = Keypair::new();
    let (first, second) = (long(5_000), long(6_000));
    town.store(&wallet).put_blob(first).await.unwrap();
    let (hash, permit) = (sha256(&[&second]), |hash| town.permit(&wallet, &Key::Blob(hash), 6_000, hash));
    let refused = town.put(&hex::encode(hash), Some(&permit(hash)), second.clone()).await;
    assert_eq!(refused.headers()["retry-after"], "1");
    let said = error(refused, StatusCode::SERVICE_UNAVAILABLE).await;
    assert!(said.contains("nothing at stake"), "{said}");
    town.opens(key(5), key(6), &wallet).await;
    town.store(&wallet).put_blob(second).await.unwrap();
}

#[tokio::test]
async fn a_panels_seat_is_looked_for_among_submitted_batches_however_many_are_merely_open() {
    let town = Town::start().await;
    let (owner, wallet, validator) = (Keypair::new(), Keypair::new(), Keypair::new());
    town.stakes(&validator.pubkey(), stake::state::Role::Validator).await;
    let [document, _] = handed_in(&town, &owner.pubkey(), &wallet, datanet::state::Access::Permissioned).await;
    // The node does not answer here: where it is asked for a seat, the service says so.
    assert_eq!(town.reads(Some(&validator), &document).await, 503, "the batch has a panel");
    town.accepts(&owner.pubkey(), &wallet).await;
    let datanet = pda::datanet(&owner.pubkey(), 1);
    for n in 100..180 {
        town.opens(datanet, key(n), &wallet).await;
    }
    assert_eq!(town.reads(Some(&validator), &document).await, 403, "no batch has a panel now");
    let (_, manifest) = stored_batch(&town, &wallet).await;
    town.submits(key(100), &manifest).await;
    assert_eq!(town.reads(Some(&validator), &document).await, 503, "a panel looks for copies of what is accepted");
}

#[tokio::test]
async fn whoever_described_a_datanet_before_it_was_handed_over_shows_nothing_of_its_new_owner() {
    let town = Town::start().await;
    let (owner, heir) = (Keypair::new(), Keypair::new());
    let letter = town.store(&heir).put_blob("a private letter").await.unwrap();
    let datanet = pda::datanet(&owner.pubkey(), 1);
    town.happens(Event::DatanetCreated(created(owner.pubkey(), 1, "Letters"))).await;
    town.happens(Event::DatanetConfigured(datanet::events::DatanetConfigured {
        datanet,
        sequence: 1,
        metadata_uri: String::new(),
        metadata_hash: letter,
        min_bond: 5,
        panel_size: 3,
        quorum: 1,
    }))
    .await;
    town.happens(Event::DatanetChanged(datanet::events::DatanetChanged {
        datanet,
        sequence: 2,
        owner: heir.pubkey(),
        pending_owner: None,
        paused: false,
    }))
    .await;
    sweep::once(&town.service).await.unwrap();
    assert_eq!((town.reads(None, &letter).await, town.reads(Some(&heir), &letter).await), (401, 200));
}

#[tokio::test]
async fn of_two_payments_in_a_slot_the_first_of_the_ledger_counts_and_not_the_first_that_was_heard_of() {
    let town = Town::start().await;
    let (first, second, request) = (Keypair::new(), Keypair::new(), hash(70));
    for (n, place, operator) in [(0, 7, &second), (1, 3, &first)] {
        let record = TransactionRecord {
            signature: bs58::encode([n as u8 + 201; 64]).into_string(),
            slot: 900,
            place: Some(place),
            block_time: None,
            failed: false,
            events: vec![Event::Paid(paid(10 + n, request, operator.pubkey()))],
            unread: vec![],
        };
        ingest(&town.db, &record).await.unwrap();
    }
    for operator in [&first, &second] {
        town.registers(&operator.pubkey()).await;
    }
    let key = Key::Answer(request);
    let answers = async |wallet: &Keypair| {
        let permit = town.permit(wallet, &key, 3, sha256(&[b"{}\n"]));
        let path = format!("answers/{}.json", hex::encode(request));
        town.put(&path, Some(&permit), "{}\n").await.status()
    };
    assert_eq!(answers(&second).await, StatusCode::FORBIDDEN);
    assert_eq!(answers(&first).await, StatusCode::UNPROCESSABLE_ENTITY, "it may write, and this is no answer");
}

#[tokio::test]
async fn a_service_that_loses_every_part_is_given_up() {
    use warp::Filter;
    let parts = Arc::new(AtomicUsize::new(0));
    let counted = parts.clone();
    let service = warp::put().and(warp::header::<String>("content-range")).and(warp::body::bytes()).map(
        move |range: String, _: bytes::Bytes| {
            let builder = warp::http::Response::builder();
            match range.starts_with("bytes */") {
                true => builder.status(202).header(OFFSET, 0).body(""),
                false => {
                    counted.fetch_add(1, Ordering::SeqCst);
                    builder.status(503).header("retry-after", 0).body("")
                }
            }
        },
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let task = tokio::spawn(warp::serve(service).incoming(listener).run());
    let store = Store::open_as(&url, Some(Arc::new(Keypair::new()))).unwrap();
    let sent = tokio::time::timeout(Duration::from_secs(30), store.put_blob(long(PART + 1))).await;
    assert!(sent.expect("it ends").is_err());
    assert!(parts.load(Ordering::SeqCst) <= 6);
    task.abort();
}

#[tokio::test]
async fn the_service_counts_requests_bytes_sweeps_and_refusals_by_quota() {
    // Room for one small file, which counts as a block of 4 KiB.
    let limits = Limits { unsettled: 5_000, ..swept_at_once() };
    let town = Town::start_with(limits, None).await;
    let (wallet, metrics) = (Keypair::new(), town.service.metrics.clone());
    let store = town.store(&wallet);
    let hash = store.put_blob(long(700)).await.unwrap();
    assert_eq!(store.get_blob(&hash).await.unwrap(), long(700));
    assert_eq!((metrics.received.get(), metrics.sent.get(), metrics.over_quota.get()), (700, 700, 0));
    store.put_blob(long(801)).await.unwrap_err();
    assert_eq!((metrics.received.get(), metrics.over_quota.get()), (700, 1));
    let requests = |method, status| metrics.requests.with_label_values(&[method, status]).get();
    assert!(requests("PUT", "201") == 1 && requests("PUT", "403") == 1 && requests("GET", "200") == 1);
    assert_eq!(sweep::once(&town.service).await.unwrap(), 1);
    assert_eq!((metrics.sweeps.get(), metrics.swept.get()), (1, 1));
}
