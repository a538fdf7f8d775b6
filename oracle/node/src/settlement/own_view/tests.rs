use super::*;
use crate::{
    ledger::fake::{Fake, State, emitted, zeroed},
    plans::{
        Plans,
        tests::{answer, once_and_twice, source},
    },
    settlement::verdict::BAND_PPM,
};
use model::{
    events::ResultAttested,
    state::{Job, JobStatus, Model},
};
use openledger_sdk::{
    pda,
    receipt::{self, Receipt},
};
use openledger_serve::Engine;
use solana_keypair::Keypair;
use solana_signer::Signer;
use tempfile::TempDir;

/// The slots in which the model got its two results.
const ATTESTED: [u64; 2] = [10, 30];
const CUTOFF: u64 = 100;

fn key(n: u8) -> Pubkey {
    Pubkey::new_from_array([n; 32])
}

/// A model that was trained twice with the same seed, first with one run and then with two: two results with one adapter.
/// Its operator, and a member that looks at answers.
pub struct World {
    folder: TempDir,
    _fake: Fake,
    engine: Engine,
    identity: Keypair,
    parts: Parts,
    /// The results, oldest first.
    pub results: Vec<JobResult>,
}

impl World {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::folder(folder.path().join("store")).unwrap();
        let engine = Engine::load(source()).await.unwrap();
        let addresses = [0, 1].map(|number| pda::job(&key(1), number));
        let jobs = once_and_twice(&engine, &store, folder.path(), addresses).await;

        let mut state = State::with_shards(1);
        for (n, job) in jobs.iter().enumerate() {
            let account = Job { model: key(1), status: JobStatus::Attested, ..zeroed() };
            state.put(job.address, &account);
            let (adapter_hash, manifest_hash) = (job.manifest.adapter_hash, job.manifest_hash);
            let version = n as u64 + 1;
            let result =
                ResultAttested { job: job.address, version, model: key(1), adapter_hash, manifest_hash, ..zeroed() };
            state.execute(ATTESTED[n], &[job.address, key(1)], vec![emitted(model::ID, &result)]);
        }
        let [_, last] = &jobs;
        let (adapter_hash, manifest_hash) = (last.manifest.adapter_hash, last.manifest_hash);
        let job = Some(last.address);
        state.put(key(1), &Model { versions: 2, jobs: 2, job, adapter_hash, manifest_hash, ..zeroed() });
        state.slot = CUTOFF;
        let fake = Fake::start(state).await;

