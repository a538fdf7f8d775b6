//! Scenarios of the datanet program.

use super::honest::{ANYONE, Attack::*, Listed, NOWHERE_ELSE, OWN_TOKENS, PAYS_ITSELF, PINNED, SETS, Scenario};
use crate::{
    datanet::{self as net, COMMIT_SLOTS, MANIFEST, MIN_BOND, commitment, create_args, leaves, salt},
    keys::Key,
    stake,
    town::Town,
};
use ::datanet::{ConfigureArgs, ContributeBulkArgs, RangePath, VerifyContributionArgs, state::Batch};
use openledger_interface::ix;
use openledger_protocol::{batch::BatchLeaf, mmr};
use solana_instruction::Instruction;
use solana_keypair::Signer;
use solana_pubkey::Pubkey;

pub(super) const ALL: &[Listed] = &[
    ("initialize", "", initialize),
    ("set_windows", "", set_windows),
    ("propose_authority", "", propose_authority),
    ("accept_authority", "", accept_authority),
    ("create_datanet", "", create_datanet),
    ("set_paused", "", set_paused),
    ("propose_owner", "", propose_owner),
    ("accept_owner", "", accept_owner),
    ("open_batch", "", open_batch),
    ("contribute", "1 leaf", contribute_one),
    ("contribute", "28 leaves", contribute_many),
    ("submit_batch", "", submit_batch),
    ("cancel_batch", "", cancel_batch),
    ("draw_panel", "", draw_panel),
    ("commit_verdict", "first", commit_verdict),
    ("reveal_verdict", "", reveal_verdict),
    ("finalise_batch", "accepted", finalise_accepted),
    ("finalise_batch", "rejected", finalise_rejected),
    ("expire_batch", "", expire_batch),
    ("request_access", "", request_access),
    ("grant_access", "", grant_access),
    ("revoke_access", "", revoke_access),
    ("record_use", "", record_use),
    ("verify_contribution", "", verify_contribution),
    ("pause", "", pause),
    ("configure", "", configure),
    ("contribute_bulk", "", contribute_bulk),
];

fn by_authority(t: Town, make: impl FnOnce(&Town, &Pubkey) -> Instruction) -> Scenario {
    let by = t.lab.world.authority.insecure_clone();
    let instruction = make(&t, &by.pubkey());
    Scenario::new(t.lab.world, instruction, &[&by]).free(Replay, &[""], SETS)
}

fn by_curator(t: Town, make: impl FnOnce(&Town, &Pubkey) -> Instruction) -> Scenario {
    let by = t.lab.curator.insecure_clone();
    let instruction = make(&t, &by.pubkey());
    Scenario::new(t.lab.world, instruction, &[&by])
}

fn initialize(t: Town) -> Scenario {
    let mut world = t.bare;
    let by = world.authority.insecure_clone();
    world
        .send(&[ix::stake::initialize(&by.pubkey(), &world.mint, stake::initialize_args(&world))], &[&by])
        .expect("initialises stake");
    let instruction = ix::datanet::initialize(&by.pubkey(), &world.mint, net::windows());
    Scenario::new(world, instruction, &[&by]).free(OtherHolder, &["forfeit_to"], PINNED)
}

fn set_windows(t: Town) -> Scenario {
    by_authority(t, |_, by| ix::datanet::set_windows(by, net::windows()))
}

fn propose_authority(t: Town) -> Scenario {
    by_authority(t, |t, by| ix::datanet::propose_authority(by, &t.rival.pubkey()))
}

fn accept_authority(mut t: Town) -> Scenario {
    let by = t.world().authority.insecure_clone();
    let proposal = ix::datanet::propose_authority(&by.pubkey(), &t.rival.pubkey());
    t.world().send(&[proposal], &[&by]).expect("is proposed");
    Scenario::new(t.lab.world, ix::datanet::accept_authority(&t.rival.pubkey()), &[&t.rival])
}

fn create_datanet(t: Town) -> Scenario {
    by_curator(t, |_, by| ix::datanet::create_datanet(by, create_args(9)))
}

fn set_paused(t: Town) -> Scenario {
    by_curator(t, |t, by| ix::datanet::set_paused(by, &t.lab.datanet, true)).free(Replay, &[""], SETS).free(
        Sibling,
        &["datanet"],
        "the curator's other Datanet",
    )
}

fn propose_owner(t: Town) -> Scenario {
    by_curator(t, |t, by| ix::datanet::propose_owner(by, &t.lab.datanet, &t.mallory.pubkey()))
        .free(Replay, &[""], SETS)
        .free(Sibling, &["datanet"], "the curator's other Datanet")
}

