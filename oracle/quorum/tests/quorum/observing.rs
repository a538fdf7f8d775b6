//! Tests of commit–reveal observations and the agreement over them.

use std::{sync::atomic::Ordering, time::Duration};

use openledger_quorum::{
    Activity, Agreement, Phase, Result, Round,
    answer::Answer,
    envelope::Kind,
    error::Code,
    observe::{self, About, CommitRequest, Commitment, Reveal},
    rotation,
    store::ObservationKey,
};
use serde_json::json;
use tokio::task::JoinHandle;

use crate::fleet::{CLUSTER, Fleet, identity};

fn round() -> Round {
    Round { epoch: 7, subject: [5; 32], sequence: 3, context: json!({"answers": 12}) }
}

fn take_part(fleet: &Fleet, place: u16) -> JoinHandle<Result<Agreement>> {
    fleet.run(place, |participant| async move { round().run(&participant).await })
}

fn same(agreements: &[Agreement]) {
    for a in agreements {
        assert_eq!(a.observations_root, agreements[0].observations_root);
        assert_eq!(a.scores, agreements[0].scores);
        assert_eq!(a.scores.iter().sum::<u64>(), 1_000_000);
    }
}

#[tokio::test]
async fn all_members_agree_though_two_are_killed_after_committing_and_these_learn_it_when_they_are_back() {
    let mut fleet = Fleet::new(3, 5);
    let first = rotation::coordinator(&fleet.committee, &round().subject, 0).place;
    let doomed: Vec<u16> = (1..=5).filter(|p| *p != first).take(2).collect();
    for place in &doomed {
        // These members die before they can reveal.
        fleet.lie(*place, |request, answer| (request.kind != Kind::ObserveReveal).then_some(answer));
    }
    fleet.start_all().await;
    let mut seen = fleet.participant(first).watch();
    let runs: Vec<_> = (1..=5).filter(|p| !doomed.contains(p)).map(|p| take_part(&fleet, p)).collect();
    loop {
        let p = seen.recv().await.unwrap();
        assert_eq!(p.activity, Activity::Observation);
        if p.phase == Phase::Reveal {
            assert_eq!(p.of, 5, "all five have committed");
            break;
        }
    }
    for place in &doomed {
        fleet.kill(*place);
    }
    let mut agreements = Vec::new();
    for run in runs {
        agreements.push(run.await.unwrap().unwrap());
    }
    assert_eq!(agreements[0].reveals.len(), 3);
    assert!(agreements[0].reveals.iter().all(|r| !doomed.contains(&u16::from(r.operator[0]))));

    for place in &doomed {
        fleet.start(*place).await;
        agreements.push(take_part(&fleet, *place).await.unwrap().unwrap());
        assert_eq!(fleet.mind(*place).observed.load(Ordering::SeqCst), 1, "it does not observe twice");
    }
    same(&agreements);
    for a in &agreements {
        assert!(a.own_distance_l1.is_some_and(|d| d < 20), "{:?}", a.own_distance_l1);
    }
    // An approver finds the agreement by its root. Another root finds nothing.
    let root = agreements[0].observations_root;
    let found = fleet.run(first, move |c| async move { observe::agreement(&c, 7, &[5; 32], 3, &root).await });
    assert_eq!(found.await.unwrap().unwrap().map(|a| a.scores), Some(agreements[0].scores.clone()));
    let other = fleet.run(first, move |c| async move { observe::agreement(&c, 7, &[5; 32], 3, &[0; 32]).await });
    assert!(other.await.unwrap().unwrap().is_none());
}

#[tokio::test]
async fn a_reveal_that_is_not_what_was_committed_to_is_left_out() {
    let mut fleet = Fleet::new(3, 4);
    let first = rotation::coordinator(&fleet.committee, &round().subject, 0).place;
    let liar = (1..=4).find(|p| *p != first).unwrap();
    fleet.lie(liar, move |request, answer| match (request.kind, answer) {
        (Kind::ObserveReveal, Answer::Ready(value)) => {
            let honest: Reveal = serde_json::from_value(value).unwrap();
            let key = ObservationKey { cluster: CLUSTER, epoch: 7, subject: [5; 32], sequence: 3 };
            // This reveal is well signed and copied from others, but it is not what the member committed to.
            let scores = vec![500_001, 300_000, 199_999];
            let other = Reveal::sign(&identity(liar), &key, honest.operator, honest.context, scores, honest.salt);
            Some(Answer::Ready(serde_json::to_value(other).unwrap()))
        }
        (_, answer) => Some(answer),
    });
    fleet.start_all().await;
    let runs: Vec<_> = (1..=4).map(|p| take_part(&fleet, p)).collect();
    let mut agreements = Vec::new();
    for run in runs {
        agreements.push(run.await.unwrap().unwrap());
    }
    same(&agreements);
    assert_eq!(agreements[0].reveals.len(), 3);
    assert!(agreements[0].reveals.iter().all(|r| r.operator != [liar as u8; 32]));
}

#[tokio::test]
async fn the_next_coordinator_takes_over_from_a_dead_one_and_one_odd_vector_spoils_nothing() {
    let mut fleet = Fleet::new(3, 5);
    fleet.settings.turn = Duration::from_millis(1500);
    fleet.settings.commit_window = Duration::from_millis(900);
    let dead = rotation::coordinator(&fleet.committee, &round().subject, 0).place;
    let live: Vec<u16> = (1..=5).filter(|p| *p != dead).collect();
    *fleet.mind(live[0]).scores.lock().unwrap() = vec![1_000_000];
    for place in &live {
        fleet.start(*place).await;
    }
    let runs: Vec<_> = live.iter().map(|p| take_part(&fleet, *p)).collect();
    let mut agreements = Vec::new();
    for run in runs {
        agreements.push(run.await.unwrap().unwrap());
    }
    same(&agreements);
    assert_eq!(agreements[0].reveals.len(), 3);
    assert_eq!(agreements[0].own_distance_l1, None, "its vector has another length");
}

#[tokio::test]
async fn a_member_commits_to_one_observation_for_ever_and_reveals_to_a_quorum_only() {
    let mut fleet = Fleet::new(2, 3);
    fleet.start(2).await;
    let about = About { subject: [5; 32], sequence: 3 };
    let ask = CommitRequest { about: about.clone(), context: json!(1) };
    let commit = async |fleet: &Fleet| loop {
        if let (200, Answer::Ready(value)) = fleet.ask((1, 2), Kind::ObserveCommit, "s", &ask).await {
            return serde_json::from_value::<Commitment>(value).unwrap();
        }
    };
    let first = commit(&fleet).await;
    fleet.kill(2);
    // The member would compute other scores now. They must not matter.
    *fleet.mind(2).scores.lock().unwrap() = vec![1, 2, 3];
    fleet.start(2).await;
    assert_eq!(commit(&fleet).await, first);
    let elsewhere = CommitRequest { about: about.clone(), context: json!(2) };
    match fleet.ask((1, 2), Kind::ObserveCommit, "s", &elsewhere).await.1 {
        Answer::Refused(refusal) => assert_eq!(refusal.code, Code::AlreadyObserved),
        other => panic!("{other:?}"),
    }
    // A member that is shown no commitment but its own does not reveal.
    let alone = observe::RevealRequest { about, commitments: vec![first] };
    match fleet.ask((1, 2), Kind::ObserveReveal, "s", &alone).await.1 {
        Answer::Refused(refusal) => assert!(refusal.message.contains("1 of 2"), "{refusal}"),
        other => panic!("{other:?}"),
    }
}
