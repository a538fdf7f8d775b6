//! A client of a Solana node. It sends transactions so that each is executed at most once, and reads typed accounts.

mod budget;
mod form;

pub use budget::{PriorityFee, SendOptions, Sending};
pub use form::{Room, fits};

use crate::{
    account_kind,
    error::{SdkError, explain, is_transient, lacking_lamports},
    events::NEWEST_TRANSACTION_VERSION,
    wait::Wait,
    wallet::AnySigner,
};
use anchor_lang::{AccountDeserialize, Discriminator};
use budget::Budget;
use form::{compile, programs};
use serde_json::json;
use solana_account_decoder_client_types::{UiAccount, UiAccountEncoding};
use solana_client::{
    client_error::ClientErrorKind as ErrorKind,
    nonblocking::rpc_client::RpcClient,
    rpc_client::GetConfirmedSignaturesForAddress2Config,
    rpc_config::{
        RpcAccountInfoConfig, RpcProgramAccountsConfig, RpcSendTransactionConfig, RpcSimulateTransactionConfig,
        RpcTransactionConfig,
    },
    rpc_filter::{Memcmp, RpcFilterType},
    rpc_request::{RpcError, RpcRequest, RpcResponseErrorData},
    rpc_response::Response,
};
use solana_commitment_config::CommitmentConfig;
use solana_hash::Hash;
use solana_instruction::Instruction;
use solana_message::VersionedMessage;
use solana_program_pack::Pack;
use solana_pubkey::{Pubkey, pubkey};
use solana_signature::Signature;
use solana_transaction::versioned::VersionedTransaction;
use solana_transaction_error::TransactionError;
use solana_transaction_status_client_types::{
    EncodedConfirmedTransactionWithStatusMeta, UiTransactionEncoding, option_serializer::OptionSerializer,
};
use std::{
    collections::VecDeque,
    str::FromStr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// Most times that a transaction is signed. It is signed again, over a new blockhash, after its blockhash has expired.
const ATTEMPTS: u32 = 5;
/// How long one signed transaction is awaited. Its blockhash is valid for less.
const LANDS_WITHIN: Duration = Duration::from_secs(180);
/// How long a newer blockhash is awaited.
const BLOCKHASH_WITHIN: Duration = Duration::from_secs(60);
/// How long a read is repeated while the connection fails, unless a client says otherwise.
const PATIENCE: Duration = Duration::from_secs(10);
/// Time after which a transaction that has not landed is sent again.
const RESEND: Duration = Duration::from_secs(2);
/// Blocks beyond the last one in which a transaction can land before it counts as expired. Nodes may differ by some.
const MARGIN: u64 = 32;
/// Number of sent signatures that are remembered. They show when a new transaction would be equal to an earlier one.
const REMEMBERED: usize = 256;

/// The feature gate of transactions of version 1, `enable_tx_v1` (SIMD-0385). Its account says from which slot on it is
/// active: a byte that is 1, and the slot.
const V1_FEATURE: Pubkey = pubkey!("txv1aq4pp281K9um3tnPgkfX8UqtFT6wcVW3hNezGLL");

/// Most accounts for which a node tells the recent fees.
const MOST_FEE_ACCOUNTS: usize = 128;

/// Lamports that a transaction costs at least.
const LEAST_FEE: u64 = 5_000;
/// Lamports that a wallet must keep, if it keeps any.
const LEAST_BALANCE: u64 = 890_880;

/// Most signatures in one answer of a node.
pub const SIGNATURES_PAGE: usize = 1000;

/// A transaction as a node lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedTransaction {
    /// Its first signature.
    pub signature: Signature,
    /// Its slot.
    pub slot: u64,
    /// Its place in its slot, if the node gives it.
    pub index: Option<u32>,
    /// Whether it failed, and so changed nothing.
    pub failed: bool,
}

/// How one signed transaction is awaited.
#[derive(Clone, Copy, Debug)]
struct Landing {
    within: Duration,
    resend: Duration,
}

/// Is told each signature before its transaction is sent.
type Herald = dyn Fn(&Signature) + Send + Sync;

/// A connection to a node. It is cheap to clone.
#[derive(Clone)]
pub struct Client {
    rpc: Arc<RpcClient>,
    ws_url: String,
    sending: Sending,
    patience: Duration,
    landing: Landing,
    herald: Option<Arc<Herald>>,
    sent: Arc<Mutex<VecDeque<Signature>>>,
    /// Whether the cluster is known to take version 1. What it does not take yet, it may take later.
    takes_v1: Arc<AtomicBool>,
    /// Newest slot in which a transaction of this client landed, 0 before the first.
    landed: Arc<AtomicU64>,
}

/// What is to be signed, without its budget and its blockhash.
struct Draft<'a> {
    payer: Pubkey,
    instructions: &'a [Instruction],
    room: Room,
}

impl Draft<'_> {
    fn message(&self, budget: Budget, blockhash: Hash) -> Result<VersionedMessage, SdkError> {
        compile(&self.payer, self.instructions, budget, self.room, blockhash)
    }
}

impl Client {
    /// Connects to a node's JSON-RPC and WebSocket addresses, at commitment `confirmed`.
    pub fn new(rpc_url: impl Into<String>, ws_url: impl Into<String>) -> Self {
        Self::with_commitment(rpc_url, ws_url, CommitmentConfig::confirmed())
    }

