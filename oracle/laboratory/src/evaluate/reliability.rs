//! Measures how much of a document's pay is its own and how much is the training seed's.
//!
//! The same documents are trained on with several seeds. Each seed's scores divide the same answers' fees, each answer's
//! fee by its own scores alone. Two divisions are compared by *rank* (Spearman's correlation) and by *variation* (total
//! variation: half of the sum of the differences, the part of the money that another seed would give to others).
//!
//! A rank correlation of pay flatters every method. A document with large scores for everything earns from their positive
//! halves, whatever their signs. So two things stand beside it. The *net* pay is the pay above what the sizes of the
//! scores alone would earn: with signs by lot a document's expected share is |s|/Σ|s|. And [`signs_by_lot`] makes a
//! control of any scores, which keeps the sizes and draws the signs: what agrees there is no influence. *Noise* is the
//! variation between seeds divided by the variation between the pay and an equal one.

use super::{correlation::spearman, rng};
use openledger_attribution::{AttributionError, Result};
use rand_chacha::rand_core::RngCore;
use serde::Serialize;

/// Scores of one seed, answers × documents.
pub type Scores = Vec<Vec<f64>>;

/// What documents are paid if each answer's fee is divided by its own scores.
#[derive(Clone, Debug, PartialEq)]
pub struct Pay {
    /// Each answer's shares, answers × documents. They sum to 1, or are all 0 if no score of the answer is positive.
    pub answers: Vec<Vec<f64>>,
    /// Each document's mean share over the answers.
    pub total: Vec<f64>,
    /// What of it is above the pay for the sizes of its scores alone.
    pub net: Vec<f64>,
}

impl Pay {
    /// Divides by the positive parts of scores × `sizes`. `sizes` has one factor for each document, for example its
    /// number of target tokens where scores are for mean losses.
    pub fn isolated(scores: &[Vec<f64>], sizes: &[f64]) -> Self {
        let sized = |f: &dyn Fn(f64) -> f64| -> Vec<Vec<f64>> {
            scores.iter().map(|s| shares(s.iter().zip(sizes).map(|(s, n)| f(s * n)))).collect()
        };
        let (answers, by_size) = (sized(&|v| v.max(0.0)), sized(&f64::abs));
        let total = mean(&answers);
        let net = total.iter().zip(mean(&by_size)).map(|(pay, size)| pay - size).collect();
        Self { answers, total, net }
    }

    /// Adds all answers' scores before the positive part is taken, as one functional for a whole epoch does. It has one
    /// answer.
    pub fn together(scores: &[Vec<f64>], sizes: &[f64]) -> Self {
        let sum = (0..sizes.len()).map(|i| scores.iter().map(|s| s[i]).sum()).collect();
        Self::isolated(&[sum], sizes)
    }
}

/// Numbers that are not negative, divided by their sum. All are 0 if the sum is 0.
fn shares(parts: impl Iterator<Item = f64>) -> Vec<f64> {
    let parts: Vec<f64> = parts.collect();
    let sum: f64 = parts.iter().sum();
    if sum > 0.0 { parts.into_iter().map(|p| p / sum).collect() } else { vec![0.0; parts.len()] }
}

fn mean(rows: &[Vec<f64>]) -> Vec<f64> {
    let width = rows.first().map_or(0, Vec::len);
    (0..width).map(|i| rows.iter().map(|r| r[i]).sum::<f64>() / rows.len() as f64).collect()
}

/// Sums a list over documents by owner. `owners` has each document's owner, from 0.
pub fn by_owner(values: &[f64], owners: &[usize]) -> Vec<f64> {
    let mut sums = vec![0.0; owners.iter().max().map_or(0, |most| most + 1)];
    for (value, owner) in values.iter().zip(owners) {
        sums[*owner] += value;
    }
    sums
}

/// Half of the sum of the differences.
pub fn variation(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum::<f64>() / 2.0
}

/// The variation between a division and an equal one.
pub fn spread(pay: &[f64]) -> f64 {
    variation(pay, &vec![1.0 / pay.len() as f64; pay.len()])
}

/// How two divisions of the same fees agree, or the mean of several such comparisons.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Agreement {
    /// Rank correlation of documents' pay.
    pub document_rank: f64,
    /// Variation of documents' pay.
    pub document_variation: f64,
    /// Rank correlation of owners' pay.
    pub owner_rank: f64,
    /// Variation of owners' pay.
    pub owner_variation: f64,
    /// Mean variation of single answers' shares.
    pub answer_variation: f64,
    /// Rank correlation of documents' net pay.
    pub net_document_rank: f64,
    /// Rank correlation of owners' net pay.
    pub net_owner_rank: f64,
}

