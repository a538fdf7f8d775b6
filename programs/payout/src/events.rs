//! Events of the payout program. `sequence` counts the events of each subject account, so that a gap is visible.

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
    /// The request's 32 bytes, chosen by the payer. The answer is bound to them.
    pub request: [u8; 32],
    /// The wallet that paid.
    pub payer: Pubkey,
    /// The model.
    pub model: Pubkey,
    /// Wallet of the operator that answers.
    pub operator: Pubkey,
    /// The whole fee in base units.
    pub amount: u64,
    /// The treasury's part, in base units.
    pub treasury: u64,
    /// The model owner's part, in base units.
    pub model_owner: u64,
    /// The parent model owner's part, in base units.
    pub upstream: u64,
    /// The operator's part, in base units.
    pub compute: u64,
    /// The validators' pool's part, in base units.
    pub validators: u64,
    /// The contributors' pool's part, in base units.
    pub contributors: u64,
    /// The epoch that the payment belongs to.
    pub epoch: u64,
}

/// A pool was paid into without an answer.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct Funded {
    /// The shard that took the payment.
    pub shard: Pubkey,
    /// Event number of the shard.
    pub sequence: u64,
    /// The pool.
    pub pool: Pool,
    /// What the payment is for, as the payer names it. For a training job's data share it is the job, which is also the
    /// payer.
    pub subject: Pubkey,
    /// The wallet that paid.
    pub payer: Pubkey,
    /// Base units.
    pub amount: u64,
    /// The epoch that the payment belongs to.
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
    /// The pools' roots after this settlement.
    pub pools: [PoolRoot; POOLS],
    /// Lifetime funding of each pool at the time of posting, in base units.
    pub funded: [u64; POOLS],
    /// Merkle root over the members' signed observations.
    pub observations_root: [u8; 32],
    /// SHA-256 of the published report.
    pub report_hash: [u8; 32],
    /// Cutoff: the last slot whose payments are counted.
    pub cutoff_slot: u64,
    /// First slot in which the settlement may be activated.
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
    /// All base units ever paid to this wallet from this pool.
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
    /// The key that may take the authority over.
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

/// A settlement was challenged and is frozen.
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
    /// The challenger's wallet.
    pub challenger: Pubkey,
    /// The bond, in base units.
    pub bond: u64,
    /// SHA-256 of the published evidence.
    pub evidence_hash: [u8; 32],
    /// Where the evidence is published.
    pub evidence_uri: String,
    /// Last slot of the authority's time to decide. After it anyone may expire the challenge.
    pub resolve_by: u64,
}

/// A challenge ended. If it was upheld, the settlement is rejected and closed, and its epoch can be posted again.
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
    /// Base units paid to `recipient`: the bond and whatever else was in its token account.
    pub released: u64,
    /// First slot in which the settlement may be activated; 0 if it was rejected.
    pub active_after: u64,
}

/// OPEN was paid into a prepaid balance.
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

/// The used part of a balance was taken from it. A [`Paid`] event in the same instruction says who received which part.
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
    /// Base units of the requested withdrawal that are left now.
    pub withdrawing: u64,
}

/// A withdrawal from a balance was requested. A request of 0 cancels the previous one.
#[event]
#[derive(Clone, Debug, PartialEq)]
pub struct WithdrawalRequested {
    /// The balance account.
    pub balance: Pubkey,
    /// Event number of the balance.
    pub sequence: u64,
    /// Base units to withdraw.
    pub withdrawing: u64,
    /// First slot in which they may be withdrawn.
    pub withdraw_slot: u64,
}

/// OPEN was paid out of a balance to its owner.
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

/// Tokens in a vault beyond the counted ones went to the treasury.
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
