//! A member's run of an observation. The member observes and asks the others to, coordinates when it is its turn, and
//! follows the others' coordination at other times.

use std::{convert::Infallible, sync::Arc, time::Duration};

use futures::{StreamExt, stream::FuturesUnordered};
use openledger_protocol::Hash32;
use serde_json::Value;
use tokio::time::timeout_at;

use super::{
    agree::Agreement,
    coordinator,
    memory::Memory,
    observation::Commitment,
    revealing,
    tell::{session, tell_on},
    wire::{About, CommitRequest, Told},
};
use crate::{
    envelope::Kind,
    error::{Code, Error, Refusal, Result},
    membership::{Committee, Member},
    participant::Participant,
    rotation,
    transport::Question,
};

/// Committee epochs before a round's own whose observations are kept.
const KEPT_EPOCHS: u64 = 3;

/// How long what was heard in a round is kept after it was settled. A late member gets the agreement instead.
const KEPT_SETTLED: Duration = Duration::from_secs(3_600);

/// How long agreements and the values of own observations are kept.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3_600);

/// One thing to observe. The nodes of all members make the same round.
#[derive(Clone, Debug, PartialEq)]
pub struct Round {
    /// Committee epoch.
    pub epoch: u64,
    /// What is observed.
    pub subject: Hash32,
    /// The subject's sequence number.
    pub sequence: u64,
    /// The question to the observers. It is bound to the subject ([`super::bound_subject`]).
    pub context: Value,
}

impl Round {
    /// Takes part until there is an agreement. Every member's node calls this.
    ///
    /// The members take turns in coordinating, each for `Settings::turn` of [`crate::Observer::clock`]. Silent members
    /// lose their turns. The call never gives up by itself: drop the future to end it.
    pub async fn run(&self, participant: &Participant) -> Result<Agreement> {
        let committee = participant.committee(self.epoch)?;
        sweep(participant, self.epoch).await;
        tokio::select! {
            outcome = self.take_turns(participant, &committee) => outcome,
            outcome = self.take_part(participant, &committee) => outcome.map(|never| match never {}),
        }
    }

    /// Observes, tells the others, and asks each of them to observe. So no member depends on the coordinator for that.
    async fn take_part(&self, participant: &Participant, committee: &Arc<Committee>) -> Result<Infallible> {
        let memory = self.memory(participant, committee);
        if let Some(own) = memory.own().await? {
            // It has observed before a restart, and may not have told everybody.
            tell_on(participant, committee, self.about(), Told::Commitment(memory.own_commitment(&own)));
        }
        if let Some(sealed) = memory.standing().await? {
            revealing::start(&memory, &sealed).await;
        }
        let mut asked: FuturesUnordered<_> =
            committee.members.iter().map(|member| self.ask_to_commit(&memory, member)).collect();
        while let Some(outcome) = asked.next().await {
            outcome?;
        }
        std::future::pending().await
    }

    /// Asks a member to commit until it does.
    async fn ask_to_commit(&self, memory: &Memory<'_>, member: &Member) -> Result<()> {
        let Round { subject, sequence, context, .. } = self.clone();
        let request = CommitRequest { subject, sequence, context };
        let session = session(&self.about());
        let question =
            Question { committee: memory.committee, to: member, kind: Kind::ObserveCommit, session: &session };
        loop {
            let refused = match question.ask::<Commitment>(memory.participant, &request).await {
                Ok(commitment) if commitment.operator == member.wallet => {
                    match memory.hear_commitment(&commitment).await {
                        Err(Error::Refused(refusal)) => refusal.to_string(),
                        outcome => return outcome,
                    }
                }
                Ok(_) => "sent a commitment of another member".to_string(),
                Err(refusal) => refusal.to_string(),
            };
            tracing::warn!(member = member.name(), refused, "does not observe");
            tokio::time::sleep(memory.participant.settings.retry_max).await;
        }
    }

