//! `post_settlement`: posts an epoch's attested division of the pools.

use crate::{
    error::PayoutError,
    events::{EMITTER, SettlementPosted},
    seeds,
    state::*,
};
use anchor_lang::prelude::*;
use openledger_protocol::attest::Kind;
use openledger_shared::{checked::add, sequence, slot_unless_paused};
use stake::attested;

/// Arguments of `post_settlement`. The committee signs the SHA-256 of their Borsh bytes.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug, PartialEq, Eq)]
pub struct PostSettlementArgs {
    /// The epoch, which is the one after the last posted epoch. It is the config's present epoch, which then ends, or
    /// the epoch before that if its settlement was rejected.
    pub epoch: u64,
    /// The roots posted last, which this settlement starts from.
    pub previous: [PoolRoot; POOLS],
    /// The pools' roots after this settlement.
    pub pools: [PoolRoot; POOLS],
    /// Merkle root over the members' signed observations.
    pub observations_root: [u8; 32],
    /// SHA-256 of the published report.
    pub report_hash: [u8; 32],
    /// Last slot whose payments are counted.
    pub cutoff_slot: u64,
    /// Last slot in which the attestation is accepted.
    pub expiry_slot: u64,
}

/// Accounts of `post_settlement`. The instruction directly before must be the Ed25519 program's. Remaining accounts:
/// every shard in the order of their indices.
#[event_cpi]
#[derive(Accounts)]
#[instruction(args: PostSettlementArgs)]
pub struct PostSettlement<'info> {
    /// Any wallet. It pays the rent.
    #[account(mut)]
    pub payer: Signer<'info>,
    /// The config. There is only one, so its type identifies it.
    #[account(mut)]
    pub config: Box<Account<'info, Config>>,
    /// The settlement to make.
    #[account(
        init,
        payer = payer,
        space = 8 + Settlement::INIT_SPACE,
        // The address uses the next epoch to post and not the argument's, so that a replay reaches the check of the
        // epoch.
        seeds = [seeds::SETTLEMENT, &config.posted_epoch.saturating_add(1).to_le_bytes()],
        bump
    )]
    pub settlement: Box<Account<'info, Settlement>>,
    /// The stake program's config.
    pub stake_config: Box<Account<'info, stake::state::Config>>,
    /// The active committee.
    /// CHECK: [`attested::check`] checks program, kind, epoch and status.
    pub committee: UncheckedAccount<'info>,
    /// The instructions sysvar.
    /// CHECK: [`attested::check`] checks the address.
    pub instructions: UncheckedAccount<'info>,
    /// The system program.
    pub system_program: Program<'info, System>,
}

/// A settlement that passed all checks.
struct Posting {
    /// The present slot.
    slot: u64,
    /// Lifetime funding of each pool, in base units.
    funded: [u64; POOLS],
    /// Epoch of the committee that has attested.
    committee_epoch: u64,
}

impl<'info> PostSettlement<'info> {
    /// Checks epoch, roots, funding and attestation.
    fn validate(&self, args: &PostSettlementArgs, shards: &'info [AccountInfo<'info>]) -> Result<Posting> {
        let config = &self.config;
        let funded = funded(shards, config.shards)?;
        let slot = slot_unless_paused(config.paused_until)?;
        require!(config.posted_epoch.checked_add(1) == Some(args.epoch), PayoutError::WrongEpoch);
        require!(config.active_epoch == config.posted_epoch, PayoutError::PreviousNotActive);
        let last = if args.epoch == config.epoch {
            let over = add(config.epoch_start_slot, config.parameters.epoch_slots)?;
            require!(slot >= over, PayoutError::EpochNotOver);
            slot
        } else {
            // The epoch ended when its rejected settlement was posted.
            config.epoch_start_slot
        };
        require!(config.settled_slot < args.cutoff_slot && args.cutoff_slot <= last, PayoutError::BadCutoff);
        require!(args.previous == config.posted, PayoutError::WrongPrevious);
        for ((before, after), funded) in args.previous.iter().zip(&args.pools).zip(&funded) {
            require!(after.lifetime_total >= before.lifetime_total, PayoutError::TotalFell);
            require!(after.lifetime_total <= *funded, PayoutError::OverFunded);
        }
        Ok(Posting { slot, funded, committee_epoch: self.attested(args, slot)? })
    }

    /// Checks the attestation and returns the committee's epoch.
    fn attested(&self, args: &PostSettlementArgs, slot: u64) -> Result<u64> {
        let change = attested::Change {
            program: crate::ID,
            kind: Kind::Settlement,
            subject: self.config.key(),
            sequence: self.config.sequence,
            payload: attested::payload(args)?,
            expiry_slot: args.expiry_slot,
        };
        attested::check(&self.stake_config, &self.committee, &self.instructions, &change, slot)
    }
}

/// Lifetime funding of each pool, summed over `shards`. They must be all `count` shards in order.
fn funded<'info>(shards: &'info [AccountInfo<'info>], count: u8) -> Result<[u64; POOLS]> {
    require!(shards.len() == count as usize, PayoutError::WrongShards);
    let mut sum = [0; POOLS];
    for (index, info) in shards.iter().enumerate() {
        // This program makes shards only at their PDA, so type and index identify them.
        let shard = Account::<Shard>::try_from(info).map_err(|_| PayoutError::WrongShards)?;
        require!(shard.index as usize == index, PayoutError::WrongShards);
        for (total, part) in sum.iter_mut().zip(shard.funded) {
            *total = add(*total, part)?;
        }
    }
    Ok(sum)
}

/// Makes the settlement. If it ends the config's epoch, begins the next one.
pub(crate) fn handler<'info>(ctx: Context<'info, PostSettlement<'info>>, args: PostSettlementArgs) -> Result<()> {
    let Posting { slot, funded, committee_epoch } = ctx.accounts.validate(&args, ctx.remaining_accounts)?;
    let config = &mut ctx.accounts.config;
    let active_after = add(slot, config.parameters.challenge_slots)?;
    let sequence = sequence::take(&mut config.sequence)?;
    ctx.accounts.settlement.set_inner(Settlement {
        version: Version::CURRENT,
        bump: ctx.bumps.settlement,
        epoch: args.epoch,
        status: SettlementStatus::Posted,
        pools: args.pools,
        funded,
        observations_root: args.observations_root,
        report_hash: args.report_hash,
        cutoff_slot: args.cutoff_slot,
        committee_epoch,
        posted_slot: slot,
        active_after,
        sequence,
        challenges: 0,
    });
    config.posted = args.pools;
    config.posted_epoch = args.epoch;
    if args.epoch == config.epoch {
        config.epoch = add(config.epoch, 1)?;
        config.epoch_start_slot = slot;
        if let Some(next) = config.next_fees.take() {
            config.fees = next;
        }
    }
    let event = SettlementPosted {
        config: config.key(),
        sequence,
        epoch: args.epoch,
        pools: args.pools,
        funded,
        observations_root: args.observations_root,
        report_hash: args.report_hash,
        cutoff_slot: args.cutoff_slot,
        active_after,
        committee_epoch,
    };
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
