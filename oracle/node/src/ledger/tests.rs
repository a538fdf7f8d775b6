//! The ledger against nodes that lag, leave out or make up.

use super::{
    Ledger, LedgerError,
    fake::{Emitted, Fake, State, emitted, zeroed},
};
use datanet::{
    events::{BatchAccepted, BatchRejected, BatchSubmitted, VerdictRevealed},
    state::Datanet,
};
use model::{
    events::{Heartbeat, ResultAttested},
    state::{Job, JobStatus, Model},
};
use openledger_sdk::pda;
use solana_pubkey::Pubkey;

/// A ledger that reads one node.
async fn one(state: State) -> (Fake, Ledger) {
    let fake = Fake::start(state).await;
    let ledger = Ledger::new(fake.client(), None);
    (fake, ledger)
}

/// A ledger that reads two nodes, which show the same at first.
async fn two(state: State) -> (Fake, Fake, Ledger) {
    let (a, b) = (Fake::start(state.clone()).await, Fake::start(state).await);
    let ledger = Ledger::new(a.client(), Some(b.client()));
    (a, b, ledger)
}

/// Slots and amounts of the payments for answers.
async fn payments(ledger: &Ledger, after: u64, until: u64) -> Result<Vec<(u64, u64)>, LedgerError> {
    Ok(ledger.payments(after, until).await?.iter().map(|p| (p.slot, p.paid.contributors)).collect())
}

/// Two shards with payments in slots 10 to 60, the present slot is 100.
fn busy() -> State {
    let mut state = State::with_shards(2);
    for (slot, shard) in [(10, 0), (20, 1), (30, 0), (40, 0), (50, 1), (60, 0)] {
        state.pay(slot, shard, 100 * slot);
        state.touch(slot + 1, shard);
    }
    state.slot = 100;
    state
}

#[tokio::test]
async fn payments_of_all_shards_between_two_slots_come_in_order() {
    let (_fake, ledger) = one(busy()).await;
    let all = [(10, 1_000), (20, 2_000), (30, 3_000), (40, 4_000), (50, 5_000), (60, 6_000)];
    assert_eq!(payments(&ledger, 0, 100).await.unwrap(), all);
    assert_eq!(payments(&ledger, 20, 50).await.unwrap(), all[2..5]);
    // Going back begins anew, and finds the same.
    assert_eq!(payments(&ledger, 5, 30).await.unwrap(), all[..3]);
}

#[tokio::test]
async fn a_node_that_joins_late_reads_no_further_back_than_it_must() {
    let (fake, ledger) = one(busy()).await;
    assert_eq!(payments(&ledger, 35, 100).await.unwrap(), [(40, 4_000), (50, 5_000), (60, 6_000)]);
    // Of shard 0: what touched it in slot 31 and the payment in slot 30, then what came after. Of shard 1: alike.
    assert_eq!(fake.requests("getTransaction"), 2 + 5 + 2 + 3);
}

/// A node's list comes in pages of 1,000.
#[tokio::test]
async fn a_history_of_several_pages_is_read_whole() {
    let mut state = State::with_shards(1);
    for slot in 1..=1_050 {
        state.pay(slot, 0, slot);
    }
    let (fake, ledger) = one(state).await;
    let late: Vec<_> = (1_001..=1_020).map(|slot| (slot, slot)).collect();
    assert_eq!(payments(&ledger, 1_000, 1_020).await.unwrap(), late);
    assert_eq!(fake.requests("getTransaction"), 51, "the last one before, and those after it");
    let all: Vec<_> = (1..=1_050).map(|slot| (slot, slot)).collect();
    assert_eq!(payments(&ledger, 0, 1_050).await.unwrap(), all);
}

#[tokio::test]
async fn the_order_in_which_a_node_lists_one_slot_does_not_matter() {
    let mut state = State::with_shards(1);
    let signatures: Vec<_> = (1..=4).map(|amount| state.pay(10, 0, amount)).collect();
    state.transactions.swap(0, 3);
    state.transactions.swap(1, 2);
    let (fake, ledger) = one(state).await;
    let paid = ledger.payments(0, 10).await.unwrap();
    assert!(signatures.iter().all(|s| paid.iter().any(|p| p.signature == s.to_string())));
    fake.with(|s| s.pay(11, 0, 5));
    assert_eq!(ledger.payments(0, 11).await.unwrap().len(), 5);
}

