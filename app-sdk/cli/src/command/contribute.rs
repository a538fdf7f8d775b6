//! `openledger contribute`.

use super::{amount, key, open, review::describe};
use crate::{
    documents::{Columns, Found, Passed, Reading, read},
    failure,
    output::{fields, table},
    settings::Session,
};
use anyhow::Result;
use clap::Args;
use datanet::state::{BatchStatus, Datanet};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use openledger_sdk::{
    AnySigner, ErrorKind, SdkError,
    artifact::{DataSettings, Outlook},
    flow::{
        contribute::{
            Contributed, Contribution, Form, Progress, Step, contribute_as, lamports, manifest, pending, place_of,
            room_of, steps,
        },
        held::held,
        known::Known,
        open_mint,
    },
    ix,
    manifest::{Kind, MAX_LEAVES, MOST_TEXT, Metadata},
    pda,
    review::Limits,
    text::parse_hash,
};
use openledger_text::printable;
use serde_json::{Value, json};
use solana_pubkey::Pubkey;
use std::{collections::HashMap, path::PathBuf};

/// Contribute a folder of documents.
#[derive(Args)]
#[command(
    after_help = "Every file in the folder is a document: plain text and Markdown as they are, of HTML, DOCX and PDF the text, of
CSV and JSON lines each row (the columns text and title, or those that --text-column and --title-column name). What is
learned is the text; the manifest names the file that it is from. A file NAME.meta.json beside NAME gives its title,
author, licence and source; what it lacks comes from the flags.

Before anything is paid, every text is judged as validators will judge it, with their usual limits. What they would
find at fault is passed over and listed, and so is what is no document: hidden files, symbolic links (but for --follow),
empty or too large files, files that are not UTF-8. Then you are asked. Only what the Datanet does not have yet is
sent: the same command on a folder that has grown, or after an interruption, adds what is missing.

A label, correction or removal is about one document of the Datanet, named by its leaf: the file holds the label, the
corrected text or the reason. Validators check that the document is there, and that who removes it contributed it or
governs the Datanet. A removed document is not trained on again.

With --bulk the leaf hashes stay in the manifest and the ledger holds their root alone: for imports of hundreds of
thousands of documents.

Example:
  openledger contribute ./man3 --datanet DATANET --author \"The Linux man-pages project\" --licence GPL-2.0-or-later
  openledger contribute ./answers.csv --datanet DATANET --title-column question --text-column answer --dry-run
  openledger contribute ./reason.txt --datanet DATANET --kind removal --target LEAF"
)]
pub struct Contribute {
    /// The folder (or one file).
    folder: PathBuf,
    /// The Datanet.
    #[arg(long, value_parser = key)]
    datanet: Pubkey,
    /// What the files say.
    #[arg(long, value_enum, default_value = "document")]
    kind: KindArg,
    /// Leaf of the document that a label, correction or removal is about, 64 hex digits.
    #[arg(long, value_parser = leaf_hash, required_if_eq_any = [("kind", "label"), ("kind", "correction"), ("kind", "removal")])]
    target: Option<[u8; 32]>,
    /// Author of documents that do not name theirs.
    #[arg(long, default_value = "")]
    author: String,
    /// SPDX licence expression of documents that do not name theirs.
    #[arg(long, default_value = "")]
    licence: String,
    /// Where documents are from that do not say so.
    #[arg(long, default_value = "")]
    source: String,
    /// Column of CSV and JSON lines that holds the text.
    #[arg(long)]
    text_column: Option<String>,
    /// Column of CSV and JSON lines that holds the title.
    #[arg(long)]
    title_column: Option<String>,
    /// Follow symbolic links.
    #[arg(long)]
    follow: bool,
    /// Bond of each batch in OPEN; the Datanet's minimum by default.
    #[arg(long, value_parser = open)]
    bond: Option<u64>,
    /// Most documents of a batch.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=MAX_LEAVES as i64))]
    batch_size: u32,
    /// Hand the batches in by their roots.
    #[arg(long)]
    bulk: bool,
    /// Show everything that would be signed, and pay and send nothing.
    #[arg(long)]
    dry_run: bool,
}

/// [`Kind`] on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum KindArg {
    /// Documents.
    Document,
    /// Labels for `--target`.
    Label,
    /// Text that replaces that of `--target`.
    Correction,
    /// A wish that `--target` no longer be used.
    Removal,
}

