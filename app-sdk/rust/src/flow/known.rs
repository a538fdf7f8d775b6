//! What a Datanet has accepted, and what its validators say of new leaves beside it.

use super::{accepted::AcceptedBatches, contribute::Contribution, history::Accepted as AcceptedBatch};
use crate::{
    api::IndexerClient,
    client::Client,
    error::SdkError,
    manifest::{self, Leaf, Manifest},
    review::{Entry, Fault, Judgement, Judging, Limits, Text, fingerprint::Fingerprint, targets::Accepted},
    store::{Store, StoreError},
};
use bytes::Bytes;
use datanet::state::Datanet;
use futures::{Stream, StreamExt, stream};
use openledger_protocol::Hash32;
use solana_pubkey::Pubkey;
use std::{
    collections::{HashMap, HashSet, hash_map},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// Most contents that are read at the same time, and so held in memory.
const READS_AT_ONCE: usize = 8;

/// What Datanets have accepted, read from the ledger and the store as far as it is needed.
pub struct Known {
    client: Client,
    store: Store,
    batches: AcceptedBatches,
    /// Fingerprints of accepted documents, by content hash. Each document is read and fingerprinted once.
    fingerprints: HashMap<Hash32, Arc<Fingerprint>>,
    /// Whether the store has given a blob.
    gives: Arc<AtomicBool>,
}

/// What becomes of an artifact that the store refuses to this wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refused {
    /// The judgement fails: a validator must not miss a copy.
    Fails,
    /// It is counted. A contributor may not read all that its validators read.
    Counts,
}

/// What new leaves are judged beside.
#[derive(Default)]
struct Beside {
    accepted: Accepted,
    documents: Vec<Arc<Fingerprint>>,
    /// Number of leaves that the store refused.
    refused: u64,
    /// Whether manifests are among what it refused. A target that is not found may be in one of them.
    unlisted: bool,
}

impl Beside {
    /// The content hash of the document that a leaf is about, or the fault of its target.
    fn about(&self, leaf: &Leaf, contributor: &Pubkey, owner: &Pubkey) -> Result<Option<Hash32>, Fault> {
        match self.accepted.about(leaf, contributor, owner) {
            Err(Fault::NoTarget { .. }) if self.unlisted => Ok(None),
            about => about,
        }
    }
}

/// What validators will say of contributions, as far as the contributor can know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreseen {
    /// Their verdict, if the contributions repeat nothing of what could not be compared.
    pub judgement: Judgement,
    /// Number of the Datanet's leaves that the contributor may not read.
    pub uncompared: u64,
}

impl Known {
    /// Knows nothing yet. The first judgement reads the ledger's history.
    pub fn new(client: Client, store: Store) -> Self {
        Self {
            batches: AcceptedBatches::new(client.clone(), None),
            client,
            store,
            fingerprints: HashMap::new(),
            gives: Arc::default(),
        }
    }

    /// The same by an index, so that no history is read. What the index says counts only as far as the chain bears it out.
    pub fn with_index(self, index: IndexerClient) -> Self {
        Self { batches: AcceptedBatches::new(self.client.clone(), Some(index)), ..self }
    }

    /// Whether the store is the one that others use: it has given a blob before, or has the description of `datanet` or the last
    /// manifest that it has accepted. A store that has nothing may be the wrong one, and what is missing there is nobody's
    /// fault.
    pub async fn is_shared(&mut self, datanet: &Pubkey) -> Result<bool, SdkError> {
        if self.gives.load(Ordering::Relaxed) {
            return Ok(true);
        }
        let description = self.client.account::<Datanet>(datanet).await?.metadata_hash;
        let newest = self.batches.of(datanet).await?.last().copied();
        // The index may name any blob as the manifest: it must be the batch's.
        let has_newest = match newest {
            None => false,
            Some(batch) => match self.store.get_blob_within(&batch.manifest, manifest::MOST_BYTES).await {
                Ok(bytes) => Manifest::from_bytes(&bytes).is_ok_and(|manifest| manifest.root() == batch.root),
                Err(error) if is_about_the_blob(&error) => false,
                Err(error) => return Err(error.into()),
            },
        };
        let gives = has_newest || self.store.has_blob(&description).await?;
        self.gives.fetch_or(gives, Ordering::Relaxed);
        Ok(gives)
    }

