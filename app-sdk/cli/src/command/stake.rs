//! `openledger stake`.

use super::{amount, key, open};
use crate::{output::fields, settings::Session};
use anyhow::Result;
use clap::{Subcommand, ValueEnum};
use openledger_sdk::{flow::open_mint, ix, pda};
use serde_json::json;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use stake::state::{Config, Position, Role};

/// Stake as an operator or validator.
#[derive(Subcommand)]
pub enum Stake {
    /// Bond OPEN in a role.
    #[command(after_help = "Example: openledger stake deposit 1000 --role validator")]
    Deposit {
        /// How much, in OPEN.
        #[arg(value_parser = open)]
        amount: u64,
        /// What it answers for.
        #[arg(long, value_enum)]
        role: RoleArg,
    },
    /// Begin to unbond; withdraw after the cooldown.
    Unbond {
        /// How much, in OPEN.
        #[arg(value_parser = open)]
        amount: u64,
        /// What it answers for.
        #[arg(long, value_enum)]
        role: RoleArg,
    },
    /// Take out what has unbonded.
    Withdraw {
        /// What it answered for.
        #[arg(long, value_enum)]
        role: RoleArg,
    },
    /// Show a wallet's stake.
    Show {
        /// What it answers for.
        #[arg(long, value_enum)]
        role: RoleArg,
        /// The wallet; yours by default.
        #[arg(value_parser = key)]
        wallet: Option<Pubkey>,
    },
}

/// What stake answers for.
#[derive(Clone, Copy, ValueEnum)]
pub enum RoleArg {
    /// Trains, attributes, signs.
    Operator,
    /// Reviews batches.
    Validator,
}

impl RoleArg {
    fn name(self) -> &'static str {
        match self {
            Self::Operator => "an operator",
            Self::Validator => "a validator",
        }
    }
}

impl From<RoleArg> for Role {
    fn from(r: RoleArg) -> Self {
        match r {
            RoleArg::Operator => Self::Operator,
            RoleArg::Validator => Self::Validator,
        }
    }
}

/// Runs it.
pub async fn run(session: &Session, command: Stake) -> Result<()> {
    let client = session.client();
    let (wallet, role, signature) = match command {
        Stake::Deposit { amount: sum, role } => {
            let owner = session.signer()?;
            let (wallet, as_what) = (owner.pubkey(), role.name());
            session.confirm(&format!(
                "Wallet {wallet} bonds {} as {as_what}, which can be slashed and returns after a cooldown.",
                amount(sum)
            ))?;
            let mint = open_mint(&client).await?;
            let ix = ix::stake::deposit(&wallet, &mint, role.into(), sum);
            (owner.pubkey(), role, Some(client.send(&[ix], &[&*owner]).await?))
        }
        Stake::Unbond { amount, role } => {
            let owner = session.signer()?;
            let epoch = client.account::<Config>(&pda::stake_config()).await?.committee_epoch;
            let ix = ix::stake::request_unbond(&owner.pubkey(), epoch, role.into(), amount);
            (owner.pubkey(), role, Some(client.send(&[ix], &[&*owner]).await?))
        }
        Stake::Withdraw { role } => {
            let (owner, mint) = (session.signer()?, open_mint(&client).await?);
            let instructions = [
                ix::token::create_account(&owner.pubkey(), &owner.pubkey(), &mint),
                ix::stake::withdraw(&owner.pubkey(), &mint, role.into()),
            ];
            (owner.pubkey(), role, Some(client.send(&instructions, &[&*owner]).await?))
        }
        Stake::Show { role, wallet } => {
            let wallet = match wallet {
                Some(wallet) => wallet,
                None => session.signer()?.pubkey(),
            };
            (wallet, role, None)
        }
    };
    let position = client.account_opt::<Position>(&pda::position(&wallet, role.into())).await?;
    let (bonded, unbonding, from) = position.map_or((0, 0, 0), |p| (p.amount, p.unbonding, p.unbond_slot));
    let shown = json!({
        "wallet": wallet.to_string(), "bonded": bonded.to_string(), "unbonding": unbonding.to_string(),
        "withdraw_from_slot": from, "signature": signature.map(|s| s.to_string()),
    });
    session.output.show(&shown, |_| {
        let until = if unbonding > 0 { format!(", to be withdrawn from slot {from}") } else { String::new() };
        fields(&[
            ("wallet", wallet.to_string()),
            ("bonded", amount(bonded)),
            ("unbonding", format!("{}{until}", amount(unbonding))),
        ])
    })
}
