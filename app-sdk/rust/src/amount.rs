//! Amounts of OPEN as people write them: `1.5` is 1,500,000,000 base units.

use stake::state::OPEN_DECIMALS;

/// Base units in one OPEN.
pub const ONE: u64 = 10u64.pow(OPEN_DECIMALS as u32);

/// Base units from a decimal number of OPEN, exactly.
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

/// A decimal number of OPEN from base units, without trailing zeros.
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
}
