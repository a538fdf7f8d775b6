//! The payout program in tests: addresses, instructions, a market ready to pay and settle in.

use crate::{
    OPEN, attest, event_authority, instruction,
    keys::{Key, address, key},
    stake::{self, Committee},
    tx::{Failed, Sent},
    world::{Program, World},
};
use ::model::state::{Model, ModelStatus};
use ::payout::{
    ID, accounts, instruction as call,
    instructions::{ClaimArgs, InitializeArgs, PayArgs, PostSettlementArgs},
    seeds,
    state::{Config, FeeShares, POOLS, Pool, PoolRoot},
};
use openledger_protocol::{
    attest::{Kind, Message},
    hash::sha256,
    rewards::{self, RewardTree},
};
use solana_instruction::{AccountMeta, Instruction};
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
/// Shares in test worlds.
pub const FEES: FeeShares = FeeShares {
    treasury: 500,
    model_owner: 2_000,
    upstream: 500,
    compute: 2_000,
    validators: 1_000,
    contributors: 4_000,
};

fn pda(seeds: &[&[u8]]) -> Pubkey {
    Pubkey::find_program_address(seeds, &ID).0
}
/// The config.
pub fn config() -> Pubkey {
    pda(&[seeds::CONFIG])
}
/// A shard.
pub fn shard(index: u8) -> Pubkey {
    pda(&[seeds::SHARD, &[index]])
}
/// A shard's token account.
pub fn vault(index: u8) -> Pubkey {
    pda(&[seeds::VAULT, &[index]])
}
/// A settlement.
pub fn settlement(epoch: u64) -> Pubkey {
    pda(&[seeds::SETTLEMENT, &epoch.to_le_bytes()])
}
/// A wallet's claim record.
pub fn claim_record(wallet: &Pubkey) -> Pubkey {
    pda(&[seeds::CLAIM, wallet.as_ref()])
}
/// The treasury's token account in test worlds.
pub fn treasury() -> Pubkey {
    address("treasury account")
}

/// The arguments that test worlds are initialised with.
pub fn initialize_args() -> InitializeArgs {
    InitializeArgs {
        fees: FEES,
        epoch_slots: EPOCH_SLOTS,
        challenge_slots: CHALLENGE_SLOTS,
        breaker_cap: BREAKER_CAP,
        breaker_slots: BREAKER_SLOTS,
    }
}

/// `initialize` by `authority`.
pub fn initialize(world: &World, authority: &Pubkey, args: InitializeArgs) -> Instruction {
    instruction(
        ID,
        accounts::Initialize {
            authority: *authority,
            config: config(),
            open_mint: world.mint,
            treasury: treasury(),
            stake_config: stake::config(),
            program_data: Program::Payout.data_address(),
            system_program: solana_sdk_ids::system_program::ID,
            event_authority: event_authority(&ID),
            program: ID,
        },
        call::Initialize { args },
    )
}

/// `create_shard`.
pub fn create_shard(world: &World, authority: &Pubkey, index: u8) -> Instruction {
    instruction(
        ID,
        accounts::CreateShard {
            authority: *authority,
            config: config(),
            shard: shard(index),
            vault: vault(index),
            open_mint: world.mint,
            token_program: spl_token_interface::ID,
            system_program: solana_sdk_ids::system_program::ID,
            event_authority: event_authority(&ID),
            program: ID,
        },
        call::CreateShard { index },
    )
}

/// `post_settlement` with `shards` shards as remaining accounts. Send it directly behind [`attestation`].
pub fn post_settlement(payer: &Pubkey, args: PostSettlementArgs, committee_epoch: u64, shards: u8) -> Instruction {
    let mut out = instruction(
        ID,
        accounts::PostSettlement {
            payer: *payer,
            config: config(),
            settlement: settlement(args.epoch),
            stake_config: stake::config(),
            committee: stake::committee(committee_epoch),
            instructions: solana_sdk_ids::sysvar::instructions::ID,
            system_program: solana_sdk_ids::system_program::ID,
            event_authority: event_authority(&ID),
            program: ID,
        },
        call::PostSettlement { args },
    );
    out.accounts.extend((0..shards).map(|i| AccountMeta::new_readonly(shard(i), false)));
    out
}

