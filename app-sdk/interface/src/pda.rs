//! Addresses that are derived from seeds (PDAs), with one function for each account.

use solana_pubkey::Pubkey;

pub use spl_associated_token_account_interface::address::get_associated_token_address as token_account;

fn derive(program: &Pubkey, seeds: &[&[u8]]) -> Pubkey {
    Pubkey::find_program_address(seeds, program).0
}

/// The event authority of a program, which signs Anchor's self-CPI events.
pub fn event_authority(program: &Pubkey) -> Pubkey {
    derive(program, &[b"__event_authority"])
}

/// A program's data account under the upgradeable loader.
pub fn program_data(program: &Pubkey) -> Pubkey {
    derive(&solana_sdk_ids::bpf_loader_upgradeable::ID, &[program.as_ref()])
}

/// `stake::state::Config`.
pub fn stake_config() -> Pubkey {
    derive(&stake::ID, &[stake::seeds::CONFIG])
}

/// Token account of all staked OPEN.
pub fn stake_vault() -> Pubkey {
    derive(&stake::ID, &[stake::seeds::VAULT])
}

/// Token account of slashed OPEN and forfeited bonds.
pub fn insurance_vault() -> Pubkey {
    derive(&stake::ID, &[stake::seeds::INSURANCE])
}

/// `stake::state::Position` of a wallet in a role.
pub fn position(owner: &Pubkey, role: stake::state::Role) -> Pubkey {
    derive(&stake::ID, &[stake::seeds::POSITION, owner.as_ref(), &[role as u8]])
}

/// `stake::state::VoteLock` of a wallet.
pub fn lock(owner: &Pubkey) -> Pubkey {
    derive(&stake::ID, &[stake::seeds::LOCK, owner.as_ref()])
}

/// `stake::state::Operator` of a wallet.
pub fn operator(owner: &Pubkey) -> Pubkey {
    derive(&stake::ID, &[stake::seeds::OPERATOR, owner.as_ref()])
}

/// `stake::state::Committee` of an epoch.
pub fn committee(epoch: u64) -> Pubkey {
    derive(&stake::ID, &[stake::seeds::COMMITTEE, &epoch.to_le_bytes()])
}

/// `stake::state::Equivocation` of an operator about one subject.
pub fn equivocation(operator: &Pubkey, args: &stake::instructions::ProveEquivocationArgs) -> Pubkey {
    let (epoch, sequence) = (args.epoch.to_le_bytes(), args.sequence.to_le_bytes());
    derive(&stake::ID, &[stake::seeds::EQUIVOCATION, operator.as_ref(), &epoch, &args.subject, &sequence])
}

/// `stake::state::Pool` of an operator.
pub fn stake_pool(operator: &Pubkey) -> Pubkey {
    derive(&stake::ID, &[stake::seeds::POOL, operator.as_ref()])
}

/// Token account of the rewards of an operator's pool. Anyone may pay into it.
pub fn reward_vault(operator: &Pubkey) -> Pubkey {
    derive(&stake::ID, &[stake::seeds::REWARDS, operator.as_ref()])
}

/// `stake::state::Delegation` of a wallet to an operator.
pub fn delegation(operator: &Pubkey, owner: &Pubkey) -> Pubkey {
    derive(&stake::ID, &[stake::seeds::DELEGATION, operator.as_ref(), owner.as_ref()])
}

/// `datanet::state::Config`.
pub fn datanet_config() -> Pubkey {
    derive(&datanet::ID, &[datanet::seeds::CONFIG])
}

/// Token account of the bonds of pending batches.
pub fn bond_vault() -> Pubkey {
    derive(&datanet::ID, &[datanet::seeds::BOND])
}

/// `datanet::state::Datanet` by creator and number.
pub fn datanet(creator: &Pubkey, id: u64) -> Pubkey {
    derive(&datanet::ID, &[datanet::seeds::DATANET, creator.as_ref(), &id.to_le_bytes()])
}

/// `datanet::state::Batch` by Datanet and number.
pub fn batch(datanet: &Pubkey, index: u64) -> Pubkey {
    derive(&datanet::ID, &[datanet::seeds::BATCH, datanet.as_ref(), &index.to_le_bytes()])
}

