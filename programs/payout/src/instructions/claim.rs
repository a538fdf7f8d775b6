//! `claim`: pays a wallet what it earned. Anyone may send it. Its compute budget is small, because a million wallets
//! may claim.

use crate::{
    breaker,
    error::PayoutError,
    events::{Claimed, EMITTER},
    record, seeds,
    state::*,
    tokens,
};
use anchor_lang::prelude::*;
use anchor_spl::token::{self, Token};
use openledger_protocol::rewards;
use openledger_shared::{checked::add, sequence, slot_unless_paused};

/// Arguments of `claim`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct ClaimArgs {
    /// The pool.
    pub pool: Pool,
    /// The wallet's lifetime amount in its leaf, in base units.
    pub lifetime: u64,
    /// Number of the wallet's leaf.
    pub index: u32,
    /// Sibling hashes from the leaf to the top, lowest first.
    pub proof: Vec<[u8; 32]>,
}

/// Accounts of `claim`.
#[event_cpi]
#[derive(Accounts)]
pub struct ClaimEarnings<'info> {
    /// Any wallet. It pays the rent of a first claim.
    #[account(mut)]
    pub payer: Signer<'info>,
    /// The wallet that earned.
    /// CHECK: the leaf, the record and the token account are bound to it.
    pub wallet: UncheckedAccount<'info>,
    /// The config. There is only one, so its type identifies it.
    pub config: Box<Account<'info, Config>>,
    /// Any shard that this pool put enough into. Shards are made only at their PDA, so the type identifies one.
    #[account(mut, dup)]
    pub shard: Box<Account<'info, Shard>>,
    /// The shard's vault.
    /// CHECK: the address is checked; the token program reads the rest.
    #[account(mut, address = shard.vault @ PayoutError::WrongVault)]
    pub vault: UncheckedAccount<'info>,
    /// The wallet's claim record; made at the first claim.
    /// CHECK: [`record::read`] checks program, type and wallet; [`record::first`] checks the address of a record that
    /// is still to be made.
    #[account(mut)]
    pub claim: UncheckedAccount<'info>,
    /// The wallet's associated token account for OPEN.
    /// CHECK: `validate` checks address and owner; the token program checks the mint.
    #[account(mut)]
    pub token: UncheckedAccount<'info>,
    /// The SPL Token program.
    pub token_program: Program<'info, Token>,
    /// The system program.
    pub system_program: Program<'info, System>,
}

/// A claim that may be paid.
struct Payment {
    /// The wallet's record.
    record: Claim,
    /// Whether the record is still to be made.
    first: bool,
    /// Base units to pay.
    paid: u64,
    /// The circuit breaker's outflow of the shard, including this payment.
    outflow: u64,
    /// The present slot.
    slot: u64,
}

impl ClaimEarnings<'_> {
    /// Checks the proof against the pool's active root, and returns the payment. It is everything due, or as much of it
    /// as the shard has and its circuit breaker lets out.
    fn validate(&self, args: &ClaimArgs) -> Result<Payment> {
        let (config, slot) = (&self.config, slot_unless_paused(self.config.paused_until)?);
        let active = &config.active[args.pool as usize];
        let leaf = rewards::leaf(&self.wallet.key().to_bytes(), args.lifetime);
        let root = rewards::root_from_proof(active.leaves, args.index, &leaf, &args.proof);
        require!(root == Some(active.root), PayoutError::BadProof);
        let (wallet, made) = (self.wallet.key, record::read(&self.claim, self.wallet.key)?);
        let first = made.is_none();
        let record = match made {
            Some(record) => record,
            None => record::first(&self.claim, wallet, &config.open_mint)?,
        };
        let claimed = record.claimed[args.pool as usize];
        let due = args.lifetime.checked_sub(claimed).filter(|due| *due > 0).ok_or(PayoutError::NothingToClaim)?;
        self.validate_token(&record)?;
        let (paid, outflow) = draw(&self.shard, config, args.pool, due, slot)?;
        Ok(Payment { record, first, paid, outflow, slot })
    }

    /// Checks that `token` still belongs to the wallet. The owner of an associated token account can hand it over to
    /// somebody else.
    fn validate_token(&self, record: &Claim) -> Result<()> {
        let address = record::token_address(record, &self.config.open_mint)?;
        let data = self.token.try_borrow_data()?;
        require!(
            self.token.key() == address
                && self.token.owner == &token::ID
                && data.get(32..64) == Some(record.wallet.as_ref()),
            PayoutError::WrongTokenAccount
        );
        Ok(())
    }
}

/// Returns how much of `due` the shard pays for `pool`, and the circuit breaker's outflow after that. The payment is at
/// most what is left of the pool's funding in the shard, and at most what the circuit breaker lets out.
fn draw(shard: &Shard, config: &Config, pool: Pool, due: u64, slot: u64) -> Result<(u64, u64)> {
    let pool = pool as usize;
    let held = shard.funded[pool].saturating_sub(shard.claimed[pool]);
    require!(held > 0, PayoutError::ShardExhausted);
    let elapsed = slot.saturating_sub(shard.outflow_slot);
    let (cap, window) = (config.parameters.breaker_cap, config.parameters.breaker_slots);
    let outflow = breaker::decayed(shard.outflow, cap, window, elapsed);
    let room = cap.saturating_sub(outflow);
    require!(room > 0, PayoutError::BreakerTripped);
    let paid = due.min(held).min(room);
    Ok((paid, add(outflow, paid)?))
}

/// Pays as much as the shard can. The rest stays claimable, later from this shard or from another one.
pub(crate) fn handler(ctx: Context<ClaimEarnings>, args: ClaimArgs) -> Result<()> {
    let Payment { mut record, first, paid, outflow, slot } = ctx.accounts.validate(&args)?;
    let (a, pool) = (&mut *ctx.accounts, args.pool as usize);
    a.shard.claimed[pool] = add(a.shard.claimed[pool], paid)?;
    a.shard.outflow = outflow;
    a.shard.outflow_slot = slot;
    let lifetime = add(record.claimed[pool], paid)?;
    record.claimed[pool] = lifetime;
    let sequence = sequence::take(&mut record.sequence)?;
    if first {
        record::make(&a.claim, &record, &a.payer, &a.system_program)?;
    }
    record::save(&a.claim, &record)?;
    tokens::transfer(
        a.token_program.key(),
        &[a.vault.to_account_info(), a.token.to_account_info(), a.shard.to_account_info()],
        &[&[seeds::SHARD, &[a.shard.index], &[a.shard.bump]]],
        paid,
    )?;
    let event = Claimed {
        claim: a.claim.key(),
        sequence,
        wallet: a.wallet.key(),
        pool: args.pool,
        paid,
        lifetime,
        shard: a.shard.key(),
    };
    EMITTER.emit(&a.event_authority, &event)
}
