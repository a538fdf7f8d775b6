//! What one member sees of an epoch, and the list of numbers in which it says so.
//!
//! Members exchange plain lists of integers. Such a list has one number for each job, and then [`WIDTH`] for each
//! payment: the hash of the answer, and the distance of its weights.

use super::facts::Facts;
use anyhow::{Result, ensure};
use openledger_protocol::Hash32;

/// Stands for a distance that was not worked out.
const NOT_WORKED_OUT: u64 = u64::MAX;
/// Stands for a payment whose answer could not be looked for.
const UNKNOWN: [u64; WIDTH] = [u64::MAX; WIDTH];
/// Stands for a payment without an answer.
const NONE: [u64; WIDTH] = [0, 0, 0, 0, NOT_WORKED_OUT];
/// Numbers for each payment.
const WIDTH: usize = 5;
/// Most payments that members look at in one epoch. The others wait for the next one, whatever they are: whoever makes
/// very many small payments must not stop the settlement of the rest.
pub const MOST_PAYMENTS: usize = 100_000;

/// What a member sees of an epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// For each of [`Facts::jobs`]: whether the member has what paying its documents needs.
    pub jobs: Vec<bool>,
    /// For each of the first [`MOST_PAYMENTS`] payments: what the member sees of its answer.
    pub answers: Vec<Seen>,
}

/// What a member sees of the answer to a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It could not look, because its store failed.
    Unknown,
    /// There is no answer that is well formed and signed by the operator that was paid.
    None,
    /// There is an answer.
    Answer {
        /// SHA-256 of its canonical JSON.
        hash: Hash32,
        /// Distance of its receipt's weights from those that the member worked out, in parts per million. `None` if the
        /// member did not work them out.
        distance: Option<u64>,
    },
}

impl View {
    /// The list of numbers.
    pub fn write(&self) -> Vec<u64> {
        let jobs = self.jobs.iter().map(|ready| u64::from(*ready));
        jobs.chain(self.answers.iter().flat_map(Seen::write)).collect()
    }

    /// Reads a list of numbers. Fails if it does not have the length that the facts ask for.
    pub fn read(row: &[u64], facts: &Facts) -> Result<Self> {
        let (jobs, payments) = (facts.jobs().len(), facts.payments.len().min(MOST_PAYMENTS));
        let expected = jobs + payments * WIDTH;
        ensure!(row.len() == expected, "{} numbers for {jobs} jobs and {payments} payments: {expected}", row.len());
        let (jobs, answers) = row.split_at(jobs);
        let (answers, _) = answers.as_chunks::<WIDTH>();
        Ok(Self {
            jobs: jobs.iter().map(|ready| *ready == 1).collect(),
            answers: answers.iter().map(Seen::read).collect(),
        })
    }
}

impl Seen {
    fn write(&self) -> [u64; WIDTH] {
        match self {
            Self::Unknown => UNKNOWN,
            Self::None => NONE,
            Self::Answer { hash, distance } => {
                let (words, _) = hash.as_chunks::<8>();
                let mut row = [distance.unwrap_or(NOT_WORKED_OUT); WIDTH];
                for (number, word) in row.iter_mut().zip(words) {
                    *number = u64::from_le_bytes(*word);
                }
                row
            }
        }
    }

    fn read(row: &[u64; WIDTH]) -> Self {
        match *row {
            UNKNOWN => Self::Unknown,
            NONE => Self::None,
            [a, b, c, d, distance] => {
                let words = [a, b, c, d].map(u64::to_le_bytes);
                let hash = words.as_flattened().try_into().expect("four times eight bytes");
                Self::Answer { hash, distance: Some(distance).filter(|d| *d != NOT_WORKED_OUT) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settlement::facts::Payment;
    use proptest::prelude::*;
    use solana_pubkey::Pubkey;

    fn facts(payments: usize) -> Facts {
        let payment = |n: usize| Payment {
            request: [n as u8; 32],
            model: Pubkey::default(),
            operator: Pubkey::default(),
            transaction: String::new(),
            slot: 0,
            last_job: Pubkey::new_from_array([(n % 2) as u8; 32]),
            contributors: 1,
            validators: 1,
            held: 0,
        };
        Facts { payments: (0..payments).map(payment).collect(), ..Facts::default() }
    }

    fn seen() -> impl Strategy<Value = Seen> {
        let distance = prop::option::of(0u64..=2_000_000);
        prop_oneof![
            Just(Seen::Unknown),
            Just(Seen::None),
            (any::<[u8; 32]>(), distance).prop_map(|(hash, distance)| Seen::Answer { hash, distance }),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(answers in prop::collection::vec(seen(), 0..6), ready in any::<[bool; 2]>()) {
            let facts = facts(answers.len());
            let view = View { jobs: ready[..facts.jobs().len()].to_vec(), answers };
            prop_assert_eq!(View::read(&view.write(), &facts).unwrap(), view);
        }
    }

    #[test]
    fn a_list_of_another_length_is_refused() {
        for length in [0, 10, 13] {
            assert!(View::read(&vec![0; length], &facts(2)).is_err(), "{length}");
        }
        assert!(View::read(&[1; 12], &facts(2)).is_ok());
    }
}
