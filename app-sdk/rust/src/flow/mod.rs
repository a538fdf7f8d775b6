//! The flows of users from start to end. Each flow joins reads, artifacts and transactions, and can be resumed where it
//! was interrupted.

mod accepted;
pub mod chat;
pub mod claim;
pub mod contribute;
pub mod govern;
pub mod held;
mod history;
pub mod known;
pub mod outlook;
pub mod review;
pub mod seat;

use crate::{client::Client, error::SdkError};
use openledger_interface::pda;
use solana_pubkey::Pubkey;

/// The OPEN mint of this cluster.
pub async fn open_mint(client: &Client) -> Result<Pubkey, SdkError> {
    Ok(client.account::<stake::state::Config>(&pda::stake_config()).await?.open_mint)
}
