//! From an agreement to the report and the arguments that the committee signs: pure, integers only, the same at every
//! member.

use super::epoch::{CountedPayment, EpochModel};
use crate::{
    dataset::Document,
    repeats::{Repeat, repeats},
};
use anyhow::{Context, Result};
use openledger_pay::clusters::Duplicate;
use openledger_protocol::{Hash32, allocate::largest_remainder, rewards::RewardTree};
use openledger_sdk::artifact::{
    CountedAnswer, CountedFunding, DocumentScore, ModelReport, PoolReport, RepeatedDocument, RevealedScores,
    SettlementReport,
};
use payout::state::{POOLS, PoolRoot};
use solana_pubkey::Pubkey;
use std::collections::BTreeMap;

/// 2·2·2·3·3·5·7: a weight can be split among up to nine validators without remainder.
const SPLITTABLE: u64 = 2_520;

/// The pools by their place, as the indexer names them.
pub(super) const POOL_NAMES: [&str; POOLS] = ["contributors", "validators"];

/// What the members agreed on.
pub struct Observed {
    /// The epoch.
    pub epoch: u64,
    /// Last slot whose payments are counted.
    pub cutoff_slot: u64,
    /// Attribution method and version.
    pub method: String,
    /// Agreed shares in the documents' order, and last what is unallocated.
    pub scores: Vec<u64>,
    /// The reveals behind them.
    pub observations: Vec<RevealedScores>,
    /// Root over the signed observations.
    pub observations_root: Hash32,
}

/// What a model's documents are paid by.
pub fn model(model: &EpochModel) -> ModelReport {
    let by_gradient = repeats(&model.plan.documents, &model.standing.clusters);
    ModelReport {
        model: model.address.to_string(),
        job: model.job.to_string(),
        config: hex::encode(model.config),
        pay: hex::encode(model.plan.pay.hash()),
        fees: model.fees.to_string(),
        unanswered: model.unanswered.to_string(),
        data_share: model.data_share.to_string(),
        repeated: model.plan.repeats.iter().cloned().chain(by_gradient).map(repeated).collect(),
    }
}

fn repeated(repeat: Repeat) -> RepeatedDocument {
    let by = match repeat.by {
        Duplicate::Exact => "exact",
        Duplicate::Near => "near",
        Duplicate::Verbatim => "verbatim",
        Duplicate::Gradient => "gradient",
    };
    RepeatedDocument {
        leaf: hex::encode(repeat.leaf),
        datanet: repeat.datanet.to_string(),
        owner: repeat.owner.to_string(),
        of: hex::encode(repeat.of),
        by: by.into(),
    }
}

