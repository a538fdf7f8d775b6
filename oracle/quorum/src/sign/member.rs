//! A member's side of a signature. It signs nothing that its node did not approve, and stores what it signs before it
//! sends it.

use frost_ed25519::{round1, round2};
use openledger_protocol::{
    Hash32,
    attest::{self, Message, payload_hash},
    hash::{ZERO, sha256},
};

use super::{
    message::parse_message,
    wire::{CommitAnswer, CommitRequest, ShareAnswer, ShareRequest, signing_package},
};
use crate::{
    answer::{Answer, body},
    encoding::name,
    envelope::Envelope,
    error::{Code, Error, Refusal, Result},
    key_share::KeyShare,
    membership::Committee,
    nonces::{Purpose, Taken},
    participant::Participant,
    store::SignedSubject,
};

/// Answers `sign-commit`: checks the message, asks the node, then commits to fresh nonces.
///
/// > RFC 9591, round one. The outputs nonce and comm from participant P_i should both be stored locally and kept for
/// > use in the second round. The nonce value is secret and MUST NOT be shared, whereas the public output comm is sent
/// > to the Coordinator.
///
/// # Security
///
/// The nonces stay in memory: see [`crate::nonces`]. There is one pair for each coordinator and session. They come from
/// the operating system's randomness and from the key share, never from anything that a coordinator chooses.
pub(crate) async fn commit(participant: &Participant, committee: &Committee, request: &Envelope) -> Result<Answer> {
    let asked: CommitRequest = body(request)?;
    let message = check(participant, committee, &asked)?;
    let share = KeyShare::needed(participant, committee).await?;
    if let Some((purpose, is_fresh)) = participant.sessions.get(&request.from, &request.session) {
        if !is_fresh {
            return Err(Refusal::new(Code::NoncesUsed, "this session is over: start a new one").into());
        }
        return repeat(&purpose, committee, &asked);
    }
    let subject = subject(participant, committee, &message, &asked.payload);
    refuse_second_payload(participant, &subject).await?;
    match approved(participant, &request.from, message, &asked).await {
        None => return Ok(Answer::Pending),
        Some(Ok(())) => {}
        Some(Err(refusal)) => {
            // The request is signed, so whoever proposed this can be named.
            let (coordinator, payload) = (name(&request.from), hex::encode(message.payload));
            let Message { kind, sequence, .. } = message;
            tracing::warn!(coordinator, ?kind, sequence, payload, %refusal, "refuses to sign what was proposed");
            return Err(refusal.into());
        }
    }
    let (nonces, commitments) = round1::commit(share.key_package.signing_share(), &mut crypto_box::aead::OsRng);
    let purpose = Purpose {
        committee: committee.id(),
        message: asked.message.clone(),
        subject,
        commitments: commitments.serialize()?,
    };
    // If two requests come at once, one of them is kept, and both get its commitments.
    let purpose = participant.sessions.begin(request.from, &request.session, purpose, nonces);
    repeat(&purpose, committee, &asked)
}

/// Answers `sign-share`: uses the session's nonces for this round, and for no other round.
///
/// > RFC 9591, round two. Each participant MUST delete the nonce and corresponding commitment after completing sign,
/// > and MUST NOT use the nonce as input more than once to sign.
///
/// # Security
///
/// The nonces are taken out of the session first, so whatever fails afterwards, they make no other share. Then the
/// payload is recorded if it is the first for its subject and sequence, and this is committed before the share is sent. A
/// coordinator that asks again for the same round gets the same share. For another round it gets none.
pub(crate) async fn share(participant: &Participant, committee: &Committee, request: &Envelope) -> Result<Answer> {
    let asked: ShareRequest = body(request)?;
    let key = KeyShare::needed(participant, committee).await?;
    let (coordinator, session) = (&request.from, &request.session);
    let unknown = || Refusal::new(Code::UnknownSession, "holds no nonces for this session: ask for new commitments");
    let (purpose, _) = participant
        .sessions
        .get(coordinator, session)
        .filter(|(purpose, _)| purpose.committee == committee.id())
        .ok_or_else(unknown)?;
    let package = signing_package(committee, &asked.round, &purpose.message)?;
    let round = sha256(&[&package.serialize()?]);
    let mine = asked.round.iter().find(|c| c.member == participant.wallet());
    if mine.is_none_or(|c| c.commitments != purpose.commitments) {
        return Err(Refusal::new(Code::BadRequest, "the round does not carry the commitments that I made").into());
    }
    let nonces = match participant.sessions.take(coordinator, session, round) {
        Taken::Nonces(nonces) => nonces,
        // The answer got lost and the coordinator asks again. The same share for the same round gives nothing away.
        Taken::Share(share) => return Answer::ready(&ShareAnswer { share }),
        Taken::OtherRound => {
            let text = "this session's nonces were used for another round: ask for new commitments";
            return Err(Refusal::new(Code::NoncesUsed, text).into());
        }
        Taken::Nothing => return Err(unknown().into()),
    };
    let finalized = participant.finalized_slot().await;
    participant.store.sign_subject(&purpose.subject, finalized).await?.map_err(second_payload)?;
    // From here on this member may be bound. Whoever binds members in vain can be named.
    let SignedSubject { kind, sequence, payload, .. } = &purpose.subject;
    tracing::info!(coordinator = name(coordinator), kind, sequence, payload = hex::encode(payload), "signs");
    let share = round2::sign(&package, &nonces, &key.key_package)?.serialize();
    participant.sessions.shared(coordinator, session, round, share.clone());
    Answer::ready(&ShareAnswer { share })
}

