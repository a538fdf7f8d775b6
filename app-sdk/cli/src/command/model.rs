//! `openledger model`.

use super::{amount, hash, key, open};
use crate::{failure, output::fields, settings::Session};
use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use model::{RegisterModelArgs, state::Model as Account};
use openledger_sdk::{Client, ErrorKind, ix, pda};
use serde_json::json;
use sha2::{Digest, Sha256};
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use std::{io::Read, path::PathBuf};

/// Models.
#[derive(Subcommand)]
pub enum Model {
    /// Register a model that you own.
    #[command(
        after_help = "Operators train it if they run its base model: `openledger model list` names models whose base they run.

Examples:
  openledger model register linux-helper --base-of MODEL --price-in 1 --price-out 4
  openledger model register linux-helper --base-file smollm2-135m.gguf --price-in 1 --price-out 4"
    )]
    Register {
        /// Its name.
        name: String,
        #[command(flatten)]
        base: Base,
        /// Price of 1,000 prompt tokens in OPEN.
        #[arg(long, value_parser = open)]
        price_in: u64,
        /// Price of 1,000 completion tokens in OPEN.
        #[arg(long, value_parser = open)]
        price_out: u64,
        /// The model whose adapter it builds on.
        #[arg(long, value_parser = key)]
        parent: Option<Pubkey>,
        /// Your number for it; the first free one by default.
        #[arg(long)]
        id: Option<u64>,
    },
    /// List all models.
    List,
    /// Show a model.
    Show {
        /// Its address.
        #[arg(value_parser = key)]
        model: Pubkey,
    },
    /// Change a model's prices.
    #[command(after_help = "Example: openledger model set-price MODEL --price-in 0.2 --price-out 0.8")]
    SetPrice {
        /// Its address.
        #[arg(value_parser = key)]
        model: Pubkey,
        /// Price of 1,000 prompt tokens in OPEN.
        #[arg(long, value_parser = open)]
        price_in: u64,
        /// Price of 1,000 completion tokens in OPEN.
        #[arg(long, value_parser = open)]
        price_out: u64,
    },
    /// Take a model out of service for good.
    Retire {
        /// Its address.
        #[arg(value_parser = key)]
        model: Pubkey,
    },
}

/// The base model.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub struct Base {
    /// SHA-256 of the base model's file.
    #[arg(long, value_parser = hash)]
    base_hash: Option<[u8; 32]>,
    /// The base model's file, to be hashed.
    #[arg(long)]
    base_file: Option<PathBuf>,
    /// The model on the network whose base it is too.
    #[arg(long, value_parser = key, value_name = "MODEL")]
    base_of: Option<Pubkey>,
}

impl Base {
    /// The base model's hash, which is looked up on the chain if another model names it.
    async fn hash(&self, client: &Client) -> Result<[u8; 32]> {
        match self.base_of {
            Some(model) => Ok(client.account::<Account>(&model).await?.base_hash),
            None => self.given(),
        }
    }

    /// The hash that is given, or that of the file.
    fn given(&self) -> Result<[u8; 32]> {
        if let Some(hash) = self.base_hash {
            return Ok(hash);
        }
        let path = self.base_file.as_ref().context("give --base-of, --base-hash or --base-file")?;
        let wrong = |e| failure::of(ErrorKind::Input, format!("cannot read {}: {e}", path.display()));
        let mut file = std::fs::File::open(path).map_err(wrong)?;
        let (mut hasher, mut buffer) = (Sha256::new(), vec![0; 1 << 20]);
        loop {
            match file.read(&mut buffer).map_err(wrong)? {
                0 => return Ok(hasher.finalize().into()),
                n => hasher.update(&buffer[..n]),
            }
        }
    }
}

