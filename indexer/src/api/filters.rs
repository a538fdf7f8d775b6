//! The parameters by which lists are narrowed, and the values that each takes.

use openledger_sdk::{Event, Program};

/// A parameter that narrows a list.
#[derive(Clone, Copy, Debug)]
pub struct Filter {
    /// Its name: that of the parameter, and of the column.
    pub name: &'static str,
    /// The values that it takes.
    pub takes: Takes,
}

/// The values that a parameter takes.
#[derive(Clone, Copy, Debug)]
pub enum Takes {
    /// An address in Base58.
    Key,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// The name of a program.
    Program,
    /// The name of an event.
    Event,
}

impl Takes {
    /// The words that it takes, if there are only so many.
    pub fn words(self) -> Option<Vec<&'static str>> {
        match self {
            Self::Key => None,
            Self::OneOf(words) => Some(words.to_vec()),
            Self::Program => Some(Program::ALL.map(Program::name).to_vec()),
            Self::Event => Some(Event::NAMES.to_vec()),
        }
    }
}

const fn key(name: &'static str) -> Filter {
    Filter { name, takes: Takes::Key }
}

const fn one_of(name: &'static str, words: &'static [&'static str]) -> Filter {
    Filter { name, takes: Takes::OneOf(words) }
}

const BATCH_STATUS: Filter = one_of("status", &["open", "review", "accepted", "rejected", "expired"]);

/// Of Datanets.
pub const DATANETS: &[Filter] = &[key("owner"), one_of("access", &["open", "permissioned"])];
/// Of a Datanet's contributions.
pub const CONTRIBUTIONS: &[Filter] = &[BATCH_STATUS, key("contributor"), key("batch")];
/// Of batches.
pub const BATCHES: &[Filter] = &[key("datanet"), key("contributor"), BATCH_STATUS];
/// Of models.
pub const MODELS: &[Filter] = &[key("owner"), one_of("status", &["draft", "ready", "retired"])];
/// Of training jobs.
pub const JOBS: &[Filter] = &[
    key("model"),
    key("requester"),
    key("operator"),
    one_of("status", &["requested", "running", "attested", "cancelled", "expired"]),
];
/// Of payments for answers.
pub const RECEIPTS: &[Filter] = &[key("model"), key("payer"), key("operator")];
/// Of other payments into the pools.
pub const FUNDING: &[Filter] = &[one_of("pool", &crate::POOLS), key("subject"), key("payer"), key("job"), key("model")];
/// Of settlements.
pub const SETTLEMENTS: &[Filter] = &[one_of("status", &["posted", "challenged", "rejected", "active"])];
/// Of committees.
pub const COMMITTEES: &[Filter] = &[one_of("status", &["forming", "confirming", "active", "retired"])];
/// Of events.
pub const EVENTS: &[Filter] =
    &[Filter { name: "program", takes: Takes::Program }, Filter { name: "name", takes: Takes::Event }, key("subject")];
/// Of lists that nothing narrows.
pub const NONE: &[Filter] = &[];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_that_the_rows_have() {
        assert!(Takes::Event.words().is_some_and(|w| w.contains(&"Paid") && w.contains(&"Contributed")));
        assert!(Takes::Program.words().is_some_and(|w| w.contains(&"payout")));
        assert!(Takes::Key.words().is_none());
    }
}
