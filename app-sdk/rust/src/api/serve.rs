//! The client of a serving node: it gets quotes and answers.

use super::{client::read, error::ApiError};
use crate::{amount::Amount, receipt::Answer};
use futures::{Stream, StreamExt};
use openledger_protocol::Hash32;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use solana_pubkey::Pubkey;
use std::{collections::BTreeMap, time::Duration};

/// A message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatMessage {
    /// Role of the speaker: `system`, `user` or `assistant`.
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
    /// Sampling temperature. 0 chooses the most likely tokens.
    pub temperature: f64,
    /// Seed of the sampling. The same seed gives the same answer.
    pub seed: u64,
    /// Whether to stream the answer in pieces.
    pub stream: bool,
}

impl ChatRequest {
    /// Makes a request with a single question to `model`, at temperature 0.
    pub fn ask(model: &Pubkey, prompt: impl Into<String>, max_tokens: usize) -> Self {
        let message = ChatMessage { role: "user".into(), content: prompt.into() };
        let (temperature, seed, stream) = (0.0, 0, false);
        Self { model: model.to_string(), messages: vec![message], max_tokens, temperature, seed, stream }
    }
}

/// An operator's offer to answer a request. The asker pays `amount` for `request` to `operator`, and then asks again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// The request's 32 bytes in hex.
    pub request: String,
    /// The model's account.
    pub model: String,
    /// Wallet of the operator that will answer.
    pub operator: String,
    /// The fee in base units.
    pub amount: Amount,
    /// Number of the prompt's tokens.
    pub prompt_tokens: usize,
    /// Most tokens of the answer.
    pub max_tokens: usize,
}

/// A piece of a streamed answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// More text.
    Text(String),
    /// The last piece: the whole signed answer with its receipt.
    Answer(Box<Answer>),
}

/// How long a quote may take. It is no answer, and there are other nodes to ask.
const QUOTE_WITHIN: Duration = Duration::from_secs(10);

/// A client of one serving node. It is cheap to clone.
#[derive(Clone, Debug)]
pub struct ServeClient {
    base: String,
    quote_within: Duration,
    http: reqwest::Client,
}

impl ServeClient {
    /// Makes a client. `base` is the operator's endpoint as registered on chain, without `/v1`.
    pub fn new(base: impl Into<String>) -> Self {
        // An answer may take minutes on a small machine. Connecting has its own short timeout, so that a dead node
        // shows at once.
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(10))
            .timeout(Duration::from_secs(600))
            .build()
            .unwrap_or_default();
        Self { base: base.into().trim_end_matches('/').to_owned(), quote_within: QUOTE_WITHIN, http }
    }

    /// Gets a quote: the price of an answer and the request to pay for. Fails if it takes longer than ten seconds.
    pub async fn quote(&self, request: &ChatRequest) -> Result<Quote, ApiError> {
        let url = format!("{}/v1/quote", self.base);
        let response = self.http.post(&url).timeout(self.quote_within).json(request).send().await;
        read(url, response).await
    }

    /// Gets the answer to a request that the transaction `payment` paid for. Asking again gives the same answer.
    pub async fn ask(&self, request: &ChatRequest, quoted: &Quote, payment: &str) -> Result<Answer, ApiError> {
        let url = format!("{}/v1/chat/completions", self.base);
        let body = ChatRequest { stream: false, ..request.clone() };
        let response = self.paid(&url, &body, quoted, payment).await;
        let completion: Value = read(url.clone(), response).await?;
        serde_json::from_value(completion["openledger"].clone())
            .map_err(|e| ApiError::Shape { url, reason: e.to_string() })
    }

    /// Like [`ServeClient::ask`], but streams the answer in pieces as they are generated. The last piece is the whole
    /// answer.
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
            let wrong = |reason| ApiError::Shape { url: url.clone(), reason };
            let pieces: Vec<Result<Piece, ApiError>> = match chunk {
                Ok(bytes) => match lines.push(&bytes) {
                    Ok(lines) => lines.iter().filter_map(|line| piece(line).map_err(wrong).transpose()).collect(),
                    Err(reason) => vec![Err(wrong(reason))],
                },
                Err(source) => vec![Err(ApiError::Unreachable { url: url.clone(), source })],
            };
            futures::stream::iter(pieces)
        }))
    }

    /// Why this node does not do jobs that it has looked at, by the jobs' addresses.
    pub async fn not_done(&self) -> Result<BTreeMap<String, String>, ApiError> {
        #[derive(Deserialize)]
        struct Status {
            #[serde(default)]
            not_done: BTreeMap<String, String>,
        }
        let url = format!("{}/v1/status", self.base);
        let response = self.http.get(&url).timeout(self.quote_within).send().await;
        Ok(read::<Status>(url, response).await?.not_done)
    }

    /// Gets the signed answer to a request that this node has answered.
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

/// Longest line of a stream. The last has the whole answer with its receipt.
const MOST_LINE: usize = 16 << 20;

/// Splits a stream of bytes into whole lines.
#[derive(Default)]
struct Lines {
    rest: Vec<u8>,
}

impl Lines {
    /// The lines that end with these bytes. Fails once a line is too long: a stranger may send one without an end.
    fn push(&mut self, bytes: &[u8]) -> Result<Vec<String>, String> {
        if self.rest.len() + bytes.len() > MOST_LINE {
            return Err(format!("a line of the stream is longer than {} MiB", MOST_LINE >> 20));
        }
        self.rest.extend_from_slice(bytes);
        let mut out = Vec::new();
        while let Some(end) = self.rest.iter().position(|b| *b == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            out.push(String::from_utf8_lossy(&line).trim_end().to_owned());
        }
        Ok(out)
    }
}

/// Parses a line of server-sent events. Returns `None` if the line holds neither text nor the answer, and fails if it
/// holds an error or does not parse.
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

    #[tokio::test]
    async fn a_node_that_takes_a_question_and_says_nothing_gives_no_quote() {
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let node = ServeClient::new(format!("http://{}", silent.local_addr().unwrap()));
        assert_eq!(node.quote_within, QUOTE_WITHIN);
        let node = ServeClient { quote_within: Duration::from_millis(100), ..node };
        let request = ChatRequest::ask(&Pubkey::default(), "hi", 8);
        let quote = tokio::time::timeout(Duration::from_secs(30), node.quote(&request))
            .await
            .expect("it does not wait for long");
        assert!(matches!(quote, Err(ApiError::Unreachable { source, .. }) if source.is_timeout()));
    }

    #[test]
    fn lines_come_whole_however_the_bytes_are_cut() {
        let text = "data: {\"a\":\"é\"}\r\n\r\ndata: [DONE]\n";
        for cut in 1..text.len() {
            let mut lines = Lines::default();
            let (a, b) = text.as_bytes().split_at(cut);
            let all: Vec<_> = [a, b].into_iter().flat_map(|bytes| lines.push(bytes).expect("short")).collect();
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
