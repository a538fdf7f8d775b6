//! Makes the report and the roots that the committee signs. It is pure and uses integers only, so it is the same at
//! every member.

use super::{
    facts::{Facts, Payment},
    kept::Divides,
};
use crate::documents::Document;
use anyhow::{Context, Result, ensure};
use openledger_protocol::{Hash32, allocate::largest_remainder, rewards::RewardTree, weights::Weights};
use openledger_sdk::artifact::{
    CountedAnswer, CountedFunding, Divided, DocumentEarned, Earned, ModelReport, Observed, PoolName, PoolReport,
    SettlementReport,
};
use payout::state::{POOLS, PoolRoot};
use solana_pubkey::Pubkey;
use std::collections::BTreeMap;

/// 2·2·2·3·3·5·7. A weight times this number splits among up to ten validators without remainder.
const SPLITTABLE: u64 = 2_520;

/// What the members agreed on besides the answers.
pub struct Agreed {
    /// The epoch.
    pub epoch: u64,
    /// Last slot whose payments are counted.
    pub cutoff_slot: u64,
    /// The band within which receipts hold, in parts per million.
    pub band_ppm: u64,
    /// The observations behind it.
    pub observations: Vec<Observed>,
    /// Root over the signed observations.
    pub observations_root: Hash32,
}

/// A payment with what divides it.
pub struct Counted<'a> {
    /// The payment.
    pub payment: &'a Payment,
    /// The job whose documents it pays.
    pub job: Pubkey,
    /// By what it is divided, as the report says it.
    pub divided: Divided,
    /// The weights of the job's documents that divide it. `None` if it is held over.
    pub weights: Option<Divides<'a>>,
}

/// A job whose documents are paid.
pub struct PaidJob<'a> {
    /// Its documents in index order, those that it inherited from its parents first. Each has the job that was trained
    /// on it.
    pub documents: Vec<(Pubkey, &'a Document)>,
    /// Its training weights. `None` if its data share is held over.
    pub training: Option<&'a Weights>,
    /// What the report says of it. The sums are filled in here.
    pub report: ModelReport,
}

/// What the epoch adds.
#[derive(Default)]
struct Added {
    /// By the job that was trained on it, and leaf: what the document earned of the contributors' pool.
    documents: BTreeMap<(Pubkey, Hash32), u64>,
    /// By pool and wallet.
    wallets: [BTreeMap<Pubkey, u64>; POOLS],
    /// By pool: what was to be divided and belongs to nobody. A document may have no validator.
    nobodys: [u64; POOLS],
    /// By pool: what is held over.
    held: [u64; POOLS],
}

