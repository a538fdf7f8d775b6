//! Changes how a Datanet takes batches, and its description.

use crate::{error::DatanetError, events::DatanetConfigured, seeds, state::*};
use anchor_lang::prelude::*;
use openledger_protocol::hash::ZERO;
use stake::sequence::take;

/// Arguments of `configure`: what a Datanet's owner may change. Modality, licence and access stay: what was contributed
/// was contributed under them.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct ConfigureArgs {
    /// Where the description lies (content-addressed), 1 to 128 bytes.
    pub metadata_uri: String,
    /// SHA-256 of the description.
    pub metadata_hash: [u8; 32],
    /// Least bond of a batch in base units.
    pub min_bond: u64,
    /// Expected size of a batch's panel, 1 to 9.
    pub panel_size: u8,
    /// Equal verdicts that decide, 1 to `panel_size`.
    pub quorum: u8,
}

/// Checks what `create_datanet` and `configure` both set.
pub(super) fn check(metadata_uri: &str, metadata_hash: &[u8; 32], panel_size: u8, quorum: u8) -> Result<()> {
    require!((1..=MAX_URI).contains(&metadata_uri.len()), DatanetError::BadUri);
    require!(*metadata_hash != ZERO, DatanetError::ZeroHash);
    require!((1..=MAX_PANEL).contains(&usize::from(panel_size)), DatanetError::BadPanel);
    require!((1..=panel_size).contains(&quorum), DatanetError::BadPanel);
    Ok(())
}

/// Accounts of `configure`.
#[event_cpi]
#[derive(Accounts)]
pub struct Configure<'info> {
    /// The Datanet's owner.
    pub owner: Signer<'info>,
    /// The config: whether the program is paused. There is one: its type is enough.
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
    pub fn validate(&self, args: &ConfigureArgs) -> Result<()> {
        self.config.running()?;
        check(&args.metadata_uri, &args.metadata_hash, args.panel_size, args.quorum)
    }

    /// Writes them. Batches that are open or under review keep the panel that they were opened with.
    pub fn handler(ctx: Context<Self>, args: ConfigureArgs) -> Result<()> {
        let datanet = &mut ctx.accounts.datanet;
        datanet.metadata_uri = args.metadata_uri;
        datanet.metadata_hash = args.metadata_hash;
        datanet.min_bond = args.min_bond;
        datanet.panel_size = args.panel_size;
        datanet.quorum = args.quorum;
        let event = DatanetConfigured {
            datanet: datanet.key(),
            sequence: take(&mut datanet.sequence)?,
            metadata_uri: datanet.metadata_uri.clone(),
            metadata_hash: datanet.metadata_hash,
            min_bond: datanet.min_bond,
            panel_size: datanet.panel_size,
            quorum: datanet.quorum,
        };
        emit_cpi!(event);
        Ok(())
    }
}
