//! The signed answer to a paid request. Its receipt says whose data shaped the answer.

use crate::{
    amount::Amount,
    api::schema::{Address, Hash},
    canonical,
    text::{hash_hex, key_b58},
};
use openledger_protocol::{Hash32, allocate::PPM, hash::sha256};
use serde::{Deserialize, Serialize};
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signature::Signature;
use solana_signer::Signer;
use utoipa::ToSchema;

/// The layout version that this crate writes and reads.
pub const VERSION: u32 = 3;
/// Prefix of the signed bytes. It ensures that a signature over anything else never passes for one over an answer.
const DOMAIN: &[u8] = b"openledger:answer:v3\0";

/// Why an answer is not valid.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptError {
    /// Its version is unknown.
    #[error("answer version {0} is unknown, this software reads version {VERSION}")]
    Version(u32),
    /// It has no canonical form.
    #[error(transparent)]
    Canonical(#[from] canonical::CanonicalError),
    /// Its signature is missing, unreadable or by another key.
    #[error("the answer is not signed by operator identity {identity}: {reason}")]
    Signature {
        /// The identity key that should have signed.
        identity: Pubkey,
        /// The cause.
        reason: &'static str,
    },
    /// The influences sum to more than 1,000,000 parts per million.
    #[error("the receipt's influences sum to {0} parts per million: more than a whole")]
    Influence(u64),
    /// The documents are paid more than there is to divide.
    #[error("the receipt pays its documents {paid} base units of {whole}")]
    Amount {
        /// What the named documents are paid.
        paid: u64,
        /// What there is to divide.
        whole: u64,
    },
    /// A span lies outside the answer.
    #[error("a quoted span covers tokens {start} to {end} of an answer of {length}")]
    Span {
        /// Its first token.
        start: u64,
        /// One past its last token.
        end: u64,
        /// Number of the answer's tokens.
        length: usize,
    },
    /// A document occurs twice among the influences.
    #[error("leaf {0} stands twice in the receipt")]
    Twice(String),
    /// The answer does not belong to this payment.
    #[error("the answer's {what} is {found}, expected {expected}")]
    Other {
        /// Name of the field that differs.
        what: &'static str,
        /// Its value in the answer.
        found: String,
        /// Its value in the payment.
        expected: String,
    },
}

/// How much one document shaped an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Influence {
    /// The contribution's leaf hash.
    #[serde(with = "hash_hex")]
    #[schema(value_type = Hash)]
    pub leaf: Hash32,
    /// Its Datanet.
    #[serde(with = "key_b58")]
    #[schema(value_type = Address)]
    pub datanet: Pubkey,
    /// Number of its batch in the Datanet.
    pub batch: u64,
    /// Its title.
    pub title: String,
    /// The contributor's wallet.
    #[serde(with = "key_b58")]
    #[schema(value_type = Address)]
    pub owner: Pubkey,
    /// Its part of what the answer's fee pays contributors, in parts per million, rounded down.
    pub ppm: u64,
    /// What the answer's fee pays for it, in base units.
    pub amount: Amount,
}

/// Whose data shaped an answer, what that pays, and the method that found it out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// Name of the attribution method.
    pub method: String,
    /// SHA-256 of the method's settings.
    #[serde(with = "hash_hex")]
    #[schema(value_type = Hash)]
    pub settings_hash: Hash32,
    /// The part of the fee that the answer's documents divide, in base units.
    pub contributors: Amount,
    /// The documents that are paid most, highest first. Their parts may sum to less than 1,000,000. The rest is paid for
    /// documents that are not named here.
    pub influences: Vec<Influence>,
    /// Hash of the blob with the weights of all of the model's training examples, in the training manifest's order
    /// (`openledger_protocol::weights`). They divide `contributors`. A settlement pays this if members that work the
    /// answer out again come to the same.
    #[serde(with = "hash_hex")]
    #[schema(value_type = Hash)]
    pub weights: Hash32,
    /// The spans that the answer repeats verbatim from the model's Datanets, rarest first.
    pub spans: Vec<QuotedSpan>,
}

