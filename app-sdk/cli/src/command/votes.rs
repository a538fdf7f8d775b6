//! `openledger votes`.

use super::{amount, key, open};
use crate::{output::fields, settings::Session};
use anyhow::Result;
use clap::Subcommand;
use openledger_sdk::{
    flow::{govern, open_mint},
    ix,
};
use serde_json::json;
use solana_pubkey::Pubkey;
use solana_signer::Signer;

/// Slots of a day, 400 ms each.
const SLOTS_A_DAY: u64 = 216_000;

/// Lock OPEN for weight in votes. The weight is the amount times the time left, of four years.
#[derive(Subcommand)]
pub enum Votes {
    /// Lock OPEN.
    #[command(after_help = "Example: openledger votes lock 1000 --days 365")]
    Lock {
        /// How much, in OPEN.
        #[arg(value_parser = open)]
        amount: u64,
        /// For how long: a week to four years.
        #[arg(long)]
        days: u64,
    },
    /// Add OPEN to the lock. It does not count in votes that run already.
    Add {
        /// How much, in OPEN.
        #[arg(value_parser = open)]
        amount: u64,
    },
    /// Move the lock's end to a later day. It does not count in votes that run already.
    Extend {
        /// From now on, for how long.
        #[arg(long)]
        days: u64,
    },
    /// Pay a lock that has ended back to its owner.
    Unlock {
        /// The owner; you by default.
        #[arg(value_parser = key)]
        wallet: Option<Pubkey>,
    },
    /// Let another wallet vote with your lock; your own address takes it back.
    Delegate {
        /// Who votes.
        #[arg(value_parser = key)]
        to: Pubkey,
    },
    /// Show what a wallet can vote with.
    Show {
        /// The wallet; yours by default.
        #[arg(value_parser = key)]
        wallet: Option<Pubkey>,
    },
}

/// Runs it.
pub async fn run(session: &Session, command: Votes) -> Result<()> {
    let client = session.client();
    let from_now = async |days: u64| Ok::<u64, anyhow::Error>(client.slot().await? + days.saturating_mul(SLOTS_A_DAY));
    let mine = || session.signer().map(|k| k.pubkey());
    let (wallet, call) = match command {
        Votes::Lock { amount: sum, days } => {
            let me = mine()?;
            session.confirm(&format!("Wallet {me} locks {} for {days} days.", amount(sum)))?;
            let mint = open_mint(&client).await?;
            (me, Some(ix::stake::lock_votes(&me, &mint, sum, from_now(days).await?)))
        }
        Votes::Add { amount: sum } => {
            let me = mine()?;
            session.confirm(&format!("Wallet {me} adds {} to its lock, until the lock's end.", amount(sum)))?;
            (me, Some(ix::stake::add_to_lock(&me, &open_mint(&client).await?, sum)))
        }
        Votes::Extend { days } => {
            let me = mine()?;
            session.confirm(&format!("Wallet {me} locks what it has locked for {days} days from now."))?;
            (me, Some(ix::stake::extend_lock(&me, from_now(days).await?)))
        }
        Votes::Unlock { wallet } => {
            let owner = wallet.map_or_else(mine, Ok)?;
            (owner, Some(ix::stake::unlock_votes(&owner, &open_mint(&client).await?)))
        }
        Votes::Delegate { to } => {
            let me = mine()?;
            (me, Some(ix::stake::delegate_votes(&me, &to)))
        }
        Votes::Show { wallet } => (wallet.map_or_else(mine, Ok)?, None),
    };
    let signature = match call {
        Some(call) => Some(client.send(&[call], &[&*session.signer()?]).await?),
        None => None,
    };
    let votes = govern::votes(&client, &wallet).await?;
    let own = votes.own.as_ref().filter(|lock| lock.amount > 0);
    let shown = json!({
        "wallet": wallet.to_string(), "weight": votes.weight().to_string(), "locks": votes.locks.len(),
        "locked": own.map_or(0, |l| l.amount).to_string(), "end_slot": own.map(|l| l.end_slot),
        "delegate": own.map(|l| l.delegate.to_string()), "signature": signature.map(|s| s.to_string()),
    });
    session.output.show(&shown, |_| {
        let locked = own.map_or("nothing".to_owned(), |l| format!("{} until slot {}", amount(l.amount), l.end_slot));
        let by = own.filter(|l| l.delegate != wallet).map_or("this wallet".to_owned(), |l| l.delegate.to_string());
        fields(&[
            ("wallet", wallet.to_string()),
            ("locked", locked),
            ("voted by", by),
            ("weight now", format!("{} with {} locks", amount(votes.weight()), votes.locks.len())),
        ])
    })
}
