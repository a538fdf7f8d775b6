//! Makes the report and the roots that the committee signs from an agreement. It is pure and uses integers only, so it
//! is the same at every member.

use super::{
    columns::{DocumentShares, JobDocument},
    epoch::{CountedPayment, Epoch, EpochModel, Previous},
};
use crate::documents::{Document, Repeat, repeats};
use anyhow::{Context, Result};
use openledger_pay::clusters::Duplicate;
use openledger_protocol::{Hash32, allocate::largest_remainder, rewards::RewardTree};
use openledger_sdk::artifact::{
    CountedAnswer, CountedFunding, DocumentScore, Earned, Method, ModelReport, PoolName, PoolReport, RepeatKind,
    RepeatedDocument, RevealedScores, SettlementReport,
};
use payout::state::{POOLS, PoolRoot};
use solana_pubkey::Pubkey;
use std::collections::BTreeMap;

/// 2·2·2·3·3·5·7. A weight times this number splits among up to ten validators without remainder.
const SPLITTABLE: u64 = 2_520;

/// What the members agreed on.
pub struct Agreed {
    /// The epoch.
    pub epoch: u64,
    /// Last slot whose payments are counted.
    pub cutoff_slot: u64,
    /// Attribution method and version.
    pub method: Method,
    /// The share that each document earns.
    pub shares: DocumentShares,
    /// The reveals behind the shares.
    pub observations: Vec<RevealedScores>,
    /// Root over the signed observations.
    pub observations_root: Hash32,
}

/// What is divided, and among whom.
pub struct Divisible<'a> {
    /// Payments for answers.
    pub payments: &'a [CountedPayment],
    /// Payments into the pools that are not fees for answers.
    pub funded: &'a [CountedFunding],
    /// Every document with the job that was trained on it.
    pub documents: Vec<(Pubkey, &'a Document)>,
    /// For each job: what its documents are paid from, and which of them repeat others.
    pub models: Vec<ModelReport>,
    /// The previous settlement.
    pub previous: Option<&'a Previous>,
}

impl<'a> From<&'a Epoch> for Divisible<'a> {
    fn from(epoch: &'a Epoch) -> Self {
        Self {
            payments: &epoch.payments,
            funded: &epoch.funding,
            documents: epoch.documents().collect(),
            models: epoch.models.iter().map(model).collect(),
            previous: epoch.previous.as_ref(),
        }
    }
}

/// The part of the report about one job: what its documents are paid from, and which of them repeat others.
fn model(model: &EpochModel) -> ModelReport {
    let by_gradient = repeats(&model.plan.documents, &model.standing.clusters);
    ModelReport {
        model: model.address,
        job: model.job,
        config: model.config,
        pay: model.plan.pay.hash(),
        fees: model.fees.into(),
        unanswered: model.unanswered.into(),
        data_share: model.data_share.into(),
        repeated: model.plan.repeats.iter().cloned().chain(by_gradient).map(repeated).collect(),
    }
}

fn repeated(Repeat { leaf, datanet, owner, of, by }: Repeat) -> RepeatedDocument {
    let by = match by {
        Duplicate::Exact => RepeatKind::Exact,
        Duplicate::Near => RepeatKind::Near,
        Duplicate::Verbatim => RepeatKind::Verbatim,
        Duplicate::Gradient => RepeatKind::Gradient,
    };
    RepeatedDocument { leaf, datanet, owner, of, by }
}

