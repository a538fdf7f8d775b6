//! `openledger review`.

use super::{key, short};
use crate::{output::table, settings::Session};
use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use datanet::state::Batch;
use openledger_sdk::{
    AnySigner,
    flow::review::{Action, Reviewer, SealedVerdicts},
    review::{Fault, Judgement, Limits},
    store::Store,
};
use serde_json::{Value, json};
use solana_pubkey::Pubkey;
use std::time::Duration;

/// Review batches as a validator.
#[derive(Subcommand)]
pub enum Review {
    /// List batches under review, and whether you are drawn.
    List {
        /// Only of this Datanet.
        #[arg(long, value_parser = key)]
        datanet: Option<Pubkey>,
    },
    /// Judge a batch and commit to the verdict.
    #[command(
        after_help = "The verdict is judged from the documents unless --approve or --reject gives yours. It is kept on disk
until it is revealed, so reveal on the same machine.

Example: openledger review commit BATCH --reject --quality 0"
    )]
    Commit {
        /// The batch.
        #[arg(value_parser = key)]
        batch: Pubkey,
        /// Approve whatever the checks say.
        #[arg(long, conflicts_with = "reject")]
        approve: bool,
        /// Reject whatever the checks say.
        #[arg(long)]
        reject: bool,
        /// Quality in 0..=10,000; what the checks say by default.
        #[arg(long, value_parser = clap::value_parser!(u16).range(0..=10_000))]
        quality: Option<u16>,
        #[command(flatten)]
        limits: LimitsArgs,
    },
    /// Reveal a verdict, once the time to commit is over.
    Reveal {
        /// The batch.
        #[arg(value_parser = key)]
        batch: Pubkey,
    },
    /// Review everything you are drawn for, for ever.
    #[command(after_help = "Example: openledger review run --datanet DATANET --near 0.7")]
    Run {
        /// Only of this Datanet.
        #[arg(long, value_parser = key)]
        datanet: Option<Pubkey>,
        /// Seconds between two looks.
        #[arg(long, default_value_t = 2)]
        every: u64,
        /// Do what can be done now, then stop.
        #[arg(long)]
        once: bool,
        #[command(flatten)]
        limits: LimitsArgs,
    },
}

/// What is tolerated.
#[derive(Args, Clone, Copy)]
pub struct LimitsArgs {
    /// Similarity from which a document counts as a copy, 0 to 1.
    #[arg(long, default_value_t = 0.8, value_parser = share)]
    near: f64,
    /// Share of documents at fault up to which a batch is approved, 0 to 1.
    #[arg(long, default_value_t = 0.1, value_parser = share)]
    tolerate: f64,
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(x) if (0.0..=1.0).contains(&x) => Ok(x),
        _ => Err("write a number from 0 to 1".into()),
    }
}

impl From<LimitsArgs> for Limits {
    fn from(a: LimitsArgs) -> Self {
        let ppm = |share: f64| (share * 1e6).round() as u64;
        Self { near_ppm: ppm(a.near), tolerated_ppm: ppm(a.tolerate), ..Self::default() }
    }
}

/// A reviewer that judges by what is in `store`.
fn reviewer<'a>(session: &Session, store: Store, validator: &'a AnySigner, limits: Limits) -> Result<Reviewer<'a>> {
    let folder = session.state_folder().join("verdicts").join(validator.pubkey().to_string());
    let reviewer = Reviewer::new(session.client(), store, validator, SealedVerdicts::open(folder)?, limits);
    Ok(reviewer.with_index(session.indexer()))
}

