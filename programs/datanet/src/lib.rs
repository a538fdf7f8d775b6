//! OpenLedger's registry of community datasets: batches of contributions, their review by a panel of validators drawn
//! by stake, the mountain range over the accepted batches, and access to permissioned Datanets.
//!
//! A contribution costs 32 bytes of instruction data and no account. The range over a batch's contributions is stored
//! only as its peaks. So is the range over a Datanet's accepted batches. Anyone can rebuild both ranges from the ledger
//! alone. Larger imports hand in the root over their leaves, and the leaves are in a content-addressed manifest
//! (`contribute_bulk`).
//!
//! A Datanet's owner may be any address that can sign: a person's wallet, the vault of a multisig, or a PDA, such as
//! that of a council of this or another governance program.
//!
//! While the program is paused, no bond moves, and Datanets, batches and requests for access are neither created,
//! configured, opened, handed in, reviewed, decided, cancelled nor granted.
//!
//! A pause does not stop the following. Leaves can be added to an open batch, because they count only once it is handed
//! in. A panel's seed can be fixed, because that is possible only within 512 slots. Access can be revoked. Uses can be
//! recorded, because the model program may be running meanwhile. Ownership and authority can be handed over. The
//! authority can change its own settings.

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

    /// Makes the config and the bond vault, once. Only the program's upgrade authority.
    pub fn initialize(ctx: Context<Initialize>, args: InitializeArgs) -> Result<()> {
        instructions::initialize::handler(ctx, args)
    }

    /// Changes the windows of batches submitted from now on. Only the config's authority.
    pub fn set_windows(ctx: Context<SetWindows>, args: InitializeArgs) -> Result<()> {
        instructions::set_windows::handler(ctx, args)
    }

    /// Pauses the program until `until_slot`, at most about a week ahead. A past slot ends a pause. Only the config's
    /// authority.
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

    /// Makes a Datanet that the signer owns.
    pub fn create_datanet(ctx: Context<CreateDatanet>, args: CreateDatanetArgs) -> Result<()> {
        instructions::create_datanet::handler(ctx, args)
    }

    /// Changes a Datanet's description, least bond, panel size and quorum, for batches opened from now on. Only the
    /// Datanet's owner.
    pub fn configure(ctx: Context<Configure>, args: ConfigureArgs) -> Result<()> {
        instructions::configure::handler(ctx, args)
    }

    /// Pauses or resumes the opening of batches. Only the Datanet's owner.
    pub fn set_paused(ctx: Context<SetPaused>, paused: bool) -> Result<()> {
        instructions::set_paused::handler(ctx, paused)
    }

    /// Proposes the wallet that may take a Datanet over. Only the Datanet's owner.
    pub fn propose_owner(ctx: Context<ProposeOwner>, new: Pubkey) -> Result<()> {
        instructions::propose_owner::handler(ctx, new)
    }

    /// Takes a Datanet over. Only the proposed wallet.
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

    /// Hands a batch in for review. `manifest` is the SHA-256 of its manifest. Only its contributor.
    pub fn submit_batch(ctx: Context<SubmitBatch>, manifest: [u8; 32]) -> Result<()> {
        instructions::submit_batch::handler(ctx, manifest)
    }

    /// Hands an empty batch in for review by the root over its leaves. The leaves are only in the manifest. Only its
    /// contributor.
    pub fn contribute_bulk(ctx: Context<SubmitBatch>, args: ContributeBulkArgs) -> Result<()> {
        instructions::contribute_bulk::handler(ctx, args)
    }

    /// Cancels a batch that is not submitted. Bond and rent return. Only its contributor.
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

    /// Reveals a verdict, once nobody can commit any more. Only a validator that committed.
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

    /// Requests access to a permissioned Datanet.
    pub fn request_access(ctx: Context<RequestAccess>, purpose: String) -> Result<()> {
        instructions::request_access::handler(ctx, purpose)
    }

    /// Grants or extends access up to and including `expiry_slot`. Only the Datanet's owner.
    pub fn grant_access(ctx: Context<GrantAccess>, expiry_slot: u64) -> Result<()> {
        instructions::grant_access::handler(ctx, expiry_slot)
    }

    /// Revokes access or refuses a request. Only the Datanet's owner.
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
