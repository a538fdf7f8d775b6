//! The work of a validator: judge the batches that it is drawn for, commit, reveal, and carry out decisions.

use super::{known::Known, open_mint, seat::Candidate};
use crate::{
    api::IndexerClient,
    client::Client,
    error::SdkError,
    manifest::{self, Manifest, ManifestError},
    review::{Fault, Judgement, Limits},
    store::Store,
    wallet::AnySigner,
};
use datanet::{
    state::{Batch, BatchStatus, Config, MAX_PANEL},
    verdict,
};
use futures::future::join_all;
use openledger_interface::{ix, pda};
use openledger_protocol::{Hash32, draw};
use serde::{Deserialize, Serialize};
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;
use std::{
    io::Write,
    path::{Path, PathBuf},
};

/// Number of batches that are judged before their commitments are sent together.
const COMMITS_AT_ONCE: usize = 8;

/// Offset of the status in a batch account, counted from the end of the discriminator.
pub(super) const STATUS_AT: usize = 2 + 32 + 8 + 32;

/// A verdict that is not revealed yet. It is written to disk before its commitment is sent, because nobody can reveal
/// it without the salt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// The batch.
    #[serde(with = "crate::text::key_b58")]
    pub batch: Pubkey,
    /// Whether it approves the batch.
    pub approve: bool,
    /// Quality in 0..=10,000.
    pub quality: u16,
    /// The random salt of the commitment.
    #[serde(with = "crate::text::hash_hex")]
    pub salt: Hash32,
}

impl Sealed {
    /// The commitment to this verdict by `validator`, which goes on the ledger before the verdict does.
    pub fn commitment(&self, validator: &Pubkey) -> Hash32 {
        let (batch, validator) = (self.batch.to_bytes(), validator.to_bytes());
        draw::verdict_commitment(&batch, &validator, self.approve, self.quality, &self.salt)
    }
}

/// The verdicts of one validator that are not revealed yet, in a folder with one file for each.
#[derive(Clone, Debug)]
pub struct SealedVerdicts {
    folder: PathBuf,
}

impl SealedVerdicts {
    /// Opens `folder`, and makes it if it does not exist.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, SdkError> {
        let folder = folder.as_ref().to_owned();
        std::fs::create_dir_all(&folder).map_err(|source| SdkError::File { path: folder.clone(), source })?;
        Ok(Self { folder })
    }

    fn path(&self, batch: &Pubkey) -> PathBuf {
        self.folder.join(format!("{batch}.json"))
    }

    /// Returns the sealed verdict on `batch`, or `None` if there is none.
    pub fn get(&self, batch: &Pubkey) -> Result<Option<Sealed>, SdkError> {
        let path = self.path(batch);
        match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|e| SdkError::Input(format!("{} is not a sealed verdict: {e}", path.display()))),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(SdkError::File { path, source }),
        }
    }

    /// Seals a verdict on `batch` with a fresh salt, unless one is sealed already. Returns the verdict that is sealed,
    /// which is durably on disk by then.
    pub fn seal(&self, batch: &Pubkey, approve: bool, quality: u16) -> Result<Sealed, SdkError> {
        if let Some(sealed) = self.get(batch)? {
            return Ok(sealed);
        }
        let sealed = Sealed { batch: *batch, approve, quality, salt: rand::random() };
        let path = self.path(batch);
        let write = || -> std::io::Result<()> {
            let part = path.with_extension("part");
            let mut file = std::fs::File::create(&part)?;
            file.write_all(&serde_json::to_vec(&sealed)?)?;
            file.sync_all()?;
            std::fs::rename(&part, &path)?;
            std::fs::File::open(&self.folder)?.sync_all()
        };
        write().map_err(|source| SdkError::File { path: path.clone(), source })?;
        Ok(sealed)
    }

    /// Deletes the verdict on `batch`. It is no error if there is none.
    pub fn remove(&self, batch: &Pubkey) -> Result<(), SdkError> {
        let path = self.path(batch);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(SdkError::File { path, source }),
            _ => Ok(()),
        }
    }
}

