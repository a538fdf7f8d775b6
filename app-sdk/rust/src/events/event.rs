//! One enum over the events of all programs.

use super::json::Field;
use crate::program::Program;
use anchor_lang::{AnchorDeserialize, Discriminator};
use serde_json::{Map, Value};
use solana_pubkey::Pubkey;

/// [`datanet::events::Contributed`] together with the leaf hashes of its instruction.
#[derive(Clone, Debug, PartialEq)]
pub struct Contributed {
    /// The batch account.
    pub batch: Pubkey,
    /// Event number of the batch.
    pub sequence: u64,
    /// Place of the first leaf of this instruction in the batch.
    pub first: u64,
    /// Number of leaves of this instruction.
    pub count: u32,
    /// The leaf hashes, `count` of them, in order.
    pub leaves: Vec<[u8; 32]>,
}

/// Declares [`Event`]. A line is `Variant: program::type { subject, sequence, other fields }`; the struct patterns are
/// exhaustive, so a field added to a program fails the build here and cannot be forgotten.
macro_rules! events {
    ($($variant:ident: $program:ident $path:path { $subject:ident, $sequence:ident $(, $field:ident)* },)*) => {
        /// An event of one of the programs. The structs are the programs' own, but for [`Contributed`].
        #[derive(Clone, Debug, PartialEq)]
        #[allow(missing_docs)]
        pub enum Event {
            $($variant($path),)*
        }

        impl Event {
            /// The event's name, unique over all programs.
            pub fn name(&self) -> &'static str {
                match self { $(Self::$variant(_) => stringify!($variant),)* }
            }

            /// All names, in the order of declaration.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($variant),)*];

            /// The program that emitted it.
            pub fn program(&self) -> Program {
                match self { $(Self::$variant(_) => Program::$program,)* }
            }

            /// The account whose sequence it counts in.
            pub fn subject(&self) -> Pubkey {
                match self { $(Self::$variant(e) => e.$subject,)* }
            }

            /// Its number among its subject's events, from 0 without gaps.
            pub fn sequence(&self) -> u64 {
                match self { $(Self::$variant(e) => e.$sequence,)* }
            }

            /// Its fields as JSON: keys in Base58, hashes in hex, every u64 as a decimal string.
            pub fn to_json(&self) -> Value {
                match self {
                    $(Self::$variant(e) => {
                        #[allow(clippy::items_after_statements)]
                        let $path { $subject, $sequence $(, $field)* } = e;
                        let mut map = Map::new();
                        map.insert(stringify!($subject).into(), $subject.json());
                        map.insert(stringify!($sequence).into(), $sequence.json());
                        $(map.insert(stringify!($field).into(), $field.json());)*
                        Value::Object(map)
                    })*
                }
            }
        }
    };
}

