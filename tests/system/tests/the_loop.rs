//! The whole loop with a tiny random model, against real parts: node, PostgreSQL, programs, five operator processes.

mod prepared;

use anyhow::{Context, Result};
use openledger_system::{
    demo::{self, Demo},
    liars::LIARS,
    settings::Settings,
    summary::{FleetSummary, LiarsSummary, RefusedProposal},
    told::LIES,
};
use prepared::prepared;
use std::path::Path;

/// Where `cargo xtask test` puts the node's second build, within the folder of the binaries.
const SECOND_ORACLE: &str = "x86-v4/openledger-oracle";

/// Whether the node's second build computes with another class of arithmetic on this processor.
#[cfg(target_arch = "x86_64")]
fn can_mix() -> bool {
    std::is_x86_feature_detected!("avx512f")
}

#[cfg(not(target_arch = "x86_64"))]
fn can_mix() -> bool {
    false
}

/// M1–M5, A1, A3, D2, T1, P1, P2, G1 on the running system.
#[test]
fn a_mixed_fleet_closes_the_loop_with_two_killed_and_two_liars_and_every_base_unit_accounted_for() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let cache = prepared("OPENLEDGER_CACHE", "")?;
    let binaries = prepared("OPENLEDGER_BIN_DIR", "target/debug")?;
    let second_oracle = can_mix().then(|| binaries.join(SECOND_ORACLE));
    if let Some(missing) = second_oracle.as_ref().filter(|path| !path.exists()) {
        anyhow::bail!("{} is missing: `cargo xtask test the_loop` builds it", missing.display());
    }
    let demo = Demo {
        programs: prepared("OPENLEDGER_PROGRAMS_DIR", "sbf-target/deploy")?,
        second_oracle: second_oracle.clone(),
        binaries,
        documents: cache.join("documents"),
        folder: folder.path().to_path_buf(),
        settings: Settings::tiny(),
    };
    let runtime = tokio::runtime::Runtime::new()?;
    let (summary, running) = runtime.block_on(demo::run(&demo))?;
    drop(running);
    no_operator_shares_a_folder(folder.path())?;

    assert!(summary.books.balanced, "{:?}", summary.books);
    assert_eq!(summary.rejected_batches, 1);
    assert_eq!((summary.committee.n, summary.committee.t), (5, 3));
    let job = &summary.job;
    assert_eq!(job.paid.0 + job.data_share.0 + job.refunded.0, job.escrow.0);
    assert!(job.paid.0 > 0 && job.data_share.0 > 0 && job.refunded.0 > 0);
    let layers = summary.layers.as_ref().context("no model builds on the first")?;
    assert_eq!(summary.books.data_shares.0, job.data_share.0 + layers.data_share.0);
    let [before, after] = summary.job.eval_loss;
    assert!(after < before, "the validation loss went from {before} to {after}");

    assert_eq!(summary.answers.len(), demo.settings.questions);
    let fees: u64 = summary.answers.iter().map(|a| a.fee.0).sum();
    assert!(summary.unanswered.0 > 0 && summary.settlement.unanswered.0 > 0, "{:?}", summary.settlement);
    let liars = &summary.liars;
    let others = layers.fees.0 + summary.unanswered.0 + summary.lies.paid.0 + liars.paid.0;
    assert_eq!(summary.books.funded.0, fees + others);
    // One bad answer stops one answer, and a receipt that is not the answer's pays nothing.
    assert!(summary.lies.poisoned && summary.lies.forged, "{:?}", summary.lies);
    assert!(summary.answers.iter().all(|a| !a.top.is_empty()));

    // A model that builds on the first pays the first's documents and its owner.
    assert!(layers.inherited == job.examples && layers.examples > 0 && layers.answers == 2, "{layers:?}");
    assert!(layers.to_parent.0 > 0 && layers.upstream.0 > 0, "{layers:?}");

    assert_eq!(summary.settlement.signers_alive, 3);
    // P2: every answer is paid exactly as its receipt says. `receipts::compare` has added them up to the base unit.
    let receipts = &summary.receipts;
    let answers = demo.settings.questions + layers.answers + liars.honest_paid;
    assert_eq!((receipts.exact, receipts.held), (answers, 0), "{receipts:?}");
    assert!(receipts.top.iter().any(|d| d.amount.0 > 0) && receipts.paid_by_scores, "{receipts:?}");
    let settled = &summary.settlement;
    assert_eq!(settled.lifetime_total.0 + settled.carried.0, settled.lifetime_funded.0, "{settled:?}");
    assert!(settled.lifetime_total.0 > 0 && settled.repeated >= demo.settings.pages, "{settled:?}");
    assert_eq!(summary.claims.total, summary.settlement.lifetime_total);

    mixed_as_far_as_the_processor_can(&summary.fleet);
    liars_divide_nothing_and_stop_nothing(liars);

    let voted = &summary.governance.proposals;
    assert!(voted.len() == 3 && voted.iter().all(|p| p.state == "executed"), "{voted:?}");
    assert_eq!(summary.governance.changed.after, summary.governance.changed.before + 100);

    assert_eq!(summary.refused.len(), 10);
    for refusal in &summary.refused {
        let by = ["stake", "datanet", "model", "payout", "ed25519 precompile"];
        assert!(by.iter().any(|p| refusal.error.starts_with(&format!("{p}: "))), "{refusal:?}");
    }
    Ok(())
}