    /// Coordinates or follows, by turns, until there is an agreement.
    async fn take_turns(&self, participant: &Participant, committee: &Arc<Committee>) -> Result<Agreement> {
        let (settings, memory) = (&participant.settings, self.memory(participant, committee));
        loop {
            if let Some(agreement) = memory.agreement(None).await? {
                return Ok(agreement);
            }
            let (turn, left) = rotation::turn(participant.observer.clock(), settings.turn);
            let coordinator = rotation::living(committee, &self.subject, turn, |w| participant.is_silent(w));
            // Signs of life can change whose turn it is, so nobody waits longer than until the next of them.
            let mut wait = settings.beat_every.min(left);
            if coordinator.wallet == participant.wallet() {
                let run = coordinator::Run::new(participant, committee.clone(), self.about());
                match tokio::time::timeout(left, run.run()).await {
                    Ok(Ok(())) => continue,
                    Ok(Err(error)) if error.is_own() => return Err(error),
                    Ok(Err(error)) => {
                        tracing::warn!(turn, %error, "no agreement yet");
                        wait = settings.retry_max.min(left);
                    }
                    Err(_) => tracing::warn!(turn, "no agreement in my turn: the next member coordinates"),
                }
            }
            self.follow(&memory, wait).await?;
        }
    }

    /// Waits until an agreement is stored, for at most `limit`.
    async fn follow(&self, memory: &Memory<'_>, limit: Duration) -> Result<()> {
        let until = tokio::time::Instant::now() + limit;
        loop {
            // The wait is set up before the check, so that no change in between is missed.
            let agreed = memory.participant.agreed.notified();
            tokio::pin!(agreed);
            agreed.as_mut().enable();
            if memory.published(None).await?.is_some() || timeout_at(until, agreed).await.is_err() {
                return Ok(());
            }
        }
    }

    fn about(&self) -> About {
        About::new(&self.subject, &self.context, self.sequence)
    }

    fn memory<'a>(&self, participant: &'a Participant, committee: &'a Committee) -> Memory<'a> {
        Memory::of(participant, committee, &self.about())
    }
}

/// The agreement with this root about a subject that was observed in `context`. `None` if it was not published to this
/// member. An [`crate::Approver`] compares a payload with it.
pub async fn agreement(
    participant: &Participant,
    epoch: u64,
    subject: &Hash32,
    sequence: u64,
    context: &Value,
    root: &Hash32,
) -> Result<Option<Agreement>> {
    let committee = participant.committee(epoch)?;
    let about = About::new(subject, context, sequence);
    Memory::of(participant, &committee, &about).agreement(Some(root)).await
}

/// Sends the agreement with this root, which this member has, to all other members. Returns when those that live have
/// taken it, or after a few seconds.
///
/// A liar can have two sets closed and publish each to other members. A payload names one of the two. So whoever proposes
/// a payload publishes its agreement before it asks for signatures: then everybody can check the payload.
pub async fn publish(
    participant: &Participant,
    epoch: u64,
    subject: &Hash32,
    sequence: u64,
    context: &Value,
    root: &Hash32,
) -> Result<()> {
    let committee = participant.committee(epoch)?;
    let about = About::new(subject, context, sequence);
    match Memory::of(participant, &committee, &about).published(Some(root)).await? {
        Some(published) => coordinator::Run::new(participant, committee, about).publish(published).await,
        None => Err(Refusal::new(Code::BadRequest, "this member has no such agreement").into()),
    }
}

/// Sweeps the tables of observing. A failure is logged, because a round does not depend on it.
async fn sweep(participant: &Participant, epoch: u64) {
    let below = epoch.saturating_sub(KEPT_EPOCHS);
    match participant.store.sweep_observing(&participant.cluster, below, KEPT_SETTLED, KEPT).await {
        Ok(0) => {}
        Ok(rows) => tracing::info!(rows, "swept old observations"),
        Err(error) => tracing::warn!(%error, "cannot sweep old observations"),
    }
}
