//! Which attempt at a key counts: the lowest one that nobody has refuted.

use super::{evidence::Evidence, packages::attempt_id, wire::Asked};
use crate::{
    error::{Code, Error, Fault, Refusal, Result},
    membership::Committee,
    participant::Participant,
    store::{from_json, to_json},
};

/// Most attempts at the key of one committee. Whoever spoils them all is named, and must be replaced.
pub const ATTEMPTS: u16 = 3;

/// The evidence that ended the attempts so far, in their order.
pub(super) async fn refuted(participant: &Participant, committee: &Committee) -> Result<Vec<Evidence>> {
    let stored = participant.store.dkg_evidence(&committee.id()).await?;
    stored.iter().map(|text| from_json(text, "evidence")).collect()
}

/// Ends the attempt with this number if the evidence holds, and returns who is to blame. From then on this member works
/// at the next attempt, and its secrets of this one are gone.
///
/// The inner error says why the evidence does not count: it does not hold, or all members had their key already.
pub(super) async fn refute(
    participant: &Participant,
    committee: &Committee,
    number: u16,
    evidence: &Evidence,
) -> Result<Result<Fault, String>> {
    let fault = match evidence.culprit(committee, &attempt_id(&committee.id(), number)) {
        Ok(fault) => fault,
        Err(reason) => return Ok(Err(format!("the evidence does not hold: {reason}"))),
    };
    if !participant.store.end_attempt(&committee.id(), number, &to_json(evidence)?).await? {
        return Ok(Err("all members hold this key already".into()));
    }
    tracing::warn!(number, %fault, "an attempt at the key is over");
    participant.dkg_advanced.notify_waiters();
    Ok(Ok(fault))
}

/// Takes the evidence that a request brings along. Returns the evidence that ended the attempt that the request asks
/// for, if it is over.
pub(super) async fn take(participant: &Participant, committee: &Committee, asked: &Asked) -> Result<Option<Evidence>> {
    let bad = |text: String| Error::from(Refusal::new(Code::BadRequest, text));
    if asked.attempt >= ATTEMPTS || asked.refuted.len() != usize::from(asked.attempt) {
        let text = format!("ask for one of {ATTEMPTS} attempts, with the evidence that ended each one before");
        return Err(bad(text));
    }
    let mut known = refuted(participant, committee).await?;
    for (number, evidence) in (0..asked.attempt).zip(&asked.refuted).skip(known.len()) {
        refute(participant, committee, number, evidence).await?.map_err(bad)?;
        known.push(evidence.clone());
    }
    Ok(known.into_iter().nth(usize::from(asked.attempt)))
}
