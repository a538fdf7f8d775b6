//! `openledger operator`.

use super::{amount, key};
use crate::{output::fields, settings::Session};
use anyhow::Result;
use clap::{Subcommand, ValueEnum};
use openledger_sdk::{ix, pda, wallet::read_keypair};
use serde_json::json;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use stake::{
    instructions::RegisterOperatorArgs,
    state::{Operator as Account, Position, Role, capability},
};
use std::path::PathBuf;

/// The registry of operators.
#[derive(Subcommand)]
pub enum Operator {
    /// Register as an operator; stake as one first.
    #[command(after_help = "Example:
  openledger operator register --endpoint http://node.example:7000 --identity identity.json --can train,serve,attribute")]
    Register {
        /// HTTP base URL of the node.
        #[arg(long)]
        endpoint: String,
        /// Key file of the node's identity.
        #[arg(long)]
        identity: PathBuf,
        /// What the node can do.
        #[arg(long, value_enum, value_delimiter = ',', required = true)]
        can: Vec<Capability>,
    },
    /// Change endpoint and capabilities.
    Update {
        /// HTTP base URL of the node.
        #[arg(long)]
        endpoint: String,
        /// What the node can do.
        #[arg(long, value_enum, value_delimiter = ',', required = true)]
        can: Vec<Capability>,
    },
    /// Show an operator.
    Show {
        /// Its wallet; yours by default.
        #[arg(value_parser = key)]
        wallet: Option<Pubkey>,
    },
    /// List all operators.
    List,
}

/// What a node can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Capability {
    /// Train adapters.
    Train,
    /// Answer questions.
    Serve,
    /// Attribute answers to documents.
    Attribute,
}

const BITS: [(Capability, u32); 3] = [
    (Capability::Train, capability::TRAIN),
    (Capability::Serve, capability::SERVE),
    (Capability::Attribute, capability::ATTRIBUTE),
];

fn bits(can: &[Capability]) -> u32 {
    BITS.iter().filter(|(c, _)| can.contains(c)).fold(0, |all, (_, bit)| all | bit)
}

fn names(bits: u32) -> Vec<String> {
    BITS.iter().filter(|(_, bit)| bits & bit != 0).map(|(c, _)| format!("{c:?}").to_lowercase()).collect()
}

/// Runs it.
pub async fn run(session: &Session, command: Operator) -> Result<()> {
    let client = session.client();
    let wallet = match command {
        Operator::Register { endpoint, identity, can } => {
            let (owner, identity) = (session.signer()?, read_keypair(identity)?);
            let wallet = owner.pubkey();
            session.confirm(&format!("Wallet {wallet} registers as an operator and pays the rent of its account."))?;
            let args = RegisterOperatorArgs { endpoint, capabilities: bits(&can) };
            let ix = ix::stake::register_operator(&owner.pubkey(), &identity.pubkey(), args);
            client.send(&[ix], &[&*owner, &identity]).await?;
            owner.pubkey()
        }
        Operator::Update { endpoint, can } => {
            let owner = session.signer()?;
            client.send(&[ix::stake::update_operator(&owner.pubkey(), endpoint, bits(&can))], &[&*owner]).await?;
            owner.pubkey()
        }
        Operator::Show { wallet: Some(wallet) } => wallet,
        Operator::Show { wallet: None } => session.signer()?.pubkey(),
        Operator::List => {
            let all = session.caught_up().await.operators().await?;
            let headers = ["wallet", "endpoint", "can", "staked", "answers", "earned"];
            return session.output.list(&all, &headers, |o| {
                vec![
                    o.owner.clone(),
                    o.endpoint.clone(),
                    o.capabilities.join(", "),
                    amount(o.staked),
                    o.answers.to_string(),
                    amount(o.earned),
                ]
            });
        }
    };
    let account: Account = client.account(&pda::operator(&wallet)).await?;
    let position = client.account_opt::<Position>(&pda::position(&wallet, Role::Operator)).await?;
    let staked = position.map_or(0, |p| p.amount);
    let can = names(account.capabilities);
    let shown = json!({
        "wallet": wallet.to_string(), "identity": account.identity.to_string(), "endpoint": account.endpoint,
        "capabilities": can, "staked": staked.to_string(),
    });
    session.output.show(&shown, |_| {
        fields(&[
            ("wallet", wallet.to_string()),
            ("identity", account.identity.to_string()),
            ("endpoint", account.endpoint.clone()),
            ("can", can.join(", ")),
            ("staked", amount(staked)),
        ])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_are_bits_and_back() {
        assert_eq!(bits(&[Capability::Train, Capability::Attribute, Capability::Train]), 0b101);
        assert_eq!(names(0b110), ["serve", "attribute"]);
        assert_eq!(names(bits(&[Capability::Serve])), ["serve"]);
    }
}
