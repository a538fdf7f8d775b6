//! `openledger wallet`.

use super::{amount, key, open};
use crate::{output::fields, settings::Session};
use anyhow::Result;
use clap::Subcommand;
use openledger_sdk::{amount::format_open, flow::open_mint, ix, pda, wallet::create_keypair};
use serde_json::json;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use std::path::PathBuf;

/// Keys and balances.
#[derive(Subcommand)]
pub enum Wallet {
    /// Make a key file. Never overwrites one.
    #[command(after_help = "Example: openledger wallet new --out validator.json")]
    New {
        /// Where; the configured key file by default.
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Show the configured wallet's address.
    Show,
    /// Show a wallet's balances.
    Balance {
        /// The wallet; yours by default.
        #[arg(value_parser = key)]
        wallet: Option<Pubkey>,
    },
    /// Send OPEN.
    #[command(after_help = "Example: openledger wallet send WALLET 12.5")]
    Send {
        /// To whom.
        #[arg(value_parser = key)]
        to: Pubkey,
        /// How much, in OPEN.
        #[arg(value_parser = open)]
        amount: u64,
    },
}

/// Runs it.
pub async fn run(session: &Session, command: Wallet) -> Result<()> {
    match command {
        Wallet::New { out } => {
            let path = out.unwrap_or_else(|| session.new_keypair_path().to_owned());
            let address = create_keypair(&path)?.pubkey().to_string();
            session.output.show(&json!({ "address": address, "file": path }), |_| {
                format!(
                    "wallet {address} is in {}; whoever has that file has the wallet: keep a copy safe",
                    path.display()
                )
            })
        }
        Wallet::Show => {
            let address = session.signer()?.pubkey().to_string();
            session.output.show(&json!({ "address": address, "file": session.keypair_path() }), |_| {
                fields(&[("address", address.clone()), ("file", session.keypair_path().display().to_string())])
            })
        }
        Wallet::Balance { wallet } => {
            let wallet = match wallet {
                Some(wallet) => wallet,
                None => session.signer()?.pubkey(),
            };
            let client = session.client();
            let mint = open_mint(&client).await?;
            let balance = client.token_balance(&pda::token_account(&wallet, &mint)).await?;
            let lamports = client.rpc().get_balance(&wallet).await?;
            let shown =
                json!({ "address": wallet.to_string(), "open": balance.to_string(), "lamports": lamports.to_string() });
            session.output.show(&shown, |_| {
                // `format_open` also fits SOL, which has nine decimals too.
                fields(&[
                    ("wallet", wallet.to_string()),
                    ("OPEN", amount(balance)),
                    ("SOL", format!("{} SOL", format_open(lamports))),
                ])
            })
        }
        Wallet::Send { to, amount: sum } => {
            let (client, from) = (session.client(), session.signer()?);
            session.confirm(&format!("Wallet {} sends {} to {to}.", from.pubkey(), amount(sum)))?;
            let mint = open_mint(&client).await?;
            let instructions = [
                ix::token::create_account(&from.pubkey(), &to, &mint),
                ix::token::transfer(&from.pubkey(), &to, &mint, sum),
            ];
            let signature = client.send(&instructions, &[&*from]).await?;
            let done = json!({ "to": to.to_string(), "amount": sum.to_string(), "signature": signature.to_string() });
            session.output.show(&done, |_| format!("{} sent to {to}", amount(sum)))
        }
    }
}
