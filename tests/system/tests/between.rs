//! A proxy between the indexer and the real local node, which gives wrong answers for a while. Whatever it says, the index
//! becomes what the chain is, and never calls final what is not on it.

mod prepared;

use anyhow::{Context, Result, ensure};
use datanet::{
    instructions::CreateDatanetArgs,
    state::{Access, Modality},
};
use openledger_sdk::{Client, api::IndexerClient, api::types::EventRow, ix, pda};
use openledger_system::{
    data, genesis,
    network::{Network, Place, wait},
    people::{self, Person},
    stage::Stage,
};
use prepared::prepared;
use serde_json::{Value, json};
use solana_client::rpc_config::RpcSendTransactionConfig;
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;
use solana_transaction::Transaction;
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use warp::Filter;

/// What the proxy does to the node's answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Nothing.
    None,
    /// Lists lack some transactions, and some transactions are not found.
    Drops,
    /// Lists have everything twice, the oldest first.
    RepeatsAndReorders,
    /// Transactions are said to be in other slots.
    MovesSlots,
    /// What failed is said to have succeeded.
    LiesAboutSuccess,
    /// It does not answer, or with something else.
    Breaks,
}

/// The faults, and how long each lasts: several rounds of the indexer.
const FAULTS: [Fault; 5] =
    [Fault::Drops, Fault::RepeatsAndReorders, Fault::MovesSlots, Fault::LiesAboutSuccess, Fault::Breaks];
const LASTS: Duration = Duration::from_secs(4);

/// A node's answer to one request, changed by the fault. `n` counts the requests.
fn changed(fault: Fault, method: &str, mut result: Value, n: u64) -> Value {
    match (fault, method) {
        (Fault::Drops, "getSignaturesForAddress") => {
            if let Some(list) = result.as_array_mut() {
                let mut at = n;
                list.retain(|_| {
                    at += 1;
                    !at.is_multiple_of(3)
                });
            }
        }
        (Fault::Drops, "getTransaction") if n.is_multiple_of(4) => result = Value::Null,
        (Fault::RepeatsAndReorders, "getSignaturesForAddress") => {
            if let Some(list) = result.as_array_mut() {
                *list = list.iter().rev().flat_map(|item| [item.clone(), item.clone()]).collect();
            }
        }
        (Fault::MovesSlots, "getTransaction") => {
            if let Some(slot) = result["slot"].as_u64() {
                result["slot"] = json!(slot.saturating_sub(1 + n % 5));
            }
        }
        (Fault::MovesSlots, "getSignatureStatuses") => {
            for status in result["value"].as_array_mut().into_iter().flatten() {
                if let Some(slot) = status["slot"].as_u64() {
                    status["slot"] = json!(slot.saturating_sub(7));
                }
            }
        }
        (Fault::LiesAboutSuccess, "getSignaturesForAddress") => {
            for item in result.as_array_mut().into_iter().flatten() {
                item["err"] = Value::Null;
            }
        }
        (Fault::LiesAboutSuccess, "getTransaction") if !result.is_null() => {
            result["meta"]["err"] = Value::Null;
            result["meta"]["status"] = json!({ "Ok": null });
        }
        // It contradicts itself: what a node says in two fields must agree.
        (Fault::LiesAboutSuccess, "getSignatureStatuses") => {
            for status in result["value"].as_array_mut().into_iter().flatten().filter(|status| !status.is_null()) {
                status["err"] = Value::Null;
            }
        }
        _ => {}
    }
    result
}

