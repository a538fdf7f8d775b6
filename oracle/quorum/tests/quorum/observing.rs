//! Tests of observations among members that die and members that lie.

use std::{
    sync::{Mutex, atomic::Ordering},
    time::{Duration, Instant},
};

use openledger_protocol::allocate::lower_median;
use openledger_quorum::{
    Activity, Agreement, Committee, Phase, Result, Round,
    answer::Answer,
    envelope::{Envelope, Kind},
    error::{Code, Refusal},
    observe::{
        self, About, CloseRequest, CommitRequest, Commitment, CommitmentSet, EndorseAnswer, Endorsement, Published,
        Reveal, RevealRequest, SealRequest, SealedSet, Tell, Told, bound_subject, closing_digest,
    },
    rotation,
    store::ObservationKey,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;
use tokio::task::JoinHandle;

use crate::{
    fleet::{CLUSTER, Fleet, identity},
    puppet::Puppet,
};

pub fn round() -> Round {
    Round { epoch: 7, subject: [5; 32], sequence: 3, context: json!({"answers": 12}) }
}

pub fn about() -> About {
    About { subject: bound_subject(&round().subject, &round().context), sequence: 3 }
}

pub fn key() -> ObservationKey {
    ObservationKey { cluster: CLUSTER, epoch: 7, subject: about().subject, sequence: 3 }
}

fn commit_request() -> CommitRequest {
    CommitRequest { subject: round().subject, sequence: 3, context: round().context }
}

fn take_part(fleet: &Fleet, place: u16) -> JoinHandle<Result<Agreement>> {
    fleet.run(place, |participant| async move { round().run(&participant).await })
}

/// The members of these places, in the order of their turns.
fn in_turn(fleet: &Fleet) -> Vec<u16> {
    (0..fleet.committee.size() as u64)
        .map(|turn| rotation::coordinator(&fleet.committee, &round().subject, turn).place)
        .collect()
}

/// The members of these places take part, from the first turn on, until they have the same agreement.
async fn all_agree(fleet: &Fleet, places: &[u16]) -> Agreement {
    fleet.minds[0].clock.get_or_init(Instant::now);
    let runs: Vec<_> = places.iter().map(|p| take_part(fleet, *p)).collect();
    let mut agreements = Vec::new();
    for run in runs {
        let run = tokio::time::timeout(Duration::from_secs(30), run).await.expect("the members agree in time");
        agreements.push(run.unwrap().unwrap());
    }
    for a in &agreements {
        assert_eq!((a.observations_root, &a.values), (agreements[0].observations_root, &agreements[0].values));
    }
    agreements.swap_remove(0)
}

fn revealed(agreement: &Agreement) -> Vec<u16> {
    agreement.reveals.iter().map(|r| u16::from(r.operator[0])).collect()
}

// What a lying member is made of: the protocol's own messages, signed with its key.

pub fn reveal_of(place: u16, values: &[u64]) -> Reveal {
    Reveal::sign(&identity(place), &key(), [place as u8; 32], values.to_vec(), [place as u8; 32])
}

pub fn commitment_to(reveal: &Reveal) -> Commitment {
    Commitment::sign(&identity(reveal.operator[0].into()), &key(), reveal)
}

pub fn endorsed(place: u16, digest: &[u8; 32]) -> Endorsement {
    Endorsement::sign(&identity(place), [place as u8; 32], digest)
}

fn ready(value: &impl Serialize) -> Answer {
    Answer::Ready(serde_json::to_value(value).unwrap())
}

/// The answers of a member that does its part of an observation until it is to reveal, and from then on nothing.
fn commits_only(reveal: &Reveal) -> impl Fn(&Envelope) -> Answer + Send + Sync + 'static {
    let commitment = commitment_to(reveal);
    let place = u16::from(reveal.operator[0]);
    move |request| match request.kind {
        Kind::ObserveCommit => ready(&commitment),
        Kind::ObserveTell => ready(&None::<Published>),
        Kind::ObserveSeal => {
            let asked: SealRequest = request.read().unwrap();
            ready(&EndorseAnswer::Endorsed(endorsed(place, &asked.set.digest(&key()))))
        }
        _ => Answer::Pending,
    }
}

