//! `propose_owner`: proposes the wallet that may take a Datanet over.

use crate::{
    error::DatanetError,
    events::{DatanetChanged, EMITTER},
    seeds,
    state::Datanet,
};
use anchor_lang::prelude::*;

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

/// Stores the proposed key. A later proposal replaces it. The owner stays the owner until the proposed wallet accepts.
pub(crate) fn handler(ctx: Context<ProposeOwner>, new: Pubkey) -> Result<()> {
    let datanet = &mut ctx.accounts.datanet;
    datanet.pending_owner = Some(new);
    let event = DatanetChanged::of(datanet)?;
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
