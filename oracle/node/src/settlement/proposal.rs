//! What is to be settled. It follows from the finalized chain by one rule, which every member works out for itself.

use openledger_sdk::pda;
use payout::state::Config;
use serde::{Deserialize, Serialize};
use solana_pubkey::Pubkey;

/// An epoch that is to be settled.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proposal {
    /// The epoch.
    pub epoch: u64,
    /// Last slot whose payments are counted.
    pub cutoff_slot: u64,
    /// Number of the payout config's next attestation. Another event of the config makes another proposal.
    pub sequence: u64,
}

impl Proposal {
    /// The settlement that is due as of `finalized_slot`. `None` if none is due.
    ///
    /// An epoch whose settlement was rejected is due at once, up to the slot in which that epoch ended. Any other epoch
    /// is due when the first whole epoch length with a payment in it is over. `first_payment` is the slot of the first
    /// payment that no settlement counts; `None`, if there is none. The result does not depend on the time of the call,
    /// but for whether it is `None`.
    pub fn due(config: &Config, first_payment: Option<u64>, finalized_slot: u64) -> Option<Self> {
        let (epoch, cutoff_slot) = if config.posted_epoch != config.active_epoch {
            return None;
        } else if config.posted_epoch + 1 < config.epoch {
            (config.posted_epoch + 1, config.epoch_start_slot)
        } else {
            (config.epoch, cutoff(config, first_payment?))
        };
        (finalized_slot >= cutoff_slot).then_some(Self { epoch, cutoff_slot, sequence: config.sequence })
    }

    /// Whether this proposal is the next settlement to post.
    pub fn is_next(&self, config: &Config) -> bool {
        config.posted_epoch == config.active_epoch && config.posted_epoch + 1 == self.epoch
    }

    /// The subject of observations and of the attestation.
    pub fn subject() -> Pubkey {
        pda::payout_config()
    }
}

/// The cutoff: the end of the first whole epoch length that has a payment in it. `first_payment` is the slot of the
/// first payment that no settlement counts.
fn cutoff(config: &Config, first_payment: u64) -> u64 {
    let length = config.parameters.epoch_slots.max(1);
    let lengths = first_payment.saturating_sub(config.epoch_start_slot).div_ceil(length).max(1);
    config.epoch_start_slot.saturating_add(lengths.saturating_mul(length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use payout::{
        parameters::Parameters,
        state::{FeeShares, PoolRoot},
    };

    /// Epoch 3 starts at slot 1,000. The epoch length is 100 slots.
    fn config(posted_epoch: u64, active_epoch: u64) -> Config {
        let fees = FeeShares {
            treasury: 500,
            model_owner: 2_000,
            upstream: 500,
            compute: 2_000,
            validators: 1_000,
            contributors: 4_000,
        };
        let parameters = Parameters {
            epoch_slots: 100,
            challenge_slots: 50,
            resolve_slots: 100,
            challenge_bond: 1,
            withdrawal_slots: 60,
            breaker_cap: 1,
            breaker_slots: 1,
        };
        Config {
            version: payout::state::Version::CURRENT,
            bump: 255,
            authority: Pubkey::default(),
            pending_authority: None,
            open_mint: Pubkey::default(),
            treasury: Pubkey::default(),
            epoch: 3,
            epoch_start_slot: 1_000,
            parameters,
            paused_until: 0,
            fees,
            next_fees: None,
            shards: 1,
            posted_epoch,
            posted: [PoolRoot::default(); 2],
            settled_slot: 980,
            active_epoch,
            active: [PoolRoot::default(); 2],
            sequence: 9,
        }
    }

    #[test]
    fn the_cutoff_follows_from_the_first_payment_that_is_not_settled() {
        let cutoff = |first| Proposal::due(&config(2, 2), Some(first), 10_000).unwrap().cutoff_slot;
        // These payments fall before the epoch's start while the previous settlement was worked out, into the epoch's
        // first slot, into its first length, and at the end of that length.
        for first in [981, 1_000, 1_001, 1_100] {
            assert_eq!(cutoff(first), 1_100, "{first}");
        }
        assert_eq!((cutoff(1_101), cutoff(1_200), cutoff(1_201)), (1_200, 1_200, 1_300));
    }

    #[test]
    fn an_epoch_is_due_once_its_cutoff_is_final_and_always_with_the_same_proposal() {
        let config = config(2, 2);
        assert_eq!(Proposal::due(&config, Some(1_050), 1_099), None);
        let due = Proposal { epoch: 3, cutoff_slot: 1_100, sequence: 9 };
        for finalized in [1_100, 1_101, 1_200, 1_000_000] {
            assert_eq!(Proposal::due(&config, Some(1_050), finalized), Some(due.clone()), "{finalized}");
        }
        assert_eq!(Proposal::due(&config, None, 1_000_000), None, "nothing was paid");
    }

    #[test]
    fn another_event_of_the_config_makes_another_proposal() {
        let later = Config { sequence: 10, ..config(2, 2) };
        let due = |config: &Config| Proposal::due(config, Some(1_050), 1_100).unwrap();
        assert_ne!(due(&later), due(&config(2, 2)));
    }

    #[test]
    fn a_rejected_epoch_is_settled_again_up_to_its_end() {
        let again = Proposal { epoch: 2, cutoff_slot: 1_000, sequence: 9 };
        // Later payments do not matter, nor whether there are any.
        for first in [None, Some(1_050)] {
            assert_eq!(Proposal::due(&config(1, 1), first, 1_000), Some(again.clone()));
        }
        assert!(again.is_next(&config(1, 1)));
        let next = Proposal { epoch: 3, cutoff_slot: 1_100, sequence: 9 };
        assert!(next.is_next(&config(2, 2)) && !next.is_next(&config(2, 1)) && !next.is_next(&config(1, 1)));
    }

    #[test]
    fn nothing_is_due_while_a_settlement_waits() {
        for (posted, active) in [(2, 1), (1, 0)] {
            assert_eq!(Proposal::due(&config(posted, active), Some(1_050), 1_000_000), None);
        }
    }
}
