//! A node that stands in for a real one: it answers from arithmetic what a cluster's node would about a ledger of payments,
//! so that its own time is small beside the index's. It speaks JSON-RPC over HTTP and WebSocket.

use anchor_lang::{AnchorDeserialize, AnchorSerialize, Discriminator, Event as _, event::EVENT_IX_TAG_LE};
use base64::{Engine, prelude::BASE64_STANDARD};
use futures::{SinkExt, StreamExt};
use openledger_interface::{Program, pda};
use serde_json::{Value, json};
use solana_message::{MessageHeader, VersionedMessage, compiled_instruction::CompiledInstruction, legacy};
use solana_pubkey::Pubkey;
use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::{net::TcpListener, sync::broadcast};
use warp::{
    Filter, Reply,
    ws::{Message, WebSocket, Ws},
};

/// Hash of the genesis block of the cluster.
pub const GENESIS: &str = "4uhcVJyU9pJkvQyS88uRDiswHXSCkY3zQawwpjk2NsNY";

/// Slots after which a transaction is final.
const FINAL_AFTER: u64 = 32;
/// Most signatures of one page.
const PAGE: u64 = 1_000;
/// Shards that payments go to.
const SHARDS: u64 = 16;

/// What the ledger is made of.
#[derive(Clone, Copy)]
pub struct Shape {
    /// Its first slot.
    pub first_slot: u64,
    /// Transactions in a slot.
    pub in_slot: u64,
    /// Payments in a transaction.
    pub payments: u64,
}

/// A node and its ledger. Clones share them.
#[derive(Clone)]
pub struct Node {
    shape: Shape,
    /// How many transactions there are.
    length: Arc<AtomicU64>,
    /// Tells the number of each new one.
    new: broadcast::Sender<u64>,
    pub http: String,
    pub ws: String,
}

fn key(kind: u8, n: u64) -> Pubkey {
    let mut bytes = [kind; 32];
    bytes[..8].copy_from_slice(&n.to_le_bytes());
    Pubkey::new_from_array(bytes)
}

pub fn signature(n: u64) -> [u8; 64] {
    let mut bytes = [7; 64];
    bytes[..8].copy_from_slice(&n.to_be_bytes());
    bytes
}

fn number(signature: &str) -> Option<u64> {
    let bytes = bs58::decode(signature).into_vec().ok()?;
    Some(u64::from_be_bytes(bytes.get(..8)?.try_into().ok()?))
}

/// The stake program's config, which names the mint.
fn stake_config() -> Value {
    let zeros: stake::state::Config =
        AnchorDeserialize::deserialize(&mut &[0; 4096][..]).expect("all zeros are a config");
    let config = stake::state::Config { open_mint: key(5, 1), ..zeros };
    let mut data = stake::state::Config::DISCRIMINATOR.to_vec();
    config.serialize(&mut data).expect("memory");
    json!({
        "lamports": 1, "owner": Program::Stake.id().to_string(), "executable": false, "rentEpoch": 0, "space": data.len(),
        "data": [BASE64_STANDARD.encode(data), "base64"],
    })
}

impl Node {
    /// Starts a node whose ledger has `length` transactions.
    pub async fn start(shape: Shape, length: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let node = Self {
            shape,
            length: Arc::new(length.into()),
            new: broadcast::Sender::new(1 << 16),
            http: format!("http://{address}"),
            ws: format!("ws://{address}"),
        };
        let (asked, listened) = (node.clone(), node.clone());
        let answers = warp::post().and(warp::body::json()).and_then(move |request: Value| {
            let result = asked.answer(request["method"].as_str().unwrap_or_default(), &request["params"]);
            let reply = json!({ "jsonrpc": "2.0", "id": request["id"], "result": result });
            async move { Ok::<_, Infallible>(warp::reply::json(&reply)) }
        });
        let subscriptions = warp::ws().map(move |ws: Ws| {
            let node = listened.clone();
            ws.on_upgrade(move |socket| node.notify(socket)).into_response()
        });
        tokio::spawn(warp::serve(subscriptions.or(answers)).incoming(listener).run());
        node
    }

    /// Adds `count` transactions, and tells those who subscribed. Returns the number of the first.
    pub fn add(&self, count: u64) -> u64 {
        let first = self.length.fetch_add(count, Ordering::SeqCst);
        for n in first..first + count {
            // Nobody may have subscribed yet.
            let _ = self.new.send(n);
        }
        first
    }

    fn slot(&self, n: u64) -> u64 {
        self.shape.first_slot + n / self.shape.in_slot
    }

    fn newest_slot(&self) -> u64 {
        self.slot(self.length.load(Ordering::SeqCst))
    }

