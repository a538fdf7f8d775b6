//! Actions of curators, contributors and validators.

use super::Act;
use crate::{
    crowd::{Attempt, Crowd},
    dice::Dice,
};
use ::datanet::{
    ConfigureArgs, ContributeBulkArgs,
    state::{Access, Batch, BatchStatus, Datanet, Grant, MAX_BULK},
};
use ::stake::state::{Position, Role};
use openledger_interface::ix;
use openledger_protocol::hash::sha256;
use program_tests::datanet::{MANIFEST, MIN_BOND, commitment, create_args, leaves, salt};
use solana_keypair::Signer;
use solana_pubkey::Pubkey;

pub const ALL: &[(&str, u64, Act)] = &[
    ("create_datanet", 1, create),
    ("set_paused", 1, set_paused),
    ("hand a datanet over", 1, hand_over),
    ("open_batch", 6, open),
    ("contribute", 8, contribute),
    ("submit_batch", 6, submit),
    ("contribute_bulk", 1, bulk),
    ("configure", 1, configure),
    ("cancel_batch", 1, cancel),
    ("draw_panel", 2, draw),
    ("commit_verdict", 16, commit),
    ("reveal_verdict", 16, reveal),
    ("finalise_batch", 10, finalise),
    ("expire_batch", 2, expire),
    ("request_access", 2, request),
    ("grant_access", 2, grant),
    ("revoke_access", 1, revoke),
];

fn create(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let who = crowd.anyone(dice);
    let access = if dice.one_in(2) { Access::Open } else { Access::Permissioned };
    let args = ::datanet::CreateDatanetArgs { access, ..create_args(dice.next()) };
    Attempt::new(ix::datanet::create_datanet(&who.pubkey(), args), &[&who])
}

fn owned(crowd: &Crowd, dice: &mut Dice) -> Option<(Pubkey, Datanet, program_tests::Key)> {
    let (address, datanet) = crowd.some::<Datanet>(dice)?;
    let owner = crowd.actor(&datanet.owner)?;
    Some((address, datanet, owner))
}

fn set_paused(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (address, datanet, owner) = owned(crowd, dice)?;
    Attempt::new(ix::datanet::set_paused(&owner.pubkey(), &address, !datanet.paused && dice.one_in(2)), &[&owner])
}

fn hand_over(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (address, datanet, owner) = owned(crowd, dice)?;
    match datanet.pending_owner.and_then(|p| crowd.actor(&p)) {
        Some(new) => Attempt::new(ix::datanet::accept_owner(&new.pubkey(), &address), &[&new]),
        None => {
            let new = crowd.anyone(dice);
            Attempt::new(ix::datanet::propose_owner(&owner.pubkey(), &address, &new.pubkey()), &[&owner])
        }
    }
}

fn open(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (who, (address, datanet)) = (crowd.anyone(dice), crowd.some::<Datanet>(dice)?);
    let bond = if dice.one_in(3) { dice.amount(2 * MIN_BOND) } else { MIN_BOND };
    Attempt::new(ix::datanet::open_batch(&who.pubkey(), &address, datanet.batches, &crowd.world.mint, bond), &[&who])
}

/// A batch in this state, and its contributor.
fn batch(crowd: &Crowd, dice: &mut Dice, status: BatchStatus) -> Option<(Pubkey, Batch, program_tests::Key)> {
    let (address, batch) = crowd.some_that(dice, |b: &Batch| b.status == status)?;
    let contributor = crowd.actor(&batch.contributor)?;
    Some((address, batch, contributor))
}

fn contribute(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (address, _, who) = batch(crowd, dice, BatchStatus::Open)?;
    let leaves = leaves(dice.next(), dice.between(0, 28) as usize);
    Attempt::new(ix::datanet::contribute(&who.pubkey(), &address, &leaves), &[&who])
}

fn bulk(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (address, _) = crowd.some_that(dice, |b: &Batch| b.status == BatchStatus::Open && b.count == 0)?;
    let who = crowd.actor(&crowd.world.get::<Batch>(&address).contributor)?;
    let args = ContributeBulkArgs { root: dice.hash(), count: dice.amount(MAX_BULK), manifest: MANIFEST };
    Attempt::new(ix::datanet::contribute_bulk(&who.pubkey(), &address, args), &[&who])
}

fn configure(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (address, datanet, owner) = owned(crowd, dice)?;
    let args = ConfigureArgs {
        metadata_uri: datanet.metadata_uri,
        metadata_hash: dice.hash(),
        min_bond: MIN_BOND + dice.below(3),
        panel_size: 9,
        quorum: dice.between(1, 3) as u8,
    };
    Attempt::new(ix::datanet::configure(&owner.pubkey(), &address, args), &[&owner])
}

fn submit(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (address, _, who) = batch(crowd, dice, BatchStatus::Open)?;
    Attempt::new(ix::datanet::submit_batch(&who.pubkey(), &address, MANIFEST), &[&who])
}

fn cancel(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (address, batch) = crowd.some::<Batch>(dice)?;
    let who = crowd.actor(&batch.contributor)?;
    Attempt::new(ix::datanet::cancel_batch(&who.pubkey(), &batch.datanet, &address, &crowd.world.mint), &[&who])
}

