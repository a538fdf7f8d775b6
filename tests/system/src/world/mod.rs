//! A network to work with: the demo's parts without its show. It keeps its ports, its keys, its chain and its databases,
//! so that it goes on where it stopped.

mod begin;
mod files;
mod keepers;

pub use files::Services;

use crate::{
    fleet::Fleet,
    living,
    network::{Network, Place, Ports},
    settings::Settings,
    stage::Stage,
};
use anyhow::{Context, Result};
use begin::begin;
use files::Begun;
use keepers::{KEYS, Keepers};
use std::path::PathBuf;

/// The ports of the world's services. The node's are those that Solana's tools expect.
pub const PORTS: Ports = Ports { rpc: 8899, ws: 8900, api: 8910, artifacts: 8911, database: 8912, operators: 7001 };

/// Paths and settings of a world.
pub struct World {
    /// Where it is. Its ports are kept.
    pub place: Place,
    /// Compiled programs.
    pub programs: PathBuf,
    /// Unpacked document packages.
    pub documents: PathBuf,
    /// Sizes.
    pub settings: Settings,
}

/// Runs the world until it is interrupted or cannot go on. Its services are in `world.json` as soon as they can be used.
pub async fn run(world: &World) -> Result<()> {
    let folder = &world.place.folder;
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let _only_one = files::lock(folder)?;
    let ready = folder.join(files::SERVICES);
    let mut stage = Stage::default();
    let begun = files::begun(folder)?;
    if begun.is_none() {
        files::forget(folder)?;
    }
    stage.step("start", "A local Solana node, PostgreSQL, the indexer and five oracle operators");
    let mut network = Network::start(&stage, world.place.clone()).await?;
    let keepers = Keepers::at(folder)?;
    let (mut fleet, mint) = match begun {
        Some(begun) => {
            network.start_indexer().await?;
            let mut fleet = Fleet::prepare(&network, &world.settings, None)?;
            fleet.run()?;
            (fleet, begun.mint.parse()?)
        }
        None => {
            let (programs, documents) = (&world.programs, &world.documents);
            let (fleet, mint) = begin(&mut stage, &mut network, &keepers, &world.settings, programs, documents).await?;
            let begun = Begun { mint: mint.to_string() };
            files::write(&folder.join(files::BEGUN), &serde_json::to_vec(&begun)?)?;
            (fleet, mint)
        }
    };
    fleet.served().await?;
    let config = folder.join("config.toml");
    let keypair = folder.join(KEYS).join("user.json");
    let services = Services {
        pid: std::process::id(),
        rpc: network.rpc.clone(),
        ws: network.ws.clone(),
        api: network.api_url.clone(),
        openai: format!("{}/v1", fleet.serving()),
        store: network.artifacts_url.clone(),
        database: network.postgres.url(),
        operators: fleet.operators.iter().map(|o| o.endpoint.clone()).collect(),
        keypair,
        mint: mint.to_string(),
        config: config.clone(),
        logs: network.logs(),
    };
    files::write(&config, files::settings_file(&services)?.as_bytes())?;
    files::write(&ready, &serde_json::to_vec_pretty(&services)?)?;
    let ended = living::go_on(&mut network, &mut fleet, &keepers.validators, |line| eprintln!("{line}")).await;
    files::remove(&ready)?;
    ended
}
