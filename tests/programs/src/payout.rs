//! The payout program in tests: a market that is ready for payments and settlements.

use crate::{
    OPEN, attest,
    keys::{Key, address, key},
    stake::Committee,
    tx::{Failed, Sent},
    world::World,
};
use ::model::state::{Model, ModelStatus};
use ::payout::{
    instructions::{ChallengeSettlementArgs, ClaimArgs, DebitBalanceArgs, InitializeArgs, PayArgs, PostSettlementArgs},
    parameters::Parameters,
    state::{Balance, Config, FeeShares, POOLS, Pool, PoolRoot},
};
use openledger_interface::{
    Program, attestation,
    ix::{self, payout::Payment},
    pda,
};
use openledger_protocol::{
    attest::Message,
    hash::sha256,
    rewards::{self, RewardTree},
};
use solana_instruction::Instruction;
use solana_keypair::Signer;
use solana_pubkey::Pubkey;

/// Least length of an epoch in test worlds.
pub const EPOCH_SLOTS: u64 = 100;
/// Challenge window in test worlds.
pub const CHALLENGE_SLOTS: u64 = 50;
/// The circuit breaker's cap in test worlds.
pub const BREAKER_CAP: u64 = 1_000 * OPEN;
/// The circuit breaker's window in test worlds.
pub const BREAKER_SLOTS: u64 = 200;
/// Slots to resolve a challenge in test worlds.
pub const RESOLVE_SLOTS: u64 = 100;
/// Bond of a first challenge in test worlds.
pub const CHALLENGE_BOND: u64 = 10 * OPEN;
/// Delay of withdrawals of prepaid money in test worlds.
pub const WITHDRAWAL_SLOTS: u64 = 60;
/// Shares in test worlds.
pub const FEES: FeeShares = FeeShares {
    treasury: 500,
    model_owner: 2_000,
    upstream: 500,
    compute: 2_000,
    validators: 1_000,
    contributors: 4_000,
};

/// The treasury's token account in test worlds.
pub fn treasury() -> Pubkey {
    address("treasury account")
}

/// The arguments that test worlds are initialised with.
pub fn initialize_args() -> InitializeArgs {
    InitializeArgs {
        fees: FEES,
        parameters: Parameters {
            epoch_slots: EPOCH_SLOTS,
            challenge_slots: CHALLENGE_SLOTS,
            resolve_slots: RESOLVE_SLOTS,
            challenge_bond: CHALLENGE_BOND,
            withdrawal_slots: WITHDRAWAL_SLOTS,
            breaker_cap: BREAKER_CAP,
            breaker_slots: BREAKER_SLOTS,
        },
    }
}

/// The arguments of a claim as `tree` proves it; panics where the wallet has no leaf.
pub fn claim_args(tree: &RewardTree, pool: Pool, wallet: &Pubkey) -> ClaimArgs {
    let (index, lifetime, proof) = tree.prove(&wallet.to_bytes()).expect("the wallet has a leaf");
    ClaimArgs { pool, lifetime, index, proof }
}

/// Example evidence against a settlement.
pub fn evidence() -> ChallengeSettlementArgs {
    ChallengeSettlementArgs { evidence_hash: [6; 32], evidence_uri: "ipfs://evidence".into() }
}

/// The message that the committee signs for a debit of `wallet`'s balance.
pub fn debit_message(world: &World, committee_epoch: u64, wallet: &Pubkey, args: &DebitBalanceArgs) -> Message {
    let meter = world.get::<Balance>(&pda::prepaid_balance(wallet)).meter;
    Message { committee_epoch, ..attestation::meter(&world.get(&pda::stake_config()), wallet, meter, args) }
}

/// A tree's root as settlements carry it.
pub fn pool_root(tree: &RewardTree) -> PoolRoot {
    PoolRoot { root: tree.root(), leaves: tree.count(), lifetime_total: tree.total() }
}

