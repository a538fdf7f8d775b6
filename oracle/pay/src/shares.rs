//! Applies all the rules in their order: what each document earns.

use crate::{
    cap::capped_shares,
    clusters::Clusters,
    error::{PayError, Result},
    floor::above_noise,
    integer_weights::{check_finite, integer_weights},
    normalise::{Measured, normalise},
    settings::PaySettings,
    windows::Windows,
};
use openledger_protocol::{
    Hash32,
    allocate::PPM,
    weights::{WHOLE, Weights},
};
use std::ops::Range;

/// What pay is computed from. Every list has one entry for each example, in the same order.
#[derive(Clone, Copy, Debug)]
pub struct PayInput<'a> {
    /// Which examples are of which document.
    pub windows: &'a Windows,
    /// The leaves that name the examples' documents.
    pub ids: &'a [Hash32],
    /// The attributor's scores, each for the mean loss of an example.
    pub scores: &'a [f32],
    /// Tokens that count in each example's loss, at least 1.
    pub targets: &'a [u32],
    /// gᵢᵀ(F+λI)⁻¹gᵢ of each example's mean loss (`openledger_attribution::precondition`). Only some normalisations
    /// need it.
    pub self_influence: Option<&'a [f64]>,
    /// Which documents repeat others. It has one entry for each document.
    pub clusters: &'a Clusters,
}

/// The division of a whole among documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shares {
    /// Every document's share, in the input's order. Documents that repeat another have 0.
    pub per_document: Vec<u64>,
    /// The share that the cap leaves over. All shares and this one sum to the whole, or to 0 if no document earns
    /// anything.
    pub unallocated: u64,
}

/// Divides 1,000,000 among documents: see [`weights`].
pub fn shares(input: &PayInput, settings: &PaySettings) -> Result<Shares> {
    divide(PPM, input, settings)
}

/// What each document earns of an answer's fee. The result does not depend on the order in which documents are listed.
///
/// `rest` divides what the scores leave over: everything if no document has a score above zero, and what is above the
/// cap where too few documents have one. It has one weight for each document.
///
/// Scores and self-influence of documents that repeat another do not change the result. They must still be finite.
/// Fails if lists do not fit each other or a number is not allowed.
pub fn weights(input: &PayInput, settings: &PaySettings, rest: &Weights) -> Result<Weights> {
    let Shares { mut per_document, unallocated } = divide(WHOLE, input, settings)?;
    if rest.values().len() != per_document.len() {
        return Err(PayError::Scores(format!(
            "the rest is divided among {} documents, there are {}",
            rest.values().len(),
            per_document.len()
        )));
    }
    let left = WHOLE - per_document.iter().sum::<u64>();
    debug_assert!(unallocated == left || unallocated == 0);
    for (own, more) in per_document.iter_mut().zip(rest.divide(left)) {
        *own += more;
    }
    Ok(Weights::in_proportion(&per_document).expect("what the scores leave over is divided too"))
}

/// Weights in proportion to the tokens that were learned of each document. `targets` has the tokens of each example.
/// Documents that repeat another have 0. `None` if there are no documents.
pub fn by_tokens(targets: &[u32], windows: &Windows, clusters: &Clusters) -> Option<Weights> {
    let own = |(i, examples): (usize, Range<usize>)| match clusters.owner(i) == i {
        true => targets[examples].iter().map(|t| u64::from(*t)).sum(),
        false => 0,
    };
    Weights::in_proportion(&windows.iter().enumerate().map(own).collect::<Vec<u64>>())
}

fn divide(whole: u64, input: &PayInput, settings: &PaySettings) -> Result<Shares> {
    settings.validate()?;
    let self_influence = check(input, settings)?;
    // The owners are taken in the order of registration, so that rounding does not depend on the list's order either.
    let owners = input.clusters.owners();
    let examples = owners.iter().flat_map(|document| input.windows.of_document(*document));
    let measured: Vec<Measured> = examples
        .map(|i| Measured {
            score: f64::from(input.scores[i]),
            targets: input.targets[i],
            self_influence: self_influence.map_or(0.0, |values| values[i]),
        })
        .collect();
    let normalised = normalise(&measured, settings.normalisation);
    let sized: Vec<(f64, u64)> = normalised.into_iter().zip(measured.iter().map(|m| u64::from(m.targets))).collect();
    // Each window is held against the floor by itself. So cutting a document sheds nothing that counted against it.
    let mut each = above_noise(&sized, settings.noise_floor).into_iter();
    let sums: Vec<f64> =
        owners.iter().map(|document| each.by_ref().take(input.windows.of_document(*document).len()).sum()).collect();
    let weights = integer_weights(&sums);
    let (parts, unallocated) = capped_shares(whole, &weights, settings.cap_ppm * (whole / PPM));
    let mut per_document = vec![0; input.clusters.len()];
    for (owner, part) in owners.into_iter().zip(parts) {
        per_document[owner] = part;
    }
    Ok(Shares { per_document, unallocated })
}

