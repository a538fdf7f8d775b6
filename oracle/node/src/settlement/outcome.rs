//! Makes the report and the roots of a settlement from what the members' observations agree on.

use super::{
    epoch::Epoch,
    own_shares::method,
    proposal::Proposal,
    report::{Agreed, build},
};
use anyhow::{Context, Result, ensure};
use openledger_quorum::{Agreement, observe::context_hash};
use openledger_sdk::artifact::{RevealedScores, SettlementReport};
use payout::state::{POOLS, PoolRoot};
use solana_pubkey::Pubkey;

/// The report and the roots that follow from `agreement` about `epoch`.
///
/// Fails if the agreement is on other documents, or on these documents in another order.
pub fn outcome(
    proposal: &Proposal,
    epoch: &Epoch,
    agreement: &Agreement,
) -> Result<(SettlementReport, [PoolRoot; POOLS])> {
    let asked = context_hash(&epoch.question(proposal)?.to_json());
    ensure!(
        agreement.reveals.iter().all(|r| r.context == asked),
        "the members observed other documents of epoch {} than those known here",
        proposal.epoch
    );
    let observations = agreement
        .reveals
        .iter()
        .map(|r| {
            let distance = agreement.distance(&r.operator).context("a reveal is not of the agreement's length")?;
            let (operator, ppm, signature) = (Pubkey::new_from_array(r.operator), r.scores.clone(), r.signature);
            Ok(RevealedScores { operator, ppm, distance, signature })
        })
        .collect::<Result<_>>()?;
    let agreed = Agreed {
        epoch: proposal.epoch,
        cutoff_slot: proposal.cutoff_slot,
        method: method(),
        shares: epoch.columns()?.read(&agreement.scores)?,
        observations,
        observations_root: agreement.observations_root,
    };
    build(agreed, epoch.into())
}