fn accept_owner(mut t: Town) -> Scenario {
    let by = t.lab.curator.insecure_clone();
    let propose = ix::datanet::propose_owner(&by.pubkey(), &t.lab.datanet, &t.rival.pubkey());
    t.world().send(&[propose], &[&by]).expect("is proposed");
    let instruction = ix::datanet::accept_owner(&t.rival.pubkey(), &t.lab.datanet);
    Scenario::new(t.lab.world, instruction, &[&t.rival])
}

fn open_batch(t: Town) -> Scenario {
    let index = t.lab.world.get::<::datanet::state::Datanet>(&t.lab.datanet).batches;
    by_curator(t, |t, by| ix::datanet::open_batch(by, &t.lab.datanet, index, &t.lab.world.mint, MIN_BOND))
        .free(OtherWallet, &["contributor and its tokens"], PAYS_ITSELF)
        .free(Copy, &["contributor_token"], OWN_TOKENS)
        .free(OtherHolder, &["bond_vault"], PINNED)
}

/// Opens a batch of the curator with three leaves.
fn opened(t: &mut Town) -> Pubkey {
    let (curator, datanet) = (t.lab.curator.insecure_clone(), t.lab.datanet);
    t.world().open(&curator, datanet, &leaves(4, 3))
}

fn contribute(mut t: Town, count: usize) -> Scenario {
    let batch = opened(&mut t);
    by_curator(t, |_, by| ix::datanet::contribute(by, &batch, &leaves(5, count))).free(
        Replay,
        &[""],
        "an open batch takes the same leaf again; only what a panel accepts counts",
    )
}

fn contribute_one(t: Town) -> Scenario {
    contribute(t, 1)
}

fn contribute_many(t: Town) -> Scenario {
    contribute(t, 28)
}

fn submit_batch(mut t: Town) -> Scenario {
    let batch = opened(&mut t);
    by_curator(t, |_, by| ix::datanet::submit_batch(by, &batch, MANIFEST))
}

fn cancel_batch(mut t: Town) -> Scenario {
    let batch = opened(&mut t);
    by_curator(t, |t, by| ix::datanet::cancel_batch(by, &t.lab.datanet, &batch, &t.lab.world.mint)).free(
        Copy,
        &["contributor_token"],
        OWN_TOKENS,
    )
}

fn draw_panel(mut t: Town) -> Scenario {
    let batch = t.submitted();
    Scenario::new(t.lab.world, ix::datanet::draw_panel(&batch), &[])
}

fn commit_verdict(mut t: Town) -> Scenario {
    let (batch, datanet) = (t.submitted(), t.lab.datanet);
    let validator = t.lab.validators[0].insecure_clone();
    let v = validator.pubkey();
    let instruction = ix::datanet::commit_verdict(&v, &datanet, &batch, commitment(&v, &batch, true, 1));
    Scenario::new(t.lab.world, instruction, &[&validator]).free(Copy, &["position"], NOWHERE_ELSE)
}

fn reveal_verdict(mut t: Town) -> Scenario {
    let (batch, datanet) = (t.submitted(), t.lab.datanet);
    let validators: Vec<Key> = t.lab.validators.iter().map(Key::insecure_clone).collect();
    for v in &validators {
        t.world().commit(v, batch, true, 8_000).expect("commits");
    }
    t.world().pass(COMMIT_SLOTS);
    let v = validators[0].pubkey();
    let instruction = ix::datanet::reveal_verdict(&v, &datanet, &batch, true, 8_000, salt(&v));
    Scenario::new(t.lab.world, instruction, &[&validators[0]])
}

/// Makes a batch on which every validator has revealed its verdict.
fn judged(t: &mut Town, approve: bool) -> Pubkey {
    let batch = t.submitted();
    let validators: Vec<Key> = t.lab.validators.iter().map(Key::insecure_clone).collect();
    t.world().judge(&validators, batch, approve);
    batch
}

fn finalise_accepted(mut t: Town) -> Scenario {
    let batch = judged(&mut t, true);
    let instruction = ix::datanet::finalise_batch(&t.lab.datanet, &batch, &t.lab.curator.pubkey(), &t.lab.world.mint);
    finalised(Scenario::new(t.lab.world, instruction, &[])).free(OtherMint, &["forfeit_to"], "nothing is forfeited")
}

fn finalise_rejected(mut t: Town) -> Scenario {
    let batch = judged(&mut t, false);
    let instruction = ix::datanet::finalise_batch(&t.lab.datanet, &batch, &t.lab.curator.pubkey(), &t.lab.world.mint);
    finalised(Scenario::new(t.lab.world, instruction, &[])).free(
        LeftOut,
        &["contributor_token"],
        "a rejected batch's bond goes elsewhere: nobody escapes by closing an account",
    )
}

