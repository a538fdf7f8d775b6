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
    /// Nonces that were stored but not used are discarded here. The database may have been restored from a backup made
    /// before they were used, and a nonce that is used twice gives the key share away. Discarding costs at most the
    /// sessions in flight, which coordinators repeat.
    pub async fn start(parts: Parts) -> Result<Self> {
        parts.settings.check()?;
        parts.store.discard_unused_nonces().await?;
        let http = transport::connections(&parts.settings)?;
        let participant = Self::new(parts, http, dispatch);
        beat::start(&participant);
        Ok(participant)
    }
}

/// Gives a request to the one function that answers its kind.
fn dispatch<'a>(
    participant: &'a Participant,
    committee: &'a Committee,
    request: &'a Envelope,
) -> BoxFuture<'a, Result<Answer>> {
    match request.kind {
        Kind::DkgRound1 => dkg::serve::round1(participant, committee).boxed(),
        Kind::DkgRound2 => dkg::serve::round2(participant, committee, request).boxed(),
        Kind::DkgEvidence => dkg::serve::evidence(participant, committee, request).boxed(),
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
