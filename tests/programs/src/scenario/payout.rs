//! Scenarios of the payout program.

use super::{ANYONE, Attack::*, Listed, NOWHERE_ELSE, OWN_TOKENS, PINNED, SELF_CPI, SETS, Scenario};
use crate::{
    OPEN,
    keys::address,
    payout::{self as net, CHALLENGE_SLOTS, FEES, claim_args, initialize_args, settlement_message},
    stake,
    town::{SHARDS, Town},
};
use ::payout::{instructions::ClaimArgs, state::Pool};
use solana_instruction::Instruction;
use solana_keypair::Signer;
use solana_pubkey::Pubkey;

pub(super) const ALL: &[Listed] = &[
    ("initialize", "", initialize),
    ("create_shard", "", create_shard),
    ("set_fees", "", set_fees),
    ("propose_authority", "", propose_authority),
    ("accept_authority", "", accept_authority),
    ("pay", "", pay),
    ("post_settlement", "", post_settlement),
    ("activate_settlement", "", activate_settlement),
    ("claim", "first", claim_first),
    ("claim", "further", claim_further),
];

fn by_authority(t: Town, make: impl FnOnce(&Town, &Pubkey) -> Instruction) -> Scenario {
    let by = t.lab.world.authority.insecure_clone();
    let instruction = make(&t, &by.pubkey());
    Scenario::new(t.lab.world, instruction, &[&by])
}

fn initialize(t: Town) -> Scenario {
    let mut world = t.bare;
    let by = world.authority.insecure_clone();
    world.send(&[stake::initialize(&world, &by.pubkey())], &[&by]).expect("initialises stake");
    world.put_token(net::treasury(), world.mint, address("treasury"), 0);
    let instruction = net::initialize(&world, &by.pubkey(), initialize_args());
    let chosen = "the upgrade authority chooses the treasury: any token account of OPEN";
    Scenario::new(world, instruction, &[&by])
        .free(Copy, &["treasury"], chosen)
        .free(OtherHolder, &["treasury"], chosen)
        .free(Copy, &["stake_config"], NOWHERE_ELSE)
}

fn create_shard(t: Town) -> Scenario {
    by_authority(t, |t, by| net::create_shard(&t.lab.world, by, SHARDS))
}

fn set_fees(t: Town) -> Scenario {
    by_authority(t, |_, by| net::set_fees(by, FEES)).free(Replay, &[""], SETS)
}

fn propose_authority(t: Town) -> Scenario {
    by_authority(t, |t, by| net::propose_authority(by, t.rival.pubkey())).free(Replay, &[""], SETS)
}

fn accept_authority(mut t: Town) -> Scenario {
    let by = t.world().authority.insecure_clone();
    let proposal = net::propose_authority(&by.pubkey(), t.rival.pubkey());
    t.world().send(&[proposal], &[&by]).expect("is proposed");
    Scenario::new(t.lab.world, net::accept_authority(&t.rival.pubkey()), &[&t.rival])
}

fn pay(t: Town) -> Scenario {
    let signer = t.rival.insecure_clone();
    let instruction = t.market.pay(&t.lab.world, &signer.pubkey(), 0, [5; 32], 10 * OPEN);
    let treasury = "the treasury's address is the config's: whoever holds it";
    Scenario::new(t.lab.world, instruction, &[&signer])
        .free(Replay, &[""], "whoever has tokens may pay again")
        .free(Copy, &["payer_token", "model_owner_token", "operator_token"], OWN_TOKENS)
        .free(OtherHolder, &["vault"], PINNED)
        .free(OtherHolder, &["treasury"], treasury)
        .free(OtherProgram, &["program"], SELF_CPI)
        .free(Copy, &["model", "operator", "committee"], NOWHERE_ELSE)
}

fn post_settlement(mut t: Town) -> Scenario {
    let args = t.next_settlement();
    let (signer, epoch) = (t.mallory.insecure_clone(), t.lab.committee.epoch);
    let message = settlement_message(&t.lab.world, epoch, &args);
    let instruction = net::post_settlement(&signer.pubkey(), args, epoch, SHARDS);
    Scenario::new(t.lab.world, instruction, &[&signer])
        .attested(&t.lab.committee.key, message)
        .free(OtherWallet, &["payer"], ANYONE)
        .free(Copy, &["stake_config", "committee", "remaining[0]", "remaining[1]"], NOWHERE_ELSE)
}

fn activate_settlement(mut t: Town) -> Scenario {
    let (args, market) = (t.next_settlement(), t.market.clone());
    market.post(t.world(), &args).expect("posts");
    t.world().pass(CHALLENGE_SLOTS);
    Scenario::new(t.lab.world, net::activate_settlement(args.epoch), &[])
}

/// A settlement in which the curator's earnings grow to `lifetime` and are proven among a million is activated.
fn million(t: &mut Town, lifetime: u64) -> ClaimArgs {
    let (claim, root) = net::among_a_million(&t.lab.curator.pubkey(), lifetime);
    let (mut args, market) = (t.next_settlement(), t.market.clone());
    args.pools[0] = root;
    market.post(t.world(), &args).expect("posts");
    t.world().pass(CHALLENGE_SLOTS);
    t.world().send(&[net::activate_settlement(args.epoch)], &[]).expect("activates");
    claim
}

fn claim_by_mallory(t: Town, args: ClaimArgs) -> Scenario {
    let (signer, wallet) = (t.mallory.insecure_clone(), t.lab.curator.pubkey());
    let instruction = net::claim(&t.lab.world, &signer.pubkey(), &wallet, 0, args);
    Scenario::new(t.lab.world, instruction, &[&signer]).free(OtherWallet, &["payer"], ANYONE).free(
        Copy,
        &["config"],
        NOWHERE_ELSE,
    )
}

fn claim_first(mut t: Town) -> Scenario {
    let args = million(&mut t, 100 * OPEN);
    claim_by_mallory(t, args)
}

fn claim_further(mut t: Town) -> Scenario {
    let (payer, wallet) = (t.mallory.insecure_clone(), t.lab.curator.pubkey());
    let args = claim_args(&t.trees[0], Pool::Contributors, &wallet);
    let first = net::claim(&t.lab.world, &payer.pubkey(), &wallet, 0, args);
    t.world().send(&[first], &[&payer]).expect("claims");
    let args = million(&mut t, 100 * OPEN);
    claim_by_mallory(t, args).free(Copy, &["claim"], NOWHERE_ELSE).free(
        Closed,
        &["claim"],
        "a record is never closed: this state cannot be",
    )
}