/// A run of the answer's tokens that occurs word for word in documents. The model need not have learned it from them,
/// so nobody is paid for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuotedSpan {
    /// Its first token in the answer.
    pub start: u64,
    /// One past its last token.
    pub end: u64,
    /// Its text.
    pub text: String,
    /// How often it occurs in the documents.
    pub count: u64,
    /// Documents in which it occurs. If there are many, only some are named.
    pub documents: Vec<QuotedDocument>,
}

/// A document that holds a span.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuotedDocument {
    /// The contribution's leaf hash.
    #[serde(with = "hash_hex")]
    #[schema(value_type = Hash)]
    pub leaf: Hash32,
    /// Its title.
    pub title: String,
    /// The contributor's wallet.
    #[serde(with = "key_b58")]
    #[schema(value_type = Address)]
    pub owner: Pubkey,
}

/// An answer, signed by the identity key of the operator that gave it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// Layout version. Another one is not read.
    #[serde(deserialize_with = "known_version")]
    pub version: u32,
    /// The request that was paid for.
    #[serde(with = "hash_hex")]
    #[schema(value_type = Hash)]
    pub request: Hash32,
    /// The model account.
    #[serde(with = "key_b58")]
    #[schema(value_type = Address)]
    pub model: Pubkey,
    /// SHA-256 of the adapter's file with which the model answered.
    #[serde(with = "hash_hex")]
    #[schema(value_type = Hash)]
    pub adapter_hash: Hash32,
    /// SHA-256 of the training manifest of the result that answered. It says by what the fee is divided. Two results of a
    /// model may have one adapter and different manifests.
    #[serde(with = "hash_hex")]
    #[schema(value_type = Hash)]
    pub manifest_hash: Hash32,
    /// The payer's wallet.
    #[serde(with = "key_b58")]
    #[schema(value_type = Address)]
    pub payer: Pubkey,
    /// The operator's wallet.
    #[serde(with = "key_b58")]
    #[schema(value_type = Address)]
    pub operator: Pubkey,
    /// The payout epoch that the payment belongs to.
    pub epoch: u64,
    /// The prompt's tokens.
    pub prompt_tokens: Vec<u32>,
    /// The answer's tokens.
    pub output_tokens: Vec<u32>,
    /// The answer's text.
    pub text: String,
    /// The fee in base units.
    pub fee: Amount,
    /// The payment's transaction, Base58.
    pub payment_signature: String,
    /// Slot at which the answer was made.
    pub created_slot: u64,
    /// The receipt: whose data shaped the answer.
    pub receipt: Receipt,
    /// Signature by the operator's identity key, in hex. It is empty until the answer is signed.
    #[serde(default)]
    pub signature: String,
}

/// Refuses another layout by its version, and not by the first field that differs.
fn known_version<'de, D: serde::Deserializer<'de>>(value: D) -> Result<u32, D::Error> {
    match u32::deserialize(value)? {
        VERSION => Ok(VERSION),
        other => Err(serde::de::Error::custom(ReceiptError::Version(other))),
    }
}

impl Answer {
    /// The bytes that are signed: a domain tag, and then the canonical JSON without `signature`.
    pub fn signed_bytes(&self) -> Result<Vec<u8>, ReceiptError> {
        let mut value = serde_json::to_value(self).map_err(canonical::CanonicalError::from)?;
        if let Some(map) = value.as_object_mut() {
            map.remove("signature");
        }
        Ok([DOMAIN, &canonical::to_vec(&value)?].concat())
    }

    /// SHA-256 of the canonical JSON with the signature. It names this answer among all that were ever signed for its
    /// request.
    pub fn hash(&self) -> Result<Hash32, ReceiptError> {
        Ok(sha256(&[&canonical::to_vec(self)?]))
    }

    /// Signs the answer with the operator's identity key.
    pub fn sign(&mut self, identity: &Keypair) -> Result<(), ReceiptError> {
        self.signature = hex::encode(identity.sign_message(&self.signed_bytes()?));
        Ok(())
    }

