//! Who was found to be drawn for which panel. A panel's member reads a batch's documents one after the other, and the node is
//! not asked again for each of them.

use solana_pubkey::Pubkey;
use std::{
    collections::HashMap,
    sync::Mutex,
    time::{Duration, Instant},
};

/// For how long a seat is remembered. Who had it may have read all by then.
const KEPT: Duration = Duration::from_secs(60);
/// Most seats that are remembered.
const MOST: usize = 10_000;

/// Seats that were found lately, by wallet and batch.
#[derive(Debug, Default)]
pub struct Seats(Mutex<HashMap<(Pubkey, Pubkey), Instant>>);

impl Seats {
    /// Whether the wallet was found lately to have a seat on the batch's panel.
    pub fn has(&self, wallet: &Pubkey, batch: &Pubkey) -> bool {
        self.0.lock().expect("no panic holds this lock").get(&(*wallet, *batch)).is_some_and(is_fresh)
    }

    /// Notes that the wallet has a seat on the batch's panel.
    pub fn note(&self, wallet: &Pubkey, batch: &Pubkey) {
        let mut seats = self.0.lock().expect("no panic holds this lock");
        if seats.len() >= MOST {
            seats.retain(|_, found| is_fresh(found));
        }
        if seats.len() < MOST {
            seats.insert((*wallet, *batch), Instant::now());
        }
    }
}

fn is_fresh(found: &Instant) -> bool {
    found.elapsed() < KEPT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seat_is_one_wallets_on_one_panel_and_they_are_bounded() {
        let (seats, key) = (Seats::default(), |n: usize| {
            let mut bytes = [0; 32];
            bytes[..8].copy_from_slice(&n.to_le_bytes());
            Pubkey::new_from_array(bytes)
        });
        seats.note(&key(1), &key(2));
        assert!(seats.has(&key(1), &key(2)));
        assert!(!seats.has(&key(2), &key(1)) && !seats.has(&key(1), &key(3)));
        (0..2 * MOST).for_each(|n| seats.note(&key(n), &key(0)));
        assert_eq!(seats.0.lock().unwrap().len(), MOST);
    }
}