fn finalised(s: Scenario) -> Scenario {
    s.free(Copy, &["contributor_token"], OWN_TOKENS).free(OtherHolder, &["forfeit_to"], PINNED)
}

fn expire_batch(mut t: Town) -> Scenario {
    let batch = t.submitted();
    let until = t.lab.world.get::<Batch>(&batch).reveal_until + 1;
    let slots = until - t.lab.world.slot();
    t.world().pass(slots);
    let instruction = ix::datanet::expire_batch(&t.lab.datanet, &batch, &t.lab.curator.pubkey(), &t.lab.world.mint);
    Scenario::new(t.lab.world, instruction, &[]).free(Copy, &["contributor_token"], OWN_TOKENS)
}

fn request_access(t: Town) -> Scenario {
    let signer = t.mallory.insecure_clone();
    let instruction = ix::datanet::request_access(&signer.pubkey(), &t.permissioned, "a study".into());
    Scenario::new(t.lab.world, instruction, &[&signer])
}

/// Mallory asks for access to the curator's permissioned Datanet.
fn asked(t: &mut Town) -> (Pubkey, Pubkey) {
    let (signer, datanet) = (t.mallory.insecure_clone(), t.permissioned);
    let ask = ix::datanet::request_access(&signer.pubkey(), &datanet, "a study".into());
    t.world().send(&[ask], &[&signer]).expect("asks");
    (datanet, signer.pubkey())
}

fn grant_access(mut t: Town) -> Scenario {
    let (datanet, grantee) = asked(&mut t);
    let until = t.lab.world.slot() + 100;
    by_curator(t, |_, by| ix::datanet::grant_access(by, &datanet, &grantee, until)).free(Replay, &[""], SETS).free(
        Sibling,
        &["grant"],
        "another grant of the same Datanet is the owner's to give too",
    )
}

fn revoke_access(mut t: Town) -> Scenario {
    let (datanet, grantee) = asked(&mut t);
    by_curator(t, |_, by| ix::datanet::revoke_access(by, &datanet, &grantee)).free(
        Sibling,
        &["grant"],
        "another grant of the same Datanet is the owner's to take too",
    )
}

fn record_use(t: Town) -> Scenario {
    let signer = t.rival.insecure_clone();
    let instruction = ix::datanet::record_use(&signer.pubkey(), &t.permissioned, &t.rivals_job);
    Scenario::new(t.lab.world, instruction, &[&signer]).free(Replay, &[""], "every use counts, by the grantee's hand")
}

/// The proof that the curator's second leaf is in the open Datanet.
pub(crate) fn proof(datanet: Pubkey, contributor: Pubkey) -> VerifyContributionArgs {
    let leaves = leaves(1, 5);
    let (leaf, root) = (leaves[1], mmr::root_of(&leaves));
    let batch = BatchLeaf {
        datanet: datanet.to_bytes(),
        index: 0,
        contributor: contributor.to_bytes(),
        root,
        count: leaves.len() as u64,
    };
    let path = |p: mmr::RangeProof| RangePath { index: p.index, siblings: p.siblings, peaks: p.peaks };
    VerifyContributionArgs {
        leaf,
        batch_index: 0,
        contributor,
        batch_root: root,
        batch_count: batch.count,
        in_batch: path(mmr::prove(&leaves, 1).expect("is a leaf")),
        in_datanet: path(mmr::prove(&[batch.hash()], 0).expect("is a leaf")),
    }
}

fn verify_contribution(t: Town) -> Scenario {
    let args = proof(t.lab.datanet, t.lab.curator.pubkey());
    Scenario::new(t.lab.world, ix::datanet::verify_contribution(&t.lab.datanet, args), &[]).free(Replay, &[""], ANYONE)
}

fn pause(t: Town) -> Scenario {
    let until = t.lab.world.slot() + 100;
    by_authority(t, |_, by| ix::datanet::pause(by, until))
}

fn configure(t: Town) -> Scenario {
    let args = ConfigureArgs {
        metadata_uri: "sha256:0304".into(),
        metadata_hash: [3; 32],
        min_bond: 2 * MIN_BOND,
        panel_size: 5,
        quorum: 2,
    };
    by_curator(t, |t, by| ix::datanet::configure(by, &t.lab.datanet, args)).free(Replay, &[""], SETS).free(
        Sibling,
        &["datanet"],
        "the curator's other Datanet",
    )
}

fn contribute_bulk(mut t: Town) -> Scenario {
    let (curator, datanet) = (t.lab.curator.insecure_clone(), t.lab.datanet);
    let batch = t.world().open(&curator, datanet, &[]);
    let args = ContributeBulkArgs { root: [7; 32], count: ::datanet::state::MAX_BULK, manifest: MANIFEST };
    by_curator(t, |_, by| ix::datanet::contribute_bulk(by, &batch, args))
}
