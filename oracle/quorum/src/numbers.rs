//! The numbers of the requests that each member has sent, so that a recorded request counts once.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Mutex,
};

use openledger_protocol::Hash32;

/// How many numbers of a sender are remembered. Requests may overtake one another by as many.
const REMEMBERED: usize = 4096;

/// The numbers that were taken, by sender. A number is taken once. A number at or below the floor is not taken any more.
///
/// Senders number their requests by their clock, in microseconds. A participant forgets the numbers when it is
/// restarted, so it starts with a floor by its own clock. A sender whose clock is further behind than
/// [`Numbers::new`]'s allowance is refused until its clock has passed the floor.
pub struct Numbers {
    floor: u64,
    taken: Mutex<HashMap<Hash32, Taken>>,
}

#[derive(Default)]
struct Taken {
    floor: u64,
    above: BTreeSet<u64>,
}

impl Numbers {
    /// Takes numbers above `now - allowance`, all in microseconds.
    pub fn new(now: u64, allowance: u64) -> Self {
        Self { floor: now.saturating_sub(allowance), taken: Mutex::default() }
    }

    /// Whether `number` of `sender` can still be taken. It takes nothing.
    pub fn is_new(&self, sender: &Hash32, number: u64) -> bool {
        let taken = self.taken.lock().expect("no panic holds this lock");
        let floor = taken.get(sender).map_or(self.floor, |t| t.floor);
        number > floor && taken.get(sender).is_none_or(|t| !t.above.contains(&number))
    }

    /// Takes `number` of `sender`. `false` if it was taken before or is too old.
    ///
    /// # Security
    ///
    /// Call it only after the sender's signature was checked. A number of a forged request would shut out the sender's.
    pub fn take(&self, sender: &Hash32, number: u64) -> bool {
        let mut taken = self.taken.lock().expect("no panic holds this lock");
        let own = taken.entry(*sender).or_insert(Taken { floor: self.floor, above: BTreeSet::new() });
        if number <= own.floor || !own.above.insert(number) {
            return false;
        }
        if own.above.len() > REMEMBERED {
            own.floor = own.above.pop_first().expect("it is not empty");
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_taken_once_in_any_order_and_one_of_before_the_start_never() {
        let numbers = Numbers::new(1_000, 100);
        for number in [1_005, 1_001, 901] {
            assert!(numbers.is_new(&[1; 32], number));
            assert!(numbers.take(&[1; 32], number));
            assert!(!numbers.is_new(&[1; 32], number));
            assert!(!numbers.take(&[1; 32], number));
        }
        assert!(!numbers.is_new(&[1; 32], 900));
        assert!(!numbers.take(&[1; 32], 900));
        assert!(numbers.take(&[2; 32], 1_005), "each sender has numbers of its own");
    }

    #[test]
    fn what_is_forgotten_can_never_be_taken_again() {
        let numbers = Numbers::new(0, 0);
        for number in 1..=2 * REMEMBERED as u64 {
            assert!(numbers.take(&[1; 32], number));
        }
        assert!((1..=2 * REMEMBERED as u64).all(|number| !numbers.take(&[1; 32], number)));
    }
}
