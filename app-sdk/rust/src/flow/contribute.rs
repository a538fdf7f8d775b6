//! Contributes documents: stores them, puts their leaf hashes on the ledger, and hands the batch to review.

use super::open_mint;
use crate::{
    client::Client,
    error::SdkError,
    manifest::{Kind, Leaf, Manifest, Metadata},
    store::Store,
};
use datanet::{
    instructions::ContributeBulkArgs,
    state::{Batch, BatchStatus, Datanet, MAX_BATCH},
};
use openledger_interface::{
    ix::{self, datanet::LEAVES_PER_TRANSACTION},
    pda,
};
use openledger_protocol::{Hash32, mmr};
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;

/// Offset in a batch account, counted from the end of the discriminator. The fields are version, bump, Datanet, number,
/// contributor and status, in this order.
const DATANET_AT: usize = 2;
const CONTRIBUTOR_AT: usize = DATANET_AT + 32 + 8;

/// A contribution with its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contribution {
    /// The content: UTF-8 text.
    pub content: String,
    /// Its kind.
    pub kind: Kind,
    /// The leaf that it is about, unless it is a document.
    pub target: Option<Hash32>,
    /// Its metadata.
    pub metadata: Metadata,
}

impl Contribution {
    /// A document.
    pub fn document(content: impl Into<String>, metadata: Metadata) -> Self {
        Self { content: content.into(), kind: Kind::Document, target: None, metadata }
    }
}

/// How far a contribution has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// This many contents are in the store.
    Stored(usize),
    /// The batch is open.
    Opened(Pubkey),
    /// This many leaves are on the ledger.
    Sent(usize),
    /// The batch is under review.
    Submitted(Pubkey),
}

/// A batch under review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contributed {
    /// The batch account.
    pub batch: Pubkey,
    /// Its number in its Datanet.
    pub index: u64,
    /// The leaf hashes, in order.
    pub leaves: Vec<Hash32>,
    /// SHA-256 of the manifest.
    pub manifest: Hash32,
}

/// Returns the addresses and accounts of the pending batches of `contributor` in `datanet`.
pub async fn pending(
    client: &Client,
    datanet: &Pubkey,
    contributor: &Pubkey,
) -> Result<Vec<(Pubkey, Batch)>, SdkError> {
    let filters = [(DATANET_AT, datanet.to_bytes().to_vec()), (CONTRIBUTOR_AT, contributor.to_bytes().to_vec())];
    client.all_accounts(&datanet::ID, &filters).await
}

/// Contributes one batch and hands it to review. `bond` is in base units. If it is `None`, the bond is the Datanet's
/// minimum.
///
/// After any failure it may be called again with the same contributions. It does not send stored contents, leaves on
/// the ledger or a batch under review a second time. Fails if there are more than [`MAX_BATCH`] contributions, or if
/// another batch of the contributor is open in this Datanet.
pub async fn contribute(
    client: &Client,
    store: &Store,
    contributor: &Keypair,
    datanet: &Pubkey,
    contributions: &[Contribution],
    bond: Option<u64>,
    progress: impl Fn(Progress),
) -> Result<Contributed, SdkError> {
    if contributions.len() as u64 > MAX_BATCH {
        return Err(SdkError::Input(format!(
            "a batch has at most {MAX_BATCH} leaves on the ledger: hand it in in bulk"
        )));
    }
    let Prepared { leaves, manifest } = prepare(store, contributor, datanet, contributions, &progress).await?;
    let (batch, index, mut sent) = match taken_up(client, contributor, datanet, &leaves, &manifest).await? {
        TakenUp::Submitted(batch, index) => {
            progress(Progress::Submitted(batch));
            return Ok(Contributed { batch, index, leaves, manifest });
        }
        TakenUp::Open(batch, index, sent) => (batch, index, sent),
        TakenUp::New => {
            let (batch, index) = open_batch(client, contributor, datanet, bond).await?;
            (batch, index, 0)
        }
    };
    progress(Progress::Opened(batch));
    let wallet = contributor.pubkey();
    while sent < leaves.len() {
        let end = leaves.len().min(sent + LEAVES_PER_TRANSACTION);
        client.send(&[ix::datanet::contribute(&wallet, &batch, &leaves[sent..end])], &[contributor]).await?;
        sent = end;
        progress(Progress::Sent(sent));
    }
    client.send(&[ix::datanet::submit_batch(&wallet, &batch, manifest)], &[contributor]).await?;
    progress(Progress::Submitted(batch));
    Ok(Contributed { batch, index, leaves, manifest })
}

/// Like [`contribute`], but the ledger holds only the root over the leaves, and only the manifest holds the leaves. It
/// is for imports whose leaf hashes would cost too much on the ledger.
pub async fn contribute_bulk(
    client: &Client,
    store: &Store,
    contributor: &Keypair,
    datanet: &Pubkey,
    contributions: &[Contribution],
    bond: Option<u64>,
    progress: impl Fn(Progress),
) -> Result<Contributed, SdkError> {
    let Prepared { leaves, manifest } = prepare(store, contributor, datanet, contributions, &progress).await?;
    let (batch, index) = match taken_up(client, contributor, datanet, &[], &manifest).await? {
        TakenUp::Submitted(batch, index) => {
            progress(Progress::Submitted(batch));
            return Ok(Contributed { batch, index, leaves, manifest });
        }
        TakenUp::Open(batch, index, _) => (batch, index),
        TakenUp::New => open_batch(client, contributor, datanet, bond).await?,
    };
    progress(Progress::Opened(batch));
    let args = ContributeBulkArgs { root: mmr::root_of(&leaves), count: leaves.len() as u64, manifest };
    client.send(&[ix::datanet::contribute_bulk(&contributor.pubkey(), &batch, args)], &[contributor]).await?;
    progress(Progress::Submitted(batch));
    Ok(Contributed { batch, index, leaves, manifest })
}

