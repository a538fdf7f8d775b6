//! People on one machine, and node, indexer and artifact service on another: they have no disk in common, and the network
//! between them carries nothing but what the services offer.
//!
//! The other machine is a network namespace with one cable to this one, in which another user runs `openledger`. Only root
//! may make one. Where that is not so, the test says so, and has separate folders alone.

mod prepared;

use anyhow::{Context, Result, ensure};
use datanet::{
    instructions::CreateDatanetArgs,
    state::{Access, Modality},
};
use openledger_protocol::hash::sha256;
use openledger_sdk::{ix, pda};
use openledger_system::{
    data, genesis,
    network::{Network, Place, wait},
    people::{self, Person, write_key},
    settings::OPEN,
    stage::Stage,
};
use prepared::prepared;
use solana_pubkey::Pubkey;
use stake::state::Role;
use std::{
    fs::Permissions,
    net::{IpAddr, Ipv4Addr},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};
use tokio::net::{TcpListener, TcpStream};

/// The user there: nobody.
const USER: u32 = 65_534;
/// Slots in which the panel reads a batch and commits to its verdicts.
const COMMIT_SLOTS: u64 = 120;
const TEXT: &str =
    "The slow loris of Dock Nine counts the crates at night, and eats only what has fallen into the water.";

/// The other machine. Dropping it removes it.
struct Machine {
    /// Name of its namespace. `None` if there is none.
    name: Option<String>,
    /// Address at which it reaches this machine.
    here: IpAddr,
    /// Its disk.
    disk: tempfile::TempDir,
}

fn ip(words: &str) -> Result<()> {
    let status = Command::new("ip").args(words.split_whitespace()).status().context("cannot run `ip`")?;
    ensure!(status.success(), "`ip {words}` failed");
    Ok(())
}

impl Machine {
    fn start() -> Result<Self> {
        let (number, disk) = (std::process::id(), tempfile::tempdir()?);
        // SAFETY: geteuid(2) has no preconditions.
        let root = unsafe { libc::geteuid() } == 0;
        if !root || ip("-V").is_err() {
            eprintln!("not root, or no `ip`: people have folders of their own here, and no machine of their own");
            return Ok(Self { name: None, here: Ipv4Addr::LOCALHOST.into(), disk });
        }
        let (name, net) = (format!("open{number}"), format!("10.203.{}", number % 256));
        let machine = Self { name: Some(name.clone()), here: format!("{net}.1").parse()?, disk };
        ip(&format!("netns add {name}"))?;
        ip(&format!("link add {name}a type veth peer name {name}b netns {name}"))?;
        ip(&format!("addr add {net}.1/30 dev {name}a"))?;
        ip(&format!("link set {name}a up"))?;
        ip(&format!("-n {name} addr add {net}.2/30 dev {name}b"))?;
        ip(&format!("-n {name} link set {name}b up"))?;
        ip(&format!("-n {name} link set lo up"))?;
        std::fs::set_permissions(machine.disk.path(), Permissions::from_mode(0o755))?;
        Ok(machine)
    }

    /// A command there. It has no variables of ours.
    fn command(&self, program: &Path) -> Command {
        let mut command = match &self.name {
            None => Command::new(program),
            Some(name) => {
                let mut command = Command::new("ip");
                command.args(["netns", "exec", name, "setpriv", "--clear-groups"]);
                command.args([format!("--reuid={USER}"), format!("--regid={USER}")]).arg(program);
                command
            }
        };
        let path = std::env::var_os("PATH").unwrap_or_default();
        command.env_clear().env("PATH", path).stdin(Stdio::null()).current_dir(self.disk.path());
        command
    }

    /// Gives what is at `path`, on its disk, to its user.
    fn owns(&self, path: &Path) -> Result<()> {
        if self.name.is_some() {
            std::os::unix::fs::chown(path, Some(USER), Some(USER))?;
        }
        Ok(())
    }

    /// A person's folder there, with a key file and settings that name nothing but addresses of this machine.
    fn home(&self, person: &Person, urls: &[(&str, &str)]) -> Result<Home> {
        let folder = self.disk.path().join(person.name.replace(' ', "-"));
        std::fs::create_dir(&folder)?;
        let key = folder.join("key.json");
        write_key(&person.key, &key)?;
        self.owns(&folder)?;
        self.owns(&key)?;
        let settings = urls.iter().map(|(name, url)| (format!("OPENLEDGER_{name}"), url.to_string()));
        let key = ("OPENLEDGER_KEYPAIR".to_string(), key.display().to_string());
        let home = ("HOME".to_string(), folder.display().to_string());
        Ok(Home { settings: settings.chain([key, home]).collect(), folder })
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if let Some(name) = &self.name {
            let _ = ip(&format!("link del {name}a"));
            let _ = ip(&format!("netns del {name}"));
        }
    }
}

/// Where a person lives on the other machine.
struct Home {
    folder: PathBuf,
    settings: Vec<(String, String)>,
}

/// A process there. Dropping it kills it.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Passes connections to `here` on to the address in `url`, and returns the address at which it does. The local node
/// listens on loopback alone.
async fn relay(here: IpAddr, url: &str) -> Result<String> {
    let (scheme, address) = url.split_once("://").context("a URL")?;
    let (address, listener) = (address.trim_end_matches('/').to_owned(), TcpListener::bind((here, 0)).await?);
    let relayed = format!("{scheme}://{}", listener.local_addr()?);
    tokio::spawn(async move {
        while let Ok((mut from, _)) = listener.accept().await {
            let address = address.clone();
            tokio::spawn(async move {
                if let Ok(mut to) = TcpStream::connect(&address).await {
                    let _ = tokio::io::copy_bidirectional(&mut from, &mut to).await;
                }
            });
        }
    });
    Ok(relayed)
}

