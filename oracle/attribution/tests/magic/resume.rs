//! A walk can stop anywhere and continue, and a published walk can be checked.

use crate::job::{Job, clipped, query};
use openledger_attribution::{
    AttributionError, Magic, MagicSettings,
    magic::{GradientCache, MagicState, TrainedRun},
};
use openledger_lm::{Digest, train::DirectorySink};
use std::{ops::ControlFlow, sync::Arc};

fn magic() -> Magic {
    Magic::new(Job::new(clipped()).run(), MagicSettings::default()).unwrap()
}

/// Every state of an uninterrupted walk, as published.
fn published(magic: &Magic) -> Vec<Vec<u8>> {
    let mut states = Vec::new();
    let mut sink = |_: Digest, bytes: Vec<u8>| {
        states.push(bytes);
        Ok(())
    };
    magic.finish(magic.begin(&query()).unwrap(), &mut sink, &mut |_| ControlFlow::Continue(())).unwrap();
    states
}

#[test]
fn a_walk_resumed_from_any_state_ends_in_the_same_bytes() {
    let magic = magic();
    let states = published(&magic);
    // The run is logged at steps 0, 7, 14, 21 and 24.
    assert_eq!(states.len(), 5);
    for bytes in &states {
        let state = MagicState::from_bytes(bytes).unwrap();
        let end = magic.finish(state, &mut |_, _| Ok(()), &mut |_| ControlFlow::Continue(())).unwrap().end;
        assert_eq!(&end.to_bytes().unwrap(), states.last().unwrap());
    }
}

#[test]
fn a_published_segment_is_checked_by_computing_it_again() {
    let (theirs, ours) = (magic(), magic());
    let states = published(&theirs);
    for pair in states.windows(2) {
        let again = ours.segment(&MagicState::from_bytes(&pair[0]).unwrap()).unwrap();
        assert_eq!(again.to_bytes().unwrap(), pair[1]);
    }
    let mut forged = MagicState::from_bytes(&states[2]).unwrap();
    forged.derivatives[0] *= 1.001;
    let again = ours.segment(&MagicState::from_bytes(&states[1]).unwrap()).unwrap();
    assert_ne!(again.hash().unwrap(), forged.hash().unwrap());
}

#[test]
fn a_stopped_walk_goes_on_from_its_last_stored_state() {
    let magic = magic();
    let whole = published(&magic);
    let mut stored = Vec::new();
    let stopped = magic.finish(
        magic.begin(&query()).unwrap(),
        &mut |_: Digest, bytes: Vec<u8>| {
            stored.push(bytes);
            Ok(())
        },
        &mut |p| if p.done == 5 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) },
    );
    assert!(matches!(stopped, Err(AttributionError::Stopped { done: 5, total: 24, .. })));
    // Steps 24 to 21 are stored. Two steps of the next segment are lost.
    assert_eq!(stored, whole[..2]);
    let state = MagicState::from_bytes(stored.last().unwrap()).unwrap();
    let mut told = Vec::new();
    let end = magic
        .finish(state, &mut |_, _| Ok(()), &mut |p| {
            told.push(p.done);
            ControlFlow::Continue(())
        })
        .unwrap()
        .end;
    assert_eq!(end.to_bytes().unwrap(), *whole.last().unwrap());
    assert_eq!(told, (4..=24).collect::<Vec<_>>());
}

#[test]
fn kept_gradients_give_the_same_bytes_whoever_kept_them() {
    let job = Job::new(clipped());
    let plain = published(&Magic::new(job.run(), MagicSettings::default()).unwrap());
    let folder = tempfile::tempdir().unwrap();

    let by_walk = GradientCache::new(folder.path().join("walk")).unwrap();
    let magic = Magic::new(job.run(), MagicSettings::default()).unwrap().with_cache(by_walk.clone());
    assert_eq!(published(&magic), plain);
    assert_eq!(published(&magic), plain);

    let by_trainer = GradientCache::new(folder.path().join("trainer")).unwrap();
    let (log, states) = job.train(job.trainer().with_observer(by_trainer.observer()));
    for step in 0..24 {
        assert_eq!(std::fs::read(by_trainer.path(step)).unwrap(), std::fs::read(by_walk.path(step)).unwrap());
    }
    let magic = Magic::new(job.run_of(log, &states), MagicSettings::default()).unwrap().with_cache(by_trainer);
    assert_eq!(published(&magic), plain);
}

#[test]
fn a_run_and_its_walk_live_in_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let mut sink = DirectorySink::new(folder.path()).unwrap();
    let job = Job::new(clipped());
    let log = job.trainer().run(&mut sink, &mut |_| ControlFlow::Continue(())).unwrap();
    let run = TrainedRun::new(job.base, job.config, job.examples, log, Arc::new(sink.clone())).unwrap();
    let stored = Magic::new(run, MagicSettings::default()).unwrap();
    let start = stored.begin(&query()).unwrap();
    let end = stored.finish(start, &mut sink, &mut |_| ControlFlow::Continue(())).unwrap().end;
    let bytes = sink.get(end.hash().unwrap()).unwrap();
    assert_eq!(bytes, *published(&magic()).last().unwrap());
    assert_eq!(MagicState::from_bytes(&bytes).unwrap().derivatives, end.derivatives);
}
