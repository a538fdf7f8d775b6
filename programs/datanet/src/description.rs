//! Checks of a Datanet's description and of its rules for batches.

use crate::{
    error::DatanetError,
    state::{MAX_PANEL, MAX_URI},
};
use anchor_lang::prelude::*;
use openledger_protocol::hash::ZERO;
use openledger_shared::text::is_plain;

/// Checks the arguments that `create_datanet` and `configure` have in common.
pub(crate) fn validate(metadata_uri: &str, metadata_hash: &[u8; 32], panel_size: u8, quorum: u8) -> Result<()> {
    require!(is_plain(metadata_uri, MAX_URI), DatanetError::BadUri);
    require!(*metadata_hash != ZERO, DatanetError::ZeroHash);
    require!((1..=MAX_PANEL).contains(&usize::from(panel_size)), DatanetError::BadPanel);
    require!((1..=panel_size).contains(&quorum), DatanetError::BadPanel);
    Ok(())
}