/// `datanet::state::Grant` of a wallet on a Datanet.
pub fn grant(datanet: &Pubkey, grantee: &Pubkey) -> Pubkey {
    derive(&datanet::ID, &[datanet::seeds::GRANT, datanet.as_ref(), grantee.as_ref()])
}

/// `model::state::Config`.
pub fn model_config() -> Pubkey {
    derive(&model::ID, &[model::seeds::CONFIG])
}

/// `model::state::Model` by creator and number.
pub fn model(creator: &Pubkey, id: u64) -> Pubkey {
    derive(&model::ID, &[model::seeds::MODEL, creator.as_ref(), &id.to_le_bytes()])
}

/// `model::state::Job` by model and number.
pub fn job(model: &Pubkey, number: u64) -> Pubkey {
    derive(&model::ID, &[model::seeds::JOB, model.as_ref(), &number.to_le_bytes()])
}

/// Token account of a job's budget.
pub fn escrow(job: &Pubkey) -> Pubkey {
    derive(&model::ID, &[model::seeds::ESCROW, job.as_ref()])
}

/// `payout::state::Config`.
pub fn payout_config() -> Pubkey {
    derive(&payout::ID, &[payout::seeds::CONFIG])
}

/// `payout::state::Shard` by number.
pub fn shard(index: u8) -> Pubkey {
    derive(&payout::ID, &[payout::seeds::SHARD, &[index]])
}

/// Token account of a shard.
pub fn vault(index: u8) -> Pubkey {
    derive(&payout::ID, &[payout::seeds::VAULT, &[index]])
}

/// `payout::state::Settlement` of an epoch.
pub fn settlement(epoch: u64) -> Pubkey {
    derive(&payout::ID, &[payout::seeds::SETTLEMENT, &epoch.to_le_bytes()])
}

/// `payout::state::Claim` of a wallet.
pub fn claim(wallet: &Pubkey) -> Pubkey {
    derive(&payout::ID, &[payout::seeds::CLAIM, wallet.as_ref()])
}

/// `payout::state::Challenge` by the number of the settlement's posting and the challenge's own number.
pub fn challenge(posting: u64, number: u8) -> Pubkey {
    derive(&payout::ID, &[payout::seeds::CHALLENGE, &posting.to_le_bytes(), &[number]])
}

/// Token account of a challenge's bond.
pub fn challenge_bond(challenge: &Pubkey) -> Pubkey {
    derive(&payout::ID, &[payout::seeds::BOND, challenge.as_ref()])
}

/// `payout::state::Balance` of a wallet.
pub fn prepaid_balance(owner: &Pubkey) -> Pubkey {
    derive(&payout::ID, &[payout::seeds::BALANCE, owner.as_ref()])
}

/// Token account of a wallet's prepaid balance.
pub fn prepaid_vault(owner: &Pubkey) -> Pubkey {
    derive(&payout::ID, &[payout::seeds::PREPAID, owner.as_ref()])
}

/// `governance::state::Config`.
pub fn governance_config() -> Pubkey {
    derive(&governance::ID, &[governance::seeds::CONFIG])
}

/// The PDA that signs for proposals that passed. It is the authority of the other programs.
pub fn governance_authority() -> Pubkey {
    derive(&governance::ID, &[governance::seeds::AUTHORITY])
}

/// `governance::state::Proposal` by number.
pub fn proposal(number: u64) -> Pubkey {
    derive(&governance::ID, &[governance::seeds::PROPOSAL, &number.to_le_bytes()])
}

/// `governance::state::ProposedInstruction` by proposal and place.
pub fn proposed_instruction(proposal: &Pubkey, index: u8) -> Pubkey {
    derive(&governance::ID, &[governance::seeds::INSTRUCTION, proposal.as_ref(), &[index]])
}

/// `governance::state::Vote` of a lock on a proposal.
pub fn vote(proposal: &Pubkey, lock: &Pubkey) -> Pubkey {
    derive(&governance::ID, &[governance::seeds::VOTE, proposal.as_ref(), lock.as_ref()])
}
