//! The manifest that a trainer publishes about a finished job. It holds everything that is needed to re-execute the job
//! and to compare the results.

use crate::{
    canonical,
    text::{hash_hex, hashes_hex, key_b58, parse_signature},
};
use openledger_protocol::Hash32;
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use serde_json::json;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signature::Signature;
use solana_signer::Signer;

/// Prefix of the signed bytes. It ensures that a signature over anything else never passes for one over a manifest.
const DOMAIN: &[u8] = b"openledger:training-manifest:v3\0";

/// Why a manifest's signature does not hold.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// It has no canonical form.
    #[error(transparent)]
    Canonical(#[from] canonical::CanonicalError),
    /// Its signature is missing, unreadable or by another key.
    #[error("the training manifest is not signed by operator identity {identity}: {reason}")]
    Signature {
        /// The identity key that should have signed.
        identity: Pubkey,
        /// The cause.
        reason: &'static str,
    },
}

/// The manifest of a training result. Its hash is in the attested arguments and in the model's account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainingManifest {
    /// Version of this format: [`TrainingManifest::VERSION`]. A manifest of another one cannot be read.
    #[serde(deserialize_with = "known_version")]
    pub version: u32,
    /// The job's account.
    #[serde(with = "key_b58")]
    pub job: Pubkey,
    /// The model's account.
    #[serde(with = "key_b58")]
    pub model: Pubkey,
    /// Wallet of the operator that trained.
    #[serde(with = "key_b58")]
    pub operator: Pubkey,
    /// SHA-256 of the base model.
    #[serde(with = "hash_hex")]
    pub base_hash: Hash32,
    /// SHA-256 of the [`JobConfig`](super::JobConfig).
    #[serde(with = "hash_hex")]
    pub config_hash: Hash32,
    /// The job's seed.
    pub seed: u64,
    /// Class of the arithmetic: the build, and the kind of processor with its vector instructions. It is recorded and
    /// binds nobody. Results of one class are usually equal bit for bit.
    pub kernel: String,
    /// The examples of the parent model's adapter, on which this job's adapter was trained, in index order. They come
    /// before [`Self::examples`] in the influence index. Empty if the model has no parent.
    pub inherited: Vec<InheritedExample>,
    /// Leaf hashes of the training examples' documents, in index order. A document that was learned in several windows is
    /// named once for each, and its windows follow one another.
    #[serde(with = "hashes_hex")]
    pub examples: Vec<Hash32>,
    /// Leaf hashes of the held-out examples' documents, one for each window too.
    #[serde(with = "hashes_hex")]
    pub eval: Vec<Hash32>,
    /// States of the training, one every `checkpoint_every` steps, from the first (step 0) to the last. If the job asks
    /// for several runs (`train.runs`), the states of each follow those of the run before it ([`LogEntry::runs`]).
    pub log: Vec<LogEntry>,
    /// Root of a Merkle mountain range over the log's state hashes. It equals the root posted on chain.
    #[serde(with = "hash_hex")]
    pub log_root: Hash32,
    /// SHA-256 of the adapter's file. The first run's training ends in it.
    #[serde(with = "hash_hex")]
    pub adapter_hash: Hash32,
    /// SHA-256 of the influence index's file.
    #[serde(with = "hash_hex")]
    pub index_hash: Hash32,
    /// SHA-256 of the index settings.
    #[serde(with = "hash_hex")]
    pub index_settings: Hash32,
    /// Seed of the index's projections. It is the job's own, or that of the parent model's index: rows are compared, so
    /// all of them are projected alike.
    pub index_seed: u64,
    /// Tokens that are learned of each example, in index order, inherited examples first.
    pub targets: Vec<u32>,
    /// Documents whose gradients repeat an earlier document's, in index order. They earn nothing.
    pub repeated: Vec<Repetition>,
    /// Hash of the blob with the training weights: what each document earns of the training's fee, and of payments
    /// without an answer that counts. There is one weight for each document of [`Self::paid`]
    /// (`openledger_protocol::weights`).
    #[serde(with = "hash_hex")]
    pub weights: Hash32,
    /// How far the scores that pay agree with the exact attribution. `None` if there are no held-out examples.
    pub health: Option<Health>,
    /// Training tokens processed in all epochs of all runs. A token is the unit of compute.
    pub tokens: u64,
    /// Losses measured during the training.
    pub metrics: Metrics,
    /// Signature by the trainer's identity key, in hex. It is empty until the manifest is signed.
    #[serde(default)]
    pub signature: String,
}

fn known_version<'de, D: Deserializer<'de>>(d: D) -> Result<u32, D::Error> {
    match u32::deserialize(d)? {
        TrainingManifest::VERSION => Ok(TrainingManifest::VERSION),
        other => Err(D::Error::custom(format!(
            "a training manifest of version {other} is unknown; this program reads version {}",
            TrainingManifest::VERSION
        ))),
    }
}

