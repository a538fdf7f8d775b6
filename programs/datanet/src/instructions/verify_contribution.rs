//! `verify_contribution`: checks a proof that a contribution is in a Datanet's present root. It changes nothing. It is
//! for clients and other programs.

use crate::{error::DatanetError, seeds, state::Datanet};
use anchor_lang::prelude::*;
use openledger_protocol::{batch::BatchLeaf, mmr};

/// A proof that a leaf is in a mountain range whose count is known (`openledger_protocol::mmr::verify`).
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug, PartialEq, Eq)]
pub struct RangePath {
    /// Index of the leaf in the range.
    pub index: u64,
    /// Sibling hashes from the leaf to its mountain's peak, lowest first.
    pub siblings: Vec<[u8; 32]>,
    /// The other mountains' peaks, highest first.
    pub peaks: Vec<[u8; 32]>,
}

/// Arguments of `verify_contribution`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug, PartialEq, Eq)]
pub struct VerifyContributionArgs {
    /// The contribution's leaf hash.
    pub leaf: [u8; 32],
    /// Number of its batch, in order of opening.
    pub batch_index: u64,
    /// The batch's contributor.
    pub contributor: Pubkey,
    /// Root of the batch's range.
    pub batch_root: [u8; 32],
    /// Number of contributions in the batch.
    pub batch_count: u64,
    /// Proof from the leaf to the batch's root.
    pub in_batch: RangePath,
    /// Proof from the batch to the Datanet's root.
    pub in_datanet: RangePath,
}

/// Accounts of `verify_contribution`.
#[derive(Accounts)]
pub struct VerifyContribution<'info> {
    /// The Datanet.
    #[account(seeds = [seeds::DATANET, datanet.creator.as_ref(), &datanet.id.to_le_bytes()], bump = datanet.bump)]
    pub datanet: Box<Account<'info, Datanet>>,
}

impl VerifyContribution<'_> {
    /// Checks both proofs against the present root.
    fn validate(&self, args: &VerifyContributionArgs) -> Result<()> {
        let VerifyContributionArgs { in_batch: b, in_datanet: d, .. } = args;
        mmr::verify(&args.batch_root, args.batch_count, b.index, &args.leaf, &b.siblings, &b.peaks)
            .map_err(|_| DatanetError::BadProof)?;
        let batch = BatchLeaf {
            datanet: self.datanet.key().to_bytes(),
            index: args.batch_index,
            contributor: args.contributor.to_bytes(),
            root: args.batch_root,
            count: args.batch_count,
        };
        let range = &self.datanet.range;
        let root = mmr::root(range.count, &range.peaks).map_err(DatanetError::from)?;
        mmr::verify(&root, range.count, d.index, &batch.hash(), &d.siblings, &d.peaks)
            .map_err(|_| DatanetError::BadProof)?;
        Ok(())
    }
}

/// Only checks: the instruction succeeds if both proofs hold.
pub(crate) fn handler(ctx: Context<VerifyContribution>, args: VerifyContributionArgs) -> Result<()> {
    ctx.accounts.validate(&args)
}
