//! Handles Ctrl-C, SIGTERM and SIGHUP at any step: prints one message and leaves no child running.

use std::{
    process::exit,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicI32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// Process group of the running child; 0 if there is none.
static GROUP: AtomicI32 = AtomicI32::new(0);
/// What the child does, in words.
static DOING: Mutex<String> = Mutex::new(String::new());
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// How long a child may take to end before it is killed.
const PATIENCE: Duration = Duration::from_secs(10);

/// The exit code after Ctrl-C.
const EXIT_CODE: i32 = 130;

/// Installs the handler.
pub fn install() {
    ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::SeqCst) {
            return;
        }
        end_group(GROUP.load(Ordering::SeqCst));
        let doing = DOING.lock().map(|text| text.clone()).unwrap_or_default();
        let during = if doing.is_empty() { String::new() } else { format!(" while {doing}") };
        eprintln!("\nInterrupted{during}. Nothing is left running; the same command goes on from here.");
        exit(EXIT_CODE);
    })
    .expect("the handler is installed once");
}

/// Sets the process group that an interrupt ends; 0 for none.
pub fn watch(group: i32, doing: &str) {
    if let Ok(mut text) = DOING.lock() {
        doing.clone_into(&mut text);
    }
    GROUP.store(group, Ordering::SeqCst);
}

/// Blocks for ever once an interrupt has come, because its handler is about to end the process.
pub fn give_way() {
    while INTERRUPTED.load(Ordering::SeqCst) {
        thread::sleep(Duration::from_millis(50));
    }
}

/// Ends every process of a group: asks first, and kills after [`PATIENCE`].
fn end_group(group: i32) {
    if group == 0 {
        return;
    }
    // SAFETY: kill(2) of a group that we made; signal 0 only asks whether it exists.
    let signal = |signal| unsafe { libc::kill(-group, signal) } == 0;
    signal(libc::SIGTERM);
    let deadline = Instant::now() + PATIENCE;
    while signal(0) {
        if Instant::now() > deadline {
            signal(libc::SIGKILL);
            return;
        }
        thread::sleep(Duration::from_millis(20));
    }
}
