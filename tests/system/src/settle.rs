//! Settles the epoch while two operators die, and pays everybody by claims that a stranger sends.

use crate::{
    fleet::Fleet,
    network::{Network, wait},
    people::Person,
    stage::Stage,
    summary::{ClaimsSummary, SettlementSummary},
};
use anyhow::{Context, Result, ensure};
use indicatif::ProgressBar;
use openledger_protocol::Hash32;
use openledger_sdk::{api::types::ClaimProof, artifact::SettlementReport, flow::claim::claim, ix, pda};
use payout::state::{Config, Settlement};
use solana_pubkey::Pubkey;
use std::{collections::BTreeSet, time::Duration};

/// Settles everything that was paid so far, epoch by epoch, and kills two operators while they settle the first. Returns
/// the settled epochs.
pub async fn settle(stage: &Stage, network: &Network, fleet: &mut Fleet) -> Result<Vec<u64>> {
    let killed = [fleet.operators.len(), fleet.operators.len() - 1];
    let begun = Begun::now(network, fleet).await?;
    let spinner = stage.spinner("operators work the answers out, commit, reveal, agree and sign");
    // Wait until the operators to be killed are working on the settlement, then kill them.
    wait("the operators to start settling", Duration::from_secs(120), async || {
        fleet.check()?;
        for n in killed {
            if fleet.status(n).await.and_then(|s| s.settling).is_none() {
                return Ok(None);
            }
        }
        Ok(Some(()))
    })
    .await?;
    killed.into_iter().for_each(|n| fleet.kill(n));
    stage.note(format!(
        "operators {} and {} were killed while settling; {} live on",
        killed[0],
        killed[1],
        fleet.alive()
    ));
    begun.finish(network, fleet, spinner).await
}

/// Settles everything that was paid so far, epoch by epoch. Returns the settled epochs.
pub async fn everything(stage: &Stage, network: &Network, fleet: &mut Fleet, what: &str) -> Result<Vec<u64>> {
    let begun = Begun::now(network, fleet).await?;
    begun.finish(network, fleet, stage.spinner(what)).await
}

/// A settlement that the fleet was asked for.
struct Begun {
    /// The first epoch to settle.
    first: u64,
    /// Slot of the last payment into the pools.
    last_payment: u64,
}

impl Begun {
    async fn now(network: &Network, fleet: &Fleet) -> Result<Self> {
        network.caught_up().await?;
        let (fees, shares) = (network.api()?.receipts().await?, network.api()?.funding().await?);
        let slots = fees.iter().map(|r| r.slot).chain(shares.iter().map(|f| f.slot));
        let last_payment = slots.max().context("nothing was paid")?;
        let config: Config = network.client.account(&pda::payout_config()).await?;
        fleet.settle().await?;
        Ok(Self { first: config.epoch, last_payment })
    }

    /// Waits until everything is settled.
    async fn finish(self, network: &Network, fleet: &mut Fleet, spinner: ProgressBar) -> Result<Vec<u64>> {
        let mut epoch = self.first;
        let after = loop {
            let after = wait("the settlement", Duration::from_secs(600), async || {
                fleet.check()?;
                if let Some(phase) = fleet.status(1).await.and_then(|s| s.settling).map(|s| s.phase) {
                    spinner.set_message(format!("operator 1: {phase}"));
                }
                let config: Config = network.client.account(&pda::payout_config()).await?;
                Ok((config.active_epoch >= epoch).then_some(config))
            })
            .await?;
            if after.settled_slot >= self.last_payment {
                break after;
            }
            // An epoch ends with the length in which its first payment was made. The rest is paid in the next one.
            epoch = after.active_epoch + 1;
            fleet.settle().await?;
        };
        spinner.finish_and_clear();
        Ok((self.first..=after.active_epoch).collect())
    }
}

/// What was settled in these epochs, all since the first. `signers_alive` is how many operators lived on after some were
/// killed.
pub async fn summary(network: &Network, epochs: Vec<u64>, signers_alive: usize) -> Result<SettlementSummary> {
    let epoch = *epochs.last().context("nothing was settled")?;
    let settlement: Settlement = network.client.account(&pda::settlement(epoch)).await?;
    let config: Config = network.client.account(&pda::payout_config()).await?;
    ensure!(settlement.pools == config.active, "the active roots are not those that were posted");
    let (mut unanswered, mut repeated, mut carried) = (0, BTreeSet::new(), 0);
    for epoch in &epochs {
        let report = report(network, *epoch).await?;
        unanswered += report.models.iter().map(|m| m.unanswered.0).sum::<u64>();
        repeated.extend(report.models.iter().flat_map(|m| m.repeated.iter().map(|r| r.leaf)));
        carried = report.pools.iter().map(|p| p.carried.0).sum::<u64>();
    }
    Ok(SettlementSummary {
        epoch,
        epochs,
        repeated: repeated.len(),
        unanswered: unanswered.into(),
        carried: carried.into(),
        root: hex::encode(settlement.pools[0].root),
        validators_root: hex::encode(settlement.pools[1].root),
        lifetime_total: (settlement.pools[0].lifetime_total + settlement.pools[1].lifetime_total).into(),
        lifetime_funded: settlement.funded.iter().sum::<u64>().into(),
        signers_alive,
    })
}

/// The published report of a settled epoch.
pub async fn report(network: &Network, epoch: u64) -> Result<SettlementReport> {
    let settlement: Settlement = network.client.account(&pda::settlement(epoch)).await?;
    let report = network.store()?.get_blob(&settlement.report_hash).await.context("the settlement's report")?;
    SettlementReport::read(&report).context("the settlement's report")
}

/// Checks that `model`, which reads the Datanet with the smuggled copies, recognised them as such, and that the thief
/// earned nothing.
pub fn copies_earned_nothing(
    report: &SettlementReport,
    model: &Pubkey,
    copies: &[Hash32],
    thief: &Pubkey,
) -> Result<()> {
    for copy in copies {
        let mut readers = report.models.iter().filter(|m| m.model == *model);
        let known = readers.all(|m| m.repeated.iter().any(|r| r.leaf == *copy && r.of != *copy));
        ensure!(known, "the report does not say what document {} repeats", hex::encode(copy));
    }
    ensure!(report.documents.iter().all(|d| d.owner != *thief), "the thief's documents were trained on");
    ensure!(report.pools.iter().all(|p| p.leaves.iter().all(|e| e.wallet != *thief)), "the thief earned");
    Ok(())
}

/// Has `stranger` claim for every wallet. Returns one wallet and its proof, for an attempt to claim again.
pub async fn claim_all(
    stage: &Stage,
    network: &Network,
    mint: &Pubkey,
    wallets: &[&Person],
    stranger: &Person,
) -> Result<(ClaimsSummary, (Pubkey, ClaimProof))> {
    network.caught_up().await?;
    let bar = stage.bar(wallets.len() as u64, "wallets paid");
    let (mut count, mut total, mut example) = (0, 0, None);
    for person in wallets {
        let wallet = person.address();
        let proofs = network.api()?.claims(&wallet).await?;
        let account = ix::token::create_account(&stranger.address(), &wallet, mint);
        network.client.send(&[account], &[&stranger.key]).await?;
        for paid in claim(&network.client, network.api()?, &stranger.key, &wallet).await? {
            count += 1;
            total += paid.amount;
        }
        if let Some(proof) = proofs.pools.into_iter().find(|p| p.pool == "contributors" && p.lifetime.0 > 0) {
            example = Some((wallet, proof));
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    let example = example.context("no contributor earned anything")?;
    Ok((ClaimsSummary { count, total: total.into() }, example))
}