        let ledger = Ledger::new(fake.client(), None);
        let chain = Chain::new(fake.client(), Keypair::new_from_array([6; 32]));
        let (lazy, files) = (LazyEngine::new(source()), Files::new(folder.path().join("data")).unwrap());
        let plans = Plans::new(fake.client(), ledger.clone(), store.clone(), lazy.clone());
        let finished = FinishedJobs::new(chain.clone(), store.clone(), lazy.clone(), files.clone(), plans);
        let parts = Parts {
            epochs: Epochs::new(chain.clone(), store.clone(), ledger.clone()),
            jobs: finished.holding(jobs).await,
            engine: lazy,
            status: Board::default(),
            chain,
            store,
            ledger,
            files,
        };
        let results = parts.ledger.job_results(&key(1), CUTOFF).await.unwrap();
        Self { folder, _fake: fake, engine, identity: Keypair::new_from_array([5; 32]), parts, results }
    }

    pub fn payment(&self, request: u8, slot: u64) -> Payment {
        Payment {
            request: [request; 32],
            model: key(1),
            operator: key(3),
            transaction: format!("payment {request}"),
            slot,
            last_job: self.results[1].job,
            contributors: 1_000,
            validators: 10,
            held: 0,
        }
    }

    async fn job(&self, result: &JobResult) -> Arc<FinishedJob> {
        self.parts.jobs.of(&result.job, &result.adapter_hash, &result.manifest_hash).await.unwrap()
    }

    /// The answer that the operator gives by this result, with an honest receipt.
    pub async fn answered(&self, payment: &Payment, result: &JobResult) -> Answer {
        let (prompt, output) = answer(&self.engine, "What do you know of zupika?", "Its people live in tovane.");
        let weights = self.job(result).await.divider.weights(&prompt, &output).unwrap();
        Answer {
            version: receipt::VERSION,
            request: payment.request,
            model: payment.model,
            adapter_hash: result.adapter_hash,
            manifest_hash: result.manifest_hash,
            payer: key(7),
            operator: payment.operator,
            epoch: 1,
            text: self.engine.tokenizer().decode(&output),
            prompt_tokens: prompt,
            output_tokens: output,
            fee: 2_000.into(),
            payment_signature: payment.transaction.clone(),
            created_slot: payment.slot,
            receipt: Receipt {
                method: "logra".into(),
                settings_hash: [0; 32],
                contributors: payment.contributors.into(),
                influences: vec![],
                weights: self.parts.store.put_blob(weights.to_bytes()).await.unwrap(),
                spans: vec![],
            },
            signature: String::new(),
        }
    }

    /// Has the operator sign and store an answer.
    pub async fn publish(&self, mut answer: Answer) {
        answer.sign(&self.identity).unwrap();
        self.parts.store.put_answer(&answer).await.unwrap();
    }

    /// The blob of weights that pay a single document of this result.
    pub async fn forged(&self, result: &JobResult) -> Hash32 {
        let mut parts = vec![0; self.job(result).await.documents().len()];
        parts[0] = 1;
        self.weights(&parts).await
    }

    /// The blob of weights in proportion to these parts.
    async fn weights(&self, parts: &[u64]) -> Hash32 {
        let weights = Weights::in_proportion(parts).unwrap();
        self.parts.store.put_blob(weights.to_bytes()).await.unwrap()
    }

    fn looker(&self) -> Looker<'_> {
        Looker::new(&self.parts, HashMap::from([(key(3), self.identity.pubkey())]), CUTOFF).unwrap()
    }

    /// What a member sees of an epoch with these payments.
    pub async fn observe(&self, payments: Vec<Payment>) -> Observed {
        self.looker().look(1, Arc::new(Facts { payments, ..Facts::default() })).await.unwrap()
    }

    fn answer_path(&self, payment: &Payment) -> std::path::PathBuf {
        self.folder.path().join("store/answers").join(format!("{}.json", hex::encode(payment.request)))
    }
}

/// Every operator that loaded the first result, or the second, was once taken for a forger by members that found the other
/// one by the adapter's hash.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receipts_hold_before_and_after_a_model_is_trained_again_with_more_runs_and_the_same_adapter() {
    let world = World::new().await;
    let [once, twice] = &world.results[..] else { panic!("two results") };
    assert!(once.adapter_hash == twice.adapter_hash && once.manifest_hash != twice.manifest_hash);
    let [before, between, after, late] =
        [(1, 12), (2, 29), (3, 35), (4, 36)].map(|(request, slot)| world.payment(request, slot));
    for (payment, result) in [(&before, once), (&between, twice), (&after, twice), (&late, once)] {
        world.publish(world.answered(payment, result).await).await;
    }
    let seen = world.observe(vec![before, between, after, late]).await;
    for (n, result) in [(0, once), (1, twice), (2, twice)] {
        assert!(matches!(seen.view.answers[n], Seen::Answer { distance: Some(0), .. }), "{n}: {:?}", seen.view);
        assert_eq!(seen.answers[n].as_ref().unwrap().job, result.job, "{n}");
    }
    assert_eq!(seen.view.answers[3], Seen::None, "the operator chose a result that was replaced before it was paid");
}

