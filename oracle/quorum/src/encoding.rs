//! The form of bytes in JSON and in messages to people.

use serde::{Deserialize, Deserializer, Serializer, de::Error};

/// Serde adapter (`with = "hex_bytes"`): any bytes as lower-case hex.
pub(crate) mod hex_bytes {
    use super::*;

    pub fn serialize<S: Serializer>(bytes: impl AsRef<[u8]>, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&hex::encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>, T: TryFrom<Vec<u8>>>(from: D) -> Result<T, D::Error> {
        let text = String::deserialize(from)?;
        let bytes = hex::decode(&text).map_err(|e| D::Error::custom(format!("not hex: {e}")))?;
        let length = bytes.len();
        T::try_from(bytes).map_err(|_| D::Error::custom(format!("{length} bytes are not the length of this field")))
    }
}

/// A wallet in base58, the form that people read.
pub fn name(wallet: &[u8; 32]) -> String {
    bs58::encode(wallet).into_string()
}
