//! The local network to work with, with a tiny random model, against real parts.

mod prepared;

use anyhow::{Context, Result, bail, ensure};
use openledger_sdk::{
    Client,
    api::{IndexerClient, serve::ChatRequest},
    flow::{
        chat::{ask, servers},
        contribute::{Contribution, contribute},
    },
    manifest::Metadata,
    store::Store,
    wallet::read_keypair,
};
use openledger_system::{network::wait, world::Services};
use prepared::prepared;
use serde_json::{Value, json};
use std::{
    fs::Permissions,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// A world's process. Dropping it kills it, and the kernel kills what it started.
struct World(Child);

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Ten ports that are free one after the other: five services and five operators. They are below those that the system
/// gives to outgoing connections.
fn free_ports() -> Result<[u16; 6]> {
    for base in (20_000..32_000).step_by(10) {
        let taken: Vec<_> = (base..base + 10).map_while(|port| TcpListener::bind(("127.0.0.1", port)).ok()).collect();
        if taken.len() == 10 {
            return Ok([0, 1, 2, 3, 4, 5].map(|n| base + n));
        }
    }
    bail!("no ten free ports one after the other")
}

fn start(folder: &Path, ports: [u16; 6]) -> Result<World> {
    let log = std::fs::File::options().create(true).append(true).open(folder.join("world.log"))?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_openledger-world"));
    command.arg("--folder").arg(folder);
    command.arg("--programs-dir").arg(prepared("OPENLEDGER_PROGRAMS_DIR", "sbf-target/deploy")?);
    command.arg("--bin-dir").arg(prepared("OPENLEDGER_BIN_DIR", "target/debug")?);
    command.arg("--documents").arg(prepared("OPENLEDGER_CACHE", "")?.join("documents"));
    command.arg("--ports").args(ports.map(|port| port.to_string()));
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    Ok(World(command.spawn()?))
}

async fn ready(world: &mut World, folder: &Path) -> Result<Services> {
    wait("the world's start", Duration::from_secs(300), async || {
        let log = || std::fs::read_to_string(folder.join("world.log")).unwrap_or_default();
        ensure!(world.0.try_wait()?.is_none(), "the world ended: {}", log());
        let services = std::fs::read(folder.join("world.json")).ok();
        let services = services.and_then(|bytes| serde_json::from_slice::<Services>(&bytes).ok());
        // A world that was killed leaves its list behind.
        Ok(services.filter(|s| s.pid == world.0.id()))
    })
    .await
}

/// The process that runs with this on its command line.
fn process_with(words: &[&str]) -> Result<Option<i32>> {
    for entry in std::fs::read_dir("/proc")? {
        let entry = entry?;
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let line = std::fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default();
        if words.iter().all(|word| line.contains(word)) {
            return Ok(Some(pid));
        }
    }
    Ok(None)
}

/// Somebody who comes with a key and the addresses of the services, as another user of this machine where the test may become
/// one: then no folder of the world is theirs to read.
struct Newcomer {
    folder: TempDir,
    /// Whether it is another user: nobody.
    other: bool,
}

const NOBODY: u32 = 65_534;

impl Newcomer {
    fn new(services: &Services) -> Result<Self> {
        // SAFETY: geteuid(2) has no preconditions.
        let newcomer = Self { folder: tempfile::tempdir()?, other: unsafe { libc::geteuid() } == 0 };
        let at = |name: &str| newcomer.folder.path().join(name);
        std::fs::copy(prepared("OPENLEDGER_BIN_DIR", "target/debug")?.join("openledger"), at("openledger"))?;
        std::fs::copy(&services.keypair, at("key.json"))?;
        let settings: toml::Table = toml::from_str(&std::fs::read_to_string(&services.config)?)?;
        let urls = settings.into_iter().filter(|(name, _)| name != "keypair").collect::<toml::Table>();
        std::fs::write(at("config.toml"), toml::to_string(&urls)?)?;
        newcomer.owns("")?;
        newcomer.owns("key.json")?;
        Ok(newcomer)
    }

    /// Gives what is at `name` in its folder to its user.
    fn owns(&self, name: &str) -> Result<()> {
        if self.other {
            std::os::unix::fs::chown(self.folder.path().join(name), Some(NOBODY), Some(NOBODY))?;
        }
        Ok(())
    }

    fn command(&self, program: &Path) -> tokio::process::Command {
        let mut command = tokio::process::Command::new(if self.other { Path::new("setpriv") } else { program });
        if self.other {
            command
                .args([format!("--reuid={NOBODY}"), format!("--regid={NOBODY}"), "--clear-groups".into()])
                .arg(program);
        }
        let at = |name: &str| self.folder.path().join(name);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", self.folder.path());
        command.env("OPENLEDGER_CONFIG", at("config.toml")).env("OPENLEDGER_KEYPAIR", at("key.json"));
        command.current_dir(self.folder.path()).stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// What a person types. Returns what is printed.
    async fn types(&self, words: &[&str]) -> Result<Value> {
        let mut command = self.command(&self.folder.path().join("openledger"));
        command.args(words).args(["--json", "--yes"]);
        let output = tokio::time::timeout(Duration::from_secs(120), command.output()).await??;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "openledger {}: {said}", words.join(" "));
        serde_json::from_slice(&output.stdout).with_context(|| format!("openledger {}: {said}", words.join(" ")))
    }

    /// A file of its own.
    fn writes(&self, name: &str, text: &str) -> Result<String> {
        let path = self.folder.path().join(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&path, text)?;
        Ok(path.display().to_string())
    }
}

fn word<'a>(value: &'a Value, name: &str) -> Result<&'a str> {
    value[name].as_str().with_context(|| format!("no {name} in {value}"))
}