/// A member and two thousand payments of one base unit once had every honest node hold 16 GiB.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receipts_that_nobody_will_sign_take_no_memory_whatever_they_name() {
    let world = World::new().await;
    let result = &world.results[1];
    let (huge, single) = (world.weights(&[1; 1 << 20]).await, world.forged(result).await);
    let payments: Vec<Payment> = (0..12).map(|n| world.payment(n, 35)).collect();
    for (n, payment) in payments.iter().enumerate() {
        let mut answer = world.answered(payment, result).await;
        (answer.output_tokens, answer.text) = (vec![], String::new());
        answer.receipt.weights = [huge, single][n % 2];
        world.publish(answer).await;
    }
    let seen = world.observe(payments).await;
    for (n, seen) in seen.view.answers.iter().enumerate() {
        match n % 2 {
            0 => assert_eq!(*seen, Seen::None, "weights of another number of documents are none"),
            _ => assert!(matches!(seen, Seen::Answer { distance: Some(d), .. } if *d > FARTHEST_SIGNED), "{seen:?}"),
        }
    }
    assert!(seen.answers.iter().all(Option::is_none) && seen.kept.written() == 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_weights_of_a_receipt_that_holds_are_kept_once_though_they_are_deleted_from_the_store() {
    let world = World::new().await;
    let payments: Vec<Payment> = (0..3).map(|n| world.payment(n, 35)).collect();
    for payment in &payments {
        world.publish(world.answered(payment, &world.results[1]).await).await;
    }
    let seen = world.observe(payments).await;
    std::fs::remove_dir_all(world.folder.path().join("store")).unwrap();
    let documents = world.job(&world.results[1]).await.documents().len();
    assert_eq!(seen.kept.written(), 8 * documents as u64);
    for found in seen.answers {
        let found = found.unwrap();
        let weights = crate::settlement::kept::Divides::Kept(&seen.kept, found.weights).read().unwrap();
        assert_eq!(openledger_protocol::hash::sha256(&[&weights.to_bytes()]), found.weights_hash);
    }
}

/// Such an answer once left its payment undecided, and so waiting for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_too_long_or_cannot_be_read_counts_as_none_unless_the_store_is_down() {
    let world = World::new().await;
    let [long, folder, circle] = [1, 2, 3].map(|n| world.payment(n, 35));
    let path = |payment| world.answer_path(payment);
    world.publish(world.answered(&long, &world.results[1]).await).await;
    let text = std::fs::read_to_string(path(&long)).unwrap();
    std::fs::write(path(&long), text + &" ".repeat(4 << 20)).unwrap();
    std::fs::create_dir(path(&folder)).unwrap();
    std::os::unix::fs::symlink(path(&circle), path(&circle)).unwrap();
    let payments = vec![long, folder, circle];
    assert_eq!(world.observe(payments.clone()).await.view.answers, [Seen::None; 3]);

    // What else the store has cannot be read either.
    let manifest = hex::encode(world.results[1].manifest_hash);
    std::fs::remove_file(world.folder.path().join("store/blobs").join(manifest)).unwrap();
    assert_eq!(world.observe(payments).await.view.answers, [Seen::None, Seen::None, Seen::Unknown]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_within_the_band_is_kept_and_one_beyond_what_is_signed_is_not() {
    let world = World::new().await;
    let result = &world.results[1];
    let [near, far] = [1, 2].map(|n| world.payment(n, 35));
    for (payment, parts_per_million) in [(&near, BAND_PPM / 2 - 2), (&far, BAND_PPM + 2)] {
        let mut answer = world.answered(payment, result).await;
        let bytes = world.parts.store.get_blob(&answer.receipt.weights).await.unwrap();
        let mut parts = Weights::from_bytes(&bytes, bytes.len() / 8).unwrap().values().to_vec();
        // What one document loses and another gains counts twice.
        let most = (0..parts.len()).max_by_key(|n| parts[*n]).unwrap();
        let moved = parts_per_million * (weights::WHOLE / 1_000_000);
        parts[most] -= moved;
        parts[(most + 1) % bytes.len().div_ceil(8)] += moved;
        answer.receipt.weights = world.weights(&parts).await;
        world.publish(answer).await;
    }
    let seen = world.observe(vec![near, far]).await;
    assert_eq!(seen.answers.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false], "{:?}", seen.view);
}
