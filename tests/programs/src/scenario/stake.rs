//! Scenarios of the stake program.

use super::{Attack::*, Listed, NOWHERE_ELSE, OWN_TOKENS, PINNED, SETS, Scenario};
use crate::{OPEN, key, keys::Key, stake as net, town::Town};
use ::stake::{
    state::{Role, capability},
    vote_lock::MAX_LOCK_SLOTS,
};
use solana_instruction::Instruction;
use solana_keypair::Signer;

pub(super) const ALL: &[Listed] = &[
    ("initialize", "", initialize),
    ("propose_authority", "", propose_authority),
    ("accept_authority", "", accept_authority),
    ("deposit", "first", deposit_first),
    ("deposit", "further", deposit_further),
    ("request_unbond", "validator", request_unbond),
    ("request_unbond", "operator", request_unbond_operator),
    ("withdraw", "", withdraw),
    ("register_operator", "", register_operator),
    ("update_operator", "", update_operator),
    ("propose_committee", "", propose_committee),
    ("add_members", "", add_members),
    ("confirm_committee", "not last", confirm_committee),
    ("confirm_committee", "last", confirm_committee_last),
    ("abandon_committee", "", abandon_committee),
    ("lock_votes", "", lock_votes),
    ("add_to_lock", "", add_to_lock),
    ("extend_lock", "", extend_lock),
    ("delegate_votes", "", delegate_votes),
    ("unlock_votes", "", unlock_votes),
    ("pause", "", pause),
];

fn initialize(t: Town) -> Scenario {
    let by = t.bare.authority.insecure_clone();
    let instruction = net::initialize(&t.bare, &by.pubkey());
    Scenario::new(t.bare, instruction, &[&by]).free(
        OtherMint,
        &["open_mint", ""],
        "the upgrade authority says which mint is OPEN",
    )
}

fn propose_authority(t: Town) -> Scenario {
    let by = t.lab.world.authority.insecure_clone();
    let instruction = net::propose_authority(&by.pubkey(), t.rival.pubkey());
    Scenario::new(t.lab.world, instruction, &[&by]).free(Replay, &[""], SETS)
}

fn accept_authority(mut t: Town) -> Scenario {
    let by = t.world().authority.insecure_clone();
    let proposal = net::propose_authority(&by.pubkey(), t.rival.pubkey());
    t.world().send(&[proposal], &[&by]).expect("is proposed");
    Scenario::new(t.lab.world, net::accept_authority(&t.rival.pubkey()), &[&t.rival])
}

fn deposit_first(t: Town) -> Scenario {
    let instruction = net::deposit(&t.lab.world, &t.mallory.pubkey(), Role::Operator, OPEN);
    let signer = t.mallory.insecure_clone();
    deposits(Scenario::new(t.lab.world, instruction, &[&signer])).free(
        Garbage,
        &["position"],
        "where there is a position already, the deposit adds to it",
    )
}

fn deposit_further(t: Town) -> Scenario {
    let signer = t.lab.validators[0].insecure_clone();
    let instruction = net::deposit(&t.lab.world, &signer.pubkey(), Role::Validator, OPEN);
    deposits(Scenario::new(t.lab.world, instruction, &[&signer])).free(
        Closed,
        &["position"],
        "a position is never closed: this state cannot be",
    )
}

fn deposits(s: Scenario) -> Scenario {
    s.free(Replay, &[""], "whoever has tokens may stake more of them").free(Copy, &["owner_token"], OWN_TOKENS).free(
        OtherHolder,
        &["vault"],
        PINNED,
    )
}

fn request_unbond(t: Town) -> Scenario {
    let signer = t.lab.validators[0].insecure_clone();
    let instruction = net::request_unbond(&signer.pubkey(), Role::Validator, OPEN, t.lab.committee.epoch);
    let aside = "a validator's stake does not depend on committees";
    Scenario::new(t.lab.world, instruction, &[&signer])
        .free(Replay, &[""], "whoever has bonded tokens may unbond more of them")
        .free(ForeignOwner, &["active_committee"], aside)
        .free(Closed, &["active_committee"], aside)
        .free(Garbage, &["active_committee"], aside)
        .free(Zeroed, &["active_committee"], aside)
}

