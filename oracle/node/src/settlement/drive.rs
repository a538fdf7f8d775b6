//! Taking an epoch from its last answer to an active settlement, whatever was killed when.

use super::{Epoch, Observed, build};
use crate::node::Node;
use anyhow::{Context, Result, ensure};
use openledger_protocol::{Hash32, hash::sha256};
use openledger_quorum::{Agreement, Coordinator, Round, rotation};
use openledger_sdk::{
    artifact::{RevealedScores, SettlementReport},
    attestation, canonical, ix, pda,
    text::parse_hash,
};
use payout::{
    instructions::PostSettlementArgs,
    state::{Config, POOLS, PoolRoot, Settlement, SettlementStatus},
};
use serde::{Deserialize, Serialize};
use solana_pubkey::Pubkey;
use std::time::{Duration, Instant};

/// Slots after the cutoff in which a signed settlement is accepted.
const EXPIRY_SLOTS: u64 = 9_000;
/// How long a member may take to propose the signed settlement before the next one does.
const TURN: Duration = Duration::from_secs(15);

/// What is to be settled.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Proposal {
    /// The epoch.
    pub epoch: u64,
    /// Last slot whose payments are counted.
    pub cutoff_slot: u64,
}

impl Proposal {
    /// What is to be settled again: the epoch whose settlement was rejected, up to the slot in which it ended. Every
    /// member works out the same.
    pub fn again(config: &Config) -> Option<Self> {
        let rejected = config.posted_epoch == config.active_epoch && config.posted_epoch + 1 < config.epoch;
        rejected.then_some(Self { epoch: config.posted_epoch + 1, cutoff_slot: config.epoch_start_slot })
    }

    /// Whether it is the next settlement to post.
    pub fn is_next(&self, config: &Config) -> bool {
        config.posted_epoch == config.active_epoch && config.posted_epoch + 1 == self.epoch
    }

    /// The subject of observations and of the attestation.
    pub fn subject() -> Pubkey {
        pda::payout_config()
    }

    /// Last slot in which the attestation is accepted. It follows from the proposal, because members sign one payload
    /// for a sequence, whoever proposes it.
    pub fn expiry_slot(&self) -> u64 {
        self.cutoff_slot + EXPIRY_SLOTS
    }
}

/// Settles `proposal`: observes, agrees, and when it is this member's turn proposes, signs and posts; then activates.
/// Returns once the settlement is active or was rejected. Safe to run again at any point.
pub async fn drive(node: &Node, proposal: &Proposal) -> Result<()> {
    let config = node.chain.payout_config().await?;
    if proposal.is_next(&config) {
        let committee = node.chain.active_committee().await?;
        let round = Round {
            epoch: committee.epoch,
            subject: Proposal::subject().to_bytes(),
            sequence: config.sequence,
            context: serde_json::to_value(proposal)?,
        };
        node.status.settling(proposal.epoch, "attributing");
        // The round's windows are for those that know what they will say: when it asks, this is at hand.
        super::observe(node, proposal).await?;
        node.status.settling(proposal.epoch, "observing");
        let agreement = round.run(&node.quorum).await?;
        tracing::info!(
            epoch = proposal.epoch,
            reveals = agreement.reveals.len(),
            own_distance_ppm = ?agreement.own_distance_l1,
            "agreed on the epoch's scores"
        );
        propose_in_turn(node, proposal, &config, &agreement).await?;
    }
    activate(node, proposal.epoch).await
}

