//! `sweep_dust`: sends tokens that strangers sent to a vault to the treasury. The counted tokens stay. Anyone may send
//! it.

use crate::{
    error::PayoutError,
    events::{DustSwept, EMITTER},
    seeds,
    state::*,
};
use anchor_lang::{Discriminator, prelude::*};
use anchor_spl::token::{self, Token, TokenAccount, Transfer};
use openledger_shared::sequence;

/// Accounts of `sweep_dust`.
#[event_cpi]
#[derive(Accounts)]
pub struct SweepDust<'info> {
    /// The config.
    #[account(seeds = [seeds::CONFIG], bump = config.bump)]
    pub config: Box<Account<'info, Config>>,
    /// The shard or the balance whose vault is swept.
    /// CHECK: [`Holder::read`] checks program and type.
    #[account(mut)]
    pub holder: UncheckedAccount<'info>,
    /// The holder's vault; `validate` checks the address.
    #[account(mut)]
    pub vault: Box<Account<'info, TokenAccount>>,
    /// Token account of the treasury.
    #[account(mut, address = config.treasury @ PayoutError::WrongTreasury)]
    pub treasury: Box<Account<'info, TokenAccount>>,
    /// The SPL Token program.
    pub token_program: Program<'info, Token>,
}

/// An account of this program that owns a vault.
enum Holder {
    Shard(Shard),
    Balance(Balance),
}

impl Holder {
    /// Reads a shard or a balance. This program makes both only at their PDA, so program and type identify one.
    fn read(account: &AccountInfo) -> Result<Self> {
        require_keys_eq!(*account.owner, crate::ID, PayoutError::NotAHolder);
        let data = account.try_borrow_data()?;
        if data.starts_with(Shard::DISCRIMINATOR) {
            return Ok(Self::Shard(Shard::try_deserialize(&mut &data[..])?));
        }
        require!(data.starts_with(Balance::DISCRIMINATOR), PayoutError::NotAHolder);
        Ok(Self::Balance(Balance::try_deserialize(&mut &data[..])?))
    }

    /// The holder's vault and the base units that are counted in it.
    fn counted(&self) -> Result<(Pubkey, u64)> {
        match self {
            Self::Shard(shard) => shard.held().map(|held| (shard.vault, held)),
            Self::Balance(balance) => Ok((balance.vault, balance.amount)),
        }
    }

    /// Takes the holder's next event number and writes the account back.
    fn take(&mut self, account: &AccountInfo) -> Result<u64> {
        let mut data = account.try_borrow_mut_data()?;
        match self {
            Self::Shard(shard) => {
                let taken = sequence::take(&mut shard.sequence)?;
                shard.try_serialize(&mut &mut data[..])?;
                Ok(taken)
            }
            Self::Balance(balance) => {
                let taken = sequence::take(&mut balance.sequence)?;
                balance.try_serialize(&mut &mut data[..])?;
                Ok(taken)
            }
        }
    }

    /// Transfers `amount` base units out of the holder's vault.
    fn send<'info>(&self, a: &SweepDust<'info>, amount: u64) -> Result<()> {
        let transfer = Transfer {
            from: a.vault.to_account_info(),
            to: a.treasury.to_account_info(),
            authority: a.holder.to_account_info(),
        };
        let program = a.token_program.key();
        let send = |seeds: &[&[u8]]| token::transfer(CpiContext::new_with_signer(program, transfer, &[seeds]), amount);
        match self {
            Self::Shard(shard) => send(&[seeds::SHARD, &[shard.index], &[shard.bump]]),
            Self::Balance(balance) => send(&[seeds::BALANCE, balance.owner.as_ref(), &[balance.bump]]),
        }
    }
}

impl SweepDust<'_> {
    /// Checks that there is something to sweep, and returns the holder and the base units to sweep.
    fn validate(&self) -> Result<(Holder, u64)> {
        let holder = Holder::read(&self.holder)?;
        let (vault, counted) = holder.counted()?;
        require_keys_eq!(self.vault.key(), vault, PayoutError::WrongVault);
        let amount = self.vault.amount.checked_sub(counted).filter(|dust| *dust > 0).ok_or(PayoutError::NoDust)?;
        Ok((holder, amount))
    }
}

/// Sends the uncounted tokens to the treasury.
pub(crate) fn handler(ctx: Context<SweepDust>) -> Result<()> {
    let a = &*ctx.accounts;
    let (mut holder, amount) = a.validate()?;
    holder.send(a, amount)?;
    let event = DustSwept { holder: a.holder.key(), sequence: holder.take(&a.holder)?, amount };
    EMITTER.emit(&a.event_authority, &event)
}