    /// Like [`Client::new`], at another commitment.
    pub fn with_commitment(
        rpc_url: impl Into<String>,
        ws_url: impl Into<String>,
        commitment: CommitmentConfig,
    ) -> Self {
        Self {
            rpc: Arc::new(RpcClient::new_with_commitment(rpc_url.into(), commitment)),
            ws_url: ws_url.into(),
            sending: Sending::default(),
            patience: PATIENCE,
            landing: Landing { within: LANDS_WITHIN, resend: RESEND },
            herald: None,
            sent: Arc::default(),
            takes_v1: Arc::default(),
            landed: Arc::default(),
        }
    }

    /// The same connection with another way of setting compute budgets. By default transactions set none.
    pub fn with_sending(self, sending: Sending) -> Self {
        Self { sending, ..self }
    }

    /// The same connection with another patience: how long a read is repeated while the connection fails. It is ten seconds
    /// by default.
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// The same connection, which tells `herald` each signature before the transaction is sent. Whoever notes it can look for
    /// the transaction even if this process ends.
    pub fn with_herald(self, herald: impl Fn(&Signature) + Send + Sync + 'static) -> Self {
        Self { herald: Some(Arc::new(herald)), ..self }
    }

    /// The raw RPC client, for requests that this type does not offer.
    pub fn rpc(&self) -> &RpcClient {
        &self.rpc
    }

    /// The WebSocket address.
    pub fn ws_url(&self) -> &str {
        &self.ws_url
    }

    /// The commitment of reads and confirmations.
    pub fn commitment(&self) -> CommitmentConfig {
        self.rpc.commitment()
    }

    /// The current slot.
    pub async fn slot(&self) -> Result<u64, SdkError> {
        Ok(self.rpc.get_slot().await?)
    }

    /// The newest slot in which a transaction landed that this client or a clone of it sent.
    pub fn landed_slot(&self) -> Option<u64> {
        Some(self.landed.load(Ordering::Relaxed)).filter(|slot| *slot > 0)
    }

    /// Lamports that an account with this many bytes of data must have.
    pub async fn rent(&self, bytes: usize) -> Result<u64, SdkError> {
        self.retry_read(|| self.rpc.get_minimum_balance_for_rent_exemption(bytes)).await
    }

    // --- sending -------------------------------------------------------------------------------------------------

    /// How large the transactions may be that these wallets sign. The cluster is asked whether it takes version 1. A device
    /// that shows what it signs gets legacy transactions alone, because it may know no others.
    pub async fn room(&self, signers: &[&AnySigner]) -> Result<Room, SdkError> {
        if signers.iter().any(|signer| signer.is_interactive()) {
            return Ok(Room::Legacy);
        }
        if !self.takes_v1.load(Ordering::Relaxed) {
            let gate = self.data(&V1_FEATURE).await?;
            if gate.is_none_or(|data| data.first() != Some(&1)) {
                return Ok(Room::Legacy);
            }
            self.takes_v1.store(true, Ordering::Relaxed);
        }
        Ok(Room::V1)
    }

    /// Calls [`Client::send_with`] with the default options.
    pub async fn send(&self, instructions: &[Instruction], signers: &[&AnySigner]) -> Result<Signature, SdkError> {
        self.send_with(instructions, signers, SendOptions::default()).await
    }

    /// Signs a transaction, sends it and waits until it is confirmed. The first signer pays the fees. Returns the
    /// signature, or why a program or the runtime refused.
    ///
    /// The instructions are executed at most once. After a lost connection the *same* signed transaction is sent again.
    /// It is signed anew only after its blockhash has expired and the node has said that it did not land. Fails with
    /// [`SdkError::NotLanded`] after several such blockhashes, and with [`SdkError::Unknown`] if no node says what became of
    /// a transaction.
    pub async fn send_with(
        &self,
        instructions: &[Instruction],
        signers: &[&AnySigner],
        options: SendOptions,
    ) -> Result<Signature, SdkError> {
        let payer =
            *signers.first().ok_or_else(|| SdkError::Input("a transaction needs at least one signer".into()))?;
        let price = match options.compute_unit_price {
            None => self.sending.priority.price(self.recent_fees(instructions).await),
            stated => stated,
        };
        let simulate = options.compute_units.is_none() && self.sending.simulate;
        let mut budget = Budget { units: options.compute_units, price };
        if simulate {
            budget.units = Some(budget::MOST_UNITS);
        }
        let room = match fits(&payer.pubkey(), &budget.before(instructions)) {
            true => Room::Legacy,
            false => self.room(signers).await?,
        };
        let draft = Draft { payer: payer.pubkey(), instructions, room };
        if simulate {
            let mark = rand::random();
            budget.units = self.simulated(&draft, budget).await?.map(|used| budget::limit(used, mark));
        }

        for _ in 0..ATTEMPTS {
            let (transaction, last_valid) = self.sign(&draft, budget, signers).await?;
            if let Some(herald) = &self.herald {
                herald(&transaction.signatures[0]);
            }
            if let Some(result) = self.land(&transaction, last_valid).await? {
                return result;
            }
            tracing::debug!(signature = %transaction.signatures[0], "blockhash expired, signing anew");
        }
        Err(SdkError::NotLanded { attempts: ATTEMPTS })
    }

