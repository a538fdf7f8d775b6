//! The local network to work with: starts it in the background, says what is where, and ends it.

use std::{
    env,
    fs::{self, File},
    io::{IsTerminal, Read, Seek},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde::Deserialize;

use crate::{
    demo::build_binaries,
    documents, interrupt, model, paths, process, programs,
    progress::{Spinner, say},
    setup,
};

/// How long the network may take to begin, and to end.
const BEGIN: Duration = Duration::from_secs(600);
const END: Duration = Duration::from_secs(60);

/// First line of the settings file that [`up`] writes, by which it and [`down`] know it again.
const OURS: &str = "# Written by `cargo xtask up`; `cargo xtask down` removes it.";

/// How the network is started.
#[derive(Args)]
pub struct Up {
    /// Use SmolLM2-135M instead of a tiny random model, whose answers mean nothing
    #[arg(long)]
    real: bool,
    /// Print what is where as JSON
    #[arg(long)]
    json: bool,
}

/// How the network is ended.
#[derive(Args)]
pub struct Down {
    /// Also remove chain, databases and keys of both networks, the tiny one and the real one, so that the next start
    /// begins anew
    #[arg(long)]
    forget: bool,
}

/// What is where, as the network's process writes it.
#[derive(Debug, Deserialize)]
struct Services {
    pid: u32,
    rpc: String,
    ws: String,
    api: String,
    openai: String,
    store: String,
    database: String,
    operators: Vec<String>,
    keypair: PathBuf,
    config: PathBuf,
    logs: PathBuf,
}

/// The network's folder. Each base model has a network of its own.
///
/// PostgreSQL does not run as root: its server becomes another account, which cannot enter root's home. So root's folder
/// is elsewhere.
fn folder(real: bool) -> Result<PathBuf> {
    let root = process::is_root();
    let xdg = env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|p| p.is_absolute());
    let base = match (xdg, root) {
        (Some(folder), _) => folder,
        (None, true) => "/var/lib".into(),
        (None, false) => PathBuf::from(env::var_os("HOME").context("HOME is not set")?).join(".local/state"),
    };
    Ok(base.join("openledger").join(if real { "world-smollm2" } else { "world-tiny" }))
}

/// Starts the network unless it runs, and says what is where.
pub fn up(options: &Up) -> Result<()> {
    for real in [true, false] {
        if let Some(running) = running(&folder(real)?)? {
            ensure!(
                real == options.real,
                "a network with another model runs, and both have the same ports: `cargo xtask down` ends it"
            );
            say("the network runs already");
            return tell(&running, options.json);
        }
    }
    let toolchain = setup::run()?;
    let model = if options.real { Some(model::fetch()?) } else { None };
    let documents = documents::fetch()?;
    programs::build(&toolchain, &programs::chosen(&[]))?;
    build_binaries()?;
    let folder = folder(options.real)?;
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let log = folder.join("world.log");
    // What a former network said before it ended stays.
    let file = File::options()
        .create(true)
        .append(true)
        .open(&log)
        .with_context(|| format!("cannot write {}", log.display()))?;
    let mut world = Command::new(paths::binaries()?.join("openledger-world"));
    world.arg("--folder").arg(&folder).arg("--programs-dir").arg(paths::programs()?);
    world.arg("--bin-dir").arg(paths::binaries()?).arg("--documents").arg(&documents);
    if let Some(model) = &model {
        world.arg("--model").arg(model);
    }
    // A process group of its own, so that Ctrl-C in this terminal later does not reach it.
    world.process_group(0).stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
    let mut child = world.spawn().context("cannot start the network")?;
    // Until it is there, Ctrl-C ends it.
    interrupt::watch(child.id() as i32, "starting the network");
    let started = wait_until_ready(&mut child, &folder, &log);
    interrupt::give_way();
    interrupt::watch(0, "");
    if started.is_err() {
        put_down(&mut child);
    }
    tell(&started?, options.json)
}

/// Ends a network that did not start: whatever half of it runs must not keep the ports.
fn put_down(child: &mut Child) {
    end(child.id());
    let begun = Instant::now();
    while matches!(child.try_wait(), Ok(None)) {
        if begun.elapsed() > END {
            let _ = child.kill();
            let _ = child.wait();
            return;
        }
        thread::sleep(Duration::from_millis(100));
    }
}

