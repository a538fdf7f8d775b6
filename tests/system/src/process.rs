//! Child processes that never outlive the demo.

use anyhow::{Context, Result, bail};
use std::{
    fs::File,
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

/// Computing threads of a process.
pub const THREADS: usize = 2;

/// A running child with its log.
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `program` with `args`. Both its streams go to `logs/NAME.log`. The kernel kills it when we die.
    pub fn start(name: &str, program: &Path, args: &[String], logs: &Path) -> Result<Self> {
        Self::start_with_threads(THREADS, name, program, args, logs)
    }

    /// Like [`start`](Self::start), with this many computing threads.
    pub fn start_with_threads(
        threads: usize,
        name: &str,
        program: &Path,
        args: &[String],
        logs: &Path,
    ) -> Result<Self> {
        let (process, _) = Self::spawn(threads, name, program, args, logs, false)?;
        Ok(process)
    }

    /// Like [`start`](Self::start), but also returns the first line that the process prints.
    pub fn start_and_read_line(name: &str, program: &Path, args: &[String], logs: &Path) -> Result<(Self, String)> {
        let (mut process, out) = Self::spawn(THREADS, name, program, args, logs, true)?;
        let mut lines = BufReader::new(out.context("stdout is piped")?).lines();
        let Some(line) = lines.next().transpose()? else {
            bail!("{}", process.epitaph());
        };
        // Keep reading, so that the child never blocks on a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Ok((process, line))
    }

    fn spawn(
        threads: usize,
        name: &str,
        program: &Path,
        args: &[String],
        logs: &Path,
        pipe: bool,
    ) -> Result<(Self, Option<ChildStdout>)> {
        std::fs::create_dir_all(logs)?;
        let log = logs.join(format!("{name}.log"));
        let file = File::options().create(true).append(true).open(&log)?;
        let mut command = Command::new(program);
        command
            .args(args)
            .env("RAYON_NUM_THREADS", threads.to_string())
            .env("CANDLE_NUM_THREADS", "1")
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(if pipe { Stdio::piped() } else { Stdio::from(file.try_clone()?) })
            .stderr(Stdio::from(file))
            // It gets its own process group, so that Ctrl-C reaches only us, and we stop the children in order.
            .process_group(0);
        // SAFETY: prctl is async-signal-safe and touches only the child.
        unsafe {
            command.pre_exec(|| {
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
                Ok(())
            });
        }
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start {}; build it with `cargo xtask demo`", program.display()))?;
        let out = child.stdout.take();
        Ok((Self { name: name.into(), child, log }, out))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Fails with the end of its log if it has died.
    pub fn check(&mut self) -> Result<()> {
        if self.child.try_wait()?.is_some() {
            bail!("{}", self.epitaph());
        }
        Ok(())
    }

    /// Kills it as a power cut would: no signal handler runs.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to stop. Kills it if it has not stopped within five seconds.
    pub fn stop(&mut self) {
        // SAFETY: the child has not been waited for, so its pid is still its own.
        if matches!(self.child.try_wait(), Ok(None)) {
            unsafe { libc::kill(self.child.id() as i32, libc::SIGTERM) };
        }
        let until = Instant::now() + Duration::from_secs(5);
        while Instant::now() < until {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.kill();
    }

    fn epitaph(&mut self) -> String {
        let status = self.child.wait().map(|s| s.to_string()).unwrap_or_default();
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let tail: Vec<&str> = log.lines().rev().take(12).collect();
        let tail: Vec<&str> = tail.into_iter().rev().collect();
        format!("{} ended ({status}); the end of {}:\n{}", self.name, self.log.display(), tail.join("\n"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
    }
}
