//! How a challenge ends, whoever ends it.

use crate::{seeds, state::*};
use anchor_lang::prelude::*;
use anchor_spl::token::{self, CloseAccount, TokenAccount, Transfer};
use openledger_shared::checked::add;

/// How a challenge ended.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The authority found the settlement right: the bond is lost, the settlement goes on.
    Dismissed,
    /// The authority found the settlement wrong: the bond returns, the settlement is rejected.
    Upheld,
    /// The authority did not speak in time: the bond returns, the settlement goes on.
    Expired,
}

/// Pays all that lies in the bond's account to `recipient`, closes it to the `challenger`, and returns how much it was.
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

/// Lets the settlement go on where `challenge` stopped it: the frozen time does not count in its window.
pub fn unfreeze(settlement: &mut Settlement, challenge: &Challenge, slot: u64) -> Result<()> {
    settlement.status = SettlementStatus::Posted;
    settlement.active_after = add(settlement.active_after, slot.saturating_sub(challenge.slot))?;
    Ok(())
}
