//! Distributed key generation.

use std::time::Duration;

use frost_ed25519::{Identifier, keys::dkg as frost};
use openledger_quorum::{
    Activity, Error, Participant, Phase, Progress,
    answer::Answer,
    dkg::{Round1, Round2},
    envelope::Kind,
};

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
    participant.store().pool().get().await.unwrap().query_one(sql, &[]).await.unwrap().get(0)
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
        let secrets = "SELECT concat(round1_sealed, round2_sealed, transport_sealed) FROM dkg_sessions";
        assert_eq!(text(fleet.participant(place), secrets).await.as_deref(), Some(""));
    }
    assert_eq!(fleet.generate_key(3).await.unwrap().unwrap().group_key, keys[0]);
}

#[tokio::test]
async fn a_member_that_sends_an_invalid_share_is_named() {
    let mut fleet = Fleet::new(2, 3);
    fleet.lie(3, |request, answer| match (request.kind, answer) {
        (Kind::DkgRound2, Answer::Ready(value)) => {
            let mut round2: Round2 = serde_json::from_value(value).unwrap();
            *round2.package.last_mut().unwrap() ^= 1;
            Some(Answer::Ready(serde_json::to_value(round2).unwrap()))
        }
        (_, answer) => Some(answer),
    });
    fleet.start_all().await;
    let runs: Vec<_> = (1..=3).map(|place| fleet.generate_key(place)).collect();
    for run in runs.into_iter().take(2) {
        match run.await.unwrap() {
            Err(Error::Culprit { member, what }) => {
                assert_eq!(member, [3; 32]);
                assert!(what.contains("round-2"), "{what}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_member_that_shows_different_packages_to_different_members_is_named_by_all() {
    let mut fleet = Fleet::new(2, 3);
    let id = fleet.committee.id();
    let (_, other) = frost::part1(Identifier::try_from(3u16).unwrap(), 3, 2, rand_core()).unwrap();
    let other = Round1::sign(&identity(3), &id, [3; 32], other.serialize().unwrap(), [9; 32]);
    fleet.lie(3, move |request, answer| match (request.kind, answer) {
        (Kind::DkgRound1, Answer::Ready(_)) if request.from == [1; 32] => {
            Some(Answer::Ready(serde_json::to_value(&other).unwrap()))
        }
        (_, answer) => Some(answer),
    });
    fleet.start_all().await;
    let runs: Vec<_> = (1..=3).map(|place| fleet.generate_key(place)).collect();
    for run in runs.into_iter().take(2) {
        match run.await.unwrap() {
            Err(Error::Culprit { member, what }) => {
                assert_eq!(member, [3; 32]);
                assert!(what.contains("another round-1 package"), "{what}");
            }
            other => panic!("{other:?}"),
        }
    }
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

fn rand_core() -> frost_ed25519::rand_core::OsRng {
    frost_ed25519::rand_core::OsRng
}
