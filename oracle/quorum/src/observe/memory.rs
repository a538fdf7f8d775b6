//! What this member knows of one round: typed access to its store. Everything is checked before it is kept, and kept
//! before this member says anything that depends on it.

use openledger_protocol::{Hash32, hash::ZERO};

use super::{
    agree::{Agreement, agree},
    error::AgreeError,
    heard::Heard,
    observation::{Commitment, Reveal},
    sets::{CommitmentSet, SealedSet, check_commitment, check_reveal, comparable},
    wire::{About, Published},
};
use crate::{
    error::{Code, Error, Refusal, Result},
    membership::Committee,
    participant::Participant,
    store::{Mark, ObservationKey, What, from_json, to_json},
};

/// This member's memory of one round.
pub struct Memory<'a> {
    /// This member.
    pub participant: &'a Participant,
    /// The committee that observes.
    pub committee: &'a Committee,
    /// The round.
    pub key: ObservationKey,
}

impl<'a> Memory<'a> {
    /// The memory of the round that `about` names.
    pub fn of(participant: &'a Participant, committee: &'a Committee, about: &About) -> Self {
        let About { subject, sequence } = *about;
        let key = ObservationKey { cluster: participant.cluster, epoch: committee.epoch, subject, sequence };
        Self { participant, committee, key }
    }

    /// The name of the round in messages.
    pub fn about(&self) -> About {
        About { subject: self.key.subject, sequence: self.key.sequence }
    }

    /// This member's observation, if it made one. Fails if its values were swept.
    pub async fn own(&self) -> Result<Option<Reveal>> {
        match self.participant.store.observation(&self.key).await? {
            None => Ok(None),
            Some(Some(text)) => from_json(&text, "observation").map(Some),
            Some(None) => {
                let text = "has observed this long ago and keeps the values no longer";
                Err(Refusal::new(Code::AlreadyObserved, text).into())
            }
        }
    }

    /// The commitment to `own`.
    pub fn own_commitment(&self, own: &Reveal) -> Commitment {
        Commitment::sign(&self.participant.identity, &self.key, own)
    }

    /// Keeps a commitment.
    pub async fn hear_commitment(&self, commitment: &Commitment) -> Result<()> {
        check_commitment(self.committee, &self.key, commitment).map_err(bad)?;
        self.hear(What::Commitment, &commitment.operator, &commitment.commitment, &to_json(commitment)?).await
    }

    /// Keeps all commitments of a set.
    pub async fn hear_set(&self, set: &CommitmentSet) -> Result<()> {
        for commitment in set.commitments.iter().chain(set.excluded.iter().flatten()) {
            self.hear_commitment(commitment).await?;
        }
        Ok(())
    }

    /// Keeps a reveal. It must be for a sealed set that is kept.
    ///
    /// At least one honest member has sealed that set, because its node knows the question. So nobody can have this member
    /// store values about subjects that were invented. While no set is known, the reveal may have overtaken it: it is to
    /// be shown again.
    pub async fn hear_reveal(&self, reveal: &Reveal) -> Result<()> {
        let sealed = self.participant.store.heard(&self.key, What::Sealed).await?;
        if sealed.is_empty() {
            return Err(Refusal::new(Code::Unavailable, "knows no sealed set of this yet").into());
        }
        let mut fits = Err(AgreeError::Mismatch(reveal.operator));
        for (_, text) in sealed {
            let SealedSet { set, .. } = from_json(&text, "sealed set")?;
            if fits.is_err() && set.of(&reveal.operator).is_some() {
                fits = check_reveal(self.committee, &self.key, &set, reveal);
            }
        }
        fits.map_err(bad)?;
        let digest = reveal.commitment(&self.key);
        self.hear(What::Reveal, &reveal.operator, &digest, &to_json(reveal)?).await
    }

    /// The commitments that were heard, this member's own among them.
    pub async fn heard(&self) -> Result<Heard> {
        let store = &self.participant.store;
        let mut rows = store.heard(&self.key, What::Commitment).await?;
        if !rows.iter().any(|(mark, _)| mark.member == self.participant.wallet())
            && let Some(own) = self.own().await?
        {
            self.hear_commitment(&self.own_commitment(&own)).await?;
            rows = store.heard(&self.key, What::Commitment).await?;
        }
        let mut heard = Heard::default();
        for (mark, text) in rows {
            heard.commitment(from_json(&text, "commitment")?, mark.age);
        }
        Ok(heard)
    }

    /// The members whose commitments are still to be waited for.
    pub fn awaited(&self, heard: &Heard) -> Vec<Hash32> {
        let window = self.participant.settings.commit_window;
        heard.awaited(self.committee, |w| self.participant.is_silent(w), window)
    }

