//! Contributes documents: stores them, puts their leaf hashes on the ledger, and hands the batch to review.

use super::open_mint;
use crate::{
    client::{Client, Room},
    error::SdkError,
    manifest::{Kind, Leaf, Manifest, Metadata},
    store::Store,
    wallet::AnySigner,
};
use anchor_lang::{Discriminator, Space};
use bytes::Bytes;
use datanet::{
    instructions::ContributeBulkArgs,
    state::{Batch, BatchStatus, Datanet, MAX_BATCH},
};
use futures::future::try_join_all;
use openledger_interface::{ix, pda};
use openledger_protocol::{Hash32, hash::sha256, mmr};
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;
use std::collections::HashSet;

/// Contents that are stored at the same time.
const STORED_AT_ONCE: usize = 8;

/// Lamports for a transaction with one signature.
const FEE: u64 = 5_000;

/// Leaves of one legacy transaction. Two fewer than fit leave room for a compute budget.
const LEAVES_OF_LEGACY: usize = ix::datanet::LEAVES_PER_TRANSACTION - 2;

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
    /// The file that the content was extracted from, if it was. The metadata names it by its hash.
    pub original: Option<Bytes>,
}

impl Contribution {
    /// A document.
    pub fn document(content: impl Into<String>, metadata: Metadata) -> Self {
        Self { content: content.into(), kind: Kind::Document, target: None, metadata, original: None }
    }

    /// Its leaf in the batch's manifest.
    pub fn leaf(&self) -> Leaf {
        Leaf {
            content: sha256(&[self.content.as_bytes()]),
            kind: self.kind,
            target: self.target,
            metadata: self.metadata.clone(),
        }
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

/// How the leaves of a batch go on the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Each leaf is on the ledger.
    Leaves,
    /// The ledger holds only the root over the leaves, and only the manifest holds the leaves. It is for imports whose leaf
    /// hashes would cost too much on the ledger.
    Bulk,
}

/// One transaction of a contribution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its one instruction.
    pub instruction: Instruction,
    /// How far the contribution has come once it is done.
    pub progress: Progress,
}

/// Leaves that go into one transaction, by how large it may be.
pub fn leaves_at_once(room: Room) -> usize {
    match room {
        Room::Legacy => LEAVES_OF_LEGACY,
        Room::V1 => ix::datanet::LEAVES_PER_LARGE_TRANSACTION,
    }
}

/// The transactions that put the leaves of an open batch on the ledger and hand it to review, if the ledger has the first
/// `sent` leaves already.
pub fn steps(
    contributor: &Pubkey,
    batch: &Pubkey,
    leaves: &[Hash32],
    manifest: Hash32,
    sent: usize,
    form: Form,
    room: Room,
) -> Vec<Step> {
    let submitted = Progress::Submitted(*batch);
    if form == Form::Bulk {
        let args = ContributeBulkArgs { root: mmr::root_of(leaves), count: leaves.len() as u64, manifest };
        let instruction = ix::datanet::contribute_bulk(contributor, batch, args);
        return vec![Step { instruction, progress: submitted }];
    }
    let mut steps = Vec::new();
    let mut sent = sent;
    while sent < leaves.len() {
        let end = leaves.len().min(sent + leaves_at_once(room));
        let instruction = ix::datanet::contribute(contributor, batch, &leaves[sent..end]);
        steps.push(Step { instruction, progress: Progress::Sent(end) });
        sent = end;
    }
    let instruction = ix::datanet::submit_batch(contributor, batch, manifest);
    steps.push(Step { instruction, progress: submitted });
    steps
}

