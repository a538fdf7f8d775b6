//! The HTTP routes: models, quotes, paid answers (whole or streamed) and receipts.

use crate::{
    answer::{attribute, generate_answer},
    catalog::{Catalog, ServedModel},
    engine::Engine,
    error::ServeError,
    log::AnswerLog,
    openai::{ChatCompletion, ChatRequest, Choice, Message, Usage, chunk},
    payment,
    spec::request_spec,
};
use futures::StreamExt;
use openledger_lm::{FinishReason, SamplingConfig};
use openledger_protocol::Hash32;
use openledger_sdk::{
    api::serve::Quote,
    client::Client,
    price::price,
    receipt::{self, Answer},
    store::Store,
};
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use std::{
    convert::Infallible,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::sync::{mpsc, oneshot};
use warp::{
    Filter, Rejection, Reply,
    http::{StatusCode, header::RETRY_AFTER},
    reply::Response,
    sse,
};

/// Largest request body in bytes.
const MAX_BODY: u64 = 1 << 20;
/// How long an offer waits for its model to be loaded. Whoever asks can ask another node, or again.
const OFFER_WAITS: Duration = Duration::from_secs(5);
/// How long a paid request waits for it.
const PAID_WAITS: Duration = Duration::from_secs(300);
/// After how many seconds to ask again for a model that is being loaded.
const AGAIN_AFTER: u64 = 2;
/// Pause between two looks for answers that are not published.
const LEFT_OVER_EVERY: Duration = Duration::from_secs(60);

/// Everything that the routes need.
pub struct Serving {
    /// The base model.
    pub engine: Engine,
    /// The adapters.
    pub catalog: Arc<Catalog>,
    /// The record of quotes, payments and answers.
    pub log: AnswerLog,
    /// The chain.
    pub client: Client,
    /// The artifact store, where answers are published.
    pub store: Store,
    /// The operator's wallet, which is paid.
    pub operator: Pubkey,
    /// The identity key, which signs answers.
    pub identity: Keypair,
}

/// All routes.
pub fn routes(serving: Arc<Serving>) -> impl Filter<Extract = (impl Reply,), Error = Infallible> + Clone {
    let with = move || {
        let serving = serving.clone();
        warp::any().map(move || serving.clone())
    };
    let body = || warp::body::content_length_limit(MAX_BODY).and(warp::body::bytes());
    let models = warp::path!("v1" / "models")
        .and(warp::get())
        .and(with())
        .then(|s: Arc<Serving>| async move { reply(models(&s).await) });
    let quote = warp::path!("v1" / "quote").and(warp::post()).and(with()).and(body()).then(
        |s: Arc<Serving>, b: bytes::Bytes| async move {
            reply(quote(&s, &b).await.map(|q| warp::reply::json(&q).into_response()))
        },
    );
    let chat = warp::path!("v1" / "chat" / "completions")
        .and(warp::post())
        .and(with())
        .and(warp::header::optional::<String>("x-request-id"))
        .and(warp::header::optional::<String>("x-payment-signature"))
        .and(body())
        .then(|s: Arc<Serving>, request, payment, b: bytes::Bytes| async move {
            reply(chat(s, request, payment, &b).await)
        });
    let receipts = warp::path!("v1" / "receipts" / String)
        .and(warp::get())
        .and(with())
        .then(|request: String, s: Arc<Serving>| async move { reply(receipt(&s, &request).await) });
    models.or(quote).or(chat).or(receipts).recover(unrouted)
}

fn reply(result: Result<Response, ServeError>) -> Response {
    match result {
        Ok(response) => response,
        Err(error) => {
            if let ServeError::Internal(e) = &error {
                tracing::error!("{e:#}");
            }
            let mut response =
                warp::reply::with_status(warp::reply::json(&error.body()), error.status()).into_response();
            if let ServeError::Loading { .. } = error {
                response.headers_mut().insert(RETRY_AFTER, AGAIN_AFTER.into());
            }
            response
        }
    }
}

async fn unrouted(rejection: Rejection) -> Result<Response, Infallible> {
    let (status, message) = if rejection.is_not_found() {
        (
            StatusCode::NOT_FOUND,
            "there is nothing here; see /v1/models, /v1/quote, /v1/chat/completions, /v1/receipts/{request}".into(),
        )
    } else if rejection.find::<warp::reject::MethodNotAllowed>().is_some() {
        (StatusCode::METHOD_NOT_ALLOWED, "this path takes another method".into())
    } else if rejection.find::<warp::reject::PayloadTooLarge>().is_some() {
        (StatusCode::PAYLOAD_TOO_LARGE, format!("the body exceeds {MAX_BODY} bytes"))
    } else {
        (StatusCode::BAD_REQUEST, format!("{rejection:?}"))
    };
    let body = serde_json::json!({ "error": { "message": message, "type": "invalid_request_error" } });
    Ok(warp::reply::with_status(warp::reply::json(&body), status).into_response())
}

async fn models(serving: &Serving) -> Result<Response, ServeError> {
    let data: Vec<_> = serving
        .catalog
        .list()
        .await?
        .into_iter()
        .map(|(address, m)| {
            serde_json::json!({
                "id": address.to_string(), "object": "model", "created": 0, "owned_by": m.owner.to_string(),
                "name": m.name, "price_in": m.price_in.to_string(), "price_out": m.price_out.to_string(),
            })
        })
        .collect();
    Ok(warp::reply::json(&serde_json::json!({ "object": "list", "data": data })).into_response())
}

/// A request that can be answered: it is parsed, its model is loaded, and its prompt fits the context.
struct Asked {
    request: ChatRequest,
    sampling: SamplingConfig,
    model: Arc<ServedModel>,
    prompt: Vec<u32>,
}

async fn ask(serving: &Serving, body: &[u8], waits: Duration) -> Result<Asked, ServeError> {
    let request: ChatRequest =
        serde_json::from_slice(body).map_err(|e| ServeError::Bad(format!("the body is not a chat request: {e}")))?;
    if request.messages.is_empty() {
        return Err(ServeError::Bad("`messages` is empty: send at least one".into()));
    }
    let address: Pubkey = request.model.parse().map_err(|_| {
        ServeError::Bad(format!("`model` is {:?}; give the address of a model, see /v1/models", request.model))
    })?;
    let sampling = request.sampling();
    sampling.validate().map_err(|e| ServeError::Bad(e.to_string()))?;
    let model = serving.catalog.get(&address, waits).await?;
    let prompt = serving.engine.tokenizer().chat(&request.messages).map_err(|e| ServeError::Bad(e.to_string()))?;
    let limit = serving.engine.base().config().max_len;
    if prompt.len() + sampling.max_tokens > limit {
        return Err(ServeError::Bad(format!(
            "{} prompt tokens and {} for the answer exceed the context of {limit}; shorten one",
            prompt.len(),
            sampling.max_tokens
        )));
    }
    Ok(Asked { request, sampling, model, prompt })
}

async fn quote(serving: &Serving, body: &[u8]) -> Result<Quote, ServeError> {
    let asked = ask(serving, body, OFFER_WAITS).await?;
    offer(serving, &asked).await
}

async fn offer(serving: &Serving, asked: &Asked) -> Result<Quote, ServeError> {
    let state = &asked.model.state;
    let amount = price(state.price_in, state.price_out, asked.prompt.len(), asked.sampling.max_tokens)
        .ok_or_else(|| ServeError::Bad("the price exceeds u64; ask for fewer tokens".into()))?;
    let request: Hash32 = rand::random();
    serving.log.quote(&request, &request_spec(&asked.request), amount).await?;
    Ok(Quote {
        request: hex::encode(request),
        model: asked.model.address.to_string(),
        operator: serving.operator.to_string(),
        amount: amount.into(),
        prompt_tokens: asked.prompt.len(),
        max_tokens: asked.sampling.max_tokens,
    })
}

async fn chat(
    serving: Arc<Serving>,
    request: Option<String>,
    payment: Option<String>,
    body: &[u8],
) -> Result<Response, ServeError> {
    let waits = if request.is_some() && payment.is_some() { PAID_WAITS } else { OFFER_WAITS };
    let asked = ask(&serving, body, waits).await?;
    let (Some(request), Some(payment)) = (request, payment) else {
        return Err(ServeError::Unpaid(Box::new(offer(&serving, &asked).await?)));
    };
    let request = parse_request(&request)?;
    let quoted = serving
        .log
        .get(&request)
        .await?
        .ok_or_else(|| ServeError::NotFound("this request was not quoted here; ask /v1/quote first".into()))?;
    if quoted.spec != request_spec(&asked.request) {
        return Err(ServeError::Payment(
            "the quote was for another request: model, messages or sampling differ".into(),
        ));
    }
    if let Some(answer) = quoted.answer {
        if quoted.payment.as_deref() != Some(payment.as_str()) {
            return Err(ServeError::Payment("this request was paid by another transaction".into()));
        }
        let stream = asked.request.stream;
        return Ok(if stream { sse_reply(replay(answer)) } else { completion(&answer, FinishReason::EndOfTurn) });
    }
    let model = asked.model.address;
    let paid = payment::find(&serving.client, &payment, &request, &model, &serving.operator, quoted.amount).await?;
    if !serving.log.bind_payment(&request, &payment).await? {
        return Err(ServeError::Payment("this payment was spent on another request".into()));
    }
    let stream = asked.request.stream;
    let (pieces, text) = mpsc::unbounded_channel();
    let (done, finished) = oneshot::channel();
    // The answer is made in a task of its own, so that a client that hangs up does not lose the answer that it paid
    // for.
    tokio::spawn(async move {
        let result = produce(&serving, asked, paid, payment, pieces).await;
        if let Err(Err(e)) = done.send(result) {
            tracing::error!("an answer failed after its client hung up: {e:#}");
        }
    });
    if stream {
        return Ok(sse_reply(live(request, model, text, finished)));
    }
    match finished.await {
        Ok(Ok((answer, finish))) => Ok(completion(&answer, finish)),
        Ok(Err(e)) => Err(ServeError::Internal(e)),
        Err(_) => Err(ServeError::Internal(anyhow::anyhow!("answering broke off; ask again with the same payment"))),
    }
}

async fn produce(
    serving: &Serving,
    asked: Asked,
    paid: payout::events::Paid,
    payment: String,
    pieces: mpsc::UnboundedSender<String>,
) -> anyhow::Result<(Answer, FinishReason)> {
    let Asked { sampling, model, prompt, .. } = asked;
    let generation = generate_answer(&serving.engine, model.clone(), prompt.clone(), sampling, pieces).await?;
    let (engine, store, tokens) = (&serving.engine, &serving.store, &generation.tokens);
    let receipt = attribute(engine, store, model.clone(), &prompt, tokens, paid.contributors).await?;
    let mut answer = Answer {
        version: receipt::VERSION,
        request: paid.request,
        model: model.address,
        adapter_hash: model.state.adapter_hash,
        manifest_hash: model.state.manifest_hash,
        payer: paid.payer,
        operator: serving.operator,
        epoch: paid.epoch,
        prompt_tokens: prompt,
        output_tokens: generation.tokens,
        text: generation.text,
        fee: paid.amount.into(),
        payment_signature: payment,
        created_slot: serving.client.slot().await?,
        receipt,
        signature: String::new(),
    };
    answer.sign(&serving.identity)?;
    serving.log.answered(&answer).await?;
    publish(serving, &answer).await?;
    Ok((answer, generation.finish))
}

async fn publish(serving: &Serving, answer: &Answer) -> anyhow::Result<()> {
    serving.store.put_answer(answer).await?;
    serving.log.published(&answer.request).await
}

/// Publishes the answers that are in the database and have not reached the artifact store, because this node was killed
/// in between or the store refused them. It looks again every minute. An answer that cannot be published stops no other.
/// Never returns.
pub async fn publish_left_over(serving: Arc<Serving>) -> anyhow::Result<()> {
    loop {
        match serving.log.unpublished().await {
            Ok(answers) => {
                for answer in answers {
                    if let Err(error) = publish(&serving, &answer).await {
                        let request = hex::encode(answer.request);
                        tracing::warn!(request, "an answer cannot be published, it will be tried again: {error:#}");
                    }
                }
            }
            Err(error) => {
                tracing::warn!("unpublished answers cannot be read, they will be looked for again: {error:#}")
            }
        }
        tokio::time::sleep(LEFT_OVER_EVERY).await;
    }
}

async fn receipt(serving: &Serving, request: &str) -> Result<Response, ServeError> {
    let request = parse_request(request)?;
    let answer = serving.log.get(&request).await?.and_then(|q| q.answer);
    let answer = answer.ok_or_else(|| ServeError::NotFound("no answer to this request was given here".into()))?;
    Ok(warp::reply::json(&answer).into_response())
}

fn parse_request(text: &str) -> Result<Hash32, ServeError> {
    openledger_sdk::text::parse_hash(text)
        .map_err(|_| ServeError::Bad(format!("request {text:?} is not 64 hex digits")))
}

fn finish_text(finish: FinishReason) -> &'static str {
    match finish {
        FinishReason::Length => "length",
        FinishReason::EndOfTurn | FinishReason::StopText | FinishReason::Cancelled => "stop",
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map(|d| d.as_secs()).unwrap_or_default()
}

fn name(request: &Hash32) -> String {
    format!("chatcmpl-{}", hex::encode(request))
}

fn completion(answer: &Answer, finish: FinishReason) -> Response {
    let (prompt_tokens, completion_tokens) = (answer.prompt_tokens.len(), answer.output_tokens.len());
    let model = answer.model.to_string();
    warp::reply::json(&ChatCompletion {
        id: name(&answer.request),
        object: "chat.completion",
        created: now(),
        model: &model,
        choices: [Choice {
            index: 0,
            message: Message { role: "assistant", content: &answer.text },
            finish_reason: finish_text(finish),
        }],
        usage: Usage { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens },
        openledger: answer,
    })
    .into_response()
}

fn sse_reply(lines: mpsc::UnboundedReceiver<String>) -> Response {
    let events = tokio_stream::wrappers::UnboundedReceiverStream::new(lines)
        .map(|data| Ok::<_, Infallible>(sse::Event::default().data(data)));
    sse::reply(sse::keep_alive().stream(events)).into_response()
}

/// The lines after the text: the reason for the end, the receipt, and the end mark.
fn tail(id: &str, model: &str, result: anyhow::Result<(Answer, FinishReason)>) -> Vec<String> {
    match result {
        Ok((answer, finish)) => vec![
            chunk(id, now(), model, serde_json::json!({}), Some(finish_text(finish))).to_string(),
            serde_json::json!({ "openledger": answer }).to_string(),
            "[DONE]".into(),
        ],
        Err(e) => {
            tracing::error!("{e:#}");
            vec![ServeError::Internal(e).body().to_string(), "[DONE]".into()]
        }
    }
}

/// The lines of an answer while it is generated.
fn live(
    request: Hash32,
    model: Pubkey,
    mut text: mpsc::UnboundedReceiver<String>,
    finished: oneshot::Receiver<anyhow::Result<(Answer, FinishReason)>>,
) -> mpsc::UnboundedReceiver<String> {
    let (lines, out) = mpsc::unbounded_channel();
    let (id, model) = (name(&request), model.to_string());
    tokio::spawn(async move {
        let created = now();
        // A closed channel means that the client hung up. The answer is still made and kept.
        while let Some(piece) = text.recv().await {
            let delta = serde_json::json!({ "role": "assistant", "content": piece });
            let _ = lines.send(chunk(&id, created, &model, delta, None).to_string());
        }
        let result = finished.await.unwrap_or_else(|_| Err(anyhow::anyhow!("answering broke off")));
        tail(&id, &model, result).into_iter().for_each(|line| drop(lines.send(line)));
    });
    out
}

/// The lines of an answer that was given before.
fn replay(answer: Answer) -> mpsc::UnboundedReceiver<String> {
    let (lines, out) = mpsc::unbounded_channel();
    let (id, model) = (name(&answer.request), answer.model.to_string());
    let delta = serde_json::json!({ "role": "assistant", "content": answer.text });
    let _ = lines.send(chunk(&id, now(), &model, delta, None).to_string());
    tail(&id, &model, Ok((answer, FinishReason::EndOfTurn))).into_iter().for_each(|line| drop(lines.send(line)));
    out
}
