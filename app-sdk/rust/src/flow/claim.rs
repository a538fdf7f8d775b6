//! Claims a wallet's earnings. Anyone may claim for any wallet.

use super::open_mint;
use crate::{
    api::{IndexerClient, types::ClaimProof},
    client::Client,
    error::SdkError,
    text::parse_hash,
    wallet::AnySigner,
};
use openledger_interface::{ix, pda};
use payout::{
    instructions::ClaimArgs,
    state::{Claim, Pool, Shard},
};
use solana_pubkey::Pubkey;
use solana_signature::Signature;

/// The payment of one claim transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// The pool.
    pub pool: Pool,
    /// Base units paid.
    pub amount: u64,
    /// The transaction.
    pub signature: Signature,
}

/// Claims everything that `wallet` can prove against the active roots. `payer` pays the transaction fees. The tokens go
/// to the wallet's own token account, which is made if it is missing.
///
/// Each pool is drawn from one shard after another until all is paid. After a failure, another call continues. Fails if
/// shards refused a pool's claim and none paid.
pub async fn claim(
    client: &Client,
    indexer: &IndexerClient,
    payer: &AnySigner,
    wallet: &Pubkey,
) -> Result<Vec<Claimed>, SdkError> {
    let proofs = indexer.claims(wallet).await?;
    let (mint, mut out) = (open_mint(client).await?, Vec::new());
    for proof in &proofs.pools {
        out.extend(claim_pool(client, payer, wallet, &mint, proof).await?);
    }
    Ok(out)
}

async fn claim_pool(
    client: &Client,
    payer: &AnySigner,
    wallet: &Pubkey,
    mint: &Pubkey,
    proof: &ClaimProof,
) -> Result<Vec<Claimed>, SdkError> {
    let pool = pool(&proof.pool)?;
    let hashes = proof.proof.iter().map(|p| parse_hash(p)).collect::<Result<Vec<_>, _>>()?;
    let config: payout::state::Config = client.account(&pda::payout_config()).await?;
    let addresses: Vec<Pubkey> = (0..config.shards).map(pda::shard).collect();
    let mut shards: Vec<(u8, u64)> = client
        .accounts::<Shard>(&addresses)
        .await?
        .into_iter()
        .flatten()
        .map(|s| (s.index, s.funded[pool as usize].saturating_sub(s.claimed[pool as usize])))
        .collect();
    // Taking the fullest shards first needs the fewest transactions.
    shards.sort_by_key(|(index, left)| (std::cmp::Reverse(*left), *index));

    let (mut out, mut refused) = (Vec::new(), None);
    for (shard, _) in shards.into_iter().filter(|(_, left)| *left > 0) {
        let before = claimed(client, wallet, pool).await?;
        if before >= proof.lifetime.0 {
            break;
        }
        let args = ClaimArgs { pool, lifetime: proof.lifetime.0, index: proof.index, proof: hashes.clone() };
        let instructions = [
            ix::token::create_account(&payer.pubkey(), wallet, mint),
            ix::payout::claim(&payer.pubkey(), wallet, mint, shard, args),
        ];
        let signature = match client.send(&instructions, &[payer]).await {
            Ok(signature) => signature,
            // This shard is empty or its circuit breaker is tripped. The next shard may pay.
            Err(e) if matches!(e.program_error(), Some("ShardExhausted" | "BreakerTripped")) => {
                refused = Some(e);
                continue;
            }
            Err(e) => return Err(e),
        };
        out.push(Claimed { pool, amount: claimed(client, wallet, pool).await?.saturating_sub(before), signature });
    }
    match refused {
        Some(e) if out.is_empty() => Err(e),
        _ => Ok(out),
    }
}

/// Base units that `wallet` has ever claimed from `pool`.
pub async fn claimed(client: &Client, wallet: &Pubkey, pool: Pool) -> Result<u64, SdkError> {
    let record = client.account_opt::<Claim>(&pda::claim(wallet)).await?;
    Ok(record.map_or(0, |c| c.claimed[pool as usize]))
}

fn pool(name: &str) -> Result<Pool, SdkError> {
    match name {
        "contributors" => Ok(Pool::Contributors),
        "validators" => Ok(Pool::Validators),
        other => Err(SdkError::Node(format!("the indexer speaks of a pool {other:?} that does not exist"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pools_are_known_by_name() {
        assert_eq!(pool("contributors").unwrap(), Pool::Contributors);
        assert_eq!(pool("validators").unwrap(), Pool::Validators);
        assert!(pool("treasury").is_err());
    }
}