impl From<KindArg> for Kind {
    fn from(kind: KindArg) -> Self {
        match kind {
            KindArg::Document => Self::Document,
            KindArg::Label => Self::Label,
            KindArg::Correction => Self::Correction,
            KindArg::Removal => Self::Removal,
        }
    }
}

fn leaf_hash(text: &str) -> Result<[u8; 32], String> {
    parse_hash(text).map_err(|e| e.to_string())
}

/// What a contribution comes to, before anything is paid.
struct Plan {
    /// What is handed in.
    new: Vec<Found>,
    /// What the Datanet has or reviews already.
    held: usize,
    passed: Vec<Passed>,
    /// Number of the Datanet's documents that this wallet may not read, so that a copy of them goes unnoticed here.
    uncompared: u64,
    /// A batch that was begun and not handed in, with the number of its leaves on the ledger. Its bond is paid, and its
    /// leaves are the first of `new`.
    begun: Option<(Pubkey, usize)>,
    /// Number of the first batch in the Datanet, if nobody else opens one before.
    first: u64,
    /// Bond of each batch in base units.
    bond: u64,
    batch_size: usize,
    form: Form,
}

impl Plan {
    fn batches(&self) -> usize {
        self.new.len().div_ceil(self.batch_size)
    }

    /// The bonds that are still to be paid.
    fn bonds(&self) -> u64 {
        self.bond.saturating_mul(self.batches().saturating_sub(usize::from(self.begun.is_some())) as u64)
    }
}

/// Runs it.
pub async fn run(session: &Session, args: Contribute) -> Result<()> {
    let (found, passed) = read(&reading(&args))?;
    if found.is_empty() {
        session.output.tell(&listed(&passed));
        let message = format!("{} holds no documents", args.folder.display());
        return Err(failure::of(ErrorKind::Input, message));
    }
    let contributor = session.signer()?;
    let wallet = contributor.pubkey();
    let plan = plan(session, &args, &wallet, found, passed).await?;
    session.output.tell(&listed(&plan.passed));
    if plan.uncompared > 0 {
        session.output.tell(&format!(
            "not compared: {} documents of this Datanet, which this wallet may not read; validators find copies of them",
            plan.uncompared
        ));
    }
    if plan.new.is_empty() {
        return finish(session, &plan, &[]);
    }
    session.output.tell(&summary(&plan));
    if args.dry_run {
        return show_transactions(session, &plan, &args.datanet, &*contributor).await;
    }
    affordable(session, &plan, &*contributor).await?;
    session.confirm(&question(&plan, &wallet))?;

    let contributions: Vec<Contribution> = plan.new.iter().map(|f| f.contribution.clone()).collect();
    let (client, store) = (session.client(), session.shared_store()?);
    let bar = ProgressBar::new(contributions.len() as u64);
    bar.set_style(ProgressStyle::with_template("{msg:>22} {bar:32} {pos}/{len}")?);
    if session.output.is_json() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    let (mut done, mut before) = (Vec::new(), 0);
    for batch in contributions.chunks(plan.batch_size) {
        let on_progress = |progress| match progress {
            Progress::Stored(n) => {
                bar.set_message("storing");
                bar.set_position(before + n as u64);
            }
            Progress::Opened(_) => bar.set_message("batch is open"),
            Progress::Sent(n) => {
                bar.set_message("writing to the ledger");
                bar.set_position(before + n as u64);
            }
            Progress::Submitted(_) => bar.set_message("submitted"),
        };
        let (bond, form) = (Some(plan.bond), plan.form);
        match contribute_as(form, &client, &store, &*contributor, &args.datanet, batch, bond, on_progress).await {
            Ok(contributed) => done.push(contributed),
            Err(error) => {
                bar.finish_and_clear();
                return Err(interrupted(error, &done, plan.batches()));
            }
        }
        before += batch.len() as u64;
    }
    bar.finish_and_clear();
    finish(session, &plan, &done)
}

/// The error of a batch, with those that were handed in before it: their bonds are paid.
fn interrupted(error: SdkError, done: &[Contributed], batches: usize) -> anyhow::Error {
    let handed_in: Vec<String> = done.iter().map(|c| c.batch.to_string()).collect();
    match handed_in.is_empty() {
        true => anyhow::Error::new(error).context(
            "nothing is under review; if a batch was opened, its bond is paid: the same command goes on with it, and \
             `openledger datanet cancel-batch` takes it back",
        ),
        false => anyhow::Error::new(error).context(format!(
            "{} of {batches} batches are under review ({}), and the same command hands in the rest; the next one failed",
            done.len(),
            handed_in.join(", ")
        )),
    }
}