impl Agreement {
    /// Compares two divisions of the same answers' fees among the same documents.
    pub fn between(a: &Pay, b: &Pay, owners: &[usize]) -> Self {
        let of_owners = |values: &[f64]| by_owner(values, owners);
        let answers = a.answers.iter().zip(&b.answers).map(|(a, b)| variation(a, b)).sum::<f64>();
        Self {
            document_rank: spearman(&a.total, &b.total),
            document_variation: variation(&a.total, &b.total),
            owner_rank: spearman(&of_owners(&a.total), &of_owners(&b.total)),
            owner_variation: variation(&of_owners(&a.total), &of_owners(&b.total)),
            answer_variation: answers / a.answers.len() as f64,
            net_document_rank: spearman(&a.net, &b.net),
            net_owner_rank: spearman(&of_owners(&a.net), &of_owners(&b.net)),
        }
    }

    /// The means of the fields. All are 0 without any comparison.
    pub fn mean(all: &[Self]) -> Self {
        let of = |field: fn(&Self) -> f64| all.iter().map(field).sum::<f64>() / all.len().max(1) as f64;
        Self {
            document_rank: of(|a| a.document_rank),
            document_variation: of(|a| a.document_variation),
            owner_rank: of(|a| a.owner_rank),
            owner_variation: of(|a| a.owner_variation),
            answer_variation: of(|a| a.answer_variation),
            net_document_rank: of(|a| a.net_document_rank),
            net_owner_rank: of(|a| a.net_owner_rank),
        }
    }
}

/// How the seeds of one method agree with each other.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Reliability {
    /// Seeds whose scores are averaged before they pay.
    pub group: usize,
    /// Number of pairs of disjoint groups.
    pub pairs: usize,
    /// Means over the pairs.
    pub agreement: Agreement,
    /// Mean variation between documents' pay and equal pay.
    pub spread: f64,
    /// Variation of documents' pay between groups, divided by the spread.
    pub noise: f64,
}

impl Reliability {
    /// Compares all pairs of disjoint groups of `group` seeds. `seeds` has each seed's scores. Fails if there are fewer
    /// than two groups or the lists do not fit each other.
    pub fn measure(seeds: &[Scores], group: usize, sizes: &[f64], owners: &[usize]) -> Result<Self> {
        check(seeds, sizes, owners)?;
        let paid: Vec<Pay> = groups(seeds.len(), group)
            .into_iter()
            .map(|members| Pay::isolated(&average(&members.map(|i| &seeds[i]).collect::<Vec<_>>()), sizes))
            .collect();
        Self::of(&paid, group, owners)
    }

    /// Compares all pairs of divisions. Each was made of `group` seeds of its own.
    pub fn of(paid: &[Pay], group: usize, owners: &[usize]) -> Result<Self> {
        let pairs: Vec<Agreement> = (0..paid.len())
            .flat_map(|a| (a + 1..paid.len()).map(move |b| (a, b)))
            .map(|(a, b)| Agreement::between(&paid[a], &paid[b], owners))
            .collect();
        if pairs.is_empty() {
            return Err(AttributionError::setting("seeds", "there must be at least two groups of them to compare"));
        }
        let agreement = Agreement::mean(&pairs);
        let spread = paid.iter().map(|p| spread(&p.total)).sum::<f64>() / paid.len() as f64;
        Ok(Self { group, pairs: pairs.len(), agreement, spread, noise: agreement.document_variation / spread })
    }
}

/// Compares each seed's pay with what a reference pays on average over the *other* seeds: what a document is worth
/// whatever the seed. Both have the same seeds in the same order, at least two. The result is the mean over seeds.
pub fn against_others(seeds: &[Scores], reference: &[Scores], sizes: &[f64], owners: &[usize]) -> Result<Agreement> {
    check(seeds, sizes, owners)?;
    check(reference, sizes, owners)?;
    if seeds.len() != reference.len() || seeds.len() < 2 {
        return Err(AttributionError::setting(
            "seeds",
            format!("{} are compared with {}; give the same, at least two", seeds.len(), reference.len()),
        ));
    }
    let one = |(i, own): (usize, &Scores)| {
        let others: Vec<&Scores> = reference.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, s)| s).collect();
        Agreement::between(&Pay::isolated(own, sizes), &Pay::isolated(&average(&others), sizes), owners)
    };
    Ok(Agreement::mean(&seeds.iter().enumerate().map(one).collect::<Vec<_>>()))
}

