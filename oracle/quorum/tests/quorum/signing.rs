//! Threshold signatures.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use ed25519_dalek::{Signature, VerifyingKey};
use openledger_protocol::attest::Message;
use openledger_quorum::{
    Attestation, Coordinator, Error, Result,
    answer::Answer,
    envelope::{Envelope, Kind},
    error::Code,
    sign::{CommitAnswer, CommitRequest, Committed, ShareAnswer, ShareRequest},
};
use serde_json::json;
use tokio::task::JoinHandle;

use crate::fleet::{Fleet, identity, message};

fn sign(fleet: &Fleet, place: u16, message: Message, payload: &'static [u8]) -> JoinHandle<Result<Attestation>> {
    fleet.run(place, move |participant| async move {
        Coordinator::sign(&participant, &message, payload, json!({"about": "a test"})).await
    })
}

fn verifies(key: &[u8; 32], message: &Message, attestation: &Attestation) {
    let signature = Signature::from_bytes(&attestation.signature);
    VerifyingKey::from_bytes(key).unwrap().verify_strict(&message.to_bytes(), &signature).expect("plain Ed25519");
}

fn value<T: serde::de::DeserializeOwned>(answer: Answer) -> T {
    match answer {
        Answer::Ready(value) => serde_json::from_value(value).unwrap(),
        other => panic!("{other:?}"),
    }
}