    /// Judges leaves by `contributor`, whose contents are in the store, against what `datanet` has accepted by now.
    pub async fn judge(
        &mut self,
        datanet: &Pubkey,
        contributor: &Pubkey,
        leaves: &[Leaf],
        limits: &Limits,
    ) -> Result<Judgement, SdkError> {
        let beside = self.beside(datanet, limits, Refused::Fails).await?;
        let owner = self.client.account::<Datanet>(datanet).await?.owner;
        self.judge_beside(beside, contributor, &owner, leaves, limits).await
    }

    /// Foresees what validators will say of contributions that are not in the store yet. `reviewed` are leaves of the same
    /// contributor that the Datanet has under review: what repeats them would be rejected once they are accepted.
    pub async fn foresee(
        &mut self,
        datanet: &Pubkey,
        contributor: &Pubkey,
        contributions: &[Contribution],
        reviewed: &[Leaf],
        limits: &Limits,
    ) -> Result<Foreseen, SdkError> {
        let mut beside = self.beside(datanet, limits, Refused::Counts).await?;
        self.learn(&mut beside, reviewed, limits, Refused::Counts).await?;
        let owner = self.client.account::<Datanet>(datanet).await?.owner;
        Ok(foresee_beside(beside, contributor, &owner, contributions, limits))
    }

    /// Reads what a Datanet has accepted.
    async fn beside(&mut self, datanet: &Pubkey, limits: &Limits, refused: Refused) -> Result<Beside, SdkError> {
        let accepted = self.batches.of(datanet).await?;
        if let Some(beside) = self.beside_those(&accepted, true, limits, refused).await? {
            return Ok(beside);
        }
        // The index named a manifest that is not the batch's, or a panel accepted such a one. The ledger says which.
        let accepted = self.batches.by_ledger(datanet).await?;
        Ok(self.beside_those(&accepted, false, limits, refused).await?.unwrap_or_default())
    }

    /// Reads accepted batches. `None` if all manifests must be `strict`ly those of their batches and one is not. Fails if the
    /// store lacks a manifest, because copies of its documents would go unnoticed.
    async fn beside_those(
        &mut self,
        accepted: &[AcceptedBatch],
        strict: bool,
        limits: &Limits,
        refused: Refused,
    ) -> Result<Option<Beside>, SdkError> {
        let mut beside = Beside::default();
        for batch in accepted {
            let bytes = match self.store.get_blob_within(&batch.manifest, manifest::MOST_BYTES).await {
                Err(error) if refused == Refused::Counts && error.is_refusal() => {
                    (beside.refused, beside.unlisted) = (beside.refused + batch.leaves, true);
                    continue;
                }
                // The index may have named what nobody has, what is somebody else's, or what is no manifest.
                Err(error) if strict && is_about_the_blob(&error) => return Ok(None),
                bytes => bytes?,
            };
            let manifest = match Manifest::from_bytes(&bytes) {
                Ok(manifest) if strict && manifest.root() != batch.root => return Ok(None),
                Err(_) if strict => return Ok(None),
                manifest => manifest?,
            };
            beside.accepted.add(&manifest);
            self.learn(&mut beside, &manifest.leaves, limits, refused).await?;
        }
        Ok(Some(beside))
    }

    /// Adds the fingerprints of those leaves that a model learns. Passes over what the store lacks, what is no text and what
    /// is too long.
    async fn learn(
        &mut self,
        beside: &mut Beside,
        leaves: &[Leaf],
        limits: &Limits,
        refused: Refused,
    ) -> Result<(), SdkError> {
        let learned = || leaves.iter().filter(|leaf| leaf.kind.is_learned()).map(|leaf| leaf.content);
        let mut asked = HashSet::new();
        let unread: Vec<Hash32> =
            learned().filter(|content| !self.fingerprints.contains_key(content) && asked.insert(*content)).collect();
        let mut contents = std::pin::pin!(self.contents(unread, limits));
        let mut withheld = HashSet::new();
        while let Some((content, bytes)) = contents.next().await {
            let bytes = match bytes {
                Err(SdkError::Store(error)) if refused == Refused::Counts && error.is_refusal() => {
                    withheld.insert(content);
                    continue;
                }
                bytes => bytes?,
            };
            if let Ok(bytes) = bytes
                && let Ok(text) = std::str::from_utf8(&bytes)
            {
                self.fingerprints.insert(content, Arc::new(Fingerprint::new(content, text)));
            }
        }
        beside.refused += learned().filter(|content| withheld.contains(content)).count() as u64;
        beside.documents.extend(learned().filter_map(|content| self.fingerprints.get(&content).cloned()));
        Ok(())
    }

