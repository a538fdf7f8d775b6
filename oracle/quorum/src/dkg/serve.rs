//! What a member shows to the others: only what is stored.

use std::collections::BTreeMap;

use tokio::time::Instant;

use super::{EvidenceRequest, Round1, Round2, digests, read};
use crate::{
    context::{Context, body},
    envelope::Envelope,
    error::{Code, Error, Refusal, Result},
    membership::Committee,
    store::DkgSession,
    transport::Answer,
};

/// `dkg-round1`: this member's signed package.
pub(crate) async fn round1(context: &Context, committee: &Committee, _: &Envelope) -> Result<Answer> {
    match session(context, committee, |_| true).await? {
        Some(session) => Answer::ready(&read::<Round1>(&session.round1, "round 1")?),
        None => Ok(Answer::Pending),
    }
}

/// `dkg-round2`: this member's package for the one who asks.
pub(crate) async fn round2(context: &Context, committee: &Committee, request: &Envelope) -> Result<Answer> {
    let Some(session) = session(context, committee, |s| s.round2.is_some()).await? else {
        return Ok(Answer::Pending);
    };
    let packages: BTreeMap<String, String> = read(session.round2.as_deref().unwrap_or_default(), "round 2")?;
    let package = packages.get(&hex::encode(request.from)).and_then(|p| hex::decode(p).ok());
    let package = package.ok_or(Error::Corrupt { what: "round 2" })?;
    let id = committee.id();
    let mut round1 = BTreeMap::from([(context.wallet(), read(&session.round1, "round 1")?)]);
    for member in committee.others(context.wallet()) {
        let stored = context.store.received(&id, &member.wallet, 1).await?;
        round1.insert(member.wallet, read(&stored.ok_or(Error::Corrupt { what: "round 1" })?, "round 1")?);
    }
    Answer::ready(&Round2 { seen: digests(&round1, &id), package })
}

/// `dkg-evidence`: the package that this member had from another.
pub(crate) async fn evidence(context: &Context, committee: &Committee, request: &Envelope) -> Result<Answer> {
    let EvidenceRequest { member } = body(request)?;
    let id = committee.id();
    let stored = if member == context.wallet() {
        context.store.dkg_session(&id).await?.map(|s| s.round1)
    } else {
        context.store.received(&id, &member, 1).await?
    };
    match stored {
        Some(stored) => Answer::ready(&read::<Round1>(&stored, "round 1")?),
        None => Err(Refusal::new(Code::BadRequest, "no round-1 package of that member is stored here").into()),
    }
}

/// The session once it is `far` enough; `None` if it is not after `Settings::hold`.
async fn session(
    context: &Context,
    committee: &Committee,
    far: impl Fn(&DkgSession) -> bool,
) -> Result<Option<DkgSession>> {
    let until = Instant::now() + context.settings.hold;
    loop {
        // Listening before looking: nothing can happen in between unheard.
        let advanced = context.dkg_advanced.notified();
        tokio::pin!(advanced);
        advanced.as_mut().enable();
        if let Some(session) = context.store.dkg_session(&committee.id()).await?.filter(&far) {
            return Ok(Some(session));
        }
        if tokio::time::timeout_at(until, advanced).await.is_err() {
            return Ok(None);
        }
    }
}
