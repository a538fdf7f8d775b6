//! What can go wrong, who caused it and what to do. Each error says as much of this as is known.

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
    /// The committee is not valid.
    #[error("invalid committee: {0}")]
    Committee(#[from] CommitteeError),
    /// No committee of that epoch was given to [`crate::Participant::admit`].
    #[error("no committee of epoch {epoch} is known here: read it from the chain and admit it first")]
    UnknownCommittee {
        /// The requested epoch.
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
        /// Number of members that did their part.
        have: usize,
        /// Number of members needed.
        need: usize,
        /// Why the others did not take part, as far as known.
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
    /// The message and the payload do not belong together, or the message is not for this committee.
    #[error("the message cannot be signed: {0}")]
    Message(String),
    /// PostgreSQL failed.
    #[error(transparent)]
    Database(#[from] openledger_database::DbError),
    /// The database could not be set up.
    #[error("database set-up: {0}")]
    Setup(String),
    /// A stored value cannot be read. Either another identity key sealed it, or the row was changed.
    #[error("stored {what} cannot be read: was it written with another identity key?")]
    Corrupt {
        /// Name of the value.
        what: &'static str,
    },
    /// FROST refused. No other member caused it.
    #[error("FROST: {0}")]
    Frost(#[from] frost_ed25519::Error),
}

impl Error {
    /// Whether this member itself failed: its database, or what is stored there. Nothing that another member says causes
    /// such an error.
    pub(crate) fn is_own(&self) -> bool {
        matches!(self, Self::Database(_) | Self::Setup(_) | Self::Corrupt { .. })
    }
}

/// What a member did wrong, or did not do, in one run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The member.
    #[serde(with = "hex_bytes")]
    pub member: Hash32,
    /// What it did. The text is read after the member's name.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", name(&self.member), self.what)
    }
}

impl From<Fault> for Error {
    fn from(Fault { member, what }: Fault) -> Self {
        Self::Culprit { member, what }
    }
}

/// Why a member does not do what a well-signed request asks for. It is sent in a signed answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// The kind of refusal, for programs.
    pub code: Code,
    /// What is wrong and what to do, for people.
    pub message: String,
}

impl Refusal {
    /// A refusal with this code and text.
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
    /// The node's [`crate::Approver`] or [`crate::Observer`] refused.
    NotApproved,
    /// Another payload was signed for this subject and sequence.
    AlreadySigned,
    /// This member holds no nonces for this session: they were never made, were lost at a restart, or are being used.
    /// Ask for new commitments.
    UnknownSession,
    /// The session's nonces were used for another set of signers. Ask for new commitments.
    NoncesUsed,
    /// This member has no key share of the committee.
    NoKeyShare,
    /// Another observation was made for this subject and sequence.
    AlreadyObserved,
    /// The sender asks for too much at a time. Ask again later.
    TooManyRequests,
    /// The member's database was restored. It takes no part in the committees that it may have forgotten something of.
    Restored,
    /// The member itself failed, for example its database. Ask again later.
    Unavailable,
}

impl From<Error> for Refusal {
    /// Turns an error while serving another member into the refusal that is sent to that member. Only a refusal keeps
    /// its text. Internal failures are not shown to other members.
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
