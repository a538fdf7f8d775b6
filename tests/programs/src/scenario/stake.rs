//! Scenarios of the stake program.

use super::honest::{ANYONE, Attack::*, Listed, NOWHERE_ELSE, OWN_TOKENS, PINNED, SETS, Scenario};
use crate::{OPEN, attest, key, keys::Key, stake as net, town::Town};
use ::stake::{
    instructions::{
        Parameters, ProposeCommitteeArgs, ProposeNextCommitteeArgs, ProveEquivocationArgs, RegisterOperatorArgs,
        SlashAttestedArgs,
    },
    roster::chain,
    state::{Config, Role, capability},
    vote_lock::MAX_LOCK_SLOTS,
};
use openledger_interface::{attestation, ix, pda};
use openledger_protocol::attest::Message;
use solana_instruction::Instruction;
use solana_keypair::Signer;
use solana_pubkey::Pubkey;

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
    ("set_parameters", "", set_parameters),
    ("expire_committee", "", expire_committee),
    ("propose_next_committee", "", propose_next_committee),
    ("seat_members", "", seat_members),
    ("open_pool", "", open_pool),
    ("set_commission", "", set_commission),
    ("delegate", "first", delegate_first),
    ("delegate", "further", delegate_further),
    ("undelegate", "", undelegate),
    ("withdraw_delegation", "", withdraw_delegation),
    ("harvest", "", harvest),
    ("claim_delegation_rewards", "", claim_rewards),
    ("prove_equivocation", "", prove_equivocation),
    ("slash_attested", "", slash_attested),
    ("slash_by_authority", "", slash_by_authority),
    ("pay_insurance", "", pay_insurance),
];

fn initialize(t: Town) -> Scenario {
    let by = t.bare.authority.insecure_clone();
    let instruction = ix::stake::initialize(&by.pubkey(), &t.bare.mint, net::initialize_args(&t.bare));
    Scenario::new(t.bare, instruction, &[&by]).free(
        OtherMint,
        &["open_mint", ""],
        "the upgrade authority says which mint is OPEN",
    )
}

fn propose_authority(t: Town) -> Scenario {
    let by = t.lab.world.authority.insecure_clone();
    let instruction = ix::stake::propose_authority(&by.pubkey(), &t.rival.pubkey());
    Scenario::new(t.lab.world, instruction, &[&by]).free(Replay, &[""], SETS)
}

fn accept_authority(mut t: Town) -> Scenario {
    let by = t.world().authority.insecure_clone();
    let proposal = ix::stake::propose_authority(&by.pubkey(), &t.rival.pubkey());
    t.world().send(&[proposal], &[&by]).expect("is proposed");
    Scenario::new(t.lab.world, ix::stake::accept_authority(&t.rival.pubkey()), &[&t.rival])
}

fn deposit_first(t: Town) -> Scenario {
    let instruction = ix::stake::deposit(&t.mallory.pubkey(), &t.lab.world.mint, Role::Operator, OPEN);
    let signer = t.mallory.insecure_clone();
    deposits(Scenario::new(t.lab.world, instruction, &[&signer])).free(
        Garbage,
        &["position"],
        "where there is a position already, the deposit adds to it",
    )
}

fn deposit_further(t: Town) -> Scenario {
    let signer = t.lab.validators[0].insecure_clone();
    let instruction = ix::stake::deposit(&signer.pubkey(), &t.lab.world.mint, Role::Validator, OPEN);
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
    let instruction = ix::stake::request_unbond(&signer.pubkey(), t.lab.committee.epoch, Role::Validator, OPEN);
    let aside = "a validator's stake does not depend on committees";
    Scenario::new(t.lab.world, instruction, &[&signer])
        .free(Replay, &[""], "whoever has bonded tokens may unbond more of them")
        .free(ForeignOwner, &["active_committee"], aside)
        .free(Closed, &["active_committee"], aside)
        .free(Garbage, &["active_committee"], aside)
        .free(Zeroed, &["active_committee"], aside)
        .free(UnknownVersion, &["active_committee"], aside)
}

