//! PgBouncer in front of a server.

use std::{
    env, fs,
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{Postgres, PostgresError, account::Account, command::command, keeper::Keeper};

const READY_LIMIT: Duration = Duration::from_secs(20);

/// A running PgBouncer in transaction mode. Dropping it ends it.
pub struct PgBouncer {
    port: u16,
    // Fields drop in this order: the process ends before its folder goes.
    _process: Keeper,
    _folder: TempDir,
}

impl PgBouncer {
    /// Starts it on a free port of 127.0.0.1 in front of `server`, and returns when it takes connections. It shares
    /// `connections` connections to each database among all its clients, and gives each transaction the one that has
    /// rested longest. All else is as its authors have set it.
    pub fn start(server: &Postgres, connections: usize) -> Result<Self, PostgresError> {
        let bin = find().ok_or(PostgresError::NoPooler)?;
        let account = Account::to_become()?;
        let folder = tempfile::Builder::new().prefix("openledger-pgbouncer-").tempdir();
        let folder = folder.map_err(|source| PostgresError::Prepare { path: env::temp_dir(), source })?;
        let cannot = |source| PostgresError::Prepare { path: folder.path().to_owned(), source };
        let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).map_err(cannot)?.port();
        let (settings, log) = (folder.path().join("pgbouncer.ini"), folder.path().join("log"));
        let text = format!(
            "[databases]\n* = host=127.0.0.1 port={} user=postgres\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n\
             pool_mode = transaction\ndefault_pool_size = {connections}\nserver_round_robin = 1\nlogfile = {}\n",
            server.port(),
            log.display()
        );
        fs::write(&settings, text).map_err(cannot)?;
        if let Some(account) = &account {
            account.own(folder.path()).map_err(cannot)?;
            account.own(&settings).map_err(cannot)?;
        }
        let mut pooler = command(&bin, "pgbouncer", account.as_ref());
        pooler.arg("--quiet").arg(&settings);
        let process = Keeper::start(pooler).map_err(|e| failed(e.to_string()))?;
        wait_ready(port, &process, &log)?;
        Ok(Self { port, _process: process, _folder: folder })
    }

    /// The database of `url`, which is of the server behind it, through it.
    pub fn url(&self, server: &Postgres, url: &str) -> String {
        url.replace(&format!(":{}/", server.port()), &format!(":{}/", self.port))
    }
}

/// The folder with `pgbouncer`. Debian's is not on everybody's path.
fn find() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders = env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders.find(|folder| folder.join("pgbouncer").is_file())
}

fn wait_ready(port: u16, process: &Keeper, log: &Path) -> Result<(), PostgresError> {
    let deadline = Instant::now() + READY_LIMIT;
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        if process.ended() {
            return Err(failed(fs::read_to_string(log).unwrap_or_default()));
        }
        if Instant::now() > deadline {
            return Err(PostgresError::TimedOut { program: "pgbouncer", limit: READY_LIMIT });
        }
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

fn failed(output: String) -> PostgresError {
    PostgresError::Failed { program: "pgbouncer", output }
}
