//! The summary of one wallet.

use super::{
    claims,
    error::Refusal,
    state::{NODE_WITHIN, State},
};
use openledger_interface::pda;
use openledger_sdk::{
    amount::Amount,
    api::types::{Final, Wallet},
    text,
};
use serde::Deserialize;
use solana_pubkey::Pubkey;
use tokio::time::timeout;

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
    WITH model_sum AS (
        SELECT t.amount, t.provisional
        FROM event m JOIN tally t ON t.kind = 'model_owner_fees' AND t.key = m.subject
        WHERE m.kind = 'ModelRegistered' AND m.data ->> 'owner' = $1
        UNION ALL
        SELECT t.amount, t.provisional
        FROM event o
        JOIN event m ON m.kind = 'ModelRegistered' AND m.data ->> 'parent' = o.subject
        JOIN tally t ON t.kind = 'model_upstream_fees' AND t.key = m.subject
        WHERE o.kind = 'ModelRegistered' AND o.data ->> 'owner' = $1
    ), own AS (
        SELECT kind, events, amount, provisional FROM tally
        WHERE kind IN ('operator_fees', 'operator_training', 'contributor', 'payer_fees') AND key = $1
    ), stake AS (
        SELECT p.role, p.amount::numeric AS amount,
               (SELECT bool_and(e.finalized) FROM entry e WHERE e.subject = p.address) AS finalized
        FROM position p WHERE p.owner = $1
    )
    SELECT (SELECT coalesce(sum(amount), 0)::text FROM model_sum) AS earned_models,
           (SELECT coalesce(sum(amount), 0)::text FROM own WHERE kind IN ('operator_fees', 'operator_training'))
               AS earned_compute,
           (SELECT coalesce(sum(paid::numeric), 0)::text FROM claimed WHERE wallet = $1) AS claimed,
           (SELECT coalesce(sum(amount), 0)::text FROM stake WHERE role = 'operator') AS staked_operator,
           (SELECT coalesce(sum(amount), 0)::text FROM stake WHERE role = 'validator') AS staked_validator,
           (SELECT coalesce(sum(amount), 0)::bigint FROM own WHERE kind = 'contributor') AS contributions,
           (SELECT coalesce(sum(events), 0)::bigint FROM own WHERE kind = 'payer_fees') AS answers,
           (SELECT coalesce(sum(amount), 0)::text FROM own WHERE kind = 'payer_fees') AS spent,
           (SELECT coalesce(sum(provisional), 0) FROM model_sum) + (SELECT coalesce(sum(provisional), 0) FROM own) = 0
               AND coalesce((SELECT bool_and(finalized) FROM stake), true)
               AND coalesce((SELECT bool_and(finalized) FROM claimed WHERE wallet = $1), true) AS finalized";

/// Returns earnings, stake, spending and balance of `wallet`. All are zero for a wallet that the ledger does not know.
/// They are final if everything behind them is; the balance is as the node has it.
pub async fn wallet(state: &State, wallet: &str) -> Result<Final<Wallet>, Refusal> {
    let key = text::parse_key(wallet).map_err(|e| Refusal::bad("wallet", e))?;
    let sums: Final<Sums> = state.db.row(SUMS, &[&wallet]).await?.ok_or_else(|| Refusal::absent("wallet", wallet))?;
    let claims = claims::claims(state, wallet).await?;
    let finalized = sums.finalized && claims.finalized;
    let (sums, pools) = (sums.row, claims.row.pools);
    let lifetime = |pool: &str| pools.iter().find(|p| p.pool == pool).map_or(Amount(0), |p| p.lifetime);
    let balance = timeout(NODE_WITHIN, balance(state, &key)).await.map_err(|_| Refusal::no_node())??;
    let row = Wallet {
        address: wallet.to_owned(),
        balance: Amount(balance),
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
    };
    Ok(Final { row, finalized })
}

/// The OPEN in the wallet's associated token account, in base units, read from the node.
async fn balance(state: &State, wallet: &Pubkey) -> Result<u64, Refusal> {
    let _asking = state.asking.acquire().await.map_err(|_| Refusal::no_node())?;
    let mint = state
        .mint
        .get_or_try_init(|| async {
            let config = state.client.account::<stake::state::Config>(&pda::stake_config()).await?;
            Ok::<_, Refusal>(config.open_mint)
        })
        .await?;
    Ok(state.client.token_balance(&pda::token_account(wallet, mint)).await?)
}
