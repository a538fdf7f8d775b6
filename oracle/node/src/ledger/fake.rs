//! A Solana node that answers what a test tells it: it can lag, leave things out and make things up, which a real one
//! cannot be made to do.

use anchor_lang::{AccountSerialize, AnchorDeserialize, Event, event::EVENT_IX_TAG_LE};
use openledger_sdk::{client::Client, pda};
use payout::{
    events::{Funded, Paid},
    state::{Config, Pool, Shard},
};
use serde_json::{Value, json};
use solana_commitment_config::CommitmentConfig;
use solana_pubkey::Pubkey;
use solana_signature::Signature;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};
use warp::Filter;

/// A value whose bytes are all zero.
pub fn zeroed<T: AnchorDeserialize>() -> T {
    T::deserialize(&mut &[0; 8192][..]).expect("zeros are a value")
}

/// An event as a program emits it.
#[derive(Clone)]
pub struct Emitted {
    program: Pubkey,
    data: Vec<u8>,
}

/// The event as `program` emits it.
pub fn emitted(program: Pubkey, event: &impl Event) -> Emitted {
    Emitted { program, data: [EVENT_IX_TAG_LE.to_vec(), event.data()].concat() }
}

/// A transaction of the fake.
#[derive(Clone)]
pub struct FakeTransaction {
    /// Its slot.
    pub slot: u64,
    /// Its signature.
    pub signature: Signature,
    /// The accounts that it names.
    pub names: Vec<Pubkey>,
    /// Its events.
    pub events: Vec<Emitted>,
    /// Whether the node neither lists nor returns it.
    pub hidden: bool,
}

/// What the fake shows. Clones show the same.
#[derive(Clone, Default)]
pub struct State {
    /// The newest finalized slot.
    pub slot: u64,
    /// Data of the accounts.
    pub accounts: HashMap<String, Vec<u8>>,
    /// Transactions, oldest first.
    pub transactions: Vec<FakeTransaction>,
    /// Number of requests, by method.
    pub requests: HashMap<String, usize>,
    config: Option<Config>,
    shards: Vec<Shard>,
}

impl State {
    /// A chain whose payout program has this many shards, in slot 0.
    pub fn with_shards(shards: u8) -> Self {
        let mut state = Self::default();
        state.set_config(Config { shards, ..zeroed() });
        for index in 0..shards {
            state.shards.push(Shard { index, ..zeroed() });
            state.write_shard(index);
        }
        state
    }

    /// Writes the payout config.
    pub fn set_config(&mut self, config: Config) {
        self.put(pda::payout_config(), &config);
        self.config = Some(config);
    }

    /// The payout config, changed.
    pub fn change_config(&mut self, change: impl FnOnce(&mut Config)) {
        let mut config = self.config.take().expect("a chain with shards");
        change(&mut config);
        self.set_config(config);
    }

    /// Writes an account.
    pub fn put(&mut self, address: Pubkey, account: &impl AccountSerialize) {
        let mut data = Vec::new();
        account.try_serialize(&mut data).expect("an account serialises");
        self.accounts.insert(address.to_string(), data);
    }

    fn write_shard(&mut self, index: u8) {
        let shard = self.shards[index as usize].clone();
        self.put(pda::shard(index), &shard);
    }

    /// Executes a transaction in `slot`, which then is final.
    pub fn execute(&mut self, slot: u64, names: &[Pubkey], events: Vec<Emitted>) -> Signature {
        self.slot = self.slot.max(slot);
        let number = self.transactions.len() as u64;
        let mut bytes = [7; 64];
        bytes[..8].copy_from_slice(&number.to_le_bytes());
        let signature = Signature::from(bytes);
        self.transactions.push(FakeTransaction { slot, signature, names: names.to_vec(), events, hidden: false });
        signature
    }

    fn fund(&mut self, shard: u8, pool: Pool, amount: u64) {
        self.shards[shard as usize].funded[pool as usize] += amount;
    }

    fn number(&mut self, shard: u8) -> u64 {
        let books = &mut self.shards[shard as usize];
        books.sequence += 1;
        let number = books.sequence - 1;
        self.write_shard(shard);
        number
    }

    /// Pays for an answer: `contributors` base units into their pool, and one into the validators'.
    pub fn pay(&mut self, slot: u64, shard: u8, contributors: u64) -> Signature {
        self.fund(shard, Pool::Contributors, contributors);
        self.fund(shard, Pool::Validators, 1);
        let (at, sequence) = (pda::shard(shard), self.number(shard));
        let paid = Paid { shard: at, sequence, contributors, validators: 1, ..zeroed() };
        self.execute(slot, &[at], vec![emitted(payout::ID, &paid)])
    }

    /// Pays `amount` into the contributors' pool: the data share of `job`, or a gift.
    pub fn give(&mut self, slot: u64, shard: u8, amount: u64, job: Option<Pubkey>) -> Signature {
        self.fund(shard, Pool::Contributors, amount);
        let (at, sequence) = (pda::shard(shard), self.number(shard));
        let (payer, pool) = (job.unwrap_or(Pubkey::new_from_array([9; 32])), Pool::Contributors);
        let funded = Funded { shard: at, sequence, pool, subject: payer, payer, amount, epoch: 1 };
        let mut events = vec![emitted(payout::ID, &funded)];
        events.extend(job.map(|job| {
            let share = model::events::DataSharePaid { job, sequence: 0, model: Pubkey::default(), amount };
            emitted(model::ID, &share)
        }));
        self.execute(slot, &[at], events)
    }

    /// Executes a transaction that names a shard and is no event of it, such as a claim.
    pub fn touch(&mut self, slot: u64, shard: u8) -> Signature {
        self.execute(slot, &[pda::shard(shard)], Vec::new())
    }

