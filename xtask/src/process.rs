//! Runs other programs. Each runs in a process group of its own, so that an interrupt ends the whole group. No child
//! outlives us.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io,
    os::unix::process::CommandExt,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};

use crate::{interrupt, paths, progress::Spinner};

/// Number of lines of a failed program's output to show.
const TAIL: usize = 20;

/// Whether this process runs as root.
pub fn is_root() -> bool {
    // SAFETY: geteuid always succeeds and touches no memory.
    unsafe { libc::geteuid() == 0 }
}

/// Whether there is such a program on the PATH.
pub fn exists(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}

/// Whether a program runs and succeeds; its output is dropped.
pub fn succeeds<S: AsRef<OsStr>>(program: &str, arguments: &[S]) -> bool {
    let status =
        Command::new(program).args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|s| s.success())
}

/// Runs a program that writes to our terminal, as cargo does with its own progress.
///
/// `doing` completes "cannot …" and "interrupted while …", as in "compiling the programs".
pub fn run(mut command: Command, doing: &str) -> Result<()> {
    let mut child = spawn(&mut command, doing)?;
    let status = finish(&mut child, doing)?;
    if !status.success() {
        bail!("{doing} failed ({}); the reason is above", outcome(status));
    }
    Ok(())
}

/// Runs a program behind a spinner that shows the last line of its output. The output goes to the file `log` in the
/// cache.
pub fn run_quietly(mut command: Command, doing: &str, log: &str) -> Result<()> {
    let path = paths::cache()?.join("logs").join(format!("{log}.log"));
    fs::create_dir_all(path.parent().expect("logs is a folder"))?;
    let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    command.stdout(file.try_clone()?).stderr(file);
    let spinner = Spinner::start(doing);
    let mut child = spawn(&mut command, doing)?;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        spinner.update(last_line(&fs::read_to_string(&path).unwrap_or_default()));
        thread::sleep(Duration::from_millis(200));
    };
    ended();
    if !status.success() {
        spinner.abandon();
        let output = fs::read(&path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
        bail!("{doing} failed ({}). Its last lines, of {}:\n{}", outcome(status), path.display(), tail(&output, TAIL));
    }
    spinner.done();
    Ok(())
}

/// Runs a program and returns its standard output. Its standard error goes to our terminal.
pub fn output(mut command: Command, doing: &str) -> Result<String> {
    command.stdout(Stdio::piped());
    let child = spawn(&mut command, doing)?;
    let output = child.wait_with_output();
    ended();
    let output = output.with_context(|| format!("{doing} failed"))?;
    if !output.status.success() {
        bail!("{doing} failed ({}); the reason is above", outcome(output.status));
    }
    String::from_utf8(output.stdout).with_context(|| format!("{doing} gave output that is not UTF-8"))
}

/// Replaces this process by another program, which then handles Ctrl-C itself.
pub fn become_program(mut command: Command) -> Result<()> {
    let error = command.exec();
    bail!("cannot run {}: {error}", command.get_program().display())
}

fn spawn(command: &mut Command, doing: &str) -> Result<Child> {
    command.stdin(Stdio::null()).process_group(0);
    let end_with_us = || {
        // SAFETY: one system call, safe between fork and exec.
        match unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    };
    // SAFETY: the closure allocates nothing.
    unsafe { command.pre_exec(end_with_us) };
    interrupt::give_way();
    let child = command.spawn().with_context(|| format!("{doing}: cannot run {}", command.get_program().display()))?;
    interrupt::watch(child.id() as i32, doing);
    Ok(child)
}

fn finish(child: &mut Child, doing: &str) -> Result<ExitStatus> {
    let status = child.wait();
    ended();
    status.with_context(|| format!("{doing} failed"))
}

fn ended() {
    interrupt::give_way();
    interrupt::watch(0, "");
}

fn outcome(status: ExitStatus) -> String {
    status.code().map_or_else(|| status.to_string(), |code| format!("exit code {code}"))
}

/// The last line that is not blank.
pub fn last_line(output: &str) -> &str {
    output.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default().trim()
}

/// The last lines, indented.
pub fn tail(output: &str, lines: usize) -> String {
    let all: Vec<_> = output.lines().collect();
    all[all.len().saturating_sub(lines)..].iter().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_keeps_the_last_lines_in_order() {
        assert_eq!(tail("a\nb\nc\n", 2), "    b\n    c");
        assert_eq!(last_line("a\nb\n\n"), "b");
        assert_eq!(last_line(""), "");
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = format!("{:#}", run(Command::new("no-such-program"), "trying").unwrap_err());
        assert!(error.contains("no-such-program"), "{error}");
    }

    #[test]
    fn a_failure_gives_the_exit_code() {
        let mut sh = Command::new("sh");
        sh.args(["-c", "exit 7"]);
        assert!(run(sh, "trying").unwrap_err().to_string().contains("exit code 7"));
    }
}