    /// Compute units that a transaction uses with the budget `most`, if the node says. Fails if the simulation shows that a
    /// program or the runtime would refuse.
    async fn simulated(&self, draft: &Draft<'_>, most: Budget) -> Result<Option<u64>, SdkError> {
        let message = draft.message(most, Hash::default())?;
        let programs = programs(&message);
        let signatures = vec![Signature::default(); usize::from(message.header().num_required_signatures)];
        let transaction = VersionedTransaction { signatures, message };
        let config = || RpcSimulateTransactionConfig {
            sig_verify: false,
            replace_recent_blockhash: true,
            commitment: Some(self.commitment()),
            encoding: Some(UiTransactionEncoding::Base64),
            ..Default::default()
        };
        let result = self.retry_read(|| self.rpc.simulate_transaction_with_config(&transaction, config())).await?.value;
        if let Some(error) = result.err {
            let logs = result.logs.unwrap_or_default();
            return Err(self.refused(&error.into(), &programs, &logs, &draft.payer).await);
        }
        Ok(result.units_consumed)
    }

    /// What transactions on the same accounts paid lately, in micro-lamports per compute unit. Nothing if the node does not
    /// say, because a fee is no reason not to send.
    async fn recent_fees(&self, instructions: &[Instruction]) -> Vec<u64> {
        if !matches!(self.sending.priority, PriorityFee::Recent { .. }) {
            return Vec::new();
        }
        let accounts = instructions.iter().flat_map(|i| &i.accounts);
        let mut written: Vec<Pubkey> = accounts.filter(|a| a.is_writable).map(|a| a.pubkey).collect();
        written.sort_unstable();
        written.dedup();
        written.truncate(MOST_FEE_ACCOUNTS);
        let fees = self.rpc.get_recent_prioritization_fees(&written).await.unwrap_or_default();
        fees.into_iter().map(|f| f.prioritization_fee).collect()
    }

    /// Explains a refusal. If `payer` lacks SOL, the error says how much it has and needs.
    async fn refused(
        &self,
        error: &TransactionError,
        programs: &[Pubkey],
        logs: &[String],
        payer: &Pubkey,
    ) -> SdkError {
        let needs = match (lacking_lamports(logs), error) {
            (Some((_, needs)), _) => needs,
            (None, TransactionError::AccountNotFound | TransactionError::InsufficientFundsForFee) => LEAST_FEE,
            (None, TransactionError::InsufficientFundsForRent { .. }) => LEAST_BALANCE,
            _ => return explain(error, programs, logs),
        };
        match self.retry_read(|| self.rpc.get_balance_with_commitment(payer, self.commitment())).await {
            Ok(has) => SdkError::NoSol { wallet: *payer, has: has.value, needs },
            Err(_) => explain(error, programs, logs),
        }
    }

    /// Signs over the latest blockhash. If the very same transaction was sent before, it waits for a newer blockhash,
    /// because the runtime would take the second transaction for a repetition of the first. Returns the transaction and
    /// the last block height at which it can land.
    async fn sign(
        &self,
        draft: &Draft<'_>,
        budget: Budget,
        signers: &[&AnySigner],
    ) -> Result<(VersionedTransaction, u64), SdkError> {
        let mut wait = Wait::new("a newer blockhash, because the same transaction was sent before", BLOCKHASH_WITHIN);
        loop {
            let (blockhash, last_valid) =
                self.retry_read(|| self.rpc.get_latest_blockhash_with_commitment(self.commitment())).await?;
            let message = draft.message(budget, blockhash)?;
            let transaction = VersionedTransaction { signatures: signatures(&message, signers)?, message };
            let signature = transaction.signatures[0];
            {
                let mut sent = self.sent.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                if !sent.contains(&signature) {
                    sent.push_back(signature);
                    if sent.len() > REMEMBERED {
                        sent.pop_front();
                    }
                    return Ok((transaction, last_valid));
                }
            }
            wait.pause().await?;
        }
    }

