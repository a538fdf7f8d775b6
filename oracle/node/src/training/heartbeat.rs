//! Sends heartbeats on chain while a job is being worked on, so that nobody takes it for abandoned. Ends the work when the
//! job is this operator's no more.

use crate::operator::Chain;
use anyhow::{Error, Result, anyhow};
use model::state::{Job, JobStatus};
use openledger_protocol::hash::ZERO;
use openledger_sdk::ix;
use solana_pubkey::Pubkey;
use std::{future::Future, time::Duration};

/// Time between two looks at the job.
const LOOK: Duration = Duration::from_secs(2);

/// Does `work` on the job. Meanwhile it sends a heartbeat whenever a third of the time has passed in which the job's
/// operator may be silent. Drops the work and fails when the job is lost, because nobody would accept its result.
pub async fn during<T>(chain: &Chain, job: &Pubkey, work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::select! {
        done = work => done,
        lost = until_lost(chain, job) => Err(lost),
    }
}

async fn until_lost(chain: &Chain, address: &Pubkey) -> Error {
    loop {
        tokio::time::sleep(LOOK).await;
        match look(chain, address).await {
            Ok(None) => {}
            Ok(Some(why)) => return anyhow!("this work on job {address} is given up: {why}"),
            Err(e) => tracing::warn!(%address, "could not say that the job is being worked on: {e:#}"),
        }
    }
}

/// Sends a heartbeat if one is due. Returns why the job is lost if it is.
async fn look(chain: &Chain, address: &Pubkey) -> Result<Option<&'static str>> {
    let (job, own): (Job, _) = (chain.client.account(address).await?, chain.wallet());
    if let Some(why) = lost(&job, &own, chain.stake_config().await?.committee_epoch) {
        return Ok(Some(why));
    }
    let awaited = job.status == JobStatus::Running && job.log_root == ZERO;
    if awaited && chain.client.slot().await? > job.heartbeat_slot + job.heartbeat_slots / 3 {
        chain.send(&[ix::model::heartbeat(&own, address)]).await?;
    }
    Ok(None)
}

/// Why this operator's work on the job serves nothing any more; `None` if it does. Epochs only rise: a node that lags
/// behind takes no committee for succeeded.
fn lost(job: &Job, own: &Pubkey, active: u64) -> Option<&'static str> {
    match job.status {
        JobStatus::Attested => None,
        JobStatus::Cancelled | JobStatus::Expired => Some("it has ended without a result"),
        JobStatus::Requested => Some("it was released"),
        JobStatus::Running if job.operator != Some(*own) => Some("another operator has it"),
        JobStatus::Running if job.committee_epoch < active => Some("its committee was succeeded"),
        JobStatus::Running => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use borsh::BorshDeserialize;

    #[test]
    fn work_ends_when_the_job_is_released_retaken_ended_or_of_a_former_committee() {
        let [own, other] = [Pubkey::new_unique(), Pubkey::new_unique()];
        let blank = Job::deserialize(&mut &[0; 1024][..]).expect("zeros are an account");
        let job = Job { status: JobStatus::Running, operator: Some(own), committee_epoch: 3, ..blank };
        assert_eq!(lost(&job, &own, 3), None);
        assert_eq!(lost(&job, &own, 2), None, "this node is behind");
        assert!(lost(&job, &own, 4).is_some());
        assert!(lost(&job, &other, 3).is_some());
        assert_eq!(lost(&Job { status: JobStatus::Attested, ..job.clone() }, &own, 4), None, "its result is accepted");
        for status in [JobStatus::Requested, JobStatus::Cancelled, JobStatus::Expired] {
            assert!(lost(&Job { status, operator: None, committee_epoch: 0, ..job.clone() }, &own, 3).is_some());
        }
    }
}
