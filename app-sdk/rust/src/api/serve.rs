//! Asking a serving node: quote, pay, ask.

use super::{client::read, error::ApiError};
use crate::{amount::Amount, receipt::Answer};
use futures::{Stream, StreamExt};
use openledger_protocol::Hash32;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use solana_pubkey::Pubkey;
use std::time::Duration;

/// A message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatMessage {
    /// `system`, `user` or `assistant`.
    pub role: String,
    /// The text.
    pub content: String,
}

/// A question, in OpenAI's format.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChatRequest {
    /// Address of the model's account.
    pub model: String,
    /// The conversation.
    pub messages: Vec<ChatMessage>,
    /// Most tokens to generate.
    pub max_tokens: usize,
    /// 0 for the most likely tokens.
    pub temperature: f64,
    /// Same seed, same answer.
    pub seed: u64,
    /// Whether to answer in pieces.
    pub stream: bool,
}

impl ChatRequest {
    /// A single question to `model`, answered by the most likely tokens.
    pub fn ask(model: &Pubkey, prompt: impl Into<String>, max_tokens: usize) -> Self {
        let message = ChatMessage { role: "user".into(), content: prompt.into() };
        let (temperature, seed, stream) = (0.0, 0, false);
        Self { model: model.to_string(), messages: vec![message], max_tokens, temperature, seed, stream }
    }
}

/// An offer to answer: pay `amount` for `request` to `operator`, and ask again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// Names the request; hex.
    pub request: String,
    /// The model's account.
    pub model: String,
    /// Wallet of the operator that will answer.
    pub operator: String,
    /// The fee in base units.
    pub amount: Amount,
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// Most tokens of the answer.
    pub max_tokens: usize,
}

/// A piece of a streamed answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// More text.
    Text(String),
    /// The end: the whole answer, signed, with its receipt.
    Answer(Box<Answer>),
}

/// A client of one serving node. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ServeClient {
    base: String,
    http: reqwest::Client,
}

impl ServeClient {
    /// `base` is the operator's endpoint as registered on chain, without `/v1`.
    pub fn new(base: impl Into<String>) -> Self {
        // An answer may take minutes on a small machine; a dead connection is noticed earlier.
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(10))
            .timeout(Duration::from_secs(600))
            .build()
            .unwrap_or_default();
        Self { base: base.into().trim_end_matches('/').to_owned(), http }
    }

    /// What an answer costs, and the request to pay for.
    pub async fn quote(&self, request: &ChatRequest) -> Result<Quote, ApiError> {
        let url = format!("{}/v1/quote", self.base);
        let response = self.http.post(&url).json(request).send().await;
        read(url, response).await
    }

    /// The answer to a request that was paid for by transaction `payment`. Asking again gives the same answer.
    pub async fn ask(&self, request: &ChatRequest, quoted: &Quote, payment: &str) -> Result<Answer, ApiError> {
        let url = format!("{}/v1/chat/completions", self.base);
        let body = ChatRequest { stream: false, ..request.clone() };
        let response = self.paid(&url, &body, quoted, payment).await;
        let completion: Value = read(url.clone(), response).await?;
        serde_json::from_value(completion["openledger"].clone())
            .map_err(|e| ApiError::Shape { url, reason: e.to_string() })
    }

    /// As [`ServeClient::ask`], in pieces as they are generated; the last is the whole answer.
    pub async fn ask_streaming(
        &self,
        request: &ChatRequest,
        quoted: &Quote,
        payment: &str,
    ) -> Result<impl Stream<Item = Result<Piece, ApiError>> + use<>, ApiError> {
        let url = format!("{}/v1/chat/completions", self.base);
        let body = ChatRequest { stream: true, ..request.clone() };
        let response = match self.paid(&url, &body, quoted, payment).await {
            Ok(r) if r.status().is_success() => r,
            refused => {
                return match read::<Value>(url.clone(), refused).await {
                    Err(e) => Err(e),
                    Ok(_) => Err(ApiError::Shape { url, reason: "no stream".into() }),
                };
            }
        };
        let mut lines = Lines::default();
        Ok(response.bytes_stream().flat_map(move |chunk| {
            let pieces: Vec<Result<Piece, ApiError>> = match chunk {
                Ok(bytes) => lines
                    .push(&bytes)
                    .into_iter()
                    .filter_map(|line| {
                        piece(&line).map_err(|reason| ApiError::Shape { url: url.clone(), reason }).transpose()
                    })
                    .collect(),
                Err(source) => vec![Err(ApiError::Unreachable { url: url.clone(), source })],
            };
            futures::stream::iter(pieces)
        }))
    }

    /// The signed answer to a request that this node answered.
    pub async fn receipt(&self, request: &Hash32) -> Result<Answer, ApiError> {
        let url = format!("{}/v1/receipts/{}", self.base, hex::encode(request));
        let response = self.http.get(&url).send().await;
        read(url, response).await
    }

    async fn paid(
        &self,
        url: &str,
        body: &ChatRequest,
        quoted: &Quote,
        payment: &str,
    ) -> Result<reqwest::Response, reqwest::Error> {
        let post = self.http.post(url).header("X-Request-Id", &quoted.request).header("X-Payment-Signature", payment);
        post.json(body).send().await
    }
}

/// Whole lines out of a stream of bytes.
#[derive(Default)]
struct Lines {
    rest: Vec<u8>,
}

impl Lines {
    fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        self.rest.extend_from_slice(bytes);
        let mut out = Vec::new();
        while let Some(end) = self.rest.iter().position(|b| *b == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            out.push(String::from_utf8_lossy(&line).trim_end().to_owned());
        }
        out
    }
}

/// What a line of server-sent events brings.
fn piece(line: &str) -> Result<Option<Piece>, String> {
    let Some(data) = line.strip_prefix("data:").map(str::trim).filter(|d| *d != "[DONE]") else { return Ok(None) };
    let value: Value = serde_json::from_str(data).map_err(|e| e.to_string())?;
    if let Some(error) = value.pointer("/error/message").and_then(Value::as_str) {
        return Err(error.to_owned());
    }
    if let Some(answer) = value.get("openledger") {
        let answer = serde_json::from_value(answer.clone()).map_err(|e| e.to_string())?;
        return Ok(Some(Piece::Answer(Box::new(answer))));
    }
    let text = value.pointer("/choices/0/delta/content").and_then(Value::as_str);
    Ok(text.filter(|t| !t.is_empty()).map(|t| Piece::Text(t.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_whole_however_the_bytes_are_cut() {
        let text = "data: {\"a\":\"é\"}\r\n\r\ndata: [DONE]\n";
        for cut in 1..text.len() {
            let mut lines = Lines::default();
            let (a, b) = text.as_bytes().split_at(cut);
            let all: Vec<_> = lines.push(a).into_iter().chain(lines.push(b)).collect();
            assert_eq!(all, ["data: {\"a\":\"é\"}", "", "data: [DONE]"], "cut at {cut}");
        }
    }

    #[test]
    fn pieces_are_text_an_error_or_nothing() {
        let text = piece(r#"data: {"choices":[{"index":0,"delta":{"content":"hi"}}]}"#);
        assert_eq!(text, Ok(Some(Piece::Text("hi".into()))));
        assert_eq!(piece(r#"data: {"choices":[{"index":0,"delta":{"role":"assistant"}}]}"#), Ok(None));
        assert_eq!(piece("data: [DONE]"), Ok(None));
        assert_eq!(piece(": keep-alive"), Ok(None));
        assert_eq!(piece(r#"data: {"error":{"message":"no"}}"#), Err("no".into()));
        assert!(piece("data: {").is_err());
    }
}
