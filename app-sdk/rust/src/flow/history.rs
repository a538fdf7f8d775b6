//! The history of batches on the ledger, read incrementally.

use crate::{
    client::Client,
    error::SdkError,
    events::{Cursor, Event, Poller},
};
use openledger_interface::Program;
use openledger_protocol::Hash32;
use solana_pubkey::Pubkey;
use std::collections::HashMap;

/// An accepted batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Accepted {
    /// The hash of its manifest.
    pub manifest: Hash32,
    /// The root of its leaves.
    pub root: Hash32,
    /// Number of its leaves.
    pub leaves: u64,
}

/// The manifests of the batches that were ever submitted, and which batches were accepted.
pub struct History {
    poller: Poller,
    manifests: HashMap<Pubkey, Hash32>,
    /// The accepted batches of each Datanet, with their roots and the numbers of their leaves.
    accepted: HashMap<Pubkey, Vec<(Pubkey, Hash32, u64)>>,
}

impl History {
    /// Makes an empty history. [`History::update`] fills it.
    pub fn new(client: Client) -> Self {
        let poller = Poller::of(client, &[Program::Datanet], Cursor::default());
        Self { poller, manifests: HashMap::new(), accepted: HashMap::new() }
    }

    /// Reads the events since the last call.
    pub async fn update(&mut self) -> Result<(), SdkError> {
        loop {
            let new = self.poller.poll().await?;
            if new.is_empty() {
                return Ok(());
            }
            for record in new.into_iter().flat_map(|o| o.records) {
                match record.event {
                    Event::BatchSubmitted(e) => {
                        self.manifests.insert(e.batch, e.manifest);
                    }
                    Event::BatchAccepted(e) => {
                        self.accepted.entry(e.datanet).or_default().push((e.batch, e.root, e.count));
                    }
                    _ => {}
                }
            }
        }
    }

    /// A Datanet's accepted batches, in the order of acceptance.
    pub fn accepted(&self, datanet: &Pubkey) -> Vec<Accepted> {
        let batches = self.accepted.get(datanet).map(Vec::as_slice).unwrap_or_default();
        let accepted = |(batch, root, leaves): &(Pubkey, Hash32, u64)| {
            Some(Accepted { manifest: *self.manifests.get(batch)?, root: *root, leaves: *leaves })
        };
        batches.iter().filter_map(accepted).collect()
    }
}