fn wait_until_ready(child: &mut Child, folder: &Path, log: &Path) -> Result<Services> {
    let (spinner, begun) = (Spinner::start("starting the network"), Instant::now());
    loop {
        if let Some(services) = running(folder)? {
            spinner.done();
            return Ok(services);
        }
        let text = fs::read_to_string(log).unwrap_or_default();
        if let Some(status) = child.try_wait()? {
            spinner.abandon();
            bail!("the network did not start ({status}). The end of {}:\n{}", log.display(), process::tail(&text, 12));
        }
        ensure!(
            begun.elapsed() < BEGIN,
            "the network did not start within {} seconds; see {}",
            BEGIN.as_secs(),
            log.display()
        );
        spinner.update(process::last_line(&text));
        thread::sleep(Duration::from_millis(200));
    }
}

/// The services of the network in a folder, if it runs.
fn running(folder: &Path) -> Result<Option<Services>> {
    let Some(holder) = holder(folder)? else { return Ok(None) };
    let path = folder.join("world.json");
    let bytes = match fs::read(&path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        bytes => bytes.with_context(|| format!("cannot read {}", path.display()))?,
    };
    let services: Services =
        serde_json::from_slice(&bytes).with_context(|| format!("{} is no list of services", path.display()))?;
    // The file stays behind if the process was killed.
    Ok((holder == services.pid).then_some(services))
}

/// The process of the network in a folder, which holds the folder's lock from its first moment on.
fn holder(folder: &Path) -> Result<Option<u32>> {
    let path = folder.join("lock");
    let mut file = match File::open(&path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        file => file.with_context(|| format!("cannot read {}", path.display()))?,
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(fs::TryLockError::Error(e)) => Err(e).with_context(|| format!("cannot lock {}", path.display())),
        Err(fs::TryLockError::WouldBlock) => {
            // It writes its number just after it has taken the lock.
            for _ in 0..20 {
                let mut text = String::new();
                file.read_to_string(&mut text).with_context(|| format!("cannot read {}", path.display()))?;
                if let Ok(process) = text.trim().parse() {
                    return Ok(Some(process));
                }
                thread::sleep(Duration::from_millis(50));
                file.rewind().with_context(|| format!("cannot read {}", path.display()))?;
            }
            bail!("{} names no process", path.display())
        }
    }
}

/// Says what is where, and has the command line find it.
fn tell(services: &Services, json: bool) -> Result<()> {
    let settings = match settings_file() {
        Some(path) if offer_settings(&services.config, &path)? => Some(path),
        _ => None,
    };
    if json {
        let path = services.config.with_file_name("world.json");
        print!("{}", fs::read_to_string(path)?);
        return Ok(());
    }
    for (what, place) in [
        ("Solana RPC", format!("{}   (WebSocket {})", services.rpc, services.ws)),
        ("indexer's API", format!("{}/v1/status   (/openapi.json)", services.api)),
        ("OpenAI API", format!("{}/models", services.openai)),
        ("artifacts", services.store.clone()),
        ("PostgreSQL", services.database.clone()),
        ("operators", services.operators.join(" ")),
        ("a user's key", services.keypair.display().to_string()),
        ("logs", services.logs.display().to_string()),
    ] {
        println!("{what:15} {place}");
    }
    let command = paths::binaries()?.join("openledger");
    match &settings {
        Some(path) => println!("\n{} model list   ({} has the settings)", command.display(), path.display()),
        None => println!("\nexport OPENLEDGER_CONFIG={}\n{} model list", services.config.display(), command.display()),
    }
    for name in ["RPC", "WS", "API", "STORE", "KEYPAIR", "CONFIG"].map(|name| format!("OPENLEDGER_{name}")) {
        if env::var_os(&name).is_some() && (settings.is_some() || !name.ends_with("CONFIG")) {
            println!("unset {name}   (the command would use that instead)");
        }
    }
    if std::io::stdout().is_terminal() {
        println!(
            "\n`cargo xtask up` says this again; `cargo xtask down` ends it; the next `cargo xtask up` goes on from there."
        );
    }
    Ok(())
}