/// A batch whose contents and manifest are in the store.
struct Prepared {
    leaves: Vec<Hash32>,
    manifest: Hash32,
}

async fn prepare(
    store: &Store,
    contributor: &Keypair,
    datanet: &Pubkey,
    contributions: &[Contribution],
    progress: &impl Fn(Progress),
) -> Result<Prepared, SdkError> {
    let mut leaves = Vec::with_capacity(contributions.len());
    for (i, c) in contributions.iter().enumerate() {
        let content = store.put_blob(c.content.clone().into_bytes()).await?;
        leaves.push(Leaf { content, kind: c.kind, target: c.target, metadata: c.metadata.clone() });
        progress(Progress::Stored(i + 1));
    }
    let manifest = Manifest::new(*datanet, contributor.pubkey(), leaves)?;
    let hash = store.put_blob(manifest.to_bytes()?).await?;
    Ok(Prepared { leaves: manifest.leaf_hashes(), manifest: hash })
}

/// The state on the ledger of the batch to contribute, with its address and its number in its Datanet.
enum TakenUp {
    Submitted(Pubkey, u64),
    /// The last field is the number of the batch's leaves on the ledger.
    Open(Pubkey, u64, usize),
    New,
}

async fn taken_up(
    client: &Client,
    contributor: &Keypair,
    datanet: &Pubkey,
    leaves: &[Hash32],
    manifest: &Hash32,
) -> Result<TakenUp, SdkError> {
    let wallet = contributor.pubkey();
    let pending = pending(client, datanet, &wallet).await?;
    if let Some((batch, account)) = pending.iter().find(|(_, b)| b.manifest == *manifest) {
        return Ok(TakenUp::Submitted(*batch, account.index));
    }
    let open: Vec<_> = pending.into_iter().filter(|(_, b)| b.status == BatchStatus::Open).collect();
    match (open.iter().find(|(_, b)| is_prefix(b, leaves)), open.first()) {
        (Some((batch, account)), _) => Ok(TakenUp::Open(*batch, account.index, account.count as usize)),
        (None, Some((other, _))) => Err(SdkError::Input(format!(
            "{wallet} has batch {other} open in this Datanet with other contributions: finish it by contributing the \
             same files again, or take it back with cancel_batch (`openledger datanet cancel-batch {other}`)"
        ))),
        (None, None) => Ok(TakenUp::New),
    }
}

/// Whether the leaves of `batch` on the ledger are the first of `hashes`.
fn is_prefix(batch: &Batch, hashes: &[Hash32]) -> bool {
    let Some(first) = hashes.get(..batch.count as usize) else { return false };
    mmr::root(batch.count, &batch.peaks).is_ok_and(|root| root == mmr::root_of(first))
}

async fn open_batch(
    client: &Client,
    contributor: &Keypair,
    datanet: &Pubkey,
    bond: Option<u64>,
) -> Result<(Pubkey, u64), SdkError> {
    let (wallet, mint) = (contributor.pubkey(), open_mint(client).await?);
    // The batch's number is the Datanet's count of batches. Another contributor may take it first, so this tries again.
    for attempt in 0.. {
        let account: Datanet = client.account(datanet).await?;
        let index = account.batches;
        let bond = bond.unwrap_or(account.min_bond);
        match client.send(&[ix::datanet::open_batch(&wallet, datanet, index, &mint, bond)], &[contributor]).await {
            Ok(_) => return Ok((pda::batch(datanet, index), index)),
            Err(e) => {
                let raced = client.account::<Datanet>(datanet).await?.batches != index;
                if !raced || attempt >= 8 {
                    return Err(e);
                }
            }
        }
    }
    unreachable!("the loop ends by returning")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(leaves: &[Hash32]) -> Batch {
        let (mut peaks, mut count) = ([[0; 32]; datanet::state::BATCH_PEAKS], 0);
        for leaf in leaves {
            count = mmr::append(count, &mut peaks, *leaf).unwrap();
        }
        Batch {
            version: datanet::state::Version::CURRENT,
            bump: 0,
            datanet: Pubkey::new_from_array([3; 32]),
            index: 7,
            contributor: Pubkey::new_from_array([4; 32]),
            status: BatchStatus::Review,
            count,
            peaks,
            bulk_root: [0; 32],
            manifest: [0; 32],
            bond: 0,
            panel_size: 1,
            quorum: 1,
            submitted_slot: 0,
            seed: [0; 32],
            commit_until: 0,
            reveal_until: 0,
            reviews: vec![],
            sequence: 0,
        }
    }

    #[test]
    fn only_a_batch_that_holds_the_first_leaves_is_taken_up() {
        let leaves: Vec<Hash32> = (1..=9).map(|n| [n; 32]).collect();
        for n in 0..=9 {
            assert!(is_prefix(&batch(&leaves[..n]), &leaves), "{n}");
        }
        assert!(!is_prefix(&batch(&leaves), &leaves[..8]));
        assert!(!is_prefix(&batch(&leaves[1..4]), &leaves));
    }

    #[test]
    fn the_filters_point_at_datanet_contributor_and_status() {
        let account = batch(&[]);
        let bytes = borsh::to_vec(&account).unwrap();
        assert_eq!(bytes[DATANET_AT..DATANET_AT + 32], account.datanet.to_bytes());
        assert_eq!(bytes[CONTRIBUTOR_AT..CONTRIBUTOR_AT + 32], account.contributor.to_bytes());
        assert_eq!(bytes[super::super::review::STATUS_AT], BatchStatus::Review as u8);
    }
}