/// Fails if the lists do not fit each other or a number is not allowed. Returns the self-influences if the rule needs
/// them.
fn check<'a>(input: &PayInput<'a>, settings: &PaySettings) -> Result<Option<&'a [f64]>> {
    let (documents, n) = (input.clusters.len(), input.windows.examples());
    if input.windows.documents() != documents {
        return Err(PayError::Scores(format!(
            "there are {documents} documents, but examples of {}",
            input.windows.documents()
        )));
    }
    let self_influence = input.self_influence.filter(|_| settings.normalisation.needs_self_influence());
    let lengths = [input.scores.len(), input.ids.len(), input.targets.len()];
    if lengths.iter().chain(self_influence.map(<[f64]>::len).iter()).any(|length| *length != n) {
        return Err(PayError::Scores(format!(
            "there are {n} examples, but {lengths:?} scores, ids and target counts and {:?} self-influences; give \
             one each",
            self_influence.map(<[f64]>::len)
        )));
    }
    check_finite(input.ids, input.scores)?;
    let named = |i: usize| hex::encode(input.ids[i]);
    if let Some(i) = input.targets.iter().position(|t| *t == 0) {
        return Err(PayError::Scores(format!("example {} has no target tokens; leave it out", named(i))));
    }
    if settings.normalisation.needs_self_influence() && self_influence.is_none() {
        return Err(PayError::Scores(
            "the normalisation needs each example's self-influence; give it, or choose `none` or `cosine`".into(),
        ));
    }
    if let Some(values) = self_influence
        && let Some(i) = values.iter().position(|v| !(0.0..=1e100).contains(v))
    {
        let (id, value) = (named(i), values[i]);
        return Err(PayError::Scores(format!(
            "the self-influence of example {id} is {value}; it must be between 0 and 1e100"
        )));
    }
    Ok(self_influence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ClusterSettings, Document, Normalisation};
    use openledger_protocol::hash::sha256;
    use proptest::prelude::*;

    /// A document with its score and self-influence.
    #[derive(Clone, Debug)]
    struct Case {
        order: u64,
        text: String,
        score: f32,
        targets: u32,
        self_influence: f64,
    }

    fn case(order: u64, text: &str, score: f32) -> Case {
        Case { order, text: text.into(), score, targets: 10, self_influence: 1.0 }
    }

    fn try_pay(cases: &[Case], settings: &PaySettings) -> Result<Shares> {
        let id = |order: u64| {
            let mut id = [0; 32];
            id[..8].copy_from_slice(&order.to_le_bytes());
            id
        };
        let documents: Vec<Document> =
            cases.iter().map(|c| Document { id: id(c.order), order: c.order, text: &c.text }).collect();
        let clusters = Clusters::by_text(&documents, &settings.clusters)?;
        let ids: Vec<Hash32> = documents.iter().map(|d| d.id).collect();
        let scores: Vec<f32> = cases.iter().map(|c| c.score).collect();
        let targets: Vec<u32> = cases.iter().map(|c| c.targets).collect();
        let own: Vec<f64> = cases.iter().map(|c| c.self_influence).collect();
        let self_influence = Some(own.as_slice());
        let windows = &Windows::single(cases.len());
        let (ids, targets, clusters) = (&ids, &targets, &clusters);
        shares(&PayInput { windows, ids, scores: &scores, targets, self_influence, clusters }, settings)
    }

    fn pay(cases: &[Case], settings: &PaySettings) -> Shares {
        try_pay(cases, settings).unwrap()
    }

    #[test]
    fn a_copy_earns_nothing_and_moves_nothing_whatever_its_score() {
        let honest = [case(1, "the first document", 1.0), case(2, "quite another text", 2.0), case(3, "a third", 0.5)];
        let before = pay(&honest, &PaySettings::default());
        // 2/3.5 of the pool is above the cap of a half.
        assert_eq!((&before.per_document[..], before.unallocated), (&[333_333, 500_000, 166_667][..], 0));
        for score in [1e30, -1e30, 2.0] {
            let copy = Case { self_influence: 1e50, targets: 1_000_000, ..case(9, "Quite ANOTHER text!", score) };
            let after = pay(&[&honest[..], &[copy]].concat(), &PaySettings::default());
            assert_eq!((&after.per_document[..3], after.per_document[3]), (before.per_document.as_slice(), 0));
        }
    }

    /// P2: an answer's fee is divided by that answer's scores, and what they leave over by the rest.
    #[test]
    fn what_the_scores_leave_over_is_divided_by_the_rest() {
        let rest = Weights::in_proportion(&[1, 1, 2]).unwrap();
        let of = |scores: [f32; 3], cap_ppm| {
            let cases: Vec<Case> = (0..3).map(|i| case(i, TEXTS[i as usize], scores[i as usize])).collect();
            let documents: Vec<Document> =
                cases.iter().map(|c| Document { id: [c.order as u8; 32], order: c.order, text: &c.text }).collect();
            let settings = PaySettings { cap_ppm, ..PaySettings::exact() };
            let clusters = Clusters::by_text(&documents, &settings.clusters).unwrap();
            let ids: Vec<Hash32> = documents.iter().map(|d| d.id).collect();
            let (targets, self_influence) = ([10; 3], None);
            let (windows, ids, clusters) = (&Windows::single(3), &ids, &clusters);
            let input = PayInput { windows, ids, scores: &scores, targets: &targets, self_influence, clusters };
            weights(&input, &settings, &rest).unwrap().divide(1_000)
        };
        assert_eq!(of([3.0, 1.0, -5.0], PPM), [750, 250, 0]);
        assert_eq!(of([-1.0, 0.0, -5.0], PPM), [250, 250, 500], "no score is positive");
        assert_eq!(of([3.0, 0.0, 0.0], 400_000), [400 + 150, 150, 300], "the one document that earns is at the cap");
    }

    #[test]
    fn tokens_of_repetitions_do_not_count() {
        let documents = [(0, TEXTS[0]), (1, TEXTS[1]), (2, TEXTS[5])];
        let documents = documents.map(|(order, text)| Document { id: [order as u8; 32], order, text });
        let clusters = Clusters::by_text(&documents, &ClusterSettings::default()).unwrap();
        assert_eq!(by_tokens(&[30, 10, 60], &Windows::single(3), &clusters).unwrap().divide(100), [75, 25, 0]);
        let windows = Windows::of([0, 0, 1, 2]);
        assert_eq!(by_tokens(&[20, 10, 10, 60], &windows, &clusters).unwrap().divide(100), [75, 25, 0]);
        let none = Clusters::by_text(&[], &ClusterSettings::default()).unwrap();
        assert_eq!(by_tokens(&[], &Windows::default(), &none), None);
    }

    #[test]
    fn lists_that_do_not_fit_and_numbers_that_are_none_are_refused() {
        let honest = || vec![case(1, "the first document", 1.0), case(2, "quite another text", 2.0)];
        let refused = |change: &dyn Fn(&mut Case), expected: &str| {
            let mut cases = honest();
            change(&mut cases[1]);
            let error = try_pay(&cases, &PaySettings::default()).unwrap_err().to_string();
            assert!(error.contains(expected) && error.contains("0200000000000000"), "{error}");
        };
        refused(&|c| c.score = f32::NAN, "NaN");
        refused(&|c| c.targets = 0, "no target tokens");
        refused(&|c| c.self_influence = -1.0, "self-influence");
        refused(&|c| c.self_influence = f64::INFINITY, "self-influence");

        let clusters = Clusters::by_text(&[], &ClusterSettings::default()).unwrap();
        let (ids, windows, targets, clusters) = (&[[1; 32]], &Windows::single(1), &[1], &clusters);
        let input = PayInput { windows, ids, scores: &[1.0], targets, self_influence: None, clusters };
        assert!(shares(&input, &PaySettings::default()).unwrap_err().to_string().contains("0 documents"));
        let none = PayInput { windows: &Windows::default(), ..input };
        assert!(shares(&none, &PaySettings::default()).unwrap_err().to_string().contains("0 examples"));
        let documents = [Document { id: [1; 32], order: 0, text: "a" }];
        let clusters = Clusters::by_text(&documents, &ClusterSettings::default()).unwrap();
        let input = PayInput { clusters: &clusters, ..input };
        assert!(shares(&input, &PaySettings::default()).unwrap_err().to_string().contains("self-influence"));
        let plain = PaySettings { normalisation: Normalisation::None, cap_ppm: PPM, ..Default::default() };
        assert_eq!(shares(&input, &plain).unwrap(), Shares { per_document: vec![PPM], unallocated: 0 });
    }

    #[test]
    fn a_document_is_paid_once_for_what_its_windows_have_above_zero() {
        let documents = [0, 1, 2].map(|i| Document { id: [i as u8; 32], order: i, text: TEXTS[i as usize] });
        let clusters = &Clusters::by_text(&documents, &ClusterSettings::default()).unwrap();
        let settings = PaySettings { cap_ppm: PPM, ..PaySettings::exact() };
        let rest = Weights::in_proportion(&[1, 1, 1]).unwrap();
        let of = |windows: &Windows, ids: &[Hash32], scores: &[f32]| {
            let targets = &vec![1; scores.len()];
            let input = PayInput { windows, ids, scores, targets, self_influence: None, clusters };
            weights(&input, &settings, &rest).unwrap()
        };
        let ids = [0, 1, 1, 1, 2].map(|i| [i; 32]);
        let cut = of(&Windows::of(ids), &ids, &[2.0, 0.5, -0.25, 3.0, 1.0]);
        let whole = of(&Windows::single(3), &[[0; 32], [1; 32], [2; 32]], &[2.0, 3.5, 1.0]);
        assert_eq!(cut, whole);
        assert_eq!((cut.values().len(), cut.values().iter().sum::<u64>()), (3, WHOLE));
    }

    const RULES: [Normalisation; 4] =
        [Normalisation::None, Normalisation::Cosine, Normalisation::Relative, Normalisation::Guard { limit: 4.0 }];

    fn settings() -> impl Strategy<Value = PaySettings> {
        (0usize..4, 0f64..4.0, 100_000u64..=PPM).prop_map(|(rule, noise_floor, cap_ppm)| PaySettings {
            normalisation: RULES[rule],
            noise_floor,
            cap_ppm,
            ..Default::default()
        })
    }

    /// Arbitrary scores over texts of which many repeat each other.
    fn cases() -> impl Strategy<Value = Vec<Case>> {
        let one = (0usize..8, -10f32..10.0, 1u32..100, 0f64..100.0);
        prop::collection::vec(one, 1..14).prop_map(|all| {
            all.into_iter()
                .enumerate()
                .map(|(i, (text, score, targets, self_influence))| Case {
                    order: i as u64,
                    text: TEXTS[text].into(),
                    score,
                    targets,
                    self_influence,
                })
                .collect()
        })
    }

    const TEXTS: [&str; 8] = [
        "gulls over the harbour",
        "a recipe for rye bread",
        "how tides are predicted",
        "how tides are foretold",
        "the rules of chess",
        "Gulls, over the harbour",
        "minutes of a meeting",
        "minutes of the meeting",
    ];

    // The scores are arbitrary, as an attacker who controls the model could produce them.
    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn shares_and_the_rest_are_a_million_and_none_exceeds_the_cap(cases in cases(), settings in settings()) {
            let paid = pay(&cases, &settings);
            let sum = paid.per_document.iter().sum::<u64>() + paid.unallocated;
            prop_assert!(sum == PPM || (sum == 0 && cases.iter().all(|c| c.score < 10.0)));
            prop_assert!(paid.per_document.iter().all(|p| *p <= settings.cap_ppm));
            for (case, part) in cases.iter().zip(&paid.per_document) {
                prop_assert!(case.score > 0.0 || *part == 0);
            }
        }

        #[test]
        fn the_order_of_the_list_does_not_matter(cases in cases(), settings in settings(), turn in 0usize..14) {
            let paid = pay(&cases, &settings);
            let turn = turn % cases.len();
            let mut turned = cases.clone();
            turned.rotate_left(turn);
            let mut expected = paid.per_document;
            expected.rotate_left(turn);
            prop_assert_eq!(pay(&turned, &settings), Shares { per_document: expected, unallocated: paid.unallocated });
        }

        #[test]
        fn later_duplicates_of_any_score_change_no_share(
            cases in cases(),
            settings in settings(),
            copies in prop::collection::vec((0usize..14, -1e6f32..1e6, 1u32..1000, 0f64..1e6), 0..8),
        ) {
            let before = pay(&cases, &settings);
            let copies = copies.iter().enumerate().map(|(i, (of, score, targets, self_influence))| Case {
                order: 100 + i as u64,
                text: format!(" {} ", cases[of % cases.len()].text.to_uppercase()),
                score: *score,
                targets: *targets,
                self_influence: *self_influence,
            });
            let after = pay(&cases.iter().cloned().chain(copies).collect::<Vec<_>>(), &settings);
            prop_assert_eq!(&after.per_document[..cases.len()], &before.per_document[..]);
            prop_assert_eq!(after.unallocated, before.unallocated);
        }

        #[test]
        fn a_higher_score_never_earns_less(
            cases in cases(), settings in settings(), who in 0usize..14, more in 0f32..10.0,
        ) {
            let who = who % cases.len();
            let before = pay(&cases, &settings).per_document[who];
            let mut raised = cases;
            raised[who].score += more;
            // Rounding may take one part.
            prop_assert!(pay(&raised, &settings).per_document[who] + 1 >= before);
        }
    }

    // The scores are as from an attributor that is linear in the gradient: the pieces' sums add up to the whole's.
    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        /// Windows of one document, and the same texts as documents of their own. Some do harm, and their gradients differ
        /// in strength, so that the guard holds some back.
        #[test]
        fn a_document_in_windows_earns_what_its_pieces_earn_as_documents(
            pieces in prop::collection::vec((-10f32..10.0, 1u32..50, 0.1f64..9.0), 1..6),
            others in prop::collection::vec((-10f32..10.0, 1u32..50, 0.1f64..9.0), 3..10),
            rule in 0usize..4,
            noise_floor in 0f64..4.0,
        ) {
            let settings = PaySettings { normalisation: RULES[rule], noise_floor, cap_ppm: PPM, ..Default::default() };
            let all: Vec<(f32, u32, f64)> = others.iter().chain(&pieces).copied().collect();
            let scores: Vec<f32> = all.iter().map(|p| p.0).collect();
            let targets: Vec<u32> = all.iter().map(|p| p.1).collect();
            let own: Vec<f64> = all.iter().map(|p| p.2).collect();
            let paid = |windows: Windows| {
                let clusters = &Clusters::given(windows.documents(), []).unwrap();
                let ids = &vec![[0; 32]; all.len()];
                let (scores, targets, self_influence) = (&scores, &targets, Some(own.as_slice()));
                let input = PayInput { windows: &windows, ids, scores, targets, self_influence, clusters };
                shares(&input, &settings).unwrap().per_document
            };
            let names = (0..all.len()).map(|i| i.min(others.len()));
            let (whole, cut) = (paid(Windows::of(names)), paid(Windows::single(all.len())));
            let together: u64 = cut[others.len()..].iter().sum();
            prop_assert_eq!(whole.len(), others.len() + 1);
            prop_assert!(whole[others.len()].abs_diff(together) <= 2 + pieces.len() as u64, "{:?} {:?}", whole, cut);
        }

        #[test]
        fn a_split_gains_nothing_where_the_cap_does_not_bind(
            pieces in prop::collection::vec((0.01f32..10.0, 1u32..50), 1..5),
            others in prop::collection::vec((-10f32..10.0, 1u32..50), 3..10),
            rule in 0usize..2,
            noise_floor in 0f64..4.0,
        ) {
            // Hashes of the positions are texts that resemble none of the others.
            let text = |i: usize| hex::encode(sha256(&[&i.to_le_bytes()]));
            let one = |i: usize, score: f32, targets: u32| Case {
                order: i as u64, text: text(i), score, targets, self_influence: 1.0 / f64::from(targets),
            };
            let settings = PaySettings {
                normalisation: [Normalisation::None, Normalisation::Guard { limit: 2.0 }][rule],
                noise_floor,
                cap_ppm: PPM,
                ..Default::default()
            };
            let others: Vec<Case> = others.iter().enumerate().map(|(i, (s, n))| one(i, *s, *n)).collect();
            let targets: u32 = pieces.iter().map(|p| p.1).sum();
            let mean = pieces.iter().map(|p| p.0 * p.1 as f32).sum::<f32>() / targets as f32;
            let whole = pay(&[&others[..], &[one(50, mean, targets)]].concat(), &settings);
            let pieces: Vec<Case> = pieces.iter().enumerate().map(|(i, (s, n))| one(50 + i, *s, *n)).collect();
            let cut = pay(&[&others[..], &pieces].concat(), &settings);
            // f32 rounds the mean, and every piece may be rounded up.
            let tolerance = 2 + pieces.len() as u64;
            let total = cut.per_document[others.len()..].iter().sum::<u64>();
            prop_assert!(total <= whole.per_document[others.len()] + tolerance, "{total} for {whole:?}");
        }
    }
}
