//! A member's check of a proposed settlement, before it signs.

use super::{Proposal, drive::work_out};
use crate::node::Node;
use anyhow::{Context, Result, ensure};
use openledger_protocol::{attest::Message, hash::sha256};
use openledger_quorum::observe;
use openledger_sdk::canonical;
use payout::instructions::PostSettlementArgs;

/// Whether this operator agrees with `args`: the reveals that it names are an agreement that this member took part in
/// or verified, and everything else follows from them and the chain.
pub async fn approve(node: &Node, message: &Message, args: &PostSettlementArgs) -> Result<()> {
    let config = node.chain.payout_config().await?;
    ensure!(message.subject == Proposal::subject().to_bytes(), "the subject is not the payout config");
    let proposal = Proposal { epoch: args.epoch, cutoff_slot: args.cutoff_slot };
    ensure!(proposal.is_next(&config), "epoch {} is not the next one to settle", args.epoch);
    ensure!(message.sequence == config.sequence, "the next attestation is number {}", config.sequence);
    ensure!(args.previous == config.posted, "it does not start from the roots posted last");
    let agreement = observe::agreement(
        &node.quorum,
        message.committee_epoch,
        &message.subject,
        message.sequence,
        &args.observations_root,
    )
    .await?
    .context("no agreement with that root is known here")?;
    ensure!(args.expiry_slot == proposal.expiry_slot(), "the expiry slot is not the one that follows from the cutoff");
    let (report, pools) = work_out(node, &proposal, &config, &agreement).await?;
    ensure!(pools == args.pools, "the roots are not those that follow from the agreed scores");
    let report = canonical::to_vec(&report)?;
    ensure!(sha256(&[&report]) == args.report_hash, "the report is not the one that follows from the agreed scores");
    // Kept here too: if the proposer vanishes, the report does not.
    node.store.put_settlement_report(args.epoch, report).await?;
    Ok(())
}
