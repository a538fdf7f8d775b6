//! Accepted batches of a Datanet: who approved them, and when they were handed in, from their events.

use super::{error::LedgerError, newest::look_back, node::Node};
use datanet::{
    events::{BatchAccepted, BatchSubmitted},
    state::Datanet,
};
use futures::{StreamExt, TryStreamExt};
use openledger_protocol::Hash32;
use openledger_sdk::{Event, pda};
use solana_pubkey::Pubkey;
use std::collections::HashMap;

/// Most batches that are looked up concurrently.
const AT_ONCE: usize = 8;

/// A batch that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedBatch {
    /// The batch account, which is closed.
    pub address: Pubkey,
    /// Its number in its Datanet, in order of opening.
    pub index: u64,
    /// Its place in the Datanet's range, in order of acceptance.
    pub place: u64,
    /// The contributor's wallet.
    pub contributor: Pubkey,
    /// Number of contributions.
    pub count: u64,
    /// Root of its contributions.
    pub root: Hash32,
    /// SHA-256 of its manifest.
    pub manifest: Hash32,
    /// Validators that approved it, in ascending order.
    pub approved_by: Vec<Pubkey>,
    /// Slot in which it was handed in.
    pub submitted_slot: u64,
    /// Last slot in which validators could commit to a verdict.
    pub commit_until: u64,
}

/// Batches by address, as one node shows them. `None` for a batch that ended otherwise. How a batch ended never
/// changes, so each is looked up once.
#[derive(Default)]
pub struct Batches {
    ended: HashMap<Pubkey, Option<AcceptedBatch>>,
}

impl Batches {
    /// The first `count` accepted batches of `datanet`, in order of acceptance. Not yet, if one of them is missing.
    pub async fn first(
        &mut self,
        node: &Node,
        datanet: &Pubkey,
        count: u64,
    ) -> Result<Vec<AcceptedBatch>, LedgerError> {
        let (slot, account) = node.account::<Datanet>(datanet, "Datanet").await?;
        let addresses: Vec<Pubkey> = (0..account.batches).map(|index| pda::batch(datanet, index)).collect();
        let unknown = addresses.iter().filter(|at| !self.ended.contains_key(at)).copied();
        let looks: Vec<_> = unknown.map(|at| (node.clone(), at)).collect();
        let looks: Vec<_> =
            looks.into_iter().map(|(node, at)| async move { Ok((at, look_up(&node, &at, slot).await?)) }).collect();
        let mut looks = futures::stream::iter(looks).buffered(AT_ONCE);
        while let Some((at, end)) = looks.try_next().await? {
            self.ended.extend(end.map(|end| (at, end)));
        }
        let accepted = addresses.iter().filter_map(|at| self.ended.get(at).cloned().flatten());
        let mut accepted: Vec<AcceptedBatch> = accepted.filter(|batch| batch.place < count).collect();
        accepted.sort_by_key(|batch| batch.place);
        match (0..count).zip(accepted.iter().map(|batch| batch.place)).find(|(place, found)| place != found) {
            Some((place, found)) if found < place => {
                Err(node.contradiction(format!("two batches of Datanet {datanet} have place {found}")))
            }
            None if accepted.len() as u64 == count => Ok(accepted),
            _ => Err(node.not_yet(format!(
                "{count} accepted batches of Datanet {datanet} were asked for, {} are readable",
                accepted.len()
            ))),
        }
    }
}

/// How a batch ended: `None` if it has not, up to `final_slot`; then the accepted batch, or `None`.
async fn look_up(node: &Node, address: &Pubkey, final_slot: u64) -> Result<Option<Option<AcceptedBatch>>, LedgerError> {
    let (mut accepted, mut rejected, mut submitted) = (None::<BatchAccepted>, false, None::<(u64, BatchSubmitted)>);
    look_back(node, address, final_slot, |records| {
        let mut undecided = false;
        for record in records {
            match record.event {
                Event::BatchAccepted(e) if e.batch == *address => accepted = Some(e),
                Event::BatchRejected(e) if e.batch == *address => rejected = true,
                Event::BatchSubmitted(e) if e.batch == *address => submitted = Some((record.slot, e)),
                // A batch is decided after all that is done with it.
                event => undecided |= event.subject() == *address,
            }
        }
        let undecided = undecided && accepted.is_none();
        rejected || submitted.is_some() || undecided
    })
    .await?;
    if rejected {
        return Ok(Some(None));
    }
    let Some(BatchAccepted { index, place, contributor, root, count, mut approved_by, .. }) = accepted else {
        return Ok(None);
    };
    let Some((submitted_slot, handed_in)) = submitted else {
        return Err(node.not_yet(format!("batch {address} is accepted, and its handing in is missing")));
    };
    if (handed_in.root, handed_in.count) != (root, count) {
        return Err(node.contradiction(format!("batch {address} was handed in and accepted with two roots")));
    }
    approved_by.sort();
    let (manifest, commit_until, address) = (handed_in.manifest, handed_in.commit_until, *address);
    Ok(Some(Some(AcceptedBatch {
        address,
        index,
        place,
        contributor,
        count,
        root,
        manifest,
        approved_by,
        submitted_slot,
        commit_until,
    })))
}
