//! The first start of a world.

use super::keepers::{Keepers, kept};
use crate::{
    data, documents,
    fleet::{self, Fleet},
    genesis, governance,
    network::Network,
    people::{self, Person},
    settings::{OPEN, Settings},
    stage::Stage,
    summary::GovernanceSummary,
    training,
};
use anyhow::{Context, Result};
use model::instructions::{RegisterModelArgs, RequestJobArgs};
use openledger_sdk::{
    ix::{self, model::JobDatanet},
    pda,
};
use solana_pubkey::Pubkey;
use stake::state::Role;
use std::path::Path;

/// Base units of OPEN that the user begins with.
const PURSE: u64 = 100_000 * OPEN;
/// Base units that the first model's owner puts into escrow.
const BUDGET: u64 = 25 * OPEN;
/// Seed of the first job.
const SEED: u64 = 42;
/// Lamports that everybody begins with.
const LAMPORTS: u64 = 100_000_000_000;

/// The first start: programs, OPEN, Datanets, the committee, and a job for a first model, whose end nobody waits for.
pub async fn begin(
    stage: &mut Stage,
    network: &mut Network,
    keepers: &Keepers,
    settings: &Settings,
    programs: &Path,
    documents: &Path,
) -> Result<(Fleet, Pubkey)> {
    let genesis = &keepers.genesis;
    let collections =
        documents::collections(documents, settings.authors, settings.pages, settings.terms, settings.satire)?;
    let folder = network.place.folder.clone();
    let contributors: Vec<Person> =
        data::authors(&collections).iter().map(|author| kept(&folder, author)).collect::<Result<_>>()?;
    let owners: Vec<Person> =
        collections.iter().map(|c| kept(&folder, &format!("owner of {}", c.name))).collect::<Result<_>>()?;

    stage.step("genesis", "The programs and OPEN");
    people::airdrop(&network.client, [genesis.address()], 10 * LAMPORTS).await?;
    genesis::put_programs(network, &genesis.key, programs).await?;
    let mint = genesis::create_open(network, &genesis.key).await?;
    let treasury = keepers.treasury.address();
    people::fund(&network.client, &genesis.key, &mint, &[(treasury, 0)]).await?;
    let treasury = pda::token_account(&treasury, &mint);
    genesis::initialise(network, &genesis.key, &mint, &treasury, settings.commit_slots).await?;
    network.start_indexer().await?;
    let assembly = governance::convene(stage, network, &genesis.key, &mint, &mut GovernanceSummary::default()).await?;
    let mut fleet = Fleet::prepare(network, settings, None)?;
    let mut purse = vec![(keepers.user.address(), PURSE), (keepers.owner.address(), PURSE)];
    purse.extend(owners.iter().chain(&contributors).map(|p| (p.address(), 100 * OPEN)));
    purse.extend(keepers.validators.iter().map(|v| (v.address(), data::VALIDATOR_STAKE)));
    purse.extend(fleet.operators.iter().map(|o| (o.person.address(), fleet::STAKE)));
    people::airdrop(&network.client, purse.iter().map(|(w, _)| *w), LAMPORTS).await?;
    people::fund(&network.client, &genesis.key, &mint, &purse).await?;

    stage.step("committee", "Five oracle operators generate a 3-of-5 key");
    fleet.start(network, &mint).await?;
    assembly.decide(network, "The first committee of oracle operators", &[fleet.proposal()]).await?;
    let forming = fleet.form(stage, network);

    let owner = &keepers.owner;
    for validator in &keepers.validators {
        let stake = ix::stake::deposit(&validator.address(), &mint, Role::Validator, data::VALIDATOR_STAKE);
        network.client.send(&[stake], &[&validator.key]).await?;
    }
    let datanets = async {
        let created = data::create(network, owners, &collections).await?;
        let (contributors, validators) = (&contributors, &keepers.validators);
        data::fill_with_originals(stage, network, &created, &collections, contributors, validators).await?;
        anyhow::Ok(created)
    };
    let (_, datanets) = tokio::try_join!(forming, datanets)?;

    stage.step("model", "A first model, which is trained while the world goes on");
    let base_hash = training::base_hash(settings).await?;
    let register = RegisterModelArgs {
        id: 1,
        name: "first model".into(),
        base_hash,
        price_in: training::PRICE_IN,
        price_out: training::PRICE_OUT,
    };
    let (me, model) = (owner.address(), pda::model(&owner.address(), 1));
    let config_hash = network.store_of(owner)?.put_blob(serde_json::to_vec(&settings.job)?).await?;
    let reads: Vec<JobDatanet> = datanets
        .iter()
        .filter(|d| !d.permissioned)
        .map(|d| JobDatanet { datanet: d.address, permissioned: false })
        .collect();
    let args = RequestJobArgs { config_hash, seed: SEED, budget: BUDGET };
    let request = ix::model::request_job(&me, &model, 0, &mint, &reads, args);
    network.client.send(&[ix::model::register_model(&me, None, register)], &[&owner.key]).await?;
    network.client.send(&[request], &[&owner.key]).await.context("requesting the first job")?;
    Ok((fleet, mint))
}