fn code(answer: Answer) -> Code {
    match answer {
        Answer::Refused(refusal) => refusal.code,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn two_silent_of_five_stop_nothing_and_two_left_of_five_sign_nothing() {
    let (mut fleet, key) = Fleet::with_key(3, 5).await;
    let all = message(0, b"all five");
    verifies(&key, &all, &sign(&fleet, 2, all, b"all five").await.unwrap().unwrap());

    fleet.kill(1);
    fleet.kill(4);
    let three = message(1, b"three");
    let before = Instant::now();
    let attestation = sign(&fleet, 5, three, b"three").await.unwrap().unwrap();
    verifies(&key, &three, &attestation);
    let mut signers = attestation.signers;
    signers.sort_unstable();
    assert_eq!(signers, [[2; 32], [3; 32], [5; 32]]);
    assert!(before.elapsed() < Duration::from_secs(5), "silent members do not stall: {:?}", before.elapsed());

    fleet.kill(3);
    fleet.settings.sign_deadline = Duration::from_millis(1200);
    fleet.kill(5);
    fleet.start(5).await;
    match sign(&fleet, 5, message(2, b"two"), b"two").await.unwrap() {
        Err(Error::Deadline { missing, .. }) => assert_eq!(missing, [[1; 32], [3; 32], [4; 32]]),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_lying_share_is_named_and_a_member_that_stops_after_committing_is_left_behind() {
    let (mut fleet, key) = Fleet::with_key(3, 5).await;
    fleet.kill(2);
    fleet.kill(3);
    fleet.lie(2, |request, answer| match (request.kind, answer) {
        (Kind::SignShare, Answer::Ready(value)) => {
            let mut share: ShareAnswer = serde_json::from_value(value).unwrap();
            share.share[0] ^= 1;
            Some(Answer::Ready(serde_json::to_value(share).unwrap()))
        }
        (_, answer) => Some(answer),
    });
    fleet.lie(3, |request, answer| (request.kind != Kind::SignShare).then_some(answer));
    fleet.start(2).await;
    fleet.start(3).await;
    // The honest others are slow, so that the liar and the silent member are in the first round.
    for place in [4, 5] {
        *fleet.mind(place).approval_delay.lock().unwrap() = Duration::from_millis(700);
    }
    // The silent member costs a stall. The liar is found out in the next round, and the honest three remain.
    let about = message(0, b"payload");
    let attestation = sign(&fleet, 1, about, b"payload").await.unwrap().unwrap();
    verifies(&key, &about, &attestation);
    assert_eq!(attestation.faults.len(), 1);
    assert_eq!(attestation.faults[0].member, [2; 32]);
    assert!(attestation.faults[0].what.contains("invalid signature share"));
    let mut signers = attestation.signers;
    signers.sort_unstable();
    assert_eq!(signers, [[1; 32], [4; 32], [5; 32]]);
}

#[tokio::test]
async fn nonces_make_one_share_whatever_is_killed_when() {
    let (mut fleet, _) = Fleet::with_key(3, 5).await;
    let about = CommitRequest {
        message: message(0, b"payload").to_bytes().to_vec(),
        payload: b"payload".to_vec(),
        context: json!(null),
    };
    // This test coordinates by hand, as member 1.
    let mut round = Vec::new();
    for place in [2, 3, 4] {
        let (status, answer) = fleet.ask((1, place), Kind::SignCommit, "s", &about).await;
        assert_eq!(status, 200);
        let CommitAnswer { commitments } = value(answer);
        round.push(Committed { member: [place as u8; 32], commitments });
    }
    let again: CommitAnswer = value(fleet.ask((1, 2), Kind::SignCommit, "s", &about).await.1);
    assert_eq!(again.commitments, round[0].commitments, "a repeated request gets the same commitments");
    let other: CommitAnswer = value(fleet.ask((1, 3), Kind::SignCommit, "other", &about).await.1);
    let mut second = round.clone();
    second[1].commitments = other.commitments;

    // A crash loses the answer to the share request.
    let first: ShareAnswer =
        value(fleet.ask((1, 2), Kind::SignShare, "s", &ShareRequest { round: round.clone() }).await.1);
    fleet.kill(2);
    fleet.start(2).await;
    let repeated: ShareAnswer =
        value(fleet.ask((1, 2), Kind::SignShare, "s", &ShareRequest { round: round.clone() }).await.1);
    assert_eq!(repeated.share, first.share);
    let (status, answer) = fleet.ask((1, 2), Kind::SignShare, "s", &ShareRequest { round: second.clone() }).await;
    assert_eq!((status, code(answer)), (409, Code::NoncesUsed));
    assert_eq!(code(fleet.ask((1, 2), Kind::SignCommit, "s", &about).await.1), Code::NoncesUsed);

    // The member is killed between commitment and share. Its nonces are gone, whatever was restored in between.
    fleet.kill(4);
    fleet.start(4).await;
    let (_, answer) = fleet.ask((1, 4), Kind::SignShare, "s", &ShareRequest { round: round.clone() }).await;
    assert_eq!(code(answer), Code::UnknownSession);
    // Another coordinator's session of the same name is another session.
    let (_, answer) = fleet.ask((5, 3), Kind::SignShare, "s", &ShareRequest { round: round.clone() }).await;
    assert_eq!(code(answer), Code::UnknownSession);
    // A round of too few members, or without the recipient's commitments, gets no share.
    let few = ShareRequest { round: round[..2].to_vec() };
    assert_eq!(code(fleet.ask((1, 3), Kind::SignShare, "s", &few).await.1), Code::BadRequest);
    assert_eq!(
        code(fleet.ask((1, 3), Kind::SignShare, "s", &ShareRequest { round: second }).await.1),
        Code::BadRequest
    );
}

#[tokio::test]
async fn a_second_payload_for_a_sequence_is_refused_until_the_first_has_expired_for_certain() {
    let (fleet, key) = Fleet::with_key(2, 3).await;
    sign(&fleet, 1, message(4, b"first"), b"first").await.unwrap().unwrap();
    // The same payload may be signed again, for example with a later expiry.
    let renewed = Message { expiry_slot: 2_000, ..message(4, b"first") };
    verifies(&key, &renewed, &sign(&fleet, 2, renewed, b"first").await.unwrap().unwrap());

    for mind in &fleet.minds {
        mind.finalized_slot.store(1_500, Ordering::SeqCst);
    }
    match sign(&fleet, 1, message(4, b"second"), b"second").await.unwrap() {
        Err(Error::TooFew { faults, .. }) => {
            assert!(faults.iter().any(|f| f.what.contains("has signed payload")), "{faults:?}");
        }
        other => panic!("{other:?}"),
    }
    // Another sequence is not affected.
    sign(&fleet, 1, message(5, b"second"), b"second").await.unwrap().unwrap();
    for mind in &fleet.minds {
        mind.finalized_slot.store(2_001, Ordering::SeqCst);
    }
    let late = Message { expiry_slot: 3_000, ..message(4, b"second") };
    verifies(&key, &late, &sign(&fleet, 3, late, b"second").await.unwrap().unwrap());
}

#[tokio::test]
async fn slow_checks_are_awaited_and_objections_reach_the_coordinator() {
    let (fleet, key) = Fleet::with_key(2, 3).await;
    for mind in &fleet.minds {
        *mind.approval_delay.lock().unwrap() = Duration::from_millis(600);
    }
    let slow = message(0, b"slow");
    verifies(&key, &slow, &sign(&fleet, 1, slow, b"slow").await.unwrap().unwrap());

    for place in [2, 3] {
        *fleet.mind(place).objection.lock().unwrap() = Some("segment 3 ends outside the band".into());
    }
    match sign(&fleet, 1, message(1, b"bad"), b"bad").await.unwrap() {
        Err(Error::TooFew { have: 1, need: 2, faults, .. }) => {
            assert!(faults.iter().all(|f| f.what.contains("segment 3 ends outside the band")), "{faults:?}");
        }
        other => panic!("{other:?}"),
    }
    // A node may withdraw its objection.
    *fleet.mind(2).objection.lock().unwrap() = None;
    sign(&fleet, 1, message(1, b"bad"), b"bad").await.unwrap().unwrap();
    // The coordinator refuses a payload that is not the message's. The members refuse a message of another cluster.
    assert!(matches!(sign(&fleet, 1, message(2, b"x"), b"y").await.unwrap(), Err(Error::Message(_))));
    let foreign = Message { cluster: [1; 32], ..message(2, b"x") };
    match sign(&fleet, 1, foreign, b"x").await.unwrap() {
        Err(Error::TooFew { faults, .. }) => assert!(faults.iter().all(|f| f.what.contains("another cluster"))),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn forged_foreign_and_unreadable_messages_are_refused_with_a_reason() {
    let mut fleet = Fleet::new(2, 3);
    fleet.start(2).await;
    let good = |from: u16, to: u16| {
        Envelope::request(
            &identity(from),
            &fleet.committee,
            ([from as u8; 32], [to as u8; 32]),
            Kind::SignCommit,
            "s",
            &json!({}),
        )
    };
    let mut elsewhere = fleet.committee.clone();
    elsewhere.threshold = 3;
    let pair = ([1; 32], [2; 32]);
    let other_committee = Envelope::request(&identity(1), &elsewhere, pair, Kind::SignCommit, "s", &json!({}));
    let cases = [
        ("sign-commit", Envelope { body: "{\"a\":1}".into(), ..good(1, 2) }, 403, "refused_envelope"),
        ("sign-commit", good(9, 2), 403, "refused_envelope"),
        ("sign-commit", good(1, 3), 403, "refused_envelope"),
        ("sign-commit", other_committee, 403, "refused_envelope"),
        ("sign-commit", Envelope { committee_epoch: 8, ..good(1, 2) }, 404, "unknown_committee"),
        ("sign-share", good(1, 2), 400, "bad_request"),
        ("sign-nothing", good(1, 2), 404, "unknown_kind"),
    ];
    for (url, envelope, status, code) in cases {
        let (got, text) = fleet.post(2, url, serde_json::to_string(&envelope).unwrap()).await;
        let error: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((got, error["error"]["code"].as_str()), (status, Some(code)), "{text}");
        assert!(error["error"]["message"].as_str().is_some_and(|m| !m.is_empty()));
    }
    let (status, text) = fleet.post(2, "sign-commit", "not json".into()).await;
    assert_eq!(status, 400, "{text}");
    // This member has no key share. It answers a well-signed request with a signed refusal.
    let about = CommitRequest { message: vec![1], payload: vec![], context: json!(null) };
    assert_eq!(code(fleet.ask((1, 2), Kind::SignCommit, "s", &about).await.1), Code::BadRequest);
    let about = CommitRequest { message: message(0, b"").to_bytes().to_vec(), payload: vec![], context: json!(null) };
    let (status, answer) = fleet.ask((1, 2), Kind::SignCommit, "s", &about).await;
    assert_eq!((status, code(answer)), (409, Code::NoKeyShare));
}
