//! Evidence that a member broke the protocol of key generation. It is made of packages that the member has signed, so
//! everybody can check it, and nobody can make it against an honest member.

use crypto_box::SecretKey;
use openledger_protocol::Hash32;
use serde::{Deserialize, Serialize};

use super::packages::{Round1, Round2};
use crate::{encoding::hex_bytes, error::Fault, membership::Committee};

/// What a member signed and should not have signed. It ends its attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Evidence {
    /// A round-1 package that is not valid.
    BadPackage {
        /// The package.
        package: Round1,
    },
    /// Two different round-1 packages of one member.
    TwoPackages {
        /// One of them.
        one: Round1,
        /// The other.
        other: Round1,
    },
    /// A round-2 package that its recipient cannot decrypt, or whose share does not fit.
    ///
    /// # Security
    ///
    /// The recipient lays its session key open, and with it its own shares of this attempt. So it must have given the
    /// attempt up before it shows this. The session key serves one attempt only.
    BadShare {
        /// The sender's round-1 package.
        sender: Box<Round1>,
        /// The recipient's round-1 package.
        recipient: Box<Round1>,
        /// The sender's round-2 package for the recipient.
        round2: Box<Round2>,
        /// The recipient's X25519 secret key of this attempt.
        #[serde(with = "hex_bytes")]
        secret: [u8; 32],
    },
}

impl Evidence {
    /// The member that the evidence convicts, and of what. Fails with the reason if it convicts nobody.
    pub fn culprit(&self, committee: &Committee, attempt: &Hash32) -> Result<Fault, String> {
        let signed = |package: &Round1| {
            let by = committee.member(&package.member).is_some_and(|m| package.is_by(m, attempt));
            if by { Ok(()) } else { Err("a round-1 package in it is not signed by a member for this attempt") }
        };
        match self {
            Self::BadPackage { package } => {
                signed(package)?;
                match package.parse(committee) {
                    Ok(_) => Err("the round-1 package in it is valid".into()),
                    Err(reason) => Ok(fault(package.member, format!("signed an invalid round-1 package: {reason}"))),
                }
            }
            Self::TwoPackages { one, other } => {
                signed(one)?;
                signed(other)?;
                if one.member != other.member || one.digest(attempt) == other.digest(attempt) {
                    return Err("the two round-1 packages in it are one, or of two members".into());
                }
                Ok(fault(one.member, "signed two different round-1 packages".into()))
            }
            Self::BadShare { sender, recipient, round2, secret } => {
                signed(sender)?;
                signed(recipient)?;
                let member = |wallet| committee.member(wallet).ok_or("it is not about members");
                let (from, to) = (member(&sender.member)?, member(&recipient.member)?);
                if !round2.is_by(from, attempt) || round2.to != to.wallet {
                    return Err("the round-2 package in it is not signed by the sender for the recipient".into());
                }
                // Without this, a recipient with two round-1 packages could accuse whoever encrypted to the other one.
                if !round2.has_seen(sender, attempt) || !round2.has_seen(recipient, attempt) {
                    return Err("the round-2 package in it was built on other round-1 packages".into());
                }
                let secret = SecretKey::from_bytes(*secret);
                if secret.public_key().to_bytes() != recipient.transport_key {
                    return Err("the session key in it is not the recipient's".into());
                }
                sender.parse(committee).map_err(|_| "the sender's round-1 package in it is invalid")?;
                match round2.open(sender, to, &secret, committee) {
                    Ok(_) => Err("the share in it is good".into()),
                    Err(reason) => Ok(fault(from.wallet, format!("signed an invalid round-2 package: {reason}"))),
                }
            }
        }
    }
}

