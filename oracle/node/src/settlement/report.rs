//! From an agreement to the report and the arguments that the committee signs: pure, integers only, the same at every
//! member.

use super::epoch::CountedPayment;
use crate::dataset::Document;
use anyhow::{Context, Result, ensure};
use openledger_protocol::{Hash32, allocate::largest_remainder, rewards::RewardTree};
use openledger_sdk::artifact::{CountedAnswer, DocumentScore, PoolReport, RevealedScores, SettlementReport};
use payout::state::{POOLS, PoolRoot};
use solana_pubkey::Pubkey;
use std::collections::BTreeMap;

/// 2·2·2·3·3·5·7: a weight can be split among up to nine validators without remainder.
const SPLITTABLE: u64 = 2_520;

/// What the members agreed on.
pub struct Observed {
    /// The epoch.
    pub epoch: u64,
    /// Last slot whose payments are counted.
    pub cutoff_slot: u64,
    /// Attribution method and version.
    pub method: String,
    /// Agreed scores, in the documents' order.
    pub scores: Vec<u64>,
    /// The reveals behind them.
    pub observations: Vec<RevealedScores>,
    /// Root over the signed observations.
    pub observations_root: Hash32,
}

/// The report of an epoch and its pools' roots. `previous` is the report before with its hash.
pub fn build<'a>(
    observed: Observed,
    payments: &[CountedPayment],
    documents: impl Iterator<Item = &'a Document>,
    previous: Option<(Hash32, &SettlementReport)>,
) -> Result<(SettlementReport, [PoolRoot; POOLS])> {
    let documents: Vec<&Document> = documents.collect();
    ensure!(
        documents.len() == observed.scores.len(),
        "the agreement has {} scores for {} documents",
        observed.scores.len(),
        documents.len()
    );
    let pool = |part: fn(&CountedPayment) -> u64| -> Result<u64> {
        payments.iter().try_fold(0u64, |t, p| t.checked_add(part(p))).context("a pool exceeds u64")
    };
    // Nobody's documents helped: nothing is divided, and the pools stay for later epochs.
    let idle = observed.scores.iter().all(|s| *s == 0);
    let funded = if idle { [0; POOLS] } else { [pool(|p| p.contributors)?, pool(|p| p.validators)?] };

    let mut by_owner = BTreeMap::<Pubkey, u64>::new();
    let mut by_validator = BTreeMap::<Pubkey, u64>::new();
    for (document, score) in documents.iter().zip(&observed.scores) {
        *by_owner.entry(document.owner).or_default() += score;
        for validator in &document.approved_by {
            *by_validator.entry(*validator).or_default() += score * SPLITTABLE / document.approved_by.len() as u64;
        }
    }
    let mut pools = Vec::with_capacity(POOLS);
    let mut roots = [PoolRoot::default(); POOLS];
    for (i, weights) in [by_owner, by_validator].into_iter().enumerate() {
        let amounts = largest_remainder(funded[i], &weights.values().copied().collect::<Vec<_>>());
        let mut lifetimes = match previous {
            Some((_, report)) => lifetimes(report, i)?,
            None => BTreeMap::new(),
        };
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
            added: amounts.iter().sum::<u64>().to_string(),
        });
    }
    let report = SettlementReport {
        version: 1,
        epoch: observed.epoch,
        cutoff_slot: observed.cutoff_slot,
        previous: previous.map(|(hash, _)| hex::encode(hash)),
        method: observed.method,
        answers: payments
            .iter()
            .map(|p| CountedAnswer {
                request: hex::encode(p.request),
                model: p.model.to_string(),
                contributors: p.contributors.to_string(),
                validators: p.validators.to_string(),
            })
            .collect(),
        documents: documents
            .iter()
            .zip(&observed.scores)
            .map(|(d, ppm)| DocumentScore {
                leaf: hex::encode(d.leaf),
                datanet: d.datanet.to_string(),
                owner: d.owner.to_string(),
                approved_by: d.approved_by.iter().map(Pubkey::to_string).collect(),
                ppm: *ppm,
            })
            .collect(),
        observations: observed.observations,
        observations_root: hex::encode(observed.observations_root),
        pools,
    };
    Ok((report, roots))
}

fn lifetimes(report: &SettlementReport, pool: usize) -> Result<BTreeMap<Pubkey, u64>> {
    let pool = report.pools.get(pool).context("the previous report lacks a pool")?;
    pool.leaves
        .iter()
        .map(|(wallet, amount)| {
            Ok((wallet.parse().context("a wallet of the previous report")?, amount.parse().context("an amount of it")?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
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
        CountedPayment { request: [1; 32], model: key(1), contributors, validators }
    }

    #[test]
    fn both_pools_are_divided_by_score_and_lifetimes_add_up() {
        let documents = [document(1, 10, &[50, 51]), document(2, 11, &[50])];
        let paid = [payment(1_000, 90)];
        let (first, roots) = build(observed(vec![750_000, 250_000]), &paid, documents.iter(), None).unwrap();
        assert_eq!(first.pools[0].leaves, [(key(10).to_string(), "750".into()), (key(11).to_string(), "250".into())]);
        assert_eq!(roots[0].lifetime_total, 1_000);
        // validator 50: half of 75 % and all of 25 %; validator 51: the other half
        assert_eq!(first.pools[1].leaves, [(key(50).to_string(), "56".into()), (key(51).to_string(), "34".into())]);
        let hash = [7; 32];
        let (second, roots) =
            build(observed(vec![0, 1_000_000]), &paid, documents.iter(), Some((hash, &first))).unwrap();
        assert_eq!(second.pools[0].leaves[1].1, "1250");
        assert_eq!((roots[0].lifetime_total, roots[1].lifetime_total), (2_000, 180));
        assert_eq!(second.previous, Some(hex::encode(hash)));
    }

    #[test]
    fn where_no_document_helped_nothing_is_divided() {
        let documents = [document(1, 10, &[50])];
        let (report, roots) = build(observed(vec![0]), &[payment(5, 5)], documents.iter(), None).unwrap();
        assert_eq!((roots[0].lifetime_total, roots[1].lifetime_total), (0, 0));
        assert_eq!(report.pools[0].added, "0");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// P1: an epoch's payouts sum exactly to its pool.
        #[test]
        fn payouts_sum_exactly_to_the_pools(
            weights in prop::collection::vec((0u64..1_000, 0u8..6, 1usize..4), 1..30),
            pools in (0u64..u64::MAX / 4, 0u64..u64::MAX / 4),
        ) {
            let scores = largest_remainder(1_000_000, &weights.iter().map(|w| w.0).collect::<Vec<_>>());
            let documents: Vec<Document> = weights
                .iter()
                .enumerate()
                .map(|(i, (_, owner, n))| document(i as u8, *owner, &[50, 51, 52][..*n]))
                .collect();
            let idle = scores.iter().all(|s| *s == 0);
            let (_, roots) = build(observed(scores), &[payment(pools.0, pools.1)], documents.iter(), None).unwrap();
            let expected = if idle { (0, 0) } else { pools };
            prop_assert_eq!((roots[0].lifetime_total, roots[1].lifetime_total), expected);
        }
    }
}
