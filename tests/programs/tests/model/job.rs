//! Jobs: what may be read, who may train, when a job ends, and that everything in its escrow is paid or returned.

use ::stake::{error::SharedError, state::capability};
use anchor_lang::error::ErrorCode;
use datanet::{
    error::DatanetError,
    events::UseRecorded,
    state::{Access, Datanet, Grant},
};
use model::{
    PostLogArgs, RequestJobArgs,
    error::ModelError,
    events::{JobAssigned, JobEnded, JobRequested, LogPosted},
    state::{Job, JobStatus, MAX_SEGMENTS, Model},
};
use openledger_interface::{ix, pda};
use openledger_protocol::mmr;
use program_tests::{
    OPEN, datanet as nets, key,
    model::{ASSIGN_SLOTS, BUDGET, JOB_SLOTS, Lab, SEGMENTS, log_args, reads, request_args},
    refused, swapped,
    tx::refused_with,
};
use solana_instruction::AccountMeta;
use solana_keypair::Signer;
use solana_pubkey::Pubkey;

#[test]
fn a_job_takes_its_budget_and_fixes_what_it_reads() {
    let mut lab = Lab::new();
    let owner = lab.owner.insecure_clone();
    let o = owner.pubkey();
    let request = ix::model::request_job(
        &o,
        &lab.model,
        0,
        &lab.world.mint,
        &reads(&[(lab.datanet, Access::Open)]),
        request_args(BUDGET),
    );
    let job = pda::job(&lab.model, 0);
    lab.world.airdrop(&job);
    lab.world.airdrop(&pda::escrow(&job));
    let event: JobRequested =
        lab.world.send(std::slice::from_ref(&request), &[&owner]).expect("though prefunded").event();
    let range = lab.world.get::<Datanet>(&lab.datanet).range;
    let root = mmr::root(range.count, &range.peaks).unwrap();
    assert_eq!((event.snapshots[0].root, event.snapshots[0].batches), (root, 1));
    assert_eq!((event.job, event.number, event.budget, event.requester), (job, 0, BUDGET, o));
    assert_eq!(lab.world.balance(&pda::escrow(&job)), BUDGET);
    assert_eq!(lab.world.open_of(&o), 1_000 * OPEN - BUDGET);
    refused(lab.world.send(&[request], &[&owner]), ErrorCode::ConstraintSeeds);

    // A batch accepted later does not change the job's snapshot.
    let (curator, datanet) = (lab.curator.insecure_clone(), lab.datanet);
    lab.world.accepted(&curator, datanet, &lab.validators, &nets::leaves(2, 3));
    let state: Job = lab.world.get(&job);
    assert_eq!((state.snapshots[0].root, state.status), (root, JobStatus::Requested));
    assert_eq!(lab.world.get::<Model>(&lab.model).jobs, 1);
}

#[test]
fn a_request_is_checked() {
    let mut lab = Lab::new();
    let (owner, mallory) = (lab.owner.insecure_clone(), lab.curator.insecure_clone());
    let (o, m, model) = (owner.pubkey(), mallory.pubkey(), lab.model);
    let open = [(lab.datanet, Access::Open)];
    let good = ix::model::request_job(&o, &model, 0, &lab.world.mint, &reads(&open), request_args(BUDGET));
    let by_mallory = ix::model::request_job(&m, &model, 0, &lab.world.mint, &reads(&open), request_args(BUDGET));
    refused(lab.world.send(&[by_mallory], &[&mallory]), ModelError::NotModelOwner);
    for (args, error) in [
        (request_args(0), ModelError::ZeroBudget),
        (RequestJobArgs { config_hash: [0; 32], ..request_args(1) }, ModelError::ZeroHash),
    ] {
        let bad = ix::model::request_job(&o, &model, 0, &lab.world.mint, &reads(&open), args);
        refused(lab.world.send(&[bad], &[&owner]), error);
    }
    let rich = ix::model::request_job(&o, &model, 0, &lab.world.mint, &reads(&open), request_args(1_000 * OPEN + 1));
    refused_with(lab.world.send(&[rich], &[&owner]), "insufficient funds");
    let hers = lab.world.ata(&m);
    let foreign = swapped(good.clone(), lab.world.ata(&o), hers);
    refused(lab.world.send(&[foreign], &[&owner]), ModelError::WrongTokenOwner);
    let (mint, token) = (key("other mint").pubkey(), key("other token").pubkey());
    lab.world.put_mint(mint, 9);
    lab.world.put_token(token, mint, o, BUDGET);
    let (ata, open_mint) = (lab.world.ata(&o), lab.world.mint);
    refused(lab.world.send(&[swapped(good.clone(), ata, token)], &[&owner]), ModelError::WrongMint);
    refused(lab.world.send(&[swapped(good.clone(), open_mint, mint)], &[&owner]), ModelError::WrongMint);
    let other_program = swapped(good.clone(), datanet::ID, ::stake::ID);
    refused(lab.world.send(&[other_program], &[&owner]), ErrorCode::InvalidProgramId);
    lab.world.send(&[good], &[&owner]).expect("the good one passes");
}

