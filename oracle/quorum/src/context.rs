//! One operator's part in its committees.

use std::{
    collections::BTreeMap,
    sync::{Arc, RwLock},
};

use ed25519_dalek::SigningKey;
use openledger_protocol::Hash32;
use tokio::sync::{Notify, broadcast};

use crate::{
    dkg,
    envelope::{Envelope, Kind},
    error::{Code, Error, Refusal, Result},
    membership::Committee,
    observe::{self, Observer},
    pending::Pending,
    progress::Progress,
    seal::Vault,
    settings::Settings,
    sign::{self, Approver},
    store::Store,
    transport::{Answer, client::Peers},
};

/// What a [`Context`] is made of.
pub struct Parts {
    /// The operator's wallet.
    pub wallet: Hash32,
    /// The identity key registered on chain.
    pub identity: SigningKey,
    /// Genesis hash of the cluster, part of every observation and attestation.
    pub cluster: Hash32,
    /// The operator's own schema.
    pub store: Store,
    /// Time limits.
    pub settings: Settings,
    /// Decides what may be signed.
    pub approver: Arc<dyn Approver>,
    /// Computes scores.
    pub observer: Arc<dyn Observer>,
}

/// One operator's part in its committees: keys, store, callbacks and connections. Cheap to clone. Run one at a time for
/// an operator.
#[derive(Clone)]
pub struct Context(Arc<Inner>);

/// Fields of a [`Context`] for this crate's use.
pub struct Inner {
    pub(crate) wallet: Hash32,
    pub(crate) identity: SigningKey,
    pub(crate) cluster: Hash32,
    pub(crate) store: Store,
    pub(crate) settings: Settings,
    pub(crate) approver: Arc<dyn Approver>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) vault: Vault,
    pub(crate) peers: Peers,
    pub(crate) approvals: Pending,
    pub(crate) observations: Pending,
    /// Told when key generation got further.
    pub(crate) dkg_advanced: Notify,
    /// Told when an agreement was stored.
    pub(crate) agreed: Notify,
    committees: RwLock<BTreeMap<u64, Arc<Committee>>>,
    progress: broadcast::Sender<Progress>,
}

impl std::ops::Deref for Context {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Context {
    /// Starts an operator's part.
    ///
    /// Nonces that were stored but not used are discarded: the database may have been restored from a backup made
    /// before they were used. It costs at most the sessions in flight, which coordinators repeat.
    pub async fn start(parts: Parts) -> Result<Self> {
        let Parts { wallet, identity, cluster, store, settings, approver, observer } = parts;
        store.discard_unused_nonces().await?;
        Ok(Self(Arc::new(Inner {
            vault: Vault::new(&identity),
            peers: Peers::new(&settings)?,
            wallet,
            identity,
            cluster,
            store,
            settings,
            approver,
            observer,
            approvals: Pending::default(),
            observations: Pending::default(),
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

    /// Lets this operator speak in `committee`, as read from the chain. Replaces one of the same epoch (members' new
    /// endpoints, or a committee proposed anew). Call it for the active and for the forming committee.
    pub fn admit(&self, committee: Committee) -> Result<Arc<Committee>> {
        committee.check()?;
        if committee.member(&self.0.wallet).is_none() {
            return Err(Error::NotMember { wallet: self.0.wallet, epoch: committee.epoch });
        }
        let committee = Arc::new(committee);
        self.committees.write().expect("no panic holds this lock").insert(committee.epoch, committee.clone());
        Ok(committee)
    }

    /// The committee admitted for `epoch`.
    pub fn committee(&self, epoch: u64) -> Result<Arc<Committee>> {
        let committees = self.committees.read().expect("no panic holds this lock");
        committees.get(&epoch).cloned().ok_or(Error::UnknownCommittee { epoch })
    }

    /// What this operator's runs are doing, from now on.
    pub fn watch(&self) -> broadcast::Receiver<Progress> {
        self.progress.subscribe()
    }

    pub(crate) fn report(&self, progress: Progress) {
        tracing::debug!(?progress, "quorum");
        // Nobody may be watching.
        let _ = self.progress.send(progress);
    }

    /// Answers one verified request of another member (or of this one to itself), signed.
    pub(crate) async fn answer(&self, committee: &Committee, request: &Envelope) -> (Envelope, Answer) {
        let answer = match self.handle(committee, request).await {
            Ok(answer) => answer,
            Err(error) => Answer::Refused(Refusal::from(error)),
        };
        (request.reply(&self.identity, &answer), answer)
    }

    /// One handler for each kind of message.
    async fn handle(&self, committee: &Committee, request: &Envelope) -> Result<Answer> {
        match request.kind {
            Kind::DkgRound1 => dkg::serve::round1(self, committee, request).await,
            Kind::DkgRound2 => dkg::serve::round2(self, committee, request).await,
            Kind::DkgEvidence => dkg::serve::evidence(self, committee, request).await,
            Kind::SignCommit => sign::member::commit(self, committee, request).await,
            Kind::SignShare => sign::member::share(self, committee, request).await,
            Kind::ObserveCommit => observe::member::commit(self, committee, request).await,
            Kind::ObserveReveal => observe::member::reveal(self, committee, request).await,
            Kind::ObserveResult => observe::member::result(self, committee, request).await,
        }
    }
}

/// Reads a request's body, or says what is wrong with it.
pub(crate) fn body<T: serde::de::DeserializeOwned>(request: &Envelope) -> Result<T> {
    request.read().map_err(|e| Refusal::new(Code::BadRequest, format!("{}: {e}", request.kind.as_str())).into())
}
