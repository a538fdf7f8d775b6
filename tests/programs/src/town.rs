//! A world in which everything has happened once. Attacks, bills and random histories start from it.
//!
//! It has at least two accounts of every type with different owners, so that tests can put one in the place of another.

use crate::{
    OPEN,
    datanet::{self, leaves},
    governance::Assembly,
    keys::{Key, address},
    model::{self, Lab, log_args, reads, register_args, request_args, result},
    payout::{self, Market, claim_args, settlement_args},
    stake::{self, Committee},
    world::World,
};
use ::datanet::state::Access;
use ::payout::state::Pool;
use openledger_interface::{Program, ix, pda};
use openledger_protocol::rewards::RewardTree;
use solana_keypair::Signer;
use solana_pubkey::Pubkey;

/// Shards of the town's vault.
pub const SHARDS: u8 = 2;
/// Base units that the curator has earned as a contributor and not claimed.
pub const EARNED: u64 = 30 * OPEN;

/// The town. The active committee is the second; the first is retired.
pub struct Town {
    /// All programs deployed, nothing initialised.
    pub bare: World,
    /// The world with its committee and validators. The curator owns the Datanets and contributes. The owner has a
    /// ready model.
    pub lab: Lab,
    /// The committee that is retired.
    pub retired: Committee,
    /// The market, which pays for answers of the owner's model.
    pub market: Market,
    /// A permissioned Datanet of the curator, with an accepted batch.
    pub permissioned: Pubkey,
    /// A wallet that has one of everything, like the curator and the owner. Attacks put its accounts in the place of
    /// theirs.
    pub rival: Key,
    /// The rival's Datanet, permissioned.
    pub rivals_datanet: Pubkey,
    /// The rival's model, a draft.
    pub rivals_model: Pubkey,
    /// The rival's batch, open.
    pub rivals_batch: Pubkey,
    /// The rival's job, trained and not attested.
    pub rivals_job: Pubkey,
    /// A wallet that has tokens and nothing else.
    pub mallory: Key,
    /// The guardian and three voters with locked OPEN. The first voter has an open proposal.
    pub assembly: Assembly,
    /// The reward trees of the active settlement.
    pub trees: [RewardTree; 2],
}

impl Clone for Town {
    fn clone(&self) -> Self {
        Self {
            bare: self.bare.clone(),
            lab: self.lab.clone(),
            retired: self.retired.clone(),
            market: self.market.clone(),
            rival: self.rival.insecure_clone(),
            mallory: self.mallory.insecure_clone(),
            assembly: self.assembly.clone(),
            trees: self.trees.clone(),
            ..*self
        }
    }
}

