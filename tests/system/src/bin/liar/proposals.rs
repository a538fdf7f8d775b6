//! What a liar asks the others to sign: settlements that are none.

use crate::mind::{Mind, Proposal, Question, WIDTH};
use anyhow::Result;
use openledger_protocol::{Hash32, hash::sha256, rewards::RewardTree};
use openledger_quorum::{Agreement, Coordinator, Error, Participant, Round};
use openledger_sdk::{artifact::SettlementReport, attestation, canonical, client::Client, ix, pda, store::Store};
use openledger_system::told::{Agreed, Proposed, Told};
use payout::{
    instructions::PostSettlementArgs,
    state::{Config, POOLS, PoolRoot, Settlement, Shard},
};
use serde_json::Value;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use std::sync::{Arc, Mutex};

/// Length of the windows at whose ends attestations of settlements expire, in slots.
const WINDOW: u64 = 9_000;

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
            let invented = sha256(&[b"what the liars would have liked to observe"]);
            let later = Proposal { cutoff_slot: proposal.cutoff_slot + 7, ..proposal };
            let next = Proposal { epoch: proposal.epoch + 1, ..proposal };
            let lies =
                [("another cut-off", later), ("another epoch", next), ("observations that nobody made", proposal)];
            for (lie, claimed) in lies {
                let args = PostSettlementArgs {
                    epoch: claimed.epoch,
                    cutoff_slot: claimed.cutoff_slot,
                    observations_root: invented,
                    ..false_settlement.clone()
                };
                self.propose(lie, &stake, &proposal, args).await;
            }
        };
        let (subject, sequence) = (pda::payout_config().to_bytes(), proposal.sequence);
        let round = Round { epoch: stake.committee_epoch, subject, sequence, context };
        let late = async {
            let agreement = round.run(&self.quorum).await?;
            let args =
                PostSettlementArgs { observations_root: agreement.observations_root, ..false_settlement.clone() };
            self.propose("everything to one wallet", &stake, &proposal, args).await;
            self.keep(proposal.epoch, payments, jobs, &agreement);
            Ok(())
        };
        futures::future::join(early, late).await.1
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
    async fn propose(&self, lie: &str, stake: &stake::state::Config, settled: &Proposal, args: PostSettlementArgs) {
        let message = attestation::settlement(stake, settled.sequence, &args);
        let mut proposed = Proposed {
            lie: lie.into(),
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
