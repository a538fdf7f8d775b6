//! `claim`: pays a wallet what it earned. Anyone may send it; it has a compute budget (a million wallets claim).

use crate::{
    breaker,
    error::PayoutError,
    events::Claimed,
    record::{self, add},
    seeds,
    state::*,
    tokens,
};
use anchor_lang::prelude::*;
use anchor_spl::token::{self, Token};
use openledger_protocol::rewards;
use openledger_shared::require_running;
use stake::{event, sequence};

/// Arguments of `claim`.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug)]
pub struct ClaimArgs {
    /// The pool.
    pub pool: Pool,
    /// What the wallet earned ever, as its leaf says, in base units.
    pub lifetime: u64,
    /// Number of the wallet's leaf.
    pub index: u32,
    /// From the leaf to the top, lowest first.
    pub proof: Vec<[u8; 32]>,
}

/// Accounts of `claim`.
#[event_cpi]
#[derive(Accounts)]
pub struct ClaimEarnings<'info> {
    /// Anyone; pays the rent of a first claim.
    #[account(mut)]
    pub payer: Signer<'info>,
    /// The wallet that earned.
    /// CHECK: the leaf, the record and the token account are bound to it.
    pub wallet: UncheckedAccount<'info>,
    /// The config. There is one: its type is enough.
    pub config: Box<Account<'info, Config>>,
    /// Any shard that this pool put enough into. Shards are made nowhere but at their PDA: the type is enough.
    #[account(mut, dup)]
    pub shard: Box<Account<'info, Shard>>,
    /// The shard's vault.
    /// CHECK: the address is checked; the token program reads the rest.
    #[account(mut, address = shard.vault @ PayoutError::WrongVault)]
    pub vault: UncheckedAccount<'info>,
    /// The wallet's claim record; made at the first claim.
    /// CHECK: [`record::open`] checks program, type and wallet, or the address where it makes it.
    #[account(mut)]
    pub claim: UncheckedAccount<'info>,
    /// The wallet's associated token account for OPEN.
    /// CHECK: address and owner are checked in the handler; the token program checks the mint.
    #[account(mut)]
    pub token: UncheckedAccount<'info>,
    /// The SPL Token program.
    pub token_program: Program<'info, Token>,
    /// The system program.
    pub system_program: Program<'info, System>,
}

impl ClaimEarnings<'_> {
    /// Checks the proof against the pool's active root.
    fn validate(&self, args: &ClaimArgs) -> Result<()> {
        let active = &self.config.active[args.pool as usize];
        let leaf = rewards::leaf(&self.wallet.key().to_bytes(), args.lifetime);
        let root = rewards::root_from_proof(active.leaves, args.index, &leaf, &args.proof);
        require!(root == Some(active.root), PayoutError::BadProof);
        Ok(())
    }

    /// Checks that `token` is the wallet's own: the associated address can be handed on by its owner.
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

/// Takes up to `due` for `pool` out of the shard's accounts: no more than the pool put in, no more than the circuit
/// breaker lets out.
fn draw(shard: &mut Shard, config: &Config, pool: Pool, due: u64, slot: u64) -> Result<u64> {
    let pool = pool as usize;
    let held = shard.funded[pool].saturating_sub(shard.claimed[pool]);
    require!(held > 0, PayoutError::ShardExhausted);
    let elapsed = slot.saturating_sub(shard.outflow_slot);
    let (cap, window) = (config.parameters.breaker_cap, config.parameters.breaker_slots);
    let outflow = breaker::decayed(shard.outflow, cap, window, elapsed);
    let room = cap.saturating_sub(outflow);
    require!(room > 0, PayoutError::BreakerTripped);
    let paid = due.min(held).min(room);
    shard.claimed[pool] = add(shard.claimed[pool], paid)?;
    shard.outflow = add(outflow, paid)?;
    shard.outflow_slot = slot;
    Ok(paid)
}

/// Pays as much as the shard can; the rest stays claimable, here later or from another shard.
pub(crate) fn handler(ctx: Context<ClaimEarnings>, args: ClaimArgs) -> Result<()> {
    let slot = Clock::get()?.slot;
    require_running(ctx.accounts.config.paused_until, slot)?;
    ctx.accounts.validate(&args)?;
    let a = &mut *ctx.accounts;
    let mint = &a.config.open_mint;
    let mut record = record::open(&a.claim, a.wallet.key, mint, &a.payer, &a.system_program)?;
    let claimed = record.claimed[args.pool as usize];
    let due = args.lifetime.checked_sub(claimed).filter(|due| *due > 0).ok_or(PayoutError::NothingToClaim)?;
    a.validate_token(&record)?;
    let paid = draw(&mut a.shard, &a.config, args.pool, due, slot)?;
    let lifetime = add(claimed, paid)?;
    record.claimed[args.pool as usize] = lifetime;
    let sequence = sequence::take(&mut record.sequence)?;
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
    event::emit(crate::ID, &ctx.accounts.event_authority, crate::EVENT_AUTHORITY_AND_BUMP.1, &event)
}
