//! Parses the parameters of requests: query parameters, addresses, hashes and numbers.

use super::{
    error::Refusal,
    parameters::{FINAL, MAX_LIMIT, Parameter},
};
use openledger_sdk::text;
use std::collections::{HashMap, hash_map::Entry};

/// Rows of a list if the request gives no `limit`.
const LIMIT: u32 = 100;

/// The query part of a request.
pub struct Query(HashMap<String, String>);

impl Query {
    /// Takes the parameters in the order of the request. Refuses one that is given twice, because it is not clear which is
    /// meant.
    pub fn new(pairs: Vec<(String, String)>) -> Result<Self, Refusal> {
        let mut all = HashMap::new();
        for (name, value) in pairs {
            match all.entry(name) {
                Entry::Vacant(place) => _ = place.insert(value),
                Entry::Occupied(twice) => {
                    return Err(Refusal::bad(twice.key(), format!("`{}` is given more than once", twice.key())));
                }
            }
        }
        Ok(Self(all))
    }

    /// Refuses parameters that are not in `known`. A misspelt filter must not silently return all rows.
    pub fn allow(&self, known: &[&str]) -> Result<(), Refusal> {
        match self.0.keys().find(|k| !known.contains(&k.as_str())) {
            None => Ok(()),
            Some(other) if known.is_empty() => {
                Err(Refusal::bad(other, format!("`{other}`: this address takes no parameters")))
            }
            Some(other) => {
                Err(Refusal::bad(other, format!("`{other}` is no parameter here: there are {}", known.join(", "))))
            }
        }
    }

    /// The values of those of `filters` that the request gives, each by its column. Refuses a value that no row can have.
    pub fn filters(&self, filters: &'static [Parameter]) -> Result<Vec<(&'static str, String)>, Refusal> {
        let given = filters.iter().chain([&FINAL]).filter_map(|filter| Some((filter, self.text(filter.name)?)));
        given
            .map(|(filter, value)| {
                let value = match filter.takes.words() {
                    None => address(filter.name, value)?,
                    Some(words) if words.contains(&value) => value.to_owned(),
                    Some(words) => {
                        let error = format!("{} `{value}` is none: write one of {}", filter.name, words.join(", "));
                        return Err(Refusal::bad(filter.name, error));
                    }
                };
                Ok((filter.column(), value))
            })
            .collect()
    }

    /// The raw text of a parameter.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The parameter `limit`, from 1 to `MAX_LIMIT`. The default is `LIMIT`.
    pub fn limit(&self) -> Result<usize, Refusal> {
        let Some(text) = self.text("limit") else { return Ok(LIMIT as usize) };
        match number("limit", text) {
            Ok(n) if (1..=u64::from(MAX_LIMIT)).contains(&n) => Ok(n as usize),
            _ => Err(Refusal::bad("limit", format!("limit `{text}` is not a number from 1 to {MAX_LIMIT}"))),
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

/// Parses the Base58 address in `field` and returns it in canonical form.
pub fn address(field: &str, text: &str) -> Result<String, Refusal> {
    text::parse_key(text).map(|k| k.to_string()).map_err(|e| Refusal::bad(field, e))
}

/// Parses the hash in `field`, of exactly 64 hex digits.
pub fn hash(field: &str, text: &str) -> Result<[u8; 32], Refusal> {
    text::parse_hash(text).map_err(|e| Refusal::bad(field, e))
}

/// Parses the non-negative number in `field`, which must fit the database's `bigint`.
pub fn number(field: &str, text: &str) -> Result<u64, Refusal> {
    match text.parse::<i64>() {
        // A sign is no digit.
        Ok(n) if text.bytes().all(|b| b.is_ascii_digit()) => Ok(n as u64),
        _ => Err(Refusal::bad(field, format!("{field} `{text}` is not a whole number"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(pairs: &[(&str, &str)]) -> Query {
        Query::new(pairs.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect()).expect("no parameter twice")
    }

    #[test]
    fn a_parameter_that_is_given_twice_is_refused() {
        assert!(Query::new([("a", "1"), ("a", "1")].map(|(k, v)| (k.into(), v.into())).to_vec()).is_err());
    }

    #[test]
    fn limits_stay_within_bounds() {
        assert_eq!(query(&[]).limit().expect("default"), 100);
        assert_eq!(query(&[("limit", "500")]).limit().expect("most"), 500);
        for bad in ["0", "501", "-1", "+1", "x", ""] {
            assert!(query(&[("limit", bad)]).limit().is_err(), "{bad}");
        }
    }

    #[test]
    fn values_that_no_row_can_have_are_refused() {
        use crate::api::parameters::MODELS;
        let key = "11111111111111111111111111111112";
        let good = query(&[("status", "ready"), ("owner", key)]).filters(MODELS).expect("both");
        assert_eq!(good, [("owner", key.to_owned()), ("status", "ready".to_owned())]);
        assert!(query(&[("status", "raedy")]).filters(MODELS).is_err());
        assert!(query(&[("owner", "me")]).filters(MODELS).is_err());
        let settled = query(&[("finalized", "true")]).filters(MODELS).expect("final rows");
        assert_eq!(settled, [("finalized::text", "true".to_owned())]);
        assert!(query(&[("finalized", "false")]).filters(MODELS).is_err(), "most of history is final");
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
