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
use std::{
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

/// A world's process. Dropping it kills it, and the kernel kills what it started.
struct World(Child);

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Nine ports that are free one after the other: four services and five operators. They are below those that the system
/// gives to outgoing connections.
fn free_ports() -> Result<[u16; 5]> {
    for base in (20_000..32_000).step_by(9) {
        let taken: Vec<_> = (base..base + 9).map_while(|port| TcpListener::bind(("127.0.0.1", port)).ok()).collect();
        if taken.len() == 9 {
            return Ok([base, base + 1, base + 2, base + 3, base + 4]);
        }
    }
    bail!("no nine free ports one after the other")
}

fn start(folder: &Path, ports: [u16; 5]) -> Result<World> {
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
        ready(&mut world, folder).await?;
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
