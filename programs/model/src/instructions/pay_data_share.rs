//! `pay_data_share`: pays a result's data share into the contributors' pool. It is a separate instruction, because the
//! transaction of an attested result has no room for the payout program's accounts.

use crate::{
    error::ModelError,
    escrow::Escrow,
    events::{DataSharePaid, EMITTER},
    seeds,
    state::*,
};
use anchor_lang::{prelude::*, solana_program::instruction::Instruction};
use anchor_spl::token::{Token, TokenAccount};
use openledger_shared::{payout, sequence, slot_unless_paused};

/// Accounts of `pay_data_share`. Anyone may send it.
#[event_cpi]
#[derive(Accounts)]
pub struct PayDataShare<'info> {
    /// The config: whether the program is paused. There is only one, so its type identifies it.
    pub config: Box<Account<'info, Config>>,
    /// The job. Jobs are made only at their PDA, so the type identifies one.
    #[account(mut, has_one = requester @ ModelError::WrongRequester)]
    pub job: Box<Account<'info, Job>>,
    /// The escrow, which is emptied and closed here.
    #[account(mut, seeds = [seeds::ESCROW, job.key().as_ref()], bump = job.escrow_bump)]
    pub escrow: Box<Account<'info, TokenAccount>>,
    /// CHECK: the job's requester by address: the escrow's rent returns to it.
    #[account(mut)]
    pub requester: UncheckedAccount<'info>,
    /// CHECK: the payout program by address.
    #[account(address = payout::ID @ ModelError::NotPayout)]
    pub payout_program: UncheckedAccount<'info>,
    /// CHECK: its config; the payout program checks it.
    pub payout_config: UncheckedAccount<'info>,
    /// CHECK: any of its shards; the payout program checks it.
    #[account(mut)]
    pub shard: UncheckedAccount<'info>,
    /// CHECK: the shard's vault; the payout program checks it.
    #[account(mut)]
    pub vault: UncheckedAccount<'info>,
    /// CHECK: the payout program's event authority; that program checks it.
    pub payout_event_authority: UncheckedAccount<'info>,
    /// The SPL Token program.
    pub token_program: Program<'info, Token>,
}

impl PayDataShare<'_> {
    /// Checks that a data share is due.
    fn validate(&self) -> Result<()> {
        slot_unless_paused(self.config.paused_until)?;
        let due = self.job.status == JobStatus::Attested && self.job.data_share > 0 && self.job.data_paid == 0;
        require!(due, ModelError::NoDataShare);
        Ok(())
    }
}

/// Pays everything in the escrow and closes it. That is the data share and whatever strangers sent.
pub(crate) fn handler(ctx: Context<PayDataShare>) -> Result<()> {
    ctx.accounts.validate()?;
    let a = &mut *ctx.accounts;
    let amount = a.escrow.amount;
    let escrow = Escrow::new(&a.job, a.escrow.to_account_info());
    let call = Instruction {
        program_id: payout::ID,
        accounts: vec![
            AccountMeta::new_readonly(a.job.key(), true),
            AccountMeta::new(a.escrow.key(), false),
            AccountMeta::new_readonly(a.payout_config.key(), false),
            AccountMeta::new(a.shard.key(), false),
            AccountMeta::new(a.vault.key(), false),
            AccountMeta::new_readonly(a.token_program.key(), false),
            AccountMeta::new_readonly(a.payout_event_authority.key(), false),
            AccountMeta::new_readonly(payout::ID, false),
        ],
        data: payout::fund_data(payout::CONTRIBUTORS, &a.job.key(), amount),
    };
    let accounts = [
        a.job.to_account_info(),
        a.escrow.to_account_info(),
        a.payout_config.to_account_info(),
        a.shard.to_account_info(),
        a.vault.to_account_info(),
        a.token_program.to_account_info(),
        a.payout_event_authority.to_account_info(),
        a.payout_program.to_account_info(),
    ];
    escrow.invoke_with(&call, &accounts)?;
    escrow.close(a.requester.to_account_info())?;
    a.job.data_paid = amount;
    let (job, model) = (a.job.key(), a.job.model);
    let event = DataSharePaid { job, sequence: sequence::take(&mut a.job.sequence)?, model, amount };
    EMITTER.emit(&ctx.accounts.event_authority, &event)
}
