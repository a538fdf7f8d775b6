//! Parses the parameters of requests: query parameters, addresses, hashes and numbers.

use super::error::Refusal;
use openledger_sdk::text;
use std::collections::HashMap;

/// Rows of a list if the request gives no `limit`.
const LIMIT: u32 = 100;
/// Most rows of a list.
const MAX_LIMIT: u32 = 500;

/// The query part of a request.
pub struct Query(pub HashMap<String, String>);

impl Query {
    /// Refuses parameters that are not in `known`. A misspelt filter must not silently return all rows.
    pub fn allow(&self, known: &[&str]) -> Result<(), Refusal> {
        match self.0.keys().find(|k| !known.contains(&k.as_str())) {
            None => Ok(()),
            Some(other) if known.is_empty() => {
                Err(Refusal::bad(format!("`{other}`: this address takes no parameters")))
            }
            Some(other) => Err(Refusal::bad(format!("`{other}` is no parameter here: there are {}", known.join(", ")))),
        }
    }

    /// The raw text of a parameter.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The parameter `limit`, from 1 to `MAX_LIMIT`. The default is `LIMIT`.
    pub fn limit(&self) -> Result<usize, Refusal> {
        let Some(text) = self.text("limit") else { return Ok(LIMIT as usize) };
        match text.parse() {
            Ok(n @ 1..=MAX_LIMIT) => Ok(n as usize),
            _ => Err(Refusal::bad(format!("limit `{text}` is not a number from 1 to {MAX_LIMIT}"))),
        }
    }

    /// A parameter that is a slot, in the database's integer type.
    pub fn slot(&self, name: &str) -> Result<Option<i64>, Refusal> {
        Ok(self.number(name)?.map(|slot| slot as i64))
    }

    /// A parameter that is a non-negative number.
    pub fn number(&self, name: &str) -> Result<Option<u64>, Refusal> {
        self.text(name).map(|t| number(name, t)).transpose()
    }
}

/// Parses a Base58 address and returns it in canonical form.
pub fn address(text: &str) -> Result<String, Refusal> {
    text::parse_key(text).map(|k| k.to_string()).map_err(Refusal::bad)
}

/// Parses a hash of exactly 64 hex digits.
pub fn hash(text: &str) -> Result<[u8; 32], Refusal> {
    text::parse_hash(text).map_err(Refusal::bad)
}

/// Parses a non-negative number that fits the database's `bigint`. `what` names it in the refusal.
pub fn number(what: &str, text: &str) -> Result<u64, Refusal> {
    match text.parse::<i64>() {
        Ok(n) if n >= 0 => Ok(n as u64),
        _ => Err(Refusal::bad(format!("{what} `{text}` is not a whole number"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(pairs: &[(&str, &str)]) -> Query {
        Query(pairs.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect())
    }

    #[test]
    fn limits_stay_within_bounds() {
        assert_eq!(query(&[]).limit().expect("default"), 100);
        assert_eq!(query(&[("limit", "500")]).limit().expect("most"), 500);
        for bad in ["0", "501", "-1", "x", ""] {
            assert!(query(&[("limit", bad)]).limit().is_err(), "{bad}");
        }
    }

    #[test]
    fn unknown_parameters_are_refused() {
        assert!(query(&[("modle", "x")]).allow(&["model", "limit"]).is_err());
        assert!(query(&[("model", "x")]).allow(&["model", "limit"]).is_ok());
        assert!(query(&[("x", "")]).allow(&[]).is_err());
    }

    #[test]
    fn numbers_that_the_database_cannot_hold_are_refused() {
        assert!(number("epoch", "18446744073709551615").is_err());
        assert_eq!(number("epoch", "7").expect("fits"), 7);
    }
}
