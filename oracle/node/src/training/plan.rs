//! What a job computes, worked out from the chain and the artifact store alone: every operator comes to the same.

use crate::dataset::{self, Document};
use anyhow::{Context, Result, ensure};
use model::{instructions::ComputeShare, state::Job};
use openledger_attribution::LograSettings;
use openledger_lm::{Example, LoraConfig, Tokenizer, TrainConfig};
use openledger_protocol::{Hash32, hash::sha256};
use openledger_sdk::{
    api::IndexerClient,
    artifact::{JobConfig, TrainSettings},
    store::Store,
    text::parse_hash,
};
use solana_pubkey::Pubkey;
use std::sync::Arc;

/// Names the arithmetic: results are bit-equal only between nodes with the same.
pub const KERNEL: &str = concat!("openledger-lm ", env!("CARGO_PKG_VERSION"), " candle-0.11.1 cpu f32");

/// Verifiers that a result pays besides the trainer: with more, the attested transaction exceeds 1,232 bytes.
pub const PAID_VERIFIERS: usize = 2;

/// A job, ready to run.
pub struct JobPlan {
    /// The config that its account names.
    pub config: JobConfig,
    /// The trainer's settings.
    pub train: TrainConfig,
    /// The influence index's settings.
    pub index: LograSettings,
    /// Documents trained on, in index order.
    pub documents: Vec<Document>,
    /// The examples made of them.
    pub examples: Arc<[Example]>,
    /// Held-out documents.
    pub eval_documents: Vec<Document>,
    /// The examples made of them.
    pub eval: Arc<[Example]>,
}

impl JobPlan {
    /// Works out `job`. `config_hash` and snapshots are checked against what is fetched.
    pub async fn new(job: &Job, indexer: &IndexerClient, store: &Store, tokenizer: &Tokenizer) -> Result<Self> {
        let config = store.get_blob(&job.config_hash).await.with_context(|| {
            format!("the job's config {} is not in the artifact store", hex::encode(job.config_hash))
        })?;
        let config: JobConfig = serde_json::from_slice(&config).context("the job's config is not valid")?;
        let all = dataset::documents(indexer, store, &job.snapshots).await?;
        let (documents, eval_documents) = dataset::choose(&all, &config.data, job.seed)?;
        let examples = |of: &[Document]| -> Result<Arc<[Example]>> {
            of.iter().map(|d| dataset::example(tokenizer, d, config.data.max_tokens)).collect()
        };
        Ok(Self {
            train: train_config(&config.train, config.data.max_tokens, job.seed)?,
            index: openledger_serve::settings::index_settings(&config.index, job.seed),
            examples: examples(&documents)?,
            eval: examples(&eval_documents)?,
            documents,
            eval_documents,
            config,
        })
    }

    /// Training tokens of all epochs: the unit of compute.
    pub fn tokens(&self) -> u64 {
        self.examples.iter().map(|e| e.tokens.len() as u64).sum::<u64>() * self.train.epochs as u64
    }

    /// Number of segments of the training log.
    pub fn segments(&self) -> u64 {
        let steps = self.examples.len().div_ceil(self.train.batch_size) * self.train.epochs;
        (steps as u64).div_ceil(self.train.checkpoint_every)
    }

    /// What the operators are paid: the trainer for all tokens, [`PAID_VERIFIERS`] other members, drawn by the job's
    /// hash, for the segment that each re-executes.
    pub fn compute(&self, job: &Pubkey, trainer: Pubkey, members: &[Pubkey]) -> Result<Vec<ComputeShare>> {
        let price = self.config.train.price_per_1k_tokens;
        compute_shares(job, self.tokens(), self.segments(), price, trainer, members)
    }
}

/// See [`JobPlan::compute`]. The trainer comes first.
fn compute_shares(
    job: &Pubkey,
    tokens: u64,
    segments: u64,
    price_per_1k: u64,
    trainer: Pubkey,
    members: &[Pubkey],
) -> Result<Vec<ComputeShare>> {
    ensure!(members.contains(&trainer), "{trainer} is not in the committee");
    let share = |operator: Pubkey, units: u64| -> Result<ComputeShare> {
        let amount = u64::try_from(units as u128 * price_per_1k as u128 / 1000)
            .context("the price of this job exceeds u64; lower `train.price_per_1k_tokens`")?;
        Ok(ComputeShare { operator, units, amount })
    };
    let mut others: Vec<&Pubkey> = members.iter().filter(|m| **m != trainer).collect();
    others.sort_by_key(|m| ticket(job, m));
    let mut all = vec![share(trainer, tokens)?];
    for member in others.into_iter().take(PAID_VERIFIERS) {
        all.push(share(*member, tokens / segments.max(1))?);
    }
    Ok(all)
}

