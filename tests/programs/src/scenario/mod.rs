//! Honest transactions, one or more for every instruction of every program. Attacks change one thing in them at a time.
//! The bill measures them.
//!
//! A new instruction needs an entry in its program's file. `every_instruction_has_a_scenario` names the instructions
//! without one.

mod datanet;
mod governance;
mod honest;
mod model;
mod payout;
mod stake;

use crate::town::Town;
use honest::Listed;
use openledger_interface::Program;

pub use honest::{Attack, Attested, Free, Scenario};

/// A scenario's name and the function that makes it.
pub struct Entry {
    /// The program.
    pub program: Program,
    /// The instruction, as the interface description calls it.
    pub instruction: &'static str,
    /// The variant; empty if the instruction has only one scenario.
    pub variant: &'static str,
    /// Makes the scenario in the town.
    pub make: fn(Town) -> Scenario,
}

impl Entry {
    /// `program::instruction`, and the variant if there is one.
    pub fn name(&self) -> String {
        let (program, instruction, variant) = (self.program.name(), self.instruction, self.variant);
        if variant.is_empty() {
            format!("{program}::{instruction}")
        } else {
            format!("{program}::{instruction}, {variant}")
        }
    }
}

/// Every scenario of a program.
pub fn of(program: Program) -> Vec<Entry> {
    let list: &[Listed] = match program {
        Program::Stake => stake::ALL,
        Program::Datanet => datanet::ALL,
        Program::Model => model::ALL,
        Program::Payout => payout::ALL,
        Program::Governance => governance::ALL,
    };
    list.iter().map(|&(instruction, variant, make)| Entry { program, instruction, variant, make }).collect()
}

/// Every scenario.
pub fn all() -> Vec<Entry> {
    Program::ALL.into_iter().flat_map(of).collect()
}
