//! Instruction builders, with one function for each instruction. They derive the addresses of accounts. OPEN moves from
//! and to the wallets' own associated token accounts.

mod authority;
mod build;
pub mod datanet;
pub mod governance;
pub mod model;
pub mod payout;
pub mod stake;
pub mod token;
