//! One operator as a participant in its committees: the state that all protocols share, and the two callbacks to the
//! node.
//!
//! This file knows no protocol. The function that answers requests is passed in as a `Handler`.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, RwLock, Weak},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use ed25519_dalek::SigningKey;
use futures::future::BoxFuture;
use openledger_protocol::{Hash32, attest::Message};
use serde_json::Value;
use tokio::sync::{Notify, broadcast};

use crate::{
    answer::Answer,
    envelope::{self, Envelope},
    error::{Error, Refusal, Result},
    marker::Marker,
    membership::Committee,
    nonces::Sessions,
    numbers::Numbers,
    pending::Pending,
    presence::Presence,
    progress::Progress,
    quota::Quotas,
    seal::SealingKey,
    settings::Settings,
    store::Store,
};

/// By how much members' clocks may differ. A member whose clock is further behind is not understood for that long after
/// this participant's start.
const CLOCKS_DIFFER: Duration = Duration::from_secs(600);

/// How long the node may take to say which slot is finalized.
const SLOT_TIMEOUT: Duration = Duration::from_secs(10);

/// The node's decision on what may be signed. It must check the payload against the chain and by its own computation.
#[async_trait]
pub trait Approver: Send + Sync + 'static {
    /// Decides whether this operator agrees that `message` be signed.
    ///
    /// `quorum` is the participant that asks. `payload` has the Borsh bytes of the instruction's arguments. The caller
    /// has checked that their hash is the one in the message. The answer must follow from these alone: it is kept for
    /// whoever asks about the same message.
    ///
    /// The coordinator gets the error. The answer may take minutes. The same question is asked again only after an
    /// error or a restart.
    ///
    /// # Security
    ///
    /// The committee's signature moves money on the word of t approvers. An approver must not agree to anything that it
    /// has not worked out for itself. That includes `message.expiry_slot`: until it is final, this operator signs nothing
    /// else for the sequence.
    async fn approve(&self, quorum: &Participant, message: &Message, payload: &[u8]) -> Result<(), String>;

    /// Hash of `payload` without what may be renewed, which is its expiry. By default nothing may be renewed.
    ///
    /// For a sequence, a payload of another core is signed only when the last slot of the first is finalized.
    ///
    /// # Security
    ///
    /// Whatever two payloads of one core differ in, a coordinator can choose. A core that leaves out an amount lets it
    /// choose the amount.
    fn core(&self, message: &Message, payload: &[u8]) -> Hash32 {
        let _ = payload;
        message.payload
    }

    /// The newest finalized slot, if known.
    ///
    /// A signed payload can be used until its last slot. When that slot of the first payload for a sequence has passed,
    /// payloads of another [core](Approver::core) may be signed for it. `None` never allows it.
    ///
    /// # Security
    ///
    /// The slot must be finalized. With a slot that the chain can still roll back, a member that nobody lies to could
    /// sign two payloads that are both valid.
    async fn finalized_slot(&self) -> Option<u64> {
        None
    }
}

/// The node's own computation of values.
#[async_trait]
pub trait Observer: Send + Sync + 'static {
    /// Computes the values of `subject` at `sequence`, as the question `context` asks for them. There are at most
    /// [`crate::observe::MAX_VALUES`], in the order that subject and context fix.
    ///
    /// `context` is what another member says about the subject. The observer must check it, and fail if it is not the
    /// right question. Nothing is stored then, and the right question can still be answered.
    ///
    /// The asker gets the error. The answer may take minutes. The first success in a context is stored and final.
    async fn observe(&self, subject: &Hash32, sequence: u64, context: &Value) -> Result<Vec<u64>, String>;

    /// The time by which members take turns, such as the newest slot times the length of a slot. All members should
    /// have about the same. Only turns depend on it, and no safety.
    fn clock(&self) -> Duration {
        // A system's time before 1970 gives turn 0 for ever. Then the others' turns still come.
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }
}

/// The parts that a [`Participant`] is made of.
pub struct Parts {
    /// The operator's wallet.
    pub wallet: Hash32,
    /// The identity key registered on chain.
    pub identity: SigningKey,
    /// Genesis hash of the cluster. It is part of every observation and attestation.
    pub cluster: Hash32,
    /// The operator's own schema.
    pub store: Store,
    /// Time limits and quotas.
    pub settings: Settings,
    /// File by which the participant finds out that its store was restored from a backup. Keep it out of the database's
    /// backups. `None` finds nothing: see [`Participant::start`].
    pub marker: Option<PathBuf>,
    /// Decides what may be signed.
    pub approver: Arc<dyn Approver>,
    /// Computes values to observe.
    pub observer: Arc<dyn Observer>,
}

/// Answers a verified request of a committee's member, for all protocols.
pub(crate) type Handler = for<'a> fn(&'a Participant, &'a Committee, &'a Envelope) -> BoxFuture<'a, Result<Answer>>;

/// One operator's part in its committees: keys, store, callbacks and connections. Cheap to clone.
///
/// # Security
///
/// Never run two participants of one operator at the same time, whether on one store or on two. Each would believe that
/// it alone decides what the operator signs.
#[derive(Clone)]
pub struct Participant(Arc<Inner>);

