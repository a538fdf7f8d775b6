//! A node that a test tells what to answer, truly or not. It speaks JSON-RPC over HTTP.

use anchor_lang::{event::EVENT_IX_TAG_LE, prelude::Pubkey};
use base64::{Engine, prelude::BASE64_STANDARD};
use openledger_indexer::{datasource::Source, db::Database, metrics::Metrics};
use openledger_interface::{Program, pda};
use openledger_sdk::client::Client;
use serde_json::{Value, json};
use solana_message::{MessageHeader, VersionedMessage, compiled_instruction::CompiledInstruction, legacy, v1};
use std::{
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard},
};
use tokio::{net::TcpListener, sync::oneshot};
use warp::Filter;

/// Hash of the genesis block of the cluster.
pub const GENESIS: &str = "4uhcVJyU9pJkvQyS88uRDiswHXSCkY3zQawwpjk2NsNY";

/// A transaction as the node knows it, with the lies that it tells about it.
#[derive(Clone, Debug)]
pub struct Entry {
    pub number: u8,
    pub slot: u64,
    pub program: Program,
    /// The bytes of each event.
    pub events: Vec<Vec<u8>>,
    pub failed: bool,
    pub version: u8,
    /// Whether `getSignaturesForAddress` names it.
    pub listed: bool,
    /// Whether `getTransaction` returns it.
    pub returned: bool,
    /// Whether `getTransaction` says that it succeeded, even if it failed.
    pub praised: bool,
    /// Whether a request for its status is refused.
    pub silent: bool,
}

impl Entry {
    pub fn new(number: u8, slot: u64, program: Program, events: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self {
            number,
            slot,
            program,
            events: events.into_iter().collect(),
            failed: false,
            version: 0,
            listed: true,
            returned: true,
            praised: false,
            silent: false,
        }
    }

    pub fn signature(&self) -> String {
        bs58::encode([self.number; 64]).into_string()
    }

    /// The transaction in the form of the wire.
    fn bytes(&self) -> Vec<u8> {
        let header = MessageHeader {
            num_required_signatures: 1,
            num_readonly_signed_accounts: 0,
            num_readonly_unsigned_accounts: 2,
        };
        let account_keys = vec![super::key(250), self.program.id(), pda::event_authority(&self.program.id())];
        let instructions = vec![CompiledInstruction { program_id_index: 1, accounts: vec![0], data: vec![1, 2, 3] }];
        let signature = [self.number; 64];
        match self.version {
            0 => {
                let message = VersionedMessage::Legacy(legacy::Message {
                    header,
                    account_keys,
                    recent_blockhash: Default::default(),
                    instructions,
                });
                [vec![1], signature.to_vec(), message.serialize()].concat()
            }
            _ => {
                let message = VersionedMessage::V1(v1::Message {
                    header,
                    config: Default::default(),
                    lifetime_specifier: Default::default(),
                    account_keys,
                    instructions,
                });
                [message.serialize(), signature.to_vec()].concat()
            }
        }
    }

    fn error(&self, failed: bool) -> Value {
        if failed { json!({ "InstructionError": [0, { "Custom": 1 }] }) } else { Value::Null }
    }

    fn transaction(&self) -> Value {
        let failed = self.failed && !self.praised;
        let calls: Vec<Value> = self
            .events
            .iter()
            .map(|event| {
                let data = bs58::encode([EVENT_IX_TAG_LE, event].concat()).into_string();
                json!({ "programIdIndex": 1, "accounts": [2], "data": data, "stackHeight": 2 })
            })
            .collect();
        json!({
            "slot": self.slot,
            "blockTime": 1_700_000_000 + self.slot,
            "version": if self.version == 0 { json!("legacy") } else { json!(self.version) },
            "transaction": [BASE64_STANDARD.encode(self.bytes()), "base64"],
            "meta": {
                "err": self.error(failed),
                "status": if failed { json!({ "Err": self.error(true) }) } else { json!({ "Ok": null }) },
                "fee": 5000, "preBalances": [], "postBalances": [], "logMessages": [],
                "innerInstructions": [{ "index": 0, "instructions": calls }],
            },
        })
    }
}

/// What the node believes.
#[derive(Default)]
pub struct Ledger {
    pub slot: u64,
    pub finalized: u64,
    /// In the order of execution.
    pub entries: Vec<Entry>,
    /// Whether every listing names every transaction twice, and in a wrong order.
    pub confused: bool,
    /// Accounts of the programs, with their discriminators.
    pub accounts: Vec<(Program, Pubkey, Vec<u8>)>,
}

impl Ledger {
    pub fn entry(&mut self, number: u8) -> &mut Entry {
        self.entries.iter_mut().find(|e| e.number == number).expect("an entry")
    }

