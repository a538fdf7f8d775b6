//! Which jobs' logs a node verifies now.

use solana_pubkey::Pubkey;
use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};

/// The jobs whose logs are being verified. Cheap to clone.
#[derive(Clone, Default)]
pub struct Busy(Arc<Mutex<HashSet<Pubkey>>>);

impl Busy {
    /// Whether a job is marked.
    pub fn has(&self, job: &Pubkey) -> bool {
        self.0.lock().expect("no panic holds this lock").contains(job)
    }

    /// Marks a job until the returned value is dropped. `None` if the job is marked already, or `most` jobs are.
    pub fn mark(&self, job: Pubkey, most: usize) -> Option<Marked> {
        let mut jobs = self.0.lock().expect("no panic holds this lock");
        (jobs.len() < most && jobs.insert(job)).then(|| Marked { busy: self.clone(), job })
    }
}

/// Keeps a job marked.
pub struct Marked {
    busy: Busy,
    job: Pubkey,
}

impl Drop for Marked {
    fn drop(&mut self) {
        self.busy.0.lock().expect("no panic holds this lock").remove(&self.job);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_marked_once_until_its_mark_is_dropped_and_only_so_many_at_a_time() {
        let (busy, job) = (Busy::default(), |n: u8| Pubkey::new_from_array([n; 32]));
        let mark = busy.mark(job(1), 2).unwrap();
        assert!(busy.has(&job(1)) && busy.mark(job(1), 2).is_none());
        let _other = busy.mark(job(2), 2).unwrap();
        assert!(busy.mark(job(3), 2).is_none(), "two are marked already");
        drop(mark);
        assert!(!busy.has(&job(1)) && busy.mark(job(3), 2).is_some());
    }
}
