//! The parameters of requests, and the values that each takes. The document says the same that the API checks.

use openledger_sdk::{
    Event, Program,
    api::schema::{
        Access, BatchStatus, ChallengeStatus, CommitteeStatus, GrantStatus, JobStatus, LeavesFrom, ModelStatus,
        ProposalStatus, RewardPool, SettlementStatus, SlashReason, SlashedRole, VoteChoice,
    },
};

/// Most rows of a list.
pub const MAX_LIMIT: u32 = 500;

/// A parameter of a request, or a part of its path.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// The values that it takes.
    pub takes: Takes,
    /// What it is for.
    pub about: &'static str,
}

/// The values that a parameter takes.
#[derive(Clone, Copy, Debug)]
pub enum Takes {
    /// An address in Base58.
    Key,
    /// A hash of 64 hex digits.
    Hash,
    /// A whole number that the database holds, which are those of 63 bits.
    Number,
    /// A whole number of 64 bits.
    Uint64,
    /// A number of rows.
    Limit,
    /// The name of a page, as the page before gave it.
    Cursor,
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
            Self::OneOf(words) => Some(words.to_vec()),
            Self::Program => Some(Program::ALL.map(Program::name).to_vec()),
            Self::Event => Some(Event::NAMES.to_vec()),
            Self::Key | Self::Hash | Self::Number | Self::Uint64 | Self::Limit | Self::Cursor => None,
        }
    }
}

impl Parameter {
    const fn new(name: &'static str, takes: Takes, about: &'static str) -> Self {
        Self { name, takes, about }
    }

    /// What a list's column must be equal to. It is the parameter's name, except where that is no text.
    pub fn column(&self) -> &'static str {
        if self.name == FINAL.name { "finalized::text" } else { self.name }
    }
}

const fn key(name: &'static str, about: &'static str) -> Parameter {
    Parameter::new(name, Takes::Key, about)
}

const fn one_of(name: &'static str, words: &'static [&'static str], about: &'static str) -> Parameter {
    Parameter::new(name, Takes::OneOf(words), about)
}

const fn status(words: &'static [&'static str]) -> Parameter {
    one_of("status", words, "Only those that are so far.")
}

/// The parts of paths that vary.
pub const PARTS: &[Parameter] = &[
    key("address", "The account."),
    key("wallet", "The wallet."),
    Parameter::new("leaf", Takes::Hash, "The leaf hash."),
    Parameter::new("request", Takes::Hash, "The request's name."),
    Parameter::new("epoch", Takes::Number, "The epoch."),
];

/// Only rows that are final. Such as money should be read from.
pub const FINAL: Parameter = one_of("finalized", &["true"], "Only rows that are final, such as money is read from.");
/// Of every list, beside its filters.
pub const PAGED: &[Parameter] = &[
    FINAL,
    Parameter::new("cursor", Takes::Cursor, "`next` of the page before."),
    Parameter::new("limit", Takes::Limit, "Most rows of a page. It is 100 if it is left out."),
];
/// They narrow a list to a range of slots.
pub const SLOTS: &[Parameter] = &[
    Parameter::new("after_slot", Takes::Number, "Only rows of later slots."),
    Parameter::new("until_slot", Takes::Number, "Only rows of this slot and earlier ones."),
];
/// Where the feed of events begins.
pub const AFTER: Parameter = Parameter::new("after", Takes::Number, "Only events with a greater number.");

/// Of Datanets.
pub const DATANETS: &[Parameter] =
    &[key("owner", "Only those of this owner."), one_of("access", Access::WORDS, "Only those with this access.")];