/// A network with one permissioned Datanet. Returns the Datanet and its owner.
async fn found(
    network: &mut Network,
    here: IpAddr,
    rich: &[&Person],
    validators: &[Person],
) -> Result<(Pubkey, Person)> {
    let [genesis, treasury, owner] = ["genesis", "treasury", "owner"].map(Person::new);
    let client = network.client.clone();
    people::airdrop(&client, [genesis.address()], 1_000_000_000_000).await?;
    genesis::put_programs(network, &genesis.key, &prepared("OPENLEDGER_PROGRAMS_DIR", "sbf-target/deploy")?).await?;
    let mint = genesis::create_open(network, &genesis.key).await?;
    people::fund(&client, &genesis.key, &mint, &[(treasury.address(), 0)]).await?;
    let treasury = pda::token_account(&treasury.address(), &mint);
    genesis::initialise(network, &genesis.key, &mint, &treasury, COMMIT_SLOTS).await?;
    network.start_indexer_at(here).await?;
    let mut purse: Vec<_> = rich.iter().map(|p| (p.address(), 100 * OPEN)).collect();
    purse.push((owner.address(), 100 * OPEN));
    purse.extend(validators.iter().map(|v| (v.address(), data::VALIDATOR_STAKE)));
    people::airdrop(&client, purse.iter().map(|(wallet, _)| *wallet), 10_000_000_000).await?;
    people::fund(&client, &genesis.key, &mint, &purse).await?;
    for validator in validators {
        let stake = ix::stake::deposit(&validator.address(), &mint, Role::Validator, data::VALIDATOR_STAKE);
        client.send(&[stake], &[&validator.key]).await?;
    }
    let metadata_hash = network.store_of(&owner)?.put_blob("What is told at the docks.").await?;
    let args = CreateDatanetArgs {
        id: 1,
        name: "Docks".into(),
        metadata_uri: format!("blobs/{}", hex::encode(metadata_hash)),
        metadata_hash,
        modality: Modality::Text,
        licence: "MIT".into(),
        access: Access::Permissioned,
        min_bond: data::BOND,
        panel_size: data::VALIDATORS as u8,
        quorum: 2,
    };
    client.send(&[ix::datanet::create_datanet(&owner.address(), args)], &[&owner.key]).await?;
    Ok((pda::datanet(&owner.address(), 1), owner))
}

/// A contributor hands a permissioned document in, and validators who are far away too read, judge and accept it.
#[test]
fn people_on_another_machine_contribute_and_review_with_no_disk_in_common() -> Result<()> {
    let (folder, machine) = (tempfile::tempdir()?, Machine::start()?);
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o700))?;
    let binaries = prepared("OPENLEDGER_BIN_DIR", "target/debug")?;
    let openledger = machine.disk.path().join("openledger");
    std::fs::copy(binaries.join("openledger"), &openledger).context("`cargo xtask test two_machines` builds it")?;
    tokio::runtime::Runtime::new()?.block_on(async {
        let place = Place { folder: folder.path().to_path_buf(), binaries, kept: None };
        let mut network = Network::start(&Stage::default(), place).await?;
        let contributor = Person::new("contributor");
        let validators: Vec<Person> = (1..=data::VALIDATORS).map(|n| Person::new(format!("validator {n}"))).collect();
        let (datanet, owner) = found(&mut network, machine.here, &[&contributor], &validators).await?;

        let (rpc, ws) = (relay(machine.here, &network.rpc).await?, relay(machine.here, &network.ws).await?);
        let urls = [("RPC", &*rpc), ("WS", &*ws), ("API", &*network.api_url), ("STORE", &*network.artifacts_url)];
        let mut running = Vec::new();
        for validator in &validators {
            let home = machine.home(validator, &urls)?;
            let mut review = machine.command(&openledger);
            review.args(["review", "run", "--every", "1"]).envs(home.settings).current_dir(home.folder);
            running.push(Running(review.stdout(Stdio::null()).spawn()?));
        }
        let home = machine.home(&contributor, &urls)?;
        if machine.name.is_some() {
            // Neither this machine's disk nor its loopback is there.
            let looks = machine.command(Path::new("ls")).arg(folder.path().join("store")).output()?;
            ensure!(!looks.status.success(), "it sees the store's folder");
            let mut asks = machine.command(&openledger);
            let asked = asks.args(["review", "list", "--url", &network.rpc]).envs(home.settings.clone()).output()?;
            let told = String::from_utf8_lossy(&asked.stderr);
            ensure!(!asked.status.success() && told.contains(&network.rpc), "it reaches the loopback: {told}");
        }
        let document = home.folder.join("loris.txt");
        std::fs::write(&document, TEXT)?;
        machine.owns(&document)?;
        let mut contribute = machine.command(&openledger);
        contribute.arg("contribute").arg(&document).args([
            "--datanet",
            &datanet.to_string(),
            "--licence",
            "MIT",
            "--yes",
        ]);
        let contributed = contribute.envs(home.settings).current_dir(home.folder).output()?;
        ensure!(contributed.status.success(), "{}", String::from_utf8_lossy(&contributed.stderr));

        wait("the review from the other machine", Duration::from_secs(60), async || {
            Ok(network.api()?.accepted_batches(&datanet).await?.into_iter().next())
        })
        .await?;
        // The document came over, and it is nobody's who may not read it.
        let hash = sha256(&[TEXT.as_bytes()]);
        ensure!(network.store_of(&owner)?.get_blob(&hash).await? == TEXT, "the document is another");
        ensure!(network.store()?.get_blob(&hash).await.is_err(), "a permissioned document is public");
        Ok(())
    })
}
