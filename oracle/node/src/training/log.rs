//! The checks of a training log that need no computing.

use anyhow::{Context, Result, ensure};
use openledger_protocol::{Hash32, hash::sha256, mmr};
use openledger_sdk::{
    Store,
    artifact::{Health, LogEntry},
};

/// The root that the trainer posts. It is over the log's states and over everything that is made of them: the index, the
/// training weights and the walk. So all of it is fixed before the block exists by which verifiers draw what they check.
pub fn root(log: &[LogEntry], index: &Hash32, weights: &Hash32, health: Option<&Health>) -> Hash32 {
    let walk: Vec<Hash32> = health.into_iter().flat_map(|h| h.walk.iter().map(|e| e.state)).collect();
    let made = sha256(&[b"openledger:training-outcome:v1", index, weights, &mmr::root_of(&walk)]);
    mmr::root_of(&[hashes(log), vec![made]].concat())
}

/// Fails unless `log` has the states that `runs` runs of `steps` steps log every `every` steps, run by run, and its
/// trainer has posted that it has `posted` segments.
pub fn check(log: &[LogEntry], posted: u16, runs: u64, steps: u64, every: u64) -> Result<()> {
    let segments = steps.div_ceil(every);
    let (made, states) = (runs * segments, runs * (segments + 1));
    ensure!(u64::from(posted) == made, "the posted log has {posted} segments, the job's config makes {made}");
    ensure!(log.len() as u64 == states, "the log has {} states instead of {states}", log.len());
    let due = (0..runs).flat_map(|_| (0..=segments).map(|i| (i * every).min(steps)));
    ensure!(log.iter().map(|e| e.step).eq(due), "the log's steps are not those of the config");
    Ok(())
}

/// A segment of a log.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Segment<'a> {
    /// The run that it is of.
    pub run: usize,
    /// The state that it begins at.
    pub from: &'a LogEntry,
    /// The state that it ends in.
    pub to: &'a LogEntry,
}

/// The segments of a log. Their places are the numbers by which members speak of them, through all runs. From the end of
/// a run to the start of the next there is no segment.
pub fn segments(log: &[LogEntry]) -> Vec<Segment<'_>> {
    let runs = LogEntry::runs(log).enumerate();
    runs.flat_map(|(run, log)| log.windows(2).map(move |pair| Segment { run, from: &pair[0], to: &pair[1] })).collect()
}

/// The hashes of the states that the segments end in.
pub fn ends(log: &[LogEntry]) -> Vec<Hash32> {
    segments(log).iter().map(|segment| segment.to.state).collect()
}

/// Fails unless every state of the log is in the artifact store, with `most` bytes at most. It does not read them: the
/// verifiers together do.
pub async fn check_stored(log: &[LogEntry], store: &Store, most: u64) -> Result<()> {
    for entry in log {
        check_size(&entry.state, store, most)
            .await
            .with_context(|| format!("the logged state of step {}", entry.step))?;
    }
    Ok(())
}

/// Fails unless a blob is in the artifact store, with `most` bytes at most. Somebody else has named it, and whoever reads
/// it has it in memory.
pub async fn check_size(hash: &Hash32, store: &Store, most: u64) -> Result<()> {
    let bytes = store.blob_bytes(hash).await?.context("it is not in the artifact store")?;
    ensure!(bytes <= most, "it has {bytes} bytes, and at most {most} are read");
    Ok(())
}

