//! The governance program in tests: an assembly of voters that is ready to decide.

use crate::{
    OPEN, datanet,
    keys::{Key, address, key},
    payout,
    tx::{Failed, Sent},
    world::World,
};
use ::governance::{
    instructions::InitializeArgs,
    state::{Choice, Config, Parameters, Proposal},
};
use ::stake::vote_lock::MAX_LOCK_SLOTS;
use openledger_interface::{Program, ix, pda};
use solana_instruction::Instruction;
use solana_keypair::Signer;
use solana_pubkey::Pubkey;

/// Parameters of votes in test worlds.
pub const PARAMETERS: Parameters = Parameters {
    quorum_bps: 2_000,
    proposal_threshold: 10_000 * OPEN,
    voting_slots: 50,
    timelock_slots: 30,
    grace_slots: 40,
};
/// Least voting time in test worlds.
pub const MIN_VOTING: u64 = 10;
/// Least timelock in test worlds.
pub const MIN_TIMELOCK: u64 = 5;
/// Base units of OPEN that the three voters of test worlds have locked for the longest time.
pub const LOCKED: [u64; 3] = [100_000 * OPEN, 200_000 * OPEN, 300_000 * OPEN];

/// The arguments that test worlds are initialised with.
pub fn initialize_args() -> InitializeArgs {
    InitializeArgs {
        guardian: key("guardian").pubkey(),
        parameters: PARAMETERS,
        min_voting_slots: MIN_VOTING,
        min_timelock_slots: MIN_TIMELOCK,
    }
}

/// The instruction that drafts proposal `number` with the proposer's own lock and some description.
pub fn own_proposal(proposer: &Pubkey, number: u64) -> Instruction {
    ix::governance::create_proposal(proposer, proposer, number, [3; 32], "sha256:0303".into())
}

/// The guardian and the voters of a test world.
pub struct Assembly {
    /// The guardian.
    pub guardian: Key,
    /// Three wallets with [`LOCKED`] OPEN.
    pub voters: Vec<Key>,
}

impl Clone for Assembly {
    fn clone(&self) -> Self {
        let voters = self.voters.iter().map(Key::insecure_clone).collect();
        Self { guardian: self.guardian.insecure_clone(), voters }
    }
}

impl Assembly {
    /// Drafts a proposal of these instructions by the first voter.
    pub fn draft(&self, world: &mut World, calls: &[Instruction]) -> Pubkey {
        let (proposer, number) = (&self.voters[0], world.get::<Config>(&pda::governance_config()).proposals);
        let (me, proposal) = (proposer.pubkey(), pda::proposal(number));
        world.send(&[own_proposal(&me, number)], &[proposer]).expect("drafts");
        for (index, proposed_call) in calls.iter().enumerate() {
            let add = ix::governance::add_instruction(&me, &proposal, index as u8, proposed_call);
            world.send(&[add], &[proposer]).expect("adds");
        }
        proposal
    }

    /// Drafts a proposal and opens its vote.
    pub fn open(&self, world: &mut World, calls: &[Instruction]) -> Pubkey {
        let proposal = self.draft(world, calls);
        let me = self.voters[0].pubkey();
        let open = ix::governance::open_voting(&me, &me, &proposal);
        world.send(&[open], &[&self.voters[0]]).expect("opens");
        proposal
    }

    /// Votes with a voter's own lock.
    pub fn vote(&self, world: &mut World, voter: usize, proposal: Pubkey, choice: Choice) -> Result<Sent, Failed> {
        let voter = &self.voters[voter];
        world.send(&[ix::governance::cast_vote(&voter.pubkey(), &voter.pubkey(), &proposal, choice)], &[voter])
    }

    /// A proposal of `calls` that all voted for and that waits for its timelock.
    pub fn queued(&self, world: &mut World, calls: &[Instruction]) -> Pubkey {
        let proposal = self.open(world, calls);
        for voter in 0..self.voters.len() {
            self.vote(world, voter, proposal, Choice::For).expect("votes");
        }
        let until = world.get::<Proposal>(&proposal).voting_end_slot;
        world.pass(until - world.slot());
        world.send(&[ix::governance::queue(&proposal)], &[]).expect("passes");
        proposal
    }