/// Mean of several seeds' scores. Each seed's are scaled to the same size, because the size says how much the run learned
/// and not who taught it. A seed whose scores are all 0 counts as 0.
pub fn average(seeds: &[&Scores]) -> Scores {
    let scale: Vec<f64> = seeds
        .iter()
        .map(|s| s.iter().flatten().map(|v| v * v).sum::<f64>().sqrt())
        .map(|size| if size > 0.0 { 1.0 / (size * seeds.len() as f64) } else { 0.0 })
        .collect();
    let answers = seeds.first().map_or(0, |s| s.len());
    let of = |answer: usize| {
        let width = seeds[0][answer].len();
        (0..width).map(|i| seeds.iter().zip(&scale).map(|(s, scale)| s[answer][i] * scale).sum()).collect()
    };
    (0..answers).map(of).collect()
}

/// The control: these scores' sizes, with signs by lot.
pub fn signs_by_lot(scores: &[Vec<f64>], seed: u64) -> Scores {
    let mut rng = rng::seeded(seed, u64::from_le_bytes(*b"the lots"));
    let mut lot = |v: &f64| if rng.next_u32().is_multiple_of(2) { v.abs() } else { -v.abs() };
    scores.iter().map(|s| s.iter().map(&mut lot).collect()).collect()
}

/// As many disjoint groups of `size` of the positions below `count` as there are, in order.
fn groups(count: usize, size: usize) -> Vec<std::ops::Range<usize>> {
    let size = size.max(1);
    (0..count / size).map(|g| g * size..(g + 1) * size).collect()
}

