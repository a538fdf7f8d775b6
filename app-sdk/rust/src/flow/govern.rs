//! Governance: the weight of a wallet's locked OPEN, and the steps of a proposal from its draft to its execution.

use crate::{
    client::{Client, fits},
    error::SdkError,
    store::Store,
    wallet::AnySigner,
};
use governance::state::{Config, Proposal, ProposedInstruction};
use openledger_interface::{ix, pda};
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;
use solana_signature::Signature;
use stake::state::VoteLock;

/// Offset of [`VoteLock::delegate`] from the end of the discriminator. Version, bump and owner precede it.
const DELEGATE_AT: usize = 1 + 1 + 32;

/// The locks that a wallet can vote with.
#[derive(Clone)]
pub struct Votes {
    /// The slot at which the weights are computed.
    pub slot: u64,
    /// The wallet's own lock, also if it is delegated to another wallet.
    pub own: Option<VoteLock>,
    /// The locks that the wallet votes with. Its own is among them unless it is delegated to another wallet.
    pub locks: Vec<VoteLock>,
}

impl Votes {
    /// The sum of the locks' weights.
    pub fn weight(&self) -> u64 {
        // The sum cannot overflow: a weight is at most its lock's amount, and all amounts together are at most the
        // supply.
        self.locks.iter().map(|l| l.weight_at(self.slot)).sum()
    }
}

/// Reads the locks that `wallet` can vote with now.
pub async fn votes(client: &Client, wallet: &Pubkey) -> Result<Votes, SdkError> {
    let delegated = [(DELEGATE_AT, wallet.to_bytes().to_vec())];
    let locks = client.all_accounts::<VoteLock>(&stake::ID, &delegated).await?;
    Ok(Votes {
        slot: client.slot().await?,
        own: client.account_opt(&pda::lock(wallet)).await?,
        locks: locks.into_iter().map(|(_, lock)| lock).collect(),
    })
}

/// Puts `description` into the store, drafts a proposal of `calls`, and opens its vote. Returns the proposal's address.
/// `lock_owner` owns the lock that the proposer votes with. Each call must mark the governance authority as its signer
/// where that authority is to sign.
pub async fn propose(
    client: &Client,
    store: &Store,
    proposer: &AnySigner,
    lock_owner: &Pubkey,
    description: &str,
    calls: &[Instruction],
) -> Result<Pubkey, SdkError> {
    let me = proposer.pubkey();
    let hash = store.put_blob(description.as_bytes().to_vec()).await?;
    let uri = format!("blobs/{}", hex::encode(hash));
    let number = client.account::<Config>(&pda::governance_config()).await?.proposals;
    let proposal = pda::proposal(number);
    let mut steps = vec![ix::governance::create_proposal(&me, lock_owner, number, hash, uri)];
    steps.extend(
        (0..=u8::MAX).zip(calls).map(|(index, call)| ix::governance::add_instruction(&me, &proposal, index, call)),
    );
    steps.push(ix::governance::open_voting(&me, lock_owner, &proposal));
    for transaction in packed(&me, steps) {
        client.send(&transaction, &[proposer]).await?;
    }
    Ok(proposal)
}

/// Packs the instructions in order into transactions, each as full as possible.
fn packed(payer: &Pubkey, instructions: Vec<Instruction>) -> Vec<Vec<Instruction>> {
    let mut out: Vec<Vec<Instruction>> = vec![];
    for next in instructions {
        let fits = out.last().is_some_and(|open| {
            let all: Vec<Instruction> = open.iter().chain([&next]).cloned().collect();
            fits(payer, &all)
        });
        match out.last_mut() {
            Some(open) if fits => open.push(next),
            _ => out.push(vec![next]),
        }
    }
    out
}

/// Turns a proposed instruction into the instruction for its program.
pub fn call(proposed: ProposedInstruction) -> Instruction {
    let accounts = proposed
        .accounts
        .into_iter()
        .map(|a| AccountMeta { pubkey: a.address, is_signer: a.signer, is_writable: a.writable })
        .collect();
    Instruction { program_id: proposed.program, accounts, data: proposed.data }
}

/// Executes the instructions of a proposal that are not executed yet, as read from the chain, with one transaction for
/// each. The proposal's timelock must be over. Returns the transactions' signatures.
pub async fn execute(client: &Client, payer: &AnySigner, proposal: &Pubkey) -> Result<Vec<Signature>, SdkError> {
    let state: Proposal = client.account(proposal).await?;
    let mut out = Vec::new();
    for index in state.executed..state.instructions {
        let proposed = client.account(&pda::proposed_instruction(proposal, index)).await?;
        let execute = ix::governance::execute_instruction(proposal, index, &call(proposed));
        out.push(client.send(&[execute], &[payer]).await?);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use anchor_lang::{AccountSerialize, Discriminator};

    #[test]
    fn transactions_are_filled_in_order_and_fit() {
        let payer = Pubkey::new_unique();
        let call = |n: usize| Instruction { program_id: governance::ID, accounts: vec![], data: vec![0; n] };
        let sizes = [100, 300, 900, 10, 1_000, 1_000];
        let packed = packed(&payer, sizes.into_iter().map(call).collect());
        let lengths: Vec<Vec<usize>> = packed.iter().map(|t| t.iter().map(|i| i.data.len()).collect()).collect();
        assert_eq!(lengths, [vec![100, 300], vec![900, 10], vec![1_000], vec![1_000]]);
        for transaction in &packed {
            assert!(fits(&payer, transaction));
        }
    }

    #[test]
    fn the_delegate_stands_where_it_is_searched() {
        let (owner, delegate) = (Pubkey::new_unique(), Pubkey::new_unique());
        let lock = VoteLock {
            version: stake::state::Version::CURRENT,
            bump: 2,
            owner,
            delegate,
            amount: 3,
            end_slot: 4,
            changed_slot: 5,
            sequence: 6,
        };
        let mut data = vec![];
        lock.try_serialize(&mut data).unwrap();
        let at = VoteLock::DISCRIMINATOR.len() + DELEGATE_AT;
        assert_eq!(data[at..at + 32], delegate.to_bytes());
    }
}