/// A reward tree over wallets.
pub fn tree(lifetimes: &[(Pubkey, u64)]) -> RewardTree {
    RewardTree::new(lifetimes.iter().map(|(w, a)| (w.to_bytes(), *a))).expect("no wallet twice")
}

/// A claim of `wallet` for `lifetime` base units with a proof in a tree of 2²⁰ leaves, and the tree's root.
pub fn among_a_million(wallet: &Pubkey, lifetime: u64) -> (ClaimArgs, PoolRoot) {
    let (leaves, index) = (1 << 20, 421_337);
    let proof: Vec<_> = (0u8..20).map(|i| sha256(&[b"sibling", &[i]])).collect();
    let leaf = rewards::leaf(&wallet.to_bytes(), lifetime);
    let root = rewards::root_from_proof(leaves, index, &leaf, &proof).expect("20 levels");
    let root = PoolRoot { root, leaves, lifetime_total: lifetime };
    (ClaimArgs { pool: Pool::Contributors, lifetime, index, proof }, root)
}

/// The message that the committee signs for a settlement.
pub fn settlement_message(world: &World, committee_epoch: u64, args: &PostSettlementArgs) -> Message {
    let sequence = world.get::<Config>(&pda::payout_config()).sequence;
    Message { committee_epoch, ..attestation::settlement(&world.get(&pda::stake_config()), sequence, args) }
}

/// A market: an active committee and a model that is ready.
pub struct Market {
    /// The active committee; every member serves.
    pub committee: Committee,
    /// The model.
    pub model: Pubkey,
    /// Its owner, with a token account.
    pub model_owner: Key,
}

impl Clone for Market {
    fn clone(&self) -> Self {
        Self { committee: self.committee.clone(), model_owner: self.model_owner.insecure_clone(), ..*self }
    }
}

impl Market {
    /// The accounts of a payment by `payer` into shard `shard` for an answer of `operator` with the market's model.
    fn payment(&self, world: &World, payer: &Pubkey, operator: Pubkey, shard: u8) -> Payment {
        let Model { owner, parent_owner, .. } = world.get(&self.model);
        Payment {
            payer: *payer,
            model: self.model,
            model_owner: owner,
            parent_owner,
            operator,
            shard,
            treasury: treasury(),
            open_mint: world.mint,
            committee_epoch: self.committee.epoch,
        }
    }

    /// `pay` by `payer` into shard `index` for an answer of the committee's first member with the market's model.
    pub fn pay(&self, world: &World, payer: &Pubkey, index: u8, request: [u8; 32], amount: u64) -> Instruction {
        let operator = self.committee.members[0].wallet.pubkey();
        ix::payout::pay(&self.payment(world, payer, operator, index), PayArgs { request, amount })
    }

    /// The arguments of a debit up to `used` base units in all, for the market's model and first member.
    pub fn debit_args(&self, world: &World, used: u64) -> DebitBalanceArgs {
        DebitBalanceArgs {
            used,
            model: self.model,
            operator: self.committee.members[0].wallet.pubkey(),
            statement: [9; 32],
            expiry_slot: world.slot() + 20,
        }
    }

    /// `debit_balance` of `wallet`'s balance into shard `index`. It must be sent directly after its attestation.
    pub fn debit(&self, world: &World, wallet: &Pubkey, index: u8, args: DebitBalanceArgs) -> Instruction {
        ix::payout::debit_balance(&self.payment(world, wallet, args.operator, index), args)
    }

    /// The committee's attestation of a debit.
    pub fn metered(&self, world: &World, wallet: &Pubkey, args: &DebitBalanceArgs) -> Instruction {
        attest::signed(&self.committee.key, &debit_message(world, self.committee.epoch, wallet, args))
    }

    /// Debits `wallet`'s balance up to `used` base units in all, with the committee's attestation.
    pub fn send_debit(&self, world: &mut World, wallet: &Pubkey, index: u8, used: u64) -> Result<Sent, Failed> {
        let args = self.debit_args(world, used);
        let attested = [self.metered(world, wallet, &args), self.debit(world, wallet, index, args)];
        world.send(&attested, &[])
    }

