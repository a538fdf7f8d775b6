//! Instruction builders: one function an instruction, addresses derived, OPEN from and to the wallets' own associated
//! token accounts.

mod authority;
mod build;
pub mod datanet;
pub mod governance;
pub mod model;
pub mod payout;
pub mod stake;
pub mod token;
