//! A member's side of sealing a set of commitments.

use tokio::time::Instant;

use super::{
    memory::Memory,
    sets::Endorsement,
    wire::{EndorseAnswer, SealRequest, Told},
};
use crate::{
    answer::{Answer, body},
    envelope::Envelope,
    error::{Code, Refusal, Result},
    membership::Committee,
    participant::Participant,
};

/// Answers `observe-seal`: seals the set if it leaves out nobody that this member has heard, or still waits for.
///
/// # Security
///
/// This decides who can be counted. Each condition below is one that the coordinator has no influence on: what this
/// member was told by the others themselves, their signs of life, and this member's own clock. That no sealed set
/// stands must be checked last, because a reveal may leave this member once one stands.
pub(crate) async fn seal(participant: &Participant, committee: &Committee, request: &Envelope) -> Result<Answer> {
    let SealRequest { about, set } = body(request)?;
    let memory = Memory::of(participant, committee, &about);
    if let Some(published) = memory.published(None).await? {
        return Answer::ready(&EndorseAnswer::Agreed(published));
    }
    set.check(committee, &memory.key).map_err(|e| Refusal::new(Code::BadRequest, e.to_string()))?;
    if memory.own().await?.is_none() {
        return Err(Refusal::new(Code::BadRequest, "I have not observed this").into());
    }
    memory.hear_set(&set).await?;
    let digest = set.digest(&memory.key);
    let until = Instant::now() + participant.settings.hold;
    loop {
        let heard = memory.heard().await?;
        if let Some(sealed) = memory.standing().await? {
            return Answer::ready(&EndorseAnswer::Sealed(sealed));
        }
        let same = heard.set().digest(&memory.key) == digest;
        if !same {
            let lacks = heard.lacks(&set, &memory.key).into_iter().map(Told::Commitment).collect();
            return Answer::ready(&EndorseAnswer::Lacks(lacks));
        }
        if memory.awaited(&heard).is_empty() {
            let seal = Endorsement::sign(&participant.identity, participant.wallet(), &digest);
            return Answer::ready(&EndorseAnswer::Endorsed(seal));
        }
        if Instant::now() >= until {
            return Ok(Answer::Pending);
        }
        tokio::time::sleep(participant.settings.retry_min).await;
    }
}
