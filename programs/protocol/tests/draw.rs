//! The draw has the promised size on average, follows stake, and depends only on seed and key.

use openledger_protocol::{
    Hash32,
    draw::{is_drawn, verdict_commitment},
    hash::sha256,
};

fn key(n: u64) -> Hash32 {
    sha256(&[b"validator", &n.to_le_bytes()])
}

fn seed(n: u64) -> Hash32 {
    sha256(&[b"seed", &n.to_le_bytes()])
}

#[test]
fn panels_have_the_expected_size_and_weight_by_stake() {
    // 40 validators, the first ten with ten times the stake of the others.
    let stakes: Vec<u64> = (0..40).map(|i| if i < 10 { 10_000_000_000 } else { 1_000_000_000 }).collect();
    let total: u64 = stakes.iter().sum();
    let (draws, panel) = (4_000u64, 5u8);
    let (mut all, mut rich) = (0u64, 0u64);
    for s in 0..draws {
        for (i, stake) in stakes.iter().enumerate() {
            if is_drawn(&seed(s), &key(i as u64), *stake, total, panel) {
                all += 1;
                rich += u64::from(i < 10);
            }
        }
    }
    // A sum of Bernoulli trials: the mean is exact, six standard deviations are 6 * sqrt(5 * 4000) < 850.
    let expected = draws * u64::from(panel);
    assert!(all.abs_diff(expected) < 850, "{all} drawn, {expected} expected");
    let expected_rich = expected * 100 / 130;
    assert!(rich.abs_diff(expected_rich) < 850, "{rich} of the rich drawn, {expected_rich} expected");
}

#[test]
fn splitting_stake_over_wallets_does_not_raise_the_expected_seats() {
    let (total, panel, draws) = (100_000u64, 3u8, 6_000u64);
    let seats = |wallets: u64| -> u64 {
        let stake = 20_000 / wallets;
        (0..draws)
            .map(|s| (0..wallets).filter(|w| is_drawn(&seed(s), &key(1000 + w), stake, total, panel)).count() as u64)
            .sum()
    };
    // 0.6 seats a draw either way; six standard deviations of 6000 draws are under 360.
    for wallets in [1, 2, 10] {
        assert!(seats(wallets).abs_diff(draws * 6 / 10) < 360, "{wallets} wallets: {}", seats(wallets));
    }
}

#[test]
fn whoever_holds_a_panels_share_of_all_stake_always_sits_and_who_holds_none_never() {
    for s in 0..500 {
        assert!(is_drawn(&seed(s), &key(0), 20, 100, 5));
        assert!(is_drawn(&seed(s), &key(0), u64::MAX, u64::MAX, 255));
        assert!(!is_drawn(&seed(s), &key(0), 0, 100, 9));
        assert!(!is_drawn(&seed(s), &key(0), 1, 0, 9));
        assert!(!is_drawn(&seed(s), &key(0), 1, 100, 0));
    }
}

#[test]
fn more_stake_never_loses_a_seat() {
    for s in 0..300 {
        let drawn: Vec<bool> = (1..=50).map(|stake| is_drawn(&seed(s), &key(7), stake, 100, 2)).collect();
        assert!(drawn.windows(2).all(|w| w[0] <= w[1]), "seed {s}");
    }
}

#[test]
fn a_verdicts_commitment_binds_every_part() {
    let base = verdict_commitment(&[1; 32], &[2; 32], true, 9_000, &[3; 32]);
    let others = [
        verdict_commitment(&[9; 32], &[2; 32], true, 9_000, &[3; 32]),
        verdict_commitment(&[1; 32], &[9; 32], true, 9_000, &[3; 32]),
        verdict_commitment(&[1; 32], &[2; 32], false, 9_000, &[3; 32]),
        verdict_commitment(&[1; 32], &[2; 32], true, 9_001, &[3; 32]),
        verdict_commitment(&[1; 32], &[2; 32], true, 9_000, &[9; 32]),
    ];
    assert!(others.iter().all(|o| *o != base));
}