#[test]
fn a_job_reads_one_to_eight_filled_datanets_each_once() {
    let mut lab = Lab::new();
    let (owner, curator, model) = (lab.owner.insecure_clone(), lab.curator.insecure_clone(), lab.model);
    let request = |lab: &Lab, nets: &[Pubkey]| {
        let open: Vec<_> = nets.iter().map(|n| (*n, Access::Open)).collect();
        ix::model::request_job(&owner.pubkey(), &model, 0, &lab.world.mint, &reads(&open), request_args(BUDGET))
    };
    let none = request(&lab, &[]);
    refused(lab.world.send(&[none], &[&owner]), ModelError::BadDatanetCount);
    let twice = request(&lab, &[lab.datanet, lab.datanet]);
    refused(lab.world.send(&[twice], &[&owner]), ModelError::DuplicateDatanet);
    let wrong = request(&lab, &[model]);
    refused(lab.world.send(&[wrong], &[&owner]), ModelError::WrongDatanet);
    let empty = lab.world.datanet(&curator, 2, |_| {});
    let on_empty = request(&lab, &[empty]);
    refused(lab.world.send(&[on_empty], &[&owner]), ModelError::EmptyDatanet);
    // The same bytes in an account of another program are not a Datanet.
    let fake = key("fake datanet").pubkey();
    let bytes = lab.world.svm.get_account(&lab.datanet).unwrap().data;
    lab.world.put_raw(fake, model::ID, bytes);
    let on_fake = request(&lab, &[fake]);
    refused(lab.world.send(&[on_fake], &[&owner]), ModelError::WrongDatanet);
    let filled: Vec<Pubkey> = (10..19)
        .map(|id| {
            let address = lab.world.datanet(&curator, id, |_| {});
            let mut state: Datanet = lab.world.get(&address);
            state.range.count = 1;
            state.range.peaks[0] = [id as u8; 32];
            lab.world.put(address, &state);
            address
        })
        .collect();
    let nine = request(&lab, &filled);
    refused(lab.world.send(&[nine], &[&owner]), ModelError::BadDatanetCount);
    let eight = request(&lab, &filled[..8]);
    let event: JobRequested = lab.world.send(&[eight], &[&owner]).expect("eight are taken").event();
    assert_eq!(event.snapshots.iter().map(|s| s.datanet).collect::<Vec<_>>(), filled[..8]);
}

