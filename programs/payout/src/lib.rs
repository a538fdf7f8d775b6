//! OpenLedger payout program: splits every fee at once, and pays contributors and validators from attested cumulative
//! roots that anyone may claim against for any wallet.
//!
//! The committee can divide a pool, never enlarge it and never touch the other: totals never exceed what was paid in,
//! and a shard never pays more for a pool than the pool put into it, whatever root was signed.

use anchor_lang::prelude::*;

pub mod breaker;
pub mod error;
pub mod events;
pub mod instructions;
pub mod record;
pub mod seeds;
pub mod state;

use instructions::*;
use state::{FeeShares, Pool};

declare_id!("3hCdSRqgsJcTeb6RhuvN9J7NJDE78jPG5vGqJTnJf9PE");

#[cfg(not(feature = "no-entrypoint"))]
solana_security_txt::security_txt! {
    name: "OpenLedger payout",
    project_url: "https://github.com/openledger/openledger-solana",
    contacts: "link:https://github.com/openledger/openledger-solana/security/advisories/new",
    policy: "https://github.com/openledger/openledger-solana/blob/main/docs/SECURITY.md",
    source_code: "https://github.com/openledger/openledger-solana"
}

/// Instructions of the payout program.
#[program]
pub mod payout {
    use super::*;

    /// Makes the config. Once, by the program's upgrade authority, who becomes the authority. Epoch 1 begins.
    pub fn initialize(ctx: Context<Initialize>, args: InitializeArgs) -> Result<()> {
        instructions::initialize::handler(ctx, args)
    }

    /// Makes the next shard with its vault.
    pub fn create_shard(ctx: Context<CreateShard>, index: u8) -> Result<()> {
        instructions::create_shard::handler(ctx, index)
    }

    /// Pays for an answer and splits the fee.
    pub fn pay(ctx: Context<Pay>, args: PayArgs) -> Result<()> {
        instructions::pay::handler(ctx, args)
    }

    /// Pays `amount` base units into a pool, on account of `subject`: a training job's data share, or a gift. Anyone may.
    pub fn fund(ctx: Context<Fund>, pool: Pool, subject: Pubkey, amount: u64) -> Result<()> {
        instructions::fund::handler(ctx, pool, subject, amount)
    }

    /// Posts an epoch's attested division; the challenge window opens, the next epoch begins.
    pub fn post_settlement<'info>(ctx: Context<'info, PostSettlement<'info>>, args: PostSettlementArgs) -> Result<()> {
        instructions::post_settlement::handler(ctx, args)
    }

    /// Makes a posted settlement the one that claims are proven against, after its challenge window. Anyone may.
    pub fn activate_settlement(ctx: Context<ActivateSettlement>) -> Result<()> {
        instructions::activate_settlement::handler(ctx)
    }

    /// Pays a wallet what it earned and has not claimed, as far as the shard can. Anyone may.
    pub fn claim(ctx: Context<ClaimEarnings>, args: ClaimArgs) -> Result<()> {
        instructions::claim::handler(ctx, args)
    }

    /// Sets the shares in force from the next epoch on.
    pub fn set_fees(ctx: Context<SetFees>, next: FeeShares) -> Result<()> {
        instructions::set_fees::handler(ctx, next)
    }

    /// Names who may take the authority over.
    pub fn propose_authority(ctx: Context<ProposeAuthority>, new: Pubkey) -> Result<()> {
        instructions::propose_authority::handler(ctx, new)
    }

    /// Takes the authority over.
    pub fn accept_authority(ctx: Context<AcceptAuthority>) -> Result<()> {
        instructions::accept_authority::handler(ctx)
    }
}
