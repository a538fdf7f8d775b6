//! Whatever pays asks first: without a terminal, and on one.

use std::{
    fs::File,
    io::{Read, Write},
    os::fd::{FromRawFd, OwnedFd},
    path::Path,
    process::{Child, Command, Output, Stdio},
};

const NOBODY: &str = "11111111111111111111111111111112";

/// The command in a home folder of its own, with no node and no indexer where it looks for them.
fn openledger(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_openledger"));
    command.env_clear().env("HOME", home).env("OPENLEDGER_RPC", "http://127.0.0.1:9").args(arguments);
    command.env("OPENLEDGER_API", "http://127.0.0.1:9").stdin(Stdio::null());
    command
}

/// A home folder with a wallet, and the path of another key.
fn home() -> (tempfile::TempDir, String) {
    let home = tempfile::tempdir().unwrap();
    let other = home.path().join("identity.json").to_str().unwrap().to_owned();
    for arguments in [&["wallet", "new"][..], &["wallet", "new", "--out", &other]] {
        assert!(openledger(home.path(), arguments).output().unwrap().status.success());
    }
    (home, other)
}

/// Every command that takes OPEN or rent from the wallet, or cannot be taken back.
fn paying(identity: &str) -> Vec<Vec<&str>> {
    let hash = "abababababababababababababababababababababababababababababababab";
    let register = ["operator", "register", "--endpoint", "http://x", "--can", "serve", "--identity"];
    vec![
        vec!["chat", "--model", NOBODY, "--prompt", "hi"],
        vec!["wallet", "send", NOBODY, "1"],
        vec!["stake", "deposit", "1", "--role", "validator"],
        vec!["votes", "lock", "1", "--days", "30"],
        vec!["votes", "add", "1"],
        vec!["votes", "extend", "--days", "30"],
        vec!["job", "request", NOBODY, "--datanet", NOBODY, "--budget", "1"],
        vec!["model", "register", "m", "--base-hash", hash, "--price-in", "1", "--price-out", "1"],
        vec!["model", "retire", NOBODY],
        vec!["datanet", "create", "d", "--licence", "CC0-1.0"],
        vec!["grant", "request", NOBODY, "--purpose", "p"],
        vec!["proposal", "vote", "1", "for"],
        vec!["proposal", "execute", "1"],
        [&register[..], &[identity]].concat(),
    ]
}

fn ended(commands: Vec<Command>) -> Vec<Output> {
    let spawn = |mut c: Command| c.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let children: Vec<Child> = commands.into_iter().map(spawn).collect();
    children.into_iter().map(|c| c.wait_with_output().unwrap()).collect()
}

#[test]
fn whatever_pays_ends_unconfirmed_without_a_terminal_and_a_yes_lets_it_go_on() {
    let (home, identity) = home();
    let all = paying(&identity);
    let run = |more: &[&str]| {
        ended(all.iter().map(|arguments| openledger(home.path(), &[&arguments[..], more].concat())).collect())
    };
    for (output, arguments) in run(&["--json"]).iter().zip(&all) {
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(10), "{arguments:?}: {told}");
        let error: serde_json::Value = serde_json::from_str(told.lines().last().unwrap()).unwrap();
        assert_eq!(error["code"], "unconfirmed", "{arguments:?}");
        assert!(error["error"].as_str().unwrap().contains("say --yes"), "{arguments:?}: {error}");
    }
    // There is no node, so that is what they fail for now.
    for (output, arguments) in run(&["--json", "--yes"]).iter().zip(&all) {
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(4), "{arguments:?}: {told}");
    }
}

#[test]
fn chat_that_says_the_most_it_pays_is_not_asked_about() {
    let (home, _) = home();
    let arguments = ["--json", "chat", "--model", NOBODY, "--prompt", "hi", "--most", "1"];
    assert_eq!(openledger(home.path(), &arguments).output().unwrap().status.code(), Some(4));
}

/// Runs the command on a terminal of its own and types `answer`. Returns its exit status and what the terminal shows.
fn on_a_terminal(home: &Path, arguments: &[&str], answer: &str) -> (Option<i32>, String) {
    let (mut master, mut slave) = (0, 0);
    let (name, settings, size) = (std::ptr::null_mut(), std::ptr::null(), std::ptr::null());
    // SAFETY: both numbers are written before it returns 0, and no name, settings or size are passed.
    assert_eq!(unsafe { libc::openpty(&mut master, &mut slave, name, settings, size) }, 0);
    // SAFETY: `openpty` has opened both, and nobody else has them.
    let (master, slave) = unsafe { (OwnedFd::from_raw_fd(master), OwnedFd::from_raw_fd(slave)) };
    let mut command = openledger(home, arguments);
    command.stdin(slave.try_clone().unwrap()).stdout(Stdio::null()).stderr(slave);
    let mut child = command.spawn().unwrap();
    drop(command);
    let mut terminal = File::from(master);
    terminal.write_all(answer.as_bytes()).unwrap();
    // Once the command has ended, reading fails because nobody has the other end.
    let (mut shown, mut piece) = (Vec::new(), [0; 1024]);
    while let Ok(n @ 1..) = terminal.read(&mut piece) {
        shown.extend_from_slice(&piece[..n]);
    }
    (child.wait().unwrap().code(), String::from_utf8_lossy(&shown).into_owned())
}

#[test]
fn on_a_terminal_a_no_or_nothing_pays_nothing_and_a_yes_goes_on() {
    let (home, _) = home();
    let send = ["wallet", "send", NOBODY, "12.5"];
    for no in ["n\n", "\n", "nope\n"] {
        let (status, shown) = on_a_terminal(home.path(), &send, no);
        assert!(shown.contains(&format!("sends 12.5 OPEN to {NOBODY}. [y/N]")), "{shown}");
        assert!(status == Some(10) && shown.contains("nothing was paid"), "{status:?}: {shown}");
    }
    for yes in ["y\n", "YES\n"] {
        let (status, shown) = on_a_terminal(home.path(), &send, yes);
        assert!(status == Some(4) && shown.contains("cannot be reached"), "{status:?}: {shown}");
    }
}
