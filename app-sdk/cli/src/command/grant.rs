//! `openledger grant`.

use super::{key, short};
use crate::settings::Session;
use anyhow::Result;
use clap::Subcommand;
use datanet::state::Grant as Account;
use openledger_sdk::{ix, pda};
use serde_json::json;
use solana_pubkey::Pubkey;
use solana_signer::Signer;

/// Access to permissioned Datanets.
#[derive(Subcommand)]
pub enum Grant {
    /// Ask for access.
    #[command(after_help = "Example: openledger grant request DATANET --purpose \"triage model for clinics\"")]
    Request {
        /// The Datanet.
        #[arg(value_parser = key)]
        datanet: Pubkey,
        /// What for.
        #[arg(long)]
        purpose: String,
    },
    /// Give access, as the Datanet's owner.
    #[command(after_help = "Example: openledger grant give DATANET WALLET --slots 6480000")]
    Give {
        /// The Datanet.
        #[arg(value_parser = key)]
        datanet: Pubkey,
        /// Who asked.
        #[arg(value_parser = key)]
        grantee: Pubkey,
        /// For how many slots from now (216,000 a day at 400 ms).
        #[arg(long)]
        slots: u64,
    },
    /// Take access back, or refuse it.
    Revoke {
        /// The Datanet.
        #[arg(value_parser = key)]
        datanet: Pubkey,
        /// Who has or asked for it.
        #[arg(value_parser = key)]
        grantee: Pubkey,
    },
    /// List grants and requests.
    List {
        /// Only of this Datanet.
        #[arg(long, value_parser = key)]
        datanet: Option<Pubkey>,
    },
}

/// Runs it.
pub async fn run(session: &Session, command: Grant) -> Result<()> {
    let client = session.client();
    let (datanet, grantee, signature) = match command {
        Grant::Request { datanet, purpose } => {
            let grantee = session.signer()?;
            let wallet = grantee.pubkey();
            session.confirm(&format!("Wallet {wallet} asks for access to {datanet} and pays the request's rent."))?;
            let ix = ix::datanet::request_access(&grantee.pubkey(), &datanet, purpose);
            (datanet, grantee.pubkey(), client.send(&[ix], &[&*grantee]).await?)
        }
        Grant::Give { datanet, grantee, slots } => {
            let owner = session.signer()?;
            let until = client.slot().await?.saturating_add(slots);
            let ix = ix::datanet::grant_access(&owner.pubkey(), &datanet, &grantee, until);
            (datanet, grantee, client.send(&[ix], &[&*owner]).await?)
        }
        Grant::Revoke { datanet, grantee } => {
            let owner = session.signer()?;
            let ix = ix::datanet::revoke_access(&owner.pubkey(), &datanet, &grantee);
            (datanet, grantee, client.send(&[ix], &[&*owner]).await?)
        }
        Grant::List { datanet } => {
            // The Datanet is at offset 2, behind version and bump.
            let filter: Vec<_> = datanet.iter().map(|d| (2, d.to_bytes().to_vec())).collect();
            let all: Vec<(Pubkey, Account)> = client.all_accounts(&datanet::ID, &filter).await?;
            let slot = client.slot().await?;
            let rows: Vec<_> = all
                .iter()
                .map(|(address, g)| {
                    json!({
                        "grant": address.to_string(), "datanet": g.datanet.to_string(),
                        "grantee": g.grantee.to_string(), "purpose": g.purpose,
                        "status": format!("{:?}", g.status).to_lowercase(), "expiry_slot": g.expiry_slot,
                        "live": g.is_live(slot), "uses": g.uses,
                    })
                })
                .collect();
            let headers = ["datanet", "grantee", "status", "until slot", "uses", "purpose"];
            return session.output.list(&rows, &headers, |r| {
                let text = |k: &str| r[k].as_str().unwrap_or_default().to_owned();
                vec![
                    short(&text("datanet")),
                    text("grantee"),
                    text("status"),
                    r["expiry_slot"].to_string(),
                    r["uses"].to_string(),
                    text("purpose"),
                ]
            });
        }
    };
    let address = pda::grant(&datanet, &grantee);
    let account: Account = client.account(&address).await?;
    let status = format!("{:?}", account.status).to_lowercase();
    let shown = json!({
        "grant": address.to_string(), "status": status, "expiry_slot": account.expiry_slot,
        "signature": signature.to_string(),
    });
    session.output.show(&shown, |_| format!("access of {grantee} to {datanet}: {status}"))
}
