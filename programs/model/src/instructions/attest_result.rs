//! `attest_result`: accepts a job's result that the job's committee attested. It pays for compute, returns the rest of the
//! budget, and makes the model ready.

pub use crate::compute::ComputeShare;
use crate::{
    compute::Division,
    error::ModelError,
    escrow::Escrow,
    events::{EMITTER, ResultAttested},
    seeds,
    state::*,
};
use anchor_lang::prelude::*;
use anchor_spl::token::{self, Token, TokenAccount};
use openledger_protocol::{attest::Kind, hash::ZERO};
use openledger_shared::{checked::add, sequence, slot_unless_paused};
use stake::{
    attested::{self, Change},
    committee::View,
    state::Config as StakeConfig,
};

/// Arguments of `attest_result`. The attested payload is the SHA-256 of their Borsh bytes.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug, PartialEq, Eq)]
pub struct AttestResultArgs {
    /// SHA-256 of the adapter's file.
    pub adapter_hash: [u8; 32],
    /// SHA-256 of the training manifest.
    pub manifest_hash: [u8; 32],
    /// Each operator's work and pay. There are at most 8 entries, and each operator appears once. Together with the
    /// data share they are at most the budget.
    pub compute: Vec<ComputeShare>,
    /// Last slot in which the attestation is accepted.
    pub expiry_slot: u64,
}

/// Accounts of `attest_result`. Anyone may send it. Remaining accounts: for each entry of `compute`, in order, an OPEN
/// token account of its operator (writable).
#[event_cpi]
#[derive(Accounts)]
pub struct AttestResult<'info> {
    /// The stake program's config: cluster and active committee. There is only one, so its type identifies it.
    pub stake_config: Box<Account<'info, StakeConfig>>,
    /// CHECK: the job's committee, which must be the active one; `stake::attested::check` checks owner, kind, epoch and status.
    pub committee: UncheckedAccount<'info>,
    /// CHECK: the instructions sysvar; `stake::attested::check` checks the address.
    pub instructions: UncheckedAccount<'info>,
    /// The config: whether the program is, or lately was, paused. There is only one, so its type identifies it.
    pub config: Box<Account<'info, Config>>,
    /// The model. Models and jobs are made only at their PDA, so the type identifies one.
    #[account(mut)]
    pub model: Box<Account<'info, Model>>,
    /// The job.
    #[account(
        mut,
        has_one = model @ ModelError::WrongJob,
        has_one = requester @ ModelError::WrongRequester,
    )]
    pub job: Box<Account<'info, Job>>,
    /// The escrow. Everything but the data share is paid out of it. It is closed if there is no data share.
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
    /// Checks the job, the attestation, the shares and the payees. Returns the epoch of the committee that attested,
    /// and the division of the escrow.
    fn validate(&self, args: &AttestResultArgs, payees: &'info [AccountInfo<'info>]) -> Result<(u64, Division)> {
        let (job, slot) = (&self.job, slot_unless_paused(self.config.paused_until)?);
        require!(job.status == JobStatus::Running, ModelError::JobNotRunning);
        require!(slot <= job.last_slot(&self.config), ModelError::DeadlinePassed);
        require!(job.log_root != ZERO, ModelError::LogMissing);
        // `attested::check` lets only the active committee attest, so that this lets only the job's.
        require!(job.committee_epoch == self.stake_config.committee_epoch, ModelError::OtherCommittee);
        require!(args.adapter_hash != ZERO && args.manifest_hash != ZERO, ModelError::ZeroHash);
        let change = Change {
            program: crate::ID,
            kind: Kind::TrainingResult,
            subject: job.key(),
            sequence: job.sequence,
            payload: attested::payload(args)?,
            expiry_slot: args.expiry_slot,
        };
        let epoch = attested::check(&self.stake_config, &self.committee, &self.instructions, &change, slot)?;
        self.validate_shares(&args.compute, payees)?;
        Ok((epoch, Division::of(&args.compute, job, self.escrow.amount)?))
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
}

/// Whether `account` is a token account of `mint` that `owner` owns. It is read in place: mint and owner are its first
/// two fields.
fn is_token_account(account: &AccountInfo, mint: &Pubkey, owner: &Pubkey) -> bool {
    let Ok(data) = account.try_borrow_data() else { return false };
    account.owner == &token::ID
        && data.len() == TokenAccount::LEN
        && data[..32] == mint.to_bytes()
        && data[32..64] == owner.to_bytes()
}

/// Pays for compute, returns the rest of the budget, and writes job and model. The data share waits in the escrow. The
/// escrow is closed if there is none.
pub(crate) fn handler<'info>(ctx: Context<'info, AttestResult<'info>>, args: AttestResultArgs) -> Result<()> {
    let (committee_epoch, division) = ctx.accounts.validate(&args, ctx.remaining_accounts)?;
    let Division { paid, data_share, refunded } = division;
    let a = &mut *ctx.accounts;
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
    model.versions = add(model.versions, 1)?;
    if model.status == ModelStatus::Draft {
        model.status = ModelStatus::Ready;
    }
    let event = ResultAttested {
        job: job.key(),
        sequence: sequence::take(&mut job.sequence)?,
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
    EMITTER.emit(&a.event_authority, &event)
}