fn reading(args: &Contribute) -> Reading {
    Reading {
        folder: args.folder.clone(),
        follow: args.follow,
        columns: Columns { text: args.text_column.clone(), title: args.title_column.clone() },
        kind: args.kind.into(),
        target: args.target,
        known: Metadata {
            author: args.author.clone(),
            licence: args.licence.clone(),
            source: args.source.clone(),
            ..Default::default()
        },
    }
}

/// Works out what is new and without fault. The ledger's history is read only if something is new.
async fn plan(
    session: &Session,
    args: &Contribute,
    wallet: &Pubkey,
    found: Vec<Found>,
    mut passed: Vec<Passed>,
) -> Result<Plan> {
    let (client, store) = (session.client(), session.shared_store()?);
    let account: Datanet = client.account(&args.datanet).await?;
    if account.paused {
        let message = format!("Datanet {} takes no batches: its owner has paused it", args.datanet);
        return Err(failure::of(ErrorKind::Refused, message));
    }
    let bond = args.bond.unwrap_or(account.min_bond);
    if bond < account.min_bond {
        let least = amount(account.min_bond);
        return Err(failure::of(
            ErrorKind::Input,
            format!("this Datanet wants a bond of at least {least}: raise --bond"),
        ));
    }
    let begun = pending(&client, &args.datanet, wallet).await?.into_iter().find(|(_, b)| b.status == BatchStatus::Open);
    let (found, unfit) = fit_for_a_manifest(found, &args.datanet, wallet)?;
    passed.extend(unfit);
    let leaves = manifest(wallet, &args.datanet, &contributions(&found))?.leaf_hashes();
    let has = held(&client, &session.indexer(), &store, &args.datanet, wallet, &leaves).await?;
    let total = found.len();
    let mut new: Vec<Found> =
        found.into_iter().zip(&leaves).filter(|(_, leaf)| !has.leaves.contains(*leaf)).map(|(f, _)| f).collect();
    let (held, mut uncompared) = (total - new.len(), 0);
    if !new.is_empty() {
        session.output.tell("reading what the Datanet has, to judge as its validators will …");
        let (mut known, limits) = (Known::new(client, store).with_index(session.indexer()), Limits::default());
        let foreseen = known.foresee(&args.datanet, wallet, &contributions(&new), &has.reviewed, &limits).await?;
        uncompared = foreseen.uncompared;
        let mut faults = foreseen.judgement.faults.into_iter().peekable();
        let mut place = 0usize..;
        new.retain(|f| match faults.next_if(|(at, _)| Some(*at) == place.next()) {
            Some((_, fault)) => {
                passed.push(Passed { name: f.name.clone(), reason: describe(&fault) });
                false
            }
            None => true,
        });
    }
    let form = if args.bulk { Form::Bulk } else { Form::Leaves };
    let (first, batch_size) = (account.batches, args.batch_size as usize);
    // Nothing is opened if nothing is new, so that a begun batch is in nobody's way.
    let begun = match begun.filter(|_| !new.is_empty()) {
        Some((address, batch)) => {
            let leaves = manifest(wallet, &args.datanet, &contributions(&new))?.leaf_hashes();
            let begun = batch.count as usize;
            new.rotate_left(place_of_begun(&address, begun, place_of(&batch, &leaves), form, batch_size)?);
            Some((address, begun))
        }
        None => None,
    };
    Ok(Plan { new, held, passed, uncompared, begun, first, bond, batch_size, form })
}

/// Place of the `begun` leaves of an open batch among those to hand in, if they are all at `place`. They must come first,
/// because a wallet has one open batch in a Datanet at a time. Fails if the batch cannot be gone on with, so that nobody
/// pays in vain.
fn place_of_begun(
    address: &Pubkey,
    begun: usize,
    place: Option<usize>,
    form: Form,
    batch_size: usize,
) -> Result<usize> {
    let cannot = |what: &str| {
        failure::of(
            ErrorKind::Input,
            format!(
                "batch {address} was begun in this Datanet with {begun} leaves on the ledger, and {what}; or take it \
                 back with `openledger datanet cancel-batch {address}`"
            ),
        )
    };
    match place {
        _ if form == Form::Bulk && begun > 0 => Err(cannot("--bulk cannot go on with it: leave --bulk out")),
        None => Err(cannot("other documents are handed in now: finish it with the files that it was begun with")),
        Some(_) if begun > batch_size => Err(cannot("these are more than --batch-size: raise it")),
        Some(place) => Ok(place),
    }
}

