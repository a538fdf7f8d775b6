//! `debit_balance`: takes from a prepaid balance what the committee's meter says was used, and splits it as `pay` does.

use crate::{
    error::PayoutError,
    events::{BalanceDebited, EMITTER},
    fee::{Fee, Source, fund},
    seeds,
    state::*,
};
use anchor_lang::prelude::*;
use anchor_spl::token::Token;
use model::state::Model;
use openledger_protocol::{attest::Kind, fees::Parts};
use openledger_shared::{running, sequence};
use stake::{attested, state::Operator};

/// Arguments of `debit_balance`; their Borsh bytes are what the committee attests.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug, PartialEq, Eq)]
pub struct DebitBalanceArgs {
    /// Base units ever used of this balance, these included: what was debited before is not debited again.
    pub used: u64,
    /// The model that answered.
    pub model: Pubkey,
    /// Wallet of the operator that answered.
    pub operator: Pubkey,
    /// SHA-256 of the published statement: the requests that this debit is for.
    pub statement: [u8; 32],
    /// Last slot in which the attestation is accepted.
    pub expiry_slot: u64,
}

/// Accounts of `debit_balance`. The instruction directly before must be the Ed25519 program's. Anyone may send it. The
/// recipients' token accounts may be one another: one wallet may be several.
#[event_cpi]
#[derive(Accounts)]
#[instruction(args: DebitBalanceArgs)]
pub struct DebitBalance<'info> {
    /// The balance. Balances are made nowhere but at their PDA: the type is enough, and it keeps it apart from the shard.
    #[account(mut, dup)]
    pub balance: Box<Account<'info, Balance>>,
    /// The balance's token account.
    /// CHECK: the address is checked; the token program reads the rest.
    #[account(mut, address = balance.vault @ PayoutError::WrongVault)]
    pub balance_vault: UncheckedAccount<'info>,
    /// The config. There is one: its type is enough.
    pub config: Box<Account<'info, Config>>,
    /// Any shard. Shards are made nowhere but at their PDA: the type is enough.
    #[account(mut, dup)]
    pub shard: Box<Account<'info, Shard>>,
    /// The shard's vault.
    /// CHECK: the address is checked; the token program reads the rest.
    #[account(mut, address = shard.vault @ PayoutError::WrongVault)]
    pub vault: UncheckedAccount<'info>,
    /// Token account of the treasury.
    /// CHECK: the address is checked; the token program reads the rest.
    #[account(mut, dup, address = config.treasury @ PayoutError::WrongTreasury)]
    pub treasury: UncheckedAccount<'info>,
    /// The model.
    #[account(address = args.model @ PayoutError::WrongDebit)]
    pub model: Box<Account<'info, Model>>,
    /// Token account of the model's owner.
    /// CHECK: [`Fee::divide`] checks whose it is; the token program the rest.
    #[account(mut, dup)]
    pub model_owner_token: UncheckedAccount<'info>,
    /// Token account of the parent model's owner; if and only if the model has a parent.
    /// CHECK: [`Fee::divide`] checks whose it is; the token program the rest.
    #[account(mut, dup)]
    pub upstream_token: Option<UncheckedAccount<'info>>,
    /// The operator that answered.
    #[account(constraint = operator.owner == args.operator @ PayoutError::WrongDebit)]
    pub operator: Box<Account<'info, Operator>>,
    /// Token account of the operator's wallet.
    /// CHECK: [`Fee::divide`] checks whose it is; the token program the rest.
    #[account(mut, dup)]
    pub operator_token: UncheckedAccount<'info>,
    /// The stake program's config.
    pub stake_config: Box<Account<'info, stake::state::Config>>,
    /// The active committee, which attests and which the operator must be in.
    /// CHECK: [`attested::check`] checks program, kind, epoch and status.
    pub committee: UncheckedAccount<'info>,
    /// The instructions sysvar.
    /// CHECK: [`attested::check`] checks the address.
    pub instructions: UncheckedAccount<'info>,
    /// The SPL Token program.
    pub token_program: Program<'info, Token>,
}

/// A debit that may be taken.
struct Debit {
    /// Base units to take: what is newly used.
    taken: u64,
    /// Base units that stay in the balance.
    left: u64,
    /// Everyone's part.
    parts: Parts,
}

impl<'info> DebitBalance<'info> {
    fn fee(&self) -> Fee<'_, 'info> {
        Fee {
            config: &self.config,
            model: &self.model,
            operator: &self.operator,
            committee: &self.committee,
            shard: &self.shard,
            vault: &self.vault,
            treasury: &self.treasury,
            model_owner_token: &self.model_owner_token,
            upstream_token: self.upstream_token.as_deref(),
            operator_token: &self.operator_token,
            token_program: self.token_program.key(),
        }
    }

    /// Checks the attestation, the balance and what is paid for.
    fn validate(&self, args: &DebitBalanceArgs) -> Result<Debit> {
        let slot = running(self.config.paused_until)?;
        self.attested(args, slot)?;
        let balance = &self.balance;
        let taken = args.used.checked_sub(balance.debited).filter(|t| *t > 0).ok_or(PayoutError::NothingUsed)?;
        let left = balance.amount.checked_sub(taken).ok_or(PayoutError::BalanceTooSmall)?;
        Ok(Debit { taken, left, parts: self.fee().divide(taken)? })
    }

    /// Checks the attestation, which is over the balance's next debit.
    fn attested(&self, args: &DebitBalanceArgs, slot: u64) -> Result<()> {
        let change = attested::Change {
            program: crate::ID,
            kind: Kind::Meter,
            subject: self.balance.key(),
            // Not the event number: the owner's deposits would stop debits.
            sequence: self.balance.meter,
            payload: attested::payload(args)?,
            expiry_slot: args.expiry_slot,
        };
        attested::check(&self.stake_config, &self.committee, &self.instructions, &change, slot)?;
        Ok(())
    }
}

/// Takes what is newly used and pays it as a fee.
pub(crate) fn handler(ctx: Context<DebitBalance>, args: DebitBalanceArgs) -> Result<()> {
    let Debit { taken, left, parts } = ctx.accounts.validate(&args)?;
    let a = &mut *ctx.accounts;
    a.balance.amount = left;
    a.balance.debited = args.used;
    a.balance.withdrawing = a.balance.withdrawing.min(left);
    let meter = sequence::take(&mut a.balance.meter)?;
    let sequence = fund(&mut a.shard, &parts)?;
    let from = Source {
        payer: a.balance.owner,
        amount: taken,
        token: a.balance_vault.to_account_info(),
        authority: a.balance.to_account_info(),
        seeds: &[&[seeds::BALANCE, a.balance.owner.as_ref(), &[a.balance.bump]]],
    };
    let paid = a.fee().pay(from, &parts, args.statement, sequence)?;
    let debited = BalanceDebited {
        balance: a.balance.key(),
        sequence: sequence::take(&mut a.balance.sequence)?,
        meter,
        taken,
        debited: args.used,
        amount: left,
        withdrawing: a.balance.withdrawing,
    };
    EMITTER.emit(&a.event_authority, &paid)?;
    EMITTER.emit(&a.event_authority, &debited)
}