    /// Sends one signed transaction until its outcome is known. Returns `None` if it did not land and no longer can. Once it
    /// has been sent, no error of a node says that it did not land: the question is repeated.
    async fn land(
        &self,
        transaction: &VersionedTransaction,
        last_valid: u64,
    ) -> Result<Option<Result<Signature, SdkError>>, SdkError> {
        let signature = transaction.signatures[0];
        let payer = transaction.message.static_account_keys().first().copied().unwrap_or_default();
        let programs = programs(&transaction.message);
        let Landing { within, resend } = self.landing;
        let mut wait = Wait::new("the transaction", within);
        let mut preflight = true;
        let mut sent_at: Option<Instant> = None;
        loop {
            if sent_at.is_none_or(|t| t.elapsed() >= resend) {
                let config = RpcSendTransactionConfig {
                    skip_preflight: !preflight,
                    preflight_commitment: Some(self.commitment().commitment),
                    encoding: Some(UiTransactionEncoding::Base64),
                    ..Default::default()
                };
                match self.rpc.send_transaction_with_config(transaction, config).await {
                    Ok(_) => preflight = false,
                    Err(e) if is_transient(&e) => {
                        tracing::debug!(%signature, error = %e, "sending failed, trying again")
                    }
                    Err(e) => match refusal(e) {
                        // The transaction has landed already, or the node does not know such a recent blockhash yet.
                        Ok((TransactionError::AlreadyProcessed | TransactionError::BlockhashNotFound, _)) => {}
                        Err(e) if sent_at.is_none() => return Err(e),
                        Err(e) => tracing::debug!(%signature, error = %e, "sending again failed"),
                        Ok((error, logs)) => {
                            // If it was sent before, that transaction may have landed and may be why this one fails.
                            if preflight && sent_at.is_none() {
                                return Ok(Some(Err(self.refused(&error, &programs, &logs, &payer).await)));
                            }
                        }
                    },
                }
                sent_at = Some(Instant::now());
            }
            // The slot as of which it can no longer land.
            let expired = match self.rpc.get_epoch_info().await {
                Ok(now) if now.block_height > last_valid.saturating_add(MARGIN) => Some(now.absolute_slot),
                _ => None,
            };
            // The status is queried after the height, so that a transaction in the last valid block is seen. Another node may
            // answer: only one that has come as far as the first can say that the transaction did not land.
            match self.rpc.get_signature_statuses_with_history(&[signature]).await {
                Ok(statuses) => match statuses.value.first().cloned().flatten() {
                    // Below the client's commitment a failure may be that of a fork which does not last.
                    Some(status) if status.satisfies_commitment(self.commitment()) => {
                        self.landed.fetch_max(status.slot, Ordering::Relaxed);
                        let Some(error) = status.err else { return Ok(Some(Ok(signature))) };
                        let logs = self.logs(&signature).await;
                        return Ok(Some(Err(self.refused(&error, &programs, &logs, &payer).await)));
                    }
                    None if expired.is_some_and(|slot| statuses.context.slot >= slot) => return Ok(None),
                    Some(_) | None => {}
                },
                Err(e) => tracing::debug!(%signature, error = %e, "its status is not known"),
            }
            if wait.pause().await.is_err() {
                return Err(SdkError::Unknown { signature, request: None, seconds: within.as_secs() });
            }
        }
    }

    /// Returns the log lines of a transaction that has landed, or none if the node has none.
    async fn logs(&self, signature: &Signature) -> Vec<String> {
        match self.transaction(signature, Duration::from_secs(5)).await {
            Ok(t) => match t.transaction.meta.map(|m| m.log_messages) {
                Some(OptionSerializer::Some(lines)) => lines,
                _ => Vec::new(),
            },
            Err(_) => Vec::new(),
        }
    }

    /// Reads, and repeats the read while the connection fails, as long as this client is patient. Reading twice does no harm.
    async fn retry_read<T, F, R>(&self, read: R) -> Result<T, SdkError>
    where
        R: Fn() -> F,
        F: Future<Output = Result<T, solana_client::client_error::ClientError>>,
    {
        let mut wait = Wait::new("the node", self.patience);
        loop {
            match read().await {
                Err(e) if is_transient(&e) && !wait.is_over() => wait.pause().await?,
                other => return other.map_err(SdkError::from),
            }
        }
    }

    // --- reading -------------------------------------------------------------------------------------------------

    /// Returns a transaction with its metadata, in the form that [`crate::events::decode`] takes. It tries for up to
    /// `within`, because a node may list a transaction before it can return it. Fails with [`SdkError::NoTransaction`]
    /// if the node does not have it by then.
    pub async fn transaction(
        &self,
        signature: &Signature,
        within: Duration,
    ) -> Result<EncodedConfirmedTransactionWithStatusMeta, SdkError> {
        let config = RpcTransactionConfig {
            encoding: Some(UiTransactionEncoding::Base64),
            commitment: Some(self.commitment()),
            max_supported_transaction_version: Some(NEWEST_TRANSACTION_VERSION),
        };
        let mut wait = Wait::new(format!("transaction {signature}"), within);
        loop {
            match self.rpc.get_transaction_with_config(signature, config).await {
                Ok(t) => return Ok(t),
                // A node that lacks the transaction answers null, which does not deserialize.
                Err(e) if !wait.is_over() && (is_transient(&e) || is_null(&e)) => wait.pause().await?,
                Err(e) if is_null(&e) => return Err(SdkError::NoTransaction { signature: *signature }),
                Err(e) => return Err(e.into()),
            }
        }
    }

    /// Reads an account of one of the programs. Returns `None` if it does not exist, and fails if it is of another
    /// type.
    pub async fn account_opt<T: AccountDeserialize + Discriminator>(
        &self,
        address: &Pubkey,
    ) -> Result<Option<T>, SdkError> {
        self.data(address).await?.map(|data| parse(address, &data)).transpose()
    }

    /// Whether there is an account at this address.
    pub async fn exists(&self, address: &Pubkey) -> Result<bool, SdkError> {
        Ok(self.data(address).await?.is_some())
    }

