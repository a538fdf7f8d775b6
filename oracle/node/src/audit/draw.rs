//! Which answers are audited, and by whom. Both follow from a block that nobody knew when the answers were given.

use openledger_protocol::{Hash32, hash::sha256};
use openledger_sdk::artifact::{CountedAnswer, Divided, SettlementReport};
use solana_pubkey::Pubkey;

/// Most answers that are walked for an epoch.
const ANSWERS: usize = 2;

/// The answers to audit: of those that were paid by their receipts, the ones with the lowest hash of block and request.
pub fn drawn<'a>(report: &'a SettlementReport, block: &Hash32) -> Vec<&'a CountedAnswer> {
    let mut all: Vec<&CountedAnswer> =
        report.answers.iter().filter(|a| matches!(a.divided, Divided::Receipt { .. })).collect();
    all.sort_by_key(|a| sha256(&[b"audit", block, &a.request]));
    all.truncate(ANSWERS);
    all
}

/// The place of `wallet`, from 0, in the order in which members audit. `None` if it is not a member.
pub fn rank(block: &Hash32, members: &[Pubkey], wallet: &Pubkey) -> Option<usize> {
    let ticket = |member: &Pubkey| sha256(&[b"auditor", block, member.as_ref()]);
    let own = ticket(wallet);
    members.contains(wallet).then(|| members.iter().filter(|m| ticket(m) < own).count())
}

#[cfg(test)]
mod tests {
    use super::*;
    use openledger_sdk::artifact::NoAnswer;

    fn report(answers: u8) -> SettlementReport {
        let key = Pubkey::default();
        let answer = |n: u8| CountedAnswer {
            request: [n; 32],
            model: key,
            operator: key,
            transaction: String::new(),
            slot: 0,
            job: key,
            divided: match n % 2 {
                0 => Divided::Receipt { answer: [n; 32], weights: [n; 32], distance: 0 },
                _ => Divided::Training { because: NoAnswer::Missing },
            },
            contributors: 1.into(),
            validators: 1.into(),
        };
        SettlementReport {
            version: SettlementReport::VERSION,
            epoch: 1,
            cutoff_slot: 1,
            previous: None,
            band_ppm: 1,
            answers: (0..answers).map(answer).collect(),
            funded: vec![],
            models: vec![],
            documents: vec![],
            observations: vec![],
            observations_root: [0; 32],
            pools: vec![],
        }
    }

    #[test]
    fn a_block_draws_a_few_of_the_answers_that_receipts_paid() {
        let report = report(60);
        let requests = |block: u8| drawn(&report, &[block; 32]).iter().map(|a| a.request[0]).collect::<Vec<_>>();
        assert_eq!(requests(1).len(), ANSWERS);
        assert!((0..40).flat_map(requests).all(|r| r % 2 == 0));
        assert!((1..40).any(|block| requests(block) != requests(0)));
        assert_eq!(drawn(&super::tests::report(2), &[0; 32]).len(), 1);
    }

    #[test]
    fn every_member_has_its_place_in_the_order() {
        let members: Vec<Pubkey> = (0..5).map(|i| Pubkey::new_from_array([i; 32])).collect();
        let mut ranks: Vec<usize> = members.iter().map(|m| rank(&[9; 32], &members, m).unwrap()).collect();
        ranks.sort_unstable();
        assert_eq!(ranks, [0, 1, 2, 3, 4]);
        assert_eq!(rank(&[9; 32], &members, &Pubkey::new_from_array([77; 32])), None);
    }
}
