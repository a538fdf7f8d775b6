//! Keeps this member's words, and fetches those of the others.

use super::word::{Finding, Word};
use crate::operator::Files;
use anyhow::{Context, Result, bail, ensure};
use model::state::MAX_SEGMENTS;
use openledger_protocol::Hash32;
use openledger_quorum::Member;
use serde_json::json;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::sync::Mutex;

/// Name of the file with a word in a job's folder.
const FILE: &str = "verification.json";
/// Most bytes of another member's word. A finding takes about 200.
const MOST_BYTES: usize = 1024 * MAX_SEGMENTS as usize;
/// Time in which a member must answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The words of this member. They are kept in the jobs' folders, so that a restart does not repeat the work. Cheap to
/// clone.
#[derive(Clone)]
pub struct OwnWords {
    files: Files,
    wallet: Pubkey,
    identity: Arc<Keypair>,
    /// Held while a word grows: one segment is re-executed at a time, and each once.
    growing: Arc<Mutex<()>>,
}

impl OwnWords {
    /// Keeps words in the jobs' folders and signs them with the identity key.
    pub fn new(files: Files, wallet: Pubkey, identity: Arc<Keypair>) -> Self {
        Self { files, wallet, identity, growing: Arc::default() }
    }

    /// What this member has said of a job last. `None` if it has said nothing, or the file is damaged.
    pub fn last(&self, job: &Pubkey) -> Option<Word> {
        let word: Word = serde_json::from_slice(&std::fs::read(self.path(job)).ok()?).ok()?;
        word.verify(&self.identity.pubkey()).ok().map(|()| word)
    }

    /// What this member has said of a log. Without findings if it has said nothing.
    pub fn of(&self, job: &Pubkey, log_root: &Hash32) -> Word {
        let known = self.last(job).filter(|w| w.job == *job && w.log_root == *log_root);
        known.unwrap_or_else(|| Word::new(*job, *log_root, self.wallet))
    }

    /// Adds what `find` finds in a segment, unless it is known already.
    pub async fn add(
        &self,
        job: &Pubkey,
        log_root: &Hash32,
        segment: usize,
        find: impl Future<Output = Result<Finding>>,
    ) -> Result<()> {
        let _growing = self.growing.lock().await;
        if self.of(job, log_root).findings.iter().any(|f| f.segment == segment as u64) {
            return Ok(());
        }
        let finding = find.await?;
        let mut word = self.of(job, log_root);
        word.add(finding, &self.identity)?;
        let path = self.path(job);
        let write = || -> std::io::Result<()> {
            std::fs::create_dir_all(self.files.job(job))?;
            let next = path.with_extension("tmp");
            std::fs::write(&next, serde_json::to_vec(&word)?)?;
            std::fs::rename(next, &path)
        };
        write().with_context(|| format!("cannot write {}", path.display()))
    }

    fn path(&self, job: &Pubkey) -> PathBuf {
        self.files.job(job).join(FILE)
    }
}

/// Fetches words from other members' nodes. Cheap to clone.
#[derive(Clone, Default)]
pub struct Others {
    http: reqwest::Client,
}

impl Others {
    /// What `member` says of the log with this root. Without findings if it says nothing of that log. Fails if it does
    /// not answer, or answers with something that it has not signed.
    pub async fn word(&self, member: &Member, job: &Pubkey, log_root: &Hash32) -> Result<Word> {
        let mut response = self.http.get(url(member, job)).timeout(TIMEOUT).send().await?;
        let wallet = Pubkey::new_from_array(member.wallet);
        if response.status() == reqwest::StatusCode::NOT_FOUND {
            return Ok(Word::new(*job, *log_root, wallet));
        }
        ensure!(response.status().is_success(), "{} answered {}", member.name(), response.status());
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            ensure!(bytes.len() + chunk.len() <= MOST_BYTES, "{} sent more than {MOST_BYTES} bytes", member.name());
            bytes.extend_from_slice(&chunk);
        }
        let word: Word = serde_json::from_slice(&bytes).with_context(|| format!("the word of {}", member.name()))?;
        word.verify(&Pubkey::new_from_array(member.identity))?;
        ensure!(word.job == *job && word.operator == wallet, "{} sent another's word", member.name());
        if word.log_root != *log_root {
            return Ok(Word::new(*job, *log_root, wallet));
        }
        Ok(word)
    }

    /// Asks `member` to verify the log of a job's published manifest.
    pub async fn ask(&self, member: &Member, job: &Pubkey, manifest: &Hash32) -> Result<()> {
        let asked = json!({ "manifest": hex::encode(manifest) });
        let response = self.http.post(url(member, job)).timeout(TIMEOUT).json(&asked).send().await?;
        if !response.status().is_success() {
            bail!("{} answered {}", member.name(), response.status());
        }
        Ok(())
    }
}