    /// Checks everything that can be checked without the chain: the version, the signature by `identity`, the
    /// influences and the spans.
    pub fn verify(&self, identity: &Pubkey) -> Result<(), ReceiptError> {
        if self.version != VERSION {
            return Err(ReceiptError::Version(self.version));
        }
        let wrong = |reason| ReceiptError::Signature { identity: *identity, reason };
        let mut bytes = [0; 64];
        hex::decode_to_slice(&self.signature, &mut bytes).map_err(|_| wrong("it is not 128 hex digits"))?;
        if !Signature::from(bytes).verify(identity.as_ref(), &self.signed_bytes()?) {
            return Err(wrong("it does not verify: the answer was changed or is another operator's"));
        }
        let mut seen = std::collections::HashSet::new();
        if let Some(i) = self.receipt.influences.iter().find(|i| !seen.insert(i.leaf)) {
            return Err(ReceiptError::Twice(hex::encode(i.leaf)));
        }
        let total = self.receipt.influences.iter().fold(0u64, |t, i| t.saturating_add(i.ppm));
        if total > PPM {
            return Err(ReceiptError::Influence(total));
        }
        let paid = self.receipt.influences.iter().fold(0u64, |t, i| t.saturating_add(i.amount.0));
        if paid > self.receipt.contributors.0 {
            return Err(ReceiptError::Amount { paid, whole: self.receipt.contributors.0 });
        }
        let length = self.output_tokens.len();
        if let Some(s) = self.receipt.spans.iter().find(|s| s.start >= s.end || s.end > length as u64) {
            return Err(ReceiptError::Span { start: s.start, end: s.end, length });
        }
        Ok(())
    }