/// Rule D2: nothing is read from a permissioned Datanet without a live grant, and each use is recorded.
#[test]
fn a_permissioned_datanet_is_read_only_with_a_live_grant_of_the_requester() {
    let mut lab = Lab::new();
    let (owner, curator, model) = (lab.owner.insecure_clone(), lab.curator.insecure_clone(), lab.model);
    let (o, c) = (owner.pubkey(), curator.pubkey());
    let closed = lab.world.datanet(&curator, 2, |a| a.access = Access::Permissioned);
    lab.world.accepted(&curator, closed, &lab.validators, &nets::leaves(3, 2));
    let reads = reads(&[(lab.datanet, Access::Open), (closed, Access::Permissioned)]);
    let request = |lab: &Lab, n| ix::model::request_job(&o, &model, n, &lab.world.mint, &reads, request_args(BUDGET));

    let mut missing = request(&lab, 0);
    missing.accounts.pop();
    refused(lab.world.send(&[missing], &[&owner]), ModelError::MissingGrant);
    let never = request(&lab, 0);
    refused(lab.world.send(&[never], &[&owner]), ErrorCode::AccountNotInitialized);
    lab.world.send(&[ix::datanet::request_access(&o, &closed, "a helper".into())], &[&owner]).expect("asks");
    let pending = request(&lab, 0);
    refused(lab.world.send(&[pending], &[&owner]), DatanetError::GrantNotLive);
    let expiry = lab.world.slot() + 5;
    lab.world.send(&[ix::datanet::grant_access(&c, &closed, &o, expiry)], &[&curator]).expect("grants");

    // A live grant of somebody else does not help.
    let mallory = lab.world.wallet(0);
    let m = mallory.pubkey();
    lab.world.send(&[ix::datanet::request_access(&m, &closed, "x".into())], &[&mallory]).expect("asks");
    lab.world.send(&[ix::datanet::grant_access(&c, &closed, &m, expiry)], &[&curator]).expect("grants");
    let borrowed = swapped(request(&lab, 0), pda::grant(&closed, &o), pda::grant(&closed, &m));
    refused(lab.world.send(&[borrowed], &[&owner]), DatanetError::WrongGrant);

    let sent = {
        let r = request(&lab, 0);
        lab.world.send(&[r], &[&owner]).expect("requests")
    };
    let event: UseRecorded = sent.event();
    assert_eq!((event.job, event.datanet, event.grantee), (pda::job(&model, 0), closed, o));
    assert_eq!(sent.event::<JobRequested>().snapshots.len(), 2);
    assert_eq!(lab.world.get::<Grant>(&pda::grant(&closed, &o)).uses, 1);

    lab.world.pass(6);
    let expired = request(&lab, 1);
    refused(lab.world.send(&[expired], &[&owner]), DatanetError::GrantNotLive);
    let later = lab.world.slot() + 50;
    lab.world.send(&[ix::datanet::grant_access(&c, &closed, &o, later)], &[&curator]).expect("extends");
    let again = request(&lab, 1);
    lab.world.send(&[again], &[&owner]).expect("requests again");
    lab.world.send(&[ix::datanet::revoke_access(&c, &closed, &o)], &[&curator]).expect("revokes");
    let revoked = request(&lab, 2);
    refused(lab.world.send(&[revoked], &[&owner]), DatanetError::GrantNotLive);
    assert_eq!(lab.world.get::<Grant>(&pda::grant(&closed, &o)).uses, 2, "refused requests record nothing");
}

#[test]
fn only_a_training_member_of_the_active_committee_takes_a_job_once() {
    let mut lab = Lab::new();
    let job = lab.requested(BUDGET);
    let epoch = lab.committee.epoch;
    let outsider = lab.world.operator();
    let by_outsider = ix::model::assign_job(&outsider.wallet.pubkey(), epoch, &job);
    refused(lab.world.send(&[by_outsider], &[&outsider.wallet]), ModelError::NotMember);
    let (member, other) = (lab.trainer(0), lab.trainer(1));
    let (m, o) = (member.pubkey(), other.pubkey());
    let mallory = lab.world.wallet(0);
    let posing = swapped(
        ix::model::assign_job(&mallory.pubkey(), epoch, &job),
        pda::operator(&mallory.pubkey()),
        pda::operator(&m),
    );
    refused(lab.world.send(&[posing], &[&mallory]), ModelError::NotOperator);
    let serve = ix::stake::update_operator(&o, "http://127.0.0.1:1".into(), capability::SERVE);
    lab.world.send(&[serve], &[&other]).expect("updates");
    refused(lab.world.send(&[ix::model::assign_job(&o, epoch, &job)], &[&other]), ModelError::CannotTrain);
    let fake = key("fake committee").pubkey();
    let bytes = lab.world.svm.get_account(&pda::committee(epoch)).unwrap().data;
    lab.world.put_raw(fake, model::ID, bytes);
    let forged = swapped(ix::model::assign_job(&m, epoch, &job), pda::committee(epoch), fake);
    refused(lab.world.send(&[forged], &[&member]), SharedError::NotACommittee);

    let event: JobAssigned =
        lab.world.send(&[ix::model::assign_job(&m, epoch, &job)], &[&member]).expect("takes it").event();
    assert_eq!((event.operator, event.deadline_slot), (m, lab.world.slot() + JOB_SLOTS));
    assert_eq!((event.committee_epoch, lab.world.get::<Job>(&job).committee_epoch), (epoch, epoch));
    refused(lab.world.send(&[ix::model::assign_job(&m, epoch, &job)], &[&member]), ModelError::JobNotRequested);
}

#[test]
fn a_retired_committee_assigns_nothing() {
    let mut lab = Lab::new();
    let job = lab.requested(BUDGET);
    let (member, old) = (lab.trainer(0), lab.committee.epoch);
    lab.world.committee(3);
    let retired = ix::model::assign_job(&member.pubkey(), old, &job);
    refused(lab.world.send(&[retired], &[&member]), SharedError::CommitteeNotActive);
    let not_in_the_new = ix::model::assign_job(&member.pubkey(), old + 1, &job);
    refused(lab.world.send(&[not_in_the_new], &[&member]), ModelError::NotMember);
}

