//! Actions of model owners and trainers.

use super::Act;
use crate::{
    crowd::{Attempt, Crowd},
    dice::Dice,
};
use ::datanet::state::{Access, Datanet, Grant};
use ::model::{
    AttestResultArgs, ComputeShare, PostLogArgs,
    state::{Job, JobStatus, MAX_SEGMENTS, Model},
};
use ::payout::state::Shard;
use ::stake::state::Committee;
use openledger_interface::{attestation, ix, pda};
use program_tests::{
    OPEN, attest,
    model::{self as net, reads, register_args, request_args},
};
use solana_keypair::Signer;
use solana_pubkey::Pubkey;

pub const ALL: &[(&str, u64, Act)] = &[
    ("register_model", 2, register),
    ("set_price", 1, set_price),
    ("retire_model", 1, retire),
    ("request_job", 6, request),
    ("assign_job", 6, assign),
    ("post_log", 6, post_log),
    ("attest_result", 6, attest_result),
    ("pay_data_share", 4, pay_data_share),
    ("heartbeat", 2, heartbeat),
    ("release_job", 2, release),
    ("cancel_job", 4, cancel),
    ("expire_job", 6, expire),
];

fn register(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let who = crowd.anyone(dice);
    let parent = if dice.one_in(2) { crowd.some::<Model>(dice).map(|(address, _)| address) } else { None };
    Attempt::new(ix::model::register_model(&who.pubkey(), parent.as_ref(), register_args(dice.next())), &[&who])
}

fn owned(crowd: &Crowd, dice: &mut Dice) -> Option<(Pubkey, Model, program_tests::Key)> {
    let (address, model) = crowd.some::<Model>(dice)?;
    let owner = crowd.actor(&model.owner)?;
    Some((address, model, owner))
}

fn set_price(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (address, _, owner) = owned(crowd, dice)?;
    Attempt::new(ix::model::set_price(&owner.pubkey(), &address, dice.amount(OPEN), dice.amount(OPEN)), &[&owner])
}

fn retire(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    // Only a few of the many models are retired, so that usable ones remain.
    let (address, _, owner) = owned(crowd, dice).filter(|(_, m, _)| m.id != 1)?;
    Attempt::new(ix::model::retire_model(&owner.pubkey(), &address), &[&owner])
}

fn request(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (address, model, owner) = owned(crowd, dice)?;
    let read: Vec<(Pubkey, Access)> =
        (0..dice.between(0, 2)).filter_map(|_| readable(crowd, dice, &owner.pubkey())).collect();
    let args = request_args(dice.amount(200 * OPEN));
    Attempt::new(
        ix::model::request_job(&owner.pubkey(), &address, model.jobs, &crowd.world.mint, &reads(&read), args),
        &[&owner],
    )
}

/// A Datanet with an accepted batch; mostly one that this wallet may read.
fn readable(crowd: &Crowd, dice: &mut Dice, wallet: &Pubkey) -> Option<(Pubkey, Access)> {
    let careless = dice.one_in(5);
    let (address, datanet) =
        crowd.some_that(dice, |d: &Datanet| careless || (d.accepted > 0 && d.access == Access::Open))?;
    let granted = crowd.world.find::<Grant>(&pda::grant(&address, wallet)).is_some();
    (datanet.access == Access::Open || granted).then_some((address, datanet.access))
}

fn job(crowd: &Crowd, dice: &mut Dice, status: JobStatus) -> Option<(Pubkey, Job)> {
    if dice.one_in(12) { crowd.some(dice) } else { crowd.some_that(dice, |j: &Job| j.status == status) }
}

fn assign(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let ((address, _), epoch) = (job(crowd, dice, JobStatus::Requested)?, crowd.committee().0);
    let members = crowd.world.get::<Committee>(&pda::committee(epoch)).members;
    let who = if dice.one_in(8) { crowd.anyone(dice) } else { crowd.actor(dice.pick(&members)?)? };
    crowd.world.find::<::stake::state::Operator>(&pda::operator(&who.pubkey()))?;
    Attempt::new(ix::model::assign_job(&who.pubkey(), epoch, &address), &[&who])
}

fn post_log(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (address, job) = job(crowd, dice, JobStatus::Running)?;
    let who = crowd.actor(&job.operator?)?;
    let segments = if dice.one_in(8) { *dice.pick(&[0, MAX_SEGMENTS + 1, u16::MAX])? } else { net::SEGMENTS };
    let args = PostLogArgs { log_root: dice.hash(), segments };
    Attempt::new(ix::model::post_log(&who.pubkey(), &address, args), &[&who])
}

fn attest_result(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (address, job) = job(crowd, dice, JobStatus::Running)?;
    let (epoch, key) = crowd.committee();
    let members = crowd.world.get::<Committee>(&pda::committee(epoch)).members;
    let share = |operator: &Pubkey, dice: &mut Dice| ComputeShare {
        operator: *operator,
        units: dice.next(),
        amount: dice.amount(job.budget / members.len() as u64),
    };
    let paid = dice.below(members.len() as u64 + 1) as usize;
    let args = AttestResultArgs {
        adapter_hash: dice.hash(),
        manifest_hash: dice.hash(),
        compute: members[..paid].iter().map(|m| share(m, dice)).collect(),
        expiry_slot: crowd.world.slot() + dice.below(50),
    };
    let stake = crowd.world.get(&pda::stake_config());
    let message = attestation::training_result(&stake, &address, job.sequence, &args);
    let instruction = ix::model::attest_result(epoch, &job, &crowd.world.mint, args);
    Attempt::several(vec![attest::signed(&key, &message), instruction], &[])
}

fn cancel(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (address, job) = job(crowd, dice, JobStatus::Requested)?;
    let who = if dice.one_in(3) { crowd.anyone(dice) } else { crowd.actor(&job.requester)? };
    Attempt::new(ix::model::cancel_job(&who.pubkey(), &crowd.world.get(&address), &crowd.world.mint), &[&who])
}

fn expire(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let slot = crowd.world.slot();
    let any = dice.one_in(4);
    let late = |j: &Job| j.status == JobStatus::Running && (any || slot > j.deadline_slot);
    let (address, _) = crowd.some_that(dice, late)?;
    Attempt::new(ix::model::expire_job(&crowd.world.get(&address), &crowd.world.mint), &[])
}

fn pay_data_share(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let any = dice.one_in(8);
    let (address, _) = crowd.some_that(dice, |j: &Job| any || j.data_share > j.data_paid)?;
    let (_, shard) = crowd.some::<Shard>(dice)?;
    Attempt::new(ix::model::pay_data_share(&crowd.world.get(&address), shard.index), &[])
}

fn heartbeat(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (address, job) = job(crowd, dice, JobStatus::Running)?;
    let who = crowd.actor(&job.operator?)?;
    Attempt::new(ix::model::heartbeat(&who.pubkey(), &address), &[&who])
}

fn release(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (address, job) = job(crowd, dice, JobStatus::Running)?;
    if dice.one_in(3) && job.log_root == [0; 32] {
        crowd.pass(net::HEARTBEAT_SLOTS + 1);
    }
    Attempt::new(ix::model::release_job(&address), &[])
}