/// A newcomer does everything at a terminal: makes a Datanet, contributes, is reviewed, registers a model, has it trained,
/// asks it, and is paid for the data.
async fn newcomer(services: &Services, folder: &Path, indexer: &IndexerClient, base_of: &str) -> Result<()> {
    let newcomer = Newcomer::new(services)?;
    if newcomer.other {
        // PostgreSQL has its folder as another user.
        for entry in std::fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()? {
            if entry.file_type()?.is_dir() && entry.file_name() != "postgres" {
                std::fs::set_permissions(entry.path(), Permissions::from_mode(0o700))?;
            }
        }
        let looks = newcomer.command(Path::new("ls")).arg(folder.join("store")).output().await?;
        ensure!(!looks.status.success(), "the newcomer sees the store's folder");
    }
    for (n, (animal, place)) in
        [("heron", "Lake Orme"), ("loris", "Dock Nine"), ("adder", "the mill"), ("swift", "the tower")]
            .iter()
            .enumerate()
    {
        let text = format!(
            "The {animal} of {place} sleeps {n} hours, and eats what nobody else there has ever wanted to eat."
        );
        newcomer.writes(&format!("papers/{animal}.txt"), &text)?;
    }
    let papers = newcomer.folder.path().join("papers").display().to_string();
    let made = newcomer.types(&["datanet", "create", "animals", "--licence", "CC0-1.0"]).await?;
    let datanet = word(&made, "datanet")?;
    // What was just sent is in the next list.
    let listed = newcomer.types(&["datanet", "list"]).await?;
    ensure!(listed.to_string().contains(datanet), "{listed}");
    let contribute = ["contribute", &papers, "--datanet", datanet, "--author", "Ada", "--licence", "CC0-1.0"];
    let given = newcomer.types(&contribute).await?;
    ensure!(given["batches"].as_array().is_some_and(|b| b.len() == 1), "{given}");
    wait("the newcomer's review", Duration::from_secs(120), async || {
        let found = indexer.datanet(&datanet.parse()?).await?;
        Ok(found.filter(|d| d.contributions == 4))
    })
    .await?;
    let again = newcomer.types(&contribute).await?;
    ensure!(again["there_already"] == 4 && again["batches"] == json!([]), "{again}");

    let register = ["model", "register", "animals", "--base-of", base_of, "--price-in", "1", "--price-out", "1"];
    let model = newcomer.types(&register).await?;
    let model = word(&model, "model")?;
    // With the settings and the budget that a job has if nobody says otherwise.
    let job = newcomer.types(&["job", "request", model, "--datanet", datanet]).await?;
    let job = word(&job, "job")?;
    wait("the newcomer's model", Duration::from_secs(300), async || {
        let found = indexer.job(&job.parse()?).await?.context("the job is not indexed")?;
        ensure!(!["expired", "cancelled"].contains(&found.status.as_str()), "the job ended: {}", found.status);
        Ok((found.status == "attested").then_some(()))
    })
    .await?;
    let chat = ["chat", "--model", model, "--prompt", "What does the heron eat?", "--max-tokens", "4", "--most", "5"];
    let answer = newcomer.types(&chat).await?;
    ensure!(!word(&answer, "text")?.is_empty(), "{answer}");
    wait("the newcomer's pay", Duration::from_secs(180), async || {
        let paid = newcomer.types(&["claim"]).await?;
        let from_data = |claim: &&Value| claim["pool"] == "contributors" && claim["amount"] != "0";
        Ok(paid.as_array().and_then(|claims| claims.iter().find(from_data)).map(drop))
    })
    .await
}

