//! The base model in memory, and the gate that lets one heavy computation run at a time.

use openledger_lm::{BaseModel, Device, LmError, ModelSource, Tokenizer};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Base model and tokenizer, shared by serving, training and attribution of one operator.
#[derive(Clone)]
pub struct Engine {
    base: Arc<BaseModel>,
    tokenizer: Arc<Tokenizer>,
    gate: Arc<Semaphore>,
}

impl Engine {
    /// Loads the model; checks its hash where the source names one.
    pub async fn load(source: ModelSource) -> Result<Self, LmError> {
        let loaded = tokio::task::spawn_blocking(move || BaseModel::load(&source, &Device::Cpu)).await;
        let (base, tokenizer) = loaded.expect("loading does not panic")?;
        // The kernels already use every core: two computations at once would only slow both.
        Ok(Self { base: Arc::new(base), tokenizer: Arc::new(tokenizer), gate: Arc::new(Semaphore::new(1)) })
    }

    /// The base model.
    pub fn base(&self) -> &Arc<BaseModel> {
        &self.base
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Arc<Tokenizer> {
        &self.tokenizer
    }

    /// Runs `work` on a thread of its own when its turn has come.
    ///
    /// # Panics
    /// If `work` does.
    pub async fn compute<T: Send + 'static>(&self, work: impl FnOnce(&Engine) -> T + Send + 'static) -> T {
        let _turn = self.gate.clone().acquire_owned().await.expect("the gate is never closed");
        let engine = self.clone();
        match tokio::task::spawn_blocking(move || work(&engine)).await {
            Ok(value) => value,
            Err(e) => std::panic::resume_unwind(e.into_panic()),
        }
    }
}