/// An action that was taken on a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// The validator committed to this judgement.
    Committed(Pubkey, Judgement),
    /// The validator revealed its verdict.
    Revealed(Pubkey),
    /// The batch was accepted (`true`) or rejected (`false`).
    Finalised(Pubkey, bool),
    /// The batch was closed without a decision.
    Expired(Pubkey),
}

/// A batch under review, and whether this validator may review it.
#[derive(Clone)]
pub struct Pending {
    /// The batch account's address.
    pub address: Pubkey,
    /// The batch.
    pub batch: Batch,
    /// Whether this validator is drawn for the panel. It is `None` while the draw's seed cannot be known.
    pub drawn: Option<bool>,
}

/// A validator that reviews batches.
pub struct Reviewer<'a> {
    client: Client,
    validator: &'a AnySigner,
    sealed: SealedVerdicts,
    limits: Limits,
    known: Known,
}

/// The next step of a validator about a batch.
enum Step {
    Judge,
    Send(Duty),
}

/// A step that only needs a transaction.
enum Duty {
    Finalise(bool),
    Expire,
    Reveal,
}

impl<'a> Reviewer<'a> {
    /// Makes a reviewer. The folder of `sealed` must outlive this process, or commitments can no longer be revealed.
    pub fn new(client: Client, store: Store, validator: &'a AnySigner, sealed: SealedVerdicts, limits: Limits) -> Self {
        let known = Known::new(client.clone(), store);
        Self { client, validator, sealed, limits, known }
    }

    /// The same by an index, so that no history of the ledger is read. What the index says counts only as far as the chain
    /// bears it out.
    pub fn with_index(self, index: IndexerClient) -> Self {
        Self { known: self.known.with_index(index), ..self }
    }

    /// Lists the batches under review of `datanet`, or of all Datanets, oldest submission first.
    pub async fn pending(&self, datanet: Option<&Pubkey>) -> Result<Vec<Pending>, SdkError> {
        let mut filters = vec![(STATUS_AT, vec![BatchStatus::Review as u8])];
        filters.extend(datanet.map(|d| (2, d.to_bytes().to_vec())));
        let batches = self.client.all_accounts::<Batch>(&datanet::ID, &filters).await?;
        let candidate = match batches.is_empty() {
            true => None,
            false => Candidate::read(&self.client, &self.validator.pubkey()).await?,
        };
        let mut out = Vec::with_capacity(batches.len());
        for (address, batch) in batches {
            let drawn = match &candidate {
                None => Some(false),
                Some(candidate) => candidate.is_drawn(&batch),
            };
            out.push(Pending { address, batch, drawn });
        }
        out.sort_by_key(|p| (p.batch.submitted_slot, p.address));
        Ok(out)
    }

    /// Reads a batch's manifest and documents, and judges them against the documents that the Datanet has accepted. Fails if the
    /// manifest is missing in a store that has given nothing yet: it may be another store than the contributor's.
    pub async fn inspect(&mut self, address: &Pubkey, batch: &Batch) -> Result<Judgement, SdkError> {
        let manifest = match self.manifest(batch).await? {
            Some(m) => m,
            None if !self.known.is_shared(&batch.datanet).await? => {
                return Err(SdkError::Input(format!(
                    "the artifact store lacks the manifest of batch {address}, and has given nothing else either, so that no \
                     verdict is given: name with --store the store that the contributors use"
                )));
            }
            // Without a manifest there is nothing to judge, so every leaf counts as missing.
            None => {
                tracing::info!(%address, "the batch's manifest is missing or does not match its leaves");
                let faults = (0..batch.count as usize).map(|i| (i, Fault::Missing)).collect();
                return Ok(Judgement { approve: false, quality: 0, faults });
            }
        };
        self.known.judge(&batch.datanet, &batch.contributor, &manifest.leaves, &self.limits).await
    }

