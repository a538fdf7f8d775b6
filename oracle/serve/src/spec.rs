//! Works out the hash that names the paid request.

use crate::openai::ChatRequest;
use openledger_protocol::Hash32;
use sha2::{Digest, Sha256};

/// SHA-256 of everything that decides an answer: model, messages and sampling. A quote is bound to this hash, so that a
/// payment for one request cannot be spent on another.
pub fn request_spec(request: &ChatRequest) -> Hash32 {
    let sampling = request.sampling();
    let spec = serde_json::json!({ "model": request.model, "messages": request.messages, "sampling": sampling });
    Sha256::digest(serde_json::to_vec(&spec).expect("a JSON value can be written")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_request_is_another_request() {
        let of = |text: &str, seed: u64| {
            let body = serde_json::json!({"model": "m", "messages": [{"role": "user", "content": text}], "seed": seed});
            request_spec(&serde_json::from_value(body).unwrap())
        };
        assert_eq!(of("hi", 1), of("hi", 1));
        assert_ne!(of("hi", 1), of("hi", 2));
        assert_ne!(of("hi", 1), of("ho", 1));
    }
}
