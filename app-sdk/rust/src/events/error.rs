//! Why a transaction's events cannot be read.

use super::version::NEWEST_TRANSACTION_VERSION;

/// Why a transaction could not be decoded. Every case means a fault of the node or a program newer than this crate.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// The node answered without the transaction's binary form or metadata.
    #[error(
        "transaction {signature}: the node gave no {missing}; ask with encoding base64 and \
         maxSupportedTransactionVersion {NEWEST_TRANSACTION_VERSION}"
    )]
    Incomplete {
        /// The transaction.
        signature: String,
        /// The missing part.
        missing: &'static str,
    },
    /// An instruction names an account or program that the transaction does not carry.
    #[error("an instruction names account {index} of {accounts}")]
    Account {
        /// The index that it names.
        index: usize,
        /// How many accounts the transaction has.
        accounts: usize,
    },
    /// An instruction's data is not Base58.
    #[error("inner instruction data is not base58: {0}")]
    Data(#[from] bs58::decode::Error),
    /// The instructions' events do not decode.
    #[error(transparent)]
    Decode(#[from] openledger_interface::events::DecodeError),
}
