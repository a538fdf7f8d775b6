//! The models that this node can answer with. At its first request a model is loaded from the artifact store, checked
//! against the chain, and kept in memory.

use crate::{
    divider::Divider, documents::Documents, engine::Engine, error::ServeError, passages::Passages, settings,
    source::Source, states::states_of_a_query,
};
use anyhow::{Context, Result};
use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use model::state::{Model, ModelStatus};
use openledger_lm::Adapter;
use openledger_sdk::{
    api::IndexerClient,
    artifact::{JobConfig, TrainingManifest},
    client::Client,
    store::Store,
};
use solana_pubkey::Pubkey;
use std::{
    collections::HashMap,
    panic::AssertUnwindSafe,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

/// A model that is ready to answer.
pub struct ServedModel {
    /// The address of its account.
    pub address: Pubkey,
    /// Its account's state at the time of loading.
    pub state: Model,
    /// Its adapter.
    pub adapter: Adapter,
    /// Divides the fees of its answers among its training documents.
    pub divider: Divider,
    /// Its training documents, in index order: those of its parents, and its own.
    pub sources: Vec<Source>,
    /// Finds what an answer repeats verbatim from the Datanets that the model was trained on.
    pub passages: Passages,
}

/// Models by address: ready, or being loaded.
pub struct Catalog {
    loader: Arc<Loader>,
    models: Mutex<HashMap<Pubkey, Entry>>,
}

/// A model that was asked for, with the result that it is loaded from.
struct Entry {
    state: Model,
    loading: Loading,
}

/// The end of a loading. All who ask for the model wait for the same one.
type Loading = Shared<BoxFuture<'static, Result<Arc<ServedModel>, Arc<anyhow::Error>>>>;

/// Loads models.
struct Loader {
    engine: Engine,
    client: Client,
    store: Store,
    indexer: IndexerClient,
    folder: PathBuf,
}

impl Catalog {
    /// A catalog that keeps index files in `folder`.
    pub fn new(engine: Engine, client: Client, store: Store, indexer: IndexerClient, folder: PathBuf) -> Self {
        Self { loader: Arc::new(Loader { engine, client, store, indexer, folder }), models: Mutex::default() }
    }

    /// Models on chain that are ready and build on this node's base model, with their addresses.
    pub async fn list(&self) -> Result<Vec<(Pubkey, Model)>, ServeError> {
        let Loader { client, engine, .. } = &*self.loader;
        let mut all: Vec<(Pubkey, Model)> =
            client.all_accounts::<Model>(&model::ID, &[]).await.map_err(|e| ServeError::Internal(e.into()))?;
        all.retain(|(_, m)| m.status == ModelStatus::Ready && m.base_hash == engine.base().hash());
        all.sort_by_key(|(address, _)| *address);
        Ok(all)
    }

    /// The model at this address. It begins to be loaded if it is not in memory yet. That goes on when nobody waits for it
    /// any more. Fails with [`ServeError::Loading`] if it takes longer than `within`, and otherwise if this node cannot
    /// serve it.
    pub async fn get(&self, address: &Pubkey, within: Duration) -> Result<Arc<ServedModel>, ServeError> {
        let refuse = |reason: String| ServeError::Model { model: address.to_string(), reason };
        let state: Option<Model> =
            self.loader.client.account_opt(address).await.map_err(|e| ServeError::Internal(e.into()))?;
        let state = state.ok_or_else(|| refuse("there is no model account at this address".into()))?;
        if state.status != ModelStatus::Ready {
            return Err(refuse(format!(
                "its status is {:?}; only a model with an attested adapter answers",
                state.status
            )));
        }
        if state.base_hash != self.loader.engine.base().hash() {
            return Err(refuse(format!(
                "it builds on base model {}, which is not loaded here",
                hex::encode(state.base_hash)
            )));
        }
        let loading = self.loading(*address, state);
        match tokio::time::timeout(within, loading).await {
            Ok(Ok(model)) => Ok(model),
            Ok(Err(error)) => Err(ServeError::Internal(anyhow::anyhow!("{error:#}"))),
            Err(_) => Err(ServeError::Loading { model: address.to_string() }),
        }
    }

    /// The loading of a model: the one that was begun, unless it failed or is of another result.
    fn loading(&self, address: Pubkey, state: Model) -> Loading {
        let mut models = self.models.lock().expect("no panic holds this lock");
        if let Some(Entry { state: of, loading }) = models.get(&address)
            && has_same_result(of, &state)
            && !loading.peek().is_some_and(Result::is_err)
        {
            return loading.clone();
        }
        let (loader, of) = (self.loader.clone(), state.clone());
        let load = async move { loader.load(address, of).await.map(Arc::new) };
        // A panic ends this loading and not those that come after it.
        let load = AssertUnwindSafe(load).catch_unwind().map(|loaded| match loaded {
            Ok(loaded) => loaded.map_err(Arc::new),
            Err(_) => Err(Arc::new(anyhow::anyhow!("loading the model panicked: see this node's log"))),
        });
        let loading = load.boxed().shared();
        // Who waits may go away. A task of its own loads to the end.
        tokio::spawn(loading.clone());
        models.insert(address, Entry { state, loading: loading.clone() });
        loading
    }
}

impl Loader {
    async fn load(&self, address: Pubkey, state: Model) -> Result<ServedModel> {
        let manifest = self.store.get_blob(&state.manifest_hash).await.context("the model's training manifest")?;
        let manifest: TrainingManifest =
            serde_json::from_slice(&manifest).context("the model's training manifest is not valid")?;
        let adapter = self.store.get_blob(&state.adapter_hash).await.context("the model's adapter")?;
        let index = self.store.get_blob(&manifest.index_hash).await.context("the model's influence index")?;
        let config = self.store.get_blob(&manifest.config_hash).await.context("the job's config")?;
        let config: JobConfig = serde_json::from_slice(&config).context("the job's config is not valid")?;
        let training = self.store.get_blob(&manifest.weights).await.context("the model's training weights")?;
        let projection = settings::index_settings(&config, manifest.index_seed)?.projection;
        let states = states_of_a_query(&self.store, &manifest.log, &projection).await?;
        let path = self.folder.join(format!("{}.index", hex::encode(manifest.index_hash)));
        crate::files::write_if_absent(&path, &index)?;
        let mut documents = Documents::new(&self.indexer, &self.store);
        let known = documents.of_model(&state).await?;
        let mut sources = Vec::new();
        for (_, leaf) in manifest.paid() {
            sources.push(documents.source(&leaf, &known).await?);
        }
        let passages = Passages::build(
            &self.engine,
            &self.store,
            &known,
            self.folder.join(format!("{}.spans", hex::encode(state.manifest_hash))),
        )
        .await
        .context("the index of the Datanets' text")?;
        let (adapter, divider) = self
            .engine
            .run(move |engine| -> Result<(Adapter, Divider)> {
                let adapter = Adapter::from_bytes(&adapter, engine.base())?;
                let divider = Divider::new(engine, &manifest, &config, &states, &path, &training)?;
                Ok((adapter, divider))
            })
            .await?;
        Ok(ServedModel { address, state, adapter, divider, sources, passages })
    }
}

/// Whether a model's result is still the one that was loaded. The manifest names everything that divides a fee. The adapter
/// does not: the first run of a job with more runs makes the same adapter.
fn has_same_result(loaded: &Model, now: &Model) -> bool {
    (loaded.manifest_hash, loaded.adapter_hash) == (now.manifest_hash, now.adapter_hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use anchor_lang::AnchorDeserialize;

    #[test]
    fn a_model_that_was_trained_with_more_runs_is_loaded_again_though_its_adapter_is_the_same() {
        let zeroed = Model::deserialize(&mut &[0; 8192][..]).unwrap();
        let once = Model { adapter_hash: [1; 32], manifest_hash: [2; 32], ..zeroed };
        assert!(has_same_result(&once, &Model { price_in: 7, ..once.clone() }));
        assert!(!has_same_result(&once, &Model { manifest_hash: [3; 32], ..once.clone() }));
        assert!(!has_same_result(&once, &Model { adapter_hash: [3; 32], ..once.clone() }));
    }
}