fn contributions(found: &[Found]) -> Vec<Contribution> {
    found.iter().map(|f| f.contribution.clone()).collect()
}

/// Leaves out what no manifest may have: contributions that are equal to an earlier one, and texts that are too long.
fn fit_for_a_manifest(found: Vec<Found>, datanet: &Pubkey, wallet: &Pubkey) -> Result<(Vec<Found>, Vec<Passed>)> {
    let (mut seen, mut fit, mut passed) = (HashMap::new(), Vec::new(), Vec::new());
    for f in found {
        if let Some((field, bytes)) = f.contribution.metadata.too_long() {
            let reason = format!("its {field} has {bytes} bytes, and at most {MOST_TEXT} are taken: shorten it");
            passed.push(Passed { name: f.name, reason });
            continue;
        }
        let leaf = manifest(wallet, datanet, std::slice::from_ref(&f.contribution))?.leaf_hashes()[0];
        match seen.get(&leaf) {
            Some(first) => passed.push(Passed { name: f.name, reason: format!("it is the same as {first}") }),
            None => {
                seen.insert(leaf, f.name.clone());
                fit.push(f);
            }
        }
    }
    Ok((fit, passed))
}

/// Fails if the wallet cannot pay the bonds, or has no SOL for fees and rent.
async fn affordable(session: &Session, plan: &Plan, contributor: &AnySigner) -> Result<()> {
    let (client, wallet) = (session.client(), &contributor.pubkey());
    let mint = open_mint(&client).await?;
    let (has, needs) = (client.token_balance(&pda::token_account(wallet, &mint)).await?, plan.bonds());
    if has < needs {
        return Err(failure::of(
            ErrorKind::Funds,
            format!(
                "wallet {wallet} has {} of the {} for the bonds of {} batches: get more OPEN, or hand in less at once",
                amount(has),
                amount(needs),
                plan.batches()
            ),
        ));
    }
    let sizes = plan.new.chunks(plan.batch_size).map(<[Found]>::len);
    let needs = lamports(&client, sizes, plan.form, room_of(&client, contributor, plan.form).await?).await?;
    let has =
        client.rpc().get_balance_with_commitment(wallet, client.commitment()).await.map_err(SdkError::from)?.value;
    if has < needs {
        return Err(SdkError::NoSol { wallet: *wallet, has, needs }.into());
    }
    Ok(())
}

/// What was passed over, for people.
fn listed(passed: &[Passed]) -> String {
    let lines: String = passed.iter().map(|p| format!("\n  {}: {}", printable(&p.name), p.reason)).collect();
    match passed.len() {
        0 => "nothing is passed over".into(),
        n => format!("passed over ({n}):{lines}"),
    }
}

/// What the plan comes to, for people.
fn summary(plan: &Plan) -> String {
    let documents = plan.new.iter().all(|f| f.contribution.kind == Kind::Document);
    let learned = if documents { learned(&plan.new) } else { "what accepted documents become by it".into() };
    fields(&[
        ("to hand in", format!("{} documents in {} batches", plan.new.len(), plan.batches())),
        ("there already", plan.held.to_string()),
        ("passed over", plan.passed.len().to_string()),
        ("bond", format!("{}, returned once accepted, lost if rejected", amount(plan.bonds()))),
        ("what a job learns", learned),
    ])
}

/// What a job with the default config learns of the documents, if it draws them.
fn outlook(new: &[Found]) -> Outlook {
    let sizes = new.iter().map(|f| (f.contribution.metadata.title.len(), f.contribution.content.len()));
    Outlook::of(&DataSettings::default(), sizes)
}

/// The same for people.
fn learned(new: &[Found]) -> String {
    let (settings, outlook) = (DataSettings::default(), outlook(new));
    let too_long = match outlook.too_long {
        0 => String::new(),
        n => format!(
            "; {n} need more than the {} windows that a job learns of one document, and take no part: hand them in in \
             parts",
            settings.most_windows()
        ),
    };
    format!(
        "documents whole, if it draws them; by the default config about {} windows of at most {} tokens for {} \
         documents{too_long}",
        outlook.windows,
        settings.max_tokens,
        outlook.documents - outlook.too_long
    )
}