/// Asks as the lying member `from`, until there is an answer.
async fn insist(fleet: &Fleet, ends: (u16, u16), kind: Kind, body: &impl Serialize) -> Answer {
    let asked = async {
        loop {
            match fleet.ask(ends, kind, "s", body).await.1 {
                Answer::Pending => tokio::time::sleep(Duration::from_millis(20)).await,
                answer => return answer,
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), asked).await.expect("the member answers in time")
}

pub async fn told<T: DeserializeOwned>(fleet: &Fleet, ends: (u16, u16), kind: Kind, body: &impl Serialize) -> T {
    match insist(fleet, ends, kind, body).await {
        Answer::Ready(value) => serde_json::from_value(value).unwrap(),
        other => panic!("{ends:?} {kind:?}: {other:?}"),
    }
}

async fn refused(fleet: &Fleet, ends: (u16, u16), kind: Kind, body: &impl Serialize) -> (Code, String) {
    match insist(fleet, ends, kind, body).await {
        Answer::Refused(refusal) => (refusal.code, refusal.message),
        other => panic!("{ends:?} {kind:?}: {other:?}"),
    }
}

/// Has the honest members commit, as a lying coordinator `liar`. Returns their commitments.
pub async fn honest_commitments(fleet: &Fleet, liar: u16, honest: &[u16]) -> Vec<Commitment> {
    let mut commitments = Vec::new();
    for place in honest {
        commitments.push(told(fleet, (liar, *place), Kind::ObserveCommit, &commit_request()).await);
    }
    commitments
}

/// Whether a commitment or a reveal is of one of these members.
fn is_of(told: &Told, places: &[u16]) -> bool {
    let operator = match told {
        Told::Commitment(commitment) => commitment.operator,
        Told::Reveal(reveal) => reveal.operator,
        other => panic!("{other:?}"),
    };
    places.contains(&operator[0].into())
}

pub fn set_of(commitments: &[Commitment]) -> CommitmentSet {
    let mut commitments = commitments.to_vec();
    commitments.sort_by_key(|c| c.operator);
    CommitmentSet { commitments, excluded: vec![] }
}

/// Has the honest members seal the set, as a lying coordinator that seals for the liars itself.
pub async fn sealed_by(fleet: &Fleet, set: CommitmentSet, liars: &[u16], honest: &[u16]) -> SealedSet {
    let digest = set.digest(&key());
    let mut seals: Vec<_> = liars.iter().map(|p| endorsed(*p, &digest)).collect();
    for place in honest {
        let request = SealRequest { about: about(), set: set.clone() };
        match told(fleet, (liars[0], *place), Kind::ObserveSeal, &request).await {
            EndorseAnswer::Endorsed(seal) => seals.push(seal),
            other => panic!("{place}: {other:?}"),
        }
    }
    SealedSet { set, seals }
}

#[tokio::test]
async fn all_members_agree_though_two_are_killed_after_committing_and_these_learn_it_when_they_are_back() {
    let mut fleet = Fleet::new(3, 5);
    let turns = in_turn(&fleet);
    let (first, slow, doomed) = (turns[0], turns[1], &turns[3..]);
    // All wait for the slow member, so that the others are killed when they have committed and before they can reveal.
    *fleet.mind(slow).observe_delay.lock().unwrap() = Duration::from_millis(1000);
    fleet.start_all().await;
    let mut seen = fleet.participant(first).watch();
    let runs: Vec<_> = turns.iter().map(|p| (*p, take_part(&fleet, *p))).collect();
    loop {
        let p = seen.recv().await.unwrap();
        assert_eq!(p.activity, Activity::Observation);
        if p.phase == Phase::Commit && p.have == 4 {
            break;
        }
        assert_eq!(p.phase, Phase::Commit, "it does not go on without a member that lives");
    }
    for place in doomed {
        fleet.kill(*place);
    }
    let mut agreements = Vec::new();
    for (place, run) in runs {
        if !doomed.contains(&place) {
            agreements.push(run.await.unwrap().unwrap());
        }
    }
    assert_eq!(agreements[0].reveals.len(), 3);
    assert!(revealed(&agreements[0]).iter().all(|p| !doomed.contains(p)));

    for place in doomed {
        fleet.start(*place).await;
        let started = Instant::now();
        agreements.push(take_part(&fleet, *place).await.unwrap().unwrap());
        assert!(started.elapsed() < Duration::from_secs(3), "it is told the agreement and waits for no turn");
        assert_eq!(fleet.mind(*place).observed.load(Ordering::SeqCst), 1, "it does not observe twice");
    }
    for a in &agreements {
        assert_eq!(a.observations_root, agreements[0].observations_root);
        assert_eq!(a.own.as_ref().map(Vec::len), Some(3), "each has its own values beside the median");
    }
    // An approver finds the agreement by its root. Another root or context finds nothing.
    let root = agreements[0].observations_root;
    let find = |context: serde_json::Value, root: [u8; 32]| {
        fleet.run(first, move |c| async move { observe::agreement(&c, 7, &[5; 32], 3, &context, &root).await })
    };
    let found = find(round().context, root).await.unwrap().unwrap();
    assert_eq!(found.map(|a| a.values), Some(agreements[0].values.clone()));
    assert!(find(round().context, [0; 32]).await.unwrap().unwrap().is_none());
    assert!(find(json!({}), root).await.unwrap().unwrap().is_none());
}

#[tokio::test]
async fn with_two_of_five_silent_an_observation_takes_at_most_half_as_long_again() {
    let timed = async |killed: usize| {
        let mut fleet = Fleet::new(3, 5);
        for mind in &fleet.minds {
            *mind.observe_delay.lock().unwrap() = Duration::from_secs(2);
        }
        fleet.start_all().await;
        // The dead are those whose turns would be first.
        let turns = in_turn(&fleet);
        for place in &turns[..killed] {
            fleet.kill(*place);
        }
        let started = Instant::now();
        let agreement = all_agree(&fleet, &turns[killed..]).await;
        assert_eq!(agreement.reveals.len(), 5 - killed);
        started.elapsed()
    };
    let (alive, two_killed) = (timed(0).await, timed(2).await);
    eprintln!("all alive: {alive:?}, two of five killed: {two_killed:?}");
    assert!(two_killed <= alive * 3 / 2, "all alive: {alive:?}, two killed: {two_killed:?}");
}

#[tokio::test]
async fn a_member_that_reveals_other_values_than_it_committed_to_is_left_out() {
    let mut fleet = Fleet::new(3, 4);
    let (honest, liar) = ([1, 2, 3], 4);
    for place in honest {
        fleet.start(place).await;
    }
    let (committed, other) = (reveal_of(liar, &[0, 0, 0]), reveal_of(liar, &[500_001, 300_000, 199_999]));
    let before = commits_only(&committed);
    let shown = other.clone();
    let _liar = Puppet::start(&fleet, liar, move |request| match request.kind {
        Kind::ObserveReveal => ready(&shown),
        _ => before(request),
    })
    .await;
    assert_eq!(revealed(&all_agree(&fleet, &honest).await), honest);
    // Told directly, it is refused too.
    let tell = Tell { about: about(), told: Told::Reveal(other) };
    let late: Option<Published> = told(&fleet, (liar, 1), Kind::ObserveTell, &tell).await;
    assert!(late.is_some_and(|p| p.reveals.len() == 3));
}

#[tokio::test]
async fn a_member_that_commits_differently_to_two_members_is_excluded_by_both() {
    let mut fleet = Fleet::new(3, 4);
    let (honest, liar) = ([1, 2, 3], 4);
    for place in honest {
        fleet.start(place).await;
    }
    let (one, two) = (reveal_of(liar, &[1, 1, 1]), reveal_of(liar, &[2, 2, 2]));
    let (to_first, to_others) = (commitment_to(&one), commitment_to(&two));
    let before = commits_only(&one);
    let _liar = Puppet::start(&fleet, liar, move |request| match request.kind {
        Kind::ObserveCommit if request.from == [1; 32] => ready(&to_first),
        Kind::ObserveCommit => ready(&to_others),
        Kind::ObserveSeal => Answer::Pending,
        _ => before(request),
    })
    .await;
    let started = Instant::now();
    assert_eq!(revealed(&all_agree(&fleet, &honest).await), honest);
    assert!(started.elapsed() < fleet.settings.commit_window, "nobody waits for a proven liar's reveal");
}

#[tokio::test]
async fn a_member_that_commits_after_it_has_seen_a_reveal_gets_no_seal_even_from_a_member_that_was_restarted() {
    let mut fleet = Fleet::new(3, 5);
    fleet.settings.commit_window = Duration::from_millis(700);
    let (honest, liar) = ([1, 2, 3, 4], 5);
    for place in honest {
        fleet.start(place).await;
    }
    let puppet = Puppet::start(&fleet, liar, |request| match request.kind {
        Kind::ObserveTell => ready(&None::<Published>),
        _ => Answer::Pending,
    })
    .await;
    // The liar coordinates and holds its own commitment back.
    let early = honest_commitments(&fleet, liar, &honest).await;
    let digest = set_of(&early).digest(&key());
    let sealed = sealed_by(&fleet, set_of(&early), &[liar], &[1, 2]).await;
    let request = RevealRequest { about: about(), sealed: sealed.clone() };
    let copied: Reveal = told(&fleet, (liar, 1), Kind::ObserveReveal, &request).await;
    assert!(puppet.heard.lock().unwrap().iter().any(|r| r.kind == Kind::ObserveTell), "members tell each other");
    // Now it copies.
    let copy = reveal_of(liar, &copied.values);
    let late = set_of(&[&early[..], &[commitment_to(&copy)]].concat());
    fleet.kill(2);
    fleet.start(2).await;
    for place in [2, 3, 4] {
        let tell = Tell { about: about(), told: Told::Commitment(commitment_to(&copy)) };
        let _: Option<Published> = told(&fleet, (liar, place), Kind::ObserveTell, &tell).await;
        let request = SealRequest { about: about(), set: late.clone() };
        match told(&fleet, (liar, place), Kind::ObserveSeal, &request).await {
            EndorseAnswer::Sealed(first) => assert_eq!(first.set.digest(&key()), digest),
            other => panic!("{place}: {other:?}"),
        }
    }
    let agreement = all_agree(&fleet, &honest).await;
    assert_eq!(revealed(&agreement), honest);
}

#[tokio::test]
async fn a_coordinator_cannot_leave_a_living_member_out_of_the_commitments_nor_of_the_reveals() {
    let mut fleet = Fleet::new(3, 5);
    fleet.settings.reveal_window = Duration::from_secs(4);
    fleet.settings.commit_window = Duration::from_secs(4);
    fleet.settings.turn = Duration::from_millis(4500);
    let honest = [1, 2, 3];
    for place in honest {
        fleet.start(place).await;
    }
    let lies = [reveal_of(4, &[0, 0, 0]), reveal_of(5, &[0, 0, 0])];
    let _four = Puppet::start(&fleet, 4, commits_only(&lies[0])).await;
    let _five = Puppet::start(&fleet, 5, commits_only(&lies[1])).await;
    // Two liars coordinate and want to be counted with member 1 alone. It is asked first, before it can have heard the
    // others, and waits for them.
    let mut all = lies.iter().map(commitment_to).collect::<Vec<_>>();
    let first = honest_commitments(&fleet, 5, &[1]).await;
    let three = set_of(&[&all[..], &first[..]].concat());
    let request = SealRequest { about: about(), set: three.clone() };
    let (_, answer) = fleet.ask((5, 1), Kind::ObserveSeal, "s", &request).await;
    assert_eq!(answer, Answer::Pending, "the others live");
    all.extend(honest_commitments(&fleet, 5, &honest).await);
    match told(&fleet, (5, 1), Kind::ObserveSeal, &request).await {
        EndorseAnswer::Lacks(lacks) => assert!(lacks.iter().all(|l| is_of(l, &[2, 3]))),
        other => panic!("{other:?}"),
    }
    // So all five are sealed. Now the liars want the reveal of member 1 alone to be closed with theirs.
    let sealed = sealed_by(&fleet, set_of(&all), &[5, 4], &[1]).await;
    let request = RevealRequest { about: about(), sealed: sealed.clone() };
    let first: Reveal = told(&fleet, (5, 1), Kind::ObserveReveal, &request).await;
    let reveals = vec![first, lies[0].clone(), lies[1].clone()];
    let request = CloseRequest { about: about(), sealed: sealed.clone(), reveals: reveals.clone() };
    match told(&fleet, (5, 1), Kind::ObserveClose, &request).await {
        EndorseAnswer::Lacks(lacks) => assert!(lacks.iter().all(|l| is_of(l, &[2, 3]))),
        other => panic!("{other:?}"),
    }
    // Without an honest closing, nobody takes the result.
    let digest = closing_digest(&key(), &sealed.set, &reveals);
    let closings = vec![endorsed(4, &digest), endorsed(5, &digest)];
    let About { subject, sequence } = about();
    let published = Published { subject, sequence, sealed, reveals, closings };
    let (code, text) = refused(&fleet, (5, 2), Kind::ObserveResult, &published).await;
    assert_eq!(code, Code::BadRequest);
    assert!(text.contains("2 of 3"), "{text}");
    let agreement = all_agree(&fleet, &honest).await;
    assert!(honest.iter().all(|p| revealed(&agreement).contains(p)));
    assert_within_honest(&fleet, &agreement, &honest);
}

/// Each value lies between the least and the greatest of the honest members' values.
fn assert_within_honest(fleet: &Fleet, agreement: &Agreement, honest: &[u16]) {
    for (i, value) in agreement.values.iter().enumerate() {
        let column: Vec<u64> = honest.iter().map(|p| fleet.mind(*p).values.lock().unwrap()[i]).collect();
        assert!((column.iter().min().unwrap()..=column.iter().max().unwrap()).contains(&value), "{i}: {value}");
    }
}

#[tokio::test]
async fn a_coordinator_that_publishes_two_sets_reaches_only_what_t_members_have_closed() {
    let mut fleet = Fleet::new(3, 4);
    fleet.settings.reveal_window = Duration::from_millis(1000);
    let (honest, liar) = ([1, 2, 3], 4);
    for place in honest {
        fleet.start(place).await;
    }
    let lie = reveal_of(liar, &[0, 0, 0]);
    let _liar = Puppet::start(&fleet, liar, commits_only(&lie)).await;
    let commitments = [&honest_commitments(&fleet, liar, &honest).await[..], &[commitment_to(&lie)]].concat();
    let sealed = sealed_by(&fleet, set_of(&commitments), &[liar], &honest).await;
    let mut reveals = Vec::new();
    for place in honest {
        let request = RevealRequest { about: about(), sealed: sealed.clone() };
        reveals.push(told::<Reveal>(&fleet, (liar, place), Kind::ObserveReveal, &request).await);
    }
    // It has one set closed without its own reveal, and then another with it. It cannot have one without an honest
    // member's.
    let close = async |reveals: Vec<Reveal>| {
        let mut closings = vec![endorsed(liar, &closing_digest(&key(), &sealed.set, &reveals))];
        for place in [1, 2] {
            let request = CloseRequest { about: about(), sealed: sealed.clone(), reveals: reveals.clone() };
            match told(&fleet, (liar, place), Kind::ObserveClose, &request).await {
                EndorseAnswer::Endorsed(closing) => closings.push(closing),
                other => panic!("{place}: {other:?}"),
            }
        }
        let About { subject, sequence } = about();
        Published { subject, sequence, sealed: sealed.clone(), reveals, closings }
    };
    let without = close(reveals.clone()).await;
    let with = close([&reveals[..], &[lie]].concat()).await;
    let forged = Published { reveals: with.reveals[1..].to_vec(), ..with.clone() };
    let (_, text) = refused(&fleet, (liar, 3), Kind::ObserveResult, &forged).await;
    assert!(text.contains("did not endorse"), "{text}");
    let first: String = told(&fleet, (liar, 1), Kind::ObserveResult, &with).await;
    let second: String = told(&fleet, (liar, 2), Kind::ObserveResult, &without).await;
    assert_ne!(first, second, "a payload names one of the two roots");
    // Whoever proposes a payload for one of them publishes it first.
    let roots = [first, second].map(|root| <[u8; 32]>::try_from(hex::decode(root).unwrap()).unwrap());
    for (place, root) in [1, 2].into_iter().zip(roots) {
        let publish = fleet.run(place, move |c| async move {
            observe::publish(&c, 7, &round().subject, 3, &round().context, &root).await
        });
        publish.await.unwrap().unwrap();
    }
    // So both count everywhere, and each holds all honest members.
    for place in honest {
        for root in roots {
            let find = fleet.run(place, move |c| async move {
                observe::agreement(&c, 7, &round().subject, 3, &round().context, &root).await
            });
            let agreement = find.await.unwrap().unwrap().expect("it was published to this member");
            assert!(honest.iter().all(|p| revealed(&agreement).contains(p)));
            assert_within_honest(&fleet, &agreement, &honest);
        }
    }
}

/// Four honest members agree though the fifth commits, and answers what it is asked to endorse by `lie`. The agreement
/// comes in the first turn and holds all honest members.
async fn agree_in_spite_of(kind: Kind, lie: impl Fn(&Envelope) -> EndorseAnswer + Send + Sync + 'static) {
    let mut fleet = Fleet::new(3, 5);
    fleet.settings.reveal_window = Duration::from_millis(1000);
    let turns = in_turn(&fleet);
    let (liar, honest) = (turns[4], &turns[..4]);
    for place in honest {
        fleet.start(*place).await;
    }
    let before = commits_only(&reveal_of(liar, &[0, 0, 0]));
    let puppet = Puppet::start(&fleet, liar, move |request| match request.kind {
        asked if asked == kind => ready(&lie(request)),
        _ => before(request),
    })
    .await;
    let started = Instant::now();
    let agreement = all_agree(&fleet, honest).await;
    assert!(started.elapsed() < fleet.settings.turn, "it cost {:?}", started.elapsed());
    assert!(honest.iter().all(|p| revealed(&agreement).contains(p)));
    let asked = puppet.heard.lock().unwrap().iter().filter(|r| r.kind == kind).count();
    assert!((1..50).contains(&asked), "it was asked {asked} times");
}

fn no_agreement() -> EndorseAnswer {
    let About { subject, sequence } = about();
    let set = CommitmentSet { commitments: vec![], excluded: vec![] };
    let sealed = SealedSet { set, seals: vec![] };
    EndorseAnswer::Agreed(Published { subject, sequence, sealed, reveals: vec![], closings: vec![] })
}

#[tokio::test]
async fn a_false_agreement_in_place_of_a_seal_stops_nobody() {
    agree_in_spite_of(Kind::ObserveSeal, |_| no_agreement()).await;
}

#[tokio::test]
async fn a_false_agreement_in_place_of_a_closing_stops_nobody() {
    agree_in_spite_of(Kind::ObserveClose, |_| no_agreement()).await;
}

#[tokio::test]
async fn a_true_sealed_set_in_place_of_a_closing_stops_nobody_and_has_nobody_asked_again_and_again() {
    agree_in_spite_of(Kind::ObserveClose, |request| {
        let asked: CloseRequest = request.read().unwrap();
        EndorseAnswer::Sealed(asked.sealed)
    })
    .await;
}

#[tokio::test]
async fn a_false_sealed_set_in_place_of_a_seal_stops_nobody() {
    agree_in_spite_of(Kind::ObserveSeal, |request| {
        let SealRequest { mut set, .. } = request.read().unwrap();
        set.commitments.truncate(3);
        let forged = endorsed(u16::from(request.to[0]), &set.digest(&key()));
        let seals = set.commitments.iter().map(|c| Endorsement { operator: c.operator, ..forged.clone() }).collect();
        EndorseAnswer::Sealed(SealedSet { set, seals })
    })
    .await;
}

#[tokio::test]
async fn a_claim_that_something_is_left_out_which_shows_nothing_stops_nobody() {
    agree_in_spite_of(Kind::ObserveSeal, |_| EndorseAnswer::Lacks(vec![])).await;
}

#[tokio::test]
async fn values_are_kept_for_a_sealed_set_only() {
    let mut fleet = Fleet::new(3, 4);
    fleet.start(1).await;
    let invented = About { subject: [77; 32], sequence: 3 };
    let about_it = ObservationKey { subject: invented.subject, ..key() };
    let reveal = Reveal::sign(&identity(4), &about_it, [4; 32], vec![0; 10_000], [4; 32]);
    let commitment = Commitment::sign(&identity(4), &about_it, &reveal);
    let told_of = |told: Told| Tell { about: invented, told };
    let _: Option<Published> = told(&fleet, (4, 1), Kind::ObserveTell, &told_of(Told::Commitment(commitment))).await;
    let (code, _) = refused(&fleet, (4, 1), Kind::ObserveTell, &told_of(Told::Reveal(reveal))).await;
    assert_eq!(code, Code::Unavailable, "an honest member's values may come before the set, and are told again");
    let client = fleet.participant(1).store().database().clone();
    let kept: i64 = client.query_one("SELECT count(*) FROM observe_heard WHERE what = 2", &[]).await.unwrap().get(0);
    assert_eq!(kept, 0);
}

#[tokio::test]
async fn any_signed_answer_to_a_beat_is_a_sign_of_life() {
    let mut fleet = Fleet::new(2, 3);
    fleet.lie(2, |request, answer| match request.kind {
        Kind::Beat => Some(Answer::Refused(Refusal::new(Code::TooManyRequests, "later"))),
        _ => Some(answer),
    });
    fleet.start(1).await;
    fleet.start(2).await;
    tokio::time::sleep(fleet.settings.silent_after + Duration::from_millis(500)).await;
    assert!(!fleet.participant(1).is_silent(&[2; 32]));
    assert!(fleet.participant(1).is_silent(&[3; 32]), "nobody is there");
}

#[tokio::test]
async fn a_coordinator_that_asks_first_in_another_context_burns_nothing() {
    let mut fleet = Fleet::new(3, 4);
    for mind in &fleet.minds {
        *mind.question.lock().unwrap() = Some(round().context);
    }
    fleet.start_all().await;
    for place in [1, 2, 3] {
        let wrong = CommitRequest { context: json!({"answers": 0}), ..commit_request() };
        let (code, text) = refused(&fleet, (4, place), Kind::ObserveCommit, &wrong).await;
        assert_eq!((code, &text[..]), (Code::NotApproved, "this is not the question"));
        let client = fleet.participant(place).store().database().clone();
        let stored: i64 = client.query_one("SELECT count(*) FROM observations", &[]).await.unwrap().get(0);
        assert_eq!(stored, 0, "what the node refuses is not stored");
    }
    assert_eq!(revealed(&all_agree(&fleet, &[1, 2, 3, 4]).await), [1, 2, 3, 4]);
}

#[tokio::test]
async fn a_member_that_claims_a_vector_of_another_length_spoils_nothing() {
    let mut fleet = Fleet::new(3, 4);
    *fleet.mind(1).values.lock().unwrap() = vec![1_000_000];
    fleet.start_all().await;
    let agreement = all_agree(&fleet, &[1, 2, 3, 4]).await;
    assert_eq!(revealed(&agreement), [2, 3, 4]);
    assert_eq!(agreement.own, Some(vec![1_000_000]), "the member sees how far off it is");
    assert_eq!(
        agreement.values,
        lower_median(&[2, 3, 4].map(|p| fleet.mind(p).values.lock().unwrap().clone())).unwrap()
    );
}

#[tokio::test]
async fn forged_seals_move_nobody_to_reveal() {
    let mut fleet = Fleet::new(3, 4);
    for place in [1, 2] {
        fleet.start(place).await;
    }
    let lies = [reveal_of(3, &[0, 0, 0]), reveal_of(4, &[0, 0, 0])];
    let commitments = [&honest_commitments(&fleet, 4, &[1, 2]).await[..], &lies.map(|l| commitment_to(&l))].concat();
    let set = set_of(&commitments);
    let digest = set.digest(&key());
    let forged = Endorsement { operator: [2; 32], ..endorsed(4, &digest) };
    let other = endorsed(3, &set_of(&commitments[..3]).digest(&key()));
    for (third, why) in [
        (forged, "did not endorse"),
        (other, "did not endorse"),
        (endorsed(4, &digest), "is twice"),
        (Endorsement::sign(&identity(9), [9; 32], &digest), "is not a member"),
    ] {
        let seals = vec![endorsed(4, &digest), third, endorsed(3, &digest)];
        let request = RevealRequest { about: about(), sealed: SealedSet { set: set.clone(), seals } };
        let (code, text) = refused(&fleet, (4, 1), Kind::ObserveReveal, &request).await;
        assert_eq!(code, Code::BadRequest);
        assert!(text.contains(why), "{why}: {text}");
    }
    let seals = vec![endorsed(3, &digest), endorsed(4, &digest)];
    let request = RevealRequest { about: about(), sealed: SealedSet { set, seals } };
    let (_, text) = refused(&fleet, (4, 1), Kind::ObserveReveal, &request).await;
    assert!(text.contains("2 of 3"), "{text}");
    let client = fleet.participant(1).store().database().clone();
    let kept: i64 = client.query_one("SELECT count(*) FROM observe_heard WHERE what = 4", &[]).await.unwrap().get(0);
    assert_eq!(kept, 0, "no forged set is kept");
}

#[tokio::test]
async fn two_lying_members_of_five_cannot_move_the_median_out_of_the_honest_range() {
    let mut fleet = Fleet::new(3, 5);
    let turns = in_turn(&fleet);
    let (liars, honest) = turns.split_at(2);
    for place in liars {
        *fleet.mind(*place).values.lock().unwrap() = vec![0, u64::MAX, 7];
    }
    fleet.start_all().await;
    let agreement = all_agree(&fleet, &turns).await;
    assert_eq!(agreement.reveals.len(), 5);
    assert_within_honest(&fleet, &agreement, honest);
}

#[tokio::test]
async fn two_members_of_five_that_live_and_do_nothing_cost_a_window_and_stop_nothing() {
    let mut fleet = Fleet::new(3, 5);
    fleet.settings.commit_window = Duration::from_millis(1000);
    fleet.settings.reveal_window = Duration::from_millis(1000);
    let turns = in_turn(&fleet);
    let (idle, honest) = (&turns[1..3], [turns[0], turns[3], turns[4]]);
    for place in honest {
        fleet.start(place).await;
    }
    let _idle = (
        Puppet::start(&fleet, idle[0], |_| Answer::Pending).await,
        Puppet::start(&fleet, idle[1], |_| Answer::Pending).await,
    );
    let started = Instant::now();
    let agreement = all_agree(&fleet, &honest).await;
    assert_eq!(agreement.reveals.len(), 3);
    assert!(started.elapsed() > Duration::from_millis(1000), "they show signs of life, so they were awaited");
    assert!(started.elapsed() < fleet.settings.turn);
}

#[tokio::test]
async fn a_sealed_set_whose_members_do_not_reveal_falls_and_the_observation_goes_on_without_them() {
    let mut fleet = Fleet::new(3, 5);
    fleet.settings.commit_window = Duration::from_millis(500);
    fleet.settings.reveal_window = Duration::from_millis(1500);
    let turns = in_turn(&fleet);
    let (liar, late) = (turns[2], [turns[3], turns[4]]);
    for place in &turns[..2] {
        fleet.start(*place).await;
    }
    // While two are away, the liar is needed. It seals and does not reveal. Later it shows the set that has failed again.
    let before = commits_only(&reveal_of(liar, &[0, 0, 0]));
    let failed = Mutex::new(None);
    let puppet = Puppet::start(&fleet, liar, move |request| match request.kind {
        Kind::ObserveReveal => {
            let asked: RevealRequest = request.read().unwrap();
            failed.lock().unwrap().get_or_insert(asked.sealed);
            Answer::Pending
        }
        Kind::ObserveSeal => match &*failed.lock().unwrap() {
            Some(sealed) => ready(&EndorseAnswer::Sealed(sealed.clone())),
            None => before(request),
        },
        _ => before(request),
    })
    .await;
    let first = turns[..2].iter().map(|p| take_part(&fleet, *p)).collect::<Vec<_>>();
    while !puppet.heard.lock().unwrap().iter().any(|r| r.kind == Kind::ObserveReveal) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for place in late {
        fleet.start(place).await;
    }
    let agreement = all_agree(&fleet, &late).await;
    assert_eq!(agreement.reveals.len(), 4);
    assert!(!revealed(&agreement).contains(&liar));
    for run in first {
        assert_eq!(run.await.unwrap().unwrap().observations_root, agreement.observations_root);
    }
}

#[tokio::test]
async fn the_next_coordinator_finishes_what_a_killed_one_has_had_sealed() {
    let mut fleet = Fleet::new(3, 5);
    fleet.settings.reveal_window = Duration::from_secs(3);
    let turns = in_turn(&fleet);
    let (first, liar, rest) = (turns[0], turns[4], &turns[1..4]);
    for place in turns.iter().filter(|p| **p != liar) {
        fleet.start(*place).await;
    }
    // The first coordinator waits for a reveal that does not come, and is killed meanwhile.
    let _liar = Puppet::start(&fleet, liar, commits_only(&reveal_of(liar, &[0, 0, 0]))).await;
    let mut seen = fleet.participant(first).watch();
    let _killed = take_part(&fleet, first);
    let runs: Vec<_> = rest.iter().map(|p| take_part(&fleet, *p)).collect();
    while seen.recv().await.unwrap().phase != Phase::Reveal {}
    fleet.minds[0].clock.get_or_init(Instant::now);
    fleet.kill(first);
    let sealed = async |fleet: &Fleet, place: u16| -> Vec<Vec<u8>> {
        let client = fleet.participant(place).store().database().clone();
        let rows = client.query("SELECT digest FROM observe_heard WHERE what = 4", &[]).await.unwrap();
        rows.into_iter().map(|r| r.get(0)).collect()
    };
    for run in runs {
        let agreement = tokio::time::timeout(Duration::from_secs(20), run).await.unwrap().unwrap().unwrap();
        assert!(rest.iter().all(|p| revealed(&agreement).contains(p)));
    }
    let one = sealed(&fleet, rest[0]).await;
    assert_eq!(one.len(), 1, "no second set was sealed");
    for place in rest {
        assert_eq!(sealed(&fleet, *place).await, one);
    }
}

#[tokio::test]
async fn a_member_commits_to_one_observation_for_ever_and_to_another_in_another_context() {
    let mut fleet = Fleet::new(2, 3);
    fleet.start(2).await;
    let first: Commitment = told(&fleet, (1, 2), Kind::ObserveCommit, &commit_request()).await;
    fleet.kill(2);
    // The member would compute other values now. They must not matter.
    *fleet.mind(2).values.lock().unwrap() = vec![1, 2, 3];
    fleet.start(2).await;
    assert_eq!(told::<Commitment>(&fleet, (1, 2), Kind::ObserveCommit, &commit_request()).await, first);
    let elsewhere = CommitRequest { context: json!(2), ..commit_request() };
    let other: Commitment = told(&fleet, (1, 2), Kind::ObserveCommit, &elsewhere).await;
    assert_ne!(other.commitment, first.commitment);
    assert_eq!(told::<Commitment>(&fleet, (1, 2), Kind::ObserveCommit, &commit_request()).await, first);
}

#[tokio::test]
async fn what_is_old_is_swept_and_never_observed_again() {
    let mut fleet = Fleet::new(2, 3);
    fleet.start_all().await;
    all_agree(&fleet, &[1, 2, 3]).await;
    let rows = async |fleet: &Fleet, sql: &str| -> i64 {
        let client = fleet.participant(1).store().database().clone();
        client.query_one(sql, &[]).await.unwrap().get(0)
    };
    assert!(rows(&fleet, "SELECT count(*) FROM observe_heard").await > 0);
    // A month passes, then another round.
    let client = fleet.participant(1).store().database().clone();
    for (table, column) in [("observe_heard", "heard_at"), ("agreements", "agreed_at"), ("observations", "created_at")]
    {
        client.run(&format!("UPDATE {table} SET {column} = {column} - interval '31 days'")).await.unwrap();
    }
    drop(client);
    let next = async |fleet: &Fleet, epoch: u64| {
        let runs: Vec<_> = (1..=3)
            .map(|p| {
                let round = Round { epoch, sequence: 4, ..round() };
                fleet.run(p, move |participant| async move { round.run(&participant).await })
            })
            .collect();
        for run in runs {
            run.await.unwrap().unwrap();
        }
    };
    next(&fleet, 7).await;
    for table in ["observe_heard", "agreements"] {
        assert_eq!(rows(&fleet, &format!("SELECT count(*) FROM {table} WHERE sequence = 3")).await, 0, "{table}");
    }
    let emptied = "SELECT count(*) FROM observations WHERE sequence = 3 AND reveal IS NULL";
    assert_eq!(rows(&fleet, emptied).await, 1, "the row stays, so that nothing else is ever observed");
    let (code, _) = refused(&fleet, (2, 1), Kind::ObserveCommit, &commit_request()).await;
    assert_eq!(code, Code::AlreadyObserved);
    assert_eq!(rows(&fleet, "SELECT count(*) FROM observations WHERE sequence = 4 AND reveal IS NOT NULL").await, 1);
    // Four committees later everything of the old one goes, and it is observed in no more.
    for place in 1..=3 {
        let later = Committee { epoch: 11, ..fleet.committee.clone() };
        fleet.participant(place).admit(later).unwrap();
    }
    next(&fleet, 11).await;
    for table in ["observe_heard", "agreements", "observations"] {
        assert_eq!(rows(&fleet, &format!("SELECT count(*) FROM {table} WHERE epoch = 7")).await, 0, "{table}");
    }
    let (code, _) = refused(&fleet, (2, 1), Kind::ObserveCommit, &commit_request()).await;
    assert_eq!(code, Code::AlreadyObserved);
    assert_eq!(rows(&fleet, "SELECT count(*) FROM observations WHERE epoch = 7").await, 0);
}
