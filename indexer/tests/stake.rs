//! Tests of the views over slashes, delegation and the rotation of committees.

mod support;

use openledger_indexer::ingest::{TransactionRecord, ingest};
use openledger_interface::{events::Event, pda};
use serde_json::{Value, json};
use stake::{
    events::*,
    state::{Role, SlashReason},
};
use support::{Server, hash, key};

fn history() -> Vec<TransactionRecord> {
    let (operator, owner) = (key(1), key(2));
    let (position, pool) = (pda::position(&operator, Role::Operator), pda::stake_pool(&operator));
    let delegation = pda::delegation(&operator, &owner);
    let slashed = |sequence, amount, bonded, unbonding, reason| {
        let evidence = hash(9);
        Event::Slashed(Slashed {
            position,
            sequence,
            owner: operator,
            role: Role::Operator,
            amount,
            bonded,
            unbonding,
            reason,
            evidence,
        })
    };
    let commission = |sequence, now, next| {
        Event::CommissionSet(CommissionSet {
            pool,
            sequence,
            operator,
            commission_bps: now,
            next_commission_bps: next,
            commission_slot: 7,
        })
    };
    let staked =
        Event::Staked(Staked { position, sequence: 0, owner: operator, role: Role::Operator, added: 900, amount: 900 });
    let unbonding = Event::Unbonding(Unbonding { position, sequence: 1, unbonding: 300, unbond_slot: 50, amount: 600 });
    let pool_slashed = Event::PoolSlashed(PoolSlashed {
        pool,
        sequence: 1,
        operator,
        amount: 60,
        bonded: 50,
        unbonding: 10,
        reason: SlashReason::Equivocation,
        evidence: hash(9),
    });
    let events = [
        staked,
        unbonding,
        commission(0, 100, 100),
        Event::Delegated(Delegated { delegation, sequence: 0, operator, owner, added: 120, shares: 120 }),
        Event::Undelegated(Undelegated {
            delegation,
            sequence: 1,
            amount: 20,
            shares: 100,
            unbonding_shares: 20,
            unbond_slot: 60,
        }),
        slashed(2, 450, 450, 0, SlashReason::Equivocation),
        pool_slashed,
        slashed(3, 50, 400, 0, SlashReason::Attested),
        commission(2, 100, 200),
        Event::Harvested(Harvested { pool, sequence: 3, arrived: 90, owed: 80, paid: 10 }),
        Event::RewardsClaimed(RewardsClaimed { delegation, sequence: 2, paid: 80 }),
        Event::DelegationWithdrawn(DelegationWithdrawn { delegation, sequence: 3, paid: 10 }),
        Event::SuccessorNamed(SuccessorNamed {
            config: pda::stake_config(),
            sequence: 0,
            committee: pda::committee(2),
            epoch: 2,
            threshold: 2,
            size: 3,
            roster: hash(4),
            committee_epoch: 1,
        }),
        Event::InsurancePaid(InsurancePaid { config: pda::stake_config(), sequence: 1, to: key(3), amount: 5 }),
    ];
    let record = |(n, event): (usize, Event)| TransactionRecord {
        signature: bs58::encode([n as u8 + 1; 64]).into_string(),
        slot: 100 + n as u64,
        place: None,
        block_time: None,
        failed: false,
        events: vec![event],
        unread: vec![],
    };
    events.into_iter().enumerate().map(record).collect()
}

#[tokio::test]
async fn slashes_delegations_and_successors_are_views_of_their_events() {
    #[derive(serde::Deserialize)]
    struct Row {
        row: Value,
    }
    let server = Server::start();
    let db = server.database("stake").await;
    // The reverse order tests that views do not depend on the order of arrival.
    for record in history().iter().rev() {
        ingest(&db, record).await.expect("ingests");
    }
    let read = async |sql: &str| -> Vec<Value> {
        let sql = format!("SELECT to_jsonb(v) AS row FROM ({sql}) v");
        db.rows::<Row>(&sql, &[]).await.expect("view reads").into_iter().map(|r| r.row).collect()
    };
    let (operator, owner) = (key(1).to_string(), key(2).to_string());
    let position = read("SELECT amount, unbonding FROM position").await;
    assert_eq!(position, [json!({ "amount": "400", "unbonding": "0" })]);
    let slashes = read("SELECT owner, role, amount, reason FROM slash ORDER BY page_slot").await;
    let slash = |role: &str, amount: &str, reason: &str| json!({ "owner": operator, "role": role, "amount": amount, "reason": reason });
    let expected = [
        slash("operator", "450", "equivocation"),
        slash("pool", "60", "equivocation"),
        slash("operator", "50", "attested"),
    ];
    assert_eq!(slashes, expected);
    assert_eq!(read("SELECT slashed, paid FROM insurance").await, [json!({ "slashed": "560", "paid": "5" })]);
    let pool = read("SELECT operator, commission_bps, next_commission_bps, rewards, delegators FROM stake_pool").await;
    let wanted = json!({ "operator": operator, "commission_bps": 100, "next_commission_bps": 200, "rewards": "90", "delegators": 1 });
    assert_eq!(pool, [wanted]);
    let delegation = read("SELECT operator, owner, shares, unbonding_shares, claimed FROM delegation").await;
    let wanted =
        json!({ "operator": operator, "owner": owner, "shares": "100", "unbonding_shares": "0", "claimed": "80" });
    assert_eq!(delegation, [wanted]);
    let successor = read("SELECT epoch, named_by, roster FROM successor").await;
    assert_eq!(successor, [json!({ "epoch": 2, "named_by": 1, "roster": hex::encode(hash(4)) })]);
    // The reconciliation compares these facts with the chain.
    let address = pda::delegation(&key(1), &key(2));
    let facts = read(&format!("SELECT fields FROM fact WHERE account = '{address}' AND fields ? 'shares'")).await;
    assert_eq!(facts, [json!({ "fields": { "shares": "100", "unbonding_shares": "0" } })]);
}
