//! OpenLedger's registry of models and its fine-tuning jobs. A job's budget is in escrow. A job reads Datanets as they
//! were at the request. A result is accepted only with the committee's attestation.
//!
//! Everything in a job's escrow is paid or returned, however the job ends: pay to operators, data share to the
//! contributors' pool and refund to the requester sum to what was in it.

pub mod compute;
pub mod error;
pub mod escrow;
pub mod events;
pub mod instructions;
pub mod seeds;
pub mod state;

use anchor_lang::prelude::*;
pub use instructions::*;

declare_id!("G7H1ik1rdSNfm7xDyRsET1HXNcVj5qRYDuWQRu1RW11z");

#[cfg(not(feature = "no-entrypoint"))]
solana_security_txt::security_txt! {
    name: "OpenLedger model",
    project_url: "https://github.com/openledger/openledger-solana",
    contacts: "link:https://github.com/openledger/openledger-solana/security/advisories/new",
    policy: "https://github.com/openledger/openledger-solana/blob/main/docs/SECURITY.md",
    source_code: "https://github.com/openledger/openledger-solana"
}

/// Instructions of the model program.
#[program]
pub mod model {
    use super::*;

    /// Makes the config, once. Only the program's upgrade authority.
    pub fn initialize(ctx: Context<Initialize>, args: InitializeArgs) -> Result<()> {
        instructions::initialize::handler(ctx, args)
    }

    /// Changes the windows and the data share of jobs requested or assigned from now on. Only the config's authority.
    pub fn set_windows(ctx: Context<SetWindows>, args: InitializeArgs) -> Result<()> {
        instructions::set_windows::handler(ctx, args)
    }

    /// Pauses everything but changes of the config until `until_slot`, at most about a week ahead. A past slot ends a
    /// pause. Only the config's authority.
    pub fn pause(ctx: Context<Pause>, until_slot: u64) -> Result<()> {
        instructions::pause::handler(ctx, until_slot)
    }

    /// Proposes the wallet that may take the config over. Only the config's authority.
    pub fn propose_authority(ctx: Context<ProposeAuthority>, new: Pubkey) -> Result<()> {
        instructions::propose_authority::handler(ctx, new)
    }

    /// Takes the config over. Only the proposed wallet.
    pub fn accept_authority(ctx: Context<AcceptAuthority>) -> Result<()> {
        instructions::accept_authority::handler(ctx)
    }

    /// Registers a model that the signer owns, over a base model or over another model's adapter.
    pub fn register_model(ctx: Context<RegisterModel>, args: RegisterModelArgs) -> Result<()> {
        instructions::register_model::handler(ctx, args)
    }

    /// Changes the prices of 1,000 prompt and 1,000 completion tokens, in base units. Only the model's owner.
    pub fn set_price(ctx: Context<SetPrice>, price_in: u64, price_out: u64) -> Result<()> {
        instructions::set_price::handler(ctx, price_in, price_out)
    }

    /// Takes a model out of service for good. Only the model's owner.
    pub fn retire_model(ctx: Context<RetireModel>) -> Result<()> {
        instructions::retire_model::handler(ctx)
    }

    /// Requests a training job and puts its budget into escrow. Only the model's owner. Remaining accounts: for each
    /// Datanet its account and, if it is permissioned, the requester's grant (writable).
    pub fn request_job<'info>(ctx: Context<'info, RequestJob<'info>>, args: RequestJobArgs) -> Result<()> {
        instructions::request_job::handler(ctx, args)
    }

    /// Takes a job, and pins it to the active committee. Only an operator of that committee that can train, and only
    /// `job.former` while the job is kept for it.
    pub fn assign_job(ctx: Context<AssignJob>) -> Result<()> {
        instructions::assign_job::handler(ctx)
    }

    /// Shows that the assigned operator is still working. Only that operator, until it has posted its log.
    pub fn heartbeat(ctx: Context<Heartbeat>) -> Result<()> {
        instructions::heartbeat::handler(ctx)
    }

    /// Takes a job from an operator that has been silent for too long, or whose committee is no longer the active one,
    /// so that another can take it. Anyone.
    pub fn release_job(ctx: Context<ReleaseJob>) -> Result<()> {
        instructions::release_job::handler(ctx)
    }

    /// Posts the Merkle root of the training log and the number of its segments, once. Only the assigned operator.
    pub fn post_log(ctx: Context<PostLog>, args: PostLogArgs) -> Result<()> {
        instructions::post_log::handler(ctx, args)
    }

    /// Accepts a result that the job's committee, which must still be the active one, attests in the Ed25519
    /// instruction directly before. Anyone may send it. Remaining accounts: for each entry of `compute`, in order, an OPEN token account of its operator (writable).
    pub fn attest_result<'info>(ctx: Context<'info, AttestResult<'info>>, args: AttestResultArgs) -> Result<()> {
        instructions::attest_result::handler(ctx, args)
    }

    /// Pays an attested result's data share into the contributors' pool and closes the escrow. Anyone.
    pub fn pay_data_share(ctx: Context<PayDataShare>) -> Result<()> {
        instructions::pay_data_share::handler(ctx)
    }

    /// Cancels a job that no operator has, unless it is kept for one. The requester at any time, anyone after
    /// `config.assign_slots` or when no operator may take it any more.
    pub fn cancel_job(ctx: Context<CancelJob>) -> Result<()> {
        instructions::cancel_job::handler(ctx)
    }

    /// Ends a job that has run out of time. Anyone.
    pub fn expire_job(ctx: Context<ExpireJob>) -> Result<()> {
        instructions::expire_job::handler(ctx)
    }
}
