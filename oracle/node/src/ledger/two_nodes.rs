//! The ledger as one node shows it, or as two nodes agree on it.

use super::{
    batches::AcceptedBatch,
    error::LedgerError,
    reader::Reader,
    results::JobResult,
    shards::{Funding, PaidIn, Payment},
};
use anchor_lang::{AccountDeserialize, AnchorSerialize, Discriminator};
use openledger_sdk::{client::Client, pda};
use payout::state::Config;
use solana_pubkey::Pubkey;

/// The finalized ledger. With two nodes, both must give the same answer. A node that is behind makes an answer "not
/// yet", and never "no". Cheap to clone: all clones share what was read.
#[derive(Clone)]
pub struct Ledger {
    first: Reader,
    second: Option<Reader>,
}

impl Ledger {
    /// Reads from one node, or from two. Both clients must be at commitment `finalized`.
    pub fn new(first: Client, second: Option<Client>) -> Self {
        Self { first: Reader::new(first), second: second.map(Reader::new) }
    }

    /// The newest slot that every node has finalized.
    pub async fn finalized_slot(&self) -> Result<u64, LedgerError> {
        let first = self.first.slot().await?;
        match &self.second {
            Some(second) => Ok(first.min(second.slot().await?)),
            None => Ok(first),
        }
    }

    /// The payout program's config.
    pub async fn payout_config(&self) -> Result<Config, LedgerError> {
        self.account(&pda::payout_config(), "the payout config").await
    }

    /// An account that money follows from, as of the newest finalized slot. `what` names it in errors. Not yet, if it
    /// does not exist, or if it changed between the slots as of which the nodes answered.
    pub async fn account<T: AccountDeserialize + AnchorSerialize + Discriminator>(
        &self,
        address: &Pubkey,
        what: &str,
    ) -> Result<T, LedgerError> {
        let (slot, account) = self.first.node().account::<T>(address, what).await?;
        let Some(second) = &self.second else { return Ok(account) };
        let (other_slot, other) = second.node().account::<T>(address, what).await?;
        let bytes = |account: &T| borsh::to_vec(account).expect("an account fits into memory");
        if bytes(&account) == bytes(&other) {
            return Ok(account);
        }
        if slot != other_slot {
            let behind = if slot < other_slot { &self.first } else { second };
            return Err(behind.node().not_yet(format!("{what} changed between slots {slot} and {other_slot}")));
        }
        Err(self.disagreement(second, &format!("{what} {address} in slot {slot}")))
    }

    /// The payments for answers, and the debits of prepaid balances, after slot `after` and up to slot `until`, oldest
    /// first. None is missing: the events of each shard are numbered, and the shard's account says how many there are.
    ///
    /// Not yet, if `until` is not finalized or an event is missing. Calls with a growing `after` cost little, because
    /// what was read is kept.
    pub async fn payments(&self, after: u64, until: u64) -> Result<Vec<Payment>, LedgerError> {
        Ok(self.paid_in(after, until).await?.payments)
    }

    /// The payments into the pools that are not for answers. Otherwise like [`Ledger::payments`].
    pub async fn funding(&self, after: u64, until: u64) -> Result<Vec<Funding>, LedgerError> {
        Ok(self.paid_in(after, until).await?.funding)
    }

    /// The slot of the first payment for an answer, or first data share of a job, after slot `after` and up to slot
    /// `until`. Otherwise like [`Ledger::payments`].
    pub async fn first_payment(&self, after: u64, until: u64) -> Result<Option<u64>, LedgerError> {
        Ok(self.paid_in(after, until).await?.first_slot())
    }

    async fn paid_in(&self, after: u64, until: u64) -> Result<PaidIn, LedgerError> {
        let what = || format!("the payments after slot {after} and up to slot {until}");
        self.agreed(what, |reader| async move { reader.paid_in(after, until).await }).await
    }

    /// The results of a model's jobs that were attested up to slot `until`, in the order of the model's versions. Not
    /// yet, if `until` is not finalized or a version is missing.
    pub async fn job_results(&self, model: &Pubkey, until: u64) -> Result<Vec<JobResult>, LedgerError> {
        let (model, what) = (*model, || format!("the results of model {model}"));
        self.agreed(what, |reader| async move { reader.job_results(&model, until).await }).await
    }

    /// The first `count` accepted batches of a Datanet, in the order of acceptance: who approved each, and when it was
    /// handed in. Not yet, if one is missing.
    pub async fn accepted_batches(&self, datanet: &Pubkey, count: u64) -> Result<Vec<AcceptedBatch>, LedgerError> {
        let (datanet, what) = (*datanet, || format!("the first {count} accepted batches of Datanet {datanet}"));
        self.agreed(what, |reader| async move { reader.accepted_batches(&datanet, count).await }).await
    }

    /// What every node says, if they say the same.
    async fn agreed<T: PartialEq, F: Future<Output = Result<T, LedgerError>>>(
        &self,
        what: impl Fn() -> String,
        read: impl Fn(Reader) -> F,
    ) -> Result<T, LedgerError> {
        let Some(second) = &self.second else { return read(self.first.clone()).await };
        let (first, other) = tokio::join!(read(self.first.clone()), read(second.clone()));
        let (first, other) = (first?, other?);
        match first == other {
            true => Ok(first),
            false => Err(self.disagreement(second, &what())),
        }
    }

    fn disagreement(&self, second: &Reader, what: &str) -> LedgerError {
        LedgerError::Disagreement { first: self.first.node().name(), second: second.node().name(), what: what.into() }
    }
}
