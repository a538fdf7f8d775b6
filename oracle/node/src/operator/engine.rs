//! The base model, loaded when something first needs it.

use anyhow::{Context, Result};
use openledger_lm::ModelSource;
use openledger_serve::Engine;
use std::sync::Arc;
use tokio::sync::OnceCell;

/// The engine of this node. Cheap to clone; the model is in memory once.
#[derive(Clone)]
pub struct LazyEngine {
    source: ModelSource,
    loaded: Arc<OnceCell<Engine>>,
}

impl LazyEngine {
    /// Loads nothing yet.
    pub fn new(source: ModelSource) -> Self {
        Self { source, loaded: Arc::default() }
    }

    /// The engine. Its first caller loads the base model; whoever asks meanwhile waits.
    pub async fn get(&self) -> Result<Engine> {
        let load = || Engine::load(self.source.clone());
        Ok(self.loaded.get_or_try_init(load).await.context("loading the base model")?.clone())
    }
}
