//! How much a wallet has to lose. Wallets are free, so that a bound on what strangers take together must not keep out those
//! who have put something in.

use super::facts;
use crate::db::{Database, DbError};
use solana_pubkey::Pubkey;

/// Whose an upload is. Each class has places and bytes of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// A registered operator's, as long as it has a stake.
    Operator,
    /// Of a wallet that has something at stake: a bond of a batch that is not decided, a batch that was accepted, or a job
    /// under way.
    Known,
    /// Anybody else's.
    Stranger,
}

impl Class {
    /// Every class.
    pub const ALL: [Self; 3] = [Self::Operator, Self::Known, Self::Stranger];

    /// The class of `wallet`, which has registered an operator if it has an identity key.
    pub async fn of(db: &Database, wallet: &Pubkey, identity: Option<&Pubkey>) -> Result<Self, DbError> {
        Ok(match identity {
            Some(_) if facts::is_staked(db, wallet).await? => Self::Operator,
            _ if facts::is_known(db, wallet).await? => Self::Known,
            _ => Self::Stranger,
        })
    }

    /// Whether it is an operator's.
    pub fn is_operator(self) -> bool {
        self == Self::Operator
    }
}
