//! Signed messages between members.
//!
//! A message is a [`Header`] and a body. The header is signed, and names the body by its length and hash. The signed
//! bytes are `Borsh(domain, committee, epoch, kind, session, number, from, to, in reply to, length, SHA-256 of the body)`.
//! So a message for one member, kind, session or committee is worth nothing for another. An answer only answers the
//! request whose digest it names. A recipient checks the header before it reads one byte of the body.
//!
//! A request has a number, and a recipient takes each number of a sender once. So a message that a third party has
//! recorded and sends again is refused, and costs its author nothing.

use std::{
    ops::Deref,
    sync::Mutex,
    time::{SystemTime, UNIX_EPOCH},
};

use borsh::BorshSerialize;
use ed25519_dalek::{Signer, SigningKey};
use openledger_protocol::{Hash32, hash::ZERO, hash::sha256};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    encoding::{hex_bytes, name},
    membership::{Committee, Member},
};

/// Kinds of message. The name is also the last part of the URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Key generation: asks for the recipient's round-1 package.
    DkgRound1,
    /// Key generation: asks for the recipient's round-2 package for the sender.
    DkgRound2,
    /// Key generation: asks for the round-1 package that the recipient received from a third member.
    DkgEvidence,
    /// Key generation: asks whether the recipient holds its key share.
    DkgDone,
    /// Signing: asks the recipient to check a message and to commit to nonces.
    SignCommit,
    /// Signing: asks for the recipient's share in a round.
    SignShare,
    /// Observing: asks the recipient to observe a subject and to commit to its values.
    ObserveCommit,
    /// Observing: asks for the recipient's values for a sealed set of commitments.
    ObserveReveal,
    /// Observing: tells the recipient the closed set of reveals.
    ObserveResult,
    /// Observing: tells the recipient the sender's commitment or reveal, or a sealed set.
    ObserveTell,
    /// Observing: asks the recipient to seal a set of commitments.
    ObserveSeal,
    /// Observing: asks the recipient to close a set of reveals.
    ObserveClose,
    /// Asks for a sign of life.
    Beat,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Kind; 13] = [
        Kind::DkgRound1,
        Kind::DkgRound2,
        Kind::DkgEvidence,
        Kind::DkgDone,
        Kind::SignCommit,
        Kind::SignShare,
        Kind::ObserveCommit,
        Kind::ObserveReveal,
        Kind::ObserveResult,
        Kind::ObserveTell,
        Kind::ObserveSeal,
        Kind::ObserveClose,
        Kind::Beat,
    ];

    /// The kind's name in the URL.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::DkgRound1 => "dkg-round1",
            Kind::DkgRound2 => "dkg-round2",
            Kind::DkgEvidence => "dkg-evidence",
            Kind::DkgDone => "dkg-done",
            Kind::SignCommit => "sign-commit",
            Kind::SignShare => "sign-share",
            Kind::ObserveCommit => "observe-commit",
            Kind::ObserveReveal => "observe-reveal",
            Kind::ObserveResult => "observe-result",
            Kind::ObserveTell => "observe-tell",
            Kind::ObserveSeal => "observe-seal",
            Kind::ObserveClose => "observe-close",
            Kind::Beat => "beat",
        }
    }

    /// The kind with this name in the URL.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.as_str() == text)
    }
}

/// The signed part of a message. It says everything that a recipient needs in order to decide whether it reads the body
/// at all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Wallet of the sender.
    #[serde(with = "hex_bytes")]
    pub from: Hash32,
    /// Wallet of the recipient.
    #[serde(with = "hex_bytes")]
    pub to: Hash32,
    /// Epoch of the committee that sender and recipient are members of.
    pub committee_epoch: u64,
    /// That committee's [`Committee::id`].
    #[serde(with = "hex_bytes")]
    pub committee: Hash32,
    /// What the message asks for or answers.
    pub kind: Kind,
    /// The run that the message belongs to.
    pub session: String,
    /// Number of a request. A sender gives each request a greater number than all before. An answer repeats the number
    /// of its request.
    pub number: u64,
    /// Digest of the request that this answers. Zero for a request.
    #[serde(with = "hex_bytes")]
    pub in_reply_to: Hash32,
    /// Length of the body in bytes.
    pub length: u64,
    /// SHA-256 of the body.
    #[serde(with = "hex_bytes")]
    pub body_hash: Hash32,
    /// Signature by the sender's identity key.
    #[serde(with = "hex_bytes")]
    pub signature: [u8; 64],
}

/// A signed message: its header, and the body that the header names. Read the header's fields on the envelope itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The signed part.
    pub header: Header,
    /// JSON text. Its hash is signed as it stands, so that two readings of it cannot differ.
    pub body: String,
}

