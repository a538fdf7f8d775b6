//! Threshold signatures.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use ed25519_dalek::{Signature, VerifyingKey};
use openledger_protocol::attest::Message;
use openledger_quorum::{
    Attestation, Coordinator, Error, Quota, Result,
    answer::Answer,
    envelope::{Envelope, Kind},
    error::Code,
    sign::{CommitAnswer, CommitRequest, Committed, ShareAnswer, ShareRequest, is_bound},
};
use serde_json::json;
use tokio::task::JoinHandle;

use crate::fleet::{Fleet, Posted, identity, message};

pub fn sign(fleet: &Fleet, place: u16, message: Message, payload: &[u8]) -> JoinHandle<Result<Attestation>> {
    let payload = payload.to_vec();
    fleet.run(place, move |participant| async move { Coordinator::sign(&participant, &message, &payload).await })
}

pub fn verifies(key: &[u8; 32], message: &Message, attestation: &Attestation) {
    let signature = Signature::from_bytes(&attestation.signature);
    VerifyingKey::from_bytes(key).unwrap().verify_strict(&message.to_bytes(), &signature).expect("plain Ed25519");
}

pub fn value<T: serde::de::DeserializeOwned>(answer: Answer) -> T {
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

fn commit(sequence: u64, payload: &[u8]) -> CommitRequest {
    CommitRequest { message: message(sequence, payload).to_bytes().to_vec(), payload: payload.to_vec() }
}

/// The commitments of these members for a message, as a coordinator collects them in the session "s".
async fn commitments(fleet: &Fleet, coordinator: u16, places: &[u16], about: &CommitRequest) -> Vec<Committed> {
    let mut round = Vec::new();
    for place in places {
        let (status, answer) = fleet.ask((coordinator, *place), Kind::SignCommit, "s", about).await;
        assert_eq!(status, 200, "{answer:?}");
        let CommitAnswer { commitments } = value(answer);
        round.push(Committed { member: [*place as u8; 32], commitments });
    }
    round
}

async fn share(fleet: &Fleet, (from, to): (u16, u16), round: &[Committed]) -> Answer {
    fleet.ask((from, to), Kind::SignShare, "s", &ShareRequest { round: round.to_vec() }).await.1
}

async fn sql(fleet: &Fleet, place: u16, statements: &str) {
    let store = fleet.store(place).await;
    store.database().run(statements).await.unwrap();
}

#[tokio::test]
async fn a_coordinator_that_asks_for_two_rounds_with_one_commitment_gets_one_share() {
    let (fleet, _) = Fleet::with_key(3, 5).await;
    let about = commit(0, b"payload");
    let round = commitments(&fleet, 1, &[2, 3, 4], &about).await;
    let again = commitments(&fleet, 1, &[2], &about).await;
    assert_eq!(again[0].commitments, round[0].commitments, "a repeated request gets the same commitments");
    let other: CommitAnswer = value(fleet.ask((1, 3), Kind::SignCommit, "other", &about).await.1);
    let mut second = round.clone();
    second[1].commitments = other.commitments;

    let first: ShareAnswer = value(share(&fleet, (1, 2), &round).await);
    let repeated: ShareAnswer = value(share(&fleet, (1, 2), &round).await);
    assert_eq!(repeated.share, first.share, "the answer may get lost");
    assert_eq!(code(share(&fleet, (1, 2), &second).await), Code::NoncesUsed);
    assert_eq!(code(fleet.ask((1, 2), Kind::SignCommit, "s", &about).await.1), Code::NoncesUsed);

    // Two rounds at the same time: one of them gets the share.
    let third = commitments(&fleet, 1, &[5], &about).await;
    let (mut one, mut two) = (round.clone(), round.clone());
    (one[0], two[1]) = (third[0].clone(), third[0].clone());
    let (a, b) = futures::join!(share(&fleet, (1, 5), &one), share(&fleet, (1, 5), &two));
    assert_eq!([&a, &b].iter().filter(|answer| matches!(answer, Answer::Ready(_))).count(), 1, "{a:?} {b:?}");

    // Another coordinator's session of the same name is another session.
    assert_eq!(code(share(&fleet, (5, 3), &round).await), Code::UnknownSession);
    // A round of too few members, or without the recipient's commitments, gets no share.
    assert_eq!(code(share(&fleet, (1, 3), &round[..2]).await), Code::BadRequest);
    assert_eq!(code(share(&fleet, (1, 3), &second).await), Code::BadRequest);
}

#[tokio::test]
async fn a_restart_loses_the_nonces_and_the_database_has_none() {
    let (mut fleet, key) = Fleet::with_key(2, 3).await;
    let round = commitments(&fleet, 1, &[2, 3], &commit(0, b"payload")).await;
    let _: ShareAnswer = value(share(&fleet, (1, 2), &round).await);
    let store = fleet.store(2).await;
    let tables = "SELECT string_agg(table_name, ' ') FROM information_schema.columns
                  WHERE table_schema = 'operator_2' AND (table_name LIKE '%nonce%' OR column_name LIKE '%nonce%')";
    let found = store.database().query_one(tables, &[]).await.unwrap();
    assert_eq!(found.get::<_, Option<String>>(0), None);
    for place in [2, 3] {
        fleet.kill(place);
        fleet.start(place).await;
    }
    assert_eq!(code(share(&fleet, (1, 2), &round).await), Code::UnknownSession, "not even the share that was sent");
    assert_eq!(code(share(&fleet, (1, 3), &round).await), Code::UnknownSession);
    let again = message(0, b"payload");
    verifies(&key, &again, &sign(&fleet, 1, again, b"payload").await.unwrap().unwrap());
}

#[tokio::test]
async fn a_coordinator_that_changes_the_payload_after_the_approval_gets_no_share_for_it() {
    let (fleet, _) = Fleet::with_key(2, 3).await;
    let round = commitments(&fleet, 1, &[2, 3], &commit(0, b"approved")).await;
    // In the same session, the message is another.
    assert_eq!(code(fleet.ask((1, 2), Kind::SignCommit, "s", &commit(0, b"changed")).await.1), Code::BadRequest);
    // The message is the approved one, and the payload is not its payload.
    let mixed = CommitRequest { payload: b"changed".to_vec(), ..commit(0, b"approved") };
    assert_eq!(code(fleet.ask((1, 3), Kind::SignCommit, "t", &mixed).await.1), Code::BadRequest);
    let _: ShareAnswer = value(share(&fleet, (1, 2), &round).await);
    // After the share, a second payload is refused before the node is asked.
    let asked = fleet.mind(2).asked.load(Ordering::SeqCst);
    assert_eq!(code(fleet.ask((1, 2), Kind::SignCommit, "u", &commit(0, b"changed")).await.1), Code::AlreadySigned);
    assert_eq!(fleet.mind(2).asked.load(Ordering::SeqCst), asked);
    // Two sessions that were approved before: the first share decides, also against a payload that was approved.
    let (one, two) = (commit(1, b"one"), commit(1, b"two"));
    let first = commitments(&fleet, 2, &[1, 3], &one).await;
    let second = commitments(&fleet, 3, &[1, 3], &two).await;
    let _: ShareAnswer = value(share(&fleet, (2, 3), &first).await);
    assert_eq!(code(share(&fleet, (3, 3), &second).await), Code::AlreadySigned);
}

#[tokio::test]
async fn a_coordinator_cannot_have_the_same_message_checked_twice() {
    let (fleet, _) = Fleet::with_key(2, 3).await;
    for session in 0..5 {
        for from in [1, 3] {
            let (status, _) =
                fleet.ask((from, 2), Kind::SignCommit, &format!("s{session}"), &commit(0, b"payload")).await;
            assert_eq!(status, 200);
        }
    }
    assert_eq!(fleet.mind(2).asked.load(Ordering::SeqCst), 1);
}

/// Restarts a member with this quota for each of the others.
async fn restart_with(fleet: &mut Fleet, place: u16, quota: Quota) {
    fleet.settings.quota = quota;
    fleet.kill(place);
    fleet.start(place).await;
}

#[tokio::test]
async fn a_member_that_floods_another_is_told_to_wait_and_stops_nobody_else() {
    let mut fleet = Fleet::new(2, 3);
    // So small a quota leaves no room for beats.
    (fleet.settings.beat_every, fleet.settings.silent_after) = (Duration::from_secs(60), Duration::from_secs(120));
    let key = fleet.generated().await;
    restart_with(&mut fleet, 2, Quota { at_a_time: 8, burst: 10, per_second: 1 }).await;
    let mut refused = 0;
    for n in 0..60 {
        let request = fleet.request((1, 2), Kind::SignCommit, &format!("s{n}"), &commit(0, b"payload"));
        let got = fleet.post(2, "sign-commit", &request).await;
        if got.status == 429 {
            refused += 1;
            assert_eq!(got.retry_after.as_deref(), Some("1"));
            let reply = got.header.expect("it is signed").open(got.text.into_bytes()).unwrap();
            reply.verify_reply(&fleet.committee, &request).unwrap();
            assert_eq!(code(reply.read().unwrap()), Code::TooManyRequests);
        }
    }
    assert!(refused > 20, "{refused} of 60 were refused");
    // The others are served meanwhile, and a signature goes on.
    let about = message(1, b"next");
    verifies(&key, &about, &sign(&fleet, 3, about, b"next").await.unwrap().unwrap());
    // The flood is over: after a pause the member is served again.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(fleet.ask((1, 2), Kind::SignCommit, "later", &commit(0, b"payload")).await.0, 200);
}

#[tokio::test]
async fn a_body_that_is_too_long_or_not_the_signed_one_is_refused_before_anything_is_done_with_it() {
    let (fleet, _) = Fleet::with_key(2, 3).await;
    let long = vec![0; 33 << 10];
    let request = fleet.request((1, 2), Kind::SignCommit, "s", &commit(0, &long));
    assert!(request.length > 64 << 10);
    let error = |got: &Posted| {
        assert!(got.header.is_none(), "it is not signed");
        let error: serde_json::Value = serde_json::from_str(&got.text).unwrap();
        error["error"]["code"].as_str().unwrap().to_string()
    };
    let got = fleet.post(2, "sign-commit", &request).await;
    assert_eq!((got.status, error(&got).as_str()), (413, "too_large"));
    // The header alone decides: nothing of the body needs to come.
    let header = serde_json::to_string(&request.header).unwrap();
    let got = fleet.post_raw(2, "sign-commit", Some(header), String::new()).await;
    assert_eq!((got.status, error(&got).as_str()), (413, "too_large"));
    // More than the header names, less, and something else.
    for (body, status) in [("{}, and more", 400), ("{", 403), ("[]", 403)] {
        let small = fleet.request((1, 2), Kind::SignCommit, "s", &json!({}));
        let header = serde_json::to_string(&small.header).unwrap();
        let got = fleet.post_raw(2, "sign-commit", Some(header), body.into()).await;
        assert_eq!(got.status, status, "{body}: {}", got.text);
        error(&got);
    }
    let got = fleet.post_raw(2, "sign-commit", Some("x".repeat(3 << 10)), String::new()).await;
    assert_eq!((got.status, error(&got).as_str()), (400, "bad_request"));
    assert_eq!(fleet.mind(2).asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_replayed_message_is_refused_and_costs_its_author_nothing() {
    let mut fleet = Fleet::new(2, 3);
    // So small a quota leaves no room for beats.
    (fleet.settings.beat_every, fleet.settings.silent_after) = (Duration::from_secs(60), Duration::from_secs(120));
    fleet.generated().await;
    restart_with(&mut fleet, 2, Quota { at_a_time: 8, burst: 2, per_second: 1 }).await;
    let recorded = fleet.request((1, 2), Kind::SignCommit, "s", &commit(0, b"payload"));
    assert_eq!(fleet.post(2, "sign-commit", &recorded).await.status, 200);
    for _ in 0..100 {
        let got = fleet.post(2, "sign-commit", &recorded).await;
        assert!(got.status == 409 && got.header.is_none() && got.text.contains("replayed"), "{}", got.text);
    }
    assert_eq!(fleet.ask((1, 2), Kind::SignCommit, "s", &commit(0, b"payload")).await.0, 200, "its quota is untouched");
    assert_eq!(fleet.mind(2).asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_second_payload_for_a_sequence_is_signed_only_if_it_does_the_same_or_the_first_is_over_for_certain() {
    let (fleet, key) = Fleet::with_key(2, 3).await;
    sign(&fleet, 1, message(4, b"first|1000"), b"first|1000").await.unwrap().unwrap();
    // The same payload may be signed again, for example with a later expiry of the message alone.
    let later = Message { expiry_slot: 2_000, ..message(4, b"first|1000") };
    verifies(&key, &later, &sign(&fleet, 2, later, b"first|1000").await.unwrap().unwrap());
    // And so may a payload that differs in its expiry alone, even an earlier one.
    let renewed = Message { expiry_slot: 1_700, ..message(4, b"first|3000") };
    verifies(&key, &renewed, &sign(&fleet, 3, renewed, b"first|3000").await.unwrap().unwrap());

    // A payload that does something else waits until the first of them is over.
    let other = Message { expiry_slot: 9_000, ..message(4, b"second|9000") };
    for slot in [500, 999, 1_000] {
        fleet.finalize(slot);
        match sign(&fleet, 1, other, b"second|9000").await.unwrap() {
            Err(Error::TooFew { faults, .. }) => {
                assert!(faults.iter().any(|f| f.what.contains("has signed payload")), "{faults:?}");
            }
            outcome => panic!("{outcome:?}"),
        }
    }
    // Another sequence is not affected.
    sign(&fleet, 1, message(5, b"second"), b"second").await.unwrap().unwrap();
    fleet.finalize(1_001);
    verifies(&key, &other, &sign(&fleet, 2, other, b"second|9000").await.unwrap().unwrap());
}

/// The fifth of five has two others sign a message, with its own key share, and sends no share itself.
pub async fn bind(fleet: &Fleet, session: &str, message: Message, payload: &[u8], places: [u16; 2]) {
    let about = CommitRequest { message: message.to_bytes().to_vec(), payload: payload.to_vec() };
    let mut round = Vec::new();
    for place in [places[0], places[1], 5] {
        let CommitAnswer { commitments } = value(fleet.ask((5, place), Kind::SignCommit, session, &about).await.1);
        round.push(Committed { member: [place as u8; 32], commitments });
    }
    for place in places {
        let request = ShareRequest { round: round.clone() };
        let _: ShareAnswer = value(fleet.ask((5, place), Kind::SignShare, session, &request).await.1);
    }
}

#[tokio::test]
async fn a_member_that_binds_the_others_to_two_payloads_stops_a_sequence_once_and_no_longer_than_the_first_expiry() {
    let (fleet, key) = Fleet::with_key(3, 5).await;
    fleet.finalize(1);
    let bind = async |session: &str, payload: &[u8], expiry_slot: u64, places: [u16; 2]| {
        bind(&fleet, session, Message { expiry_slot, ..message(4, payload) }, payload, places).await;
    };
    bind("one", b"one|", 1_000, [1, 2]).await;
    bind("two", b"two|", 1_000, [3, 4]).await;
    let third = Message { expiry_slot: 2_000, ..message(4, b"third") };
    assert!(matches!(sign(&fleet, 1, third, b"third").await.unwrap(), Err(Error::TooFew { .. })));
    let bound = |place| {
        let (kind, subject) = (third.kind, third.subject);
        fleet.run(place, move |own| async move { is_bound(&own, kind, subject, 4).await })
    };
    // It goes on renewing what it has bound them to, and at the first free slot it binds them anew.
    fleet.finalize(1_000);
    bind("one again", b"one|3000", 3_000, [1, 2]).await;
    bind("two again", b"two|3000", 3_000, [3, 4]).await;
    assert!(bound(1).await.unwrap().unwrap());
    fleet.finalize(1_001);
    bind("one later", b"one|4000", 4_000, [1, 3]).await;
    bind("two later", b"two|4000", 4_000, [2, 4]).await;
    bind("another", b"another|4000", 4_000, [2, 3]).await;
    assert!(!bound(1).await.unwrap().unwrap());
    verifies(&key, &third, &sign(&fleet, 1, third, b"third").await.unwrap().unwrap());
}

/// Everything that a member must not forget.
const SAID: [&str; 3] = ["signed_subjects", "observations", "marker"];

async fn back_up(fleet: &Fleet, place: u16) {
    for table in SAID {
        sql(fleet, place, &format!("CREATE TABLE saved_{table} AS SELECT * FROM {table}")).await;
    }
}

async fn restore(fleet: &Fleet, place: u16) {
    for table in SAID {
        sql(fleet, place, &format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM saved_{table}")).await;
    }
}

#[tokio::test]
async fn a_member_whose_database_was_restored_says_nothing_more_in_the_committees_that_it_may_have_forgotten() {
    let (mut fleet, key) = Fleet::with_key(2, 3).await;
    sign(&fleet, 1, message(0, b"kept"), b"kept").await.unwrap().unwrap();
    back_up(&fleet, 2).await;
    // A restart alone forgets nothing, nor does a crash between the database and the file.
    fleet.kill(2);
    sql(&fleet, 2, "UPDATE marker SET counter = counter + 1").await;
    fleet.start(2).await;
    let forgotten = commitments(&fleet, 1, &[1, 2], &commit(1, b"forgotten")).await;
    let _: ShareAnswer = value(share(&fleet, (1, 2), &forgotten).await);

    fleet.kill(2);
    restore(&fleet, 2).await;
    fleet.start(2).await;
    for kind in [Kind::SignCommit, Kind::ObserveCommit] {
        let (status, answer) = fleet.ask((1, 2), kind, "t", &commit(1, b"another")).await;
        match answer {
            Answer::Refused(refusal) => {
                assert_eq!((status, refusal.code), (409, Code::Restored));
                assert!(refusal.message.contains("from committee 8 on"), "{refusal}");
            }
            other => panic!("{other:?}"),
        }
    }
    // Another restart changes nothing, and the other members go on without it.
    fleet.kill(2);
    fleet.start(2).await;
    assert_eq!(code(share(&fleet, (1, 2), &forgotten).await), Code::Restored);
    let next = message(2, b"next");
    verifies(&key, &next, &sign(&fleet, 1, next, b"next").await.unwrap().unwrap());

    // In the next committee the member takes part again. It has no key there yet, and that is all it says.
    fleet.committee.epoch = 8;
    fleet.participant(2).admit(fleet.committee.clone()).unwrap();
    let eighth = Message { committee_epoch: 8, ..message(3, b"x") };
    let about = CommitRequest { message: eighth.to_bytes().to_vec(), payload: b"x".to_vec() };
    assert_eq!(code(fleet.ask((1, 2), Kind::SignCommit, "t", &about).await.1), Code::NoKeyShare);
}

#[tokio::test]
async fn a_database_that_is_rolled_back_under_a_running_member_is_found_out_before_anything_is_sent() {
    let (fleet, _) = Fleet::with_key(2, 3).await;
    sign(&fleet, 1, message(0, b"kept"), b"kept").await.unwrap().unwrap();
    back_up(&fleet, 2).await;
    let round = commitments(&fleet, 1, &[1, 2], &commit(1, b"one")).await;
    let _: ShareAnswer = value(share(&fleet, (1, 2), &round).await);
    // A replica that had not caught up is promoted. It has forgotten that sequence 1 was signed.
    restore(&fleet, 2).await;
    let again = fleet.ask((3, 2), Kind::SignCommit, "s", &commit(1, b"two")).await.1;
    assert_eq!(code(again), Code::Restored);
}

#[tokio::test]
async fn a_participant_does_not_start_without_the_file_that_its_database_has_counted_with() {
    let (mut fleet, _) = Fleet::with_key(2, 3).await;
    sign(&fleet, 1, message(0, b"kept"), b"kept").await.unwrap().unwrap();
    for place in 1..=3 {
        fleet.kill(place);
    }
    // Whether the database was restored cannot be known any more.
    std::fs::remove_file(fleet.marker(1)).unwrap();
    let error = fleet.try_start(1).await.expect_err("it does not start");
    assert!(error.to_string().contains("is missing"), "{error}");
    // Another operator's file says nothing about this one.
    std::fs::copy(fleet.marker(3), fleet.marker(1)).unwrap();
    let error = fleet.try_start(1).await.expect_err("it does not start");
    assert!(error.to_string().contains("belongs to another operator"), "{error}");
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
    let good = |from: u16, to: u16| fleet.request((from, to), Kind::SignCommit, "s", &json!({}));
    let mut elsewhere = fleet.committee.clone();
    elsewhere.threshold = 3;
    let pair = ([1; 32], [2; 32]);
    let other_committee = Envelope::request(&identity(1), &elsewhere, pair, Kind::SignCommit, "s", &json!({}));
    let mut unknown = fleet.committee.clone();
    unknown.epoch = 8;
    let unknown = Envelope::request(&identity(1), &unknown, pair, Kind::SignCommit, "s", &json!({}));
    let mut renamed = good(1, 2);
    renamed.header.session = "t".into();
    let cases = [
        ("sign-commit", renamed, 403, "refused_envelope"),
        ("sign-commit", good(9, 2), 403, "refused_envelope"),
        ("sign-commit", good(1, 3), 403, "refused_envelope"),
        ("sign-commit", other_committee, 403, "refused_envelope"),
        ("sign-commit", unknown, 404, "unknown_committee"),
        ("sign-share", good(1, 2), 400, "bad_request"),
        ("sign-nothing", good(1, 2), 404, "unknown_kind"),
    ];
    for (url, message, status, code) in cases {
        let got = fleet.post(2, url, &message).await;
        let error: serde_json::Value = serde_json::from_str(&got.text).unwrap();
        assert_eq!((got.status, error["error"]["code"].as_str()), (status, Some(code)), "{}", got.text);
        assert!(error["error"]["message"].as_str().is_some_and(|m| !m.is_empty()));
    }
    for header in [None, Some("not json".to_string())] {
        let got = fleet.post_raw(2, "sign-commit", header, "{}".into()).await;
        assert_eq!(got.status, 400, "{}", got.text);
    }
    // This member has no key share. It answers a well-signed request with a signed refusal.
    let about = CommitRequest { message: vec![1], payload: vec![] };
    assert_eq!(code(fleet.ask((1, 2), Kind::SignCommit, "s", &about).await.1), Code::BadRequest);
    let about = commit(0, b"");
    let (status, answer) = fleet.ask((1, 2), Kind::SignCommit, "s", &about).await;
    assert_eq!((status, code(answer)), (409, Code::NoKeyShare));
}
