//! A verifier's word: what it found when it re-executed segments of a job's training log, signed.

use anyhow::{Context, Result, ensure};
use ed25519_dalek::{Signature, VerifyingKey};
use openledger_protocol::Hash32;
use openledger_sdk::{
    canonical,
    text::{hash_hex, key_b58, parse_signature},
};
use serde::{Deserialize, Serialize};
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use std::collections::BTreeMap;

/// Version of this format.
const VERSION: u32 = 1;
/// Prefix of the signed bytes. It ensures that a signature over anything else never passes for one over a word.
const DOMAIN: &[u8] = b"openledger:verification:v1\0";

/// What a verifier found in one segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// The segment, from 0. Segments are numbered through all runs of the log.
    pub segment: u64,
    /// Hash of the logged state that the segment should end in.
    #[serde(with = "hash_hex")]
    pub expected: Hash32,
    /// Hash of the state that the verifier reached.
    #[serde(with = "hash_hex")]
    pub reached: Hash32,
    /// Whether the two states are equal, or differ by no more than the band allows.
    pub within_band: bool,
}

/// All that a member says of one log. It grows by a finding at a time, and is signed anew with each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Word {
    /// Version of this format.
    pub version: u32,
    /// The job's account.
    #[serde(with = "key_b58")]
    pub job: Pubkey,
    /// Root of the log, as posted on chain.
    #[serde(with = "hash_hex")]
    pub log_root: Hash32,
    /// The member's wallet.
    #[serde(with = "key_b58")]
    pub operator: Pubkey,
    /// The findings in ascending order of their segments.
    pub findings: Vec<Finding>,
    /// Signature by the member's identity key, in hex. Empty until the word is signed.
    pub signature: String,
}

/// For each segment that a member has re-executed, whether it holds.
pub type Said = BTreeMap<usize, bool>;

impl Word {
    /// A word without findings. It is not signed.
    pub fn new(job: Pubkey, log_root: Hash32, operator: Pubkey) -> Self {
        Self { version: VERSION, job, log_root, operator, findings: Vec::new(), signature: String::new() }
    }

    /// Adds a finding and signs. A finding of the same segment is replaced.
    pub fn add(&mut self, finding: Finding, identity: &Keypair) -> Result<()> {
        match self.findings.binary_search_by_key(&finding.segment, |f| f.segment) {
            Ok(place) => self.findings[place] = finding,
            Err(place) => self.findings.insert(place, finding),
        }
        self.signature = hex::encode(identity.sign_message(&self.signed_bytes()?));
        Ok(())
    }

    /// Fails unless `identity` has signed the word.
    pub fn verify(&self, identity: &Pubkey) -> Result<()> {
        ensure!(self.version == VERSION, "a word of version {} is unknown, this node reads {VERSION}", self.version);
        let signature = Signature::from_bytes(&parse_signature(&self.signature)?);
        VerifyingKey::from_bytes(&identity.to_bytes())?
            .verify_strict(&self.signed_bytes()?, &signature)
            .with_context(|| format!("the word is not signed by identity {identity}"))
    }

    /// What the word says of the log whose segments end in the states with the hashes `ends`. Fails if a finding is not
    /// about that log.
    pub fn said(&self, ends: &[Hash32]) -> Result<Said> {
        ensure!(self.findings.is_sorted_by(|a, b| a.segment < b.segment), "the findings are not in order");
        let read = |finding: &Finding| {
            let segment = finding.segment as usize;
            let end = ends.get(segment).with_context(|| format!("there is no segment {segment}"))?;
            ensure!(finding.expected == *end, "segment {segment} ends in another state than the finding says");
            let equal = finding.reached == finding.expected;
            ensure!(finding.within_band || !equal, "segment {segment} cannot be disputed with the logged state itself");
            Ok((segment, finding.within_band))
        };
        self.findings.iter().map(read).collect()
    }

    /// The bytes that are signed: a domain tag, and then the canonical JSON without `signature`.
    fn signed_bytes(&self) -> Result<Vec<u8>> {
        let mut value = serde_json::to_value(self)?;
        if let Some(map) = value.as_object_mut() {
            map.remove("signature");
        }
        Ok([DOMAIN, &canonical::to_vec(&value)?].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(segment: u64, within_band: bool) -> Finding {
        Finding { segment, expected: [(segment as u8).wrapping_add(1); 32], reached: [9; 32], within_band }
    }

    fn word(findings: &[Finding]) -> (Word, Keypair) {
        let identity = Keypair::new_from_array([5; 32]);
        let mut word = Word::new(Pubkey::new_from_array([1; 32]), [2; 32], Pubkey::new_from_array([3; 32]));
        findings.iter().for_each(|f| word.add(*f, &identity).unwrap());
        (word, identity)
    }

    #[test]
    fn no_field_of_a_word_can_be_changed_under_its_signature() {
        let (word, identity) = word(&[finding(0, true), finding(2, false)]);
        word.verify(&identity.pubkey()).unwrap();
        assert!(word.verify(&Pubkey::new_from_array([5; 32])).is_err());
        let again: Word = serde_json::from_slice(&serde_json::to_vec(&word).unwrap()).unwrap();
        again.verify(&identity.pubkey()).unwrap();
        let key = Pubkey::new_from_array([8; 32]);
        let mut turned = word.clone();
        turned.findings[1].within_band = true;
        let changed = [
            Word { job: key, ..word.clone() },
            Word { log_root: [8; 32], ..word.clone() },
            Word { operator: key, ..word.clone() },
            Word { findings: word.findings[..1].to_vec(), ..word.clone() },
            Word { version: 2, ..word.clone() },
            Word { signature: String::new(), ..word.clone() },
            turned,
        ];
        assert!(changed.iter().all(|w| w.verify(&identity.pubkey()).is_err()));
    }

    #[test]
    fn findings_are_kept_in_order_and_one_for_a_segment() {
        let (word, _) = word(&[finding(2, true), finding(0, true), finding(2, false)]);
        assert_eq!(word.findings, [finding(0, true), finding(2, false)]);
        let ends: Vec<Hash32> = (1..4u8).map(|i| [i; 32]).collect();
        assert_eq!(word.said(&ends).unwrap(), Said::from([(0, true), (2, false)]));
    }

    #[test]
    fn a_word_about_another_log_or_against_itself_says_nothing() {
        let ends: Vec<Hash32> = (1..4u8).map(|i| [i; 32]).collect();
        let other = Finding { expected: [7; 32], ..finding(1, true) };
        let against = Finding { reached: [2; 32], ..finding(1, false) };
        for bad in [finding(3, true), finding(u64::MAX, true), other, against] {
            assert!(word(&[bad]).0.said(&ends).is_err(), "{bad:?}");
        }
        let (mut twice, _) = word(&[finding(1, true)]);
        twice.findings.push(finding(1, false));
        assert!(twice.said(&ends).is_err());
    }
}
