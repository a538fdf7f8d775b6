//! A coordinator's side of an observation: it has a set of commitments sealed, then the reveals for it closed, and sends
//! the result to all members. What members must hear of each other, they tell each other themselves.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures::{StreamExt, stream::FuturesUnordered};
use openledger_protocol::Hash32;
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::{Instant, timeout, timeout_at};

use super::{
    memory::Memory,
    observation::Reveal,
    sets::{CommitmentSet, Endorsement, SealedSet, closing_digest, comparable},
    tell::session,
    wire::{About, CloseRequest, EndorseAnswer, Published, RevealRequest, SealRequest, Told},
};
use crate::{
    encoding::name,
    envelope::Kind,
    error::{Error, Fault, Refusal, Result},
    membership::Committee,
    participant::Participant,
    progress::{Activity, Phase, Progress},
    transport::Question,
};

/// How long a coordinator waits for others to take the result before it goes on. Slower members still get it, in a task
/// of its own.
const PUBLISH: Duration = Duration::from_secs(5);

/// What is shown to the members to be endorsed.
#[derive(Clone, Copy)]
enum Shown<'a> {
    /// All commitments that were heard.
    Set(&'a CommitmentSet),
    /// All reveals for the set that were heard.
    Reveals(&'a SealedSet, &'a [Reveal]),
}

/// What comes of showing it.
enum Outcome {
    /// t members endorse it.
    Endorsed(Vec<Endorsement>),
    /// More was heard meanwhile: it must be shown with that.
    Grown,
    /// Another set has been sealed before.
    Sealed(SealedSet),
    /// There is an agreement already.
    Agreed(Published),
}

/// What a checked answer brings.
enum Taken {
    /// The member endorses what is shown.
    Endorsed(Endorsement),
    /// It showed something that is left out, which is kept now.
    Heard,
    /// It showed something that makes endorsing this unnecessary.
    Instead(Outcome),
}

/// One coordination of an observation.
#[derive(Clone)]
pub struct Run {
    participant: Participant,
    committee: Arc<Committee>,
    about: About,
}

impl Run {
    /// Prepares to coordinate the observation that `about` names in `committee`.
    pub fn new(participant: &Participant, committee: Arc<Committee>, about: About) -> Self {
        Self { participant: participant.clone(), committee, about }
    }

    /// Coordinates until there is an agreement and this member has it. Fails if it is certain that too few members take
    /// part.
    ///
    /// It may be dropped at any point and started again by anybody: what members have sealed and revealed, they show
    /// again.
    pub async fn run(self) -> Result<()> {
        let sealed = match self.memory().standing().await? {
            Some(sealed) => sealed,
            None => {
                self.commitments().await?;
                loop {
                    let set = self.memory().heard().await?.set();
                    match self.endorse(Shown::Set(&set)).await? {
                        Outcome::Endorsed(seals) => break SealedSet { set, seals },
                        Outcome::Grown => {}
                        Outcome::Sealed(sealed) => break sealed,
                        Outcome::Agreed(published) => return self.publish(published).await,
                    }
                }
            }
        };
        self.memory().keep_sealed(&sealed).await?;
        self.reveals(&sealed).await?;
        loop {
            let reveals = self.memory().reveals(&sealed.set).await?;
            match self.endorse(Shown::Reveals(&sealed, &reveals)).await? {
                Outcome::Endorsed(closings) => {
                    let About { subject, sequence } = self.about;
                    return self.publish(Published { subject, sequence, sealed, reveals, closings }).await;
                }
                Outcome::Grown => {}
                Outcome::Sealed(_) => unreachable!("no such answer is taken when a set is to be closed"),
                Outcome::Agreed(published) => return self.publish(published).await,
            }
        }
    }

    /// Waits until t commitments have been heard and nobody is awaited any more.
    async fn commitments(&self) -> Result<()> {
        let memory = self.memory();
        loop {
            let heard = memory.heard().await?;
            let have = heard.set().commitments.len();
            self.report(Phase::Commit, have, self.committee.size());
            if have >= self.committee.needed() && memory.awaited(&heard).is_empty() {
                return Ok(());
            }
            self.tick().await;
        }
    }

    /// Asks all members to endorse what is shown, until t have. What they have heard beyond it is kept. It only ever
    /// grows, so asking again comes to an end.
    async fn endorse(&self, shown: Shown<'_>) -> Result<Outcome> {
        let memory = self.memory();
        let about = self.about;
        match shown {
            Shown::Set(set) => {
                let request = SealRequest { about, set: set.clone() };
                self.endorsements(shown, &set.digest(&memory.key), Kind::ObserveSeal, &request).await
            }
            Shown::Reveals(sealed, reveals) => {
                let request = CloseRequest { about, sealed: sealed.clone(), reveals: reveals.to_vec() };
                let digest = closing_digest(&memory.key, &sealed.set, reveals);
                self.endorsements(shown, &digest, Kind::ObserveClose, &request).await
            }
        }
    }

