//! Attacks on the transaction as a whole: fewer accounts, another currency throughout, and a replay.

use crate::{
    case::{Bench, Case, Expect, Role},
    forge::{self, Extension, elsewhere},
};
use program_tests::scenario::Attack;
use solana_instruction::AccountMeta;

pub fn cases(bench: &Bench) -> Vec<Case> {
    let mut out = vec![];
    for count in 0..bench.seats.len() {
        let fewer = bench.changed(|i| i.accounts.truncate(count));
        out.push(bench.whole(Attack::Missing, format!("the first {count} accounts alone"), fewer));
    }
    let extras = [("a wallet", AccountMeta::new(bench.mallory, false))];
    let again = bench.seats.iter().filter(|s| s.meta.is_writable).map(|s| (s.name.as_str(), s.meta.clone()));
    for (name, meta) in extras.into_iter().chain(again) {
        let more = bench.changed(|i| i.accounts.push(meta));
        out.push(bench.whole(Attack::Missing, format!("{name} behind the others"), more).expect(Expect::SameEffect));
    }
    currencies(bench, &mut out);
    out
}

/// Every token account and the mint are in a currency of the attacker, at addresses that it can choose.
fn currencies(bench: &Bench, out: &mut Vec<Case>) {
    let tokens: Vec<usize> = (0..bench.seats.len()).filter(|i| bench.seats[*i].role == Role::Token).collect();
    let mints: Vec<usize> = (0..bench.seats.len()).filter(|i| bench.seats[*i].role == Role::Mint).collect();
    if tokens.is_empty() && mints.is_empty() {
        return;
    }
    for extension in [None, Some(Extension::Fee), Some(Extension::Hook)] {
        // All of them, and each number of the first and of the last ones, because some addresses cannot be chosen.
        for (from, to) in (0..=tokens.len()).flat_map(|n| [(0, n), (n, tokens.len())]) {
            let mint = elsewhere("currency");
            let mut instructions = bench.changed(|_| {});
            let accounts = &mut instructions.last_mut().expect("there is an instruction").accounts;
            let mut put = vec![];
            for &seat in &mints {
                let account = &bench.seats[seat].before;
                put.push((mint, extension.map_or_else(|| account.clone(), |e| forge::mint_2022(account, e))));
                accounts[seat].pubkey = mint;
            }
            for &seat in &tokens[from..to] {
                let account = forge::of_mint(bench.seats[seat].before.clone(), &mint);
                let account = extension.map_or_else(|| account.clone(), |e| forge::token_2022(&account, e));
                let address = elsewhere(&format!("currency in {seat}"));
                put.push((address, account));
                accounts[seat].pubkey = address;
            }
            if put.is_empty() {
                continue;
            }
            if extension.is_some() {
                for meta in accounts.iter_mut().filter(|m| m.pubkey == spl_token_interface::ID) {
                    meta.pubkey = spl_token_2022_interface::ID;
                }
            }
            let attack = if extension.is_some() { Attack::Token2022 } else { Attack::OtherMint };
            let mut case = bench.whole(attack, format!("{extension:?}, token accounts {from} to {to}"), instructions);
            case.put = put;
            out.push(case);
        }
    }
}