/// The report of an epoch and its pools' roots. `previous` is the report before with its hash.
///
/// Of each pool, what was paid in by answers and beside them and what the epoch before carried over are divided in
/// proportion to the shares. The part that is nobody's is carried over in turn, so that nothing is lost and nothing is
/// paid twice.
pub fn build<'a>(
    observed: Observed,
    payments: &[CountedPayment],
    funded: Vec<CountedFunding>,
    documents: impl Iterator<Item = &'a Document>,
    models: Vec<ModelReport>,
    previous: Option<(Hash32, &SettlementReport)>,
) -> Result<(SettlementReport, [PoolRoot; POOLS])> {
    let documents: Vec<&Document> = documents.collect();
    let shares = match observed.scores.split_last() {
        Some((unallocated, scores)) if scores.len() == documents.len() => Some((*unallocated, scores)),
        _ => None,
    };
    let (unallocated, scores) = shares.with_context(|| {
        format!(
            "the agreement has {} shares for {} documents and what is unallocated",
            observed.scores.len(),
            documents.len()
        )
    })?;
    let paid = |part: fn(&CountedPayment) -> u64| -> Result<u64> {
        payments.iter().try_fold(0u64, |t, p| t.checked_add(part(p))).context("a pool exceeds u64")
    };
    let mut paid = [paid(|p| p.contributors)?, paid(|p| p.validators)?];
    for funding in &funded {
        let pool = POOL_NAMES.iter().position(|name| *name == funding.pool).context("funding of an unknown pool")?;
        let amount = funding.amount.parse().context("an amount of funding")?;
        paid[pool] = paid[pool].checked_add(amount).context("a pool exceeds u64")?;
    }

    let mut by_owner = BTreeMap::<Pubkey, u64>::new();
    let mut by_validator = BTreeMap::<Pubkey, u64>::new();
    for (document, score) in documents.iter().zip(scores) {
        *by_owner.entry(document.owner).or_default() += score;
        for validator in &document.approved_by {
            *by_validator.entry(*validator).or_default() += score * SPLITTABLE / document.approved_by.len() as u64;
        }
    }
    let mut pools = Vec::with_capacity(POOLS);
    let mut roots = [PoolRoot::default(); POOLS];
    for (i, (weights, nobodys)) in
        [(by_owner, unallocated), (by_validator, unallocated * SPLITTABLE)].into_iter().enumerate()
    {
        let (mut lifetimes, carried) = match previous {
            Some((_, report)) => before(report, i)?,
            None => Default::default(),
        };
        let pool = paid[i].checked_add(carried).context("a pool exceeds u64")?;
        let mut parts: Vec<u64> = weights.values().copied().collect();
        parts.push(nobodys);
        let mut amounts = largest_remainder(pool, &parts);
        amounts.pop();
        let added: u64 = amounts.iter().sum();
        for (wallet, amount) in weights.keys().zip(&amounts) {
            if *amount > 0 {
                let lifetime = lifetimes.entry(*wallet).or_default();
                *lifetime = lifetime.checked_add(*amount).context("a wallet's lifetime earnings exceed u64")?;
            }
        }
        let tree =
            RewardTree::new(lifetimes.into_iter().map(|(w, a)| (w.to_bytes(), a))).map_err(anyhow::Error::msg)?;
        roots[i] = PoolRoot { root: tree.root(), leaves: tree.count(), lifetime_total: tree.total() };
        pools.push(PoolReport {
            leaves: tree
                .leaves()
                .iter()
                .map(|(w, a)| (Pubkey::new_from_array(*w).to_string(), a.to_string()))
                .collect(),
            root: hex::encode(tree.root()),
            lifetime_total: tree.total().to_string(),
            added: added.to_string(),
            carried: (pool - added).to_string(),
        });
    }
    let report = SettlementReport {
        version: 4,
        epoch: observed.epoch,
        cutoff_slot: observed.cutoff_slot,
        previous: previous.map(|(hash, _)| hex::encode(hash)),
        method: observed.method,
        answers: payments
            .iter()
            .map(|p| CountedAnswer {
                request: hex::encode(p.request),
                model: p.model.to_string(),
                job: p.job.to_string(),
                answered: p.answered,
                contributors: p.contributors.to_string(),
                validators: p.validators.to_string(),
            })
            .collect(),
        funded,
        models,
        documents: documents
            .iter()
            .zip(scores)
            .map(|(d, ppm)| DocumentScore {
                leaf: hex::encode(d.leaf),
                datanet: d.datanet.to_string(),
                owner: d.owner.to_string(),
                approved_by: d.approved_by.iter().map(Pubkey::to_string).collect(),
                ppm: *ppm,
            })
            .collect(),
        unallocated,
        observations: observed.observations,
        observations_root: hex::encode(observed.observations_root),
        pools,
    };
    Ok((report, roots))
}

