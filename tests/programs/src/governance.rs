//! The governance program in tests: addresses, instructions, an assembly of voters ready to decide.

use crate::{
    OPEN, datanet, event_authority, instruction,
    keys::{Key, address, key},
    model, payout, stake,
    tx::{Failed, Sent},
    world::{Program, World},
};
use ::governance::{
    ID, accounts, instruction as call,
    instructions::{AddInstructionArgs, InitializeArgs},
    seeds,
    state::{Choice, Config, Parameters, Proposal, ProposedAccount},
};
use ::stake::vote_lock::MAX_LOCK_SLOTS;
use solana_instruction::{AccountMeta, Instruction};
use solana_keypair::Signer;
use solana_pubkey::Pubkey;

/// What proposals are decided by in test worlds.
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
/// What the three voters of test worlds have locked for the longest time.
pub const LOCKED: [u64; 3] = [100_000 * OPEN, 200_000 * OPEN, 300_000 * OPEN];

const SYSTEM: Pubkey = solana_sdk_ids::system_program::ID;

fn pda(seeds: &[&[u8]]) -> Pubkey {
    Pubkey::find_program_address(seeds, &ID).0
}
/// The config.
pub fn config() -> Pubkey {
    pda(&[seeds::CONFIG])
}
/// What signs for proposals that passed.
pub fn authority() -> Pubkey {
    pda(&[seeds::AUTHORITY])
}
/// A proposal.
pub fn proposal(number: u64) -> Pubkey {
    pda(&[seeds::PROPOSAL, &number.to_le_bytes()])
}
/// A proposed instruction.
pub fn proposed(proposal: &Pubkey, index: u8) -> Pubkey {
    pda(&[seeds::INSTRUCTION, proposal.as_ref(), &[index]])
}
/// A vote.
pub fn vote(proposal: &Pubkey, lock: &Pubkey) -> Pubkey {
    pda(&[seeds::VOTE, proposal.as_ref(), lock.as_ref()])
}

/// The accounts of an instruction with the two that events need behind the fields named.
macro_rules! accounts {
    ($name:ident { $($field:ident $(: $value:expr)?),* $(,)? }) => {
        accounts::$name { $($field $(: $value)?,)* event_authority: event_authority(&ID), program: ID }
    };
}

/// The arguments that test worlds are initialised with.
pub fn initialize_args() -> InitializeArgs {
    InitializeArgs {
        guardian: key("guardian").pubkey(),
        parameters: PARAMETERS,
        min_voting_slots: MIN_VOTING,
        min_timelock_slots: MIN_TIMELOCK,
    }
}

/// `initialize` by `by`.
pub fn initialize(by: &Pubkey, args: InitializeArgs) -> Instruction {
    let accounts = accounts!(Initialize {
        authority: *by,
        config: config(),
        governance_authority: authority(),
        program_data: Program::Governance.data_address(),
        system_program: SYSTEM,
    });
    instruction(ID, accounts, call::Initialize { args })
}

/// `create_proposal` of this number with the proposer's own lock.
pub fn create_proposal(proposer: &Pubkey, number: u64) -> Instruction {
    let accounts = accounts!(CreateProposal {
        proposer: *proposer,
        config: config(),
        lock: stake::lock(proposer),
        proposal: proposal(number),
        system_program: SYSTEM,
    });
    let args = call::CreateProposal { description_hash: [3; 32], description_uri: "sha256:0303".into() };
    instruction(ID, accounts, args)
}

/// `add_instruction` as the one with this index.
pub fn add_instruction(proposer: &Pubkey, proposal: Pubkey, index: u8, proposed_call: &Instruction) -> Instruction {
    let accounts = accounts!(AddInstruction {
        proposer: *proposer,
        config: config(),
        proposal,
        instruction: proposed(&proposal, index),
        system_program: SYSTEM,
    });
    let described = proposed_call
        .accounts
        .iter()
        .map(|a| ProposedAccount { address: a.pubkey, signer: a.is_signer, writable: a.is_writable })
        .collect();
    let (program, data) = (proposed_call.program_id, proposed_call.data.clone());
    instruction(ID, accounts, call::AddInstruction { args: AddInstructionArgs { program, accounts: described, data } })
}

