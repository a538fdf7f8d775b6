//! The bill: the test fails if an instruction's cost grows by more than 3 %, or if transactions that should run in
//! parallel write the same account.

use ::payout::state::Pool;
use openledger_interface::{ix, pda};
use program_tests::{
    bill::{self, Bill},
    payout, scenario,
    town::Town,
};
use solana_keypair::Signer;
use std::fs;

/// The hint how to record a new bill.
const RECORD: &str = "`cargo xtask bench programs --record` records what it costs now";

#[test]
fn no_instruction_costs_more_than_recorded() {
    let path = bill::recorded_at();
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}; {RECORD}", path.display()));
    let recorded: Bill = serde_json::from_str(&text).expect("a bill");
    let measured = bill::measure(&Town::new(), &scenario::all());
    let mut wrong = vec![];
    for (name, now) in &measured {
        let Some(then) = recorded.get(name) else {
            wrong.push(format!("{name} is not on the bill"));
            continue;
        };
        let grown = [
            ("compute units", then.units, now.units),
            ("bytes of accounts", then.made, now.made),
            ("bytes of transaction", then.size, now.size),
        ];
        for (what, then, now) in grown {
            if now * 100 > then * 103 {
                wrong.push(format!("{name}: {now} {what}, recorded {then}"));
            }
        }
    }
    wrong.extend(recorded.keys().filter(|name| !measured.contains_key(*name)).map(|name| format!("{name} is gone")));
    assert!(wrong.is_empty(), "{}\n{RECORD}", wrong.join("\n"));
}

/// Claims need not wait for one another. On different shards, neither claim writes an account that the other uses. On
/// one shard, they share only the shard and its vault.
#[test]
fn claims_on_different_shards_share_no_account_that_either_writes() {
    let town = Town::new();
    let (a, b) = (town.lab.curator.pubkey(), town.mallory.pubkey());
    let claim = |wallet, shard| {
        let args = payout::claim_args(&town.trees[0], Pool::Contributors, wallet);
        ix::payout::claim(wallet, wallet, &town.lab.world.mint, shard, args)
    };
    let written = |wallet, shard| bill::written(&[claim(wallet, shard)], wallet);
    let touches = |wallet, shard| claim(wallet, shard).accounts.into_iter().map(|m| m.pubkey).collect::<Vec<_>>();
    assert!(touches(&b, 1).iter().all(|k| !written(&a, 0).contains(k)));
    assert!(touches(&a, 0).iter().all(|k| !written(&b, 1).contains(k)));
    let shared: Vec<_> = written(&a, 0).intersection(&written(&b, 0)).copied().collect();
    let mut expected = vec![pda::shard(0), pda::vault(0)];
    expected.sort();
    assert_eq!(shared, expected);
}
