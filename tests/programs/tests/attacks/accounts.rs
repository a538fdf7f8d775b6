//! Attacks on one account, and attacks that put one account in two places.

use crate::{
    case::{Bench, Case, Expect, Role, Seat},
    forge::{self, Extension, elsewhere, foreign_program, garbage, owned_by, zeroed},
};
use openledger_interface::{Program, pda};
use program_tests::scenario::Attack;
use solana_account::Account;
use solana_instruction::{AccountMeta, BorrowedAccountMeta, BorrowedInstruction, Instruction};
use solana_pubkey::Pubkey;

/// Most accounts of the same type that are tried in an account's place.
const MOST_SIBLINGS: usize = 8;

/// Every attack on every account of the instruction.
pub fn cases(bench: &Bench) -> Vec<Case> {
    let mut out = vec![];
    for (seat, s) in bench.seats.iter().enumerate() {
        match s.role {
            Role::Program => programs(bench, seat, &mut out),
            Role::EventAuthority => event_authorities(bench, seat, &mut out),
            Role::Sysvar => sysvars(bench, seat, &mut out),
            Role::Mint => mints(bench, seat, &mut out),
            Role::Token => tokens(bench, seat, &mut out),
            Role::State => state(bench, seat, &mut out),
            Role::Made => made(bench, seat, &mut out),
            Role::Wallet => wallets(bench, seat, &mut out),
            Role::LeftOut => given(bench, seat, &mut out),
        }
        flags(bench, seat, &mut out);
    }
    twice(bench, &mut out);
    out
}

/// The first eight bytes of a program's account say its type.
fn kind(account: &Account) -> &[u8] {
    let length = if account.owner == solana_sdk_ids::bpf_loader_upgradeable::ID { 4 } else { 8 };
    &account.data[..length.min(account.data.len())]
}

fn programs(bench: &Bench, seat: usize, out: &mut Vec<Case>) {
    let own = bench.seats[seat].meta.pubkey;
    let others = [
        spl_token_2022_interface::ID,
        spl_token_interface::ID,
        solana_sdk_ids::system_program::ID,
        Program::Stake.id(),
        Program::Payout.id(),
        bench.mallory,
    ];
    for other in others.into_iter().filter(|o| *o != own) {
        out.push(bench.on(seat, Attack::OtherProgram, other.to_string(), bench.with(seat, other)));
    }
}

fn event_authorities(bench: &Bench, seat: usize, out: &mut Vec<Case>) {
    let own = bench.seats[seat].meta.pubkey;
    let others = Program::ALL.map(|p| pda::event_authority(&p.id()));
    for other in others.into_iter().chain([bench.mallory]).filter(|o| *o != own) {
        out.push(bench.on(seat, Attack::EventAuthority, other.to_string(), bench.with(seat, other)));
    }
}

fn sysvars(bench: &Bench, seat: usize, out: &mut Vec<Case>) {
    let s = &bench.seats[seat];
    let data = if s.before.data.is_empty() {
        // The runtime writes this account anew for every transaction.
        let borrowed = bench.scenario.instructions();
        let borrowed: Vec<_> = borrowed.iter().map(borrow).collect();
        solana_instructions_sysvar::construct_instructions_data(&borrowed)
    } else {
        s.before.data.clone()
    };
    for owner in [solana_sdk_ids::sysvar::ID, bench.scenario.instruction.program_id, foreign_program()] {
        let fake = elsewhere("sysvar");
        let account = Account { lamports: 1_000_000_000, data: data.clone(), owner, executable: false, rent_epoch: 0 };
        let case = bench.on(seat, Attack::Sysvar, format!("of {owner}"), bench.with(seat, fake));
        out.push(case.put(fake, account));
    }
    for other in [solana_sdk_ids::sysvar::clock::ID, solana_sdk_ids::sysvar::rent::ID] {
        out.push(bench.on(seat, Attack::Sysvar, other.to_string(), bench.with(seat, other)));
    }
}

fn borrow(i: &Instruction) -> BorrowedInstruction<'_> {
    let accounts = i.accounts.iter().map(|m| BorrowedAccountMeta {
        pubkey: &m.pubkey,
        is_signer: m.is_signer,
        is_writable: m.is_writable,
    });
    BorrowedInstruction { program_id: &i.program_id, accounts: accounts.collect(), data: &i.data }
}

fn mints(bench: &Bench, seat: usize, out: &mut Vec<Case>) {
    let s = &bench.seats[seat];
    let fake = elsewhere("mint");
    out.push(bench.on(seat, Attack::OtherMint, "elsewhere", bench.with(seat, fake)).put(fake, s.before.clone()));
    extensions(bench, seat, forge::mint_2022, out);
    replaced(bench, seat, out);
}

