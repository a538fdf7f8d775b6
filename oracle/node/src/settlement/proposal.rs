//! What is to be settled, and what follows from it.

use openledger_protocol::Hash32;
use openledger_sdk::{pda, text::hash_hex};
use payout::state::Config;
use serde::{Deserialize, Serialize};
use solana_pubkey::Pubkey;

/// Number of slots after the cutoff in which a signed settlement is accepted.
const EXPIRY_SLOTS: u64 = 9_000;

/// An epoch that is to be settled.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proposal {
    /// The epoch.
    pub epoch: u64,
    /// Last slot whose payments are counted.
    pub cutoff_slot: u64,
}

impl Proposal {
    /// The proposal to settle a rejected epoch again, up to the slot in which that epoch ended. `None` if no settlement
    /// was rejected. Every member works out the same proposal.
    pub fn again(config: &Config) -> Option<Self> {
        let rejected = config.posted_epoch == config.active_epoch && config.posted_epoch + 1 < config.epoch;
        rejected.then_some(Self { epoch: config.posted_epoch + 1, cutoff_slot: config.epoch_start_slot })
    }

    /// Whether this proposal is the next settlement to post.
    pub fn is_next(&self, config: &Config) -> bool {
        config.posted_epoch == config.active_epoch && config.posted_epoch + 1 == self.epoch
    }

    /// The subject of observations and of the attestation.
    pub fn subject() -> Pubkey {
        pda::payout_config()
    }

    /// Last slot in which the attestation is accepted. It follows from the proposal alone: members sign one payload for
    /// a sequence, so every proposer must come to the same slot.
    pub fn expiry_slot(&self) -> u64 {
        self.cutoff_slot + EXPIRY_SLOTS
    }
}

/// What the members of the committee are asked to observe. Each member signs the question's hash together with its
/// scores. This binds the scores to these documents in this order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// What is to be settled.
    pub proposal: Proposal,
    /// Hash of the epoch's documents in their order ([`Columns::hash`](super::columns::Columns::hash)).
    #[serde(with = "hash_hex")]
    pub documents: Hash32,
}

impl Question {
    /// The question as members sign its hash. One proposal and one list of documents make one JSON value.
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
        let question = Question { proposal: Proposal { epoch: 3, cutoff_slot: 90 }, documents: [7; 32] };
        let asked = json!({"proposal": {"epoch": 3, "cutoff_slot": 90}, "documents": "07".repeat(32)});
        assert_eq!(question.to_json(), asked);
        for (place, key) in [("", "extra"), ("/proposal", "extra")] {
            let mut other = asked.clone();
            other.pointer_mut(place).unwrap()[key] = json!(1);
            assert!(serde_json::from_value::<Question>(other).is_err(), "{place}");
        }
    }
}
