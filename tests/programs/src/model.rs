//! The model program in tests: addresses, instructions, a model and a job ready to use.

use crate::{
    OPEN, attest, datanet, event_authority, instruction,
    keys::Key,
    payout,
    stake::{self, Committee},
    tx::{Failed, Sent},
    world::{Program, World},
};
use ::datanet::state::Access;
use ::model::{
    AttestResultArgs, ComputeShare, ID, InitializeArgs, RegisterModelArgs, RequestJobArgs, accounts,
    instruction as call, seeds,
    state::{Job, Model},
};
use openledger_protocol::{
    Hash32,
    attest::{Kind, Message},
};
use solana_instruction::{AccountMeta, Instruction};
use solana_keypair::Signer;
use solana_pubkey::Pubkey;

/// Slots for a job in test worlds.
pub const JOB_SLOTS: u64 = 1_000;
/// Slots that a job waits in test worlds.
pub const ASSIGN_SLOTS: u64 = 100;
/// Slots that an operator may be silent in test worlds.
pub const HEARTBEAT_SLOTS: u64 = 200;
/// Data share in test worlds: a fifth of a fee.
pub const DATA_SHARE_BPS: u16 = 2_000;
/// The arguments that test worlds are initialised with.
pub const INITIALIZE: InitializeArgs = InitializeArgs {
    job_slots: JOB_SLOTS,
    assign_slots: ASSIGN_SLOTS,
    heartbeat_slots: HEARTBEAT_SLOTS,
    data_share_bps: DATA_SHARE_BPS,
};
/// Hash of the base model in tests.
pub const BASE: Hash32 = [0xba; 32];
/// Budget of a job in tests.
pub const BUDGET: u64 = 100 * OPEN;

const TOKEN: Pubkey = spl_token_interface::ID;
const SYSTEM: Pubkey = solana_sdk_ids::system_program::ID;

fn pda(seeds: &[&[u8]]) -> Pubkey {
    Pubkey::find_program_address(seeds, &ID).0
}
/// The config.
pub fn config() -> Pubkey {
    pda(&[seeds::CONFIG])
}
/// A model.
pub fn model(creator: &Pubkey, id: u64) -> Pubkey {
    pda(&[seeds::MODEL, creator.as_ref(), &id.to_le_bytes()])
}
/// A job.
pub fn job(model: &Pubkey, number: u64) -> Pubkey {
    pda(&[seeds::JOB, model.as_ref(), &number.to_le_bytes()])
}
/// A job's escrow.
pub fn escrow(job: &Pubkey) -> Pubkey {
    pda(&[seeds::ESCROW, job.as_ref()])
}

/// The accounts of an instruction with the two that events need behind the fields named.
macro_rules! accounts {
    ($name:ident { $($field:ident $(: $value:expr)?),* $(,)? }) => {
        accounts::$name { $($field $(: $value)?,)* event_authority: event_authority(&ID), program: ID }
    };
}

/// `initialize` by `authority`.
pub fn initialize(authority: &Pubkey, args: InitializeArgs) -> Instruction {
    let accounts = accounts!(Initialize {
        authority: *authority,
        program_data: Program::Model.data_address(),
        config: config(),
        stake_config: stake::config(),
        system_program: SYSTEM,
    });
    instruction(ID, accounts, call::Initialize { args })
}

/// `set_windows`.
pub fn set_windows(authority: &Pubkey, args: InitializeArgs) -> Instruction {
    let accounts = accounts!(SetWindows { authority: *authority, config: config() });
    instruction(ID, accounts, call::SetWindows { args })
}

/// `pause`.
pub fn pause(authority: &Pubkey, until_slot: u64) -> Instruction {
    let accounts = accounts!(Pause { authority: *authority, config: config() });
    instruction(ID, accounts, call::Pause { until_slot })
}

/// `propose_authority`.
pub fn propose_authority(authority: &Pubkey, new: Pubkey) -> Instruction {
    let accounts = accounts!(ProposeAuthority { authority: *authority, config: config() });
    instruction(ID, accounts, call::ProposeAuthority { new })
}

/// `accept_authority`.
pub fn accept_authority(new_authority: &Pubkey) -> Instruction {
    let accounts = accounts!(AcceptAuthority { new_authority: *new_authority, config: config() });
    instruction(ID, accounts, call::AcceptAuthority {})
}

/// Arguments of a model that are right in every field.
pub fn register_args(id: u64) -> RegisterModelArgs {
    RegisterModelArgs { id, name: "Linux helper".into(), base_hash: BASE, price_in: OPEN, price_out: 2 * OPEN }
}

/// `register_model`, on `parent` if there is one.
pub fn register_model(creator: &Pubkey, parent: Option<Pubkey>, args: RegisterModelArgs) -> Instruction {
    let model = model(creator, args.id);
    let accounts =
        accounts!(RegisterModel { config: config(), creator: *creator, model, parent, system_program: SYSTEM });
    instruction(ID, accounts, call::RegisterModel { args })
}

