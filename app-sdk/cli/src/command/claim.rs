//! `openledger earnings` and `openledger claim`.

use super::{amount, key};
use crate::{
    output::{fields, table},
    settings::Session,
};
use anyhow::Result;
use clap::Args;
use openledger_sdk::flow::claim;
use serde_json::json;
use solana_pubkey::Pubkey;
use solana_signer::Signer;

/// What a wallet has earned, by its roles.
#[derive(Args)]
#[command(after_help = "Example: openledger earnings WALLET")]
pub struct Earnings {
    /// The wallet; yours by default.
    #[arg(value_parser = key)]
    wallet: Option<Pubkey>,
}

/// Claim what a wallet has earned; anyone may claim for anyone.
#[derive(Args)]
#[command(after_help = "Examples:
  openledger claim
  openledger claim WALLET     (you pay the fee, the wallet gets the OPEN)

What answers earned can be claimed once their epoch is settled.")]
pub struct Claim {
    /// The wallet; yours by default.
    #[arg(value_parser = key)]
    wallet: Option<Pubkey>,
}

fn wallet_or_own(session: &Session, wallet: Option<Pubkey>) -> Result<Pubkey> {
    Ok(match wallet {
        Some(wallet) => wallet,
        None => session.signer()?.pubkey(),
    })
}

/// Runs `earnings`.
pub async fn earnings(session: &Session, args: Earnings) -> Result<()> {
    let wallet = wallet_or_own(session, args.wallet)?;
    let indexer = session.caught_up().await;
    let (earned, claims) = (indexer.wallet(&wallet).await?, indexer.claims(&wallet).await?);
    session.output.show(&json!({ "wallet": earned, "claims": claims }), |_| {
        fields(&[
            ("wallet", wallet.to_string()),
            ("from contributions", amount(earned.earned_contributing)),
            ("from validation", amount(earned.earned_validating)),
            ("from models", amount(earned.earned_models)),
            ("from compute", amount(earned.earned_compute)),
            ("claimed", amount(earned.claimed)),
            ("claimable now", amount(earned.claimable)),
            ("balance", amount(earned.balance)),
        ])
    })
}

/// Runs `claim`.
pub async fn claim(session: &Session, args: Claim) -> Result<()> {
    let wallet = wallet_or_own(session, args.wallet)?;
    let claimed = claim::claim(&session.client(), &session.indexer(), &*session.signer()?, &wallet).await?;
    let pool = |c: &claim::Claimed| format!("{:?}", c.pool).to_lowercase();
    let rows: Vec<_> = claimed
        .iter()
        .map(|c| json!({ "pool": pool(c), "amount": c.amount.to_string(), "signature": c.signature.to_string() }))
        .collect();
    session.output.show(&rows, |_| {
        if claimed.is_empty() {
            return format!("{wallet} has nothing to claim; what answers earned comes once their epoch is settled");
        }
        table(
            &["pool", "paid", "transaction"],
            claimed.iter().map(|c| vec![pool(c), amount(c.amount), c.signature.to_string()]),
        )
    })
}
