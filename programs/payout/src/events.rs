//! Events of the payout program. `sequence` counts per subject account, so that a gap is visible.

use crate::{
    challenge::Outcome,
    parameters::Parameters,
    state::{Config, FeeShares, POOLS, Pool, PoolRoot},
};
use anchor_lang::prelude::*;
use openledger_shared::{
    event::Emitter,
    governed::{Fields, Governed},
};

/// Emits the events of this program.
pub(crate) const EMITTER: Emitter = Emitter::new(crate::ID, crate::EVENT_AUTHORITY_AND_BUMP.1);

/// An answer was paid for and its fee split.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct Paid {
    /// The shard that took the pools' shares.
    pub shard: Pubkey,
    /// Event number of the shard.
    pub sequence: u64,
    /// The payer's name for the request; answers are bound to it.
    pub request: [u8; 32],
    /// Who paid.
    pub payer: Pubkey,
    /// The model.
    pub model: Pubkey,
    /// Wallet of the operator that answers.
    pub operator: Pubkey,
    /// The whole fee in base units.
    pub amount: u64,
    /// Part of the treasury.
    pub treasury: u64,
    /// Part of the model's owner.
    pub model_owner: u64,
    /// Part of the parent model's owner.
    pub upstream: u64,
    /// Part of the operator.
    pub compute: u64,
    /// Part of the validators' pool.
    pub validators: u64,
    /// Part of the contributors' pool.
    pub contributors: u64,
    /// The epoch that it belongs to.
    pub epoch: u64,
}

/// Somebody paid into a pool.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct Funded {
    /// The shard that took it.
    pub shard: Pubkey,
    /// Event number of the shard.
    pub sequence: u64,
    /// The pool.
    pub pool: Pool,
    /// What it is for, in the payer's words: of a training job's data share the job, which then is the payer as well.
    pub subject: Pubkey,
    /// Who paid.
    pub payer: Pubkey,
    /// Base units.
    pub amount: u64,
    /// The epoch that it belongs to.
    pub epoch: u64,
}

/// A shard of the vault was made.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct ShardCreated {
    /// The config account.
    pub config: Pubkey,
    /// Event number of the config.
    pub sequence: u64,
    /// The shard account.
    pub shard: Pubkey,
    /// Its number.
    pub index: u8,
    /// Its token account.
    pub vault: Pubkey,
}

/// A settlement was posted.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct SettlementPosted {
    /// The config account.
    pub config: Pubkey,
    /// Event number of the config.
    pub sequence: u64,
    /// The epoch.
    pub epoch: u64,
    /// Roots after it, by pool.
    pub pools: [PoolRoot; POOLS],
    /// Lifetime funding at the time of posting, by pool.
    pub funded: [u64; POOLS],
    /// Merkle root over the members' signed observations.
    pub observations_root: [u8; 32],
    /// SHA-256 of the published report.
    pub report_hash: [u8; 32],
    /// Last slot whose payments are counted.
    pub cutoff_slot: u64,
    /// First slot in which it may be activated.
    pub active_after: u64,
    /// Epoch of the committee that attested.
    pub committee_epoch: u64,
}

/// A settlement became active.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct SettlementActivated {
    /// The config account.
    pub config: Pubkey,
    /// Event number of the config.
    pub sequence: u64,
    /// The epoch.
    pub epoch: u64,
}

/// A wallet's earnings were paid out.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct Claimed {
    /// The claim account.
    pub claim: Pubkey,
    /// Event number of the claim account.
    pub sequence: u64,
    /// The wallet.
    pub wallet: Pubkey,
    /// The pool.
    pub pool: Pool,
    /// Base units paid now.
    pub paid: u64,
    /// Base units paid ever.
    pub lifetime: u64,
    /// The shard that paid.
    pub shard: Pubkey,
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
    /// Shares in force.
    pub fees: FeeShares,
    /// Shares from the next epoch on.
    pub next_fees: Option<FeeShares>,
    /// The other parameters.
    pub parameters: Parameters,
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
        ConfigChanged {
            config,
            sequence,
            authority: self.authority,
            pending_authority: self.pending_authority,
            fees: self.fees,
            next_fees: self.next_fees,
            parameters: self.parameters,
        }
    }

    fn paused(config: Pubkey, sequence: u64, paused_until: u64) -> Paused {
        Paused { config, sequence, paused_until }
    }
}

/// A settlement was challenged; it is frozen.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct SettlementChallenged {
    /// The config account.
    pub config: Pubkey,
    /// Event number of the config.
    pub sequence: u64,
    /// The epoch.
    pub epoch: u64,
    /// The challenge account.
    pub challenge: Pubkey,
    /// Who challenged.
    pub challenger: Pubkey,
    /// Base units at stake.
    pub bond: u64,
    /// SHA-256 of the published evidence.
    pub evidence_hash: [u8; 32],
    /// Where the evidence is published.
    pub evidence_uri: String,
    /// Last slot before anyone may expire it.
    pub resolve_by: u64,
}

/// A challenge ended. If it was upheld, the settlement is rejected: nothing is posted for its epoch any more.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct ChallengeResolved {
    /// The config account.
    pub config: Pubkey,
    /// Event number of the config.
    pub sequence: u64,
    /// The epoch.
    pub epoch: u64,
    /// The challenge account, closed now.
    pub challenge: Pubkey,
    /// How it ended.
    pub outcome: Outcome,
    /// Token account that the bond went to.
    pub recipient: Pubkey,
    /// Base units that went there: the bond and whatever else lay in its account.
    pub released: u64,
    /// First slot in which the settlement may be activated; 0 where it was rejected.
    pub active_after: u64,
}

/// OPEN was paid ahead.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct BalanceDeposited {
    /// The balance account.
    pub balance: Pubkey,
    /// Event number of the balance.
    pub sequence: u64,
    /// The wallet that pays.
    pub owner: Pubkey,
    /// Base units added.
    pub added: u64,
    /// Base units held now.
    pub amount: u64,
}

/// What was used of a balance was taken from it; a [`Paid`] beside it says who received which part.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct BalanceDebited {
    /// The balance account.
    pub balance: Pubkey,
    /// Event number of the balance.
    pub sequence: u64,
    /// Number of the attested debit.
    pub meter: u64,
    /// Base units taken.
    pub taken: u64,
    /// Base units ever taken.
    pub debited: u64,
    /// Base units held now.
    pub amount: u64,
    /// Base units on their way out now.
    pub withdrawing: u64,
}

/// A withdrawal from a balance was asked for; with 0 called off.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct WithdrawalRequested {
    /// The balance account.
    pub balance: Pubkey,
    /// Event number of the balance.
    pub sequence: u64,
    /// Base units on their way out.
    pub withdrawing: u64,
    /// First slot in which they may be withdrawn.
    pub withdraw_slot: u64,
}

/// OPEN left a balance for its owner.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct BalanceWithdrawn {
    /// The balance account.
    pub balance: Pubkey,
    /// Event number of the balance.
    pub sequence: u64,
    /// Base units paid.
    pub paid: u64,
    /// Base units held now.
    pub amount: u64,
}

/// What lay in a vault beyond what is counted went to the treasury.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct DustSwept {
    /// The shard or the balance whose vault it is.
    pub holder: Pubkey,
    /// Event number of that account.
    pub sequence: u64,
    /// Base units that went to the treasury.
    pub amount: u64,
}
