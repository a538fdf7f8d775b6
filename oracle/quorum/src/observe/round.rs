//! A member's run of an observation. The member coordinates when it is its turn, and follows the others' coordination
//! at other times.

use std::time::Duration;

use openledger_protocol::Hash32;
use serde_json::Value;
use tokio::time::Instant;

use super::{
    agree::{self, Agreement},
    coordinator, member,
    wire::Published,
};
use crate::{
    error::{Error, Result},
    membership::Committee,
    participant::Participant,
    rotation,
    store::{ObservationKey, from_json},
};

/// One thing to observe. The nodes of all members make the same round.
#[derive(Clone, Debug, PartialEq)]
pub struct Round {
    /// Committee epoch.
    pub epoch: u64,
    /// What is observed.
    pub subject: Hash32,
    /// The subject's sequence number.
    pub sequence: u64,
    /// The question to the observers. Its hash is part of what they sign.
    pub context: Value,
}

impl Round {
    /// Takes part until there is an agreement. Every member's node calls this.
    ///
    /// The members take turns in coordinating, each for `Settings::turn`. The call never gives up by itself: drop the
    /// future to end it.
    pub async fn run(&self, participant: &Participant) -> Result<Agreement> {
        let committee = participant.committee(self.epoch)?;
        for attempt in 0u64.. {
            if let Some(agreement) = self.stored(participant, &committee, None).await? {
                return Ok(agreement);
            }
            let coordinator = rotation::coordinator(&committee, &self.subject, attempt);
            let end_of_turn = Instant::now() + participant.settings.turn;
            if coordinator.wallet == participant.wallet() {
                match self.coordinate(participant).await {
                    Err(error @ Error::TooFew { .. }) => tracing::warn!(attempt, %error, "no agreement in my turn"),
                    outcome => return outcome,
                }
            }
            // A coordinator that failed waits for the end of its turn like the others, so that turns stay in step.
            match self.follow(participant, end_of_turn.saturating_duration_since(Instant::now())).await {
                Err(Error::Deadline { .. }) => {
                    tracing::warn!(attempt, coordinator = coordinator.name(), "the next coordinator takes over");
                }
                outcome => return outcome,
            }
        }
        unreachable!("attempts do not end")
    }

    /// Coordinates now, even if it is another member's turn.
    pub async fn coordinate(&self, participant: &Participant) -> Result<Agreement> {
        let committee = participant.committee(self.epoch)?;
        coordinator::Run::new(participant, committee, self.key(participant.cluster), self.context.clone()).run().await
    }

    /// Waits for the agreement that another member coordinates, for at most `timeout`.
    pub async fn follow(&self, participant: &Participant, timeout: Duration) -> Result<Agreement> {
        let committee = participant.committee(self.epoch)?;
        let until = Instant::now() + timeout;
        loop {
            // The wait is set up before the check, so that no change in between is missed.
            let agreed = participant.agreed.notified();
            tokio::pin!(agreed);
            agreed.as_mut().enable();
            if let Some(agreement) = self.stored(participant, &committee, None).await? {
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
        participant: &Participant,
        committee: &Committee,
        root: Option<&Hash32>,
    ) -> Result<Option<Agreement>> {
        stored(participant, committee, &self.key(participant.cluster), root).await
    }
}

/// The agreement with this root. `None` if it was not published to this member. An [`crate::Approver`] compares a
/// payload with it.
pub async fn agreement(
    participant: &Participant,
    epoch: u64,
    subject: &Hash32,
    sequence: u64,
    root: &Hash32,
) -> Result<Option<Agreement>> {
    let committee = participant.committee(epoch)?;
    let key = ObservationKey { cluster: participant.cluster, epoch, subject: *subject, sequence };
    stored(participant, &committee, &key, Some(root)).await
}

/// The first agreement about `key` that was published to this member, or the one with `root`.
async fn stored(
    participant: &Participant,
    committee: &Committee,
    key: &ObservationKey,
    root: Option<&Hash32>,
) -> Result<Option<Agreement>> {
    let Some(text) = participant.store.agreements(key, root).await?.into_iter().next() else {
        return Ok(None);
    };
    let published: Published = from_json(&text, "agreement")?;
    let own = member::stored_reveal(participant, key).await?;
    let agreement = agree::agree(committee, key, &published, own.as_ref().map(|r| &r.scores[..]));
    agreement.map(Some).map_err(|_| Error::Corrupt { what: "agreement" })
}
