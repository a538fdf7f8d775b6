//! Processes that take turns. Each is started once, and measures once for every line that it is sent.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::paths;

/// What one round took, in seconds.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Round {
    /// The index, on the wall.
    pub ready: f64,
    /// The index, of all threads together.
    pub ready_cpu: f64,
    /// A query, on the wall.
    pub query: f64,
}

/// A process that waits for its turns.
pub struct Player {
    name: String,
    child: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Player {
    /// Starts it. What it says on its error output goes to a log.
    pub fn start(name: &str, mut command: Command) -> Result<Self> {
        let path = paths::cache()?.join("logs").join(format!("turns-{}.log", name.replace(' ', "-")));
        fs::create_dir_all(path.parent().expect("logs is a folder"))?;
        let log = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().with_context(|| format!("cannot start {name}"))?;
        let (ask, answers) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
        Ok(Self { name: name.to_owned(), child, ask, answers: BufReader::new(answers) })
    }

    /// Has it measure once. Other lines that it prints are passed over.
    pub fn turn(&mut self) -> Result<Round> {
        writeln!(self.ask).with_context(|| format!("{} has ended; its log says why", self.name))?;
        let mut line = String::new();
        while self.answers.read_line(&mut line)? > 0 {
            if let Ok(round) = serde_json::from_str(&line) {
                return Ok(round);
            }
            line.clear();
        }
        bail!("{} has ended; its log says why", self.name)
    }

    /// Lets it write its result and end.
    pub fn finish(self) -> Result<()> {
        let Self { name, mut child, ask, mut answers } = self;
        drop(ask);
        std::io::copy(&mut answers, &mut std::io::sink())?;
        if !child.wait()?.success() {
            bail!("{name} failed at its end; its log says why");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_turn_is_answered_and_other_lines_are_passed_over() {
        let mut shell = Command::new("sh");
        let answer = r#"echo loading; while read _; do echo '{"ready": 2.0, "ready_cpu": 3.0, "query": 0.5}'; done"#;
        shell.args(["-c", answer]);
        let mut player = Player::start("a test", shell).unwrap();
        for _ in 0..2 {
            let round = player.turn().unwrap();
            assert_eq!((round.ready, round.ready_cpu, round.query), (2.0, 3.0, 0.5));
        }
        player.finish().unwrap();
    }

    #[test]
    fn a_process_that_ends_is_named() {
        let mut shell = Command::new("sh");
        shell.args(["-c", "exit 3"]);
        let mut player = Player::start("a test that ends", shell).unwrap();
        assert!(player.turn().unwrap_err().to_string().contains("a test that ends"));
        assert!(player.finish().is_err());
    }
}