/// The hashes of the log's states.
fn hashes(log: &[LogEntry]) -> Vec<Hash32> {
    log.iter().map(|e| e.state).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A log of 20 steps, with a state every 8.
    fn log() -> Vec<LogEntry> {
        [0, 8, 16, 20].into_iter().map(|step| LogEntry { step, state: [step as u8 + 1; 32] }).collect()
    }

    fn refusal(log: &[LogEntry]) -> String {
        format!("{:#}", check(log, 3, 1, 20, 8).unwrap_err())
    }

    #[test]
    fn a_log_with_the_configs_steps_passes() {
        check(&log(), 3, 1, 20, 8).unwrap();
        let one = [LogEntry { step: 0, state: [1; 32] }, LogEntry { step: 20, state: [2; 32] }];
        check(&one, 1, 1, 20, 100).unwrap();
    }

    #[test]
    fn a_log_of_another_length_than_was_posted_is_refused() {
        for posted in [0, 2, 4, u16::MAX] {
            let refused = format!("{:#}", check(&log(), posted, 1, 20, 8).unwrap_err());
            assert!(refused.contains(&format!("has {posted} segments, the job's config makes 3")), "{refused}");
        }
    }

    #[test]
    fn the_segments_of_two_runs_are_numbered_through_and_none_leads_from_one_run_to_the_next() {
        let second = [0, 8, 16, 20].map(|step| LogEntry { step, state: [step as u8 + 101; 32] });
        let two = [log(), second.to_vec()].concat();
        check(&two, 6, 2, 20, 8).unwrap();
        let found: Vec<_> = segments(&two).iter().map(|s| (s.run, s.from.step, s.to.step)).collect();
        assert_eq!(found, [(0, 0, 8), (0, 8, 16), (0, 16, 20), (1, 0, 8), (1, 8, 16), (1, 16, 20)]);
        assert_eq!(ends(&two).iter().map(|state| state[0]).collect::<Vec<_>>(), [9, 17, 21, 109, 117, 121]);
        assert_eq!(ends(&log()), ends(&two)[..3]);
        // A run that is missing, one too many, or one that goes on where the run before it ended.
        assert!(check(&log(), 6, 2, 20, 8).is_err() && check(&two, 3, 1, 20, 8).is_err());
        assert!(check(&log(), 3, 2, 20, 8).is_err() && check(&two, 6, 1, 20, 8).is_err());
        let mut joined = two.clone();
        joined[4].step = 20;
        assert!(format!("{:#}", check(&joined, 6, 2, 20, 8).unwrap_err()).contains("steps"));
    }

    #[test]
    fn the_root_is_of_every_state_and_of_all_that_is_made_of_them() {
        let health = |state: u8| Health {
            agreement_ppm: 1,
            roughness_milli: 1,
            walk: vec![LogEntry { step: 0, state: [state; 32] }],
        };
        let own = root(&log(), &[50; 32], &[51; 32], Some(&health(52)));
        for entry in 0..4 {
            let mut bad = log();
            bad[entry].state = [99; 32];
            assert_ne!(root(&bad, &[50; 32], &[51; 32], Some(&health(52))), own);
        }
        assert_ne!(root(&log(), &[99; 32], &[51; 32], Some(&health(52))), own);
        assert_ne!(root(&log(), &[50; 32], &[99; 32], Some(&health(52))), own);
        assert_ne!(root(&log(), &[50; 32], &[51; 32], Some(&health(99))), own);
        assert_ne!(root(&log(), &[50; 32], &[51; 32], None), own);
    }

    #[test]
    fn wrong_steps_and_missing_or_added_states_are_refused() {
        let mut wrong = log();
        wrong[1].step = 9;
        assert!(refusal(&wrong).contains("steps"));
        assert!(refusal(&log()[..3]).contains("3 states instead of 4"));
        let longer = [log(), vec![LogEntry { step: 20, state: [50; 32] }]].concat();
        assert!(refusal(&longer).contains("5 states instead of 4"));
    }

    #[tokio::test]
    async fn a_log_with_a_state_that_is_missing_or_too_long_is_refused_unread() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::folder(folder.path()).unwrap();
        let mut log = Vec::new();
        for step in [0u64, 8] {
            log.push(LogEntry { step, state: store.put_blob(vec![step as u8; 9]).await.unwrap() });
        }
        check_stored(&log, &store, 9).await.unwrap();
        let refused = format!("{:#}", check_stored(&log, &store, 8).await.unwrap_err());
        assert!(refused.contains("step 0") && refused.contains("has 9 bytes, and at most 8 are read"), "{refused}");
        log.push(LogEntry { step: 16, state: [9; 32] });
        let refused = format!("{:#}", check_stored(&log, &store, 9).await.unwrap_err());
        assert!(refused.contains("step 16") && refused.contains("not in the artifact store"), "{refused}");
    }
}
