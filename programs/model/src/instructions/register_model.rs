//! `register_model`: registers a model.

use crate::{
    error::ModelError,
    events::{EMITTER, ModelRegistered},
    seeds,
    state::*,
};
use anchor_lang::prelude::*;
use openledger_protocol::hash::ZERO;
use openledger_shared::{sequence, slot_unless_paused, text::is_plain};

/// Arguments of `register_model`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct RegisterModelArgs {
    /// The creator's number for it: part of its address.
    pub id: u64,
    /// Human-readable name, 1 to 64 bytes.
    pub name: String,
    /// SHA-256 of the base model's file. It must equal the parent's if there is a parent.
    pub base_hash: [u8; 32],
    /// Price of 1,000 prompt tokens in base units.
    pub price_in: u64,
    /// Price of 1,000 completion tokens in base units.
    pub price_out: u64,
}

/// Accounts of `register_model`.
#[event_cpi]
#[derive(Accounts)]
#[instruction(args: RegisterModelArgs)]
pub struct RegisterModel<'info> {
    /// The creator and first owner. It pays the rent.
    #[account(mut)]
    pub creator: Signer<'info>,
    /// The config: whether the program is paused. There is only one, so its type identifies it.
    pub config: Box<Account<'info, Config>>,
    /// The model to make.
    #[account(
        init, payer = creator, space = 8 + Model::INIT_SPACE,
        seeds = [seeds::MODEL, creator.key().as_ref(), &args.id.to_le_bytes()], bump,
    )]
    pub model: Box<Account<'info, Model>>,
    /// The model whose adapter this one will be trained on.
    pub parent: Option<Box<Account<'info, Model>>>,
    /// The System program.
    pub system_program: Program<'info, System>,
}

impl RegisterModel<'_> {
    /// Checks the name and the hash, and that the parent is ready, has the same base and is not too deep.
    fn validate(&self, args: &RegisterModelArgs) -> Result<()> {
        slot_unless_paused(self.config.paused_until)?;
        require!(is_plain(&args.name, MAX_NAME), ModelError::BadName);
        require!(args.base_hash != ZERO, ModelError::ZeroHash);
        if let Some(parent) = &self.parent {
            require!(parent.status == ModelStatus::Ready, ModelError::ParentNotReady);
            require!(parent.depth < MAX_DEPTH, ModelError::TooDeep);
            require!(parent.base_hash == args.base_hash, ModelError::ParentBaseDiffers);
        }
        Ok(())
    }
}

/// Writes the model as a draft.
pub(crate) fn handler(ctx: Context<RegisterModel>, args: RegisterModelArgs) -> Result<()> {
    ctx.accounts.validate(&args)?;
    let a = &mut *ctx.accounts;
    let creator = a.creator.key();
    a.model.set_inner(Model {
        version: Version::CURRENT,
        bump: ctx.bumps.model,
        creator,
        id: args.id,
        owner: creator,
        name: args.name,
        base_hash: args.base_hash,
        parent: a.parent.as_ref().map(|p| p.key()),
        parent_owner: a.parent.as_ref().map(|p| p.owner),
        depth: a.parent.as_ref().map_or(0, |p| p.depth + 1), // less than MAX_DEPTH before
        versions: 0,
        adapter_hash: ZERO,
        manifest_hash: ZERO,
        job: None,
        snapshots: Vec::new(),
        price_in: args.price_in,
        price_out: args.price_out,
        status: ModelStatus::Draft,
        jobs: 0,
        sequence: 0,
    });
    let model = &mut a.model;
    let event = ModelRegistered {
        model: model.key(),
        sequence: sequence::take(&mut model.sequence)?,
        owner: model.owner,
        id: model.id,
        name: model.name.clone(),
        base_hash: model.base_hash,
        parent: model.parent,
        price_in: model.price_in,
        price_out: model.price_out,
    };
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