/// An operator that is in no committee any more unbonds its stake, while another committee is proposed.
fn request_unbond_operator(mut t: Town) -> Scenario {
    let (by, signer) = (t.lab.world.authority.insecure_clone(), t.retired.members[0].wallet.insecure_clone());
    let (epoch, other) = (t.lab.committee.epoch, t.retired.members[1].wallet.pubkey());
    let propose = ix::stake::propose_committee(
        &by.pubkey(),
        epoch,
        ProposeCommitteeArgs { threshold: 1, size: 1, members: vec![other] },
    );
    t.world().send(&[propose], &[&by]).expect("is proposed");
    let instruction = ix::stake::request_unbond(&signer.pubkey(), epoch, Role::Operator, net::MIN_OPERATOR);
    let gone = "the address is the committee's and its account is the program's: this state cannot be";
    Scenario::new(t.lab.world, instruction, &[&signer])
        .free(ForeignOwner, &["active_committee", "next_committee"], gone)
        .free(Closed, &["active_committee"], gone)
        .free(Closed, &["next_committee"], "no committee is proposed")
}

fn withdraw(mut t: Town) -> Scenario {
    let signer = t.lab.validators[0].insecure_clone();
    let unbond = ix::stake::request_unbond(&signer.pubkey(), t.lab.committee.epoch, Role::Validator, OPEN);
    t.world().send(&[unbond], &[&signer]).expect("unbonds");
    t.world().pass(net::UNBOND_SLOTS);
    let instruction = ix::stake::withdraw(&signer.pubkey(), &t.lab.world.mint, Role::Validator);
    Scenario::new(t.lab.world, instruction, &[&signer]).free(Copy, &["owner_token"], OWN_TOKENS)
}

fn register_operator(mut t: Town) -> Scenario {
    let (owner, identity) = (t.mallory.insecure_clone(), key("mallory's identity"));
    let deposit = ix::stake::deposit(&owner.pubkey(), &t.lab.world.mint, Role::Operator, net::MIN_OPERATOR);
    t.world().send(&[deposit], &[&owner]).expect("deposits");
    let instruction = ix::stake::register_operator(
        &owner.pubkey(),
        &identity.pubkey(),
        RegisterOperatorArgs { endpoint: "http://node.example".into(), capabilities: capability::ALL },
    );
    Scenario::new(t.lab.world, instruction, &[&owner, &identity]).free(
        OtherWallet,
        &["identity"],
        "an operator chooses its identity key: any that signs",
    )
}

fn update_operator(t: Town) -> Scenario {
    let signer = t.lab.trainer(0);
    let instruction =
        ix::stake::update_operator(&signer.pubkey(), "http://elsewhere.example".into(), capability::SERVE);
    Scenario::new(t.lab.world, instruction, &[&signer]).free(Replay, &[""], SETS)
}

/// The wallets of the retired committee's members. They are operators that are in no committee now.
fn wallets(t: &Town) -> Vec<Pubkey> {
    t.retired.members.iter().map(|m| m.wallet.pubkey()).collect()
}

fn propose_committee(t: Town) -> Scenario {
    let (by, members) = (t.lab.world.authority.insecure_clone(), wallets(&t));
    let instruction = ix::stake::propose_committee(
        &by.pubkey(),
        t.lab.committee.epoch,
        ProposeCommitteeArgs { threshold: 2, size: 2, members },
    );
    Scenario::new(t.lab.world, instruction, &[&by]).free(
        Copy,
        &["remaining[0]", "remaining[1]", "remaining[2]", "remaining[3]"],
        NOWHERE_ELSE,
    )
}

fn add_members(mut t: Town) -> Scenario {
    let (by, members, epoch) = (t.lab.world.authority.insecure_clone(), wallets(&t), t.lab.committee.epoch);
    let first = ix::stake::propose_committee(
        &by.pubkey(),
        epoch,
        ProposeCommitteeArgs { threshold: 2, size: 2, members: members[..1].to_vec() },
    );
    t.world().send(&[first], &[&by]).expect("is proposed");
    let instruction = ix::stake::add_members(&by.pubkey(), epoch, &members[1..]);
    Scenario::new(t.lab.world, instruction, &[&by]).free(Copy, &["remaining[0]", "remaining[1]"], NOWHERE_ELSE)
}

fn confirm_committee(t: Town) -> Scenario {
    confirming(t, 0)
}

fn confirm_committee_last(t: Town) -> Scenario {
    confirming(t, 1)
}

