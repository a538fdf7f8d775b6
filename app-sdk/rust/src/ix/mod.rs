//! Instruction builders: one function an instruction, addresses derived, OPEN from and to the wallets' own associated
//! token accounts.

pub mod datanet;
pub mod governance;
pub mod model;
pub mod payout;
pub mod stake;
pub mod token;

use anchor_lang::{InstructionData, ToAccountMetas};
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;

/// An instruction from Anchor's generated accounts and arguments.
fn build(program_id: Pubkey, accounts: impl ToAccountMetas, data: impl InstructionData) -> Instruction {
    Instruction { program_id, accounts: accounts.to_account_metas(None), data: data.data() }
}
