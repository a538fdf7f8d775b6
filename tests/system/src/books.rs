//! The books: accounts for every fee and data share to the base unit, from the chain's own accounts.

use crate::{network::Network, summary::Books};
use anyhow::{Context, Result, ensure};
use openledger_sdk::{
    api::types::{Funding, ReceiptRow},
    pda,
};
use payout::state::{Config, Pool, Shard};
use solana_account_decoder_client_types::UiAccountEncoding;
use solana_client::{
    rpc_config::{RpcAccountInfoConfig, RpcProgramAccountsConfig},
    rpc_filter::{Memcmp, RpcFilterType},
};
use solana_program_pack::Pack;
use solana_pubkey::Pubkey;
use spl_token_interface::state::Account as TokenAccount;

/// Adds everything up. `receipts` are all payments for answers ever made. `funding` are all other payments into the
/// pools.
pub async fn balance(
    network: &Network,
    receipts: &[ReceiptRow],
    funding: &[Funding],
    mint: &Pubkey,
    supply: u64,
) -> Result<Books> {
    let client = &network.client;
    let sum = |part: fn(&ReceiptRow) -> u64| receipts.iter().map(part).sum::<u64>();
    let config: Config = client.account(&pda::payout_config()).await?;
    let treasury = client.token_balance(&config.treasury).await?;
    let (mut held, mut claimed, mut funded) = (0, [0u64; 2], [0u64; 2]);
    for index in 0..config.shards {
        let shard: Shard = client.account(&pda::shard(index)).await?;
        let vault = client.token_balance(&pda::vault(index)).await?;
        let due = shard.funded.iter().sum::<u64>() - shard.claimed.iter().sum::<u64>();
        ensure!(vault == due, "vault {index} holds {vault}, its shard says {due}");
        held += vault;
        for pool in 0..2 {
            claimed[pool] += shard.claimed[pool];
            funded[pool] += shard.funded[pool];
        }
    }
    ensure!(funding.iter().all(|f| f.job.is_some()), "somebody else than a training job paid into the pools");
    let data_shares = funding.iter().map(|f| f.amount.0).sum::<u64>();
    let books = Books {
        funded: sum(|r| r.amount.0).into(),
        data_shares: data_shares.into(),
        treasury: treasury.into(),
        model_owner: sum(|r| r.parts.model_owner.0 + r.parts.upstream.0).into(),
        compute: sum(|r| r.parts.compute.0).into(),
        validators: claimed[Pool::Validators as usize].into(),
        contributors_paid: claimed[Pool::Contributors as usize].into(),
        held: held.into(),
        balanced: false,
    };
    let spent =
        [books.treasury, books.model_owner, books.compute, books.validators, books.contributors_paid, books.held];
    let pools = sum(|r| r.parts.contributors.0) + sum(|r| r.parts.validators.0) + data_shares;
    let balanced = books.funded.0 + data_shares == spent.iter().map(|a| a.0).sum::<u64>()
        && pools == funded.iter().sum::<u64>()
        && all_tokens(network, mint).await? == supply;
    Ok(Books { balanced, ..books })
}

/// Sum of all token accounts of `mint`: the layout is mint (32 bytes), owner (32 bytes), amount (u64).
async fn all_tokens(network: &Network, mint: &Pubkey) -> Result<u64> {
    let filters = vec![
        RpcFilterType::DataSize(TokenAccount::LEN as u64),
        RpcFilterType::Memcmp(Memcmp::new_raw_bytes(0, mint.to_bytes().to_vec())),
    ];
    let account_config =
        RpcAccountInfoConfig { encoding: Some(UiAccountEncoding::Base64), ..RpcAccountInfoConfig::default() };
    let config = RpcProgramAccountsConfig { filters: Some(filters), account_config, ..Default::default() };
    let rpc = network.client.rpc();
    let accounts = rpc.get_program_ui_accounts_with_config(&spl_token_interface::ID, config).await?;
    accounts.iter().try_fold(0u64, |sum, (address, account)| {
        let data = account.data.decode().with_context(|| format!("token account {address} came without data"))?;
        sum.checked_add(TokenAccount::unpack(&data)?.amount).context("the token accounts exceed u64")
    })
}
