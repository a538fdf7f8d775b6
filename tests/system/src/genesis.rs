//! The beginning: deploys the programs, creates OPEN once and for all, and initialises the programs.

use crate::{
    deploy::{deploy, put},
    network::Network,
    settings::OPEN,
    stage::Stage,
};
use anyhow::{Context, Result};
use openledger_sdk::{Program, ix, pda, wallet::local_program_keypair};
use payout::{parameters::Parameters, state::FeeShares};
use serde::Serialize;
use sha2::{Digest, Sha256};
use solana_keypair::Keypair;
use solana_program_pack::Pack;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use spl_token_interface::{
    instruction::{AuthorityType, initialize_mint2, mint_to, set_authority},
    state::Mint,
};
use std::{collections::BTreeMap, path::Path};

/// The fixed supply of OPEN in base units: 10⁹ whole OPEN.
pub const SUPPLY: u64 = 1_000_000_000 * OPEN;
/// Shards of the payout vault.
const SHARDS: u8 = 4;

/// A deployed program.
#[derive(Clone, Debug, Serialize)]
pub struct Deployed {
    /// Its address.
    pub id: String,
    /// SHA-256 of what was deployed.
    pub so_sha256: String,
    /// Size of what was deployed.
    pub so_bytes: usize,
}

/// Deploys the programs from `folder`, with `authority` as upgrade authority.
pub async fn deploy_programs(
    stage: &Stage,
    network: &Network,
    authority: &Keypair,
    folder: &Path,
) -> Result<BTreeMap<String, Deployed>> {
    let mut out = BTreeMap::new();
    for program in Program::ALL {
        let so = compiled(folder, program)?;
        let bar = stage.bar(so.len() as u64, &format!("bytes of {} deployed", program.name()));
        let key = local_program_keypair(program);
        deploy(network.client.rpc(), authority, &key, &so, |done| bar.set_position(done as u64)).await?;
        bar.finish_and_clear();
        let sha256 = hex::encode(Sha256::digest(&so));
        stage.note(format!(
            "{:10} {} ({} KB, sha256 {}…)",
            program.name(),
            key.pubkey(),
            so.len() / 1024,
            &sha256[..12]
        ));
        let deployed = Deployed { id: key.pubkey().to_string(), so_sha256: sha256, so_bytes: so.len() };
        out.insert(program.name().to_string(), deployed);
    }
    Ok(out)
}

/// Puts the programs from `folder` into the local node at once, with `authority` as upgrade authority. A chain that is kept
/// in a file takes minutes for the thousands of transactions of a deployment.
pub async fn put_programs(network: &Network, authority: &Keypair, folder: &Path) -> Result<()> {
    for program in Program::ALL {
        put(network.client.rpc(), &authority.pubkey(), &program.id(), &compiled(folder, program)?).await?;
    }
    Ok(())
}

fn compiled(folder: &Path, program: Program) -> Result<Vec<u8>> {
    let path = folder.join(format!("{}.so", program.name()));
    std::fs::read(&path).with_context(|| format!("{} is missing; run `cargo xtask build-programs`", path.display()))
}

/// Creates OPEN. The whole supply goes to `authority`. The mint then has no mint authority and no freeze authority.
pub async fn create_open(network: &Network, authority: &Keypair) -> Result<Pubkey> {
    let mint = Keypair::new();
    let rent = network.client.rpc().get_minimum_balance_for_rent_exemption(Mint::LEN).await?;
    let (token, owner) = (spl_token_interface::ID, authority.pubkey());
    let create =
        solana_system_interface::instruction::create_account(&owner, &mint.pubkey(), rent, Mint::LEN as u64, &token);
    let account = pda::token_account(&owner, &mint.pubkey());
    network
        .client
        .send(
            &[
                create,
                initialize_mint2(&token, &mint.pubkey(), &owner, None, stake::state::OPEN_DECIMALS)?,
                ix::token::create_account(&owner, &owner, &mint.pubkey()),
                mint_to(&token, &mint.pubkey(), &account, &owner, &[], SUPPLY)?,
                set_authority(&token, &mint.pubkey(), None, AuthorityType::MintTokens, &owner, &[])?,
            ],
            &[authority, &mint],
        )
        .await
        .context("creating OPEN")?;
    Ok(mint.pubkey())
}

/// Initialises all programs but governance, with windows that are short enough for a demo. `treasury` receives the
/// network's share. A panel has `commit_slots` to read a batch.
pub async fn initialise(
    network: &Network,
    authority: &Keypair,
    mint: &Pubkey,
    treasury: &Pubkey,
    commit_slots: u64,
) -> Result<()> {
    let client = &network.client;
    let owner = authority.pubkey();
    let cluster = client.rpc().get_genesis_hash().await?.to_bytes();
    let stake_args = stake::instructions::InitializeArgs {
        cluster,
        min_operator_stake: 1_000 * OPEN,
        min_validator_stake: 500 * OPEN,
        unbond_slots: 216_000,
    };
    client.send(&[ix::stake::initialize(&owner, mint, stake_args)], &[authority]).await?;
    let datanet_args = datanet::instructions::InitializeArgs { commit_slots, reveal_slots: 900 };
    client.send(&[ix::datanet::initialize(&owner, mint, datanet_args)], &[authority]).await?;
    let model_args = model::instructions::InitializeArgs {
        job_slots: 18_000,
        assign_slots: 9_000,
        heartbeat_slots: 1_500,
        data_share_bps: 2_000,
    };
    client.send(&[ix::model::initialize(&owner, model_args)], &[authority]).await?;
    let payout_args = payout::instructions::InitializeArgs {
        fees: FeeShares {
            treasury: 500,
            model_owner: 2_000,
            upstream: 500,
            compute: 2_000,
            validators: 500,
            contributors: 4_500,
        },
        parameters: Parameters {
            epoch_slots: 10,
            challenge_slots: 25,
            resolve_slots: 9_000,
            challenge_bond: 100 * OPEN,
            withdrawal_slots: 9_000,
            breaker_cap: 1_000_000 * OPEN,
            breaker_slots: 216_000,
        },
    };
    client.send(&[ix::payout::initialize(&owner, mint, treasury, payout_args)], &[authority]).await?;
    for index in 0..SHARDS {
        client.send(&[ix::payout::create_shard(&owner, mint, index)], &[authority]).await?;
    }
    Ok(())
}
