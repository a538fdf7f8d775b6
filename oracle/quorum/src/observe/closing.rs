//! A member's side of closing a set of reveals.

use openledger_protocol::Hash32;
use tokio::time::Instant;

use super::{
    memory::Memory,
    revealing,
    sets::{Endorsement, check_reveals, closing_digest, comparable, enough},
    wire::{CloseRequest, EndorseAnswer, Told},
};
use crate::{
    answer::{Answer, body},
    envelope::Envelope,
    error::{Code, Refusal, Result},
    membership::Committee,
    participant::Participant,
};

/// Answers `observe-close`: closes the reveals if they leave out nobody that this member has heard, or still waits for.
///
/// # Security
///
/// As in sealing, no condition is one that the coordinator has influence on.
pub(crate) async fn close(participant: &Participant, committee: &Committee, request: &Envelope) -> Result<Answer> {
    let CloseRequest { about, sealed, reveals } = body(request)?;
    let memory = Memory::of(participant, committee, &about);
    if let Some(published) = memory.published(None).await? {
        return Answer::ready(&EndorseAnswer::Agreed(published));
    }
    memory.keep_sealed(&sealed).await?;
    revealing::start(&memory, &sealed).await;
    check_reveals(committee, &memory.key, &sealed.set, &reveals)
        .and_then(|()| enough(committee, comparable(&reveals).len()))
        .map_err(|e| Refusal::new(Code::BadRequest, e.to_string()))?;
    for reveal in &reveals {
        memory.hear_reveal(reveal).await?;
    }
    let until = Instant::now() + participant.settings.hold;
    loop {
        let revealed = memory.revealed(&sealed.set).await?;
        let left_out = |w: &Hash32| !reveals.iter().any(|r| r.operator == *w);
        if revealed.iter().any(left_out) {
            let mut lacks = memory.reveals(&sealed.set).await?;
            lacks.retain(|r| left_out(&r.operator));
            return Answer::ready(&EndorseAnswer::Lacks(lacks.into_iter().map(Told::Reveal).collect()));
        }
        if memory.awaited_reveals(&sealed.set, &revealed).await?.is_empty() {
            let digest = closing_digest(&memory.key, &sealed.set, &reveals);
            let closing = Endorsement::sign(&participant.identity, participant.wallet(), &digest);
            return Answer::ready(&EndorseAnswer::Endorsed(closing));
        }
        if Instant::now() >= until {
            return Ok(Answer::Pending);
        }
        tokio::time::sleep(participant.settings.retry_min).await;
    }
}
