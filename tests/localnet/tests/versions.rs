//! Transactions of version 1 (SIMD-0385) on the node, sent and read by the SDK.

use openledger_localnet::{Localnet, LocalnetConfig};
use openledger_sdk::{
    Client, Sending,
    client::Room,
    events::{decode, executed_instructions},
};
use solana_instruction::{AccountMeta, Instruction};
use solana_keypair::Keypair;
use solana_pubkey::{Pubkey, pubkey};
use solana_signer::Signer;
use std::time::Duration;

const MEMO: Pubkey = pubkey!("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr");

fn memo(of: &Keypair, bytes: usize) -> Instruction {
    let accounts = vec![AccountMeta::new_readonly(of.pubkey(), true)];
    Instruction { program_id: MEMO, accounts, data: vec![b'm'; bytes] }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_in_a_legacy_transaction_is_executed_in_version_1_and_read_back() {
    let payer = Keypair::new();
    let config = LocalnetConfig { slot_ms: 50, airdrop: vec![payer.pubkey()], ..LocalnetConfig::default() };
    let node = Localnet::start(config).unwrap();
    let sending = Sending { simulate: true, ..Sending::default() };
    let client = Client::new(node.rpc_url(), node.ws_url()).with_sending(sending);
    assert_eq!(client.room(&[&payer]).await.unwrap(), Room::V1, "the node has the feature's account");

    for (bytes, version) in [(500, "legacy"), (3_500, "1")] {
        let before = client.rpc().get_balance(&payer.pubkey()).await.unwrap();
        let signature = client.send(&[memo(&payer, bytes)], &[&payer]).await.unwrap();
        let read = client.transaction(&signature, Duration::from_secs(10)).await.unwrap();
        let found = serde_json::to_value(&read.transaction.version).unwrap();
        assert_eq!(found.as_str().map_or_else(|| found.to_string(), str::to_owned), version);
        let (named, executed) = executed_instructions(&read).unwrap().expect("it succeeded");
        assert_eq!(named, signature.to_string());
        let memos: Vec<_> = executed.iter().filter(|i| i.program == MEMO).collect();
        assert!(memos.len() == 1 && memos[0].data.len() == bytes && memos[0].accounts == [payer.pubkey()]);
        assert!(decode(&read).unwrap().is_empty(), "it is no event of ours");
        let after = client.rpc().get_balance(&payer.pubkey()).await.unwrap();
        assert_eq!(before - after, 5_000, "the fee of one signature");
    }
    let error = client.send(&[memo(&payer, 4_000)], &[&payer]).await.unwrap_err().to_string();
    assert!(error.contains("at most 4096"), "{error}");
}
