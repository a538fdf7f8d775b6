//! `request_job`: requests a training job. It fixes what the job reads, and puts its budget into escrow.

use crate::{
    error::ModelError,
    events::{EMITTER, JobRequested},
    seeds,
    state::*,
};
use anchor_lang::prelude::*;
use anchor_spl::token::{self, Mint, Token, TokenAccount, TransferChecked};
use datanet::{program::Datanet as DatanetProgram, state::Access, state::Datanet};
use openledger_protocol::{hash::ZERO, mmr};
use openledger_shared::{checked::add, sequence, slot_unless_paused};

/// Arguments of `request_job`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug)]
pub struct RequestJobArgs {
    /// SHA-256 of the training config, which is in the artifact store under that hash.
    pub config_hash: [u8; 32],
    /// Seed for initialisation, order of examples and sampling.
    pub seed: u64,
    /// Base units to put into escrow.
    pub budget: u64,
}

/// Accounts of `request_job`. Remaining accounts: for each Datanet its account and, if it is permissioned, the
/// requester's grant (writable).
#[event_cpi]
#[derive(Accounts)]
pub struct RequestJob<'info> {
    /// The model's owner. It pays budget and rent, and holds the grants. Nobody else may have the model trained.
    #[account(mut)]
    pub requester: Signer<'info>,
    /// The config.
    #[account(seeds = [seeds::CONFIG], bump = config.bump)]
    pub config: Box<Account<'info, Config>>,
    /// The model.
    #[account(
        mut, seeds = [seeds::MODEL, model.creator.as_ref(), &model.id.to_le_bytes()], bump = model.bump,
        constraint = model.owner == requester.key() @ ModelError::NotModelOwner,
    )]
    pub model: Box<Account<'info, Model>>,
    /// The job to make; its number is `model.jobs`.
    #[account(
        init, payer = requester, space = 8 + Job::INIT_SPACE,
        seeds = [seeds::JOB, model.key().as_ref(), &model.jobs.to_le_bytes()], bump,
    )]
    pub job: Box<Account<'info, Job>>,
    /// The OPEN mint.
    #[account(address = config.open_mint @ ModelError::WrongMint)]
    pub open_mint: Box<Account<'info, Mint>>,
    /// The escrow to make.
    #[account(
        init, payer = requester, seeds = [seeds::ESCROW, job.key().as_ref()], bump,
        token::mint = open_mint, token::authority = job,
    )]
    pub escrow: Box<Account<'info, TokenAccount>>,
    /// The requester's OPEN: the budget comes from here.
    #[account(
        mut,
        constraint = requester_token.mint == open_mint.key() @ ModelError::WrongMint,
        constraint = requester_token.owner == requester.key() @ ModelError::WrongTokenOwner,
    )]
    pub requester_token: Box<Account<'info, TokenAccount>>,
    /// The datanet program: records the use of permissioned Datanets.
    pub datanet_program: Program<'info, DatanetProgram>,
    /// CHECK: the datanet program's event authority; that program checks it.
    pub datanet_event_authority: UncheckedAccount<'info>,
    /// The SPL Token program.
    pub token_program: Program<'info, Token>,
    /// The System program.
    pub system_program: Program<'info, System>,
}

/// What a job reads.
struct Reads<'info> {
    /// The present slot.
    slot: u64,
    /// Snapshots of the Datanets now.
    snapshots: Vec<Snapshot>,
    /// The permissioned Datanets, each with the requester's grant.
    uses: Vec<[&'info AccountInfo<'info>; 2]>,
}