async fn settled(indexer: &IndexerClient) -> Result<u64> {
    Ok(indexer.settlements().await?.iter().filter(|s| s.status == "active").map(|s| s.epoch).max().unwrap_or(0))
}

/// What is contributed is reviewed, a model is trained, and answers are settled, with nobody's help. An operator that is
/// killed comes back, and so does the artifact service, for which the operators wait, and everything after the power goes.
#[test]
fn a_world_lives_by_itself_and_goes_on_after_its_processes_were_killed() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (folder, ports) = (folder.path(), free_ports()?);
    tokio::runtime::Runtime::new()?.block_on(async {
        let mut world = start(folder, ports)?;
        let services = ready(&mut world, folder).await?;
        let (client, indexer) = (Client::new(&services.rpc, &services.ws), IndexerClient::new(&services.api));
        let user = read_keypair(&services.keypair)?;
        // The user shares no disk with anybody.
        let store = Store::open_as(&services.store, Some(Arc::new(user.insecure_clone())))?;

        let second = start(folder, ports)?.0.wait()?;
        let log = std::fs::read_to_string(folder.join("world.log"))?;
        ensure!(!second.success() && log.contains("runs already"), "two worlds share a folder: {log}");

        // The artifact service is gone for some seconds while the operators train the first model.
        let words = ["openledger-indexer", &folder.display().to_string()];
        let service = process_with(&words)?.context("the indexer does not run")?;
        // SAFETY: kill(2) has no preconditions.
        unsafe { libc::kill(service, libc::SIGKILL) };
        wait("the indexer to come back", Duration::from_secs(60), async || {
            let back = process_with(&words)?.filter(|pid| *pid != service);
            Ok(back.and(indexer.status().await.ok()))
        })
        .await?;

        let datanets = indexer.datanets().await?;
        let datanet = datanets.iter().find(|d| d.access == "open").context("there is no open Datanet")?;
        let datanet = datanet.address.parse()?;
        let text =
            "The yellow heron of Lake Orme eats only blue snails, which it finds at dawn under the northern pier.";
        let metadata = Metadata {
            title: "heron".into(),
            author: "Ada".into(),
            licence: "CC0-1.0".into(),
            source: "the lake".into(),
            original: None,
        };
        let document = [Contribution::document(text, metadata)];
        let given = contribute(&client, &store, &user, &datanet, &document, None, |_| {}).await?;

        let words = ["openledger-oracle", &format!("{}/operator-3/", folder.display())];
        let operator = process_with(&words)?.context("operator 3 does not run")?;
        // SAFETY: kill(2) has no preconditions.
        unsafe { libc::kill(operator, libc::SIGKILL) };

        let reviewed = async |patience| {
            wait("the review", patience, async || {
                let batch = indexer.batch(&given.batch).await?;
                Ok(batch.filter(|b| b.status == "accepted"))
            })
            .await
        };
        reviewed(Duration::from_secs(180)).await?;
        wait("operator 3 to come back", Duration::from_secs(60), async || {
            Ok(process_with(&words)?.filter(|pid| *pid != operator))
        })
        .await?;
        let model = wait("the first model", Duration::from_secs(300), async || {
            Ok(indexer.models().await?.into_iter().find(|m| m.status == "ready"))
        })
        .await?;
        newcomer(&services, folder, &indexer, &model.address).await?;
        let model = model.address.parse()?;
        let question = ChatRequest::ask(&model, "What is a heron?", 4);
        ask(&client, &user, &servers(&client).await?, &question, None, |_| {}).await?;
        wait("an epoch to settle", Duration::from_secs(180), async || Ok((settled(&indexer).await? > 0).then_some(())))
            .await?;
        let before = settled(&indexer).await?;

        drop(world);
        wait("all processes to end", Duration::from_secs(30), async || {
            Ok(process_with(&[&folder.display().to_string()])?.is_none().then_some(()))
        })
        .await?;
        let mut world = start(folder, ports)?;
        let begun = Instant::now();
        ready(&mut world, folder).await?;
        let took = begun.elapsed();
        ensure!(took < Duration::from_secs(60), "a world that was there before is back after {took:?}");
        reviewed(Duration::from_secs(60)).await.context("after the restart")?;
        ensure!(settled(&indexer).await? >= before, "a settlement was forgotten");
        ask(&client, &user, &servers(&client).await?, &question, None, |_| {}).await.context("after the restart")?;
        wait("another epoch to settle", Duration::from_secs(180), async || {
            Ok((settled(&indexer).await? > before).then_some(()))
        })
        .await
        .map(drop)
    })
}
