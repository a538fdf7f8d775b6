//! A committee in one process. Killing a member ends its runtime: all its tasks and connections are gone at once.

use std::{
    future::Future,
    net::TcpListener,
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
    Approver, Committee, Member, Observer, Participant, Parts, Settings, Store,
    answer::Answer,
    dkg,
    envelope::{Envelope, Kind},
    routes,
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
    async fn approve(&self, _: &Participant, _: &Message, _: &[u8], _: &Value) -> Result<(), String> {
        let delay = *self.approval_delay.lock().unwrap();
        tokio::time::sleep(delay).await;
        self.objection.lock().unwrap().clone().map_or(Ok(()), Err)
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
        // All ports are bound at once, so that none is given twice.
        let ports: Vec<TcpListener> = (0..size).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
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
            },
            minds: (1..=size).map(|p| Arc::new(mind(p))).collect(),
            nodes: (0..size).map(|_| None).collect(),
            lies: (0..size).map(|_| None).collect(),
            url,
            _postgres: postgres,
        }
    }

    /// A fleet that is running and has its key.
    pub async fn with_key(threshold: u16, size: u16) -> (Self, Hash32) {
        let mut fleet = Self::new(threshold, size);
        fleet.start_all().await;
        let runs: Vec<_> = (1..=size).map(|place| fleet.generate_key(place)).collect();
        let mut keys = Vec::new();
        for run in runs {
            keys.push(run.await.unwrap().expect("key generation succeeds").group_key);
        }
        assert!(keys.iter().all(|k| *k == keys[0]), "all members have the same group key");
        (fleet, keys[0])
    }

    pub async fn start_all(&mut self) {
        for place in 1..=self.committee.size() as u16 {
            self.start(place).await;
        }
    }

    /// Starts a member, for the first time or again.
    pub async fn start(&mut self, place: u16) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let at = usize::from(place) - 1;
        let (url, settings, mind) = (self.url.clone(), self.settings.clone(), self.minds[at].clone());
        let (committee, lie) = (self.committee.clone(), self.lies[at].clone());
        let address = self.committee.members[at].endpoint.trim_start_matches("http://").to_string();
        let started = runtime.spawn(async move {
            let store = Store::connect(&url, &format!("operator_{place}")).await.expect("the store opens");
            let participant = Participant::start(Parts {
                wallet: [place as u8; 32],
                identity: identity(place),
                cluster: CLUSTER,
                store,
                settings,
                approver: mind.clone(),
                observer: mind,
            })
            .await
            .expect("the participant starts");
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
            participant
        });
        let participant = started.await.unwrap();
        self.nodes[at] = Some(Node { participant, runtime });
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
        let request = Envelope::request(
            &identity(from),
            &self.committee,
            ([from as u8; 32], [to as u8; 32]),
            kind,
            session,
            body,
        );
        let (status, text) = self.post(to, kind.as_str(), serde_json::to_string(&request).unwrap()).await;
        let reply: Envelope = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
        reply.verify_reply(&self.committee, &request).expect("the answer is signed");
        (status, reply.read().unwrap())
    }

    pub async fn post(&self, to: u16, kind: &str, body: String) -> (u16, String) {
        let url = format!("{}/quorum/v1/{kind}", self.committee.members[usize::from(to) - 1].endpoint);
        let response = reqwest::Client::new().post(url).body(body).send().await.expect("the member answers");
        (response.status().as_u16(), response.text().await.unwrap())
    }
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

/// A server in front of an honest node. It signs what it likes with the node's identity key.
fn liar(
    place: u16,
    behind: String,
    lie: Lie,
) -> impl Filter<Extract = (warp::reply::Response,), Error = warp::Rejection> + Clone {
    let http = reqwest::Client::new();
    warp::path!("quorum" / "v1" / String).and(warp::body::bytes()).then(move |kind: String, body: bytes::Bytes| {
        let (http, behind, lie) = (http.clone(), behind.clone(), lie.clone());
        async move {
            let request: Envelope = serde_json::from_slice(&body).unwrap();
            let url = format!("{behind}/quorum/v1/{kind}");
            let answer = http.post(url).body(body).send().await.unwrap();
            let status = StatusCode::from_u16(answer.status().as_u16()).unwrap();
            let answer: Envelope = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
            match lie(&request, answer.read().unwrap()) {
                Some(told) => {
                    let reply = warp::reply::json(&request.reply(&identity(place), &told));
                    warp::reply::with_status(reply, status).into_response()
                }
                None => std::future::pending().await,
            }
        }
    })
}