/// An operator that sits on no committee now takes its stake out; another one is proposed.
fn request_unbond_operator(mut t: Town) -> Scenario {
    let (by, signer) = (t.lab.world.authority.insecure_clone(), t.retired.members[0].wallet.insecure_clone());
    let (epoch, other) = (t.lab.committee.epoch, t.retired.members[1].wallet.pubkey());
    let propose = net::propose_committee(&by.pubkey(), epoch + 1, 1, 1, &[other]);
    t.world().send(&[propose], &[&by]).expect("is proposed");
    let instruction = net::request_unbond(&signer.pubkey(), Role::Operator, net::MIN_OPERATOR, epoch);
    let gone = "the address is the committee's and its account is the program's: this state cannot be";
    Scenario::new(t.lab.world, instruction, &[&signer])
        .free(ForeignOwner, &["active_committee", "next_committee"], gone)
        .free(Closed, &["active_committee"], gone)
        .free(Closed, &["next_committee"], "no committee is proposed")
}

fn withdraw(mut t: Town) -> Scenario {
    let signer = t.lab.validators[0].insecure_clone();
    let unbond = net::request_unbond(&signer.pubkey(), Role::Validator, OPEN, t.lab.committee.epoch);
    t.world().send(&[unbond], &[&signer]).expect("unbonds");
    t.world().pass(net::UNBOND_SLOTS);
    let instruction = net::withdraw(&t.lab.world, &signer.pubkey(), Role::Validator);
    Scenario::new(t.lab.world, instruction, &[&signer]).free(Copy, &["owner_token"], OWN_TOKENS)
}

fn register_operator(mut t: Town) -> Scenario {
    let (owner, identity) = (t.mallory.insecure_clone(), key("mallory's identity"));
    let deposit = net::deposit(&t.lab.world, &owner.pubkey(), Role::Operator, net::MIN_OPERATOR);
    t.world().send(&[deposit], &[&owner]).expect("deposits");
    let instruction =
        net::register_operator(&owner.pubkey(), &identity.pubkey(), "http://node.example", capability::ALL);
    Scenario::new(t.lab.world, instruction, &[&owner, &identity]).free(
        OtherWallet,
        &["identity"],
        "an operator chooses its identity key: any that signs",
    )
}

fn update_operator(t: Town) -> Scenario {
    let signer = t.lab.trainer(0);
    let instruction = net::update_operator(&signer.pubkey(), "http://elsewhere.example", capability::SERVE);
    Scenario::new(t.lab.world, instruction, &[&signer]).free(Replay, &[""], SETS)
}

/// The members of the town's committees: the retired one's are operators that sit on none now.
fn wallets(t: &Town) -> Vec<solana_pubkey::Pubkey> {
    t.retired.members.iter().map(|m| m.wallet.pubkey()).collect()
}

fn propose_committee(t: Town) -> Scenario {
    let (by, members) = (t.lab.world.authority.insecure_clone(), wallets(&t));
    let instruction = net::propose_committee(&by.pubkey(), t.lab.committee.epoch + 1, 2, 2, &members);
    Scenario::new(t.lab.world, instruction, &[&by]).free(
        Copy,
        &["remaining[0]", "remaining[1]", "remaining[2]", "remaining[3]"],
        NOWHERE_ELSE,
    )
}

fn add_members(mut t: Town) -> Scenario {
    let (by, members, epoch) = (t.lab.world.authority.insecure_clone(), wallets(&t), t.lab.committee.epoch + 1);
    let first = net::propose_committee(&by.pubkey(), epoch, 2, 2, &members[..1]);
    t.world().send(&[first], &[&by]).expect("is proposed");
    let instruction = net::add_members(&by.pubkey(), epoch, &members[1..]);
    Scenario::new(t.lab.world, instruction, &[&by]).free(Copy, &["remaining[0]", "remaining[1]"], NOWHERE_ELSE)
}

