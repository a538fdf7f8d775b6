//! Asks and pays for questions, and checks whether the receipts name the documents that the questions were made from.

use crate::{
    network::Network,
    people::Person,
    settings::{OPEN, Settings},
    stage::Stage,
    summary::{AnswerSummary, AttributionSummary, TopDocument},
    training::Trained,
};
use anyhow::{Context, Result};
use openledger_sdk::{
    amount::Amount,
    api::serve::ChatRequest,
    flow::chat::{Offer, ask, offer, pay, servers},
};

/// Takes a quote, pays for it and never fetches the answer. Returns the base units paid.
pub async fn pay_and_leave(network: &Network, trained: &Trained, user: &Person) -> Result<Amount> {
    let servers = servers(&network.client).await?;
    let request = ChatRequest::ask(&trained.model, "Is anybody there?", 8);
    let Offer { quote, .. } = offer(&network.client, &servers, &request, None).await?;
    pay(&network.client, &user.key, &quote).await.context("paying for an answer")?;
    Ok(quote.amount)
}

/// Asks `settings.questions` questions about documents that the model was trained on. `member` of the committee knows their
/// titles.
pub async fn ask_all(
    stage: &Stage,
    network: &Network,
    settings: &Settings,
    trained: &Trained,
    users: &[Person],
    member: &Person,
) -> Result<(Vec<AnswerSummary>, AttributionSummary)> {
    let client = &network.client;
    let servers = servers(client).await?;
    let documents: Vec<[u8; 32]> = trained.manifest.paid().map(|(_, leaf)| leaf).collect();
    let count = settings.questions.min(documents.len());
    let bar = stage.bar(count as u64, "questions answered");
    let (mut answers, mut method) = (Vec::new(), String::new());
    for n in 0..count {
        let leaf = documents[n * documents.len() / count];
        let title = network.title(&leaf, member).await?;
        let user = &users[n % users.len()];
        let mut request = ChatRequest::ask(&trained.model, format!("What is {title}?"), settings.answer_tokens);
        request.stream = n % 2 == 0;
        let asked = ask(client, &user.key, &servers, &request, Some(10 * OPEN), |_| {})
            .await
            .with_context(|| format!("asking about {title}"))?;
        let answer = asked.answer;
        let rank = answer.receipt.influences.iter().position(|i| i.leaf == leaf).map(|p| p + 1);
        stage.note(format!(
            "{:?} → {:?}  {}",
            request.messages[0].content,
            answer.text.split_whitespace().take(9).collect::<Vec<_>>().join(" "),
            match rank {
                Some(rank) => format!("(its document is influence number {rank})"),
                None => "(its document is not among the top influences)".into(),
            }
        ));
        method = answer.receipt.method;
        answers.push(AnswerSummary {
            request: hex::encode(answer.request),
            fee: answer.fee,
            tokens_in: answer.prompt_tokens.len(),
            tokens_out: answer.output_tokens.len(),
            source_doc: Some(title),
            rank_of_source: rank,
            top: answer
                .receipt
                .influences
                .iter()
                .take(5)
                .map(|i| TopDocument { doc: i.title.clone(), owner: i.owner.to_string(), ppm: i.ppm })
                .collect(),
        });
        bar.inc(1);
    }
    bar.finish_and_clear();
    let at = |k: usize| {
        let found = answers.iter().filter(|a| a.rank_of_source.is_some_and(|r| r <= k)).count();
        found as f64 / answers.len().max(1) as f64
    };
    let chance = (5.0 / documents.len() as f64).min(1.0);
    let summary = AttributionSummary { method, recall_at_1: at(1), recall_at_5: at(5), chance_at_5: chance };
    Ok((answers, summary))
}
