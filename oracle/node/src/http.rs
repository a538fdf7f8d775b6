//! The node's own HTTP interface, beside the quorum's: its status, and requests to settle.

use crate::{
    operator::{Board, Chain, Changes},
    settlement::Proposal,
};
use anyhow::{Context, Result};
use ed25519_dalek::{Signature, VerifyingKey};
use openledger_sdk::text::parse_signature;
use serde::{Deserialize, Serialize};
use solana_signer::Signer;
use tokio::sync::mpsc::UnboundedSender;
use warp::{Filter, Rejection, Reply, http::StatusCode, reply::Response};

/// Prefix of the signed bytes.
const DOMAIN: &[u8] = b"openledger:settle:v1\0";

/// A member's request to settle an epoch, signed by its identity key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SettleRequest {
    /// What to settle.
    pub proposal: Proposal,
    /// Wallet of the member that makes the request.
    pub operator: String,
    /// The member's signature, hex.
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

/// What the HTTP handlers use. Cheap to clone.
#[derive(Clone)]
pub struct Face {
    /// What the node is doing.
    pub status: Board,
    /// Reads who is in the committee.
    pub chain: Chain,
    /// Receives the settlements that members request.
    pub proposals: UnboundedSender<Proposal>,
    /// Wakes the task that settles them.
    pub changes: Changes,
}

/// `GET /v1/status` and `POST /v1/settle`.
pub fn routes(face: Face) -> impl Filter<Extract = (impl Reply,), Error = Rejection> + Clone {
    let with = move || {
        let face = face.clone();
        warp::any().map(move || face.clone())
    };
    let status = warp::path!("v1" / "status")
        .and(warp::get())
        .and(with())
        .map(|face: Face| warp::reply::json(&face.status.get()));
    let settle = warp::path!("v1" / "settle")
        .and(warp::post())
        .and(with())
        .and(warp::body::content_length_limit(4096))
        .and(warp::body::json())
        .then(|face: Face, request: SettleRequest| async move { reply(settle(&face, request).await) });
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

async fn settle(face: &Face, request: SettleRequest) -> Result<()> {
    let operator: solana_pubkey::Pubkey = request.operator.parse().context("`operator` is not a wallet")?;
    let committee = face.chain.active_committee().await?;
    committee.place(&operator).with_context(|| format!("{operator} is not in the active committee"))?;
    let identities = face.chain.identities().await?;
    let identity = identities.get(&operator).context("the operator is not registered")?;
    let signature = parse_signature(&request.signature).context("`signature`")?;
    VerifyingKey::from_bytes(&identity.to_bytes())?
        .verify_strict(&bytes(&request.proposal)?, &Signature::from_bytes(&signature))
        .context("the request is not signed by the operator's identity key")?;
    face.proposals.send(request.proposal).ok().context("the node is stopping")?;
    face.changes.announce();
    Ok(())
}