    async fn endorsements(
        &self,
        shown: Shown<'_>,
        digest: &Hash32,
        kind: Kind,
        request: &(impl Serialize + Sync),
    ) -> Result<Outcome> {
        let everybody = self.committee.members.iter().map(|m| m.wallet).collect();
        let mut asked = self.ask_all::<EndorseAnswer>(everybody, kind, request);
        let (mut endorsements, mut faults) = (Vec::new(), BTreeMap::new());
        while endorsements.len() < self.committee.needed() {
            match timeout(self.participant.settings.retry_min, asked.next()).await {
                Err(_) => {}
                Ok(None) => return Err(self.too_few("endorsing what was heard", endorsements.len(), faults)),
                Ok(Some((wallet, answer))) => match self.take(&wallet, shown, digest, answer).await? {
                    Ok(Taken::Endorsed(endorsement)) => endorsements.push(endorsement),
                    Ok(Taken::Heard) => {}
                    Ok(Taken::Instead(outcome)) => return Ok(outcome),
                    Err(what) => self.fault(&wallet, what, &mut faults),
                },
            }
            if self.has_grown(shown).await? {
                return Ok(Outcome::Grown);
            }
        }
        Ok(Outcome::Endorsed(endorsements))
    }

    /// Checks a member's answer and keeps what is in it. The inner error says what is wrong with the answer.
    ///
    /// Whatever a member answers, it ends neither this coordination nor the wait for the others' answers, unless it is
    /// true. Only a failure of this member itself is an error.
    async fn take(
        &self,
        wallet: &Hash32,
        shown: Shown<'_>,
        digest: &Hash32,
        answer: Result<EndorseAnswer, Refusal>,
    ) -> Result<Result<Taken, String>> {
        let memory = self.memory();
        let fault = |what: &str| Ok(Err(what.to_string()));
        match (answer, shown) {
            (Err(refusal), _) => Ok(Err(format!("refused: {refusal}"))),
            (Ok(EndorseAnswer::Endorsed(endorsement)), _) => {
                match self.committee.member(wallet).is_some_and(|m| endorsement.is_by(m, digest)) {
                    true => Ok(Ok(Taken::Endorsed(endorsement))),
                    false => fault("sent an endorsement that is not its own of this"),
                }
            }
            (Ok(EndorseAnswer::Lacks(lacks)), _) => {
                for told in &lacks {
                    let kept = match (told, shown) {
                        (Told::Commitment(commitment), Shown::Set(_)) => memory.hear_commitment(commitment).await,
                        (Told::Reveal(reveal), Shown::Reveals(..)) => memory.hear_reveal(reveal).await,
                        _ => return fault("says that something is left out which does not belong there"),
                    };
                    if let Err(what) = of_the_answer(kept)? {
                        return Ok(Err(what));
                    }
                }
                match self.has_grown(shown).await? {
                    true => Ok(Ok(Taken::Heard)),
                    false => fault("says that something is left out and shows nothing new"),
                }
            }
            (Ok(EndorseAnswer::Sealed(sealed)), Shown::Set(_)) => {
                if let Err(what) = of_the_answer(memory.keep_sealed(&sealed).await)? {
                    return Ok(Err(what));
                }
                // A set that has failed is sealed too. Whoever shows it again and again would stop everything.
                let standing = memory.standing().await?;
                match standing.is_some_and(|s| s.set.digest(&memory.key) == sealed.set.digest(&memory.key)) {
                    true => Ok(Ok(Taken::Instead(Outcome::Sealed(sealed)))),
                    false => fault("showed a sealed set that does not stand any more"),
                }
            }
            (Ok(EndorseAnswer::Sealed(_)), Shown::Reveals(..)) => {
                fault("showed a sealed set where one was to be closed")
            }
            (Ok(EndorseAnswer::Agreed(published)), _) => {
                let kept = of_the_answer(memory.keep_agreement(&published).await)?;
                Ok(kept.map(|_| Taken::Instead(Outcome::Agreed(published))))
            }
        }
    }

    /// Whether more has been heard than is shown.
    async fn has_grown(&self, shown: Shown<'_>) -> Result<bool> {
        let memory = self.memory();
        Ok(match shown {
            Shown::Set(set) => memory.heard().await?.set().digest(&memory.key) != set.digest(&memory.key),
            Shown::Reveals(sealed, reveals) => memory.revealed(&sealed.set).await?.len() > reveals.len(),
        })
    }

