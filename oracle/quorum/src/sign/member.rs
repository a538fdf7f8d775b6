//! A member's side of a signature. It stores everything before it sends it, and signs nothing that its node did not
//! approve.

use frost_ed25519::{round1, round2};
use openledger_protocol::{
    Hash32,
    attest::{Message, payload_hash},
    hash::sha256,
};

use super::{
    message::parse_message,
    wire::{CommitAnswer, CommitRequest, ShareAnswer, ShareRequest, signing_package},
};
use crate::{
    answer::{Answer, body},
    envelope::Envelope,
    error::{Code, Error, Refusal, Result},
    key_share::KeyShare,
    membership::Committee,
    participant::Participant,
    store::{NonceRow, SignedSubject, lock_nonces, sign_subject, use_nonces},
};

/// Answers `sign-commit`: checks the message, asks the node, then commits to fresh nonces.
///
/// > RFC 9591, round one. The outputs nonce and comm from participant P_i should both be stored locally and kept for
/// > use in the second round. The nonce value is secret and MUST NOT be shared, whereas the public output comm is sent
/// > to the Coordinator.
///
/// # Security
///
/// The nonces are sealed and stored before their commitments are sent. There is one pair for each coordinator and
/// session. They come from the operating system's randomness and from the key share, never from anything that a
/// coordinator chooses.
pub(crate) async fn commit(participant: &Participant, committee: &Committee, request: &Envelope) -> Result<Answer> {
    let asked: CommitRequest = body(request)?;
    let message = check(participant, committee, &asked)?;
    let share = KeyShare::needed(participant, committee).await?;
    if let Some(row) = participant.store.nonces(&request.from, &request.session).await? {
        return repeat(&row, &asked);
    }
    refuse_second_payload(participant, &message).await?;
    match approved(participant, message, &asked).await {
        None => return Ok(Answer::Pending),
        Some(Err(reason)) => return Err(Refusal::new(Code::NotApproved, reason).into()),
        Some(Ok(())) => {}
    }
    let (nonces, commitments) = round1::commit(share.key_package.signing_share(), &mut crypto_box::aead::OsRng);
    let plain = zeroize::Zeroizing::new(nonces.serialize()?);
    let row = NonceRow {
        committee: committee.id(),
        message: asked.message.clone(),
        commitments: commitments.serialize()?,
        sealed: Some(participant.sealing_key.seal(&plain)),
        package: None,
        share: None,
    };
    // If two requests come at once, one of them is stored, and both get its commitments.
    let row = participant.store.keep_nonces(&request.from, &request.session, row).await?;
    repeat(&row, &asked)
}

/// Answers `sign-share`: uses the session's nonces for this round, and for no other round.
///
/// > RFC 9591, round two. Each participant MUST delete the nonce and corresponding commitment after completing sign,
/// > and MUST NOT use the nonce as input more than once to sign.
///
/// # Security
///
/// One transaction locks the session, makes the share, records the payload as the only one for its subject and
/// sequence, and replaces the nonces by the share. The share is sent after the transaction is committed. A coordinator
/// that asks again for the same round gets the stored share. For another round it gets none.
pub(crate) async fn share(participant: &Participant, committee: &Committee, request: &Envelope) -> Result<Answer> {
    let asked: ShareRequest = body(request)?;
    let key = KeyShare::needed(participant, committee).await?;
    let finalized = participant.approver.finalized_slot().await;
    let mut client = participant.store.client().await?;
    let transaction = client.transaction().await?;
    let row = lock_nonces(&transaction, &request.from, &request.session).await?;
    let Some(row) = row.filter(|r| r.committee == committee.id()) else {
        return Err(Refusal::new(
            Code::UnknownSession,
            "no nonces are stored for this session: ask for new commitments",
        )
        .into());
    };
    let package = signing_package(committee, &asked.round, &row.message)?;
    let digest = sha256(&[&package.serialize()?]);
    if let (Some(used_for), Some(share)) = (&row.package, &row.share) {
        // The answer got lost and the coordinator asks again. The same share for the same round gives nothing away.
        if used_for[..] == digest {
            return Answer::ready(&ShareAnswer { share: share.clone() });
        }
        return Err(Refusal::new(
            Code::NoncesUsed,
            "this session's nonces were used for another round: ask for new commitments",
        )
        .into());
    }
    let mine = asked.round.iter().find(|c| c.member == participant.wallet());
    if mine.is_none_or(|c| c.commitments != row.commitments) {
        return Err(Refusal::new(Code::BadRequest, "the round does not carry the commitments that I made").into());
    }
    let sealed = row.sealed.as_deref().and_then(|s| participant.sealing_key.open(s));
    let nonces = round1::SigningNonces::deserialize(&sealed.ok_or(Error::Corrupt { what: "nonces" })?)?;
    let share = round2::sign(&package, &nonces, &key.key_package)?.serialize();
    let message = parse_message(&row.message).ok_or(Error::Corrupt { what: "message" })?;
    // One transaction does both or nothing: the payload becomes the only one for its sequence, and the nonces are
    // deleted.
    sign_subject(&transaction, &subject(&message), finalized).await?.map_err(second_payload)?;
    use_nonces(&transaction, &request.from, &request.session, &digest, &share).await?;
    transaction.commit().await?;
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

/// The answer that was given before in this session, if the session is about the same message.
fn repeat(row: &NonceRow, asked: &CommitRequest) -> Result<Answer> {
    if row.message != asked.message {
        return Err(Refusal::new(Code::BadRequest, "this session is about another message: start a new one").into());
    }
    if row.sealed.is_none() {
        return Err(Refusal::new(Code::NoncesUsed, "this session is over: start a new one").into());
    }
    Answer::ready(&CommitAnswer { commitments: row.commitments.clone() })
}

/// The node's decision on the message. `None` while it is still checking.
async fn approved(participant: &Participant, message: Message, asked: &CommitRequest) -> Option<Result<(), String>> {
    let about = asked.context.to_string();
    let key = sha256(&[&asked.message, &sha256(&[&asked.payload]), about.as_bytes()]);
    let own = participant.clone();
    let (payload, about) = (asked.payload.clone(), asked.context.clone());
    let work = || async move { own.approver.approve(&own, &message, &payload, &about).await };
    participant.approvals.poll(key, participant.settings.hold, work).await
}

/// Refuses a payload early that [`share`] would refuse anyway.
async fn refuse_second_payload(participant: &Participant, message: &Message) -> Result<()> {
    let subject = subject(message);
    match participant.store.signed_subject(&subject).await? {
        Some(signed) if !signed.gives_way_to(&subject, participant.approver.finalized_slot().await) => {
            Err(second_payload(signed.payload).into())
        }
        _ => Ok(()),
    }
}

fn subject(message: &Message) -> SignedSubject {
    SignedSubject {
        cluster: message.cluster,
        kind: message.kind as u16,
        subject: message.subject,
        sequence: message.sequence,
        payload: message.payload,
        expiry_slot: message.expiry_slot,
    }
}

fn second_payload(signed: Hash32) -> Refusal {
    let text = format!("has signed payload {} for this subject and sequence before", hex::encode(signed));
    Refusal::new(Code::AlreadySigned, text)
}
