//! Notifications of new transactions. They are quick, and they may miss some.

use super::{error::SourceError, source::Source};
use futures::StreamExt;
use openledger_interface::Program;
use solana_client::{
    nonblocking::pubsub_client::{PubsubClient, PubsubClientError},
    rpc_config::{RpcTransactionLogsConfig, RpcTransactionLogsFilter},
};
use solana_commitment_config::CommitmentConfig;
use std::{sync::Arc, time::Duration};
use tokio::sync::{Notify, Semaphore};

/// Transactions fetched at a time.
const FETCHES: usize = 16;
/// Pause before the subscription is made anew.
const RECONNECT: Duration = Duration::from_secs(1);

/// Stores every transaction that mentions one of the programs as the node reports it. It never returns. `subscribed` is
/// notified whenever the subscription is established, also after a reconnection. The backfill must find the
/// transactions from before that.
pub async fn subscribe(source: Source, subscribed: Arc<Notify>) {
    loop {
        match follow(&source, &subscribed).await {
            Ok(()) => tracing::warn!("the node ended the subscription: subscribing again"),
            Err(error) => {
                tracing::warn!(%error, url = source.client.ws_url(), "cannot subscribe: polling until it works")
            }
        }
        source.metrics.subscribed.set(0);
        tokio::time::sleep(RECONNECT).await;
    }
}

async fn follow(source: &Source, subscribed: &Notify) -> Result<(), Box<PubsubClientError>> {
    let client = PubsubClient::new(source.client.ws_url()).await.map_err(Box::new)?;
    let mut streams = Vec::new();
    for program in Program::ALL {
        let filter = RpcTransactionLogsFilter::Mentions(vec![program.id().to_string()]);
        let config = RpcTransactionLogsConfig { commitment: Some(CommitmentConfig::confirmed()) };
        let (stream, _unsubscribe) = client.logs_subscribe(filter, config).await.map_err(Box::new)?;
        // If one stream ends, all must end. Otherwise only the poll would follow that program, and nobody would notice.
        streams.push(stream.map(Some).chain(futures::stream::once(async { None })).boxed());
    }
    source.metrics.subscribed.set(1);
    subscribed.notify_one();
    let permits = Arc::new(Semaphore::new(FETCHES));
    let mut all = futures::stream::select_all(streams);
    while let Some(Some(notification)) = all.next().await {
        let permit = permits.clone().acquire_owned().await;
        let (source, signature, slot) = (source.clone(), notification.value.signature, notification.context.slot);
        tokio::spawn(async move {
            let _permit = permit;
            match source.take(&signature, slot, false).await {
                Ok(_) => {}
                // The poll will find it.
                Err(error @ SourceError::Absent(_)) => tracing::debug!(%error, "left to the poll"),
                Err(error) => tracing::warn!(%error, signature, "left to the poll"),
            }
        });
    }
    Ok(())
}
