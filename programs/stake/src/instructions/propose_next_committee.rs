//! `propose_next_committee`: makes the committee that the present one has attested as its successor (A1). It needs
//! nobody else's consent.

use crate::{
    attested::{self, Change},
    events::{EMITTER, SuccessorNamed},
    formation::proposed,
    seeds,
    state::*,
};
use anchor_lang::prelude::*;
use openledger_protocol::attest::Kind;
use openledger_shared::sequence;

/// Arguments of `propose_next_committee`. The committee signs the SHA-256 of their Borsh bytes.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct ProposeNextCommitteeArgs {
    /// How many must sign: more than half of `size`.
    pub threshold: u16,
    /// Number of members.
    pub size: u16,
    /// Hash of all members in order: [`crate::roster::roster`]. `seat_members` seats them.
    pub roster: [u8; 32],
    /// Last slot in which the attestation is accepted.
    pub expiry_slot: u64,
}

/// Accounts of `propose_next_committee`.
#[event_cpi]
#[derive(Accounts)]
#[instruction(args: ProposeNextCommitteeArgs)]
pub struct ProposeNextCommittee<'info> {
    /// Any wallet. It pays the rent, and gets it back if the committee never becomes active.
    #[account(mut)]
    pub payer: Signer<'info>,
    /// The config, which is the subject of the attestation. Its sequence number advances, so no attestation is accepted
    /// twice (A2).
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

impl ProposeNextCommittee<'_> {
    /// Checks the attestation and the new committee's sizes. Returns the epoch of the committee that attested, and the
    /// committee to make.
    fn validate(&self, args: &ProposeNextCommitteeArgs, bump: u8) -> Result<(u64, Committee)> {
        let (config, slot) = (&self.config, Clock::get()?.slot);
        let change = Change {
            program: crate::ID,
            kind: Kind::Committee,
            subject: config.key(),
            sequence: config.sequence,
            payload: attested::payload(args)?,
            expiry_slot: args.expiry_slot,
        };
        let epoch = attested::check(config, &self.active_committee, &self.instructions, &change, slot)?;
        let roster = Some(args.roster);
        let made = Committee::forming(config, args.threshold, args.size, roster, self.payer.key(), bump, slot)?;
        Ok((epoch, made))
    }
}

/// Makes the committee. Anyone may then seat its members.
pub(crate) fn handler(ctx: Context<ProposeNextCommittee>, args: ProposeNextCommitteeArgs) -> Result<()> {
    let (committee_epoch, made) = ctx.accounts.validate(&args, ctx.bumps.committee)?;
    let a = &mut *ctx.accounts;
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
    EMITTER.emit_all(&a.event_authority, Some(named), &proposed)
}
