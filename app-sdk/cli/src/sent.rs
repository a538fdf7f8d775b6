//! What was sent from this machine, so that a list which cannot have it yet waits for it, or says so.

use openledger_sdk::{api::IndexerClient, wait::Wait};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

/// How long an index is waited for that does not have what was sent.
const PATIENCE: Duration = Duration::from_secs(5);
/// Age at which something sent is waited for no longer. A local chain may have begun anew since.
const RECENT: Duration = Duration::from_secs(600);
/// Most slots that an index may be behind its node without a word, about a minute.
const USUAL: u64 = 150;

/// The note of the slot in which the last transaction landed that was sent to a node.
pub struct Sent {
    file: PathBuf,
}

impl Sent {
    /// The note for the node at this address, in a folder for what must survive this process.
    pub fn to(state: &Path, node: &str) -> Self {
        Self { file: state.join("sent").join(hex::encode(&Sha256::digest(node)[..8])) }
    }

    /// The slot, if something was sent lately.
    pub fn read(&self) -> Option<u64> {
        let age = std::fs::metadata(&self.file).ok()?.modified().ok()?.elapsed().unwrap_or_default();
        std::fs::read_to_string(&self.file).ok()?.parse().ok().filter(|_| age < RECENT)
    }

    /// Notes a slot. That it cannot be written is no reason to fail: what was sent is sent.
    pub fn write(&self, slot: u64) {
        let folder = self.file.parent().unwrap_or(Path::new("."));
        let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&self.file, slot.to_string()));
        if let Err(error) = written {
            tracing::debug!(file = %self.file.display(), %error, "not noted");
        }
    }
}

/// How far an index is behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Lag {
    behind_slots: u64,
    /// Whether it lacks something that was sent from here.
    lacks_what_was_sent: bool,
}

impl fmt::Display for Lag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { behind_slots, lacks_what_was_sent } = self;
        match lacks_what_was_sent {
            true => write!(f, "the indexer is {behind_slots} slots behind what you sent last: that is not in here yet"),
            false => {
                write!(f, "the indexer is {behind_slots} slots behind the ledger: what is newer is not in here yet")
            }
        }
    }
}

/// Waits until the index has everything up to the slot `sent`, but not for long. Returns how far it is behind, if that is
/// worth a word. An indexer that does not answer is no failure here: whoever asks it next will say so.
pub async fn catch_up(indexer: &IndexerClient, sent: Option<u64>) -> Option<Lag> {
    let mut wait = Wait::new("the indexer", PATIENCE);
    loop {
        let status = indexer.status().await.ok()?;
        // A local network that begins anew has fewer slots than what was sent to the one before.
        let sent = sent.filter(|sent| status.chain_slot == 0 || *sent <= status.chain_slot);
        let lacking = sent.unwrap_or(0).saturating_sub(status.indexed_slot);
        if lacking == 0 {
            let behind_slots = status.chain_slot.saturating_sub(status.indexed_slot);
            return (behind_slots > USUAL).then_some(Lag { behind_slots, lacks_what_was_sent: false });
        }
        if wait.pause().await.is_err() {
            return Some(Lag { behind_slots: lacking, lacks_what_was_sent: true });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    /// An indexer that has come to each of these slots, one after another, and stays at the last.
    async fn indexer(chain_slot: u64, indexed: &'static [u64]) -> IndexerClient {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            for n in 0.. {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = [0; 4096];
                let read = stream.read(&mut request).await.unwrap();
                assert!(request[..read].starts_with(b"GET /v1/status "));
                let body = json!({
                    "version": "1", "cluster": "c", "chain_slot": chain_slot, "finalized_slot": 0, "events": 0,
                    "gaps": [], "indexed_slot": indexed[n.min(indexed.len() - 1)],
                })
                .to_string();
                let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
                stream.write_all((head + &body).as_bytes()).await.unwrap();
            }
        });
        IndexerClient::new(url)
    }

    #[tokio::test]
    async fn a_list_waits_for_what_was_just_sent() {
        assert_eq!(catch_up(&indexer(105, &[90, 95, 101]).await, Some(100)).await, None);
    }

    #[tokio::test]
    async fn a_list_without_what_was_sent_says_how_many_slots_it_is_behind() {
        let lag = catch_up(&indexer(105, &[90]).await, Some(100)).await.unwrap();
        assert_eq!(lag, Lag { behind_slots: 10, lacks_what_was_sent: true });
        assert!(lag.to_string().contains("10 slots behind what you sent"), "{lag}");
    }

    #[tokio::test]
    async fn a_list_of_an_index_that_is_far_behind_its_node_says_so_at_once() {
        let lag = catch_up(&indexer(1_000, &[100]).await, Some(90)).await.unwrap();
        assert_eq!(lag, Lag { behind_slots: 900, lacks_what_was_sent: false });
        assert_eq!(catch_up(&indexer(110, &[100]).await, None).await, None);
    }

    #[tokio::test]
    async fn an_indexer_that_does_not_answer_is_left_to_the_list_itself() {
        assert_eq!(catch_up(&IndexerClient::new("http://127.0.0.1:9"), Some(1)).await, None);
    }

    #[test]
    fn what_was_sent_is_noted_for_each_node_and_forgotten_after_a_while() {
        let folder = tempfile::tempdir().unwrap();
        let [one, other] = ["http://one", "http://other"].map(|node| Sent::to(folder.path(), node));
        one.write(7);
        assert_eq!((one.read(), other.read()), (Some(7), None));
        // A new local chain begins at slot 0.
        one.write(3);
        assert_eq!(one.read(), Some(3));
        let file = std::fs::File::options().write(true).open(&one.file).unwrap();
        file.set_modified(std::time::SystemTime::now() - RECENT).unwrap();
        assert_eq!(one.read(), None);
    }
}
