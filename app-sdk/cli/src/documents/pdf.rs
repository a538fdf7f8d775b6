//! The text of a PDF file. A process of its own reads it, because a PDF can be made so that whoever reads it overflows its
//! stack or its memory, or never ends.

use super::piece::Piece;
use openledger_text::printable;
use std::{
    io::{self, Read, Write},
    process::{Child, Command, ExitCode, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

/// The first argument that makes this program the process that [`read_pdf`]s. It is not for people, and help does not
/// show it.
pub const READ_PDF: &str = "read-pdf";

/// Most bytes of memory of the process, what its program takes included.
const MOST_MEMORY: u64 = 1 << 30;

/// Longest time that it may take.
const MOST_TIME: Duration = Duration::from_secs(30);

/// Most bytes of text that are taken from it. A small file may draw the same text very often.
const MOST_TEXT: u64 = 64 << 20;

/// The file's text, page after page. A scan has none.
pub fn piece(bytes: &[u8]) -> Result<Piece, String> {
    let this = std::env::current_exe().map_err(|e| format!("its PDF cannot be read, as this program is gone: {e}"))?;
    let text = answer(Command::new(this).arg(READ_PDF), bytes, MOST_TIME)?;
    let text = text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim().to_owned();
    if text.is_empty() {
        return Err("its PDF holds no text: if it is a scan, have its text recognised first".into());
    }
    Ok(Piece { title: None, text, row: None })
}

/// Reads a PDF from the standard input and prints its text, or why it has none.
pub fn read_pdf() -> ExitCode {
    limit(libc::RLIMIT_AS, MOST_MEMORY);
    limit(libc::RLIMIT_CPU, MOST_TIME.as_secs());
    // A process that fails at its limits leaves no image of its memory on the disk.
    limit(libc::RLIMIT_CORE, 0);
    let mut bytes = Vec::new();
    let read = io::stdin().lock().read_to_end(&mut bytes).map_err(|e| e.to_string());
    let text = read.and_then(|_| pdf_extract::extract_text_from_mem(&bytes).map_err(|e| e.to_string()));
    let (said, status) = match &text {
        Ok(text) => (text, ExitCode::SUCCESS),
        Err(reason) => (reason, ExitCode::FAILURE),
    };
    match io::stdout().lock().write_all(said.as_bytes()) {
        Ok(()) => status,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Limits this process. Where the system has no such limit, that on time still holds.
#[cfg(target_os = "linux")]
fn limit(resource: libc::__rlimit_resource_t, most: u64) {
    let limit = libc::rlimit { rlim_cur: most, rlim_max: most };
    // SAFETY: one system call, which reads `limit` alone.
    unsafe { libc::setrlimit(resource, &limit) };
}

/// Limits this process. Where the system has no such limit, that on time still holds.
#[cfg(not(target_os = "linux"))]
fn limit(resource: libc::c_int, most: u64) {
    let limit = libc::rlimit { rlim_cur: most, rlim_max: most };
    // SAFETY: one system call, which reads `limit` alone.
    unsafe { libc::setrlimit(resource, &limit) };
}

/// What a process prints about these bytes within this time. It is ended if it takes longer.
fn answer(command: &mut Command, bytes: &[u8], time: Duration) -> Result<String, String> {
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut process = piped.spawn().map_err(|e| format!("its PDF cannot be read, as no process starts: {e}"))?;
    let said = said(&mut process, bytes, time);
    // Whoever has said everything ends alone. Its status would be lost if it were ended here.
    if !matches!(&said, Some(said) if said.len() as u64 <= MOST_TEXT) {
        // It may have ended in between.
        let _ = process.kill();
    }
    let status = process.wait().map_err(|e| format!("its PDF does not read: {e}"))?;
    let said =
        said.ok_or(format!("its PDF takes longer than {} s to read: export it anew, or as text", time.as_secs()))?;
    if said.len() as u64 > MOST_TEXT {
        return Err(format!("its PDF holds more than {MOST_TEXT} bytes of text: divide it"));
    }
    let said = String::from_utf8_lossy(&said).into_owned();
    match status.code() {
        Some(0) => Ok(said),
        Some(1) => Err(format!("its PDF does not read: {}", printable(said.trim()))),
        _ => {
            Err("its PDF does not read within the memory and time that it may take: export it anew, or as text".into())
        }
    }
}

/// Gives a process these bytes and takes what it says until it says no more, or more than is taken. `None` if the time is
/// up first.
fn said(process: &mut Child, bytes: &[u8], time: Duration) -> Option<Vec<u8>> {
    let (input, output) = (process.stdin.take()?, process.stdout.take()?);
    let (sender, receiver) = mpsc::channel();
    let bytes = bytes.to_vec();
    thread::spawn(move || {
        let mut input = input;
        // A process that ends early wants no more.
        let _ = input.write_all(&bytes);
    });
    thread::spawn(move || {
        let mut said = Vec::new();
        let _ = output.take(MOST_TEXT + 1).read_to_end(&mut said);
        // Nobody waits for what comes too late.
        let _ = sender.send(said);
    });
    receiver.recv_timeout(time).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn what_takes_too_long_is_ended() {
        let begun = Instant::now();
        // It neither reads nor ends.
        let mut slow = Command::new("sleep");
        let error = answer(slow.arg("60"), &vec![0; 1 << 20], Duration::from_millis(50)).unwrap_err();
        assert!(error.contains("takes longer") && begun.elapsed() < Duration::from_secs(30), "{error}");
    }

    #[test]
    fn what_says_too_much_is_ended() {
        let error = answer(&mut Command::new("yes"), &[], Duration::from_secs(60)).unwrap_err();
        assert!(error.contains("divide it"), "{error}");
    }
}
