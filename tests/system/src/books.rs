//! The books: every fee accounted for to the base unit, from the chain's own accounts.

use crate::{network::Network, summary::Books};
use anyhow::{Context, Result, ensure};
use openledger_sdk::{api::types::ReceiptRow, pda};
use payout::state::{Config, Pool, Shard};
use solana_pubkey::Pubkey;

/// Adds everything up. `receipts` are all payments ever made.
pub async fn balance(network: &Network, receipts: &[ReceiptRow], mint: &Pubkey, supply: u64) -> Result<Books> {
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
    let books = Books {
        funded: sum(|r| r.amount.0).into(),
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
    let pools = sum(|r| r.parts.contributors.0) + sum(|r| r.parts.validators.0);
    let balanced = books.funded.0 == spent.iter().map(|a| a.0).sum::<u64>()
        && pools == funded.iter().sum::<u64>()
        && all_tokens(network, mint).await? == supply;
    Ok(Books { balanced, ..books })
}

/// Sum of all token accounts of `mint`.
async fn all_tokens(network: &Network, mint: &Pubkey) -> Result<u64> {
    let supply = network.client.rpc().get_token_supply(mint).await.context("the supply of OPEN")?;
    Ok(supply.amount.parse()?)
}
