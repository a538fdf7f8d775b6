//! What attacks gain against the rules of pay, by real training and real scores.

use openledger_attribution::{
    gaming::{Attack, Corpus, Outcome, Settle, Suite, TinyLogra},
    pay::PaySettings,
};

/// Outcomes of the attacks for a seed.
fn outcomes(seed: u64, attacks: impl Iterator<Item = Attack>) -> Vec<Outcome> {
    let scratch = tempfile::tempdir().unwrap();
    let scorer = TinyLogra { seed, ..Default::default() }.scorer(scratch.path()).unwrap();
    let suite = Suite::new(Corpus::countries(40, seed), Settle::Each, &scorer, PaySettings::default()).unwrap();
    attacks.map(|attack| suite.run(attack).unwrap()).collect()
}

#[test]
fn repeating_ones_own_or_anothers_text_changes_nobodys_pay() {
    for outcome in outcomes(0, Attack::all().into_iter().filter(|a| a.repeats_text())) {
        assert_eq!((outcome.multiplier, outcome.others), (1.0, 1.0), "{outcome:?}");
        assert_eq!(outcome.owned, Corpus::OWN, "{outcome:?}");
    }
}

#[test]
fn splitting_over_identities_and_adding_junk_gain_nothing() {
    for attack in [Attack::Split, Attack::Junk { documents: 8 }, Attack::Outlier { documents: 8 }] {
        let all: Vec<Outcome> = (0..3).flat_map(|seed| outcomes(seed, std::iter::once(attack))).collect();
        let mean = all.iter().map(|o| o.multiplier).sum::<f64>() / all.len() as f64;
        assert!(mean <= 1.0, "{attack:?} gains: {mean} on average of {all:?}");
    }
}