fn tokens(bench: &Bench, seat: usize, out: &mut Vec<Case>) {
    let s = &bench.seats[seat];
    let (other_mint, fake) = (elsewhere("mint"), elsewhere("token account"));
    let wrong_mint = forge::of_mint(s.before.clone(), &other_mint);
    out.push(bench.on(seat, Attack::OtherMint, "elsewhere", bench.with(seat, fake)).put(fake, wrong_mint.clone()));
    out.push(bench.on(seat, Attack::OtherMint, "in place", bench.changed(|_| {})).put(s.meta.pubkey, wrong_mint));
    for holder in [bench.mallory, bench.rival] {
        if s.before.data[32..64] == *holder.as_ref() {
            continue;
        }
        let theirs = forge::held_by(s.before.clone(), &holder);
        let how = format!("in place, held by {holder}");
        out.push(bench.on(seat, Attack::OtherHolder, how, bench.changed(|_| {})).put(s.meta.pubkey, theirs));
    }
    extensions(bench, seat, forge::token_2022, out);
    siblings(bench, seat, &s.before, out);
    replaced(bench, seat, out);
    let copy = bench.on(seat, Attack::Copy, "elsewhere", bench.with(seat, fake));
    out.push(copy.put(fake, s.before.clone()));
}

/// The account as Token-2022 would hold it, at another address and in place.
fn extensions(bench: &Bench, seat: usize, make: fn(&Account, Extension) -> Account, out: &mut Vec<Case>) {
    let s = &bench.seats[seat];
    for extension in [Extension::Fee, Extension::Hook] {
        let (account, fake) = (make(&s.before, extension), elsewhere("account of Token-2022"));
        let there = bench.on(seat, Attack::Token2022, format!("{extension:?}, elsewhere"), bench.with(seat, fake));
        out.push(there.put(fake, account.clone()));
        let here = bench.on(seat, Attack::Token2022, format!("{extension:?}, in place"), bench.changed(|_| {}));
        out.push(here.put(s.meta.pubkey, account));
    }
}

fn state(bench: &Bench, seat: usize, out: &mut Vec<Case>) {
    let s = &bench.seats[seat];
    let fake = elsewhere("account");
    out.push(bench.on(seat, Attack::Copy, "elsewhere", bench.with(seat, fake)).put(fake, s.before.clone()));
    siblings(bench, seat, &s.before, out);
    let mut seen = vec![kind(&s.before).to_vec()];
    for (address, account) in bench.accounts() {
        if account.owner == s.before.owner && !seen.iter().any(|k| k == kind(&account)) {
            seen.push(kind(&account).to_vec());
            out.push(bench.on(seat, Attack::OtherType, address.to_string(), bench.with(seat, address)));
        }
    }
    replaced(bench, seat, out);
    if Program::ALL.iter().any(|p| p.id() == s.before.owner) {
        for version in [2, u8::MAX] {
            let case = bench.on(seat, Attack::UnknownVersion, version.to_string(), bench.changed(|_| {}));
            out.push(case.put(s.meta.pubkey, forge::of_version(&s.before, version)));
        }
    }
}

/// Other accounts of the same type, as they are in this world.
fn siblings(bench: &Bench, seat: usize, like: &Account, out: &mut Vec<Case>) {
    let s = &bench.seats[seat];
    let token = like.owner == spl_token_interface::ID;
    let same = |a: &Account| {
        a.owner == like.owner && if token { a.data.len() == like.data.len() } else { kind(a) == kind(like) }
    };
    let others = bench.accounts().into_iter().filter(|(k, a)| *k != s.meta.pubkey && same(a));
    // The nearest first: accounts of the same subject or owner are the likeliest to be confused with it.
    let mut others: Vec<_> = others.collect();
    others.sort_by_key(|(_, a)| a.data.iter().zip(&like.data).filter(|(x, y)| x != y).count());
    for (address, account) in others.into_iter().take(MOST_SIBLINGS) {
        let attack =
            if token && account.data[32..64] != like.data[32..64] { Attack::OtherHolder } else { Attack::Sibling };
        out.push(bench.on(seat, attack, address.to_string(), bench.with(seat, address)));
    }
}

/// The account is another program's, closed, revived or uninitialised.
fn replaced(bench: &Bench, seat: usize, out: &mut Vec<Case>) {
    let s = &bench.seats[seat];
    let fake = elsewhere("foreign account");
    let same = || bench.changed(|_| {});
    let foreign = owned_by(s.before.clone(), foreign_program());
    out.push(bench.on(seat, Attack::ForeignOwner, "elsewhere", bench.with(seat, fake)).put(fake, foreign.clone()));
    let system = owned_by(s.before.clone(), solana_sdk_ids::system_program::ID);
    for (attack, how, account) in [
        (Attack::ForeignOwner, "in place", foreign),
        (Attack::ForeignOwner, "in place, the system program's", system),
        (Attack::Closed, "gone", Account::default()),
        (Attack::Closed, "an empty wallet", Account { data: vec![], owner: Pubkey::default(), ..s.before.clone() }),
        (Attack::Garbage, "other bytes", garbage(&s.before)),
        (Attack::Zeroed, "zeros", zeroed(&s.before)),
        (Attack::Zeroed, "no bytes", Account { data: vec![], ..s.before.clone() }),
    ] {
        out.push(bench.on(seat, attack, how, same()).put(s.meta.pubkey, account));
    }
}

