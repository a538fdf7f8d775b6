//! What an answer costs.

/// Price of an answer in base units, at least 1. `None` if it exceeds `u64`.
///
/// The prompt's tokens cost `price_in` per 1,000. The `max_tokens` that may be generated cost `price_out` per 1,000.
/// Each of the two parts is rounded up.
pub fn price(price_in: u64, price_out: u64, prompt_tokens: usize, max_tokens: usize) -> Option<u64> {
    let part = |price: u64, tokens: usize| (price as u128 * tokens as u128).div_ceil(1000);
    u64::try_from(part(price_in, prompt_tokens) + part(price_out, max_tokens)).ok().map(|p| p.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_round_up_and_never_overflow() {
        assert_eq!(price(1_000_000_000, 2_000_000_000, 1, 1), Some(3_000_000));
        assert_eq!(price(1, 1, 1, 1), Some(2));
        assert_eq!(price(0, 0, 10, 10), Some(1));
        assert_eq!(price(u64::MAX, u64::MAX, 1_000, 1_000), None);
    }
}
