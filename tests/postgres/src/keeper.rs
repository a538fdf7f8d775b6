//! The thread that starts the server process and lives as long as it.
//!
//! The kernel's parent-death signal goes out when the *thread* that started a child ends. A server that is started from
//! a short-lived thread, such as one of a runtime's blocking pool, would be killed in the middle of its work. So each
//! server has a thread of its own that lives exactly as long as the server should.

use std::{
    io,
    os::unix::process::CommandExt,
    process::{Child, Command},
    sync::mpsc::{self, Receiver, Sender},
    thread::{self, JoinHandle},
    time::Duration,
};

use crate::command::wait;

/// How long a fast shutdown may take before the process is killed.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(20);

/// A server process and its thread. Dropping it shuts the server down and waits for it.
pub(crate) struct Keeper {
    /// Dropped to tell the thread to stop the server.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Starts the process. If our process dies in any way, the server gets SIGINT, which is PostgreSQL's fast shutdown.
    pub fn start(mut command: Command) -> io::Result<Self> {
        let parent = std::process::id() as libc::pid_t;
        let die_with_parent = move || {
            // SAFETY: both are plain system calls, safe between fork and exec.
            unsafe {
                if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGINT) != 0 {
                    return Err(io::Error::last_os_error());
                }
                // We may have died before the call above.
                if libc::getppid() != parent {
                    return Err(io::Error::other("the parent process is gone"));
                }
            }
            Ok(())
        };
        // SAFETY: the closure allocates only on its error paths, where the child exits at once.
        unsafe { command.pre_exec(die_with_parent) };
        let (stop, stopped) = mpsc::channel();
        let (started_sender, started) = mpsc::channel();
        let thread = thread::Builder::new().name("postgres-keeper".into()).spawn(move || {
            let child = command.spawn();
            let _ =
                started_sender.send(child.as_ref().map(|_| ()).map_err(|e| io::Error::new(e.kind(), e.to_string())));
            if let Ok(child) = child {
                keep(child, &stopped);
            }
        })?;
        started.recv().map_err(io::Error::other)??;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }

    /// Whether the process is gone.
    pub fn ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Waits until the process ends by itself or is to be stopped, and stops it.
fn keep(mut child: Child, stopped: &Receiver<()>) {
    while stopped.recv_timeout(Duration::from_millis(100)) == Err(mpsc::RecvTimeoutError::Timeout) {
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
    }
    // SAFETY: kill(2) of our own child, which has not been waited for.
    unsafe { libc::kill(child.id() as libc::pid_t, libc::SIGINT) };
    if wait(&mut child, SHUTDOWN_LIMIT).is_none() {
        tracing::warn!("PostgreSQL did not shut down within {SHUTDOWN_LIMIT:?}: killing it");
        let _ = child.kill();
        let _ = child.wait();
    }
}
