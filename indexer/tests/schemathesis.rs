//! Lets schemathesis ask the API and the artifact service whatever their OpenAPI document allows, and much that it does
//! not. `cargo xtask check-api` installs schemathesis and runs this.

mod support;

use serde_json::json;
use std::process::Command;
use support::{council::council, town::Town, world};

/// Lets schemathesis ask `base`, of the operations of the document at `document` those that the filters leave.
fn ask(base: &str, document: &str, filters: &[&str]) {
    let program = std::env::var("OPENLEDGER_SCHEMATHESIS").expect("run `cargo xtask check-api`");
    let examples = std::env::var("OPENLEDGER_SCHEMATHESIS_EXAMPLES").unwrap_or_else(|_| "100".into());
    let (world, council) = (world(), council());
    let accounts = [
        world.datanet,
        world.model,
        world.job,
        world.contributors[0],
        world.operator,
        world.payer,
        council.pool,
        council.delegation,
        council.grant,
        council.lock,
        council.proposal,
    ];
    let report = openledger_protocol::hash::sha256(&[&world.report]);
    let hashes = [world.manifests[0].leaf_hashes()[0], world.request, report].map(hex::encode);
    let samples = json!({ "address": accounts.map(|a| a.to_string()), "hash": hashes });
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/../xtask/api/schemathesis.toml");
    let status = Command::new(program)
        .args([
            "--config-file",
            config,
            "run",
            document,
            "--url",
            base,
            "--max-examples",
            &examples,
            "--seed",
            "1",
            "--no-color",
        ])
        .args(["--checks", "all", "--request-timeout", "10", "--generation-database", "none", "--warnings", "off"])
        .args(["--continue-on-failure"])
        .args(filters)
        .env("OPENLEDGER_API_SAMPLES", samples.to_string())
        .current_dir(std::env::temp_dir())
        .status()
        .expect("schemathesis runs");
    assert!(status.success(), "{status}: see above");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs schemathesis: run `cargo xtask check-api`"]
async fn schemathesis_finds_nothing_to_complain_of() {
    let town = Town::start().await;
    let document = format!("{}/openapi.json", town.api.base);
    // A stream has no end, which another test reads to where it must.
    let indexer = ["--exclude-path-regex", "^/v1/(artifacts|events/stream)"];
    let artifacts = ["--include-path-regex", "^/v1/artifacts"];
    for (base, filters) in [(&town.api.base, indexer), (&town.artifacts, artifacts)] {
        let (base, document) = (base.clone(), document.clone());
        tokio::task::spawn_blocking(move || ask(&base, &document, &filters)).await.expect("nothing to complain of");
    }
}
