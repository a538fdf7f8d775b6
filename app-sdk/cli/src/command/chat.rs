//! `openledger chat`.

use super::{amount, hash, key, open};
use crate::{failure, output::table, settings::Session};
use anyhow::{Context, Result};
use clap::Args;
use openledger_sdk::{
    ErrorKind, SdkError,
    api::{
        ServeClient,
        serve::{ChatRequest, Quote},
    },
    flow::chat::{Server, ask, collect, find_payment, servers},
    receipt::Answer,
};
use solana_pubkey::Pubkey;
use std::path::PathBuf;

/// Ask a model: quote, pay, answer with attribution.
#[derive(Args)]
#[command(after_help = "Examples:
  openledger chat --model MODEL --prompt \"What does printf return?\" --stream
  openledger chat --model MODEL --prompt \"…\" --most 0.5 --out answer.json
  openledger chat --model MODEL --prompt \"…\" --request REQUEST --payment SIGNATURE   (fetch what is paid for)")]
pub struct Chat {
    /// The model.
    #[arg(long, value_parser = key)]
    model: Pubkey,
    /// The question.
    #[arg(long)]
    prompt: String,
    /// Print the answer as it is generated.
    #[arg(long)]
    stream: bool,
    /// Most tokens of the answer.
    #[arg(long, default_value_t = 64)]
    max_tokens: usize,
    /// Most OPEN to pay; whatever it is, no more is paid than the model's price on chain.
    #[arg(long, value_parser = open)]
    most: Option<u64>,
    /// Ask only the operator with this wallet.
    #[arg(long, value_parser = key)]
    operator: Option<Pubkey>,
    /// File for the signed answer with its receipt.
    #[arg(long)]
    out: Option<PathBuf>,
    /// A request that is paid for already.
    #[arg(long, value_parser = hash, requires = "payment")]
    request: Option<[u8; 32]>,
    /// The transaction that paid for it.
    #[arg(long, requires = "request")]
    payment: Option<String>,
}

/// Runs it.
pub async fn run(session: &Session, args: Chat) -> Result<()> {
    let client = session.client();
    if args.prompt.trim().is_empty() {
        return Err(failure::of(ErrorKind::Input, "the prompt is empty: ask something"));
    }
    let mut all = servers(&client).await?;
    if let Some(wallet) = args.operator {
        all.retain(|s| s.wallet == wallet);
    }
    let stream = args.stream && !session.output.is_json();
    let request = ChatRequest { stream, ..ChatRequest::ask(&args.model, &args.prompt, args.max_tokens) };
    // A reader that has gone must not end what is paid for.
    let on_text = |text: &str| drop(session.output.piece(text));
    let asked = match (args.request, &args.payment) {
        (Some(name), Some(payment)) => {
            let paid = find_payment(&client, payment).await?;
            let server = all.iter().find(|s: &&Server| s.wallet == paid.operator).ok_or_else(|| {
                let message = "the operator that was paid does not serve now: try again later";
                failure::of(ErrorKind::Unreachable, message)
            })?;
            let quote = Quote {
                request: hex::encode(name),
                model: paid.model.to_string(),
                operator: paid.operator.to_string(),
                amount: paid.amount.into(),
                prompt_tokens: 0,
                max_tokens: args.max_tokens,
            };
            let payment = payment
                .parse()
                .map_err(|_| failure::of(ErrorKind::Input, "--payment is not a transaction signature"))?;
            // If the server has answered this request before, it gives the answer without computing it again.
            match ServeClient::new(&server.endpoint).receipt(&name).await {
                Ok(answer) if answer.verify(&server.identity).is_ok() => {
                    return show(session, &answer, args.out, false);
                }
                _ => collect(&client, server, &request, &quote, &payment, on_text).await.map_err(|e| {
                    let (request, source) = (name, Box::new(e));
                    SdkError::Unanswered { request, payment, source }
                })?,
            }
        }
        _ => ask(&client, &*session.signer()?, &all, &request, args.most, on_text).await?,
    };
    show(session, &asked.answer, args.out, stream)
}

fn show(session: &Session, answer: &Answer, out: Option<PathBuf>, printed: bool) -> Result<()> {
    if let Some(path) = out {
        std::fs::write(&path, serde_json::to_vec_pretty(answer)?)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    session.output.show(answer, |a| {
        let text = if printed { String::new() } else { a.text.clone() };
        let influences = a.receipt.influences.iter().map(|i| {
            vec![
                format!("{}.{:02} %", i.ppm / 10_000, i.ppm / 100 % 100),
                amount(i.amount),
                i.title.clone(),
                i.owner.to_string(),
                hex::encode(i.leaf),
            ]
        });
        let quotes: String = a
            .receipt
            .spans
            .iter()
            .map(|s| {
                let titles: Vec<&str> = s.documents.iter().map(|d| d.title.as_str()).collect();
                format!("\nverbatim in {}: {:?}", titles.join(", "), s.text.trim())
            })
            .collect();
        format!(
            "{text}\n\n{} for {} tokens in, {} out; request {}\n{}{quotes}",
            amount(a.fee),
            a.prompt_tokens.len(),
            a.output_tokens.len(),
            hex::encode(a.request),
            table(&["share", "paid", "document", "contributor", "leaf"], influences)
        )
    })
}
