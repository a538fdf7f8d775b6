//! Compares the mountain range with a naive model: perfect trees for the set bits of the count, built by recursion.

use openledger_protocol::{
    Hash32,
    hash::{Domain, ZERO, sha256},
    mmr::{self, MAX_PEAKS, RangeError},
};
use proptest::{prelude::*, test_runner::RngSeed};

fn leaf(n: u64) -> Hash32 {
    sha256(&[b"leaf", &n.to_le_bytes()])
}

fn leaves(n: u64) -> Vec<Hash32> {
    (0..n).map(leaf).collect()
}

/// Root of a perfect binary tree, by recursion.
fn tree(leaves: &[Hash32]) -> Hash32 {
    match leaves {
        [one] => *one,
        more => {
            let (l, r) = more.split_at(more.len() / 2);
            sha256(&[&[Domain::Node as u8], &tree(l), &tree(r)])
        }
    }
}

/// Peaks of the range over all leaves, highest first.
fn naive_peaks(mut leaves: &[Hash32]) -> Vec<Hash32> {
    let mut peaks = Vec::new();
    while !leaves.is_empty() {
        let size = 1usize << leaves.len().ilog2();
        peaks.push(tree(&leaves[..size]));
        leaves = &leaves[size..];
    }
    peaks
}

fn naive_root(leaves: &[Hash32]) -> Hash32 {
    fn bag(peaks: &[Hash32]) -> Hash32 {
        match peaks {
            [] => ZERO,
            [one] => *one,
            [first, rest @ ..] => sha256(&[&[Domain::Node as u8], first, &bag(rest)]),
        }
    }
    let count = (leaves.len() as u64).to_le_bytes();
    sha256(&[&[Domain::RangeRoot as u8], &count, &bag(&naive_peaks(leaves))])
}

#[test]
fn every_small_range_equals_the_naive_one_and_proves_every_leaf() {
    for n in 0..=70u64 {
        let all = leaves(n);
        let root = mmr::root_of(&all);
        assert_eq!(root, naive_root(&all), "{n} leaves");
        for i in 0..n {
            mmr::prove(&all, i)
                .unwrap()
                .verify(&root, &all[i as usize])
                .unwrap_or_else(|e| panic!("{i} of {n}: {e:?}"));
        }
        assert_eq!(mmr::prove(&all, n), Err(RangeError::Index));
    }
}

#[test]
fn appending_keeps_exactly_the_naive_peaks_and_zeroes_behind_them() {
    let (mut peaks, mut count) = ([[9; 32]; MAX_PEAKS], 0);
    peaks = peaks.map(|_| ZERO);
    for n in 0..200u64 {
        count = mmr::append(count, &mut peaks, leaf(n)).unwrap();
        let naive = naive_peaks(&leaves(n + 1));
        assert_eq!(peaks[..naive.len()], naive[..]);
        assert!(peaks[naive.len()..].iter().all(|p| *p == ZERO));
    }
}

#[test]
fn too_little_room_or_too_many_leaves_are_refused_and_change_nothing() {
    // Three leaves have two peaks. A fourth leaf merges them, so both must be given.
    for (count, room) in [(3u64, 1usize), (0, 0), (2, 1), (7, 2)] {
        let mut peaks = vec![[1; 32]; room];
        assert_eq!(mmr::append(count, &mut peaks, leaf(0)), Err(RangeError::Peaks), "{count} leaves, room for {room}");
        assert_eq!(peaks, vec![[1; 32]; room]);
    }
    let mut peaks = [[1; 32]; MAX_PEAKS];
    assert_eq!(mmr::append(mmr::MAX_LEAVES, &mut peaks, leaf(0)), Err(RangeError::Full));
    assert_eq!(mmr::append(mmr::MAX_LEAVES - 1, &mut peaks, leaf(0)), Ok(mmr::MAX_LEAVES));
    assert_eq!(mmr::root(3, &[leaf(0)]), Err(RangeError::Peaks));
    assert_eq!(mmr::locate(mmr::MAX_LEAVES + 1, 0), Err(RangeError::Index));
}

