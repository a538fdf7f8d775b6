//! The check of an operator's entry in the registry.

use crate::{
    error::StakeError,
    state::{MAX_ENDPOINT, capability},
};
use anchor_lang::prelude::*;
use openledger_shared::text::is_plain;

/// Checks that the endpoint is an HTTP URL of at most [`MAX_ENDPOINT`] bytes without control characters, and that the
/// capabilities are known and not empty.
pub(crate) fn validate(endpoint: &str, capabilities: u32) -> Result<()> {
    let host = endpoint.strip_prefix("http://").or_else(|| endpoint.strip_prefix("https://"));
    require!(is_plain(endpoint, MAX_ENDPOINT) && host.is_some_and(|h| !h.is_empty()), StakeError::BadEndpoint);
    require!(capabilities != 0 && capabilities & !capability::ALL == 0, StakeError::BadCapabilities);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_need_an_http_url_and_known_capabilities() {
        assert!(validate("http://127.0.0.1:7000", 0b111).is_ok());
        assert!(validate("https://node.example", 0b001).is_ok());
        for endpoint in [
            "",
            "http://",
            "ftp://node.example",
            "http://a\0",
            "http://a\u{1b}[2J",
            &format!("http://{}", "a".repeat(MAX_ENDPOINT)),
        ] {
            assert!(validate(endpoint, 1).is_err(), "{endpoint}");
        }
        for capabilities in [0, 0b1000, u32::MAX] {
            assert!(validate("http://a", capabilities).is_err(), "{capabilities}");
        }
    }
}
