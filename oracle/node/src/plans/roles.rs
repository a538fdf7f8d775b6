//! What a hash of the job and each member's wallet decides: in which order members may take the job, and which
//! verifiers are paid.

use anyhow::{Context, Result, ensure};
use model::compute::ComputeShare;
use openledger_protocol::{Hash32, hash::sha256};
use solana_pubkey::Pubkey;

/// Number of verifiers that a result pays besides the trainer. With more of them the attested transaction exceeds 1,232
/// bytes.
const PAID_VERIFIERS: usize = 2;

/// The pay of the operators for a job's compute. The trainer comes first and is paid for all `tokens`.
/// [`PAID_VERIFIERS`] other members follow, and each is paid for the segment that it re-executes. The hash of job and
/// wallet draws them.
///
/// `price_per_1k` is in base units for 1,000 tokens. Fails if the trainer is not among `members` or an amount exceeds
/// `u64`.
pub fn compute_shares(
    job: &Pubkey,
    tokens: u64,
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
    let mut all = vec![share(trainer, tokens)?];
    for member in others.into_iter().take(PAID_VERIFIERS) {
        all.push(share(*member, tokens / segments.max(1))?);
    }
    Ok(all)
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
        let shares = compute_shares(&job, 10_000, 10, 2_000, members[2], &members).unwrap();
        assert_eq!(shares[0], ComputeShare { operator: members[2], units: 10_000, amount: 20_000 });
        assert!(shares[1..].iter().all(|s| s.units == 1_000 && s.amount == 2_000));
        assert_eq!(shares.len(), 1 + PAID_VERIFIERS);
        assert!(compute_shares(&job, 1, 1, 1, Pubkey::new_from_array([9; 32]), &members).is_err());
        assert!(compute_shares(&job, u64::MAX, 1, u64::MAX, members[0], &members).is_err());
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
