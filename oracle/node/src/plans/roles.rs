//! What a hash of the job and each member's wallet decides: in which order members may take the job, and which
//! verifiers are paid.

use anyhow::{Context, Result, ensure};
use model::{compute::ComputeShare, state::MAX_SEGMENTS};
use openledger_protocol::{Hash32, hash::sha256};
use solana_pubkey::Pubkey;

/// Number of verifiers that a result pays besides the trainer. With more of them the attested transaction exceeds 1,232
/// bytes.
const PAID_VERIFIERS: usize = 2;

/// The pay of the operators for a job's compute. Its log has `segments` segments for each of its `runs`. The trainer
/// comes first and is paid for all `tokens`.
/// [`PAID_VERIFIERS`] other members follow, and each is paid for the segments that it re-executes. The hash of job and
/// wallet draws them.
///
/// `price_per_1k` is in base units for 1,000 tokens. Fails if the trainer is not among `members` or an amount exceeds
/// `u64`.
pub fn compute_shares(
    job: &Pubkey,
    tokens: u64,
    runs: u64,
    segments: u64,
    price_per_1k: u64,
    trainer: Pubkey,
    members: &[Pubkey],
) -> Result<Vec<ComputeShare>> {
    ensure!(members.contains(&trainer), "{trainer} is not in the committee");
    let share = |operator: Pubkey, units: u64| -> Result<ComputeShare> {
        let amount = u64::try_from(units as u128 * price_per_1k as u128 / 1000)
            .context("the price of this job exceeds u64; lower `train.price_per_1k_tokens`")?;
        Ok(ComputeShare { operator, units, amount })
    };
    let mut others: Vec<&Pubkey> = members.iter().filter(|m| **m != trainer).collect();
    others.sort_by_key(|m| ticket(job, m));
    let (runs, segments) = (runs.max(1), segments.max(1));
    let units = u128::from(tokens) * u128::from(verified_segments(runs, segments, others.len() as u64));
    let units = (units / (u128::from(runs) * u128::from(segments))) as u64;
    let mut all = vec![share(trainer, tokens)?];
    for member in others.into_iter().take(PAID_VERIFIERS) {
        all.push(share(*member, units)?);
    }
    Ok(all)
}

/// The most segments that one of `verifiers` members re-executes of a log of `runs` times `segments` if none of them is
/// silent: each run's first and last, and its part of those between.
fn verified_segments(runs: u64, segments: u64, verifiers: u64) -> u64 {
    runs * segments.min(2) + (runs * segments.saturating_sub(2)).div_ceil(verifiers.max(1))
}

/// Fails unless the log of `runs` runs of `steps` steps, with a state every `every` steps of each, has between 1 and
/// [`MAX_SEGMENTS`] segments in all, as the program demands of a log.
pub fn check_segments(runs: u64, steps: u64, every: u64) -> Result<()> {
    ensure!(steps > 0, "the job has no training steps: give it documents");
    ensure!(every > 0, "`train.checkpoint_every` must be at least 1");
    let (segments, most) = (steps.div_ceil(every).saturating_mul(runs), u64::from(MAX_SEGMENTS));
    let (log, fewer) = match runs {
        1 => (format!("the log of {steps} steps"), ""),
        _ => (format!("the log of {runs} runs of {steps} steps"), ", or `train.runs` lower"),
    };
    ensure!(
        segments <= most,
        "{log} would have {segments} segments, at most {most} are allowed: set `train.checkpoint_every` to {} or \
         more{fewer}",
        steps.div_ceil((most / runs.max(1)).max(1))
    );
    Ok(())
}

/// The place of `wallet`, from 0, in the order in which members may take a job. The order is that of the hash of job
/// and wallet. `None` if `wallet` is not a member.
pub fn rank(job: &Pubkey, members: &[Pubkey], wallet: &Pubkey) -> Option<u64> {
    members.contains(wallet).then(|| {
        let own = ticket(job, wallet);
        members.iter().filter(|m| ticket(job, m) < own).count() as u64
    })
}