fn check(participant: &Participant, committee: &Committee, asked: &CommitRequest) -> Result<Message> {
    let message =
        parse_message(&asked.message).ok_or_else(|| Error::Message("it is not an attestation of version 1".into()))?;
    if message.cluster != participant.cluster {
        return Err(Error::Message("it is for another cluster".into()));
    }
    if message.committee_epoch != committee.epoch {
        let epoch = message.committee_epoch;
        return Err(Error::Message(format!("it is for committee {epoch}, not {}", committee.epoch)));
    }
    if message.payload != payload_hash(&asked.payload) {
        return Err(Error::Message("its payload hash is not that of the payload".into()));
    }
    Ok(message)
}

/// The commitments of a session, if the session is about what is asked for.
fn repeat(purpose: &Purpose, committee: &Committee, asked: &CommitRequest) -> Result<Answer> {
    if purpose.message != asked.message || purpose.committee != committee.id() {
        return Err(Refusal::new(Code::BadRequest, "this session is about another message: start a new one").into());
    }
    Answer::ready(&CommitAnswer { commitments: purpose.commitments.clone() })
}

/// The node's decision on the message. `None` while it is still checking.
///
/// The decision is kept by the message. It names the payload by its hash, and an approver looks at nothing else.
async fn approved(
    participant: &Participant,
    coordinator: &Hash32,
    message: Message,
    asked: &CommitRequest,
) -> Option<Result<(), Refusal>> {
    let (own, payload) = (participant.clone(), asked.payload.clone());
    let work = || async move { own.approver.approve(&own, &message, &payload).await };
    participant.approvals.poll_by(*coordinator, sha256(&[&asked.message]), participant.settings.hold, work).await
}

/// Refuses a payload early that [`share`] would refuse anyway.
async fn refuse_second_payload(participant: &Participant, subject: &SignedSubject) -> Result<()> {
    match participant.store.signed_subject(subject).await? {
        Some(signed) if !signed.gives_way_to(subject, participant.finalized_slot().await) => {
            Err(second_payload(signed.payload).into())
        }
        _ => Ok(()),
    }
}

fn subject(participant: &Participant, committee: &Committee, message: &Message, payload: &[u8]) -> SignedSubject {
    SignedSubject {
        cluster: message.cluster,
        epoch: committee.epoch,
        kind: message.kind as u16,
        subject: message.subject,
        sequence: message.sequence,
        core: participant.approver.core(message, payload),
        payload: message.payload,
        expiry_slot: message.expiry_slot,
    }
}

/// Whether this member is bound in a sequence: it has signed a payload for it, and refuses others until the last slot of
/// the first one is final.
pub async fn is_bound(participant: &Participant, kind: attest::Kind, subject: Hash32, sequence: u64) -> Result<bool> {
    let of = SignedSubject {
        cluster: participant.cluster,
        epoch: 0,
        kind: kind as u16,
        subject,
        sequence,
        core: ZERO,
        payload: ZERO,
        expiry_slot: 0,
    };
    match participant.store.signed_subject(&of).await? {
        Some(first) => Ok(!first.is_over(participant.finalized_slot().await)),
        None => Ok(false),
    }
}

fn second_payload(signed: Hash32) -> Refusal {
    let text = format!("has signed payload {} for this subject and sequence before", hex::encode(signed));
    Refusal::new(Code::AlreadySigned, text)
}
