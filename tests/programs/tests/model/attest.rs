//! Results: each is accepted once, only with the active committee's signature over exactly it, and the escrow is
//! divided to the last unit.

use ::stake::error::SharedError;
use anchor_lang::error::ErrorCode;
use model::{
    AttestResultArgs, ComputeShare,
    error::ModelError,
    events::ResultAttested,
    state::{Job, JobStatus, Model, ModelStatus},
};
use openledger_interface::{attestation, ix, pda};
use openledger_protocol::{attest::Kind, fees::MAX_DATA_SHARE_BPS};
use program_tests::{
    Key, OPEN, attest, key,
    model::{BUDGET, HEARTBEAT_SLOTS, JOB_SLOTS, Lab, log_args, message, result},
    refused, swapped,
    tx::refused_with,
};
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use solana_instruction::Instruction;
use solana_keypair::Signer;
use solana_pubkey::Pubkey;
use std::cell::RefCell;

fn member(lab: &Lab, n: usize) -> Pubkey {
    lab.committee.members[n].wallet.pubkey()
}

/// The Ed25519 instruction and the one that it authorises.
fn pair(lab: &Lab, job: Pubkey, args: &AttestResultArgs) -> [Instruction; 2] {
    let signed = attest::signed(&lab.committee.key, &message(&lab.world, &lab.committee, job, args));
    [signed, ix::model::attest_result(lab.committee.epoch, &lab.world.get(&job), &lab.world.mint, args.clone())]
}

#[test]
fn an_attested_result_pays_refunds_and_makes_the_model_ready() {
    let mut lab = Lab::new();
    let o = lab.owner.pubkey();
    let job = lab.trained(BUDGET);
    let (a, b) = (member(&lab, 0), member(&lab, 1));
    let before = (lab.world.open_of(&a), lab.world.open_of(&b), lab.world.open_of(&o));
    let args = result(&lab.world, &[(a, 60 * OPEN), (b, 15 * OPEN + 1)]);
    let event: ResultAttested = lab.attest(job, args.clone()).expect("is attested").event();
    // The data share is a fifth of the fee of 75 + 18.75 OPEN. The rest returns.
    let (paid, data, rest) = (75 * OPEN + 1, 18_750_000_000, 6_250_000_000 - 1);
    assert_eq!((event.paid, event.data_share, event.refunded), (paid, data, rest));
    assert_eq!(event.committee_epoch, lab.committee.epoch);
    assert_eq!(lab.world.balance(&pda::escrow(&job)), data);
    assert_eq!(event.compute, args.compute);
    assert_eq!(
        (lab.world.open_of(&a), lab.world.open_of(&b), lab.world.open_of(&o)),
        (before.0 + 60 * OPEN, before.1 + 15 * OPEN + 1, before.2 + rest)
    );
    let (state, model): (Job, Model) = (lab.world.get(&job), lab.world.get(&lab.model));
    assert_eq!((state.status, state.paid, state.refunded), (JobStatus::Attested, paid, rest));
    assert_eq!((state.data_share, state.data_paid), (data, 0));
    assert_eq!((model.status, model.adapter_hash, model.job), (ModelStatus::Ready, args.adapter_hash, Some(job)));
    assert_eq!((model.manifest_hash, model.snapshots), (args.manifest_hash, state.snapshots));
}

#[test]
fn a_result_is_accepted_once() {
    let mut lab = Lab::new();
    let job = lab.trained(BUDGET);
    let args = result(&lab.world, &[(member(&lab, 0), OPEN)]);
    let both = pair(&lab, job, &args);
    lab.world.send(&both, &[]).expect("is attested");
    refused(lab.world.send(&both, &[]), ModelError::JobNotRunning);
    lab.world.send(&[ix::model::pay_data_share(&lab.world.get(&job), 0)], &[]).expect("pays");
    refused(lab.world.send(&both, &[]), ErrorCode::AccountNotInitialized);
    // A stranger funds the escrow's address again. The job's status still refuses the result.
    lab.world.put_token(pda::escrow(&job), lab.world.mint, job, BUDGET);
    refused(lab.world.send(&both, &[]), ModelError::JobNotRunning);
}

