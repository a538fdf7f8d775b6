//! The OpenAI wire format, as far as a text model needs it.

use openledger_lm::{ChatMessage, SamplingConfig};
use serde::{Deserialize, Serialize};

/// Tokens generated where a request does not say.
pub const DEFAULT_MAX_TOKENS: usize = 64;

/// Body of `POST /v1/chat/completions` and of `POST /v1/quote`. Fields that we do not know are ignored, as clients
/// send many.
#[derive(Clone, Debug, Deserialize)]
pub struct ChatRequest {
    /// Address of the model's account.
    pub model: String,
    /// The conversation.
    pub messages: Vec<ChatMessage>,
    /// Most tokens to generate.
    #[serde(default, alias = "max_completion_tokens")]
    pub max_tokens: Option<usize>,
    /// 0 for the most likely tokens; 1 by default as with OpenAI.
    #[serde(default)]
    pub temperature: Option<f64>,
    /// Nucleus sampling.
    #[serde(default)]
    pub top_p: Option<f64>,
    /// Seed of the sampling: the same request with the same seed gets the same answer.
    #[serde(default)]
    pub seed: Option<u64>,
    /// Texts that end the answer.
    #[serde(default)]
    pub stop: Option<Stop>,
    /// Whether to send tokens as server-sent events.
    #[serde(default)]
    pub stream: bool,
}

/// One text or several.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Stop {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl ChatRequest {
    /// How the answer is to be sampled.
    pub fn sampling(&self) -> SamplingConfig {
        SamplingConfig {
            temperature: self.temperature.unwrap_or(1.0),
            top_p: self.top_p.unwrap_or(1.0),
            seed: self.seed.unwrap_or(0),
            max_tokens: self.max_tokens.unwrap_or(DEFAULT_MAX_TOKENS),
            stop: match self.stop.clone() {
                None => Vec::new(),
                Some(Stop::One(s)) => vec![s],
                Some(Stop::Many(v)) => v,
            },
        }
    }
}

/// A finished answer.
#[derive(Debug, Serialize)]
pub struct ChatCompletion<'a, R: Serialize> {
    /// `chatcmpl-` and the request.
    pub id: String,
    /// Always `chat.completion`.
    pub object: &'static str,
    /// Unix time in seconds.
    pub created: u64,
    /// Address of the model's account.
    pub model: &'a str,
    /// One answer.
    pub choices: [Choice<'a>; 1],
    /// Token counts.
    pub usage: Usage,
    /// Ours: the answer with its receipt.
    pub openledger: R,
}

/// An answer.
#[derive(Debug, Serialize)]
pub struct Choice<'a> {
    /// Always 0.
    pub index: u32,
    /// The text.
    pub message: Message<'a>,
    /// `stop` or `length`.
    pub finish_reason: &'static str,
}

/// The assistant's message.
#[derive(Debug, Serialize)]
pub struct Message<'a> {
    /// Always `assistant`.
    pub role: &'static str,
    /// The text.
    pub content: &'a str,
}

/// Token counts.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Usage {
    /// Of the prompt.
    pub prompt_tokens: usize,
    /// Of the answer.
    pub completion_tokens: usize,
    /// Of both.
    pub total_tokens: usize,
}

/// A piece of a streamed answer.
pub fn chunk(id: &str, created: u64, model: &str, delta: serde_json::Value, finish: Option<&str>) -> serde_json::Value {
    serde_json::json!({
        "id": id, "object": "chat.completion.chunk", "created": created, "model": model,
        "choices": [{ "index": 0, "delta": delta, "finish_reason": finish }],
    })
}
