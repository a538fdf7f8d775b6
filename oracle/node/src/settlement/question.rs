//! What the members of the committee are asked to observe.

use super::{facts::Facts, proposal::Proposal};
use openledger_protocol::Hash32;
use openledger_sdk::text::hash_hex;
use serde::{Deserialize, Serialize};

/// Most times that the members are asked about one proposal. Each time they look again.
pub const MOST_ATTEMPTS: u32 = 16;

/// The question about an epoch. Each member signs the question's hash together with what it sees. This binds it to these
/// payments in this order.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// What is to be settled.
    pub proposal: Proposal,
    /// Hash of the epoch's facts ([`Facts::hash`]).
    #[serde(with = "hash_hex")]
    pub facts: Hash32,
    /// How often the members were asked before. They are asked again if too few of them could sign what they had seen.
    pub attempt: u32,
}

impl Question {
    /// The question about these facts.
    pub fn new(proposal: &Proposal, facts: &Facts, attempt: u32) -> Self {
        Self { proposal: proposal.clone(), facts: facts.hash(), attempt }
    }

    /// The question as members sign its hash. One question makes one JSON value.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("plain data serialises")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Members sign the hash of the JSON that they were asked: one more key would be another question.
    #[test]
    fn a_question_is_asked_in_one_way_only() {
        let question =
            Question { proposal: Proposal { epoch: 3, cutoff_slot: 90, sequence: 4 }, facts: [7; 32], attempt: 1 };
        let asked =
            json!({"proposal": {"epoch": 3, "cutoff_slot": 90, "sequence": 4}, "facts": "07".repeat(32), "attempt": 1});
        assert_eq!(question.to_json(), asked);
        for (place, key) in [("", "extra"), ("/proposal", "extra")] {
            let mut other = asked.clone();
            other.pointer_mut(place).unwrap()[key] = json!(1);
            assert!(serde_json::from_value::<Question>(other).is_err(), "{place}");
        }
    }
}
