//! Governing: what a wallet's locked OPEN weighs, and a proposal's way from its draft to its execution.

use crate::{client::Client, error::SdkError, store::Store};
use governance::state::{Config, Proposal, ProposedInstruction};
use openledger_interface::{ix, pda};
use solana_instruction::{AccountMeta, Instruction};
use solana_keypair::Keypair;
use solana_message::Message;
use solana_pubkey::Pubkey;
use solana_signature::Signature;
use solana_signer::Signer;
use stake::state::VoteLock;

/// Place of [`VoteLock::delegate`] behind the discriminator: after version, bump and owner.
const DELEGATE_AT: usize = 1 + 1 + 32;

/// Most bytes of a transaction.
const PACKET: usize = 1232;
/// Bytes of a transaction before its message: a count and a signature.
const ONE_SIGNATURE: usize = 1 + 64;

/// What a wallet can vote with.
#[derive(Clone)]
pub struct Votes {
    /// The slot that the weights are of.
    pub slot: u64,
    /// The wallet's own lock, whoever votes with it.
    pub own: Option<VoteLock>,
    /// The locks that the wallet votes with, its own among them unless it is delegated to another.
    pub locks: Vec<VoteLock>,
}

impl Votes {
    /// The sum of their weights.
    pub fn weight(&self) -> u64 {
        // Weights are at most amounts, and those at most the supply.
        self.locks.iter().map(|l| l.weight_at(self.slot)).sum()
    }
}

/// What `wallet` can vote with now.
pub async fn votes(client: &Client, wallet: &Pubkey) -> Result<Votes, SdkError> {
    let delegated = [(DELEGATE_AT, wallet.to_bytes().to_vec())];
    let locks = client.all_accounts::<VoteLock>(&stake::ID, &delegated).await?;
    Ok(Votes {
        slot: client.slot().await?,
        own: client.account_opt(&pda::lock(wallet)).await?,
        locks: locks.into_iter().map(|(_, lock)| lock).collect(),
    })
}

/// Drafts a proposal of `calls`, puts its description into the store, and opens its vote. `lock_owner` is whose lock
/// the proposer votes with. Each call marks the governance authority as its signer.
pub async fn propose(
    client: &Client,
    store: &Store,
    proposer: &Keypair,
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

/// The instructions in order, as many to a transaction as fit.
fn packed(payer: &Pubkey, instructions: Vec<Instruction>) -> Vec<Vec<Instruction>> {
    let mut out: Vec<Vec<Instruction>> = vec![];
    for next in instructions {
        let fits = out.last().is_some_and(|open| {
            let all: Vec<Instruction> = open.iter().chain([&next]).cloned().collect();
            ONE_SIGNATURE + Message::new(&all, Some(payer)).serialize().len() <= PACKET
        });
        match out.last_mut() {
            Some(open) if fits => open.push(next),
            _ => out.push(vec![next]),
        }
    }
    out
}

/// A proposed instruction as its program takes it.
pub fn call(proposed: ProposedInstruction) -> Instruction {
    let accounts = proposed
        .accounts
        .into_iter()
        .map(|a| AccountMeta { pubkey: a.address, is_signer: a.signer, is_writable: a.writable })
        .collect();
    Instruction { program_id: proposed.program, accounts, data: proposed.data }
}

/// Executes what is left of a proposal whose timelock is over, one transaction an instruction, read from the chain.
pub async fn execute(client: &Client, payer: &Keypair, proposal: &Pubkey) -> Result<Vec<Signature>, SdkError> {
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
            assert!(ONE_SIGNATURE + Message::new(transaction, Some(&payer)).serialize().len() <= PACKET);
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