#[test]
fn the_log_is_posted_once_by_the_assigned_operator_in_time() {
    let mut lab = Lab::new();
    let job = lab.requested(BUDGET);
    let (member, other) = (lab.trainer(0), lab.trainer(1));
    let (m, o) = (member.pubkey(), other.pubkey());
    refused(lab.world.send(&[ix::model::post_log(&m, &job, log_args([1; 32]))], &[&member]), ModelError::NotAssigned);
    lab.world.send(&[ix::model::assign_job(&m, lab.committee.epoch, &job)], &[&member]).expect("takes it");
    refused(lab.world.send(&[ix::model::post_log(&o, &job, log_args([1; 32]))], &[&other]), ModelError::NotAssigned);
    refused(lab.world.send(&[ix::model::post_log(&m, &job, log_args([0; 32]))], &[&member]), ModelError::ZeroHash);
    let event: LogPosted =
        lab.world.send(&[ix::model::post_log(&m, &job, log_args([1; 32]))], &[&member]).expect("posts").event();
    assert_eq!((event.log_root, event.segments, event.slot), ([1; 32], SEGMENTS, lab.world.slot()));
    assert_eq!(lab.world.get::<Job>(&job).segments, SEGMENTS);
    refused(lab.world.send(&[ix::model::post_log(&m, &job, log_args([2; 32]))], &[&member]), ModelError::LogPosted);
    let late = lab.slot_unless_paused(BUDGET);
    lab.world.pass(JOB_SLOTS + 1);
    refused(
        lab.world.send(&[ix::model::post_log(&m, &late, log_args([1; 32]))], &[&member]),
        ModelError::DeadlinePassed,
    );
}

#[test]
fn a_log_has_between_one_and_64_segments() {
    let mut lab = Lab::new();
    let member = lab.trainer(0);
    let post = |lab: &mut Lab, job, segments| {
        let args = PostLogArgs { segments, ..log_args([1; 32]) };
        lab.world.send(&[ix::model::post_log(&member.pubkey(), &job, args)], &[&member])
    };
    let (shortest, longest) = (lab.slot_unless_paused(BUDGET), lab.slot_unless_paused(BUDGET));
    for segments in [0, 65, u16::MAX] {
        refused(post(&mut lab, shortest, segments), ModelError::BadSegments);
    }
    for (job, segments) in [(shortest, 1), (longest, MAX_SEGMENTS)] {
        post(&mut lab, job, segments).expect("posts");
        assert_eq!(lab.world.get::<Job>(&job).segments, segments);
    }
    assert_eq!(MAX_SEGMENTS, 64);
}

#[test]
fn the_requester_cancels_at_once_and_others_when_nobody_came() {
    let mut lab = Lab::new();
    let (owner, mallory) = (lab.owner.insecure_clone(), lab.curator.insecure_clone());
    let (o, m) = (owner.pubkey(), mallory.pubkey());
    let lamports = lab.world.svm.get_balance(&o).unwrap();
    let job = lab.requested(BUDGET);
    let early = ix::model::cancel_job(&m, &lab.world.get(&job), &lab.world.mint);
    refused(lab.world.send(&[early], &[&mallory]), ModelError::CancelTooEarly);
    let mut unsigned = ix::model::cancel_job(&o, &lab.world.get(&job), &lab.world.mint);
    unsigned.accounts[0].is_signer = false;
    refused(lab.world.send(&[unsigned], &[]), ErrorCode::AccountNotSigner);
    let cancel = ix::model::cancel_job(&o, &lab.world.get(&job), &lab.world.mint);
    let event: JobEnded = lab.world.send(&[cancel], &[&owner]).expect("cancels").event();
    assert_eq!((event.expired, event.refunded), (false, BUDGET));
    assert_eq!(lab.world.open_of(&o), 1_000 * OPEN);
    assert!(lab.world.svm.get_account(&pda::escrow(&job)).is_none_or(|a| a.lamports == 0), "the escrow is closed");
    let rent = lab.world.svm.get_balance(&job).unwrap();
    assert_eq!(lab.world.svm.get_balance(&o).unwrap(), lamports - rent, "only the job's record is still paid for");
    let again = ix::model::cancel_job(&o, &lab.world.get(&job), &lab.world.mint);
    refused(lab.world.send(&[again], &[&owner]), ErrorCode::AccountNotInitialized);

    let job = lab.requested(BUDGET);
    lab.world.pass(ASSIGN_SLOTS);
    let still = ix::model::cancel_job(&m, &lab.world.get(&job), &lab.world.mint);
    refused(lab.world.send(&[still], &[&mallory]), ModelError::CancelTooEarly);
    lab.world.pass(1);
    let steal =
        swapped(ix::model::cancel_job(&m, &lab.world.get(&job), &lab.world.mint), lab.world.ata(&o), lab.world.ata(&m));
    refused(lab.world.send(&[steal], &[&mallory]), ModelError::WrongTokenOwner);
    let mut rent = ix::model::cancel_job(&m, &lab.world.get(&job), &lab.world.mint);
    rent.accounts[4].pubkey = m;
    refused(lab.world.send(&[rent], &[&mallory]), ModelError::WrongRequester);
    let other = lab.requested(1);
    let foreign = swapped(
        ix::model::cancel_job(&m, &lab.world.get(&job), &lab.world.mint),
        pda::escrow(&job),
        pda::escrow(&other),
    );
    refused(lab.world.send(&[foreign], &[&mallory]), ErrorCode::ConstraintSeeds);
    let late = ix::model::cancel_job(&m, &lab.world.get(&job), &lab.world.mint);
    lab.world.send(&[late], &[&mallory]).expect("anyone may now");
    assert_eq!(lab.world.open_of(&o), 1_000 * OPEN - 1);
}

