//! OpenLedger's registry of community datasets: batches of contributions, their review by a panel of validators drawn
//! by stake, the mountain range of what was accepted, and access to Datanets that ask for it.
//!
//! A contribution costs 32 bytes of instruction data and no account: a batch's range is its peaks, a Datanet's range is
//! the peaks over its accepted batches, and both are rebuilt by anyone from the ledger alone. Imports too large for that
//! name the root over their leaves, which are in a content-addressed manifest (`contribute_bulk`).
//!
//! A Datanet's owner signs like a wallet and may be any address that can: a person's, a multisig's vault, or a
//! program's address, such as a council of this or another governance program.
//!
//! While the program is paused nothing is created, opened, handed in, reviewed, decided, cancelled or granted, and no
//! bond moves. What goes on: adding leaves to a batch that is open (they count for nothing until it is handed in),
//! fixing a panel's seed (which has 512 slots to be fixed in), taking access back, recording its use (a model program
//! that is not paused trains on), handing on ownership and authority, and the authority's own settings.

pub mod bond;
mod description;
pub mod error;
pub mod events;
pub mod instructions;
pub mod panel;
mod review;
pub mod seeds;
pub mod state;
pub mod verdict;

use anchor_lang::prelude::*;
pub use instructions::*;

declare_id!("2Xk6uomGy9AKweSAZjB9FzPLyazWeD2nRMoE31qx2Eav");

#[cfg(not(feature = "no-entrypoint"))]
solana_security_txt::security_txt! {
    name: "OpenLedger datanet",
    project_url: "https://github.com/openledger/openledger-solana",
    contacts: "link:https://github.com/openledger/openledger-solana/security",
    policy: "https://github.com/openledger/openledger-solana/blob/main/docs/SECURITY.md",
    source_code: "https://github.com/openledger/openledger-solana/tree/main/programs/datanet"
}

/// Instructions of the datanet program.
#[program]
pub mod datanet {
    use super::*;

    /// Makes the config and the bond vault. Only the program's upgrade authority, once.
    pub fn initialize(ctx: Context<Initialize>, args: InitializeArgs) -> Result<()> {
        instructions::initialize::handler(ctx, args)
    }

    /// Changes the windows of batches submitted from now on. Only the config's authority.
    pub fn set_windows(ctx: Context<SetWindows>, args: InitializeArgs) -> Result<()> {
        instructions::set_windows::handler(ctx, args)
    }

    /// Pauses the program until `until_slot`, at most about a week ahead; a past slot ends a pause. Only the config's
    /// authority.
    pub fn pause(ctx: Context<Pause>, until_slot: u64) -> Result<()> {
        instructions::pause::handler(ctx, until_slot)
    }

    /// Names a wallet that may take over the config. Only the config's authority.
    pub fn propose_authority(ctx: Context<ProposeAuthority>, new: Pubkey) -> Result<()> {
        instructions::propose_authority::handler(ctx, new)
    }

    /// Takes over the config. Only the wallet that was named.
    pub fn accept_authority(ctx: Context<AcceptAuthority>) -> Result<()> {
        instructions::accept_authority::handler(ctx)
    }

    /// Makes a Datanet that the signer owns.
    pub fn create_datanet(ctx: Context<CreateDatanet>, args: CreateDatanetArgs) -> Result<()> {
        instructions::create_datanet::handler(ctx, args)
    }

    /// Changes a Datanet's description, least bond, panel size and quorum, for batches opened from now on. Only the
    /// Datanet's owner.
    pub fn configure(ctx: Context<Configure>, args: ConfigureArgs) -> Result<()> {
        instructions::configure::handler(ctx, args)
    }

    /// Stops or resumes the opening of batches. Only the Datanet's owner.
    pub fn set_paused(ctx: Context<SetPaused>, paused: bool) -> Result<()> {
        instructions::set_paused::handler(ctx, paused)
    }

    /// Names a wallet that may take over a Datanet. Only the Datanet's owner.
    pub fn propose_owner(ctx: Context<ProposeOwner>, new: Pubkey) -> Result<()> {
        instructions::propose_owner::handler(ctx, new)
    }

