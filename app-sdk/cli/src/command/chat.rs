//! `openledger chat`.

use super::{amount, hash, key, open};
use crate::{
    failure,
    output::{Output, table},
    settings::Session,
};
use anyhow::{Context, Result};
use clap::Args;
use openledger_sdk::{
    ErrorKind,
    api::serve::{ChatRequest, Quote},
    flow::chat::{answer_to, fetch, find_payment, offer, servers},
    receipt::Answer,
};
use serde_json::json;
use solana_pubkey::Pubkey;
use solana_signature::Signature;
use std::{
    fs::{File, OpenOptions},
    io::{ErrorKind as FileErrorKind, Write},
    path::PathBuf,
};

/// Ask a model: quote, pay, answer with attribution.
#[derive(Args)]
#[command(after_help = "Examples:
  openledger chat --model MODEL --prompt \"What does printf return?\" --stream
  openledger chat --model MODEL --prompt \"…\" --most 0.5 --out answer.json
  openledger chat --model MODEL --prompt \"…\" --payment SIGNATURE      (fetch what is paid for)")]
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
    /// Most OPEN to pay without being asked; whatever it is, no more is paid than the model's price on chain.
    #[arg(long, value_parser = open)]
    most: Option<u64>,
    /// Ask only the operator with this wallet.
    #[arg(long, value_parser = key)]
    operator: Option<Pubkey>,
    /// File for the signed answer with its receipt.
    #[arg(long)]
    out: Option<PathBuf>,
    /// The transaction that has paid for the answer already.
    #[arg(long, value_parser = signature)]
    payment: Option<Signature>,
    /// The request that it paid for, if it is to be compared.
    #[arg(long, value_parser = hash, requires = "payment")]
    request: Option<[u8; 32]>,
}

fn signature(text: &str) -> Result<Signature, String> {
    text.parse().map_err(|_| format!("{text:?} is not a transaction signature"))
}

/// Runs it.
pub async fn run(session: &Session, args: Chat) -> Result<()> {
    let client = session.client();
    if args.prompt.trim().is_empty() {
        return Err(failure::of(ErrorKind::Input, "the prompt is empty: ask something"));
    }
    // Whoever has said how much may be paid has been asked.
    let ask = args.payment.is_none() && args.most.is_none();
    if ask {
        session.answerable()?;
    }
    // What is paid for must have a place.
    let out = args.out.map(Out::open).transpose()?;
    let mut all = servers(&client).await?;
    let stream = args.stream && !session.output.is_json();
    let request = ChatRequest { stream, ..ChatRequest::ask(&args.model, &args.prompt, args.max_tokens) };
    let mut printed = false;
    // A reader that has gone must not end what is paid for.
    let on_text = |text: &str| {
        printed = true;
        drop(session.output.piece(text));
    };
    let asked = match args.payment {
        Some(payment) => {
            if let Some(named) = args.request {
                let paid = find_payment(&client, &payment.to_string()).await?.request;
                if paid != named {
                    let message = format!("{payment} has paid for request {}: leave out --request", hex::encode(paid));
                    return Err(failure::of(ErrorKind::Input, message));
                }
            }
            fetch(&client, &all, &request, &payment, on_text).await?
        }
        None => {
            if let Some(wallet) = args.operator {
                all.retain(|s| s.wallet == wallet);
            }
            let payer = session.signer()?;
            let offer = offer(&client, &all, &request, args.most).await?;
            if ask {
                let (wallet, price) = (payer.pubkey(), amount(offer.quote.amount));
                let (operator, quote) = (offer.server.wallet, &offer.quote);
                session.confirm(&format!(
                    "Wallet {wallet} pays operator {operator} {price} for a prompt of {} tokens and an answer of up to {}.",
                    quote.prompt_tokens, quote.max_tokens
                ))?;
            }
            let client = client.with_herald(herald(session.output, &offer.quote));
            answer_to(&client, &*payer, &offer, &request, on_text).await?
        }
    };
    if let Some(counted) = asked.overcounted() {
        let (wallet, has) = (&asked.quote.operator, asked.answer.prompt_tokens.len());
        session.output.tell(&format!(
            "operator {wallet} was paid for {counted} tokens of a prompt that has {has}: ask another one with --operator"
        ));
    }
    show(session, &asked.answer, out, printed)
}

/// Tells how to get the answer before its payment is sent, so that whoever breaks off does not pay twice.
fn herald(output: Output, quote: &Quote) -> impl Fn(&Signature) + Send + Sync + use<> {
    let (request, price) = (quote.request.clone(), amount(quote.amount));
    move |payment| {
        let noted = json!({ "request": request, "payment": payment.to_string() });
        output.note(
            &noted,
            &format!(
                "paying {price} for request {request} by {payment}; if this breaks off, say the same again with \
                 --payment {payment}"
            ),
        );
    }
}

/// The file for the answer. It is opened before anything is paid.
struct Out {
    path: PathBuf,
    file: File,
    /// Whether it is an empty file that was made here. It does not stay without an answer.
    fresh: bool,
}

impl Out {
    fn open(path: PathBuf) -> Result<Self> {
        let (file, fresh) = match File::create_new(&path) {
            Err(e) if e.kind() == FileErrorKind::AlreadyExists => (OpenOptions::new().write(true).open(&path), false),
            other => (other, true),
        };
        let file = file.with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { path, file, fresh })
    }

    fn write(mut self, bytes: &[u8]) -> Result<()> {
        self.fresh = false;
        let written = self.file.set_len(0).and_then(|()| self.file.write_all(bytes));
        written.with_context(|| format!("cannot write {}", self.path.display()))
    }
}

impl Drop for Out {
    fn drop(&mut self) {
        if self.fresh {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn show(session: &Session, answer: &Answer, out: Option<Out>, printed: bool) -> Result<()> {
    if let Some(out) = out {
        out.write(&serde_json::to_vec_pretty(answer)?)?;
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
