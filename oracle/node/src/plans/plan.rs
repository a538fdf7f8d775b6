//! What a job computes. It follows from the chain and the artifact store alone, so it is the same at every operator.

use super::{
    limits,
    parent::{Inherited, Parent},
    refusal::Refusal,
    roles, settings,
};
use crate::{
    documents::{self, Compared, Document, Headed, Repeat},
    ledger::Ledger,
};
use anyhow::{Context, Result};
use model::{compute::ComputeShare, state::Job};
use openledger_attribution::{LograSettings, MagicSettings, QueryItem, Scores, states::check_weight};
use openledger_lm::{Adapter, BaseModel, Example, LlamaConfig, Tokenizer, TrainConfig};
use openledger_pay::{PaySettings, Windows, clusters::Duplicate};
use openledger_protocol::{Hash32, hash::sha256};
use openledger_sdk::{
    artifact::{InheritedExample, JobConfig, MOST_CONFIG_BYTES, TrainingManifest, run_seed},
    store::Store,
};
use solana_pubkey::Pubkey;
use std::{collections::HashSet, sync::Arc};

/// Name of the arithmetic. Results are bit-equal only between nodes with the same name.
pub const KERNEL: &str = concat!("openledger-lm ", env!("CARGO_PKG_VERSION"), " candle-0.11.1 cpu f32");

/// Most bytes of a published state besides its numbers.
const FRAME: u64 = 16 << 10;

/// How a document can be learned.
struct Prepared {
    /// Bytes at the beginning of its text that an earlier document teaches.
    header: usize,
    /// Windows of what comes after them. Of a document that is too long, one more than is allowed.
    windows: usize,
    /// Whether they reach the end of the text.
    complete: bool,
    /// The text that they teach.
    text: String,
}

/// A job, ready to run.
pub struct JobPlan {
    /// The config that the job's account names by its hash.
    pub config: JobConfig,
    /// The trainer's settings of the first run, whose adapter is served. [`Self::run`] has those of the others.
    pub train: TrainConfig,
    /// The influence index's settings. Its seed is the oldest ancestor's.
    pub index: LograSettings,
    /// The exact attribution's settings.
    pub magic: MagicSettings,
    /// The rules of pay.
    pub pay: PaySettings,
    /// The result of the parent model that the job builds on. `None` if its model has no parent.
    pub parent: Option<Parent>,
    /// Documents that are left out because they repeat others, or what the parent learned.
    pub repeats: Vec<Repeat>,
    /// Documents that the job itself trains on, in index order, after those of the parent. None of them repeats another's
    /// text, or one that the parent learned.
    pub documents: Vec<Document>,
    /// The training examples: the windows of `documents`, one document after the other. Each has its document's leaf as id.
    pub examples: Arc<[Example]>,
    /// Held-out documents, of which no window is learned.
    pub eval_documents: Vec<Document>,
    /// The held-out examples: the windows of `eval_documents`, one document after the other.
    pub eval: Arc<[Example]>,
    /// Number of trained parameters.
    parameters: usize,
}

impl JobPlan {
    /// Hash of everything in the job's account that its plan follows from. The model and the slot of the request decide
    /// what it inherits.
    pub fn key(job: &Job) -> Result<Hash32> {
        let data = (job.config_hash, job.seed, &job.snapshots);
        Ok(sha256(&[&borsh::to_vec(&(data, job.model, job.requested_slot))?]))
    }

    /// Works out the plan of `job`, which builds on `parent`, for a model of the shape `base`. What is fetched is checked
    /// against the config's hash and the snapshots' roots.
    ///
    /// Everything that makes the job impossible is found here, before the trainer or a verifier begins to compute. The
    /// error is a [`Refusal`] then: it follows from what never changes.
    pub async fn new(
        job: &Job,
        parent: Option<Parent>,
        ledger: &Ledger,
        store: &Store,
        base: &LlamaConfig,
        tokenizer: &Arc<Tokenizer>,
    ) -> Result<Self> {
        let config = store.get_blob_within(&job.config_hash, MOST_CONFIG_BYTES).await;
        let config = config.with_context(|| format!("the job's config {}", hex::encode(job.config_hash)))?;
        let config = JobConfig::parse(&config).context("the job's config").map_err(Refusal::of)?;
        let repeats_seed = documents::seed(job.seed, job.snapshots.iter().map(|s| s.root));
        let plan = Self::without_documents(config, parent, base, job.seed, repeats_seed).map_err(Refusal::of)?;
        let all = documents::documents(ledger, store, &job.snapshots).await?;
        let (base, tokenizer, seed) = (base.clone(), tokenizer.clone(), job.seed);
        let work = move || plan.with_documents(all, &base, seed, &tokenizer).map_err(Refusal::of);
        tokio::task::spawn_blocking(work).await?
    }

