//! Scenarios of the payout program.

use super::honest::{
    ANYONE, Attack::*, Listed, NOWHERE_ELSE, OWN_TOKENS, PAYS_ITSELF, PINNED, SELF_CPI, SETS, Scenario,
};
use crate::{
    OPEN,
    keys::{Key, address},
    payout::{
        self as net, CHALLENGE_SLOTS, FEES, RESOLVE_SLOTS, WITHDRAWAL_SLOTS, claim_args, initialize_args,
        settlement_message,
    },
    stake,
    town::{SHARDS, Town},
};
use ::payout::{
    instructions::ClaimArgs,
    state::{Challenge, Pool},
};
use openledger_interface::{ix, pda};
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
    ("fund", "", fund),
    ("pause", "", pause),
    ("set_parameters", "", set_parameters),
    ("challenge_settlement", "", challenge_settlement),
    ("resolve_challenge", "upheld", resolve_upheld),
    ("resolve_challenge", "dismissed", resolve_dismissed),
    ("expire_challenge", "", expire_challenge),
    ("deposit_balance", "first", deposit_first),
    ("deposit_balance", "further", deposit_further),
    ("request_balance_withdrawal", "", request_withdrawal),
    ("withdraw_balance", "", withdraw_balance),
    ("debit_balance", "", debit_balance),
    ("sweep_dust", "", sweep_dust),
];

fn by_authority(t: Town, make: impl FnOnce(&Town, &Pubkey) -> Instruction) -> Scenario {
    let by = t.lab.world.authority.insecure_clone();
    let instruction = make(&t, &by.pubkey());
    Scenario::new(t.lab.world, instruction, &[&by])
}

fn initialize(t: Town) -> Scenario {
    let mut world = t.bare;
    let by = world.authority.insecure_clone();
    world
        .send(&[ix::stake::initialize(&by.pubkey(), &world.mint, stake::initialize_args(&world))], &[&by])
        .expect("initialises stake");
    world.put_token(net::treasury(), world.mint, address("treasury"), 0);
    let instruction = ix::payout::initialize(&by.pubkey(), &world.mint, &net::treasury(), initialize_args());
    let chosen = "the upgrade authority chooses the treasury: any token account of OPEN";
    Scenario::new(world, instruction, &[&by]).free(Copy, &["treasury"], chosen).free(OtherHolder, &["treasury"], chosen)
}

fn create_shard(t: Town) -> Scenario {
    by_authority(t, |t, by| ix::payout::create_shard(by, &t.lab.world.mint, SHARDS))
}

fn set_fees(t: Town) -> Scenario {
    by_authority(t, |_, by| ix::payout::set_fees(by, FEES)).free(Replay, &[""], SETS)
}

fn propose_authority(t: Town) -> Scenario {
    by_authority(t, |t, by| ix::payout::propose_authority(by, &t.rival.pubkey())).free(Replay, &[""], SETS)
}

fn accept_authority(mut t: Town) -> Scenario {
    let by = t.world().authority.insecure_clone();
    let proposal = ix::payout::propose_authority(&by.pubkey(), &t.rival.pubkey());
    t.world().send(&[proposal], &[&by]).expect("is proposed");
    Scenario::new(t.lab.world, ix::payout::accept_authority(&t.rival.pubkey()), &[&t.rival])
}

fn pay(t: Town) -> Scenario {
    let signer = t.rival.insecure_clone();
    let instruction = t.market.pay(&t.lab.world, &signer.pubkey(), 0, [5; 32], 10 * OPEN);
    Scenario::new(t.lab.world, instruction, &[&signer])
        .free(Replay, &[""], "whoever has tokens may pay again")
        .free(OtherWallet, &["payer and its tokens"], PAYS_ITSELF)
        .free(Copy, &["payer_token", "model_owner_token", "operator_token"], OWN_TOKENS)
        .free(OtherHolder, &["vault"], PINNED)
        .free(OtherHolder, &["treasury"], TREASURY)
        .free(OtherProgram, &["program"], SELF_CPI)
        .free(Copy, &["model", "operator", "committee", "shard"], NOWHERE_ELSE)
}

