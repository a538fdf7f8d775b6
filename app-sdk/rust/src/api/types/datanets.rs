//! Datanets, their batches, and the contributions in them.

use super::super::schema::{
    Access, Address, BatchStatus, ContributionKind, GrantStatus, Hash, LeavesFrom, Modality, Signature, Uint64,
};
use crate::{amount::Amount, manifest::Leaf, printable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `GET /v1/datanets`, `GET /v1/datanets/{address}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Datanet {
    /// The account.
    #[schema(value_type = Address)]
    pub address: String,
    /// Owner or council.
    #[schema(value_type = Address)]
    pub owner: String,
    /// The number that its creator gave it. It is a string because it uses all 64 bits.
    #[schema(value_type = Uint64)]
    pub id: Amount,
    /// Name.
    pub name: String,
    /// URI of the description.
    pub metadata_uri: String,
    /// SHA-256 of the description.
    #[schema(value_type = Hash)]
    pub metadata_hash: String,
    /// SPDX licence expression.
    pub licence: String,
    /// `text`, `image`, `audio` or `table`.
    #[schema(value_type = Modality)]
    pub modality: String,
    /// `open` or `permissioned`.
    #[schema(value_type = Access)]
    pub access: String,
    /// Least bond of a batch.
    pub min_bond: Amount,
    /// Batches ever opened.
    pub batches: u64,
    /// Batches accepted.
    pub accepted: u64,
    /// Batches rejected or expired.
    pub rejected: u64,
    /// Contributions in accepted batches.
    pub contributions: u64,
    /// Number of distinct contributors with accepted batches.
    pub contributors: u64,
    /// Root of the range of accepted batches.
    #[schema(value_type = Hash)]
    pub root: String,
    /// Slot of creation.
    pub created_slot: u64,
    /// Transaction that created it.
    #[schema(value_type = Signature)]
    pub created_signature: String,
}

/// A leaf, as `GET /v1/datanets/{address}/contributions` lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Contribution {
    /// The leaf hash.
    #[schema(value_type = Hash)]
    pub leaf: String,
    /// Its Datanet.
    #[schema(value_type = Address)]
    pub datanet: String,
    /// Its batch account.
    #[schema(value_type = Address)]
    pub batch: String,
    /// Number of the batch in its Datanet, in order of opening.
    pub batch_index: u64,
    /// Its place in the batch.
    pub place: u64,
    /// The contributor's wallet.
    #[schema(value_type = Address)]
    pub contributor: String,
    /// `open`, `review`, `accepted`, `rejected` or `expired`.
    #[schema(value_type = BatchStatus)]
    pub status: String,
    /// The leaf's details from the manifest. They are there only of accepted batches of open Datanets, and only if the
    /// artifact store has the manifest.
    pub detail: Option<ContributionDetail>,
    /// Slot in which the leaf went on the ledger.
    pub slot: u64,
    /// Transaction that carries the leaf.
    #[schema(value_type = Signature)]
    pub signature: String,
}

/// A leaf's preimage and metadata from the batch's manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ContributionDetail {
    /// SHA-256 of the content.
    #[schema(value_type = Hash)]
    pub content: String,
    /// `document`, `label`, `correction` or `removal`.
    #[schema(value_type = ContributionKind)]
    pub kind: String,
    /// Leaf hash of the document that it is about.
    #[schema(value_type = Option<Hash>)]
    pub target: Option<String>,
    /// Title.
    pub title: String,
    /// Author.
    pub author: String,
    /// SPDX licence expression.
    pub licence: String,
    /// Where the content is from.
    pub source: String,
}

impl ContributionDetail {
    /// The details of a manifest's leaf, printable.
    pub fn of(leaf: &Leaf) -> Self {
        let text = |text: &str| printable(text).into_owned();
        Self {
            content: hex::encode(leaf.content),
            kind: leaf.kind.to_string(),
            target: leaf.target.map(hex::encode),
            title: text(&leaf.metadata.title),
            author: text(&leaf.metadata.author),
            licence: text(&leaf.metadata.licence),
            source: text(&leaf.metadata.source),
        }
    }
}

/// `GET /v1/contributions/{leaf}`: a leaf and, once its batch is accepted, the proof that it is in its Datanet's root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ContributionWithProof {
    /// The leaf.
    #[serde(flatten)]
    #[schema(inline)]
    pub contribution: Contribution,
    /// The proof, checkable offline by [`crate::proof::ContributionProof::verify`].
    pub proof: Option<crate::proof::ContributionProof>,
}

/// A validator's review of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Review {
    /// The validator's wallet.
    #[schema(value_type = Address)]
    pub validator: String,
    /// The verdict, once revealed.
    pub approve: Option<bool>,
    /// Quality in 0..=10,000, once revealed.
    pub quality: Option<u16>,
}

/// `GET /v1/batches/{address}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Batch {
    /// The account. It is closed once the batch is decided.
    #[schema(value_type = Address)]
    pub address: String,
    /// Its Datanet.
    #[schema(value_type = Address)]
    pub datanet: String,
    /// Its number in order of opening.
    pub index: u64,
    /// The contributor's wallet.
    #[schema(value_type = Address)]
    pub contributor: String,
    /// `open`, `review`, `accepted`, `rejected` or `expired`.
    #[schema(value_type = BatchStatus)]
    pub status: String,
    /// Number of contributions.
    pub count: u64,
    /// Bond in base units.
    pub bond: Amount,
    /// Root of its range, once submitted.
    #[schema(value_type = Option<Hash>)]
    pub root: Option<String>,
    /// SHA-256 of its manifest, once submitted.
    #[schema(value_type = Option<Hash>)]
    pub manifest: Option<String>,
    /// Last slot to commit, once submitted.
    pub commit_until: Option<u64>,
    /// Last slot to reveal, once submitted.
    pub reveal_until: Option<u64>,
    /// Its place in its Datanet's range, once accepted.
    pub place: Option<u64>,
    /// Mean quality of the approving verdicts, once accepted.
    pub quality: Option<u16>,
    /// The reviews of the validators that have committed.
    pub reviews: Vec<Review>,
    /// Slot of opening.
    pub opened_slot: u64,
    /// Slot of the decision.
    pub decided_slot: Option<u64>,
    /// Where its leaves are: `ledger`; or of a batch in bulk, of which the ledger has only the root: `manifest` once they
    /// were read from there and make the root, and before `waiting`, `absent` or `wrong`.
    #[schema(value_type = LeavesFrom)]
    pub leaves: String,
    /// Why the leaves could not be read, if they could not. They are looked for again.
    pub leaves_error: Option<String>,
}

/// `GET /v1/grants`, `GET /v1/grants/{address}`: a wallet's leave to train on a permissioned Datanet, or its request for
/// one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Grant {
    /// The account.
    #[schema(value_type = Address)]
    pub address: String,
    /// The Datanet.
    #[schema(value_type = Address)]
    pub datanet: String,
    /// The wallet that asked for it.
    #[schema(value_type = Address)]
    pub grantee: String,
    /// What for, in its own words.
    pub purpose: String,
    /// `requested`, `granted` or `revoked`.
    #[schema(value_type = GrantStatus)]
    pub status: String,
    /// Last slot in which it is live, or 0. It is a string, because its giver may choose any number of 64 bits.
    #[schema(value_type = Uint64)]
    pub expiry_slot: Amount,
    /// Number of jobs that used it.
    pub uses: u64,
    /// Slot of the request.
    pub requested_slot: u64,
    /// Slot of its last change.
    pub changed_slot: u64,
}
