//! Events of the stake program. `sequence` counts per subject account, so that a gap is visible.

use crate::state::Role;
use anchor_lang::prelude::*;

/// A position grew.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct Staked {
    /// The position account.
    pub position: Pubkey,
    /// Event number of the position.
    pub sequence: u64,
    /// The staker.
    pub owner: Pubkey,
    /// The role.
    pub role: Role,
    /// Base units added.
    pub added: u64,
    /// Base units bonded now.
    pub amount: u64,
}

/// Part of a position began to unbond.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct Unbonding {
    /// The position account.
    pub position: Pubkey,
    /// Event number of the position.
    pub sequence: u64,
    /// Base units unbonding now.
    pub unbonding: u64,
    /// First slot of withdrawal.
    pub unbond_slot: u64,
    /// Base units still bonded.
    pub amount: u64,
}

/// Unbonded OPEN left.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct Withdrawn {
    /// The position account.
    pub position: Pubkey,
    /// Event number of the position.
    pub sequence: u64,
    /// Base units paid to the owner.
    pub paid: u64,
}

/// A lock of votes was made, grew or was extended.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct VotesLocked {
    /// The lock account.
    pub lock: Pubkey,
    /// Event number of the lock.
    pub sequence: u64,
    /// Whose OPEN it is.
    pub owner: Pubkey,
    /// Who votes with it.
    pub delegate: Pubkey,
    /// Base units added.
    pub added: u64,
    /// Base units locked now.
    pub amount: u64,
    /// First slot in which they can be unlocked.
    pub end_slot: u64,
}

/// A lock that had ended was paid back.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct VotesUnlocked {
    /// The lock account.
    pub lock: Pubkey,
    /// Event number of the lock.
    pub sequence: u64,
    /// Base units paid to the owner.
    pub paid: u64,
}

/// Another wallet votes with a lock.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct VotesDelegated {
    /// The lock account.
    pub lock: Pubkey,
    /// Event number of the lock.
    pub sequence: u64,
    /// Who votes with it now.
    pub delegate: Pubkey,
}

/// The program was paused, or a pause was ended.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct Paused {
    /// The config account.
    pub config: Pubkey,
    /// Event number of the config.
    pub sequence: u64,
    /// First slot in which tokens move again.
    pub paused_until: u64,
}

/// An operator registered or changed its entry.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct OperatorRegistered {
    /// The operator account.
    pub operator: Pubkey,
    /// Event number of the operator.
    pub sequence: u64,
    /// Its wallet.
    pub owner: Pubkey,
    /// Its identity key.
    pub identity: Pubkey,
    /// Its endpoint.
    pub endpoint: String,
    /// Its capabilities.
    pub capabilities: u32,
}

/// Members of a committee were named.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct CommitteeProposed {
    /// The committee account.
    pub committee: Pubkey,
    /// Event number of the committee.
    pub sequence: u64,
    /// Its epoch.
    pub epoch: u64,
    /// How many must sign.
    pub threshold: u16,
    /// Number of members once complete.
    pub size: u16,
    /// Members added by this call.
    pub members: Vec<Pubkey>,
}

/// A member confirmed a group key.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct CommitteeConfirmed {
    /// The committee account.
    pub committee: Pubkey,
    /// Event number of the committee.
    pub sequence: u64,
    /// The member's wallet.
    pub member: Pubkey,
    /// The group key.
    pub group_key: [u8; 32],
    /// Whether this was the last confirmation and the committee is now active.
    pub active: bool,
}

/// A committee that never became active was given up; its account is closed.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct CommitteeAbandoned {
    /// The committee account.
    pub committee: Pubkey,
    /// Event number of the committee.
    pub sequence: u64,
    /// Its epoch.
    pub epoch: u64,
}

/// The config was made or changed.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct ConfigChanged {
    /// The config account.
    pub config: Pubkey,
    /// Event number of the config.
    pub sequence: u64,
    /// The authority now.
    pub authority: Pubkey,
    /// Who may take over.
    pub pending_authority: Option<Pubkey>,
}