fn question(plan: &Plan, wallet: &Pubkey) -> String {
    format!("Wallet {wallet} pays a bond of {} and hands in {} documents.", amount(plan.bonds()), plan.new.len())
}

/// Shows every transaction that would be signed.
async fn show_transactions(session: &Session, plan: &Plan, datanet: &Pubkey, contributor: &AnySigner) -> Result<()> {
    let (client, wallet) = (session.client(), &contributor.pubkey());
    let (mint, room) = (open_mint(&client).await?, room_of(&client, contributor, plan.form).await?);
    let (mut shown, mut rows) = (Vec::new(), Vec::new());
    let (mut begun, mut next) = (plan.begun, plan.first..);
    for batch in contributions(&plan.new).chunks(plan.batch_size) {
        let manifest = manifest(wallet, datanet, batch)?;
        let (leaves, hash) = (manifest.leaf_hashes(), manifest.hash()?);
        let (address, sent, opening) = match begun.take() {
            Some((address, sent)) => (address, sent, None),
            None => {
                let index = next.next().unwrap_or_default();
                let instruction = ix::datanet::open_batch(wallet, datanet, index, &mint, plan.bond);
                let address = pda::batch(datanet, index);
                (address, 0, Some(Step { instruction, progress: Progress::Opened(address) }))
            }
        };
        for step in opening.into_iter().chain(steps(wallet, &address, &leaves, hash, sent, plan.form, room)) {
            let does = match step.progress {
                Progress::Opened(_) => format!("opens the batch with a bond of {}", amount(plan.bond)),
                Progress::Sent(n) => format!("adds leaves up to the {n}th of {}", leaves.len()),
                Progress::Submitted(_) | Progress::Stored(_) => format!("hands it in; manifest {}", hex::encode(hash)),
            };
            let accounts: Vec<Value> = step
                .instruction
                .accounts
                .iter()
                .map(|a| json!({ "address": a.pubkey.to_string(), "signer": a.is_signer, "writable": a.is_writable }))
                .collect();
            rows.push(vec![address.to_string(), does.clone()]);
            shown.push(json!({
                "batch": address.to_string(), "does": does, "signer": wallet.to_string(),
                "program": step.instruction.program_id.to_string(), "accounts": accounts,
                "data": hex::encode(step.instruction.data),
            }));
        }
    }
    let all = json!({
        "bonds": plan.bonds().to_string(), "documents": names(plan), "passed_over": passed(plan),
        "there_already": plan.held, "not_compared": plan.uncompared, "learned": described(plan), "transactions": shown,
    });
    session
        .output
        .show(&all, |_| format!("{}\nnothing was signed: this was a dry run", table(&["batch", "transaction"], rows)))
}

/// What a job with the default config learns, for machines. `null` unless these are documents.
fn described(plan: &Plan) -> Value {
    if plan.new.iter().any(|f| f.contribution.kind != Kind::Document) {
        return Value::Null;
    }
    let outlook = outlook(&plan.new);
    let (documents, max_tokens) = (outlook.documents - outlook.too_long, DataSettings::default().max_tokens);
    json!({
        "documents": documents, "windows": outlook.windows, "tokens": outlook.tokens, "max_tokens": max_tokens,
        "not_learned": outlook.too_long,
    })
}

fn names(plan: &Plan) -> Vec<&str> {
    plan.new.iter().map(|f| f.name.as_str()).collect()
}

fn passed(plan: &Plan) -> Vec<Value> {
    plan.passed.iter().map(|p| json!({ "name": p.name, "reason": p.reason })).collect()
}

