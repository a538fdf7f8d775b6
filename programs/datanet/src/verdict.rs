//! When a panel has decided, and what.

use crate::state::{Batch, Review};
use anchor_lang::prelude::Pubkey;

/// The decision on `batch` at `slot` under `quorum`: accepted or rejected, or `None` while open.
///
/// A side wins with at least `quorum` verdicts and strictly more than the other could still reach. Counting the
/// verdicts that may yet be revealed keeps the first to reveal from deciding alone where the quorum is a minority of
/// the panel. After the reveal window silence counts for nobody; a tie is no decision.
pub fn decide(batch: &Batch, quorum: u8, slot: u64) -> Option<bool> {
    let count = |verdict| batch.reviews.iter().filter(|r| r.approve == verdict).count();
    let (yes, no) = (count(Some(true)), count(Some(false)));
    let open = if slot > batch.reveal_until { 0 } else { count(None) };
    let quorum = usize::from(quorum);
    if yes >= quorum && yes > no + open {
        Some(true)
    } else if no >= quorum && no > yes + open {
        Some(false)
    } else {
        None
    }
}

/// Whether `batch` can never be decided any more at `slot`: nobody was heard in time, or too few committed.
pub fn is_hopeless(batch: &Batch, quorum: u8, slot: u64) -> bool {
    let too_few = slot > batch.commit_until && batch.reviews.len() < usize::from(quorum);
    too_few || (slot > batch.reveal_until && decide(batch, quorum, slot).is_none())
}

/// The validators whose verdict was `approve`, in the order of commitment.
pub fn voters(reviews: &[Review], approve: bool) -> Vec<Pubkey> {
    reviews.iter().filter(|r| r.approve == Some(approve)).map(|r| r.validator).collect()
}

/// Mean quality of the approving verdicts, rounded down; 0 where nobody approved.
pub fn mean_quality(reviews: &[Review]) -> u16 {
    let (mut sum, mut count) = (0u32, 0u32);
    for r in reviews.iter().filter(|r| r.approve == Some(true)) {
        sum += u32::from(r.quality);
        count += 1;
    }
    sum.checked_div(count).unwrap_or(0) as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{BATCH_PEAKS, BatchStatus};

    fn batch(verdicts: &[Option<bool>]) -> Batch {
        let review = |(i, approve): (usize, &Option<bool>)| Review {
            validator: Pubkey::new_from_array([i as u8; 32]),
            commitment: [0; 32],
            approve: *approve,
            quality: 1_000 * (i as u16 + 1),
        };
        Batch {
            version: 1,
            bump: 0,
            datanet: Pubkey::default(),
            index: 0,
            contributor: Pubkey::default(),
            status: BatchStatus::Review,
            count: 1,
            peaks: [[0; 32]; BATCH_PEAKS],
            manifest: [0; 32],
            bond: 0,
            submitted_slot: 0,
            seed: [1; 32],
            commit_until: 10,
            reveal_until: 20,
            reviews: verdicts.iter().enumerate().map(review).collect(),
            sequence: 0,
        }
    }

    const YES: Option<bool> = Some(true);
    const NO: Option<bool> = Some(false);

    #[test]
    fn quorum_of_equal_verdicts_decides() {
        assert_eq!(decide(&batch(&[YES, YES, None]), 2, 15), Some(true));
        assert_eq!(decide(&batch(&[NO, NO, None]), 2, 15), Some(false));
        assert_eq!(decide(&batch(&[YES, None, None]), 2, 15), None);
    }

    #[test]
    fn first_to_reveal_cannot_decide_against_a_silent_majority() {
        let b = batch(&[YES, YES, None, None, None]);
        assert_eq!(decide(&b, 2, 20), None);
        assert_eq!(decide(&b, 2, 21), Some(true), "silence counts for nobody after the window");
    }

    #[test]
    fn tie_is_no_decision_and_expires_after_the_window() {
        let b = batch(&[YES, NO]);
        assert_eq!(decide(&b, 1, 99), None);
        assert!(!is_hopeless(&b, 1, 20));
        assert!(is_hopeless(&b, 1, 21));
    }

    #[test]
    fn too_few_commitments_are_hopeless_once_the_window_to_commit_has_closed() {
        assert!(!is_hopeless(&batch(&[None]), 2, 10));
        assert!(is_hopeless(&batch(&[None]), 2, 11));
        assert!(!is_hopeless(&batch(&[None, None]), 2, 11));
    }

    #[test]
    fn quality_is_the_mean_of_approving_verdicts_only() {
        assert_eq!(mean_quality(&batch(&[YES, NO, YES]).reviews), 2_000);
        assert_eq!(mean_quality(&batch(&[NO]).reviews), 0);
    }
}
