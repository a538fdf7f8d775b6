//! How much a wallet has to lose. Wallets are free, so that a bound on what strangers take together must not keep out those
//! who have put something in.

use super::facts;
use crate::db::{Database, DbError};
use solana_pubkey::Pubkey;

/// Whose an upload is. Each class has places and bytes of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A registered operator's.
    Operator,
    /// Of a wallet that has something at stake: a bond of a batch that is not decided, a batch that was accepted, or a job
    /// under way.
    Known,
    /// Anybody else's.
    Stranger,
}

impl Class {
    /// The class of `wallet`, which is an operator's if it has an identity key.
    pub async fn of(db: &Database, wallet: &Pubkey, identity: Option<&Pubkey>) -> Result<Self, DbError> {
        Ok(match identity {
            Some(_) => Self::Operator,
            None if facts::is_known(db, wallet).await? => Self::Known,
            None => Self::Stranger,
        })
    }

    /// Whether it is an operator's.
    pub fn is_operator(self) -> bool {
        self == Self::Operator
    }
}
