//! The demo's output while it works: one line of plain English for each step, with live bars on a terminal and plain
//! lines elsewhere.

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::{
    collections::BTreeMap,
    io::IsTerminal,
    time::{Duration, Instant},
};

/// The narrator.
pub struct Stage {
    bars: MultiProgress,
    live: bool,
    started: Instant,
    number: usize,
    step: Option<(&'static str, Instant)>,
    seconds: BTreeMap<String, f64>,
}

impl Default for Stage {
    fn default() -> Self {
        Self {
            bars: MultiProgress::new(),
            live: std::io::stderr().is_terminal(),
            started: Instant::now(),
            number: 0,
            step: None,
            seconds: BTreeMap::new(),
        }
    }
}

impl Stage {
    /// Begins a step. `key` names it in the summary's `seconds`.
    pub fn step(&mut self, key: &'static str, what: &str) {
        self.end_step();
        self.number += 1;
        self.step = Some((key, Instant::now()));
        let title = format!("{}. {what}", self.number);
        self.say(&console::style(title).bold().for_stderr().to_string());
    }

    /// Says a line.
    pub fn say(&self, line: &str) {
        if self.live {
            let _ = self.bars.println(line);
        } else {
            eprintln!("{line}");
        }
    }

    /// Says a line that belongs to the step.
    pub fn note(&self, line: impl AsRef<str>) {
        self.say(&format!("   {}", line.as_ref()));
    }

    /// A bar for work of a known length. Drop or finish it to remove it.
    pub fn bar(&self, total: u64, what: &str) -> ProgressBar {
        if !self.live {
            return ProgressBar::hidden();
        }
        let style = ProgressStyle::with_template("   {bar:30} {pos}/{len} {msg} {elapsed}").expect("a valid template");
        let bar = self.bars.add(ProgressBar::new(total).with_style(style).with_message(what.to_string()));
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }

    /// A spinner for work of unknown length.
    pub fn spinner(&self, what: &str) -> ProgressBar {
        if !self.live {
            return ProgressBar::hidden();
        }
        let style = ProgressStyle::with_template("   {spinner} {msg} {elapsed}").expect("a valid template");
        let bar = self.bars.add(ProgressBar::new_spinner().with_style(style).with_message(what.to_string()));
        bar.enable_steady_tick(Duration::from_millis(120));
        bar
    }

    /// Seconds of every step so far, and `total`.
    pub fn seconds(&mut self) -> BTreeMap<String, f64> {
        self.end_step();
        let mut all = self.seconds.clone();
        all.insert("total".into(), round(self.started.elapsed()));
        all
    }

    fn end_step(&mut self) {
        if let Some((key, since)) = self.step.take() {
            *self.seconds.entry(key.into()).or_default() += round(since.elapsed());
        }
    }
}

fn round(d: Duration) -> f64 {
    (d.as_secs_f64() * 10.0).round() / 10.0
}