fn confirm_committee(t: Town) -> Scenario {
    confirming(t, 0)
}

fn confirm_committee_last(t: Town) -> Scenario {
    confirming(t, 1)
}

/// A committee of two of which `confirmed` have confirmed, and the next confirmation.
fn confirming(mut t: Town, confirmed: usize) -> Scenario {
    let (by, members, epoch) = (t.lab.world.authority.insecure_clone(), wallets(&t), t.lab.committee.epoch + 1);
    let propose = net::propose_committee(&by.pubkey(), epoch, 2, 2, &members);
    t.world().send(&[propose], &[&by]).expect("is proposed");
    let keys: Vec<Key> = t.retired.members.iter().map(|m| m.wallet.insecure_clone()).collect();
    for member in &keys[..confirmed] {
        let confirm = net::confirm_committee(&member.pubkey(), epoch, [9; 32]);
        t.world().send(&[confirm], &[member]).expect("confirms");
    }
    let next = &keys[confirmed];
    let instruction = net::confirm_committee(&next.pubkey(), epoch, [9; 32]);
    Scenario::new(t.lab.world, instruction, &[next])
}

fn abandon_committee(mut t: Town) -> Scenario {
    let (by, members, epoch) = (t.lab.world.authority.insecure_clone(), wallets(&t), t.lab.committee.epoch + 1);
    let propose = net::propose_committee(&by.pubkey(), epoch, 2, 2, &members);
    t.world().send(&[propose], &[&by]).expect("is proposed");
    Scenario::new(t.lab.world, net::abandon_committee(&by.pubkey(), epoch), &[&by])
}

fn lock_votes(t: Town) -> Scenario {
    let (signer, end) = (t.mallory.insecure_clone(), t.lab.world.slot() + MAX_LOCK_SLOTS);
    let instruction = net::lock_votes(&t.lab.world, &signer.pubkey(), OPEN, end);
    Scenario::new(t.lab.world, instruction, &[&signer]).free(Copy, &["owner_token"], OWN_TOKENS).free(
        OtherHolder,
        &["vault"],
        PINNED,
    )
}

fn by_voter(t: Town, make: impl FnOnce(&Town, &solana_pubkey::Pubkey) -> Instruction) -> Scenario {
    let signer = t.assembly.voters[0].insecure_clone();
    let instruction = make(&t, &signer.pubkey());
    Scenario::new(t.lab.world, instruction, &[&signer])
}

fn add_to_lock(t: Town) -> Scenario {
    by_voter(t, |t, by| net::add_to_lock(&t.lab.world, by, OPEN))
        .free(Replay, &[""], "whoever has locked tokens may lock more of them")
        .free(Copy, &["owner_token"], OWN_TOKENS)
        .free(OtherHolder, &["vault"], PINNED)
}

fn extend_lock(mut t: Town) -> Scenario {
    t.world().pass(100);
    let end = t.lab.world.slot() + MAX_LOCK_SLOTS;
    by_voter(t, |_, by| net::extend_lock(by, end))
}

fn delegate_votes(t: Town) -> Scenario {
    by_voter(t, |t, by| net::delegate_votes(by, t.rival.pubkey())).free(Replay, &[""], SETS)
}

fn unlock_votes(mut t: Town) -> Scenario {
    t.world().pass(MAX_LOCK_SLOTS);
    let owner = t.assembly.voters[0].pubkey();
    Scenario::new(t.lab.world.clone(), net::unlock_votes(&t.lab.world, &owner), &[])
}

fn pause(t: Town) -> Scenario {
    let (by, until) = (t.lab.world.authority.insecure_clone(), t.lab.world.slot() + 100);
    Scenario::new(t.lab.world, net::pause(&by.pubkey(), until), &[&by]).free(Replay, &[""], SETS)
}