impl TrainingManifest {
    /// The version that this crate reads and writes.
    pub const VERSION: u32 = 3;

    /// The documents of all examples in index order: the inherited ones, and then the job's own. Each is named by the job
    /// that was trained on it and by its leaf, once for each of its windows.
    pub fn rows(&self) -> impl Iterator<Item = (Pubkey, Hash32)> + '_ {
        let inherited = self.inherited.iter().map(|e| (e.job, e.leaf));
        inherited.chain(self.examples.iter().map(|leaf| (self.job, *leaf)))
    }

    /// The documents among which the job's money is divided: those of [`Self::rows`], each once.
    pub fn paid(&self) -> impl Iterator<Item = (Pubkey, Hash32)> + '_ {
        let mut last = None;
        self.rows().filter(move |document| last.replace(*document) != Some(*document))
    }

    /// The bytes that are signed: a domain tag, and then the canonical JSON without `signature`. Canonical JSON has no
    /// floating-point numbers, so the losses stand in it as the hex of their little-endian bytes.
    pub fn signed_bytes(&self) -> Result<Vec<u8>, ManifestError> {
        let bytes = |losses: &[f32]| hex::encode(losses.iter().flat_map(|l| l.to_le_bytes()).collect::<Vec<_>>());
        let metrics =
            json!({ "train_loss": bytes(&self.metrics.train_loss), "eval_loss": bytes(&self.metrics.eval_loss) });
        let mut value = serde_json::to_value(self).map_err(canonical::CanonicalError::from)?;
        if let Some(map) = value.as_object_mut() {
            map.remove("signature");
            map.insert("metrics".into(), metrics);
        }
        Ok([DOMAIN, &canonical::to_vec(&value)?].concat())
    }

    /// Signs the manifest with the trainer's identity key.
    pub fn sign(&mut self, identity: &Keypair) -> Result<(), ManifestError> {
        self.signature = hex::encode(identity.sign_message(&self.signed_bytes()?));
        Ok(())
    }

    /// Fails unless `identity` has signed the manifest.
    pub fn verify(&self, identity: &Pubkey) -> Result<(), ManifestError> {
        let wrong = |reason| ManifestError::Signature { identity: *identity, reason };
        let signature = parse_signature(&self.signature).map_err(|_| wrong("it is not 128 hex digits"))?;
        match Signature::from(signature).verify(identity.as_ref(), &self.signed_bytes()?) {
            true => Ok(()),
            false => Err(wrong("it does not verify: the manifest was changed or is another operator's")),
        }
    }
}

/// An example that a parent's job was trained on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InheritedExample {
    /// The job that was trained on it.
    #[serde(with = "key_b58")]
    pub job: Pubkey,
    /// Its leaf hash.
    #[serde(with = "hash_hex")]
    pub leaf: Hash32,
}

/// One state of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogEntry {
    /// Number of steps before it.
    pub step: u64,
    /// SHA-256 of the state's file.
    #[serde(with = "hash_hex")]
    pub state: Hash32,
}

impl LogEntry {
    /// The parts of a training log that are of one run each, in the order of the runs. A run begins with a state of step
    /// 0, and nothing else has one.
    pub fn runs(log: &[Self]) -> impl Iterator<Item = &[Self]> {
        log.chunk_by(|_, next| next.step != 0)
    }
}

/// Losses of a training run. Each is a mean negative log likelihood in nats per token.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Training loss of every step, run by run.
    pub train_loss: Vec<f32>,
    /// Validation loss before the first step and after the last, of the run whose adapter is served.
    pub eval_loss: [f32; 2],
}

/// A document that repeats another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repetition {
    /// Its place among the documents that are paid ([`TrainingManifest::paid`]).
    pub document: u32,
    /// Place of the document that it repeats.
    pub of: u32,
}