fn fault(member: Hash32, what: String) -> Fault {
    Fault { member, what }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use ed25519_dalek::SigningKey;
    use frost_ed25519::{keys::dkg, rand_core::OsRng};

    use super::*;
    use crate::{
        dkg::packages::{attempt_id, digests},
        membership::Member,
        seal,
    };

    fn identity(n: u16) -> SigningKey {
        SigningKey::from_bytes(&[n as u8; 32])
    }

    fn committee() -> Committee {
        let member = |place: u16| Member {
            place,
            wallet: [place as u8; 32],
            identity: identity(place).verifying_key().to_bytes(),
            endpoint: String::new(),
        };
        Committee::new(1, 2, (1..=3).map(member).collect()).unwrap()
    }

    /// The honest packages of three members, and what member 1 sends to member 2.
    struct Honest {
        attempt: Hash32,
        round1: Vec<Round1>,
        keys: Vec<SecretKey>,
        round2: Round2,
        share: Vec<u8>,
    }

    fn honest() -> Honest {
        let committee = committee();
        let attempt = attempt_id(&committee.id(), 0);
        let (mut secrets, mut packages, mut round1, mut keys) = (vec![], BTreeMap::new(), vec![], vec![]);
        for member in &committee.members {
            let (secret, package) = dkg::part1(member.identifier(), 3, 2, OsRng).unwrap();
            let key = seal::fresh_key();
            let bytes = package.serialize().unwrap();
            let public = key.public_key().to_bytes();
            round1.push(Round1::sign(&identity(member.place), &attempt, member.wallet, bytes, public));
            packages.insert(member.identifier(), package);
            secrets.push(secret);
            keys.push(key);
        }
        packages.remove(&committee.members[0].identifier());
        let (_, outgoing) = dkg::part2(secrets.remove(0), &packages).unwrap();
        let share = outgoing[&committee.members[1].identifier()].serialize().unwrap();
        let by_wallet = round1.iter().map(|r| (r.member, r.clone())).collect();
        let seen = digests(&by_wallet, &attempt);
        let mut made = Honest { attempt, round1, keys, round2: placeholder(seen), share };
        let share = made.share.clone();
        made.round2 = made.send(&share);
        made
    }

    fn placeholder(seen: BTreeMap<String, String>) -> Round2 {
        Round2 { from: [1; 32], to: [2; 32], seen, package: vec![], signature: [0; 64] }
    }

    impl Honest {
        /// What member 1 signs if it encrypts `plain` to member 2.
        fn send(&self, plain: &[u8]) -> Round2 {
            let package = seal::seal(&self.keys[1].public_key(), &self.keys[0], plain);
            Round2 { package, ..self.round2.clone() }.sign(&identity(1), &self.attempt)
        }

        fn accuse(&self, round2: Round2) -> Evidence {
            Evidence::BadShare {
                sender: Box::new(self.round1[0].clone()),
                recipient: Box::new(self.round1[1].clone()),
                round2: Box::new(round2),
                secret: self.keys[1].to_bytes(),
            }
        }

        fn culprit(&self, evidence: &Evidence) -> Result<Fault, String> {
            evidence.culprit(&committee(), &self.attempt)
        }
    }

    #[test]
    fn a_bad_share_convicts_its_sender_and_a_good_one_nobody() {
        let h = honest();
        assert!(h.culprit(&h.accuse(h.round2.clone())).unwrap_err().contains("is good"));
        let mut wrong = h.share.clone();
        let at = wrong.len() - 32;
        wrong[at] ^= 1;
        let fault = h.culprit(&h.accuse(h.send(&wrong))).unwrap();
        assert_eq!(fault.member, [1; 32]);
        assert!(fault.what.contains("does not fit"), "{}", fault.what);
        assert_eq!(h.culprit(&h.accuse(h.send(b"no package"))).unwrap().member, [1; 32]);
        let garbage = Round2 { package: vec![7; 90], ..h.round2.clone() }.sign(&identity(1), &h.attempt);
        assert!(h.culprit(&h.accuse(garbage)).unwrap().what.contains("decrypted"));
    }

    #[test]
    fn a_recipient_cannot_accuse_an_honest_sender() {
        let h = honest();
        // With another session key than the one that it published.
        let other = seal::fresh_key();
        let Evidence::BadShare { sender, recipient, round2, .. } = h.accuse(h.round2.clone()) else { unreachable!() };
        let lie = Evidence::BadShare { sender, recipient, round2, secret: other.to_bytes() };
        assert!(h.culprit(&lie).unwrap_err().contains("session key"));
        // With a second round-1 package of its own, which names another session key.
        let (mine, public) = (&h.round1[1], other.public_key().to_bytes());
        let second = Round1::sign(&identity(2), &h.attempt, mine.member, mine.package.clone(), public);
        let lie = Evidence::BadShare {
            sender: Box::new(h.round1[0].clone()),
            recipient: Box::new(second),
            round2: Box::new(h.round2.clone()),
            secret: other.to_bytes(),
        };
        assert!(h.culprit(&lie).unwrap_err().contains("other round-1 packages"));
        // With a package that it changed, or that was signed in another attempt.
        let changed = Round2 { package: vec![7; 90], ..h.round2.clone() };
        assert!(h.culprit(&h.accuse(changed)).unwrap_err().contains("not signed"));
        let evidence = h.accuse(h.send(b"no package"));
        assert!(evidence.culprit(&committee(), &attempt_id(&committee().id(), 1)).is_err());
    }

    #[test]
    fn an_invalid_or_a_second_round_1_package_convicts_its_author_and_a_valid_one_nobody() {
        let h = honest();
        let valid = h.round1[2].clone();
        assert!(h.culprit(&Evidence::BadPackage { package: valid.clone() }).is_err());
        assert!(h.culprit(&Evidence::TwoPackages { one: valid.clone(), other: valid.clone() }).is_err());
        assert!(h.culprit(&Evidence::TwoPackages { one: valid.clone(), other: h.round1[1].clone() }).is_err());

        // Member 3 signs member 2's package: the proof of knowledge names member 2.
        let stolen = h.round1[1].package.clone();
        let bad = Round1::sign(&identity(3), &h.attempt, [3; 32], stolen, [9; 32]);
        let fault = h.culprit(&Evidence::BadPackage { package: bad.clone() }).unwrap();
        assert_eq!(fault.member, [3; 32]);
        assert!(fault.what.contains("knows the secret"), "{}", fault.what);
        assert_eq!(h.culprit(&Evidence::TwoPackages { one: valid.clone(), other: bad }).unwrap().member, [3; 32]);

        let (_, three) = dkg::part1(committee().members[2].identifier(), 3, 3, OsRng).unwrap();
        let long = Round1::sign(&identity(3), &h.attempt, [3; 32], three.serialize().unwrap(), [9; 32]);
        assert!(h.culprit(&Evidence::BadPackage { package: long }).unwrap().what.contains("3 coefficients"));

        let forged = Round1 { signature: [0; 64], package: vec![1], ..valid };
        assert!(h.culprit(&Evidence::BadPackage { package: forged }).unwrap_err().contains("not signed"));
    }
}
