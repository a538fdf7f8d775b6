//! The seed that draws a batch's panel: the hash of the first slot after submission that has one.
//!
//! The SlotHashes sysvar is 20 KB, so its bytes are searched in place. They are a count (u64), and then for each slot,
//! newest first, its number (u64) and its hash (32 bytes).

use crate::error::DatanetError;
use anchor_lang::prelude::*;
use openledger_protocol::Hash32;

/// Slots that the sysvar remembers.
const MAX_ENTRIES: usize = 512;
const HEADER: usize = 8;
const ENTRY: usize = 8 + 32;

/// The hash of the earliest slot after `submitted`, from the sysvar's bytes.
///
/// Fails with `DrawTooEarly` if there is no such slot yet, with `DrawTooLate` once that slot may have left the sysvar,
/// and with `BadSlotHashes` if the bytes are malformed. A later hash is never used instead, because whoever draws could
/// then wait for a favourable panel.
pub fn seed(slot_hashes: &[u8], submitted: u64) -> Result<Hash32> {
    let (head, entries) = slot_hashes.split_at_checked(HEADER).ok_or(DatanetError::BadSlotHashes)?;
    let count = u64::from_le_bytes(head.try_into().expect("8 bytes"));
    let count = usize::try_from(count).map_err(|_| DatanetError::BadSlotHashes)?;
    let entries = count.checked_mul(ENTRY).and_then(|n| entries.get(..n)).ok_or(DatanetError::BadSlotHashes)?;
    let entry = |i: usize| &entries[i * ENTRY..(i + 1) * ENTRY];
    let slot = |i: usize| u64::from_le_bytes(entry(i)[..8].try_into().expect("8 bytes"));

    // Slot numbers fall with the index. Find how many entries are later than the submission.
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = (low + high) / 2;
        if slot(middle) > submitted {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    require!(low > 0, DatanetError::DrawTooEarly);
    require!(low < count || count < MAX_ENTRIES, DatanetError::DrawTooLate);
    Ok(entry(low - 1)[8..].try_into().expect("32 bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sysvar(slots: &[u64]) -> Vec<u8> {
        let mut out = (slots.len() as u64).to_le_bytes().to_vec();
        for s in slots {
            out.extend(s.to_le_bytes());
            out.extend([*s as u8; 32]);
        }
        out
    }

    #[test]
    fn earliest_slot_after_submission_is_taken_though_slots_were_skipped() {
        let data = sysvar(&[40, 39, 35, 20, 10]);
        assert_eq!(seed(&data, 9).unwrap(), [10; 32]);
        assert_eq!(seed(&data, 10).unwrap(), [20; 32]);
        assert_eq!(seed(&data, 34).unwrap(), [35; 32]);
        assert_eq!(seed(&data, 38).unwrap(), [39; 32]);
        assert_eq!(seed(&data, 39).unwrap(), [40; 32]);
    }

    #[test]
    fn no_later_slot_is_too_early() {
        let data = sysvar(&[40, 39]);
        assert_eq!(seed(&data, 40).unwrap_err(), DatanetError::DrawTooEarly.into());
        assert_eq!(seed(&sysvar(&[]), 0).unwrap_err(), DatanetError::DrawTooEarly.into());
    }

    #[test]
    fn full_sysvar_without_an_earlier_slot_is_too_late() {
        let full: Vec<u64> = (100..100 + MAX_ENTRIES as u64).rev().collect();
        assert_eq!(seed(&sysvar(&full), 99).unwrap_err(), DatanetError::DrawTooLate.into());
        assert_eq!(seed(&sysvar(&full), 100).unwrap(), [101; 32]);
    }

    #[test]
    fn truncated_or_lying_bytes_are_refused() {
        let data = sysvar(&[40, 39]);
        assert_eq!(seed(&data[..7], 1).unwrap_err(), DatanetError::BadSlotHashes.into());
        assert_eq!(seed(&data[..data.len() - 1], 1).unwrap_err(), DatanetError::BadSlotHashes.into());
        let mut lying = data.clone();
        lying[..8].copy_from_slice(&u64::MAX.to_le_bytes());
        assert_eq!(seed(&lying, 1).unwrap_err(), DatanetError::BadSlotHashes.into());
    }
}
