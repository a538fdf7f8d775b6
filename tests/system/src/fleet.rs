//! Five oracle operators. Each is a process with its own keys, database schema and data folder.

use crate::{
    network::{Network, wait},
    people::Person,
    process::Process,
    settings::{OPEN, SIZE, Settings},
    stage::Stage,
    summary::{Compared, FleetSummary, OperatorSummary},
    told::{self, Told},
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
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// Threshold of the committee.
pub const THRESHOLD: u16 = 3;
/// Each operator's stake.
pub const STAKE: u64 = 2_000 * OPEN;

/// The operators that run the second build of the node, if there is one.
pub const SECOND_BUILD: [usize; 2] = [2, 4];
/// Largest distance of a receipt's weights at which members let it hold, in parts per million.
pub const BAND_PPM: u64 = 200;

/// An operator.
pub struct Operator {
    /// Its wallet.
    pub person: Person,
    /// Its status and quorum endpoint.
    pub endpoint: String,
    config: PathBuf,
    /// Its identity key, which signs its answers.
    pub identity: Keypair,
    /// Its build of the node.
    binary: PathBuf,
    threads: usize,
    process: Option<Process>,
}

/// The fleet. The first operator also serves answers.
pub struct Fleet {
    /// The operators.
    pub operators: Vec<Operator>,
    binary: PathBuf,
    liar: PathBuf,
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
    /// The class of arithmetic that the node computes with.
    pub kernel: String,
    /// Segments that it re-executed, beside what was logged.
    pub segments: Compared,
    /// Weights that it worked out for answers, beside their receipts'.
    pub answers: Compared,
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
    /// Makes the configuration files of all operators, and the keys of those that have none yet. Those of [`SECOND_BUILD`]
    /// run the node's build `second`. In a network that is kept they settle epochs by themselves.
    pub fn prepare(network: &Network, settings: &Settings, second: Option<&Path>) -> Result<Self> {
        let binary = network.binary("openledger-oracle");
        let mut operators = Vec::new();
        for n in 1..=SIZE {
            let folder = network.place.folder.join(format!("operator-{n}"));
            std::fs::create_dir_all(&folder)?;
            let person = Person::at(format!("operator {n}"), &folder.join("wallet.json"))?;
            let identity = Person::at(format!("identity of operator {n}"), &folder.join("identity.json"))?.key;
            let listen = format!("127.0.0.1:{}", network.place.port(|p| p.operators + n as u16 - 1)?);
            let database = network.postgres.create_database(&format!("operator_{n}"))?;
            let mut config = toml::toml! {
                wallet = "wallet.json"
                identity = "identity.json"
                data = "data"
            };
            for (key, value) in [
                ("rpc", network.rpc.clone()),
                ("ws", network.ws.clone()),
                ("database", database),
                ("schema", format!("operator_{n}")),
                ("store", network.artifacts_url.clone()),
                ("indexer", network.api_url.clone()),
                ("listen", listen.clone()),
                ("settle", if network.place.kept.is_some() { "auto" } else { "manual" }.into()),
            ] {
                config.insert(key.into(), value.into());
            }
            config.insert("model".into(), toml::Value::try_from(&settings.model)?);
            config.insert("serve".into(), (n == 1).into());
            let path = folder.join("oracle.toml");
            std::fs::write(&path, toml::to_string(&config)?)?;
            let endpoint = format!("http://{listen}");
            let second = second.filter(|_| SECOND_BUILD.contains(&n));
            let (binary, threads) = (second.unwrap_or(&binary).to_path_buf(), settings.threads[n - 1]);
            operators.push(Operator { person, endpoint, config: path, identity, binary, threads, process: None });
        }
        Ok(Self { operators, binary, liar: network.binary("openledger-liar"), logs: network.logs() })
    }

    /// Stakes and registers every operator, and starts its process.
    pub async fn start(&mut self, network: &Network, mint: &Pubkey) -> Result<()> {
        for (n, operator) in self.operators.iter().enumerate() {
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
        }
        self.run().map(drop)
    }

    /// Starts every operator that does not run. Returns their numbers (from 1).
    pub fn run(&mut self) -> Result<Vec<usize>> {
        let mut started = Vec::new();
        for (n, operator) in (1..).zip(&mut self.operators).filter(|(_, o)| o.process.is_none()) {
            let args = ["run", "--config", &operator.config.display().to_string()].map(String::from);
            let (name, binary) = (log_name(n), &operator.binary);
            let process = Process::start_with_threads(operator.threads, &name, binary, &args, &self.logs)?;
            operator.process = Some(process);
            started.push(n);
        }
        Ok(started)
    }

    /// Forgets the processes that have died. Returns why, by the operators' numbers (from 1).
    pub fn bury(&mut self) -> Vec<(usize, String)> {
        let mut dead = Vec::new();
        for (n, operator) in (1..).zip(&mut self.operators) {
            if let Some(Err(reason)) = operator.process.as_mut().map(Process::check) {
                operator.process = None;
                dead.push((n, reason.to_string()));
            }
        }
        dead
    }

    /// Has the operators settle epochs by themselves from their next start on, and stops them for it.
    pub fn settle_by_themselves(&mut self) -> Result<()> {
        for operator in &mut self.operators {
            operator.process = None;
            let path = &operator.config;
            let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
            let mut config: toml::Table = toml::from_str(&text)?;
            config.insert("settle".into(), "auto".into());
            std::fs::write(path, toml::to_string(&config)?)
                .with_context(|| format!("cannot write {}", path.display()))?;
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

    /// Puts a liar into the seat of operator number `n` (from 1), which was killed. The liar has its keys, its settings and
    /// its database. It vouches for the receipts of `friends`, and wants `pay` to be paid everything.
    pub fn replace_by_liar(&mut self, n: usize, friends: &[Pubkey], pay: &Pubkey) -> Result<()> {
        let operator = &mut self.operators[n - 1];
        anyhow::ensure!(operator.process.is_none(), "operator {n} still runs: one seat has one process");
        let mut args = vec!["--config".to_string(), operator.config.display().to_string()];
        args.extend(friends.iter().flat_map(|f| ["--vouch-for".to_string(), f.to_string()]));
        args.extend(["--pay".to_string(), pay.to_string()]);
        operator.process = Some(Process::start(&format!("liar-{n}"), &self.liar, &args, &self.logs)?);
        Ok(())
    }

    /// What the liar in the seat of operator `n` (from 1) says of its lies, if it answers.
    pub async fn told(&self, n: usize) -> Option<Told> {
        self.get(n, told::PATH).await
    }

    /// The log of operator `n` (from 1).
    pub fn log(&self, n: usize) -> Result<String> {
        let path = self.logs.join(format!("{}.log", log_name(n)));
        std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    }

    /// Notes what the operators that answer compute with, and how far they were from each other so far.
    pub async fn compare(&self, summary: &mut FleetSummary) {
        summary.operators.resize_with(SIZE, OperatorSummary::default);
        for (n, operator) in (1..).zip(&self.operators) {
            let Some(status) = self.status(n).await else { continue };
            summary.operators[n - 1] = OperatorSummary {
                operator: n,
                kernel: status.kernel,
                threads: operator.threads,
                segments: status.segments,
                answers: status.answers,
            };
        }
        let all = || summary.operators.iter();
        summary.mixed = all().any(|o| o.kernel != summary.operators[0].kernel);
        summary.segments_ppb = all().map(|o| o.segments.largest_ppb).max().unwrap_or_default();
        summary.answers_ppb = all().map(|o| o.answers.largest_ppb).max().unwrap_or_default();
        summary.band_ppb = 1_000 * BAND_PPM;
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

    /// Waits until the operator that serves answers. It reads the base model before it does.
    pub async fn served(&mut self) -> Result<()> {
        wait("the operator that serves", Duration::from_secs(120), async || {
            self.check()?;
            Ok(self.status(1).await.map(drop))
        })
        .await
    }

    /// The status of operator `n` (from 1), if it answers.
    pub async fn status(&self, n: usize) -> Option<NodeStatus> {
        self.get(n, "v1/status").await
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, n: usize, path: &str) -> Option<T> {
        let url = format!("{}/{path}", self.operators[n - 1].endpoint);
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

fn log_name(n: usize) -> String {
    format!("operator-{n}")
}