    /// Judges one leaf after the other, and reads each content once. Of what is judged only the fingerprint is kept: a
    /// stranger says how many leaves there are and how long each is.
    async fn judge_beside(
        &self,
        mut beside: Beside,
        contributor: &Pubkey,
        owner: &Pubkey,
        leaves: &[Leaf],
        limits: &Limits,
    ) -> Result<Judgement, SdkError> {
        let mut judging = Judging::new(std::mem::take(&mut beside.documents), limits);
        let about: Vec<_> = leaves.iter().map(|leaf| beside.about(leaf, contributor, owner)).collect();
        let judged = leaves.iter().zip(&about).filter(|(_, about)| about.is_ok());
        let mut seen = HashSet::new();
        let unread: Vec<Hash32> =
            judged.map(|(leaf, _)| leaf.content).filter(|content| seen.insert(*content)).collect();
        // They come in the order of the leaves, so each is there when its first leaf is judged.
        let mut contents = std::pin::pin!(self.contents(unread, limits));
        let mut texts: HashMap<Hash32, Result<Text, Fault>> = HashMap::new();
        for (leaf, about) in leaves.iter().zip(about) {
            let about = match about {
                Ok(about) => about,
                Err(fault) => {
                    judging.add(Err(fault));
                    continue;
                }
            };
            let text = match texts.entry(leaf.content) {
                hash_map::Entry::Occupied(read) => read.get().clone(),
                hash_map::Entry::Vacant(unread) => {
                    let (content, bytes) = contents.next().await.expect("every content that is judged is read");
                    debug_assert_eq!(content, leaf.content);
                    unread.insert(bytes?.and_then(|bytes| Text::read(content, &bytes, limits))).clone()
                }
            };
            judging.add(text.map(|text| Entry { kind: leaf.kind, about, text }));
        }
        Ok(judging.judgement())
    }

    /// Reads contents, a few at the same time, and yields them in the order of `hashes`.
    fn contents<I: IntoIterator<Item = Hash32>>(
        &self,
        hashes: I,
        limits: &Limits,
    ) -> impl Stream<Item = (Hash32, Result<Result<Bytes, Fault>, SdkError>)> + use<I> {
        let (store, gives, most) = (self.store.clone(), self.gives.clone(), limits.max_bytes as u64);
        // Each future owns its store. A stream of futures that borrow would not be `Send` for every lifetime.
        let read = move |hash| {
            let (store, gives) = (store.clone(), gives.clone());
            async move { (hash, content(&store, &gives, &hash, most).await) }
        };
        stream::iter(hashes).map(read).buffered(READS_AT_ONCE)
    }

    /// [`content`], from this store.
    pub async fn content(&self, hash: &Hash32, most: u64) -> Result<Result<Bytes, Fault>, SdkError> {
        content(&self.store, &self.gives, hash, most).await
    }
}

/// Whether the error is about what was asked for, and not about the store.
fn is_about_the_blob(error: &StoreError) -> bool {
    error.is_refusal()
        || matches!(error, StoreError::Missing { .. } | StoreError::Hash { .. } | StoreError::Size { .. })
}

/// Returns a blob of at most `most` bytes, or why it cannot be judged: the store lacks it, holds other bytes under its
/// name, or it is longer. Notes in `gives` that the store gave one.
async fn content(
    store: &Store,
    gives: &AtomicBool,
    hash: &Hash32,
    most: u64,
) -> Result<Result<Bytes, Fault>, SdkError> {
    match store.get_blob_within(hash, most).await {
        Ok(bytes) => {
            gives.store(true, Ordering::Relaxed);
            Ok(Ok(bytes))
        }
        Err(StoreError::Missing { .. } | StoreError::Hash { .. }) => Ok(Err(Fault::Missing)),
        Err(StoreError::Size { found, .. }) => Ok(Err(Fault::TooLong { bytes: found as usize })),
        Err(e) => Err(e.into()),
    }
}