fn url(member: &Member, job: &Pubkey) -> String {
    format!("{}/v1/verifications/{job}", member.endpoint.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
    use warp::Filter;

    const ROOT: Hash32 = [2; 32];

    fn finding(segment: u64) -> Finding {
        Finding { segment, expected: [1; 32], reached: [1; 32], within_band: true }
    }

    fn own(folder: &std::path::Path) -> OwnWords {
        let wallet = Pubkey::new_from_array([3; 32]);
        OwnWords::new(Files::new(folder).unwrap(), wallet, Arc::new(Keypair::new_from_array([5; 32])))
    }

    #[tokio::test]
    async fn a_segment_is_re_executed_once_also_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let (job, times) = (Pubkey::new_from_array([1; 32]), AtomicU32::new(0));
        let find = |segment| {
            let times = &times;
            async move {
                times.fetch_add(1, SeqCst);
                Ok(finding(segment))
            }
        };
        let words = own(folder.path());
        assert_eq!(words.last(&job), None);
        let (a, b) = tokio::join!(words.add(&job, &ROOT, 4, find(4)), words.add(&job, &ROOT, 4, find(4)));
        a.unwrap();
        b.unwrap();
        let again = own(folder.path());
        again.add(&job, &ROOT, 4, find(4)).await.unwrap();
        again.add(&job, &ROOT, 1, find(1)).await.unwrap();
        assert_eq!(times.load(SeqCst), 2);
        let said = own(folder.path()).last(&job).unwrap();
        assert_eq!(said.findings, [finding(1), finding(4)]);
        // Of another log of the same job nothing was said.
        assert_eq!(words.of(&job, &[9; 32]).findings, []);
        std::fs::write(words.path(&job), "rots").unwrap();
        assert_eq!(words.last(&job), None);
    }

    #[tokio::test]
    async fn only_a_members_own_signed_word_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let (job, words) = (Pubkey::new_from_array([1; 32]), own(folder.path()));
        words.add(&job, &ROOT, 4, async { Ok(finding(4)) }).await.unwrap();
        let served = words.last(&job).unwrap();
        let route = warp::path!("v1" / "verifications" / String).map(move |asked: String| {
            let found = asked == job.to_string();
            let status = if found { warp::http::StatusCode::OK } else { warp::http::StatusCode::NOT_FOUND };
            warp::reply::with_status(warp::reply::json(&served), status)
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move { warp::serve(route).incoming(listener).run().await });
        let identity = Keypair::new_from_array([5; 32]).pubkey().to_bytes();
        let member = Member { place: 1, wallet: [3; 32], identity, endpoint };
        let others = Others::default();
        assert_eq!(others.word(&member, &job, &ROOT).await.unwrap().findings, [finding(4)]);
        assert_eq!(others.word(&member, &job, &[9; 32]).await.unwrap().findings, []);
        let unknown = Pubkey::new_from_array([7; 32]);
        assert_eq!(others.word(&member, &unknown, &ROOT).await.unwrap().findings, []);
        let forged = Member { identity: [5; 32], ..member.clone() };
        assert!(others.word(&forged, &job, &ROOT).await.is_err());
        let other = Member { wallet: [4; 32], ..member.clone() };
        assert!(others.word(&other, &job, &ROOT).await.is_err());
        let dead = Member { endpoint: "http://127.0.0.1:9".into(), ..member };
        assert!(others.word(&dead, &job, &ROOT).await.is_err());
    }
}