/// Contributes one batch in one `form` and hands it to review. `bond` is in base units. If it is `None`, the bond is the
/// Datanet's minimum.
///
/// After any failure it may be called again with the same contributions. It does not send stored contents, leaves on
/// the ledger or a batch under review a second time. Fails if there are too many contributions for the form, or if
/// another batch of the contributor is open in this Datanet.
#[expect(clippy::too_many_arguments, reason = "each is a thing of its own, and callers name them")]
pub async fn contribute_as(
    form: Form,
    client: &Client,
    store: &Store,
    contributor: &AnySigner,
    datanet: &Pubkey,
    contributions: &[Contribution],
    bond: Option<u64>,
    progress: impl Fn(Progress),
) -> Result<Contributed, SdkError> {
    if form == Form::Leaves && contributions.len() as u64 > MAX_BATCH {
        return Err(SdkError::Input(format!(
            "a batch has at most {MAX_BATCH} leaves on the ledger: hand it in in bulk"
        )));
    }
    let wallet = contributor.pubkey();
    let described = manifest(&wallet, datanet, contributions)?;
    let (leaves, manifest) = (described.leaf_hashes(), described.hash()?);
    let on_ledger: &[Hash32] = if form == Form::Bulk { &[] } else { &leaves };
    // The batch comes first: an artifact service takes more from a wallet that has a bond.
    let (batch, index, sent) = match taken_up(client, &wallet, datanet, on_ledger, &manifest).await? {
        TakenUp::Submitted(batch, index) => {
            store_all(store, &described, contributions, &progress).await?;
            progress(Progress::Submitted(batch));
            return Ok(Contributed { batch, index, leaves, manifest });
        }
        TakenUp::Open(batch, index, sent) => (batch, index, sent),
        TakenUp::New => {
            // A store that takes nothing is noticed before the bond is paid.
            if let Some(first) = contributions.first() {
                store.put_blob(first.content.clone().into_bytes()).await?;
            }
            let (batch, index) = open_batch(client, contributor, datanet, bond).await?;
            (batch, index, 0)
        }
    };
    progress(Progress::Opened(batch));
    store_all(store, &described, contributions, &progress).await?;
    let room = room_of(client, contributor, form).await?;
    for step in steps(&wallet, &batch, &leaves, manifest, sent, form, room) {
        client.send(&[step.instruction], &[contributor]).await?;
        progress(step.progress);
    }
    Ok(Contributed { batch, index, leaves, manifest })
}

/// How large the transactions may be that `contributor` signs for a batch of this form.
pub async fn room_of(client: &Client, contributor: &AnySigner, form: Form) -> Result<Room, SdkError> {
    match form {
        Form::Leaves => client.room(&[contributor]).await,
        // A root fits into any transaction.
        Form::Bulk => Ok(Room::Legacy),
    }
}

/// Calls [`contribute_as`] with the leaves on the ledger.
pub async fn contribute(
    client: &Client,
    store: &Store,
    contributor: &AnySigner,
    datanet: &Pubkey,
    contributions: &[Contribution],
    bond: Option<u64>,
    progress: impl Fn(Progress),
) -> Result<Contributed, SdkError> {
    contribute_as(Form::Leaves, client, store, contributor, datanet, contributions, bond, progress).await
}

/// Lamports that batches of this many leaves each take: their fees, and the rent of their accounts, which returns when a
/// batch is decided.
pub async fn lamports(
    client: &Client,
    batches: impl Iterator<Item = usize>,
    form: Form,
    room: Room,
) -> Result<u64, SdkError> {
    let rent = client.rent(Batch::DISCRIMINATOR.len() + Batch::INIT_SPACE).await?;
    let transactions = |leaves: usize| match form {
        Form::Leaves => 2 + leaves.div_ceil(leaves_at_once(room)) as u64,
        Form::Bulk => 2,
    };
    Ok(batches.map(|leaves| rent + FEE * transactions(leaves)).sum())
}

/// The manifest that a batch of these contributions has.
pub fn manifest(contributor: &Pubkey, datanet: &Pubkey, contributions: &[Contribution]) -> Result<Manifest, SdkError> {
    let leaves = contributions.iter().map(Contribution::leaf).collect();
    Ok(Manifest::new(*datanet, *contributor, leaves)?)
}