impl Deref for Envelope {
    type Target = Header;

    fn deref(&self) -> &Header {
        &self.header
    }
}

/// Why a message is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// The message is for another committee of the same epoch number.
    #[error("it speaks in another committee {0} than the one known here")]
    Committee(u64),
    /// The sender is not in the committee.
    #[error("{} is not a member of the committee", name(.0))]
    Sender(Hash32),
    /// The message is for another recipient.
    #[error("it is for {}", name(.0))]
    Recipient(Hash32),
    /// The message is of another kind or session than it should be, or answers another request.
    #[error("it is about something else than it was sent for")]
    Purpose,
    /// The sender did not sign the message.
    #[error("{} did not sign it", name(.0))]
    Signature(Hash32),
    /// The body is not the one that the header names.
    #[error("its body is not the one that {} signed", name(.0))]
    OtherBody(Hash32),
    /// The body is not what this kind of message carries.
    #[error("its body cannot be read: {0}")]
    Body(String),
}

impl Header {
    /// Name of the HTTP header that carries it, as JSON.
    pub const NAME: &str = "openledger-envelope";

    /// Digest of exactly this message without its signature.
    pub fn digest(&self) -> Hash32 {
        sha256(&[&self.signed_bytes()])
    }

    /// A signed answer to this request.
    pub fn reply(&self, identity: &SigningKey, body: &impl Serialize) -> Envelope {
        let unsigned =
            Self { from: self.to, to: self.from, in_reply_to: self.digest(), session: self.session.clone(), ..*self };
        unsigned.with_body(identity, text(body))
    }

    /// Checks that the message is to `to`, by a member of `committee`. Returns that member. The body is not looked at.
    pub fn verify<'a>(&self, committee: &'a Committee, to: &Hash32) -> Result<&'a Member, EnvelopeError> {
        if self.committee_epoch != committee.epoch || self.committee != committee.id() {
            return Err(EnvelopeError::Committee(self.committee_epoch));
        }
        if self.to != *to {
            return Err(EnvelopeError::Recipient(self.to));
        }
        let sender = committee.member(&self.from).ok_or(EnvelopeError::Sender(self.from))?;
        if !sender.signed(&self.signed_bytes(), &self.signature) {
            return Err(EnvelopeError::Signature(self.from));
        }
        Ok(sender)
    }

    /// The message of this header and `body`. Fails if the header names another body.
    pub fn open(self, body: Vec<u8>) -> Result<Envelope, EnvelopeError> {
        if self.length != body.len() as u64 || self.body_hash != sha256(&[&body]) {
            return Err(EnvelopeError::OtherBody(self.from));
        }
        let body = String::from_utf8(body).map_err(|e| EnvelopeError::Body(e.to_string()))?;
        Ok(Envelope { header: self, body })
    }

    /// The signed message of this header's purpose with `body`.
    fn with_body(mut self, identity: &SigningKey, body: String) -> Envelope {
        self.length = body.len() as u64;
        self.body_hash = sha256(&[body.as_bytes()]);
        self.signature = identity.sign(&self.signed_bytes()).to_bytes();
        Envelope { header: self, body }
    }

    fn signed_bytes(&self) -> Vec<u8> {
        #[derive(BorshSerialize)]
        struct Signed<'a> {
            domain: &'static str,
            committee: Hash32,
            committee_epoch: u64,
            kind: &'static str,
            session: &'a str,
            number: u64,
            from: Hash32,
            to: Hash32,
            in_reply_to: Hash32,
            length: u64,
            body: Hash32,
        }
        borsh::to_vec(&Signed {
            domain: "openledger:quorum:v2",
            committee: self.committee,
            committee_epoch: self.committee_epoch,
            kind: self.kind.as_str(),
            session: &self.session,
            number: self.number,
            from: self.from,
            to: self.to,
            in_reply_to: self.in_reply_to,
            length: self.length,
            body: self.body_hash,
        })
        .expect("writing to memory cannot fail")
    }
}

impl Envelope {
    /// A signed request with a new number.
    pub fn request(
        identity: &SigningKey,
        committee: &Committee,
        (from, to): (Hash32, Hash32),
        kind: Kind,
        session: &str,
        body: &impl Serialize,
    ) -> Self {
        let header = Header {
            from,
            to,
            committee_epoch: committee.epoch,
            committee: committee.id(),
            kind,
            session: session.to_string(),
            number: next_number(),
            in_reply_to: ZERO,
            length: 0,
            body_hash: ZERO,
            signature: [0; 64],
        };
        header.with_body(identity, text(body))
    }

