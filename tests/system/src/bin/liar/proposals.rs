//! What a liar asks the others to sign: settlements that are none.

use crate::mind::{Mind, Proposal, Question, WIDTH};
use anyhow::Result;
use openledger_protocol::{Hash32, hash::sha256, rewards::RewardTree};
use openledger_quorum::{Agreement, Coordinator, Error, Participant, Round};
use openledger_sdk::{artifact::SettlementReport, attestation, canonical, client::Client, ix, pda, store::Store};
use openledger_system::told::{
    Agreed, BESIDE_REPORT, BESIDE_ROOTS, EVERYTHING, Lie, NOBODYS, OTHER_CUTOFF, OTHER_CUTOFF_OBSERVED, OTHER_EPOCH,
    Proposed, Told,
};
use payout::{
    instructions::PostSettlementArgs,
    state::{Config, POOLS, PoolRoot, Settlement, Shard},
};
use serde_json::Value;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

/// Length of the windows at whose ends attestations of settlements expire, in slots.
const WINDOW: u64 = 9_000;

/// Longest time to wait for the true report.
const PATIENCE: Duration = Duration::from_secs(60);
/// Time between two looks for it.
const LOOK: Duration = Duration::from_millis(5);

/// Makes proposals. Cheap to clone.
#[derive(Clone)]
pub struct Proposer {
    pub client: Client,
    pub store: Store,
    pub quorum: Participant,
    pub mind: Arc<Mind>,
    pub wallet: Arc<Keypair>,
    pub pay: Pubkey,
    pub told: Arc<Mutex<Told>>,
}

impl Proposer {
    /// Takes part in the round that others ask about, and proposes lies before it and as soon as it has ended.
    pub async fn lie(&self, context: Value) -> Result<()> {
        let question: Question = serde_json::from_value(context.clone())?;
        let proposal = question.proposal;
        let stake: stake::state::Config = self.client.account(&pda::stake_config()).await?;
        let false_settlement = self.false_settlement(&proposal).await?;
        let (payments, jobs) = self.mind.payments(&proposal).await?;
        let payments: Vec<String> = payments.into_iter().map(|p| p.request).collect();
        let early = async {
            let observations_root = sha256(&[b"what the liars would have liked to observe"]);
            let invented = PostSettlementArgs { observations_root, ..false_settlement.clone() };
            let next = PostSettlementArgs { epoch: proposal.epoch + 1, ..invented.clone() };
            for (lie, args) in [(OTHER_CUTOFF, later(&invented)), (OTHER_EPOCH, next), (NOBODYS, invented)] {
                self.propose(lie, &stake, &proposal, args).await;
            }
        };
        let (subject, sequence) = (pda::payout_config().to_bytes(), proposal.sequence);
        let round = Round { epoch: stake.committee_epoch, subject, sequence, context };
        let late = async {
            let agreement = round.run(&self.quorum).await?;
            let observations_root = agreement.observations_root;
            let observed = PostSettlementArgs { observations_root, ..false_settlement.clone() };
            // At once and together: members judge them only until they have signed the true settlement.
            futures::join!(
                self.propose(OTHER_CUTOFF_OBSERVED, &stake, &proposal, later(&observed)),
                self.propose(EVERYTHING, &stake, &proposal, observed.clone()),
                self.beside_the_truth(&stake, &proposal, &observed),
            );
            self.keep(proposal.epoch, payments, jobs, &agreement);
            Ok(())
        };
        futures::future::join(early, late).await.1
    }

    /// Proposes half of the true settlement and half of the `observed` lie, as soon as whoever proposes the true one has
    /// stored its report.
    async fn beside_the_truth(&self, stake: &stake::state::Config, proposal: &Proposal, observed: &PostSettlementArgs) {
        let truth = tokio::time::timeout(PATIENCE, self.true_report(proposal.epoch, &observed.report_hash)).await;
        let Ok((report_hash, report)) = truth else {
            tracing::warn!(epoch = proposal.epoch, "nobody has stored the true report");
            return;
        };
        let mut pools = [PoolRoot::default(); POOLS];
        for (root, pool) in pools.iter_mut().zip(&report.pools) {
            let leaves = u32::try_from(pool.leaves.len()).unwrap_or(u32::MAX);
            let lifetime_total = pool.lifetime_total.0;
            *root = PoolRoot { root: pool.root, leaves, lifetime_total };
        }
        let observed = PostSettlementArgs { observations_root: report.observations_root, ..observed.clone() };
        let beside_report = PostSettlementArgs { report_hash, ..observed.clone() };
        let beside_roots = PostSettlementArgs { pools, ..observed };
        futures::join!(
            self.propose(BESIDE_REPORT, stake, proposal, beside_report),
            self.propose(BESIDE_ROOTS, stake, proposal, beside_roots),
        );
    }