    /// The transaction with this signature.
    pub fn transaction(&mut self, signature: &Signature) -> &mut FakeTransaction {
        self.transactions.iter_mut().find(|t| t.signature == *signature).expect("it was executed")
    }

    /// Changes the amount of a payment, and of nothing else.
    pub fn forge_payment(&mut self, signature: &Signature, contributors: u64) {
        let event = &mut self.transaction(signature).events[0];
        let mut bytes = &event.data[EVENT_IX_TAG_LE.len() + 8..];
        let paid = Paid::deserialize(&mut bytes).expect("a payment");
        *event = emitted(payout::ID, &Paid { contributors, ..paid });
    }

    fn answer(&mut self, method: &str, params: &Value) -> Value {
        *self.requests.entry(method.into()).or_default() += 1;
        match method {
            "getSlot" => json!(self.slot),
            "getMultipleAccounts" => {
                let addresses = params[0].as_array().expect("addresses");
                let accounts: Vec<Value> = addresses.iter().map(|at| self.account(at)).collect();
                json!({ "context": { "slot": self.slot }, "value": accounts })
            }
            "getSignaturesForAddress" => self.list(params),
            "getTransaction" => {
                let signature: Signature = parsed(&params[0]).expect("a signature");
                let mut found = self.transactions.iter().filter(|t| !t.hidden);
                found.find(|t| t.signature == signature).map_or(Value::Null, as_json)
            }
            other => panic!("the fake does not know {other}"),
        }
    }

    fn account(&self, address: &Value) -> Value {
        let data = self.accounts.get(address.as_str().expect("an address"));
        data.map_or(Value::Null, |data| {
            let data = json!([bs58::encode(data).into_string(), "base58"]);
            let owner = Pubkey::default().to_string();
            json!({ "lamports": 1, "data": data, "owner": owner, "executable": false, "rentEpoch": 0, "space": 0 })
        })
    }

    fn list(&self, params: &Value) -> Value {
        let newest_first = || self.transactions.iter().rev();
        let place = |key: &str| {
            let wanted: Signature = parsed(&params[1][key])?;
            newest_first().position(|t| t.signature == wanted)
        };
        let from = place("before").map_or(0, |at| at + 1);
        let to = place("until").unwrap_or(self.transactions.len());
        let limit = params[1]["limit"].as_u64().expect("a limit") as usize;
        let address: Pubkey = parsed(&params[0]).expect("an address");
        let of_address = |t: &&FakeTransaction| t.names.contains(&address) && !t.hidden;
        let entry = |t: &FakeTransaction| {
            json!({ "signature": t.signature.to_string(), "slot": t.slot, "err": null, "memo": null, "blockTime": null,
                "confirmationStatus": "finalized" })
        };
        let window = newest_first().take(to).skip(from).filter(of_address).take(limit);
        window.map(entry).collect()
    }
}

fn parsed<T: std::str::FromStr>(text: &Value) -> Option<T> {
    text.as_str()?.parse().ok()
}

/// A transaction in binary form: one signer, one instruction of the first program, and the events as inner instructions.
fn as_json(transaction: &FakeTransaction) -> Value {
    let mut keys = vec![Pubkey::new_from_array([1; 32])];
    let mut index = |key: Pubkey| {
        keys.iter().position(|k| *k == key).unwrap_or_else(|| {
            keys.push(key);
            keys.len() - 1
        })
    };
    let program = index(payout::ID);
    let inner: Vec<Value> = transaction
        .events
        .iter()
        .map(|e| {
            let data = bs58::encode(&e.data).into_string();
            json!({ "programIdIndex": index(e.program), "accounts": [], "data": data, "stackHeight": 2 })
        })
        .collect();
    let mut bytes = vec![1];
    bytes.extend(transaction.signature.as_ref());
    bytes.extend([1, 0, keys.len() as u8 - 1, keys.len() as u8]);
    keys.iter().for_each(|key| bytes.extend(key.to_bytes()));
    bytes.extend([0; 32]);
    bytes.extend([1, program as u8, 0, 0]);
    let inner = if inner.is_empty() { json!([]) } else { json!([{ "index": 0, "instructions": inner }]) };
    json!({
        "slot": transaction.slot,
        "transaction": [bs58::encode(bytes).into_string(), "base58"],
        "meta": {
            "err": null, "status": { "Ok": null }, "fee": 5000, "preBalances": [], "postBalances": [],
            "innerInstructions": inner, "logMessages": [],
        },
        "version": "legacy",
        "blockTime": null,
    })
}

/// The fake, served on a port of its own until the test ends.
pub struct Fake {
    url: String,
    state: Arc<Mutex<State>>,
}

impl Fake {
    /// Serves `state`.
    pub async fn start(state: State) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let state = Arc::new(Mutex::new(state));
        let shown = state.clone();
        let rpc = warp::post().and(warp::body::json()).map(move |request: Value| {
            let method = request["method"].as_str().expect("a method");
            let result = shown.lock().expect("no panic holds it").answer(method, &request["params"]);
            warp::reply::json(&json!({ "jsonrpc": "2.0", "id": request["id"], "result": result }))
        });
        tokio::spawn(warp::serve(rpc).incoming(listener).run());
        Self { url, state }
    }

    /// A client of it.
    pub fn client(&self) -> Client {
        Client::with_commitment(&self.url, "", CommitmentConfig::finalized())
    }

    /// Changes what it shows, or looks at it.
    pub fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().expect("no panic holds it"))
    }

    /// Number of requests of this method so far.
    pub fn requests(&self, method: &str) -> usize {
        self.with(|s| s.requests.get(method).copied().unwrap_or(0))
    }
}
