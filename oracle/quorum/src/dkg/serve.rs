//! A member's answers to the others in key generation. It shows only what is stored, so its answers are the same after
//! a restart.

use std::collections::BTreeMap;

use serde::Serialize;
use tokio::time::Instant;

use super::{
    attempts,
    packages::{Round1, Round2},
    wire::{Asked, Done, EvidenceRequest, Reply},
};
use crate::{
    answer::{Answer, body},
    envelope::Envelope,
    error::{Code, Error, Refusal, Result},
    membership::Committee,
    participant::Participant,
    store::{DkgSession, from_json},
};

/// Answers `dkg-round1`: this member's signed package.
pub(crate) async fn round1(participant: &Participant, committee: &Committee, request: &Envelope) -> Result<Answer> {
    made(participant, committee, request, |session| Ok(Some(from_json::<Round1>(&session.round1, "round 1")?))).await
}

/// Answers `dkg-round2`: this member's signed package for the sender of the request.
pub(crate) async fn round2(participant: &Participant, committee: &Committee, request: &Envelope) -> Result<Answer> {
    let recipient = hex::encode(request.from);
    made(participant, committee, request, move |session| {
        let Some(packages) = &session.round2 else { return Ok(None) };
        let mut packages: BTreeMap<String, Round2> = from_json(packages, "round 2")?;
        packages.remove(&recipient).map(Some).ok_or(Error::Corrupt { what: "round 2" })
    })
    .await
}

/// Answers `dkg-done`: whether this member holds its share.
pub(crate) async fn done(participant: &Participant, committee: &Committee, request: &Envelope) -> Result<Answer> {
    made(participant, committee, request, |session| Ok(session.group_key.map(|group_key| Done { group_key }))).await
}

/// Answers `dkg-evidence`: the round-1 package that this member received from a third member.
pub(crate) async fn evidence(participant: &Participant, committee: &Committee, request: &Envelope) -> Result<Answer> {
    let EvidenceRequest { attempt, member } = body(request)?;
    let id = committee.id();
    let stored = if member == participant.wallet() {
        participant.store.dkg_session(&id, attempt).await?.map(|s| s.round1)
    } else {
        participant.store.received(&id, attempt, &member, 1).await?
    };
    match stored {
        Some(stored) => Answer::ready(&from_json::<Round1>(&stored, "round 1")?),
        None => Err(Refusal::new(Code::BadRequest, "no round-1 package of that member is stored here").into()),
    }
}

/// What `part` takes from this member's session of the attempt that is asked for, as soon as it is there. "Pending" if
/// it is not there within `Settings::hold`. If the attempt is over, the evidence that ended it.
async fn made<T: Serialize>(
    participant: &Participant,
    committee: &Committee,
    request: &Envelope,
    part: impl Fn(&DkgSession) -> Result<Option<T>>,
) -> Result<Answer> {
    let asked: Asked = body(request)?;
    let until = Instant::now() + participant.settings.hold;
    loop {
        // The wait is set up before the check, so that no change in between is missed.
        let advanced = participant.dkg_advanced.notified();
        tokio::pin!(advanced);
        advanced.as_mut().enable();
        if let Some(evidence) = attempts::take(participant, committee, &asked).await? {
            return Answer::ready(&Reply::<T>::Refuted(Box::new(evidence)));
        }
        if let Some(session) = participant.store.dkg_session(&committee.id(), asked.attempt).await?
            && let Some(part) = part(&session)?
        {
            return Answer::ready(&Reply::Made(part));
        }
        if tokio::time::timeout_at(until, advanced).await.is_err() {
            return Ok(Answer::Pending);
        }
    }
}