/// Of a Datanet's contributions.
pub const CONTRIBUTIONS: &[Parameter] = &[
    one_of("status", BatchStatus::WORDS, "Only those whose batch is so far."),
    key("contributor", "Only those by this wallet."),
    key("batch", "Only those of this batch."),
];
/// Of batches.
pub const BATCHES: &[Parameter] = &[
    key("datanet", "Only those of this Datanet."),
    key("contributor", "Only those by this wallet."),
    status(BatchStatus::WORDS),
    one_of("leaves", LeavesFrom::WORDS, "Only those whose leaves are there."),
];
/// Of grants.
pub const GRANTS: &[Parameter] = &[
    key("datanet", "Only those of this Datanet."),
    key("grantee", "Only those for this wallet."),
    status(GrantStatus::WORDS),
];
/// Of models.
pub const MODELS: &[Parameter] = &[key("owner", "Only those of this owner."), status(ModelStatus::WORDS)];
/// Of training jobs.
pub const JOBS: &[Parameter] = &[
    key("model", "Only those of this model."),
    key("requester", "Only those that this wallet pays."),
    key("operator", "Only those that this operator trains."),
    status(JobStatus::WORDS),
];
/// Of payments for answers.
pub const RECEIPTS: &[Parameter] = &[
    key("model", "Only those for this model's answers."),
    key("payer", "Only those by this wallet."),
    key("operator", "Only those for this operator's answers."),
];
/// Of other payments into the pools.
pub const FUNDING: &[Parameter] = &[
    one_of("pool", RewardPool::WORDS, "Only those into this pool."),
    key("subject", "Only those for this account."),
    key("payer", "Only those by this wallet or job."),
    key("job", "Only those of this training job."),
    key("model", "Only those of this model's jobs."),
];
/// Of prepaid balances.
pub const BALANCES: &[Parameter] = &[key("owner", "Only that of this wallet.")];
/// Of settlements.
pub const SETTLEMENTS: &[Parameter] = &[status(SettlementStatus::WORDS)];
/// Of challenges.
pub const CHALLENGES: &[Parameter] = &[key("challenger", "Only those by this wallet."), status(ChallengeStatus::WORDS)];
/// Of operators.
pub const OPERATORS: &[Parameter] = &[key("owner", "Only that of this wallet.")];
/// Of committees.
pub const COMMITTEES: &[Parameter] = &[status(CommitteeStatus::WORDS)];
/// Of pools of delegations.
pub const POOLS: &[Parameter] = &[key("operator", "Only that of this operator's wallet.")];
/// Of delegations.
pub const DELEGATIONS: &[Parameter] =
    &[key("owner", "Only those by this wallet."), key("operator", "Only those to this operator's wallet.")];
/// Of slashes.
pub const SLASHES: &[Parameter] = &[
    key("owner", "Only those of this wallet's stake, or of what is delegated to it."),
    one_of("role", SlashedRole::WORDS, "Only those of such stake."),
    one_of("reason", SlashReason::WORDS, "Only those for this reason."),
];
/// Of proposals.
pub const PROPOSALS: &[Parameter] = &[key("proposer", "Only those by this wallet."), status(ProposalStatus::WORDS)];
/// Of votes.
pub const VOTES: &[Parameter] = &[
    key("proposal", "Only those on this proposal."),
    key("voter", "Only those by this wallet."),
    key("lock", "Only those with this lock."),
    one_of("choice", VoteChoice::WORDS, "Only those for this."),
];
/// Of locks for votes.
pub const LOCKS: &[Parameter] = &[key("owner", "Only that of this wallet.")];
/// Of events.
pub const EVENTS: &[Parameter] = &[
    Parameter::new("program", Takes::Program, "Only those of this program."),
    Parameter::new("name", Takes::Event, "Only those of this name."),
    key("subject", "Only those of the account that numbers them."),
];
/// Of lists that nothing narrows.
pub const NONE: &[Parameter] = &[];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_that_the_rows_have() {
        assert!(Takes::Event.words().is_some_and(|w| w.contains(&"Paid") && w.contains(&"Contributed")));
        assert!(Takes::Program.words().is_some_and(|w| w.contains(&"payout")));
        assert!(Takes::Key.words().is_none());
        assert_eq!(RewardPool::WORDS, crate::POOLS);
    }
}
