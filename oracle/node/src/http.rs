//! The node's own HTTP interface, beside the quorum's: its status, and requests to look whether an epoch is due.

use crate::operator::{Board, Chain, Changes};
use anyhow::{Context, Result, ensure};
use ed25519_dalek::{Signature, VerifyingKey};
use openledger_sdk::text::parse_signature;
use serde::{Deserialize, Serialize};
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use tokio::sync::mpsc::UnboundedSender;
use warp::{Filter, Rejection, Reply, http::StatusCode, reply::Response};

/// Prefix of the signed bytes.
const DOMAIN: &[u8] = b"openledger:settle:v2\0";
/// Most slots between the making of a request and its arrival: about a minute. An older one may be a repetition.
const FRESH_SLOTS: u64 = 150;

/// A member's request to look now whether an epoch is to be settled, signed by its identity key. It does not say what to
/// settle: each member works that out from the chain.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettleRequest {
    /// The slot in which the request was made.
    pub slot: u64,
    /// Wallet of the member that makes the request.
    pub operator: String,
    /// The member's signature, hex.
    pub signature: String,
}

impl SettleRequest {
    /// Signs a request in `slot` with a member's identity key.
    pub fn sign(slot: u64, operator: String, identity: &solana_keypair::Keypair) -> Self {
        Self { slot, operator, signature: hex::encode(identity.sign_message(&bytes(slot))) }
    }

    /// Fails unless the request was made about `slot` and is signed by `identity`.
    fn check(&self, slot: u64, identity: &Pubkey) -> Result<()> {
        ensure!(
            self.slot.abs_diff(slot) <= FRESH_SLOTS,
            "the request was made in slot {}, and it is slot {slot}: ask again",
            self.slot
        );
        let signature = parse_signature(&self.signature).context("`signature`")?;
        VerifyingKey::from_bytes(&identity.to_bytes())?
            .verify_strict(&bytes(self.slot), &Signature::from_bytes(&signature))
            .context("the request is not signed by the operator's identity key")
    }
}

fn bytes(slot: u64) -> Vec<u8> {
    [DOMAIN, &slot.to_le_bytes()].concat()
}

/// What the HTTP handlers use. Cheap to clone.
#[derive(Clone)]
pub struct Face {
    /// What the node is doing.
    pub status: Board,
    /// Reads who is in the committee.
    pub chain: Chain,
    /// Receives the requests to look.
    pub look: UnboundedSender<()>,
    /// Wakes the task that settles.
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
    let operator: Pubkey = request.operator.parse().context("`operator` is not a wallet")?;
    let committee = face.chain.active_committee().await?;
    committee.place(&operator).with_context(|| format!("{operator} is not in the active committee"))?;
    let identities = face.chain.identities().await?;
    let identity = identities.get(&operator).context("the operator is not registered")?;
    request.check(face.chain.client.slot().await?, identity)?;
    face.look.send(()).ok().context("the node is stopping")?;
    face.changes.announce();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use solana_keypair::Keypair;

    #[test]
    fn a_request_counts_for_a_minute_and_from_its_signer_alone() {
        let identity = Keypair::new();
        let request = SettleRequest::sign(1_000, "operator".into(), &identity);
        for slot in [850, 1_000, 1_150] {
            request.check(slot, &identity.pubkey()).unwrap();
        }
        for slot in [849, 1_151] {
            assert!(format!("{:#}", request.check(slot, &identity.pubkey()).unwrap_err()).contains("ask again"));
        }
        assert!(request.check(1_000, &Keypair::new().pubkey()).is_err());
        let moved = SettleRequest { slot: 1_100, ..request };
        assert!(moved.check(1_100, &identity.pubkey()).is_err(), "the slot is signed");
    }

    #[test]
    fn a_request_cannot_say_what_to_settle() {
        let request = SettleRequest::sign(1_000, "operator".into(), &Keypair::new());
        let mut json = serde_json::to_value(&request).unwrap();
        serde_json::from_value::<SettleRequest>(json.clone()).unwrap();
        json["proposal"] = serde_json::json!({ "epoch": 1, "cutoff_slot": 90 });
        assert!(serde_json::from_value::<SettleRequest>(json).is_err());
    }
}