/// Rule A1: no attested change without the active committee's signature over exactly that change.
#[test]
fn a_signature_over_anything_else_is_refused() {
    let mut lab = Lab::new();
    let job = lab.trained(BUDGET);
    let other = lab.trained(BUDGET);
    let args = result(&lab.world, &[(member(&lab, 0), OPEN)]);
    let [good, ix] = pair(&lab, job, &args);
    let right = message(&lab.world, &lab.committee, job, &args);
    let mut changed = args.clone();
    changed.compute[0].amount += 1;
    let messages = [
        openledger_protocol::attest::Message { cluster: [8; 32], ..right },
        openledger_protocol::attest::Message { program: datanet::ID.to_bytes(), ..right },
        openledger_protocol::attest::Message { committee_epoch: right.committee_epoch + 1, ..right },
        openledger_protocol::attest::Message { kind: Kind::Settlement, ..right },
        openledger_protocol::attest::Message { sequence: right.sequence + 1, ..right },
        openledger_protocol::attest::Message { sequence: right.sequence - 1, ..right },
        openledger_protocol::attest::Message { expiry_slot: right.expiry_slot + 1, ..right },
        message(&lab.world, &lab.committee, other, &args),
        message(&lab.world, &lab.committee, job, &changed),
    ];
    for wrong in messages {
        let signed = attest::signed(&lab.committee.key, &wrong);
        refused(lab.world.send(&[signed, ix.clone()], &[]), SharedError::AttestationMessage);
    }
    let stranger = attest::signed(&attest::group_key(99), &right);
    refused(lab.world.send(&[stranger, ix.clone()], &[]), SharedError::AttestationKey);
    let forged = attestation::instruction(&lab.committee.key.verifying_key().to_bytes(), &[1; 64], &right);
    refused_with(lab.world.send(&[forged, ix.clone()], &[]), "InstructionError(0");
    refused(lab.world.send(std::slice::from_ref(&ix), &[]), SharedError::AttestationMissing);
    refused(lab.world.send(&[ix.clone(), good.clone()], &[]), SharedError::AttestationMissing);
    let between = ix::model::post_log(&member(&lab, 0), &job, log_args([0; 32]));
    assert!(lab.world.send(&[good.clone(), between, ix.clone()], &[&lab.committee.members[0].wallet]).is_err());
    let fake = key("fake sysvar").pubkey();
    let account = lab.world.svm.get_account(&lab.datanet).unwrap();
    lab.world.put_raw(fake, solana_sdk_ids::sysvar::ID, account.data);
    let sysvar = solana_sdk_ids::sysvar::instructions::ID;
    refused_with(lab.world.send(&[good.clone(), swapped(ix.clone(), sysvar, fake)], &[]), "InstructionError(1");
    lab.world.send(&[good, ix], &[]).expect("the right one passes");
}

/// Rule A2: an attestation is refused after its expiry.
#[test]
fn an_attestation_expires() {
    let mut lab = Lab::new();
    let job = lab.trained(BUDGET);
    let args = result(&lab.world, &[]);
    let both = pair(&lab, job, &args);
    lab.world.pass(args.expiry_slot + 1 - lab.world.slot());
    refused(lab.world.send(&both, &[]), SharedError::AttestationExpired);
    let args = result(&lab.world, &[]);
    let both = pair(&lab, job, &args);
    lab.world.pass(args.expiry_slot - lab.world.slot());
    lab.world.send(&both, &[]).expect("the last slot counts");
}

#[test]
fn a_retired_committee_attests_nothing() {
    let mut lab = Lab::new();
    let next = lab.world.committee(3);
    let retired = std::mem::replace(&mut lab.committee, next);
    let job = lab.trained(BUDGET);
    let args = result(&lab.world, &[]);
    let active = std::mem::replace(&mut lab.committee, retired);
    refused(lab.attest(job, args.clone()), SharedError::CommitteeNotActive);
    lab.committee = active;
    lab.attest(job, args).expect("the active one does");
}

#[test]
fn a_result_needs_a_running_job_with_a_log_in_time() {
    let mut lab = Lab::new();
    let requested = lab.requested(BUDGET);
    let args = result(&lab.world, &[]);
    refused(lab.attest(requested, args.clone()), ModelError::JobNotRunning);
    let running = lab.slot_unless_paused(BUDGET);
    refused(lab.attest(running, args.clone()), ModelError::LogMissing);
    let trained = lab.trained(BUDGET);
    for zero in [
        AttestResultArgs { adapter_hash: [0; 32], ..args.clone() },
        AttestResultArgs { manifest_hash: [0; 32], ..args },
    ] {
        refused(lab.attest(trained, zero), ModelError::ZeroHash);
    }
    lab.world.pass(JOB_SLOTS + 1);
    let late = result(&lab.world, &[]);
    refused(lab.attest(trained, late), ModelError::DeadlinePassed);
}

