//! The model program in tests: a model and a job ready to use.

use crate::{
    OPEN, attest,
    keys::Key,
    stake::{self, Committee},
    tx::{Failed, Sent},
    world::World,
};
use ::datanet::state::Access;
use ::model::{
    AttestResultArgs, ComputeShare, InitializeArgs, PostLogArgs, RegisterModelArgs, RequestJobArgs,
    state::{Job, Model},
};
use openledger_interface::{
    Program, attestation,
    ix::{self, model::JobDatanet},
    pda,
};
use openledger_protocol::{Hash32, attest::Message};
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

/// Valid arguments of a model.
pub fn register_args(id: u64) -> RegisterModelArgs {
    RegisterModelArgs { id, name: "Linux helper".into(), base_hash: BASE, price_in: OPEN, price_out: 2 * OPEN }
}

/// Arguments of a job with this budget.
pub fn request_args(budget: u64) -> RequestJobArgs {
    RequestJobArgs { config_hash: [0xc0; 32], seed: 7, budget }
}

/// Number of segments of a training log in tests.
pub const SEGMENTS: u16 = 12;

/// A training log with this root.
pub fn log_args(log_root: Hash32) -> PostLogArgs {
    PostLogArgs { log_root, segments: SEGMENTS }
}

/// The Datanets that a job is to read, with the requester's grant for permissioned ones.
pub fn reads(datanets: &[(Pubkey, Access)]) -> Vec<JobDatanet> {
    let read = |&(datanet, access)| JobDatanet { datanet, permissioned: access == Access::Permissioned };
    datanets.iter().map(read).collect()
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

/// The message that attests `args` for `job` in its present state.
pub fn message(world: &World, committee: &Committee, job: Pubkey, args: &AttestResultArgs) -> Message {
    let (stake, sequence) = (world.get(&pda::stake_config()), world.get::<Job>(&job).sequence);
    Message { committee_epoch: committee.epoch, ..attestation::training_result(&stake, &job, sequence, args) }
}

/// Everything that a job needs: one open Datanet with a batch in it, a model that is ready to train, a committee of
/// three, and a vault of one shard for data shares.
pub struct Lab {
    /// The world.
    pub world: World,
    /// The committee.
    pub committee: Committee,
    /// The validators.
    pub validators: Vec<Key>,
    /// Owner of the Datanets. It also contributes.
    pub curator: Key,
    /// An open Datanet with one accepted batch.
    pub datanet: Pubkey,
    /// Owner of the model.
    pub owner: Key,
    /// The model, a draft.
    pub model: Pubkey,
}

impl Lab {
    /// Makes a new lab.
    pub fn new() -> Self {
        let mut world = World::with_datanet(&[Program::Model, Program::Payout]);
        let authority = world.authority.insecure_clone();
        world.open_payout(1);
        world.send(&[ix::model::initialize(&authority.pubkey(), INITIALIZE)], &[&authority]).expect("initialises");
        let committee = world.committee(3);
        let validators: Vec<Key> = (0..2).map(|_| world.validator(stake::MIN_VALIDATOR)).collect();
        let (curator, owner) = (world.wallet(1_000 * OPEN), world.wallet(1_000 * OPEN));
        let datanet = world.datanet(&curator, 1, |_| {});
        world.accepted(&curator, datanet, &validators, &crate::datanet::leaves(1, 5));
        world
            .send(&[ix::model::register_model(&owner.pubkey(), None, register_args(1))], &[&owner])
            .expect("registers");
        let model = pda::model(&owner.pubkey(), 1);
        Self { world, committee, validators, curator, datanet, owner, model }
    }

    /// The committee's member number `n`.
    pub fn trainer(&self, n: usize) -> Key {
        self.committee.members[n].wallet.insecure_clone()
    }

    /// Requests a job on the open Datanet.
    pub fn requested(&mut self, budget: u64) -> Pubkey {
        let number = self.world.get::<Model>(&self.model).jobs;
        let reads = reads(&[(self.datanet, Access::Open)]);
        let owner = self.owner.insecure_clone();
        let instruction = ix::model::request_job(
            &owner.pubkey(),
            &self.model,
            number,
            &self.world.mint,
            &reads,
            request_args(budget),
        );
        self.world.send(&[instruction], &[&owner]).expect("requests");
        pda::job(&self.model, number)
    }

    /// Requests a job that the committee's first member takes.
    pub fn slot_unless_paused(&mut self, budget: u64) -> Pubkey {
        let job = self.requested(budget);
        let trainer = self.trainer(0);
        let instruction = ix::model::assign_job(&trainer.pubkey(), self.committee.epoch, &job);
        self.world.send(&[instruction], &[&trainer]).expect("assigns");
        job
    }

    /// Requests a job that the committee's first member takes and posts the log of.
    pub fn trained(&mut self, budget: u64) -> Pubkey {
        let job = self.slot_unless_paused(budget);
        let trainer = self.trainer(0);
        self.world
            .send(&[ix::model::post_log(&trainer.pubkey(), &job, log_args([0x10; 32]))], &[&trainer])
            .expect("posts");
        job
    }

    /// Sets the data share of jobs requested from now on.
    pub fn data_share(&mut self, data_share_bps: u16) {
        let authority = self.world.authority.insecure_clone();
        let change = ix::model::set_windows(&authority.pubkey(), InitializeArgs { data_share_bps, ..INITIALIZE });
        self.world.send(&[change], &[&authority]).expect("changes");
    }

    /// Sends a result with the committee's signature over it.
    pub fn attest(&mut self, job: Pubkey, args: AttestResultArgs) -> Result<Sent, Failed> {
        let signed = attest::signed(&self.committee.key, &message(&self.world, &self.committee, job, &args));
        let instruction = ix::model::attest_result(self.committee.epoch, &self.world.get(&job), &self.world.mint, args);
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
