//! OpenLedger payout program. It splits every fee at once. It pays contributors and validators by attested cumulative
//! roots. Anyone may claim for any wallet.
//!
//! The committee can divide a pool. It can neither enlarge a pool nor move money from one pool to the other. Whatever
//! root it signs, a pool's total never exceeds what was paid into it, and a shard never pays more for a pool than the
//! pool put into that shard.

use anchor_lang::prelude::*;

pub mod breaker;
pub mod challenge;
pub mod error;
pub mod events;
pub mod fee;
pub mod instructions;
pub mod parameters;
pub mod record;
pub mod seeds;
pub mod state;
pub mod tokens;

use instructions::*;
use parameters::Parameters;
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

    /// Makes the config and begins epoch 1. The program's upgrade authority sends it, once, and becomes the authority.
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

    /// Pays `amount` base units into a pool: a training job's data share, or a gift. `subject` names what it is for.
    /// Anyone may send it.
    pub fn fund(ctx: Context<Fund>, pool: Pool, subject: Pubkey, amount: u64) -> Result<()> {
        instructions::fund::handler(ctx, pool, subject, amount)
    }

    /// Posts an epoch's attested division. The challenge window opens and the next epoch begins.
    pub fn post_settlement<'info>(ctx: Context<'info, PostSettlement<'info>>, args: PostSettlementArgs) -> Result<()> {
        instructions::post_settlement::handler(ctx, args)
    }

    /// Challenges a posted settlement with a bond and freezes it until the challenge ends. Anyone may send it.
    pub fn challenge_settlement(ctx: Context<ChallengeSettlement>, args: ChallengeSettlementArgs) -> Result<()> {
        instructions::challenge_settlement::handler(ctx, args)
    }

    /// Decides a challenge. If it is dismissed, the settlement continues and the bond goes to the treasury. If it is
    /// upheld, the settlement is rejected and the bond returns. Only the authority.
    pub fn resolve_challenge(ctx: Context<ResolveChallenge>, uphold: bool) -> Result<()> {
        instructions::resolve_challenge::handler(ctx, uphold)
    }

    /// Ends a challenge that the authority did not resolve in time. The bond returns and the settlement continues.
    /// Anyone may send it.
    pub fn expire_challenge(ctx: Context<ExpireChallenge>) -> Result<()> {
        instructions::expire_challenge::handler(ctx)
    }

    /// Makes a posted settlement the one that claims are proven against, after its challenge window. Anyone may send
    /// it.
    pub fn activate_settlement(ctx: Context<ActivateSettlement>) -> Result<()> {
        instructions::activate_settlement::handler(ctx)
    }

    /// Pays a wallet what it earned and has not claimed, as far as the shard can. Anyone may send it.
    pub fn claim(ctx: Context<ClaimEarnings>, args: ClaimArgs) -> Result<()> {
        instructions::claim::handler(ctx, args)
    }

    /// Pays into the wallet's prepaid balance.
    pub fn deposit_balance(ctx: Context<DepositBalance>, amount: u64) -> Result<()> {
        instructions::deposit_balance::handler(ctx, amount)
    }

    /// Takes the used part of a prepaid balance, as attested, and splits it as a fee. Anyone may send it.
    pub fn debit_balance(ctx: Context<DebitBalance>, args: DebitBalanceArgs) -> Result<()> {
        instructions::debit_balance::handler(ctx, args)
    }

    /// Requests prepaid OPEN back. A request of 0 cancels the previous one.
    pub fn request_balance_withdrawal(ctx: Context<RequestBalanceWithdrawal>, amount: u64) -> Result<()> {
        instructions::request_balance_withdrawal::handler(ctx, amount)
    }

    /// Returns prepaid OPEN to its owner after the delay.
    pub fn withdraw_balance(ctx: Context<WithdrawBalance>) -> Result<()> {
        instructions::withdraw_balance::handler(ctx)
    }

    /// Sends tokens in a vault beyond the counted ones to the treasury. Anyone may send it.
    pub fn sweep_dust(ctx: Context<SweepDust>) -> Result<()> {
        instructions::sweep_dust::handler(ctx)
    }

    /// Stops payments, debits, claims and settlements until a slot. A past slot ends the pause.
    pub fn pause(ctx: Context<Pause>, until_slot: u64) -> Result<()> {
        instructions::pause::handler(ctx, until_slot)
    }

    /// Sets the parameters other than the fees.
    pub fn set_parameters(ctx: Context<SetParameters>, parameters: Parameters) -> Result<()> {
        instructions::set_parameters::handler(ctx, parameters)
    }

    /// Sets the shares of fees from the next epoch on.
    pub fn set_fees(ctx: Context<SetFees>, next: FeeShares) -> Result<()> {
        instructions::set_fees::handler(ctx, next)
    }

    /// Proposes the key that may take the authority over.
    pub fn propose_authority(ctx: Context<ProposeAuthority>, new: Pubkey) -> Result<()> {
        instructions::propose_authority::handler(ctx, new)
    }

    /// Makes the proposed key the authority.
    pub fn accept_authority(ctx: Context<AcceptAuthority>) -> Result<()> {
        instructions::accept_authority::handler(ctx)
    }
}
