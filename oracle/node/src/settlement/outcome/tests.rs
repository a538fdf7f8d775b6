use super::*;
use crate::settlement::{own_view::tests::World, proposal::Proposal};
use openledger_protocol::Hash32;
use openledger_quorum::observe::Reveal;
use openledger_sdk::artifact::NoAnswer;

const T: usize = 3;

fn question(observed: &Observed) -> Question {
    let proposal = Proposal { epoch: 1, cutoff_slot: 100, sequence: 4 };
    Question::new(&proposal, &observed.facts, 0)
}

/// What the members agree on if each of them says one of these about the one payment. `own` is what this member said.
fn agreement(observed: &Observed, said: &[Seen], own: Option<Seen>) -> Agreement {
    let row = |seen: Seen| View { jobs: observed.view.jobs.clone(), answers: vec![seen] }.write();
    let reveal =
        |(n, seen): (u8, &Seen)| Reveal { operator: [n; 32], values: row(*seen), salt: [0; 32], signature: [0; 64] };
    Agreement {
        values: vec![],
        reveals: (0..).zip(said).map(reveal).collect(),
        observations_root: [9; 32],
        own: own.map(row),
    }
}

/// One payment with an answer that this member sees.
struct Case {
    observed: Observed,
    hash: Hash32,
}

impl Case {
    async fn answered(world: &World, forged: bool) -> Self {
        let payment = world.payment(1, 35);
        let mut answer = world.answered(&payment, &world.results[1]).await;
        if forged {
            answer.receipt.weights = world.forged(&world.results[1]).await;
        }
        world.publish(answer).await;
        let observed = world.observe(vec![payment]).await;
        let Seen::Answer { hash, distance: Some(distance) } = observed.view.answers[0] else { panic!("an answer") };
        assert_eq!(distance > BAND_PPM, forged);
        Self { observed, hash }
    }

    fn says(&self, distance: u64) -> Seen {
        Seen::Answer { hash: self.hash, distance: Some(distance) }
    }

    /// By what the payment is divided if all members say this.
    fn divided(&self, said: Seen, own: Option<Seen>) -> Result<Divided> {
        let agreement = agreement(&self.observed, &[said; 4], own);
        let (report, _) = outcome(&question(&self.observed), &self.observed, &agreement, T)?;
        Ok(report.answers[0].divided.clone())
    }

    fn contradicts(&self, said: Seen, own: Option<Seen>) {
        let error = format!("{:#}", self.divided(said, own).unwrap_err());
        assert!(error.contains("contradicts what this member saw"), "{said:?}: {error}");
    }
}

/// A3: a member signs nothing that contradicts what it worked out itself, whatever all the others agree on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_all_others_agree_on_is_not_made_if_it_contradicts_what_this_member_saw() {
    let world = World::new().await;
    let honest = Case::answered(&world, false).await;
    let other = Seen::Answer { hash: [77; 32], distance: Some(0) };
    assert!(matches!(honest.divided(honest.says(0), None).unwrap(), Divided::Receipt { distance: 0, .. }));
    honest.contradicts(Seen::None, None);
    honest.contradicts(honest.says(2_000_000), None);
    honest.contradicts(other, None);

    let forged = Case::answered(&world, true).await;
    let because = NoAnswer::Weights;
    assert_eq!(forged.divided(forged.says(2_000_000), None).unwrap(), Divided::Training { because });
    forged.contradicts(forged.says(0), None);
    forged.contradicts(Seen::None, None);
    forged.contradicts(other, None);

    let observed = world.observe(vec![world.payment(9, 35)]).await;
    let missing = Case { observed, hash: [77; 32] };
    let because = NoAnswer::Missing;
    assert_eq!(missing.divided(Seen::None, None).unwrap(), Divided::Training { because });
    missing.contradicts(other, None);
}

/// An answer that comes to light after a member has said that there is none came too late. But no more than that is undone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_stands_by_what_it_revealed_before_an_answer_came_to_light() {
    let world = World::new().await;
    let late = Case::answered(&world, false).await;
    let because = NoAnswer::Missing;
    assert_eq!(late.divided(Seen::None, Some(Seen::None)).unwrap(), Divided::Training { because });
    late.contradicts(late.says(2_000_000), Some(Seen::Unknown));
    late.contradicts(Seen::None, Some(late.says(0)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn arguments_with_another_root_or_another_report_do_not_follow() {
    let world = World::new().await;
    let case = Case::answered(&world, false).await;
    let agreement = agreement(&case.observed, &[case.says(0); 3], None);
    let (report, pools) = outcome(&question(&case.observed), &case.observed, &agreement, T).unwrap();
    let bytes = canonical::to_vec(&report).unwrap();
    let right = PostSettlementArgs {
        epoch: 1,
        previous: [PoolRoot::default(); POOLS],
        pools,
        observations_root: agreement.observations_root,
        report_hash: sha256(&[&bytes]),
        cutoff_slot: 100,
        expiry_slot: 9_000,
    };
    assert_eq!(follows(&report, &pools, &right).unwrap(), bytes);
    let refused = |args: &PostSettlementArgs| follows(&report, &pools, args).unwrap_err().to_string();
    for n in 0..POOLS {
        let mut forged = right.clone();
        forged.pools[n].root[0] ^= 1;
        assert!(refused(&forged).starts_with("the roots are not those"), "the true report beside another root");
        let mut forged = right.clone();
        forged.pools[n].lifetime_total += 1;
        assert!(refused(&forged).starts_with("the roots are not those"));
    }
    let forged = PostSettlementArgs { report_hash: [8; 32], ..right };
    assert!(refused(&forged).starts_with("the report is not the one"), "the true roots beside another report");
}
