//! Base models, LoRA, tokenizer, training and sampling on candle.
//!
//! Any number of small [`Adapter`]s share one frozen [`BaseModel`] in memory. A [`Trainer`] trains an adapter. Its
//! whole run follows from the base model, the [`TrainConfig`] and the examples. So anyone can re-execute any part of
//! the run ([`train::replay_segment`]), and exact attribution can go back through it step by step.
//!
//! ```
//! use openledger_lm::{BaseModel, Example, LlamaConfig, SamplingConfig, Tokenizer, TrainConfig, Trainer, generate};
//! use std::{ops::ControlFlow, sync::Arc};
//!
//! let base = Arc::new(BaseModel::random(&LlamaConfig::tiny(), 0)?);
//! let tokenizer = Tokenizer::bytes();
//! let examples: Arc<[Example]> = [Example::text(&tokenizer, [0; 32], "a document")?].into();
//! let mut trainer = Trainer::new(base.clone(), TrainConfig::default(), examples)?;
//! let log = trainer.run(&mut |_hash, _bytes| Ok(()), &mut |_progress| ControlFlow::Continue(()))?;
//! assert_eq!(log.entries.last().unwrap().step, 2);
//! let prompt = tokenizer.encode("a doc")?;
//! let sampling = SamplingConfig { max_tokens: 4, ..Default::default() };
//! let go_on = |_token: u32, _text: &str| ControlFlow::Continue(());
//! let answer = generate(&base, trainer.adapter(), &tokenizer, &prompt, &sampling, go_on)?;
//! assert!(answer.tokens.len() <= 4);
//! # Ok::<(), openledger_lm::LmError>(())
//! ```
//!
//! # Conventions
//! - The loss ℓᵢ of an example is the *mean* negative log-likelihood of its target tokens (those from
//!   [`Example::loss_from`] on), or their sum over a fixed number ([`LossReduction`]). A step's objective is (1/|B|)·Σ wᵢ·ℓᵢ with wᵢ = 1 unless set.
//! - [`forward_backward`] differentiates the *sum* Σ wᵢ·ℓᵢ. So each example's rows of a [`Capture`], and
//!   [`per_example_grads`], are wᵢ·∇ℓᵢ for any batch size. The trainer divides by |B|, then clips.
//! - Parameters, gradients and optimiser moments are flat `Vec<f32>` in the order of an [`AdapterLayout`].
//! - The hash of a GGUF model is the SHA-256 of its file. The hash of an adapter or a training state is the SHA-256 of
//!   its safetensors bytes, which follow from the content alone.
//!
//! # Determinism
//! All randomness is ChaCha8 mapped by this crate. Sums that cross rows have a fixed order. Candle's matrix products
//! divide rows and columns among threads but never a sum. Therefore states are bit-equal from run to run and for any
//! number of threads, on the same build and kind of processor (`tests/threads.rs`). Another processor family or a GPU
//! changes the last bits. Compare results from these within a measured tolerance.
//!
//! # Threads
//! `RAYON_NUM_THREADS` sets the threads of matrix products, normalisation and softmax. Set `CANDLE_NUM_THREADS=1`,
//! because candle's pool for elementwise operations spins and runs at a quarter of its speed if cores are shared.
//! Passes that do not depend on one another run side by side, each on its share of the threads ([`Lanes`]).

mod adapter_file;
mod batch;
mod bytes;
mod chat;
mod config;
mod digest;
mod error;
mod file;
mod generate;
mod gguf;
mod gradient;
mod infer;
mod kv;
mod lanes;
mod layer;
mod llama;
mod lora;
mod loss;
mod ops;
mod reduction;
mod rng;
mod sample;
mod stop;
mod tiny;
mod tokenizer;
pub mod train;
mod train_pass;

pub use batch::{Batch, Example};
pub use bytes::{f32_bytes, f32_values};
pub use candle_core::{Device, Tensor};
pub use chat::{ChatMessage, Role};
pub use config::{LlamaConfig, ModelSource};
pub use digest::{Digest, sha256, sha256_file};
pub use error::{LmError, Result};
pub use file::write_whole;
pub use generate::{FinishReason, Generation, generate};
pub use gradient::{lora_grads, per_example_grads};
pub use infer::{Attend, LowRank, NoAdapter, infer};
pub use kv::KvCache;
pub use lanes::Lanes;
pub use layer::{Slot, Target};
pub use llama::{BaseModel, Block};
pub use lora::{Adapter, AdapterLayout, LoraConfig, LoraPair, PairSpan};
pub use ops::Rope;
pub use reduction::LossReduction;
pub use sample::{Sampler, SamplingConfig};
pub use stop::{Released, StopMatcher};
pub use tokenizer::{BYTE_VOCAB, StreamDecoder, Tokenizer};
pub use train::{TrainConfig, TrainState, Trainer, TrainingLog};
pub use train_pass::{Capture, StepOutput, forward_backward, forward_logits, forward_losses, hidden_states};