/// Prints what was done.
fn finish(session: &Session, plan: &Plan, done: &[Contributed]) -> Result<()> {
    let batches: Vec<Value> = done
        .iter()
        .map(|c| {
            let leaves: Vec<String> = c.leaves.iter().map(hex::encode).collect();
            json!({ "batch": c.batch.to_string(), "manifest": hex::encode(c.manifest), "leaves": leaves })
        })
        .collect();
    let all = json!({
        "batches": batches, "there_already": plan.held, "not_compared": plan.uncompared, "passed_over": passed(plan),
    });
    session.output.show(&all, |_| {
        if done.is_empty() {
            return format!(
                "nothing to hand in: {} documents are there already, {} are passed over",
                plan.held,
                plan.passed.len()
            );
        }
        let rows = done.iter().map(|c| vec![c.batch.to_string(), c.leaves.len().to_string(), hex::encode(c.manifest)]);
        let batches = table(&["batch under review", "documents", "manifest"], rows);
        // They are handed in in the order of the plan.
        let leaves = done.iter().flat_map(|c| &c.leaves).map(hex::encode);
        let documents = plan.new.iter().zip(leaves).map(|(found, leaf)| vec![leaf, found.name.clone()]);
        format!(
            "{batches}\n{}\n`openledger datanet batch BATCH` shows what the validators say",
            table(&["leaf", "document"], documents)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, content: &str) -> Found {
        let metadata = Metadata { title: "t".into(), ..Default::default() };
        Found { name: name.into(), contribution: Contribution::document(content, metadata) }
    }

    #[test]
    fn equal_contributions_are_handed_in_once() {
        let key = Pubkey::new_from_array([1; 32]);
        let all = vec![found("a", "one"), found("b", "two"), found("c", "one")];
        let (fit, passed) = fit_for_a_manifest(all, &key, &key).unwrap();
        assert_eq!(fit.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(passed, [Passed { name: "c".into(), reason: "it is the same as a".into() }]);
    }

    #[test]
    fn a_file_whose_title_no_manifest_takes_is_passed_over_and_the_others_are_handed_in() {
        let (key, mut long) = (Pubkey::new_from_array([1; 32]), found("long", "one"));
        long.contribution.metadata.title = "t".repeat(MOST_TEXT + 1);
        let (fit, passed) = fit_for_a_manifest(vec![long, found("b", "two")], &key, &key).unwrap();
        assert_eq!(fit.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(), ["b"]);
        let reason = "its title has 1025 bytes, and at most 1024 are taken: shorten it".to_owned();
        assert_eq!(passed, [Passed { name: "long".into(), reason }]);
    }

    #[test]
    fn a_begun_batch_is_gone_on_with_or_refused_before_anything_is_paid() {
        let address = Pubkey::new_from_array([1; 32]);
        let place =
            |begun, place, form| place_of_begun(&address, begun, place, form, 2).map_err(|error| error.to_string());
        assert_eq!(place(2, Some(1), Form::Leaves), Ok(1));
        assert_eq!(place(0, Some(0), Form::Bulk), Ok(0));
        let other = place(1, None, Form::Leaves).unwrap_err();
        assert!(other.contains(&format!("cancel-batch {address}")) && other.contains("1 leaves"), "{other}");
        assert!(place(1, Some(0), Form::Bulk).unwrap_err().contains("leave --bulk out"));
        assert!(place(3, Some(0), Form::Leaves).unwrap_err().contains("--batch-size"));
    }

    #[test]
    fn what_was_handed_in_is_told_with_the_error_of_a_later_batch() {
        let batch = Pubkey::new_from_array([5; 32]);
        let done = [Contributed { batch, index: 0, leaves: vec![], manifest: [0; 32] }];
        let error = || SdkError::Unreachable { url: "http://x/".into(), reason: "refused".into() };
        let told = failure::message(&interrupted(error(), &done, 3));
        assert!(told.contains("1 of 3") && told.contains(&batch.to_string()) && told.contains("http://x/"), "{told}");
        assert_eq!(failure::json(&interrupted(error(), &done, 3))["code"], "unreachable");
        let first = interrupted(error(), &[], 3);
        assert!(failure::message(&first).contains("cancel-batch") && failure::message(&first).contains("http://x/"));
        assert_eq!(failure::json(&first)["code"], "unreachable");
    }

    #[test]
    fn what_a_job_learns_is_said_beforehand() {
        let mut all = vec![found("a", "short"), found("b", &"long ".repeat(199)), found("c", "short too")];
        let text = learned(&all);
        assert!(text.contains("about 5 windows of at most 128 tokens for 3 documents"), "{text}");
        assert!(!text.contains("take no part"));
        all.push(found("d", &"a book ".repeat(9_999)));
        let text = learned(&all);
        assert!(text.contains("for 3 documents; 1 need more than the 12 windows"), "{text}");
    }
}