    /// Checks that this is the answer to a payment. `paid` is the payment's event, and `signature` its transaction in
    /// Base58.
    pub fn verify_payment(&self, paid: &payout::events::Paid, signature: &str) -> Result<(), ReceiptError> {
        let pairs = [
            ("request", hex::encode(self.request), hex::encode(paid.request)),
            ("payer", self.payer.to_string(), paid.payer.to_string()),
            ("model", self.model.to_string(), paid.model.to_string()),
            ("operator", self.operator.to_string(), paid.operator.to_string()),
            ("fee", self.fee.to_string(), paid.amount.to_string()),
            ("contributors' part", self.receipt.contributors.to_string(), paid.contributors.to_string()),
            ("epoch", self.epoch.to_string(), paid.epoch.to_string()),
            ("payment", self.payment_signature.clone(), signature.to_owned()),
        ];
        match pairs.into_iter().find(|(_, found, expected)| found != expected) {
            Some((what, found, expected)) => Err(ReceiptError::Other { what, found, expected }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn influence(n: u8, ppm: u64) -> Influence {
        let key = Pubkey::new_from_array([n; 32]);
        Influence {
            leaf: [n; 32],
            datanet: key,
            batch: 0,
            title: "printf(3)".into(),
            owner: key,
            ppm,
            amount: (ppm / 1_000_000).into(),
        }
    }

    fn answer(influences: Vec<Influence>) -> (Answer, Keypair) {
        let identity = Keypair::new_from_array([5; 32]);
        let mut answer = Answer {
            version: VERSION,
            request: [1; 32],
            model: Pubkey::new_from_array([2; 32]),
            adapter_hash: [3; 32],
            manifest_hash: [9; 32],
            payer: Pubkey::new_from_array([4; 32]),
            operator: Pubkey::new_from_array([5; 32]),
            epoch: 1,
            prompt_tokens: vec![1, 2],
            output_tokens: vec![3],
            text: "use printf".into(),
            fee: 7.into(),
            payment_signature: "sig".into(),
            created_slot: 9,
            receipt: Receipt {
                method: "logra".into(),
                settings_hash: [6; 32],
                contributors: 1.into(),
                influences,
                weights: [8; 32],
                spans: vec![],
            },
            signature: String::new(),
        };
        answer.sign(&identity).unwrap();
        (answer, identity)
    }

    #[test]
    fn a_signed_answer_holds_also_after_json() {
        let (answer, identity) = answer(vec![influence(1, 600_000), influence(2, 400_000)]);
        answer.verify(&identity.pubkey()).unwrap();
        let again: Answer = serde_json::from_str(&serde_json::to_string(&answer).unwrap()).unwrap();
        assert_eq!(again, answer);
        again.verify(&identity.pubkey()).unwrap();
        assert!(answer.verify(&Pubkey::new_from_array([8; 32])).is_err());
    }

    #[test]
    fn no_field_can_be_changed_under_the_signature() {
        let (answer, identity) = answer(vec![influence(1, 1)]);
        let json = serde_json::to_value(&answer).unwrap();
        // Another version is not even read.
        for key in json.as_object().unwrap().keys().filter(|k| !["signature", "version"].contains(&k.as_str())) {
            let mut bad = json.clone();
            bad[key] = match &json[key] {
                Value::Number(n) => (n.as_u64().unwrap() + 1).into(),
                Value::Array(_) => json!([99]),
                Value::Object(o) => {
                    let mut o = o.clone();
                    o.insert("method".into(), "other".into());
                    Value::Object(o)
                }
                Value::String(s) if s.len() == 64 => "ab".repeat(32).into(),
                Value::String(s) if s.len() > 40 => Pubkey::new_from_array([77; 32]).to_string().into(),
                _ => "8".into(),
            };
            let bad: Answer = serde_json::from_value(bad).unwrap_or_else(|e| panic!("{key}: {e}"));
            assert_ne!(bad, answer, "{key}");
            assert!(bad.verify(&identity.pubkey()).is_err(), "{key}");
        }
    }

    /// Answers of version 2 named no manifest.
    #[test]
    fn an_answer_of_another_version_is_refused_by_its_version() {
        let (answer, identity) = answer(vec![]);
        let mut old = serde_json::to_value(&answer).unwrap();
        old["version"] = 2.into();
        old.as_object_mut().unwrap().remove("manifest_hash");
        let error = serde_json::from_value::<Answer>(old).unwrap_err().to_string();
        assert_eq!(error, "answer version 2 is unknown, this software reads version 3");
        let mut old = Answer { version: 2, ..answer };
        old.sign(&identity).unwrap();
        assert!(matches!(old.verify(&identity.pubkey()), Err(ReceiptError::Version(2))));
    }

    #[test]
    fn influences_over_a_whole_or_repeated_are_refused_even_if_signed() {
        let (over, identity) = answer(vec![influence(1, PPM), influence(2, 1)]);
        assert!(matches!(over.verify(&identity.pubkey()), Err(ReceiptError::Influence(1_000_001))));
        let (twice, identity) = answer(vec![influence(1, 1), influence(1, 1)]);
        assert!(matches!(twice.verify(&identity.pubkey()), Err(ReceiptError::Twice(_))));
    }

    #[test]
    fn a_receipt_that_pays_more_than_there_is_is_refused_even_if_signed() {
        let (mut answer, identity) = answer(vec![influence(1, 400_000), influence(2, 300_000)]);
        answer.receipt.influences.iter_mut().for_each(|i| i.amount = 1.into());
        answer.sign(&identity).unwrap();
        let error = answer.verify(&identity.pubkey()).unwrap_err();
        assert!(matches!(error, ReceiptError::Amount { paid: 2, whole: 1 }), "{error}");
    }

    #[test]
    fn a_span_outside_the_answer_is_refused_even_if_signed() {
        let (mut answer, identity) = answer(vec![]);
        let length = answer.output_tokens.len() as u64;
        let span = |start, end| QuotedSpan { start, end, text: "a page".into(), count: 1, documents: vec![] };
        for (start, end, holds) in [(0, length, true), (0, length + 1, false), (1, 1, false)] {
            answer.receipt.spans = vec![span(start, end)];
            answer.sign(&identity).unwrap();
            assert_eq!(answer.verify(&identity.pubkey()).is_ok(), holds, "{start}..{end}");
        }
    }

    #[test]
    fn an_answer_to_another_payment_is_refused() {
        let (answer, _) = answer(vec![]);
        let mut paid = payout::events::Paid {
            shard: answer.model,
            sequence: 0,
            request: answer.request,
            payer: answer.payer,
            model: answer.model,
            operator: answer.operator,
            amount: 7,
            treasury: 7,
            model_owner: 0,
            upstream: 0,
            compute: 0,
            validators: 0,
            contributors: 1,
            epoch: 1,
        };
        answer.verify_payment(&paid, "sig").unwrap();
        assert!(matches!(answer.verify_payment(&paid, "other"), Err(ReceiptError::Other { what: "payment", .. })));
        paid.amount = 6;
        assert!(matches!(answer.verify_payment(&paid, "sig"), Err(ReceiptError::Other { what: "fee", .. })));
    }
}