/// A committee of two in which `confirmed` members have confirmed, and the next confirmation.
fn confirming(mut t: Town, confirmed: usize) -> Scenario {
    let (by, members, epoch) = (t.lab.world.authority.insecure_clone(), wallets(&t), t.lab.committee.epoch);
    let propose =
        ix::stake::propose_committee(&by.pubkey(), epoch, ProposeCommitteeArgs { threshold: 2, size: 2, members });
    t.world().send(&[propose], &[&by]).expect("is proposed");
    let keys: Vec<Key> = t.retired.members.iter().map(|m| m.wallet.insecure_clone()).collect();
    for member in &keys[..confirmed] {
        let confirm = ix::stake::confirm_committee(&member.pubkey(), epoch, [9; 32]);
        t.world().send(&[confirm], &[member]).expect("confirms");
    }
    let next = &keys[confirmed];
    let instruction = ix::stake::confirm_committee(&next.pubkey(), epoch, [9; 32]);
    Scenario::new(t.lab.world, instruction, &[next])
}

fn abandon_committee(mut t: Town) -> Scenario {
    let (by, members, epoch) = (t.lab.world.authority.insecure_clone(), wallets(&t), t.lab.committee.epoch);
    let propose =
        ix::stake::propose_committee(&by.pubkey(), epoch, ProposeCommitteeArgs { threshold: 2, size: 2, members });
    t.world().send(&[propose], &[&by]).expect("is proposed");
    Scenario::new(t.lab.world, ix::stake::abandon_committee(&by.pubkey(), epoch, &by.pubkey()), &[&by])
}

fn lock_votes(t: Town) -> Scenario {
    let (signer, end) = (t.mallory.insecure_clone(), t.lab.world.slot() + MAX_LOCK_SLOTS);
    let instruction = ix::stake::lock_votes(&signer.pubkey(), &t.lab.world.mint, OPEN, end);
    Scenario::new(t.lab.world, instruction, &[&signer]).free(Copy, &["owner_token"], OWN_TOKENS).free(
        OtherHolder,
        &["vault"],
        PINNED,
    )
}

fn by_voter(t: Town, make: impl FnOnce(&Town, &Pubkey) -> Instruction) -> Scenario {
    let signer = t.assembly.voters[0].insecure_clone();
    let instruction = make(&t, &signer.pubkey());
    Scenario::new(t.lab.world, instruction, &[&signer])
}

fn add_to_lock(t: Town) -> Scenario {
    by_voter(t, |t, by| ix::stake::add_to_lock(by, &t.lab.world.mint, OPEN))
        .free(Replay, &[""], "whoever has locked tokens may lock more of them")
        .free(Copy, &["owner_token"], OWN_TOKENS)
        .free(OtherHolder, &["vault"], PINNED)
}

fn extend_lock(mut t: Town) -> Scenario {
    t.world().pass(100);
    let end = t.lab.world.slot() + MAX_LOCK_SLOTS;
    by_voter(t, |_, by| ix::stake::extend_lock(by, end))
}

fn delegate_votes(t: Town) -> Scenario {
    by_voter(t, |t, by| ix::stake::delegate_votes(by, &t.rival.pubkey())).free(Replay, &[""], SETS)
}

fn unlock_votes(mut t: Town) -> Scenario {
    t.world().pass(MAX_LOCK_SLOTS);
    let owner = t.assembly.voters[0].pubkey();
    Scenario::new(t.lab.world.clone(), ix::stake::unlock_votes(&owner, &t.lab.world.mint), &[])
}

fn pause(t: Town) -> Scenario {
    let (by, until) = (t.lab.world.authority.insecure_clone(), t.lab.world.slot() + 100);
    Scenario::new(t.lab.world, ix::stake::pause(&by.pubkey(), until), &[&by]).free(Replay, &[""], SETS)
}

fn by_authority(t: Town, make: impl FnOnce(&Town, &Pubkey) -> Instruction) -> Scenario {
    let by = t.lab.world.authority.insecure_clone();
    let instruction = make(&t, &by.pubkey());
    Scenario::new(t.lab.world, instruction, &[&by])
}

fn set_parameters(t: Town) -> Scenario {
    let c = t.lab.world.get::<Config>(&pda::stake_config());
    let parameters = Parameters {
        min_operator_stake: c.min_operator_stake,
        min_validator_stake: c.min_validator_stake,
        unbond_slots: c.unbond_slots,
        committee_slots: c.committee_slots,
        equivocation_bps: c.equivocation_bps,
        slash_cap_bps: c.slash_cap_bps,
        slash_window_slots: c.slash_window_slots,
        insurance_cap_bps: c.insurance_cap_bps,
        insurance_window_slots: c.insurance_window_slots,
    };
    by_authority(t, |_, by| ix::stake::set_parameters(by, parameters)).free(Replay, &[""], SETS)
}