    /// Reads an account's data. `None` if it does not exist.
    ///
    /// The RPC client's own `get_account` calls every failure "AccountNotFound", also that of the connection.
    async fn data(&self, address: &Pubkey) -> Result<Option<Vec<u8>>, SdkError> {
        let config = RpcAccountInfoConfig {
            encoding: Some(UiAccountEncoding::Base64),
            commitment: Some(self.commitment()),
            ..Default::default()
        };
        let parameters = || json!([address.to_string(), config]);
        let found: Response<Option<UiAccount>> =
            self.retry_read(|| self.rpc.send(RpcRequest::GetAccountInfo, parameters())).await?;
        match found.value.filter(|a| a.lamports > 0) {
            None => Ok(None),
            Some(account) => match account.data.decode() {
                Some(data) => Ok(Some(data)),
                None => Err(SdkError::Node(format!("account {address} came without data"))),
            },
        }
    }

    /// Reads an account of one of the programs. Fails if it does not exist or is of another type.
    pub async fn account<T: AccountDeserialize + Discriminator>(&self, address: &Pubkey) -> Result<T, SdkError> {
        self.account_opt(address).await?.ok_or(SdkError::NoAccount { address: *address, what: type_name::<T>() })
    }

    /// Reads up to 100 accounts of one type in one request. The results are in the order of `addresses`, with `None`
    /// for each account that does not exist.
    pub async fn accounts<T: AccountDeserialize + Discriminator>(
        &self,
        addresses: &[Pubkey],
    ) -> Result<Vec<Option<T>>, SdkError> {
        Ok(self.accounts_at(addresses).await?.1)
    }

    /// Like [`Client::accounts`], with the slot as of which the node answered.
    pub async fn accounts_at<T: AccountDeserialize + Discriminator>(
        &self,
        addresses: &[Pubkey],
    ) -> Result<(u64, Vec<Option<T>>), SdkError> {
        let found =
            self.retry_read(|| self.rpc.get_multiple_accounts_with_commitment(addresses, self.commitment())).await?;
        let pairs = addresses.iter().zip(found.value);
        let accounts = pairs.map(|(at, account)| account.map(|a| parse(at, &a.data)).transpose());
        Ok((found.context.slot, accounts.collect::<Result<_, _>>()?))
    }

    /// Lists transactions that name `address`, newest first: those older than `before` and newer than `until`, at most
    /// [`SIGNATURES_PAGE`] of them. A shorter answer is the last one.
    pub async fn signatures(
        &self,
        address: &Pubkey,
        before: Option<Signature>,
        until: Option<Signature>,
    ) -> Result<Vec<ListedTransaction>, SdkError> {
        let config = || GetConfirmedSignaturesForAddress2Config {
            before,
            until,
            limit: Some(SIGNATURES_PAGE),
            commitment: Some(self.commitment()),
        };
        let page = self.retry_read(|| self.rpc.get_signatures_for_address_with_config(address, config())).await?;
        page.into_iter()
            .map(|entry| {
                let signature = Signature::from_str(&entry.signature)
                    .map_err(|_| SdkError::Node(format!("unreadable signature {}", entry.signature)))?;
                let (slot, index, failed) = (entry.slot, entry.transaction_index, entry.err.is_some());
                Ok(ListedTransaction { signature, slot, index, failed })
            })
            .collect()
    }

    /// Reads all accounts of one type of `program` that pass `comparisons`. Each comparison is `(offset, bytes)`, with
    /// the offset counted from the end of the discriminator.
    pub async fn all_accounts<T: AccountDeserialize + Discriminator>(
        &self,
        program: &Pubkey,
        comparisons: &[(usize, Vec<u8>)],
    ) -> Result<Vec<(Pubkey, T)>, SdkError> {
        let mut filters = vec![RpcFilterType::Memcmp(Memcmp::new_raw_bytes(0, T::DISCRIMINATOR.to_vec()))];
        let behind = T::DISCRIMINATOR.len();
        filters.extend(
            comparisons
                .iter()
                .map(|(at, bytes)| RpcFilterType::Memcmp(Memcmp::new_raw_bytes(behind + at, bytes.clone()))),
        );
        let config = RpcProgramAccountsConfig {
            filters: Some(filters),
            account_config: RpcAccountInfoConfig {
                encoding: Some(UiAccountEncoding::Base64),
                commitment: Some(self.commitment()),
                ..Default::default()
            },
            ..Default::default()
        };
        let found = self.rpc.get_program_ui_accounts_with_config(program, config).await?;
        found
            .into_iter()
            .map(|(at, ui)| {
                let data = ui.data.decode().ok_or_else(|| SdkError::Node(format!("account {at} came without data")))?;
                Ok((at, parse(&at, &data)?))
            })
            .collect()
    }

    /// Returns the balance of a classic SPL token account in base units, or 0 if the account does not exist.
    pub async fn token_balance(&self, token_account: &Pubkey) -> Result<u64, SdkError> {
        let Some(data) = self.data(token_account).await? else { return Ok(0) };
        spl_token_interface::state::Account::unpack(&data).map(|a| a.amount).map_err(|e| SdkError::WrongAccount {
            address: *token_account,
            what: "token account",
            reason: e.to_string(),
        })
    }
}

