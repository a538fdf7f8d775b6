//! A node as its users see it: over JSON-RPC, and as a process.

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use openledger_localnet::{Localnet, LocalnetConfig};
use solana_client::rpc_client::RpcClient;
use solana_keypair::Keypair;
use solana_signer::Signer;
use solana_system_interface::instruction::transfer;
use solana_transaction::Transaction;

fn fast() -> LocalnetConfig {
    LocalnetConfig { slot_ms: 50, ..LocalnetConfig::default() }
}

fn send(rpc: &RpcClient, from: &Keypair, to: &Keypair, lamports: u64) {
    let transaction = Transaction::new_signed_with_payer(
        &[transfer(&from.pubkey(), &to.pubkey(), lamports)],
        Some(&from.pubkey()),
        &[from],
        rpc.get_latest_blockhash().unwrap(),
    );
    rpc.send_and_confirm_transaction(&transaction).unwrap();
}

#[test]
fn airdropped_lamports_can_be_transferred() {
    let (alice, bob) = (Keypair::new(), Keypair::new());
    let node = Localnet::start(LocalnetConfig { airdrop: vec![alice.pubkey()], ..fast() }).unwrap();
    let rpc = RpcClient::new(node.rpc_url());
    send(&rpc, &alice, &bob, 3_000_000);
    assert_eq!(rpc.get_balance(&bob.pubkey()).unwrap(), 3_000_000);
}

#[test]
fn slot_hashes_are_there_for_programs_that_draw_by_them() {
    let node = Localnet::start(fast()).unwrap();
    let rpc = RpcClient::new(node.rpc_url());
    let first = rpc.get_slot().unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while rpc.get_slot().unwrap() < first + 5 {
        assert!(Instant::now() < deadline, "no slots are made");
        thread::sleep(Duration::from_millis(20));
    }
    let data = rpc.get_account_data(&solana_sdk_ids::sysvar::slot_hashes::ID).unwrap();
    let (count, entries) = data.split_at(8);
    let count = u64::from_le_bytes(count.try_into().unwrap()) as usize;
    let newest = u64::from_le_bytes(entries[..8].try_into().unwrap());
    assert!(count >= 5, "{count} slot hashes");
    assert!(newest > first, "the newest slot hash is of slot {newest}, and the node started at {first}");
    assert_ne!(entries[8..40], entries[48..80], "two slots have one hash");
}

#[test]
fn the_chain_outlives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (alice, bob) = (Keypair::new(), Keypair::new());
    let config =
        || LocalnetConfig { airdrop: vec![alice.pubkey()], db: Some(folder.path().join("chain.sqlite")), ..fast() };

    let node = Localnet::start(config()).unwrap();
    let rpc = RpcClient::new(node.rpc_url());
    send(&rpc, &alice, &bob, 5_000_000);
    let (slot, genesis) = (rpc.get_slot().unwrap(), rpc.get_genesis_hash().unwrap());
    node.stop();

    let node = Localnet::start(config()).unwrap();
    let rpc = RpcClient::new(node.rpc_url());
    assert_eq!(rpc.get_balance(&bob.pubkey()).unwrap(), 5_000_000);
    assert!(rpc.get_slot().unwrap() >= slot, "the slot went backwards");
    assert_eq!(rpc.get_genesis_hash().unwrap(), genesis);
}

#[test]
fn the_process_says_when_it_is_ready_and_ends_with_its_standard_input() {
    let mut process = Command::new(env!("CARGO_BIN_EXE_openledger-localnet"))
        .args(["--rpc-port", "0", "--ws-port", "0", "--slot-ms", "50", "--stop-with-stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
    RpcClient::new(ready["rpc"].as_str().unwrap()).get_health().unwrap();
    drop(process.stdin.take());
    assert!(process.wait().unwrap().success());
}

#[test]
fn the_process_ends_cleanly_on_sigterm_and_frees_its_port() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut process = Command::new(env!("CARGO_BIN_EXE_openledger-localnet"))
        .args(["--rpc-port", &port.to_string(), "--ws-port", "0"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains(&format!("http://127.0.0.1:{port}")), "{line}");
    // SAFETY: plain kill(2) of our own child.
    unsafe { libc::kill(process.id() as i32, libc::SIGTERM) };
    assert!(process.wait().unwrap().success());
    TcpListener::bind(("127.0.0.1", port)).unwrap();
}

#[test]
fn a_taken_port_is_one_clear_message() {
    let squatter = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = squatter.local_addr().unwrap().port().to_string();
    let output = Command::new(env!("CARGO_BIN_EXE_openledger-localnet")).args(["--rpc-port", &port]).output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(message.contains(&format!("port {port}")) && message.contains("--rpc-port"), "{message}");
    assert_eq!(message.lines().count(), 1, "{message}");
}
