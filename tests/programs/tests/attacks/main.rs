//! Attacks on every instruction of every program, generated from the committed interface descriptions.
//!
//! An honest transaction (`program_tests::scenario`) is changed in one respect at a time. Each change must be refused
//! without any effect, or be in the scenario's list of allowed changes with a reason.
//!
//! This checks for every instruction: M1 and M5 (no attack makes or loses tokens), A1 and A2 (attestations), and G1
//! (only the authority changes parameters).

mod accounts;
mod attestation;
mod case;
mod data;
mod forge;
mod judge;
mod whole;

use judge::Court;
use openledger_interface::Program;
use program_tests::{idl, scenario, town::Town};
use std::collections::BTreeSet;

#[test]
fn every_instruction_has_a_scenario() {
    let covered: BTreeSet<String> =
        scenario::all().iter().map(|e| format!("{}::{}", e.program.name(), e.instruction)).collect();
    let described: BTreeSet<String> = idl::all()
        .iter()
        .flat_map(|(name, idl)| idl.instructions.iter().map(move |i| format!("{name}::{}", i.name)))
        .collect();
    let missing: Vec<_> = described.difference(&covered).collect();
    assert!(missing.is_empty(), "without a scenario in tests/programs/src/scenario: {missing:?}");
    let unknown: Vec<_> = covered.difference(&described).collect();
    assert!(unknown.is_empty(), "not in app-sdk/idl, which `cargo xtask idl` writes: {unknown:?}");
}

/// Makes every attack on every instruction of `program`.
fn attack(program: Program) {
    let (town, idls) = (Town::new(), idl::all());
    let idl = &idls[program.name()];
    let mut court = Court::new(program.name());
    for entry in scenario::of(program) {
        let scenario = (entry.make)(town.clone());
        let instruction = idl.instruction(entry.instruction);
        let bench = case::Bench::new(&entry.name(), &scenario, instruction, &town);
        let mut cases = accounts::cases(&bench);
        cases.extend(whole::cases(&bench));
        cases.extend(data::cases(&bench, idl));
        cases.extend(attestation::cases(&bench, &town));
        court.try_all(&bench, cases);
    }
    court.close();
}

#[test]
fn stake_refuses_every_attack() {
    attack(Program::Stake);
}

#[test]
fn datanet_refuses_every_attack() {
    attack(Program::Datanet);
}

#[test]
fn model_refuses_every_attack() {
    attack(Program::Model);
}

#[test]
fn payout_refuses_every_attack() {
    attack(Program::Payout);
}

#[test]
fn governance_refuses_every_attack() {
    attack(Program::Governance);
}
