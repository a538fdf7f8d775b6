//! Payments out of a job's escrow. In the end everything in it is paid or returned, and the escrow is closed.

use crate::{seeds, state::Job};
use anchor_lang::{
    prelude::*,
    solana_program::{instruction::Instruction, program::invoke_signed},
};
use anchor_spl::token;

/// Number of the SPL Token program's instruction `Transfer`.
const TRANSFER: u8 = 3;
/// Number of its instruction `CloseAccount`.
const CLOSE: u8 = 9;

/// A job's escrow. The job is its authority. The calls are built by hand, and only once, because a result pays several
/// operators within a small budget of compute units.
pub struct Escrow<'info> {
    job: AccountInfo<'info>,
    account: AccountInfo<'info>,
    model: Pubkey,
    number: [u8; 8],
    bump: [u8; 1],
}

impl<'info> Escrow<'info> {
    /// The escrow `account` of `job`. The caller must have checked that it is the job's escrow.
    pub fn new(job: &Account<'info, Job>, account: AccountInfo<'info>) -> Self {
        let (model, number, bump) = (job.model, job.number.to_le_bytes(), [job.bump]);
        Self { job: job.to_account_info(), account, model, number, bump }
    }

    /// Pays each token account its base units. It fails for a token account of another mint than the escrow's.
    pub fn pay(&self, payments: impl IntoIterator<Item = (AccountInfo<'info>, u64)>) -> Result<()> {
        let mut call = self.call(Pubkey::default(), [&[TRANSFER][..], &[0; 8]].concat());
        for (to, amount) in payments {
            if amount > 0 {
                call.accounts[1].pubkey = to.key();
                call.data[1..].copy_from_slice(&amount.to_le_bytes());
                self.invoke(&call, to)?;
            }
        }
        Ok(())
    }

    /// Returns `amount` base units to the requester's token account and closes the escrow. `amount` must be everything
    /// in the escrow.
    pub fn refund(&self, token: AccountInfo<'info>, requester: AccountInfo<'info>, amount: u64) -> Result<()> {
        self.pay([(token, amount)])?;
        self.close(requester)
    }

    /// Closes the empty escrow. Its rent goes to `requester`.
    pub fn close(&self, requester: AccountInfo<'info>) -> Result<()> {
        self.invoke(&self.call(requester.key(), vec![CLOSE]), requester)
    }

    /// Calls another program with the job's signature.
    pub fn invoke_with(&self, call: &Instruction, accounts: &[AccountInfo<'info>]) -> Result<()> {
        let seeds: &[&[u8]] = &[seeds::JOB, self.model.as_ref(), &self.number, &self.bump];
        invoke_signed(call, accounts, &[seeds]).map_err(Into::into)
    }

    fn call(&self, to: Pubkey, data: Vec<u8>) -> Instruction {
        let accounts = vec![
            AccountMeta::new(self.account.key(), false),
            AccountMeta::new(to, false),
            AccountMeta::new_readonly(self.job.key(), true),
        ];
        Instruction { program_id: token::ID, accounts, data }
    }

    fn invoke(&self, call: &Instruction, to: AccountInfo<'info>) -> Result<()> {
        self.invoke_with(call, &[self.account.clone(), to, self.job.clone()])
    }
}