/// The signatures that a message needs, in its order. A wallet may be among `signers` in two roles, and signs once.
fn signatures(message: &VersionedMessage, signers: &[&AnySigner]) -> Result<Vec<Signature>, SdkError> {
    let bytes = message.serialize();
    let needed = &message.static_account_keys()[..usize::from(message.header().num_required_signatures)];
    let sign = |key: &Pubkey| match signers.iter().find(|s| s.pubkey() == *key) {
        Some(signer) => Ok(signer.try_sign_message(&bytes)?),
        None => Err(SdkError::Input(format!("this transaction needs the signature of {key}: sign with that wallet"))),
    };
    needed.iter().map(sign).collect()
}

/// Returns the transaction error and the logs of a node's refusal. Any other error is returned as it is.
fn refusal(e: solana_client::client_error::ClientError) -> Result<(TransactionError, Vec<String>), SdkError> {
    if let ErrorKind::RpcError(RpcError::RpcResponseError {
        data: RpcResponseErrorData::SendTransactionPreflightFailure(result),
        ..
    }) = e.kind()
        && let Some(error) = &result.err
    {
        return Ok((error.clone().into(), result.logs.clone().unwrap_or_default()));
    }
    match e.get_transaction_error() {
        Some(error) => Ok((error, Vec::new())),
        None => Err(e.into()),
    }
}

fn is_null(e: &solana_client::client_error::ClientError) -> bool {
    matches!(e.kind(), ErrorKind::SerdeJson(_))
}

fn parse<T: AccountDeserialize + Discriminator>(address: &Pubkey, data: &[u8]) -> Result<T, SdkError> {
    T::try_deserialize(&mut &data[..]).map_err(|e| SdkError::WrongAccount {
        address: *address,
        what: type_name::<T>(),
        reason: account_kind::describe(data).map_or_else(|| e.to_string(), |kind| format!("it is a {kind}")),
    })
}

