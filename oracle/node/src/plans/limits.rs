//! What a job may need of an operator's machine. All of it is known before anything is trained, and all operators refuse
//! the same job, so the limits are constants.

use anyhow::{Context, Result, ensure};
use openledger_attribution::{LograSettings, projection::most_row_bytes};
use openledger_lm::{AdapterLayout, LlamaConfig, TrainConfig};

const GIB: u64 = 1 << 30;
/// Most bytes of an influence index. It is read whole when it is fetched, and mapped whenever it is asked.
pub const MOST_INDEX: u64 = 4 * GIB;
/// Most bytes of the header of an index.
const MOST_HEADER: u64 = 16 << 20;
/// Most bytes of the states that an index is built from, which are held together. Each has parameters and two moments.
const MOST_STATES: u64 = 2 * GIB;
/// Most bytes of what a training step keeps between its two passes.
const MOST_STEP: u64 = 8 * GIB;

/// What the documents of a job add to its settings.
pub struct Work {
    /// Number of rows of the influence index.
    pub rows: u64,
    /// Number of segments of each run.
    pub segments: u64,
    /// Examples of the largest batch.
    pub batch: u64,
    /// Tokens of the longest example.
    pub longest: u64,
}

/// Fails unless a job of these settings can be run on a model of this shape, whatever its documents are.
pub fn check_shape(train: &TrainConfig, index: &LograSettings, model: &LlamaConfig) -> Result<AdapterLayout> {
    let tokens = train.max_len;
    ensure!(
        tokens <= model.max_len,
        "`data.max_tokens` is {tokens}, and the base model reads at most {}: lower it",
        model.max_len
    );
    let layout = AdapterLayout::new(model, &train.lora)?;
    openledger_attribution::projection::check_fit(&index.projection, &layout)
        .context("`index.k` does not fit the base model")?;
    Ok(layout)
}

/// Fails if the job would take more memory than operators give, with its documents.
pub fn check_size(train: &TrainConfig, index: &LograSettings, work: &Work, model: &LlamaConfig) -> Result<()> {
    let layout = check_shape(train, index, model)?;
    let projection = &index.projection;
    let states = work.segments.min(projection.states as u64);
    let rows = work.rows;
    // Each row has the id of its example, and the rows come after a header.
    let row = most_row_bytes(projection, &layout, states as usize).saturating_add(32);
    let index = rows.saturating_mul(row).saturating_add(MOST_HEADER);
    ensure!(
        index <= MOST_INDEX,
        "the influence index of {rows} examples would have {}, at most {} are allowed: lower `index.k`, \
         `data.max_examples`, `train.runs` or `train.lora.rank`, or set `index.query` to end",
        mib(index),
        mib(MOST_INDEX)
    );
    let state = 12 * layout.len() as u64;
    let held = state.saturating_mul(states.max(1)).saturating_mul(projection.runs as u64);
    ensure!(
        held <= MOST_STATES,
        "the states of the training that the index is built from would have {}, at most {} are allowed: lower \
         `train.lora.rank`, `index.states` or `train.runs`",
        mib(held),
        mib(MOST_STATES)
    );
    let step = step_bytes(work, model);
    ensure!(
        step <= MOST_STEP,
        "a training step would take {}, at most {} are allowed: lower `train.batch_size` or `data.max_tokens`",
        mib(step),
        mib(MOST_STEP)
    );
    Ok(())
}

/// About the bytes that the largest training step keeps: for each token of the padded batch and each block, the
/// residual streams, what attention and the feed-forward layer read and give, and the attention's probabilities.
fn step_bytes(work: &Work, model: &LlamaConfig) -> u64 {
    let (hidden, ffn, heads) = (model.hidden as u64, model.ffn as u64, model.heads as u64);
    let block = (10 * hidden + 5 * ffn).saturating_add(heads.saturating_mul(work.longest));
    [work.longest, block, model.layers as u64, 4].into_iter().fold(work.batch, u64::saturating_mul)
}

fn mib(bytes: u64) -> String {
    format!("{} MiB", bytes.div_ceil(1 << 20))
}
