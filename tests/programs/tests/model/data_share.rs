//! The data share of a training fee goes from the escrow into the contributors' pool, once and nowhere else.

use anchor_lang::{Discriminator, error::ErrorCode};
use model::{
    error::ModelError,
    events::{DataSharePaid, JobRequested},
    state::Job,
};
use openledger_interface::{ix, pda};
use openledger_protocol::fees::data_share;
use openledger_shared::payout as shared;
use payout::{
    error::PayoutError,
    events::Funded,
    state::{Pool, Shard},
};
use program_tests::{
    OPEN, address,
    model::{self as net, BUDGET, DATA_SHARE_BPS, Lab, reads, result},
    refused, swapped,
};
use solana_keypair::Signer;
use solana_pubkey::Pubkey;

/// A job whose attested result owes a data share.
fn attested(lab: &mut Lab, paid: u64) -> Pubkey {
    let job = lab.trained(BUDGET);
    let trainer = lab.trainer(0).pubkey();
    lab.attest(job, result(&lab.world, &[(trainer, paid)])).expect("is attested");
    job
}

/// The model program cannot import payout, because payout depends on it. So the constants of its hand-built call are
/// compared here.
#[test]
fn the_call_by_hand_is_payouts_fund() {
    assert_eq!(shared::ID, payout::ID);
    assert_eq!(shared::FUND, payout::instruction::Fund::DISCRIMINATOR);
    let by_hand = shared::fund_data(shared::CONTRIBUTORS, &address("job"), 7);
    let call = payout::instruction::Fund { pool: Pool::Contributors, subject: address("job"), amount: 7 };
    assert_eq!(by_hand, anchor_lang::InstructionData::data(&call));
}

/// M1, M5: exactly the data share is added to the pool's funding and to the vault.
#[test]
fn a_results_data_share_funds_the_contributors_pool() {
    let mut lab = Lab::new();
    let job = attested(&mut lab, 12 * OPEN + 3);
    let share = data_share(12 * OPEN + 3, DATA_SHARE_BPS).unwrap();
    assert_eq!(share, 3 * OPEN);
    let owner = lab.owner.pubkey();
    let lamports = lab.world.svm.get_balance(&owner).unwrap();
    let sent = lab.world.send(&[ix::model::pay_data_share(&lab.world.get(&job), 0)], &[]).expect("anyone pays it");
    let event: DataSharePaid = sent.event();
    assert_eq!((event.job, event.model, event.amount), (job, lab.model, share));
    let funded: Funded = sent.event();
    assert_eq!((funded.pool, funded.subject, funded.payer), (Pool::Contributors, job, job));
    assert_eq!((funded.amount, funded.epoch, funded.shard), (share, 1, pda::shard(0)));
    assert_eq!(lab.world.get::<Shard>(&pda::shard(0)).funded, [share, 0]);
    assert_eq!(lab.world.balance(&pda::vault(0)), share);
    assert_eq!(lab.world.get::<Job>(&job).data_paid, share);
    assert!(lab.world.svm.get_account(&pda::escrow(&job)).is_none_or(|a| a.lamports == 0), "the escrow is closed");
    assert!(lab.world.svm.get_balance(&owner).unwrap() > lamports, "its rent is the requester's");
}

#[test]
fn a_data_share_is_paid_once_and_only_after_a_result() {
    let mut lab = Lab::new();
    let running = lab.trained(BUDGET);
    refused(lab.world.send(&[ix::model::pay_data_share(&lab.world.get(&running), 0)], &[]), ModelError::NoDataShare);
    let job = attested(&mut lab, OPEN);
    let pay = ix::model::pay_data_share(&lab.world.get(&job), 0);
    lab.world.send(std::slice::from_ref(&pay), &[]).expect("pays");
    refused(lab.world.send(std::slice::from_ref(&pay), &[]), ErrorCode::AccountNotInitialized);
    // The escrow's address funded again by a stranger: the job's state still refuses.
    lab.world.put_token(pda::escrow(&job), lab.world.mint, job, BUDGET);
    refused(lab.world.send(&[pay], &[]), ModelError::NoDataShare);
}

#[test]
fn a_data_share_goes_nowhere_else() {
    let mut lab = Lab::new();
    let (job, other) = (attested(&mut lab, OPEN), attested(&mut lab, 2 * OPEN));
    let pay = ix::model::pay_data_share(&lab.world.get(&job), 0);
    let thief = lab.curator.pubkey();
    let (of_thief, vault) = (lab.world.ata(&thief), pda::vault(0));
    let own = address("a token account of the shard that is not its vault");
    lab.world.put_token(own, lab.world.mint, pda::shard(0), 0);
    for to in [of_thief, own] {
        refused(lab.world.send(&[swapped(pay.clone(), vault, to)], &[]), PayoutError::WrongVault);
    }
    // Another program in payout's place would receive the job's signature.
    let fake = swapped(pay.clone(), payout::ID, model::ID);
    refused(lab.world.send(&[fake], &[]), ModelError::NotPayout);
    let foreign = swapped(pay.clone(), pda::escrow(&job), pda::escrow(&other));
    refused(lab.world.send(&[foreign], &[]), ErrorCode::ConstraintSeeds);
    let rent = swapped(pay.clone(), lab.owner.pubkey(), thief);
    refused(lab.world.send(&[rent], &[]), ModelError::WrongRequester);
    let shard = address("a shard that payout did not make");
    lab.world.put_raw(shard, model::ID, lab.world.svm.get_account(&pda::shard(0)).unwrap().data);
    refused(lab.world.send(&[swapped(pay.clone(), pda::shard(0), shard)], &[]), ErrorCode::AccountOwnedByWrongProgram);
    let config = swapped(pay.clone(), pda::payout_config(), pda::model_config());
    refused(lab.world.send(&[config], &[]), ErrorCode::AccountOwnedByWrongProgram);
    lab.world.send(&[pay], &[]).expect("the right one passes");
}

#[test]
fn a_job_keeps_the_share_of_its_request_and_none_closes_the_escrow_at_once() {
    let mut lab = Lab::new();
    let before = lab.trained(BUDGET);
    lab.data_share(0);
    let after = lab.trained(BUDGET);
    let trainer = lab.trainer(0).pubkey();
    assert_eq!(lab.world.get::<Job>(&before).data_share_bps, DATA_SHARE_BPS);
    for (job, share) in [(before, OPEN), (after, 0)] {
        lab.attest(job, result(&lab.world, &[(trainer, 4 * OPEN)])).expect("is attested");
        assert_eq!(lab.world.get::<Job>(&job).data_share, share);
    }
    assert!(lab.world.svm.get_account(&pda::escrow(&after)).is_none_or(|a| a.lamports == 0));
    let owner = lab.owner.insecure_clone();
    let reads = reads(&[(lab.datanet, datanet::state::Access::Open)]);
    let request = ix::model::request_job(&owner.pubkey(), &lab.model, 2, &lab.world.mint, &reads, net::request_args(1));
    let event: JobRequested = lab.world.send(&[request], &[&owner]).expect("requests").event();
    assert_eq!(event.data_share_bps, 0);
}
