//! A member's answer to a well-signed request: the result, "not yet", or a refusal.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    envelope::Envelope,
    error::{Code, Error, Refusal, Result},
};

/// Body of every signed answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", content = "value", rename_all = "snake_case")]
pub enum Answer {
    /// The result, as JSON.
    Ready(serde_json::Value),
    /// The member is still working on it. Send the same request again.
    Pending,
    /// The member does not do what the request asks for.
    Refused(Refusal),
}

impl Answer {
    /// The answer with the result `value`.
    pub(crate) fn ready(value: &impl Serialize) -> Result<Answer> {
        let value = serde_json::to_value(value).map_err(|e| Error::Setup(format!("cannot write an answer: {e}")))?;
        Ok(Answer::Ready(value))
    }
}

/// Reads the body of a request. A body that cannot be read is refused, with the reason.
pub(crate) fn body<T: DeserializeOwned>(request: &Envelope) -> Result<T> {
    request.read().map_err(|e| Refusal::new(Code::BadRequest, format!("{}: {e}", request.kind.as_str())).into())
}
