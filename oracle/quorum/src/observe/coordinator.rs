//! A coordinator's side of an observation. It collects commitments, then their reveals, then sends the set to all
//! members.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures::{StreamExt, stream::FuturesUnordered};
use openledger_protocol::Hash32;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::time::Instant;

use super::{
    agree::{self, Agreement},
    member::stored_reveal,
    observation::{Commitment, Reveal},
    wire::{About, CommitRequest, Published, RevealRequest},
};
use crate::{
    encoding::name,
    envelope::Kind,
    error::{Error, Fault, Refusal, Result},
    membership::Committee,
    participant::Participant,
    progress::{Activity, Phase, Progress},
    store::ObservationKey,
    transport::Question,
};

/// How long a coordinator waits for others to take the fixed set before it goes on. Slower members still get the set,
/// in a task of its own.
const PUBLISH: Duration = Duration::from_secs(5);

/// Least time that the remaining members get after the t-th member has answered.
const STRAGGLERS: Duration = Duration::from_secs(5);

/// One coordination of an observation.
#[derive(Clone)]
pub struct Run {
    participant: Participant,
    committee: Arc<Committee>,
    key: ObservationKey,
    /// Passed to the members' observers.
    context: Value,
}

impl Run {
    /// Prepares to coordinate the observation of `key` in `committee`. The members' observers get `context`.
    pub fn new(participant: &Participant, committee: Arc<Committee>, key: ObservationKey, context: Value) -> Self {
        Self { participant: participant.clone(), committee, key, context }
    }

    /// Coordinates until there is an agreement, or until it is certain that too few members take part. Then it fails.
    pub async fn run(self) -> Result<Agreement> {
        let mut faults = BTreeMap::new();
        let commitments = self.commitments(&mut faults).await?;
        let reveals = self.reveals(&commitments, &mut faults).await?;
        let ObservationKey { subject, sequence, .. } = self.key;
        let published = Arc::new(Published { subject, sequence, commitments, reveals });
        self.publish(&published).await?;
        let own = stored_reveal(&self.participant, &self.key).await?;
        let agreement = agree::agree(&self.committee, &self.key, &published, own.as_ref().map(|r| &r.scores[..]));
        let agreement = agreement.map_err(|e| Error::Message(e.to_string()))?;
        self.report(Phase::Done, agreement.reveals.len(), self.committee.size());
        Ok(agreement)
    }

    /// Signed commitments of all members, or of at least t when the window closes.
    async fn commitments(&self, faults: &mut BTreeMap<Hash32, String>) -> Result<Vec<Commitment>> {
        let request = CommitRequest { about: self.about(), context: self.context.clone() };
        let members = self.committee.members.iter().map(|m| m.wallet).collect();
        let check = |wallet: &Hash32, c: &Commitment| {
            let member = self.committee.member(wallet).filter(|m| c.is_by(m, &self.key));
            member.map(|_| ()).ok_or_else(|| "sent a commitment that it did not sign".to_string())
        };
        let window = self.participant.settings.commit_window;
        self.collect(Phase::Commit, Kind::ObserveCommit, members, &request, check, window, faults).await
    }

    /// Reveals for these commitments: those of all members, or of at least t when the window closes.
    async fn reveals(&self, commitments: &[Commitment], faults: &mut BTreeMap<Hash32, String>) -> Result<Vec<Reveal>> {
        let request = RevealRequest { about: self.about(), commitments: commitments.to_vec() };
        let members = commitments.iter().map(|c| c.operator).collect();
        let check = |wallet: &Hash32, r: &Reveal| {
            if r.operator != *wallet {
                return Err("revealed somebody else's observation".to_string());
            }
            agree::check_reveal(&self.committee, &self.key, commitments, r).map_err(|e| e.to_string())
        };
        let window = self.participant.settings.reveal_window;
        let all = self.collect(Phase::Reveal, Kind::ObserveReveal, members, &request, check, window, faults).await?;
        let reveals = agree::comparable(all, &self.committee);
        if reveals.len() < self.committee.needed() {
            return Err(self.too_few("comparable scores", reveals.len(), faults));
        }
        Ok(reveals)
    }

