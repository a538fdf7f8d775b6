//! The server: its data folder, its start, its databases.

use std::{
    fs::{self, File, Permissions},
    io,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{
    PostgresError,
    account::Account,
    binaries,
    command::{command, run},
    frozen::Frozen,
    keeper::Keeper,
};

const INITDB_LIMIT: Duration = Duration::from_secs(60);
const READY_LIMIT: Duration = Duration::from_secs(60);
const CREATEDB_LIMIT: Duration = Duration::from_secs(30);

/// Most attempts to start, each with another free port. Another process can take a port between our check and the
/// server's binding.
const ATTEMPTS: u32 = 3;

/// Name of the server's log in its data folder.
const LOG: &str = "server.log";

/// Names of certificate, key and the list of who is let in, in the data folder.
const CERTIFICATE: &str = "server.crt";
const KEY: &str = "server.key";
const ADMITTED: &str = "pg_hba.conf";

/// A running PostgreSQL server. Dropping it shuts it down and removes its data, unless a folder was given.
pub struct Postgres {
    port: u16,
    bin: PathBuf,
    data: PathBuf,
    // Fields drop in this order: the server ends before its folder goes.
    server: Keeper,
    _temporary: Option<TempDir>,
}

impl Postgres {
    /// Starts a server on a free port of 127.0.0.1 and returns when it takes connections.
    ///
    /// With a `data_dir` the data stay there, are written durably, and are used again by the next start. Without one,
    /// the data are in a temporary folder, and the server trades durability for speed.
    pub fn start(data_dir: Option<&Path>) -> Result<Self, PostgresError> {
        Self::launch(data_dir, None, None)
    }

    /// Like [`Self::start`] with a folder, on this port of 127.0.0.1.
    pub fn start_at(port: u16, data_dir: &Path) -> Result<Self, PostgresError> {
        Self::launch(Some(data_dir), Some(port), None)
    }

    /// Like [`Self::start`] without a folder, for a server that speaks TLS alone. `certificate` and `key` are in PEM form.
    pub fn start_with_tls(certificate: &str, key: &str) -> Result<Self, PostgresError> {
        Self::launch(None, None, Some((certificate, key)))
    }

    fn launch(data_dir: Option<&Path>, kept: Option<u16>, tls: Option<(&str, &str)>) -> Result<Self, PostgresError> {
        let bin = binaries::find()?;
        let account = Account::to_become()?;
        let (data, temporary) = match data_dir {
            Some(folder) => (std::path::absolute(folder).map_err(cannot(folder))?, None),
            None => {
                let folder = tempfile::Builder::new().prefix("openledger-postgres-").tempdir();
                let folder = folder.map_err(cannot(&std::env::temp_dir()))?;
                (folder.path().to_owned(), Some(folder))
            }
        };
        initialise(&bin, &data, account.as_ref())?;
        if let Some((certificate, key)) = tls {
            secure(&data, account.as_ref(), certificate, key)?;
        }
        for attempt in 1.. {
            let port = kept.map_or_else(free_port, Ok).map_err(cannot(&data))?;
            let settings = settings(port, temporary.is_none(), tls.is_some());
            let server = Keeper::start(server_command(&bin, &data, account.as_ref(), &settings)?)
                .map_err(|error| PostgresError::Failed { program: "postgres", output: error.to_string() })?;
            match wait_ready(&data, &server) {
                Err(PostgresError::Failed { output, .. })
                    if kept.is_none() && attempt < ATTEMPTS && output.contains("in use") => {}
                Err(error) => return Err(error),
                Ok(()) => return Ok(Self { port, bin, data, server, _temporary: temporary }),
            }
        }
        unreachable!("the loop above has no end but a return")
    }

    /// URL of the database `postgres`, which every server has.
    pub fn url(&self) -> String {
        self.url_of("postgres")
    }

    /// Whether its process is gone.
    pub fn ended(&self) -> bool {
        self.server.ended()
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The data folder; the server's log is `server.log` in it.
    pub fn data_dir(&self) -> &Path {
        &self.data
    }

    /// Makes sure that there is a database of this name and returns its URL. One that exists is kept as it is.
    pub fn create_database(&self, name: &str) -> Result<String, PostgresError> {
        if !is_plain_name(name) {
            return Err(PostgresError::DatabaseName(name.to_owned()));
        }
        let mut createdb = command(&self.bin, "createdb", None);
        createdb.args(["-h", "127.0.0.1", "-U", "postgres", "-p", &self.port.to_string(), name]);
        match run(createdb, "createdb", CREATEDB_LIMIT) {
            Err(PostgresError::Failed { output, .. }) if output.contains("already exists") => {}
            result => result?,
        }
        Ok(self.url_of(name))
    }

    /// Stops the server's processes in the middle of whatever they do, until the result is dropped. Its connections stay
    /// open, and nothing is answered.
    pub fn freeze(&self) -> Result<Frozen, PostgresError> {
        let path = self.data.join("postmaster.pid");
        let text = fs::read_to_string(&path).map_err(cannot(&path))?;
        let first = text.lines().next().and_then(|line| line.trim().parse().ok());
        let main = first.ok_or_else(|| cannot(&path)(io::Error::other("it names no process")))?;
        Ok(Frozen::new(main))
    }

    fn url_of(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }
}

fn cannot(path: &Path) -> impl FnOnce(io::Error) -> PostgresError + use<> {
    let path = path.to_owned();
    move |source| PostgresError::Prepare { path, source }
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// A name that needs no quoting in SQL, in a URL or on a command line.
fn is_plain_name(name: &str) -> bool {
    name.len() <= 63
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// Initialises the data folder `data`, unless it is initialised already.
fn initialise(bin: &Path, data: &Path, account: Option<&Account>) -> Result<(), PostgresError> {
    fs::create_dir_all(data).map_err(cannot(data))?;
    fs::set_permissions(data, Permissions::from_mode(0o700)).map_err(cannot(data))?;
    if let Some(account) = account {
        account.can_reach(data)?;
        account.own(data).map_err(cannot(data))?;
    }
    if data.join("PG_VERSION").exists() {
        return Ok(());
    }
    let mut initdb = command(bin, "initdb", account);
    initdb.args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "-D"]).arg(data);
    run(initdb, "initdb", INITDB_LIMIT)
}

fn server_command(
    bin: &Path,
    data: &Path,
    account: Option<&Account>,
    settings: &[String],
) -> Result<Command, PostgresError> {
    let path = data.join(LOG);
    let log = File::create(&path).map_err(cannot(&path))?;
    let mut server = command(bin, "postgres", account);
    server.arg("-D").arg(data).stderr(log.try_clone().map_err(cannot(&path))?).stdout(log);
    for setting in settings {
        server.args(["-c", setting]);
    }
    Ok(server)
}

/// The server's settings: loopback only, no socket files, and no waiting for the disk unless the data are to stay.
fn settings(port: u16, durable: bool, tls: bool) -> Vec<String> {
    let mut settings = vec![
        format!("port={port}"),
        "listen_addresses=127.0.0.1".into(),
        "unix_socket_directories=".into(),
        "max_connections=200".into(),
        "logging_collector=off".into(),
    ];
    if !durable {
        settings.extend(["fsync=off", "synchronous_commit=off", "full_page_writes=off"].map(String::from));
    }
    if tls {
        settings.extend(["ssl=on".into(), format!("ssl_cert_file={CERTIFICATE}"), format!("ssl_key_file={KEY}")]);
    }
    settings
}

/// Puts certificate and key into the data folder, and lets nobody in without TLS.
fn secure(data: &Path, account: Option<&Account>, certificate: &str, key: &str) -> Result<(), PostgresError> {
    for (name, text) in [(CERTIFICATE, certificate), (KEY, key), (ADMITTED, "hostssl all all 127.0.0.1/32 trust\n")] {
        let path = data.join(name);
        fs::write(&path, text).map_err(cannot(&path))?;
        // The server refuses a key that others may read.
        fs::set_permissions(&path, Permissions::from_mode(0o600)).map_err(cannot(&path))?;
        if let Some(account) = account {
            account.own(&path).map_err(cannot(&path))?;
        }
    }
    Ok(())
}

/// Waits for the line `ready` in `postmaster.pid`, which the server writes when it takes connections.
fn wait_ready(data: &Path, server: &Keeper) -> Result<(), PostgresError> {
    let deadline = Instant::now() + READY_LIMIT;
    loop {
        if server.ended() {
            return Err(PostgresError::Failed { program: "postgres", output: log_tail(data) });
        }
        let status = fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
        if status.lines().nth(7).is_some_and(|line| line.trim() == "ready") {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(PostgresError::TimedOut { program: "postgres", limit: READY_LIMIT });
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// The last lines of the server's log.
fn log_tail(data: &Path) -> String {
    let log = fs::read_to_string(data.join(LOG)).unwrap_or_default();
    let lines: Vec<_> = log.lines().collect();
    lines[lines.len().saturating_sub(5)..].join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_are_database_names() {
        assert!(is_plain_name("operator_3"));
        for name in ["", "3d", "Operator", "a b", "a;drop", "-h", &"a".repeat(64)] {
            assert!(!is_plain_name(name), "{name}");
        }
    }

    #[test]
    fn kept_data_are_written_durably() {
        assert!(settings(1, false, false).contains(&"fsync=off".to_owned()));
        assert!(!settings(1, true, false).iter().any(|s| s.ends_with("=off") && s != "logging_collector=off"));
    }
}
