//! The end of a challenge: returning or forfeiting its bond, and resuming the settlement.

use crate::{seeds, state::*};
use anchor_lang::prelude::*;
use anchor_spl::token::{self, CloseAccount, TokenAccount, Transfer};
use openledger_shared::checked::add;

/// How a challenge ended.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The authority found the settlement right. The bond is lost and the settlement continues.
    Dismissed,
    /// The authority found the settlement wrong. The bond returns and the settlement is rejected.
    Upheld,
    /// The authority did not decide in time. The bond returns and the settlement continues.
    Expired,
}

/// Pays everything in the bond's token account to `recipient`, closes the account with its rent to `challenger`, and
/// returns the base units paid.
pub fn release<'info>(
    challenge: &Account<'info, Challenge>,
    bond: &Account<'info, TokenAccount>,
    recipient: &Account<'info, TokenAccount>,
    challenger: &UncheckedAccount<'info>,
    token_program: Pubkey,
) -> Result<u64> {
    let (posting, number) = (challenge.posting.to_le_bytes(), [challenge.number]);
    let seeds: &[&[&[u8]]] = &[&[seeds::CHALLENGE, &posting, &number, &[challenge.bump]]];
    let transfer = Transfer {
        from: bond.to_account_info(),
        to: recipient.to_account_info(),
        authority: challenge.to_account_info(),
    };
    token::transfer(CpiContext::new_with_signer(token_program, transfer, seeds), bond.amount)?;
    let close = CloseAccount {
        account: bond.to_account_info(),
        destination: challenger.to_account_info(),
        authority: challenge.to_account_info(),
    };
    token::close_account(CpiContext::new_with_signer(token_program, close, seeds))?;
    Ok(bond.amount)
}

/// Resumes the settlement that `challenge` froze. The frozen time does not count in its challenge window.
pub fn unfreeze(settlement: &mut Settlement, challenge: &Challenge, slot: u64) -> Result<()> {
    settlement.status = SettlementStatus::Posted;
    settlement.active_after = add(settlement.active_after, slot.saturating_sub(challenge.slot))?;
    Ok(())
}