fn post_settlement(mut t: Town) -> Scenario {
    let args = t.next_settlement();
    let (signer, epoch) = (t.mallory.insecure_clone(), t.lab.committee.epoch);
    let message = settlement_message(&t.lab.world, epoch, &args);
    let instruction = ix::payout::post_settlement(&signer.pubkey(), epoch, SHARDS, args);
    Scenario::new(t.lab.world, instruction, &[&signer])
        .attested(&t.lab.committee.key, message)
        .free(OtherWallet, &["payer"], ANYONE)
        .free(Copy, &["committee", "remaining[0]", "remaining[1]"], NOWHERE_ELSE)
}

fn activate_settlement(mut t: Town) -> Scenario {
    let (args, market) = (t.next_settlement(), t.market.clone());
    market.post(t.world(), &args).expect("posts");
    t.world().pass(CHALLENGE_SLOTS);
    Scenario::new(t.lab.world, ix::payout::activate_settlement(args.epoch), &[])
}

/// Activates a settlement in which the curator's lifetime amount grows to `lifetime`, in a tree of a million leaves.
/// Returns the claim's arguments.
fn million(t: &mut Town, lifetime: u64) -> ClaimArgs {
    let (claim, root) = net::among_a_million(&t.lab.curator.pubkey(), lifetime);
    let (mut args, market) = (t.next_settlement(), t.market.clone());
    args.pools[0] = root;
    market.post(t.world(), &args).expect("posts");
    t.world().pass(CHALLENGE_SLOTS);
    t.world().send(&[ix::payout::activate_settlement(args.epoch)], &[]).expect("activates");
    claim
}

fn claim_by_mallory(t: Town, args: ClaimArgs) -> Scenario {
    let (signer, wallet) = (t.mallory.insecure_clone(), t.lab.curator.pubkey());
    let instruction = ix::payout::claim(&signer.pubkey(), &wallet, &t.lab.world.mint, 0, args);
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
    let first = ix::payout::claim(&payer.pubkey(), &wallet, &t.lab.world.mint, 0, args);
    t.world().send(&[first], &[&payer]).expect("claims");
    let args = million(&mut t, 100 * OPEN);
    claim_by_mallory(t, args).free(Copy, &["claim"], NOWHERE_ELSE).free(
        Closed,
        &["claim"],
        "a record is never closed: this state cannot be",
    )
}

fn fund(t: Town) -> Scenario {
    let (signer, subject) = (t.mallory.insecure_clone(), t.rivals_job);
    let instruction = ix::payout::fund(&signer.pubkey(), &t.lab.world.mint, 0, Pool::Contributors, &subject, OPEN);
    Scenario::new(t.lab.world, instruction, &[&signer])
        .free(Replay, &[""], "whoever has tokens may fund again")
        .free(OtherWallet, &["payer and its tokens"], PAYS_ITSELF)
        .free(Copy, &["payer_token"], OWN_TOKENS)
        .free(OtherHolder, &["vault"], PINNED)
}

fn pause(t: Town) -> Scenario {
    let until = t.lab.world.slot() + 100;
    by_authority(t, |_, by| ix::payout::pause(by, until)).free(Replay, &[""], SETS)
}

fn set_parameters(t: Town) -> Scenario {
    by_authority(t, |_, by| ix::payout::set_parameters(by, initialize_args().parameters))
        .free(Replay, &[""], SETS)
        .free(Copy, &["stake_config"], NOWHERE_ELSE)
}

/// Posts the next settlement and returns its epoch.
fn posted(t: &mut Town) -> u64 {
    let (args, market) = (t.next_settlement(), t.market.clone());
    market.post(t.world(), &args).expect("posts");
    args.epoch
}

fn challenge_settlement(mut t: Town) -> Scenario {
    let (epoch, signer) = (posted(&mut t), t.mallory.insecure_clone());
    let instruction = ix::payout::challenge_settlement(
        &signer.pubkey(),
        &t.lab.world.mint,
        &t.lab.world.get(&pda::settlement(epoch)),
        net::evidence(),
    );
    Scenario::new(t.lab.world, instruction, &[&signer]).free(Copy, &["challenger_token"], OWN_TOKENS).free(
        OtherWallet,
        &["challenger and its tokens"],
        PAYS_ITSELF,
    )
}

/// Posts a settlement, has the rival challenge it, and returns the challenge.
fn challenged(t: &mut Town) -> Pubkey {
    let (epoch, rival) = (posted(t), t.rival.insecure_clone());
    let challenge = ix::payout::challenge_settlement(
        &rival.pubkey(),
        &t.lab.world.mint,
        &t.lab.world.get(&pda::settlement(epoch)),
        net::evidence(),
    );
    t.world().send(&[challenge], &[&rival]).expect("challenges");
    let (address, _) = t.world().all::<Challenge>().remove(0);
    address
}

