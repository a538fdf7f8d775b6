//! Why the ledger could not be read.

use openledger_sdk::SdkError;

/// Why the finalized ledger could not be read. None of these means that something does not exist.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// A node has not finalized, or does not show, all that is needed. The same question may be answered later.
    #[error("not yet: {what} ({node})")]
    NotYet {
        /// Address of the node.
        node: String,
        /// What it lacks.
        what: String,
    },
    /// A node says two things that cannot both be true.
    #[error("the node {node} contradicts itself: {what}; use another node")]
    Contradiction {
        /// Address of the node.
        node: String,
        /// The two things.
        what: String,
    },
    /// Two nodes say different things of the same finalized slots.
    #[error("the nodes {first} and {second} disagree on {what}; one of them is wrong, so neither is believed")]
    Disagreement {
        /// Address of the first node.
        first: String,
        /// Address of the second node.
        second: String,
        /// What they were asked.
        what: String,
    },
    /// A node could not be asked, or its answer is malformed.
    #[error("the node {node}: {source}")]
    Node {
        /// Address of the node.
        node: String,
        /// The cause.
        source: Box<SdkError>,
    },
}

impl LedgerError {
    /// Whether the same question may be answered later, without anything being wrong.
    pub fn is_not_yet(&self) -> bool {
        matches!(self, Self::NotYet { .. })
    }
}
