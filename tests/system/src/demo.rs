//! The loop, start to end.

use crate::{
    books, cheats, data, documents,
    fleet::{self, Fleet},
    genesis::{self, SUPPLY},
    governance, layers, liars, lies, living,
    network::{Network, Place},
    people::{self, Person},
    questions, receipts,
    settings::{OPEN, Settings},
    settle,
    stage::Stage,
    summary::{
        Books, CommitteeSummary, FleetSummary, GovernanceSummary, LayersSummary, LiarsSummary, ReceiptsSummary, Summary,
    },
    training,
};
use anyhow::{Context, Result};
use openledger_sdk::{amount::Amount, ix, pda};
use stake::state::Role;
use std::{collections::HashMap, path::PathBuf};

/// Paths and settings of a run.
pub struct Demo {
    /// Compiled programs.
    pub programs: PathBuf,
    /// Native binaries.
    pub binaries: PathBuf,
    /// Another build of the node, with another class of arithmetic, for some of the operators.
    pub second_oracle: Option<PathBuf>,
    /// Unpacked document packages.
    pub documents: PathBuf,
    /// Working folder.
    pub folder: PathBuf,
    /// Sizes.
    pub settings: Settings,
}

/// The processes that still run when the loop has closed.
pub struct Running {
    network: Network,
    fleet: Fleet,
    validators: Vec<Person>,
    user: PathBuf,
}

impl Running {
    /// Goes on until it is interrupted or cannot go on: all operators are back and settle by themselves, and the validators
    /// review what comes.
    pub async fn stay_up(mut self) -> Result<()> {
        self.fleet.settle_by_themselves()?;
        self.fleet.run()?;
        eprintln!(
            "\nEverything goes on; Ctrl-C stops it. Validators review what is contributed, all operators are back, and"
        );
        eprintln!("epochs settle by themselves.");
        eprintln!("   Solana RPC     {}   (WebSocket {})", self.network.rpc, self.network.ws);
        eprintln!("   indexer's API  {}/v1/status   (/openapi.json)", self.network.api_url);
        eprintln!("   artifacts      {}", self.network.artifacts_url);
        eprintln!("   OpenAI API     {}/v1/models", self.fleet.serving());
        eprintln!("   files          {}", self.network.place.folder.display());
        eprintln!("\nAs a user with some OPEN, in another terminal:");
        eprintln!(
            "   export OPENLEDGER_RPC={} OPENLEDGER_WS={} OPENLEDGER_API={} OPENLEDGER_STORE={} OPENLEDGER_KEYPAIR={}",
            self.network.rpc,
            self.network.ws,
            self.network.api_url,
            self.network.artifacts_url,
            self.user.display()
        );
        eprintln!("   {} model list", self.network.binary("openledger").display());
        living::go_on(&mut self.network, &mut self.fleet, &self.validators, |line| eprintln!("{line}")).await
    }
}

