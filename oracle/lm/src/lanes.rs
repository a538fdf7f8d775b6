//! Runs independent passes over a model side by side, each on threads of its own.
//!
//! The matrix products of a small batch are too short to keep several threads busy: the threads wait for one another
//! more than they work. Passes that do not depend on each other are faster if each has a few threads to itself. The
//! result of a pass does not depend on the number of its threads (`tests/threads.rs`), so only the time changes.

use candle_core::Device;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::thread;

/// Rayon's threads, divided among passes.
pub struct Lanes(Vec<ThreadPool>);

impl Lanes {
    /// Lanes for at most `most` passes at a time. There is only one lane on a GPU, which divides its own work, and on a
    /// machine with one thread.
    pub fn new(device: &Device, most: usize) -> Self {
        let threads = rayon::current_num_threads();
        let count = if matches!(device, Device::Cpu) { most.min(threads) } else { 1 };
        if count <= 1 {
            return Self(Vec::new());
        }
        let pool = || ThreadPoolBuilder::new().num_threads(threads / count).build();
        // If no pool can be made, passes share the global threads. The result is the same, only slower.
        Self((0..count).map(|_| pool()).collect::<Result<_, _>>().unwrap_or_default())
    }

    /// Number of passes that run at a time.
    pub fn count(&self) -> usize {
        self.0.len().max(1)
    }

    /// Calls `f` on every item and returns the results in the items' order. A group of one item uses all threads.
    pub fn map<I: Send, T: Send>(&self, items: impl IntoIterator<Item = I>, f: impl Fn(I) -> T + Sync) -> Vec<T> {
        let mut items = items.into_iter();
        let mut out = Vec::new();
        loop {
            let group = self.group(items.by_ref().take(self.count()).collect(), &f);
            if group.is_empty() {
                return out;
            }
            out.extend(group);
        }
    }

    /// Like [`Self::map`], but gives the results of each group of passes to `take`, in the items' order, before the
    /// next group begins. So only a few results are held at once. Stops at the first error of `f` or of `take` and
    /// returns it.
    pub fn try_for_each<I: Send, T: Send, E: Send>(
        &self,
        items: impl IntoIterator<Item = I>,
        f: impl Fn(I) -> Result<T, E> + Sync,
        mut take: impl FnMut(T) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut items = items.into_iter();
        loop {
            let group = self.group(items.by_ref().take(self.count()).collect(), &f);
            if group.is_empty() {
                return Ok(());
            }
            group.into_iter().try_for_each(|result| take(result?))?;
        }
    }

    /// Calls `f` on no more items than there are lanes.
    fn group<I: Send, T: Send>(&self, items: Vec<I>, f: &(impl Fn(I) -> T + Sync)) -> Vec<T> {
        if items.len() <= 1 {
            return items.into_iter().map(f).collect();
        }
        thread::scope(|scope| {
            let passes: Vec<_> =
                self.0.iter().zip(items).map(|(pool, item)| scope.spawn(move || pool.install(|| f(item)))).collect();
            let joined = passes.into_iter().map(|pass| pass.join());
            joined.map(|result| result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_threads<T: Send>(threads: usize, f: impl FnOnce() -> T + Send) -> T {
        ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(f)
    }

    #[test]
    fn threads_are_divided_and_results_keep_their_order() {
        for (threads, most, count) in [(1, 4, 1), (2, 2, 2), (5, 2, 2), (3, 8, 3)] {
            let seen = with_threads(threads, || {
                let lanes = Lanes::new(&Device::Cpu, most);
                assert_eq!(lanes.count(), count);
                lanes.map(0..7, |i| (i, rayon::current_num_threads()))
            });
            assert_eq!(seen.iter().map(|(i, _)| *i).collect::<Vec<_>>(), (0..7).collect::<Vec<_>>());
            let alone = 7 % count == 1 && count > 1;
            for (i, used) in seen {
                let all = count == 1 || (alone && i == 6);
                assert_eq!(used, if all { threads } else { threads / count }, "{threads} {most} {i}");
            }
        }
    }

    #[test]
    fn results_are_given_away_in_order_until_one_fails() {
        let mut taken = Vec::new();
        let ended = with_threads(2, || {
            let lanes = Lanes::new(&Device::Cpu, 2);
            let take = |i| {
                taken.push(i);
                Ok(())
            };
            lanes.try_for_each(0..9, |i| if i == 5 { Err(i) } else { Ok(i) }, take)
        });
        assert_eq!((ended, taken), (Err(5), vec![0, 1, 2, 3, 4]));
        assert_eq!(Lanes::new(&Device::Cpu, 1).try_for_each(0..3, Ok, |i| if i < 2 { Ok(()) } else { Err(i) }), Err(2));
    }

    #[test]
    #[should_panic(expected = "of a pass")]
    fn a_panic_is_passed_on() {
        with_threads(2, || Lanes::new(&Device::Cpu, 2).map(0..2, |i| assert!(i < 1, "of a pass")));
    }
}
