//! The top of the crate: starts a participant, and gives each request that it receives to the protocol that answers it.

use futures::{FutureExt, future::BoxFuture};

use crate::{
    answer::Answer,
    beat, dkg,
    envelope::{Envelope, Kind},
    error::Result,
    membership::Committee,
    observe,
    participant::{Participant, Parts},
    sign, transport,
};

impl Participant {
    /// Starts an operator's participant.
    ///
    /// # Security
    ///
    /// Signing sessions that were open before are lost, and their coordinators begin them again. Nonces are not stored,
    /// so no state of the database brings one back.
    ///
    /// With [`Parts::marker`], a store that was restored from a backup is found out: the participant then neither
    /// observes nor signs for the committees that it may have forgotten something of. Without it, do not restore the
    /// store while the operator is in an active committee.
    pub async fn start(parts: Parts) -> Result<Self> {
        parts.settings.check()?;
        let http = transport::connections(&parts.settings)?;
        let participant = Self::new(parts, http, dispatch).await?;
        beat::start(&participant);
        Ok(participant)
    }
}

/// Gives a request to its protocol. An answer that binds the member is counted before it is sent.
fn dispatch<'a>(
    participant: &'a Participant,
    committee: &'a Committee,
    request: &'a Envelope,
) -> BoxFuture<'a, Result<Answer>> {
    if !binds(request.kind) {
        return handle(participant, committee, request);
    }
    let guarded = async move {
        participant.marker.check(committee.epoch)?;
        let answer = handle(participant, committee, request).await?;
        if let Answer::Ready(_) = answer {
            participant.about_to_say(committee.epoch).await?;
        }
        Ok(answer)
    };
    guarded.boxed()
}

/// Whether an answer of this kind keeps the member from ever saying something else.
///
/// Key generation is not among them. A member that has forgotten its packages holds no key share, or shows a second
/// package and is named for it. Neither signs anything.
fn binds(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::SignCommit
            | Kind::SignShare
            | Kind::ObserveCommit
            | Kind::ObserveReveal
            | Kind::ObserveSeal
            | Kind::ObserveClose
    )
}

/// Gives a request to the one function that answers its kind.
fn handle<'a>(
    participant: &'a Participant,
    committee: &'a Committee,
    request: &'a Envelope,
) -> BoxFuture<'a, Result<Answer>> {
    match request.kind {
        Kind::DkgRound1 => dkg::serve::round1(participant, committee, request).boxed(),
        Kind::DkgRound2 => dkg::serve::round2(participant, committee, request).boxed(),
        Kind::DkgEvidence => dkg::serve::evidence(participant, committee, request).boxed(),
        Kind::DkgDone => dkg::serve::done(participant, committee, request).boxed(),
        Kind::SignCommit => sign::member::commit(participant, committee, request).boxed(),
        Kind::SignShare => sign::member::share(participant, committee, request).boxed(),
        Kind::ObserveCommit => observe::member::commit(participant, committee, request).boxed(),
        Kind::ObserveReveal => observe::revealing::reveal(participant, committee, request).boxed(),
        Kind::ObserveResult => observe::member::result(participant, committee, request).boxed(),
        Kind::ObserveTell => observe::member::tell(participant, committee, request).boxed(),
        Kind::ObserveSeal => observe::sealing::seal(participant, committee, request).boxed(),
        Kind::ObserveClose => observe::closing::close(participant, committee, request).boxed(),
        Kind::Beat => beat::answer(request).boxed(),
    }
}
