//! Taking training jobs, in the order that the job's hash gives the members.

use crate::{node::Node, training};
use anyhow::{Result, ensure};
use model::state::{Job, JobStatus};
use openledger_sdk::ix;
use solana_pubkey::Pubkey;

/// Slots after which the next member may take a job that the one before did not.
const TURN_SLOTS: u64 = 75;

/// Looks for work for ever. One job at a time.
pub async fn run(node: Node) -> Result<()> {
    loop {
        match next(&node).await {
            Ok(Some((address, job))) => {
                tracing::info!(%address, "training");
                match training::train(&node, address, &job).await {
                    Ok(()) => tracing::info!(%address, "job done"),
                    Err(e) => tracing::error!(%address, "the job did not end, it will be tried again: {e:#}"),
                }
                node.status.update(|s| s.training = None);
            }
            Ok(None) => {}
            Err(e) => tracing::warn!("looking for jobs: {e:#}"),
        }
        node.changed().await;
    }
}

/// A job that this operator has taken, or takes now.
async fn next(node: &Node) -> Result<Option<(Pubkey, Job)>> {
    if !node.is_registered().await? {
        return Ok(None);
    }
    let mut jobs = node.chain.client.all_accounts::<Job>(&model::ID, &[]).await?;
    jobs.sort_by_key(|(_, job)| job.requested_slot);
    let slot = node.chain.client.slot().await?;
    let own = node.chain.wallet();
    let mine = |job: &Job| job.status == JobStatus::Running && job.operator == Some(own) && slot <= job.deadline_slot;
    if let Some(job) = jobs.iter().position(|(_, job)| mine(job)) {
        return Ok(Some(jobs.swap_remove(job)));
    }
    let Ok(committee) = node.chain.active_committee().await else { return Ok(None) };
    for (address, job) in jobs.into_iter().filter(|(_, job)| job.status == JobStatus::Requested) {
        let Some(rank) = training::rank(&address, &committee.members, &own) else { return Ok(None) };
        if slot < job.requested_slot + rank * TURN_SLOTS {
            continue;
        }
        match affordable(node, &address, &job, &committee.members).await {
            Ok(()) => {}
            Err(e) => {
                tracing::debug!(%address, "not taken: {e:#}");
                continue;
            }
        }
        node.chain.send(&[ix::model::assign_job(&own, committee.epoch, &address)]).await?;
        return Ok(Some((address, node.chain.client.account(&address).await?)));
    }
    Ok(None)
}

/// Whether the budget covers the pay, and the job can be run here at all.
async fn affordable(node: &Node, address: &Pubkey, job: &Job, members: &[Pubkey]) -> Result<()> {
    let engine = node.engine().await?;
    ensure!(engine.base().hash() == job.base_hash, "it asks for another base model");
    let plan = node.plan(job).await?;
    let price: u128 = plan.compute(address, node.chain.wallet(), members)?.iter().map(|c| c.amount as u128).sum();
    ensure!(price <= job.budget as u128, "it costs {price}, its budget is {}", job.budget);
    Ok(())
}
