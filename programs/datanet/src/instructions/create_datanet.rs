//! `create_datanet`: makes a Datanet.

use crate::{
    description,
    error::DatanetError,
    events::{DatanetCreated, EMITTER},
    seeds,
    state::*,
};
use anchor_lang::prelude::*;
use openledger_shared::{sequence, slot_unless_paused, text::is_plain};

/// Arguments of `create_datanet`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct CreateDatanetArgs {
    /// The creator's number for it: part of its address.
    pub id: u64,
    /// Human-readable name, 1 to 64 bytes.
    pub name: String,
    /// Where the description lies (content-addressed), 1 to 128 bytes.
    pub metadata_uri: String,
    /// SHA-256 of the description.
    pub metadata_hash: [u8; 32],
    /// The kind of its content.
    pub modality: Modality,
    /// SPDX licence expression, 1 to 64 bytes.
    pub licence: String,
    /// Who may train on it.
    pub access: Access,
    /// Least bond of a batch in base units.
    pub min_bond: u64,
    /// Expected size of a batch's panel, 1 to 9.
    pub panel_size: u8,
    /// Equal verdicts that decide, 1 to `panel_size`.
    pub quorum: u8,
}

/// Accounts of `create_datanet`.
#[event_cpi]
#[derive(Accounts)]
#[instruction(args: CreateDatanetArgs)]
pub struct CreateDatanet<'info> {
    /// The creator and first owner. It pays the rent.
    #[account(mut)]
    pub creator: Signer<'info>,
    /// The config: whether the program is paused. There is only one, so its type identifies it.
    pub config: Box<Account<'info, Config>>,
    /// The Datanet to make.
    #[account(
        init, payer = creator, space = 8 + Datanet::INIT_SPACE,
        seeds = [seeds::DATANET, creator.key().as_ref(), &args.id.to_le_bytes()], bump,
    )]
    pub datanet: Box<Account<'info, Datanet>>,
    /// The System program.
    pub system_program: Program<'info, System>,
}

impl CreateDatanet<'_> {
    /// Checks texts and the panel.
    fn validate(&self, args: &CreateDatanetArgs) -> Result<()> {
        slot_unless_paused(self.config.paused_until)?;
        require!(is_plain(&args.name, MAX_NAME), DatanetError::BadName);
        require!(is_plain(&args.licence, MAX_LICENCE), DatanetError::BadLicence);
        description::validate(&args.metadata_uri, &args.metadata_hash, args.panel_size, args.quorum)
    }
}

/// Writes the Datanet.
pub(crate) fn handler(ctx: Context<CreateDatanet>, args: CreateDatanetArgs) -> Result<()> {
    ctx.accounts.validate(&args)?;
    let a = &mut *ctx.accounts;
    let datanet = &mut a.datanet;
    // Written field by field: a new account is zero, and a whole `Datanet` value would take half a stack frame.
    datanet.version = Version::CURRENT;
    datanet.bump = ctx.bumps.datanet;
    datanet.creator = a.creator.key();
    datanet.id = args.id;
    datanet.owner = a.creator.key();
    datanet.name = args.name;
    datanet.metadata_uri = args.metadata_uri;
    datanet.metadata_hash = args.metadata_hash;
    datanet.modality = args.modality;
    datanet.licence = args.licence;
    datanet.access = args.access;
    datanet.min_bond = args.min_bond;
    datanet.panel_size = args.panel_size;
    datanet.quorum = args.quorum;
    let event = DatanetCreated {
        datanet: datanet.key(),
        sequence: sequence::take(&mut datanet.sequence)?,
        owner: datanet.owner,
        id: datanet.id,
        name: datanet.name.clone(),
        metadata_uri: datanet.metadata_uri.clone(),
        metadata_hash: datanet.metadata_hash,
        licence: datanet.licence.clone(),
        modality: datanet.modality,
        access: datanet.access,
        min_bond: datanet.min_bond,
        panel_size: datanet.panel_size,
        quorum: datanet.quorum,
    };
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
