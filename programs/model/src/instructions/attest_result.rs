//! Accepts a job's result on the committee's word: pays for compute, returns the rest, makes the model ready.

use crate::{error::ModelError, escrow::Escrow, events::ResultAttested, seeds, state::*};
use anchor_lang::prelude::*;
use anchor_spl::token::{self, Token, TokenAccount};
use openledger_protocol::{
    attest::{Kind, payload_hash},
    fees,
    hash::ZERO,
};
use stake::{
    attested::{self, Change},
    committee::View,
    event,
    sequence::take,
    state::Config as StakeConfig,
};

/// What one operator did for a job, and what it is paid for it: its receipt, as the attested result carries it. Nobody is
/// paid without work.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub struct ComputeShare {
    /// The operator's wallet.
    pub operator: Pubkey,
    /// Work done: tokens trained on, or re-executed to verify, each counted once for every pass over it.
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
    /// What each operator did and is paid; at most 8, each operator once, with the data share at most the budget.
    pub compute: Vec<ComputeShare>,
    /// Last slot in which the attestation is accepted.
    pub expiry_slot: u64,
}

/// Accounts of `attest_result`. Anyone may send it. Remaining accounts: for each entry of `compute`, in order, an OPEN
/// token account of its operator (writable).
#[event_cpi]
#[derive(Accounts)]
pub struct AttestResult<'info> {
    /// The stake program's config: cluster and active committee. There is one: its type is enough.
    pub stake_config: Box<Account<'info, StakeConfig>>,
    /// CHECK: the active committee; `stake::attested::check` checks owner, kind, epoch and status.
    pub committee: UncheckedAccount<'info>,
    /// CHECK: the instructions sysvar; `stake::attested::check` checks the address.
    pub instructions: UncheckedAccount<'info>,
    /// The config: whether the program is, or lately was, paused. There is one: its type is enough.
    pub config: Box<Account<'info, Config>>,
    /// The model. Models and jobs are made nowhere but at their address: the type is enough.
    #[account(mut)]
    pub model: Box<Account<'info, Model>>,
    /// The job.
    #[account(
        mut,
        has_one = model @ ModelError::WrongJob,
        has_one = requester @ ModelError::WrongRequester,
    )]
    pub job: Box<Account<'info, Job>>,
    /// The escrow; emptied here but for the data share, and closed where there is none.
    #[account(mut, seeds = [seeds::ESCROW, job.key().as_ref()], bump = job.escrow_bump)]
    pub escrow: Box<Account<'info, TokenAccount>>,
    /// CHECK: the job's requester by address: the escrow's rent returns to it.
    #[account(mut)]
    pub requester: UncheckedAccount<'info>,
    /// The requester's OPEN: what was not earned returns here.
    #[account(
        mut,
        constraint = requester_token.mint == escrow.mint @ ModelError::WrongMint,
        constraint = requester_token.owner == requester.key() @ ModelError::WrongTokenOwner,
    )]
    pub requester_token: Box<Account<'info, TokenAccount>>,
    /// The SPL Token program.
    pub token_program: Program<'info, Token>,
}

impl<'info> AttestResult<'info> {
    /// Checks the job, the attestation, the shares and the payees; returns the epoch of the committee that attested.
    pub fn validate(&self, args: &AttestResultArgs, payees: &'info [AccountInfo<'info>]) -> Result<u64> {
        let (job, slot) = (&self.job, self.config.running()?);
        require!(job.status == JobStatus::Running, ModelError::JobNotRunning);
        require!(slot <= job.last_slot(&self.config), ModelError::DeadlinePassed);
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
        let data = self.committee.try_borrow_data()?;
        let committee = View::read(self.committee.owner, &data)?;
        for (i, (share, payee)) in shares.iter().zip(payees).enumerate() {
            require!(share.units > 0 || share.amount == 0, ModelError::PaidForNothing);
            require!(committee.place(&share.operator).is_some(), ModelError::NotMember);
            require!(shares[..i].iter().all(|s| s.operator != share.operator), ModelError::DuplicateOperator);
            require!(is_token_account(payee, &self.escrow.mint, &share.operator), ModelError::WrongPayee);
        }
        Ok(())
    }

    /// Pays, returns the rest, writes job and model. What is due to the contributors waits in the escrow; it is closed
    /// where nothing is.
    pub fn handler(ctx: Context<'info, Self>, args: AttestResultArgs, committee_epoch: u64) -> Result<()> {
        let a = &mut *ctx.accounts;
        let (paid, data_share) = divide(&args.compute, &a.job)?;
        let refunded = a
            .escrow
            .amount
            .checked_sub(paid)
            .and_then(|rest| rest.checked_sub(data_share))
            .ok_or(ModelError::OverBudget)?;
        let escrow = Escrow::new(&a.job, a.escrow.to_account_info());
        let compute = ctx.remaining_accounts.iter().cloned().zip(args.compute.iter().map(|s| s.amount));
        escrow.pay(compute.chain([(a.requester_token.to_account_info(), refunded)]))?;
        if data_share == 0 {
            escrow.close(a.requester.to_account_info())?;
        }
        let (job, model) = (&mut a.job, &mut a.model);
        job.status = JobStatus::Attested;
        job.paid = paid;
        job.data_share = data_share;
        job.refunded = refunded;
        model.adapter_hash = args.adapter_hash;
        model.manifest_hash = args.manifest_hash;
        model.snapshots.clone_from(&job.snapshots);
        model.job = Some(job.key());
        model.versions = model.versions.checked_add(1).ok_or(ProgramError::ArithmeticOverflow)?;
        if model.status == ModelStatus::Draft {
            model.status = ModelStatus::Ready;
        }
        let event = ResultAttested {
            job: job.key(),
            sequence: take(&mut job.sequence)?,
            model: model.key(),
            version: model.versions,
            adapter_hash: args.adapter_hash,
            manifest_hash: args.manifest_hash,
            compute: args.compute,
            paid,
            data_share,
            refunded,
            committee_epoch,
        };
        event::emit(crate::ID, &a.event_authority, crate::EVENT_AUTHORITY_AND_BUMP.1, &event)
    }
}

/// What operators and contributors get of a job's budget for this work; refuses more than the budget.
fn divide(shares: &[ComputeShare], job: &Job) -> Result<(u64, u64)> {
    let paid = shares.iter().try_fold(0u64, |sum, s| sum.checked_add(s.amount)).ok_or(ModelError::OverBudget)?;
    let data_share = fees::data_share(paid, job.data_share_bps).ok_or(ModelError::OverBudget)?;
    require!(paid.checked_add(data_share).is_some_and(|fee| fee <= job.budget), ModelError::OverBudget);
    Ok((paid, data_share))
}

/// Whether `account` is a token account of `mint` that `owner` owns. Read in place: mint and owner come first.
fn is_token_account(account: &AccountInfo, mint: &Pubkey, owner: &Pubkey) -> bool {
    let Ok(data) = account.try_borrow_data() else { return false };
    account.owner == &token::ID
        && data.len() == TokenAccount::LEN
        && data[..32] == mint.to_bytes()
        && data[32..64] == owner.to_bytes()
}