/// `set_price`.
pub fn set_price(owner: &Pubkey, model: Pubkey, price_in: u64, price_out: u64) -> Instruction {
    instruction(
        ID,
        accounts!(SetPrice { config: config(), owner: *owner, model }),
        call::SetPrice { price_in, price_out },
    )
}

/// `retire_model`.
pub fn retire_model(owner: &Pubkey, model: Pubkey) -> Instruction {
    instruction(ID, accounts!(RetireModel { config: config(), owner: *owner, model }), call::RetireModel {})
}

/// Arguments of a job with this budget.
pub fn request_args(budget: u64) -> RequestJobArgs {
    RequestJobArgs { config_hash: [0xc0; 32], seed: 7, budget }
}

/// `request_job` number `number`; `reads` are Datanets, with the requester's grant for those that are permissioned.
pub fn request_job(
    world: &World,
    requester: &Pubkey,
    model: Pubkey,
    number: u64,
    args: RequestJobArgs,
    reads: &[(Pubkey, Access)],
) -> Instruction {
    let job = job(&model, number);
    let accounts = accounts!(RequestJob {
        requester: *requester,
        config: config(),
        model,
        job,
        open_mint: world.mint,
        escrow: escrow(&job),
        requester_token: world.ata(requester),
        datanet_program: ::datanet::ID,
        datanet_event_authority: event_authority(&::datanet::ID),
        token_program: TOKEN,
        system_program: SYSTEM,
    });
    let mut out = instruction(ID, accounts, call::RequestJob { args });
    for (address, access) in reads {
        out.accounts.push(AccountMeta::new_readonly(*address, false));
        if *access == Access::Permissioned {
            out.accounts.push(AccountMeta::new(datanet::grant(address, requester), false));
        }
    }
    out
}

/// `assign_job` by an operator of the committee of `epoch`.
pub fn assign_job(operator: &Pubkey, job: Pubkey, epoch: u64) -> Instruction {
    let accounts = accounts!(AssignJob {
        operator: *operator,
        operator_entry: stake::operator(operator),
        stake_config: stake::config(),
        committee: stake::committee(epoch),
        config: config(),
        job,
    });
    instruction(ID, accounts, call::AssignJob {})
}

/// `heartbeat`.
pub fn heartbeat(operator: &Pubkey, job: Pubkey) -> Instruction {
    let accounts = accounts!(Heartbeat { operator: *operator, config: config(), job });
    instruction(ID, accounts, call::Heartbeat {})
}

/// `release_job`.
pub fn release_job(job: Pubkey) -> Instruction {
    instruction(ID, accounts!(ReleaseJob { config: config(), job }), call::ReleaseJob {})
}

/// `post_log`.
pub fn post_log(operator: &Pubkey, job: Pubkey, log_root: Hash32) -> Instruction {
    instruction(ID, accounts!(PostLog { config: config(), operator: *operator, job }), call::PostLog { log_root })
}

/// `attest_result`, paying each operator's associated token account. The Ed25519 instruction goes before it.
pub fn attest_result(world: &World, job: Pubkey, epoch: u64, args: AttestResultArgs) -> Instruction {
    let Job { model, requester, .. } = world.get(&job);
    let accounts = accounts!(AttestResult {
        config: config(),
        stake_config: stake::config(),
        committee: stake::committee(epoch),
        instructions: solana_sdk_ids::sysvar::instructions::ID,
        model,
        job,
        escrow: escrow(&job),
        requester,
        requester_token: world.ata(&requester),
        token_program: TOKEN,
    });
    let payees: Vec<_> = args.compute.iter().map(|s| AccountMeta::new(world.ata(&s.operator), false)).collect();
    let mut out = instruction(ID, accounts, call::AttestResult { args });
    out.accounts.extend(payees);
    out
}

/// `pay_data_share` through shard `shard`.
pub fn pay_data_share(world: &World, job: Pubkey, shard: u8) -> Instruction {
    let accounts = accounts!(PayDataShare {
        config: config(),
        job,
        escrow: escrow(&job),
        requester: world.get::<Job>(&job).requester,
        payout_program: ::payout::ID,
        payout_config: payout::config(),
        shard: payout::shard(shard),
        vault: payout::vault(shard),
        payout_event_authority: event_authority(&::payout::ID),
        token_program: TOKEN,
    });
    instruction(ID, accounts, call::PayDataShare {})
}

/// `cancel_job` by `canceller`.
pub fn cancel_job(world: &World, canceller: &Pubkey, job: Pubkey) -> Instruction {
    let requester = world.get::<Job>(&job).requester;
    let accounts = accounts!(CancelJob {
        canceller: *canceller,
        config: config(),
        job,
        escrow: escrow(&job),
        requester,
        requester_token: world.ata(&requester),
        token_program: TOKEN,
    });
    instruction(ID, accounts, call::CancelJob {})
}

/// `expire_job`.
pub fn expire_job(world: &World, job: Pubkey) -> Instruction {
    let requester = world.get::<Job>(&job).requester;
    let accounts = accounts!(ExpireJob {
        config: config(),
        job,
        escrow: escrow(&job),
        requester,
        requester_token: world.ata(&requester),
        token_program: TOKEN,
    });
    instruction(ID, accounts, call::ExpireJob {})
}

