//! What is to be settled, and what follows from it.

use openledger_sdk::pda;
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
