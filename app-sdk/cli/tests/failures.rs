//! The command as scripts and terminals meet it when something is wrong.

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
    assert!(!unread.status.success() && unread.status.code() != Some(101), "{unread:?}");
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
