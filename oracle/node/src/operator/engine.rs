//! The base model, loaded at first use.

use anyhow::{Context, Result};
use openledger_lm::ModelSource;
use openledger_serve::Engine;
use std::sync::Arc;
use tokio::sync::OnceCell;

/// The engine of this node. Cheap to clone: all clones share one model in memory.
#[derive(Clone)]
pub struct LazyEngine {
    source: ModelSource,
    loaded: Arc<OnceCell<Engine>>,
}

impl LazyEngine {
    /// Makes the engine. It loads nothing yet.
    pub fn new(source: ModelSource) -> Self {
        Self { source, loaded: Arc::default() }
    }

    /// The engine. The first caller loads the base model, and other callers wait for it meanwhile.
    pub async fn get(&self) -> Result<Engine> {
        let load = || Engine::load(self.source.clone());
        Ok(self.loaded.get_or_try_init(load).await.context("loading the base model")?.clone())
    }
}
