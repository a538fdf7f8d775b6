//! A member's own observation: it is stored before anything of it is shown, and stays the same ever after. And what the
//! member hears of the others.

use crypto_box::aead::{OsRng, rand_core::RngCore};
use openledger_protocol::{Hash32, hash::sha256};

use super::{
    memory::Memory,
    observation::{MAX_VALUES, Reveal, context_hash},
    revealing,
    tell::tell_on,
    wire::{About, CommitRequest, Published, Tell, Told},
};
use crate::{
    answer::{Answer, body},
    envelope::Envelope,
    error::{Code, Error, Refusal, Result},
    membership::Committee,
    participant::Participant,
};

/// Answers `observe-commit`: works out values, stores them, then commits to them.
///
/// If the node refuses the question, then nothing is stored. The round of another context is another round.
pub(crate) async fn commit(participant: &Participant, committee: &Committee, request: &Envelope) -> Result<Answer> {
    let asked: CommitRequest = body(request)?;
    let about = About::new(&asked.subject, &asked.context, asked.sequence);
    let memory = Memory::of(participant, committee, &about);
    let own = match memory.own().await? {
        Some(own) => own,
        None => {
            match observed(&memory, &request.from, &asked).await {
                None => return Ok(Answer::Pending),
                Some(outcome) => outcome?,
            }
            memory.own().await?.ok_or_else(swept)?
        }
    };
    Answer::ready(&memory.own_commitment(&own))
}

/// Answers `observe-tell`: keeps what it is told. If there is an agreement, answers with it.
pub(crate) async fn tell(participant: &Participant, committee: &Committee, request: &Envelope) -> Result<Answer> {
    let Tell { about, told } = body(request)?;
    let memory = Memory::of(participant, committee, &about);
    if let Some(published) = memory.published(None).await? {
        return Answer::ready(&Some(published));
    }
    match &told {
        Told::Commitment(commitment) if commitment.operator == request.from => {
            memory.hear_commitment(commitment).await?;
        }
        Told::Reveal(reveal) if reveal.operator == request.from => memory.hear_reveal(reveal).await?,
        Told::Commitment(_) | Told::Reveal(_) => {
            return Err(Refusal::new(Code::BadRequest, "tell what is your own").into());
        }
        Told::Sealed(sealed) => {
            memory.keep_sealed(sealed).await?;
            revealing::start(&memory, sealed).await;
        }
    }
    Answer::ready(&None::<Published>)
}

/// Answers `observe-result`: checks the set and stores it.
pub(crate) async fn result(participant: &Participant, committee: &Committee, request: &Envelope) -> Result<Answer> {
    let published: Published = body(request)?;
    let about = About { subject: published.subject, sequence: published.sequence };
    let root = Memory::of(participant, committee, &about).keep_agreement(&published).await?;
    Answer::ready(&hex::encode(root))
}

/// Lets the node work out values, stores them once and for all, and tells the others the commitment. `None` while the
/// node is still at work.
async fn observed(memory: &Memory<'_>, by: &Hash32, asked: &CommitRequest) -> Option<Result<(), Refusal>> {
    let key = memory.key;
    let id = sha256(&[&key.epoch.to_le_bytes(), &key.subject, &key.sequence.to_le_bytes()]);
    let (own, committee, asked) = (memory.participant.clone(), memory.committee.clone(), asked.clone());
    let work = || async move {
        let memory = Memory::of(&own, &committee, &About { subject: key.subject, sequence: key.sequence });
        let stored = observe(&memory, &asked).await;
        if let Ok(reveal) = &stored {
            tell_on(&own, &committee, memory.about(), Told::Commitment(memory.own_commitment(reveal)));
        }
        stored.map(|_| ())
    };
    memory.participant.observations.poll_by(*by, id, memory.participant.settings.hold, work).await
}

async fn observe(memory: &Memory<'_>, asked: &CommitRequest) -> Result<Reveal, String> {
    let participant = memory.participant;
    let values = participant.observer.observe(&asked.subject, asked.sequence, &asked.context).await?;
    if values.len() > MAX_VALUES {
        return Err(format!("its observer gave {} values, more than {MAX_VALUES}", values.len()));
    }
    let mut salt = [0; 32];
    OsRng.fill_bytes(&mut salt);
    let reveal = Reveal::sign(&participant.identity, &memory.key, participant.wallet(), values, salt);
    keep(memory, asked, &reveal).await.map_err(|error| {
        tracing::error!(%error, "cannot store an observation");
        "it cannot store its observation: see its log".to_string()
    })
}

/// Stores the observation and returns the one that counts.
async fn keep(memory: &Memory<'_>, asked: &CommitRequest, reveal: &Reveal) -> Result<Reveal> {
    let text = crate::store::to_json(reveal)?;
    memory.participant.store.keep_observation(&memory.key, &context_hash(&asked.context), &text).await?;
    memory.participant.about_to_say(memory.key.epoch).await?;
    memory.own().await?.ok_or_else(swept)
}

fn swept() -> Error {
    Refusal::new(Code::AlreadyObserved, "observes nothing in committees this old any more").into()
}
