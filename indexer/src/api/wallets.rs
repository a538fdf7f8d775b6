//! The summary of one wallet.

use super::{claims, error::Refusal, state::State};
use openledger_interface::pda;
use openledger_sdk::{amount::Amount, api::types::Wallet, text};
use serde::Deserialize;
use solana_pubkey::Pubkey;

/// Sums over the events that name the wallet.
#[derive(Deserialize)]
struct Sums {
    earned_models: Amount,
    earned_compute: Amount,
    claimed: Amount,
    staked_operator: Amount,
    staked_validator: Amount,
    contributions: u64,
    answers: u64,
    spent: Amount,
}

const SUMS: &str = "
    SELECT (
        SELECT coalesce(sum((p.data ->> 'model_owner')::numeric), 0)
        FROM event m JOIN event p ON p.kind = 'Paid' AND p.data ->> 'model' = m.subject
        WHERE m.kind = 'ModelRegistered' AND m.data ->> 'owner' = $1
    ) + (
        SELECT coalesce(sum((p.data ->> 'upstream')::numeric), 0)
        FROM event o
        JOIN event m ON m.kind = 'ModelRegistered' AND m.data ->> 'parent' = o.subject
        JOIN event p ON p.kind = 'Paid' AND p.data ->> 'model' = m.subject
        WHERE o.kind = 'ModelRegistered' AND o.data ->> 'owner' = $1
    ) || '' AS earned_models,
    (SELECT coalesce(sum(amount), 0)::text FROM compute_pay WHERE wallet = $1) AS earned_compute,
    (SELECT coalesce(sum(paid::numeric), 0)::text FROM claimed WHERE wallet = $1) AS claimed,
    (SELECT coalesce(sum(amount::numeric), 0)::text FROM position WHERE owner = $1 AND role = 'operator')
        AS staked_operator,
    (SELECT coalesce(sum(amount::numeric), 0)::text FROM position WHERE owner = $1 AND role = 'validator')
        AS staked_validator,
    (SELECT coalesce(sum((data ->> 'count')::bigint), 0)::bigint FROM event
     WHERE kind = 'BatchAccepted' AND data ->> 'contributor' = $1) AS contributions,
    p.answers, p.spent
    FROM (SELECT count(*) AS answers, coalesce(sum((data ->> 'amount')::numeric), 0)::text AS spent
          FROM event WHERE kind = 'Paid' AND data ->> 'payer' = $1) p";

/// Returns earnings, stake, spending and balance of `wallet`. All are zero for a wallet that the ledger does not know.
pub async fn wallet(state: &State, wallet: &str) -> Result<Wallet, Refusal> {
    let key = text::parse_key(wallet).map_err(Refusal::bad)?;
    let sums: Sums = state.db.row(SUMS, &[&wallet]).await?.ok_or_else(|| Refusal::absent("wallet", wallet))?;
    let pools = claims::claims(state, wallet).await?.pools;
    let lifetime = |pool: &str| pools.iter().find(|p| p.pool == pool).map_or(Amount(0), |p| p.lifetime);
    Ok(Wallet {
        address: wallet.to_owned(),
        balance: Amount(balance(state, &key).await?),
        earned_contributing: lifetime("contributors"),
        earned_validating: lifetime("validators"),
        earned_models: sums.earned_models,
        earned_compute: sums.earned_compute,
        claimed: sums.claimed,
        claimable: Amount(pools.iter().map(|p| p.claimable.0).sum()),
        staked_operator: sums.staked_operator,
        staked_validator: sums.staked_validator,
        contributions: sums.contributions,
        answers: sums.answers,
        spent: sums.spent,
    })
}

/// The OPEN in the wallet's associated token account, in base units, read from the node.
async fn balance(state: &State, wallet: &Pubkey) -> Result<u64, Refusal> {
    let mint = state
        .mint
        .get_or_try_init(|| async {
            let config = state.client.account::<stake::state::Config>(&pda::stake_config()).await?;
            Ok::<_, Refusal>(config.open_mint)
        })
        .await?;
    Ok(state.client.token_balance(&pda::token_account(wallet, mint)).await?)
}
