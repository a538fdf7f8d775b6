//! The machine that a benchmark ran on.

use std::{fs, process::Command, thread};

use crate::{paths, process};

/// Number of threads for every library.
pub fn threads() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// One line of cores, processor, memory and commit.
pub fn describe() -> String {
    let field = |file: &str, name: &str| {
        let text = fs::read_to_string(file).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(name)).and_then(|line| line.split_once(':'));
        line.map_or_else(|| "unknown".into(), |(_, value)| value.trim().to_owned())
    };
    let kib: u64 = field("/proc/meminfo", "MemTotal").trim_end_matches(" kB").parse().unwrap_or(0);
    let mut git = Command::new("git");
    git.args(["describe", "--always", "--dirty"]).current_dir(paths::root());
    let commit = process::output(git, "reading the commit").unwrap_or_default();
    format!(
        "{} cores of {}, {} GiB of memory; commit {}",
        threads(),
        field("/proc/cpuinfo", "model name"),
        (kib + (1 << 19)) >> 20,
        commit.trim()
    )
}