    /// Waits until the store has a report of the epoch that is not the liars' own.
    async fn true_report(&self, epoch: u64, own: &Hash32) -> (Hash32, SettlementReport) {
        loop {
            let hashes = self.store.reports(epoch).await.unwrap_or_default();
            for hash in hashes.into_iter().filter(|hash| hash != own) {
                let report = self.store.get_blob(&hash).await.ok().and_then(|b| SettlementReport::read(&b).ok());
                if let Some(report) =
                    report.filter(|r| r.pools.iter().flat_map(|p| &p.leaves).all(|leaf| leaf.wallet != self.pay))
                {
                    return (hash, report);
                }
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The settlement that the liars want. The program would take it: all sums are right, but one wallet gets everything
    /// that the epoch adds.
    async fn false_settlement(&self, proposal: &Proposal) -> Result<PostSettlementArgs> {
        let config: Config = self.client.account(&pda::payout_config()).await?;
        let last: Settlement = self.client.account(&pda::settlement(config.active_epoch)).await?;
        let mut report = SettlementReport::read(&self.store.get_blob(&last.report_hash).await?)?;
        let mut funded = [0; POOLS];
        for index in 0..config.shards {
            let shard: Shard = self.client.account(&pda::shard(index)).await?;
            funded.iter_mut().zip(shard.funded).for_each(|(sum, part)| *sum += part);
        }
        let mut pools = [PoolRoot::default(); POOLS];
        for ((root, pool), funded) in pools.iter_mut().zip(&mut report.pools).zip(funded) {
            let mut lifetimes: Vec<(Hash32, u64)> =
                pool.leaves.iter().map(|leaf| (leaf.wallet.to_bytes(), leaf.lifetime.0)).collect();
            lifetimes.push((self.pay.to_bytes(), funded - pool.lifetime_total.0));
            let tree = RewardTree::new(lifetimes).map_err(anyhow::Error::msg)?;
            *root = PoolRoot { root: tree.root(), leaves: tree.count(), lifetime_total: tree.total() };
            (pool.root, pool.lifetime_total) = (tree.root(), tree.total().into());
        }
        (report.epoch, report.cutoff_slot, report.previous) =
            (proposal.epoch, proposal.cutoff_slot, Some(last.report_hash));
        let report_hash = self.store.put_settlement_report(proposal.epoch, canonical::to_vec(&report)?).await?;
        Ok(PostSettlementArgs {
            epoch: proposal.epoch,
            previous: config.posted,
            pools,
            observations_root: [0; 32],
            report_hash,
            cutoff_slot: proposal.cutoff_slot,
            expiry_slot: (self.client.slot().await? / WINDOW + 2) * WINDOW,
        })
    }

    /// Asks the committee to sign `args`, and posts them if it does.
    async fn propose(&self, lie: Lie, stake: &stake::state::Config, settled: &Proposal, args: PostSettlementArgs) {
        let message = attestation::settlement(stake, settled.sequence, &args);
        let mut proposed = Proposed {
            lie: lie.name.into(),
            epoch: settled.epoch,
            payload: hex::encode(message.payload),
            willing: 0,
            refusals: Default::default(),
            signed: false,
            failed: None,
        };
        let payload = borsh::to_vec(&args).expect("writing to memory cannot fail");
        match Coordinator::sign(&self.quorum, &message, &payload).await {
            Ok(signed) => {
                (proposed.signed, proposed.willing) = (true, signed.signers.len());
                let verify = attestation::instruction(&signed.group_key, &signed.signature, &message);
                let shards = self.client.account::<Config>(&pda::payout_config()).await.map(|c| c.shards);
                let post = ix::payout::post_settlement(
                    &self.wallet.pubkey(),
                    stake.committee_epoch,
                    shards.unwrap_or_default(),
                    args,
                );
                let posted = self.client.send(&[verify, post], &[&self.wallet]).await;
                proposed.failed = posted.err().map(|e| e.to_string());
            }
            Err(Error::TooFew { have, faults, .. }) => {
                proposed.willing = have;
                let refusals = faults.into_iter().map(|f| (Pubkey::new_from_array(f.member).to_string(), f.what));
                proposed.refusals = refusals.collect();
            }
            Err(e) => proposed.failed = Some(e.to_string()),
        }
        tracing::info!(?proposed, "a lie was proposed");
        self.told.lock().expect("no panic holds this lock").proposals.push(proposed);
    }

    fn keep(&self, epoch: u64, payments: Vec<String>, jobs: usize, agreement: &Agreement) {
        let distances = agreement.reveals.iter().map(|reveal| {
            let said = reveal.values.iter().skip(jobs + WIDTH - 1).step_by(WIDTH).copied().collect();
            (Pubkey::new_from_array(reveal.operator).to_string(), said)
        });
        let agreed = Agreed { epoch, payments, distances: distances.collect() };
        self.told.lock().expect("no panic holds this lock").agreements.push(agreed);
    }
}

/// The same with another cut-off.
fn later(args: &PostSettlementArgs) -> PostSettlementArgs {
    PostSettlementArgs { cutoff_slot: args.cutoff_slot + 7, ..args.clone() }
}