/// Stores contents, the files that they are from, and the manifest.
async fn store_all(
    store: &Store,
    manifest: &Manifest,
    contributions: &[Contribution],
    progress: &impl Fn(Progress),
) -> Result<(), SdkError> {
    let (mut originals, mut stored) = (HashSet::new(), 0);
    for some in contributions.chunks(STORED_AT_ONCE) {
        try_join_all(some.iter().map(|c| store.put_blob(c.content.clone().into_bytes()))).await?;
        for c in some {
            if let (Some(original), Some(named)) = (&c.original, &c.metadata.original)
                && originals.insert(named.sha256)
            {
                store.put_blob(original.clone()).await?;
            }
        }
        stored += some.len();
        progress(Progress::Stored(stored));
    }
    store.put_blob(manifest.to_bytes()?).await?;
    Ok(())
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
    wallet: &Pubkey,
    datanet: &Pubkey,
    leaves: &[Hash32],
    manifest: &Hash32,
) -> Result<TakenUp, SdkError> {
    let pending = pending(client, datanet, wallet).await?;
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

/// Place in `leaves` from which on the leaves of `batch` on the ledger stand, if they do.
pub fn place_of(batch: &Batch, leaves: &[Hash32]) -> Option<usize> {
    let count = usize::try_from(batch.count).ok()?;
    let mut fit: Vec<usize> = (0..leaves.len().checked_sub(count)? + 1).collect();
    // The node over the leaves from each place on, of which there are 1 << height: all places share the work.
    let mut nodes = leaves.to_vec();
    let mut peaks = batch.peaks[..mmr::peak_count(batch.count)].iter().rev();
    for height in 0.. {
        let wide = 1 << height;
        if wide > count || fit.is_empty() {
            break;
        }
        if count & wide != 0 {
            // The lowest peak comes last.
            let (peak, before) = (peaks.next()?, count & !(2 * wide - 1));
            fit.retain(|place| nodes[place + before] == *peak);
        }
        nodes = (0..(nodes.len()).saturating_sub(wide)).map(|i| mmr::node(&nodes[i], &nodes[i + wide])).collect();
    }
    fit.first().copied()
}

/// Whether the leaves of `batch` on the ledger are the first of `hashes`.
fn is_prefix(batch: &Batch, hashes: &[Hash32]) -> bool {
    let Some(first) = hashes.get(..batch.count as usize) else { return false };
    mmr::root(batch.count, &batch.peaks).is_ok_and(|root| root == mmr::root_of(first))
}

async fn open_batch(
    client: &Client,
    contributor: &AnySigner,
    datanet: &Pubkey,
    bond: Option<u64>,
) -> Result<(Pubkey, u64), SdkError> {
    let (wallet, mint) = (contributor.pubkey(), open_mint(client).await?);
    // The batch's number is the Datanet's count of batches. Another contributor may take it first, so this tries again.
    for attempt in 0.. {
        let account: Datanet = client.account(datanet).await?;
        let index = account.batches;
        let (batch, bond) = (pda::batch(datanet, index), bond.unwrap_or(account.min_bond));
        let open = ix::datanet::open_batch(&wallet, datanet, index, &mint, bond);
        let Err(error) = client.send(&[open], &[contributor]).await else { return Ok((batch, index)) };
        // Whatever the error says, the bond may be paid. It is not paid for a second batch.
        match client.account_opt::<Batch>(&batch).await {
            Ok(Some(own)) if own.contributor == wallet && own.status == BatchStatus::Open && own.count == 0 => {
                return Ok((batch, index));
            }
            Ok(_) if matches!(error, SdkError::Program { .. }) && attempt < 8 => {}
            _ => return Err(error),
        }
        let raced = client.account::<Datanet>(datanet).await.is_ok_and(|now| now.batches != index);
        if !raced {
            return Err(error);
        }
    }
    unreachable!("the loop ends by returning")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake_node;
    use anchor_lang::AnchorDeserialize;
    use serde_json::json;
    use solana_compute_budget_interface::ComputeBudgetInstruction;
    use solana_keypair::Keypair;
    use solana_signer::Signer;
    use std::sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    };

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
        assert_eq!(place_of(&batch(&leaves[3..7]), &leaves), Some(3));
        assert_eq!(place_of(&batch(&leaves[3..7]), &leaves[..6]), None);
        for (from, to) in (0..9).flat_map(|from| (from..=9).map(move |to| (from, to))) {
            let found = place_of(&batch(&leaves[from..to]), &leaves);
            assert_eq!(found, Some(if from == to { 0 } else { from }), "{from}..{to}");
        }
        let mut other = leaves.clone();
        other[5] = [0; 32];
        assert_eq!(place_of(&batch(&other[3..7]), &leaves), None);
    }

    /// Opens a batch by a node that has `found` at the batch's address and answers that it `refused`. Each look at the
    /// Datanet finds one batch more. Returns what came of it and how often a batch was paid for.
    async fn opened(found: Option<Batch>, refused: serde_json::Value) -> (Result<(Pubkey, u64), SdkError>, u64) {
        let (datanet, sent) = (Pubkey::new_from_array([3; 32]), Arc::new(AtomicU64::new(0)));
        let (looks, count) = (Arc::new(AtomicU64::new(7)), sent.clone());
        let bytes = |discriminator: &[u8], account: Vec<u8>| [discriminator, &account].concat();
        let url = fake_node::serve(move |method, parameters| match (method, parameters[0].as_str()) {
            ("getLatestBlockhash", _) => {
                let hash = Pubkey::new_unique().to_string();
                Ok(json!({ "context": { "slot": 1 }, "value": { "blockhash": hash, "lastValidBlockHeight": 100 } }))
            }
            ("sendTransaction", _) => {
                count.fetch_add(1, Ordering::Relaxed);
                Err(refused.clone())
            }
            (_, Some(at)) if at == datanet.to_string() => {
                let batches = looks.fetch_add(1, Ordering::Relaxed);
                let zeros = AnchorDeserialize::deserialize(&mut &[0u8; 4096][..]).unwrap();
                let account = Datanet { batches, ..zeros };
                let data = bytes(Datanet::DISCRIMINATOR, borsh::to_vec(&account).unwrap());
                Ok(fake_node::found(&datanet::ID, &data))
            }
            (_, Some(at)) if at == pda::stake_config().to_string() => {
                let data = bytes(stake::state::Config::DISCRIMINATOR, vec![0; 4096]);
                Ok(fake_node::found(&stake::ID, &data))
            }
            _ => Ok(found.as_ref().map_or_else(fake_node::none, |batch| {
                fake_node::found(&datanet::ID, &bytes(Batch::DISCRIMINATOR, borsh::to_vec(batch).unwrap()))
            })),
        })
        .await;
        let wallet = Keypair::new_from_array([4; 32]);
        let result = open_batch(&Client::new(url, ""), &wallet, &datanet, Some(1)).await;
        (result, sent.load(Ordering::Relaxed))
    }

    #[tokio::test]
    async fn no_second_bond_is_paid_unless_a_program_refused_the_first() {
        let lost = json!({ "code": -32603, "message": "Internal error" });
        let taken = json!({
            "code": -32002, "message": "refused",
            "data": { "err": { "InstructionError": [0, { "Custom": 0 }] }, "logs": [], "accounts": null,
                      "unitsConsumed": 0, "returnData": null, "innerInstructions": null },
        });
        let wallet = Keypair::new_from_array([4; 32]).pubkey();
        let own = Batch { contributor: wallet, status: BatchStatus::Open, ..batch(&[]) };
        let others = Batch { contributor: Pubkey::new_from_array([5; 32]), ..own.clone() };
        let address = pda::batch(&Pubkey::new_from_array([3; 32]), 7);
        let (result, paid) = opened(Some(own), lost.clone()).await;
        assert_eq!((result.unwrap(), paid), ((address, 7), 1));
        let (result, paid) = opened(Some(others.clone()), lost.clone()).await;
        assert!(matches!(result, Err(SdkError::Rpc(_))) && paid == 1, "{paid}");
        let (result, paid) = opened(None, lost).await;
        assert!(matches!(result, Err(SdkError::Rpc(_))) && paid == 1, "{paid}");
        // Another contributor was first: the next number is tried.
        let (result, paid) = opened(Some(others), taken).await;
        assert!(matches!(result, Err(SdkError::Program { .. })) && paid == 9, "{paid}");
    }

    #[test]
    fn the_steps_of_a_batch_go_on_from_what_the_ledger_has_and_leave_room_for_a_budget() {
        let (wallet, batch, leaves) = (Pubkey::new_unique(), Pubkey::new_unique(), vec![[7; 32]; 60]);
        let progress = |sent, form, room| -> Vec<Progress> {
            steps(&wallet, &batch, &leaves, [1; 32], sent, form, room).into_iter().map(|s| s.progress).collect()
        };
        let submitted = Progress::Submitted(batch);
        let sent = Progress::Sent;
        assert_eq!(progress(0, Form::Leaves, Room::Legacy), [sent(28), sent(56), sent(60), submitted]);
        assert_eq!(progress(56, Form::Leaves, Room::Legacy), [sent(60), submitted]);
        assert_eq!(progress(0, Form::Leaves, Room::V1), [sent(60), submitted]);
        assert_eq!(progress(60, Form::Leaves, Room::Legacy), [submitted]);
        assert_eq!(progress(0, Form::Bulk, Room::Legacy), [submitted]);
        let budget =
            [ComputeBudgetInstruction::set_compute_unit_limit(1), ComputeBudgetInstruction::set_compute_unit_price(1)];
        for step in steps(&wallet, &batch, &leaves, [1; 32], 0, Form::Leaves, Room::Legacy) {
            assert!(crate::client::fits(&wallet, &[&budget[..], &[step.instruction]].concat()));
        }
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
