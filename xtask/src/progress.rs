//! Output for the user: spinners and bars on a terminal, plain lines elsewhere.

use std::{
    io::{IsTerminal, stderr},
    time::{Duration, Instant},
};

use console::style;
use indicatif::{ProgressBar, ProgressStyle};

/// Prints a line of plain English.
pub fn say(line: &str) {
    eprintln!("{} {line}", style("•").cyan());
}

/// Prints the error of a failed run with all its causes, each once.
pub fn failure(error: &anyhow::Error) {
    eprintln!("{} {error:#}", style("error:").red().bold());
}

/// The spinner of a step that takes a while.
pub struct Spinner {
    bar: Option<ProgressBar>,
    title: String,
    started: Instant,
}

impl Spinner {
    /// Shows `title`, as in "compiling the programs".
    pub fn start(title: &str) -> Self {
        let style = ProgressStyle::with_template("{spinner} {prefix} ({elapsed}) {wide_msg:.dim}");
        let bar = stderr().is_terminal().then(|| {
            let bar = ProgressBar::new_spinner().with_style(style.expect("the template is valid"));
            bar.set_prefix(title.to_owned());
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        if bar.is_none() {
            eprintln!("… {title}");
        }
        Self { bar, title: title.to_owned(), started: Instant::now() }
    }

    /// Shows the progress of the step.
    pub fn update(&self, message: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(message.to_owned());
        }
    }

    /// Replaces the spinner by a line that stays.
    pub fn done(self) {
        self.clear();
        eprintln!("{} {} ({:.0?})", style("✓").green(), self.title, self.started.elapsed());
    }

    /// Removes the spinner. An error message follows.
    pub fn abandon(self) {
        self.clear();
    }

    fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