    /// Keeps a sealed set. From now on this member seals no other set, unless this one fails ([`Self::standing`]).
    pub async fn keep_sealed(&self, sealed: &SealedSet) -> Result<()> {
        sealed.check(self.committee, &self.key).map_err(bad)?;
        self.hear_set(&sealed.set).await?;
        self.hear(What::Sealed, &ZERO, &sealed.set.digest(&self.key), &to_json(sealed)?).await
    }

    /// The sealed set that stands: the newest that was kept. `None` if it has failed: the window for reveals is over and
    /// fewer than t comparable reveals have come.
    ///
    /// # Security
    ///
    /// A member must look here directly before it seals, after everything else. If no set stands, then none of its
    /// values has been revealed, or the set has failed.
    pub async fn standing(&self) -> Result<Option<SealedSet>> {
        let newest = self.participant.store.heard(&self.key, What::Sealed).await?.into_iter().next_back();
        let Some((mark, text)) = newest else { return Ok(None) };
        let sealed: SealedSet = from_json(&text, "sealed set")?;
        let stands = mark.age < self.participant.settings.reveal_window
            || comparable(&self.reveals(&sealed.set).await?).len() >= self.committee.needed();
        Ok(stands.then_some(sealed))
    }

    /// The members of a set whose reveals for it were heard.
    pub async fn revealed(&self, set: &CommitmentSet) -> Result<Vec<Hash32>> {
        let marks = self.participant.store.marks(&self.key, What::Reveal).await?;
        Ok(marks.into_iter().filter(|mark| is_for(set, mark)).map(|mark| mark.member).collect())
    }

    /// The reveals for a set that were heard, in ascending order of wallets.
    pub async fn reveals(&self, set: &CommitmentSet) -> Result<Vec<Reveal>> {
        let rows = self.participant.store.heard(&self.key, What::Reveal).await?;
        let fitting = rows.iter().filter(|(mark, _)| is_for(set, mark));
        let mut reveals = fitting.map(|(_, text)| from_json(text, "reveal")).collect::<Result<Vec<Reveal>>>()?;
        reveals.sort_by_key(|r| r.operator);
        Ok(reveals)
    }

    /// The members whose reveals for a set are still to be waited for. It is nobody once the set has been known for the
    /// window. Before, it is everybody in the set that lives and has not `revealed`.
    pub async fn awaited_reveals(&self, set: &CommitmentSet, revealed: &[Hash32]) -> Result<Vec<Hash32>> {
        let digest = set.digest(&self.key);
        let known = self.participant.store.marks(&self.key, What::Sealed).await?;
        let age = known.iter().find(|mark| mark.digest == digest).map(|mark| mark.age);
        if age.is_some_and(|age| age >= self.participant.settings.reveal_window) {
            return Ok(vec![]);
        }
        let missing = |w: &Hash32| !revealed.contains(w) && !self.participant.is_silent(w);
        Ok(set.commitments.iter().map(|c| c.operator).filter(missing).collect())
    }

    /// Checks a published set and keeps it. Returns its root.
    pub async fn keep_agreement(&self, published: &Published) -> Result<Hash32> {
        if (published.subject, published.sequence) != (self.key.subject, self.key.sequence) {
            return Err(Refusal::new(Code::BadRequest, "the set is about another round").into());
        }
        let agreement = agree(self.committee, &self.key, published, None)
            .map_err(|e| Refusal::new(Code::BadRequest, format!("the set does not count: {e}")))?;
        let root = agreement.observations_root;
        self.participant.store.keep_agreement(&self.key, &root, &to_json(published)?).await?;
        self.participant.agreed.notify_waiters();
        Ok(root)
    }

    /// The published set that was kept first, or the one with `root`.
    pub async fn published(&self, root: Option<&Hash32>) -> Result<Option<Published>> {
        let stored = self.participant.store.agreement(&self.key, root).await?;
        stored.map(|text| from_json(&text, "agreement")).transpose()
    }

    /// The agreement that was kept first, or the one with `root`.
    pub async fn agreement(&self, root: Option<&Hash32>) -> Result<Option<Agreement>> {
        let Some(published) = self.published(root).await? else { return Ok(None) };
        let own = self.participant.store.observation(&self.key).await?.flatten();
        let own: Option<Reveal> = own.map(|text| from_json(&text, "observation")).transpose()?;
        let agreement = agree(self.committee, &self.key, &published, own.map(|r| r.values));
        agreement.map(Some).map_err(|_| Error::Corrupt { what: "agreement" })
    }

    async fn hear(&self, what: What, member: &Hash32, digest: &Hash32, body: &str) -> Result<()> {
        self.participant.store.hear(&self.key, what, member, digest, body).await
    }
}

fn bad(error: AgreeError) -> Refusal {
    Refusal::new(Code::BadRequest, error.to_string())
}

/// Whether a reveal fits the set's commitment of its author.
fn is_for(set: &CommitmentSet, reveal: &Mark) -> bool {
    set.of(&reveal.member).is_some_and(|c| c.commitment == reveal.digest)
}
