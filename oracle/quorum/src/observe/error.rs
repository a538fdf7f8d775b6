//! Why something that members show each other in an observation does not count.

use openledger_protocol::Hash32;

use crate::encoding::name;

/// Why a set, or one thing in it, does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AgreeError {
    /// Fewer than t members are in it.
    #[error("{have} of {need} needed members are in the set")]
    TooFew {
        /// Number of members in the set.
        have: usize,
        /// t.
        need: usize,
    },
    /// The operator is not in the committee, or is twice in the set, or the set is not in order.
    #[error("{} is not a member, or is twice or out of order in the set", name(.0))]
    Member(Hash32),
    /// The commitment is not signed by its operator.
    #[error("{} did not sign its commitment", name(.0))]
    Commitment(Hash32),
    /// The two commitments that exclude a member do not prove a lie.
    #[error("{} is excluded without two different commitments of its own", name(.0))]
    Excluded(Hash32),
    /// The seal or the closing is not signed by its operator.
    #[error("{} did not endorse this set", name(.0))]
    Endorsement(Hash32),
    /// The reveal is not signed by its operator.
    #[error("{} did not sign what is revealed", name(.0))]
    Signature(Hash32),
    /// The reveal differs from its commitment, or there is no commitment.
    #[error("{} revealed something else than it committed to", name(.0))]
    Mismatch(Hash32),
    /// There are too many values.
    #[error("the vector of {} has more than 1,000,000 values", name(.0))]
    Length(Hash32),
}