impl Town {
    /// Builds the town. It takes about a second.
    pub fn new() -> Self {
        let bare = World::new(&Program::ALL);
        let mut world = bare.clone();
        let authority = world.authority.insecure_clone();
        let by = authority.pubkey();
        for instruction in [
            ix::stake::initialize(&by, &world.mint, stake::initialize_args(&world)),
            ix::datanet::initialize(&by, &world.mint, datanet::windows()),
            ix::model::initialize(&by, model::INITIALIZE),
        ] {
            world.send(&[instruction], &[&authority]).expect("initialises");
        }
        world.open_payout(SHARDS);
        let assembly = world.assemble();
        let retired = world.committee(2);
        let committee = world.committee(3);
        let validators: Vec<Key> = (0..3).map(|_| world.validator(stake::MIN_VALIDATOR)).collect();
        let [curator, owner, rival, mallory] = [(); 4].map(|()| world.wallet(100_000 * OPEN));

        let open = world.datanet(&curator, 1, |_| {});
        let permissioned = world.datanet(&curator, 2, |a| a.access = Access::Permissioned);
        let rivals_datanet = world.datanet(&rival, 1, |a| a.access = Access::Permissioned);
        world.accepted(&curator, open, &validators, &leaves(1, 5));
        world.accepted(&curator, permissioned, &validators, &leaves(2, 3));
        let rivals_batch = world.open(&rival, open, &leaves(3, 2));
        for (at, by) in [(permissioned, &curator), (rivals_datanet, &rival)] {
            let (asks, until) = (rival.pubkey(), world.slot() + 1_000_000);
            world.send(&[ix::datanet::request_access(&asks, &at, "a study".into())], &[&rival]).expect("asks");
            world.send(&[ix::datanet::grant_access(&by.pubkey(), &at, &asks, until)], &[by]).expect("grants");
        }

        for who in [&owner, &rival] {
            let register = ix::model::register_model(&who.pubkey(), None, register_args(1));
            world.send(&[register], &[who]).expect("registers");
        }
        let (model, rivals_model) = (pda::model(&owner.pubkey(), 1), pda::model(&rival.pubkey(), 1));
        let market = Market { committee: committee.clone(), model, model_owner: owner.insecure_clone() };
        let mut lab = Lab { world, committee, validators, curator, datanet: open, owner, model };
        let trained = lab.trained(model::BUDGET);
        let paid = result(&lab.world, &[(lab.trainer(0).pubkey(), OPEN)]);
        lab.attest(trained, paid).expect("is attested");
        let ask = ix::model::request_job(
            &rival.pubkey(),
            &rivals_model,
            0,
            &lab.world.mint,
            &reads(&[(open, Access::Open)]),
            request_args(model::BUDGET),
        );
        lab.world.send(&[ask], &[&rival]).expect("requests");
        let (rivals_job, other) = (pda::job(&rivals_model, 0), lab.trainer(1));
        let take = ix::model::assign_job(&other.pubkey(), lab.committee.epoch, &rivals_job);
        let log = ix::model::post_log(&other.pubkey(), &rivals_job, log_args([0x11; 32]));
        lab.world.send(&[take, log], &[&other]).expect("trains");

        for shard in 0..SHARDS {
            let pay = market.pay(&lab.world, &rival.pubkey(), shard, [shard; 32], 1_000 * OPEN);
            lab.world.send(&[pay], &[&rival]).expect("pays");
        }
        let (c, r) = (lab.curator.pubkey(), rival.pubkey());
        let trees = [
            payout::tree(&[(c, EARNED), (r, 10 * OPEN), (mallory.pubkey(), 1), (address("a fourth"), 7)]),
            payout::tree(&[(lab.validators[0].pubkey(), 5 * OPEN), (r, OPEN)]),
        ];
        market.settle(&mut lab.world, [&trees[0], &trees[1]]);
        let claim = ix::payout::claim(&r, &r, &lab.world.mint, 0, claim_args(&trees[0], Pool::Contributors, &r));
        lab.world.send(&[claim], &[&rival]).expect("claims");
        for (n, delegator) in [(0, &rival), (1, &lab.curator)] {
            let operator = lab.trainer(n);
            let pool = ix::stake::open_pool(&operator.pubkey(), &lab.world.mint, 500);
            lab.world.send(&[pool], &[&operator]).expect("opens a pool");
            let delegate = ix::stake::delegate(&delegator.pubkey(), &lab.world.mint, &operator.pubkey(), 100 * OPEN);
            lab.world.send(&[delegate], &[delegator]).expect("delegates");
        }
        for payer in [&lab.owner, &rival] {
            let deposit = ix::payout::deposit_balance(&payer.pubkey(), &lab.world.mint, 100 * OPEN);
            lab.world.send(&[deposit], &[payer]).expect("pays ahead");
        }
        assembly.open(&mut lab.world, &[ix::governance::set_guardian(&r)]);
        Self {
            bare,
            assembly,
            lab,
            retired,
            market,
            permissioned,
            rival,
            rivals_datanet,
            rivals_model,
            rivals_batch,
            rivals_job,
            mallory,
            trees,
        }
    }

    /// The world.
    pub fn world(&mut self) -> &mut World {
        &mut self.lab.world
    }

    /// Mallory sends OPEN to a token account.
    pub fn give(&mut self, to: Pubkey, amount: u64) {
        let (by, from) = (self.mallory.insecure_clone(), self.lab.world.ata(&self.mallory.pubkey()));
        let token = spl_token_interface::ID;
        let gift = spl_token_interface::instruction::transfer(&token, &from, &to, &by.pubkey(), &[], amount);
        self.lab.world.send(&[gift.expect("an instruction")], &[&by]).expect("gives");
    }

    /// A batch of the curator's in the open Datanet, submitted and ready to be drawn.
    pub fn submitted(&mut self) -> Pubkey {
        let (curator, datanet) = (self.lab.curator.insecure_clone(), self.lab.datanet);
        self.lab.world.submitted(&curator, datanet, &leaves(4, 3))
    }

    /// Lets the epoch end, and returns the arguments of the next settlement, which divides nothing more.
    pub fn next_settlement(&mut self) -> ::payout::instructions::PostSettlementArgs {
        self.lab.world.pass(payout::EPOCH_SLOTS);
        settlement_args(&self.lab.world, [&self.trees[0], &self.trees[1]])
    }
}

impl Default for Town {
    fn default() -> Self {
        Self::new()
    }
}
