//! A committee in one process. Killing a member ends its runtime: all its tasks and connections are gone at once.

use std::{
    future::Future,
    net::{Ipv4Addr, TcpListener},
    path::PathBuf,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use ed25519_dalek::SigningKey;
use openledger_postgres::Postgres;
use openledger_protocol::{
    Hash32,
    attest::{Kind as AttestKind, Message, payload_hash},
};
use openledger_quorum::{
    Approver, Committee, Member, Observer, Participant, Parts, Round, Settings, Store,
    answer::Answer,
    dkg,
    envelope::{Envelope, Header, Kind},
    observe, routes,
};
use serde_json::Value;
use tokio::{runtime::Runtime, task::JoinHandle};
use warp::{Filter, Reply, http::StatusCode};

pub const CLUSTER: Hash32 = [42; 32];

/// What a liar does with its node's honest answer: it changes the answer, or keeps silent (`None`).
pub type Lie = Arc<dyn Fn(&Envelope, Answer) -> Option<Answer> + Send + Sync>;

/// The node's side, which a test can steer.
pub struct Mind {
    pub approval_delay: Mutex<Duration>,
    pub objection: Mutex<Option<String>>,
    /// The round whose agreements it approves: a payload begins with the root of one that its member has. `None` approves
    /// anything.
    pub agreed_in: Mutex<Option<Round>>,
    /// How often it was asked to approve something.
    pub asked: AtomicUsize,
    /// 0 stands for unknown.
    pub finalized_slot: AtomicU64,
    pub values: Mutex<Vec<u64>>,
    pub observe_delay: Mutex<Duration>,
    /// The only question that it answers. `None` stands for any.
    pub question: Mutex<Option<Value>>,
    pub observed: AtomicUsize,
    /// When turn 0 begins. It lasts until this is set.
    pub clock: Arc<OnceLock<Instant>>,
}

#[async_trait]
impl Approver for Mind {
    async fn approve(&self, quorum: &Participant, _: &Message, payload: &[u8]) -> Result<(), String> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let round = self.agreed_in.lock().unwrap().clone();
        if let Some(Round { epoch, subject, sequence, context }) = round {
            let root = payload[..32].try_into().unwrap();
            let known = observe::agreement(quorum, epoch, &subject, sequence, &context, &root).await.unwrap();
            known.ok_or("no agreement with this root is known here")?;
        }
        let delay = *self.approval_delay.lock().unwrap();
        tokio::time::sleep(delay).await;
        self.objection.lock().unwrap().clone().map_or(Ok(()), Err)
    }

    /// What comes after a `|` may be renewed.
    fn core(&self, _: &Message, payload: &[u8]) -> Hash32 {
        payload_hash(payload.split(|b| *b == b'|').next().unwrap())
    }

    async fn finalized_slot(&self) -> Option<u64> {
        Some(self.finalized_slot.load(Ordering::SeqCst)).filter(|s| *s > 0)
    }
}

#[async_trait]
impl Observer for Mind {
    async fn observe(&self, _: &Hash32, _: u64, context: &Value) -> Result<Vec<u64>, String> {
        if self.question.lock().unwrap().as_ref().is_some_and(|q| q != context) {
            return Err("this is not the question".into());
        }
        self.observed.fetch_add(1, Ordering::SeqCst);
        let delay = *self.observe_delay.lock().unwrap();
        tokio::time::sleep(delay).await;
        Ok(self.values.lock().unwrap().clone())
    }

    fn clock(&self) -> Duration {
        self.clock.get().map_or(Duration::ZERO, Instant::elapsed)
    }
}

pub struct Fleet {
    pub committee: Committee,
    pub settings: Settings,
    pub minds: Vec<Arc<Mind>>,
    nodes: Vec<Option<Node>>,
    lies: Vec<Option<Lie>>,
    url: String,
    /// Where the members keep their markers.
    markers: tempfile::TempDir,
    // The last field, so that the server outlives the members' connections.
    _postgres: Postgres,
}

struct Node {
    participant: Participant,
    runtime: Runtime,
}

