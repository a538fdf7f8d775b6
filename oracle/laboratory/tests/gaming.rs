//! Tests the gain from attacks on the rules of pay, by real training and real scores.

use openledger_laboratory::gaming::{Attack, Corpus, Outcome, Settle, Suite, TinyLogra, TinyMagic};
use openledger_pay::PaySettings;

/// Outcomes of the attacks for one seed.
fn outcomes(seed: u64, attacks: &[Attack]) -> Vec<Outcome> {
    let scratch = tempfile::tempdir().unwrap();
    let scorer = TinyLogra { seed, ..Default::default() }.scorer(scratch.path()).unwrap();
    let suite = Suite::new(Corpus::countries(40, seed), Settle::Each, &scorer, PaySettings::default()).unwrap();
    attacks.iter().map(|attack| suite.run(*attack).unwrap()).collect()
}

#[test]
fn repeating_ones_own_or_anothers_text_changes_nobodys_pay_and_gains_without_the_rules() {
    let attacks = [Attack::Duplicate { copies: 4 }, Attack::Edit { copies: 2 }, Attack::CopyOthers];
    let outcomes = outcomes(0, &attacks);
    for outcome in &outcomes {
        assert!(outcome.attack.repeats_text());
        assert_eq!((outcome.multiplier, outcome.others, outcome.owned), (1.0, 1.0, Corpus::OWN), "{outcome:?}");
        // Here they gain nothing even if they are trained on.
        assert!(outcome.multiplier_all_trained <= 1.0, "{outcome:?}");
    }
    assert!(outcomes[2].multiplier_without_rules > 2.0, "the attack is one: {outcomes:?}");
}

#[test]
fn splitting_over_identities_gains_nothing() {
    for seed in 0..2 {
        let outcome = &outcomes(seed, &[Attack::Split])[0];
        assert!(outcome.owned == 3 * Corpus::OWN && outcome.multiplier <= 1.0, "{outcome:?}");
    }
}

#[test]
fn with_exact_scores_neither_junk_nor_paraphrases_pay() {
    let scratch = tempfile::tempdir().unwrap();
    let scorer = TinyMagic::default().scorer(scratch.path()).unwrap();
    let suite = Suite::new(Corpus::countries(16, 0), Settle::Together, &scorer, PaySettings::exact()).unwrap();
    for attack in [Attack::Junk { documents: 4 }, Attack::Paraphrase] {
        let outcome = suite.run(attack).unwrap();
        assert!(outcome.owned == 2 * Corpus::OWN && outcome.multiplier <= 1.0, "{outcome:?}");
    }
}