/// Runs it.
pub async fn run(session: &Session, command: Model) -> Result<()> {
    let client = session.client();
    match command {
        Model::Register { name, base, price_in, price_out, parent, id } => {
            let creator = session.signer()?;
            let wallet = creator.pubkey();
            session.confirm(&format!("Wallet {wallet} registers model {name:?} and pays the rent of its account."))?;
            let id = match id {
                Some(id) => id,
                None => free_id(&client, &creator.pubkey()).await?,
            };
            let args =
                RegisterModelArgs { id, name: name.clone(), base_hash: base.hash(&client).await?, price_in, price_out };
            let ix = ix::model::register_model(&creator.pubkey(), parent.as_ref(), args);
            let signature = client.send(&[ix], &[&*creator]).await?;
            let address = pda::model(&creator.pubkey(), id);
            let made = json!({ "model": address.to_string(), "id": id, "signature": signature.to_string() });
            session.output.show(&made, |_| format!("model {name} is {address}"))
        }
        Model::List => {
            let all = session.caught_up().await.models().await?;
            let headers = ["address", "name", "status", "in / 1,000", "out / 1,000", "answers", "fees"];
            session.output.list(&all, &headers, |m| {
                vec![
                    m.address.clone(),
                    m.name.clone(),
                    m.status.clone(),
                    amount(m.price_in),
                    amount(m.price_out),
                    m.answers.to_string(),
                    amount(m.fees),
                ]
            })
        }
        Model::Show { model } => {
            let found = session.caught_up().await.model(&model).await?;
            let found =
                found.ok_or_else(|| failure::of(ErrorKind::NotFound, format!("the indexer knows no model {model}")))?;
            session.output.show(&found, |m| {
                let or_none = |t: &Option<String>| t.clone().unwrap_or_else(|| "none".into());
                let datanets: Vec<String> =
                    m.snapshots.iter().map(|s| format!("{} ({} batches)", s.datanet, s.batches)).collect();
                fields(&[
                    ("name", m.name.clone()),
                    ("address", m.address.clone()),
                    ("owner", m.owner.clone()),
                    ("status", m.status.clone()),
                    ("base model", m.base_hash.clone()),
                    ("parent", or_none(&m.parent)),
                    ("adapter", or_none(&m.adapter_hash)),
                    ("trained on", if datanets.is_empty() { "nothing yet".into() } else { datanets.join(", ") }),
                    ("1,000 tokens in", amount(m.price_in)),
                    ("1,000 tokens out", amount(m.price_out)),
                    ("answers", format!("{}, {} in fees", m.answers, amount(m.fees))),
                ])
            })
        }
        Model::SetPrice { model, price_in, price_out } => {
            let owner = session.signer()?;
            let ix = ix::model::set_price(&owner.pubkey(), &model, price_in, price_out);
            let signature = client.send(&[ix], &[&*owner]).await?;
            let done = json!({ "model": model.to_string(), "signature": signature.to_string() });
            session
                .output
                .show(&done, |_| format!("1,000 tokens cost {} in and {} out", amount(price_in), amount(price_out)))
        }
        Model::Retire { model } => {
            let owner = session.signer()?;
            session.confirm(&format!("Model {model} is taken out of service for good."))?;
            let signature = client.send(&[ix::model::retire_model(&owner.pubkey(), &model)], &[&*owner]).await?;
            let done = json!({ "model": model.to_string(), "signature": signature.to_string() });
            session.output.show(&done, |_| format!("model {model} is retired"))
        }
    }
}

/// The creator's first number without a model.
async fn free_id(client: &Client, creator: &Pubkey) -> Result<u64> {
    let mut id = 0;
    while client.account_opt::<Account>(&pda::model(creator, id)).await?.is_some() {
        id += 1;
    }
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_model_is_named_by_the_hash_of_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("base");
        let bytes = vec![7u8; (1 << 20) + 13];
        std::fs::write(&path, &bytes).unwrap();
        let base = Base { base_hash: None, base_file: Some(path), base_of: None };
        assert_eq!(base.given().unwrap(), <[u8; 32]>::from(Sha256::digest(&bytes)));
    }
}
