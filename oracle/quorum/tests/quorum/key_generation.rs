//! Distributed key generation.

use std::{
    collections::BTreeMap,
    sync::{Mutex, atomic::Ordering},
    time::Duration,
};

use frost_ed25519::{Identifier, keys::dkg as frost, rand_core::OsRng};
use openledger_protocol::Hash32;
use openledger_quorum::{
    Activity, Error, Participant, Phase, Progress,
    answer::Answer,
    dkg::{Asked, Evidence, Reply, Round1, Round2, attempt_id},
    envelope::{Envelope, Kind},
    error::Code,
};
use serde::{Serialize, de::DeserializeOwned};

use crate::fleet::{Fleet, identity};

async fn reaches(
    participant: &Participant,
    mut progress: tokio::sync::broadcast::Receiver<Progress>,
    phase: Phase,
    have: usize,
) {
    loop {
        let p = progress.recv().await.expect("the member runs");
        assert_eq!(p.activity, Activity::KeyGeneration);
        if p.phase == phase && p.have >= have {
            assert_eq!(p.epoch, participant.committee(7).unwrap().epoch);
            return;
        }
    }
}

async fn text(participant: &Participant, sql: &str) -> Option<String> {
    participant.store().database().query_one(sql, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn members_that_start_late_or_are_killed_at_any_moment_make_one_key_with_the_packages_of_their_first_start() {
    let mut fleet = Fleet::new(3, 5);
    // Three of the five start, in no order. The other two are absent.
    let mut runs = Vec::new();
    for place in [4, 1, 3] {
        fleet.start(place).await;
    }
    let seen = fleet.participant(1).watch();
    for place in [4, 1, 3] {
        runs.push((place, fleet.generate_key(place)));
    }
    reaches(fleet.participant(1), seen, Phase::Round1, 3).await;
    let round1 = text(fleet.participant(1), "SELECT round1 FROM dkg_sessions").await;
    assert!(round1.is_some());
    fleet.kill(1);

    fleet.start(1).await;
    assert_eq!(text(fleet.participant(1), "SELECT round1 FROM dkg_sessions").await, round1);
    runs.retain(|(place, _)| *place != 1);
    fleet.start(2).await;
    fleet.start(5).await;
    let seen = fleet.participant(2).watch();
    for place in [5, 2, 1] {
        runs.push((place, fleet.generate_key(place)));
    }
    // The member is killed once more when its round-2 packages exist.
    reaches(fleet.participant(2), seen, Phase::Round2, 1).await;
    let round2 = text(fleet.participant(2), "SELECT round2 FROM dkg_sessions").await;
    assert!(round2.is_some());
    fleet.kill(2);
    runs.retain(|(place, _)| *place != 2);
    fleet.start(2).await;
    runs.push((2, fleet.generate_key(2)));

    let mut keys = Vec::new();
    for (place, run) in runs {
        keys.push(run.await.unwrap().unwrap_or_else(|e| panic!("member {place}: {e}")).group_key);
    }
    assert_eq!(keys.len(), 5);
    assert!(keys.iter().all(|k| *k == keys[0]));
    assert_eq!(text(fleet.participant(1), "SELECT round1 FROM dkg_sessions").await, round1);
    assert_eq!(text(fleet.participant(2), "SELECT round2 FROM dkg_sessions").await, round2);
    // The secrets that the share was made from are gone. Asking again gives the same share.
    for place in 1..=5 {
        let secrets = "SELECT concat(round1_sealed, round2_sealed, transport_sealed, share_sealed) FROM dkg_sessions";
        assert_eq!(text(fleet.participant(place), secrets).await.as_deref(), Some(""));
    }
    assert_eq!(fleet.generate_key(3).await.unwrap().unwrap().group_key, keys[0]);
}

/// Changes what the member made, and signs it again as member 3.
fn changed<T: Serialize + DeserializeOwned>(answer: Answer, change: impl FnOnce(T) -> T) -> Answer {
    let Answer::Ready(value) = answer else { return answer };
    match serde_json::from_value(value).unwrap() {
        Reply::Made(made) => Answer::Ready(serde_json::to_value(Reply::Made(change(made))).unwrap()),
        over @ Reply::Refuted(_) => Answer::Ready(serde_json::to_value(over).unwrap()),
    }
}

/// The attempt that a request is about.
fn attempt(request: &Envelope) -> Hash32 {
    hex::decode(&request.session).unwrap().try_into().unwrap()
}

/// A round-1 package of its own for each attempt, by the member with this place, as member 3 signs it.
fn another(place: u16) -> impl Fn(&Hash32, [u8; 32]) -> Round1 + Clone + Send + Sync {
    let (_, package) = frost::part1(Identifier::try_from(place).unwrap(), 3, 2, OsRng).unwrap();
    let package = package.serialize().unwrap();
    move |attempt, key| Round1::sign(&identity(3), attempt, [3; 32], package.clone(), key)
}

/// Runs a fleet of three in which member 3 lies in every attempt. Both others must name it, for this.
async fn all_name_the_liar(mut fleet: Fleet, what: &str) {
    fleet.start_all().await;
    let runs: Vec<_> = (1..=3).map(|place| fleet.generate_key(place)).collect();
    for run in runs.into_iter().take(2) {
        match run.await.unwrap() {
            Err(Error::Culprit { member, what: said }) => {
                assert_eq!(member, [3; 32]);
                assert!(said.contains(what), "{said}");
            }
            other => panic!("{other:?}"),
        }
    }
    for place in [1, 2] {
        let count = "SELECT count(*)::text FROM dkg_evidence";
        assert_eq!(text(fleet.participant(place), count).await.as_deref(), Some("3"), "each attempt left evidence");
        assert_eq!(text(fleet.participant(place), "SELECT count(*)::text FROM key_shares").await.as_deref(), Some("0"));
    }
    // Every lie reaches member 1, and it keeps none.
    let bad = "SELECT count(*)::text FROM dkg_received WHERE round = 2 AND member = decode(repeat('03', 32), 'hex')";
    assert_eq!(text(fleet.participant(1), bad).await.as_deref(), Some("0"));
}

#[tokio::test]
async fn a_member_whose_package_cannot_be_decrypted_is_named_by_all_with_evidence() {
    let mut fleet = Fleet::new(2, 3);
    // It lies to member 1 alone. Member 2 believes the evidence, not member 1.
    fleet.lie(3, |request, answer| match request.kind {
        Kind::DkgRound2 if request.from == [1; 32] => Some(changed(answer, |mut round2: Round2| {
            *round2.package.last_mut().unwrap() ^= 1;
            round2.sign(&identity(3), &attempt(request))
        })),
        _ => Some(answer),
    });
    all_name_the_liar(fleet, "cannot be decrypted").await;
}

#[tokio::test]
async fn a_member_whose_shares_do_not_fit_its_commitments_is_named_by_all_with_evidence() {
    let mut fleet = Fleet::new(2, 3);
    // It shows the commitments of another polynomial than the one that its shares are of.
    let (other, shown) = (another(3), Mutex::new(BTreeMap::new()));
    fleet.lie(3, move |request, answer| match request.kind {
        Kind::DkgRound1 => Some(changed(answer, |round1: Round1| {
            let lie = other(&attempt(request), round1.transport_key);
            shown.lock().unwrap().insert(attempt(request), lie.digest(&attempt(request)));
            lie
        })),
        Kind::DkgRound2 => Some(changed(answer, |mut round2: Round2| {
            let digest = shown.lock().unwrap()[&attempt(request)];
            round2.seen.insert(hex::encode([3; 32]), hex::encode(digest));
            round2.sign(&identity(3), &attempt(request))
        })),
        _ => Some(answer),
    });
    // The others give it no round-2 packages. They would tell it that it signed two packages, and it would convict itself.
    for honest in [1, 2] {
        fleet.lie(honest, |request, answer| match request.kind {
            Kind::DkgRound2 if request.from == [3; 32] => Some(Answer::Pending),
            _ => Some(answer),
        });
    }
    all_name_the_liar(fleet, "does not fit").await;
}

#[tokio::test]
async fn a_member_that_cannot_prove_that_it_knows_its_secret_is_named_by_all_with_evidence() {
    let mut fleet = Fleet::new(2, 3);
    // The proof is another member's.
    let other = another(2);
    fleet.lie(3, move |request, answer| match request.kind {
        Kind::DkgRound1 => Some(changed(answer, |round1: Round1| other(&attempt(request), round1.transport_key))),
        _ => Some(answer),
    });
    all_name_the_liar(fleet, "knows the secret").await;
}

#[tokio::test]
async fn a_member_that_shows_different_packages_to_different_members_is_named_by_all_with_evidence() {
    let mut fleet = Fleet::new(2, 3);
    let other = another(3);
    fleet.lie(3, move |request, answer| match request.kind {
        Kind::DkgRound1 if request.from == [1; 32] => {
            Some(changed(answer, |_: Round1| other(&attempt(request), [9; 32])))
        }
        _ => Some(answer),
    });
    all_name_the_liar(fleet, "two different round-1 packages").await;
}

#[tokio::test]
async fn after_evidence_the_members_make_a_key_in_the_next_attempt_even_if_one_of_them_held_its_share_before() {
    let mut fleet = Fleet::new(2, 3);
    let first = attempt_id(&fleet.committee.id(), 0);
    // Member 2 gets good packages from all in the first attempt and computes its share. Member 1 does not.
    fleet.lie(3, move |request, answer| match request.kind {
        Kind::DkgRound2 if request.from == [1; 32] && attempt(request) == first => {
            Some(changed(answer, |round2: Round2| Round2 { package: vec![7; 99], ..round2 }.sign(&identity(3), &first)))
        }
        _ => Some(answer),
    });
    fleet.start_all().await;
    let mut keys = Vec::new();
    for run in (1..=3).map(|place| fleet.generate_key(place)).collect::<Vec<_>>() {
        keys.push(run.await.unwrap().expect("the second attempt succeeds").group_key);
    }
    assert!(keys.iter().all(|k| *k == keys[0]));
    for place in 1..=3 {
        let member = fleet.participant(place);
        assert_eq!(text(member, "SELECT count(*)::text FROM dkg_evidence").await.as_deref(), Some("1"));
        let left = "SELECT concat(round1_sealed, round2_sealed, transport_sealed, share_sealed) FROM dkg_sessions
                    WHERE attempt = 0";
        assert_eq!(text(member, left).await.as_deref(), Some(""), "the secrets of the first attempt are gone");
    }
}

#[tokio::test]
async fn a_member_that_ends_an_attempt_with_false_evidence_is_named_and_ends_nothing() {
    let mut fleet = Fleet::new(2, 3);
    let lie = Evidence::BadPackage { package: another(3)(&attempt_id(&fleet.committee.id(), 0), [9; 32]) };
    let told = lie.clone();
    fleet.lie(3, move |request, answer| match request.kind {
        Kind::DkgRound2 => {
            let over = Reply::<Round2>::Refuted(Box::new(told.clone()));
            Some(Answer::Ready(serde_json::to_value(over).unwrap()))
        }
        _ => Some(answer),
    });
    fleet.start_all().await;
    let runs: Vec<_> = (1..=3).map(|place| fleet.generate_key(place)).collect();
    for (place, run) in (1..=2).zip(runs) {
        match run.await.unwrap() {
            Err(Error::Culprit { member, what }) => {
                assert_eq!(member, [3; 32]);
                assert!(what.contains("does not hold"), "{what}");
            }
            other => panic!("{other:?}"),
        }
        let count = text(fleet.participant(place), "SELECT count(*)::text FROM dkg_evidence").await;
        assert_eq!(count.as_deref(), Some("0"));
    }
    // A request that brings false evidence along is refused.
    let asked = Asked { attempt: 1, refuted: vec![lie] };
    let (status, answer) = fleet.ask((3, 1), Kind::DkgRound1, "s", &asked).await;
    assert!(matches!(answer, Answer::Refused(refusal) if refusal.code == Code::BadRequest), "{status}");
}

#[tokio::test]
async fn what_committees_long_gone_have_left_is_swept_and_what_safety_needs_is_kept() {
    let mut fleet = Fleet::new(2, 3);
    fleet.committee.epoch = 20;
    fleet.start_all().await;
    fleet.mind(1).finalized_slot.store(500, Ordering::SeqCst);
    let client = fleet.participant(1).store().database().clone();
    // Epoch 11 is long gone, epoch 12 is the first that is kept.
    for epoch in [11, 12] {
        for (table, columns, values) in [
            ("dkg_sessions", "committee, attempt, epoch, round1", format!("'c{epoch}', 0, {epoch}, ''")),
            ("dkg_received", "committee, attempt, member, round, body", format!("'c{epoch}', 0, 'm', 1, ''")),
            ("dkg_evidence", "committee, attempt, body", format!("'c{epoch}', 0, ''")),
            (
                "key_shares",
                "committee, epoch, group_key, sealed, public",
                format!("'c{epoch}', {epoch}, 'k', 's', 'p'"),
            ),
        ] {
            client.run(&format!("INSERT INTO {table} ({columns}) VALUES ({values})")).await.unwrap();
        }
        for expiry in [499, 500] {
            let insert = "INSERT INTO signed_subjects
                          (cluster, kind, subject, sequence, epoch, core, payload, expiry_slot) VALUES";
            let row = format!("('c', 1, 's', {}, {epoch}, 'c', 'p', {expiry})", epoch * 1_000 + expiry);
            client.run(&format!("{insert} {row}")).await.unwrap();
        }
    }
    for run in (1..=3).map(|place| fleet.generate_key(place)).collect::<Vec<_>>() {
        run.await.unwrap().expect("key generation succeeds");
    }
    for table in ["dkg_sessions", "dkg_received", "dkg_evidence", "key_shares"] {
        let of = |epoch: u32| format!("SELECT count(*)::text FROM {table} WHERE committee = 'c{epoch}'");
        assert_eq!(text(fleet.participant(1), &of(11)).await.as_deref(), Some("0"), "{table}");
        assert_eq!(text(fleet.participant(1), &of(12)).await.as_deref(), Some("1"), "{table}");
    }
    // A payload is over when a slot after its last one is finalized.
    let kept = "SELECT string_agg(sequence::text, ' ' ORDER BY sequence) FROM signed_subjects";
    assert_eq!(text(fleet.participant(1), kept).await.as_deref(), Some("11500 12499 12500"));
}

#[tokio::test]
async fn whoever_does_not_come_is_named_when_time_runs_out() {
    let mut fleet = Fleet::new(2, 3);
    fleet.settings.dkg_deadline = Duration::from_millis(700);
    fleet.start(1).await;
    fleet.start(2).await;
    let (one, two) = (fleet.generate_key(1), fleet.generate_key(2));
    for run in [one, two] {
        match run.await.unwrap() {
            Err(Error::Deadline { missing, .. }) => assert_eq!(missing, [[3; 32]]),
            other => panic!("{other:?}"),
        }
    }
}
