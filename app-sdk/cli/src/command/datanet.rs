//! `openledger datanet`.

use super::{amount, key, open};
use crate::{
    failure,
    output::{fields, table},
    settings::Session,
};
use anyhow::Result;
use clap::{Subcommand, ValueEnum};
use datanet::{
    ConfigureArgs, CreateDatanetArgs,
    state::{Access, Batch, Datanet as Account, Modality},
};
use openledger_sdk::{Client, ErrorKind, api::types::Review, flow::open_mint, ix, pda};
use serde_json::json;
use solana_pubkey::Pubkey;
use solana_signer::Signer;

/// Community datasets.
#[derive(Subcommand)]
pub enum Datanet {
    /// Make a Datanet that you own.
    #[command(after_help = "Example:
  openledger datanet create \"Linux programming\" --licence GPL-2.0-or-later --min-bond 10 --description \"Manual pages\"")]
    Create {
        /// Its name.
        name: String,
        /// SPDX licence expression of its content.
        #[arg(long)]
        licence: String,
        /// What it is about; stored as its metadata.
        #[arg(long, default_value = "")]
        description: String,
        /// Who may train on it.
        #[arg(long, value_enum, default_value = "open")]
        access: AccessArg,
        /// What its content is.
        #[arg(long, value_enum, default_value = "text")]
        modality: ModalityArg,
        /// Least bond of a batch in OPEN.
        #[arg(long, value_parser = open, default_value = "1")]
        min_bond: u64,
        /// Expected size of a batch's panel, 1 to 9.
        #[arg(long, default_value_t = 3)]
        panel_size: u8,
        /// Equal verdicts that decide, 1 to the panel's size.
        #[arg(long, default_value_t = 2)]
        quorum: u8,
        /// Your number for it; the first free one by default.
        #[arg(long)]
        id: Option<u64>,
    },
    /// Change how a Datanet that you own takes batches from now on; what is not named stays.
    Configure {
        /// Its address.
        #[arg(value_parser = key)]
        datanet: Pubkey,
        /// What it is about; stored as its metadata.
        #[arg(long)]
        description: Option<String>,
        /// Least bond of a batch in OPEN.
        #[arg(long, value_parser = open)]
        min_bond: Option<u64>,
        /// Expected size of a batch's panel, 1 to 9.
        #[arg(long)]
        panel_size: Option<u8>,
        /// Equal verdicts that decide, 1 to the panel's size.
        #[arg(long)]
        quorum: Option<u8>,
    },
    /// List all Datanets.
    List,
    /// Show a Datanet.
    Show {
        /// Its address.
        #[arg(value_parser = key)]
        datanet: Pubkey,
    },
    /// Show a batch and what the validators say of it.
    Batch {
        /// The batch's address.
        #[arg(value_parser = key)]
        batch: Pubkey,
    },
    /// Take back a batch that is not submitted; its bond returns.
    CancelBatch {
        /// The batch's address.
        #[arg(value_parser = key)]
        batch: Pubkey,
    },
}

/// Who may train on a Datanet.
#[derive(Clone, Copy, ValueEnum)]
pub enum AccessArg {
    /// Everyone.
    Open,
    /// Holders of a live grant.
    Permissioned,
}

/// What a Datanet's content is.
#[derive(Clone, Copy, ValueEnum)]
pub enum ModalityArg {
    /// UTF-8 text.
    Text,
    /// Images.
    Image,
    /// Sound.
    Audio,
    /// Rows and columns.
    Table,
}

