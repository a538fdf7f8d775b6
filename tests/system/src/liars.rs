//! Two of the five operators lie in the quorum's own protocol while one more epoch is settled. They collude: they vouch for
//! each other's forged receipt and deny all others, agree to sign anything, and propose settlements of their own. With t = 3
//! they can neither divide anything nor stop the others.

use crate::{
    fleet::Fleet,
    network::{Network, wait},
    people::Person,
    settings::OPEN,
    settle,
    stage::Stage,
    summary::{LiarsSummary, RefusedProposal},
    told::{Agreed, LIES, Proposed},
    training::Trained,
};
use anyhow::{Context, Result, ensure};
use openledger_protocol::{Hash32, weights::Weights};
use openledger_sdk::{
    api::serve::{ChatRequest, Quote},
    artifact::{CountedAnswer, Divided, NoAnswer, SettlementReport},
    flow::chat::{ask, find_payment, pay, servers},
    ix,
    receipt::Answer,
};
use payout::state::Settlement;
use solana_pubkey::Pubkey;
use stake::state::capability;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// The liars, by their numbers in the fleet. They are those that were killed before.
pub const LIARS: [usize; 2] = [4, 5];

/// Questions that the epoch pays for besides the forged one.
const QUESTIONS: [&str; 2] = ["What is true?", "What is a majority?"];

/// By when all members have had an answer to a beat from a member that came back: pauses between beats are shorter.
const SEEN: Duration = Duration::from_secs(8);

/// Has two honest answers and a forged one paid, and settled while the liars lie. Returns the settled epochs. Fails if the
/// liars moved anything, or if they told no lie that would have moved something.
pub async fn settle_among(
    stage: &Stage,
    network: &Network,
    fleet: &mut Fleet,
    trained: &Trained,
    user: &Person,
    accomplice: &Person,
) -> Result<(LiarsSummary, Vec<u64>)> {
    let started = Instant::now();
    let wallets = LIARS.map(|n| fleet.operators[n - 1].person.address());
    for n in LIARS {
        fleet.replace_by_liar(n, &wallets, &accomplice.address())?;
    }
    wait("the liars to take their seats", Duration::from_secs(60), async || {
        fleet.check()?;
        Ok(fleet.told(LIARS[0]).await.and(fleet.told(LIARS[1]).await))
    })
    .await?;
    let seated = Instant::now();
    let (forged, paid) = pay_for_all(network, fleet, trained, user, accomplice).await?;
    stage.note(format!(
        "operators {} and {} are back as liars: one sold an answer whose receipt pays a single document",
        LIARS[0], LIARS[1]
    ));
    // The others took both seats for dead. They wait for the liars only once these have answered their beats.
    tokio::time::sleep(SEEN.saturating_sub(seated.elapsed())).await;
    let epochs = settle::everything(stage, network, fleet, "three honest operators settle among two liars").await?;

    let mut summary = LiarsSummary { epochs: epochs.clone(), paid: paid.into(), ..LiarsSummary::default() };
    let proposed = proposals(fleet, &epochs).await?;
    for epoch in &epochs {
        let report = settle::report(network, *epoch).await?;
        let observers: Vec<Pubkey> = report.observations.iter().map(|o| o.operator).collect();
        ensure!(wallets.iter().all(|w| observers.contains(w)), "a liar did not observe in epoch {epoch}");
        let told = fleet.told(LIARS[0]).await.context("a liar is gone")?;
        let agreed = told.agreements.into_iter().find(|a| a.epoch == *epoch).context("a liar saw no agreement")?;
        for answer in &report.answers {
            judge(answer, &agreed, &wallets, &forged, &mut summary)?;
        }
        not_proposed_by_liars(network, *epoch, &report, &proposed, &accomplice.address()).await?;
    }
    ensure!(summary.forged_refused && summary.honest_paid == QUESTIONS.len(), "{summary:?}");
    ensure!(summary.would_have_moved.0 > 0, "the lies would not have moved anything: they prove nothing");

    summary.proposals = refused(fleet, &wallets, proposed)?;
    LIARS.into_iter().for_each(|n| fleet.kill(n));
    summary.seconds = started.elapsed().as_secs();
    Ok((summary, epochs))
}

