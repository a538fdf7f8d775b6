//! Observations: each member scores the same thing for itself, and the median of what enough of them saw decides.
//!
//! Commit–reveal, so that nobody can copy: each member stores its scores, signs them and shows a salted hash of them;
//! only when a set of at least t such commitments is shown to it does it reveal. The coordinator hands the reveals of
//! that set to everybody; every member checks each against its commitment and its author's signature and takes the
//! median of that same set, so all come to the same integers whatever their floats did.
//!
//! A coordinator can only delay. One that crashes is followed by the next, to whom every member shows the same
//! commitment and the same reveal as before. One that publishes different sets to different members makes several
//! agreements with different roots; a payload names one root, and of all payloads for a sequence only one can be signed
//! by t members. A member that first committed after a former coordinator's reveals could have copied them: it can
//! gain its fee by that, but not move the median away from what was copied.

use std::time::Duration;

use async_trait::async_trait;
use openledger_protocol::Hash32;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::Instant;

use crate::{
    agree,
    context::Context,
    encoding::hex_bytes,
    error::{Error, Result},
    membership::Committee,
    rotation,
    store::ObservationKey,
};

mod coordinator;
pub(crate) mod member;
mod observation;

pub use crate::agree::Agreement;
pub use observation::{Commitment, Observation, Reveal};

/// The node's own computation of scores.
#[async_trait]
pub trait Observer: Send + Sync + 'static {
    /// Scores `subject` at `sequence`, in parts per million: one for each contribution in the order that the subject
    /// fixes, each and all together at most 1,000,000. `context` is what the coordinator says about it, to be checked.
    /// The error is told to the coordinator. May take minutes. Its first success is stored and final.
    async fn observe(&self, subject: &Hash32, sequence: u64, context: &Value) -> Result<Vec<u64>, String>;
}

/// One thing to observe. The same at every member.
#[derive(Clone, Debug, PartialEq)]
pub struct Round {
    /// Committee epoch.
    pub epoch: u64,
    /// What is observed.
    pub subject: Hash32,
    /// Its sequence number.
    pub sequence: u64,
    /// For the observers; part of what they sign.
    pub context: Value,
}

impl Round {
    /// Takes part until there is an agreement, coordinating when it is this member's turn. Every member's node calls
    /// this. Never gives up on its own: the next coordinator takes over after `Settings::turn`.
    pub async fn run(&self, context: &Context) -> Result<Agreement> {
        let committee = context.committee(self.epoch)?;
        for attempt in 0u64.. {
            if let Some(agreement) = self.stored(context, &committee, None).await? {
                return Ok(agreement);
            }
            let coordinator = rotation::coordinator(&committee, &self.subject, attempt);
            let end_of_turn = Instant::now() + context.settings.turn;
            if coordinator.wallet == context.wallet() {
                match self.coordinate(context).await {
                    Err(error @ Error::TooFew { .. }) => tracing::warn!(attempt, %error, "no agreement in my turn"),
                    outcome => return outcome,
                }
            }
            // A coordinator that failed waits out its turn with the others, so that turns stay in step.
            match self.follow(context, end_of_turn.saturating_duration_since(Instant::now())).await {
                Err(Error::Deadline { .. }) => {
                    tracing::warn!(attempt, coordinator = coordinator.name(), "the next coordinator takes over");
                }
                outcome => return outcome,
            }
        }
        unreachable!("attempts do not end")
    }

    /// Coordinates now, whoever's turn it is.
    pub async fn coordinate(&self, context: &Context) -> Result<Agreement> {
        let committee = context.committee(self.epoch)?;
        coordinator::Run { context: context.clone(), committee, round: self.clone() }.run().await
    }

    /// Waits for another member's coordination.
    pub async fn follow(&self, context: &Context, timeout: Duration) -> Result<Agreement> {
        let committee = context.committee(self.epoch)?;
        let until = Instant::now() + timeout;
        loop {
            // Listening before looking: nothing can happen in between unheard.
            let agreed = context.agreed.notified();
            tokio::pin!(agreed);
            agreed.as_mut().enable();
            if let Some(agreement) = self.stored(context, &committee, None).await? {
                return Ok(agreement);
            }
            if tokio::time::timeout_at(until, agreed).await.is_err() {
                return Err(Error::Deadline { what: "waiting for an agreement", missing: vec![], faults: vec![] });
            }
        }
    }

    fn key(&self, cluster: Hash32) -> ObservationKey {
        ObservationKey { cluster, epoch: self.epoch, subject: self.subject, sequence: self.sequence }
    }

    async fn stored(
        &self,
        context: &Context,
        committee: &Committee,
        root: Option<&Hash32>,
    ) -> Result<Option<Agreement>> {
        stored(context, committee, &self.key(context.cluster), root).await
    }
}

/// The agreement with this root, if it was published to this member: what an [`crate::Approver`] holds a payload
/// against.
pub async fn agreement(
    context: &Context,
    epoch: u64,
    subject: &Hash32,
    sequence: u64,
    root: &Hash32,
) -> Result<Option<Agreement>> {
    let committee = context.committee(epoch)?;
    let key = ObservationKey { cluster: context.cluster, epoch, subject: *subject, sequence };
    stored(context, &committee, &key, Some(root)).await
}

async fn stored(
    context: &Context,
    committee: &Committee,
    key: &ObservationKey,
    root: Option<&Hash32>,
) -> Result<Option<Agreement>> {
    let Some(text) = context.store.agreements(key, root).await?.into_iter().next() else {
        return Ok(None);
    };
    let published: Published = serde_json::from_str(&text).map_err(|_| Error::Corrupt { what: "agreement" })?;
    let own = member::stored_reveal(context, key).await?;
    let agreement = agree::agree(committee, key, &published, own.as_ref().map(|r| &r.scores[..]));
    agreement.map(Some).map_err(|_| Error::Corrupt { what: "agreement" })
}

/// What is observed, in every request of a round.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct About {
    /// Subject.
    #[serde(with = "hex_bytes")]
    pub subject: Hash32,
    /// Sequence number.
    pub sequence: u64,
}

/// Body of `observe-commit`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CommitRequest {
    /// What.
    pub about: About,
    /// For the observers.
    pub context: Value,
}

/// Body of `observe-reveal`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RevealRequest {
    /// What.
    pub about: About,
    /// The set: at least t signed commitments, the recipient's among them.
    pub commitments: Vec<Commitment>,
}

/// Body of `observe-result`: the fixed set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// What.
    #[serde(with = "hex_bytes")]
    pub subject: Hash32,
    /// Sequence number.
    pub sequence: u64,
    /// The commitments that were shown before anything was revealed.
    pub commitments: Vec<Commitment>,
    /// The reveals that count.
    pub reveals: Vec<Reveal>,
}