#[tokio::test]
async fn looking_again_costs_two_requests_while_nothing_happened() {
    let (fake, ledger) = one(busy()).await;
    payments(&ledger, 0, 100).await.unwrap();
    let all = |fake: &Fake| fake.with(|s| s.requests.values().sum::<usize>());
    let before = all(&fake);
    payments(&ledger, 0, 100).await.unwrap();
    assert_eq!(all(&fake) - before, 2, "the config and the shards");
    fake.with(|s| s.pay(110, 1, 7));
    let read = fake.requests("getTransaction");
    assert_eq!(payments(&ledger, 50, 110).await.unwrap(), [(60, 6_000), (110, 7)]);
    // What touched shard 1 after its last payment is looked at once more.
    assert!(fake.requests("getTransaction") - read <= 2);
}

#[tokio::test]
async fn a_payment_that_a_node_leaves_out_is_missed_by_its_number() {
    for left_out in 0..6 {
        let mut state = busy();
        let hidden = 2 * left_out;
        state.transactions[hidden].hidden = true;
        let (fake, ledger) = one(state).await;
        let error = payments(&ledger, 0, 100).await.unwrap_err();
        assert!(error.is_not_yet(), "{error}");
        fake.with(|s| s.transactions[hidden].hidden = false);
        assert_eq!(payments(&ledger, 0, 100).await.unwrap().len(), 6, "{left_out}");
    }
}

#[tokio::test]
async fn payments_after_the_end_need_not_be_complete() {
    let (fake, ledger) = one(busy()).await;
    // The account of a node may be ahead of what it lists. What is asked for ends before that.
    let newest = fake.with(|s| (s.pay(90, 0, 1), s.pay(95, 0, 1)).1);
    fake.with(|s| s.transaction(&newest).hidden = true);
    assert_eq!(payments(&ledger, 50, 80).await.unwrap(), [(60, 6_000)]);
    assert!(payments(&ledger, 50, 95).await.unwrap_err().is_not_yet());
}

#[tokio::test]
async fn a_slot_that_is_not_final_is_not_yet() {
    let (fake, ledger) = one(busy()).await;
    assert!(payments(&ledger, 0, 101).await.unwrap_err().is_not_yet());
    fake.with(|s| s.slot = 101);
    assert_eq!(payments(&ledger, 0, 101).await.unwrap().len(), 6);
}

#[tokio::test]
async fn a_changed_amount_does_not_add_up() {
    let mut state = busy();
    let signature = state.transactions[0].signature;
    state.forge_payment(&signature, 1_001);
    let (_fake, ledger) = one(state).await;
    let error = payments(&ledger, 0, 100).await.unwrap_err();
    assert!(matches!(error, LedgerError::Contradiction { .. }), "{error}");
}

#[tokio::test]
async fn an_amount_that_is_changed_after_a_late_start_does_not_add_up_either() {
    let (fake, ledger) = one(busy()).await;
    payments(&ledger, 35, 100).await.unwrap();
    fake.with(|s| {
        let signature = s.pay(110, 0, 10);
        s.forge_payment(&signature, 9);
    });
    let error = payments(&ledger, 35, 110).await.unwrap_err();
    assert!(matches!(error, LedgerError::Contradiction { .. }), "{error}");
}

#[tokio::test]
async fn a_data_share_is_told_from_a_gift() {
    let job = Pubkey::new_from_array([5; 32]);
    let mut state = State::with_shards(1);
    state.give(10, 0, 70, None);
    state.give(20, 0, 80, Some(job));
    state.give(30, 0, 90, None);
    state.pay(40, 0, 1);
    let (_fake, ledger) = one(state).await;
    let funding = ledger.funding(0, 40).await.unwrap();
    let found: Vec<_> = funding.iter().map(|f| (f.slot, f.funded.amount, f.job)).collect();
    assert_eq!(found, [(10, 70, None), (20, 80, Some(job)), (30, 90, None)]);
    // A gift makes no epoch due.
    assert_eq!(ledger.first_payment(0, 40).await.unwrap(), Some(20));
    assert_eq!(ledger.first_payment(20, 40).await.unwrap(), Some(40));
    assert_eq!(ledger.first_payment(0, 15).await.unwrap(), None);
}

#[tokio::test]
async fn a_debit_is_a_payment_from_a_prepaid_balance() {
    let mut state = State::with_shards(1);
    let signature = state.pay(10, 0, 5);
    let debited = payout::events::BalanceDebited { taken: 0, ..zeroed() };
    state.transaction(&signature).events.push(emitted(payout::ID, &debited));
    state.pay(20, 0, 5);
    let (_fake, ledger) = one(state).await;
    let prepaid: Vec<bool> = ledger.payments(0, 20).await.unwrap().iter().map(|p| p.prepaid).collect();
    assert_eq!(prepaid, [true, false]);
}