/// The account that the instruction makes: at another address, over an existing account, and at an address that got
/// lamports before.
fn made(bench: &Bench, seat: usize, out: &mut Vec<Case>) {
    let s = &bench.seats[seat];
    out.push(bench.on(seat, Attack::Copy, "elsewhere", bench.with(seat, elsewhere("account to make"))));
    siblings(bench, seat, &s.after, out);
    let same = || bench.changed(|_| {});
    for (attack, how, account) in [
        (Attack::Garbage, "squatted with other bytes", garbage(&s.after)),
        (Attack::Zeroed, "squatted with zeros", zeroed(&s.after)),
        (Attack::ForeignOwner, "squatted by another program", owned_by(s.after.clone(), foreign_program())),
        (Attack::Garbage, "there already", s.after.clone()),
    ] {
        out.push(bench.on(seat, attack, how, same()).put(s.meta.pubkey, account));
    }
    let least = bench.scenario.world.svm.minimum_balance_for_rent_exemption(0);
    for lamports in [1, least, 1_000_000_000] {
        let case = bench.on(seat, Attack::Closed, format!("{lamports} lamports sent before"), same());
        out.push(case.put(s.meta.pubkey, Account { lamports, ..Account::default() }).expect(Expect::Accepted));
    }
}

fn wallets(bench: &Bench, seat: usize, out: &mut Vec<Case>) {
    let own = bench.seats[seat].meta.pubkey;
    // The token accounts of this wallet.
    let held = |s: &Seat| s.role == Role::Token && s.before.data[32..64] == *own.as_ref();
    let tokens: Vec<usize> = (0..bench.seats.len()).filter(|i| held(&bench.seats[*i])).collect();
    for other in [bench.mallory, bench.rival].into_iter().filter(|o| *o != own) {
        out.push(bench.on(seat, Attack::OtherWallet, other.to_string(), bench.with(seat, other)));
        if tokens.is_empty() {
            continue;
        }
        // A thief with tokens of its own acts on somebody else's accounts.
        let thief = bench.changed(|i| {
            i.accounts[seat].pubkey = other;
            for token in &tokens {
                i.accounts[*token].pubkey = bench.scenario.world.ata(&other);
            }
        });
        let mut case = bench.on(seat, Attack::OtherWallet, other.to_string(), thief);
        case.what += " and its tokens";
        out.push(case);
    }
}

/// An account in the place of an optional one that was left out: each of the programs' accounts, and token accounts.
fn given(bench: &Bench, seat: usize, out: &mut Vec<Case>) {
    for (address, account) in bench.accounts() {
        let token = account.owner == spl_token_interface::ID && account.data.len() == 165;
        let ours = Program::ALL.iter().any(|p| p.id() == account.owner);
        if !token && !ours {
            continue;
        }
        let instructions = bench.changed(|i| {
            i.accounts[seat].pubkey = address;
            i.accounts[seat].is_writable = bench.seats[seat].writable;
        });
        out.push(bench.on(seat, Attack::Given, address.to_string(), instructions));
    }
}

/// The account does not sign, is not writable, or is left out.
fn flags(bench: &Bench, seat: usize, out: &mut Vec<Case>) {
    let s = &bench.seats[seat];
    let program = bench.scenario.instruction.program_id;
    if s.meta.is_signer {
        let unsigned = bench.changed(|i| i.accounts[seat].is_signer = false);
        out.push(bench.on(seat, Attack::Unsigned, "", unsigned));
    }
    if s.meta.is_writable {
        let read_only = bench.changed(|i| i.accounts[seat].is_writable = false);
        out.push(bench.on(seat, Attack::ReadOnly, "", read_only));
    }
    if s.meta.pubkey != program {
        let without = bench.changed(|i| {
            i.accounts[seat] = AccountMeta::new_readonly(program, false);
        });
        out.push(bench.on(seat, Attack::LeftOut, "", without));
    }
}

/// For each two writable accounts, one in the place of the other.
fn twice(bench: &Bench, out: &mut Vec<Case>) {
    let writable = |i: &usize| bench.seats[*i].meta.is_writable;
    for a in (0..bench.seats.len()).filter(writable) {
        for b in (0..bench.seats.len()).filter(writable) {
            if bench.seats[a].meta.pubkey == bench.seats[b].meta.pubkey {
                continue;
            }
            let mut case = bench.on(a, Attack::Twice, "", bench.with(a, bench.seats[b].meta.pubkey));
            case.what = format!("{} = {}", bench.seats[a].name, bench.seats[b].name);
            out.push(case);
        }
    }
}
