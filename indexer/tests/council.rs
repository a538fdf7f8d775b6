//! Tests of the API over delegation, grants, slashes, challenges, prepaid balances and votes.

mod support;

use openledger_indexer::ingest::{TransactionRecord, confirm, ingest};
use openledger_interface::pda;
use openledger_sdk::amount::Amount;
use serde_json::json;
use support::{
    api::Api,
    council::{SHARES, council},
    key, world,
};

/// An API that also serves `history`, which is read in the wrong order.
async fn serving(history: &[TransactionRecord]) -> Api {
    let api = Api::start(&world()).await;
    for record in history.iter().rev() {
        ingest(&api.source.db, record).await.expect("ingests");
    }
    api
}

#[tokio::test]
async fn delegations_and_slashes_are_told_as_their_last_events_left_them() {
    let council = council();
    let api = serving(&council.history).await;
    let pools = api.client.stake_pools().await.expect("answers");
    assert_eq!(pools.len(), 1);
    let pool = &pools[0].row;
    assert_eq!((pool.address.clone(), pool.operator.clone()), (council.pool.to_string(), council.operator.to_string()));
    assert_eq!((pool.commission_bps, pool.next_commission_bps, pool.delegators), (100, 200, 1));
    assert_eq!((pool.rewards, pool.owed, pool.slashed), (Amount(90), Amount(80), Amount(60)));
    for delegations in
        [api.client.delegations_of(&council.delegator).await, api.client.delegations_to(&council.operator).await]
    {
        let delegations = delegations.expect("answers");
        assert_eq!(delegations.len(), 1);
        let row = &delegations[0].row;
        assert_eq!((&row.shares, &row.unbonding_shares), (&SHARES.to_string(), &"20".to_owned()));
        assert_eq!((row.unbond_slot, row.claimed), (Some(3_000), Amount(80)));
    }
    assert!(api.client.delegations_of(&key(200)).await.expect("answers").is_empty());
    let slashes = api.client.slashes().await.expect("answers");
    let told: Vec<_> = slashes.iter().map(|s| (s.row.role.as_str(), s.row.amount, s.row.reason.as_str())).collect();
    assert_eq!(told, [("pool", Amount(60), "equivocation"), ("operator", Amount(450), "equivocation")]);
    assert!(slashes.iter().all(|s| s.row.owner == council.operator.to_string()));
    let (_, of_pools) = api.get("/v1/slashes?role=pool").await;
    assert_eq!(of_pools["items"].as_array().map(Vec::len), Some(1));
    let insurance = api.client.insurance().await.expect("answers");
    assert_eq!((insurance.row.slashed, insurance.row.paid, insurance.finalized), (Amount(510), Amount(5), false));
    let paid = api.client.insurance_payments().await.expect("answers");
    assert_eq!((paid[0].row.to.clone(), paid[0].row.amount), (key(105).to_string(), Amount(5)));
}

#[tokio::test]
async fn grants_tell_what_was_asked_and_given_even_without_end() {
    let council = council();
    let api = serving(&council.history).await;
    for grants in [api.client.grants_of(&council.datanet).await, api.client.grants_for(&key(103)).await] {
        let grants = grants.expect("answers");
        assert_eq!(grants.len(), 1);
        let grant = &grants[0].row;
        assert_eq!((grant.address.clone(), grant.purpose.as_str()), (council.grant.to_string(), "to write manuals"));
        assert_eq!((grant.status.as_str(), grant.expiry_slot, grant.uses), ("granted", Amount(u64::MAX), 1));
        assert!(grant.requested_slot < grant.changed_slot);
    }
    let (_, asked) = api.get("/v1/grants?status=requested").await;
    assert_eq!(asked["items"], json!([]));
}