async fn propose_in_turn(node: &Node, proposal: &Proposal, config: &Config, agreement: &Agreement) -> Result<()> {
    let committee = node.quorum.committee(node.chain.active_committee().await?.epoch)?;
    let started = Instant::now();
    loop {
        if !proposal.is_next(&node.chain.payout_config().await?) {
            return Ok(());
        }
        let attempt = started.elapsed().as_secs() / TURN.as_secs();
        let turn = rotation::coordinator(&committee, &sha256(&[b"propose", &proposal.epoch.to_le_bytes()]), attempt);
        if turn.wallet == node.chain.wallet().to_bytes() {
            node.status.settling(proposal.epoch, "signing");
            match post(node, proposal, config, agreement).await {
                Ok(()) => return Ok(()),
                Err(e) => tracing::warn!("posting the settlement failed, another member will try: {e:#}"),
            }
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn post(node: &Node, proposal: &Proposal, config: &Config, agreement: &Agreement) -> Result<()> {
    let (report, pools) = work_out(node, proposal, config, agreement).await?;
    let report_hash = node.store.put_settlement_report(proposal.epoch, canonical::to_vec(&report)?).await?;
    let stake = node.chain.stake_config().await?;
    let args = PostSettlementArgs {
        epoch: proposal.epoch,
        previous: config.posted,
        pools,
        observations_root: agreement.observations_root,
        report_hash,
        cutoff_slot: proposal.cutoff_slot,
        expiry_slot: proposal.expiry_slot(),
    };
    let message = attestation::settlement(&stake, config.sequence, &args);
    let signed =
        Coordinator::sign(&node.quorum, &message, &borsh::to_vec(&args)?, serde_json::to_value(proposal)?).await?;
    let verify = attestation::instruction(&signed.group_key, &signed.signature, &message);
    let post = ix::payout::post_settlement(&node.chain.wallet(), stake.committee_epoch, config.shards, args);
    node.chain.send(&[verify, post]).await?;
    tracing::info!(epoch = proposal.epoch, signers = signed.signers.len(), "settlement posted");
    Ok(())
}

/// The report that follows from an agreement.
pub(super) async fn work_out(
    node: &Node,
    proposal: &Proposal,
    config: &Config,
    agreement: &Agreement,
) -> Result<(SettlementReport, [PoolRoot; POOLS])> {
    let epoch = Epoch::load(node, proposal).await?;
    let previous = previous_report(node, config).await?;
    let observed = Observed {
        epoch: proposal.epoch,
        cutoff_slot: proposal.cutoff_slot,
        method: super::method(),
        scores: agreement.scores.clone(),
        observations: agreement
            .reveals
            .iter()
            .map(|r| RevealedScores {
                operator: Pubkey::new_from_array(r.operator).to_string(),
                ppm: r.scores.clone(),
                distance: agreement.distance(&r.operator).unwrap_or_default(),
                signature: hex::encode(r.signature),
            })
            .collect(),
        observations_root: agreement.observations_root,
    };
    let models = epoch.models.iter().map(super::report::model).collect();
    let previous = previous.as_ref().map(|(hash, report)| (*hash, report));
    build(observed, &epoch.payments, epoch.funding.clone(), epoch.documents(), models, previous)
}

/// The report of the settlement before, checked against the roots on chain.
async fn previous_report(node: &Node, config: &Config) -> Result<Option<(Hash32, SettlementReport)>> {
    if config.active_epoch == 0 {
        return Ok(None);
    }
    let settlement: Settlement = node.chain.client.account(&pda::settlement(config.active_epoch)).await?;
    let bytes = node.store.get_blob(&settlement.report_hash).await.context("the previous settlement's report")?;
    let report: SettlementReport = serde_json::from_slice(&bytes).context("the previous settlement's report")?;
    for (pool, posted) in report.pools.iter().zip(&config.posted) {
        ensure!(parse_hash(&pool.root)? == posted.root, "the previous report's root is not the one on chain");
    }
    Ok(Some((settlement.report_hash, report)))
}

async fn activate(node: &Node, epoch: u64) -> Result<()> {
    node.status.settling(epoch, "in its challenge window");
    loop {
        let Some(settlement) = node.chain.client.account_opt::<Settlement>(&pda::settlement(epoch)).await? else {
            tracing::warn!(epoch, "the settlement was challenged and rejected: the epoch is to be settled again");
            node.status.settling(epoch, "rejected");
            return Ok(());
        };
        if settlement.status == SettlementStatus::Active {
            node.status.settled(epoch);
            return Ok(());
        }
        if settlement.status == SettlementStatus::Challenged {
            node.status.settling(epoch, "challenged: waiting for a decision");
        } else if node.chain.client.slot().await? >= settlement.active_after {
            // Several members may try: one succeeds, and the loop sees it.
            if let Err(e) = node.chain.send(&[ix::payout::activate_settlement(epoch)]).await {
                tracing::debug!("activating epoch {epoch}: {e:#}");
            }
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}
