//! Sends heartbeats on chain while a job is being worked on, so that nobody takes it for abandoned.

use crate::operator::Chain;
use anyhow::Result;
use model::state::{Job, JobStatus};
use openledger_protocol::hash::ZERO;
use openledger_sdk::ix;
use solana_pubkey::Pubkey;
use std::{convert::Infallible, future::Future, time::Duration};

/// Time between two checks of whether a heartbeat is due.
const LOOK: Duration = Duration::from_secs(2);

/// Does `work` on the job. Meanwhile it sends a heartbeat whenever a third of the time has passed in which the job's
/// operator may be silent.
pub async fn during<T>(chain: &Chain, job: &Pubkey, work: impl Future<Output = T>) -> T {
    tokio::select! {
        done = work => done,
        never = beats(chain, job) => match never {},
    }
}

async fn beats(chain: &Chain, address: &Pubkey) -> Infallible {
    loop {
        tokio::time::sleep(LOOK).await;
        if let Err(e) = beat(chain, address).await {
            tracing::warn!(%address, "could not say that the job is being worked on: {e:#}");
        }
    }
}

async fn beat(chain: &Chain, address: &Pubkey) -> Result<()> {
    let job: Job = chain.client.account(address).await?;
    let own = chain.wallet();
    let awaited = job.status == JobStatus::Running && job.operator == Some(own) && job.log_root == ZERO;
    if awaited && chain.client.slot().await? > job.heartbeat_slot + job.heartbeat_slots / 3 {
        chain.send(&[ix::model::heartbeat(&own, address)]).await?;
    }
    Ok(())
}
