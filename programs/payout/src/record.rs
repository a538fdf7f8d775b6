//! The claim record of a wallet. The first claim makes it; later claims read and write it in place.
//!
//! This is written by hand because claims have a compute budget. Anchor's `init_if_needed` would search for the address
//! at every claim. Here only the first claim does.

use crate::{
    error::PayoutError,
    seeds,
    state::{Claim, Version},
};
use anchor_lang::{
    prelude::*,
    system_program::{Allocate, Assign, CreateAccount, Transfer, allocate, assign, create_account, transfer},
};
use anchor_spl::{associated_token, token};

/// The record of `wallet`, or `None` if it is still to be made.
pub fn read(account: &UncheckedAccount, wallet: &Pubkey) -> Result<Option<Claim>> {
    if account.owner != &crate::ID {
        return Ok(None);
    }
    // This program makes records only at their PDA, so type and wallet identify them.
    let record = Claim::try_deserialize(&mut &account.try_borrow_data()?[..])?;
    require_keys_eq!(record.wallet, *wallet, PayoutError::WrongClaim);
    Ok(Some(record))
}

/// The record of a `wallet` that claims for the first time.
pub fn first(account: &UncheckedAccount, wallet: &Pubkey, mint: &Pubkey) -> Result<Claim> {
    let (address, bump) = Pubkey::find_program_address(&[seeds::CLAIM, wallet.as_ref()], &crate::ID);
    require_keys_eq!(address, account.key(), PayoutError::WrongClaim);
    let (_, token_bump) =
        Pubkey::find_program_address(&[wallet.as_ref(), token::ID.as_ref(), mint.as_ref()], &associated_token::ID);
    Ok(Claim { version: Version::CURRENT, bump, token_bump, wallet: *wallet, claimed: [0; 2], sequence: 0 })
}

/// Writes the record.
pub fn save(account: &UncheckedAccount, record: &Claim) -> Result<()> {
    record.try_serialize(&mut &mut account.try_borrow_mut_data()?[..])
}

/// Address of the associated token account that the record pays to.
pub fn token_address(record: &Claim, mint: &Pubkey) -> Result<Pubkey> {
    Pubkey::create_program_address(
        &[record.wallet.as_ref(), token::ID.as_ref(), mint.as_ref(), &[record.token_bump]],
        &associated_token::ID,
    )
    .map_err(|_| PayoutError::WrongTokenAccount.into())
}

/// Makes the record's account; `payer` pays. Works also if somebody sent lamports to the address before.
pub fn make<'info>(
    account: &UncheckedAccount<'info>,
    record: &Claim,
    payer: &Signer<'info>,
    system: &Program<'info, System>,
) -> Result<()> {
    let space = 8 + Claim::INIT_SPACE;
    let rent = Rent::get()?.minimum_balance(space);
    let signer: &[&[&[u8]]] = &[&[seeds::CLAIM, record.wallet.as_ref(), &[record.bump]]];
    let (from, to) = (payer.to_account_info(), account.to_account_info());
    if account.lamports() == 0 {
        let accounts = CreateAccount { from, to };
        let context = CpiContext::new_with_signer(system.key(), accounts, signer);
        return create_account(context, rent, space as u64, &crate::ID);
    }
    let missing = rent.saturating_sub(account.lamports());
    if missing > 0 {
        transfer(CpiContext::new(system.key(), Transfer { from, to: to.clone() }), missing)?;
    }
    let context = CpiContext::new_with_signer(system.key(), Allocate { account_to_allocate: to.clone() }, signer);
    allocate(context, space as u64)?;
    assign(CpiContext::new_with_signer(system.key(), Assign { account_to_assign: to }, signer), &crate::ID)
}
