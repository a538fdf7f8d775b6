//! The command as scripts and terminals meet it when something is wrong.

use serde_json::json;
use std::{
    path::Path,
    process::{Command, Output, Stdio},
};

/// The command in a home folder of its own, with no node and no indexer where it looks for them.
fn openledger(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_openledger"));
    command.env_clear().env("HOME", home).env("OPENLEDGER_RPC", "http://127.0.0.1:9").args(arguments);
    command.env("OPENLEDGER_API", "http://127.0.0.1:9").stdin(Stdio::null());
    command
}

fn run(home: &Path, arguments: &[&str]) -> Output {
    openledger(home, arguments).output().unwrap()
}

fn error(output: &Output) -> serde_json::Value {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    serde_json::from_str(text.lines().last().unwrap_or_default()).unwrap_or_else(|e| panic!("{e}: {text}"))
}

const NOBODY: &str = "11111111111111111111111111111112";

#[test]
fn a_dead_node_is_no_missing_account() {
    let home = tempfile::tempdir().unwrap();
    let output = run(home.path(), &["--json", "operator", "show", NOBODY]);
    let error = error(&output);
    assert_eq!((output.status.code(), &error["code"]), (Some(4), &"unreachable".into()), "{error}");
    assert_eq!(error["url"], "http://127.0.0.1:9/");
    assert!(error["error"].as_str().unwrap().contains("cannot be reached"), "{error}");
}

#[test]
fn a_dead_indexer_has_the_same_kind() {
    let home = tempfile::tempdir().unwrap();
    let output = run(home.path(), &["--json", "model", "list"]);
    assert_eq!((output.status.code(), &error(&output)["code"]), (Some(4), &"unreachable".into()));
}

#[test]
fn kinds_differ_in_their_exit_status() {
    let home = tempfile::tempdir().unwrap();
    let no_key = run(home.path(), &["--json", "wallet", "show"]);
    assert_eq!((no_key.status.code(), &error(&no_key)["code"]), (Some(2), &"input".into()));
    assert!(error(&no_key)["error"].as_str().unwrap().contains("wallet new"));
    let usage = run(home.path(), &["--json", "wallet", "balance", "no address"]);
    assert_eq!((usage.status.code(), &error(&usage)["code"]), (Some(2), &"input".into()));
    let forged = home.path().join("proof.json");
    std::fs::write(&forged, "{}").unwrap();
    let unread = run(home.path(), &["--json", "proof", "verify", forged.to_str().unwrap()]);
    assert_eq!((unread.status.code(), &error(&unread)["code"]), (Some(2), &"input".into()));
}

#[test]
fn a_file_that_is_named_and_missing_or_wrong_is_wrong_input() {
    let home = tempfile::tempdir().unwrap();
    let wrong = home.path().join("wrong.json");
    std::fs::write(&wrong, "[]").unwrap();
    let wrong = wrong.to_str().unwrap();
    assert!(run(home.path(), &["wallet", "new"]).status.success());
    for arguments in [
        &["--json", "proof", "verify", "/nowhere.json"][..],
        &["--json", "proof", "verify", wrong],
        &["--json", "receipt", "verify", "/nowhere.json"],
        &["--json", "receipt", "verify", wrong],
        &["--json", "job", "request", NOBODY, "--datanet", NOBODY, "--budget", "1", "--config", "/nowhere.json"],
    ] {
        let output = run(home.path(), arguments);
        assert_eq!((output.status.code(), &error(&output)["code"]), (Some(2), &"input".into()), "{arguments:?}");
    }
    let output = openledger(home.path(), &["--json", "wallet", "show"]).env("OPENLEDGER_CONFIG", "/no.toml").output();
    assert_eq!(output.unwrap().status.code(), Some(2));
}

#[test]
fn a_forged_proof_is_untrusted() {
    let home = tempfile::tempdir().unwrap();
    let forged = home.path().join("proof.json");
    let (hash, path) = ("ab".repeat(32), json!({ "count": 1, "index": 0, "siblings": [], "peaks": [] }));
    let proof = json!({
        "leaf": hash, "preimage": null, "datanet": NOBODY, "contributor": NOBODY, "batch_index": 0,
        "batch_root": hash, "in_batch": path, "root": hash, "in_datanet": path,
    });
    std::fs::write(&forged, proof.to_string()).unwrap();
    let output = run(home.path(), &["--json", "proof", "verify", forged.to_str().unwrap()]);
    assert_eq!((output.status.code(), &error(&output)["code"]), (Some(9), &"untrusted".into()), "{output:?}");
}

