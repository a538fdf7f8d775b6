//! Hashes, trees, signed messages and fee arithmetic: the one definition that programs, oracle, indexer and SDK share.
//!
//! Everything here is pure and `no_std`. Code that allocates (tree builders, provers) is behind the feature `std`.
//! Every hash is SHA-256 with a domain tag, so that a preimage of one kind cannot be read as one of another kind.
#![cfg_attr(not(any(feature = "std", test)), no_std)]

#[cfg(any(feature = "std", test))]
extern crate std;

pub mod allocate;
pub mod attest;
pub mod batch;
pub mod draw;
pub mod fees;
pub mod hash;
pub mod leaf;
pub mod mmr;
pub mod observation;
pub mod rewards;
#[cfg(any(feature = "std", test))]
pub mod weights;

pub use hash::Hash32;