/// Where the command line looks for its settings.
fn settings_file() -> Option<PathBuf> {
    let xdg = env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
    let base = xdg.or_else(|| env::var_os("HOME").map(|home| PathBuf::from(home).join(".config")))?;
    Some(base.join("openledger/config.toml"))
}

/// Writes the settings to `path`, where the command line finds them by itself, unless somebody's own are there. Returns
/// whether they are there now.
fn offer_settings(config: &Path, path: &Path) -> Result<bool> {
    if path.exists() && !is_ours(path) {
        return Ok(false);
    }
    let text = fs::read_to_string(config).with_context(|| format!("cannot read {}", config.display()))?;
    let folder = path.parent().context("a settings file is in a folder")?;
    Ok(fs::create_dir_all(folder).and_then(|()| fs::write(path, format!("{OURS}\n{text}"))).is_ok())
}

fn is_ours(path: &Path) -> bool {
    fs::read_to_string(path).is_ok_and(|text| text.starts_with(OURS))
}

/// Ends the networks that run.
pub fn down(options: &Down) -> Result<()> {
    let mut ended = 0;
    for real in [true, false] {
        let folder = folder(real)?;
        // It may have begun and not be ready yet.
        if let Some(pid) = holder(&folder)? {
            end(pid);
            let begun = Instant::now();
            while holder(&folder)?.is_some() {
                ensure!(begun.elapsed() < END, "process {pid} does not end: kill it");
                thread::sleep(Duration::from_millis(100));
            }
            ended += 1;
        }
        if options.forget && folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
            say(&format!("{} is removed", folder.display()));
        }
    }
    if let Some(path) = settings_file().filter(|path| is_ours(path)) {
        fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
    }
    say(if ended == 0 { "no network runs" } else { "the network has ended" });
    Ok(())
}

/// Asks a process to end.
fn end(pid: u32) {
    // SAFETY: kill(2) has no preconditions.
    unsafe { libc::kill(pid as libc::pid_t, libc::SIGTERM) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebodys_own_settings_stay_and_ours_are_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let (config, path) = (folder.path().join("world.toml"), folder.path().join("openledger/config.toml"));
        fs::write(&config, "rpc = \"a\"\n").unwrap();
        assert!(offer_settings(&config, &path).unwrap());
        fs::write(&config, "rpc = \"b\"\n").unwrap();
        assert!(offer_settings(&config, &path).unwrap());
        assert!(fs::read_to_string(&path).unwrap().ends_with("rpc = \"b\"\n"));
        fs::write(&path, "rpc = \"mine\"\n").unwrap();
        assert!(!offer_settings(&config, &path).unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), "rpc = \"mine\"\n");
    }

    #[test]
    fn a_list_of_services_that_a_killed_network_left_is_of_none() {
        let folder = tempfile::tempdir().unwrap();
        assert!(running(folder.path()).unwrap().is_none());
        let of = |pid: u32| {
            format!(
                r#"{{"pid": {pid}, "rpc": "", "ws": "", "api": "", "openai": "", "store": "", "database": "",
                    "operators": [], "keypair": "", "config": "", "logs": ""}}"#
            )
        };
        fs::write(folder.path().join("world.json"), of(std::process::id())).unwrap();
        assert!(running(folder.path()).unwrap().is_none());
        // Another process has the number now, and nobody the lock.
        let lock = folder.path().join("lock");
        fs::write(&lock, std::process::id().to_string()).unwrap();
        assert!(running(folder.path()).unwrap().is_none());
        let held = File::open(&lock).unwrap();
        held.lock().unwrap();
        assert!(running(folder.path()).unwrap().is_some());
        // Which is known before the network is ready, too.
        fs::remove_file(folder.path().join("world.json")).unwrap();
        assert!(running(folder.path()).unwrap().is_none());
        assert_eq!(holder(folder.path()).unwrap(), Some(std::process::id()));
        fs::write(folder.path().join("world.json"), "{}").unwrap();
        assert!(running(folder.path()).unwrap_err().to_string().contains("world.json"));
        // Of another version, and of no process: it does not matter what it says.
        drop(held);
        assert!(running(folder.path()).unwrap().is_none());
    }
}