/// Runs the loop.
pub async fn run(demo: &Demo) -> Result<(Summary, Running)> {
    let settings = &demo.settings;
    let mut stage = Stage::default();
    let mut summary = Summary::default();
    let collections =
        documents::collections(&demo.documents, settings.authors, settings.pages, settings.terms, settings.satire)?;

    stage.step("genesis", "A local Solana node, PostgreSQL, the programs and OPEN");
    let place = Place { folder: demo.folder.clone(), binaries: demo.binaries.clone(), kept: None };
    let mut network = Network::start(&stage, place).await?;
    let genesis = Person::new("genesis");
    let treasury = Person::new("treasury");
    let [developer, builder, stranger, thief] =
        ["the developer", "another developer", "a stranger", "a thief"].map(Person::new);
    let owners: Vec<Person> = collections.iter().map(|c| Person::new(format!("the owner of {}", c.name))).collect();
    let contributors: Vec<Person> = data::authors(&collections).into_iter().map(Person::new).collect();
    let validators: Vec<Person> = (1..=data::VALIDATORS).map(|n| Person::new(format!("validator {n}"))).collect();
    let users: Vec<Person> = (1..=4).map(|n| Person::new(format!("user {n}"))).collect();
    people::airdrop(&network.client, [genesis.address()], 1_000_000_000_000).await?;
    summary.programs = genesis::deploy_programs(&stage, &network, &genesis.key, &demo.programs).await?;
    let mint = genesis::create_open(&network, &genesis.key).await?;
    stage.note(format!("OPEN {mint}: {} minted once, mint authority revoked", SUPPLY / OPEN));
    people::fund(&network.client, &genesis.key, &mint, &[(treasury.address(), 0)]).await?;
    let treasury_account = pda::token_account(&treasury.address(), &mint);
    genesis::initialise(&network, &genesis.key, &mint, &treasury_account, settings.commit_slots).await?;
    network.start_indexer().await?;
    let assembly = governance::convene(&stage, &network, &genesis.key, &mint, &mut summary.governance).await?;
    let mut fleet = Fleet::prepare(&network, settings, demo.second_oracle.as_deref())?;
    let mut purse = Vec::new();
    let everyone = owners.iter().chain(&contributors).chain(&users).chain([&developer, &builder, &thief, &stranger]);
    purse.extend(everyone.map(|p| (p.address(), 100 * OPEN)));
    purse.extend(validators.iter().map(|v| (v.address(), data::VALIDATOR_STAKE)));
    purse.extend(fleet.operators.iter().map(|o| (o.person.address(), fleet::STAKE)));
    people::airdrop(&network.client, purse.iter().map(|(w, _)| *w), 10_000_000_000).await?;
    people::fund(&network.client, &genesis.key, &mint, &purse).await?;
    stage.note(format!("{} wallets have SOL for fees and OPEN to begin with", purse.len()));

    stage.step("datanets", "Three Datanets of real documents by their authors, reviewed by staked validators");
    for validator in &validators {
        let stake = ix::stake::deposit(&validator.address(), &mint, Role::Validator, data::VALIDATOR_STAKE);
        network.client.send(&[stake], &[&validator.key]).await?;
    }
    let created = data::create(&network, owners, &collections).await?;
    let datanets = data::fill(&stage, &network, created, &collections, &contributors, &validators, &thief).await?;
    network.caught_up().await?;
    (summary.datanets, summary.rejected_batches) = data::summary(&network, &datanets).await?;
    for d in &summary.datanets {
        stage.note(format!(
            "{:24} {} documents by {} contributors, {}, {}",
            d.name, d.documents, d.contributors, d.access, d.licence
        ));
    }

    stage.step("committee", "Five oracle operators generate a 3-of-5 key that none of them ever holds");
    fleet.start(&network, &mint).await?;
    let title = "The first committee of oracle operators";
    summary.governance.proposals.push(assembly.decide(&network, title, &[fleet.proposal()]).await?);
    let committee = fleet.form(&stage, &network).await?;
    summary.committee = CommitteeSummary {
        n: committee.size,
        t: committee.threshold,
        group_key: hex::encode(committee.group_key),
        confirmed_slot: committee.active_slot,
    };
    stage.note(format!("group key {} confirmed on chain by every member", summary.committee.group_key));

    stage.step("training", "A fine-tuning job: escrow, LoRA training, every segment re-executed, result attested");
    // The voting time passes meanwhile.
    let fees = assembly.vote_fees(&network).await?;
    let trained = training::train(&stage, &network, &mut fleet, settings, &developer, &datanets, &mint).await?;
    let [before, after] = trained.summary.eval_loss;
    stage.note(format!(
        "validation loss {before:.3} → {after:.3}; of {} OPEN {} paid for compute and {} to the contributors, {} refunded",
        open(trained.summary.escrow),
        open(trained.summary.paid),
        open(trained.summary.data_share),
        open(trained.summary.refunded)
    ));

    stage.step("vote", "A parameter changed by a vote of those who locked OPEN");
    assembly.enact_fees(&network, fees, &mut summary.governance).await?;
    say_vote(&stage, &summary.governance);

    stage.step("questions", "Questions, each paid in OPEN, each answer with a receipt of the documents behind it");
    network.caught_up().await?;
    let member = &fleet.operators[0].person;
    (summary.answers, summary.attribution) =
        questions::ask_all(&stage, &network, settings, &trained, &users, member).await?;
    summary.unanswered = questions::pay_and_leave(&network, &trained, &users[0]).await?;
    let a = &summary.attribution;
    stage.note(format!("the source document is the top influence of {:.0} % and among the top 5 of {:.0} % of answers (chance: {:.0} %)", 100.0 * a.recall_at_1, 100.0 * a.recall_at_5, 100.0 * a.chance_at_5));

    stage.note(format!(
        "somebody paid {} OPEN and never fetched the answer: the documents that taught the model most will share it",
        open(summary.unanswered)
    ));

    let lies = lies::tell(&network, &fleet, &trained, &users[1]).await?;
    stage.note("operator 1 lied about two answers: one has a token that no model has, one pays a single document");

    if settings.layers {
        stage.step("layers", "Another developer's model builds on the first, and its answers pay both models' data");
        let child =
            layers::build_on(&stage, &network, &mut fleet, settings, &trained, &builder, &users[1], &datanets, &mint);
        let child = child.await?;
        say_layers(&stage, &child);
        summary.layers = Some(child);
    }

    fleet.compare(&mut summary.fleet).await;
    say_fleet(&stage, &summary.fleet);

    stage.step("settlement", "What was paid settled, two of the five operators killed in the middle");
    let settled = settle::settle(&stage, &network, &mut fleet).await?;
    summary.settlement = settle::summary(&network, settled.clone(), fleet.alive()).await?;
    stage.note(format!(
        "epochs up to {} are settled: {} of {} OPEN in the pools divided, {} carried over to the next",
        summary.settlement.epoch,
        open(summary.settlement.lifetime_total),
        open(summary.settlement.lifetime_funded),
        open(summary.settlement.carried)
    ));

    governance::in_force(&network, &summary.governance.changed).await?;
    stage.note(format!("what was voted is in force: {}", summary.governance.changed.after));

    let report = settle::report(&network, summary.settlement.epoch).await?;
    settle::copies_earned_nothing(&report, &trained.model, &datanets.smuggled, &thief.address())?;
    stage.note(format!(
        "{} documents repeat others and were neither trained on nor paid, the thief's {} copies among them",
        summary.settlement.repeated,
        datanets.smuggled.len()
    ));

    summary.lies = lies::found_out(&network, &summary.settlement.epochs, &lies).await?;
    summary.lies.paid = lies.paid.into();
    stage.note("both lies are named in the report, and what was paid for them goes by the training weights");

    stage.step("liars", "One more epoch settled while two of the five operators lie in the quorum's own protocol");
    let among = liars::settle_among(&stage, &network, &mut fleet, &trained, &users[2], &thief);
    let (told, among) = among.await?;
    say_liars(&stage, &told);
    summary.liars = told;
    let signers_alive = summary.settlement.signers_alive;
    summary.settlement = settle::summary(&network, [settled, among].concat(), signers_alive).await?;
    fleet.compare(&mut summary.fleet).await;

    let member = &fleet.operators[0].person;
    summary.receipts = receipts::compare(&network, &summary.settlement.epochs, &trained.manifest.job, member).await?;
    say_receipts(&stage, &summary.receipts);

    stage.step("claims", "Everybody is paid by claims that a stranger sends");
    let earners: Vec<&Person> = contributors.iter().chain(&validators).collect();
    let (claims, claimed) = settle::claim_all(&stage, &network, &mint, &earners, &stranger).await?;
    stage.note(format!("{} claims paid {} OPEN", claims.count, open(claims.total)));
    summary.claims = claims;

    stage.step("cheats", "Attempts to cheat");
    network.caught_up().await?;
    let settled =
        network.api()?.settlement(summary.settlement.epoch).await?.context("the settlement is not indexed")?;
    let scene = cheats::Scene {
        network: &network,
        thief: &thief,
        datanets: &datanets,
        mint,
        claimed,
        settlement_signature: settled.signature,
    };
    summary.refused = vec![trained.refused.clone()];
    summary.refused.extend(scene.run().await?);
    summary.refused.push(assembly.deposed(&network, &genesis.key).await?);
    for r in &summary.refused {
        stage.note(format!("{}: {}", r.attempt, r.error));
    }

    stage.step("books", "The books");
    let receipts = network.api()?.receipts().await?;
    let funding = network.api()?.funding().await?;
    summary.books = books::balance(&network, &receipts, &funding, &mint, SUPPLY).await?;
    say_books(&stage, &summary.books);
    say_earnings(&stage, &summary, &contributors);
    summary.job = trained.summary;
    summary.seconds = stage.seconds();
    stage.say(&format!("\nThe loop is closed, in {:.0} seconds.", summary.seconds["total"]));
    stage.say("Look on: README.md (commands), ARCHITECTURE.md (where each step is), docs/INVARIANTS.md (the rules).");
    let user = demo.folder.join("user.json");
    people::write_key(&users[0].key, &user)?;
    Ok((summary, Running { network, fleet, validators, user }))
}