/// Runs it.
pub async fn run(session: &Session, command: Datanet) -> Result<()> {
    match command {
        Datanet::Create { name, licence, description, access, modality, min_bond, panel_size, quorum, id } => {
            let (client, creator) = (session.client(), session.signer()?);
            let wallet = creator.pubkey();
            session.confirm(&format!("Wallet {wallet} makes Datanet {name:?} and pays the rent of its account."))?;
            let (metadata_uri, metadata_hash) = describe(session, &name, &description, &licence).await?;
            let id = match id {
                Some(id) => id,
                None => free_id(&client, &creator.pubkey()).await?,
            };
            let args = CreateDatanetArgs {
                id,
                name: name.clone(),
                metadata_uri,
                metadata_hash,
                modality: match modality {
                    ModalityArg::Text => Modality::Text,
                    ModalityArg::Image => Modality::Image,
                    ModalityArg::Audio => Modality::Audio,
                    ModalityArg::Table => Modality::Table,
                },
                licence,
                access: match access {
                    AccessArg::Open => Access::Open,
                    AccessArg::Permissioned => Access::Permissioned,
                },
                min_bond,
                panel_size,
                quorum,
            };
            let signature = client.send(&[ix::datanet::create_datanet(&creator.pubkey(), args)], &[&*creator]).await?;
            let address = pda::datanet(&creator.pubkey(), id);
            let made = json!({ "datanet": address.to_string(), "id": id, "signature": signature.to_string() });
            session.output.show(&made, |_| format!("Datanet {name} is {address}"))
        }
        Datanet::Configure { datanet, description, min_bond, panel_size, quorum } => {
            let (client, owner) = (session.client(), session.signer()?);
            let now: Account = client.account(&datanet).await?;
            let (metadata_uri, metadata_hash) = match description {
                Some(text) => describe(session, &now.name, &text, &now.licence).await?,
                None => (now.metadata_uri, now.metadata_hash),
            };
            let args = ConfigureArgs {
                metadata_uri,
                metadata_hash,
                min_bond: min_bond.unwrap_or(now.min_bond),
                panel_size: panel_size.unwrap_or(now.panel_size),
                quorum: quorum.unwrap_or(now.quorum),
            };
            let signature = client.send(&[ix::datanet::configure(&owner.pubkey(), &datanet, args)], &[&*owner]).await?;
            let done = json!({ "datanet": datanet.to_string(), "signature": signature.to_string() });
            session.output.show(&done, |_| format!("Datanet {datanet} takes batches by the new terms"))
        }
        Datanet::List => {
            let all = session.caught_up().await.datanets().await?;
            let headers = ["address", "name", "access", "licence", "batches", "contributions", "contributors"];
            session.output.list(&all, &headers, |d| {
                let counts = [d.accepted, d.contributions, d.contributors].map(|n| n.to_string());
                [vec![d.address.clone(), d.name.clone(), d.access.clone(), d.licence.clone()], counts.to_vec()].concat()
            })
        }
        Datanet::Show { datanet } => {
            let found = session.caught_up().await.datanet(&datanet).await?;
            let found = found
                .ok_or_else(|| failure::of(ErrorKind::NotFound, format!("the indexer knows no Datanet {datanet}")))?;
            session.output.show(&found, |d| {
                fields(&[
                    ("name", d.name.clone()),
                    ("address", d.address.clone()),
                    ("owner", d.owner.clone()),
                    ("access", d.access.clone()),
                    ("licence", d.licence.clone()),
                    ("content", d.modality.clone()),
                    ("description", d.metadata_uri.clone()),
                    ("least bond", amount(d.min_bond)),
                    ("batches", format!("{} opened, {} accepted, {} rejected", d.batches, d.accepted, d.rejected)),
                    ("contributions", format!("{} by {}", d.contributions, d.contributors)),
                    ("root", d.root.clone()),
                ])
            })
        }
        Datanet::Batch { batch } => {
            let found = session.caught_up().await.batch(&batch).await?;
            let found =
                found.ok_or_else(|| failure::of(ErrorKind::NotFound, format!("the indexer knows no batch {batch}")))?;
            session.output.show(&found, |b| {
                let verdict = |r: &Review| match r.approve {
                    None => "committed to a verdict".to_owned(),
                    Some(true) => "approves".to_owned(),
                    Some(false) => "rejects".to_owned(),
                };
                let reviews = b.reviews.iter().map(|r| vec![r.validator.clone(), verdict(r)]);
                let bond = match b.status.as_str() {
                    "accepted" | "expired" => "returned",
                    "rejected" => "forfeited",
                    _ => "held until it is decided",
                };
                fields(&[
                    ("address", b.address.clone()),
                    ("Datanet", b.datanet.clone()),
                    ("status", b.status.clone()),
                    ("documents", b.count.to_string()),
                    ("bond", format!("{}, {bond}", amount(b.bond))),
                ]) + &table(&["validator", "verdict"], reviews)
            })
        }
        Datanet::CancelBatch { batch } => {
            let (client, contributor) = (session.client(), session.signer()?);
            let account: Batch = client.account(&batch).await?;
            let mint = open_mint(&client).await?;
            let ix = ix::datanet::cancel_batch(&contributor.pubkey(), &account.datanet, &batch, &mint);
            let signature = client.send(&[ix], &[&*contributor]).await?;
            let done = json!({ "batch": batch.to_string(), "returned": account.bond.to_string(), "signature": signature.to_string() });
            session.output.show(&done, |_| {
                table(&["batch taken back", "bond returned"], [vec![batch.to_string(), amount(account.bond)]])
            })
        }
    }
}

/// Stores a description; its URI and hash.
async fn describe(session: &Session, name: &str, description: &str, licence: &str) -> Result<(String, [u8; 32])> {
    let metadata = serde_json::to_vec(&json!({ "name": name, "description": description, "licence": licence }))?;
    let hash = session.shared_store()?.put_blob(metadata).await?;
    Ok((format!("blob:{}", hex::encode(hash)), hash))
}

/// The creator's first number without a Datanet.
async fn free_id(client: &Client, creator: &Pubkey) -> Result<u64> {
    let mut id = 0;
    while client.account_opt::<Account>(&pda::datanet(creator, id)).await?.is_some() {
        id += 1;
    }
    Ok(id)
}
