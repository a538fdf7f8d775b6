//! Integers packed into a fixed number of bits each, least significant bit first.

/// Most bits of a packed integer. An integer may begin at any bit of a byte, and must end within eight bytes.
pub(crate) const MAX_BITS: u32 = 57;
const WORD: usize = size_of::<u64>();

/// Number of bits that every integer up to `max` fits into. At least one.
pub(crate) fn bits_for(max: u64) -> u32 {
    (u64::BITS - max.leading_zeros()).max(1)
}

/// Number of bytes of `count` packed integers. It has one word more than they fill, so that a word can be read at any
/// of them.
pub(crate) fn section_bytes(count: u64, bits: u32) -> u64 {
    ((count * u64::from(bits)).div_ceil(64) + 1) * WORD as u64
}

/// Packs values that fit into `bits`, and passes their words to `emit`.
pub(crate) fn pack<E>(
    values: impl Iterator<Item = u64>,
    bits: u32,
    mut emit: impl FnMut([u8; WORD]) -> Result<(), E>,
) -> Result<(), E> {
    debug_assert!(bits <= MAX_BITS);
    let (mut word, mut filled) = (0u64, 0);
    for value in values {
        word |= value << filled;
        filled += bits;
        if filled >= u64::BITS {
            emit(word.to_le_bytes())?;
            filled -= u64::BITS;
            // The bits that did not fit. If the value fitted exactly, there are none, and shifting by all bits is
            // avoided.
            word = if filled == 0 { 0 } else { value >> (bits - filled) };
        }
    }
    if filled > 0 {
        emit(word.to_le_bytes())?;
    }
    emit([0; WORD])
}

/// Packed integers in memory.
#[derive(Clone, Copy)]
pub(crate) struct Packed<'a> {
    /// The bytes of a whole section.
    pub(crate) bytes: &'a [u8],
    /// Number of bits of each integer.
    pub(crate) bits: u32,
}

impl Packed<'_> {
    /// The integer at `index`, which must be below the section's count.
    #[inline]
    pub(crate) fn get(self, index: u64) -> u64 {
        let bit = index * u64::from(self.bits);
        let at = (bit / 8) as usize;
        let word = u64::from_le_bytes(self.bytes[at..at + WORD].try_into().expect("eight bytes"));
        (word >> (bit % 8)) & ((1 << self.bits) - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_packed_is_read_and_takes_the_announced_bytes(
            bits in 1..=MAX_BITS,
            values in prop::collection::vec(any::<u64>(), 0..200),
        ) {
            let values: Vec<u64> = values.into_iter().map(|v| v & ((1 << bits) - 1)).collect();
            let mut bytes = Vec::new();
            pack(values.iter().copied(), bits, |word| { bytes.extend(word); Ok::<_, ()>(()) }).unwrap();
            prop_assert_eq!(bytes.len() as u64, section_bytes(values.len() as u64, bits));
            let packed = Packed { bytes: &bytes, bits };
            for (i, value) in values.iter().enumerate() {
                prop_assert_eq!(packed.get(i as u64), *value);
            }
        }
    }

    #[test]
    fn a_maximum_gets_just_the_bits_it_needs() {
        let cases = [(0, 1), (1, 1), (2, 2), (255, 8), (256, 9), (49_152, 16), (65_536, 17), (1 << 32, 33)];
        for (max, bits) in cases {
            assert_eq!(bits_for(max), bits, "{max}");
        }
    }
}
