//! Makes the report and the roots of a settlement from what the members' observations agree on.

use super::{
    kept::Divides,
    own_view::Observed,
    question::Question,
    report::{Agreed, Counted, PaidJob, build},
    verdict::{BAND_PPM, Verdict, needed, ready, verdict},
    view::{Seen, View},
};
use crate::{documents::Repeat, plans::FinishedJob};
use anyhow::{Context, Result, ensure};
use openledger_pay::clusters::Duplicate;
use openledger_protocol::hash::sha256;
use openledger_quorum::{Agreement, observe::content_hash};
use openledger_sdk::{
    amount::Amount,
    artifact::{self, Divided, Method, ModelReport, RepeatKind, RepeatedDocument, SettlementReport},
    canonical,
};
use payout::{
    instructions::PostSettlementArgs,
    state::{POOLS, PoolRoot},
};
use solana_pubkey::Pubkey;
use std::collections::BTreeSet;

/// The report and the roots that follow from `agreement` about the facts that this member has `observed`. `threshold` is
/// the committee's t.
///
/// `agreement` must be about `question`'s facts. Fails if an answer or a job is not known here that the others know, or if the
/// agreement contradicts what this member saw itself.
pub fn outcome(
    question: &Question,
    observed: &Observed,
    agreement: &Agreement,
    threshold: usize,
) -> Result<(SettlementReport, [PoolRoot; POOLS])> {
    let facts = &observed.facts;
    // A list of another length says nothing.
    let views: Vec<View> = agreement.reveals.iter().filter_map(|r| View::read(&r.values, facts).ok()).collect();
    let revealed = agreement.own.as_ref().and_then(|own| View::read(own, facts).ok());
    let threshold = needed(threshold, views.len(), question.attempt);

    let is_ready =
        |job: &Pubkey| facts.jobs().iter().position(|j| j == job).is_some_and(|n| ready(&views, n, threshold));
    let mut counted = Vec::with_capacity(facts.payments.len());
    for (n, payment) in facts.payments.iter().enumerate() {
        let request = hex::encode(payment.request);
        let decided = match observed.view.answers.get(n) {
            Some(own) => {
                let seen: Vec<Seen> = views.iter().map(|v| v.answers[n]).collect();
                let decided = verdict(&seen, threshold, payment.held);
                // What came to light after this member had said what it saw does not undo it: the answer came too late.
                let agrees = decided.agrees(own) || revealed.as_ref().is_some_and(|r| decided.agrees(&r.answers[n]));
                ensure!(agrees, "{decided:?} of request {request} contradicts what this member saw: {own:?}");
                decided
            }
            // Nobody looked at it: there were too many payments.
            None => Verdict::Held,
        };
        let by = divided(observed, n, decided, is_ready(&payment.last_job));
        counted.push(by.with_context(|| format!("request {request}"))?);
    }
    let shares = facts.funding.iter().filter_map(|f| f.job).filter(is_ready);
    let answered = counted.iter().filter(|c| c.weights.is_some()).map(|c| c.job);
    let used: BTreeSet<Pubkey> = answered.chain(shares).collect();
    let jobs: Vec<PaidJob> =
        used.iter().map(|job| Ok(paid_job(known(observed, job)?, is_ready(job)))).collect::<Result<_>>()?;
    let observations = agreement.reveals.iter().map(|r| {
        let (operator, signature) = (Pubkey::new_from_array(r.operator), r.signature);
        artifact::Observed { operator, content: content_hash(&r.values), signature }
    });
    let agreed = Agreed {
        epoch: question.proposal.epoch,
        cutoff_slot: question.proposal.cutoff_slot,
        band_ppm: BAND_PPM,
        observations: observations.collect(),
        observations_root: agreement.observations_root,
    };
    build(agreed, facts, &counted, &jobs)
}

/// Fails unless `args` post this report and these roots, to the bit. Returns the report's bytes.
pub fn follows(report: &SettlementReport, pools: &[PoolRoot; POOLS], args: &PostSettlementArgs) -> Result<Vec<u8>> {
    ensure!(*pools == args.pools, "the roots are not those that follow from what the members observed");
    let report = canonical::to_vec(report)?;
    ensure!(
        sha256(&[&report]) == args.report_hash,
        "the report is not the one that follows from what the members observed"
    );
    Ok(report)
}

/// By what the payment number `n` is divided. `ready` says whether its last job's documents can be paid.
fn divided(observed: &Observed, n: usize, decided: Verdict, ready: bool) -> Result<Counted<'_>> {
    let payment = &observed.facts.payments[n];
    match decided {
        Verdict::Receipt { hash, distance } => {
            let found = observed.answers[n].as_ref().filter(|found| found.hash == hash);
            let found = found.context("the answer that the others saw is not known here")?;
            let divided = Divided::Receipt { answer: hash, weights: found.weights_hash, distance };
            let weights = Some(Divides::Kept(&observed.kept, found.weights));
            Ok(Counted { payment, job: found.job, divided, weights })
        }
        Verdict::Training(because) if ready => {
            let weights = known(observed, &payment.last_job)?.divider.training();
            let divided = Divided::Training { because };
            Ok(Counted { payment, job: payment.last_job, divided, weights: Some(Divides::Known(weights)) })
        }
        Verdict::Training(_) | Verdict::Held => {
            let divided = Divided::Held { times: payment.held + 1 };
            Ok(Counted { payment, job: payment.last_job, divided, weights: None })
        }
    }
}

fn known<'a>(observed: &'a Observed, job: &Pubkey) -> Result<&'a FinishedJob> {
    let known = observed.jobs.get(job).map(|job| &**job);
    known.with_context(|| format!("what pays the documents of job {job} is not known here"))
}

fn paid_job(job: &FinishedJob, ready: bool) -> PaidJob<'_> {
    let documents = job.documents();
    let by_gradient = job.manifest.repeated.iter().map(|r| {
        let [repeats, of] = [r.document, r.of].map(|place| documents[place as usize].1);
        repeated(Repeat::new(repeats, of.leaf, Duplicate::Gradient))
    });
    let repeats = job.plan.repeats.iter().cloned().map(repeated).chain(by_gradient).collect();
    let estimator = job.divider.estimator();
    PaidJob {
        documents,
        training: ready.then(|| job.divider.training()),
        report: ModelReport {
            model: job.model,
            job: job.address,
            config: job.manifest.config_hash,
            manifest: job.manifest_hash,
            method: Method::new(estimator.method(), estimator.version()),
            pay: job.plan.pay.hash(),
            paid_by_scores: job.divider.by_scores(),
            fees: Amount(0),
            unanswered: Amount(0),
            data_share: Amount(0),
            repeated: repeats,
        },
    }
}

fn repeated(Repeat { leaf, datanet, owner, of, by }: Repeat) -> RepeatedDocument {
    let by = match by {
        Duplicate::Exact => RepeatKind::Exact,
        Duplicate::Near => RepeatKind::Near,
        Duplicate::Verbatim => RepeatKind::Verbatim,
        Duplicate::Gradient => RepeatKind::Gradient,
    };
    RepeatedDocument { leaf, datanet, owner, of, by }
}

#[cfg(test)]
mod tests;