fn expire_committee(mut t: Town) -> Scenario {
    let (by, members, epoch) = (t.lab.world.authority.insecure_clone(), wallets(&t), t.lab.committee.epoch);
    let propose =
        ix::stake::propose_committee(&by.pubkey(), epoch, ProposeCommitteeArgs { threshold: 2, size: 2, members });
    t.world().send(&[propose], &[&by]).expect("is proposed");
    let slots = t.lab.world.get::<Config>(&pda::stake_config()).committee_slots + 1;
    t.world().pass(slots);
    Scenario::new(t.lab.world, ix::stake::expire_committee(epoch, &by.pubkey()), &[])
}

/// The arguments by which the committee names its successor, and the message to sign.
fn successor(t: &Town) -> (ProposeNextCommitteeArgs, Message) {
    let world = &t.lab.world;
    let roster = chain(&wallets(t), [0; 32]);
    let args = ProposeNextCommitteeArgs { threshold: 2, size: 2, roster, expiry_slot: world.slot() + 20 };
    let message = attestation::next_committee(&world.get(&pda::stake_config()), &args);
    (args, message)
}

fn propose_next_committee(t: Town) -> Scenario {
    let (signer, (args, message)) = (t.mallory.insecure_clone(), successor(&t));
    let instruction = ix::stake::propose_next_committee(&signer.pubkey(), t.lab.committee.epoch, args);
    Scenario::new(t.lab.world, instruction, &[&signer])
        .attested(&t.lab.committee.key, message)
        .free(OtherWallet, &["payer"], ANYONE)
        .free(Copy, &["active_committee"], NOWHERE_ELSE)
}

fn seat_members(mut t: Town) -> Scenario {
    let (signer, (args, message), epoch) = (t.mallory.insecure_clone(), successor(&t), t.lab.committee.epoch);
    let propose = ix::stake::propose_next_committee(&signer.pubkey(), epoch, args);
    let attestation = attest::signed(&t.lab.committee.key, &message);
    t.world().send(&[attestation, propose], &[&signer]).expect("is named");
    let instruction = ix::stake::seat_members(epoch, &wallets(&t), [0; 32]);
    Scenario::new(t.lab.world, instruction, &[]).free(
        Copy,
        &["remaining[0]", "remaining[1]", "remaining[2]", "remaining[3]"],
        NOWHERE_ELSE,
    )
}

fn by_trainer(t: Town, n: usize, make: impl FnOnce(&Town, &Pubkey) -> Instruction) -> Scenario {
    let by = t.lab.trainer(n);
    let instruction = make(&t, &by.pubkey());
    Scenario::new(t.lab.world, instruction, &[&by])
}

fn open_pool(t: Town) -> Scenario {
    by_trainer(t, 2, |t, by| ix::stake::open_pool(by, &t.lab.world.mint, 500))
}

fn set_commission(t: Town) -> Scenario {
    by_trainer(t, 0, |_, by| ix::stake::set_commission(by, 400)).free(Replay, &[""], SETS)
}

fn delegate(t: &Town, signer: &Key) -> Scenario {
    let instruction = ix::stake::delegate(&signer.pubkey(), &t.lab.world.mint, &t.lab.trainer(0).pubkey(), OPEN);
    Scenario::new(t.lab.world.clone(), instruction, &[signer])
        .free(Replay, &[""], "whoever has tokens may delegate more of them")
        .free(Copy, &["owner_token"], OWN_TOKENS)
        .free(OtherHolder, &["vault", "reward_vault"], PINNED)
        .free(OtherMint, &["reward_vault"], PINNED)
}

fn delegate_first(t: Town) -> Scenario {
    let signer = t.mallory.insecure_clone();
    delegate(&t, &signer).free(Garbage, &["delegation"], "where there is a delegation already, this one adds to it")
}

fn delegate_further(t: Town) -> Scenario {
    let signer = t.rival.insecure_clone();
    delegate(&t, &signer).free(Closed, &["delegation"], "a delegation is never closed: this state cannot be")
}

fn by_delegator(t: Town, make: impl FnOnce(&Town, &Pubkey, &Pubkey) -> Instruction) -> Scenario {
    let (by, operator) = (t.rival.insecure_clone(), t.lab.trainer(0).pubkey());
    let instruction = make(&t, &by.pubkey(), &operator);
    Scenario::new(t.lab.world, instruction, &[&by])
}

