//! A coordinator's side of an observation: it has a set of commitments sealed, then the reveals for it closed, and sends
//! the result to all members. What members must hear of each other, they tell each other themselves.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures::{StreamExt, stream::FuturesUnordered};
use openledger_protocol::Hash32;
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::{Instant, timeout, timeout_at};

use super::{
    memory::Memory,
    sets::{Endorsement, SealedSet, closing_digest, comparable},
    tell::session,
    wire::{About, CloseAnswer, CloseRequest, Published, RevealRequest, SealAnswer, SealRequest},
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

/// What a phase of a coordination comes to.
enum Reached<T> {
    /// This.
    Value(T),
    /// An agreement that others have reached before.
    Agreed(Published),
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
            None => match self.seal().await? {
                Reached::Value(sealed) => sealed,
                Reached::Agreed(published) => return self.publish(published).await,
            },
        };
        self.memory().keep_sealed(&sealed).await?;
        match self.close(&sealed).await? {
            Reached::Value(published) | Reached::Agreed(published) => self.publish(published).await,
        }
    }

    /// Waits for the commitments, then has all of them sealed. If a member has heard others, then they go into the set.
    /// A set only grows, so this comes to an end.
    async fn seal(&self) -> Result<Reached<SealedSet>> {
        let (memory, about) = (self.memory(), self.about);
        loop {
            let heard = memory.heard().await?;
            let set = heard.set();
            self.report(Phase::Commit, set.commitments.len(), self.committee.size());
            if set.commitments.len() >= self.committee.needed() && memory.awaited(&heard).is_empty() {
                break;
            }
            self.tick().await;
        }
        let mut faults = BTreeMap::new();
        'grown: loop {
            let set = memory.heard().await?.set();
            let digest = set.digest(&memory.key);
            let request = SealRequest { about, set: set.clone() };
            let mut asked = self.ask_all::<SealAnswer>(self.everybody(), Kind::ObserveSeal, &request);
            let mut seals: Vec<Endorsement> = Vec::new();
            loop {
                match timeout(self.participant.settings.retry_min, asked.next()).await {
                    Ok(None) => return Err(self.too_few("sealing the commitments", seals.len(), faults)),
                    Ok(Some((wallet, Ok(SealAnswer::Seal(seal))))) => {
                        if self.endorses(&wallet, &seal, &digest, &mut faults) {
                            seals.push(seal);
                        }
                        if seals.len() == self.committee.needed() {
                            return Ok(Reached::Value(SealedSet { set, seals }));
                        }
                    }
                    Ok(Some((wallet, Ok(SealAnswer::Lacks(lacks))))) => {
                        for commitment in &lacks {
                            self.note(&wallet, memory.hear_commitment(commitment).await, &mut faults);
                        }
                    }
                    Ok(Some((wallet, Ok(SealAnswer::Sealed(sealed))))) => {
                        match sealed.check(&self.committee, &memory.key) {
                            Ok(()) => return Ok(Reached::Value(sealed)),
                            Err(e) => self.fault(&wallet, format!("showed a set that is not sealed: {e}"), &mut faults),
                        }
                    }
                    Ok(Some((_, Ok(SealAnswer::Agreed(published))))) => return Ok(Reached::Agreed(published)),
                    Ok(Some((wallet, Err(refusal)))) => {
                        self.fault(&wallet, format!("refused: {refusal}"), &mut faults);
                    }
                    Err(_) => {}
                }
                if memory.heard().await?.set().digest(&memory.key) != digest {
                    continue 'grown;
                }
            }
        }
    }

    /// Collects the reveals, then has them closed. If a member has heard others, then they are added.
    async fn close(&self, sealed: &SealedSet) -> Result<Reached<Published>> {
        let (memory, about) = (self.memory(), self.about);
        let mut faults = BTreeMap::new();
        self.reveals(sealed, &mut faults).await?;
        'grown: loop {
            let reveals = memory.reveals(&sealed.set).await?;
            let digest = closing_digest(&memory.key, &sealed.set, &reveals);
            let request = CloseRequest { about, sealed: sealed.clone(), reveals: reveals.clone() };
            let mut asked = self.ask_all::<CloseAnswer>(self.everybody(), Kind::ObserveClose, &request);
            let mut closings: Vec<Endorsement> = Vec::new();
            loop {
                match timeout(self.participant.settings.retry_min, asked.next()).await {
                    Ok(None) => return Err(self.too_few("closing the reveals", closings.len(), faults)),
                    Ok(Some((wallet, Ok(CloseAnswer::Closed(closing))))) => {
                        if self.endorses(&wallet, &closing, &digest, &mut faults) {
                            closings.push(closing);
                        }
                        if closings.len() == self.committee.needed() {
                            let About { subject, sequence } = about;
                            let sealed = sealed.clone();
                            return Ok(Reached::Value(Published { subject, sequence, sealed, reveals, closings }));
                        }
                    }
                    Ok(Some((wallet, Ok(CloseAnswer::Lacks(lacks))))) => {
                        for reveal in &lacks {
                            self.note(&wallet, memory.hear_reveal(reveal).await, &mut faults);
                        }
                    }
                    Ok(Some((_, Ok(CloseAnswer::Agreed(published))))) => return Ok(Reached::Agreed(published)),
                    Ok(Some((wallet, Err(refusal)))) => {
                        self.fault(&wallet, format!("refused: {refusal}"), &mut faults);
                    }
                    Err(_) => {}
                }
                if memory.revealed(&sealed.set).await?.len() > reveals.len() {
                    continue 'grown;
                }
            }
        }
    }

    /// Asks the members of the set to reveal, and waits until nobody is awaited any more. Fails if t comparable reveals
    /// have not come by then.
    async fn reveals(&self, sealed: &SealedSet, faults: &mut BTreeMap<Hash32, String>) -> Result<()> {
        let memory = self.memory();
        let request = RevealRequest { about: self.about, sealed: sealed.clone() };
        let members = sealed.set.commitments.iter().map(|c| c.operator).collect();
        let mut asked = self.ask_all(members, Kind::ObserveReveal, &request);
        loop {
            let revealed = memory.revealed(&sealed.set).await?;
            self.report(Phase::Reveal, revealed.len(), sealed.set.commitments.len());
            if memory.awaited_reveals(&sealed.set, &revealed).await?.is_empty() {
                let have = comparable(&memory.reveals(&sealed.set).await?).len();
                let enough = have >= self.committee.needed();
                return if enough { Ok(()) } else { Err(self.too_few("revealing", have, faults.clone())) };
            }
            match timeout(self.participant.settings.retry_min, asked.next()).await {
                Ok(Some((wallet, Ok(reveal)))) => self.note(&wallet, memory.hear_reveal(&reveal).await, faults),
                Ok(Some((wallet, Err(refusal)))) => self.fault(&wallet, format!("refused: {refusal}"), faults),
                // All have answered, and what is missing may still be told.
                Ok(None) => self.tick().await,
                Err(_) => {}
            }
        }
    }

    /// Stores the result here, then sends it to all members. A member that is away now can still take it for the length
    /// of a turn, and later learns it when it tells its commitment.
    async fn publish(&self, published: Published) -> Result<()> {
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
        while have < self.everybody().iter().filter(|w| living(w)).count() {
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

    fn everybody(&self) -> Vec<Hash32> {
        self.committee.members.iter().map(|m| m.wallet).collect()
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

    /// Whether the endorsement is by `wallet` over `digest`. If not, it is a fault.
    fn endorses(
        &self,
        wallet: &Hash32,
        endorsement: &Endorsement,
        digest: &Hash32,
        faults: &mut BTreeMap<Hash32, String>,
    ) -> bool {
        let good = self.committee.member(wallet).is_some_and(|m| endorsement.is_by(m, digest));
        if !good {
            self.fault(wallet, "sent an endorsement that is not its own of this set".into(), faults);
        }
        good
    }

    fn note(&self, wallet: &Hash32, outcome: Result<()>, faults: &mut BTreeMap<Hash32, String>) {
        if let Err(error) = outcome {
            self.fault(wallet, format!("sent what does not count: {error}"), faults);
        }
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