fn ticket(job: &Pubkey, member: &Pubkey) -> Hash32 {
    sha256(&[job.as_ref(), member.as_ref()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_is_paid_for_what_it_does_and_no_more() {
        let members: Vec<Pubkey> = (0..5).map(|i| Pubkey::new_from_array([i; 32])).collect();
        let job = Pubkey::new_from_array([7; 32]);
        let shares = compute_shares(&job, 10_000, 1, 10, 2_000, members[2], &members).unwrap();
        assert_eq!(shares[0], ComputeShare { operator: members[2], units: 10_000, amount: 20_000 });
        // The first segment, the last, and two of the eight between.
        assert!(shares[1..].iter().all(|s| s.units == 4_000 && s.amount == 8_000));
        assert_eq!(shares.len(), 1 + PAID_VERIFIERS);
        // With two runs: two first segments, two last ones, and four of the sixteen between.
        let shares = compute_shares(&job, 20_000, 2, 10, 2_000, members[2], &members).unwrap();
        assert!(shares[0].units == 20_000 && shares[1..].iter().all(|s| s.units == 8_000), "{shares:?}");
        assert!(compute_shares(&job, 1, 1, 1, 1, Pubkey::new_from_array([9; 32]), &members).is_err());
        assert!(compute_shares(&job, u64::MAX, 1, 1, u64::MAX, members[0], &members).is_err());
    }

    #[test]
    fn a_verifier_is_paid_for_the_ends_and_its_part_of_the_rest() {
        let paid = [(1, 4, 1), (2, 4, 2), (3, 4, 3), (12, 4, 5), (12, 1, 12), (64, 4, 18), (12, 0, 12)];
        for (segments, verifiers, expected) in paid {
            assert_eq!(verified_segments(1, segments, verifiers), expected, "{segments}, {verifiers} verifiers");
        }
        for (runs, segments, expected) in [(2, 1, 2), (2, 2, 4), (2, 12, 9), (8, 8, 28)] {
            assert_eq!(verified_segments(runs, segments, 4), expected, "{runs} times {segments}");
        }
    }

    #[test]
    fn a_log_has_between_one_and_64_segments() {
        assert_eq!(MAX_SEGMENTS, 64);
        for (steps, every) in [(1, 1), (1, 1_000), (64, 1), (96, 8), (128, 2), (u64::MAX, u64::MAX)] {
            check_segments(1, steps, every).unwrap();
        }
        assert!(check_segments(1, 0, 8).is_err() && check_segments(1, 8, 0).is_err());
        let refused = format!("{:#}", check_segments(1, 129, 2).unwrap_err());
        assert!(refused.contains("65 segments") && refused.contains("to 3 or more"), "{refused}");
        check_segments(1, 129, 3).unwrap();
    }

    #[test]
    fn the_segments_of_all_runs_are_at_most_64() {
        for (runs, steps, every) in [(2, 32, 1), (2, 96, 3), (8, 64, 8), (3, 63, 3), (8, 1, 1)] {
            check_segments(runs, steps, every).unwrap();
        }
        let refused = |runs, steps, every| format!("{:#}", check_segments(runs, steps, every).unwrap_err());
        let two = refused(2, 96, 2);
        assert!(two.contains("2 runs of 96 steps would have 96 segments") && two.contains("to 3 or more"), "{two}");
        assert!(two.contains("`train.runs` lower"));
        // A run that ends within a segment has that segment alone, so 33 states of each are too many.
        assert!(refused(2, 97, 3).contains("66 segments"));
        assert!(refused(3, 64, 3).contains("66 segments") && refused(3, 64, 3).contains("to 4 or more"));
        assert!(check_segments(3, 64, 4).is_ok() && check_segments(8, u64::MAX, 1).is_err());
    }

    #[test]
    fn members_take_turns_in_an_order_that_the_job_decides() {
        let members: Vec<Pubkey> = (0..5).map(|i| Pubkey::new_from_array([i; 32])).collect();
        let job = Pubkey::new_from_array([7; 32]);
        let mut ranks: Vec<u64> = members.iter().map(|m| rank(&job, &members, m).unwrap()).collect();
        ranks.sort_unstable();
        assert_eq!(ranks, [0, 1, 2, 3, 4]);
        assert_eq!(rank(&job, &members, &job), None);
    }
}