/// `activate_settlement`.
pub fn activate_settlement(epoch: u64) -> Instruction {
    let accounts = accounts::ActivateSettlement {
        config: config(),
        settlement: settlement(epoch),
        event_authority: event_authority(&ID),
        program: ID,
    };
    instruction(ID, accounts, call::ActivateSettlement {})
}

/// `claim` for `wallet` from shard `index`.
pub fn claim(world: &World, payer: &Pubkey, wallet: &Pubkey, index: u8, args: ClaimArgs) -> Instruction {
    instruction(
        ID,
        accounts::ClaimEarnings {
            payer: *payer,
            wallet: *wallet,
            config: config(),
            shard: shard(index),
            vault: vault(index),
            claim: claim_record(wallet),
            token: world.ata(wallet),
            token_program: spl_token_interface::ID,
            system_program: solana_sdk_ids::system_program::ID,
            event_authority: event_authority(&ID),
            program: ID,
        },
        call::Claim { args },
    )
}

/// The arguments of a claim as `tree` proves it; panics where the wallet has no leaf.
pub fn claim_args(tree: &RewardTree, pool: Pool, wallet: &Pubkey) -> ClaimArgs {
    let (index, lifetime, proof) = tree.prove(&wallet.to_bytes()).expect("the wallet has a leaf");
    ClaimArgs { pool, lifetime, index, proof }
}

/// `set_fees`.
pub fn set_fees(authority: &Pubkey, next: FeeShares) -> Instruction {
    let accounts = accounts::SetFees {
        authority: *authority,
        config: config(),
        event_authority: event_authority(&ID),
        program: ID,
    };
    instruction(ID, accounts, call::SetFees { next })
}

/// `propose_authority`.
pub fn propose_authority(authority: &Pubkey, new: Pubkey) -> Instruction {
    let accounts = accounts::ProposeAuthority {
        authority: *authority,
        config: config(),
        event_authority: event_authority(&ID),
        program: ID,
    };
    instruction(ID, accounts, call::ProposeAuthority { new })
}

/// `accept_authority`.
pub fn accept_authority(new_authority: &Pubkey) -> Instruction {
    let accounts = accounts::AcceptAuthority {
        new_authority: *new_authority,
        config: config(),
        event_authority: event_authority(&ID),
        program: ID,
    };
    instruction(ID, accounts, call::AcceptAuthority {})
}

/// A tree's root as settlements carry it.
pub fn pool_root(tree: &RewardTree) -> PoolRoot {
    PoolRoot { root: tree.root(), leaves: tree.count(), lifetime_total: tree.total() }
}

/// A reward tree over wallets.
pub fn tree(lifetimes: &[(Pubkey, u64)]) -> RewardTree {
    RewardTree::new(lifetimes.iter().map(|(w, a)| (w.to_bytes(), *a))).expect("no wallet twice")
}

/// A claim of `wallet` for `lifetime` that is proven among 2²⁰ leaves, and the tree's root.
pub fn among_a_million(wallet: &Pubkey, lifetime: u64) -> (ClaimArgs, PoolRoot) {
    let (leaves, index) = (1 << 20, 421_337);
    let proof: Vec<_> = (0u8..20).map(|i| sha256(&[b"sibling", &[i]])).collect();
    let leaf = rewards::leaf(&wallet.to_bytes(), lifetime);
    let root = rewards::root_from_proof(leaves, index, &leaf, &proof).expect("20 levels");
    let root = PoolRoot { root, leaves, lifetime_total: lifetime };
    (ClaimArgs { pool: Pool::Contributors, lifetime, index, proof }, root)
}