#[test]
fn a_running_job_cannot_be_cancelled_and_expires_after_its_deadline_only() {
    let mut lab = Lab::new();
    let (owner, o) = (lab.owner.insecure_clone(), lab.owner.pubkey());
    let waiting = lab.requested(7);
    let job = lab.slot_unless_paused(BUDGET);
    let cancel = ix::model::cancel_job(&o, &lab.world.get(&job), &lab.world.mint);
    refused(lab.world.send(&[cancel], &[&owner]), ModelError::JobNotRequested);
    let never_ran = ix::model::expire_job(&lab.world.get(&waiting), &lab.world.mint);
    refused(lab.world.send(&[never_ran], &[]), ModelError::JobNotRunning);
    lab.world.pass(JOB_SLOTS);
    let early = ix::model::expire_job(&lab.world.get(&job), &lab.world.mint);
    refused(lab.world.send(&[early], &[]), ModelError::ExpireTooEarly);
    lab.world.pass(1);
    let thief = lab.world.ata(&lab.curator.pubkey());
    let steal = swapped(ix::model::expire_job(&lab.world.get(&job), &lab.world.mint), lab.world.ata(&o), thief);
    refused(lab.world.send(&[steal], &[]), ModelError::WrongTokenOwner);
    let expire = ix::model::expire_job(&lab.world.get(&job), &lab.world.mint);
    let event: JobEnded = lab.world.send(std::slice::from_ref(&expire), &[]).expect("expires").event();
    assert_eq!((event.expired, event.refunded), (true, BUDGET));
    assert_eq!(lab.world.open_of(&o), 1_000 * OPEN - 7);
    assert_eq!(lab.world.get::<Job>(&job).status, JobStatus::Expired);
    refused(lab.world.send(&[expire], &[]), ErrorCode::AccountNotInitialized);
}

#[test]
fn tokens_from_strangers_cannot_hold_an_escrow_open() {
    let mut lab = Lab::new();
    let job = lab.requested(BUDGET);
    let (owner, stranger) = (lab.owner.insecure_clone(), lab.curator.insecure_clone());
    let gift = spl_token_interface::instruction::transfer(
        &spl_token_interface::ID,
        &lab.world.ata(&stranger.pubkey()),
        &pda::escrow(&job),
        &stranger.pubkey(),
        &[],
        3,
    )
    .unwrap();
    lab.world.send(&[gift], &[&stranger]).expect("gives");
    let cancel = ix::model::cancel_job(&owner.pubkey(), &lab.world.get(&job), &lab.world.mint);
    let event: JobEnded = lab.world.send(&[cancel], &[&owner]).expect("cancels").event();
    assert_eq!(event.refunded, BUDGET + 3);
}

#[test]
fn extra_remaining_accounts_are_not_taken_for_datanets() {
    let mut lab = Lab::new();
    let owner = lab.owner.insecure_clone();
    let reads = reads(&[(lab.datanet, Access::Open)]);
    let mut request =
        ix::model::request_job(&owner.pubkey(), &lab.model, 0, &lab.world.mint, &reads, request_args(BUDGET));
    request.accounts.push(AccountMeta::new_readonly(owner.pubkey(), false));
    refused(lab.world.send(&[request], &[&owner]), ModelError::WrongDatanet);
}
