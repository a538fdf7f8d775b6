//! Amounts of OPEN. Programs use base units, and people use OPEN. `1.5` OPEN are 1,500,000,000 base units.

use serde::{Deserialize, Serialize};
use stake::state::OPEN_DECIMALS;
use std::fmt;

/// Base units in one OPEN.
pub const ONE: u64 = 10u64.pow(OPEN_DECIMALS as u32);

/// An amount in base units. In JSON it is a decimal string, since it can exceed what a JavaScript number holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(pub u64);

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl From<u64> for Amount {
    fn from(base_units: u64) -> Self {
        Self(base_units)
    }
}

impl From<Amount> for u64 {
    fn from(amount: Amount) -> Self {
        amount.0
    }
}

impl Serialize for Amount {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        text.parse().map(Self).map_err(|_| serde::de::Error::custom(format!("{text:?} is not an amount in base units")))
    }
}

/// Converts a decimal number of OPEN to base units, exactly. Fails if `text` is not a decimal number with at most nine
/// decimals, or if the amount does not fit.
pub fn parse_open(text: &str) -> Result<u64, String> {
    let wrong =
        || format!("{text:?} is not an amount of OPEN: write it as 12 or 0.5, with at most {OPEN_DECIMALS} decimals");
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || !digits(whole) || !digits(fraction) || fraction.len() > OPEN_DECIMALS.into()
    {
        return Err(wrong());
    }
    let number = |s: &str| if s.is_empty() { Ok(0u64) } else { s.parse().map_err(|_| wrong()) };
    let padded = format!("{fraction:0<width$}", width = usize::from(OPEN_DECIMALS));
    number(whole)?.checked_mul(ONE).and_then(|w| w.checked_add(number(&padded).ok()?)).ok_or_else(wrong)
}

/// Converts base units to a decimal number of OPEN, without trailing zeros.
pub fn format_open(base_units: u64) -> String {
    let (whole, rest) = (base_units / ONE, base_units % ONE);
    if rest == 0 {
        return whole.to_string();
    }
    let fraction = format!("{rest:0width$}", width = usize::from(OPEN_DECIMALS));
    format!("{whole}.{}", fraction.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_exactly() {
        let cases =
            [("0", 0), ("1", ONE), ("1.5", 1_500_000_000), ("0.000000001", 1), (".5", ONE / 2), ("7.", 7 * ONE)];
        for (text, units) in cases {
            assert_eq!(parse_open(text), Ok(units), "{text}");
        }
        assert_eq!(parse_open("18446744073.709551615"), Ok(u64::MAX));
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in ["", ".", "-1", "+1", "1e3", "1,5", "0.0000000001", "18446744073.709551616", "1.2.3", " 1", "one"] {
            assert!(parse_open(text).is_err(), "{text}");
        }
    }

    #[test]
    fn amounts_survive_being_written() {
        for units in [0, 1, 10, ONE - 1, ONE, ONE + 1, 123_456_789_012, u64::MAX] {
            assert_eq!(parse_open(&format_open(units)), Ok(units));
        }
        assert_eq!(format_open(1_500_000_000), "1.5");
    }

    #[test]
    fn amounts_are_strings_in_json_and_nothing_else_is_read_as_one() {
        assert_eq!(serde_json::to_string(&Amount(u64::MAX)).unwrap(), "\"18446744073709551615\"");
        assert_eq!(serde_json::from_str::<Amount>("\"42\"").unwrap(), Amount(42));
        for bad in ["42", "\"-1\"", "\"1.5\"", "\"18446744073709551616\"", "\"\""] {
            assert!(serde_json::from_str::<Amount>(bad).is_err(), "{bad}");
        }
    }
}