/// Fields of a [`Participant`], for this crate's use.
pub struct Inner {
    pub(crate) wallet: Hash32,
    pub(crate) identity: SigningKey,
    pub(crate) cluster: Hash32,
    pub(crate) store: Store,
    pub(crate) settings: Settings,
    pub(crate) approver: Arc<dyn Approver>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) sealing_key: SealingKey,
    /// Connections to the other members.
    pub(crate) http: reqwest::Client,
    handler: Handler,
    pub(crate) marker: Marker,
    /// Signing sessions.
    pub(crate) sessions: Sessions,
    pub(crate) numbers: Numbers,
    pub(crate) quotas: Quotas,
    pub(crate) approvals: Pending,
    pub(crate) observations: Pending,
    pub(crate) reveals: Pending,
    pub(crate) presence: Presence,
    /// Notified when key generation has made progress.
    pub(crate) dkg_advanced: Notify,
    /// Notified when an agreement was stored.
    pub(crate) agreed: Notify,
    committees: RwLock<BTreeMap<u64, Arc<Committee>>>,
    progress: broadcast::Sender<Progress>,
}

/// A [`Participant`] as its own background tasks hold it, so that they do not keep it alive.
pub(crate) struct WeakParticipant(Weak<Inner>);

impl WeakParticipant {
    /// The participant, unless it was dropped.
    pub(crate) fn upgrade(&self) -> Option<Participant> {
        self.0.upgrade().map(Participant)
    }
}

impl std::ops::Deref for Participant {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Participant {
    /// Makes a participant. It reaches the other members through `http` and answers with `handler`.
    pub(crate) async fn new(parts: Parts, http: reqwest::Client, handler: Handler) -> Result<Self> {
        let Parts { wallet, identity, cluster, store, settings, marker, approver, observer } = parts;
        Ok(Self(Arc::new(Inner {
            marker: Marker::open(marker, wallet, &store).await?,
            sessions: Sessions::default(),
            numbers: Numbers::new(envelope::clock(), CLOCKS_DIFFER.as_micros() as u64),
            quotas: Quotas::new(settings.quota),
            sealing_key: SealingKey::new(&identity),
            wallet,
            identity,
            cluster,
            store,
            settings,
            approver,
            observer,
            http,
            handler,
            approvals: Pending::default(),
            observations: Pending::default(),
            reveals: Pending::default(),
            presence: Presence::default(),
            dkg_advanced: Notify::new(),
            agreed: Notify::new(),
            committees: RwLock::default(),
            progress: broadcast::channel(256).0,
        })))
    }

    /// The operator's wallet.
    pub fn wallet(&self) -> Hash32 {
        self.0.wallet
    }

    /// The operator's store.
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// Admits `committee`, as read from the chain: this operator then takes part in it. Call it for the active
    /// committee and for the forming one.
    ///
    /// The committee replaces an earlier one of the same epoch. Its members may have new endpoints, or it may have been
    /// proposed anew.
    pub fn admit(&self, committee: Committee) -> Result<Arc<Committee>> {
        committee.check()?;
        if committee.member(&self.0.wallet).is_none() {
            return Err(Error::NotMember { wallet: self.0.wallet, epoch: committee.epoch });
        }
        for member in committee.others(self.0.wallet) {
            self.0.presence.watch(member.wallet, Instant::now());
        }
        let committee = Arc::new(committee);
        self.committees.write().expect("no panic holds this lock").insert(committee.epoch, committee.clone());
        Ok(committee)
    }

    /// The committee that was admitted for `epoch`. Fails if there is none.
    pub fn committee(&self, epoch: u64) -> Result<Arc<Committee>> {
        let committees = self.committees.read().expect("no panic holds this lock");
        committees.get(&epoch).cloned().ok_or(Error::UnknownCommittee { epoch })
    }

    /// Whether a member has shown no sign of life for `Settings::silent_after`. This operator itself is never silent.
    ///
    /// Use it to decide whom to wait for, and for nothing else.
    pub fn is_silent(&self, wallet: &Hash32) -> bool {
        *wallet != self.0.wallet && self.0.presence.is_silent(wallet, Instant::now(), self.0.settings.silent_after)
    }

    /// The committees of the two highest epochs that were admitted: the active one and the forming one.
    pub(crate) fn newest_committees(&self) -> Vec<Arc<Committee>> {
        let committees = self.committees.read().expect("no panic holds this lock");
        committees.values().rev().take(2).cloned().collect()
    }

    pub(crate) fn downgrade(&self) -> WeakParticipant {
        WeakParticipant(Arc::downgrade(&self.0))
    }

    /// Receives the progress of this operator's runs, from now on.
    pub fn watch(&self) -> broadcast::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// Counts something that was stored and binds this member in the committee of `epoch`. Call it after the row is
    /// committed, and say it only after this has succeeded: see [`crate::marker`].
    ///
    /// An answer to a request of a kind that binds is counted by the dispatcher already.
    pub(crate) async fn about_to_say(&self, epoch: u64) -> Result<()> {
        self.marker.advance(epoch, &self.store).await
    }

    /// The newest finalized slot. A node that does not answer in time does not know it.
    pub(crate) async fn finalized_slot(&self) -> Option<u64> {
        tokio::time::timeout(SLOT_TIMEOUT, self.approver.finalized_slot()).await.ok().flatten()
    }

    pub(crate) fn report(&self, progress: Progress) {
        tracing::debug!(?progress, "quorum");
        // An error means only that nobody watches.
        let _ = self.progress.send(progress);
    }

    /// Answers one verified request, of another member or of this member to itself.
    pub(crate) async fn answer(&self, committee: &Committee, request: &Envelope) -> Answer {
        match (self.handler)(self, committee, request).await {
            Ok(answer) => answer,
            Err(error) => Answer::Refused(Refusal::from(error)),
        }
    }
}
