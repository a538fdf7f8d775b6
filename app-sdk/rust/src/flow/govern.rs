//! Governing: what a wallet's locked OPEN weighs, and a proposal's way from its draft to its execution.

use crate::{client::Client, error::SdkError, ix, pda, store::Store};
use governance::state::{Config, Proposal, ProposedInstruction};
use solana_instruction::{AccountMeta, Instruction};
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signature::Signature;
use solana_signer::Signer;
use stake::state::VoteLock;

/// Place of [`VoteLock::delegate`] behind the discriminator: after version, bump and owner.
const DELEGATE_AT: usize = 1 + 1 + 32;

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
    client.send(&[ix::governance::create_proposal(&me, lock_owner, number, hash, uri)], &[proposer]).await?;
    for (index, call) in calls.iter().enumerate() {
        let index =
            u8::try_from(index).map_err(|_| SdkError::Input("a proposal has at most 16 instructions".into()))?;
        client.send(&[ix::governance::add_instruction(&me, &proposal, index, call)], &[proposer]).await?;
    }
    client.send(&[ix::governance::open_voting(&me, lock_owner, &proposal)], &[proposer]).await?;
    Ok(proposal)
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
    fn the_delegate_stands_where_it_is_searched() {
        let (owner, delegate) = (Pubkey::new_unique(), Pubkey::new_unique());
        let lock =
            VoteLock { version: 1, bump: 2, owner, delegate, amount: 3, end_slot: 4, changed_slot: 5, sequence: 6 };
        let mut data = vec![];
        lock.try_serialize(&mut data).unwrap();
        let at = VoteLock::DISCRIMINATOR.len() + DELEGATE_AT;
        assert_eq!(data[at..at + 32], delegate.to_bytes());
    }
}