/// The report of an epoch and its pools' roots.
///
/// Three amounts make up a pool: what answers paid in, what was paid in beside them, and what the previous epoch
/// carried over. Each pool is divided in proportion to the shares. The part that belongs to nobody is carried over to
/// the next epoch. So nothing is lost and nothing is paid twice.
pub fn build(agreed: Agreed, epoch: Divisible) -> Result<(SettlementReport, [PoolRoot; POOLS])> {
    let Divisible { payments, funded, documents, models, previous } = epoch;
    let documents = documents
        .into_iter()
        .map(|(job, d)| {
            let ppm = agreed.shares.of(&JobDocument { job, leaf: d.leaf })?;
            let (leaf, datanet, owner, approved_by) = (d.leaf, d.datanet, d.owner, d.approved_by.clone());
            Ok(DocumentScore { job, leaf, datanet, owner, approved_by, ppm })
        })
        .collect::<Result<Vec<_>>>()?;
    let unallocated = agreed.shares.unallocated;

    let (mut pools, mut roots) = (Vec::with_capacity(POOLS), [PoolRoot::default(); POOLS]);
    for (name, root) in PoolName::ALL.into_iter().zip(&mut roots) {
        let weights = match name {
            PoolName::Contributors => Weights { by_wallet: owners(&documents), nobodys: unallocated },
            PoolName::Validators => Weights { by_wallet: validators(&documents), nobodys: unallocated * SPLITTABLE },
        };
        let paid = paid_into(name, payments, funded)?;
        let before = previous.map(|p| p.report.pool(name).context("the previous report lacks a pool")).transpose()?;
        let (pool, tree) = divide(name, paid, &weights, before)?;
        *root = PoolRoot { root: tree.root(), leaves: tree.count(), lifetime_total: tree.total() };
        pools.push(pool);
    }
    let report = SettlementReport {
        version: SettlementReport::VERSION,
        epoch: agreed.epoch,
        cutoff_slot: agreed.cutoff_slot,
        previous: previous.map(|p| p.hash),
        method: agreed.method,
        answers: payments.iter().map(answer).collect(),
        funded: funded.to_vec(),
        models,
        documents,
        unallocated,
        observations: agreed.observations,
        observations_root: agreed.observations_root,
        pools,
    };
    Ok((report, roots))
}

fn answer(payment: &CountedPayment) -> CountedAnswer {
    let CountedPayment { request, model, job, answered, contributors, validators } = *payment;
    CountedAnswer { request, model, job, answered, contributors: contributors.into(), validators: validators.into() }
}

/// The weights that a pool is divided by.
struct Weights {
    by_wallet: BTreeMap<Pubkey, u64>,
    nobodys: u64,
}

/// Contributors earn the shares of their documents.
fn owners(documents: &[DocumentScore]) -> BTreeMap<Pubkey, u64> {
    let mut weights = BTreeMap::new();
    for document in documents {
        *weights.entry(document.owner).or_default() += document.ppm;
    }
    weights
}

/// Validators earn the shares of the documents that they approved. The validators of one document split its share
/// equally.
fn validators(documents: &[DocumentScore]) -> BTreeMap<Pubkey, u64> {
    let mut weights = BTreeMap::new();
    for document in documents {
        for validator in &document.approved_by {
            *weights.entry(*validator).or_default() += document.ppm * SPLITTABLE / document.approved_by.len() as u64;
        }
    }
    weights
}

/// Base units that came into a pool in the epoch.
fn paid_into(pool: PoolName, payments: &[CountedPayment], funded: &[CountedFunding]) -> Result<u64> {
    let by_answers = payments.iter().map(|p| match pool {
        PoolName::Contributors => p.contributors,
        PoolName::Validators => p.validators,
    });
    let beside = funded.iter().filter(|f| f.pool == pool).map(|f| f.amount.0);
    by_answers.chain(beside).try_fold(0u64, u64::checked_add).context("a pool exceeds u64")
}