fn draw(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (address, _) = reviewed(crowd, dice, |b| b.seed == [0; 32])?;
    Attempt::new(ix::datanet::draw_panel(&address), &[])
}

/// A validator's verdict on a batch. It is the same at every call.
fn verdict(validator: &Pubkey, batch: &Pubkey) -> (bool, u16) {
    let opinion = sha256(&[b"opinion", validator.as_ref(), batch.as_ref()]);
    // Validators mostly agree, so that batches are decided.
    let mood = !sha256(&[b"mood", batch.as_ref()])[0].is_multiple_of(4);
    (if opinion[0].is_multiple_of(8) { !mood } else { mood }, u16::from(opinion[1]) * 39)
}

/// A batch under review that fits; sometimes any batch.
fn reviewed(crowd: &Crowd, dice: &mut Dice, fits: impl Fn(&Batch) -> bool) -> Option<(Pubkey, Batch)> {
    let any = dice.one_in(10);
    crowd.some_that(dice, |b: &Batch| b.status == BatchStatus::Review && (any || fits(b)))
}

fn commit(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let slot = crowd.world.slot();
    let (address, batch) = reviewed(crowd, dice, |b| slot <= b.commit_until)?;
    // The slot whose hash draws the panel must have passed.
    if let Some(wait) = (batch.submitted_slot + 2).checked_sub(slot).filter(|wait| *wait > 0) {
        crowd.pass(wait);
    }
    let since = batch.submitted_slot;
    let new = |p: &Position| p.since_slot <= since && batch.reviews.iter().all(|r| r.validator != p.owner);
    let mut all: Vec<Position> = crowd.world.all::<Position>().into_iter().map(|(_, p)| p).collect();
    all.retain(|p| p.role == Role::Validator && (dice.one_in(20) || new(p)));
    // The validators with the most stake are certainly drawn.
    all.sort_by_key(|p| std::cmp::Reverse(p.amount));
    all.truncate(if dice.one_in(4) { 1 } else { 2 });
    let who: Vec<_> = all.iter().filter_map(|p| crowd.actor(&p.owner)).collect();
    let commit = |v: Pubkey| {
        let (approve, quality) = verdict(&v, &address);
        ix::datanet::commit_verdict(&v, &batch.datanet, &address, commitment(&v, &address, approve, quality))
    };
    if who.is_empty() {
        return None;
    }
    Attempt::several(who.iter().map(|v| commit(v.pubkey())).collect(), &who.iter().collect::<Vec<_>>())
}

fn reveal(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let slot = crowd.world.slot();
    let waits =
        |b: &Batch| slot <= b.reveal_until && b.reviews.len() > 1 && b.reviews.iter().any(|r| r.approve.is_none());
    let (address, batch) = reviewed(crowd, dice, waits)?;
    let hidden = batch.reviews.iter().filter(|r| r.approve.is_none() || dice.one_in(20));
    let mut who: Vec<_> = hidden.filter_map(|r| crowd.actor(&r.validator)).collect();
    if dice.one_in(3) {
        who.truncate(1);
    }
    if !dice.one_in(4) && slot <= batch.commit_until {
        crowd.pass(batch.commit_until + 1 - slot);
    }
    let lies = dice.one_in(16);
    let reveal = |v: Pubkey| {
        let (approve, quality) = verdict(&v, &address);
        ix::datanet::reveal_verdict(&v, &batch.datanet, &address, approve != lies, quality, salt(&v))
    };
    if who.is_empty() {
        return None;
    }
    Attempt::several(who.iter().map(|v| reveal(v.pubkey())).collect(), &who.iter().collect::<Vec<_>>())
}

fn finalise(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (address, batch) = reviewed(crowd, dice, |b| b.reviews.iter().any(|r| r.approve.is_some()))?;
    Attempt::new(ix::datanet::finalise_batch(&batch.datanet, &address, &batch.contributor, &crowd.world.mint), &[])
}

fn expire(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let slot = crowd.world.slot();
    let (address, batch) = reviewed(crowd, dice, |b| slot > b.commit_until)?;
    Attempt::new(ix::datanet::expire_batch(&batch.datanet, &address, &batch.contributor, &crowd.world.mint), &[])
}

fn request(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let who = crowd.anyone(dice);
    let (address, _) = crowd.some_that(dice, |d: &Datanet| d.access == Access::Permissioned)?;
    Attempt::new(ix::datanet::request_access(&who.pubkey(), &address, "a study".into()), &[&who])
}

fn granted(crowd: &Crowd, dice: &mut Dice) -> Option<(Grant, program_tests::Key)> {
    let (_, grant) = crowd.some::<Grant>(dice)?;
    let owner = crowd.actor(&crowd.world.get::<Datanet>(&grant.datanet).owner)?;
    Some((grant, owner))
}

fn grant(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (grant, owner) = granted(crowd, dice)?;
    let until = crowd.world.slot().saturating_add(dice.amount(2_000));
    Attempt::new(ix::datanet::grant_access(&owner.pubkey(), &grant.datanet, &grant.grantee, until), &[&owner])
}

fn revoke(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (grant, owner) = granted(crowd, dice)?;
    Attempt::new(ix::datanet::revoke_access(&owner.pubkey(), &grant.datanet, &grant.grantee), &[&owner])
}
