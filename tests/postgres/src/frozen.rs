//! A server whose processes stand still.

use std::fs;

/// The stopped processes of a server. Dropping it lets them go on.
pub struct Frozen {
    processes: Vec<libc::pid_t>,
}

impl Frozen {
    /// Stops `main` and its children.
    pub(crate) fn new(main: libc::pid_t) -> Self {
        // The one that makes the others is stopped first, so that none is made meanwhile.
        signal(main, libc::SIGSTOP);
        let mut frozen = Self { processes: vec![main] };
        for child in children(main) {
            signal(child, libc::SIGSTOP);
            frozen.processes.push(child);
        }
        frozen
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        self.processes.iter().for_each(|process| signal(*process, libc::SIGCONT));
    }
}

fn signal(process: libc::pid_t, number: libc::c_int) {
    // SAFETY: kill(2) touches no memory. The processes are the server's, which lives as long as its handle.
    unsafe { libc::kill(process, number) };
}

/// The processes whose parent is `main`.
fn children(main: libc::pid_t) -> Vec<libc::pid_t> {
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    all.filter_map(|entry| {
        let process = entry.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        // The name, in brackets, may have spaces. State and parent follow it.
        let parent: libc::pid_t = stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()?;
        (parent == main).then_some(process)
    })
    .collect()
}
