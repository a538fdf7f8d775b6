//! The client of the indexer.

use super::{
    error::ApiError,
    types::{
        Balance, Batch, Challenge, ClaimProofs, Committee, Contribution, ContributionWithProof, Datanet, Delegation,
        ErrorBody, EventRow, Final, Funding, Grant, Insurance, InsurancePayment, Job, Model, Operator, Page, Proposal,
        ProposalDetail, ReceiptRow, Settlement, Slash, StakePool, Status, Vote, VoteLock, Wallet,
    },
};
use futures::StreamExt;
use openledger_protocol::Hash32;
use serde::de::DeserializeOwned;
use solana_pubkey::Pubkey;
use std::{collections::HashSet, time::Duration};

/// Most bytes of an answer. Who answers may be a stranger.
const MOST_BYTES: usize = 64 << 20;

/// Most items of a list that is read whole.
const MOST_ITEMS: usize = 2_000_000;

/// A client of the indexer's REST API. It is cheap to clone.
#[derive(Clone, Debug)]
pub struct IndexerClient {
    base: String,
    http: reqwest::Client,
}

impl IndexerClient {
    /// Makes a client. `base` is the URL without `/v1`, such as `http://127.0.0.1:8910`.
    pub fn new(base: impl Into<String>) -> Self {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(30)).build().unwrap_or_default();
        Self { base: base.into().trim_end_matches('/').to_owned(), http }
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ApiError> {
        let url = format!("{}/v1{path}", self.base);
        let response = self.http.get(&url).send().await;
        read(url, response).await
    }

