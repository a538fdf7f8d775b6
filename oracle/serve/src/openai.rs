//! The parts of the OpenAI wire format that a text model needs.

use openledger_lm::{ChatMessage, SamplingConfig};
use serde::{Deserialize, Serialize};

/// Number of tokens to generate if a request does not say.
pub const DEFAULT_MAX_TOKENS: usize = 64;

/// Body of `POST /v1/chat/completions` and of `POST /v1/quote`. Unknown fields are ignored, because clients send many.
#[derive(Clone, Debug, Deserialize)]
pub struct ChatRequest {
    /// Address of the model's account.
    pub model: String,
    /// The conversation.
    pub messages: Vec<ChatMessage>,
    /// Most tokens to generate.
    #[serde(default, alias = "max_completion_tokens")]
    pub max_tokens: Option<usize>,
    /// 0 takes the most likely token each time. The default is 1, as with OpenAI.
    #[serde(default)]
    pub temperature: Option<f64>,
    /// Nucleus sampling: the probability mass to sample from.
    #[serde(default)]
    pub top_p: Option<f64>,
    /// Seed of the sampling. The same request with the same seed gets the same answer.
    #[serde(default)]
    pub seed: Option<u64>,
    /// Texts at which the answer ends.
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
    /// One text.
    One(String),
    /// Several texts.
    Many(Vec<String>),
}

impl ChatRequest {
    /// The settings for sampling the answer.
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
    /// `chatcmpl-` and the request in hex.
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
    /// The answer with its receipt. OpenAI's format does not have this field.
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
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// Tokens of the answer.
    pub completion_tokens: usize,
    /// Tokens of prompt and answer together.
    pub total_tokens: usize,
}

/// A piece of a streamed answer.
pub fn chunk(id: &str, created: u64, model: &str, delta: serde_json::Value, finish: Option<&str>) -> serde_json::Value {
    serde_json::json!({
        "id": id, "object": "chat.completion.chunk", "created": created, "model": model,
        "choices": [{ "index": 0, "delta": delta, "finish_reason": finish }],
    })
}