/// A proxy before the node at `node`. Returns its URL.
async fn proxy(node: String, fault: Arc<Mutex<Fault>>) -> Result<String> {
    let (http, count) = (reqwest::Client::new(), Arc::new(AtomicU64::new(0)));
    let route = warp::post().and(warp::body::bytes()).then(move |body: bytes::Bytes| {
        let (node, http) = (node.clone(), http.clone());
        let (fault, n) = (*fault.lock().expect("no panic holds this lock"), count.fetch_add(1, Ordering::Relaxed));
        async move {
            let broken = |text: &str| warp::reply::with_status(text.to_owned(), warp::http::StatusCode::BAD_GATEWAY);
            if fault == Fault::Breaks {
                return match n % 3 {
                    0 => broken("no"),
                    1 => warp::reply::with_status("<html>".to_owned(), warp::http::StatusCode::OK),
                    _ => {
                        tokio::time::sleep(Duration::from_secs(2)).await;
                        broken("late")
                    }
                };
            }
            let method =
                serde_json::from_slice::<Value>(&body).ok().and_then(|r| r["method"].as_str().map(str::to_owned));
            let sent = http.post(&node).header("content-type", "application/json").body(body).send().await;
            let Ok(answer) = sent else { return broken("the node is gone") };
            let Ok(mut answer) = answer.json::<Value>().await else { return broken("the node said something else") };
            if let (Some(method), Some(result)) = (method, answer.get_mut("result")) {
                *result = changed(fault, &method, result.take(), n);
            }
            warp::reply::with_status(answer.to_string(), warp::http::StatusCode::OK)
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(warp::serve(route).incoming(listener).run());
    Ok(url)
}

fn create(owner: &Person, id: u64, panel_size: u8) -> Instruction {
    let args = CreateDatanetArgs {
        id,
        name: format!("Datanet {id}"),
        metadata_uri: "x".into(),
        metadata_hash: [1; 32],
        modality: Modality::Text,
        licence: "MIT".into(),
        access: Access::Open,
        min_bond: data::BOND,
        panel_size,
        quorum: 2,
    };
    ix::datanet::create_datanet(&owner.address(), args)
}

/// Sends a transaction that makes Datanet `id` and then fails, so that it makes nothing, though its events were emitted.
async fn fails(client: &Client, owner: &Person, id: u64) -> Result<()> {
    let instructions = [create(owner, id, data::VALIDATORS as u8), create(owner, id + 1, 0)];
    let blockhash = client.rpc().get_latest_blockhash().await?;
    let transaction =
        Transaction::new_signed_with_payer(&instructions, Some(&owner.address()), &[&owner.key], blockhash);
    let config = RpcSendTransactionConfig { skip_preflight: true, ..Default::default() };
    let signature = client.rpc().send_transaction_with_config(&transaction, config).await?;
    wait("the failure", Duration::from_secs(20), async || {
        let status = client.rpc().get_signature_statuses_with_history(&[signature]).await?.value.remove(0);
        let Some(status) = status else { return Ok(None) };
        ensure!(status.err.is_some(), "the transaction did not fail");
        Ok(Some(()))
    })
    .await
}

/// All events of the index.
async fn events(api: &IndexerClient) -> Result<Vec<EventRow>> {
    let (mut all, mut after) = (Vec::new(), 0);
    loop {
        let page = api.events(after).await?;
        all.extend(page.items);
        match page.next {
            None => return Ok(all),
            Some(next) => after = next.parse()?,
        }
    }
}

/// What is wrong with an index in which the Datanets up to `made` should be and no other. Whatever it calls final must be on
/// the chain as it says.
async fn wrong(client: &Client, api: &IndexerClient, owner: &Person, made: u64) -> Result<Option<String>> {
    let (mut wrong, mut known) = (None, std::collections::HashMap::new());
    for event in events(api).await? {
        let slot = match known.get(&event.signature) {
            Some(slot) => *slot,
            None => {
                let signature = event.signature.parse()?;
                let transaction = client.transaction(&signature, Duration::from_secs(10)).await?;
                let failed = transaction.transaction.meta.as_ref().is_none_or(|meta| meta.err.is_some());
                let slot = (!failed).then_some(transaction.slot);
                known.insert(event.signature.clone(), slot);
                slot
            }
        };
        if slot != Some(event.slot) {
            ensure!(!event.finalized, "final, and not on the chain so: {event:?}, which is in {slot:?}");
            wrong = Some(format!("{event:?} is in {slot:?}"));
        } else if !event.finalized {
            wrong = Some(format!("{event:?} is not final yet"));
        }
    }
    let mut expected: Vec<Pubkey> = (0..made).map(|id| pda::datanet(&owner.address(), id * 10)).collect();
    let found = api.datanets().await?;
    let mut found: Vec<Pubkey> = found.iter().map(|d| d.address.parse()).collect::<Result<_, _>>()?;
    expected.sort();
    found.sort();
    Ok(wrong.or_else(|| (found != expected).then(|| format!("the Datanets are {found:?}, and should be {expected:?}"))))
}

#[test]
fn i1_behind_a_proxy_that_drops_repeats_reorders_moves_and_lies_the_index_becomes_what_the_real_node_has() -> Result<()>
{
    let folder = tempfile::tempdir()?;
    tokio::runtime::Runtime::new()?.block_on(async {
        let binaries = prepared("OPENLEDGER_BIN_DIR", "target/debug")?;
        let place = Place { folder: folder.path().to_path_buf(), binaries, kept: None };
        let mut network = Network::start(&Stage::default(), place).await?;
        let [genesis, treasury, owner] = ["genesis", "treasury", "owner"].map(Person::new);
        let client = network.client.clone();
        let fault = Arc::new(Mutex::new(Fault::None));
        network.rpc = proxy(network.rpc.clone(), fault.clone()).await?;
        people::airdrop(&client, [genesis.address(), owner.address()], 1_000_000_000_000).await?;
        genesis::put_programs(&network, &genesis.key, &prepared("OPENLEDGER_PROGRAMS_DIR", "sbf-target/deploy")?)
            .await?;
        let mint = genesis::create_open(&network, &genesis.key).await?;
        people::fund(&client, &genesis.key, &mint, &[(treasury.address(), 0)]).await?;
        let treasury = pda::token_account(&treasury.address(), &mint);
        genesis::initialise(&network, &genesis.key, &mint, &treasury, 100).await?;
        network.start_indexer().await?;
        let api = network.api()?.clone();

        let mut made = 0;
        for now in FAULTS {
            *fault.lock().expect("no panic holds this lock") = now;
            let begun = std::time::Instant::now();
            while begun.elapsed() < LASTS {
                client.send(&[create(&owner, made * 10, data::VALIDATORS as u8)], &[&owner.key]).await?;
                made += 1;
                fails(&client, &owner, made * 10 - 5).await?;
                // It is up, and says nothing wrong of what it calls final.
                wrong(&client, &api, &owner, made).await.with_context(|| format!("while the proxy {now:?}"))?;
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
        }
        *fault.lock().expect("no panic holds this lock") = Fault::None;
        let mut last = String::new();
        let right = wait("the index to be right", Duration::from_secs(90), async || {
            let found = wrong(&client, &api, &owner, made).await?;
            last = found.unwrap_or_default();
            Ok(last.is_empty().then_some(()))
        })
        .await;
        right.with_context(|| last)?;
        let status = api.status().await?;
        ensure!(status.gaps.is_empty(), "{status:?}");
        Ok(())
    })
}