impl<'info> RequestJob<'info> {
    /// Checks the arguments and that the model is not retired, and returns what the job reads.
    fn validate(&self, args: &RequestJobArgs, accounts: &'info [AccountInfo<'info>]) -> Result<Reads<'info>> {
        let slot = slot_unless_paused(self.config.paused_until)?;
        require!(self.model.status != ModelStatus::Retired, ModelError::Retired);
        require!(args.config_hash != ZERO, ModelError::ZeroHash);
        require!(args.budget > 0, ModelError::ZeroBudget);
        let (mut snapshots, mut uses): (Vec<Snapshot>, _) = (vec![], vec![]);
        let mut rest = accounts.iter();
        while let Some(datanet) = rest.next() {
            let (snapshot, access) = read(datanet)?;
            require!(snapshots.iter().all(|s| s.datanet != snapshot.datanet), ModelError::DuplicateDatanet);
            require!(snapshots.len() < MAX_SNAPSHOTS, ModelError::BadDatanetCount);
            if access == Access::Permissioned {
                uses.push([datanet, rest.next().ok_or(ModelError::MissingGrant)?]);
            }
            snapshots.push(snapshot);
        }
        require!(!snapshots.is_empty(), ModelError::BadDatanetCount);
        Ok(Reads { slot, snapshots, uses })
    }

    fn fund(&self, budget: u64) -> Result<()> {
        let accounts = TransferChecked {
            from: self.requester_token.to_account_info(),
            mint: self.open_mint.to_account_info(),
            to: self.escrow.to_account_info(),
            authority: self.requester.to_account_info(),
        };
        token::transfer_checked(CpiContext::new(self.token_program.key(), accounts), budget, self.open_mint.decimals)
    }

    /// Calls the datanet program to check the grant and count its use. That program refuses a grant that is not live or
    /// not the requester's.
    fn record_use(&self, datanet: &AccountInfo<'info>, grant: &AccountInfo<'info>) -> Result<()> {
        let accounts = datanet::cpi::accounts::RecordUse {
            grantee: self.requester.to_account_info(),
            datanet: datanet.clone(),
            grant: grant.clone(),
            event_authority: self.datanet_event_authority.to_account_info(),
            program: self.datanet_program.to_account_info(),
        };
        datanet::cpi::record_use(CpiContext::new(self.datanet_program.key(), accounts), self.job.key())
    }
}

/// A Datanet's snapshot and its access rule. This has its own stack frame, because the account is a large value.
#[inline(never)]
fn read<'info>(info: &'info AccountInfo<'info>) -> Result<(Snapshot, Access)> {
    let datanet = Box::new(Account::<Datanet>::try_from(info).map_err(|_| ModelError::WrongDatanet)?);
    let range = &datanet.range;
    require!(range.count > 0, ModelError::EmptyDatanet);
    let root = mmr::root(range.count, &range.peaks).map_err(|_| ModelError::WrongDatanet)?;
    Ok((Snapshot { datanet: info.key(), root, batches: range.count }, datanet.access))
}

/// Records the use of permissioned Datanets, takes the budget and writes the job.
pub(crate) fn handler<'info>(ctx: Context<'info, RequestJob<'info>>, args: RequestJobArgs) -> Result<()> {
    let reads = ctx.accounts.validate(&args, ctx.remaining_accounts)?;
    for [datanet, grant] in reads.uses {
        ctx.accounts.record_use(datanet, grant)?;
    }
    ctx.accounts.fund(args.budget)?;
    let a = &mut *ctx.accounts;
    let number = a.model.jobs;
    a.model.jobs = add(number, 1)?;
    a.job.set_inner(Job {
        version: Version::CURRENT,
        bump: ctx.bumps.job,
        escrow_bump: ctx.bumps.escrow,
        model: a.model.key(),
        number,
        requester: a.requester.key(),
        base_hash: a.model.base_hash,
        config_hash: args.config_hash,
        seed: args.seed,
        snapshots: reads.snapshots,
        budget: args.budget,
        data_share_bps: a.config.data_share_bps,
        status: JobStatus::Requested,
        requested_slot: reads.slot,
        waiting_slot: reads.slot,
        taking_slot: add(reads.slot, a.config.taking_slots())?,
        former: None,
        operator: None,
        committee_epoch: 0,
        deadline_slot: 0,
        heartbeat_slots: 0,
        heartbeat_slot: 0,
        log_root: ZERO,
        log_slot: 0,
        segments: 0,
        paid: 0,
        data_share: 0,
        data_paid: 0,
        refunded: 0,
        sequence: 0,
    });
    let event = JobRequested {
        job: a.job.key(),
        sequence: sequence::take(&mut a.job.sequence)?,
        model: a.model.key(),
        number,
        requester: a.requester.key(),
        config_hash: args.config_hash,
        seed: args.seed,
        snapshots: a.job.snapshots.clone(),
        budget: args.budget,
        data_share_bps: a.job.data_share_bps,
        taking_slot: a.job.taking_slot,
    };
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