/// The order in which members may take a job: by the hash of job and wallet.
pub fn rank(job: &Pubkey, members: &[Pubkey], wallet: &Pubkey) -> Option<u64> {
    members.contains(wallet).then(|| {
        let own = ticket(job, wallet);
        members.iter().filter(|m| ticket(job, m) < own).count() as u64
    })
}

fn ticket(job: &Pubkey, member: &Pubkey) -> Hash32 {
    sha256(&[job.as_ref(), member.as_ref()])
}

fn train_config(settings: &TrainSettings, max_len: usize, seed: u64) -> Result<TrainConfig> {
    let name = |v: &str| serde_json::Value::String(v.to_string());
    let targets = settings.lora.targets.iter().map(|t| {
        serde_json::from_value(name(t)).with_context(|| format!("{t:?} is no layer; use q, k, v, o, gate, up, down"))
    });
    let config = TrainConfig {
        epochs: settings.epochs,
        batch_size: settings.batch_size,
        max_len,
        learning_rate: settings.learning_rate,
        warmup_steps: settings.warmup_steps,
        schedule: serde_json::from_value(name(&settings.schedule))
            .with_context(|| format!("schedule {:?}: use constant, linear or cosine", settings.schedule))?,
        beta1: settings.beta1,
        beta2: settings.beta2,
        eps: settings.eps,
        eps_root: settings.eps_root,
        weight_decay: settings.weight_decay,
        clip_norm: settings.clip_norm,
        seed,
        checkpoint_every: settings.checkpoint_every,
        eval_every: 0,
        lora: LoraConfig {
            rank: settings.lora.rank,
            alpha: settings.lora.alpha,
            targets: targets.collect::<Result<_>>()?,
        },
    };
    config.validate()?;
    Ok(config)
}

/// Whether a manifest's list of hex hashes is exactly the leaves of `documents`.
pub fn same_leaves(listed: &[String], documents: &[Document]) -> Result<bool> {
    let listed: Vec<Hash32> = listed.iter().map(|h| parse_hash(h)).collect::<Result<_, _>>()?;
    Ok(listed.iter().eq(documents.iter().map(|d| &d.leaf)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_is_paid_for_what_it_does_and_no_more() {
        let members: Vec<Pubkey> = (0..5).map(|i| Pubkey::new_from_array([i; 32])).collect();
        let job = Pubkey::new_from_array([7; 32]);
        let shares = compute_shares(&job, 10_000, 10, 2_000, members[2], &members).unwrap();
        assert_eq!(shares[0], ComputeShare { operator: members[2], units: 10_000, amount: 20_000 });
        assert!(shares[1..].iter().all(|s| s.units == 1_000 && s.amount == 2_000));
        assert_eq!(shares.len(), 1 + PAID_VERIFIERS);
        assert!(compute_shares(&job, 1, 1, 1, Pubkey::new_from_array([9; 32]), &members).is_err());
        assert!(compute_shares(&job, u64::MAX, 1, u64::MAX, members[0], &members).is_err());
    }

    #[test]
    fn members_take_turns_in_an_order_that_the_job_decides() {
        let members: Vec<Pubkey> = (0..5).map(|i| Pubkey::new_from_array([i; 32])).collect();
        let job = Pubkey::new_from_array([7; 32]);
        let mut ranks: Vec<u64> = members.iter().map(|m| rank(&job, &members, m).unwrap()).collect();
        ranks.sort_unstable();
        assert_eq!(ranks, [0, 1, 2, 3, 4]);
        assert_eq!(rank(&job, &members, &job), None);
    }

    #[test]
    fn a_config_with_defaults_alone_is_valid() {
        let config: JobConfig = serde_json::from_str("{}").unwrap();
        train_config(&config.train, config.data.max_tokens, 1).unwrap();
        let bad = TrainSettings { schedule: "bumpy".into(), ..config.train };
        assert!(format!("{:#}", train_config(&bad, 96, 1).unwrap_err()).contains("constant, linear or cosine"));
    }
}