#[test]
fn an_answers_file_is_made_before_anything_is_asked_or_paid_and_none_is_left_behind() {
    let home = tempfile::tempdir().unwrap();
    let ask = ["--json", "chat", "--model", NOBODY, "--prompt", "hi", "--most", "1", "--out"];
    let nowhere = run(home.path(), &[&ask[..], &["/nowhere/answer.json"]].concat());
    assert_eq!(nowhere.status.code(), Some(1), "{nowhere:?}");
    assert!(error(&nowhere)["error"].as_str().unwrap().contains("cannot write /nowhere/answer.json"));
    let (new, old) = (home.path().join("new.json"), home.path().join("old.json"));
    std::fs::write(&old, "kept").unwrap();
    for place in [&new, &old] {
        let output = run(home.path(), &[&ask[..], &[place.to_str().unwrap()]].concat());
        assert_eq!(output.status.code(), Some(4), "{output:?}");
    }
    assert!(!new.exists() && std::fs::read_to_string(&old).unwrap() == "kept");
}

#[test]
fn a_payment_alone_names_what_is_to_be_fetched() {
    let home = tempfile::tempdir().unwrap();
    let (payment, hash) = ("1".repeat(64), "ab".repeat(32));
    let ask = ["--json", "chat", "--model", NOBODY, "--prompt", "hi"];
    let code = |more: &[&str]| run(home.path(), &[&ask[..], more].concat()).status.code();
    assert_eq!(code(&["--payment", &payment]), Some(4));
    assert_eq!(code(&["--payment", &payment, "--request", &hash]), Some(4));
    assert_eq!((code(&["--payment", "no"]), code(&["--request", &hash])), (Some(2), Some(2)));
}

#[test]
fn nothing_is_handed_in_without_documents_and_what_is_passed_over_is_named() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("pages");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("\u{1b}[2Jx.txt"), "text").unwrap();
    std::fs::write(folder.join("page.bin"), [0xff]).unwrap();
    let output = run(home.path(), &["contribute", folder.to_str().unwrap(), "--datanet", NOBODY]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("passed over (2)") && told.contains("page.bin: it is not UTF-8 text"), "{told}");
    assert!(!told.contains('\u{1b}'), "{told:?}");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let home = tempfile::tempdir().unwrap();
    for arguments in [&["completions", "bash"][..], &["--help"], &["wallet", "new"]] {
        let mut child =
            openledger(home.path(), arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && !told.contains("panicked"), "{arguments:?}: {told}");
    }
}

#[test]
fn the_solana_clis_settings_are_taken_where_there_are_no_others() {
    let home = tempfile::tempdir().unwrap();
    let made = home.path().join("solana.json");
    assert!(run(home.path(), &["wallet", "new", "--out", made.to_str().unwrap()]).status.success());
    let config = home.path().join(".config/solana/cli");
    std::fs::create_dir_all(&config).unwrap();
    let text = format!("---\njson_rpc_url: http://127.0.0.1:7\nkeypair_path: {}\n", made.display());
    std::fs::write(config.join("config.yml"), text).unwrap();
    let of = |arguments: &[&str]| openledger(home.path(), arguments).env_remove("OPENLEDGER_RPC").output().unwrap();
    let shown = of(&["--json", "wallet", "show"]);
    assert!(shown.status.success(), "{shown:?}");
    assert_eq!(error(&of(&["--json", "wallet", "balance"]))["url"], "http://127.0.0.1:7/");
    assert_eq!(error(&of(&["--json", "-u", "http://127.0.0.1:5", "wallet", "balance"]))["url"], "http://127.0.0.1:5/");
    assert_eq!(of(&["--json", "-k", "/nowhere.json", "wallet", "show"]).status.code(), Some(2));
    // A wallet of this command's own comes before the Solana CLI's.
    let own = run(home.path(), &["--json", "wallet", "new"]);
    assert!(own.status.success());
}
