//! Earnings and claims of wallets, with proofs against the roots of the active settlement.

use super::{
    error::Refusal,
    state::{State, Trees},
};
use openledger_protocol::rewards::RewardTree;
use openledger_sdk::{
    amount::Amount,
    api::types::{ClaimProof, ClaimProofs, Final, Settlement},
    artifact::Earned,
    text,
};
use serde::Deserialize;
use std::sync::Arc;

/// The fields of a settlement's report that the reward trees are built from. The report's other fields explain these.
#[derive(Deserialize)]
struct Report {
    epoch: u64,
    pools: Vec<Pool>,
}

/// The leaves of a pool.
#[derive(Deserialize)]
struct Pool {
    leaves: Vec<Earned>,
}

/// Returns the lifetime amount, the claimed amount and the proof of `wallet` for each pool in which it has a leaf. They are
/// final if the settlement and all claims of the wallet are.
pub async fn claims(state: &State, wallet: &str) -> Result<Final<ClaimProofs>, Refusal> {
    let (mut pools, mut finalized) = (Vec::new(), true);
    if let Some((settlement, trees)) = active(state).await? {
        finalized = settlement.finalized;
        let key = text::parse_key(wallet).map_err(|e| Refusal::bad("wallet", e))?.to_bytes();
        for (pool, tree) in crate::POOLS.iter().zip(trees.iter()) {
            let Some((index, lifetime, proof)) = tree.prove(&key) else { continue };
            let claimed = claimed(state, wallet, pool).await?;
            finalized &= claimed.finalized;
            pools.push(ClaimProof {
                pool: pool.to_string(),
                lifetime: Amount(lifetime),
                claimed: claimed.row.paid,
                // The index may hold a claim against a newer settlement before it holds that settlement.
                claimable: Amount(lifetime.saturating_sub(claimed.row.paid.0)),
                epoch: settlement.row.epoch,
                index,
                proof: proof.iter().map(hex::encode).collect(),
            });
        }
    }
    Ok(Final { row: ClaimProofs { wallet: wallet.to_owned(), pools }, finalized })
}

/// What a wallet has claimed from a pool.
#[derive(Deserialize)]
struct Claimed {
    paid: Amount,
}

/// What `wallet` has claimed from `pool`.
async fn claimed(state: &State, wallet: &str, pool: &str) -> Result<Final<Claimed>, Refusal> {
    let sql = "SELECT paid, finalized FROM claimed WHERE wallet = $1 AND pool = $2";
    let none = Final { row: Claimed { paid: Amount(0) }, finalized: true };
    Ok(state.db.row(sql, &[&wallet, &pool]).await?.unwrap_or(none))
}

/// The active settlement with its trees. The trees are rebuilt from the published report and checked against the roots
/// on chain.
async fn active(state: &State) -> Result<Option<(Final<Settlement>, Arc<Trees>)>, Refusal> {
    let sql = "SELECT * FROM settlement WHERE status = 'active' ORDER BY epoch DESC LIMIT 1";
    let Some(settlement) = state.db.row::<Final<Settlement>>(sql, &[]).await? else { return Ok(None) };
    let hash = text::parse_hash(&settlement.row.report_hash).map_err(Refusal::unavailable)?;
    if let Some(trees) = state.trees.get(&hash) {
        return Ok(Some((settlement, trees)));
    }
    let store = state.store.as_ref().ok_or_else(|| {
        Refusal::unavailable("this indexer runs without an artifact store, so it has no settlement report: set --store")
    })?;
    let bytes = store.get_blob(&hash).await?;
    let trees = rebuild(&bytes, &settlement.row).map_err(|e| {
        Refusal::unavailable(format!("the report of epoch {} cannot be used: {e}", settlement.row.epoch))
    })?;
    let trees = state.trees.put(hash, trees, 1);
    Ok(Some((settlement, trees)))
}

/// Builds the trees of a report. Fails unless their roots, counts and totals are those that the chain accepted.
fn rebuild(report: &[u8], settlement: &Settlement) -> Result<Trees, String> {
    let report: Report = serde_json::from_slice(report).map_err(|e| e.to_string())?;
    if report.epoch != settlement.epoch {
        return Err(format!("it is about epoch {}", report.epoch));
    }
    let trees: Vec<RewardTree> = report.pools.into_iter().map(tree).collect::<Result<_, _>>()?;
    let trees: Trees = trees.try_into().map_err(|t: Vec<_>| format!("it has {} pools, not 2", t.len()))?;
    for (tree, (name, chain)) in
        trees.iter().zip([("contributors", &settlement.contributors), ("validators", &settlement.validators)])
    {
        // No proof ever uses the root of a pool without leaves, so that root need not match.
        let same = chain.leaves == 0 || hex::encode(tree.root()) == chain.root;
        if !same || tree.count() != chain.leaves || tree.total() != chain.lifetime_total.0 {
            return Err(format!("its {name} do not make the root that the chain accepted"));
        }
    }
    Ok(trees)
}

fn tree(pool: Pool) -> Result<RewardTree, String> {
    let leaves = pool.leaves.into_iter().map(|leaf| (leaf.wallet.to_bytes(), leaf.lifetime.0));
    RewardTree::new(leaves).map_err(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use openledger_sdk::api::types::PoolRoot;

    fn root(tree: &RewardTree) -> PoolRoot {
        PoolRoot {
            root: hex::encode(tree.root()),
            leaves: tree.count(),
            lifetime_total: Amount(tree.total()),
            funded: Amount(1000),
        }
    }

    #[test]
    fn a_report_counts_only_if_it_makes_the_accepted_roots() {
        let wallet = anchor_lang::prelude::Pubkey::new_from_array([3; 32]);
        let tree = RewardTree::new([(wallet.to_bytes(), 70)]).expect("tree");
        let none = RewardTree::new([]).expect("tree");
        let settlement = Settlement {
            epoch: 1,
            status: "active".into(),
            contributors: root(&tree),
            validators: root(&none),
            observations_root: String::new(),
            report_hash: String::new(),
            cutoff_slot: 0,
            active_after: 0,
            committee_epoch: 1,
            posted_slot: 0,
            signature: String::new(),
        };
        let report = |lifetime: &str, epoch: u64| {
            format!(
                r#"{{"version":1,"epoch":{epoch},"pools":[{{"leaves":[["{wallet}","{lifetime}"]]}},{{"leaves":[]}}]}}"#
            )
        };
        assert!(rebuild(report("70", 1).as_bytes(), &settlement).is_ok());
        assert!(rebuild(report("71", 1).as_bytes(), &settlement).is_err_and(|e| e.contains("contributors")));
        assert!(rebuild(report("70", 2).as_bytes(), &settlement).is_err_and(|e| e.contains("epoch 2")));
        assert!(rebuild(b"{}", &settlement).is_err());
    }
}
