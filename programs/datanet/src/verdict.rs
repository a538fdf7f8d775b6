//! The rules by which a panel decides.

use crate::state::{Batch, Config, Review};
use anchor_lang::prelude::Pubkey;

/// The decision on `batch` at `slot` under its quorum: `Some(true)` if it is accepted, `Some(false)` if it is rejected,
/// `None` while there is no decision.
///
/// A side wins with at least `quorum` verdicts, if that is also strictly more than the other side can still reach.
/// Verdicts that may still be revealed count for the other side. Otherwise the first validators to reveal could decide
/// alone when the quorum is a minority of the panel. After the reveal window, unrevealed verdicts count for neither
/// side. A tie is no decision.
pub fn decide(batch: &Batch, config: &Config, slot: u64) -> Option<bool> {
    let count = |verdict| batch.reviews.iter().filter(|r| r.approve == verdict).count();
    let (yes, no) = (count(Some(true)), count(Some(false)));
    let open = if slot > batch.reveals_until(config) { 0 } else { count(None) };
    let quorum = usize::from(batch.quorum);
    if yes >= quorum && yes > no + open {
        Some(true)
    } else if no >= quorum && no > yes + open {
        Some(false)
    } else {
        None
    }
}

/// Whether `batch` can no longer be decided at `slot`: too few validators committed, or the reveal window ended without
/// a decision.
pub fn is_hopeless(batch: &Batch, config: &Config, slot: u64) -> bool {
    let too_few = slot > batch.commit_until && batch.reviews.len() < usize::from(batch.quorum);
    too_few || (slot > batch.reveals_until(config) && decide(batch, config, slot).is_none())
}

/// The validators whose revealed verdict equals `approve`, in the order of commitment.
pub fn voters(reviews: &[Review], approve: bool) -> Vec<Pubkey> {
    reviews.iter().filter(|r| r.approve == Some(approve)).map(|r| r.validator).collect()
}

/// Mean quality of the approving verdicts, rounded down; 0 if nobody approved.
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
    use crate::state::{BATCH_PEAKS, BatchStatus, Version};

    fn batch(quorum: u8, verdicts: &[Option<bool>]) -> Batch {
        let review = |(i, approve): (usize, &Option<bool>)| Review {
            validator: Pubkey::new_from_array([i as u8; 32]),
            commitment: [0; 32],
            approve: *approve,
            quality: 1_000 * (i as u16 + 1),
        };
        Batch {
            version: Version::CURRENT,
            bump: 0,
            datanet: Pubkey::default(),
            index: 0,
            contributor: Pubkey::default(),
            status: BatchStatus::Review,
            count: 1,
            peaks: [[0; 32]; BATCH_PEAKS],
            bulk_root: [0; 32],
            manifest: [0; 32],
            bond: 0,
            panel_size: 9,
            quorum,
            submitted_slot: 5,
            seed: [1; 32],
            commit_until: 10,
            reveal_until: 20,
            reviews: verdicts.iter().enumerate().map(review).collect(),
            sequence: 0,
        }
    }

    /// A config that is paused until `paused_until`; 0 means never paused.
    fn config(paused_until: u64) -> Config {
        Config {
            version: Version::CURRENT,
            bump: 0,
            bond_bump: 0,
            authority: Pubkey::default(),
            pending_authority: None,
            open_mint: Pubkey::default(),
            forfeit_to: Pubkey::default(),
            commit_slots: 5,
            reveal_slots: 10,
            paused_until,
            sequence: 0,
        }
    }

    const YES: Option<bool> = Some(true);
    const NO: Option<bool> = Some(false);

    #[test]
    fn quorum_of_equal_verdicts_decides() {
        assert_eq!(decide(&batch(2, &[YES, YES, None]), &config(0), 15), Some(true));
        assert_eq!(decide(&batch(2, &[NO, NO, None]), &config(0), 15), Some(false));
        assert_eq!(decide(&batch(2, &[YES, None, None]), &config(0), 15), None);
    }

    #[test]
    fn first_to_reveal_cannot_decide_against_a_silent_majority() {
        let b = batch(2, &[YES, YES, None, None, None]);
        assert_eq!(decide(&b, &config(0), 20), None);
        assert_eq!(decide(&b, &config(0), 21), Some(true), "silence counts for nobody after the window");
    }

    #[test]
    fn tie_is_no_decision_and_expires_after_the_window() {
        let b = batch(1, &[YES, NO]);
        assert_eq!(decide(&b, &config(0), 99), None);
        assert!(!is_hopeless(&b, &config(0), 20));
        assert!(is_hopeless(&b, &config(0), 21));
    }

    #[test]
    fn too_few_commitments_are_hopeless_once_the_window_to_commit_has_closed() {
        assert!(!is_hopeless(&batch(2, &[None]), &config(0), 10));
        assert!(is_hopeless(&batch(2, &[None]), &config(0), 11));
        assert!(!is_hopeless(&batch(2, &[None, None]), &config(0), 11));
    }

    #[test]
    fn quality_is_the_mean_of_approving_verdicts_only() {
        assert_eq!(mean_quality(&batch(1, &[YES, NO, YES]).reviews), 2_000);
        assert_eq!(mean_quality(&batch(1, &[NO]).reviews), 0);
    }

    #[test]
    fn a_pause_gives_time_to_reveal_and_never_to_commit() {
        // The validators committed by slot 10. The program was then paused until slot 30, which is after the reveal
        // window.
        let b = batch(2, &[YES, YES, None, None, None]);
        assert_eq!(decide(&b, &config(30), 40), None, "the silent three could not speak");
        assert!(!is_hopeless(&b, &config(30), 40));
        assert_eq!(decide(&b, &config(30), 41), Some(true));
        assert!(is_hopeless(&batch(2, &[None]), &config(30), 30), "too few committed");
        assert_eq!(decide(&b, &config(5), 21), Some(true), "a pause before submission changes nothing");
        assert_eq!(batch(2, &[]).reveals_until(&config(6)), 20, "nor does one that leaves a whole window");
        assert_eq!(batch(2, &[]).reveals_until(&config(u64::MAX)), u64::MAX);
    }
}