/// Lifetime earnings and what was carried over from a pool of the report before.
fn before(report: &SettlementReport, pool: usize) -> Result<(BTreeMap<Pubkey, u64>, u64)> {
    let pool = report.pools.get(pool).context("the previous report lacks a pool")?;
    let leaves = pool.leaves.iter().map(|(wallet, amount)| {
        Ok((wallet.parse().context("a wallet of the previous report")?, amount.parse().context("an amount of it")?))
    });
    Ok((leaves.collect::<Result<_>>()?, pool.carried.parse().context("what the previous report carried over")?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Registered;
    use proptest::prelude::*;

    fn key(n: u8) -> Pubkey {
        Pubkey::new_from_array([n; 32])
    }

    fn document(n: u8, owner: u8, approved_by: &[u8]) -> Document {
        Document {
            leaf: [n; 32],
            datanet: key(100),
            owner: key(owner),
            approved_by: approved_by.iter().map(|v| key(*v)).collect(),
            title: String::new(),
            text: String::new(),
            registered: Registered { commit_until: 0, datanet: key(100), batch: 0, place: n.into() },
        }
    }

    fn observed(scores: Vec<u64>) -> Observed {
        Observed {
            epoch: 1,
            cutoff_slot: 9,
            method: "logra 1".into(),
            scores,
            observations: vec![],
            observations_root: [3; 32],
        }
    }

    fn payment(contributors: u64, validators: u64) -> CountedPayment {
        CountedPayment { request: [1; 32], model: key(1), job: key(2), answered: true, contributors, validators }
    }

    fn settled(
        scores: Vec<u64>,
        paid: CountedPayment,
        documents: &[Document],
        previous: Option<&SettlementReport>,
    ) -> (SettlementReport, [PoolRoot; POOLS]) {
        let previous = previous.map(|r| ([7; 32], r));
        build(observed(scores), &[paid], vec![], documents.iter(), vec![], previous).unwrap()
    }

    #[test]
    fn both_pools_are_divided_by_score_and_lifetimes_add_up() {
        let documents = [document(1, 10, &[50, 51]), document(2, 11, &[50])];
        let (first, roots) = settled(vec![750_000, 250_000, 0], payment(1_000, 90), &documents, None);
        assert_eq!(first.pools[0].leaves, [(key(10).to_string(), "750".into()), (key(11).to_string(), "250".into())]);
        assert_eq!(roots[0].lifetime_total, 1_000);
        // validator 50: half of 75 % and all of 25 %; validator 51: the other half
        assert_eq!(first.pools[1].leaves, [(key(50).to_string(), "56".into()), (key(51).to_string(), "34".into())]);
        let (second, roots) = settled(vec![0, 1_000_000, 0], payment(1_000, 90), &documents, Some(&first));
        assert_eq!(second.pools[0].leaves[1].1, "1250");
        assert_eq!((roots[0].lifetime_total, roots[1].lifetime_total), (2_000, 180));
        assert_eq!(second.previous, Some(hex::encode([7; 32])));
        let short = build(observed(vec![0, 1_000_000]), &[], vec![], documents.iter(), vec![], None);
        assert!(short.unwrap_err().to_string().contains("2 shares for 2 documents"));
    }

    /// P1: data shares are divided with the fees, to the unit, and carried over where no document earned.
    #[test]
    fn data_shares_are_divided_with_the_fees() {
        let documents = [document(1, 10, &[50]), document(2, 11, &[51])];
        let funding = |pool: &str, amount: u64| CountedFunding {
            pool: pool.into(),
            subject: key(9).to_string(),
            payer: key(9).to_string(),
            amount: amount.to_string(),
        };
        let funded = vec![funding("contributors", 500), funding("validators", 7), funding("contributors", 1)];
        let scores = observed(vec![500_000, 500_000, 0]);
        let (report, roots) =
            build(scores, &[payment(499, 3)], funded.clone(), documents.iter(), vec![], None).unwrap();
        assert_eq!((roots[0].lifetime_total, roots[1].lifetime_total), (1_000, 10));
        assert_eq!(report.funded, funded);
        let (idle, roots) = build(observed(vec![0, 0, 0]), &[], funded, documents.iter(), vec![], None).unwrap();
        assert_eq!((roots[0].lifetime_total, idle.pools[0].carried.as_str()), (0, "501"));
        assert_eq!(idle.pools[1].carried, "7");
        let unknown = vec![funding("treasury", 1)];
        assert!(build(observed(vec![0, 0, 0]), &[], unknown, documents.iter(), vec![], None).is_err());
    }

    #[test]
    fn what_is_nobodys_is_divided_with_the_next_epoch() {
        let documents = [document(1, 10, &[50]), document(2, 11, &[51])];
        let (first, roots) = settled(vec![500_000, 0, 500_000], payment(1_001, 30), &documents, None);
        assert_eq!(first.unallocated, 500_000);
        assert_eq!((roots[0].lifetime_total, first.pools[0].carried.as_str()), (501, "500"));
        assert_eq!((roots[1].lifetime_total, first.pools[1].carried.as_str()), (15, "15"));
        // Nobody's documents helped: everything is carried on.
        let (idle, roots) = settled(vec![0, 0, 1_000_000], payment(8, 5), &documents, Some(&first));
        assert_eq!((roots[0].lifetime_total, idle.pools[0].carried.as_str()), (501, "508"));
        assert_eq!(idle.pools[0].leaves, first.pools[0].leaves);
        let (last, roots) = settled(vec![0, 1_000_000, 0], payment(2, 0), &documents, Some(&idle));
        assert_eq!(last.pools[0].leaves[1], (key(11).to_string(), "510".into()));
        assert_eq!((roots[0].lifetime_total, roots[1].lifetime_total), (1_011, 35));
        assert_eq!((last.pools[0].carried.as_str(), last.pools[1].carried.as_str()), ("0", "0"));
    }

    #[test]
    fn the_report_says_which_document_repeats_which() {
        let repeat = Repeat { leaf: [1; 32], datanet: key(2), owner: key(3), of: [4; 32], by: Duplicate::Near };
        let said = repeated(repeat);
        assert_eq!((said.leaf, said.of, said.by.as_str()), (hex::encode([1; 32]), hex::encode([4; 32]), "near"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// P1: an epoch's payouts and what it carries over sum exactly to its pools and what came over to it.
        #[test]
        fn payouts_sum_exactly_to_the_pools(
            epochs in prop::collection::vec(
                (prop::collection::vec(0u64..1_000, 31), (0u64..u64::MAX / 8, 0u64..u64::MAX / 8)), 1..4),
            documents in prop::collection::vec((0u8..6, 1usize..4), 30),
        ) {
            let documents: Vec<Document> = documents
                .iter()
                .enumerate()
                .map(|(i, (owner, n))| document(i as u8, *owner, &[50, 51, 52][..*n]))
                .collect();
            let (mut previous, mut funded) = (None, [0u64; POOLS]);
            for (weights, pools) in epochs {
                let scores = largest_remainder(1_000_000, &weights);
                let (report, roots) = settled(scores, payment(pools.0, pools.1), &documents, previous.as_ref());
                for (i, paid) in [pools.0, pools.1].into_iter().enumerate() {
                    funded[i] += paid;
                    let carried: u64 = report.pools[i].carried.parse().unwrap();
                    prop_assert_eq!(roots[i].lifetime_total + carried, funded[i]);
                }
                previous = Some(report);
            }
        }
    }
}