impl Fleet {
    /// `threshold` of `size` members. None of them is started.
    pub fn new(threshold: u16, size: u16) -> Self {
        let postgres = Postgres::start(None).expect("PostgreSQL starts");
        let url = postgres.create_database("quorum").expect("a database can be made");
        // All ports are bound at once, so that none is given twice. Members start and stop, and nobody else may take a free
        // port meanwhile: the address is this process's own, and no connection goes out from it.
        let [_, a, b, c] = std::process::id().to_be_bytes();
        let address = (Ipv4Addr::new(127, a, b, c), 0);
        let ports: Vec<TcpListener> = (0..size).map(|_| TcpListener::bind(address).unwrap()).collect();
        let member = |(place, port): (u16, &TcpListener)| Member {
            place,
            wallet: [place as u8; 32],
            identity: identity(place).verifying_key().to_bytes(),
            endpoint: format!("http://{}", port.local_addr().unwrap()),
        };
        let members = (1..).zip(&ports).map(member).collect();
        let clock = Arc::new(OnceLock::new());
        let mind = |place: u16| Mind {
            approval_delay: Mutex::default(),
            objection: Mutex::default(),
            agreed_in: Mutex::default(),
            asked: AtomicUsize::new(0),
            finalized_slot: AtomicU64::new(0),
            // The values differ a little between members, as floats do.
            values: Mutex::new(vec![500_000 + u64::from(place), 300_000, 200_000 - u64::from(place)]),
            observe_delay: Mutex::new(Duration::from_millis(50)),
            question: Mutex::default(),
            observed: AtomicUsize::new(0),
            clock: clock.clone(),
        };
        Self {
            committee: Committee::new(7, threshold, members).unwrap(),
            settings: Settings {
                request_timeout: Duration::from_secs(3),
                hold: Duration::from_millis(200),
                retry_min: Duration::from_millis(20),
                retry_max: Duration::from_millis(200),
                beat_every: Duration::from_millis(200),
                silent_after: Duration::from_millis(1500),
                dkg_deadline: Duration::from_secs(20),
                sign_deadline: Duration::from_secs(15),
                stall_after: Duration::from_millis(400),
                commit_window: Duration::from_secs(3),
                reveal_window: Duration::from_secs(2),
                turn: Duration::from_secs(6),
                ..Settings::default()
            },
            minds: (1..=size).map(|p| Arc::new(mind(p))).collect(),
            nodes: (0..size).map(|_| None).collect(),
            lies: (0..size).map(|_| None).collect(),
            url,
            markers: tempfile::tempdir().unwrap(),
            _postgres: postgres,
        }
    }

    /// A fleet that is running and has its key.
    pub async fn with_key(threshold: u16, size: u16) -> (Self, Hash32) {
        let mut fleet = Self::new(threshold, size);
        let key = fleet.generated().await;
        (fleet, key)
    }

    /// Starts all members and has them make their key.
    pub async fn generated(&mut self) -> Hash32 {
        self.start_all().await;
        let runs: Vec<_> = (1..=self.committee.size() as u16).map(|place| self.generate_key(place)).collect();
        let mut keys = Vec::new();
        for run in runs {
            keys.push(run.await.unwrap().expect("key generation succeeds").group_key);
        }
        assert!(keys.iter().all(|k| *k == keys[0]), "all members have the same group key");
        keys[0]
    }

    /// Lets all nodes say that this slot is finalized.
    pub fn finalize(&self, slot: u64) {
        for mind in &self.minds {
            mind.finalized_slot.store(slot, Ordering::SeqCst);
        }
    }

    pub async fn start_all(&mut self) {
        for place in 1..=self.committee.size() as u16 {
            self.start(place).await;
        }
    }

    /// Starts a member, for the first time or again.
    pub async fn start(&mut self, place: u16) {
        self.try_start(place).await.expect("the participant starts");
    }

