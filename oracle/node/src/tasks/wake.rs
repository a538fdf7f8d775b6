//! Wakes the tasks when one of the programs was called. A missed wake-up only costs time, because every task polls too.

use crate::operator::{Chain, Changes};
use anyhow::Result;
use futures::StreamExt;
use solana_client::{
    nonblocking::pubsub_client::PubsubClient,
    rpc_config::{RpcTransactionLogsConfig, RpcTransactionLogsFilter},
};
use std::time::Duration;

/// Subscribes to the logs of the programs, and reconnects after every failure. Never returns.
pub async fn wake(chain: Chain, ws: String, changes: Changes) -> Result<()> {
    loop {
        if let Err(e) = subscribe(&chain, &ws, &changes).await {
            tracing::debug!("the subscription ended, polling goes on: {e:#}");
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
}

async fn subscribe(chain: &Chain, ws: &str, changes: &Changes) -> Result<()> {
    let client = PubsubClient::new(ws).await?;
    let config = RpcTransactionLogsConfig { commitment: Some(chain.client.commitment()) };
    let mut streams = Vec::new();
    for program in [stake::ID, model::ID, payout::ID] {
        let filter = RpcTransactionLogsFilter::Mentions(vec![program.to_string()]);
        streams.push(client.logs_subscribe(filter, config.clone()).await?.0);
    }
    let mut calls = futures::stream::select_all(streams);
    while calls.next().await.is_some() {
        changes.announce();
    }
    Ok(())
}
