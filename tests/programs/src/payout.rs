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
    instructions::{ChallengeSettlementArgs, ClaimArgs, DebitBalanceArgs, InitializeArgs, PayArgs, PostSettlementArgs},
    parameters::Parameters,
    seeds,
    state::{Balance, Challenge, Config, FeeShares, POOLS, Pool, PoolRoot, Settlement},
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
/// A challenge of a posted settlement.
pub fn challenge(posting: u64, number: u8) -> Pubkey {
    pda(&[seeds::CHALLENGE, &posting.to_le_bytes(), &[number]])
}
/// Token account of a challenge's bond.
pub fn bond(challenge: &Pubkey) -> Pubkey {
    pda(&[seeds::BOND, challenge.as_ref()])
}
/// A wallet's prepaid balance.
pub fn balance(wallet: &Pubkey) -> Pubkey {
    pda(&[seeds::BALANCE, wallet.as_ref()])
}
/// Token account of a wallet's prepaid balance.
pub fn prepaid(wallet: &Pubkey) -> Pubkey {
    pda(&[seeds::PREPAID, wallet.as_ref()])
}
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

/// `fund` by `payer`, from its associated token account.
pub fn fund(world: &World, payer: &Pubkey, index: u8, pool: Pool, subject: Pubkey, amount: u64) -> Instruction {
    let accounts = accounts::Fund {
        payer: *payer,
        payer_token: world.ata(payer),
        config: config(),
        shard: shard(index),
        vault: vault(index),
        token_program: spl_token_interface::ID,
        event_authority: event_authority(&ID),
        program: ID,
    };
    instruction(ID, accounts, call::Fund { pool, subject, amount })
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

/// `pause`.
pub fn pause(authority: &Pubkey, until_slot: u64) -> Instruction {
    let accounts =
        accounts::Pause { authority: *authority, config: config(), event_authority: event_authority(&ID), program: ID };
    instruction(ID, accounts, call::Pause { until_slot })
}

/// `set_parameters`.
pub fn set_parameters(authority: &Pubkey, parameters: Parameters) -> Instruction {
    let accounts = accounts::SetParameters {
        authority: *authority,
        config: config(),
        stake_config: stake::config(),
        event_authority: event_authority(&ID),
        program: ID,
    };
    instruction(ID, accounts, call::SetParameters { parameters })
}

/// `challenge_settlement` of the posted settlement of `epoch`, with some evidence.
pub fn challenge_settlement(world: &World, challenger: &Pubkey, epoch: u64) -> Instruction {
    let posted = world.get::<Settlement>(&settlement(epoch));
    let challenge = challenge(posted.sequence, posted.challenges);
    instruction(
        ID,
        accounts::ChallengeSettlement {
            challenger: *challenger,
            config: config(),
            settlement: settlement(epoch),
            challenge,
            bond: bond(&challenge),
            challenger_token: world.ata(challenger),
            open_mint: world.mint,
            token_program: spl_token_interface::ID,
            system_program: solana_sdk_ids::system_program::ID,
            event_authority: event_authority(&ID),
            program: ID,
        },
        call::ChallengeSettlement {
            args: ChallengeSettlementArgs { evidence_hash: [6; 32], evidence_uri: "ipfs://evidence".into() },
        },
    )
}

/// `resolve_challenge` of `challenge`, the bond going where it must.
pub fn resolve_challenge(world: &World, authority: &Pubkey, challenge: Pubkey, uphold: bool) -> Instruction {
    let open = world.get::<Challenge>(&challenge);
    instruction(
        ID,
        accounts::ResolveChallenge {
            authority: *authority,
            config: config(),
            settlement: settlement(open.epoch),
            challenge,
            bond: bond(&challenge),
            challenger: open.challenger,
            recipient: if uphold { world.ata(&open.challenger) } else { treasury() },
            token_program: spl_token_interface::ID,
            event_authority: event_authority(&ID),
            program: ID,
        },
        call::ResolveChallenge { uphold },
    )
}

/// `expire_challenge` of `challenge`.
pub fn expire_challenge(world: &World, challenge: Pubkey) -> Instruction {
    let open = world.get::<Challenge>(&challenge);
    instruction(
        ID,
        accounts::ExpireChallenge {
            config: config(),
            settlement: settlement(open.epoch),
            challenge,
            bond: bond(&challenge),
            challenger: open.challenger,
            recipient: world.ata(&open.challenger),
            token_program: spl_token_interface::ID,
            event_authority: event_authority(&ID),
            program: ID,
        },
        call::ExpireChallenge {},
    )
}

/// `deposit_balance` by `owner`.
pub fn deposit_balance(world: &World, owner: &Pubkey, amount: u64) -> Instruction {
    instruction(
        ID,
        accounts::DepositBalance {
            owner: *owner,
            config: config(),
            balance: balance(owner),
            vault: prepaid(owner),
            owner_token: world.ata(owner),
            open_mint: world.mint,
            token_program: spl_token_interface::ID,
            system_program: solana_sdk_ids::system_program::ID,
            event_authority: event_authority(&ID),
            program: ID,
        },
        call::DepositBalance { amount },
    )
}

/// `request_balance_withdrawal` by `owner`.
pub fn request_balance_withdrawal(owner: &Pubkey, amount: u64) -> Instruction {
    let accounts = accounts::RequestBalanceWithdrawal {
        owner: *owner,
        config: config(),
        balance: balance(owner),
        event_authority: event_authority(&ID),
        program: ID,
    };
    instruction(ID, accounts, call::RequestBalanceWithdrawal { amount })
}

/// `withdraw_balance` by `owner`.
pub fn withdraw_balance(world: &World, owner: &Pubkey) -> Instruction {
    let accounts = accounts::WithdrawBalance {
        owner: *owner,
        balance: balance(owner),
        vault: prepaid(owner),
        owner_token: world.ata(owner),
        token_program: spl_token_interface::ID,
        event_authority: event_authority(&ID),
        program: ID,
    };
    instruction(ID, accounts, call::WithdrawBalance {})
}

/// `sweep_dust` of `vault`, which `holder` owns.
pub fn sweep_dust(holder: Pubkey, vault: Pubkey) -> Instruction {
    let accounts = accounts::SweepDust {
        config: config(),
        holder,
        vault,
        treasury: treasury(),
        token_program: spl_token_interface::ID,
        event_authority: event_authority(&ID),
        program: ID,
    };
    instruction(ID, accounts, call::SweepDust {})
}

/// What the committee signs of a debit of `wallet`'s balance.
pub fn debit_message(world: &World, committee_epoch: u64, wallet: &Pubkey, args: &DebitBalanceArgs) -> Message {
    let meter = world.get::<Balance>(&balance(wallet)).meter;
    let subject = balance(wallet);
    attest::message(world.cluster, ID, committee_epoch, Kind::Meter, subject, meter, args, args.expiry_slot)
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

    /// The arguments of a debit after which `used` base units were used, for the market's model and first member.
    pub fn debit_args(&self, world: &World, used: u64) -> DebitBalanceArgs {
        DebitBalanceArgs {
            used,
            model: self.model,
            operator: self.committee.members[0].wallet.pubkey(),
            statement: [9; 32],
            expiry_slot: world.slot() + 20,
        }
    }

    /// `debit_balance` of `wallet`'s balance into shard `index`. Send it directly behind its attestation.
    pub fn debit(&self, world: &World, wallet: &Pubkey, index: u8, args: DebitBalanceArgs) -> Instruction {
        let model = world.get::<Model>(&self.model);
        instruction(
            ID,
            accounts::DebitBalance {
                balance: balance(wallet),
                balance_vault: prepaid(wallet),
                config: config(),
                shard: shard(index),
                vault: vault(index),
                treasury: treasury(),
                model: self.model,
                model_owner_token: world.ata(&model.owner),
                upstream_token: model.parent_owner.map(|o| world.ata(&o)),
                operator: stake::operator(&args.operator),
                operator_token: world.ata(&args.operator),
                stake_config: stake::config(),
                committee: stake::committee(self.committee.epoch),
                instructions: solana_sdk_ids::sysvar::instructions::ID,
                token_program: spl_token_interface::ID,
                event_authority: event_authority(&ID),
                program: ID,
            },
            call::DebitBalance { args },
        )
    }

    /// The committee's attestation of a debit.
    pub fn metered(&self, world: &World, wallet: &Pubkey, args: &DebitBalanceArgs) -> Instruction {
        attest::signed(&self.committee.key, &debit_message(world, self.committee.epoch, wallet, args))
    }

    /// Debits `wallet`'s balance until `used` base units were used, with the committee's attestation.
    pub fn send_debit(&self, world: &mut World, wallet: &Pubkey, index: u8, used: u64) -> Result<Sent, Failed> {
        let args = self.debit_args(world, used);
        let attested = [self.metered(world, wallet, &args), self.debit(world, wallet, index, args)];
        world.send(&attested, &[])
    }

    /// The committee's attestation of `args`.
    pub fn attestation(&self, world: &World, args: &PostSettlementArgs) -> Instruction {
        attest::signed(&self.committee.key, &settlement_message(world, self.committee.epoch, args))
    }

    /// Posts `args` with the committee's attestation, all shards passed.
    pub fn post(&self, world: &mut World, args: &PostSettlementArgs) -> Result<Sent, Failed> {
        let payer = world.authority.insecure_clone();
        let Config { shards, posted_epoch, .. } = world.get(&config());
        let post = post_settlement(&payer.pubkey(), args.clone(), self.committee.epoch, shards);
        // The account is that of the next epoch to post, whatever epoch the arguments name.
        let post = crate::swapped(post, settlement(args.epoch), settlement(posted_epoch + 1));
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

/// A model as the model program would have made it: ready, without a parent.
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
    /// A world with stake and payout initialised, `shards` shards, a committee of `members`, and a model that is
    /// ready (put there as the model program would have made it).
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
        let make = initialize(self, &authority.pubkey(), initialize_args());
        self.send(&[make], &[&authority]).expect("initialises");
        for index in 0..shards {
            let make = create_shard(self, &authority.pubkey(), index);
            self.send(&[make], &[&authority]).expect("makes the shard");
        }
    }
}
