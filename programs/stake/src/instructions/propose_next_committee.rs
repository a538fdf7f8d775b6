//! `propose_next_committee`: the present committee names its successor (A1). Nobody else is needed for it.

use super::{add_members::proposed, propose_committee::forming};
use crate::{
    attested::{self, Change},
    event,
    events::SuccessorNamed,
    seeds, sequence,
    state::*,
};
use anchor_lang::prelude::*;
use openledger_protocol::attest::Kind;

/// Arguments of `propose_next_committee`; their Borsh bytes are what the committee signs the hash of.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct ProposeNextCommitteeArgs {
    /// How many must sign: more than half of `size`.
    pub threshold: u16,
    /// Number of members.
    pub size: u16,
    /// Hash of all members in order: [`crate::roster::roster`]. `seat_members` names them.
    pub roster: [u8; 32],
    /// Last slot in which this is accepted.
    pub expiry_slot: u64,
}

/// Accounts of `propose_next_committee`.
#[event_cpi]
#[derive(Accounts)]
#[instruction(args: ProposeNextCommitteeArgs)]
pub struct ProposeNextCommittee<'info> {
    /// Anyone; pays the rent, and gets it back if the committee never becomes active.
    #[account(mut)]
    pub payer: Signer<'info>,
    /// The config: the subject of the attestation. Its sequence moves on, so none is good twice (A2).
    #[account(mut, seeds = [seeds::CONFIG], bump = config.bump)]
    pub config: Box<Account<'info, Config>>,
    /// The active committee.
    /// CHECK: [`attested::check`] checks program, kind of account, epoch and state.
    pub active_committee: UncheckedAccount<'info>,
    /// The committee to make, of the epoch after the active one.
    #[account(
        init,
        payer = payer,
        space = Committee::space(args.size.min(MAX_MEMBERS as u16) as usize),
        seeds = [seeds::COMMITTEE, &(config.committee_epoch + 1).to_le_bytes()],
        bump
    )]
    pub committee: Box<Account<'info, Committee>>,
    /// The instructions sysvar: the committee's signature is verified by the instruction directly before.
    /// CHECK: [`attested::check`] reads it through the checked loaders.
    pub instructions: UncheckedAccount<'info>,
    /// The system program.
    pub system_program: Program<'info, System>,
}

/// Makes the committee, to be seated by anyone.
pub(crate) fn handler(ctx: Context<ProposeNextCommittee>, args: ProposeNextCommitteeArgs) -> Result<()> {
    let slot = Clock::get()?.slot;
    let a = &mut *ctx.accounts;
    let change = Change {
        program: crate::ID,
        kind: Kind::Committee,
        subject: a.config.key(),
        sequence: a.config.sequence,
        payload: attested::payload(&args)?,
        expiry_slot: args.expiry_slot,
    };
    let committee_epoch = attested::check(&a.config, &a.active_committee, &a.instructions, &change, slot)?;
    let roster = Some(args.roster);
    let made = forming(&a.config, args.threshold, args.size, roster, a.payer.key(), ctx.bumps.committee, slot)?;
    a.committee.set_inner(made);
    let named = SuccessorNamed {
        config: a.config.key(),
        sequence: sequence::take(&mut a.config.sequence)?,
        committee: a.committee.key(),
        epoch: a.committee.epoch,
        threshold: args.threshold,
        size: args.size,
        roster: args.roster,
        committee_epoch,
    };
    let proposed = proposed(&mut a.committee, vec![])?;
    event::emit_all(crate::ID, &a.event_authority, crate::EVENT_AUTHORITY_AND_BUMP.1, Some(named), &proposed)
}
