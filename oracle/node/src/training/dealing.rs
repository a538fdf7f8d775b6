//! Deals the segments of a training log out to the members that verify it.
//!
//! Every verifier re-executes the first segment of each run, which begins from the seed's adapter, and the last, which
//! ends in the adapter that is served, or in one whose scores pay beside it. The segments between are dealt out. The deal depends on a block that did not exist when the
//! root of the log was posted, so the trainer forges before it knows who looks where.
//!
//! Each dealt segment has all verifiers in an order. The first of them is in charge. If that one is silent, the next
//! is.

use openledger_protocol::{Hash32, hash::sha256};
use solana_pubkey::Pubkey;

/// Who re-executes which segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deal {
    /// For each segment, the verifiers in the order in which they are in charge of it. Empty for a segment that all of
    /// them re-execute.
    orders: Vec<Vec<Pubkey>>,
}

impl Deal {
    /// Deals the `segments` segments of each of `runs` runs out to the `members` without the `trainer`.
    ///
    /// `blockhash` is the hash of the first block after the slot in which `log_root` was posted. The order of `members`
    /// changes nothing.
    pub fn new(
        log_root: &Hash32,
        blockhash: &Hash32,
        members: &[Pubkey],
        trainer: &Pubkey,
        runs: usize,
        segments: usize,
    ) -> Self {
        let seed = sha256(&[b"deal", log_root, blockhash]);
        let mut verifiers: Vec<Pubkey> = members.iter().filter(|m| *m != trainer).copied().collect();
        verifiers.sort_by_key(|m| sha256(&[b"verifier", &seed, m.as_ref()]));
        let number = |segment: usize| (segment as u64).to_le_bytes();
        let mut middle: Vec<usize> =
            (0..runs).flat_map(|run| (1..segments.saturating_sub(1)).map(move |s| run * segments + s)).collect();
        middle.sort_by_key(|s| sha256(&[b"segment", &seed, &number(*s)]));
        let mut orders = vec![Vec::new(); runs * segments];
        for (place, segment) in middle.into_iter().enumerate().filter(|_| !verifiers.is_empty()) {
            // The first place goes round, so that all have about as many. Those behind it are drawn anew for each
            // segment, so that the segments of a dead member do not all fall to the same one.
            let first = verifiers[place % verifiers.len()];
            let mut rest: Vec<Pubkey> = verifiers.iter().filter(|m| **m != first).copied().collect();
            rest.sort_by_key(|m| sha256(&[b"next", &seed, &number(segment), m.as_ref()]));
            orders[segment] = [vec![first], rest].concat();
        }
        Self { orders }
    }

    /// Number of segments.
    pub fn segments(&self) -> usize {
        self.orders.len()
    }

    /// The verifiers in the order in which they are in charge of a segment. Empty if all of them re-execute it.
    pub fn order(&self, segment: usize) -> &[Pubkey] {
        &self.orders[segment]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    /// The dealt segments that each verifier is the first in charge of.
    fn by_member(deal: &Deal) -> BTreeMap<Pubkey, Vec<usize>> {
        let mut all = BTreeMap::<Pubkey, Vec<usize>>::new();
        for (segment, order) in deal.orders.iter().enumerate() {
            order.first().into_iter().for_each(|m| all.entry(*m).or_default().push(segment));
        }
        all
    }

    fn wallets(n: usize) -> Vec<Pubkey> {
        (0..n).map(|i| Pubkey::new_from_array([i as u8 + 1; 32])).collect()
    }

    proptest! {
        #[test]
        fn the_verifiers_together_see_every_segment_and_have_equal_shares_within_one(
            root: [u8; 32], block: [u8; 32], n in 2..40usize, trainer in 0..40usize,
            runs in 1..=8usize, segments in 0..=16usize,
        ) {
            let members = wallets(n);
            let trainer = members[trainer % n];
            let deal = Deal::new(&root, &block, &members, &trainer, runs, segments);
            prop_assert_eq!(deal.segments(), runs * segments);
            let all: BTreeSet<Pubkey> = members.iter().filter(|m| **m != trainer).copied().collect();
            for segment in 0..runs * segments {
                let order = deal.order(segment);
                if segment % segments == 0 || (segment + 1) % segments == 0 {
                    prop_assert!(order.is_empty(), "everybody re-executes the ends of each run");
                } else {
                    prop_assert_eq!(order.len(), n - 1);
                    prop_assert_eq!(&order.iter().copied().collect::<BTreeSet<_>>(), &all);
                }
            }
            let shares = by_member(&deal);
            let counts: Vec<usize> = all.iter().map(|m| shares.get(m).map_or(0, Vec::len)).collect();
            prop_assert_eq!(counts.iter().sum::<usize>(), runs * segments.saturating_sub(2));
            prop_assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1);
        }

        #[test]
        fn the_order_in_which_members_are_listed_changes_nothing(root: [u8; 32], block: [u8; 32]) {
            let members = wallets(5);
            let turned: Vec<Pubkey> = members.iter().rev().copied().collect();
            let deal = |members: &[Pubkey]| Deal::new(&root, &block, members, &wallets(1)[0], 1, 12);
            prop_assert_eq!(deal(&members), deal(&turned));
        }
    }

    #[test]
    fn another_block_or_another_log_deals_anew() {
        let members = wallets(5);
        let first =
            |root: u8, block: u8| by_member(&Deal::new(&[root; 32], &[block; 32], &members, &members[0], 1, 12));
        let deals: BTreeSet<_> = (0..32u8).map(|i| first(1, i)).collect();
        assert!(deals.len() > 30, "{} deals of 32 blocks", deals.len());
        assert_ne!(first(1, 1), first(2, 1));
    }

    #[test]
    fn one_liar_of_four_verifiers_has_a_given_segment_in_a_quarter_of_the_blocks() {
        let members = wallets(5);
        let (liar, forged) = (members[3], 4);
        let has = |block: u16| {
            let hash = sha256(&[&block.to_le_bytes()]);
            Deal::new(&[7; 32], &hash, &members, &members[0], 1, 12).order(forged)[0] == liar
        };
        let share = (0..2_000).filter(|b| has(*b)).count();
        assert!((430..570).contains(&share), "{share} of 2,000");
    }

    #[test]
    fn the_segments_of_a_dead_member_fall_to_several() {
        let members = wallets(9);
        let dead = members[4];
        let deal = Deal::new(&[1; 32], &[2; 32], &members, &members[0], 1, 64);
        let heirs: BTreeSet<Pubkey> =
            (0..64).map(|s| deal.order(s)).filter(|o| o.first() == Some(&dead)).map(|o| o[1]).collect();
        assert!(heirs.len() >= 3, "{heirs:?}");
    }
}