/// Pays for the honest questions and for the forged answer at the same time, so that they fall into one epoch or two.
/// Returns the request of the forged answer, and what was paid for all of them.
async fn pay_for_all(
    network: &Network,
    fleet: &Fleet,
    trained: &Trained,
    user: &Person,
    accomplice: &Person,
) -> Result<(Hash32, u64)> {
    let servers = servers(&network.client).await?;
    let honest = QUESTIONS.map(|question| {
        let (request, servers) = (ChatRequest::ask(&trained.model, question, 8), &servers);
        async move { ask(&network.client, &user.key, servers, &request, Some(10 * OPEN), |_| {}).await }
    });
    let (forged, honest) =
        futures::future::join(sell_forged(network, fleet, trained, accomplice), futures::future::join_all(honest))
            .await;
    let answers = honest.into_iter().collect::<Result<Vec<_>, _>>().context("asking among liars")?;
    let (forged, fee) = forged?;
    Ok((forged, fee + answers.iter().map(|a| a.answer.fee.0).sum::<u64>()))
}

/// The first liar says that it serves, is paid by the accomplice, and signs an answer that any model might have given. Its
/// receipt pays everything to one document. Returns the request and the fee.
async fn sell_forged(
    network: &Network,
    fleet: &Fleet,
    trained: &Trained,
    accomplice: &Person,
) -> Result<(Hash32, u64)> {
    let liar = &fleet.operators[LIARS[0] - 1];
    let capabilities = capability::TRAIN | capability::ATTRIBUTE | capability::SERVE;
    let serve = ix::stake::update_operator(&liar.person.address(), liar.endpoint.clone(), capabilities);
    network.client.send(&[serve], &[&liar.person.key]).await.context("a liar says that it serves")?;
    let (any, store) = (network.api()?.receipts().await?, network.store_of(&liar.person)?);
    let mut template = None;
    for paid in any.iter().filter(|r| r.model == trained.model.to_string()) {
        let request = openledger_sdk::text::parse_hash(&paid.request)?;
        let answer = store.get_answer(&request).await.ok();
        template = template.or(answer.filter(|a| !a.output_tokens.contains(&u32::MAX)));
    }
    let mut answer: Answer = template.context("the model has answered nothing yet")?;
    let request = openledger_protocol::hash::sha256(&[b"forged", &answer.request]);
    let quote = Quote {
        request: hex::encode(request),
        model: trained.model.to_string(),
        operator: liar.person.address().to_string(),
        amount: answer.fee,
        prompt_tokens: answer.prompt_tokens.len(),
        max_tokens: answer.output_tokens.len(),
    };
    let payment = pay(&network.client, &accomplice.key, &quote).await.context("paying the liar")?.to_string();
    let paid = find_payment(&network.client, &payment).await?;
    let mut parts = vec![0; trained.manifest.paid().count()];
    *parts.last_mut().context("the model has no documents")? = 1;
    let weights = Weights::in_proportion(&parts).context("one document has everything")?;
    (answer.request, answer.operator, answer.payer) = (request, liar.person.address(), accomplice.address());
    (answer.epoch, answer.payment_signature) = (paid.epoch, payment);
    answer.receipt.contributors = paid.contributors.into();
    answer.receipt.weights = store.put_blob(weights.to_bytes()).await?;
    answer.receipt.influences.clear();
    answer.receipt.spans.clear();
    answer.sign(&liar.identity)?;
    store.put_answer(&answer).await?;
    Ok((request, answer.fee.0))
}

