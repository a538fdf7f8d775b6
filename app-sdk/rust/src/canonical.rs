//! Canonical JSON, the form of JSON that is hashed and signed. Keys are in ascending order of their bytes, there is no
//! white space, and all numbers are integers.
//!
//! It follows RFC 8785 (JCS) except for its numbers and the order of keys. Floating-point numbers are refused, because
//! their text form differs between libraries. Integers may have 64 bits. Keys are sorted by their UTF-8 bytes.

use openledger_protocol::hash::{Hash32, sha256};
use serde::Serialize;
use serde_json::Value;

/// Why a value has no canonical form.
#[derive(Debug, thiserror::Error)]
pub enum CanonicalError {
    /// It contains a number that is not a 64-bit integer.
    #[error("the number {0} is not a 64-bit integer and has no canonical form")]
    Number(serde_json::Number),
    /// It cannot be written as JSON at all.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

/// Returns the canonical bytes of `value`.
pub fn to_vec(value: &impl Serialize) -> Result<Vec<u8>, CanonicalError> {
    let mut out = Vec::new();
    write(&serde_json::to_value(value)?, &mut out)?;
    Ok(out)
}

/// Returns the SHA-256 of the canonical bytes of `value`.
pub fn hash(value: &impl Serialize) -> Result<Hash32, CanonicalError> {
    Ok(sha256(&[&to_vec(value)?]))
}

fn write(value: &Value, out: &mut Vec<u8>) -> Result<(), CanonicalError> {
    match value {
        Value::Number(n) if !n.is_i64() && !n.is_u64() => return Err(CanonicalError::Number(n.clone())),
        Value::Array(items) => {
            out.push(b'[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                write(item, out)?;
            }
            out.push(b']');
        }
        Value::Object(map) => {
            // The map's own order depends on a feature of serde_json that any dependency may enable.
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_unstable_by_key(|(k, _)| k.as_bytes());
            out.push(b'{');
            for (i, (key, item)) in entries.into_iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                serde_json::to_writer(&mut *out, key)?;
                out.push(b':');
                write(item, out)?;
            }
            out.push(b'}');
        }
        scalar => serde_json::to_writer(out, scalar)?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_are_sorted_at_every_depth_and_nothing_is_added() {
        let v = json!({"b": [1, {"z": null, "a": "é\n\""}], "a": true, "ab": -3});
        assert_eq!(to_vec(&v).unwrap(), "{\"a\":true,\"ab\":-3,\"b\":[1,{\"a\":\"é\\n\\\"\",\"z\":null}]}".as_bytes());
    }

    #[test]
    fn the_order_of_writing_does_not_matter() {
        let a: Value = serde_json::from_str(r#"{"x":1,"y":{"p":2,"q":3}}"#).unwrap();
        let b: Value = serde_json::from_str(r#"{ "y":{"q":3,"p":2}, "x":1 }"#).unwrap();
        assert_eq!(hash(&a).unwrap(), hash(&b).unwrap());
    }

    #[test]
    fn floats_are_refused() {
        assert!(matches!(to_vec(&json!({"a": [0.5]})), Err(CanonicalError::Number(_))));
    }
}
