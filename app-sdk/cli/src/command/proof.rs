//! `openledger proof`.

use super::hash;
use crate::{failure, output::fields, settings::Session};
use anyhow::{Context, Result, bail};
use clap::Subcommand;
use datanet::state::Datanet;
use openledger_sdk::{
    ErrorKind,
    proof::{ContributionProof, datanet_root},
};
use serde_json::json;
use std::path::PathBuf;

/// Prove that a contribution is in its Datanet.
#[derive(Subcommand)]
pub enum Proof {
    /// Fetch the proof of a contribution.
    #[command(after_help = "Example: openledger proof contribution LEAF --out proof.json")]
    Contribution {
        /// The contribution's leaf hash.
        #[arg(value_parser = hash)]
        leaf: [u8; 32],
        /// File for the proof.
        #[arg(long)]
        out: PathBuf,
    },
    /// Check a proof, offline.
    #[command(
        after_help = "Offline this shows that the contribution is under the root that it prints. With --online that root is
compared with the Datanet's present one on the ledger.

Example: openledger proof verify proof.json --online"
    )]
    Verify {
        /// File with the proof.
        file: PathBuf,
        /// Compare with the ledger.
        #[arg(long)]
        online: bool,
    },
}

/// Runs it.
pub async fn run(session: &Session, command: Proof) -> Result<()> {
    match command {
        Proof::Contribution { leaf, out } => {
            let name = hex::encode(leaf);
            let found = session.caught_up().await.contribution(&leaf).await?;
            let found = found
                .ok_or_else(|| failure::of(ErrorKind::NotFound, format!("the indexer knows no contribution {name}")))?;
            let Some(proof) = found.proof else {
                bail!("contribution {name} is {}: only accepted ones are in their Datanet", found.contribution.status)
            };
            // The indexer need not be trusted, so the proof is verified before it is written.
            proof.verify()?;
            if proof.leaf != leaf {
                let message = "the indexer answered with the proof of another contribution";
                return Err(failure::of(ErrorKind::Untrusted, message));
            }
            std::fs::write(&out, serde_json::to_vec_pretty(&proof)?)
                .with_context(|| format!("cannot write {}", out.display()))?;
            let shown = json!({ "leaf": name, "file": out, "root": hex::encode(proof.root) });
            session.output.show(&shown, |_| format!("proof of {name} is in {}", out.display()))
        }
        Proof::Verify { file, online } => {
            let bytes = failure::named_file(&file)?;
            let proof: ContributionProof = serde_json::from_slice(&bytes)
                .map_err(|e| failure::of(ErrorKind::Input, format!("{} is not a proof: {e}", file.display())))?;
            if online {
                let account: Datanet = session.client().account(&proof.datanet).await?;
                proof.verify_against(&proof.datanet, &datanet_root(&account)?)?;
            } else {
                proof.verify()?;
            }
            let shown = json!({
                "leaf": hex::encode(proof.leaf), "datanet": proof.datanet.to_string(),
                "contributor": proof.contributor.to_string(), "root": hex::encode(proof.root), "on_ledger": online,
            });
            session.output.show(&shown, |_| {
                let root = if online { "the Datanet's present root" } else { "not compared with the ledger" };
                fields(&[
                    ("leaf", hex::encode(proof.leaf)),
                    ("contributor", proof.contributor.to_string()),
                    ("datanet", proof.datanet.to_string()),
                    ("root", format!("{} ({root})", hex::encode(proof.root))),
                ]) + "the contribution is in the Datanet\n"
            })
        }
    }
}
