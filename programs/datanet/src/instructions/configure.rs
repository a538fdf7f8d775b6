//! `configure`: changes a Datanet's description and its rules for batches.

use crate::{
    description,
    error::DatanetError,
    events::{DatanetConfigured, EMITTER},
    seeds,
    state::*,
};
use anchor_lang::prelude::*;
use openledger_shared::{sequence, slot_unless_paused};

/// Arguments of `configure`: what a Datanet's owner may change. Modality, licence and access cannot change, because
/// earlier contributions were made under them.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct ConfigureArgs {
    /// URI of the content-addressed description, 1 to 128 bytes.
    pub metadata_uri: String,
    /// SHA-256 of the description.
    pub metadata_hash: [u8; 32],
    /// Least bond of a batch in base units.
    pub min_bond: u64,
    /// Expected size of a batch's panel, 1 to 9.
    pub panel_size: u8,
    /// Quorum: number of equal verdicts that decide, 1 to `panel_size`.
    pub quorum: u8,
}

/// Accounts of `configure`.
#[event_cpi]
#[derive(Accounts)]
pub struct Configure<'info> {
    /// The Datanet's owner.
    pub owner: Signer<'info>,
    /// The config: whether the program is paused. There is only one, so its type identifies it.
    pub config: Box<Account<'info, Config>>,
    /// The Datanet.
    #[account(
        mut, seeds = [seeds::DATANET, datanet.creator.as_ref(), &datanet.id.to_le_bytes()], bump = datanet.bump,
        has_one = owner @ DatanetError::NotOwner,
    )]
    pub datanet: Box<Account<'info, Datanet>>,
}

impl Configure<'_> {
    /// Checks the arguments.
    fn validate(&self, args: &ConfigureArgs) -> Result<()> {
        slot_unless_paused(self.config.paused_until)?;
        description::validate(&args.metadata_uri, &args.metadata_hash, args.panel_size, args.quorum)
    }
}

/// Writes the arguments. Batches that are open or under review keep the panel size and quorum that they were opened
/// with.
pub(crate) fn handler(ctx: Context<Configure>, args: ConfigureArgs) -> Result<()> {
    ctx.accounts.validate(&args)?;
    let datanet = &mut ctx.accounts.datanet;
    datanet.metadata_uri = args.metadata_uri;
    datanet.metadata_hash = args.metadata_hash;
    datanet.min_bond = args.min_bond;
    datanet.panel_size = args.panel_size;
    datanet.quorum = args.quorum;
    let event = DatanetConfigured {
        datanet: datanet.key(),
        sequence: sequence::take(&mut datanet.sequence)?,
        metadata_uri: datanet.metadata_uri.clone(),
        metadata_hash: datanet.metadata_hash,
        min_bond: datanet.min_bond,
        panel_size: datanet.panel_size,
        quorum: datanet.quorum,
    };
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