/// The report of an epoch and its pools' roots.
///
/// Each payment is divided by itself. The sums of the parts are what wallets earned (P2). Gifts to a pool, and what
/// belongs to nobody, are divided in proportion to what wallets ever earned from the pool, this epoch included, and in
/// one epoch no more of them than the epoch's own payments add. So a payment never moves another payment's money, and a
/// small one cannot fish for a large gift. What is held over stays in the pool for the next settlement. Nothing is lost
/// and nothing is paid twice.
pub fn build(
    agreed: Agreed,
    facts: &Facts,
    counted: &[Counted],
    jobs: &[PaidJob],
) -> Result<(SettlementReport, [PoolRoot; POOLS])> {
    let mut added = Added::default();
    let by_address: BTreeMap<Pubkey, &PaidJob> = jobs.iter().map(|j| (j.report.job, j)).collect();
    let mut models: BTreeMap<Pubkey, ModelReport> = jobs.iter().map(|j| (j.report.job, j.report.clone())).collect();
    for c in counted {
        let amounts = [c.payment.contributors, c.payment.validators];
        let Some(weights) = c.weights else {
            hold(&mut added, amounts)?;
            continue;
        };
        let job = by_address.get(&c.job).with_context(|| format!("job {} is paid and not listed", c.job))?;
        pay(&mut added, job, &*weights.read()?, amounts)?;
        let model = models.get_mut(&c.job).expect("every listed job has a report");
        let sum = match c.divided {
            Divided::Receipt { .. } => &mut model.fees.0,
            _ => &mut model.unanswered.0,
        };
        *sum = add(*sum, c.payment.contributors)?;
    }
    let mut funded = Vec::with_capacity(facts.funding.len());
    let mut gifts = [0; POOLS];
    for f in &facts.funding {
        let Some(address) = f.job else {
            gifts[f.pool as usize] = add(gifts[f.pool as usize], f.amount.0)?;
            funded.push(f.clone());
            continue;
        };
        let training = by_address.get(&address).and_then(|job| Some((*job, job.training?)));
        match training {
            Some((job, weights)) => {
                pay(&mut added, job, weights, [f.amount.0, 0])?;
                let sum = &mut models.get_mut(&address).expect("every listed job has a report").data_share.0;
                *sum = add(*sum, f.amount.0)?;
            }
            None => hold(&mut added, [f.amount.0, 0])?,
        }
        funded.push(CountedFunding { held: training.is_none(), ..f.clone() });
    }

    let (mut pools, mut roots) = (Vec::with_capacity(POOLS), [PoolRoot::default(); POOLS]);
    for (n, (name, root)) in PoolName::ALL.into_iter().zip(&mut roots).enumerate() {
        let before = facts.previous.as_ref().map(|p| p.report.pool(name).context("the previous report lacks a pool"));
        let before = before.transpose()?;
        let left = left_over(facts, name, before)?;
        let gifts = add(add(gifts[n], added.nobodys[n])?, left)?;
        let (pool, tree) = divide(name, &added.wallets[n], gifts, added.held[n], before)?;
        *root = PoolRoot { root: tree.root(), leaves: tree.count(), lifetime_total: tree.total() };
        pools.push(pool);
    }
    let report = SettlementReport {
        version: SettlementReport::VERSION,
        epoch: agreed.epoch,
        cutoff_slot: agreed.cutoff_slot,
        previous: facts.previous.as_ref().map(|p| p.hash),
        band_ppm: agreed.band_ppm,
        answers: counted.iter().map(answer).collect(),
        funded,
        models: models.into_values().collect(),
        documents: documents(&added, jobs)?,
        observations: agreed.observations,
        observations_root: agreed.observations_root,
        pools,
    };
    Ok((report, roots))
}

/// Gifts that the previous settlement could not divide: what it carried over without what it held over.
fn left_over(facts: &Facts, pool: PoolName, before: Option<&PoolReport>) -> Result<u64> {
    let (Some(previous), Some(before)) = (&facts.previous, before) else { return Ok(0) };
    let held = previous.held(pool).try_fold(0, |sum, amount| add(sum, amount.0))?;
    before.carried.0.checked_sub(held).context("the previous report holds more over than it carries over")
}

fn add(a: u64, b: u64) -> Result<u64> {
    a.checked_add(b).context("a sum of base units exceeds u64")
}

fn hold(added: &mut Added, amounts: [u64; POOLS]) -> Result<()> {
    for (held, amount) in added.held.iter_mut().zip(amounts) {
        *held = add(*held, amount)?;
    }
    Ok(())
}

/// Pays one payment's parts for the two pools by these weights of a job's documents.
///
/// Contributors earn what their documents get. Validators earn for the documents that they approved. The validators of
/// one document split its weight equally.
fn pay(added: &mut Added, job: &PaidJob, weights: &Weights, [contributors, validators]: [u64; POOLS]) -> Result<()> {
    ensure!(weights.values().len() == job.documents.len(), "there are weights of another number of documents");
    for ((trained, document), amount) in job.documents.iter().zip(weights.divide(contributors)) {
        if amount > 0 {
            let earned = added.documents.entry((*trained, document.leaf)).or_default();
            *earned = add(*earned, amount)?;
            let earned = added.wallets[PoolName::Contributors as usize].entry(document.owner).or_default();
            *earned = add(*earned, amount)?;
        }
    }
    let (mut by_validator, mut nobodys) = (BTreeMap::<Pubkey, u64>::new(), 0);
    for ((_, document), weight) in job.documents.iter().zip(weights.values()) {
        // The weights sum to 10^12, so this is far below 2^64.
        let whole = weight * SPLITTABLE;
        let part = whole.checked_div(document.approved_by.len() as u64).unwrap_or(0);
        document.approved_by.iter().for_each(|validator| *by_validator.entry(*validator).or_default() += part);
        nobodys += whole - part * document.approved_by.len() as u64;
    }
    let parts: Vec<u64> = by_validator.values().copied().chain([nobodys]).collect();
    let mut amounts = largest_remainder(validators, &parts);
    let pool = PoolName::Validators as usize;
    added.nobodys[pool] = add(added.nobodys[pool], amounts.pop().unwrap_or_default())?;
    for (validator, amount) in by_validator.into_keys().zip(amounts).filter(|(_, amount)| *amount > 0) {
        let earned = added.wallets[pool].entry(validator).or_default();
        *earned = add(*earned, amount)?;
    }
    Ok(())
}