/// Divides a pool. Adds each wallet's part to the lifetime amount that it had in `before`.
fn divide(
    name: PoolName,
    paid: u64,
    weights: &Weights,
    before: Option<&PoolReport>,
) -> Result<(PoolReport, RewardTree)> {
    let carried = before.map_or(0, |b| b.carried.0);
    let pool = paid.checked_add(carried).context("a pool exceeds u64")?;
    let parts: Vec<u64> = weights.by_wallet.values().copied().chain([weights.nobodys]).collect();
    let mut amounts = largest_remainder(pool, &parts);
    amounts.pop();
    let added: u64 = amounts.iter().sum();
    let mut lifetimes: BTreeMap<Pubkey, u64> =
        before.iter().flat_map(|b| &b.leaves).map(|e| (e.wallet, e.lifetime.0)).collect();
    for (wallet, amount) in weights.by_wallet.keys().zip(&amounts) {
        if *amount > 0 {
            let lifetime = lifetimes.entry(*wallet).or_default();
            *lifetime = lifetime.checked_add(*amount).context("a wallet's lifetime earnings exceed u64")?;
        }
    }
    let tree = RewardTree::new(lifetimes.into_iter().map(|(w, a)| (w.to_bytes(), a))).map_err(anyhow::Error::msg)?;
    let leaf = |(wallet, lifetime): &(Hash32, u64)| Earned {
        wallet: Pubkey::new_from_array(*wallet),
        lifetime: (*lifetime).into(),
    };
    let report = PoolReport {
        pool: name,
        leaves: tree.leaves().iter().map(leaf).collect(),
        root: tree.root(),
        lifetime_total: tree.total().into(),
        added: added.into(),
        carried: (pool - added).into(),
    };
    Ok((report, tree))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{documents::Registered, settlement::columns::Columns};
    use openledger_sdk::amount::Amount;
    use proptest::prelude::*;

    /// The job that was trained on every document here.
    const JOB: u8 = 2;

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

    /// An agreement on these shares of the documents, in their order. What is unallocated comes last.
    fn agreed(scores: &[u64], documents: &[Document]) -> Result<Agreed> {
        let columns = Columns::new(documents.iter().map(|d| JobDocument { job: key(JOB), leaf: d.leaf }))?;
        Ok(Agreed {
            epoch: 1,
            cutoff_slot: 9,
            method: Method::new("logra", 1),
            shares: columns.read(scores)?,
            observations: vec![],
            observations_root: [3; 32],
        })
    }

    fn divisible<'a>(
        payments: &'a [CountedPayment],
        funded: &'a [CountedFunding],
        documents: &'a [Document],
        previous: Option<&'a Previous>,
    ) -> Divisible<'a> {
        let documents = documents.iter().map(|d| (key(JOB), d)).collect();
        Divisible { payments, funded, documents, models: vec![], previous }
    }

    fn earned(wallet: u8, lifetime: u64) -> Earned {
        Earned { wallet: key(wallet), lifetime: Amount(lifetime) }
    }

    fn payment(contributors: u64, validators: u64) -> CountedPayment {
        CountedPayment { request: [1; 32], model: key(1), job: key(JOB), answered: true, contributors, validators }
    }

    fn settled(
        scores: Vec<u64>,
        paid: CountedPayment,
        documents: &[Document],
        previous: Option<&SettlementReport>,
    ) -> (SettlementReport, [PoolRoot; POOLS]) {
        let previous = previous.map(|r| Previous { hash: [7; 32], report: r.clone() });
        build(agreed(&scores, documents).unwrap(), divisible(&[paid], &[], documents, previous.as_ref())).unwrap()
    }

    #[test]
    fn both_pools_are_divided_by_score_and_lifetimes_add_up() {
        let documents = [document(1, 10, &[50, 51]), document(2, 11, &[50])];
        let (first, roots) = settled(vec![750_000, 250_000, 0], payment(1_000, 90), &documents, None);
        assert_eq!(first.pools[0].leaves, [earned(10, 750), earned(11, 250)]);
        assert_eq!(roots[0].lifetime_total, 1_000);
        // Validator 50 gets half of 75 % and all of 25 %. Validator 51 gets the other half.
        assert_eq!(first.pools[1].leaves, [earned(50, 56), earned(51, 34)]);
        let (second, roots) = settled(vec![0, 1_000_000, 0], payment(1_000, 90), &documents, Some(&first));
        assert_eq!(second.pools[0].leaves[1].lifetime, Amount(1250));
        assert_eq!((roots[0].lifetime_total, roots[1].lifetime_total), (2_000, 180));
        assert_eq!(second.previous, Some([7; 32]));
        let short = agreed(&[0, 1_000_000], &documents).err().unwrap();
        assert!(short.to_string().contains("2 shares for 2 documents"));
    }

    /// P1: data shares are divided with the fees, to the unit, and carried over where no document earned.
    #[test]
    fn data_shares_are_divided_with_the_fees() {
        let documents = [document(1, 10, &[50]), document(2, 11, &[51])];
        let funding = |pool, amount| CountedFunding { pool, subject: key(9), payer: key(9), amount: Amount(amount) };
        let funded = vec![
            funding(PoolName::Contributors, 500),
            funding(PoolName::Validators, 7),
            funding(PoolName::Contributors, 1),
        ];
        let (paid, half) = ([payment(499, 3)], agreed(&[500_000, 500_000, 0], &documents).unwrap());
        let (report, roots) = build(half, divisible(&paid, &funded, &documents, None)).unwrap();
        assert_eq!((roots[0].lifetime_total, roots[1].lifetime_total), (1_000, 10));
        assert_eq!(report.funded, funded);
        let nobody = agreed(&[0, 0, 0], &documents).unwrap();
        let (idle, roots) = build(nobody, divisible(&[], &funded, &documents, None)).unwrap();
        assert_eq!((roots[0].lifetime_total, idle.pools[0].carried), (0, Amount(501)));
        assert_eq!(idle.pools[1].carried, Amount(7));
    }

    #[test]
    fn what_is_nobodys_is_divided_with_the_next_epoch() {
        let documents = [document(1, 10, &[50]), document(2, 11, &[51])];
        let (first, roots) = settled(vec![500_000, 0, 500_000], payment(1_001, 30), &documents, None);
        assert_eq!(first.unallocated, 500_000);
        assert_eq!((roots[0].lifetime_total, first.pools[0].carried), (501, Amount(500)));
        assert_eq!((roots[1].lifetime_total, first.pools[1].carried), (15, Amount(15)));
        // No document earned, so everything is carried over.
        let (idle, roots) = settled(vec![0, 0, 1_000_000], payment(8, 5), &documents, Some(&first));
        assert_eq!((roots[0].lifetime_total, idle.pools[0].carried), (501, Amount(508)));
        assert_eq!(idle.pools[0].leaves, first.pools[0].leaves);
        let (last, roots) = settled(vec![0, 1_000_000, 0], payment(2, 0), &documents, Some(&idle));
        assert_eq!(last.pools[0].leaves[1], earned(11, 510));
        assert_eq!((roots[0].lifetime_total, roots[1].lifetime_total), (1_011, 35));
        assert_eq!((last.pools[0].carried, last.pools[1].carried), (Amount(0), Amount(0)));
    }

    #[test]
    fn a_share_follows_its_document_and_job_whatever_the_order() {
        let documents = [document(1, 10, &[50]), document(2, 11, &[51])];
        let at = |job: u8, leaf: u8| JobDocument { job: key(job), leaf: [leaf; 32] };
        let shares = || DocumentShares {
            earned: [(at(2, 1), 100_000), (at(2, 2), 200_000), (at(3, 1), 700_000)].into(),
            unallocated: 0,
        };
        let paid = [payment(1_000, 0)];
        let settle = |order: &[(u8, usize)]| {
            let agreed = Agreed { shares: shares(), ..agreed(&[0, 0, 0], &documents).unwrap() };
            let listed = order.iter().map(|(job, at)| (key(*job), &documents[*at])).collect();
            build(agreed, Divisible { documents: listed, ..divisible(&paid, &[], &[], None) })
        };
        let (report, roots) = settle(&[(2, 0), (2, 1), (3, 0)]).unwrap();
        assert_eq!(report.pools[0].leaves, [earned(10, 800), earned(11, 200)]);
        assert_eq!(settle(&[(3, 0), (2, 1), (2, 0)]).unwrap().1, roots);
        assert!(settle(&[(2, 0), (3, 1)]).is_err(), "nothing was agreed on document 2 of job 3");
    }

    #[test]
    fn the_report_says_which_document_repeats_which() {
        let repeat = Repeat { leaf: [1; 32], datanet: key(2), owner: key(3), of: [4; 32], by: Duplicate::Near };
        let said = repeated(repeat);
        assert_eq!((said.leaf, said.of, said.by), ([1; 32], [4; 32], RepeatKind::Near));
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
                    let carried = report.pools[i].carried.0;
                    prop_assert_eq!(roots[i].lifetime_total + carried, funded[i]);
                }
                previous = Some(report);
            }
        }
    }
}
