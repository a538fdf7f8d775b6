//! Signed messages between members.
//!
//! The signed bytes are
//! `Borsh(domain, committee, epoch, kind, session, from, to, in reply to, SHA-256 of the body's text)`.
//! So a message for one member, kind, session or committee is worth nothing for another. An answer only answers
//! the request whose digest it names. A replayed request gets the answer that was given before: every handler stores
//! its answer before it sends it, and does nothing a second time for the same sender, session and kind.

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
    pub const ALL: [Kind; 12] = [
        Kind::DkgRound1,
        Kind::DkgRound2,
        Kind::DkgEvidence,
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

/// A signed message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
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
    /// Digest of the request that this answers. Zero for a request.
    #[serde(with = "hex_bytes")]
    pub in_reply_to: Hash32,
    /// JSON text. It is signed as it stands, so that two readings of it cannot differ.
    pub body: String,
    /// Signature by the sender's identity key.
    #[serde(with = "hex_bytes")]
    pub signature: [u8; 64],
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
    /// The body is not what this kind of message carries.
    #[error("its body cannot be read: {0}")]
    Body(String),
}

impl Envelope {
    /// A signed request.
    pub fn request(
        identity: &SigningKey,
        committee: &Committee,
        (from, to): (Hash32, Hash32),
        kind: Kind,
        session: &str,
        body: &impl Serialize,
    ) -> Self {
        let unsigned = Self {
            from,
            to,
            committee_epoch: committee.epoch,
            committee: committee.id(),
            kind,
            session: session.to_string(),
            in_reply_to: ZERO,
            body: text(body),
            signature: [0; 64],
        };
        unsigned.sign(identity)
    }

    /// A signed answer to this request.
    pub fn reply(&self, identity: &SigningKey, body: &impl Serialize) -> Self {
        let unsigned = Self {
            from: self.to,
            to: self.from,
            in_reply_to: self.digest(),
            body: text(body),
            signature: [0; 64],
            session: self.session.clone(),
            ..*self
        };
        unsigned.sign(identity)
    }

    /// Digest of exactly this message without its signature.
    pub fn digest(&self) -> Hash32 {
        sha256(&[&self.signed_bytes()])
    }

    /// Checks that the message is to `to`, by a member of `committee`. Returns that member.
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

    fn sign(mut self, identity: &SigningKey) -> Self {
        self.signature = identity.sign(&self.signed_bytes()).to_bytes();
        self
    }

    fn signed_bytes(&self) -> Vec<u8> {
        #[derive(BorshSerialize)]
        struct Signed<'a> {
            domain: &'static str,
            committee: Hash32,
            committee_epoch: u64,
            kind: &'static str,
            session: &'a str,
            from: Hash32,
            to: Hash32,
            in_reply_to: Hash32,
            body: Hash32,
        }
        borsh::to_vec(&Signed {
            domain: "openledger:quorum:v1",
            committee: self.committee,
            committee_epoch: self.committee_epoch,
            kind: self.kind.as_str(),
            session: &self.session,
            from: self.from,
            to: self.to,
            in_reply_to: self.in_reply_to,
            body: sha256(&[self.body.as_bytes()]),
        })
        .expect("writing to memory cannot fail")
    }
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
            Envelope { body: "\"other\"".into(), ..good.clone() },
            Envelope { session: "t".into(), ..good.clone() },
            Envelope { kind: Kind::SignShare, ..good.clone() },
            Envelope { in_reply_to: [1; 32], ..good.clone() },
            Envelope { from: [3; 32], ..good.clone() },
        ];
        for message in forged {
            assert_eq!(message.verify(&here, &[2; 32]), Err(EnvelopeError::Signature(message.from)));
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
    fn kinds_have_one_name_each_in_url_and_json() {
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.as_str()), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }
}
