//! MinHash (Broder 1997). Two signatures agree in each place with the probability of the texts' Jaccard similarity.
//!
//! The code is not taken from a library, because shares must not change with a dependency's release. Shingles are
//! hashed by keyed SipHash-1-3, and ChaCha8 draws the functions from a pinned seed.

use super::settings::NearSettings;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};
use siphasher::sip::SipHasher13;

/// The Mersenne prime 2^61 − 1.
const PRIME: u64 = (1 << 61) - 1;

/// Hash functions x ↦ (a·x + b) mod 2^61 − 1 over the keyed hashes of shingles.
pub struct MinHasher {
    key: SipHasher13,
    functions: Vec<(u64, u64)>,
    shingle: usize,
}

impl MinHasher {
    /// Draws `bands · rows` functions.
    pub fn new(seed: u64, settings: &NearSettings) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let key = SipHasher13::new_with_keys(rng.next_u64(), rng.next_u64());
        let functions = (0..settings.bands * settings.rows)
            .map(|_| (1 + rng.next_u64() % (PRIME - 1), rng.next_u64() % PRIME))
            .collect();
        Self { key, functions, shingle: settings.shingle }
    }

    /// The signature of a text: for each function the low half of its smallest value over the text's shingles. A text
    /// shorter than a shingle is one shingle.
    pub fn signature(&self, text: &str) -> Vec<u32> {
        let mut starts: Vec<usize> = text.char_indices().map(|(i, _)| i).collect();
        starts.push(text.len());
        let last = starts.len().saturating_sub(1 + self.shingle);
        let mut smallest = vec![u64::MAX; self.functions.len()];
        for start in 0..=last {
            let end = starts[(start + self.shingle).min(starts.len() - 1)];
            let x = self.key.hash(&text.as_bytes()[starts[start]..end]) % PRIME;
            for (least, (a, b)) in smallest.iter_mut().zip(&self.functions) {
                *least = (*least).min(affine(*a, x, *b));
            }
        }
        smallest.into_iter().map(|v| v as u32).collect()
    }
}

/// (a·x + b) mod 2^61 − 1, for a, x and b below 2^61 − 1.
fn affine(a: u64, x: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(x) + u128::from(b);
    // 2^61 ≡ 1, so the high bits are added to the low ones.
    let folded = (product as u64 & PRIME) + (product >> 61) as u64;
    if folded >= PRIME { folded - PRIME } else { folded }
}

/// Share of the places in which two signatures of the same length agree. It estimates the Jaccard similarity with a
/// standard error of at most 1/(2√places).
pub fn similarity(a: &[u32], b: &[u32]) -> f64 {
    a.iter().zip(b).filter(|(x, y)| x == y).count() as f64 / a.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    fn hasher(seed: u64, shingle: usize) -> MinHasher {
        MinHasher::new(seed, &NearSettings { shingle, bands: 64, rows: 8, jaccard: 0.5 })
    }

    #[test]
    fn signatures_never_change_between_releases() {
        let settings = NearSettings { shingle: 8, bands: 2, rows: 2, jaccard: 0.5 };
        let signature = MinHasher::new(7, &settings).signature("the quick brown fox");
        assert_eq!(signature, [3668881533, 1489660670, 1424875492, 1298837166]);
    }

    #[test]
    fn texts_shorter_than_a_shingle_are_compared_whole() {
        let hasher = hasher(1, 8);
        assert_eq!(hasher.signature("añ"), hasher.signature("añ"));
        assert_eq!(similarity(&hasher.signature("añ"), &hasher.signature("an")), 0.0);
        assert_eq!(similarity(&hasher.signature(""), &hasher.signature("")), 1.0);
    }

    #[test]
    fn the_prime_field_is_exact() {
        for (a, x, b) in [(PRIME - 1, PRIME - 1, PRIME - 1), (1, 0, 0), (1, PRIME - 1, 1), (12345, 1 << 60, 99)] {
            let expected = (u128::from(a) * u128::from(x) + u128::from(b)) % u128::from(PRIME);
            assert_eq!(u128::from(affine(a, x, b)), expected);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn agreement_estimates_the_jaccard_similarity(
            shared in "[a-z]{30,90}", left in "[a-z]{0,60}", right in "[a-z]{0,60}", seed: u64,
        ) {
            let (a, b) = (shared.clone() + &left, shared + &right);
            let shingles = |s: &str| s.as_bytes().windows(4).map(<[u8]>::to_vec).collect::<HashSet<_>>();
            let (x, y) = (shingles(&a), shingles(&b));
            let jaccard = x.intersection(&y).count() as f64 / x.union(&y).count() as f64;
            let hasher = hasher(seed, 4);
            let estimate = similarity(&hasher.signature(&a), &hasher.signature(&b));
            // The signatures have 512 places. Five standard errors are allowed.
            prop_assert!((estimate - jaccard).abs() < 5.0 * 0.5 / 512f64.sqrt(), "{estimate} for {jaccard}");
        }
    }
}