/// How far the scores that pay agree with the exact attribution of the same loss, on this job. The loss is that of all
/// held-out examples. The scores that pay are the mean over all runs. The exact attribution is that of the run whose
/// adapter is served. Inherited examples are not compared: the exact attribution walks back to the start of this job's
/// own training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Health {
    /// Spearman's rank correlation of the two over the job's own examples, in parts per million, rounded down. It is
    /// between −1,000,000 and 1,000,000.
    pub agreement_ppm: i64,
    /// ‖∂φ/∂θ‖ before the first step, in thousandths, rounded up, where φ is that loss. A long gradient means that the
    /// training amplifies what is done to its start: it is rough, and nothing linear describes it.
    pub roughness_milli: u64,
    /// States of the exact attribution's walk back through the training, from its end to its start. Each is named by the
    /// step of the training and the SHA-256 of the state's file. The last one holds the exact scores.
    pub walk: Vec<LogEntry>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn manifest() -> (TrainingManifest, Keypair) {
        let key = |n: u8| Pubkey::new_from_array([n; 32]);
        let identity = Keypair::new_from_array([5; 32]);
        let mut manifest = TrainingManifest {
            version: TrainingManifest::VERSION,
            job: key(1),
            model: key(2),
            operator: key(3),
            base_hash: [4; 32],
            config_hash: [5; 32],
            seed: 6,
            kernel: "f32".into(),
            inherited: vec![InheritedExample { job: key(21), leaf: [22; 32] }],
            examples: vec![[7; 32], [8; 32]],
            eval: vec![[9; 32]],
            log: vec![LogEntry { step: 0, state: [10; 32] }],
            log_root: [11; 32],
            adapter_hash: [12; 32],
            index_hash: [13; 32],
            index_settings: [14; 32],
            index_seed: 23,
            targets: vec![40, 20, 30],
            repeated: vec![Repetition { document: 1, of: 0 }],
            weights: [15; 32],
            health: Some(Health { agreement_ppm: 500_000, roughness_milli: 9_000, walk: vec![] }),
            tokens: 16,
            metrics: Metrics { train_loss: vec![2.5, 0.1], eval_loss: [3.0, 1.0 / 3.0] },
            signature: String::new(),
        };
        manifest.sign(&identity).unwrap();
        (manifest, identity)
    }

    #[test]
    fn a_document_with_several_windows_is_paid_once() {
        let (mut manifest, _) = manifest();
        let above = InheritedExample { job: Pubkey::new_from_array([21; 32]), leaf: [7; 32] };
        (manifest.inherited, manifest.examples) = (vec![above; 2], vec![[7; 32], [8; 32], [8; 32], [9; 32]]);
        assert_eq!(manifest.rows().count(), 6);
        let own = [[7; 32], [8; 32], [9; 32]].map(|leaf| (manifest.job, leaf));
        assert_eq!(manifest.paid().collect::<Vec<_>>(), [&[(above.job, above.leaf)][..], &own].concat());
    }

    #[test]
    fn a_log_is_cut_where_a_run_begins() {
        let log: Vec<LogEntry> =
            [0, 8, 12, 0, 8, 12, 0].map(|step| LogEntry { step, state: [step as u8; 32] }).to_vec();
        let runs: Vec<Vec<u64>> = LogEntry::runs(&log).map(|run| run.iter().map(|e| e.step).collect()).collect();
        assert_eq!(runs, [vec![0, 8, 12], vec![0, 8, 12], vec![0]]);
        assert_eq!(LogEntry::runs(&log[..3]).collect::<Vec<_>>(), [&log[..3]]);
        assert_eq!(LogEntry::runs(&[]).count(), 0);
    }

    #[test]
    fn a_signed_manifest_holds_also_after_json() {
        let (manifest, identity) = manifest();
        manifest.verify(&identity.pubkey()).unwrap();
        let again: TrainingManifest = serde_json::from_slice(&serde_json::to_vec(&manifest).unwrap()).unwrap();
        again.verify(&identity.pubkey()).unwrap();
        assert!(again.verify(&Pubkey::new_from_array([5; 32])).is_err());
        let unsigned = TrainingManifest { signature: String::new(), ..again };
        assert!(unsigned.verify(&identity.pubkey()).is_err());
    }

    #[test]
    fn a_manifest_of_an_unknown_version_is_refused_by_its_number() {
        let (manifest, identity) = manifest();
        for version in [0, 2, 4] {
            let other = TrainingManifest { version, ..manifest.clone() };
            let refused = serde_json::from_slice::<TrainingManifest>(&serde_json::to_vec(&other).unwrap()).unwrap_err();
            assert!(refused.to_string().contains(&format!("of version {version} is unknown")), "{refused}");
            assert!(other.verify(&identity.pubkey()).is_err(), "the signature covers it");
        }
    }

    #[test]
    fn no_field_of_a_manifest_can_be_changed_under_the_signature() {
        let (manifest, identity) = manifest();
        let json = serde_json::to_value(&manifest).unwrap();
        for key in json.as_object().unwrap().keys().filter(|k| !["signature", "version"].contains(&k.as_str())) {
            let mut bad = json.clone();
            bad[key] = match &json[key] {
                Value::Number(n) => (n.as_u64().unwrap() + 1).into(),
                Value::Array(_) => json!([]),
                Value::Object(_) if key == "health" => json!(null),
                Value::Object(_) => json!({ "train_loss": [2.5, 0.1], "eval_loss": [3.0, 0.3333] }),
                Value::String(s) if s.len() == 64 => "ab".repeat(32).into(),
                Value::String(s) if s.len() > 40 => Pubkey::new_from_array([77; 32]).to_string().into(),
                _ => "8".into(),
            };
            let bad: TrainingManifest = serde_json::from_value(bad).unwrap_or_else(|e| panic!("{key}: {e}"));
            assert_ne!(bad, manifest, "{key}");
            assert!(bad.verify(&identity.pubkey()).is_err(), "{key}");
        }
    }
}