    /// Starts a member that may refuse to start.
    pub async fn try_start(&mut self, place: u16) -> openledger_quorum::Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let at = usize::from(place) - 1;
        let (url, settings, mind) = (self.url.clone(), self.settings.clone(), self.minds[at].clone());
        let (committee, lie, marker) = (self.committee.clone(), self.lies[at].clone(), self.marker(place));
        let address = self.committee.members[at].endpoint.trim_start_matches("http://").to_string();
        let started = runtime.spawn(async move {
            let store = Store::connect(&url, &format!("operator_{place}")).await.expect("the store opens");
            let participant = Participant::start(Parts {
                wallet: [place as u8; 32],
                identity: identity(place),
                cluster: CLUSTER,
                store,
                settings,
                marker: Some(marker),
                approver: mind.clone(),
                observer: mind,
            })
            .await?;
            participant.admit(committee).expect("it is a member");
            let serve = routes(participant.clone());
            match lie {
                None => drop(tokio::spawn(warp::serve(serve).incoming(bind(&address).await).run())),
                Some(lie) => {
                    let honest = bind("127.0.0.1:0").await;
                    let behind = format!("http://{}", honest.local_addr().unwrap());
                    tokio::spawn(warp::serve(serve).incoming(honest).run());
                    let liar = liar(place, behind, lie);
                    tokio::spawn(warp::serve(liar).incoming(bind(&address).await).run());
                }
            }
            Ok(participant)
        });
        match started.await.unwrap() {
            Ok(participant) => self.nodes[at] = Some(Node { participant, runtime }),
            Err(error) => {
                runtime.shutdown_background();
                return Err(error);
            }
        }
        Ok(())
    }

    /// Where the member keeps its marker.
    pub fn marker(&self, place: u16) -> PathBuf {
        self.markers.path().join(format!("operator_{place}.marker"))
    }

    /// The member's store, beside the one that it has open itself.
    pub async fn store(&self, place: u16) -> Store {
        Store::connect(&self.url, &format!("operator_{place}")).await.expect("the store opens")
    }

    /// The member's answers pass through `lie` from its next start on.
    pub fn lie(&mut self, place: u16, lie: impl Fn(&Envelope, Answer) -> Option<Answer> + Send + Sync + 'static) {
        self.lies[usize::from(place) - 1] = Some(Arc::new(lie));
    }

    /// Ends everything that a member does, at any point.
    pub fn kill(&mut self, place: u16) {
        let node = self.nodes[usize::from(place) - 1].take().expect("it runs");
        node.runtime.shutdown_background();
    }

    pub fn participant(&self, place: u16) -> &Participant {
        &self.nodes[usize::from(place) - 1].as_ref().expect("it runs").participant
    }

    pub fn mind(&self, place: u16) -> &Mind {
        &self.minds[usize::from(place) - 1]
    }

    /// Runs something as the member. It ends when the member is killed.
    pub fn run<T, F>(&self, place: u16, what: impl FnOnce(Participant) -> F) -> JoinHandle<T>
    where
        F: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        let node = self.nodes[usize::from(place) - 1].as_ref().expect("it runs");
        node.runtime.spawn(what(node.participant.clone()))
    }

    pub fn generate_key(&self, place: u16) -> JoinHandle<openledger_quorum::Result<openledger_quorum::KeyShare>> {
        let committee = self.committee.clone();
        self.run(place, |participant| async move { dkg::run(&participant, &committee).await })
    }

    /// Posts a request by `from` to `to`. Returns (HTTP status, answer).
    pub async fn ask(
        &self,
        (from, to): (u16, u16),
        kind: Kind,
        session: &str,
        body: &impl serde::Serialize,
    ) -> (u16, Answer) {
        let request = self.request((from, to), kind, session, body);
        let got = self.post(to, kind.as_str(), &request).await;
        let header = got.header.unwrap_or_else(|| panic!("an unsigned answer: {}", got.text));
        let reply = header.open(got.text.into_bytes()).expect("the body is the header's");
        reply.verify_reply(&self.committee, &request).expect("the answer is signed");
        (got.status, reply.read().unwrap())
    }

    /// A request by `from` to `to`, with a new number.
    pub fn request(&self, (from, to): (u16, u16), kind: Kind, session: &str, body: &impl serde::Serialize) -> Envelope {
        let wallets = ([from as u8; 32], [to as u8; 32]);
        Envelope::request(&identity(from), &self.committee, wallets, kind, session, body)
    }

    /// Posts a message to the URL of a kind.
    pub async fn post(&self, to: u16, kind: &str, message: &Envelope) -> Posted {
        self.post_raw(to, kind, Some(serde_json::to_string(&message.header).unwrap()), message.body.clone()).await
    }

    /// Posts anything.
    pub async fn post_raw(&self, to: u16, kind: &str, header: Option<String>, body: String) -> Posted {
        let url = format!("{}/quorum/v1/{kind}", self.committee.members[usize::from(to) - 1].endpoint);
        let request = reqwest::Client::new().post(url).body(body);
        let request = match header {
            Some(header) => request.header(Header::NAME, header),
            None => request,
        };
        posted(request.send().await.expect("the member answers")).await
    }
}

