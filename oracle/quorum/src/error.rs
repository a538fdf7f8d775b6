//! What can go wrong, who caused it and what to do. Each error says all three as far as they are known.

use std::fmt;

use openledger_protocol::Hash32;
use serde::{Deserialize, Serialize};

use crate::{
    encoding::{hex_bytes, name},
    membership::CommitteeError,
};

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Errors of this crate. Wallets are shown in base58.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The committee cannot be one.
    #[error("invalid committee: {0}")]
    Committee(#[from] CommitteeError),
    /// No committee of that epoch was given to [`crate::Participant::admit`].
    #[error("no committee of epoch {epoch} is known here: read it from the chain and admit it first")]
    UnknownCommittee {
        /// Epoch asked for.
        epoch: u64,
    },
    /// This operator is not in the committee.
    #[error("{} is not a member of committee {epoch}", name(wallet))]
    NotMember {
        /// The operator.
        wallet: Hash32,
        /// The committee's epoch.
        epoch: u64,
    },
    /// No key share of that committee is stored.
    #[error("no key share of committee {epoch} is stored here: run key generation first")]
    NoKeyShare {
        /// The committee's epoch.
        epoch: u64,
    },
    /// A member broke the protocol.
    #[error("{} broke the protocol: {what}", name(member))]
    Culprit {
        /// The member.
        member: Hash32,
        /// What it did.
        what: String,
    },
    /// Too many members refused, lied or kept silent.
    #[error("{have} of {need} needed members took part in {what}{}", list(faults))]
    TooFew {
        /// What they should have taken part in.
        what: &'static str,
        /// Members that did their part.
        have: usize,
        /// Members needed.
        need: usize,
        /// Why the others did not, as far as known.
        faults: Vec<Fault>,
    },
    /// Time ran out while waiting for members.
    #[error("{what} ran out of time waiting for {}{}", names(missing), list(faults))]
    Deadline {
        /// What ran out of time.
        what: &'static str,
        /// Members that did not answer.
        missing: Vec<Hash32>,
        /// Members that refused or lied before.
        faults: Vec<Fault>,
    },
    /// This member refused its own part.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// The message and the payload do not belong together, or not to this committee.
    #[error("the message cannot be signed: {0}")]
    Message(String),
    /// PostgreSQL failed.
    #[error("database: {}", cause(.0))]
    Database(#[from] tokio_postgres::Error),
    /// No PostgreSQL connection could be had.
    #[error("database pool: {0}")]
    Pool(#[from] deadpool_postgres::PoolError),
    /// The database could not be set up.
    #[error("database set-up: {0}")]
    Setup(String),
    /// A stored value cannot be read: another identity key sealed it, or the row was changed.
    #[error("stored {what} cannot be read: was it written with another identity key?")]
    Corrupt {
        /// Which value.
        what: &'static str,
    },
    /// FROST refused; not caused by another member.
    #[error("FROST: {0}")]
    Frost(#[from] frost_ed25519::Error),
}

/// What a member did wrong, or did not do, in one run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The member.
    #[serde(with = "hex_bytes")]
    pub member: Hash32,
    /// What it did, to be read after its name.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", name(&self.member), self.what)
    }
}

/// Why a member does not do what a well-signed request asks for. Travels in a signed answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// For programs.
    pub code: Code,
    /// For people: what is wrong and what to do.
    pub message: String,
}

impl Refusal {
    /// A refusal.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// Kinds of refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The body cannot be read or contradicts itself.
    BadRequest,
    /// The node's [`crate::Approver`] or [`crate::Observer`] said no.
    NotApproved,
    /// Another payload was signed for this subject and sequence.
    AlreadySigned,
    /// No nonces are stored for this session (never made, or discarded at a restart). Ask for new commitments.
    UnknownSession,
    /// The session's nonces were used for another set of signers. Ask for new commitments.
    NoncesUsed,
    /// This member has no key share of the committee.
    NoKeyShare,
    /// Another observation was made for this subject and sequence.
    AlreadyObserved,
    /// The member's own machinery failed (its database, say). Ask again later.
    Unavailable,
}

impl From<Error> for Refusal {
    /// Turns an error met while serving another member into what that member is told. Only refusals keep their words;
    /// what fails inside is nobody else's business.
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(refusal) => refusal,
            Error::NoKeyShare { .. } => Refusal::new(Code::NoKeyShare, error.to_string()),
            Error::Message(_) => Refusal::new(Code::BadRequest, error.to_string()),
            other => {
                tracing::error!(error = %other, "cannot serve a member");
                Refusal::new(Code::Unavailable, "this member cannot answer now: see its log")
            }
        }
    }
}

fn names(wallets: &[Hash32]) -> String {
    wallets.iter().map(name).collect::<Vec<_>>().join(", ")
}

fn list(faults: &[Fault]) -> String {
    if faults.is_empty() {
        return String::new();
    }
    format!(" ({})", faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("; "))
}

/// tokio-postgres says only "db error": the reason is its source.
fn cause(error: &tokio_postgres::Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), |e| e.to_string())
}