#[tokio::test]
async fn proposals_tell_their_votes_and_what_they_do() {
    let council = council();
    let api = serving(&council.history).await;
    let proposals = api.client.proposals().await.expect("answers");
    let told: Vec<_> = proposals.iter().map(|p| (p.row.number, p.row.status.as_str())).collect();
    assert_eq!(told, [(1, "cancelled"), (0, "executed")]);
    assert_eq!((proposals[0].row.quorum, proposals[0].row.votes), (None, 0));
    let passed = api.client.proposal(&council.proposal).await.expect("answers").expect("is there").row;
    let weights = (passed.proposal.votes_for, passed.proposal.votes_against, passed.proposal.votes_abstain);
    assert_eq!(weights, (Amount(900), Amount(40), Amount(0)));
    assert_eq!((passed.proposal.votes, passed.proposal.instructions, passed.proposal.executed), (2, 1, 1));
    assert_eq!((passed.proposal.quorum, passed.proposal.executable_slot), (Some(Amount(100)), Some(1_200)));
    let call = &passed.calls[0];
    assert_eq!((call.program.clone(), call.data.as_str(), call.executed), (payout::ID.to_string(), "0102ff", true));
    assert_eq!((call.accounts[0].address.clone(), call.accounts[0].writable), (pda::payout_config().to_string(), true));
    let votes = api.client.votes_on(&council.proposal).await.expect("answers");
    assert_eq!(
        votes.iter().map(|v| (v.row.choice.as_str(), v.row.weight)).collect::<Vec<_>>(),
        [("against", Amount(40)), ("for", Amount(900))]
    );
    assert!(api.client.votes_on(&council.withdrawn).await.expect("answers").is_empty());
    let lock = api.client.vote_lock(&council.delegator).await.expect("answers").expect("is there").row;
    assert_eq!((lock.address, lock.delegate), (council.lock.to_string(), key(107).to_string()));
    assert_eq!((lock.amount, lock.end_slot), (Amount(1000), Some(9_000)));
}

#[tokio::test]
async fn challenges_and_prepaid_balances_are_told() {
    let world = world();
    let api = Api::start(&world).await;
    let challenges = api.client.challenges().await.expect("answers");
    let told: Vec<_> = challenges.iter().map(|c| (c.row.status.as_str(), c.row.released, c.row.epoch)).collect();
    assert_eq!(told, [("upheld", Some(Amount(10)), 1), ("dismissed", Some(Amount(10)), 1)]);
    let (_, one) = api.get(&format!("/v1/challenges/{}", challenges[0].row.address)).await;
    assert_eq!((&one["challenger"], &one["bond"]), (&json!(world.contributors[1].to_string()), &json!("10")));
    let balance = api.client.prepaid_balance(&world.payer).await.expect("answers").expect("is there").row;
    assert_eq!((balance.amount, balance.debited, balance.withdrawing), (Amount(500), Amount(300), Amount(100)));
    assert_eq!((balance.withdraw_slot, balance.address), (Some(800), pda::prepaid_balance(&world.payer).to_string()));
    assert!(api.client.prepaid_balance(&key(200)).await.expect("answers").is_none());
}

#[tokio::test]
async fn only_final_rows_are_listed_where_only_those_are_asked_for() {
    let council = council();
    let api = serving(&council.history).await;
    let lists = [
        "/v1/pools",
        "/v1/delegations",
        "/v1/slashes",
        "/v1/insurance/payments",
        "/v1/grants",
        "/v1/proposals",
        "/v1/votes",
        "/v1/locks",
    ];
    let number = async |path: &str| api.get(path).await.1["items"].as_array().map_or(0, Vec::len);
    for list in lists {
        assert!(number(list).await > 0, "{list}");
        assert_eq!(number(&format!("{list}?finalized=true")).await, 0, "{list}");
    }
    let all = |count: usize| {
        let some = &council.history[..count];
        let slots: Vec<i64> = some.iter().map(|t| t.slot as i64).collect();
        (some.iter().map(|t| t.signature.as_str()).collect::<Vec<_>>(), slots)
    };
    // A sum is final only with all that it is of: the second claim is not yet.
    let (signatures, slots) = all(8);
    confirm(&api.source.db, &signatures, &slots).await.expect("writes");
    assert_eq!(number("/v1/delegations?finalized=true").await, 0);
    let (signatures, slots) = all(council.history.len());
    confirm(&api.source.db, &signatures, &slots).await.expect("writes");
    for list in lists {
        assert_eq!(number(&format!("{list}?finalized=true")).await, number(list).await, "{list}");
    }
    assert!(api.client.insurance().await.expect("answers").finalized);
    assert!(api.client.proposal(&council.proposal).await.expect("answers").expect("is there").finalized);
}