/// A result that pays these operators.
pub fn result(world: &World, shares: &[(Pubkey, u64)]) -> AttestResultArgs {
    AttestResultArgs {
        adapter_hash: [0xad; 32],
        manifest_hash: [0x3a; 32],
        compute: shares.iter().map(|&(operator, amount)| ComputeShare { operator, units: 1_000, amount }).collect(),
        expiry_slot: world.slot() + 50,
    }
}

/// The message that attests `args` for `job` as it stands.
pub fn message(world: &World, committee: &Committee, job: Pubkey, args: &AttestResultArgs) -> Message {
    let sequence = world.get::<Job>(&job).sequence;
    let (cluster, epoch) = (world.cluster, committee.epoch);
    attest::message(cluster, ID, epoch, Kind::TrainingResult, job, sequence, args, args.expiry_slot)
}

/// Everything around a job: one open Datanet with a batch in it, a Ready-to-train model, a committee of three, a vault
/// of one shard for data shares.
pub struct Lab {
    /// The world.
    pub world: World,
    /// The committee.
    pub committee: Committee,
    /// The validators.
    pub validators: Vec<Key>,
    /// Owner of the Datanets; contributes too.
    pub curator: Key,
    /// An open Datanet with one accepted batch.
    pub datanet: Pubkey,
    /// Owner of the model.
    pub owner: Key,
    /// The model, a draft.
    pub model: Pubkey,
}

impl Lab {
    /// A fresh one.
    pub fn new() -> Self {
        let mut world = World::with_datanet(&[Program::Model, Program::Payout]);
        let authority = world.authority.insecure_clone();
        world.open_payout(1);
        world.send(&[initialize(&authority.pubkey(), INITIALIZE)], &[&authority]).expect("initialises");
        let committee = world.committee(3);
        let validators: Vec<Key> = (0..2).map(|_| world.validator(stake::MIN_VALIDATOR)).collect();
        let (curator, owner) = (world.wallet(1_000 * OPEN), world.wallet(1_000 * OPEN));
        let datanet = world.datanet(&curator, 1, |_| {});
        world.accepted(&curator, datanet, &validators, &crate::datanet::leaves(1, 5));
        world.send(&[register_model(&owner.pubkey(), None, register_args(1))], &[&owner]).expect("registers");
        let model = model(&owner.pubkey(), 1);
        Self { world, committee, validators, curator, datanet, owner, model }
    }

    /// The committee's member number `n`.
    pub fn trainer(&self, n: usize) -> Key {
        self.committee.members[n].wallet.insecure_clone()
    }

    /// Requests a job on the open Datanet.
    pub fn requested(&mut self, budget: u64) -> Pubkey {
        let number = self.world.get::<Model>(&self.model).jobs;
        let reads = [(self.datanet, Access::Open)];
        let owner = self.owner.insecure_clone();
        let instruction = request_job(&self.world, &owner.pubkey(), self.model, number, request_args(budget), &reads);
        self.world.send(&[instruction], &[&owner]).expect("requests");
        job(&self.model, number)
    }

    /// Requests a job that the committee's first member takes.
    pub fn running(&mut self, budget: u64) -> Pubkey {
        let job = self.requested(budget);
        let trainer = self.trainer(0);
        let instruction = assign_job(&trainer.pubkey(), job, self.committee.epoch);
        self.world.send(&[instruction], &[&trainer]).expect("assigns");
        job
    }

    /// Requests a job that the committee's first member takes and posts the log of.
    pub fn trained(&mut self, budget: u64) -> Pubkey {
        let job = self.running(budget);
        let trainer = self.trainer(0);
        self.world.send(&[post_log(&trainer.pubkey(), job, [0x10; 32])], &[&trainer]).expect("posts");
        job
    }

    /// Sets the data share of jobs requested from now on.
    pub fn data_share(&mut self, data_share_bps: u16) {
        let authority = self.world.authority.insecure_clone();
        let change = set_windows(&authority.pubkey(), InitializeArgs { data_share_bps, ..INITIALIZE });
        self.world.send(&[change], &[&authority]).expect("changes");
    }

    /// Sends a result with the committee's signature over it.
    pub fn attest(&mut self, job: Pubkey, args: AttestResultArgs) -> Result<Sent, Failed> {
        let signed = attest::signed(&self.committee.key, &message(&self.world, &self.committee, job, &args));
        let instruction = attest_result(&self.world, job, self.committee.epoch, args);
        self.world.send(&[signed, instruction], &[])
    }
}

impl Clone for Lab {
    fn clone(&self) -> Self {
        Self {
            world: self.world.clone(),
            committee: self.committee.clone(),
            validators: self.validators.iter().map(Key::insecure_clone).collect(),
            curator: self.curator.insecure_clone(),
            owner: self.owner.insecure_clone(),
            ..*self
        }
    }
}

impl Default for Lab {
    fn default() -> Self {
        Self::new()
    }
}
