//! Checks that an artifact is what its name says.

use super::refusal::Refusal;
use openledger_protocol::Hash32;
use openledger_sdk::{
    artifact::{Audit, SettlementReport},
    receipt::Answer,
    store::Key,
};
use solana_pubkey::Pubkey;
use std::path::Path;
use tokio::sync::Mutex;

/// Held by the upload whose report is read. An operator may send several, and each takes a multiple of its length in memory.
static READING: Mutex<()> = Mutex::const_new(());

/// Fails unless the file holds what `key` names, signed by the operator's `identity` where the artifact is signed. Returns the
/// blob that an answer shows to everybody: the weights by which it is paid.
pub async fn check(key: &Key, file: &Path, identity: Option<&Pubkey>) -> Result<Option<Hash32>, Refusal> {
    // The other kinds are short: their lengths are limited.
    let read = async || tokio::fs::read(file).await;
    let wrong = |reason: String| Refusal::content(format!("it is not what {key} names: {reason}"));
    let other = |found: String| wrong(format!("it is {found}"));
    match key {
        Key::Blob(_) => Ok(None),
        Key::Answer(request) => {
            let answer: Answer = serde_json::from_slice(&read().await?).map_err(|e| wrong(e.to_string()))?;
            if answer.request != *request {
                return Err(other(format!("an answer to request {}", hex::encode(answer.request))));
            }
            let identity = identity.ok_or_else(|| wrong("its operator is not registered".into()))?;
            answer.verify(identity).map_err(|e| wrong(e.to_string()))?;
            Ok(Some(answer.receipt.weights))
        }
        Key::Audit { epoch, operator } => {
            let audit: Audit = serde_json::from_slice(&read().await?).map_err(|e| wrong(e.to_string()))?;
            if (audit.epoch, audit.operator) != (*epoch, *operator) {
                return Err(other(format!("an audit of epoch {} by {}", audit.epoch, audit.operator)));
            }
            if !identity.is_some_and(|identity| audit.is_by(identity)) {
                return Err(wrong(format!("{operator} has not signed it with its identity key")));
            }
            Ok(None)
        }
        Key::Report { epoch, .. } => {
            // It may be long: one at a time, and on no thread that others wait for.
            let _alone = READING.lock().await;
            let file = file.to_owned();
            let read = tokio::task::spawn_blocking(move || {
                let bytes = std::fs::read(file).map_err(|e| e.to_string())?;
                SettlementReport::read(&bytes).map(|report| report.epoch).map_err(|e| e.to_string())
            });
            let found = read.await.map_err(|e| wrong(e.to_string()))?.map_err(wrong)?;
            if found != *epoch {
                return Err(other(format!("the report of epoch {found}")));
            }
            Ok(None)
        }
    }
}