    /// The committee's attestation of `args`.
    pub fn attestation(&self, world: &World, args: &PostSettlementArgs) -> Instruction {
        attest::signed(&self.committee.key, &settlement_message(world, self.committee.epoch, args))
    }

    /// Posts `args` with the committee's attestation and all shards.
    pub fn post(&self, world: &mut World, args: &PostSettlementArgs) -> Result<Sent, Failed> {
        let payer = world.authority.insecure_clone();
        let Config { shards, posted_epoch, .. } = world.get(&pda::payout_config());
        let post = ix::payout::post_settlement(&payer.pubkey(), self.committee.epoch, shards, args.clone());
        // The settlement account is always that of the next epoch to post, whatever epoch the arguments name.
        let post = crate::swapped(post, pda::settlement(args.epoch), pda::settlement(posted_epoch + 1));
        world.send(&[self.attestation(world, args), post], &[&payer])
    }

    /// Lets the epoch pass, posts a settlement with these trees, lets the challenge window pass and activates it.
    pub fn settle(&self, world: &mut World, trees: [&RewardTree; POOLS]) {
        world.pass(EPOCH_SLOTS);
        let args = settlement_args(world, trees);
        self.post(world, &args).expect("posts");
        world.pass(CHALLENGE_SLOTS);
        world.send(&[ix::payout::activate_settlement(args.epoch)], &[]).expect("activates");
    }
}

/// The arguments of the next settlement with these trees, as the config requires them.
pub fn settlement_args(world: &World, trees: [&RewardTree; POOLS]) -> PostSettlementArgs {
    let state = world.get::<Config>(&pda::payout_config());
    let slot = world.slot();
    let epoch = state.posted_epoch + 1;
    PostSettlementArgs {
        epoch,
        previous: state.posted,
        pools: trees.map(pool_root),
        observations_root: [1; 32],
        report_hash: [2; 32],
        cutoff_slot: if epoch == state.epoch { slot } else { state.epoch_start_slot },
        expiry_slot: slot + 20,
    }
}

/// A ready model without a parent, as the model program would make it.
pub fn ready_model(owner: Pubkey) -> Model {
    Model {
        version: ::model::state::Version::CURRENT,
        bump: 255,
        creator: owner,
        id: 1,
        owner,
        name: "A model".into(),
        base_hash: [3; 32],
        parent: None,
        parent_owner: None,
        depth: 0,
        versions: 1,
        adapter_hash: [4; 32],
        manifest_hash: [5; 32],
        job: None,
        snapshots: vec![],
        price_in: 1,
        price_out: 1,
        status: ModelStatus::Ready,
        jobs: 0,
        sequence: 0,
    }
}

impl World {
    /// A world with stake and payout initialised, `shards` shards, a committee of `members`, and a ready model. The
    /// model is a fixture, as the model program would make it.
    pub fn with_market(shards: u8, members: usize) -> (Self, Market) {
        let mut world = Self::with_stake(&[Program::Payout]);
        world.open_payout(shards);
        let committee = world.committee(members);
        let model_owner = world.wallet(0);
        let model = key("model").pubkey();
        world.put(model, &ready_model(model_owner.pubkey()));
        (world, Market { committee, model, model_owner })
    }

    /// Initialises payout and makes `shards` shards.
    pub fn open_payout(&mut self, shards: u8) {
        let authority = self.authority.insecure_clone();
        self.put_token(treasury(), self.mint, address("treasury"), 0);
        let make = ix::payout::initialize(&authority.pubkey(), &self.mint, &treasury(), initialize_args());
        self.send(&[make], &[&authority]).expect("initialises");
        for index in 0..shards {
            let make = ix::payout::create_shard(&authority.pubkey(), &self.mint, index);
            self.send(&[make], &[&authority]).expect("makes the shard");
        }
    }
}
