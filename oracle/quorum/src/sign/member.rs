//! A member's side of a signature: nothing leaves before it is stored, nothing is signed that the node did not approve.

use frost_ed25519::{round1, round2};
use openledger_protocol::{
    Hash32,
    attest::{Message, payload_hash},
    hash::sha256,
};

use super::{CommitAnswer, CommitRequest, ShareAnswer, ShareRequest, key_share, package, parse_message};
use crate::{
    context::{Context, body},
    envelope::Envelope,
    error::{Code, Error, Refusal, Result},
    membership::Committee,
    store::{NonceRow, SignedSubject},
    transport::Answer,
};

/// `sign-commit`: check, ask the node, then commit to fresh nonces.
pub(crate) async fn commit(context: &Context, committee: &Committee, request: &Envelope) -> Result<Answer> {
    let asked: CommitRequest = body(request)?;
    let message = check(context, committee, &asked)?;
    let share = key_share(context, committee).await?;
    if let Some(row) = context.store.nonces(&request.from, &request.session).await? {
        return repeat(&row, &asked);
    }
    refuse_second_payload(context, &message).await?;
    match approved(context, message, &asked).await {
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
        sealed: Some(context.vault.seal(&plain)),
        package: None,
        share: None,
    };
    // Of two requests at once one is stored, and both get that one's commitments.
    let row = context.store.keep_nonces(&request.from, &request.session, row).await?;
    repeat(&row, &asked)
}

/// `sign-share`: use the session's nonces for this round and no other.
pub(crate) async fn share(context: &Context, committee: &Committee, request: &Envelope) -> Result<Answer> {
    let asked: ShareRequest = body(request)?;
    let key = key_share(context, committee).await?;
    let finalized = context.approver.finalized_slot().await;
    let mut client = context.store.client().await?;
    let transaction = client.transaction().await?;
    let row = crate::store::lock_nonces(&transaction, &request.from, &request.session).await?;
    let Some(row) = row.filter(|r| r.committee == committee.id()) else {
        return Err(Refusal::new(
            Code::UnknownSession,
            "no nonces are stored for this session: ask for new commitments",
        )
        .into());
    };
    let package = package(committee, &asked.round, &row.message)?;
    let digest = sha256(&[&package.serialize()?]);
    if let (Some(used_for), Some(share)) = (&row.package, &row.share) {
        // The answer got lost and the coordinator asks again: the same share for the same round gives nothing away.
        if used_for[..] == digest {
            return Answer::ready(&ShareAnswer { share: share.clone() });
        }
        return Err(Refusal::new(
            Code::NoncesUsed,
            "this session's nonces were used for another round: ask for new commitments",
        )
        .into());
    }
    let mine = asked.round.iter().find(|c| c.member == context.wallet());
    if mine.is_none_or(|c| c.commitments != row.commitments) {
        return Err(Refusal::new(Code::BadRequest, "the round does not carry the commitments that I made").into());
    }
    let sealed = row.sealed.as_deref().and_then(|s| context.vault.open(s));
    let nonces = round1::SigningNonces::deserialize(&sealed.ok_or(Error::Corrupt { what: "nonces" })?)?;
    let share = round2::sign(&package, &nonces, &key.key_package)?.serialize();
    let message = parse_message(&row.message).ok_or(Error::Corrupt { what: "message" })?;
    // One transaction: the payload becomes the only one for its sequence, and the nonces are gone, or nothing happened.
    crate::store::sign_subject(&transaction, &subject(&message), finalized).await?.map_err(second_payload)?;
    crate::store::use_nonces(&transaction, &request.from, &request.session, &digest, &share).await?;
    transaction.commit().await?;
    Answer::ready(&ShareAnswer { share })
}

fn check(context: &Context, committee: &Committee, asked: &CommitRequest) -> Result<Message> {
    let message =
        parse_message(&asked.message).ok_or_else(|| Error::Message("it is not an attestation of version 1".into()))?;
    if message.cluster != context.cluster {
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

/// The answer given before in this session, if it was about the same message.
fn repeat(row: &NonceRow, asked: &CommitRequest) -> Result<Answer> {
    if row.message != asked.message {
        return Err(Refusal::new(Code::BadRequest, "this session is about another message: start a new one").into());
    }
    if row.sealed.is_none() {
        return Err(Refusal::new(Code::NoncesUsed, "this session is over: start a new one").into());
    }
    Answer::ready(&CommitAnswer { commitments: row.commitments.clone() })
}

async fn approved(context: &Context, message: Message, asked: &CommitRequest) -> Option<Result<(), String>> {
    let about = asked.context.to_string();
    let key = sha256(&[&asked.message, &sha256(&[&asked.payload]), about.as_bytes()]);
    let approver = context.approver.clone();
    let (payload, about) = (asked.payload.clone(), asked.context.clone());
    let work = || async move { approver.approve(&message, &payload, &about).await };
    context.approvals.poll(key, context.settings.hold, work).await
}

/// Refuses early what [`share`] would refuse anyway.
async fn refuse_second_payload(context: &Context, message: &Message) -> Result<()> {
    let subject = subject(message);
    match context.store.signed_subject(&subject).await? {
        Some(signed) if !signed.gives_way_to(&subject, context.approver.finalized_slot().await) => {
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