    /// Takes over a Datanet. Only the wallet that was named.
    pub fn accept_owner(ctx: Context<AcceptOwner>) -> Result<()> {
        instructions::accept_owner::handler(ctx)
    }

    /// Opens a batch and takes its bond of `bond` base units.
    pub fn open_batch(ctx: Context<OpenBatch>, bond: u64) -> Result<()> {
        instructions::open_batch::handler(ctx, bond)
    }

    /// Adds leaves to an open batch. Only its contributor.
    pub fn contribute(ctx: Context<Contribute>, leaves: Vec<[u8; 32]>) -> Result<()> {
        instructions::contribute::handler(ctx, leaves)
    }

    /// Hands a batch to review; `manifest` is the SHA-256 of its manifest. Only its contributor.
    pub fn submit_batch(ctx: Context<SubmitBatch>, manifest: [u8; 32]) -> Result<()> {
        instructions::submit_batch::handler(ctx, manifest)
    }

    /// Hands an empty batch to review by the root over its leaves, which are in the manifest alone. Only its contributor.
    pub fn contribute_bulk(ctx: Context<SubmitBatch>, args: ContributeBulkArgs) -> Result<()> {
        instructions::contribute_bulk::handler(ctx, args)
    }

    /// Takes back a batch that is not submitted. Only its contributor.
    pub fn cancel_batch(ctx: Context<CancelBatch>) -> Result<()> {
        instructions::cancel_batch::handler(ctx)
    }

    /// Fixes the seed of a batch's panel, within 512 slots of submission. Anyone.
    pub fn draw_panel(ctx: Context<DrawPanel>) -> Result<()> {
        instructions::draw_panel::handler(ctx)
    }

    /// Commits to a verdict (`openledger_protocol::draw::verdict_commitment`). Only a drawn validator.
    pub fn commit_verdict(ctx: Context<CommitVerdict>, commitment: [u8; 32]) -> Result<()> {
        instructions::commit_verdict::handler(ctx, commitment)
    }

    /// Reveals a verdict, once nobody can commit any more. Only who committed.
    pub fn reveal_verdict(ctx: Context<RevealVerdict>, approve: bool, quality: u16, salt: [u8; 32]) -> Result<()> {
        instructions::reveal_verdict::handler(ctx, approve, quality, salt)
    }

    /// Carries out a panel's decision and closes the batch. Anyone.
    pub fn finalise_batch(ctx: Context<FinaliseBatch>) -> Result<()> {
        instructions::finalise_batch::handler(ctx)
    }

    /// Closes a batch that can no longer be decided and returns its bond. Anyone.
    pub fn expire_batch(ctx: Context<ExpireBatch>) -> Result<()> {
        instructions::expire_batch::handler(ctx)
    }

    /// Asks for access to a permissioned Datanet.
    pub fn request_access(ctx: Context<RequestAccess>, purpose: String) -> Result<()> {
        instructions::request_access::handler(ctx, purpose)
    }

    /// Gives or extends access up to and including `expiry_slot`. Only the Datanet's owner.
    pub fn grant_access(ctx: Context<GrantAccess>, expiry_slot: u64) -> Result<()> {
        instructions::grant_access::handler(ctx, expiry_slot)
    }

    /// Takes access back or refuses it. Only the Datanet's owner.
    pub fn revoke_access(ctx: Context<RevokeAccess>) -> Result<()> {
        instructions::revoke_access::handler(ctx)
    }

    /// Records that `job` reads a permissioned Datanet. Only the holder of a live grant.
    pub fn record_use(ctx: Context<RecordUse>, job: Pubkey) -> Result<()> {
        instructions::record_use::handler(ctx, job)
    }

    /// Succeeds if a contribution is in the Datanet's present root. Anyone.
    pub fn verify_contribution(ctx: Context<VerifyContribution>, args: VerifyContributionArgs) -> Result<()> {
        instructions::verify_contribution::handler(ctx, args)
    }
}
