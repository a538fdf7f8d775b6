//! Checks that an artifact is what its name says.

use super::refusal::Refusal;
use openledger_sdk::{
    artifact::{Audit, SettlementReport},
    receipt::Answer,
    store::Key,
};
use solana_pubkey::Pubkey;
use std::path::Path;

/// Fails unless the file holds what `key` names, signed by the operator's `identity` where the artifact is signed.
pub async fn check(key: &Key, file: &Path, identity: Option<&Pubkey>) -> Result<(), Refusal> {
    // The other kinds are short: their lengths are limited.
    let read = async || tokio::fs::read(file).await;
    let wrong = |reason: String| Refusal::content(format!("it is not what {key} names: {reason}"));
    let other = |found: String| wrong(format!("it is {found}"));
    match key {
        Key::Blob(_) => Ok(()),
        Key::Answer(request) => {
            let answer: Answer = serde_json::from_slice(&read().await?).map_err(|e| wrong(e.to_string()))?;
            if answer.request != *request {
                return Err(other(format!("an answer to request {}", hex::encode(answer.request))));
            }
            let identity = identity.ok_or_else(|| wrong("its operator is not registered".into()))?;
            answer.verify(identity).map_err(|e| wrong(e.to_string()))
        }
        Key::Audit { epoch, operator } => {
            let audit: Audit = serde_json::from_slice(&read().await?).map_err(|e| wrong(e.to_string()))?;
            if (audit.epoch, audit.operator) != (*epoch, *operator) {
                return Err(other(format!("an audit of epoch {} by {}", audit.epoch, audit.operator)));
            }
            if !identity.is_some_and(|identity| audit.is_by(identity)) {
                return Err(wrong(format!("{operator} has not signed it with its identity key")));
            }
            Ok(())
        }
        Key::Report { epoch, .. } => {
            let report = SettlementReport::read(&read().await?).map_err(|e| wrong(e.to_string()))?;
            if report.epoch != *epoch {
                return Err(other(format!("the report of epoch {}", report.epoch)));
            }
            Ok(())
        }
    }
}
