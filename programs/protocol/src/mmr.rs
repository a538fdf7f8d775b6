//! Merkle mountain range: an append-only tree whose state is its number of leaves and its peaks.
//!
//! The range over n leaves has one perfect binary tree ("mountain") for each set bit of n, highest first. Appending
//! merges mountains of equal height, as a binary counter carries. The root is `H(RangeRoot ‖ n ‖ bag)`, where `bag`
//! folds the peaks from the right: `bag = H(Node ‖ peak_0 ‖ H(Node ‖ peak_1 ‖ … peak_k))`. The root binds n, so a proof
//! for one number of leaves cannot be read as a proof for another.

use crate::hash::{Domain, Hash32, ZERO, sha256, tagged2};

/// Most mountains that a range can have here, which hold up to 2³² − 1 leaves.
pub const MAX_PEAKS: usize = 32;
/// Most leaves a range can hold.
pub const MAX_LEAVES: u64 = (1 << MAX_PEAKS) - 1;

/// Why a range operation was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RangeError {
    /// The range holds [`MAX_LEAVES`] leaves.
    Full,
    /// The number of peaks does not fit the count. There must be one for each set bit.
    Peaks,
    /// The leaf index is not below the count.
    Index,
    /// The proof does not lead to the root.
    Proof,
}

/// Hash of an inner node.
#[inline]
pub fn node(left: &Hash32, right: &Hash32) -> Hash32 {
    tagged2(Domain::Node, left, right)
}

/// Number of peaks of a range over `count` leaves.
#[inline]
pub fn peak_count(count: u64) -> usize {
    count.count_ones() as usize
}

/// Appends `leaf` to a range of `count` leaves whose peaks, highest first, are `peaks[..peak_count(count)]`. Returns
/// the new count. `peaks` must have room for [`peak_count`] of the old and of the new count. If the leaf is refused,
/// `peaks` is unchanged.
pub fn append(count: u64, peaks: &mut [Hash32], leaf: Hash32) -> Result<u64, RangeError> {
    if count >= MAX_LEAVES {
        return Err(RangeError::Full);
    }
    let mut used = peak_count(count);
    if peaks.len() < used.max(peak_count(count + 1)) {
        return Err(RangeError::Peaks);
    }
    let mut carry = leaf;
    let mut rest = count;
    while rest & 1 == 1 {
        used -= 1;
        carry = node(&peaks[used], &carry);
        rest >>= 1;
    }
    peaks[used] = carry;
    // Bytes after the last peak stay zero, so that equal ranges have equal bytes.
    for p in peaks.iter_mut().take(peak_count(count)).skip(used + 1) {
        *p = ZERO;
    }
    Ok(count + 1)
}

/// The root of a range. The root of an empty range is that of count 0 over the zero hash.
pub fn root(count: u64, peaks: &[Hash32]) -> Result<Hash32, RangeError> {
    let n = peak_count(count);
    let peaks = peaks.get(..n).ok_or(RangeError::Peaks)?;
    let bag = match peaks.split_last() {
        None => ZERO,
        Some((last, rest)) => rest.iter().rev().fold(*last, |acc, p| node(p, &acc)),
    };
    Ok(sha256(&[&[Domain::RangeRoot as u8], &count.to_le_bytes(), &bag]))
}

/// The position of leaf `index` in a range over `count` leaves: (number of its mountain, height of that mountain, index
/// inside it).
pub fn locate(count: u64, index: u64) -> Result<(usize, u32, u64), RangeError> {
    if index >= count || count > MAX_LEAVES {
        return Err(RangeError::Index);
    }
    let (mut before, mut mountain) = (0u64, 0usize);
    for height in (0..MAX_PEAKS as u32).rev() {
        let size = 1u64 << height;
        if count & size == 0 {
            continue;
        }
        if index < before + size {
            return Ok((mountain, height, index - before));
        }
        before += size;
        mountain += 1;
    }
    Err(RangeError::Index)
}

/// Verifies that `leaf` is number `index` of the range with this `root` over `count` leaves.
///
/// `siblings` lead from the leaf to its mountain's peak, lowest first. `peaks` are the *other* mountains' peaks,
/// highest first. Fails with a [`RangeError`] if the proof does not fit the count or does not lead to the root.
pub fn verify(
    range_root: &Hash32,
    count: u64,
    index: u64,
    leaf: &Hash32,
    siblings: &[Hash32],
    peaks: &[Hash32],
) -> Result<(), RangeError> {
    let (mountain, height, mut at) = locate(count, index)?;
    let n = peak_count(count);
    if siblings.len() != height as usize || peaks.len() != n - 1 {
        return Err(RangeError::Proof);
    }
    let mut peak = *leaf;
    for s in siblings {
        peak = if at & 1 == 0 { node(&peak, s) } else { node(s, &peak) };
        at >>= 1;
    }
    let mut all = [ZERO; MAX_PEAKS];
    all[..mountain].copy_from_slice(&peaks[..mountain]);
    all[mountain] = peak;
    all[mountain + 1..n].copy_from_slice(&peaks[mountain..]);
    if root(count, &all[..n])? == *range_root { Ok(()) } else { Err(RangeError::Proof) }
}

/// A proof for [`verify`].
#[cfg(any(feature = "std", test))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RangeProof {
    /// Number of leaves in the range.
    pub count: u64,
    /// Number of the leaf.
    pub index: u64,
    /// From the leaf to its mountain's peak, lowest first.
    pub siblings: std::vec::Vec<Hash32>,
    /// The other mountains' peaks, highest first.
    pub peaks: std::vec::Vec<Hash32>,
}

#[cfg(any(feature = "std", test))]
impl RangeProof {
    /// Whether this proves that `leaf` is in the range with `range_root`.
    pub fn verify(&self, range_root: &Hash32, leaf: &Hash32) -> Result<(), RangeError> {
        verify(range_root, self.count, self.index, leaf, &self.siblings, &self.peaks)
    }
}

/// Root of the range over `leaves`.
#[cfg(any(feature = "std", test))]
pub fn root_of(leaves: &[Hash32]) -> Hash32 {
    let mut peaks = [ZERO; MAX_PEAKS];
    let mut count = 0;
    for l in leaves {
        count = append(count, &mut peaks, *l).expect("fewer than 2^32 leaves");
    }
    root(count, &peaks).expect("peaks made by append")
}

/// Proves leaf `index` of the range over `leaves`. It takes O(leaves) hashes.
#[cfg(any(feature = "std", test))]
pub fn prove(leaves: &[Hash32], index: u64) -> Result<RangeProof, RangeError> {
    use std::vec::Vec;
    let count = leaves.len() as u64;
    let (mountain, _, at) = locate(count, index)?;
    let (mut siblings, mut peaks) = (Vec::new(), Vec::new());
    let (mut start, mut number) = (0usize, 0usize);
    for height in (0..MAX_PEAKS as u32).rev() {
        let size = 1usize << height;
        if count & size as u64 == 0 {
            continue;
        }
        let mut level: Vec<Hash32> = leaves[start..start + size].to_vec();
        let mut at = at as usize;
        while level.len() > 1 {
            if number == mountain {
                siblings.push(level[at ^ 1]);
                at >>= 1;
            }
            level = level.chunks_exact(2).map(|p| node(&p[0], &p[1])).collect();
        }
        if number != mountain {
            peaks.push(level[0]);
        }
        start += size;
        number += 1;
    }
    Ok(RangeProof { count, index, siblings, peaks })
}
