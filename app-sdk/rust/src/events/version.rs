//! Versions of transactions.

/// The newest version of transactions that can be decoded. Every request for a transaction or a block names it, because a
/// node refuses to return a transaction of a newer version than the request names.
pub const NEWEST_TRANSACTION_VERSION: u8 = 1;
