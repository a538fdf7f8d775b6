//! Random histories: many actors try every instruction while time passes. The books are checked after every step.
//!
//! M1–M5, A1, A2 and the conservation of tokens hold after every step (`program_tests::books` and `crowd::check`). A
//! failure prints the seed and the shortest failing history that was found. Put the seed into [`PAST`].
//!
//! `cargo xtask fuzz --steps 100000 --seed 7` runs longer.

mod actions;
mod crowd;
mod dice;
mod play;

use play::Play;

/// Steps in the test suite.
const STEPS: u64 = 4_000;
/// Seeds of histories that failed once, and their numbers of steps.
const PAST: &[(u64, u64)] = &[];

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|e| panic!("{name}={text}: {e}")))
}

#[test]
fn no_history_breaks_the_books() {
    let (steps, seed) = (setting("OPENLEDGER_FUZZ_STEPS", STEPS), setting("OPENLEDGER_FUZZ_SEED", 2026));
    let report = Play::new().run(seed, steps);
    println!("{report}");
    report.actions_succeeded(steps);
}

#[test]
fn histories_that_failed_once_do_not_again() {
    let play = Play::new();
    for (seed, steps) in PAST {
        play.run(*seed, *steps);
    }
}

/// The checks work: a history in which a token appears fails, and is shortened to the one step that made the token.
#[test]
fn a_broken_history_is_found_and_shortened() {
    let mut play = Play::new();
    play.actions.push(actions::Action { name: "counterfeit", weight: 20, act: actions::counterfeit });
    let failure = play.try_run(7, 400).expect_err("a counterfeit is found");
    assert!(failure.problem.contains("OPEN in all token accounts"), "{}", failure.problem);
    assert_eq!(failure.history, ["counterfeit"], "everything else was left out");
}
