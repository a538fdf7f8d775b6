//! A member's side of revealing.

use std::time::Duration;

use openledger_protocol::hash::sha256;

use super::{
    memory::Memory,
    sets::SealedSet,
    tell::{Wait, tell, tell_on},
    wire::{RevealRequest, Told},
};
use crate::{
    answer::{Answer, body},
    envelope::Envelope,
    error::{Code, Refusal, Result},
    membership::Committee,
    participant::Participant,
};

/// Answers `observe-reveal`: shows the values for a sealed set that holds this member's commitment.
///
/// # Security
///
/// The seals must be checked first, and the living members must know the sealed set before the values leave this
/// member. Otherwise another member could copy the values, commit to them, and have its commitment sealed.
pub(crate) async fn reveal(participant: &Participant, committee: &Committee, request: &Envelope) -> Result<Answer> {
    let RevealRequest { about, sealed } = body(request)?;
    let memory = Memory::of(participant, committee, &about);
    memory.keep_sealed(&sealed).await?;
    let bad = |text: &str| Refusal::new(Code::BadRequest, text);
    let own = memory.own().await?.ok_or_else(|| bad("I have not observed this"))?;
    if sealed.set.of(&participant.wallet()).is_none_or(|c| c.commitment != own.commitment(&memory.key)) {
        return Err(bad("my commitment is not in the set").into());
    }
    match poll(&memory, &sealed, participant.settings.hold).await {
        None => Ok(Answer::Pending),
        Some(Ok(())) => Answer::ready(&own),
        Some(Err(reason)) => Err(Refusal::new(Code::Unavailable, reason).into()),
    }
}

/// Begins to reveal for a sealed set that was kept, without waiting for it.
pub(crate) async fn start(memory: &Memory<'_>, sealed: &SealedSet) {
    let _ = poll(memory, sealed, Duration::ZERO).await;
}

/// Passes the sealed set on, then tells everybody the values, once for each set.
async fn poll(memory: &Memory<'_>, sealed: &SealedSet, hold: Duration) -> Option<Result<(), String>> {
    let id = sha256(&[b"reveal", &sealed.set.digest(&memory.key)]);
    let (participant, committee) = (memory.participant.clone(), memory.committee.clone());
    let (about, sealed) = (memory.about(), sealed.clone());
    let work = || async move {
        // Half a window, so that these values reach the others within theirs even if somebody does not answer.
        let limit = participant.settings.reveal_window / 2;
        tell(&participant, &committee, about, Told::Sealed(sealed.clone()), Wait::Living, limit).await;
        let memory = Memory::of(&participant, &committee, &about);
        let fail = |error: crate::Error| {
            tracing::error!(%error, "cannot reveal");
            "it cannot reveal: see its log".to_string()
        };
        let Some(own) = memory.own().await.map_err(fail)? else { return Ok(()) };
        if sealed.set.of(&own.operator).is_some_and(|c| c.commitment == own.commitment(&memory.key)) {
            memory.hear_reveal(&own).await.map_err(fail)?;
            tell_on(&participant, &committee, about, Told::Reveal(own));
        }
        Ok(())
    };
    memory.participant.reveals.poll(id, hold, work).await
}