/// `open_voting` with the proposer's own lock.
pub fn open_voting(proposer: &Pubkey, proposal: Pubkey) -> Instruction {
    let accounts = accounts!(OpenVoting {
        proposer: *proposer,
        config: config(),
        stake_config: stake::config(),
        lock: stake::lock(proposer),
        proposal,
    });
    instruction(ID, accounts, call::OpenVoting {})
}

/// `cast_vote` by `voter` with the lock of `owner`.
pub fn cast_vote(voter: &Pubkey, owner: &Pubkey, proposal: Pubkey, choice: Choice) -> Instruction {
    let lock = stake::lock(owner);
    let vote = vote(&proposal, &lock);
    let accounts = accounts!(CastVote { voter: *voter, proposal, lock, vote, system_program: SYSTEM });
    instruction(ID, accounts, call::CastVote { choice })
}

/// `close_vote` of the vote that `voter` cast with the lock of `owner`.
pub fn close_vote(voter: &Pubkey, owner: &Pubkey, proposal: Pubkey) -> Instruction {
    let vote = vote(&proposal, &stake::lock(owner));
    instruction(ID, accounts!(CloseVote { voter: *voter, proposal, vote }), call::CloseVote {})
}

/// `queue`.
pub fn queue(proposal: Pubkey) -> Instruction {
    instruction(ID, accounts!(Queue { proposal }), call::Queue {})
}

/// `execute_instruction` of the one with this index.
pub fn execute(proposal: Pubkey, index: u8, proposed_call: &Instruction) -> Instruction {
    let accounts = accounts!(ExecuteInstruction {
        config: config(),
        proposal,
        instruction: proposed(&proposal, index),
        target: proposed_call.program_id,
    });
    let mut out = instruction(ID, accounts, call::ExecuteInstruction {});
    // The authority signs inside.
    out.accounts.extend(proposed_call.accounts.iter().map(|a| AccountMeta { is_signer: false, ..a.clone() }));
    out
}

/// `expire`.
pub fn expire(proposal: Pubkey) -> Instruction {
    instruction(ID, accounts!(Expire { proposal }), call::Expire {})
}

/// `cancel`.
pub fn cancel(proposer: &Pubkey, proposal: Pubkey) -> Instruction {
    instruction(ID, accounts!(Cancel { proposer: *proposer, proposal }), call::Cancel {})
}

/// `veto`.
pub fn veto(guardian: &Pubkey, proposal: Pubkey) -> Instruction {
    instruction(ID, accounts!(Veto { guardian: *guardian, config: config(), proposal }), call::Veto {})
}

/// `close_instruction`.
pub fn close_instruction(proposer: &Pubkey, proposal: Pubkey, index: u8) -> Instruction {
    let accounts =
        accounts!(CloseInstruction { proposer: *proposer, proposal, instruction: proposed(&proposal, index) });
    instruction(ID, accounts, call::CloseInstruction {})
}

/// `guardian_pause` of the program whose config this is.
pub fn guardian_pause(guardian: &Pubkey, target: Pubkey, target_config: Pubkey, until_slot: u64) -> Instruction {
    let accounts = accounts!(GuardianPause {
        guardian: *guardian,
        config: config(),
        governance_authority: authority(),
        target,
        target_config,
        target_event_authority: event_authority(&target),
    });
    instruction(ID, accounts, call::GuardianPause { until_slot })
}

/// `set_parameters`, signed by `by`: the authority, where it is proposed.
pub fn set_parameters(by: &Pubkey, parameters: Parameters) -> Instruction {
    let accounts = accounts!(SetParameters { governance_authority: *by, config: config() });
    instruction(ID, accounts, call::SetParameters { parameters })
}

/// `set_guardian`, signed by `by`: the authority, where it is proposed.
pub fn set_guardian(by: &Pubkey, guardian: Pubkey) -> Instruction {
    let accounts = accounts!(SetGuardian { governance_authority: *by, config: config() });
    instruction(ID, accounts, call::SetGuardian { guardian })
}

/// `voting_weight` of the lock of `owner`.
pub fn voting_weight(owner: &Pubkey) -> Instruction {
    instruction(ID, accounts::VotingWeight { lock: stake::lock(owner) }, call::VotingWeight {})
}

