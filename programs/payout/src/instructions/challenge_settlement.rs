//! `challenge_settlement`: claims with a bond that a posted settlement is wrong. This freezes the settlement until the
//! challenge ends.

use crate::{
    error::PayoutError,
    events::{EMITTER, SettlementChallenged},
    parameters::MAX_CHALLENGES,
    seeds,
    state::*,
};
use anchor_lang::prelude::*;
use anchor_spl::token::{self, Mint, Token, TokenAccount, Transfer};
use openledger_shared::{SharedError, checked::add, sequence, text::is_plain};

/// Longest URI of evidence in bytes.
pub const MAX_EVIDENCE_URI: usize = 200;

/// Arguments of `challenge_settlement`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug, PartialEq, Eq)]
pub struct ChallengeSettlementArgs {
    /// SHA-256 of the published evidence: what is wrong with the settlement, and why.
    pub evidence_hash: [u8; 32],
    /// Where the evidence is published.
    pub evidence_uri: String,
}

/// Accounts of `challenge_settlement`.
#[event_cpi]
#[derive(Accounts)]
pub struct ChallengeSettlement<'info> {
    /// Any wallet. It pays the bond and the rent.
    #[account(mut)]
    pub challenger: Signer<'info>,
    /// The config.
    #[account(mut, seeds = [seeds::CONFIG], bump = config.bump, has_one = open_mint @ PayoutError::WrongMint)]
    pub config: Box<Account<'info, Config>>,
    /// The settlement that waits for its activation.
    #[account(mut, seeds = [seeds::SETTLEMENT, &settlement.epoch.to_le_bytes()], bump = settlement.bump)]
    pub settlement: Box<Account<'info, Settlement>>,
    /// The challenge to make.
    #[account(
        init,
        payer = challenger,
        space = 8 + Challenge::INIT_SPACE,
        seeds = [seeds::CHALLENGE, &settlement.sequence.to_le_bytes(), &[settlement.challenges]],
        bump
    )]
    pub challenge: Box<Account<'info, Challenge>>,
    /// Token account of the bond, to make.
    #[account(
        init,
        payer = challenger,
        seeds = [seeds::BOND, challenge.key().as_ref()],
        bump,
        token::mint = open_mint,
        token::authority = challenge
    )]
    pub bond: Box<Account<'info, TokenAccount>>,
    /// Token account of the challenger that the bond comes from.
    #[account(mut, token::mint = open_mint, token::authority = challenger)]
    pub challenger_token: Box<Account<'info, TokenAccount>>,
    /// The OPEN mint.
    pub open_mint: Box<Account<'info, Mint>>,
    /// The SPL Token program.
    pub token_program: Program<'info, Token>,
    /// The system program.
    pub system_program: Program<'info, System>,
}

impl ChallengeSettlement<'_> {
    /// Checks settlement and evidence, and returns the slot and the bond.
    fn validate(&self, args: &ChallengeSettlementArgs) -> Result<(u64, u64)> {
        let slot = Clock::get()?.slot;
        match self.settlement.status {
            SettlementStatus::Posted => {}
            SettlementStatus::Active => return err!(PayoutError::NotPosted),
            SettlementStatus::Challenged => return err!(PayoutError::Challenged),
        }
        // Nothing can be activated during a pause, so a pause extends the time to challenge.
        let end = self.settlement.active_after.max(self.config.paused_until);
        require!(slot < end, PayoutError::ChallengeClosed);
        require!(self.settlement.challenges < MAX_CHALLENGES, PayoutError::TooManyChallenges);
        let named = args.evidence_hash != [0; 32] && is_plain(&args.evidence_uri, MAX_EVIDENCE_URI);
        require!(named, PayoutError::BadEvidence);
        // Each further challenge doubles the bond, so that delaying a settlement becomes expensive.
        let first = self.config.parameters.challenge_bond;
        let bond = first.checked_mul(1 << self.settlement.challenges).ok_or(SharedError::Overflow)?;
        Ok((slot, bond))
    }
}

/// Takes the bond and freezes the settlement.
pub(crate) fn handler(ctx: Context<ChallengeSettlement>, args: ChallengeSettlementArgs) -> Result<()> {
    let (slot, bond) = ctx.accounts.validate(&args)?;
    let a = &mut *ctx.accounts;
    let number = a.settlement.challenges;
    let transfer = Transfer {
        from: a.challenger_token.to_account_info(),
        to: a.bond.to_account_info(),
        authority: a.challenger.to_account_info(),
    };
    token::transfer(CpiContext::new(a.token_program.key(), transfer), bond)?;
    a.settlement.status = SettlementStatus::Challenged;
    a.settlement.challenges += 1; // at most MAX_CHALLENGES
    a.challenge.set_inner(Challenge {
        version: Version::CURRENT,
        bump: ctx.bumps.challenge,
        bond_bump: ctx.bumps.bond,
        epoch: a.settlement.epoch,
        posting: a.settlement.sequence,
        number,
        challenger: a.challenger.key(),
        bond,
        evidence_hash: args.evidence_hash,
        slot,
        resolve_by: add(slot, a.config.parameters.resolve_slots)?,
    });
    let event = SettlementChallenged {
        config: a.config.key(),
        sequence: sequence::take(&mut a.config.sequence)?,
        epoch: a.settlement.epoch,
        challenge: a.challenge.key(),
        challenger: a.challenge.challenger,
        bond,
        evidence_hash: args.evidence_hash,
        evidence_uri: args.evidence_uri,
        resolve_by: a.challenge.resolve_by,
    };
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