/// What a settlement's committee signs.
pub fn settlement_message(world: &World, committee_epoch: u64, args: &PostSettlementArgs) -> Message {
    let sequence = world.get::<Config>(&config()).sequence;
    attest::message(world.cluster, ID, committee_epoch, Kind::Settlement, config(), sequence, args, args.expiry_slot)
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
    /// `pay` by `payer` into shard `index` for the market's model, answered by the committee's first member.
    pub fn pay(&self, world: &World, payer: &Pubkey, index: u8, request: [u8; 32], amount: u64) -> Instruction {
        let operator = self.committee.members[0].wallet.pubkey();
        let model = world.get::<Model>(&self.model);
        instruction(
            ID,
            accounts::Pay {
                payer: *payer,
                payer_token: world.ata(payer),
                config: config(),
                shard: shard(index),
                vault: vault(index),
                treasury: treasury(),
                model: self.model,
                model_owner_token: world.ata(&model.owner),
                upstream_token: model.parent_owner.map(|o| world.ata(&o)),
                operator: stake::operator(&operator),
                operator_token: world.ata(&operator),
                committee: stake::committee(self.committee.epoch),
                token_program: spl_token_interface::ID,
                event_authority: event_authority(&ID),
                program: ID,
            },
            call::Pay { args: PayArgs { request, amount } },
        )
    }

    /// The committee's attestation of `args`.
    pub fn attestation(&self, world: &World, args: &PostSettlementArgs) -> Instruction {
        attest::signed(&self.committee.key, &settlement_message(world, self.committee.epoch, args))
    }

    /// Posts `args` with the committee's attestation, all shards passed.
    pub fn post(&self, world: &mut World, args: &PostSettlementArgs) -> Result<Sent, Failed> {
        let payer = world.authority.insecure_clone();
        let Config { shards, epoch, .. } = world.get(&config());
        let post = post_settlement(&payer.pubkey(), args.clone(), self.committee.epoch, shards);
        // The account is the config's epoch's, whatever epoch the arguments name.
        let post = crate::swapped(post, settlement(args.epoch), settlement(epoch));
        world.send(&[self.attestation(world, args), post], &[&payer])
    }

    /// Lets the epoch pass, posts a settlement with these trees, lets the challenge window pass and activates it.
    pub fn settle(&self, world: &mut World, trees: [&RewardTree; POOLS]) {
        world.pass(EPOCH_SLOTS);
        let args = settlement_args(world, trees);
        self.post(world, &args).expect("posts");
        world.pass(CHALLENGE_SLOTS);
        world.send(&[activate_settlement(args.epoch)], &[]).expect("activates");
    }
}

/// The arguments of the next settlement with these trees, as the config asks for them.
pub fn settlement_args(world: &World, trees: [&RewardTree; POOLS]) -> PostSettlementArgs {
    let state = world.get::<Config>(&config());
    let slot = world.slot();
    PostSettlementArgs {
        epoch: state.epoch,
        previous: state.posted,
        pools: trees.map(pool_root),
        observations_root: [1; 32],
        report_hash: [2; 32],
        cutoff_slot: slot,
        expiry_slot: slot + 20,
    }
}

/// A model as the model program would have made it: ready, without a parent.
pub fn ready_model(owner: Pubkey) -> Model {
    Model {
        version: 1,
        bump: 255,
        creator: owner,
        id: 1,
        owner,
        name: "A model".into(),
        base_hash: [3; 32],
        parent: None,
        parent_owner: None,
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
    /// A world with stake and payout initialised, `shards` shards, a committee of `members`, and a model that is
    /// ready (put there as the model program would have made it).
    pub fn with_market(shards: u8, members: usize) -> (Self, Market) {
        let mut world = Self::with_stake(&[Program::Payout]);
        let authority = world.authority.insecure_clone();
        world.put_token(treasury(), world.mint, address("treasury"), 0);
        let make = initialize(&world, &authority.pubkey(), initialize_args());
        world.send(&[make], &[&authority]).expect("initialises");
        for index in 0..shards {
            let make = create_shard(&world, &authority.pubkey(), index);
            world.send(&[make], &[&authority]).expect("makes the shard");
        }
        let committee = world.committee(members);
        let model_owner = world.wallet(0);
        let model = key("model").pubkey();
        world.put(model, &ready_model(model_owner.pubkey()));
        (world, Market { committee, model, model_owner })
    }
}
