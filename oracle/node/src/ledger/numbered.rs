//! Items that are numbered without holes.

use std::collections::{BTreeMap, VecDeque};

/// Items of one account, in the order of their numbers and without a hole. Items that come too early wait until those
/// before them have come.
#[derive(Clone, Debug)]
pub struct Numbered<T> {
    first: u64,
    held: VecDeque<T>,
    ahead: BTreeMap<u64, T>,
}

impl<T: PartialEq> Numbered<T> {
    /// Holds nothing. The first item to come has number `first`.
    pub fn from(first: u64) -> Self {
        Self { first, held: VecDeque::new(), ahead: BTreeMap::new() }
    }

    /// Adds an item. An item that was dropped or is held already is not added again. Returns whether it agrees with the
    /// item that is held under its number.
    #[must_use]
    pub fn add(&mut self, number: u64, item: T) -> bool {
        if number < self.first {
            return true;
        }
        if let Some(held) = self.held.get((number - self.first) as usize).or_else(|| self.ahead.get(&number)) {
            return *held == item;
        }
        self.ahead.insert(number, item);
        while let Some(item) = self.ahead.remove(&self.next()) {
            self.held.push_back(item);
        }
        true
    }

    /// The number of the first item that has not come. All items before it have.
    pub fn next(&self) -> u64 {
        self.first + self.held.len() as u64
    }

    /// Number of items that wait for those before them. If there is one, some item is missing.
    pub fn waiting(&self) -> usize {
        self.ahead.len()
    }

    /// Number of the first item that is held.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// The items that are held, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.held.iter()
    }

    /// Drops and returns the first item if it is `old`.
    pub fn drop_first_if(&mut self, old: impl FnOnce(&T) -> bool) -> Option<T> {
        self.held.front().filter(|item| old(item))?;
        self.first += 1;
        self.held.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(numbered: &Numbered<u64>) -> Vec<u64> {
        numbered.iter().copied().collect()
    }

    #[test]
    fn a_hole_holds_back_what_is_behind_it_until_it_is_filled() {
        let mut numbered = Numbered::from(3);
        assert!(numbered.add(3, 30) && numbered.add(6, 60) && numbered.add(5, 50));
        assert_eq!((held(&numbered), numbered.next(), numbered.waiting()), (vec![30], 4, 2));
        assert!(numbered.add(4, 40));
        assert_eq!((held(&numbered), numbered.next(), numbered.waiting()), (vec![30, 40, 50, 60], 7, 0));
    }

    #[test]
    fn one_number_is_one_item() {
        let mut numbered = Numbered::from(0);
        assert!(numbered.add(0, 10) && numbered.add(2, 30));
        assert!(numbered.add(0, 10) && numbered.add(2, 30), "the same again");
        assert!(!numbered.add(0, 11) && !numbered.add(2, 31), "another item of the same number");
        assert_eq!((held(&numbered), numbered.waiting()), (vec![10], 1));
    }

    #[test]
    fn dropped_items_do_not_come_back() {
        let mut numbered = Numbered::from(0);
        assert!((0..4).all(|n| numbered.add(n, 10 * n)));
        while numbered.drop_first_if(|item| *item < 20).is_some() {}
        assert_eq!((held(&numbered), numbered.first(), numbered.next()), (vec![20, 30], 2, 4));
        assert!(numbered.add(1, 10));
        assert_eq!(held(&numbered), [20, 30]);
    }
}
