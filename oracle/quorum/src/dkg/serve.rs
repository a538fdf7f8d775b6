//! A member's answers to the others in key generation. It shows only what is stored, so its answers are the same after
//! a restart.

use std::collections::BTreeMap;

use tokio::time::Instant;

use super::wire::{EvidenceRequest, Round1, Round2, digests};
use crate::{
    answer::{Answer, body},
    envelope::Envelope,
    error::{Code, Error, Refusal, Result},
    membership::Committee,
    participant::Participant,
    store::{DkgSession, from_json},
};

/// Answers `dkg-round1`: this member's signed package.
pub(crate) async fn round1(participant: &Participant, committee: &Committee) -> Result<Answer> {
    match session(participant, committee, |_| true).await? {
        Some(session) => Answer::ready(&from_json::<Round1>(&session.round1, "round 1")?),
        None => Ok(Answer::Pending),
    }
}

/// Answers `dkg-round2`: this member's package for the sender of the request.
pub(crate) async fn round2(participant: &Participant, committee: &Committee, request: &Envelope) -> Result<Answer> {
    let Some(session) = session(participant, committee, |s| s.round2.is_some()).await? else {
        return Ok(Answer::Pending);
    };
    let packages: BTreeMap<String, String> = from_json(session.round2.as_deref().unwrap_or_default(), "round 2")?;
    let package = packages.get(&hex::encode(request.from)).and_then(|p| hex::decode(p).ok());
    let package = package.ok_or(Error::Corrupt { what: "round 2" })?;
    let id = committee.id();
    let mut round1 = BTreeMap::from([(participant.wallet(), from_json(&session.round1, "round 1")?)]);
    for member in committee.others(participant.wallet()) {
        let stored = participant.store.received(&id, &member.wallet, 1).await?;
        round1.insert(member.wallet, from_json(&stored.ok_or(Error::Corrupt { what: "round 1" })?, "round 1")?);
    }
    Answer::ready(&Round2 { seen: digests(&round1, &id), package })
}

/// Answers `dkg-evidence`: the round-1 package that this member received from a third member.
pub(crate) async fn evidence(participant: &Participant, committee: &Committee, request: &Envelope) -> Result<Answer> {
    let EvidenceRequest { member } = body(request)?;
    let id = committee.id();
    let stored = if member == participant.wallet() {
        participant.store.dkg_session(&id).await?.map(|s| s.round1)
    } else {
        participant.store.received(&id, &member, 1).await?
    };
    match stored {
        Some(stored) => Answer::ready(&from_json::<Round1>(&stored, "round 1")?),
        None => Err(Refusal::new(Code::BadRequest, "no round-1 package of that member is stored here").into()),
    }
}

/// This member's session as soon as it is `far` enough. `None` if it does not get there within `Settings::hold`.
async fn session(
    participant: &Participant,
    committee: &Committee,
    far: impl Fn(&DkgSession) -> bool,
) -> Result<Option<DkgSession>> {
    let until = Instant::now() + participant.settings.hold;
    loop {
        // The wait is set up before the check, so that no change in between is missed.
        let advanced = participant.dkg_advanced.notified();
        tokio::pin!(advanced);
        advanced.as_mut().enable();
        if let Some(session) = participant.store.dkg_session(&committee.id()).await?.filter(&far) {
            return Ok(Some(session));
        }
        if tokio::time::timeout_at(until, advanced).await.is_err() {
            return Ok(None);
        }
    }
}