#[test]
fn the_last_leaf_of_the_largest_range_is_where_it_should_be() {
    assert_eq!(mmr::locate(mmr::MAX_LEAVES, mmr::MAX_LEAVES - 1), Ok((MAX_PEAKS - 1, 0, 0)));
    assert_eq!(mmr::locate(mmr::MAX_LEAVES, 0), Ok((0, MAX_PEAKS as u32 - 1, 0)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn large_ranges_equal_the_naive_one(n in 1u64..3000, pick in any::<prop::sample::Index>()) {
        let all = leaves(n);
        let root = mmr::root_of(&all);
        prop_assert_eq!(root, naive_root(&all));
        let i = pick.index(n as usize);
        prop_assert!(mmr::prove(&all, i as u64).unwrap().verify(&root, &all[i]).is_ok());
    }

    #[test]
    fn a_proof_holds_for_its_own_leaf_place_and_count_only(
        n in 2u64..300,
        pick in any::<prop::sample::Index>(),
        other in any::<prop::sample::Index>(),
        wrong_count in 0u64..600,
    ) {
        let all = leaves(n);
        let root = mmr::root_of(&all);
        let i = pick.index(n as usize);
        let good = mmr::prove(&all, i as u64).unwrap();

        let j = other.index(n as usize);
        if j != i {
            prop_assert!(good.verify(&root, &all[j]).is_err(), "another leaf");
            let mut moved = good.clone();
            moved.index = j as u64;
            prop_assert!(moved.verify(&root, &all[i]).is_err(), "another place");
        }
        if wrong_count != n {
            let mut resized = good.clone();
            resized.count = wrong_count;
            prop_assert!(resized.verify(&root, &all[i]).is_err(), "another count");
        }
    }

    #[test]
    fn no_sibling_or_peak_can_be_changed_dropped_added_or_swapped(
        n in 2u64..300,
        pick in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        bit in 0usize..256,
    ) {
        let all = leaves(n);
        let root = mmr::root_of(&all);
        let i = pick.index(n as usize);
        let good = mmr::prove(&all, i as u64).unwrap();
        for (name, len) in [("siblings", good.siblings.len()), ("peaks", good.peaks.len())] {
            let edit = |change: &dyn Fn(&mut Vec<Hash32>)| {
                let mut bad = good.clone();
                change(if name == "siblings" { &mut bad.siblings } else { &mut bad.peaks });
                bad.verify(&root, &all[i])
            };
            prop_assert!(edit(&|v| v.push(ZERO)).is_err(), "{name}: one more");
            if len > 0 {
                let k = at.index(len);
                prop_assert!(edit(&|v| v[k][bit / 8] ^= 1 << (bit % 8)).is_err(), "{name}: bit {bit} of {k}");
                prop_assert!(edit(&|v| { v.remove(k); }).is_err(), "{name}: without {k}");
            }
            if len > 1 {
                let k = at.index(len - 1);
                prop_assert!(edit(&|v| v.swap(k, k + 1)).is_err(), "{name}: {k} swapped");
            }
        }
    }

    #[test]
    fn an_inner_node_cannot_be_passed_off_as_a_leaf(half in 1u64..64) {
        // Leaves 2i and 2i + 1 are replaced by their parent: the bag is the same, but the count differs.
        let all = leaves(2 * half);
        let parents: Vec<_> = all.chunks_exact(2).map(|p| mmr::node(&p[0], &p[1])).collect();
        prop_assert_ne!(mmr::root_of(&all), mmr::root_of(&parents));
    }

    #[test]
    fn garbage_is_refused_without_a_panic(
        count in any::<u64>(),
        index in any::<u64>(),
        siblings in prop::collection::vec(any::<Hash32>(), 0..40),
        peaks in prop::collection::vec(any::<Hash32>(), 0..40),
    ) {
        prop_assert!(mmr::verify(&leaf(1), count, index, &leaf(2), &siblings, &peaks).is_err());
    }
}
