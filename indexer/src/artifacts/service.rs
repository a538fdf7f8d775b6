//! What the artifact service is made of.

use super::{active::Active, class::Class, limits::Limits, parts::Parts, remembered::Remembered, seen::Seen, table};
use crate::{db::Database, metrics::ArtifactMetrics};
use anyhow::{Context, Result, bail};
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use openledger_protocol::Hash32;
use openledger_sdk::{
    client::Client,
    store::{Key, Location, Permit, Store},
};
use solana_pubkey::Pubkey;
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::{Mutex, RwLock, Semaphore};

/// For how long a seat is remembered. Who had it may have read all by then.
const SEATED: Duration = Duration::from_secs(60);
/// For how long it is remembered that there is none. A draw becomes known with a slot.
const UNSEATED: Duration = Duration::from_millis(400);
/// Questions to the node about panels that run at a time.
const ASKING: usize = 8;
/// Blobs that are read at a time to see whether they are whole. They may be long.
const READING: usize = 2;
/// For how long a blob that was read and is whole is not read again for those who store it again.
const WHOLE: Duration = Duration::from_secs(600);

/// The artifact service. It is cheap to clone.
#[derive(Clone)]
pub struct Service(Arc<Inner>);

/// What the requests share.
pub struct Inner {
    /// The index, and the service's own tables, by connections of its own, whose statements end after a time.
    pub db: Database,
    /// The same for looks and sweeps, whose statements may take long.
    pub looking: Database,
    /// The node, which says who is drawn for a panel.
    pub client: Arc<Client>,
    /// The store behind the service.
    pub store: Store,
    /// The service's name in permits.
    pub name: String,
    /// What it counts.
    pub metrics: ArtifactMetrics,
    /// How much it takes.
    pub limits: Limits,
    /// Which uploads are running.
    pub active: Active,
    /// What each class has here that nobody has accepted, and when that was summed.
    pub sums: Mutex<HashMap<Class, (Instant, u64)>>,
    /// The unfinished uploads.
    pub parts: Parts,
    /// Which wallet was found to be drawn for the panel of which batch. A panel's member reads a batch's documents one after
    /// the other.
    pub seats: Remembered<(Pubkey, Pubkey)>,
    /// Which was found not to be.
    pub unseated: Remembered<(Pubkey, Pubkey)>,
    /// Questions to the node about panels that may run at a time.
    pub asking: Semaphore,
    /// Blobs that may be read at a time to see whether they are whole.
    pub reading: Semaphore,
    /// Which blobs were read and found to be whole, with the versions of their objects.
    pub whole: Remembered<(Hash32, String)>,
    /// How far it was looked what the chain names.
    pub seen: Mutex<Seen>,
    /// Held for reading while an artifact is kept, and for writing while one is removed: nothing is removed that was just
    /// found to be there.
    pub keeping: RwLock<()>,
}

impl std::ops::Deref for Service {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Service {
    /// A service over `store`, for the ledger that `db` has the index of and `client` a node of. Looks and sweeps use
    /// `looking`, which is the same database by other connections. Unfinished uploads are in
    /// the folder `uploads`. `url` is where others reach it: permits are signed for it. It counts in `metrics`.
    pub async fn open(
        [db, looking]: [Database; 2],
        client: Arc<Client>,
        store: Store,
        uploads: PathBuf,
        url: &str,
        limits: Limits,
        metrics: ArtifactMetrics,
    ) -> Result<Self> {
        let Location::Service(url) = Location::parse(url)? else {
            bail!("{url} is not the URL of an artifact service: write http:// or https://");
        };
        let name = Permit::service_name(&url);
        let parts = Parts::open(&uploads).with_context(|| format!("the folder for uploads {}", uploads.display()))?;
        table::migrate(&looking).await?;
        let (active, sums, seen, keeping) = Default::default();
        let [seats, unseated] = [SEATED, UNSEATED].map(Remembered::new);
        let [asking, reading] = [ASKING, READING].map(Semaphore::new);
        let whole = Remembered::new(WHOLE);
        Ok(Self(Arc::new(Inner {
            db,
            looking,
            client,
            store,
            name,
            metrics,
            limits,
            active,
            sums,
            parts,
            seats,
            unseated,
            asking,
            reading,
            whole,
            seen,
            keeping,
        })))
    }
}

impl Inner {
    /// The store behind the service, by its keys.
    pub fn objects(&self) -> &Arc<dyn ObjectStore> {
        self.store.objects()
    }

    /// What the store says of an artifact, if it has it.
    pub async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>, object_store::Error> {
        match self.objects().head(&key.path()).await {
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            found => found.map(Some),
        }
    }

    /// Removes an object, if it is there.
    pub async fn delete(&self, path: &object_store::path::Path) -> Result<(), object_store::Error> {
        match self.objects().delete(path).await {
            Err(object_store::Error::NotFound { .. }) => Ok(()),
            done => done,
        }
    }

    /// The folder for unfinished uploads.
    pub fn uploads(&self) -> &Path {
        self.parts.folder()
    }
}