/// Runs it.
pub async fn run(session: &Session, command: Review) -> Result<()> {
    let validator = session.signer()?;
    match command {
        Review::List { datanet } => {
            let pending =
                reviewer(session, session.store()?, &*validator, Limits::default())?.pending(datanet.as_ref()).await?;
            let rows: Vec<Value> = pending
                .iter()
                .map(|p| {
                    json!({
                        "batch": p.address.to_string(), "datanet": p.batch.datanet.to_string(),
                        "contributor": p.batch.contributor.to_string(), "documents": p.batch.count,
                        "commits": p.batch.reviews.len(), "commit_until": p.batch.commit_until,
                        "reveal_until": p.batch.reveal_until, "drawn": p.drawn,
                    })
                })
                .collect();
            session.output.show(&rows, |_| {
                let headers = ["batch", "datanet", "documents", "commits", "commit until", "reveal until", "drawn"];
                table(
                    &headers,
                    pending.iter().map(|p| {
                        let drawn = match p.drawn {
                            Some(true) => "yes",
                            Some(false) => "no",
                            None => "not yet",
                        };
                        let b = &p.batch;
                        vec![
                            p.address.to_string(),
                            short(&b.datanet.to_string()),
                            b.count.to_string(),
                            b.reviews.len().to_string(),
                            b.commit_until.to_string(),
                            b.reveal_until.to_string(),
                            drawn.into(),
                        ]
                    }),
                )
            })
        }
        Review::Commit { batch, approve, reject, quality, limits } => {
            let mut reviewer = reviewer(session, session.shared_store()?, &*validator, limits.into())?;
            let account: Batch =
                session.client().account(&batch).await.context("only a pending batch has an account")?;
            let judgement = match reviewer.inspect(&batch, &account).await {
                // Whoever rejects whatever the checks say does so also where they cannot be made.
                Err(error) if reject => {
                    session.output.tell(&format!("the checks could not be made: {error}"));
                    Judgement { approve: false, quality: 0, faults: vec![] }
                }
                judged => judged?,
            };
            let verdict = (approve || judgement.approve) && !reject;
            let sealed = reviewer.commit(&batch, &account, verdict, quality.unwrap_or(judgement.quality)).await?;
            let committed = Judgement { approve: sealed.approve, quality: sealed.quality, faults: judgement.faults };
            print(session, &Action::Committed(batch, committed))
        }
        Review::Reveal { batch } => {
            let account: Batch =
                session.client().account(&batch).await.context("only a pending batch has an account")?;
            reviewer(session, session.store()?, &*validator, Limits::default())?.reveal(&batch, &account).await?;
            print(session, &Action::Revealed(batch))
        }
        Review::Run { datanet, every, once, limits } => {
            let mut reviewer = reviewer(session, session.shared_store()?, &*validator, limits.into())?;
            loop {
                match reviewer.pass(datanet.as_ref()).await {
                    Ok(actions) => actions.iter().try_for_each(|a| print(session, a))?,
                    Err(e) if once => return Err(e.into()),
                    // The node may be unreachable for a while, so the loop goes on.
                    Err(e) => session.output.error(&e.into()),
                }
                if once {
                    return Ok(());
                }
                tokio::time::sleep(Duration::from_secs(every)).await;
            }
        }
    }
}

fn print(session: &Session, action: &Action) -> Result<()> {
    let value = match action {
        Action::Committed(batch, j) => {
            let faults: Vec<Value> =
                j.faults.iter().map(|(place, f)| json!({ "leaf": place, "fault": describe(f) })).collect();
            json!({
                "action": "committed", "batch": batch.to_string(), "approve": j.approve, "quality": j.quality,
                "faults": faults,
            })
        }
        Action::Revealed(batch) => json!({ "action": "revealed", "batch": batch.to_string() }),
        Action::Finalised(batch, accepted) => {
            json!({ "action": "finalised", "batch": batch.to_string(), "accepted": accepted })
        }
        Action::Expired(batch) => json!({ "action": "expired", "batch": batch.to_string() }),
    };
    session.output.show(&value, |_| match action {
        Action::Committed(batch, j) => {
            let verdict = if j.approve { "approve" } else { "reject" };
            let faults: String =
                j.faults.iter().map(|(place, f)| format!("\n  leaf {place}: {}", describe(f))).collect();
            format!("{batch}: committed to {verdict}, quality {}{faults}", j.quality)
        }
        Action::Revealed(batch) => format!("{batch}: verdict revealed"),
        Action::Finalised(batch, true) => format!("{batch}: accepted into its Datanet"),
        Action::Finalised(batch, false) => format!("{batch}: rejected, its bond is forfeited"),
        Action::Expired(batch) => format!("{batch}: closed undecided, its bond returned"),
    })
}

/// What is wrong with a leaf, for people.
pub(super) fn describe(fault: &Fault) -> String {
    match fault {
        Fault::Missing => "its content is not in the artifact store".into(),
        Fault::NotText => "it is not UTF-8 text".into(),
        Fault::TooShort { characters } => format!("too short: {characters} letters and digits"),
        Fault::TooLong { bytes } => format!("too long: {bytes} bytes"),
        Fault::NoTarget { target } => format!("{} is no accepted document of this Datanet", hex::encode(target)),
        Fault::Removed { target } => format!("{} was removed", hex::encode(target)),
        Fault::NotTheirs { target, of } => format!("{} is {of}'s to remove", hex::encode(target)),
        Fault::Copy { of, ppm } => format!("{}.{} % a copy of {}", ppm / 10_000, ppm / 1_000 % 10, hex::encode(of)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_become_parts_per_million() {
        let limits: Limits = LimitsArgs { near: 0.7, tolerate: 0.0 }.into();
        assert_eq!((limits.near_ppm, limits.tolerated_ppm), (700_000, 0));
        assert!(share("1.1").is_err() && share("-0.1").is_err() && share("NaN").is_err());
    }

    #[test]
    fn faults_are_described_with_their_measure() {
        let text = describe(&Fault::Copy { of: [0xab; 32], ppm: 987_654 });
        assert!(text.starts_with("98.7 % a copy of abab"), "{text}");
    }
}