    async fn get_opt<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, ApiError> {
        match self.get(path).await {
            Ok(found) => Ok(Some(found)),
            Err(ApiError::Refused { status: 404, .. }) => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Reads all pages of a list.
    async fn all<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>, ApiError> {
        let mut items = Vec::new();
        let mut next: Option<String> = None;
        let mut asked = HashSet::new();
        loop {
            let joint = if path.contains('?') { '&' } else { '?' };
            let page: Page<T> = match &next {
                None => self.get(path).await?,
                Some(cursor) => self.get(&format!("{path}{joint}cursor={cursor}")).await?,
            };
            items.extend(page.items);
            if items.len() > MOST_ITEMS {
                let (url, reason) = (format!("{}/v1{path}", self.base), format!("it has more than {MOST_ITEMS} items"));
                return Err(ApiError::Shape { url, reason });
            }
            match page.next {
                // A list that leads back to where it was has no end.
                Some(cursor) if !asked.insert(cursor.clone()) => {
                    let (url, reason) = (format!("{}/v1{path}", self.base), format!("cursor {cursor} comes twice"));
                    return Err(ApiError::Shape { url, reason });
                }
                Some(cursor) => next = Some(cursor),
                None => return Ok(items),
            }
        }
    }

    /// `GET /v1/status`.
    pub async fn status(&self) -> Result<Status, ApiError> {
        self.get("/status").await
    }

    /// `GET /v1/datanets`, all of them.
    pub async fn datanets(&self) -> Result<Vec<Datanet>, ApiError> {
        self.all("/datanets").await
    }

    /// `GET /v1/datanets/{address}`.
    pub async fn datanet(&self, address: &Pubkey) -> Result<Option<Datanet>, ApiError> {
        self.get_opt(&format!("/datanets/{address}")).await
    }

    /// `GET /v1/datanets/{address}/contributions`, all of them.
    pub async fn contributions(&self, datanet: &Pubkey) -> Result<Vec<Contribution>, ApiError> {
        self.all(&format!("/datanets/{datanet}/contributions")).await
    }

    /// `GET /v1/contributions/{leaf}`.
    pub async fn contribution(&self, leaf: &Hash32) -> Result<Option<ContributionWithProof>, ApiError> {
        self.get_opt(&format!("/contributions/{}", hex::encode(leaf))).await
    }

    /// `GET /v1/batches/{address}`.
    pub async fn batch(&self, address: &Pubkey) -> Result<Option<Batch>, ApiError> {
        self.get_opt(&format!("/batches/{address}")).await
    }

    /// `GET /v1/batches`, the accepted ones of a Datanet, all of them.
    pub async fn accepted_batches(&self, datanet: &Pubkey) -> Result<Vec<Batch>, ApiError> {
        self.batches(datanet, "accepted").await
    }

    /// `GET /v1/batches`, those of a Datanet that have the status, all of them.
    pub async fn batches(&self, datanet: &Pubkey, status: &str) -> Result<Vec<Batch>, ApiError> {
        self.all(&format!("/batches?datanet={datanet}&status={status}")).await
    }

    /// `GET /v1/models`, all of them.
    pub async fn models(&self) -> Result<Vec<Model>, ApiError> {
        self.all("/models").await
    }

    /// `GET /v1/models/{address}`.
    pub async fn model(&self, address: &Pubkey) -> Result<Option<Model>, ApiError> {
        self.get_opt(&format!("/models/{address}")).await
    }

    /// `GET /v1/jobs`, all of them.
    pub async fn jobs(&self) -> Result<Vec<Job>, ApiError> {
        self.all("/jobs").await
    }

    /// `GET /v1/jobs`, all of one model.
    pub async fn jobs_of(&self, model: &Pubkey) -> Result<Vec<Job>, ApiError> {
        self.all(&format!("/jobs?model={model}")).await
    }

    /// `GET /v1/jobs/{address}`.
    pub async fn job(&self, address: &Pubkey) -> Result<Option<Job>, ApiError> {
        self.get_opt(&format!("/jobs/{address}")).await
    }

    /// `GET /v1/receipts`, all of them.
    pub async fn receipts(&self) -> Result<Vec<ReceiptRow>, ApiError> {
        self.all("/receipts").await
    }

    /// `GET /v1/receipts`, the payments after slot `after` and not after slot `until`.
    pub async fn receipts_between(&self, after: u64, until: u64) -> Result<Vec<ReceiptRow>, ApiError> {
        self.all(&format!("/receipts?{}", between(after, until))).await
    }

    /// `GET /v1/funding`, the payments after slot `after` and not after slot `until`.
    pub async fn funding_between(&self, after: u64, until: u64) -> Result<Vec<Funding>, ApiError> {
        self.all(&format!("/funding?{}", between(after, until))).await
    }

    /// `GET /v1/funding`, all payments into the pools besides fees.
    pub async fn funding(&self) -> Result<Vec<Funding>, ApiError> {
        self.all("/funding").await
    }

    /// `GET /v1/receipts/{request}`, with the answer.
    pub async fn receipt(&self, request: &Hash32) -> Result<Option<ReceiptRow>, ApiError> {
        self.get_opt(&format!("/receipts/{}", hex::encode(request))).await
    }

    /// `GET /v1/settlements`, all of them.
    pub async fn settlements(&self) -> Result<Vec<Settlement>, ApiError> {
        self.all("/settlements").await
    }

    /// `GET /v1/settlements/{epoch}`.
    pub async fn settlement(&self, epoch: u64) -> Result<Option<Settlement>, ApiError> {
        self.get_opt(&format!("/settlements/{epoch}")).await
    }

    /// `GET /v1/claims/{wallet}`.
    pub async fn claims(&self, wallet: &Pubkey) -> Result<ClaimProofs, ApiError> {
        self.get(&format!("/claims/{wallet}")).await
    }

    /// `GET /v1/wallets/{wallet}`.
    pub async fn wallet(&self, wallet: &Pubkey) -> Result<Wallet, ApiError> {
        self.get(&format!("/wallets/{wallet}")).await
    }

    /// `GET /v1/operators`, all of them.
    pub async fn operators(&self) -> Result<Vec<Operator>, ApiError> {
        self.all("/operators").await
    }

    /// `GET /v1/committees`, all of them.
    pub async fn committees(&self) -> Result<Vec<Committee>, ApiError> {
        self.all("/committees").await
    }

    /// `GET /v1/pools`, all pools of delegations.
    pub async fn stake_pools(&self) -> Result<Vec<Final<StakePool>>, ApiError> {
        self.all("/pools").await
    }

    /// `GET /v1/delegations`, all of one delegator.
    pub async fn delegations_of(&self, owner: &Pubkey) -> Result<Vec<Final<Delegation>>, ApiError> {
        self.all(&format!("/delegations?owner={owner}")).await
    }

    /// `GET /v1/delegations`, all to one operator's wallet.
    pub async fn delegations_to(&self, operator: &Pubkey) -> Result<Vec<Final<Delegation>>, ApiError> {
        self.all(&format!("/delegations?operator={operator}")).await
    }

    /// `GET /v1/balances`: what a wallet has paid ahead. `None` if it never did.
    pub async fn prepaid_balance(&self, owner: &Pubkey) -> Result<Option<Final<Balance>>, ApiError> {
        Ok(self.all(&format!("/balances?owner={owner}")).await?.into_iter().next())
    }

    /// `GET /v1/challenges`, all of them.
    pub async fn challenges(&self) -> Result<Vec<Final<Challenge>>, ApiError> {
        self.all("/challenges").await
    }

    /// `GET /v1/grants`, all of one Datanet.
    pub async fn grants_of(&self, datanet: &Pubkey) -> Result<Vec<Final<Grant>>, ApiError> {
        self.all(&format!("/grants?datanet={datanet}")).await
    }

    /// `GET /v1/grants`, all that one wallet has asked for.
    pub async fn grants_for(&self, grantee: &Pubkey) -> Result<Vec<Final<Grant>>, ApiError> {
        self.all(&format!("/grants?grantee={grantee}")).await
    }

    /// `GET /v1/slashes`, all of them.
    pub async fn slashes(&self) -> Result<Vec<Final<Slash>>, ApiError> {
        self.all("/slashes").await
    }

    /// `GET /v1/insurance`.
    pub async fn insurance(&self) -> Result<Final<Insurance>, ApiError> {
        self.get("/insurance").await
    }

    /// `GET /v1/insurance/payments`, all of them.
    pub async fn insurance_payments(&self) -> Result<Vec<Final<InsurancePayment>>, ApiError> {
        self.all("/insurance/payments").await
    }

    /// `GET /v1/proposals`, all of them.
    pub async fn proposals(&self) -> Result<Vec<Final<Proposal>>, ApiError> {
        self.all("/proposals").await
    }

    /// `GET /v1/proposals/{address}`, with its instructions.
    pub async fn proposal(&self, address: &Pubkey) -> Result<Option<Final<ProposalDetail>>, ApiError> {
        self.get_opt(&format!("/proposals/{address}")).await
    }

    /// `GET /v1/votes`, all on one proposal.
    pub async fn votes_on(&self, proposal: &Pubkey) -> Result<Vec<Final<Vote>>, ApiError> {
        self.all(&format!("/votes?proposal={proposal}")).await
    }

    /// `GET /v1/locks`: what a wallet has locked for votes. `None` if it never did.
    pub async fn vote_lock(&self, owner: &Pubkey) -> Result<Option<Final<VoteLock>>, ApiError> {
        Ok(self.all(&format!("/locks?owner={owner}")).await?.into_iter().next())
    }

    /// `GET /v1/events?after=`: the next events after row `after` (0 for the beginning), oldest first.
    pub async fn events(&self, after: u64) -> Result<Page<EventRow>, ApiError> {
        self.get(&format!("/events?after={after}")).await
    }
}

/// Returns the query parameters of a range of slots. Both are capped at `i64::MAX`, because the API refuses larger
/// slots.
fn between(after: u64, until: u64) -> String {
    let bound = |slot: u64| slot.min(i64::MAX as u64);
    format!("after_slot={}&until_slot={}", bound(after), bound(until))
}

/// Reads a service's JSON answer, or the reason of its refusal.
pub(super) async fn read<T: DeserializeOwned>(
    url: String,
    response: Result<reqwest::Response, reqwest::Error>,
) -> Result<T, ApiError> {
    let response = match response {
        Ok(r) => r,
        Err(source) => return Err(ApiError::Unreachable { url, source }),
    };
    let status = response.status();
    let (mut bytes, mut chunks) = (Vec::new(), response.bytes_stream());
    while let Some(chunk) = chunks.next().await {
        match chunk {
            Ok(chunk) if bytes.len() + chunk.len() <= MOST_BYTES => bytes.extend_from_slice(&chunk),
            Ok(_) => {
                let reason = format!("it is longer than {} MiB", MOST_BYTES >> 20);
                return Err(ApiError::Shape { url, reason });
            }
            Err(source) => return Err(ApiError::Unreachable { url, source }),
        }
    }
    if !status.is_success() {
        let message = serde_json::from_slice::<ErrorBody>(&bytes)
            .map_or_else(|_| String::from_utf8_lossy(&bytes).into_owned(), |b| b.error);
        return Err(ApiError::Refused { url, status: status.as_u16(), message });
    }
    serde_json::from_slice(&bytes).map_err(|e| ApiError::Shape { url, reason: e.to_string() })
}