#[tokio::test]
async fn two_nodes_that_agree_are_believed() {
    let (a, b, ledger) = two(busy()).await;
    assert_eq!(payments(&ledger, 0, 100).await.unwrap().len(), 6);
    a.with(|s| s.slot = 120);
    b.with(|s| s.slot = 110);
    assert_eq!(ledger.finalized_slot().await.unwrap(), 110);
}

#[tokio::test]
async fn a_second_node_that_lags_makes_it_not_yet_and_never_no() {
    let (a, b, ledger) = two(busy()).await;
    a.with(|s| (s.pay(110, 0, 1), s.slot = 150));
    for _ in 0..2 {
        assert!(payments(&ledger, 100, 110).await.unwrap_err().is_not_yet());
    }
    b.with(|s| (s.pay(110, 0, 1), s.slot = 111));
    assert_eq!(payments(&ledger, 100, 110).await.unwrap(), [(110, 1)]);
}

#[tokio::test]
async fn a_made_up_answer_of_a_second_node_is_named() {
    // The second node's events and totals fit together, but not with the first node's.
    let (a, b, ledger) = two(busy()).await;
    a.with(|s| s.pay(110, 0, 10));
    b.with(|s| s.pay(110, 0, 11));
    let error = payments(&ledger, 100, 110).await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, LedgerError::Disagreement { .. }), "{text}");
    assert!(text.contains("disagree on the payments after slot 100 and up to slot 110"), "{text}");
}

#[tokio::test]
async fn a_config_that_changed_between_two_slots_is_not_yet_and_in_one_slot_a_disagreement() {
    let (a, b, ledger) = two(busy()).await;
    ledger.payout_config().await.unwrap();
    a.with(|s| (s.change_config(|c| c.epoch = 2), s.slot = 101));
    assert!(ledger.payout_config().await.err().unwrap().is_not_yet());
    b.with(|s| s.slot = 101);
    let error = ledger.payout_config().await.err().unwrap();
    assert!(matches!(error, LedgerError::Disagreement { .. }), "{error}");
    b.with(|s| s.change_config(|c| c.epoch = 2));
    assert_eq!(ledger.payout_config().await.unwrap().epoch, 2);
}

/// A model with the results of jobs 0 and 2 in slots 10 and 30. Job 1 was not attested.
fn trained() -> (State, Pubkey) {
    let model = Pubkey::new_from_array([3; 32]);
    let mut state = State::with_shards(1);
    for (number, status) in [(0, JobStatus::Attested), (1, JobStatus::Expired), (2, JobStatus::Attested)] {
        state.put(pda::job(&model, number), &Job { status, ..zeroed() });
    }
    for (number, version, slot) in [(0, 1, 10), (2, 2, 30)] {
        let job = pda::job(&model, number);
        let heartbeat = emitted(model::ID, &Heartbeat { job, sequence: 1, slot: 9 });
        state.execute(slot - 1, &[job], vec![heartbeat]);
        let hash = [version as u8; 32];
        let result = ResultAttested { job, version, model, adapter_hash: hash, manifest_hash: hash, ..zeroed() };
        state.execute(slot, &[job, model], vec![emitted(model::ID, &result)]);
        state.execute(slot + 1, &[job], Vec::new());
    }
    let (job, adapter_hash, manifest_hash) = (Some(pda::job(&model, 2)), [2; 32], [2; 32]);
    let account = Model { versions: 2, jobs: 3, job, adapter_hash, manifest_hash, ..zeroed() };
    state.put(model, &account);
    state.slot = 100;
    (state, model)
}

#[tokio::test]
async fn results_come_from_the_jobs_events_and_are_as_many_as_the_model_counts() {
    let (state, model) = trained();
    let (fake, ledger) = one(state).await;
    let of = |until| {
        let ledger = ledger.clone();
        async move {
            let results = ledger.job_results(&model, until).await.unwrap();
            results.iter().map(|r| (r.version, r.slot, r.job, r.adapter_hash[0])).collect::<Vec<_>>()
        }
    };
    let all = [(1, 10, pda::job(&model, 0), 1), (2, 30, pda::job(&model, 2), 2)];
    assert_eq!(of(100).await, all);
    let read = fake.requests("getTransaction");
    assert_eq!(of(29).await, all[..1]);
    assert_eq!(fake.requests("getTransaction"), read, "results do not change");
    assert!(ledger.job_results(&model, 101).await.unwrap_err().is_not_yet());
}

