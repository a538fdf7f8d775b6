//! The payout program as the model program calls it. Payout reads models and depends on the model program, so the model
//! program cannot depend on payout. The call is therefore built by hand here. The program tests compare it with the
//! real one.

use anchor_lang::prelude::*;

/// The payout program.
pub const ID: Pubkey = Pubkey::from_str_const("3hCdSRqgsJcTeb6RhuvN9J7NJDE78jPG5vGqJTnJf9PE");

/// Discriminator of its instruction `fund`: the first eight bytes of SHA-256 of `global:fund`.
pub const FUND: [u8; 8] = [218, 188, 111, 221, 152, 113, 174, 7];

/// The contributors' pool, as `fund` takes it.
pub const CONTRIBUTORS: u8 = 0;

/// Instruction data for `fund`: pays `amount` base units into `pool`, on account of `subject`.
pub fn fund_data(pool: u8, subject: &Pubkey, amount: u64) -> Vec<u8> {
    [&FUND[..], &[pool], subject.as_ref(), &amount.to_le_bytes()].concat()
}
