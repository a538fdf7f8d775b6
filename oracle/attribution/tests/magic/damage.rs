//! Damaged or foreign files are refused by name, or computed again.

use crate::job::{Job, base, config, examples, query};
use openledger_attribution::{
    AttributionError, Attributor, Magic, MagicSettings,
    magic::{GradientCache, TrainedRun},
};
use openledger_lm::{BaseModel, Digest, LlamaConfig, TrainConfig, TrainState, TrainingLog, sha256};
use std::sync::Arc;

fn no_states(_: Digest) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
    Err("there are none".into())
}

fn magic(run: TrainedRun) -> Magic {
    Magic::new(run, MagicSettings::default()).unwrap()
}

#[test]
fn a_missing_or_damaged_logged_state_is_named() {
    let job = Job::new(config());
    let (log, states) = job.train(job.trainer());
    let entry = log.entries[2].clone();
    let whole = states.lock().unwrap()[&entry.state_hash].clone();
    let mut damaged = whole.clone();
    *damaged.last_mut().unwrap() ^= 1;
    for (bytes, word) in [(Some(damaged), "sha256"), (None, "not there")] {
        let run = job.run_of(log.clone(), &states);
        match bytes {
            Some(bytes) => states.lock().unwrap().insert(entry.state_hash, bytes),
            None => states.lock().unwrap().remove(&entry.state_hash),
        };
        let error = magic(run).score(&query()).unwrap_err();
        assert!(matches!(error, AttributionError::LoggedState { step: 14, .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains(word) && text.contains(&hex::encode(entry.state_hash)), "{text}");
        states.lock().unwrap().insert(entry.state_hash, whole.clone());
    }
}

#[test]
fn a_log_that_does_not_replay_is_refused_with_its_segment() {
    let job = Job::new(config());
    let (mut log, states) = job.train(job.trainer());
    // The trainer moved one parameter a little, and logged the moved state.
    let mut forged = TrainState::from_bytes(&states.lock().unwrap()[&log.entries[2].state_hash]).unwrap();
    forged.params[5] += 1e-6;
    let bytes = forged.to_bytes().unwrap();
    log.entries[2].state_hash = sha256(&bytes);
    states.lock().unwrap().insert(sha256(&bytes), bytes);
    let error = magic(job.run_of(log, &states)).score(&query()).unwrap_err();
    // The walk first meets the segment that begins with the forged state.
    assert!(matches!(error, AttributionError::DoesNotReplay { from: 14, to: 21, .. }), "{error}");
}

#[test]
fn a_log_of_another_job_is_refused() {
    let job = Job::new(config());
    let (log, _) = job.train(job.trainer());
    let with = |base: Arc<BaseModel>, config: TrainConfig, log: &TrainingLog| {
        TrainedRun::new(base, config, examples(), log.clone(), Arc::new(no_states)).err()
    };
    assert!(with(base(), config(), &log).is_none());
    let mut cut = log.clone();
    cut.entries.pop();
    let mut swapped = log.clone();
    swapped.entries.swap(1, 2);
    let other = Arc::new(BaseModel::random(&LlamaConfig::tiny(), 12).unwrap());
    for (error, word) in [
        (with(base(), config(), &cut), "last step, 24"),
        (with(base(), config(), &swapped), "must rise"),
        (with(base(), config(), &TrainingLog::default()), "must rise"),
        (with(base(), TrainConfig { seed: 1, ..config() }, &log), "seed"),
    ] {
        match error {
            Some(AttributionError::Log(text)) => assert!(text.contains(word), "{text}"),
            other => panic!("{word}: {other:?}"),
        }
    }
    // The first state is that of any base model of this shape. Its replay is not.
    let (log, states) = job.train(job.trainer());
    let run = Job { base: other, ..job }.run_of(log, &states);
    assert!(matches!(magic(run).score(&query()), Err(AttributionError::DoesNotReplay { from: 21, to: 24, .. })));
}

#[test]
fn a_state_of_another_job_or_without_its_parts_is_refused() {
    let run = Job::new(config()).run();
    let one = magic(run.clone());
    let other = Magic::new(run, MagicSettings { first_step: 0.02, ..Default::default() }).unwrap();
    let state = one.begin(&query()).unwrap();
    let refused = |magic: &Magic, state| match magic.segment(&state) {
        Err(AttributionError::MagicState(text)) => text,
        other => panic!("{other:?}"),
    };
    assert!(refused(&other, state.clone()).contains("job"));
    let mut moved = state.clone();
    moved.step = 23;
    assert!(refused(&one, moved).contains("step 23"));
    let mut short = state.clone();
    short.derivatives.pop();
    assert!(refused(&one, short).contains("do not fit"));
    let mut narrow = state;
    narrow.adjoint.a.pop();
    assert!(refused(&one, narrow).contains("do not fit"));
}

#[test]
fn wrong_kept_gradients_are_computed_again() {
    let job = Job::new(config());
    let folder = tempfile::tempdir().unwrap();
    let cache = GradientCache::new(folder.path()).unwrap();
    let magic = magic(job.run()).with_cache(cache.clone());
    let scores = magic.score(&query()).unwrap();
    let whole: Vec<Vec<u8>> = (0..24).map(|s| std::fs::read(cache.path(s)).unwrap()).collect();

    // The damages are one flipped bit, a file of the wrong length, a missing file, and the gradients of another step.
    let mut flipped = whole[3].clone();
    flipped[6] ^= 0x40;
    std::fs::write(cache.path(3), flipped).unwrap();
    std::fs::write(cache.path(9), &whole[9][..8]).unwrap();
    std::fs::remove_file(cache.path(15)).unwrap();
    std::fs::write(cache.path(22), &whole[21]).unwrap();
    assert_eq!(magic.score(&query()).unwrap(), scores);
    for (step, bytes) in whole.iter().enumerate() {
        assert_eq!(&std::fs::read(cache.path(step as u64)).unwrap(), bytes, "step {step} is mended");
    }
}

/// T1: another kind of processor rounds differently, so that no state of its log is met to the bit.
#[test]
fn a_log_of_another_machine_is_walked_within_the_band_and_a_forged_one_is_not() {
    let job = Job::new(config());
    let (log, states) = job.train(job.trainer());
    let exact = magic(job.run_of(log.clone(), &states)).score(&query()).unwrap();
    let logged_with = |change: f32| {
        let (mut log, states) = (log.clone(), Arc::new(std::sync::Mutex::new(states.lock().unwrap().clone())));
        let last = log.entries.last_mut().unwrap();
        let mut state = TrainState::from_bytes(&states.lock().unwrap()[&last.state_hash]).unwrap();
        state.m.iter_mut().for_each(|m| *m *= 1.0 + change);
        let bytes = state.to_bytes().unwrap();
        last.state_hash = sha256(&bytes);
        states.lock().unwrap().insert(last.state_hash, bytes);
        job.run_of(log, &states)
    };
    let refused = |run: TrainedRun| matches!(magic(run).score(&query()), Err(AttributionError::DoesNotReplay { .. }));
    assert!(refused(logged_with(1e-5)));
    let near = magic(logged_with(1e-5).with_band(2e-4)).score(&query()).unwrap();
    assert_eq!(near.ids, exact.ids);
    let largest = exact.values.iter().fold(0.0_f32, |most, v| most.max(v.abs()));
    assert!(near.values.iter().zip(&exact.values).all(|(a, b)| (a - b).abs() <= 1e-2 * largest), "{near:?} {exact:?}");
    assert!(refused(logged_with(1e-3).with_band(2e-4)));
}