#[test]
fn shares_stay_within_the_budget_and_go_to_members_once_each() {
    let mut lab = Lab::new();
    let job = lab.trained(BUDGET);
    let (a, b, c) = (member(&lab, 0), member(&lab, 1), member(&lab, 2));
    let outsider = lab.world.operator().wallet.pubkey();
    for (shares, error) in [
        (vec![(a, BUDGET / 5 * 4 + 1)], ModelError::OverBudget),
        (vec![(a, BUDGET / 5 * 4), (b, 1)], ModelError::OverBudget),
        (vec![(a, u64::MAX)], ModelError::OverBudget),
        (vec![(a, u64::MAX), (b, 2)], ModelError::OverBudget),
        (vec![(a, 1), (a, 1)], ModelError::DuplicateOperator),
        (vec![(outsider, 1)], ModelError::NotMember),
        (vec![(a, 1); 9], ModelError::TooManyShares),
    ] {
        let args = result(&lab.world, &shares);
        refused(lab.attest(job, args), error);
    }
    let args = result(&lab.world, &[(a, OPEN), (b, OPEN)]);
    let mut idle = args.clone();
    idle.compute[0].units = 0;
    refused(lab.attest(job, idle), ModelError::PaidForNothing);
    let [signed, ix] = pair(&lab, job, &args);
    let mut few = ix.clone();
    few.accounts.pop();
    refused(lab.world.send(&[signed.clone(), few], &[]), ModelError::WrongPayeeCount);
    let (of_b, of_c) = (lab.world.ata(&b), lab.world.ata(&c));
    let wrong = swapped(ix.clone(), of_b, of_c);
    refused(lab.world.send(&[signed.clone(), wrong], &[]), ModelError::WrongPayee);
    let mut order = ix.clone();
    let n = order.accounts.len();
    order.accounts.swap(n - 1, n - 2);
    refused(lab.world.send(&[signed.clone(), order], &[]), ModelError::WrongPayee);
    let (mint, token) = (key("other mint").pubkey(), key("other token").pubkey());
    lab.world.put_mint(mint, 9);
    lab.world.put_token(token, mint, b, 0);
    refused(lab.world.send(&[signed.clone(), swapped(ix.clone(), of_b, token)], &[]), ModelError::WrongPayee);
    refused(lab.world.send(&[signed.clone(), swapped(ix.clone(), of_b, b)], &[]), ModelError::WrongPayee);
    let (of_owner, mallory) = (lab.world.ata(&lab.owner.pubkey()), lab.world.ata(&lab.curator.pubkey()));
    let refund = swapped(ix.clone(), of_owner, mallory);
    refused(lab.world.send(&[signed.clone(), refund], &[]), ModelError::WrongTokenOwner);
    let rent = swapped(ix.clone(), lab.owner.pubkey(), lab.curator.pubkey());
    refused(lab.world.send(&[signed.clone(), rent], &[]), ModelError::WrongRequester);
    let other = lab.trained(1);
    let foreign = swapped(ix.clone(), pda::escrow(&job), pda::escrow(&other));
    refused(lab.world.send(&[signed.clone(), foreign], &[]), ErrorCode::ConstraintSeeds);
    lab.world.send(&[signed, ix], &[]).expect("the right one passes");
}

#[test]
fn the_whole_budget_may_be_earned_and_an_owner_may_be_paid_too() {
    let mut lab = Lab::new();
    let job = lab.trained(BUDGET);
    let args = result(&lab.world, &[(member(&lab, 0), BUDGET / 5 * 4)]);
    let event: ResultAttested = lab.attest(job, args).expect("is attested").event();
    assert_eq!((event.paid, event.data_share, event.refunded), (BUDGET / 5 * 4, BUDGET / 5, 0));
    lab.world.send(&[ix::model::pay_data_share(&lab.world.get(&job), 0)], &[]).expect("pays");
    let closed = lab.world.svm.get_account(&pda::escrow(&job));
    assert!(closed.is_none_or(|a| a.lamports == 0));
}

/// How a job ends.
#[derive(Clone, Debug)]
enum End {
    Cancelled,
    /// Released by a silent operator, then cancelled.
    Released,
    /// Released with its log because its committee was succeeded, then cancelled.
    Orphaned,
    Expired,
    Attested(Vec<u64>),
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![
        Just(End::Cancelled),
        Just(End::Released),
        Just(End::Orphaned),
        Just(End::Expired),
        prop::collection::vec(0..=1_000u64, 0..=3).prop_map(End::Attested),
    ]
}