events! {
    Staked: Stake stake::events::Staked { position, sequence, owner, role, added, amount },
    Unbonding: Stake stake::events::Unbonding { position, sequence, unbonding, unbond_slot, amount },
    Withdrawn: Stake stake::events::Withdrawn { position, sequence, paid },
    VotesLocked: Stake stake::events::VotesLocked { lock, sequence, owner, delegate, added, amount, end_slot },
    VotesUnlocked: Stake stake::events::VotesUnlocked { lock, sequence, paid },
    VotesDelegated: Stake stake::events::VotesDelegated { lock, sequence, delegate },
    StakePaused: Stake stake::events::Paused { config, sequence, paused_until },
    OperatorRegistered: Stake stake::events::OperatorRegistered { operator, sequence, owner, identity, endpoint, capabilities },
    CommitteeProposed: Stake stake::events::CommitteeProposed { committee, sequence, epoch, threshold, size, members },
    CommitteeConfirmed: Stake stake::events::CommitteeConfirmed { committee, sequence, member, group_key, active },
    CommitteeAbandoned: Stake stake::events::CommitteeAbandoned { committee, sequence, epoch },
    ParametersSet: Stake stake::events::ParametersSet { config, sequence, parameters },
    SuccessorNamed: Stake stake::events::SuccessorNamed {
        config, sequence, committee, epoch, threshold, size, roster, committee_epoch
    },
    Slashed: Stake stake::events::Slashed {
        position, sequence, owner, role, amount, bonded, unbonding, reason, evidence
    },
    PoolSlashed: Stake stake::events::PoolSlashed {
        pool, sequence, operator, amount, bonded, unbonding, reason, evidence
    },
    InsurancePaid: Stake stake::events::InsurancePaid { config, sequence, to, amount },
    CommissionSet: Stake stake::events::CommissionSet {
        pool, sequence, operator, commission_bps, next_commission_bps, commission_slot
    },
    Harvested: Stake stake::events::Harvested { pool, sequence, arrived, owed, paid },
    Delegated: Stake stake::events::Delegated { delegation, sequence, operator, owner, added, shares },
    Undelegated: Stake stake::events::Undelegated {
        delegation, sequence, amount, shares, unbonding_shares, unbond_slot
    },
    DelegationWithdrawn: Stake stake::events::DelegationWithdrawn { delegation, sequence, paid },
    RewardsClaimed: Stake stake::events::RewardsClaimed { delegation, sequence, paid },
    StakeConfigChanged: Stake stake::events::ConfigChanged { config, sequence, authority, pending_authority },
    DatanetCreated: Datanet datanet::events::DatanetCreated {
        datanet, sequence, owner, id, name, metadata_uri, metadata_hash, licence, modality, access, min_bond, panel_size,
        quorum
    },
    DatanetChanged: Datanet datanet::events::DatanetChanged { datanet, sequence, owner, pending_owner, paused },
    DatanetConfigured: Datanet datanet::events::DatanetConfigured {
        datanet, sequence, metadata_uri, metadata_hash, min_bond, panel_size, quorum
    },
    BatchOpened: Datanet datanet::events::BatchOpened { datanet, sequence, batch, index, contributor, bond },
    Contributed: Datanet Contributed { batch, sequence, first, count, leaves },
    BatchSubmitted: Datanet datanet::events::BatchSubmitted {
        batch, sequence, root, count, manifest, bulk, commit_until, reveal_until
    },
    PanelDrawn: Datanet datanet::events::PanelDrawn { batch, sequence, seed },
    VerdictCommitted: Datanet datanet::events::VerdictCommitted { batch, sequence, validator },
    VerdictRevealed: Datanet datanet::events::VerdictRevealed { batch, sequence, validator, approve, quality },
    BatchAccepted: Datanet datanet::events::BatchAccepted {
        datanet, sequence, batch, index, place, contributor, root, count, approved_by, quality, datanet_root
    },
    BatchRejected: Datanet datanet::events::BatchRejected {
        datanet, sequence, batch, index, contributor, expired, rejected_by
    },
    GrantChanged: Datanet datanet::events::GrantChanged {
        grant, sequence, datanet, grantee, purpose, status, expiry_slot
    },
    UseRecorded: Datanet datanet::events::UseRecorded { grant, sequence, datanet, grantee, job },
    DatanetConfigChanged: Datanet datanet::events::ConfigChanged {
        config, sequence, authority, pending_authority, commit_slots, reveal_slots
    },
    DatanetPaused: Datanet datanet::events::Paused { config, sequence, paused_until },
    ModelRegistered: Model model::events::ModelRegistered {
        model, sequence, owner, id, name, base_hash, parent, price_in, price_out
    },
    ModelChanged: Model model::events::ModelChanged { model, sequence, price_in, price_out, retired },
    JobRequested: Model model::events::JobRequested {
        job, sequence, model, number, requester, config_hash, seed, snapshots, budget, data_share_bps
    },
    JobAssigned: Model model::events::JobAssigned { job, sequence, operator, deadline_slot },
    Heartbeat: Model model::events::Heartbeat { job, sequence, slot },
    JobReleased: Model model::events::JobReleased { job, sequence, operator },
    LogPosted: Model model::events::LogPosted { job, sequence, log_root, slot },
    ResultAttested: Model model::events::ResultAttested {
        job, sequence, model, version, adapter_hash, manifest_hash, compute, paid, data_share, refunded,
        committee_epoch
    },
    DataSharePaid: Model model::events::DataSharePaid { job, sequence, model, amount },
    JobEnded: Model model::events::JobEnded { job, sequence, expired, refunded },
    ModelConfigChanged: Model model::events::ConfigChanged {
        config, sequence, authority, pending_authority, job_slots, assign_slots, heartbeat_slots, data_share_bps
    },
    ModelPaused: Model model::events::Paused { config, sequence, paused_until },
    Paid: Payout payout::events::Paid {
        shard, sequence, request, payer, model, operator, amount, treasury, model_owner, upstream, compute, validators,
        contributors, epoch
    },
    Funded: Payout payout::events::Funded { shard, sequence, pool, subject, payer, amount, epoch },
    SettlementPosted: Payout payout::events::SettlementPosted {
        config, sequence, epoch, pools, funded, observations_root, report_hash, cutoff_slot, active_after,
        committee_epoch
    },
    SettlementActivated: Payout payout::events::SettlementActivated { config, sequence, epoch },
    Claimed: Payout payout::events::Claimed { claim, sequence, wallet, pool, paid, lifetime, shard },
    ShardCreated: Payout payout::events::ShardCreated { config, sequence, shard, index, vault },
    PayoutConfigChanged: Payout payout::events::ConfigChanged {
        config, sequence, authority, pending_authority, fees, next_fees, parameters
    },
    PayoutPaused: Payout payout::events::Paused { config, sequence, paused_until },
    GovernanceConfigChanged: Governance governance::events::ConfigChanged { config, sequence, guardian, parameters },
    GuardianPaused: Governance governance::events::GuardianPaused { config, sequence, program, until_slot },
    ProposalCreated: Governance governance::events::ProposalCreated {
        proposal, sequence, number, proposer, description_hash, description_uri
    },
    InstructionProposed: Governance governance::events::InstructionProposed {
        proposal, sequence, index, program, accounts, data
    },
    VotingOpened: Governance governance::events::VotingOpened {
        proposal, sequence, snapshot_slot, snapshot_locked, quorum, voting_end_slot
    },
    VoteCast: Governance governance::events::VoteCast { proposal, sequence, lock, voter, choice, weight },
    VoteClosed: Governance governance::events::VoteClosed { proposal, sequence, lock },
    ProposalQueued: Governance governance::events::ProposalQueued { proposal, sequence, executable_slot, expiry_slot },
    InstructionExecuted: Governance governance::events::InstructionExecuted { proposal, sequence, index, last },
    InstructionClosed: Governance governance::events::InstructionClosed { proposal, sequence, index },
    ProposalEnded: Governance governance::events::ProposalEnded { proposal, sequence, state, executed },
    SettlementChallenged: Payout payout::events::SettlementChallenged {
        config, sequence, epoch, challenge, challenger, bond, evidence_hash, evidence_uri, resolve_by
    },
    ChallengeResolved: Payout payout::events::ChallengeResolved {
        config, sequence, epoch, challenge, outcome, recipient, released, active_after
    },
    BalanceDeposited: Payout payout::events::BalanceDeposited { balance, sequence, owner, added, amount },
    BalanceDebited: Payout payout::events::BalanceDebited {
        balance, sequence, meter, taken, debited, amount, withdrawing
    },
    WithdrawalRequested: Payout payout::events::WithdrawalRequested { balance, sequence, withdrawing, withdraw_slot },
    BalanceWithdrawn: Payout payout::events::BalanceWithdrawn { balance, sequence, paid, amount },
    DustSwept: Payout payout::events::DustSwept { holder, sequence, amount },
}

