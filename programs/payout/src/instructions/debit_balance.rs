//! `debit_balance`: takes the newly used part of a prepaid balance, as the committee attests it, and splits it as `pay`
//! does.

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
use openledger_shared::{sequence, slot_unless_paused};
use stake::{attested, state::Operator};

/// Arguments of `debit_balance`. The committee signs the SHA-256 of their Borsh bytes.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug, PartialEq, Eq)]
pub struct DebitBalanceArgs {
    /// All base units ever used of this balance, including this debit. What was debited before is not debited again.
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

/// Accounts of `debit_balance`. The instruction directly before must be the Ed25519 program's. Anyone may send it.
/// Recipients may share a token account, because one wallet may have several of the roles.
#[event_cpi]
#[derive(Accounts)]
#[instruction(args: DebitBalanceArgs)]
pub struct DebitBalance<'info> {
    /// The balance. Balances are made only at their PDA, so the type identifies one and distinguishes it from the
    /// shard.
    #[account(mut, dup)]
    pub balance: Box<Account<'info, Balance>>,
    /// The balance's token account.
    /// CHECK: the address is checked; the token program reads the rest.
    #[account(mut, address = balance.vault @ PayoutError::WrongVault)]
    pub balance_vault: UncheckedAccount<'info>,
    /// The config. There is only one, so its type identifies it.
    pub config: Box<Account<'info, Config>>,
    /// Any shard. Shards are made only at their PDA, so the type identifies one.
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
    /// CHECK: [`Fee::divide`] checks its owner; the token program checks the rest.
    #[account(mut, dup)]
    pub model_owner_token: UncheckedAccount<'info>,
    /// Token account of the parent model's owner. It is given if and only if the model has a parent.
    /// CHECK: [`Fee::divide`] checks its owner; the token program checks the rest.
    #[account(mut, dup)]
    pub upstream_token: Option<UncheckedAccount<'info>>,
    /// The operator that answered.
    #[account(constraint = operator.owner == args.operator @ PayoutError::WrongDebit)]
    pub operator: Box<Account<'info, Operator>>,
    /// Token account of the operator's wallet.
    /// CHECK: [`Fee::divide`] checks its owner; the token program checks the rest.
    #[account(mut, dup)]
    pub operator_token: UncheckedAccount<'info>,
    /// The stake program's config.
    pub stake_config: Box<Account<'info, stake::state::Config>>,
    /// The active committee. It attests the debit, and the operator must be a member.
    /// CHECK: [`attested::check`] checks program, kind, epoch and status.
    pub committee: UncheckedAccount<'info>,
    /// The instructions sysvar.
    /// CHECK: [`attested::check`] checks the address.
    pub instructions: UncheckedAccount<'info>,
    /// The SPL Token program.
    pub token_program: Program<'info, Token>,
}

/// A debit that passed all checks.
struct Debit {
    /// Base units to take: the newly used ones.
    taken: u64,
    /// Base units that stay in the balance.
    left: u64,
    /// The recipients' parts.
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

    /// Checks the attestation, the balance, the model and the operator.
    fn validate(&self, args: &DebitBalanceArgs) -> Result<Debit> {
        let slot = slot_unless_paused(self.config.paused_until)?;
        self.attested(args, slot)?;
        let balance = &self.balance;
        let taken = args.used.checked_sub(balance.debited).filter(|t| *t > 0).ok_or(PayoutError::NothingUsed)?;
        let left = balance.amount.checked_sub(taken).ok_or(PayoutError::BalanceTooSmall)?;
        Ok(Debit { taken, left, parts: self.fee().divide(taken)? })
    }

    /// Checks the attestation. Its sequence number is that of the balance's next debit.
    fn attested(&self, args: &DebitBalanceArgs, slot: u64) -> Result<()> {
        let change = attested::Change {
            program: crate::ID,
            kind: Kind::Meter,
            subject: self.balance.key(),
            // Not the event number: the owner's deposits would advance it and invalidate attestations.
            sequence: self.balance.meter,
            payload: attested::payload(args)?,
            expiry_slot: args.expiry_slot,
        };
        attested::check(&self.stake_config, &self.committee, &self.instructions, &change, slot)?;
        Ok(())
    }
}

/// Takes the newly used base units and pays them as a fee.
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
