//! The node's own HTTP face, beside the quorum's: its status, and requests to settle.

use crate::{node::Node, settlement::Proposal};
use anyhow::{Context, Result};
use ed25519_dalek::{Signature, VerifyingKey};
use serde::{Deserialize, Serialize};
use solana_signer::Signer;
use warp::{Filter, Rejection, Reply, http::StatusCode, reply::Response};

/// Head of the signed bytes.
const DOMAIN: &[u8] = b"openledger:settle:v1\0";

/// A member's request that an epoch be settled, signed by its identity key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SettleRequest {
    /// What to settle.
    pub proposal: Proposal,
    /// Wallet of the member that asks.
    pub operator: String,
    /// Its signature, hex.
    pub signature: String,
}

impl SettleRequest {
    /// Signs a proposal with a member's identity key.
    pub fn sign(proposal: Proposal, operator: String, identity: &solana_keypair::Keypair) -> Result<Self> {
        let signature = hex::encode(identity.sign_message(&bytes(&proposal)?));
        Ok(Self { proposal, operator, signature })
    }
}

fn bytes(proposal: &Proposal) -> Result<Vec<u8>> {
    Ok([DOMAIN, &openledger_sdk::canonical::to_vec(proposal)?].concat())
}

/// `GET /v1/status`, `POST /v1/settle`.
pub fn routes(node: Node) -> impl Filter<Extract = (impl Reply,), Error = Rejection> + Clone {
    let with = move || {
        let node = node.clone();
        warp::any().map(move || node.clone())
    };
    let status = warp::path!("v1" / "status")
        .and(warp::get())
        .and(with())
        .map(|node: Node| warp::reply::json(&node.status.get()));
    let settle = warp::path!("v1" / "settle")
        .and(warp::post())
        .and(with())
        .and(warp::body::content_length_limit(4096))
        .and(warp::body::json())
        .then(|node: Node, request: SettleRequest| async move { reply(settle(&node, request).await) });
    status.or(settle)
}

fn reply(result: Result<()>) -> Response {
    match result {
        Ok(()) => {
            warp::reply::with_status(warp::reply::json(&serde_json::json!({})), StatusCode::ACCEPTED).into_response()
        }
        Err(e) => {
            let body = serde_json::json!({ "error": format!("{e:#}") });
            warp::reply::with_status(warp::reply::json(&body), StatusCode::BAD_REQUEST).into_response()
        }
    }
}

async fn settle(node: &Node, request: SettleRequest) -> Result<()> {
    let operator: solana_pubkey::Pubkey = request.operator.parse().context("`operator` is not a wallet")?;
    let committee = node.chain.active_committee().await?;
    committee.place(&operator).with_context(|| format!("{operator} is not in the active committee"))?;
    let identities = node.identities().await?;
    let identity = identities.get(&operator).context("the operator is not registered")?;
    let mut signature = [0; 64];
    hex::decode_to_slice(&request.signature, &mut signature).context("`signature` is not 128 hex digits")?;
    VerifyingKey::from_bytes(&identity.to_bytes())?
        .verify_strict(&bytes(&request.proposal)?, &Signature::from_bytes(&signature))
        .context("the request is not signed by the operator's identity key")?;
    node.proposals.send(request.proposal).ok().context("the node is stopping")?;
    node.wake();
    Ok(())
}
