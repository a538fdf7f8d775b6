//! Names a wallet that may take over a Datanet.

use crate::{error::DatanetError, events::DatanetChanged, seeds, state::Datanet};
use anchor_lang::prelude::*;
use stake::sequence::take;

/// Accounts of `propose_owner`.
#[event_cpi]
#[derive(Accounts)]
pub struct ProposeOwner<'info> {
    /// The Datanet's owner.
    pub owner: Signer<'info>,
    /// The Datanet.
    #[account(
        mut, seeds = [seeds::DATANET, datanet.creator.as_ref(), &datanet.id.to_le_bytes()], bump = datanet.bump,
        has_one = owner @ DatanetError::NotOwner,
    )]
    pub datanet: Box<Account<'info, Datanet>>,
}

impl ProposeOwner<'_> {
    /// Writes the proposal; a later one replaces it. The owner keeps its power until the other accepts.
    pub fn handler(ctx: Context<Self>, new: Pubkey) -> Result<()> {
        let datanet = &mut ctx.accounts.datanet;
        datanet.pending_owner = Some(new);
        let event = DatanetChanged {
            datanet: datanet.key(),
            sequence: take(&mut datanet.sequence)?,
            owner: datanet.owner,
            pending_owner: datanet.pending_owner,
            paused: datanet.paused,
        };
        emit_cpi!(event);
        Ok(())
    }
}
