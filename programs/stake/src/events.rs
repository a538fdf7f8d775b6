//! Events of the stake program. `sequence` counts the events of each subject account, so that a gap is visible.

use crate::{
    parameters::Parameters,
    state::{Config, Operator, Pool, Role, SlashReason},
};
use anchor_lang::prelude::*;
use openledger_shared::{
    event::Emitter,
    governed::{Fields, Governed},
    sequence,
};

/// Emits the events of this program.
pub(crate) const EMITTER: Emitter = Emitter::new(crate::ID, crate::EVENT_AUTHORITY_AND_BUMP.1);

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

/// Unbonded OPEN was paid out to its owner.
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
    /// The wallet that owns the locked OPEN.
    pub owner: Pubkey,
    /// The wallet that votes with the lock.
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

/// The owner of a lock named the wallet that votes with it.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct VotesDelegated {
    /// The lock account.
    pub lock: Pubkey,
    /// Event number of the lock.
    pub sequence: u64,
    /// The wallet that votes with the lock now.
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
    /// First slot in which the program runs again.
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

impl OperatorRegistered {
    /// The next event of `operator`, as it stands now.
    pub(crate) fn of(operator: &mut Account<Operator>) -> Result<Self> {
        Ok(Self {
            operator: operator.key(),
            sequence: sequence::take(&mut operator.sequence)?,
            owner: operator.owner,
            identity: operator.identity,
            endpoint: operator.endpoint.clone(),
            capabilities: operator.capabilities,
        })
    }
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

/// A committee that never became active was abandoned. Its account is closed.
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
    /// The key that may take the authority over.
    pub pending_authority: Option<Pubkey>,
}

impl Governed for Config {
    type Changed = ConfigChanged;
    type Paused = Paused;

    fn fields(&mut self) -> Fields<'_> {
        Fields {
            authority: &mut self.authority,
            pending_authority: &mut self.pending_authority,
            paused_until: &mut self.paused_until,
            sequence: &mut self.sequence,
        }
    }

    fn changed(&self, config: Pubkey, sequence: u64) -> ConfigChanged {
        ConfigChanged { config, sequence, authority: self.authority, pending_authority: self.pending_authority }
    }

    fn paused(config: Pubkey, sequence: u64, paused_until: u64) -> Paused {
        Paused { config, sequence, paused_until }
    }
}

/// The parameters were changed.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct ParametersSet {
    /// The config account.
    pub config: Pubkey,
    /// Event number of the config.
    pub sequence: u64,
    /// The parameters now.
    pub parameters: Parameters,
}

/// The present committee named its successor.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct SuccessorNamed {
    /// The config account.
    pub config: Pubkey,
    /// Event number of the config. It is also the sequence number that was attested.
    pub sequence: u64,
    /// The next committee.
    pub committee: Pubkey,
    /// Its epoch.
    pub epoch: u64,
    /// How many must sign.
    pub threshold: u16,
    /// Number of its members.
    pub size: u16,
    /// Hash of all its members in order.
    pub roster: [u8; 32],
    /// Epoch of the committee that has signed.
    pub committee_epoch: u64,
}

/// A position was slashed. The OPEN went to the insurance vault.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct Slashed {
    /// The position account.
    pub position: Pubkey,
    /// Event number of the position.
    pub sequence: u64,
    /// The staker.
    pub owner: Pubkey,
    /// The role.
    pub role: Role,
    /// Base units taken.
    pub amount: u64,
    /// Base units still bonded.
    pub bonded: u64,
    /// Base units still unbonding.
    pub unbonding: u64,
    /// Why.
    pub reason: SlashReason,
    /// Names the evidence. For equivocation it is the SHA-256 of the Ed25519 instruction's data. For the other reasons
    /// it is the hash that the committee or the authority gave.
    pub evidence: [u8; 32],
}

/// The OPEN delegated to a slashed operator was slashed at the same rate. It went to the insurance vault.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct PoolSlashed {
    /// The pool account.
    pub pool: Pubkey,
    /// Event number of the pool.
    pub sequence: u64,
    /// Wallet of the operator.
    pub operator: Pubkey,
    /// Base units taken.
    pub amount: u64,
    /// Base units still bonded.
    pub bonded: u64,
    /// Base units still unbonding.
    pub unbonding: u64,
    /// As in [`Slashed`].
    pub reason: SlashReason,
    /// As in [`Slashed`].
    pub evidence: [u8; 32],
}

/// The insurance vault paid.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct InsurancePaid {
    /// The config account.
    pub config: Pubkey,
    /// Event number of the config.
    pub sequence: u64,
    /// The token account that was paid.
    pub to: Pubkey,
    /// Base units paid.
    pub amount: u64,
}

/// An operator opened a pool or set its commission.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct CommissionSet {
    /// The pool account.
    pub pool: Pubkey,
    /// Event number of the pool; 0 if this event opened it.
    pub sequence: u64,
    /// Wallet of the operator.
    pub operator: Pubkey,
    /// The commission now, in basis points.
    pub commission_bps: u16,
    /// The commission from `commission_slot` on, in basis points.
    pub next_commission_bps: u16,
    /// First slot of the next commission.
    pub commission_slot: u64,
}

impl CommissionSet {
    /// The next event of `pool`, as it stands now.
    pub(crate) fn of(pool: &mut Account<Pool>) -> Result<Self> {
        Ok(Self {
            pool: pool.key(),
            sequence: sequence::take(&mut pool.sequence)?,
            operator: pool.operator,
            commission_bps: pool.commission_bps,
            next_commission_bps: pool.next_commission_bps,
            commission_slot: pool.commission_slot,
        })
    }
}

/// Rewards that had arrived were divided.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct Harvested {
    /// The pool account.
    pub pool: Pubkey,
    /// Event number of the pool.
    pub sequence: u64,
    /// Base units divided now.
    pub arrived: u64,
    /// Base units that delegators can claim now, in all.
    pub owed: u64,
    /// Base units of commission that were paid to the operator now.
    pub paid: u64,
}

/// OPEN was delegated.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct Delegated {
    /// The delegation account.
    pub delegation: Pubkey,
    /// Event number of the delegation.
    pub sequence: u64,
    /// Wallet of the operator.
    pub operator: Pubkey,
    /// The delegator.
    pub owner: Pubkey,
    /// Base units added.
    pub added: u64,
    /// All shares of the pool's bonded OPEN that the delegation holds now.
    pub shares: u128,
}

/// Part of a delegation began to unbond.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct Undelegated {
    /// The delegation account.
    pub delegation: Pubkey,
    /// Event number of the delegation.
    pub sequence: u64,
    /// Base units that began to unbond.
    pub amount: u64,
    /// Shares of the pool's bonded OPEN that the delegation still holds.
    pub shares: u128,
    /// All shares of the pool's unbonding OPEN that the delegation holds now.
    pub unbonding_shares: u128,
    /// First slot of withdrawal.
    pub unbond_slot: u64,
}

/// Undelegated OPEN was paid out to its delegator.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct DelegationWithdrawn {
    /// The delegation account.
    pub delegation: Pubkey,
    /// Event number of the delegation.
    pub sequence: u64,
    /// Base units paid to the delegator.
    pub paid: u64,
}

/// A delegator claimed its rewards.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct RewardsClaimed {
    /// The delegation account.
    pub delegation: Pubkey,
    /// Event number of the delegation.
    pub sequence: u64,
    /// Base units paid to the delegator.
    pub paid: u64,
}
