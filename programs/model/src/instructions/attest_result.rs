//! Accepts a job's result on the committee's word: pays for compute, returns the rest, makes the model ready.

use crate::{error::ModelError, escrow::Escrow, events::ResultAttested, seeds, state::*};
use anchor_lang::prelude::*;
use anchor_spl::token::{Mint, Token, TokenAccount};
use openledger_protocol::{
    attest::{Kind, payload_hash},
    hash::ZERO,
};
use stake::{
    attested::{self, Change},
    committee::View,
    sequence::take,
    state::Config as StakeConfig,
};

/// What one operator did for a job, and what it is paid for it.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub struct ComputeShare {
    /// The operator's wallet.
    pub operator: Pubkey,
    /// Work done, in the training config's work units.
    pub units: u64,
    /// Base units paid for it.
    pub amount: u64,
}

/// Arguments of `attest_result`. The attested payload is the SHA-256 of their Borsh bytes.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug, PartialEq, Eq)]
pub struct AttestResultArgs {
    /// SHA-256 of the adapter's file.
    pub adapter_hash: [u8; 32],
    /// SHA-256 of the training manifest.
    pub manifest_hash: [u8; 32],
    /// What each operator did and is paid; at most 8, each operator once, at most the budget in all.
    pub compute: Vec<ComputeShare>,
    /// Last slot in which the attestation is accepted.
    pub expiry_slot: u64,
}

/// Accounts of `attest_result`. Anyone may send it. Remaining accounts: for each entry of `compute`, in order, an OPEN
/// token account of its operator (writable).
#[event_cpi]
#[derive(Accounts)]
pub struct AttestResult<'info> {
    /// The stake program's config: cluster and active committee.
    #[account(seeds = [stake::seeds::CONFIG], bump = stake_config.bump, seeds::program = stake::ID)]
    pub stake_config: Box<Account<'info, StakeConfig>>,
    /// CHECK: the active committee; `stake::attested::check` checks owner, kind, epoch and status.
    pub committee: UncheckedAccount<'info>,
    /// CHECK: the instructions sysvar; `stake::attested::check` checks the address.
    pub instructions: UncheckedAccount<'info>,
    /// The model.
    #[account(
        mut, seeds = [seeds::MODEL, model.creator.as_ref(), &model.id.to_le_bytes()], bump = model.bump,
    )]
    pub model: Box<Account<'info, Model>>,
    /// The job.
    #[account(
        mut, seeds = [seeds::JOB, model.key().as_ref(), &job.number.to_le_bytes()], bump = job.bump,
        has_one = model @ ModelError::WrongJob,
        has_one = requester @ ModelError::WrongRequester,
    )]
    pub job: Box<Account<'info, Job>>,
    /// The escrow; emptied and closed here.
    #[account(mut, seeds = [seeds::ESCROW, job.key().as_ref()], bump = job.escrow_bump)]
    pub escrow: Box<Account<'info, TokenAccount>>,
    /// The OPEN mint.
    #[account(address = escrow.mint @ ModelError::WrongMint)]
    pub open_mint: Box<Account<'info, Mint>>,
    /// CHECK: the job's requester by address: the escrow's rent returns to it.
    #[account(mut)]
    pub requester: UncheckedAccount<'info>,
    /// The requester's OPEN: what was not earned returns here.
    #[account(
        mut,
        constraint = requester_token.mint == open_mint.key() @ ModelError::WrongMint,
        constraint = requester_token.owner == requester.key() @ ModelError::WrongTokenOwner,
    )]
    pub requester_token: Box<Account<'info, TokenAccount>>,
    /// The SPL Token program.
    pub token_program: Program<'info, Token>,
}

impl<'info> AttestResult<'info> {
    /// Checks the job, the attestation, the shares and the payees; returns the epoch of the committee that attested.
    pub fn validate(&self, args: &AttestResultArgs, payees: &'info [AccountInfo<'info>]) -> Result<u64> {
        let (job, slot) = (&self.job, Clock::get()?.slot);
        require!(job.status == JobStatus::Running, ModelError::JobNotRunning);
        require!(slot <= job.deadline_slot, ModelError::DeadlinePassed);
        require!(job.log_root != ZERO, ModelError::LogMissing);
        require!(args.adapter_hash != ZERO && args.manifest_hash != ZERO, ModelError::ZeroHash);
        let change = Change {
            program: crate::ID,
            kind: Kind::TrainingResult,
            subject: job.key(),
            sequence: job.sequence,
            payload: payload_hash(&borsh::to_vec(args)?),
            expiry_slot: args.expiry_slot,
        };
        let epoch = attested::check(&self.stake_config, &self.committee, &self.instructions, &change, slot)?;
        self.validate_shares(&args.compute, payees)?;
        Ok(epoch)
    }

    fn validate_shares(&self, shares: &[ComputeShare], payees: &'info [AccountInfo<'info>]) -> Result<()> {
        require!(shares.len() <= MAX_COMPUTE, ModelError::TooManyShares);
        require!(shares.len() == payees.len(), ModelError::WrongPayeeCount);
        require!(total(shares).is_some_and(|sum| sum <= self.job.budget), ModelError::OverBudget);
        let data = self.committee.try_borrow_data()?;
        let committee = View::read(self.committee.owner, &data)?;
        for (i, (share, payee)) in shares.iter().zip(payees).enumerate() {
            require!(committee.place(&share.operator).is_some(), ModelError::NotMember);
            require!(shares[..i].iter().all(|s| s.operator != share.operator), ModelError::DuplicateOperator);
            let account = Account::<TokenAccount>::try_from(payee).map_err(|_| ModelError::WrongPayee)?;
            let right = account.owner == share.operator && account.mint == self.open_mint.key();
            require!(right, ModelError::WrongPayee);
        }
        Ok(())
    }

    /// Pays, returns the rest, closes the escrow, and writes job and model.
    pub fn handler(ctx: Context<'info, Self>, args: AttestResultArgs, committee_epoch: u64) -> Result<()> {
        let a = &mut *ctx.accounts;
        let paid = total(&args.compute).ok_or(ModelError::OverBudget)?;
        let escrow = Escrow { job: &a.job, account: &a.escrow, mint: &a.open_mint, token_program: &a.token_program };
        for (share, payee) in args.compute.iter().zip(ctx.remaining_accounts) {
            escrow.pay(payee.clone(), share.amount)?;
        }
        let refunded = escrow.settle(paid, a.requester_token.to_account_info(), a.requester.to_account_info())?;
        let (job, model) = (&mut a.job, &mut a.model);
        job.status = JobStatus::Attested;
        job.paid = paid;
        job.refunded = refunded;
        model.adapter_hash = args.adapter_hash;
        model.manifest_hash = args.manifest_hash;
        model.snapshots.clone_from(&job.snapshots);
        model.job = Some(job.key());
        if model.status == ModelStatus::Draft {
            model.status = ModelStatus::Ready;
        }
        let event = ResultAttested {
            job: job.key(),
            sequence: take(&mut job.sequence)?,
            model: model.key(),
            adapter_hash: args.adapter_hash,
            manifest_hash: args.manifest_hash,
            compute: args.compute,
            paid,
            refunded,
            committee_epoch,
        };
        emit_cpi!(event);
        Ok(())
    }
}

/// Sum of the shares in base units; `None` if it overflows.
fn total(shares: &[ComputeShare]) -> Option<u64> {
    shares.iter().try_fold(0u64, |sum, s| sum.checked_add(s.amount))
}