/// Rule M5: pay, data share and refund sum to everything in a job's escrow, however the job ends and whatever the
/// share. No OPEN is made or lost.
#[test]
fn every_escrow_ends_whole() {
    // One world for all cases: the rule must hold after any history.
    let lab = RefCell::new(Lab::new());
    let config = Config { cases: 48, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let cases = (1..=10 * OPEN, end(), 0..=5u64, prop_oneof![Just(0), 1..=MAX_DATA_SHARE_BPS]);
    runner.run(&cases, |case| ends_whole(&mut lab.borrow_mut(), case)).unwrap();
}

fn ends_whole(lab: &mut Lab, (budget, end, gift, bps): (u64, End, u64, u16)) -> Result<(), TestCaseError> {
    let (owner, stranger) = (lab.owner.insecure_clone(), lab.curator.insecure_clone());
    let wallets: Vec<Pubkey> = (0..3).map(|n| member(lab, n)).chain([owner.pubkey(), stranger.pubkey()]).collect();
    let held =
        |lab: &Lab| wallets.iter().map(|w| lab.world.open_of(w)).sum::<u64>() + lab.world.balance(&pda::vault(0));
    lab.data_share(bps);
    lab.world.fund(&owner.pubkey(), budget);
    let all = held(lab);
    let job = match end {
        End::Cancelled => lab.requested(budget),
        End::Expired | End::Released => lab.slot_unless_paused(budget),
        End::Attested(_) | End::Orphaned => lab.trained(budget),
    };
    let before = lab.world.open_of(&owner.pubkey());
    send_gift(lab, &stranger, pda::escrow(&job), gift);
    let escrowed = lab.world.balance(&pda::escrow(&job));
    prop_assert_eq!(escrowed, budget + gift);
    if matches!(end, End::Released) {
        lab.world.pass(HEARTBEAT_SLOTS + 1);
        lab.world.send(&[ix::model::release_job(&job)], &[]).expect("releases");
    }
    if matches!(end, End::Orphaned) {
        lab.committee = lab.world.committee(3);
        lab.world.send(&[ix::model::release_job(&job)], &[]).expect("releases");
        lab.world.pass(HEARTBEAT_SLOTS + 1);
    }
    match &end {
        End::Cancelled | End::Released | End::Orphaned => {
            let cancel = ix::model::cancel_job(&owner.pubkey(), &lab.world.get(&job), &lab.world.mint);
            lab.world.send(&[cancel], &[&owner]).expect("cancels");
        }
        End::Expired => {
            lab.world.pass(JOB_SLOTS + 1);
            let expire = ix::model::expire_job(&lab.world.get(&job), &lab.world.mint);
            lab.world.send(&[expire], &[]).expect("expires");
        }
        End::Attested(weights) => {
            let share = |(n, w): (usize, &u64)| {
                let room = u128::from(budget) * u128::from(10_000 - bps) / 10_000;
                let amount = (room * u128::from(*w) / 3_000) as u64;
                ComputeShare { operator: wallets[n], units: *w, amount }
            };
            let compute = weights.iter().enumerate().map(share).collect();
            let args = AttestResultArgs { compute, ..result(&lab.world, &[]) };
            lab.attest(job, args).expect("is attested");
        }
    }
    let state: Job = lab.world.get(&job);
    let kept = if state.data_share > 0 { lab.world.balance(&pda::escrow(&job)) } else { 0 };
    prop_assert_eq!(kept, state.data_share);
    prop_assert!(u128::from(kept) * 10_000 <= u128::from(state.paid + kept) * u128::from(bps));
    if kept > 0 {
        send_gift(lab, &stranger, pda::escrow(&job), gift);
        lab.world.send(&[ix::model::pay_data_share(&lab.world.get(&job), 0)], &[]).expect("pays");
    }
    let state: Job = lab.world.get(&job);
    prop_assert_eq!(state.data_paid, if kept > 0 { kept + gift } else { 0 });
    prop_assert_eq!(state.paid + state.data_share + state.refunded, escrowed);
    prop_assert_eq!(lab.world.open_of(&owner.pubkey()), before + state.refunded);
    prop_assert!(lab.world.svm.get_account(&pda::escrow(&job)).is_none_or(|a| a.lamports == 0));
    prop_assert_eq!(held(lab), all);
    Ok(())
}

fn send_gift(lab: &mut Lab, from: &Key, to: Pubkey, amount: u64) {
    let (source, owner) = (lab.world.ata(&from.pubkey()), from.pubkey());
    let gift = spl_token_interface::instruction::transfer(&spl_token_interface::ID, &source, &to, &owner, &[], amount);
    lab.world.send(&[gift.unwrap()], &[from]).expect("gives");
}
