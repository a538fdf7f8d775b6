//! `accept_owner`: makes the proposed wallet the owner of a Datanet.

use crate::{
    error::DatanetError,
    events::{DatanetChanged, EMITTER},
    seeds,
    state::Datanet,
};
use anchor_lang::prelude::*;

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

/// Makes the signer the owner.
pub(crate) fn handler(ctx: Context<AcceptOwner>) -> Result<()> {
    let a = &mut *ctx.accounts;
    a.datanet.owner = a.new_owner.key();
    a.datanet.pending_owner = None;
    let event = DatanetChanged::of(&mut a.datanet)?;
    EMITTER.emit(&a.event_authority, &event)
}