/// An answer over HTTP, signed or not.
pub struct Posted {
    pub status: u16,
    pub header: Option<Header>,
    pub retry_after: Option<String>,
    pub text: String,
}

async fn posted(response: reqwest::Response) -> Posted {
    let text = |name: &str| response.headers().get(name).map(|v| v.to_str().unwrap().to_string());
    let header = text(Header::NAME).map(|header| serde_json::from_str(&header).unwrap());
    let (status, retry_after) = (response.status().as_u16(), text("retry-after"));
    Posted { status, header, retry_after, text: response.text().await.unwrap() }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for node in self.nodes.iter_mut().filter_map(Option::take) {
            node.runtime.shutdown_background();
        }
    }
}

pub fn identity(place: u16) -> SigningKey {
    SigningKey::from_bytes(&[place as u8 + 100; 32])
}

pub fn message(sequence: u64, payload: &[u8]) -> Message {
    Message {
        cluster: CLUSTER,
        program: [3; 32],
        committee_epoch: 7,
        kind: AttestKind::Settlement,
        subject: [5; 32],
        sequence,
        payload: payload_hash(payload),
        expiry_slot: 1_000,
    }
}

/// Binds an address. It tries for a while, because a member that was killed may still hold its port for a moment.
pub async fn bind(address: &str) -> tokio::net::TcpListener {
    for _ in 0..200 {
        match tokio::net::TcpListener::bind(address).await {
            Ok(listener) => return listener,
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
    panic!("{address} stays taken");
}

/// What members send one another, in a test's own server.
pub fn received() -> impl Filter<Extract = (Envelope,), Error = warp::Rejection> + Clone {
    let signed = warp::header::<String>(Header::NAME);
    warp::path!("quorum" / "v1" / String).and(signed).and(warp::body::bytes()).map(
        |_, header: String, body: bytes::Bytes| {
            let header: Header = serde_json::from_str(&header).unwrap();
            header.open(body.to_vec()).unwrap()
        },
    )
}

/// The response that carries the answer of the member with this place.
pub fn told(place: u16, request: &Envelope, answer: &Answer, status: StatusCode) -> warp::reply::Response {
    let reply = request.reply(&identity(place), answer);
    let header = serde_json::to_string(&reply.header).unwrap();
    let reply = warp::reply::with_header(reply.body, Header::NAME, header);
    warp::reply::with_status(reply, status).into_response()
}

/// A server in front of an honest node. It signs what it likes with the node's identity key.
fn liar(
    place: u16,
    behind: String,
    lie: Lie,
) -> impl Filter<Extract = (warp::reply::Response,), Error = warp::Rejection> + Clone {
    let http = reqwest::Client::new();
    received().then(move |request: Envelope| {
        let (http, behind, lie) = (http.clone(), behind.clone(), lie.clone());
        async move {
            let url = format!("{behind}/quorum/v1/{}", request.kind.as_str());
            let header = serde_json::to_string(&request.header).unwrap();
            let sent = http.post(url).header(Header::NAME, header).body(request.body.clone()).send().await.unwrap();
            let answer = posted(sent).await;
            let status = StatusCode::from_u16(answer.status).unwrap();
            let Some(signed) = answer.header else {
                return warp::reply::with_status(answer.text, status).into_response();
            };
            match lie(&request, signed.open(answer.text.into_bytes()).unwrap().read().unwrap()) {
                Some(lie) => told(place, &request, &lie, status),
                None => std::future::pending().await,
            }
        }
    })
}