    /// Asks the members of the set to reveal, and waits until nobody is awaited any more. Fails if t comparable reveals
    /// have not come by then.
    async fn reveals(&self, sealed: &SealedSet) -> Result<()> {
        let (memory, mut faults) = (self.memory(), BTreeMap::new());
        let request = RevealRequest { about: self.about, sealed: sealed.clone() };
        let members = sealed.set.commitments.iter().map(|c| c.operator).collect();
        let mut asked = self.ask_all(members, Kind::ObserveReveal, &request);
        loop {
            let revealed = memory.revealed(&sealed.set).await?;
            self.report(Phase::Reveal, revealed.len(), sealed.set.commitments.len());
            if memory.awaited_reveals(&sealed.set, &revealed).await?.is_empty() {
                let have = comparable(&memory.reveals(&sealed.set).await?).len();
                let enough = have >= self.committee.needed();
                return if enough { Ok(()) } else { Err(self.too_few("revealing", have, faults)) };
            }
            match timeout(self.participant.settings.retry_min, asked.next()).await {
                Ok(Some((wallet, Ok(reveal)))) => {
                    if let Err(what) = of_the_answer(memory.hear_reveal(&reveal).await)? {
                        self.fault(&wallet, what, &mut faults);
                    }
                }
                Ok(Some((wallet, Err(refusal)))) => self.fault(&wallet, format!("refused: {refusal}"), &mut faults),
                // All have answered, and what is missing may still be told.
                Ok(None) => self.tick().await,
                Err(_) => {}
            }
        }
    }

    /// Stores the result here, then sends it to all members. A member that is away now can still take it for the length
    /// of a turn, and later learns it when it tells its commitment.
    pub async fn publish(&self, published: Published) -> Result<()> {
        self.memory().keep_agreement(&published).await?;
        let published = Arc::new(published);
        let (taken, mut takers) = tokio::sync::mpsc::unbounded_channel();
        for wallet in self.committee.others(self.participant.wallet()).map(|m| m.wallet) {
            let (run, published, taken) = (self.clone(), published.clone(), taken.clone());
            tokio::spawn(async move {
                let asked = run.ask::<String>(wallet, Kind::ObserveResult, &*published);
                match timeout(run.participant.settings.turn, asked).await {
                    // The coordinator may have gone on already, so a failure to report is no error.
                    Ok((_, Ok(_))) => drop(taken.send(())),
                    Ok((_, Err(refusal))) => tracing::warn!(member = name(&wallet), %refusal, "refuses the result"),
                    Err(_) => tracing::warn!(member = name(&wallet), "did not take the result"),
                }
            });
        }
        drop(taken);
        let (until, mut have) = (Instant::now() + PUBLISH.min(self.participant.settings.reveal_window), 1);
        let living = |w: &Hash32| !self.participant.is_silent(w);
        self.report(Phase::Publish, have, self.committee.size());
        while have < self.committee.members.iter().filter(|m| living(&m.wallet)).count() {
            let Ok(Some(())) = timeout_at(until, takers.recv()).await else { break };
            have += 1;
            self.report(Phase::Publish, have, self.committee.size());
        }
        self.report(Phase::Done, published.reveals.len(), self.committee.size());
        Ok(())
    }

    fn memory(&self) -> Memory<'_> {
        Memory::of(&self.participant, &self.committee, &self.about)
    }

    async fn tick(&self) {
        tokio::time::sleep(self.participant.settings.retry_min).await;
    }

    /// Asks all `members` at the same time.
    fn ask_all<'a, T: DeserializeOwned + 'a>(
        &'a self,
        members: Vec<Hash32>,
        kind: Kind,
        body: &'a (impl Serialize + Sync),
    ) -> FuturesUnordered<impl Future<Output = (Hash32, Result<T, Refusal>)> + 'a> {
        members.into_iter().map(|wallet| self.ask(wallet, kind, body)).collect()
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        wallet: Hash32,
        kind: Kind,
        body: &impl Serialize,
    ) -> (Hash32, Result<T, Refusal>) {
        let to = self.committee.member(&wallet).expect("only members are asked");
        let session = session(&self.about);
        let question = Question { committee: &self.committee, to, kind, session: &session };
        (wallet, question.ask(&self.participant, body).await)
    }

    fn fault(&self, wallet: &Hash32, what: String, faults: &mut BTreeMap<Hash32, String>) {
        tracing::warn!(member = name(wallet), what, "a fault in an observation");
        faults.insert(*wallet, what);
    }

    fn too_few(&self, what: &'static str, have: usize, faults: BTreeMap<Hash32, String>) -> Error {
        let faults = faults.into_iter().map(|(member, what)| Fault { member, what }).collect();
        Error::TooFew { what, have, need: self.committee.needed(), faults }
    }

    fn report(&self, phase: Phase, have: usize, of: usize) {
        self.participant.report(Progress {
            activity: Activity::Observation,
            epoch: self.committee.epoch,
            subject: self.about.subject,
            sequence: self.about.sequence,
            phase,
            have,
            of,
        });
    }
}

/// Separates what is wrong with a member's answer (the inner error) from a failure of this member itself.
fn of_the_answer<T>(kept: Result<T>) -> Result<Result<T, String>> {
    match kept {
        Ok(kept) => Ok(Ok(kept)),
        Err(error) if error.is_own() => Err(error),
        Err(error) => Ok(Err(format!("sent what does not count: {error}"))),
    }
}