#[tokio::test]
async fn a_result_that_a_node_leaves_out_is_missed_and_one_that_it_changes_contradicts_the_model() {
    for hidden in [1, 4] {
        let (mut state, model) = trained();
        state.transactions[hidden].hidden = true;
        let (_fake, ledger) = one(state).await;
        let error = ledger.job_results(&model, 100).await.unwrap_err();
        assert!(error.is_not_yet(), "{error}");
    }
    let (mut state, model) = trained();
    let result = ResultAttested { job: pda::job(&model, 2), version: 2, model, ..zeroed() };
    state.transactions[4].events = vec![emitted(model::ID, &result)];
    let (_fake, ledger) = one(state).await;
    let error = ledger.job_results(&model, 100).await.unwrap_err();
    assert!(matches!(error, LedgerError::Contradiction { .. }), "{error}");
}

/// Hands a batch in, has a validator reveal, and ends it with `end`.
fn review(state: &mut State, batch: Pubkey, slot: u64, root: u8, end: Emitted) {
    let submitted = BatchSubmitted { batch, root: [root; 32], count: 4, commit_until: slot + 120, ..zeroed() };
    state.execute(slot, &[batch], vec![emitted(datanet::ID, &submitted)]);
    let revealed = VerdictRevealed { batch, ..zeroed() };
    state.execute(slot + 1, &[batch], vec![emitted(datanet::ID, &revealed)]);
    state.execute(slot + 2, &[batch], vec![end]);
}

/// A Datanet with four batches: the third was accepted first, the first second. The second was rejected, and the fourth
/// is being reviewed.
fn reviewed() -> (State, Pubkey) {
    let datanet = Pubkey::new_from_array([4; 32]);
    let batch = |index| pda::batch(&datanet, index);
    let mut state = State::with_shards(1);
    for (index, place, slot) in [(2, 0, 10), (0, 1, 20)] {
        let approved_by = vec![Pubkey::new_from_array([8; 32]), Pubkey::new_from_array([6; 32])];
        let (batch, root) = (batch(index), [index as u8; 32]);
        let accepted = BatchAccepted { datanet, batch, index, place, root, count: 4, approved_by, ..zeroed() };
        review(&mut state, batch, slot, index as u8, emitted(datanet::ID, &accepted));
    }
    let rejected = BatchRejected { datanet, batch: batch(1), ..zeroed() };
    review(&mut state, batch(1), 30, 1, emitted(datanet::ID, &rejected));
    review(&mut state, batch(3), 40, 3, emitted(datanet::ID, &VerdictRevealed { batch: batch(3), ..zeroed() }));
    state.put(datanet, &Datanet { batches: 4, accepted: 2, ..zeroed() });
    state.slot = 100;
    (state, datanet)
}

#[tokio::test]
async fn accepted_batches_say_who_approved_them_and_when_they_were_handed_in() {
    let (state, datanet) = reviewed();
    let (fake, ledger) = one(state).await;
    let batches = ledger.accepted_batches(&datanet, 2).await.unwrap();
    let found: Vec<_> = batches.iter().map(|b| (b.place, b.index, b.submitted_slot, b.commit_until)).collect();
    assert_eq!(found, [(0, 2, 10, 130), (1, 0, 20, 140)]);
    let approvers = [Pubkey::new_from_array([6; 32]), Pubkey::new_from_array([8; 32])];
    assert!(batches.iter().all(|b| b.approved_by == approvers));
    // An earlier snapshot has fewer. Only the batch that is not decided is looked at again.
    let read = fake.requests("getTransaction");
    assert_eq!(ledger.accepted_batches(&datanet, 1).await.unwrap(), batches[..1]);
    assert_eq!(fake.requests("getTransaction"), read + 1);
}

#[tokio::test]
async fn a_batch_whose_events_a_node_leaves_out_or_changes_is_not_taken() {
    let (state, datanet) = reviewed();
    for hidden in [0, 2, 5] {
        let mut state = state.clone();
        state.transactions[hidden].hidden = true;
        let (_fake, ledger) = one(state).await;
        let error = ledger.accepted_batches(&datanet, 2).await.unwrap_err();
        assert!(error.is_not_yet(), "{hidden}: {error}");
    }
    assert!(one(state.clone()).await.1.accepted_batches(&datanet, 3).await.unwrap_err().is_not_yet());
    let mut forged = state;
    let submitted = BatchSubmitted { batch: pda::batch(&datanet, 2), root: [99; 32], count: 4, ..zeroed() };
    forged.transactions[0].events = vec![emitted(datanet::ID, &submitted)];
    let (_fake, ledger) = one(forged).await;
    let error = ledger.accepted_batches(&datanet, 2).await.unwrap_err();
    assert!(matches!(error, LedgerError::Contradiction { .. }), "{error}");
}