    /// Checks that this message is the answer of `request`'s recipient to `request`.
    pub fn verify_reply(&self, committee: &Committee, request: &Envelope) -> Result<(), EnvelopeError> {
        self.verify(committee, &request.from)?;
        if self.from != request.to {
            return Err(EnvelopeError::Sender(self.from));
        }
        if self.kind != request.kind || self.session != request.session || self.in_reply_to != request.digest() {
            return Err(EnvelopeError::Purpose);
        }
        Ok(())
    }

    /// Reads the body. Fails if it is not a `T`.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, EnvelopeError> {
        serde_json::from_str(&self.body).map_err(|e| EnvelopeError::Body(e.to_string()))
    }
}

/// Microseconds since 1970 on this machine's clock.
pub(crate) fn clock() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_micros() as u64)
}

/// A number greater than all before. It follows the clock, so that it is greater after a restart too.
fn next_number() -> u64 {
    static LAST: Mutex<u64> = Mutex::new(0);
    let mut last = LAST.lock().expect("no panic holds this lock");
    *last = clock().max(*last + 1);
    *last
}

fn text(body: &impl Serialize) -> String {
    serde_json::to_string(body).expect("message bodies have string keys")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u8) -> SigningKey {
        SigningKey::from_bytes(&[n; 32])
    }

    fn committee(epoch: u64) -> Committee {
        let member = |place: u16| Member {
            place,
            wallet: [place as u8; 32],
            identity: key(place as u8).verifying_key().to_bytes(),
            endpoint: String::new(),
        };
        Committee::new(epoch, 2, (1..=3).map(member).collect()).unwrap()
    }

    fn request(committee: &Committee) -> Envelope {
        Envelope::request(&key(1), committee, ([1; 32], [2; 32]), Kind::SignCommit, "s", &"hello")
    }

    #[test]
    fn a_message_is_good_for_its_recipient_and_committee_only() {
        let here = committee(1);
        let message = request(&here);
        assert_eq!(message.verify(&here, &[2; 32]).unwrap().wallet, [1; 32]);
        assert_eq!(message.verify(&here, &[3; 32]), Err(EnvelopeError::Recipient([2; 32])));
        assert_eq!(message.verify(&committee(2), &[2; 32]), Err(EnvelopeError::Committee(1)));
    }

    #[test]
    fn a_changed_or_foreign_message_is_refused() {
        let here = committee(1);
        let good = request(&here);
        let forged = [
            Header { session: "t".into(), ..good.header.clone() },
            Header { kind: Kind::SignShare, ..good.header.clone() },
            Header { in_reply_to: [1; 32], ..good.header.clone() },
            Header { from: [3; 32], ..good.header.clone() },
            Header { number: 1, ..good.header.clone() },
            Header { length: 1, ..good.header.clone() },
            Header { body_hash: [0; 32], ..good.header.clone() },
        ];
        for header in forged {
            assert_eq!(header.verify(&here, &[2; 32]), Err(EnvelopeError::Signature(header.from)));
        }
        assert_eq!(good.header.clone().open(good.body.clone().into_bytes()).as_ref(), Ok(&good));
        for other in ["\"other\"", "\"hellp\"", ""] {
            assert_eq!(good.header.clone().open(other.into()), Err(EnvelopeError::OtherBody([1; 32])));
        }
        let stranger = Envelope::request(&key(9), &here, ([9; 32], [2; 32]), Kind::SignCommit, "s", &"hello");
        assert_eq!(stranger.verify(&here, &[2; 32]), Err(EnvelopeError::Sender([9; 32])));
    }

    #[test]
    fn an_answer_answers_one_request() {
        let here = committee(1);
        let asked = request(&here);
        let answer = asked.reply(&key(2), &"yes");
        assert_eq!(answer.verify_reply(&here, &asked), Ok(()));
        let other = Envelope::request(&key(1), &here, ([1; 32], [2; 32]), Kind::SignCommit, "s", &"other");
        assert_eq!(answer.verify_reply(&here, &other), Err(EnvelopeError::Purpose));
        let to_third = Envelope::request(&key(1), &here, ([1; 32], [3; 32]), Kind::SignCommit, "s", &"hello");
        assert_eq!(answer.verify_reply(&here, &to_third), Err(EnvelopeError::Sender([2; 32])));
    }

    #[test]
    fn a_later_request_has_a_greater_number() {
        let here = committee(1);
        let numbers: Vec<u64> = (0..1_000).map(|_| request(&here).number).collect();
        assert!(numbers.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn kinds_have_one_name_each_in_url_and_json() {
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.as_str()), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }
}