/// Says what was voted on and what it changed.
fn say_vote(stage: &Stage, governance: &GovernanceSummary) {
    for p in &governance.proposals {
        stage.note(format!(
            "proposal {} {}: {} (weight {} for it, quorum {})",
            p.number,
            p.state,
            p.title,
            open(p.votes_for),
            open(p.quorum)
        ));
    }
    let c = &governance.changed;
    stage.note(format!("{}: {} → {} from epoch {} on", c.parameter, c.before, c.after, c.from_epoch));
}

/// Says whom the answers of a model that builds on another pay.
fn say_layers(stage: &Stage, layers: &LayersSummary) {
    stage.note(format!(
        "{} answers pay {} OPEN to documents of the parent and {} to its own; {} to the parent's owner",
        layers.answers,
        open(layers.to_parent),
        open(layers.to_own),
        open(layers.upstream)
    ));
    for d in &layers.top {
        stage.note(format!("  {:30} {:>20}", d.doc, open(d.amount)));
    }
}

/// Says what the operators compute with, and how far the trainings' re-executions were from what was logged.
fn say_fleet(stage: &Stage, fleet: &FleetSummary) {
    for o in &fleet.operators {
        stage.note(format!(
            "operator {} ({}, {} threads) re-executed {} segments: {} equal to the bit, {} within the band",
            o.operator,
            o.kernel,
            o.threads,
            o.segments.equal + o.segments.near + o.segments.outside,
            o.segments.equal,
            o.segments.near
        ));
    }
    stage.note(match fleet.mixed {
        true => format!(
            "the fleet computes with several classes of arithmetic, at most {:.3} ppm of {} ppm apart",
            fleet.segments_ppb as f64 / 1e3,
            fleet.band_ppb / 1_000
        ),
        false => "the fleet computes with one class of arithmetic".to_string(),
    });
}

