//! Members talk over HTTP: `POST /quorum/v1/<kind>` of an [`crate::envelope::Envelope`], answered by one.
//!
//! 200: the answer is ready; 202: still working, ask again; 409: a signed refusal. Before the sender is known there is
//! nobody to answer to: then an unsigned `{"error": {"code", "message"}}` with 400, 403, 404 or 413, which the caller
//! treats like silence, for anybody on the way could have written it.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Refusal, Result};

pub mod client;
pub mod server;

/// Body of every signed answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", content = "value", rename_all = "snake_case")]
pub enum Answer {
    /// Done.
    Ready(serde_json::Value),
    /// Still working: send the same request again.
    Pending,
    /// No.
    Refused(Refusal),
}

impl Answer {
    /// A ready answer.
    pub(crate) fn ready(value: &impl Serialize) -> Result<Answer> {
        let value = serde_json::to_value(value).map_err(|e| Error::Setup(format!("cannot write an answer: {e}")))?;
        Ok(Answer::Ready(value))
    }
}