fn foresee_beside(
    mut beside: Beside,
    contributor: &Pubkey,
    owner: &Pubkey,
    contributions: &[Contribution],
    limits: &Limits,
) -> Foreseen {
    let mut judging = Judging::new(std::mem::take(&mut beside.documents), limits);
    for contribution in contributions {
        let leaf = contribution.leaf();
        judging.add(beside.about(&leaf, contributor, owner).and_then(|about| {
            let text = Text::read(leaf.content, contribution.content.as_bytes(), limits)?;
            Ok(Entry { kind: leaf.kind, about, text })
        }));
    }
    Foreseen { judgement: judging.judgement(), uncompared: beside.refused }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{Kind, Metadata};
    use openledger_protocol::hash::sha256;
    use std::sync::Mutex;
    use warp::{Filter, http::StatusCode};

    const WALLET: Pubkey = Pubkey::new_from_array([1; 32]);
    const OWNER: Pubkey = Pubkey::new_from_array([2; 32]);

    /// A document of 20 words that no other `n` has.
    fn text(n: usize) -> String {
        (0..20).map(|i| format!("word{n}x{i} ")).collect()
    }

    fn document(title: &str, content: &str) -> Contribution {
        Contribution::document(content, Metadata { title: title.into(), ..Default::default() })
    }

    fn leaves(contributions: &[Contribution]) -> Vec<Leaf> {
        contributions.iter().map(Contribution::leaf).collect()
    }

    fn batch(leaves: Vec<Leaf>) -> (Vec<u8>, AcceptedBatch) {
        let (leaves, manifest) = (leaves.len() as u64, Manifest::new(OWNER, OWNER, leaves).unwrap());
        let accepted = AcceptedBatch { manifest: manifest.hash().unwrap(), root: manifest.root(), leaves };
        (manifest.to_bytes().unwrap(), accepted)
    }

    /// An artifact service with these blobs, of which it refuses some, and the paths that it is asked for.
    async fn service(blobs: Vec<(Vec<u8>, bool)>) -> (Known, Arc<Mutex<Vec<String>>>) {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = asked.clone();
        let route = warp::path!("v1" / "artifacts" / String).map(move |name: String| {
            let found = blobs.iter().find(|(bytes, _)| hex::encode(sha256(&[bytes])) == name);
            seen.lock().unwrap().push(name);
            let (status, body) = match found {
                Some((bytes, true)) => (StatusCode::OK, bytes.clone()),
                Some((_, false)) => (StatusCode::FORBIDDEN, br#"{"error":"it is not yours to read"}"#.to_vec()),
                None => (StatusCode::NOT_FOUND, br#"{"error":"unknown"}"#.to_vec()),
            };
            warp::reply::with_status(body, status)
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let store = Store::open(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        tokio::spawn(warp::serve(route).incoming(listener).run());
        let client = Client::new("http://127.0.0.1:9", "").with_patience(std::time::Duration::ZERO);
        (Known::new(client, store), asked)
    }

    #[tokio::test]
    async fn a_content_is_read_once_and_not_at_all_if_it_is_too_long() {
        let limits = Limits { max_bytes: 1_000, ..Limits::default() };
        let (good, long) = (text(1), "long ".repeat(1_000));
        let (mut known, asked) =
            service(vec![(good.clone().into_bytes(), true), (long.clone().into_bytes(), true)]).await;
        let mut all = leaves(&[document("a", &good), document("b", &long), document("c", "nobody has it")]);
        let removal =
            Leaf { kind: Kind::Removal, target: Some([9; 32]), ..document("d", "in vain for want of a target").leaf() };
        all.extend([document("again", &good).leaf(), document("again", &long).leaf(), removal]);
        let beside = Beside::default();
        let judged = known.judge_beside(beside, &WALLET, &OWNER, &all, &limits).await.unwrap();
        let of = sha256(&[good.as_bytes()]);
        let expected = [
            (1, Fault::TooLong { bytes: 5_000 }),
            (2, Fault::Missing),
            (3, Fault::Copy { of, ppm: 1_000_000 }),
            (4, Fault::TooLong { bytes: 5_000 }),
            (5, Fault::NoTarget { target: [9; 32] }),
        ];
        assert_eq!(judged.faults, expected);
        let mut contents: Vec<String> = all[..3].iter().map(|leaf| hex::encode(leaf.content)).collect();
        // Several are asked for at the same time, so in any order.
        let mut asked = std::mem::take(&mut *asked.lock().unwrap());
        asked.sort();
        contents.sort();
        assert_eq!(asked, contents);
        assert!(matches!(known.content(&of, 10).await, Ok(Err(Fault::TooLong { .. }))));
        // Nor does an accepted one fill the memory.
        known.learn(&mut Beside::default(), &all[1..2], &limits, Refused::Fails).await.unwrap();
        assert!(known.fingerprints.is_empty());
    }

    #[tokio::test]
    async fn a_store_that_has_given_something_is_the_one_that_others_use() {
        let (mut known, _) = service(vec![(b"a page".to_vec(), true)]).await;
        assert!(matches!(known.content(&[9; 32], 10).await, Ok(Err(Fault::Missing))));
        // Nothing says so yet, and the ledger is asked what the Datanet has.
        known.is_shared(&OWNER).await.expect_err("the node does not answer");
        known.content(&sha256(&[b"a page"]), 10).await.unwrap().unwrap();
        assert!(known.is_shared(&OWNER).await.unwrap());
    }

    #[tokio::test]
    async fn what_a_contributor_may_not_read_is_counted_and_stops_a_validator() {
        let (mine, theirs) = (text(1), text(2));
        let (listed, first) = batch(leaves(&[document("a", &mine), document("b", &theirs)]));
        let (unlisted, second) = batch(leaves(&[document("c", "one"), document("d", "two"), document("e", "three")]));
        let blobs =
            vec![(mine.clone().into_bytes(), true), (theirs.into_bytes(), false), (listed, true), (unlisted, false)];
        let limits = Limits::default();
        for accepted in [first, second] {
            let (mut known, _) = service(blobs.clone()).await;
            let refused = known.beside_those(&[accepted], false, &limits, Refused::Fails).await.err().unwrap();
            assert!(refused.to_string().contains("not yours to read"), "{refused}");
        }
        let (mut known, _) = service(blobs).await;
        let beside = known.beside_those(&[first, second], true, &limits, Refused::Counts).await.unwrap().unwrap();
        let about = |target| Contribution { kind: Kind::Label, target: Some(target), ..document("f", "good") };
        // The target may be in the batch that is not read.
        let all = [document("mine again", &mine), document("new", &text(3)), about([7; 32])];
        let foreseen = foresee_beside(beside, &WALLET, &OWNER, &all, &limits);
        assert_eq!(foreseen.uncompared, 4);
        assert!(matches!(foreseen.judgement.faults[..], [(0, Fault::Copy { .. })]), "{foreseen:?}");
        // Another error is one for everybody.
        let absent = AcceptedBatch { manifest: [8; 32], root: [8; 32], leaves: 1 };
        assert!(known.beside_those(&[absent], false, &limits, Refused::Counts).await.is_err());
    }

    #[tokio::test]
    async fn a_manifest_that_an_index_made_up_does_not_count() {
        let (bytes, honest) = batch(leaves(&[document("a", &text(1))]));
        let (other, made_up) = batch(leaves(&[document("b", &text(2))]));
        let blobs = vec![(bytes, true), (other, true), (b"no manifest".to_vec(), true), (text(1).into(), true)];
        let (mut known, _) = service(blobs).await;
        let limits = Limits::default();
        for manifest in [made_up.manifest, sha256(&[b"no manifest"]), [8; 32]] {
            let said = AcceptedBatch { manifest, ..honest };
            assert!(known.beside_those(&[said], true, &limits, Refused::Fails).await.unwrap().is_none());
        }
        let beside = known.beside_those(&[honest], true, &limits, Refused::Fails).await.unwrap().unwrap();
        assert_eq!(beside.documents.len(), 1);
        // A panel may have accepted such a one: it must not stop the next panel.
        let said = AcceptedBatch { root: [7; 32], ..honest };
        assert!(known.beside_those(&[said], false, &limits, Refused::Fails).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn what_is_under_review_is_not_handed_in_again_under_another_title() {
        let reviewed = document("a", &text(1));
        let (mut known, _) = service(vec![(text(1).into_bytes(), true)]).await;
        let (mut beside, limits) = (Beside::default(), Limits::default());
        known.learn(&mut beside, &[reviewed.leaf()], &limits, Refused::Counts).await.unwrap();
        let renamed = [document("b", &text(1)), document("a", &text(2))];
        let foreseen = foresee_beside(beside, &WALLET, &OWNER, &renamed, &limits);
        assert!(matches!(foreseen.judgement.faults[..], [(0, Fault::Copy { .. })]), "{foreseen:?}");
    }
}
