//! `prove_equivocation`: anyone shows that an operator has signed two different observations of one thing (A4).
//!
//! The prover is not paid. A bounty would let an operator that is about to be slashed prove its own fault and save a
//! part of its stake. The other members have an interest of their own in a proof, because the equivocation attacked
//! their agreement.

use crate::{committee::View, error::StakeError, punish::Parties, seeds, slash::Rate, state::*};
use anchor_lang::prelude::*;
use anchor_spl::token::{Token, TokenAccount};
use openledger_protocol::{
    hash::sha256,
    observation::{EvidenceError, Observation, equivocation},
};
use solana_instructions_sysvar::{load_current_index_checked, load_instruction_at_checked};

/// Arguments of `prove_equivocation`: they name what was observed. The observations themselves and both signatures are
/// in the Ed25519 instruction directly before (`openledger_protocol::observation::evidence_data`).
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct ProveEquivocationArgs {
    /// Committee epoch of the observations.
    pub epoch: u64,
    /// The account that the observations are about.
    pub subject: [u8; 32],
    /// The sequence number in the observations.
    pub sequence: u64,
}

/// Accounts of `prove_equivocation`.
#[event_cpi]
#[derive(Accounts)]
#[instruction(args: ProveEquivocationArgs)]
pub struct ProveEquivocation<'info> {
    /// Any wallet. It pays the rent of the mark.
    #[account(mut)]
    pub prover: Signer<'info>,
    /// The config.
    #[account(mut, seeds = [seeds::CONFIG], bump = config.bump)]
    pub config: Box<Account<'info, Config>>,
    /// The operator. Its identity key signed both observations.
    #[account(seeds = [seeds::OPERATOR, operator.owner.as_ref()], bump = operator.bump)]
    pub operator: Box<Account<'info, Operator>>,
    /// The operator's position.
    #[account(
        mut,
        seeds = [seeds::POSITION, operator.owner.as_ref(), &[Role::Operator as u8]],
        bump = position.bump
    )]
    pub position: Box<Account<'info, Position>>,
    /// The operator's pool, if and only if it has opened one.
    #[account(mut)]
    pub pool: Option<Box<Account<'info, Pool>>>,
    /// The committee of the observations' epoch.
    /// CHECK: [`View::read`] checks program and kind of account, `validate` the epoch.
    pub committee: UncheckedAccount<'info>,
    /// The mark to make. There is one address for each operator, epoch, subject and sequence, so no evidence is used
    /// twice.
    #[account(
        init,
        payer = prover,
        space = 8 + Equivocation::INIT_SPACE,
        seeds = [
            seeds::EQUIVOCATION,
            operator.owner.as_ref(),
            &args.epoch.to_le_bytes(),
            &args.subject,
            &args.sequence.to_le_bytes()
        ],
        bump
    )]
    pub equivocation: Box<Account<'info, Equivocation>>,
    /// The stake vault.
    #[account(mut, seeds = [seeds::VAULT], bump = config.vault_bump)]
    pub vault: Box<Account<'info, TokenAccount>>,
    /// The insurance vault.
    #[account(mut, seeds = [seeds::INSURANCE], bump = config.insurance_bump)]
    pub insurance: Box<Account<'info, TokenAccount>>,
    /// The instructions sysvar: both signatures are verified by the instruction directly before.
    /// CHECK: read through the checked loaders.
    pub instructions: UncheckedAccount<'info>,
    /// The SPL Token program.
    pub token_program: Program<'info, Token>,
    /// The system program.
    pub system_program: Program<'info, System>,
}

/// The facts that a valid proof of equivocation shows.
struct Proof {
    /// The two contents that the operator signed.
    contents: [[u8; 32]; 2],
    /// SHA-256 of the Ed25519 instruction's data; it names the evidence.
    evidence: [u8; 32],
    /// Whether the operator's delegators are slashed too.
    delegators_answer: bool,
    /// The present slot.
    slot: u64,
}

impl ProveEquivocation<'_> {
    /// Checks the proof, and decides whether the delegators are slashed too.
    fn validate(&self, args: &ProveEquivocationArgs) -> Result<Proof> {
        let slot = Clock::get()?.slot;
        let index = load_current_index_checked(&self.instructions)?;
        let before = index.checked_sub(1).ok_or(StakeError::EvidenceMissing)?;
        let signed = load_instruction_at_checked(before.into(), &self.instructions)?;
        let identity = self.operator.identity.to_bytes();
        let [first, second] = equivocation(&signed.program_id.to_bytes(), &signed.data, &identity).map_err(refusal)?;
        let named = Observation {
            cluster: self.config.cluster,
            epoch: args.epoch,
            operator: self.operator.owner.to_bytes(),
            subject: args.subject,
            sequence: args.sequence,
            content: first.content,
        };
        require!(first == named, StakeError::EvidenceMismatch);
        Ok(Proof {
            contents: [first.content, second.content],
            evidence: sha256(&[&signed.data]),
            delegators_answer: self.delegators_answer(args.epoch, slot)?,
            slot,
        })
    }

    /// Checks that the operator was a member of the committee of `epoch`. Returns whether its delegators are slashed
    /// too.
    ///
    /// Delegators are slashed while the committee is active, and for `unbond_slots` after it retired: until then a
    /// member could not have withdrawn its own stake. Later evidence slashes the operator alone. Otherwise an operator
    /// that has withdrawn its own stake could burn its delegators' OPEN by proving its own old faults.
    fn delegators_answer(&self, epoch: u64, slot: u64) -> Result<bool> {
        let data = self.committee.try_borrow_data()?;
        let committee = View::read(self.committee.owner, &data)?;
        let head = &committee.head;
        let member = head.epoch == epoch && committee.place(&self.operator.owner).is_some();
        match head.status {
            CommitteeStatus::Active if member => Ok(true),
            CommitteeStatus::Retired if member => {
                Ok(slot <= head.retired_slot.saturating_add(self.config.unbond_slots))
            }
            _ => err!(StakeError::NotOfThatCommittee),
        }
    }
}

fn refusal(error: EvidenceError) -> StakeError {
    match error {
        EvidenceError::Program => StakeError::EvidenceMissing,
        EvidenceError::Layout => StakeError::EvidenceLayout,
        EvidenceError::Key => StakeError::EvidenceKey,
        EvidenceError::NotObservation => StakeError::NotObservations,
        EvidenceError::NoConflict => StakeError::NoConflict,
    }
}

/// Marks the evidence as used and slashes.
pub(crate) fn handler(ctx: Context<ProveEquivocation>, args: ProveEquivocationArgs) -> Result<()> {
    let proof = ctx.accounts.validate(&args)?;
    let a = &mut *ctx.accounts;
    a.equivocation.set_inner(Equivocation {
        version: Version::CURRENT,
        bump: ctx.bumps.equivocation,
        operator: a.operator.owner,
        epoch: args.epoch,
        subject: args.subject,
        sequence: args.sequence,
        contents: proof.contents,
        slot: proof.slot,
    });
    let rate = Rate::equivocation(&a.config);
    let parties = Parties {
        config: &mut a.config,
        position: &mut a.position,
        pool: a.pool.as_mut(),
        delegators_answer: proof.delegators_answer,
        vault: &a.vault,
        insurance: &a.insurance,
        token_program: &a.token_program,
        event_authority: &a.event_authority,
    };
    parties.slash(&rate, SlashReason::Equivocation, proof.evidence)
}