    /// Returns the batch's manifest. Returns `None` if the store lacks it, if it or a text in it is too long, if it is not valid,
    /// if it is for another Datanet or contributor, or if its leaves do not make the root on chain. That root is over the
    /// leaves on the ledger, or for a bulk batch the one that the contributor gave.
    async fn manifest(&self, batch: &Batch) -> Result<Option<Manifest>, SdkError> {
        let Ok(bytes) = self.known.content(&batch.manifest, manifest::MOST_BYTES).await? else { return Ok(None) };
        let matching = Manifest::from_bytes(&bytes).and_then(|m| {
            m.check_batch(&batch.datanet, &batch.contributor)?;
            m.check_texts()?;
            Ok::<_, ManifestError>(m)
        });
        let on_chain = batch.root().ok();
        Ok(matching.ok().filter(|m| m.leaves.len() as u64 == batch.count && Some(m.root()) == on_chain))
    }

    /// Seals a verdict on disk and commits to it. If an earlier verdict on this batch is sealed, commits to that one
    /// instead. Returns the verdict that it committed to.
    pub async fn commit(
        &self,
        address: &Pubkey,
        batch: &Batch,
        approve: bool,
        quality: u16,
    ) -> Result<Sealed, SdkError> {
        let wallet = self.validator.pubkey();
        let sealed = self.sealed.seal(address, approve, quality)?;
        let ix = ix::datanet::commit_verdict(&wallet, &batch.datanet, address, sealed.commitment(&wallet));
        self.client.send(&[ix], &[self.validator]).await?;
        Ok(sealed)
    }

    /// Reveals the verdict that is sealed for a batch, and deletes it. Fails if none is sealed.
    pub async fn reveal(&self, address: &Pubkey, batch: &Batch) -> Result<(), SdkError> {
        let wallet = self.validator.pubkey();
        let s = self.sealed.get(address)?.ok_or_else(|| {
            SdkError::Input(format!("no verdict on batch {address} is sealed here: reveal where it was committed"))
        })?;
        let ix = ix::datanet::reveal_verdict(&wallet, &batch.datanet, address, s.approve, s.quality, s.salt);
        self.client.send(&[ix], &[self.validator]).await?;
        self.sealed.remove(address)
    }

    /// Takes every step that is possible now on the batches under review, of `datanet` or of all Datanets. An error
    /// about one batch goes to the log and does not hold up the others.
    pub async fn pass(&mut self, datanet: Option<&Pubkey>) -> Result<Vec<Action>, SdkError> {
        let pending = self.pending(datanet).await?;
        if pending.is_empty() {
            return Ok(Vec::new());
        }
        let config: Config = self.client.account(&pda::datanet_config()).await?;
        let slot = self.client.slot().await?;
        let (mut sending, mut unread) = (Vec::new(), Vec::new());
        for pending in &pending {
            match self.next_step(pending, &config, slot) {
                None => {}
                Some(Step::Judge) => unread.push(pending),
                Some(Step::Send(duty)) => sending.push(self.carry_out(pending, duty)),
            }
        }
        let mut actions: Vec<Action> = join_all(sending).await.into_iter().flatten().collect();
        // This process judges one batch after the other. The ledger takes many commitments at once.
        for group in unread.chunks(COMMITS_AT_ONCE) {
            let mut judged = Vec::with_capacity(group.len());
            for pending in group {
                // The batches before it took their time. Nothing is read for a commitment that would come too late.
                if self.client.slot().await.is_ok_and(|slot| slot > pending.batch.commit_until) {
                    continue;
                }
                let judgement = self.judgement(pending).await;
                judged.extend(report(pending, judgement).map(|judgement| (*pending, judgement)));
            }
            let sent = join_all(judged.into_iter().map(|(pending, judgement)| async {
                let (approve, quality) = (judgement.approve, judgement.quality);
                let sent = self.commit(&pending.address, &pending.batch, approve, quality).await;
                report(pending, sent).map(|_| Action::Committed(pending.address, judgement))
            }));
            actions.extend(sent.await.into_iter().flatten());
        }
        Ok(actions)
    }