/// What an event's bytes decode to; `Contributed` still lacks its leaves.
pub(super) enum Parsed {
    /// Complete.
    Event(Event),
    /// Waits for the leaves of its instruction.
    Contributed(datanet::events::Contributed),
}

/// Tries one event type after another by discriminator.
macro_rules! by_discriminator {
    ($data:expr; $($variant:ident: $path:path,)*) => {{
        let data: &[u8] = $data;
        $(if let Some(mut body) = data.strip_prefix(<$path>::DISCRIMINATOR) {
            let read = <$path as AnchorDeserialize>::deserialize(&mut body);
            return read.map(|e| Some(Parsed::Event(Event::$variant(e)))).map_err(|e| (stringify!($variant), e));
        })*
        Ok(None)
    }};
}

/// Decodes an event's bytes (discriminator and Borsh) of `program`; `None` for an unknown discriminator. Bytes behind
/// the known fields are tolerated: a later program version may append fields.
pub(super) fn parse(program: Program, data: &[u8]) -> Result<Option<Parsed>, (&'static str, std::io::Error)> {
    match program {
        Program::Stake => by_discriminator! { data;
            Staked: stake::events::Staked,
            Unbonding: stake::events::Unbonding,
            Withdrawn: stake::events::Withdrawn,
            VotesLocked: stake::events::VotesLocked,
            VotesUnlocked: stake::events::VotesUnlocked,
            VotesDelegated: stake::events::VotesDelegated,
            StakePaused: stake::events::Paused,
            OperatorRegistered: stake::events::OperatorRegistered,
            CommitteeProposed: stake::events::CommitteeProposed,
            CommitteeConfirmed: stake::events::CommitteeConfirmed,
            CommitteeAbandoned: stake::events::CommitteeAbandoned,
            ParametersSet: stake::events::ParametersSet,
            SuccessorNamed: stake::events::SuccessorNamed,
            Slashed: stake::events::Slashed,
            PoolSlashed: stake::events::PoolSlashed,
            InsurancePaid: stake::events::InsurancePaid,
            CommissionSet: stake::events::CommissionSet,
            Harvested: stake::events::Harvested,
            Delegated: stake::events::Delegated,
            Undelegated: stake::events::Undelegated,
            DelegationWithdrawn: stake::events::DelegationWithdrawn,
            RewardsClaimed: stake::events::RewardsClaimed,
            StakeConfigChanged: stake::events::ConfigChanged,
        },
        Program::Datanet => {
            if let Some(mut body) = data.strip_prefix(datanet::events::Contributed::DISCRIMINATOR) {
                let read = datanet::events::Contributed::deserialize(&mut body);
                return read.map(|e| Some(Parsed::Contributed(e))).map_err(|e| ("Contributed", e));
            }
            by_discriminator! { data;
                DatanetCreated: datanet::events::DatanetCreated,
                DatanetChanged: datanet::events::DatanetChanged,
                DatanetConfigured: datanet::events::DatanetConfigured,
                BatchOpened: datanet::events::BatchOpened,
                BatchSubmitted: datanet::events::BatchSubmitted,
                PanelDrawn: datanet::events::PanelDrawn,
                VerdictCommitted: datanet::events::VerdictCommitted,
                VerdictRevealed: datanet::events::VerdictRevealed,
                BatchAccepted: datanet::events::BatchAccepted,
                BatchRejected: datanet::events::BatchRejected,
                GrantChanged: datanet::events::GrantChanged,
                UseRecorded: datanet::events::UseRecorded,
                DatanetConfigChanged: datanet::events::ConfigChanged,
                DatanetPaused: datanet::events::Paused,
            }
        }
        Program::Model => by_discriminator! { data;
            ModelRegistered: model::events::ModelRegistered,
            ModelChanged: model::events::ModelChanged,
            JobRequested: model::events::JobRequested,
            JobAssigned: model::events::JobAssigned,
            Heartbeat: model::events::Heartbeat,
            JobReleased: model::events::JobReleased,
            LogPosted: model::events::LogPosted,
            ResultAttested: model::events::ResultAttested,
            DataSharePaid: model::events::DataSharePaid,
            JobEnded: model::events::JobEnded,
            ModelConfigChanged: model::events::ConfigChanged,
            ModelPaused: model::events::Paused,
        },
        Program::Payout => by_discriminator! { data;
            Paid: payout::events::Paid,
            Funded: payout::events::Funded,
            SettlementPosted: payout::events::SettlementPosted,
            SettlementActivated: payout::events::SettlementActivated,
            Claimed: payout::events::Claimed,
            ShardCreated: payout::events::ShardCreated,
            PayoutConfigChanged: payout::events::ConfigChanged,
            PayoutPaused: payout::events::Paused,
            SettlementChallenged: payout::events::SettlementChallenged,
            ChallengeResolved: payout::events::ChallengeResolved,
            BalanceDeposited: payout::events::BalanceDeposited,
            BalanceDebited: payout::events::BalanceDebited,
            WithdrawalRequested: payout::events::WithdrawalRequested,
            BalanceWithdrawn: payout::events::BalanceWithdrawn,
            DustSwept: payout::events::DustSwept,
        },
        Program::Governance => by_discriminator! { data;
            GovernanceConfigChanged: governance::events::ConfigChanged,
            GuardianPaused: governance::events::GuardianPaused,
            ProposalCreated: governance::events::ProposalCreated,
            InstructionProposed: governance::events::InstructionProposed,
            VotingOpened: governance::events::VotingOpened,
            VoteCast: governance::events::VoteCast,
            VoteClosed: governance::events::VoteClosed,
            ProposalQueued: governance::events::ProposalQueued,
            InstructionExecuted: governance::events::InstructionExecuted,
            InstructionClosed: governance::events::InstructionClosed,
            ProposalEnded: governance::events::ProposalEnded,
        },
    }
}