    /// A proposal of `calls` whose timelock is over.
    pub fn ripe(&self, world: &mut World, calls: &[Instruction]) -> Pubkey {
        let proposal = self.queued(world, calls);
        let until = world.get::<Proposal>(&proposal).executable_slot;
        world.pass(until - world.slot());
        proposal
    }

    /// Passes a proposal of `calls` and executes it, one transaction for each instruction. Returns the last one's
    /// result.
    pub fn enact(&self, world: &mut World, calls: &[Instruction]) -> Result<Sent, Failed> {
        let proposal = self.ripe(world, calls);
        let mut last = None;
        for (index, proposed_call) in calls.iter().enumerate() {
            let execute = ix::governance::execute_instruction(&proposal, index as u8, proposed_call);
            last = Some(world.send(&[execute], &[])?);
        }
        Ok(last.expect("a proposal has instructions"))
    }
}

impl World {
    /// A world with stake and governance initialised, `programs` deployed beside them, and three voters.
    pub fn with_governance(programs: &[Program]) -> (Self, Assembly) {
        let mut all = vec![Program::Governance];
        all.extend(programs);
        let mut world = Self::with_stake(&all);
        let assembly = world.assemble();
        (world, assembly)
    }

    /// Initialises governance and lets three voters lock OPEN.
    pub fn assemble(&mut self) -> Assembly {
        let by = self.authority.insecure_clone();
        self.send(&[ix::governance::initialize(&by.pubkey(), initialize_args())], &[&by]).expect("initialises");
        let voters: Vec<Key> = LOCKED.iter().map(|amount| self.wallet(2 * amount)).collect();
        for (voter, amount) in voters.iter().zip(LOCKED) {
            let end = self.slot() + MAX_LOCK_SLOTS;
            let lock = ix::stake::lock_votes(&voter.pubkey(), &self.mint, amount, end);
            self.send(&[lock], &[voter]).expect("locks");
        }
        // A lock has weight only in votes that begin after its slot.
        self.pass(1);
        let guardian = key("guardian");
        self.airdrop(&guardian.pubkey());
        Assembly { guardian, voters }
    }

    /// A world with all programs initialised, in which governance is the authority of the four others.
    pub fn under_governance() -> (Self, Assembly) {
        let (mut world, assembly) = Self::with_governance(&[Program::Datanet, Program::Model, Program::Payout]);
        let (by, to) = (world.authority.insecure_clone(), pda::governance_authority());
        let old = by.pubkey();
        world.put_token(payout::treasury(), world.mint, address("treasury"), 0);
        let windows =
            ::datanet::InitializeArgs { commit_slots: datanet::COMMIT_SLOTS, reveal_slots: datanet::REVEAL_SLOTS };
        let jobs = ::model::InitializeArgs { job_slots: 100, assign_slots: 100, data_share_bps: 0, heartbeat_slots: 1 };
        for call in [
            ix::datanet::initialize(&old, &world.mint, windows),
            ix::model::initialize(&old, jobs),
            ix::payout::initialize(&old, &world.mint, &payout::treasury(), payout::initialize_args()),
            ix::stake::propose_authority(&old, &to),
            ix::datanet::propose_authority(&old, &to),
            ix::model::propose_authority(&old, &to),
            ix::payout::propose_authority(&old, &to),
        ] {
            world.send(&[call], &[&by]).expect("initialises and proposes");
        }
        let calls = [
            ix::stake::accept_authority(&to),
            ix::datanet::accept_authority(&to),
            ix::model::accept_authority(&to),
            ix::payout::accept_authority(&to),
        ];
        assembly.enact(&mut world, &calls).expect("hands over");
        (world, assembly)
    }
}