/// Every operator stores through the artifact service, and no setting of one names a folder of another or of the service.
fn no_operator_shares_a_folder(folder: &Path) -> Result<()> {
    fn texts(value: &toml::Value, found: &mut Vec<String>) {
        match value {
            toml::Value::String(text) => found.push(text.clone()),
            toml::Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
            toml::Value::Table(table) => table.values().for_each(|item| texts(item, found)),
            _ => {}
        }
    }
    let mut configs = 0;
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path().join("oracle.toml");
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let (config, mut found): (toml::Table, Vec<String>) = (toml::from_str(&text)?, vec![]);
        assert!(config["store"].as_str().is_some_and(|store| store.starts_with("http://")), "{text}");
        texts(&config.into(), &mut found);
        // What is named from here on down is the operator's own.
        let elsewhere = |text: &String| text.contains("..") || Path::new(text).starts_with(folder);
        assert!(!found.iter().any(elsewhere), "{}: {text}", path.display());
        configs += 1;
    }
    assert_eq!(configs, 5);
    let blobs = std::fs::read_dir(folder.join("store/blobs"))?.count();
    assert!(blobs > 0, "the artifact service has stored nothing");
    Ok(())
}

/// T1, P2: operators whose machines round differently agree within the band, and they really computed different bits.
/// Operators with one class of arithmetic agree to the bit, whatever their numbers of threads.
fn mixed_as_far_as_the_processor_can(fleet: &FleetSummary) {
    eprintln!("{}", serde_json::to_string_pretty(fleet).expect("plain data serialises"));
    assert_eq!(fleet.mixed, can_mix(), "{fleet:?}");
    assert!(fleet.operators.len() == 5 && fleet.operators.iter().any(|o| o.threads == 1), "{fleet:?}");
    let sum = |count: fn(&openledger_system::summary::Compared) -> u64| {
        let [mut segments, mut answers] = [0; 2];
        for operator in &fleet.operators {
            segments += count(&operator.segments);
            answers += count(&operator.answers);
        }
        [segments, answers]
    };
    assert!(sum(|c| c.equal).iter().all(|equal| *equal > 0), "{fleet:?}");
    assert_eq!(sum(|c| c.outside)[0], 0, "{fleet:?}");
    for (near, ppb) in sum(|c| c.near).into_iter().zip([fleet.segments_ppb, fleet.answers_ppb]) {
        assert_eq!((near > 0, ppb > 0), (can_mix(), can_mix()), "{fleet:?}");
        assert!(ppb < fleet.band_ppb / 2, "{fleet:?}");
    }
}

/// A3, P2: fewer than t members that lie in the quorum's own protocol divide nothing and stop nothing.
fn liars_divide_nothing_and_stop_nothing(liars: &LiarsSummary) {
    eprintln!("{}", serde_json::to_string_pretty(liars).expect("plain data serialises"));
    assert!(liars.honest_paid == 2 && liars.forged_refused && liars.would_have_moved.0 > 0, "{liars:?}");
    for (epoch, by) in liars.epochs.iter().flat_map(|epoch| LIARS.map(|by| (*epoch, by))) {
        let told: Vec<&str> =
            liars.proposals.iter().filter(|p| (p.epoch, p.by) == (epoch, by)).map(|p| p.lie.as_str()).collect();
        for lie in LIES {
            assert!(told.contains(&lie.name), "operator {by} did not propose {lie:?} in epoch {epoch}: {liars:?}");
        }
    }
    // Each check has refused the lie that it is there for, at every honest member. A lie beside the truth can be told only
    // when the truth is known: whoever has signed that by then refuses it for that, which is checked too.
    for lie in LIES {
        let least = if lie.name.contains("beside the true") { 1 } else { 3 };
        let judged = |p: &RefusedProposal| p.lie == lie.name && p.judged_by >= least;
        assert!(liars.proposals.iter().any(judged), "not all members judged {lie:?}: {liars:?}");
    }
}