/// Fails if seeds differ in answers or documents, or a number is not finite.
fn check(seeds: &[Scores], sizes: &[f64], owners: &[usize]) -> Result<()> {
    let answers = seeds.first().map_or(0, Vec::len);
    let fits = |s: &Scores| s.len() == answers && s.iter().all(|row| row.len() == sizes.len());
    let finite = seeds.iter().flatten().flatten().chain(sizes).all(|v| v.is_finite());
    if answers == 0 || owners.len() != sizes.len() || !seeds.iter().all(fits) || !finite {
        return Err(AttributionError::Scores(format!(
            "every seed needs finite scores of the same answers (at least one) for all {} documents, and every document \
             an owner ({} are given)",
            sizes.len(),
            owners.len()
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::rng;
    use openledger_pay::{ClusterSettings, Clusters, Document, PayInput, PaySettings, Windows};
    use proptest::prelude::*;
    use rand_chacha::rand_core::RngCore;

    fn normal(rng: &mut impl RngCore) -> f64 {
        (0..12).map(|_| f64::from(rng.next_u32()) / f64::from(u32::MAX)).sum::<f64>() - 6.0
    }

    /// Scores of `seeds` seeds: what all seeds share times `common`, and noise; each document has a size of its own.
    fn drawn(seeds: u64, common: f64) -> Vec<Scores> {
        let (answers, documents) = (10, 60);
        let mut shared = rng::seeded(99, 0);
        let truth: Scores = (0..answers).map(|_| (0..documents).map(|_| normal(&mut shared)).collect()).collect();
        (0..seeds)
            .map(|seed| {
                let mut own = rng::seeded(seed, 1);
                let row = |t: &Vec<f64>| {
                    let noisy = |(i, t): (usize, &f64)| (1.0 + i as f64) * (common * t + normal(&mut own));
                    t.iter().enumerate().map(noisy).collect()
                };
                truth.iter().map(row).collect()
            })
            .collect()
    }

    fn even(documents: usize) -> (Vec<f64>, Vec<usize>) {
        (vec![1.0; documents], (0..documents).map(|i| i / 6).collect())
    }

    #[test]
    fn sizes_alone_rank_alike_between_seeds_but_earn_no_net_rank() {
        let (sizes, owners) = even(60);
        let control = Reliability::measure(&drawn(6, 0.0), 1, &sizes, &owners).unwrap();
        assert!(control.agreement.document_rank > 0.5 && control.agreement.owner_rank > 0.8, "{control:?}");
        assert!(control.agreement.net_document_rank.abs() < 0.15, "{control:?}");
        assert_eq!(control.pairs, 15);
        let real = Reliability::measure(&drawn(6, 2.0), 1, &sizes, &owners).unwrap();
        assert!(real.agreement.net_document_rank > 0.6 && real.noise < control.noise, "{real:?}");
        assert!(real.agreement.answer_variation < control.agreement.answer_variation);
    }

    #[test]
    fn lots_keep_sizes_and_take_what_signs_agree_on() {
        let (sizes, owners) = even(60);
        let seeds = drawn(4, 3.0);
        let control: Vec<Scores> = seeds.iter().zip(0..).map(|(s, seed)| signs_by_lot(s, seed)).collect();
        for (own, lot) in seeds.iter().flatten().flatten().zip(control.iter().flatten().flatten()) {
            assert_eq!(own.abs(), lot.abs());
        }
        let rank = |s: &[Scores]| Reliability::measure(s, 1, &sizes, &owners).unwrap().agreement.net_document_rank;
        assert!(rank(&seeds) > 0.6 && rank(&control).abs() < 0.15);
        assert_eq!(signs_by_lot(&seeds[0], 3), signs_by_lot(&seeds[0], 3));
    }

    #[test]
    fn groups_of_seeds_are_disjoint_and_agree_better() {
        assert_eq!(groups(7, 3), [0..3, 3..6]);
        let (sizes, owners) = even(60);
        let seeds = drawn(6, 1.0);
        let of = |group| Reliability::measure(&seeds, group, &sizes, &owners).unwrap();
        assert_eq!((of(3).pairs, of(2).pairs), (1, 3));
        assert!(of(3).agreement.document_variation < of(1).agreement.document_variation);
        assert!(Reliability::measure(&seeds, 4, &sizes, &owners).is_err());
    }

    #[test]
    fn a_seed_is_compared_with_the_others_only() {
        let (sizes, owners) = even(2);
        let (a, b) = (vec![vec![1.0, 0.0]], vec![vec![0.0, 1.0]]);
        let own = against_others(&[a.clone(), b.clone()], &[a.clone(), b.clone()], &sizes, &owners).unwrap();
        assert_eq!((own.document_variation, own.answer_variation), (1.0, 1.0));
        let same = against_others(&[a.clone(), a.clone()], &[a.clone(), a.clone()], &sizes, &owners).unwrap();
        assert_eq!(same.document_variation, 0.0);
        let one = std::slice::from_ref(&a);
        assert!(against_others(one, one, &sizes, &owners).is_err());
        assert!(against_others(&[a.clone(), b], &[a.clone(), vec![vec![f64::NAN, 0.0]]], &sizes, &owners).is_err());
    }

    #[test]
    fn one_functional_for_all_answers_lets_one_answer_take_anothers_money() {
        let sizes = [1.0, 1.0];
        let scores = [vec![1.0, 0.5], vec![-2.0, 0.5]];
        assert_eq!(Pay::together(&scores, &sizes).total, [0.0, 1.0]);
        let isolated = Pay::isolated(&scores, &sizes);
        assert!((isolated.total[0] - 1.0 / 3.0).abs() < 1e-12 && (isolated.answers[1][1] - 1.0).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn shares_are_those_that_the_product_pays(
            scores in prop::collection::vec(-10f32..10.0, 2..20),
            targets in prop::collection::vec(1u32..50, 20),
        ) {
            // Hashes are texts that resemble none of the others.
            let texts: Vec<String> =
                (0..scores.len()).map(|i| hex::encode(openledger_lm::sha256(&i.to_le_bytes()))).collect();
            let documents: Vec<Document> = texts.iter().zip(0u8..).map(|(text, i)| {
                Document { id: [i; 32], order: i.into(), text }
            }).collect();
            let clusters = Clusters::by_text(&documents, &ClusterSettings::default()).unwrap();
            let ids: Vec<[u8; 32]> = documents.iter().map(|d| d.id).collect();
            let targets = &targets[..scores.len()];
            let (windows, ids, clusters) = (&Windows::single(scores.len()), &ids, &clusters);
            let input = PayInput { windows, ids, scores: &scores, targets, self_influence: None, clusters };
            let settings = PaySettings { cap_ppm: 1_000_000, ..PaySettings::exact() };
            let paid = openledger_pay::shares(&input, &settings).unwrap().per_document;
            let wide = vec![scores.iter().map(|s| f64::from(*s)).collect::<Vec<_>>()];
            let ours = Pay::isolated(&wide, &targets.iter().map(|t| f64::from(*t)).collect::<Vec<_>>());
            for (paid, ours) in paid.iter().zip(&ours.total) {
                prop_assert!((*paid as f64 / 1e6 - ours).abs() < 2e-6);
            }
        }
    }
}