/// Says what came of lies in the quorum's protocol.
fn say_liars(stage: &Stage, liars: &LiarsSummary) {
    stage.note(format!(
        "two liars and any one honest member would have moved {} OPEN; the three honest ones let them move nothing",
        open(liars.would_have_moved)
    ));
    for p in &liars.proposals {
        stage.note(format!("operator {} proposed {}: {}", p.by, p.lie, p.reason));
    }
}

/// Says what the receipts pay, and how far the scores behind them can be trusted.
fn say_receipts(stage: &Stage, receipts: &ReceiptsSummary) {
    stage.note(format!(
        "{} answers were paid exactly as their receipts say, to the base unit; {} wait",
        receipts.exact, receipts.held
    ));
    stage.note(format!("{:32} {:>20}", format!("earned most by {}", receipts.method), "OPEN"));
    for d in &receipts.top {
        stage.note(format!("  {:30} {:>20}", d.doc, open(d.amount)));
    }
    stage.note(format!(
        "audit: rank correlation of the estimate with the exact walk {:.2}, roughness {:.1}: {}",
        receipts.agreement_ppm as f64 / 1e6,
        receipts.roughness_milli as f64 / 1e3,
        if receipts.paid_by_scores { "scores pay" } else { "scores do not pay, learned tokens do" }
    ));
}

fn say_books(stage: &Stage, books: &Books) {
    stage.note(format!("fees paid                {:>20}", open(books.funded)));
    stage.note(format!("data shares of training  {:>20}", open(books.data_shares)));
    for (name, amount) in [
        ("treasury", books.treasury),
        ("model owner", books.model_owner),
        ("compute", books.compute),
        ("validators, claimed", books.validators),
        ("contributors, claimed", books.contributors_paid),
        ("still held", books.held),
    ] {
        stage.note(format!("  {name:22} {:>20}", open(amount)));
    }
    stage.note(if books.balanced { "balanced to the base unit" } else { "NOT BALANCED" });
}

/// Says who earned from which answers, by the receipts.
fn say_earnings(stage: &Stage, summary: &Summary, contributors: &[Person]) {
    let names: HashMap<String, &str> =
        contributors.iter().map(|p| (p.address().to_string(), p.name.as_str())).collect();
    let mut from: HashMap<&str, Vec<(u64, &str)>> = HashMap::new();
    for answer in &summary.answers {
        for top in &answer.top {
            let name = names.get(&top.owner).copied().unwrap_or("?");
            from.entry(name).or_default().push((top.ppm, answer.source_doc.as_deref().unwrap_or("?")));
        }
    }
    let mut all: Vec<_> = from.into_iter().collect();
    all.sort_by_key(|(name, parts)| (std::cmp::Reverse(parts.iter().map(|p| p.0).sum::<u64>()), *name));
    for (name, mut parts) in all.into_iter().take(6) {
        parts.sort_unstable_by_key(|p| std::cmp::Reverse(p.0));
        let best: Vec<&str> = parts.iter().take(3).map(|p| p.1).collect();
        stage.note(format!("{name} shaped {} answers most, such as those about {}", parts.len(), best.join(", ")));
    }
}

/// An amount in OPEN.
fn open(amount: Amount) -> String {
    format!("{}.{:09}", amount.0 / OPEN, amount.0 % OPEN)
}