    /// Returns the step that this validator can take on a batch at `slot`, if any.
    fn next_step(&self, pending: &Pending, config: &Config, slot: u64) -> Option<Step> {
        let Pending { batch, drawn, .. } = pending;
        if let Some(accepted) = verdict::decide(batch, config, slot) {
            return Some(Step::Send(Duty::Finalise(accepted)));
        }
        if verdict::is_hopeless(batch, config, slot) {
            return Some(Step::Send(Duty::Expire));
        }
        let full = batch.reviews.len() == MAX_PANEL;
        match batch.reviews.iter().find(|r| r.validator == self.validator.pubkey()) {
            None => (*drawn == Some(true) && slot <= batch.commit_until && !full).then_some(Step::Judge),
            Some(review) => {
                let open = slot > batch.commit_until || full;
                let enough = batch.reviews.len() >= usize::from(batch.quorum);
                let reveals = review.approve.is_none() && open && enough && slot <= batch.reveals_until(config);
                reveals.then_some(Step::Send(Duty::Reveal))
            }
        }
    }

    async fn carry_out(&self, pending: &Pending, duty: Duty) -> Option<Action> {
        let Pending { address, batch, .. } = pending;
        let end = async |instruction: fn(&Pubkey, &Pubkey, &Pubkey, &Pubkey) -> Instruction| {
            let mint = open_mint(&self.client).await?;
            self.finish(instruction(&batch.datanet, address, &batch.contributor, &mint), address).await
        };
        let (sent, action) = match duty {
            Duty::Finalise(accepted) => (end(ix::datanet::finalise_batch).await, Action::Finalised(*address, accepted)),
            Duty::Expire => (end(ix::datanet::expire_batch).await, Action::Expired(*address)),
            Duty::Reveal => (self.reveal(address, batch).await, Action::Revealed(*address)),
        };
        report(pending, sent).map(|()| action)
    }

    /// Returns the verdict that an earlier run sealed, or else judges the batch.
    async fn judgement(&mut self, pending: &Pending) -> Result<Judgement, SdkError> {
        match self.sealed.get(&pending.address)? {
            Some(s) => Ok(Judgement { approve: s.approve, quality: s.quality, faults: Vec::new() }),
            None => self.inspect(&pending.address, &pending.batch).await,
        }
    }

    /// Sends the instruction that ends a batch. It succeeds also if the batch is gone, because another validator was
    /// quicker.
    async fn finish(&self, ix: Instruction, address: &Pubkey) -> Result<(), SdkError> {
        if let Err(e) = self.client.send(&[ix], &[self.validator]).await
            && self.client.account_opt::<Batch>(address).await?.is_some()
        {
            return Err(e);
        }
        self.sealed.remove(address)
    }
}

/// Returns the result. An error goes to the log, because one batch must not hold up the others.
fn report<T>(pending: &Pending, result: Result<T, SdkError>) -> Option<T> {
    result.inspect_err(|error| tracing::warn!(batch = %pending.address, %error, "cannot advance a review")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_is_sealed_once_and_survives() {
        let folder = tempfile::tempdir().unwrap();
        let batch = Pubkey::new_from_array([1; 32]);
        let verdicts = SealedVerdicts::open(folder.path()).unwrap();
        assert_eq!(verdicts.get(&batch).unwrap(), None);
        let first = verdicts.seal(&batch, true, 9_000).unwrap();
        // Another judgement after a restart must not replace the verdict that was committed to.
        let again = SealedVerdicts::open(folder.path()).unwrap().seal(&batch, false, 0).unwrap();
        assert_eq!(again, first);
        verdicts.remove(&batch).unwrap();
        verdicts.remove(&batch).unwrap();
        assert_ne!(verdicts.seal(&batch, true, 9_000).unwrap().salt, first.salt);
    }

    #[test]
    fn the_commitment_is_what_the_program_recomputes() {
        let (batch, validator) = (Pubkey::new_from_array([1; 32]), Pubkey::new_from_array([2; 32]));
        let sealed = Sealed { batch, approve: true, quality: 7, salt: [3; 32] };
        let expected = draw::verdict_commitment(&[1; 32], &[2; 32], true, 7, &[3; 32]);
        assert_eq!(sealed.commitment(&validator), expected);
    }
}
