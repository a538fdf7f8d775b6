//! What the node reads from the chain, and how it signs and pays for what it sends.

use anyhow::{Context, Result, bail, ensure};
use model::state::Job;
use openledger_protocol::Hash32;
use openledger_quorum as quorum;
use openledger_sdk::{client::Client, pda};
use solana_commitment_config::CommitmentConfig;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use stake::state::{Committee, CommitteeStatus, Operator};
use std::{collections::HashMap, sync::Arc, time::Duration};

/// How long to wait for a block.
const BLOCK_PATIENCE: Duration = Duration::from_secs(30);

/// Chain access of one operator.
#[derive(Clone)]
pub struct Chain {
    /// RPC and subscriptions.
    pub client: Client,
    /// A second node, at commitment `finalized`.
    second: Option<Client>,
    wallet: Arc<Keypair>,
}

impl Chain {
    /// Makes the access with the operator's wallet, which pays transaction fees.
    pub fn new(client: Client, wallet: Keypair) -> Self {
        Self { client, second: None, wallet: Arc::new(wallet) }
    }

    /// Also asks a second node, at this JSON-RPC address, where money follows from the answer.
    pub fn with_second(self, rpc: Option<&str>) -> Self {
        Self { second: rpc.map(|rpc| finalized(rpc, "")), ..self }
    }

    /// The nodes that money follows from, at commitment `finalized`: the first one, and the second one if there is one.
    pub fn finalized_nodes(&self) -> (Client, Option<Client>) {
        (finalized(&self.client.rpc().url(), self.client.ws_url()), self.second.clone())
    }

    /// The operator's wallet.
    pub fn wallet(&self) -> Pubkey {
        self.wallet.pubkey()
    }

    /// Sends instructions. The wallet signs and pays for them.
    pub async fn send(&self, instructions: &[Instruction]) -> Result<()> {
        self.client.send(instructions, &[&self.wallet]).await?;
        Ok(())
    }

    /// The stake program's config.
    pub async fn stake_config(&self) -> Result<stake::state::Config> {
        let config = self.client.account_opt(&pda::stake_config()).await?;
        config.context("the stake program is not initialised on this cluster; is `rpc` the right one?")
    }

    /// The payout program's config.
    pub async fn payout_config(&self) -> Result<payout::state::Config> {
        let config = self.client.account_opt(&pda::payout_config()).await?;
        config.context("the payout program is not initialised on this cluster")
    }

    /// The model program's config.
    pub async fn model_config(&self) -> Result<model::state::Config> {
        let config = self.client.account_opt(&pda::model_config()).await?;
        config.context("the model program is not initialised on this cluster")
    }

    /// Identity keys of all registered operators, by wallet.
    pub async fn identities(&self) -> Result<HashMap<Pubkey, Pubkey>> {
        let all = self.client.all_accounts::<Operator>(&stake::ID, &[]).await?;
        Ok(all.into_iter().map(|(_, o)| (o.owner, o.identity)).collect())
    }

    /// Whether this wallet is registered as an operator with this identity key.
    pub async fn is_registered(&self, identity: &Pubkey) -> Result<bool> {
        let entry: Option<Operator> = self.client.account_opt(&pda::operator(&self.wallet())).await?;
        Ok(entry.is_some_and(|o| o.identity == *identity))
    }

    /// The newest slot that cannot be rolled back. With two nodes it is the older of their answers. `None` if a node
    /// does not answer.
    pub async fn finalized_slot(&self) -> Option<u64> {
        let first = self.client.rpc().get_slot_with_commitment(CommitmentConfig::finalized()).await.ok()?;
        match &self.second {
            Some(second) => Some(first.min(second.slot().await.ok()?)),
            None => Some(first),
        }
    }

    /// The committee of an epoch. `None` if it was not proposed.
    pub async fn committee(&self, epoch: u64) -> Result<Option<Committee>> {
        Ok(self.client.account_opt(&pda::committee(epoch)).await?)
    }

    /// The active committee. Fails if no committee is active yet.
    pub async fn active_committee(&self) -> Result<Committee> {
        let epoch = self.stake_config().await?.committee_epoch;
        match self.committee(epoch).await? {
            Some(c) if c.status == CommitteeStatus::Active => Ok(c),
            _ => bail!("no committee is active yet"),
        }
    }

    /// The committee that a running job is pinned to. Fails if another one is active, because then nobody can attest the
    /// job's result.
    pub async fn committee_of(&self, job: &Job) -> Result<Committee> {
        let (pinned, active) = (job.committee_epoch, self.stake_config().await?.committee_epoch);
        ensure!(
            pinned == active,
            "the job is pinned to committee {pinned}, and committee {active} is active: the job must be released, so \
             that the present committee takes it"
        );
        self.committee(active).await?.context("no committee is active yet")
    }

    /// A committee with its members' identity keys and endpoints, as the quorum needs it.
    pub async fn membership(&self, committee: &Committee) -> Result<quorum::Committee> {
        let mut members = Vec::with_capacity(committee.members.len());
        for (i, wallet) in committee.members.iter().enumerate() {
            let operator: Operator = self.client.account(&pda::operator(wallet)).await?;
            members.push(quorum::Member {
                place: i as u16 + 1,
                wallet: wallet.to_bytes(),
                identity: operator.identity.to_bytes(),
                endpoint: operator.endpoint,
            });
        }
        Ok(quorum::Committee::new(committee.epoch, committee.threshold, members)?)
    }

    /// Hash of the first block after `slot`. Nobody knew this hash in `slot`. Waits up to 30 seconds for that block.
    pub async fn blockhash_after(&self, slot: u64) -> Result<Hash32> {
        let until = tokio::time::Instant::now() + BLOCK_PATIENCE;
        let rpc = self.client.rpc();
        loop {
            let next = rpc.get_blocks_with_limit(slot + 1, 1).await?.first().copied();
            if let Some(next) = next
                && let Ok(block) = rpc.get_block(next).await
            {
                let hash: Pubkey = block.blockhash.parse().context("a block's hash is 32 bytes in base58")?;
                return Ok(hash.to_bytes());
            }
            if tokio::time::Instant::now() > until {
                bail!("no block after slot {slot} within {} seconds", BLOCK_PATIENCE.as_secs());
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

fn finalized(rpc: &str, ws: &str) -> Client {
    Client::with_commitment(rpc, ws, CommitmentConfig::finalized())
}