    /// Asks all `members` at the same time. Goes on when all have answered, or when `window` closes and t members have
    /// answered.
    ///
    /// Once t members have answered, the others get half of the time that has passed, and [`STRAGGLERS`] more. Members
    /// at work are about equally quick, so this is enough for them, and dead members are not waited for.
    #[allow(clippy::too_many_arguments)]
    async fn collect<T: DeserializeOwned>(
        &self,
        phase: Phase,
        kind: Kind,
        members: Vec<Hash32>,
        request: &(impl Serialize + Sync),
        check: impl Fn(&Hash32, &T) -> Result<(), String>,
        window: Duration,
        faults: &mut BTreeMap<Hash32, String>,
    ) -> Result<Vec<T>> {
        let started = Instant::now();
        let mut until = started + window;
        let of = members.len();
        let mut asked: FuturesUnordered<_> =
            members.iter().map(|wallet| async { (*wallet, self.ask::<T>(wallet, kind, request).await) }).collect();
        let mut all = Vec::new();
        self.report(phase, 0, of);
        while let Ok(Some((wallet, answer))) = tokio::time::timeout_at(until, asked.next()).await {
            let checked = answer.map_err(|refusal| format!("refused: {refusal}"));
            match checked.and_then(|value| check(&wallet, &value).map(|()| value)) {
                Ok(value) => {
                    all.push(value);
                    if all.len() == self.committee.needed() {
                        until = until.min(Instant::now() + started.elapsed() / 2 + STRAGGLERS);
                    }
                }
                Err(what) => {
                    tracing::warn!(member = name(&wallet), what, "left out of the observation");
                    faults.insert(wallet, what);
                }
            }
            self.report(phase, all.len(), of);
        }
        if all.len() < self.committee.needed() {
            return Err(self.too_few("the observation", all.len(), faults));
        }
        Ok(all)
    }

    /// Stores the set here, then sends it to all members. A member that is away now can still take it for the length of
    /// a turn.
    async fn publish(&self, published: &Arc<Published>) -> Result<()> {
        let me = self.participant.wallet();
        self.ask::<String>(&me, Kind::ObserveResult, &**published).await?;
        let (taken, mut takers) = tokio::sync::mpsc::unbounded_channel();
        for wallet in self.committee.others(me).map(|m| m.wallet) {
            let (run, published, taken) = (self.clone(), published.clone(), taken.clone());
            tokio::spawn(async move {
                let asked = run.ask::<String>(&wallet, Kind::ObserveResult, &*published);
                match tokio::time::timeout(run.participant.settings.turn, asked).await {
                    // The coordinator may have gone on already, so a failure to report is no error.
                    Ok(Ok(_)) => drop(taken.send(())),
                    Ok(Err(refusal)) => tracing::warn!(member = name(&wallet), %refusal, "refuses the published set"),
                    Err(_) => tracing::warn!(member = name(&wallet), "did not take the published set"),
                }
            });
        }
        drop(taken);
        let (until, mut have) = (Instant::now() + PUBLISH.min(self.participant.settings.reveal_window), 1);
        self.report(Phase::Publish, have, self.committee.size());
        while let Ok(Some(())) = tokio::time::timeout_at(until, takers.recv()).await {
            have += 1;
            self.report(Phase::Publish, have, self.committee.size());
        }
        Ok(())
    }

    async fn ask<T: DeserializeOwned>(&self, wallet: &Hash32, kind: Kind, body: &impl Serialize) -> Result<T, Refusal> {
        let to = self.committee.member(wallet).expect("only members are asked");
        let session = format!("{}:{}", hex::encode(self.key.subject), self.key.sequence);
        Question { committee: &self.committee, to, kind, session: &session }.ask(&self.participant, body).await
    }

    fn about(&self) -> About {
        About { subject: self.key.subject, sequence: self.key.sequence }
    }

    fn too_few(&self, what: &'static str, have: usize, faults: &BTreeMap<Hash32, String>) -> Error {
        let faults = faults.iter().map(|(member, what)| Fault { member: *member, what: what.clone() }).collect();
        Error::TooFew { what, have, need: self.committee.needed(), faults }
    }

    fn report(&self, phase: Phase, have: usize, of: usize) {
        self.participant.report(Progress {
            activity: Activity::Observation,
            epoch: self.committee.epoch,
            subject: self.key.subject,
            sequence: self.key.sequence,
            phase,
            have,
            of,
        });
    }
}