    fn answer(&self, method: &str, params: &Value) -> Result<Value, (i64, String)> {
        let named = |signature: &Value| self.entries.iter().find(|e| signature == &e.signature());
        Ok(match method {
            "getGenesisHash" => json!(GENESIS),
            "getFirstAvailableBlock" => json!(0),
            "getSlot" if params[0]["commitment"] == "finalized" => json!(self.finalized),
            "getSlot" => json!(self.slot),
            "getProgramAccounts" => {
                let kind = &params[1]["filters"][0]["memcmp"]["bytes"];
                let asked = |(program, _, data): &&(Program, Pubkey, Vec<u8>)| {
                    let kinds =
                        [json!(bs58::encode(&data[..8]).into_string()), json!(BASE64_STANDARD.encode(&data[..8]))];
                    params[0] == program.id().to_string() && (kinds.contains(kind) || *kind == json!(data[..8]))
                };
                let account = |(program, address, data): &(Program, Pubkey, Vec<u8>)| {
                    json!({ "pubkey": address.to_string(), "account": {
                        "data": [BASE64_STANDARD.encode(data), "base64"], "executable": false, "lamports": 1,
                        "owner": program.id().to_string(), "rentEpoch": 0, "space": data.len(),
                    } })
                };
                json!(self.accounts.iter().filter(asked).map(account).collect::<Vec<_>>())
            }
            "getSignaturesForAddress" => {
                let until = params[1]["until"].as_str();
                let of: Vec<Value> = self
                    .entries
                    .iter()
                    .rev()
                    .take_while(|e| until != Some(e.signature().as_str()))
                    .filter(|e| e.listed && (params[0] == e.program.id().to_string() || params[0].is_null()))
                    .map(|e| {
                        let status = if e.slot <= self.finalized { "finalized" } else { "confirmed" };
                        json!({ "signature": e.signature(), "slot": e.slot, "err": null, "memo": null, "blockTime": null,
                                "confirmationStatus": status })
                    })
                    .collect();
                let again = of.iter().rev().filter(|_| self.confused);
                json!(of.iter().chain(again).collect::<Vec<_>>())
            }
            "getTransaction" => match named(&params[0]).filter(|e| e.returned) {
                None => Value::Null,
                Some(e) if u64::from(e.version) > params[1]["maxSupportedTransactionVersion"].as_u64().unwrap_or(0) => {
                    return Err((-32015, format!("Transaction version ({}) is not supported", e.version)));
                }
                Some(e) => e.transaction(),
            },
            "getSignatureStatuses" => {
                let asked = params[0].as_array().expect("a list");
                if asked.iter().filter_map(named).any(|e| e.silent) {
                    return Err((-32603, "one of them is beyond me".into()));
                }
                let status = |e: &Entry| {
                    let settled = e.slot <= self.finalized;
                    json!({
                        "slot": e.slot,
                        "confirmations": if settled { Value::Null } else { json!(1) },
                        "status": if e.failed { json!({ "Err": e.error(true) }) } else { json!({ "Ok": null }) },
                        "err": e.error(e.failed),
                        "confirmationStatus": if settled { "finalized" } else { "confirmed" },
                    })
                };
                let value: Vec<Value> = asked.iter().map(|s| named(s).map_or(Value::Null, status)).collect();
                json!({ "context": { "slot": self.slot }, "value": value })
            }
            other => return Err((-32601, format!("the test's node has no {other}"))),
        })
    }
}

/// The node, until dropped.
pub struct Node {
    pub url: String,
    ledger: Arc<Mutex<Ledger>>,
    _stop: oneshot::Sender<()>,
}

impl Node {
    pub async fn start(slot: u64, finalized: u64, entries: Vec<Entry>) -> Self {
        let ledger = Arc::new(Mutex::new(Ledger { slot, finalized, entries, ..Ledger::default() }));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let (stop, stopped) = oneshot::channel::<()>();
        let answers = warp::post().and(warp::body::json()).and_then({
            let ledger = ledger.clone();
            move |request: Value| {
                let result = ledger
                    .lock()
                    .expect("no panic")
                    .answer(request["method"].as_str().unwrap_or(""), &request["params"]);
                let reply = match result {
                    Ok(result) => json!({ "jsonrpc": "2.0", "id": request["id"], "result": result }),
                    Err((code, message)) => {
                        json!({ "jsonrpc": "2.0", "id": request["id"], "error": { "code": code, "message": message } })
                    }
                };
                async move { Ok::<_, Infallible>(warp::reply::json(&reply)) }
            }
        });
        tokio::spawn(warp::serve(answers).incoming(listener).graceful(async { _ = stopped.await }).run());
        Self { url, ledger, _stop: stop }
    }

    /// What the node believes, to be changed.
    pub fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().expect("no panic")
    }

    /// Lets the cluster finalise everything up to `slot`.
    pub fn finalise(&self, slot: u64) {
        let mut ledger = self.ledger();
        (ledger.slot, ledger.finalized) = (slot + 32, slot);
    }

    /// An indexer of this node.
    pub fn source(&self, db: Database) -> Source {
        Source::new(Client::new(self.url.clone(), "ws://127.0.0.1:9"), db, Metrics::new().expect("metrics"))
    }
}
