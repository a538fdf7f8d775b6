//! An operator lies about answers after it was paid for them. The settlement must go on, name both, and pay by neither.

use crate::{
    fleet::Fleet, network::Network, people::Person, settings::OPEN, settle, summary::LiesSummary, training::Trained,
};
use anyhow::{Context, Result, ensure};
use openledger_protocol::{Hash32, weights::Weights};
use openledger_sdk::{
    api::serve::ChatRequest,
    artifact::{Divided, NoAnswer},
    flow::chat::{ask, servers},
    receipt::Answer,
    store::Store,
};
use solana_keypair::Keypair;

/// The lies that were told.
pub struct Lies {
    poisoned: Hash32,
    forged: Hash32,
    /// What the user paid for the two answers, in base units.
    pub paid: u64,
}

/// Has two questions answered, and replaces what the operator published: one answer by one with a token that no model
/// has, and the other one's receipt by one that pays everything to one document. The operator signs both.
pub async fn tell(network: &Network, fleet: &Fleet, trained: &Trained, user: &Person) -> Result<Lies> {
    let liar = &fleet.operators[0];
    let store = network.store_of(&liar.person)?;
    let mut poisoned = answered(network, trained, user, "What is poison?").await?;
    poisoned.output_tokens = vec![u32::MAX];
    publish(&store, &liar.identity, &mut poisoned).await?;

    let mut forged = answered(network, trained, user, "What is a forgery?").await?;
    let mut parts = vec![0; trained.manifest.paid().count()];
    *parts.last_mut().context("the model has no documents")? = 1;
    let weights = Weights::in_proportion(&parts).context("one document has everything")?;
    forged.receipt.weights = store.put_blob(weights.to_bytes()).await?;
    forged.receipt.influences.clear();
    publish(&store, &liar.identity, &mut forged).await?;
    let paid = poisoned.fee.0 + forged.fee.0;
    Ok(Lies { poisoned: poisoned.request, forged: forged.request, paid })
}

async fn answered(network: &Network, trained: &Trained, user: &Person, question: &str) -> Result<Answer> {
    let servers = servers(&network.client).await?;
    let request = ChatRequest::ask(&trained.model, question, 8);
    let asked = ask(&network.client, &user.key, &servers, &request, Some(10 * OPEN), |_| {}).await;
    Ok(asked.with_context(|| format!("asking {question:?}"))?.answer)
}

async fn publish(store: &Store, identity: &Keypair, answer: &mut Answer) -> Result<()> {
    answer.sign(identity)?;
    Ok(store.put_answer(answer).await?)
}

/// Checks that the settled `epochs` name the lies and divide both payments by the training weights.
pub async fn found_out(network: &Network, epochs: &[u64], lies: &Lies) -> Result<LiesSummary> {
    let mut found = LiesSummary::default();
    for epoch in epochs {
        let report = settle::report(network, *epoch).await?;
        for answer in report.answers {
            let because = match answer.divided {
                Divided::Training { because } => because,
                Divided::Receipt { .. } | Divided::Held { .. } => continue,
            };
            found.poisoned |= answer.request == lies.poisoned && because == NoAnswer::Missing;
            found.forged |= answer.request == lies.forged && because == NoAnswer::Weights;
        }
    }
    ensure!(found.poisoned, "the report does not name the answer that no model can have given");
    ensure!(found.forged, "the report does not name the receipt with forged weights");
    Ok(found)
}
