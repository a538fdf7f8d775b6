//! Five oracle operators. Each is a process with its own keys, database schema and data folder.

use crate::{
    network::{Network, free_port, wait},
    people::{Person, write_key},
    process::Process,
    settings::{OPEN, Settings},
    stage::Stage,
};
use anyhow::{Context, Result};
use openledger_sdk::{ix, pda};
use serde::Deserialize;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use stake::{
    instructions::{ProposeCommitteeArgs, RegisterOperatorArgs},
    state::{Committee, CommitteeStatus, Role, capability},
};
use std::{path::PathBuf, time::Duration};

/// Operators.
pub const SIZE: usize = 5;
/// Threshold of the committee.
pub const THRESHOLD: u16 = 3;
/// Each operator's stake.
pub const STAKE: u64 = 2_000 * OPEN;

/// An operator.
pub struct Operator {
    /// Its wallet.
    pub person: Person,
    /// Its status and quorum endpoint.
    pub endpoint: String,
    config: PathBuf,
    /// Its identity key, which signs its answers.
    pub identity: Keypair,
    process: Option<Process>,
}

/// The fleet. The first operator also serves answers.
pub struct Fleet {
    /// The operators.
    pub operators: Vec<Operator>,
    binary: PathBuf,
    logs: PathBuf,
}

/// A node's status, as it reports it.
#[derive(Clone, Debug, Deserialize)]
pub struct NodeStatus {
    /// The job being trained.
    pub training: Option<Training>,
    /// The epoch being settled.
    pub settling: Option<Settling>,
    /// The last settled epoch.
    pub settled_epoch: u64,
}

/// Progress of a training or a settlement, as in [`NodeStatus`].
#[derive(Clone, Debug, Deserialize)]
pub struct Training {
    /// What is being done.
    pub phase: String,
    /// Steps or rows done.
    pub done: u64,
    /// Steps or rows in all.
    pub total: u64,
    /// Latest loss.
    pub loss: Option<f32>,
}

/// Progress of a training or settlement, as in [`NodeStatus`].
#[derive(Clone, Debug, Deserialize)]
pub struct Settling {
    /// What is being done.
    pub phase: String,
}

impl Fleet {
    /// Makes the keys and configuration files of all operators.
    pub fn prepare(network: &Network, settings: &Settings) -> Result<Self> {
        let mut operators = Vec::new();
        for n in 1..=SIZE {
            let folder = network.folder.join(format!("operator-{n}"));
            std::fs::create_dir_all(&folder)?;
            let (person, identity) = (Person::new(format!("operator {n}")), Keypair::new());
            write_key(&person.key, &folder.join("wallet.json"))?;
            write_key(&identity, &folder.join("identity.json"))?;
            let listen = format!("127.0.0.1:{}", free_port()?);
            let database = network.postgres.create_database(&format!("operator_{n}"))?;
            let mut config = toml::toml! {
                wallet = "wallet.json"
                identity = "identity.json"
                data = "data"
                settle = "manual"
            };
            for (key, value) in [
                ("rpc", network.rpc.clone()),
                ("ws", network.ws.clone()),
                ("database", database),
                ("schema", format!("operator_{n}")),
                ("store", network.store_folder.display().to_string()),
                ("indexer", network.api_url.clone()),
                ("listen", listen.clone()),
            ] {
                config.insert(key.into(), value.into());
            }
            config.insert("model".into(), toml::Value::try_from(&settings.model)?);
            config.insert("serve".into(), (n == 1).into());
            let path = folder.join("oracle.toml");
            std::fs::write(&path, toml::to_string(&config)?)?;
            let endpoint = format!("http://{listen}");
            operators.push(Operator { person, endpoint, config: path, identity, process: None });
        }
        Ok(Self { operators, binary: network.binary("openledger-oracle"), logs: network.logs() })
    }

    /// Stakes and registers every operator, and starts its process.
    pub async fn start(&mut self, network: &Network, mint: &Pubkey) -> Result<()> {
        for (n, operator) in self.operators.iter_mut().enumerate() {
            let owner = operator.person.address();
            let serves = if n == 0 { capability::SERVE } else { 0 };
            let capabilities = capability::TRAIN | capability::ATTRIBUTE | serves;
            let args = RegisterOperatorArgs { endpoint: operator.endpoint.clone(), capabilities };
            network
                .client
                .send(
                    &[
                        ix::stake::deposit(&owner, mint, Role::Operator, STAKE),
                        ix::stake::register_operator(&owner, &operator.identity.pubkey(), args),
                    ],
                    &[&operator.person.key, &operator.identity],
                )
                .await
                .with_context(|| format!("registering {}", operator.person.name))?;
            let args = ["run", "--config", &operator.config.display().to_string()].map(String::from);
            operator.process = Some(Process::start(&format!("operator-{}", n + 1), &self.binary, &args, &self.logs)?);
        }
        Ok(())
    }

    /// The instruction by which governance proposes these operators as the first committee.
    pub fn proposal(&self) -> Instruction {
        let members: Vec<Pubkey> = self.operators.iter().map(|o| o.person.address()).collect();
        let args = ProposeCommitteeArgs { threshold: THRESHOLD, size: SIZE as u16, members };
        ix::stake::propose_committee(&pda::governance_authority(), 0, args)
    }

    /// Waits until every member of the proposed committee has confirmed the same key.
    pub async fn form(&mut self, stage: &Stage, network: &Network) -> Result<Committee> {
        let bar = stage.bar(SIZE as u64, "members confirmed the group key");
        let committee = wait("key generation", Duration::from_secs(180), async || {
            self.check()?;
            let committee: Committee = network.client.account(&pda::committee(1)).await?;
            bar.set_position(committee.confirmed.iter().filter(|c| **c).count() as u64);
            Ok((committee.status == CommitteeStatus::Active).then_some(committee))
        })
        .await?;
        bar.finish_and_clear();
        Ok(committee)
    }

    /// Kills operator number `n` (from 1) as a power cut would.
    pub fn kill(&mut self, n: usize) {
        if let Some(mut process) = self.operators[n - 1].process.take() {
            process.kill();
        }
    }

    /// Base URL of the OpenAI-compatible API.
    pub fn serving(&self) -> &str {
        &self.operators[0].endpoint
    }

    /// Operators whose process lives.
    pub fn alive(&self) -> usize {
        self.operators.iter().filter(|o| o.process.is_some()).count()
    }

    /// Fails if an operator died without being killed on purpose.
    pub fn check(&mut self) -> Result<()> {
        self.operators.iter_mut().filter_map(|o| o.process.as_mut()).try_for_each(Process::check)
    }

    /// The status of operator `n` (from 1), if it answers.
    pub async fn status(&self, n: usize) -> Option<NodeStatus> {
        let url = format!("{}/v1/status", self.operators[n - 1].endpoint);
        let http = reqwest::Client::builder().timeout(Duration::from_secs(2)).build().ok()?;
        http.get(url).send().await.ok()?.json().await.ok()
    }

    /// Has operator 1 ask the fleet to settle the present epoch.
    pub async fn settle(&self) -> Result<()> {
        let config = self.operators[0].config.display().to_string();
        let output = tokio::process::Command::new(&self.binary).args(["settle", "--config", &config]).output().await?;
        anyhow::ensure!(
            output.status.success(),
            "asking for settlement failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(())
    }
}
