//! Runs PostgreSQL's short-lived programs within a time limit.

use std::{
    io::Read,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{PostgresError, account::Account};

const POLL: Duration = Duration::from_millis(10);

/// A command for one of PostgreSQL's programs, as the right account and in a folder that every account may enter.
pub(crate) fn command(bin: &Path, program: &str, account: Option<&Account>) -> Command {
    let mut command = Command::new(bin.join(program));
    command.current_dir("/").env("LC_ALL", "C.UTF-8").stdin(Stdio::null());
    if let Some(account) = account {
        command.uid(account.uid).gid(account.gid);
    }
    command
}

/// Waits for a child, at most until `limit` has passed.
pub(crate) fn wait(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let deadline = Instant::now() + limit;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < deadline => thread::sleep(POLL),
            _ => return None,
        }
    }
}

/// Runs a program to its end. Its output must fit a pipe (64 KiB), as that of `initdb` and `createdb` does.
pub(crate) fn run(mut command: Command, program: &'static str, limit: Duration) -> Result<(), PostgresError> {
    let failed = |output: String| PostgresError::Failed { program, output };
    let mut child =
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().map_err(|error| failed(error.to_string()))?;
    let Some(status) = wait(&mut child, limit) else {
        let _ = child.kill();
        let _ = child.wait();
        return Err(PostgresError::TimedOut { program, limit });
    };
    if status.success() {
        return Ok(());
    }
    let mut output = String::new();
    if let Some(mut stderr) = child.stderr.take() {
        let _ = stderr.read_to_string(&mut output);
    }
    Err(failed(output.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_hangs_is_stopped() {
        let mut sleep = Command::new("sleep");
        sleep.arg("60");
        let limit = Duration::from_millis(50);
        assert!(matches!(run(sleep, "sleep", limit), Err(PostgresError::TimedOut { program: "sleep", .. })));
    }

    #[test]
    fn what_a_program_complains_about_is_passed_on() {
        let mut ls = Command::new("ls");
        ls.arg("/no/such/file");
        let error = run(ls, "ls", Duration::from_secs(10)).unwrap_err().to_string();
        assert!(error.contains("/no/such/file"), "{error}");
    }
}
