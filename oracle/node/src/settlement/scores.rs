//! This operator's own view: what share of the epoch's fees each document earned.

use super::{Epoch, Proposal, influence};
use crate::node::Node;
use anyhow::Result;
use openledger_attribution::{Query, QueryItem, magic, pay};
use openledger_protocol::allocate::{PPM, largest_remainder};

/// Name and version of the method that divides the money.
pub fn method() -> String {
    format!("{} {}", magic::METHOD, magic::VERSION)
}

/// Scores of the epoch's documents in parts per million.
///
/// For each model the fee-weighted sum of its answers' losses is attributed at once, exactly, so that the work does not
/// grow with the number of answers; the models' shares are weighted by what their answers put into the contributors'
/// pool.
pub async fn observe(node: &Node, proposal: &Proposal) -> Result<Vec<u64>> {
    let epoch = Epoch::load(node, proposal).await?;
    let funded =
        |model| -> u128 { epoch.payments.iter().filter(|p| p.model == model).map(|p| p.contributors as u128).sum() };
    let total: u128 = epoch.models.iter().map(|m| funded(m.address)).sum();
    let mut weights = Vec::new();
    for model in &epoch.models {
        let items = model
            .answers
            .iter()
            .map(|answer| {
                let paid = epoch.payments.iter().filter(|p| p.request == answer.request);
                let fee: u128 = paid.map(|p| p.contributors as u128).sum();
                let mut tokens = answer.prompt_tokens.clone();
                tokens.extend(&answer.output_tokens);
                // A share of the whole, so that the sum stays in f32's range whatever the fees.
                let weight = (fee as f64 / funded(model.address).max(1) as f64) as f32;
                QueryItem { loss_from: answer.prompt_tokens.len(), tokens, weight }
            })
            .filter(|item| item.loss_from < item.tokens.len())
            .collect::<Vec<_>>();
        let ppm = if items.is_empty() {
            vec![0; model.plan.documents.len()]
        } else {
            pay::ppm(&influence::scores(node, proposal.epoch, model, Query::new(items)?).await?)?
        };
        let share = (funded(model.address) * PPM as u128 / total.max(1)) as u64;
        weights.extend(ppm.into_iter().map(|p| p * share));
    }
    Ok(largest_remainder(PPM, &weights))
}
