//! Draws a validator panel by stake, without a list of validators on chain.
//!
//! Every validator has a ticket `H(Ticket ‖ seed ‖ validator)`, uniform below 2⁶⁴. A validator is drawn if its ticket
//! is below `2⁶⁴ · panel · stake / total`. So the expected size of the panel is `panel`. Nobody can choose the panel,
//! because the seed is a slot hash that nobody knew when the batch was submitted. This is the cryptographic sortition
//! of Gilad et al., "Algorand", 2017, with a public seed in place of a VRF.

use crate::hash::{Domain, Hash32, tagged2};

/// Whether `seed` draws `validator`, which has `stake` of the `total` base units, for a panel of expected size `panel`.
pub fn is_drawn(seed: &Hash32, validator: &Hash32, stake: u64, total: u64, panel: u8) -> bool {
    if stake == 0 || total == 0 {
        return false;
    }
    let ticket = tagged2(Domain::Ticket, seed, validator);
    let ticket = u64::from_le_bytes(ticket[..8].try_into().expect("8 of 32 bytes"));
    // ticket / 2^64 < panel * stake / total, in integers; the ticket's lowest 16 bits do not count
    let threshold = (stake as u128 * panel as u128).saturating_mul(1 << 48) / total as u128;
    ((ticket >> 16) as u128) < threshold
}

/// The commitment to a verdict: `SHA-256(0x07 ‖ batch ‖ validator ‖ approve ‖ quality ‖ salt)`.
pub fn verdict_commitment(batch: &Hash32, validator: &Hash32, approve: bool, quality: u16, salt: &Hash32) -> Hash32 {
    crate::hash::sha256(&[&[Domain::Verdict as u8], batch, validator, &[approve as u8], &quality.to_le_bytes(), salt])
}