    /// A plan with checked settings and no documents.
    pub(super) fn without_documents(
        config: JobConfig,
        parent: Option<Parent>,
        base: &LlamaConfig,
        seed: u64,
        repeats_seed: u64,
    ) -> Result<Self> {
        let train = openledger_serve::settings::train_config(&config.train, config.data.max_tokens, seed)?;
        let index_seed = parent.as_ref().map_or(seed, Parent::index_seed);
        let index = openledger_serve::settings::index_settings(&config, index_seed)?;
        if let Some(parent) = &parent {
            parent.check(&train, &index)?;
        }
        let mut plan = Self {
            train,
            index,
            parent,
            magic: settings::magic_settings(&config.audit)?,
            pay: openledger_serve::settings::pay_settings(&config, repeats_seed)?,
            repeats: Vec::new(),
            documents: Vec::new(),
            examples: Arc::default(),
            eval_documents: Vec::new(),
            eval: Arc::default(),
            parameters: 0,
            config,
        };
        plan.parameters = limits::check_shape(&plan.train, &plan.index, base)?.len();
        Ok(plan)
    }

    /// Adds the documents. Chooses among all documents of the snapshots those that have something to learn and repeat
    /// neither an earlier one nor one that the parent learned. What a document begins with as an earlier one does, such as
    /// a licence, is not learned again.
    pub(super) fn with_documents(
        self,
        all: Vec<Document>,
        base: &LlamaConfig,
        seed: u64,
        tokenizer: &Tokenizer,
    ) -> Result<Self> {
        let learned: HashSet<Hash32> = self.inherited().iter().map(|d| d.document.leaf).collect();
        // The parent may have learned another length or an earlier version of it. It is the same document still.
        let (again, all): (Vec<Document>, Vec<Document>) = all.into_iter().partition(|d| learned.contains(&d.leaf));
        let mut repeats: Vec<Repeat> = again.iter().map(|d| Repeat::new(d, d.leaf, Duplicate::Exact)).collect();
        let unknown = all.iter().map(|_| None).collect();
        let most = self.config.data.most_windows();
        // A header is its first document's only if that one takes part. Which documents do is known once all are compared,
        // and so all is done twice.
        let whole: Vec<usize> = all.iter().map(|d| d.text.len()).collect();
        let first = self.prepare(&all, &whole, unknown, tokenizer);
        let mut taught = vec![0; all.len()];
        for i in self.compare(&all, &first)?.0 {
            taught[i] = first[i].as_ref().map_or(0, |p| if p.complete { whole[i] } else { p.header + p.text.len() });
        }
        let prepared = self.prepare(&all, &taught, first, tokenizer);
        let (mut own, found) = self.compare(&all, &prepared)?;
        repeats.extend(found.into_iter().filter(|r| !learned.contains(&r.leaf)));
        // Those that are too long are not chosen, but the choice says so if there are no others.
        let windows_of = |i: usize| prepared[i].as_ref().map_or(0, |p| p.windows);
        own.extend((0..all.len()).filter(|i| windows_of(*i) > most));
        let counts: Vec<usize> = own.iter().map(|i| windows_of(*i)).collect();
        let (chosen, held_out) = documents::choose(&counts, &self.config.data, seed)?;
        // The windows of all documents together would take much memory. So those of the chosen ones are made again.
        let pick = |places: &[usize], most: usize| -> Result<(Vec<Document>, Arc<[Example]>)> {
            let (mut picked, mut examples) = (Vec::new(), Vec::new());
            for place in places {
                let (document, prepared) = (&all[own[*place]], &prepared[own[*place]]);
                let header = prepared.as_ref().map_or(0, |p| p.header);
                let text = &document.text[header..];
                examples.extend(documents::windows(tokenizer, document, text, &self.config.data)?);
                picked.push(document.clone());
            }
            examples.truncate(most);
            Ok((picked, examples.into()))
        };
        let (documents, examples) = pick(&chosen, self.config.data.max_examples)?;
        let (eval_documents, eval) = pick(&held_out, self.config.data.eval_examples)?;
        let plan = Self { repeats, documents, examples, eval_documents, eval, ..self };
        roles::check_segments(plan.runs() as u64, plan.steps(), plan.train.checkpoint_every)?;
        let logged = plan.logged_steps();
        if let Some(parent) = &plan.parent {
            parent.check_states(&logged)?;
        }
        check_weight(&plan.train, plan.examples.len(), &logged, &plan.index.projection)
            .context("the config's `train`")?;
        let longest = plan.examples.iter().chain(plan.eval.iter()).map(|e| e.tokens.len()).max();
        let work = limits::Work {
            rows: plan.windows().examples() as u64,
            segments: plan.segments(),
            batch: plan.train.batch_size.min(plan.examples.len().max(plan.eval.len())) as u64,
            longest: longest.unwrap_or(0) as u64,
        };
        limits::check_size(&plan.train, &plan.index, &work, base)?;
        Ok(plan)
    }

    /// The parent's documents, in index order. Empty without a parent.
    pub fn inherited(&self) -> &[Inherited] {
        self.parent.as_ref().map_or(&[], |parent| &parent.documents)
    }

