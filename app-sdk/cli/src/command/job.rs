//! `openledger job`.

use super::{amount, key, open};
use crate::{failure, output::fields, settings::Session};
use anyhow::Result;
use clap::Subcommand;
use datanet::state::{Access, Datanet};
use model::{
    RequestJobArgs,
    state::{Config as ModelConfig, Job as Account, JobStatus, Model},
};
use openledger_protocol::fees;
use openledger_sdk::{
    Client, ErrorKind,
    api::ServeClient,
    artifact::{JobConfig, Outlook},
    flow::{chat::members, open_mint, outlook::outlook},
    ix,
    ix::model::JobDatanet,
    pda, printable,
    wait::Wait,
};
use serde_json::{Value, json};
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use std::{
    collections::BTreeSet,
    path::PathBuf,
    time::{Duration, Instant},
};

/// Verifiers that a training pays.
const PAID_VERIFIERS: u64 = 2;
/// How often the committee's members are asked why nobody takes a job.
const ASKED_EVERY: Duration = Duration::from_secs(5);

/// Fine-tuning jobs.
#[derive(Subcommand)]
pub enum Job {
    /// Request a job for a model that you own; its budget goes into escrow.
    #[command(
        after_help = "What is not earned returns. The config is JSON; what it lacks has a default, and without --config all has.
With {\"train\": {\"runs\": 3}} the job trains three times with different seeds, and pays by the mean of the runs' scores.
That is steadier, and costs three times as much; runs is 1 to 8.

A document that is longer than an example ({\"data\": {\"max_tokens\": 128}}) is learned whole, in windows, as long as
they fit into the job's max_examples. One with more windows than a quarter of max_examples takes no part. With
max_windows only so many windows of each document are learned. What the Datanets hold, and what of it the job can
learn, is said before the budget is paid; with --dry-run nothing is paid. That counts four bytes a token, which a
network with another tokenizer may not need. `--dry-run --json` prints the whole config. A job of a model with a parent
repeats its parent's train.lora, train.runs and index.

Example:
  openledger job request MODEL --datanet DATANET --config job.json --dry-run
  openledger job request MODEL --datanet DATANET --budget 500 --config job.json"
    )]
    Request {
        /// The model.
        #[arg(value_parser = key)]
        model: Pubkey,
        /// A Datanet to train on; may be given up to eight times.
        #[arg(long = "datanet", required = true, value_parser = key)]
        datanets: Vec<Pubkey>,
        /// Budget in OPEN; by default the most that the job can cost. What is not earned returns.
        #[arg(long, value_parser = open)]
        budget: Option<u64>,
        /// File with the job's configuration.
        #[arg(long)]
        config: Option<PathBuf>,
        /// Seed of initialisation, order and sampling; random by default.
        #[arg(long)]
        seed: Option<u64>,
        /// Say what the job would learn and at most cost, and pay and send nothing.
        #[arg(long)]
        dry_run: bool,
        /// Pay for this job although the model's last one asks for the same and still waits.
        #[arg(long)]
        again: bool,
    },
    /// Follow a job until it ends.
    Watch {
        /// The job.
        #[arg(value_parser = key)]
        job: Pubkey,
        /// Stop with an error after this many minutes.
        #[arg(long, default_value_t = 1440)]
        minutes: u64,
    },
    /// List all jobs.
    List,
    /// Show a job.
    Show {
        /// The job.
        #[arg(value_parser = key)]
        job: Pubkey,
    },
    /// Call off a job that nobody has taken; its budget returns.
    Cancel {
        /// The job.
        #[arg(value_parser = key)]
        job: Pubkey,
    },
}

/// Runs it.
pub async fn run(session: &Session, command: Job) -> Result<()> {
    let client = session.client();
    match command {
        Job::Request { model, datanets, budget, config, seed, dry_run, again } => {
            let bytes = match &config {
                Some(path) => failure::named_file(path)?,
                None => serde_json::to_vec(&JobConfig::default())?,
            };
            let named = config.as_ref().map_or("the default config".into(), |p| p.display().to_string());
            // Operators refuse the same, but only after the budget is in escrow.
            let parsed = JobConfig::parse(&bytes)
                .map_err(|e| failure::of(ErrorKind::Input, format!("no operator would run {named}: {e}")))?;
            if !dry_run {
                session.answerable()?;
            }
            // Published with every setting in it, so that a later version's defaults change nothing about this job.
            let bytes = serde_json::to_vec(&parsed)?;
            let mut reads = Vec::new();
            for datanet in &datanets {
                let account = client.account::<Datanet>(datanet).await?;
                reads.push(JobDatanet { datanet: *datanet, permissioned: account.access == Access::Permissioned });
            }
            let rules: ModelConfig = client.account(&pda::model_config()).await?;
            let (index, store) = (Some(session.indexer()), session.shared_store()?);
            let (found, unread) = outlook(&client, index, &store, &datanets, &parsed.data).await?;
            if dry_run {
                let all = json!({
                    "documents": found.documents, "windows": found.windows, "tokens": found.tokens, "cut": found.cut,
                    "too_long": found.too_long, "not_looked_at": unread, "config": parsed,
                    "most_for_the_trainer": most_pay(&parsed).to_string(),
                    "most": most_fee(&parsed, rules.data_share_bps).to_string(),
                });
                return session.output.show(&all, |_| {
                    format!("{}\nnothing was paid: this was a dry run", prospect(&parsed, &found, unread))
                });
            }
            session.output.tell(&prospect(&parsed, &found, unread));
            let requester = session.signer()?;
            let wallet = requester.pubkey();
            let account: Model = client.account(&model).await?;
            if account.owner != wallet {
                let message = format!(
                    "model {model} is {}'s: only a model's owner requests its jobs; `openledger model register` makes one \
                     of yours",
                    account.owner
                );
                return Err(failure::of(ErrorKind::Input, message));
            }
            let least = most_fee(&parsed, rules.data_share_bps);
            let budget = budget.unwrap_or(least);
            if budget < least {
                session.output.tell(&format!(
                    "the budget is less than {}, the most that this job can cost: operators leave it if it costs more",
                    amount(least)
                ));
            }
            session.confirm(&format!("Wallet {wallet} puts {} into escrow for this job.", amount(budget)))?;
            // Kept only now that the job is wanted.
            let config_hash = session.shared_store()?.put_blob(bytes).await?;
            let number = client.account::<Model>(&model).await?.jobs;
            // Somebody who does not know whether the first request landed asks again.
            if let Some(last) = number.checked_sub(1).map(|last| pda::job(&model, last)).filter(|_| !again)
                && let Some(waiting) = client.account_opt::<Account>(&last).await?
                && (waiting.requester, waiting.config_hash, waiting.budget, waiting.status)
                    == (wallet, config_hash, budget, JobStatus::Requested)
                && seed.is_none_or(|seed| seed == waiting.seed)
                && waiting.snapshots.iter().map(|s| s.datanet).eq(datanets.iter().copied())
            {
                let message =
                    format!("job {last} asks for the same and waits for an operator: say --again to pay for another");
                return Err(failure::of(ErrorKind::Input, message));
            }
            let args = RequestJobArgs { config_hash, seed: seed.unwrap_or_else(rand::random), budget };
            let seed = args.seed;
            let mint = open_mint(&client).await?;
            let ix = ix::model::request_job(&requester.pubkey(), &model, number, &mint, &reads, args);
            let signature = client.send(&[ix], &[&*requester]).await?;
            let job = pda::job(&model, number);
            let made = json!({
                "job": job.to_string(), "config": hex::encode(config_hash), "seed": seed.to_string(),
                "signature": signature.to_string(),
            });
            session.output.show(&made, |_| format!("job {job} waits for an operator, {} in escrow", amount(budget)))
        }
        Job::List => {
            let all = session.caught_up().await.jobs().await?;
            let headers = ["address", "model", "status", "operator", "budget", "paid", "refunded"];
            session.output.list(&all, &headers, |j| {
                vec![
                    j.address.clone(),
                    j.model.clone(),
                    j.status.clone(),
                    j.operator.clone().unwrap_or_else(|| "none yet".into()),
                    amount(j.budget),
                    amount(j.paid),
                    amount(j.refunded),
                ]
            })
        }
        Job::Show { job } => {
            let account: Account = client.account(&job).await?;
            session.output.show(&describe(&job, &account), |v| human(v, &account))
        }
        Job::Watch { job, minutes } => {
            let mut wait = Wait::new(format!("the end of job {job}"), Duration::from_secs(minutes.saturating_mul(60)));
            let (mut last, mut asked, mut told) = (None, None, BTreeSet::new());
            loop {
                let account: Account = client.account(&job).await?;
                let now = (account.status, account.committee_epoch, account.log_root);
                if last != Some(now) {
                    session.output.show(&describe(&job, &account), |v| human(v, &account))?;
                    last = Some(now);
                }
                match account.status {
                    JobStatus::Requested | JobStatus::Running => {}
                    JobStatus::Attested => return Ok(()),
                    JobStatus::Cancelled | JobStatus::Expired => {
                        let message = format!("job {job} has ended without a result; its budget is back");
                        return Err(failure::of(ErrorKind::Refused, message));
                    }
                }
                if asked.is_none_or(|at: Instant| at.elapsed() > ASKED_EVERY) {
                    asked = Some(Instant::now());
                    tell_why(session, &client, &job, &mut told).await;
                }
                wait.pause().await?;
            }
        }
        Job::Cancel { job } => {
            let canceller = session.signer()?;
            let account: Account = client.account(&job).await?;
            let mint = open_mint(&client).await?;
            // Whoever cancels another's job does not depend on that one's token account.
            let make = ix::token::create_account(&canceller.pubkey(), &account.requester, &mint);
            let cancel = ix::model::cancel_job(&canceller.pubkey(), &account, &mint);
            let signature = client.send(&[make, cancel], &[&*canceller]).await?;
            let done = json!({ "job": job.to_string(), "signature": signature.to_string() });
            session.output.show(&done, |_| format!("job {job} is called off, {} returned", amount(account.budget)))
        }
    }
}

/// Tells what the committee's members say of a job that none of them takes, each reason once.
async fn tell_why(session: &Session, client: &Client, job: &Pubkey, told: &mut BTreeSet<String>) {
    let Ok(members) = members(client).await else { return };
    for (member, _) in members {
        let Ok(reasons) = ServeClient::new(&member.endpoint).not_done().await else { continue };
        let Some(reason) = reasons.get(&job.to_string()).map(|reason| printable(reason).into_owned()) else { continue };
        if told.insert(reason.clone()) {
            session.output.tell(&format!(
                "operator {} does not do it: {reason} (`openledger job cancel {job}` takes it back while nobody has it)",
                member.wallet
            ));
        }
    }
}

/// What a job would learn and what not, for people.
fn prospect(config: &JobConfig, found: &Outlook, unread: u64) -> String {
    let (data, of_each) = (&config.data, config.train.epochs.saturating_mul(config.train.runs));
    let mut lines = vec![
        format!(
            "the Datanets hold {} documents, about {} windows of at most {} tokens; the job draws documents of at most \
             {} windows together, and learns each window {of_each} times",
            found.documents, found.windows, data.max_tokens, data.max_examples
        ),
        format!(
            "the trainer is paid at most {}, its verifiers twice as much together, and the data a share of that besides",
            amount(most_pay(config))
        ),
    ];
    if found.too_long > 0 {
        let most = data.most_windows();
        lines.push(format!(
            "about {} of the documents have more than {most} windows, a quarter of `data.max_examples`, and take no \
             part: raise `data.max_examples` or `data.max_tokens`, or set `data.max_windows` to {most} or less, or have \
             their contributors hand them in in parts",
            found.too_long
        ));
    }
    if let Some(most) = data.max_windows.filter(|_| found.cut > 0) {
        lines.push(format!("of about {} documents only the beginning is learned: {most} windows", found.cut));
    }
    if unread > 0 {
        lines.push(format!("not looked at: {unread} documents, which this wallet may not read or the store lacks"));
    }
    lines.join("\n")
}

/// The most that a job can cost: the trainer, two verifiers that are paid as much at most, and the data share on it all.
fn most_fee(config: &JobConfig, data_share_bps: u16) -> u64 {
    let compute = most_pay(config).saturating_mul(1 + PAID_VERIFIERS);
    let data = fees::data_share(compute, data_share_bps).unwrap_or(u64::MAX);
    compute.saturating_add(data)
}

/// The most that the config's price comes to, for the operator that trains.
fn most_pay(config: &JobConfig) -> u64 {
    let (data, train) = (&config.data, &config.train);
    let factors = [data.max_examples, data.max_tokens, train.epochs, train.runs];
    let tokens = factors.into_iter().fold(1, |product, factor| (factor as u128).saturating_mul(product));
    u64::try_from(tokens.saturating_mul(train.price_per_1k_tokens.into()) / 1_000).unwrap_or(u64::MAX)
}

fn describe(address: &Pubkey, j: &Account) -> Value {
    let posted = (j.log_root != [0; 32]).then(|| hex::encode(j.log_root));
    let segments = posted.is_some().then_some(j.segments);
    let committee = (j.committee_epoch > 0).then_some(j.committee_epoch);
    json!({
        "job": address.to_string(), "model": j.model.to_string(), "number": j.number,
        "status": format!("{:?}", j.status).to_lowercase(), "requester": j.requester.to_string(),
        "operator": j.operator.map(|o| o.to_string()), "config": hex::encode(j.config_hash),
        "seed": j.seed.to_string(), "budget": j.budget.to_string(), "paid": j.paid.to_string(),
        "data_share": j.data_share.to_string(), "refunded": j.refunded.to_string(), "deadline_slot": j.deadline_slot,
        "committee": committee, "log_root": posted, "segments": segments, "waiting_slot": j.waiting_slot,
        "taking_slot": j.taking_slot, "former": j.former.map(|o| o.to_string()),
        "datanets": j.snapshots.iter().map(|s| s.datanet.to_string()).collect::<Vec<_>>(),
    })
}

fn human(v: &Value, j: &Account) -> String {
    let text = |k: &str| v[k].as_str().unwrap_or("none").to_owned();
    fields(&[
        ("job", text("job")),
        ("model", text("model")),
        ("status", text("status")),
        ("operator", text("operator")),
        ("kept for", text("former")),
        ("committee", v["committee"].as_u64().map_or("none".into(), |epoch| epoch.to_string())),
        ("training log", text("log_root")),
        ("segments", v["segments"].as_u64().map_or("none".into(), |segments| segments.to_string())),
        ("budget", amount(j.budget)),
        ("paid", amount(j.paid)),
        ("data share", amount(j.data_share)),
        ("refunded", amount(j.refunded)),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_learned_and_what_not_is_said_before_anything_is_paid() {
        let mut config = JobConfig::default();
        let sizes = [(20, 400), (20, 1_000), (20, 100_000)];
        let said = |config: &JobConfig| prospect(config, &Outlook::of(&config.data, sizes), 2);
        let whole = said(&config);
        assert!(whole.contains("3 documents, about 4 windows of at most 128 tokens"), "{whole}");
        assert!(whole.contains("about 1 of the documents have more than 12 windows"), "{whole}");
        assert!(whole.contains("not looked at: 2 documents") && !whole.contains("beginning"), "{whole}");
        // 48 examples of 128 tokens, four times, at .05 OPEN for 1,000.
        assert_eq!(most_pay(&config), 1_228_800_000);
        config.data.max_windows = Some(1);
        let first = said(&config);
        assert!(first.contains("of about 2 documents only the beginning is learned: 1 windows"), "{first}");
        assert!(!first.contains("more than"), "{first}");
        config.train.price_per_1k_tokens = u64::MAX;
        assert_eq!(most_pay(&config), u64::MAX);
    }
}
