//! The base model in memory, and the queue for it. One piece of heavy work runs at a time.

use openledger_lm::{BaseModel, Device, LmError, ModelSource, Tokenizer};
use std::sync::Arc;
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
};

/// The base model and the tokenizer. One operator's serving, training and attribution share them.
#[derive(Clone)]
pub struct Engine {
    base: Arc<BaseModel>,
    tokenizer: Arc<Tokenizer>,
    gate: Arc<Semaphore>,
}

impl Engine {
    /// Loads the model. Checks its hash if the source names one.
    pub async fn load(source: ModelSource) -> Result<Self, LmError> {
        let loaded = tokio::task::spawn_blocking(move || BaseModel::load(&source, &Device::Cpu)).await;
        let (base, tokenizer) = loaded.expect("loading does not panic")?;
        // The kernels already use every core, so two computations at once would only slow each other down.
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

    /// Runs `work` on a thread of its own. Work that was waiting before goes first.
    ///
    /// # Panics
    /// If `work` panics.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce(&Engine) -> T + Send + 'static) -> T {
        self.run_in_turns(move |engine, _| work(engine)).await
    }

    /// Like [`Engine::run`], for long work that lets other work go first in between. See [`Turn::pass`].
    ///
    /// # Panics
    /// If `work` panics.
    pub async fn run_in_turns<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Engine, &mut Turn) -> T + Send + 'static,
    ) -> T {
        let mut turn = Turn::take(self.gate.clone()).await;
        let engine = self.clone();
        match tokio::task::spawn_blocking(move || work(&engine, &mut turn)).await {
            Ok(value) => value,
            Err(e) => std::panic::resume_unwind(e.into_panic()),
        }
    }
}

/// The right to run work on the engine. One piece of work holds it at a time.
pub struct Turn {
    gate: Arc<Semaphore>,
    permit: Option<OwnedSemaphorePermit>,
    runtime: Handle,
}

impl Turn {
    async fn take(gate: Arc<Semaphore>) -> Self {
        let permit = gate.clone().acquire_owned().await.expect("the gate is never closed");
        Self { gate, permit: Some(permit), runtime: Handle::current() }
    }

    /// Lets all work run first that is waiting now. Blocks the calling thread until that work is done.
    pub fn pass(&mut self) {
        drop(self.permit.take());
        // The gate is fair: this call waits behind all work that waits already.
        let next = self.runtime.block_on(self.gate.clone().acquire_owned());
        self.permit = Some(next.expect("the gate is never closed"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use openledger_lm::LlamaConfig;
    use std::sync::mpsc;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn long_work_lets_those_who_wait_go_first() {
        let engine = Engine::load(ModelSource::Random { config: LlamaConfig::tiny(), seed: 1 }).await.unwrap();
        let (said, says) = mpsc::channel();
        let (go_on, wait) = mpsc::channel::<()>();
        let (long_says, short_says) = (said.clone(), said);
        let mut long = Box::pin(engine.run_in_turns(move |_, turn| {
            wait.recv().unwrap();
            turn.pass();
            long_says.send("long").unwrap();
        }));
        // Each future is polled once. Then the first holds the gate and the second waits at it.
        assert!(futures::poll!(&mut long).is_pending());
        let mut short = Box::pin(engine.run(move |_| short_says.send("short").unwrap()));
        assert!(futures::poll!(&mut short).is_pending());
        go_on.send(()).unwrap();
        tokio::join!(long, short);
        assert_eq!(says.try_iter().collect::<Vec<_>>(), ["short", "long"]);
    }
}
