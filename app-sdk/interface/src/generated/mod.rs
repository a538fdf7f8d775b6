//! Tables that `cargo xtask idl` writes from the programs' interface descriptions.

pub mod errors;
pub mod events;