fn resolve_upheld(mut t: Town) -> Scenario {
    let challenge = challenged(&mut t);
    by_authority(t, |t, by| {
        ix::payout::resolve_challenge(by, &t.lab.world.mint, &net::treasury(), &t.lab.world.get(&challenge), true)
    })
    .free(Copy, &["recipient"], OWN_TOKENS)
}

fn resolve_dismissed(mut t: Town) -> Scenario {
    let challenge = challenged(&mut t);
    by_authority(t, |t, by| {
        ix::payout::resolve_challenge(by, &t.lab.world.mint, &net::treasury(), &t.lab.world.get(&challenge), false)
    })
    .free(OtherHolder, &["recipient"], TREASURY)
}

/// Why another owner of the treasury is allowed.
const TREASURY: &str = "the treasury's address is the config's: whoever holds it";

fn expire_challenge(mut t: Town) -> Scenario {
    let challenge = challenged(&mut t);
    t.world().pass(RESOLVE_SLOTS + 1);
    Scenario::new(
        t.lab.world.clone(),
        ix::payout::expire_challenge(&t.lab.world.mint, &t.lab.world.get(&challenge)),
        &[],
    )
    .free(Copy, &["recipient"], OWN_TOKENS)
}

fn deposit_first(t: Town) -> Scenario {
    let signer = t.mallory.insecure_clone();
    deposits(&t, &signer).free(
        Garbage,
        &["balance", "vault"],
        "where there is a balance already, the deposit adds to it",
    )
}

fn deposit_further(t: Town) -> Scenario {
    let signer = t.rival.insecure_clone();
    deposits(&t, &signer).free(Closed, &["balance", "vault"], "a balance is never closed: this state cannot be")
}

fn deposits(t: &Town, signer: &Key) -> Scenario {
    let instruction = ix::payout::deposit_balance(&signer.pubkey(), &t.lab.world.mint, OPEN);
    Scenario::new(t.lab.world.clone(), instruction, &[signer])
        .free(Replay, &[""], "whoever has tokens may pay more of them ahead")
        .free(Copy, &["owner_token"], OWN_TOKENS)
}

fn request_withdrawal(t: Town) -> Scenario {
    let signer = t.rival.insecure_clone();
    let instruction = ix::payout::request_balance_withdrawal(&signer.pubkey(), OPEN);
    Scenario::new(t.lab.world, instruction, &[&signer]).free(Replay, &[""], SETS)
}

fn withdraw_balance(mut t: Town) -> Scenario {
    let signer = t.rival.insecure_clone();
    let request = ix::payout::request_balance_withdrawal(&signer.pubkey(), OPEN);
    t.world().send(&[request], &[&signer]).expect("requests");
    t.world().pass(WITHDRAWAL_SLOTS);
    let instruction = ix::payout::withdraw_balance(&signer.pubkey(), &t.lab.world.mint);
    Scenario::new(t.lab.world, instruction, &[&signer]).free(Copy, &["owner_token"], OWN_TOKENS)
}

fn debit_balance(t: Town) -> Scenario {
    let (wallet, world) = (t.rival.pubkey(), &t.lab.world);
    let args = t.market.debit_args(world, OPEN);
    let message = net::debit_message(world, t.lab.committee.epoch, &wallet, &args);
    let instruction = t.market.debit(world, &wallet, 0, args);
    Scenario::new(t.lab.world.clone(), instruction, &[])
        .attested(&t.lab.committee.key, message)
        .free(Copy, &["operator", "committee", "shard"], NOWHERE_ELSE)
        .free(OtherProgram, &["program"], SELF_CPI)
        .free(Copy, &["model_owner_token", "operator_token"], OWN_TOKENS)
        .free(OtherHolder, &["treasury"], TREASURY)
        .free(OtherHolder, &["vault"], PINNED)
}

fn sweep_dust(mut t: Town) -> Scenario {
    let vault = pda::vault(0);
    t.give(vault, 7);
    Scenario::new(t.lab.world, ix::payout::sweep_dust(&pda::shard(0), &vault, &net::treasury()), &[]).free(
        OtherHolder,
        &["treasury"],
        TREASURY,
    )
}
