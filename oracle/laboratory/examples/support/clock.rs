//! Wall time and CPU time of this process.

use std::time::Instant;

/// Ticks of `/proc/self/stat` in a second. Linux has had this number on all its platforms for user space.
const TICKS: f64 = 100.0;

/// A moment.
pub struct Clock(Instant, f64);

impl Clock {
    /// Now.
    pub fn start() -> Self {
        Self(Instant::now(), cpu())
    }

    /// Seconds since then: on the wall, and of all threads together. The second is NaN where there is no `/proc`.
    pub fn seconds(&self) -> [f64; 2] {
        [self.0.elapsed().as_secs_f64(), cpu() - self.1]
    }
}

/// Seconds of CPU that this process has had, in user and in system mode.
fn cpu() -> f64 {
    let read = || -> Option<f64> {
        let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
        // The name of the program may hold blanks, so fields are counted from its closing bracket.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        Some((fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?) / TICKS)
    };
    read().unwrap_or(f64::NAN)
}