fn undelegate(t: Town) -> Scenario {
    by_delegator(t, |_, by, operator| ix::stake::undelegate(by, operator, OPEN.into()))
        .free(Replay, &[""], "whoever has delegated may take more of it back")
        .free(OtherHolder, &["reward_vault"], PINNED)
        .free(OtherMint, &["reward_vault"], PINNED)
}

fn withdraw_delegation(mut t: Town) -> Scenario {
    let (by, operator) = (t.rival.insecure_clone(), t.lab.trainer(0).pubkey());
    t.world().send(&[ix::stake::undelegate(&by.pubkey(), &operator, OPEN.into())], &[&by]).expect("undelegates");
    t.world().pass(net::UNBOND_SLOTS);
    by_delegator(t, |t, by, operator| ix::stake::withdraw_delegation(by, &t.lab.world.mint, operator)).free(
        Copy,
        &["owner_token"],
        OWN_TOKENS,
    )
}

/// Pays rewards into the first member's pool.
fn rewarded(t: &mut Town) {
    let to = pda::reward_vault(&t.lab.trainer(0).pubkey());
    t.give(to, 10 * OPEN);
}

fn harvest(mut t: Town) -> Scenario {
    rewarded(&mut t);
    let operator = t.lab.trainer(0).pubkey();
    Scenario::new(t.lab.world.clone(), ix::stake::harvest(&t.lab.world.mint, &operator), &[]).free(
        Copy,
        &["operator_token"],
        OWN_TOKENS,
    )
}

fn claim_rewards(mut t: Town) -> Scenario {
    rewarded(&mut t);
    by_delegator(t, |t, by, operator| ix::stake::claim_delegation_rewards(by, &t.lab.world.mint, operator)).free(
        Copy,
        &["owner_token"],
        OWN_TOKENS,
    )
}

fn prove_equivocation(t: Town) -> Scenario {
    let (signer, guilty) = (t.mallory.insecure_clone(), &t.lab.committee.members[1]);
    let args = ProveEquivocationArgs { epoch: t.lab.committee.epoch, subject: [5; 32], sequence: 3 };
    let [a, b] = [[1; 32], [2; 32]].map(|content| net::observation(&t.lab.world, guilty, &args, content));
    let evidence = net::evidence(&guilty.identity, [&a, &b]);
    let instruction = ix::stake::prove_equivocation(
        &signer.pubkey(),
        &t.lab.world.get(&pda::position(&guilty.wallet.pubkey(), Role::Operator)),
        args,
    );
    Scenario::new(t.lab.world.clone(), instruction, &[&signer])
        .behind(evidence)
        .free(OtherWallet, &["prover"], ANYONE)
        .free(Copy, &["committee", "pool"], NOWHERE_ELSE)
        .free(OtherHolder, &["insurance"], PINNED)
}

fn slash_attested(t: Town) -> Scenario {
    let (world, committee, owner) = (&t.lab.world, &t.lab.committee, t.lab.trainer(0).pubkey());
    let args = SlashAttestedArgs { bps: 500, evidence: [0xfa; 32], expiry_slot: world.slot() + 20 };
    let message = world.fault(committee, &owner, Role::Operator, &args);
    let instruction =
        ix::stake::slash_attested(committee.epoch, &world.get(&pda::position(&owner, Role::Operator)), args);
    Scenario::new(t.lab.world.clone(), instruction, &[])
        .attested(&t.lab.committee.key, message)
        .free(Copy, &["committee", "pool"], NOWHERE_ELSE)
        .free(OtherHolder, &["insurance"], PINNED)
}

fn slash_by_authority(t: Town) -> Scenario {
    let owner = t.lab.trainer(0).pubkey();
    by_authority(t, |t, by| {
        ix::stake::slash_by_authority(by, &t.lab.world.get(&pda::position(&owner, Role::Operator)), 500, [0xed; 32])
    })
    .free(Replay, &[""], "the authority may slash again, up to the cap")
    .free(Copy, &["position", "pool"], NOWHERE_ELSE)
    .free(OtherHolder, &["insurance"], PINNED)
}

fn pay_insurance(mut t: Town) -> Scenario {
    t.give(pda::insurance_vault(), 100 * OPEN);
    let chosen = "the authority says who is paid";
    let to = t.lab.world.ata(&t.rival.pubkey());
    by_authority(t, |_, by| ix::stake::pay_insurance(by, &to, OPEN))
        .free(Replay, &[""], "the authority may pay again, up to the cap")
        .free(Copy, &["to"], chosen)
        .free(OtherHolder, &["to"], chosen)
}