/// Checks that a payment was divided as the honest members alone would have divided it, and counts what a set of the two
/// liars and any one honest member would have divided otherwise.
fn judge(
    answer: &CountedAnswer,
    agreed: &Agreed,
    liars: &[Pubkey],
    forged: &Hash32,
    summary: &mut LiarsSummary,
) -> Result<()> {
    let request = hex::encode(answer.request);
    let place = agreed.payments.iter().position(|r| *r == request).context("a payment that the liars did not see")?;
    let is_liar = |wallet: &str| liars.iter().any(|l| l.to_string() == wallet);
    let said = |lying: bool| -> Vec<u64> {
        let all = agreed.distances.iter().filter(|(wallet, _)| is_liar(wallet) == lying);
        all.filter_map(|(_, distances)| distances.get(place).copied()).collect()
    };
    let (lies, truth) = (said(true), said(false));
    ensure!(lies.len() == 2 && truth.len() == 3, "{} liars and {} honest members observed", lies.len(), truth.len());
    let holds = |mut distances: Vec<u64>| {
        distances.sort_unstable();
        distances[distances.len() / 2] <= crate::fleet::BAND_PPM
    };
    match (holds(truth.clone()), &answer.divided) {
        (true, Divided::Receipt { .. }) => summary.honest_paid += 1,
        (false, Divided::Training { because: NoAnswer::Weights }) => {
            summary.forged_refused |= answer.request == *forged;
        }
        (_, other) => anyhow::bail!("request {request} is divided by {other:?}, which the honest members did not see"),
    }
    let together = truth.iter().all(|one| holds([lies.as_slice(), &[*one]].concat()) != holds(truth.clone()));
    if together {
        summary.would_have_moved.0 += answer.contributors.0;
    }
    Ok(())
}

/// Waits until all proposals of the liars for these epochs have come to an end.
async fn proposals(fleet: &mut Fleet, epochs: &[u64]) -> Result<Vec<(usize, Proposed)>> {
    let mut all = Vec::new();
    for n in LIARS {
        let proposed = wait("the liars' proposals to be refused", Duration::from_secs(60), async || {
            fleet.check()?;
            let told = fleet.told(n).await.filter(|told| told.agreements.len() >= epochs.len());
            Ok(told.map(|t| t.proposals).filter(|p| p.len() >= LIES.len() * epochs.len()))
        });
        all.extend(proposed.await?.into_iter().map(|p| (n, p)));
    }
    Ok(all)
}

/// Checks that what is settled is nobody's lie.
async fn not_proposed_by_liars(
    network: &Network,
    epoch: u64,
    report: &SettlementReport,
    proposed: &[(usize, Proposed)],
    accomplice: &Pubkey,
) -> Result<()> {
    let settlement: Settlement = network.client.account(&openledger_sdk::pda::settlement(epoch)).await?;
    for (root, pool) in settlement.pools.iter().zip(&report.pools) {
        ensure!(root.root == pool.root, "the settled root of epoch {epoch} is not that of its report");
        ensure!(
            pool.leaves.iter().all(|leaf| leaf.wallet != *accomplice),
            "the liars' wallet is paid in epoch {epoch}"
        );
    }
    let signed = proposed.iter().find(|(_, p)| p.signed);
    ensure!(signed.is_none(), "the committee signed a lie: {signed:?}");
    Ok(())
}

/// Checks that every proposal had both liars for it and every honest member against it, and counts the honest members
/// whose logs name who proposed it and refuse it by the check that is there for this lie. Whoever has signed the true
/// settlement before refuses because of that, and posted settlements are no longer due.
fn refused(fleet: &Fleet, wallets: &[Pubkey], proposed: Vec<(usize, Proposed)>) -> Result<Vec<RefusedProposal>> {
    let honest: Vec<usize> = (1..=fleet.operators.len()).filter(|n| !LIARS.contains(n)).collect();
    let logs: BTreeMap<usize, String> = honest.iter().map(|n| Ok((*n, fleet.log(*n)?))).collect::<Result<_>>()?;
    let mut all = Vec::new();
    for (by, proposal) in proposed {
        let liar = wallets[LIARS.iter().position(|n| *n == by).context("a liar")?].to_string();
        ensure!(proposal.willing == wallets.len(), "not all liars were willing to sign {proposal:?}");
        ensure!(proposal.refusals.len() == honest.len(), "not all honest members refused {proposal:?}");
        let lie = LIES.iter().find(|lie| lie.name == proposal.lie).context("a lie without a name")?;
        let judges = |log: &&String| {
            let said = ["refuses to sign what was proposed", &liar, &proposal.payload, lie.refused_by];
            log.lines().any(|line| said.iter().all(|words| line.contains(words)))
        };
        let judged_by = logs.values().filter(judges).count();
        let reason = proposal.refusals.values().next().cloned().unwrap_or_default();
        all.push(RefusedProposal { lie: proposal.lie, by, epoch: proposal.epoch, judged_by, reason });
    }
    Ok(all)
}
