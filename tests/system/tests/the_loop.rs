//! The whole loop with a tiny random model, against real parts: node, PostgreSQL, programs, five operator processes.

use anyhow::{Context, Result};
use openledger_system::{
    demo::{self, Demo},
    settings::Settings,
};
use std::path::PathBuf;

/// A folder that `cargo xtask test` prepares and names in `variable`. Without the variable it is the default place
/// within the cache.
fn prepared(variable: &str, within_cache: &str) -> Result<PathBuf> {
    if let Some(path) = std::env::var_os(variable) {
        return Ok(path.into());
    }
    let home = || std::env::var_os("HOME").map(|h| PathBuf::from(h).join(".cache"));
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home).context("HOME is not set")?;
    Ok(cache.join("openledger").join(within_cache))
}

/// M1–M5, A1, A3, D2, P1, G1 on the running system.
#[test]
fn the_loop_closes_with_two_operators_killed_and_every_base_unit_accounted_for() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let cache = prepared("OPENLEDGER_CACHE", "")?;
    let demo = Demo {
        programs: prepared("OPENLEDGER_PROGRAMS_DIR", "sbf-target/deploy")?,
        binaries: prepared("OPENLEDGER_BIN_DIR", "target/debug")?,
        documents: cache.join("documents"),
        folder: folder.path().to_path_buf(),
        settings: Settings::tiny(),
    };
    let runtime = tokio::runtime::Runtime::new()?;
    let (summary, running) = runtime.block_on(demo::run(&demo))?;
    drop(running);

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
    assert_eq!(summary.books.funded.0, fees + layers.fees.0 + summary.unanswered.0 + summary.lies.paid.0);
    // One bad answer stops one answer, and a receipt that is not the answer's pays nothing.
    assert!(summary.lies.poisoned && summary.lies.forged, "{:?}", summary.lies);
    assert!(summary.answers.iter().all(|a| !a.top.is_empty()));

    // A model that builds on the first pays the first's documents and its owner.
    assert!(layers.inherited == job.examples && layers.examples > 0 && layers.answers == 2, "{layers:?}");
    assert!(layers.to_parent.0 > 0 && layers.upstream.0 > 0, "{layers:?}");

    assert_eq!(summary.settlement.signers_alive, 3);
    // P2: every answer is paid exactly as its receipt says. `receipts::compare` has added them up to the base unit.
    let receipts = &summary.receipts;
    assert_eq!((receipts.exact, receipts.held), (demo.settings.questions + layers.answers, 0), "{receipts:?}");
    assert!(receipts.top.iter().any(|d| d.amount.0 > 0) && receipts.paid_by_scores, "{receipts:?}");
    let settled = &summary.settlement;
    assert_eq!(settled.lifetime_total.0 + settled.carried.0, settled.lifetime_funded.0, "{settled:?}");
    assert!(settled.lifetime_total.0 > 0 && settled.repeated >= demo.settings.pages, "{settled:?}");
    assert_eq!(summary.claims.total, summary.settlement.lifetime_total);

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
