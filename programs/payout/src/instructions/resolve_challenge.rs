//! `resolve_challenge`: the authority decides a challenge.

use crate::{
    challenge::{Outcome, release, unfreeze},
    error::PayoutError,
    events::{ChallengeResolved, EMITTER},
    seeds,
    state::*,
};
use anchor_lang::prelude::*;
use anchor_spl::token::{Token, TokenAccount};
use openledger_shared::sequence;

/// Accounts of `resolve_challenge`.
#[event_cpi]
#[derive(Accounts)]
pub struct ResolveChallenge<'info> {
    /// The config's authority.
    pub authority: Signer<'info>,
    /// The config.
    #[account(mut, seeds = [seeds::CONFIG], bump = config.bump, has_one = authority @ PayoutError::NotAuthority)]
    pub config: Box<Account<'info, Config>>,
    /// The settlement. It is closed if it is rejected.
    #[account(
        mut,
        seeds = [seeds::SETTLEMENT, &settlement.epoch.to_le_bytes()],
        bump = settlement.bump,
        constraint = settlement.sequence == challenge.posting @ PayoutError::WrongSettlement
    )]
    pub settlement: Box<Account<'info, Settlement>>,
    /// The challenge, which is closed here.
    #[account(
        mut,
        close = challenger,
        seeds = [seeds::CHALLENGE, &challenge.posting.to_le_bytes(), &[challenge.number]],
        bump = challenge.bump,
        has_one = challenger
    )]
    pub challenge: Box<Account<'info, Challenge>>,
    /// Token account of the bond, which is closed here.
    #[account(mut, seeds = [seeds::BOND, challenge.key().as_ref()], bump = challenge.bond_bump)]
    pub bond: Box<Account<'info, TokenAccount>>,
    /// The challenger. It receives the rent, including that of a rejected settlement.
    /// CHECK: the challenge names it.
    #[account(mut)]
    pub challenger: UncheckedAccount<'info>,
    /// Token account that the bond goes to: one of the challenger's if the challenge is upheld, else the treasury.
    #[account(mut, token::mint = config.open_mint)]
    pub recipient: Box<Account<'info, TokenAccount>>,
    /// The SPL Token program.
    pub token_program: Program<'info, Token>,
}

impl ResolveChallenge<'_> {
    fn validate(&self, uphold: bool) -> Result<()> {
        let right = match uphold {
            true => self.recipient.owner == self.challenge.challenger,
            // This needs no token account of the challenger, so the loser cannot block it.
            false => self.recipient.key() == self.config.treasury,
        };
        require!(right, PayoutError::WrongRecipient);
        Ok(())
    }
}

/// Releases the bond, and resumes or rejects the settlement.
pub(crate) fn handler(ctx: Context<ResolveChallenge>, uphold: bool) -> Result<()> {
    ctx.accounts.validate(uphold)?;
    let a = &mut *ctx.accounts;
    let released = release(&a.challenge, &a.bond, &a.recipient, &a.challenger, a.token_program.key())?;
    let epoch = a.settlement.epoch;
    let (outcome, active_after) = if uphold {
        // Only one settlement waits at a time, so the roots before it are the active ones. Its epoch stays over. The
        // next settlement to post is for this epoch again, under a sequence number that no old attestation names.
        a.config.posted = a.config.active;
        a.config.posted_epoch = a.config.active_epoch;
        a.settlement.close(a.challenger.to_account_info())?;
        (Outcome::Upheld, 0)
    } else {
        unfreeze(&mut a.settlement, &a.challenge, Clock::get()?.slot)?;
        (Outcome::Dismissed, a.settlement.active_after)
    };
    let event = ChallengeResolved {
        config: a.config.key(),
        sequence: sequence::take(&mut a.config.sequence)?,
        epoch,
        challenge: a.challenge.key(),
        outcome,
        recipient: a.recipient.key(),
        released,
        active_after,
    };
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
