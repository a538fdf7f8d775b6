//! Takes over a Datanet.

use crate::{error::DatanetError, events::DatanetChanged, seeds, state::Datanet};
use anchor_lang::prelude::*;
use stake::sequence::take;

/// Accounts of `accept_owner`.
#[event_cpi]
#[derive(Accounts)]
pub struct AcceptOwner<'info> {
    /// The wallet that was named.
    pub new_owner: Signer<'info>,
    /// The Datanet.
    #[account(
        mut, seeds = [seeds::DATANET, datanet.creator.as_ref(), &datanet.id.to_le_bytes()], bump = datanet.bump,
        constraint = datanet.pending_owner == Some(new_owner.key()) @ DatanetError::NotPendingOwner,
    )]
    pub datanet: Box<Account<'info, Datanet>>,
}

impl AcceptOwner<'_> {
    /// Makes the signer the owner.
    pub fn handler(ctx: Context<Self>) -> Result<()> {
        let a = &mut *ctx.accounts;
        a.datanet.owner = a.new_owner.key();
        a.datanet.pending_owner = None;
        let event = DatanetChanged {
            datanet: a.datanet.key(),
            sequence: take(&mut a.datanet.sequence)?,
            owner: a.datanet.owner,
            pending_owner: None,
            paused: a.datanet.paused,
        };
        emit_cpi!(event);
        Ok(())
    }
}
