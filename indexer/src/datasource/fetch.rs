//! Fetches single transactions from the node.

use super::error::SourceError;
use crate::ingest::TransactionRecord;
use openledger_sdk::events::NEWEST_TRANSACTION_VERSION;
use solana_client::{
    client_error::ClientError as Error, nonblocking::rpc_client::RpcClient, rpc_config::RpcTransactionConfig,
    rpc_request::RpcRequest,
};
use solana_commitment_config::CommitmentConfig;
use solana_signature::Signature;
use solana_transaction_status_client_types::{EncodedConfirmedTransactionWithStatusMeta, UiTransactionEncoding};
use std::time::Duration;

/// Milliseconds to wait before each try. A node notifies of a transaction up to a second before it can return it.
const PAUSES_MS: [u64; 7] = [0, 50, 100, 200, 400, 800, 1600];

/// Fetches and decodes a confirmed transaction. It tries several times, because a node may list a transaction before it
/// can return it.
pub async fn transaction(rpc: &RpcClient, signature: &str) -> Result<TransactionRecord, SourceError> {
    let parsed = parse(signature)?;
    let mut last = None;
    for pause in PAUSES_MS {
        tokio::time::sleep(Duration::from_millis(pause)).await;
        match find(rpc, &parsed).await {
            Ok(Some(tx)) => {
                let named = tx.transaction.transaction.decode().and_then(|t| t.signatures.first().copied());
                if named.is_some_and(|named| named != parsed) {
                    return Err(SourceError::Other(signature.into()));
                }
                return TransactionRecord::read(signature, &tx)
                    .map_err(|source| SourceError::Decode { signature: signature.into(), source });
            }
            Ok(None) => last = None,
            Err(error) => last = Some(error),
        }
    }
    Err(last.map_or_else(|| SourceError::Absent(signature.into()), SourceError::from))
}

/// Whether the node knows neither the status nor the content of a transaction.
pub async fn is_dropped(rpc: &RpcClient, signature: &str) -> Result<bool, SourceError> {
    let signature = parse(signature)?;
    let status = rpc.get_signature_statuses_with_history(&[signature]).await?.value;
    Ok(status.first().is_none_or(Option::is_none) && find(rpc, &signature).await?.is_none())
}

fn parse(signature: &str) -> Result<Signature, SourceError> {
    signature.parse().map_err(|_| SourceError::Signature(signature.into()))
}

/// Returns the transaction, or `None` if the node does not have it. (`RpcClient::get_transaction` would report that as
/// a parse error.)
async fn find(
    rpc: &RpcClient,
    signature: &Signature,
) -> Result<Option<EncodedConfirmedTransactionWithStatusMeta>, Error> {
    let config = RpcTransactionConfig {
        encoding: Some(UiTransactionEncoding::Base64),
        commitment: Some(CommitmentConfig::confirmed()),
        max_supported_transaction_version: Some(NEWEST_TRANSACTION_VERSION),
    };
    rpc.send(RpcRequest::GetTransaction, serde_json::json!([signature.to_string(), config])).await
}
