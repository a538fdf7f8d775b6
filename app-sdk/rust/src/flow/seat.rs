//! Whether a validator has a seat on the panel of a batch, as the program will say.

use crate::{client::Client, error::SdkError};
use datanet::state::Batch;
use openledger_interface::pda;
use openledger_protocol::{draw, hash::ZERO};
use solana_pubkey::Pubkey;

/// A validator with its inputs of the draw.
pub struct Candidate {
    position: stake::state::Position,
    config: stake::state::Config,
    slot_hashes: Vec<u8>,
}

impl Candidate {
    /// Reads the inputs of the draw of `validator`. Returns `None` if it has no stake.
    pub async fn read(client: &Client, validator: &Pubkey) -> Result<Option<Self>, SdkError> {
        let position = pda::position(validator, stake::state::Role::Validator);
        let Some(position) = client.account_opt(&position).await? else { return Ok(None) };
        let config = client.account(&pda::stake_config()).await?;
        let slot_hashes = client.rpc().get_account_data(&solana_sdk_ids::sysvar::slot_hashes::ID).await?;
        Ok(Some(Self { position, config, slot_hashes }))
    }

    /// Whether this validator is drawn to review `batch`. Returns `None` if the draw's seed cannot be known now.
    pub fn is_drawn(&self, batch: &Batch) -> Option<bool> {
        let barred = batch.contributor == self.position.owner
            || self.position.amount < self.config.min_validator_stake
            || self.position.since_slot > batch.submitted_slot;
        if barred {
            return Some(false);
        }
        let seed = match batch.seed {
            ZERO => datanet::panel::seed(&self.slot_hashes, batch.submitted_slot).ok()?,
            fixed => fixed,
        };
        let (validator, total) = (self.position.owner.to_bytes(), self.config.validator_stake);
        Some(draw::is_drawn(&seed, &validator, self.position.amount, total, batch.panel_size))
    }
}
