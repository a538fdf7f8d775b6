//! A member's side of an observation. It stores its observation before it shows anything of it, and shows the same ever
//! after.

use crypto_box::aead::{OsRng, rand_core::RngCore};
use openledger_protocol::hash::sha256;

use super::{
    agree::{self, in_ppm},
    observation::{Commitment, Reveal, context_hash},
    wire::{About, CommitRequest, Published, RevealRequest},
};
use crate::{
    answer::{Answer, body},
    envelope::Envelope,
    error::{Code, Error, Refusal, Result},
    membership::Committee,
    participant::Participant,
    store::{ObservationKey, from_json, to_json},
};

/// Answers `observe-commit`: works out scores, stores them, then commits to them.
pub(crate) async fn commit(participant: &Participant, committee: &Committee, request: &Envelope) -> Result<Answer> {
    let asked: CommitRequest = body(request)?;
    let key = key(participant, committee, &asked.about);
    let asked_in = context_hash(&asked.context);
    let reveal = match stored_reveal(participant, &key).await? {
        Some(reveal) => reveal,
        None => {
            match observed(participant, key, &asked).await {
                None => return Ok(Answer::Pending),
                Some(Err(reason)) => return Err(Refusal::new(Code::NotApproved, reason).into()),
                Some(Ok(())) => {}
            }
            stored_reveal(participant, &key).await?.ok_or(Error::Corrupt { what: "observation" })?
        }
    };
    if reveal.context != asked_in {
        let text = "has observed this subject and sequence in another context before";
        return Err(Refusal::new(Code::AlreadyObserved, text).into());
    }
    Answer::ready(&Commitment::sign(&participant.identity, &key, &reveal))
}

/// Answers `observe-reveal`: shows the scores if enough members have committed, this one among them.
///
/// # Security
///
/// The set of commitments must be checked first. A member that reveals before t members have committed lets the others
/// copy its scores.
pub(crate) async fn reveal(participant: &Participant, committee: &Committee, request: &Envelope) -> Result<Answer> {
    let asked: RevealRequest = body(request)?;
    let key = key(participant, committee, &asked.about);
    let bad = |text: String| Refusal::new(Code::BadRequest, text);
    agree::check_commitments(committee, &key, &asked.commitments).map_err(|e| bad(e.to_string()))?;
    let own = stored_reveal(participant, &key).await?.ok_or_else(|| bad("I have not observed this".into()))?;
    let commitment = own.commitment(&key);
    if !asked.commitments.iter().any(|c| c.operator == own.operator && c.commitment == commitment) {
        return Err(bad("my commitment is not in the set".into()).into());
    }
    Answer::ready(&own)
}

/// Answers `observe-result`: checks the set and stores it.
pub(crate) async fn result(participant: &Participant, committee: &Committee, request: &Envelope) -> Result<Answer> {
    let published: Published = body(request)?;
    let about = About { subject: published.subject, sequence: published.sequence };
    let key = key(participant, committee, &about);
    let agreement = agree::agree(committee, &key, &published, None)
        .map_err(|e| Refusal::new(Code::BadRequest, format!("the set does not count: {e}")))?;
    participant.store.keep_agreement(&key, &agreement.observations_root, &to_json(&published)?).await?;
    participant.agreed.notify_waiters();
    Answer::ready(&hex::encode(agreement.observations_root))
}

/// This member's stored observation.
pub(crate) async fn stored_reveal(participant: &Participant, key: &ObservationKey) -> Result<Option<Reveal>> {
    let stored = participant.store.observation(key).await?;
    stored.map(|(_, text)| from_json(&text, "observation")).transpose()
}

/// Lets the node work out scores, and stores them once and for all. `None` while the node is still at work.
async fn observed(participant: &Participant, key: ObservationKey, asked: &CommitRequest) -> Option<Result<(), String>> {
    let asked_in = context_hash(&asked.context);
    let id = sha256(&[&key.epoch.to_le_bytes(), &key.subject, &key.sequence.to_le_bytes(), &asked_in]);
    let (own, about) = (participant.clone(), asked.context.clone());
    let work = || async move {
        let scores = own.observer.observe(&key.subject, key.sequence, &about).await?;
        if !in_ppm(&scores) {
            return Err("its scores are more than 1,000,000 parts per million".to_string());
        }
        let mut salt = [0; 32];
        OsRng.fill_bytes(&mut salt);
        let reveal = Reveal::sign(&own.identity, &key, own.wallet(), asked_in, scores, salt);
        let text = serde_json::to_string(&reveal).map_err(|e| e.to_string())?;
        own.store.keep_observation(&key, &asked_in, &text).await.map_err(|error| {
            tracing::error!(%error, "cannot store an observation");
            "it cannot store its observation: see its log".to_string()
        })
    };
    participant.observations.poll(id, participant.settings.hold, work).await
}

fn key(participant: &Participant, committee: &Committee, about: &About) -> ObservationKey {
    let About { subject, sequence } = *about;
    ObservationKey { cluster: participant.cluster, epoch: committee.epoch, subject, sequence }
}