/// Returns the last segment of a type's path, such as `Batch` for `datanet::state::Batch`.
fn type_name<T>() -> &'static str {
    std::any::type_name::<T>().rsplit("::").next().unwrap_or("account")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        error_kind::ErrorKind,
        fake_node::{found, none, serve},
    };
    use base64::{Engine, prelude::BASE64_STANDARD};
    use serde_json::Value;
    use solana_instruction::AccountMeta;
    use solana_keypair::Keypair;
    use solana_signer::Signer;

    /// Sends a transaction that is valid to block 100 by a node that answers as `node` does. The first sending succeeds
    /// unless `node` answers it. Returns what came of it, how often it was signed, and the last signature.
    async fn sent(
        node: impl Fn(&str, &Value) -> Option<Result<Value, Value>> + Clone + Send + Sync + 'static,
    ) -> (Result<Signature, SdkError>, u64, Signature) {
        sent_with(1, node).await
    }

    /// Like [`sent`], with this many bytes of data in its one instruction.
    async fn sent_with(
        bytes: usize,
        node: impl Fn(&str, &Value) -> Option<Result<Value, Value>> + Clone + Send + Sync + 'static,
    ) -> (Result<Signature, SdkError>, u64, Signature) {
        let told = Arc::new(Mutex::new(Signature::default()));
        let signed = Arc::new(AtomicU64::new(0));
        let blockhash = Arc::new(AtomicU64::new(1));
        let last = told.clone();
        let url = serve(move |method, parameters| {
            node(method, parameters).unwrap_or_else(|| {
                Ok(match method {
                    "getLatestBlockhash" => {
                        let n = blockhash.fetch_add(1, Ordering::Relaxed) as u8;
                        let hash = Pubkey::new_from_array([n; 32]).to_string();
                        json!({ "context": { "slot": 1 }, "value": { "blockhash": hash, "lastValidBlockHeight": 100 } })
                    }
                    "sendTransaction" => json!(last.lock().unwrap().to_string()),
                    other => panic!("{other} was not expected"),
                })
            })
        })
        .await;
        let landing = Landing { within: Duration::from_millis(900), resend: Duration::from_millis(50) };
        let (note, count) = (told.clone(), signed.clone());
        let client = Client { landing, ..Client::new(url, "") }.with_herald(move |signature| {
            *note.lock().unwrap() = *signature;
            count.fetch_add(1, Ordering::Relaxed);
        });
        let payer = Keypair::new_from_array([1; 32]);
        let accounts = vec![AccountMeta::new(payer.pubkey(), true)];
        let call = Instruction { program_id: Pubkey::new_from_array([9; 32]), accounts, data: vec![1; bytes] };
        let result = client.send(&[call], &[&payer]).await;
        let signature = *told.lock().unwrap();
        (result, signed.load(Ordering::Relaxed), signature)
    }

    fn at(slot: u64, height: u64) -> Value {
        json!({ "absoluteSlot": slot, "blockHeight": height, "epoch": 0, "slotIndex": 0, "slotsInEpoch": 9 })
    }

    fn status(slot: u64, error: Value, commitment: &str) -> Value {
        let result = if error.is_null() { json!({ "Ok": null }) } else { json!({ "Err": error }) };
        let status = json!({
            "slot": 1, "confirmations": 1, "err": error, "status": result, "confirmationStatus": commitment,
        });
        json!({ "context": { "slot": slot }, "value": [status] })
    }

    fn no_status(slot: u64) -> Value {
        json!({ "context": { "slot": slot }, "value": [null] })
    }

    fn broken() -> Value {
        json!({ "code": -32603, "message": "Internal error" })
    }

    /// Sends the same transaction twice by a node that has one blockhash and simulates as told. Returns what came of each,
    /// and the unit limits of what was sent.
    async fn simulated(simulated: Value) -> ([Result<Signature, SdkError>; 2], Vec<u32>) {
        let sent = Arc::new(Mutex::new(Vec::new()));
        let note = sent.clone();
        let url = serve(move |method, parameters| {
            let context = json!({ "slot": 1 });
            Ok(match method {
                "simulateTransaction" => json!({ "context": context, "value": simulated }),
                "getBalance" => json!({ "context": context, "value": 77 }),
                "getLatestBlockhash" => {
                    let hash = Pubkey::new_from_array([1; 32]).to_string();
                    json!({ "context": context, "value": { "blockhash": hash, "lastValidBlockHeight": 100 } })
                }
                "sendTransaction" => {
                    let bytes = BASE64_STANDARD.decode(parameters[0].as_str().unwrap()).unwrap();
                    let transaction: VersionedTransaction = bincode::deserialize(&bytes).unwrap();
                    let data = &transaction.message.instructions()[0].data;
                    assert_eq!(data[0], 2, "the first instruction sets the unit limit");
                    note.lock().unwrap().push(u32::from_le_bytes(data[1..5].try_into().unwrap()));
                    json!(transaction.signatures[0].to_string())
                }
                "getEpochInfo" => at(9, 50),
                "getSignatureStatuses" => status(9, Value::Null, "confirmed"),
                other => panic!("{other} was not expected"),
            })
        })
        .await;
        let payer = Keypair::new_from_array([1; 32]);
        let call = Instruction { program_id: Pubkey::new_from_array([9; 32]), accounts: vec![], data: vec![1] };
        // Two processes know nothing of each other.
        let send = async || {
            let sending = Sending { simulate: true, ..Sending::default() };
            Client::new(&url, "").with_sending(sending).send(std::slice::from_ref(&call), &[&payer]).await
        };
        let results = [send().await, send().await];
        let sent = std::mem::take(&mut *sent.lock().unwrap());
        (results, sent)
    }

    #[tokio::test]
    async fn a_limit_comes_from_the_simulation_and_two_processes_that_do_the_same_sign_other_bytes() {
        let good = json!({ "err": null, "logs": [], "accounts": null, "unitsConsumed": 50_000, "returnData": null });
        // Two random numbers may be equal, but hardly three times.
        for attempt in 0.. {
            let ([first, second], units) = simulated(good.clone()).await;
            assert!(units.iter().all(|units| (61_000..66_000).contains(units)), "{units:?}");
            if first.unwrap() != second.unwrap() {
                break;
            }
            assert!(attempt < 2, "{units:?}");
        }
    }

    #[tokio::test]
    async fn what_a_simulation_refuses_is_not_sent_and_says_what_a_wallet_lacks() {
        let refused = json!({
            "err": "AccountNotFound", "logs": [], "accounts": null, "unitsConsumed": 0, "returnData": null,
        });
        let ([error, _], units) = simulated(refused).await;
        let error = error.unwrap_err();
        assert!(matches!(error, SdkError::NoSol { has: 77, needs: LEAST_FEE, .. }), "{error}");
        assert!(units.is_empty());
    }

    #[tokio::test]
    async fn what_was_sent_is_not_refused_by_a_nodes_errors_and_its_landing_is_seen() {
        let (sendings, looks) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let (result, signed, signature) = sent(move |method, _| match method {
            "sendTransaction" if sendings.fetch_add(1, Ordering::Relaxed) > 0 => Some(Err(broken())),
            "getEpochInfo" => Some(Ok(at(9, 50))),
            "getSignatureStatuses" if looks.fetch_add(1, Ordering::Relaxed) < 2 => Some(Err(broken())),
            "getSignatureStatuses" => Some(Ok(status(9, Value::Null, "confirmed"))),
            _ => None,
        })
        .await;
        assert_eq!((result.unwrap(), signed), (signature, 1));
    }

    #[tokio::test]
    async fn an_outcome_that_no_node_tells_is_unknown_by_its_signature() {
        let (result, signed, told) = sent(|method, _| match method {
            "getEpochInfo" => Some(Ok(at(9, 500))),
            "getSignatureStatuses" => Some(Err(broken())),
            _ => None,
        })
        .await;
        let error = result.unwrap_err();
        assert!(matches!(error, SdkError::Unknown { signature, request: None, .. } if signature == told), "{error}");
        assert_eq!(signed, 1);
    }

    #[tokio::test]
    async fn a_node_that_takes_nothing_refuses_at_once() {
        let (result, ..) = sent(|method, _| (method == "sendTransaction").then(|| Err(broken()))).await;
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Refused);
    }

    #[tokio::test]
    async fn a_failure_counts_only_at_the_clients_commitment() {
        let looks = Arc::new(AtomicU64::new(0));
        let failed = json!({ "InstructionError": [0, { "Custom": 1 }] });
        let (result, ..) = sent(move |method, _| match method {
            "getEpochInfo" => Some(Ok(at(9, 50))),
            "getSignatureStatuses" => Some(Ok(match looks.fetch_add(1, Ordering::Relaxed) {
                0 => status(9, failed.clone(), "processed"),
                _ => status(9, Value::Null, "confirmed"),
            })),
            _ => None,
        })
        .await;
        result.unwrap();
    }

    #[tokio::test]
    async fn a_missing_status_counts_only_from_a_node_that_is_as_far_as_the_height_and_some_blocks_late() {
        // A node that is behind, and a height within the margin: nothing is signed anew.
        for (slot, height) in [(8, 500), (9, 100 + MARGIN)] {
            let (result, signed, _) = sent(move |method, _| match method {
                "getEpochInfo" => Some(Ok(at(9, height))),
                "getSignatureStatuses" => Some(Ok(no_status(slot))),
                _ => None,
            })
            .await;
            assert_eq!((result.unwrap_err().kind(), signed), (ErrorKind::Unknown, 1), "{slot} {height}");
        }
        let (result, signed, _) = sent(|method, _| match method {
            "getEpochInfo" => Some(Ok(at(9, 101 + MARGIN))),
            "getSignatureStatuses" => Some(Ok(no_status(9))),
            _ => None,
        })
        .await;
        assert!(matches!(result, Err(SdkError::NotLanded { .. })), "{result:?}");
        assert_eq!(signed, u64::from(ATTEMPTS));
    }

    #[tokio::test]
    async fn a_large_transaction_is_of_version_1_where_the_feature_is_active_and_goes_nowhere_else() {
        let active = [&[1_u8][..], &7_u64.to_le_bytes()].concat();
        for (gate, version) in [(Some(active), Some(0x81)), (Some(vec![0]), None), (None, None)] {
            let first = Arc::new(Mutex::new(None));
            let (gate, note) = (gate.clone(), first.clone());
            let (result, signed, _) = sent_with(2_000, move |method, parameters| match method {
                "getAccountInfo" => {
                    assert_eq!(parameters[0], V1_FEATURE.to_string());
                    Some(Ok(gate.as_ref().map_or_else(none, |data| found(&Pubkey::default(), data))))
                }
                "sendTransaction" => {
                    let bytes = BASE64_STANDARD.decode(parameters[0].as_str().unwrap()).unwrap();
                    *note.lock().unwrap() = bytes.first().copied();
                    None
                }
                "getEpochInfo" => Some(Ok(at(9, 50))),
                "getSignatureStatuses" => Some(Ok(status(9, Value::Null, "confirmed"))),
                _ => None,
            })
            .await;
            assert_eq!(*first.lock().unwrap(), version);
            match version {
                Some(_) => assert_eq!((result.is_ok(), signed), (true, 1)),
                None => assert_eq!((result.unwrap_err().kind(), signed), (ErrorKind::Input, 0)),
            }
        }
    }

    #[tokio::test]
    async fn a_wallet_that_shows_what_it_signs_gets_legacy_transactions_alone() {
        struct Device;
        impl Signer for Device {
            fn try_pubkey(&self) -> Result<Pubkey, solana_signer::SignerError> {
                Ok(Pubkey::default())
            }
            fn try_sign_message(&self, _: &[u8]) -> Result<Signature, solana_signer::SignerError> {
                Ok(Signature::default())
            }
            fn is_interactive(&self) -> bool {
                true
            }
        }
        let nobody = Client::new("http://127.0.0.1:9", "");
        assert_eq!(nobody.room(&[&Device]).await.unwrap(), Room::Legacy);
    }

    #[test]
    fn every_needed_wallet_signs_once_and_a_missing_one_is_named() {
        let [payer, other] = [1, 2].map(|n| Keypair::new_from_array([n; 32]));
        let accounts = vec![AccountMeta::new(other.pubkey(), true), AccountMeta::new(payer.pubkey(), true)];
        let call = Instruction { program_id: Pubkey::new_from_array([9; 32]), accounts, data: vec![1] };
        let message = compile(&payer.pubkey(), &[call], Budget::default(), Room::Legacy, Hash::default()).unwrap();
        let signed = signatures(&message, &[&payer, &other, &payer]).unwrap();
        let bytes = message.serialize();
        assert_eq!(signed, [payer.sign_message(&bytes), other.sign_message(&bytes)]);
        let missing = signatures(&message, &[&payer]).unwrap_err().to_string();
        assert!(missing.contains(&other.pubkey().to_string()), "{missing}");
    }

    #[tokio::test]
    async fn a_node_that_is_not_there_is_named_and_no_missing_account() {
        let client = Client::new("http://127.0.0.1:9", "").with_patience(Duration::ZERO);
        let address = Pubkey::new_from_array([1; 32]);
        for error in [
            client.account_opt::<datanet::state::Datanet>(&address).await.err().unwrap(),
            client.token_balance(&address).await.unwrap_err(),
            client.slot().await.unwrap_err(),
        ] {
            assert!(matches!(&error, SdkError::Unreachable { url, .. } if url == "http://127.0.0.1:9/"), "{error:?}");
        }
    }

    #[test]
    fn an_account_that_was_taken_for_another_is_named() {
        let data = [model::state::Model::DISCRIMINATOR, &[0; 600]].concat();
        let error = parse::<datanet::state::Datanet>(&Pubkey::default(), &data).err().unwrap();
        assert!(error.to_string().ends_with("is no Datanet: it is a model"), "{error}");
    }
}
