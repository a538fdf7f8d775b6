//! `openledger receipt`.

use super::{amount, key};
use crate::{failure, output::fields, settings::Session};
use anyhow::Result;
use clap::Subcommand;
use openledger_sdk::{ErrorKind, flow::chat::find_payment, pda, receipt::Answer, text::parse_hash};
use serde_json::json;
use solana_pubkey::Pubkey;
use stake::state::Operator;

/// Check answers and their receipts.
#[derive(Subcommand)]
pub enum Receipt {
    /// Check an answer: its signature, its receipt, and its payment on the ledger.
    #[command(after_help = "Examples:
  openledger receipt verify answer.json
  openledger receipt verify REQUEST
  openledger receipt verify answer.json --offline --identity KEY     (without asking anybody)")]
    Verify {
        /// File with the signed answer, or the request's name.
        answer: String,
        /// Identity key of the operator; read from the ledger by default.
        #[arg(long, value_parser = key)]
        identity: Option<Pubkey>,
        /// Do not ask the ledger for the payment.
        #[arg(long, requires = "identity")]
        offline: bool,
    },
}

/// Runs it.
pub async fn run(session: &Session, command: Receipt) -> Result<()> {
    let Receipt::Verify { answer, identity, offline } = command;
    let answer: Answer = match std::fs::read(&answer) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map_err(|e| failure::of(ErrorKind::Input, format!("{answer} is not a signed answer: {e}")))?,
        Err(e) => match parse_hash(&answer) {
            Ok(request) if !offline => {
                let row = session.caught_up().await.receipt(&request).await?;
                let row = row
                    .ok_or_else(|| failure::of(ErrorKind::NotFound, format!("nobody has paid for request {answer}")))?;
                row.answer.ok_or_else(|| {
                    failure::of(ErrorKind::Unanswered, format!("request {answer} is paid for but not answered"))
                })?
            }
            Ok(_) => {
                let message = format!("give a file: offline nobody can be asked for request {answer}");
                return Err(failure::of(ErrorKind::Input, message));
            }
            Err(_) => {
                let message = format!("{answer} is neither a readable file ({e}) nor the name of a request");
                return Err(failure::of(ErrorKind::Input, message));
            }
        },
    };
    let identity = match identity {
        Some(identity) => identity,
        None => session.client().account::<Operator>(&pda::operator(&answer.operator)).await?.identity,
    };
    answer.verify(&identity)?;
    if !offline {
        let paid = find_payment(&session.client(), &answer.payment_signature).await?;
        answer.verify_payment(&paid, &answer.payment_signature)?;
    }
    let shown = json!({
        "request": hex::encode(answer.request), "operator": answer.operator.to_string(),
        "identity": identity.to_string(), "signature": true, "payment": !offline,
        "contributors": answer.receipt.contributors, "influences": answer.receipt.influences.len(),
    });
    session.output.show(&shown, |_| {
        fields(&[
            ("request", hex::encode(answer.request)),
            ("signed by", format!("operator {} with key {identity}", answer.operator)),
            (
                "payment",
                if offline {
                    "not checked".into()
                } else {
                    format!("{} in {}", amount(answer.fee), answer.payment_signature)
                },
            ),
            ("pays", format!("{} to documents by {}", amount(answer.receipt.contributors), answer.receipt.method)),
        ]) + "the answer is genuine\n"
    })
}