fn documents(added: &Added, jobs: &[PaidJob]) -> Result<Vec<DocumentEarned>> {
    let known: BTreeMap<(Pubkey, Hash32), &Document> =
        jobs.iter().flat_map(|j| &j.documents).map(|(job, d)| ((*job, d.leaf), *d)).collect();
    let earned = added.documents.iter().map(|(key, amount)| {
        let document = known.get(key).context("a document earned and is not listed")?;
        let (datanet, owner, approved_by) = (document.datanet, document.owner, document.approved_by.clone());
        Ok(DocumentEarned { job: key.0, leaf: key.1, datanet, owner, approved_by, amount: (*amount).into() })
    });
    earned.collect()
}

fn answer(counted: &Counted) -> CountedAnswer {
    let Payment { request, model, operator, transaction, slot, contributors, validators, .. } = counted.payment.clone();
    CountedAnswer {
        request,
        model,
        operator,
        transaction,
        slot,
        job: counted.job,
        divided: counted.divided.clone(),
        contributors: contributors.into(),
        validators: validators.into(),
    }
}

/// The pool after the epoch: each wallet's part is added to the lifetime amount that it had in `before`, and then as much
/// of the gifts as was added is divided in proportion to the lifetime amounts.
fn divide(
    name: PoolName,
    added: &BTreeMap<Pubkey, u64>,
    gifts: u64,
    held: u64,
    before: Option<&PoolReport>,
) -> Result<(PoolReport, RewardTree)> {
    let mut lifetimes: BTreeMap<Pubkey, u64> =
        before.iter().flat_map(|b| &b.leaves).map(|e| (e.wallet, e.lifetime.0)).collect();
    let mut sum = 0;
    for (wallet, amount) in added {
        let lifetime = lifetimes.entry(*wallet).or_default();
        (*lifetime, sum) = (add(*lifetime, *amount)?, add(sum, *amount)?);
    }
    let now = gifts.min(sum);
    let shares = largest_remainder(now, &lifetimes.values().copied().collect::<Vec<_>>());
    for (lifetime, share) in lifetimes.values_mut().zip(&shares) {
        (*lifetime, sum) = (add(*lifetime, *share)?, add(sum, *share)?);
    }
    let undivided = gifts - shares.iter().sum::<u64>();
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
        added: sum.into(),
        carried: add(held, undivided)?.into(),
    };
    Ok((report, tree))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{documents::Registered, settlement::facts::Previous};
    use openledger_sdk::{
        amount::Amount,
        artifact::{Method, NoAnswer},
    };
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

    fn payment(request: u8, contributors: u64, validators: u64) -> Payment {
        Payment {
            request: [request; 32],
            model: key(1),
            operator: key(4),
            transaction: "t".into(),
            slot: 5,
            last_job: key(JOB),
            contributors,
            validators,
            held: 0,
        }
    }

    fn gift(pool: PoolName, amount: u64) -> CountedFunding {
        CountedFunding { pool, subject: key(9), payer: key(8), amount: Amount(amount), job: None, held: false }
    }

    fn data_share(amount: u64) -> CountedFunding {
        let (pool, job) = (PoolName::Contributors, Some(key(JOB)));
        CountedFunding { pool, subject: key(JOB), payer: key(JOB), amount: Amount(amount), job, held: false }
    }

    fn model() -> ModelReport {
        ModelReport {
            model: key(1),
            job: key(JOB),
            config: [0; 32],
            manifest: [0; 32],
            method: Method::new("logra", 1),
            pay: [0; 32],
            paid_by_scores: true,
            fees: Amount(0),
            unanswered: Amount(0),
            data_share: Amount(0),
            repeated: vec![],
        }
    }

    /// The documents as those that the job itself was trained on.
    fn of_job(documents: &[Document]) -> Vec<(Pubkey, &Document)> {
        documents.iter().map(|d| (key(JOB), d)).collect()
    }

    fn weights(parts: &[u64]) -> Weights {
        Weights::in_proportion(parts).unwrap()
    }

    fn by_receipt() -> Divided {
        Divided::Receipt { answer: [8; 32], weights: [9; 32], distance: 0 }
    }

    /// Settles payments, each with its weights, and fundings. `training` are the job's training weights.
    fn settled(
        documents: &[Document],
        paid: &[(Payment, Option<Weights>)],
        funding: Vec<CountedFunding>,
        training: Option<&Weights>,
        previous: Option<&SettlementReport>,
    ) -> (SettlementReport, [PoolRoot; POOLS]) {
        let agreed = Agreed { epoch: 1, cutoff_slot: 9, band_ppm: 2, observations: vec![], observations_root: [3; 32] };
        let facts = Facts {
            payments: paid.iter().map(|p| p.0.clone()).collect(),
            funding,
            previous: previous.map(|r| Previous { hash: [7; 32], report: r.clone() }),
        };
        let counted: Vec<Counted> = paid
            .iter()
            .map(|(payment, weights)| {
                let divided = if weights.is_some() { by_receipt() } else { Divided::Held { times: payment.held + 1 } };
                Counted { payment, job: key(JOB), divided, weights: weights.as_ref().map(Divides::Known) }
            })
            .collect();
        let documents = of_job(documents);
        build(agreed, &facts, &counted, &[PaidJob { documents, training, report: model() }]).unwrap()
    }

    fn lifetimes(report: &SettlementReport, pool: PoolName) -> Vec<(Pubkey, u64)> {
        report.pool(pool).unwrap().leaves.iter().map(|e| (e.wallet, e.lifetime.0)).collect()
    }

    #[test]
    fn both_pools_are_divided_by_weight_and_lifetimes_add_up() {
        let documents = [document(1, 10, &[50, 51]), document(2, 11, &[50])];
        let one = [(payment(1, 1_000, 90), Some(weights(&[3, 1])))];
        let (first, roots) = settled(&documents, &one, vec![], None, None);
        assert_eq!(lifetimes(&first, PoolName::Contributors), [(key(10), 750), (key(11), 250)]);
        assert_eq!(roots[0].lifetime_total, 1_000);
        // Validator 50 gets half of 75 % and all of 25 %. Validator 51 gets the other half.
        assert_eq!(lifetimes(&first, PoolName::Validators), [(key(50), 56), (key(51), 34)]);
        let next = [(payment(2, 1_000, 90), Some(weights(&[0, 1])))];
        let (second, roots) = settled(&documents, &next, vec![], None, Some(&first));
        assert_eq!(lifetimes(&second, PoolName::Contributors)[1], (key(11), 1_250));
        assert_eq!((roots[0].lifetime_total, roots[1].lifetime_total), (2_000, 180));
        assert_eq!(second.previous, Some([7; 32]));
        assert_eq!(second.documents.len(), 1, "what earned nothing is left out");
    }

    /// P2: the settlement is the sum of the receipts. What one answer pays does not depend on the others.
    #[test]
    fn an_answers_money_goes_by_its_own_weights_whatever_other_answers_pay() {
        let documents = [document(1, 10, &[50]), document(2, 11, &[50])];
        let alone = [(payment(1, 1_001, 0), Some(weights(&[2, 1])))];
        let (alone, _) = settled(&documents, &alone, vec![], None, None);
        let with = [(payment(1, 1_001, 0), Some(weights(&[2, 1]))), (payment(2, 1_000_000, 0), Some(weights(&[0, 1])))];
        let (with, _) = settled(&documents, &with, vec![], None, None);
        let first = |report: &SettlementReport| lifetimes(report, PoolName::Contributors)[0];
        assert_eq!(first(&alone), first(&with));
        assert_eq!(lifetimes(&with, PoolName::Contributors)[1].1, 1_000_000 + 1_001 - first(&alone).1);
    }

    /// P1: data shares are divided by the training weights, to the unit. Gifts follow what wallets ever earned.
    #[test]
    fn data_shares_are_divided_by_the_training_and_gifts_by_what_was_ever_earned() {
        let documents = [document(1, 10, &[50]), document(2, 11, &[51])];
        let training = weights(&[1, 4]);
        let share = data_share(500);
        let given = gift(PoolName::Contributors, 100);
        let (report, roots) = settled(&documents, &[], vec![share, given], Some(&training), None);
        assert_eq!(lifetimes(&report, PoolName::Contributors), [(key(10), 120), (key(11), 480)]);
        assert_eq!((report.models[0].data_share, roots[0].lifetime_total), (Amount(500), 600));
        let amounts: Vec<u64> = report.documents.iter().map(|d| d.amount.0).collect();
        assert_eq!(amounts, [100, 400], "a gift is nobody's document's");
    }

    /// A paid question does not earn a gift more than the question's own money is of all that was ever earned.
    #[test]
    fn a_gift_cannot_be_fished_for_with_a_small_payment() {
        let documents = [document(1, 10, &[50]), document(2, 11, &[51])];
        let honest = [(payment(1, 999_000, 0), Some(weights(&[1, 0])))];
        let (before, _) = settled(&documents, &honest, vec![], None, None);
        let fishing = [(payment(2, 1_000, 0), Some(weights(&[0, 1])))];
        let given = gift(PoolName::Contributors, 1_000_000);
        let (after, _) = settled(&documents, &fishing, vec![given], None, Some(&before));
        assert_eq!(lifetimes(&after, PoolName::Contributors)[1].1, 1_000 + 1, "a thousandth of as much as it paid");
        assert_eq!(after.pools[0].carried, Amount(999_000));
        // The first to earn anything takes no more of a gift than it paid either.
        let fishing = [(payment(2, 1_000, 0), Some(weights(&[0, 1])))];
        let (first, _) = settled(&documents, &fishing, vec![gift(PoolName::Contributors, 1_000_000)], None, None);
        assert_eq!(lifetimes(&first, PoolName::Contributors), [(key(11), 2_000)]);
    }

    #[test]
    fn what_is_held_over_waits_and_is_divided_with_the_next_epoch() {
        let documents = [document(1, 10, &[50]), document(2, 11, &[51])];
        let share = data_share(40);
        let paid = [(payment(1, 1_000, 30), None), (payment(2, 8, 5), Some(weights(&[1, 0])))];
        let (first, roots) = settled(&documents, &paid, vec![share], None, None);
        assert_eq!((roots[0].lifetime_total, first.pools[0].carried), (8, Amount(1_040)));
        assert_eq!((roots[1].lifetime_total, first.pools[1].carried), (5, Amount(30)));
        assert!(first.funded[0].held && first.answers[0].divided == Divided::Held { times: 1 });
        let previous = Previous { hash: [7; 32], report: first.clone() };
        assert_eq!(previous.held(PoolName::Contributors).map(|a| a.0).sum::<u64>(), 1_040);
        // The next epoch counts what was held over, and what was paid in it.
        let again = Payment { held: 1, ..payment(1, 1_000, 30) };
        let share = data_share(40);
        let (second, roots) =
            settled(&documents, &[(again, Some(weights(&[0, 1])))], vec![share], Some(&weights(&[1, 1])), Some(&first));
        assert_eq!(lifetimes(&second, PoolName::Contributors), [(key(10), 28), (key(11), 1_020)]);
        assert_eq!((roots[0].lifetime_total, roots[1].lifetime_total), (1_048, 35));
        assert_eq!((second.pools[0].carried, second.pools[1].carried), (Amount(0), Amount(0)));
    }

    #[test]
    fn what_nobody_can_have_yet_stays_in_the_pool() {
        let given = gift(PoolName::Validators, 70);
        let unapproved = [document(1, 10, &[])];
        let (idle, roots) = settled(&unapproved, &[], vec![given], None, None);
        assert_eq!((roots[1].lifetime_total, idle.pools[1].carried), (0, Amount(70)));
        let paid = [(payment(1, 10, 6), Some(weights(&[1])))];
        let (next, _) = settled(&unapproved, &paid, vec![], None, Some(&idle));
        assert_eq!(next.pools[1].carried, Amount(76), "its document has no validator");
        let approved = [document(1, 10, &[50])];
        let (last, _) = settled(&approved, &paid, vec![], None, Some(&next));
        assert_eq!(lifetimes(&last, PoolName::Validators), [(key(50), 12)]);
        assert_eq!(last.pools[1].carried, Amount(70));
    }

    #[test]
    fn a_payment_by_training_weights_is_counted_as_unanswered() {
        let documents = [document(1, 10, &[50])];
        let (paid, training) = (payment(1, 9, 1), weights(&[1]));
        let facts = Facts { payments: vec![paid.clone()], ..Facts::default() };
        let divided = Divided::Training { because: NoAnswer::Weights };
        let counted = Counted { payment: &paid, job: key(JOB), divided, weights: Some(Divides::Known(&training)) };
        let agreed = Agreed { epoch: 1, cutoff_slot: 9, band_ppm: 2, observations: vec![], observations_root: [3; 32] };
        let jobs = [PaidJob { documents: of_job(&documents), training: Some(&training), report: model() }];
        let (report, _) = build(agreed, &facts, &[counted], &jobs).unwrap();
        assert_eq!((report.models[0].fees, report.models[0].unanswered), (Amount(0), Amount(9)));
    }

    #[test]
    fn a_document_of_the_parent_earns_for_the_parents_job_through_the_childs_answer() {
        let (above, own) = (document(1, 10, &[50]), document(2, 11, &[51]));
        let (answer, by) = (payment(1, 1_000, 100), weights(&[3, 1]));
        let facts = Facts { payments: vec![answer.clone()], ..Facts::default() };
        let counted =
            Counted { payment: &answer, job: key(JOB), divided: by_receipt(), weights: Some(Divides::Known(&by)) };
        let agreed = Agreed { epoch: 1, cutoff_slot: 9, band_ppm: 2, observations: vec![], observations_root: [3; 32] };
        let parent = key(77);
        let jobs = [PaidJob { documents: vec![(parent, &above), (key(JOB), &own)], training: None, report: model() }];
        let (report, _) = build(agreed, &facts, &[counted], &jobs).unwrap();
        let mut earned: Vec<_> = report.documents.iter().map(|d| (d.job, d.leaf, d.amount.0)).collect();
        earned.sort_by_key(|d| d.1);
        assert_eq!(earned, [(parent, [1; 32], 750), (key(JOB), [2; 32], 250)]);
        assert_eq!(lifetimes(&report, PoolName::Contributors), [(key(10), 750), (key(11), 250)]);
        assert_eq!(lifetimes(&report, PoolName::Validators), [(key(50), 75), (key(51), 25)]);
        assert_eq!(report.models.iter().map(|m| m.job).collect::<Vec<_>>(), [key(JOB)], "the job that was asked");
    }

    proptest! {
        /// P1: over epochs of any payments, everything that was paid in is either somebody's or still in the pool.
        #[test]
        fn nothing_is_lost_or_paid_twice_over_any_epochs(
            epochs in prop::collection::vec(
                (
                    prop::collection::vec((0u64..1 << 40, 0u64..1 << 40, any::<[u8; 3]>(), any::<bool>()), 0..5),
                    0u64..1 << 40,
                    any::<bool>(),
                ),
                1..5,
            ),
        ) {
            let documents = [document(1, 10, &[50, 51, 52]), document(2, 11, &[]), document(3, 10, &[51])];
            let training = weights(&[1, 2, 3]);
            let (mut before, mut paid_in): (Option<SettlementReport>, [u128; POOLS]) = (None, [0; POOLS]);
            for (payments, given, ready) in epochs {
                let mut paid: Vec<(Payment, Option<Weights>)> = Vec::new();
                let mut shares = vec![
                    data_share(given / 3),
                    gift(PoolName::Validators, given),
                ];
                for (n, (c, v, parts, held)) in payments.iter().enumerate() {
                    paid_in[0] += u128::from(*c);
                    paid_in[1] += u128::from(*v);
                    let parts: Vec<u64> = parts.iter().map(|p| u64::from(*p)).collect();
                    let own = Weights::in_proportion(&parts).filter(|_| !held);
                    paid.push((payment(n as u8, *c, *v), own));
                }
                paid_in[0] += u128::from(given / 3);
                paid_in[1] += u128::from(given);
                if let Some(before) = &before {
                    for a in before.answers.iter().filter(|a| matches!(a.divided, Divided::Held { .. })) {
                        paid.push((payment(200, a.contributors.0, a.validators.0), Some(weights(&[1, 1, 1]))));
                    }
                    shares.extend(before.funded.iter().filter(|f| f.held).cloned());
                }
                let (report, roots) =
                    settled(&documents, &paid, shares, ready.then_some(&training), before.as_ref());
                for (n, pool) in report.pools.iter().enumerate() {
                    let all = u128::from(roots[n].lifetime_total) + u128::from(pool.carried.0);
                    prop_assert_eq!(all, paid_in[n], "pool {}", n);
                    let was = before.as_ref().map_or(0, |b| b.pools[n].lifetime_total.0);
                    prop_assert_eq!(roots[n].lifetime_total, was + pool.added.0);
                }
                before = Some(report);
            }
        }
    }
}