/// Those who decide.
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
        let (proposer, number) = (&self.voters[0], world.get::<Config>(&config()).proposals);
        let (me, proposal) = (proposer.pubkey(), proposal(number));
        world.send(&[create_proposal(&me, number)], &[proposer]).expect("drafts");
        for (index, proposed_call) in calls.iter().enumerate() {
            let add = add_instruction(&me, proposal, index as u8, proposed_call);
            world.send(&[add], &[proposer]).expect("adds");
        }
        proposal
    }

    /// Drafts a proposal and opens its vote.
    pub fn open(&self, world: &mut World, calls: &[Instruction]) -> Pubkey {
        let proposal = self.draft(world, calls);
        let open = open_voting(&self.voters[0].pubkey(), proposal);
        world.send(&[open], &[&self.voters[0]]).expect("opens");
        proposal
    }

    /// Votes with a voter's own lock.
    pub fn vote(&self, world: &mut World, voter: usize, proposal: Pubkey, choice: Choice) -> Result<Sent, Failed> {
        let voter = &self.voters[voter];
        world.send(&[cast_vote(&voter.pubkey(), &voter.pubkey(), proposal, choice)], &[voter])
    }

    /// A proposal of these instructions that all voted for and that waits for its timelock.
    pub fn queued(&self, world: &mut World, calls: &[Instruction]) -> Pubkey {
        let proposal = self.open(world, calls);
        for voter in 0..self.voters.len() {
            self.vote(world, voter, proposal, Choice::For).expect("votes");
        }
        let until = world.get::<Proposal>(&proposal).voting_end_slot;
        world.pass(until - world.slot());
        world.send(&[queue(proposal)], &[]).expect("passes");
        proposal
    }

    /// A proposal of these instructions whose timelock is over.
    pub fn ripe(&self, world: &mut World, calls: &[Instruction]) -> Pubkey {
        let proposal = self.queued(world, calls);
        let until = world.get::<Proposal>(&proposal).executable_slot;
        world.pass(until - world.slot());
        proposal
    }

    /// Decides these instructions and executes them, one transaction each; the last one's result.
    pub fn enact(&self, world: &mut World, calls: &[Instruction]) -> Result<Sent, Failed> {
        let proposal = self.ripe(world, calls);
        let mut last = None;
        for (index, proposed_call) in calls.iter().enumerate() {
            last = Some(world.send(&[execute(proposal, index as u8, proposed_call)], &[])?);
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
        self.send(&[initialize(&by.pubkey(), initialize_args())], &[&by]).expect("initialises");
        let voters: Vec<Key> = LOCKED.iter().map(|amount| self.wallet(2 * amount)).collect();
        for (voter, amount) in voters.iter().zip(LOCKED) {
            let end = self.slot() + MAX_LOCK_SLOTS;
            let lock = stake::lock_votes(self, &voter.pubkey(), amount, end);
            self.send(&[lock], &[voter]).expect("locks");
        }
        // Locks count in votes that begin after their slot.
        self.pass(1);
        let guardian = key("guardian");
        self.airdrop(&guardian.pubkey());
        Assembly { guardian, voters }
    }

    /// A world with all programs initialised and the authority of the four others handed over to governance.
    pub fn under_governance() -> (Self, Assembly) {
        let (mut world, assembly) = Self::with_governance(&[Program::Datanet, Program::Model, Program::Payout]);
        let (by, to) = (world.authority.insecure_clone(), authority());
        let old = by.pubkey();
        world.put_token(payout::treasury(), world.mint, address("treasury"), 0);
        let windows =
            ::datanet::InitializeArgs { commit_slots: datanet::COMMIT_SLOTS, reveal_slots: datanet::REVEAL_SLOTS };
        let jobs = ::model::InitializeArgs { job_slots: 100, assign_slots: 100, data_share_bps: 0, heartbeat_slots: 1 };
        for call in [
            datanet::initialize(&world, &old, windows),
            model::initialize(&old, jobs),
            payout::initialize(&world, &old, payout::initialize_args()),
            stake::propose_authority(&old, to),
            datanet::propose_authority(&old, to),
            model::propose_authority(&old, to),
            payout::propose_authority(&old, to),
        ] {
            world.send(&[call], &[&by]).expect("initialises and proposes");
        }
        let calls = [
            stake::accept_authority(&to),
            datanet::accept_authority(&to),
            model::accept_authority(&to),
            payout::accept_authority(&to),
        ];
        assembly.enact(&mut world, &calls).expect("hands over");
        (world, assembly)
    }
}