    /// The parent's examples as manifests name them, in index order.
    pub fn inherited_examples(&self) -> Vec<InheritedExample> {
        self.inherited().iter().flat_map(Inherited::examples).collect()
    }

    /// Number of rows of the influence index that are the parent's.
    pub fn inherited_rows(&self) -> usize {
        self.inherited().iter().map(|d| d.windows).sum()
    }

    /// Which rows of the influence index are windows of which of [`Self::all_documents`].
    pub fn windows(&self) -> Windows {
        let above = self.inherited().iter().flat_map(Inherited::examples).map(|e| (Some(e.job), e.leaf));
        Windows::of(above.chain(self.examples.iter().map(|e| (None, e.id))))
    }

    /// All documents that the influence index has rows of, in index order: the parent's, and the job's own. They are the
    /// documents that are paid.
    pub fn all_documents(&self) -> impl Iterator<Item = &Document> {
        self.inherited().iter().map(|d| &d.document).chain(&self.documents)
    }

    /// The parent's documents and these own ones, whose learned texts are `texts`, as they are compared.
    pub(super) fn compared<'a>(
        &'a self,
        own: impl IntoIterator<Item = &'a Document>,
        texts: impl IntoIterator<Item = &'a String>,
    ) -> Vec<Compared<'a>> {
        let layer = self.parent.as_ref().map_or(0, Parent::layers);
        let own = own.into_iter().zip(texts).map(|(document, text)| Compared { document, layer, text });
        self.inherited().iter().map(Inherited::compared).chain(own).collect()
    }

    /// The parent's documents and these own ones, as their headers are looked for. `taught` has the bytes that each own one
    /// teaches.
    fn headed<'a>(&'a self, own: &'a [Document], taught: &'a [usize]) -> Vec<Headed<'a>> {
        let layer = self.parent.as_ref().map_or(0, Parent::layers);
        let above = self.inherited().iter().map(|d| {
            let text = d.document.text.as_str();
            let known = text.find(&d.text);
            let taught = known.map_or(text.len(), |header| header + d.text.len());
            Headed { whole: Compared { document: &d.document, layer: d.layer, text }, taught, known }
        });
        let own = own.iter().zip(taught).map(|(document, taught)| Headed {
            whole: Compared { document, layer, text: &document.text },
            taught: *taught,
            known: None,
        });
        above.chain(own).collect()
    }

    /// How each of these documents can be learned, if each teaches so many bytes of its text. `None` where nothing can.
    /// What was prepared before is taken over where the header is the same.
    fn prepare(
        &self,
        all: &[Document],
        taught: &[usize],
        before: Vec<Option<Prepared>>,
        tokenizer: &Tokenizer,
    ) -> Vec<Option<Prepared>> {
        let headers = documents::headers(&self.headed(all, taught)).split_off(self.inherited().len());
        let documents = all.iter().zip(headers).zip(before);
        let prepare = |((document, header), before): ((&Document, usize), Option<Prepared>)| match before {
            Some(before) if before.header == header => Some(before),
            _ => self
                .prepare_one(document, header, tokenizer)
                .inspect_err(|e| tracing::debug!("not trained on: {e:#}"))
                .ok(),
        };
        documents.map(prepare).collect()
    }

    fn prepare_one(&self, document: &Document, header: usize, tokenizer: &Tokenizer) -> Result<Prepared> {
        let windows = documents::windows(tokenizer, document, &document.text[header..], &self.config.data)?;
        let complete = documents::complete(tokenizer, &windows);
        Ok(Prepared { header, windows: windows.len(), complete, text: documents::learned(tokenizer, &windows) })
    }

    /// Compares these documents with each other and with the parent's. Returns the places of those that repeat no other,
    /// and the repetitions. One that is too long for the job is not compared: its parts may be handed in.
    fn compare(&self, all: &[Document], prepared: &[Option<Prepared>]) -> Result<(Vec<usize>, Vec<Repeat>)> {
        let most = self.config.data.most_windows();
        let known = prepared.iter().enumerate().filter_map(|(i, p)| Some((i, p.as_ref()?)));
        let usable: Vec<(usize, &Prepared)> = known.filter(|(_, p)| p.windows <= most).collect();
        let compared = self.compared(usable.iter().map(|(i, _)| &all[*i]), usable.iter().map(|(_, p)| &p.text));
        let clusters = documents::clusters(&compared, None, &self.pay.clusters)?;
        let above = self.inherited().len();
        let owners = (0..usable.len()).filter(|at| clusters.owner(above + at) == above + at);
        let owners = owners.map(|at| usable[at].0).collect();
        Ok((owners, documents::repeats(&compared, &clusters).collect()))
    }

    /// The windows of each of the job's own documents.
    fn own_windows(&self) -> impl Iterator<Item = &[Example]> {
        self.examples.chunk_by(|a, b| a.id == b.id)
    }

    /// The texts that the job's own documents teach.
    pub(super) fn texts(&self, tokenizer: &Tokenizer) -> Vec<String> {
        self.own_windows().map(|windows| documents::learned(tokenizer, windows)).collect()
    }

    /// What a job inherits that builds on this one. `manifest` is this job's.
    pub(super) fn as_parent(&self, manifest: TrainingManifest, tokenizer: &Tokenizer) -> Parent {
        let (job, layer) = (manifest.job, self.parent.as_ref().map_or(0, Parent::layers));
        let own = self.documents.iter().cloned().zip(self.own_windows());
        let own = own.map(|(document, windows)| {
            let text = documents::learned(tokenizer, windows);
            Inherited { job, layer, document, text, windows: windows.len() }
        });
        let documents = self.inherited().iter().cloned().chain(own).collect();
        let (lora, projection) = (self.train.lora.clone(), self.index.projection.clone());
        Parent { manifest, lora, projection, documents }
    }

    /// Whether a manifest names the documents of this plan, in their order, and the seed of its index.
    pub fn is_of(&self, manifest: &TrainingManifest) -> bool {
        manifest.examples == self.leaves()
            && manifest.inherited == self.inherited_examples()
            && manifest.index_seed == self.index.projection.seed
    }

    /// Number of training runs on the examples.
    pub fn runs(&self) -> usize {
        self.config.train.runs
    }

    /// The trainer's settings of run number `run`. Only the seed is the run's own.
    pub fn run(&self, run: usize) -> TrainConfig {
        TrainConfig { seed: run_seed(self.train.seed, run), ..self.train.clone() }
    }

    /// The adapter that run number `run` of the training begins with: that of the parent's same run, in whose
    /// coordinates the parent's rows of the influence index are. `None` without a parent: then it is fresh.
    pub async fn start(&self, store: &Store, base: &BaseModel, run: usize) -> Result<Option<Adapter>> {
        match &self.parent {
            Some(parent) => Ok(Some(parent.adapter(store, base, run).await?)),
            None => Ok(None),
        }
    }

    /// The part of an estimate's scores that is of the job's own examples. A walk has no others.
    pub fn own_scores(&self, scores: &Scores) -> Scores {
        let above = self.inherited_rows();
        Scores { ids: scores.ids[above..].into(), values: scores.values[above..].to_vec() }
    }

    /// The query for the validation loss, times `weight`. The validation loss is the mean loss of the held-out
    /// examples.
    pub fn validation(&self, weight: f64) -> Vec<QueryItem> {
        let weight = (weight / self.eval.len().max(1) as f64) as f32;
        let item = |e: &Example| QueryItem { tokens: e.tokens.clone(), loss_from: e.loss_from, weight };
        self.eval.iter().map(item).collect()
    }

    /// Number of the job's own training tokens over all epochs of all runs. Compute is paid by this number.
    pub fn tokens(&self) -> u64 {
        let once = self.examples.iter().map(|e| e.tokens.len() as u64).sum::<u64>();
        once * self.train.epochs as u64 * self.runs() as u64
    }

    /// Number of training steps of each run.
    pub fn steps(&self) -> u64 {
        (self.examples.len().div_ceil(self.train.batch_size) * self.train.epochs) as u64
    }

    /// Number of segments of each run's part of the training log.
    pub fn segments(&self) -> u64 {
        self.steps().div_ceil(self.train.checkpoint_every)
    }

    /// The steps whose states each run logs, in ascending order.
    fn logged_steps(&self) -> Vec<u64> {
        let (steps, every) = (self.steps(), self.train.checkpoint_every);
        (0..=self.segments()).map(|segment| (segment * every).min(steps)).collect()
    }

    /// Most bytes of a state in the training's log: the parameters with their two moments.
    pub fn most_state_bytes(&self) -> u64 {
        12 * self.parameters as u64 + FRAME
    }

    /// Most bytes of a state of a walk back through the training.
    pub fn most_walk_bytes(&self) -> u64 {
        self.most_state_bytes() + 8 * self.examples.len() as u64 + 24 * self.steps()
    }

    /// The pay of the operators if `trainer` trains the job.
    pub fn compute_shares(&self, job: &Pubkey, trainer: Pubkey, members: &[Pubkey]) -> Result<Vec<ComputeShare>> {
        let price = self.config.train.price_per_1k_tokens;
        roles::compute_shares(job, self.tokens(), self.runs() as u64, self.segments(), price, trainer, members)
    }

    /// Leaf of the document of each of the job's own training examples, in index order.
    pub fn leaves(&self) -> Vec<Hash32> {
        self.examples.iter().map(|e| e.id).collect()
    }

    /// Leaf of the document of each held-out example.
    pub fn eval_leaves(&self) -> Vec<Hash32> {
        self.eval.iter().map(|e| e.id).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{super::parent, *};
    use crate::documents::Registered;
    use openledger_sdk::artifact::LogEntry;

    fn document(n: u8, registered: u64, text: String) -> Document {
        Document {
            leaf: [n; 32],
            datanet: Pubkey::default(),
            owner: Pubkey::new_from_array([n; 32]),
            approved_by: vec![],
            title: if n == 99 { "a title without end ".repeat(20) } else { format!("term {n}") },
            text,
            registered: Registered { commit_until: registered, datanet: Pubkey::default(), batch: 0, place: n.into() },
        }
    }

    fn own(n: u8) -> String {
        format!("{} is all that document {n} has to say", hex::encode(sha256(&[&[n]])))
    }

    /// A model that is wide enough for the default settings.
    fn base() -> LlamaConfig {
        LlamaConfig { hidden: 128, ffn: 256, ..LlamaConfig::tiny() }
    }

    fn config(data: &str) -> JobConfig {
        serde_json::from_str(data).unwrap()
    }

    #[test]
    fn repeated_documents_are_neither_trained_on_nor_held_out_and_a_long_title_stops_none() {
        // The copy is listed first but was registered later. Only the text within the limit of tokens is compared.
        let mut all = vec![document(50, 9, format!("{} and more of its own besides", own(3).to_uppercase()))];
        all.extend((0..12).map(|n| document(n, 1, own(n))));
        all.push(document(99, 0, own(99)));
        let config =
            config(r#"{"data": {"max_examples": 99, "eval_examples": 4, "max_tokens": 96, "max_windows": 1}}"#);
        let plan = JobPlan::without_documents(config, None, &base(), 7, 8).unwrap();
        let plan = plan.with_documents(all, &base(), 7, &Tokenizer::bytes()).unwrap();
        assert_eq!((plan.documents.len(), plan.eval_documents.len()), (10, 3));
        let used = plan.documents.iter().chain(&plan.eval_documents);
        assert!(used.map(|d| d.leaf[0]).all(|n| n < 12 || n == 99));
        assert_eq!(plan.repeats.iter().map(|r| (r.leaf, r.of)).collect::<Vec<_>>(), [([50; 32], [3; 32])]);
        assert!(plan.examples.iter().zip(&plan.documents).all(|(e, d)| e.id == d.leaf));
    }

    /// A text of so many lines that no other `n` has.
    fn lines(n: u8, count: usize) -> String {
        (0..count)
            .map(|i| format!("Line {i} of {n}: {}\n", hex::encode(&sha256(&[&[n][..], &i.to_le_bytes()])[..8])))
            .collect()
    }

    #[test]
    fn a_long_document_is_learned_whole_and_a_held_out_one_is_held_out_whole() {
        let config = config(r#"{"data": {"max_examples": 60, "eval_examples": 20, "max_tokens": 96}}"#);
        let all: Vec<Document> = (0..14).map(|n| document(n, 1, lines(n, usize::from(n) % 4 * 5 + 1))).collect();
        let plan = JobPlan::without_documents(config, None, &base(), 7, 8).unwrap();
        let plan = plan.with_documents(all, &base(), 7, &Tokenizer::bytes()).unwrap();
        assert!(plan.examples.len() <= 60 && plan.eval.len() <= 20 && plan.eval.len() > plan.eval_documents.len());
        for (documents, examples) in [(&plan.documents, &plan.examples), (&plan.eval_documents, &plan.eval)] {
            let windows: Vec<&[Example]> = examples.chunk_by(|a, b| a.id == b.id).collect();
            assert_eq!(windows.len(), documents.len());
            for (document, windows) in documents.iter().zip(windows) {
                assert!(windows.iter().all(|e| e.id == document.leaf && e.tokens.len() <= 96));
                assert_eq!(documents::learned(&Tokenizer::bytes(), windows), document.text);
            }
        }
        let learned: HashSet<Hash32> = plan.leaves().into_iter().collect();
        assert!(plan.eval_leaves().iter().all(|leaf| !learned.contains(leaf)), "no window of it is learned");
        // Everything that computes counts windows.
        let once: u64 = plan.examples.iter().map(|e| e.tokens.len() as u64).sum();
        assert_eq!((plan.tokens(), plan.steps()), (4 * once, 4 * (plan.examples.len() as u64).div_ceil(2)));
        // Everything that pays counts documents.
        assert_eq!(plan.windows().documents(), plan.all_documents().count());
        assert_eq!(plan.windows().examples(), plan.leaves().len());
    }

    #[test]
    fn a_job_whose_documents_are_all_too_long_for_it_is_refused_with_what_to_change() {
        let config = config(r#"{"data": {"max_examples": 4, "max_tokens": 96}}"#);
        let plan = JobPlan::without_documents(config, None, &base(), 7, 8).unwrap();
        let all = vec![document(1, 1, lines(1, 30)), document(2, 1, lines(2, 31))];
        let refused = plan.with_documents(all, &base(), 7, &Tokenizer::bytes()).err().unwrap();
        assert!(format!("{refused:#}").contains("`data.max_examples` is 4"), "{refused:#}");
    }

    #[test]
    fn a_licence_above_many_documents_is_learned_once_and_makes_no_repetition() {
        let config = config(r#"{"data": {"max_examples": 600, "eval_examples": 0, "max_tokens": 128}}"#);
        let (licence, other) = (lines(100, 100), lines(101, 100));
        let changed = licence.replacen("Line 0 of 100", "Copyright somebody else", 1);
        let mut all: Vec<Document> = (0..6).map(|n| document(n, n.into(), licence.clone() + &lines(n, 8))).collect();
        all.push(document(20, 20, other.clone() + &lines(20, 8)));
        let copies = [
            document(30, 30, changed.clone() + &lines(3, 8)),
            document(31, 31, other.clone() + &lines(4, 8)),
            document(32, 32, licence.clone() + &lines(5, 8) + "And a last line.\n"),
            document(33, 33, lines(2, 8)),
        ];
        all.extend(copies);
        let plan = JobPlan::without_documents(config, None, &base(), 7, 8).unwrap();
        let plan = plan.with_documents(all, &base(), 7, &Tokenizer::bytes()).unwrap();
        let mut repeats: Vec<(u8, u8)> = plan.repeats.iter().map(|r| (r.leaf[0], r.of[0])).collect();
        repeats.sort_unstable();
        let mut learned: Vec<u8> = plan.documents.iter().map(|d| d.leaf[0]).collect();
        learned.sort_unstable();
        assert_eq!(learned, [0, 1, 2, 3, 4, 5, 20], "{repeats:?}");
        assert_eq!(repeats.iter().map(|r| r.0).collect::<Vec<_>>(), [30, 31, 32, 33]);
        let taught = |n: u8| {
            let windows: Vec<Example> = plan.examples.iter().filter(|e| e.id == [n; 32]).cloned().collect();
            documents::learned(&Tokenizer::bytes(), &windows)
        };
        assert_eq!(taught(0), licence.clone() + &lines(0, 8), "the first keeps it");
        assert!((1..6).all(|n| taught(n) == lines(n, 8)));
    }

    /// A plan of these documents that learns all that it can.
    fn plan_of(all: Vec<Document>, max_examples: usize) -> JobPlan {
        let config = config(&format!(
            r#"{{"data": {{"max_examples": {max_examples}, "eval_examples": 0, "max_tokens": 128}}}}"#
        ));
        let plan = JobPlan::without_documents(config, None, &base(), 7, 8).unwrap();
        plan.with_documents(all, &base(), 7, &Tokenizer::bytes()).unwrap()
    }

    /// The documents that a plan learns, each with what is learned of it, and the repetitions with what they repeat.
    type Standing = (Vec<(u8, String)>, Vec<(u8, u8)>);

    fn standing(plan: &JobPlan) -> Standing {
        let texts = plan.texts(&Tokenizer::bytes());
        let mut learned: Vec<(u8, String)> = plan.documents.iter().map(|d| d.leaf[0]).zip(texts).collect();
        let mut repeats: Vec<(u8, u8)> = plan.repeats.iter().map(|r| (r.leaf[0], r.of[0])).collect();
        learned.sort_unstable();
        repeats.sort_unstable();
        (learned, repeats)
    }

    #[test]
    fn a_copy_is_found_whoever_had_its_header_first_and_a_repetition_gives_its_header_to_nobody() {
        let (licence, text) = (lines(100, 20), lines(4, 12));
        let first = |others: Vec<Document>| {
            let copied = [3, 4].map(|n| document(n, n.into(), licence.clone() + &text));
            standing(&plan_of([others, copied.to_vec()].concat(), 600))
        };
        // The licence is first above a text of its own, of which the copied document learns only what comes after it.
        let own = licence.clone() + &lines(3, 40);
        let (learned, repeats) = first(vec![document(2, 2, own.clone())]);
        assert_eq!((learned, repeats), (vec![(2, own.clone()), (3, text.clone())], vec![(4, 3)]));
        // It is first above a repetition, which teaches nobody anything.
        let (learned, repeats) = first(vec![document(1, 1, lines(3, 40)), document(2, 2, own)]);
        let expected = vec![(1, lines(3, 40)), (3, licence.clone() + &text)];
        assert_eq!((learned, repeats), (expected, vec![(2, 1), (4, 3)]));
    }

    #[test]
    fn of_a_whole_text_with_a_longer_one_below_it_the_longer_one_is_learned() {
        let (a, b) = (lines(1, 20), lines(2, 30));
        let all = vec![document(1, 1, a.clone()), document(2, 2, format!("{a}\n{b}"))];
        let (learned, repeats) = standing(&plan_of(all, 600));
        assert_eq!((learned, repeats), (vec![(1, a), (2, format!("\n{b}"))], vec![]));
    }

    #[test]
    fn a_document_that_is_too_long_for_the_job_takes_no_part_and_its_parts_may() {
        let licence = lines(100, 20);
        let all = vec![
            document(1, 1, licence.clone() + &lines(1, 400)),
            document(2, 2, licence.clone() + &lines(2, 12)),
            document(3, 3, licence.clone() + &lines(3, 12)),
            document(4, 4, lines(1, 12)),
        ];
        let (learned, repeats) = standing(&plan_of(all, 160));
        let expected = vec![(2, licence + &lines(2, 12)), (3, lines(3, 12)), (4, lines(1, 12))];
        assert_eq!((learned, repeats), (expected, vec![]));
    }

    /// A plan without documents that builds on a parent which learned these documents.
    fn child(config: JobConfig, learned: &[Document]) -> Result<JobPlan> {
        let above = JobPlan::without_documents(self::config("{}"), None, &base(), 5, 6).unwrap();
        let learned = learned.iter().map(|d| (d.clone(), d.text.clone()));
        let parent = parent::testing::parent(&above.train, &above.index, learned);
        JobPlan::without_documents(config, Some(parent), &base(), 7, 8)
    }

    #[test]
    fn every_run_learns_the_same_with_a_seed_of_its_own_and_all_of_them_are_paid() {
        let plan = |runs: usize| {
            let json = format!(
                r#"{{"data": {{"max_examples": 5, "max_tokens": 96, "max_windows": 1}}, "train": {{"runs": {runs}}}}}"#
            );
            let all = (0..12).map(|n| document(n, 1, own(n))).collect();
            let plan = JobPlan::without_documents(config(&json), None, &base(), 7, 8).unwrap();
            plan.with_documents(all, &base(), 7, &Tokenizer::bytes()).unwrap()
        };
        let (one, three) = (plan(1), plan(3));
        assert_eq!((one.leaves(), one.eval_leaves()), (three.leaves(), three.eval_leaves()));
        assert_eq!(one.train, three.run(0), "the run that is served is that of a job with one run");
        let seeds: Vec<u64> = (0..3).map(|run| three.run(run).seed).collect();
        assert_eq!(seeds, [7, run_seed(7, 1), run_seed(7, 2)]);
        assert_eq!(TrainConfig { seed: 7, ..three.run(2) }, three.train);
        assert_eq!((three.tokens(), three.steps()), (3 * one.tokens(), one.steps()));
        let members = [1, 2, 3].map(|n| Pubkey::new_from_array([n; 32]));
        let shares = |plan: &JobPlan| plan.compute_shares(&members[0], members[0], &members).unwrap();
        assert_eq!(shares(&three)[0].amount, 3 * shares(&one)[0].amount);
        assert!(shares(&three)[1].amount > 2 * shares(&one)[1].amount);
    }

    #[test]
    fn what_repeats_a_document_of_the_parent_is_left_out_whenever_it_was_registered() {
        let learned = [document(1, 90, own(1)), document(2, 91, own(2))];
        let plan = child(
            config(r#"{"data": {"max_examples": 99, "eval_examples": 2, "max_tokens": 96, "max_windows": 1}}"#),
            &learned,
        );
        // A copy that was registered before, the same document again, and the same document as it was corrected.
        let mut all = vec![document(40, 1, own(1)), document(1, 90, own(1)), document(2, 95, own(60))];
        all.extend((10..16).map(|n| document(n, 2, own(n))));
        let plan = plan.unwrap().with_documents(all, &base(), 7, &Tokenizer::bytes()).unwrap();
        assert_eq!((plan.documents.len(), plan.eval_documents.len()), (5, 1));
        let used = plan.documents.iter().chain(&plan.eval_documents);
        assert!(used.map(|d| d.leaf[0]).all(|n| (10..16).contains(&n)));
        let mut repeats: Vec<_> = plan.repeats.iter().map(|r| (r.leaf[0], r.of[0])).collect();
        repeats.sort_unstable();
        assert_eq!(repeats, [(1, 1), (2, 2), (40, 1)]);
        let all: Vec<u8> = plan.all_documents().map(|d| d.leaf[0]).collect();
        assert_eq!(all[..2], [1, 2], "the parent's come first");
        assert_eq!((all.len(), plan.inherited_examples().len()), (7, 2));
        let values = vec![9.0, 8.0, 1.0, 2.0, 3.0, 4.0, 5.0];
        let scores = Scores { ids: all.iter().map(|n| [*n; 32]).collect(), values };
        assert_eq!(plan.own_scores(&scores).values, [1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(plan.own_scores(&scores).ids.to_vec(), plan.leaves());
    }

    #[test]
    fn a_job_whose_data_its_parent_has_learned_already_has_nothing_to_learn() {
        let learned = [document(1, 90, own(1))];
        let plan = child(config(r#"{"data": {"max_tokens": 96, "max_windows": 1}}"#), &learned).unwrap();
        assert!(plan.with_documents(learned.to_vec(), &base(), 7, &Tokenizer::bytes()).is_err());
    }

    #[test]
    fn a_job_that_is_asked_at_every_state_has_as_many_states_as_its_parent() {
        let config = |query: &str| {
            let json = format!(
                r#"{{"data": {{"max_tokens": 96, "max_windows": 1}}, "index": {{"query": "{query}", "states": 3}}}}"#
            );
            self::config(&json)
        };
        // Its one document makes four steps, which are one segment.
        let with = |query: &str, logged: &[u64]| {
            let above = JobPlan::without_documents(config(query), None, &base(), 5, 6).unwrap();
            let mut parent = parent::testing::parent(&above.train, &above.index, []);
            parent.manifest.log = logged.iter().map(|step| LogEntry { step: *step, state: [0; 32] }).collect();
            let plan = JobPlan::without_documents(config(query), Some(parent), &base(), 7, 8).unwrap();
            plan.with_documents(vec![document(1, 1, own(1))], &base(), 7, &Tokenizer::bytes())
        };
        assert!(with("all", &[0, 9]).is_ok() && with("end", &[0, 8, 9]).is_ok());
        let refused = format!("{:#}", with("all", &[0, 8, 16]).err().unwrap());
        assert!(refused.contains("2 states") && refused.contains("`train.checkpoint_every`"), "{refused}");
    }

    /// Why a job with this config and so many documents is not planned.
    fn refused(json: &str, documents: u8) -> String {
        let config: JobConfig = serde_json::from_str(json).unwrap();
        let all = (0..documents).map(|n| document(n, 1, own(n))).collect();
        let plan = JobPlan::without_documents(config, None, &base(), 7, 8);
        let plan = plan.and_then(|plan| plan.with_documents(all, &base(), 7, &Tokenizer::bytes()));
        format!("{:#}", plan.err().unwrap_or_else(|| panic!("{json} is planned")))
    }

    #[test]
    fn a_config_that_would_only_fail_after_the_training_is_refused_in_the_plan() {
        for states in [0u64, 65, 10_000_000_000] {
            assert!(refused(&format!(r#"{{"index": {{"states": {states}}}}}"#), 9).contains("`index.states`"));
        }
        assert!(refused(r#"{"index": {"k": 0}}"#, 9).contains("`index.k` is 0"));
        // The base model's keys and values are 64 wide.
        let wide = refused(r#"{"index": {"k": 65}}"#, 9);
        assert!(wide.contains("`index.k`") && wide.contains("choose 64 or less"), "{wide}");
        let rate = r#"{"data": {"max_tokens": 96, "max_windows": 1}, "train": {"learning_rate": 1e-17}}"#;
        assert!(refused(rate, 9).contains("learning_rate"));
        let warmup =
            r#"{"data": {"max_tokens": 96, "max_windows": 1}, "train": {"warmup_steps": 18446744073709551615}}"#;
        assert!(refused(warmup, 9).contains("warmup_steps"));
        assert!(
            refused(
                r#"{"data": {"max_tokens": 96, "max_windows": 1}, "train": {"checkpoint_every": 1, "epochs": 65}}"#,
                9
            )
            .contains("segments")
        );
        assert!(refused(r#"{"data": {"max_tokens": 129}}"#, 9).contains("`data.max_tokens` is 129"));
    }

    #[test]
    fn a_job_that_needs_more_memory_than_operators_give_is_refused_with_the_setting_to_lower() {
        let states = r#"{"data": {"max_tokens": 96, "max_windows": 1}, "train": {"lora": {"rank": 1024}, "runs": 8, "checkpoint_every": 6}}"#;
        assert!(refused(states, 32).contains("lower `train.lora.rank`"), "{}", refused(states, 32));
        let index = r#"{"data": {"max_tokens": 96, "max_windows": 1, "max_examples": 250, "eval_examples": 0},
            "train": {"lora": {"rank": 512}, "epochs": 1, "batch_size": 32, "checkpoint_every": 1, "runs": 8},
            "index": {"query": "all", "k": 64}}"#;
        assert!(refused(index, 250).contains("set `index.query` to end"), "{}", refused(index, 250));
    }

    #[test]
    fn a_job_of_another_shape_than_its_parents_is_refused_with_the_field_to_change() {
        let refused = |config: &str| format!("{:#}", child(self::config(config), &[]).err().unwrap());
        assert!(refused(r#"{"train": {"lora": {"rank": 4}}}"#).contains("`train.lora`"));
        assert!(refused(r#"{"train": {"runs": 2}}"#).contains("`train.runs`"));
        for index in [r#"{"k": 8}"#, r#"{"states": 3}"#, r#"{"query": "all"}"#, r#"{"projection": "random"}"#] {
            assert!(refused(&format!(r#"{{"index": {index}}}"#)).contains("`index.k`"), "{index}");
        }
        // How the rows are asked may differ, and the projections are drawn from the parent's seed.
        let plan = child(config(r#"{"index": {"preconditioner": "none"}, "train": {"epochs": 2}}"#), &[]).unwrap();
        assert_eq!(plan.index.projection.seed, 5);
    }
}
