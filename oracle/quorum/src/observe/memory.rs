//! What this member knows of one round: typed access to its store. Everything is checked before it is kept, and kept
//! before this member says anything that depends on it.

use std::time::Duration;

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
    store::{ObservationKey, What, from_json, to_json},
};

/// This member's memory of one round.
pub struct Memory<'a> {
    pub participant: &'a Participant,
    pub committee: &'a Committee,
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

    /// Keeps a member's word that it does not observe this.
    pub async fn hear_absence(&self, member: &Hash32) -> Result<()> {
        self.hear(What::Absence, member, &ZERO, "").await
    }

    /// Keeps a reveal. It must fit a commitment that was heard.
    pub async fn hear_reveal(&self, reveal: &Reveal) -> Result<()> {
        let mut fits = Err(AgreeError::Mismatch(reveal.operator));
        for row in self.participant.store.heard(&self.key, What::Commitment).await? {
            let commitment: Commitment = from_json(&row.body, "commitment")?;
            if commitment.operator == reveal.operator && fits.is_err() {
                let alone = CommitmentSet { commitments: vec![commitment], excluded: vec![] };
                fits = check_reveal(self.committee, &self.key, &alone, reveal);
            }
        }
        fits.map_err(bad)?;
        let digest = reveal.commitment(&self.key);
        self.hear(What::Reveal, &reveal.operator, &digest, &to_json(reveal)?).await
    }

    /// The commitments that were heard, this member's own among them.
    pub async fn heard(&self) -> Result<Heard> {
        if let Some(own) = self.own().await? {
            self.hear_commitment(&self.own_commitment(&own)).await?;
        }
        let mut heard = Heard::default();
        for row in self.participant.store.heard(&self.key, What::Commitment).await? {
            heard.commitment(from_json(&row.body, "commitment")?, row.age);
        }
        for row in self.participant.store.heard(&self.key, What::Absence).await? {
            heard.absence(row.member.try_into().map_err(|_| Error::Corrupt { what: "absence" })?);
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
        let Some((sealed, age)) = self.newest_sealed().await? else { return Ok(None) };
        let reveals = self.reveals(&sealed.set).await?;
        let failed =
            age >= self.participant.settings.reveal_window && comparable(&reveals).len() < self.committee.needed();
        Ok(if failed { None } else { Some(sealed) })
    }

    /// How long this member has known the sealed set.
    pub async fn sealed_for(&self, sealed: &SealedSet) -> Result<Duration> {
        let digest = sealed.set.digest(&self.key);
        for row in self.participant.store.heard(&self.key, What::Sealed).await? {
            let kept: SealedSet = from_json(&row.body, "sealed set")?;
            if kept.set.digest(&self.key) == digest {
                return Ok(row.age);
            }
        }
        Ok(Duration::ZERO)
    }

    async fn newest_sealed(&self) -> Result<Option<(SealedSet, Duration)>> {
        let newest = self.participant.store.heard(&self.key, What::Sealed).await?.into_iter().next_back();
        newest.map(|row| Ok((from_json(&row.body, "sealed set")?, row.age))).transpose()
    }

    /// The reveals for a set that were heard, in ascending order of wallets.
    pub async fn reveals(&self, set: &CommitmentSet) -> Result<Vec<Reveal>> {
        let mut reveals = Vec::new();
        for row in self.participant.store.heard(&self.key, What::Reveal).await? {
            let reveal: Reveal = from_json(&row.body, "reveal")?;
            if set.of(&reveal.operator).is_some_and(|c| c.commitment == reveal.commitment(&self.key)) {
                reveals.push(reveal);
            }
        }
        reveals.sort_by_key(|r| r.operator);
        Ok(reveals)
    }

    /// The members whose reveals for a set are still to be waited for. It is nobody once the set has been known for the
    /// window. Before, it is everybody in the set that lives and has not revealed.
    pub async fn awaited_reveals(&self, sealed: &SealedSet, reveals: &[Reveal]) -> Result<Vec<Hash32>> {
        if self.sealed_for(sealed).await? >= self.participant.settings.reveal_window {
            return Ok(vec![]);
        }
        let missing = |w: &Hash32| !reveals.iter().any(|r| r.operator == *w) && !self.participant.is_silent(w);
        Ok(sealed.set.commitments.iter().map(|c| c.operator).filter(missing).collect())
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