    fn answer(&self, method: &str, params: &Value) -> Value {
        let length = self.length.load(Ordering::SeqCst);
        let is_final = |n: u64| self.slot(n) + FINAL_AFTER <= self.newest_slot();
        let said = |n: u64| if is_final(n) { "finalized" } else { "confirmed" };
        match method {
            "getGenesisHash" => json!(GENESIS),
            "getFirstAvailableBlock" => json!(0),
            "getSlot" if params[0]["commitment"] == "finalized" => {
                json!(self.newest_slot().saturating_sub(FINAL_AFTER))
            }
            "getSlot" => json!(self.newest_slot()),
            "getProgramAccounts" => json!([]),
            "getSignaturesForAddress" => {
                if params[0] != Program::Payout.id().to_string() {
                    return json!([]);
                }
                let before = params[1]["before"].as_str().and_then(number).unwrap_or(length);
                let until = params[1]["until"].as_str().and_then(number).map_or(0, |n| n + 1);
                let page = (until.max(before.saturating_sub(PAGE))..before).rev();
                json!(
                    page.map(|n| json!({
                        "signature": bs58::encode(signature(n)).into_string(), "slot": self.slot(n), "err": null,
                        "memo": null, "blockTime": null, "confirmationStatus": said(n),
                    }))
                    .collect::<Vec<_>>()
                )
            }
            "getTransaction" => match params[0].as_str().and_then(number).filter(|n| *n < length) {
                Some(n) => self.transaction(n),
                None => Value::Null,
            },
            "getSignatureStatuses" => {
                let asked = params[0].as_array().expect("a list").iter();
                let status = |s: &Value| match s.as_str().and_then(number).filter(|n| *n < length) {
                    None => Value::Null,
                    Some(n) => json!({
                        "slot": self.slot(n), "err": null, "status": { "Ok": null }, "confirmationStatus": said(n),
                        "confirmations": if is_final(n) { Value::Null } else { json!(1) },
                    }),
                };
                json!({ "context": { "slot": self.newest_slot() }, "value": asked.map(status).collect::<Vec<_>>() })
            }
            "getAccountInfo" if params[0] == pda::stake_config().to_string() => {
                json!({ "context": { "slot": self.newest_slot() }, "value": stake_config() })
            }
            // An account that is not there.
            _ => json!({ "context": { "slot": self.newest_slot() }, "value": null }),
        }
    }

    /// The bytes of payment number `n` of the whole ledger.
    fn payment(&self, n: u64) -> Vec<u8> {
        let mut request = [9; 32];
        request[..8].copy_from_slice(&n.to_le_bytes());
        payout::events::Paid {
            shard: key(1, n % SHARDS),
            sequence: n / SHARDS,
            request,
            payer: key(2, n % 5_000),
            model: key(3, n % 1_000),
            operator: key(4, n % 20),
            amount: 1_000,
            treasury: 100,
            model_owner: 200,
            upstream: 0,
            compute: 250,
            validators: 50,
            contributors: 400,
            epoch: 1,
        }
        .data()
    }

    fn transaction(&self, n: u64) -> Value {
        let program = Program::Payout.id();
        let message = VersionedMessage::Legacy(legacy::Message {
            header: MessageHeader {
                num_required_signatures: 1,
                num_readonly_signed_accounts: 0,
                num_readonly_unsigned_accounts: 2,
            },
            account_keys: vec![key(2, n), program, pda::event_authority(&program)],
            recent_blockhash: Default::default(),
            instructions: vec![CompiledInstruction { program_id_index: 1, accounts: vec![0], data: vec![1, 2, 3] }],
        });
        let bytes = [vec![1], signature(n).to_vec(), message.serialize()].concat();
        let calls: Vec<Value> = (n * self.shape.payments..(n + 1) * self.shape.payments)
            .map(|payment| {
                let data = bs58::encode([EVENT_IX_TAG_LE, &self.payment(payment)].concat()).into_string();
                json!({ "programIdIndex": 1, "accounts": [2], "data": data, "stackHeight": 2 })
            })
            .collect();
        json!({
            "slot": self.slot(n), "blockTime": 1_700_000_000 + self.slot(n), "version": "legacy",
            "transaction": [BASE64_STANDARD.encode(bytes), "base64"],
            "meta": {
                "err": null, "status": { "Ok": null }, "fee": 5000, "preBalances": [], "postBalances": [],
                "logMessages": [], "innerInstructions": [{ "index": 0, "instructions": calls }],
            },
        })
    }

    /// Answers one subscriber, and tells it of every new transaction if it asked for those of the payout program.
    async fn notify(self, socket: WebSocket) {
        let (mut send, mut receive) = socket.split();
        let mut new = self.new.subscribe();
        let (mut subscriptions, mut payout) = (0, None);
        loop {
            tokio::select! {
                message = receive.next() => {
                    let Some(Ok(message)) = message else { return };
                    let Ok(request) = serde_json::from_slice::<Value>(message.as_bytes()) else { continue };
                    subscriptions += 1;
                    if request["params"][0]["mentions"][0] == Program::Payout.id().to_string() {
                        payout = Some(subscriptions);
                    }
                    let reply = json!({ "jsonrpc": "2.0", "id": request["id"], "result": subscriptions });
                    if send.send(Message::text(reply.to_string())).await.is_err() {
                        return;
                    }
                }
                n = new.recv() => {
                    let (Ok(n), Some(subscription)) = (n, payout) else { continue };
                    let value = json!({ "signature": bs58::encode(signature(n)).into_string(), "err": null, "logs": [] });
                    let told = json!({
                        "jsonrpc": "2.0", "method": "logsNotification",
                        "params": { "subscription": subscription,
                                    "result": { "context": { "slot": self.slot(n) }, "value": value } },
                    });
                    if send.send(Message::text(told.to_string())).await.is_err() {
                        return;
                    }
                }
            }
        }
    }
}
