//! Distributed key generation: FROST's, with what it takes as given (a broadcast channel, private channels, members
//! that are not restarted) built on HTTP and PostgreSQL.
//!
//! Members fetch from one another instead of sending, so any order of start and any restart will do. A member's packages
//! for a committee are made once and stored before anybody can fetch them. Round-1 packages are signed on their own, and
//! each round-2 answer names the digests of all round-1 packages its sender built on: whoever showed different packages
//! to different members is found out, with both signed packages as evidence. Round-2 packages are encrypted to the
//! recipient's X25519 key of this session, which its signed round-1 package carries.
//!
//! All n members must take part; one that breaks the protocol is named, and the committee must then be proposed anew
//! without it (a committee of exactly the same members, order, threshold and epoch keeps its first packages for ever).
//! That all members hold the same group key is confirmed by each of them on chain.

use std::{collections::BTreeMap, fmt, sync::Arc};

use borsh::BorshSerialize;
use crypto_box::{PublicKey, SecretKey, aead::OsRng};
use ed25519_dalek::Signer;
use frost_ed25519::keys::{self, dkg};
use futures::{StreamExt, stream::FuturesUnordered};
use openledger_protocol::{Hash32, hash::sha256};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::{
    context::Context,
    encoding::{hex_bytes, name},
    envelope::Kind,
    error::{Error, Result},
    membership::{Committee, Member},
    progress::{Activity, Phase, Progress},
    seal::{self, Vault},
    store::{DkgSession, KeyShareRow},
    transport::client::Question,
};

pub(crate) mod serve;

/// A member's share of a committee's key.
#[derive(Clone)]
pub struct KeyShare {
    /// Committee epoch.
    pub epoch: u64,
    /// [`Committee::id`].
    pub committee: Hash32,
    /// The committee's Ed25519 public key.
    pub group_key: Hash32,
    /// The secret share. Wiped from memory when dropped.
    pub key_package: keys::KeyPackage,
    /// Everybody's public shares.
    pub public_key_package: keys::PublicKeyPackage,
}

impl fmt::Debug for KeyShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let group_key = hex::encode(self.group_key);
        f.debug_struct("KeyShare").field("epoch", &self.epoch).field("group_key", &group_key).finish_non_exhaustive()
    }
}

impl KeyShare {
    pub(crate) fn from_row(vault: &Vault, row: KeyShareRow) -> Result<Self> {
        let plain = vault.open(&row.sealed).ok_or(Error::Corrupt { what: "key share" })?;
        Ok(Self {
            epoch: row.epoch,
            committee: row.committee,
            group_key: row.group_key,
            key_package: keys::KeyPackage::deserialize(&plain)?,
            public_key_package: keys::PublicKeyPackage::deserialize(&row.public)?,
        })
    }

    fn to_row(&self, vault: &Vault) -> Result<KeyShareRow> {
        let plain = Zeroizing::new(self.key_package.serialize()?);
        Ok(KeyShareRow {
            epoch: self.epoch,
            committee: self.committee,
            group_key: self.group_key,
            sealed: vault.seal(&plain),
            public: self.public_key_package.serialize()?,
        })
    }
}

/// The 32 bytes of a group key, as the Ed25519 precompile takes it.
pub(crate) fn key_bytes(key: &frost_ed25519::VerifyingKey) -> Result<Hash32> {
    key.serialize()?.try_into().map_err(|_| Error::Corrupt { what: "group key" })
}

/// A member's round-1 package and session key, signed on their own so that others can show them to one another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Round1 {
    /// Whose.
    #[serde(with = "hex_bytes")]
    pub member: Hash32,
    /// FROST round-1 `Package`.
    #[serde(with = "hex_bytes")]
    pub package: Vec<u8>,
    /// X25519 public key for this session.
    #[serde(with = "hex_bytes")]
    pub transport_key: [u8; 32],
    /// By the member's identity key.
    #[serde(with = "hex_bytes")]
    pub signature: [u8; 64],
}

impl Round1 {
    /// Signs a member's package and session key for the committee with this id.
    pub fn sign(
        identity: &ed25519_dalek::SigningKey,
        committee: &Hash32,
        member: Hash32,
        package: Vec<u8>,
        transport_key: [u8; 32],
    ) -> Self {
        let mut signed = Self { member, package, transport_key, signature: [0; 64] };
        signed.signature = identity.sign(&signed.signed_bytes(committee)).to_bytes();
        signed
    }

    fn signed_bytes(&self, committee: &Hash32) -> Vec<u8> {
        #[derive(BorshSerialize)]
        struct Signed<'a> {
            domain: &'static str,
            committee: &'a Hash32,
            member: &'a Hash32,
            package: &'a [u8],
            transport_key: &'a [u8; 32],
        }
        let Self { member, package, transport_key, .. } = self;
        let domain = "openledger:dkg-round1:v1";
        borsh::to_vec(&Signed { domain, committee, member, package, transport_key })
            .expect("writing to memory cannot fail")
    }

    fn digest(&self, committee: &Hash32) -> Hash32 {
        sha256(&[&self.signed_bytes(committee)])
    }

    /// Whether `member` signed it for `committee`.
    fn is_by(&self, member: &Member, committee: &Hash32) -> bool {
        self.member == member.wallet && member.signed(&self.signed_bytes(committee), &self.signature)
    }

    /// The package, if it is one for `threshold` signers.
    fn parse(&self, threshold: u16) -> Result<dkg::round1::Package, String> {
        let package = dkg::round1::Package::deserialize(&self.package).map_err(|e| e.to_string())?;
        let coefficients = package.commitment().serialize().map_err(|e| e.to_string())?.len();
        if coefficients == usize::from(threshold) {
            Ok(package)
        } else {
            Err(format!("{coefficients} coefficients for a threshold of {threshold}"))
        }
    }
}

/// Answer to `dkg-round2`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Round2 {
    /// Member (hex) → digest of the round-1 package that the sender had from it.
    pub seen: BTreeMap<String, String>,
    /// FROST round-2 `Package`, encrypted to the recipient's session key.
    #[serde(with = "hex_bytes")]
    pub package: Vec<u8>,
}

/// Body of `dkg-evidence`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EvidenceRequest {
    /// Whose round-1 package is asked for.
    #[serde(with = "hex_bytes")]
    pub member: Hash32,
}

/// The stored result for `committee`, if key generation is done.
pub async fn stored(context: &Context, committee: &Committee) -> Result<Option<KeyShare>> {
    let row = context.store.key_share(&committee.id()).await?;
    row.map(|row| KeyShare::from_row(&context.vault, row)).transpose()
}

/// Takes part in the key generation of `committee`, from wherever it was left. Returns at once if it is done.
///
/// Keep serving [`crate::routes`] meanwhile and afterwards: members that come late fetch from this one.
pub async fn run(context: &Context, committee: &Committee) -> Result<KeyShare> {
    let committee = context.admit(committee.clone())?;
    if let Some(share) = stored(context, &committee).await? {
        return Ok(share);
    }
    let deadline = Instant::now() + context.settings.dkg_deadline;
    Run { context: context.clone(), id: committee.id(), committee, deadline }.run().await
}

#[derive(Clone)]
struct Run {
    context: Context,
    committee: Arc<Committee>,
    id: Hash32,
    deadline: Instant,
}

impl Run {
    async fn run(&self) -> Result<KeyShare> {
        let session = self.begin().await?;
        self.context.dkg_advanced.notify_waiters();
        let mine: Round1 = read(&session.round1, "round 1")?;
        let transport = self.transport_key(&session)?;

        let mut round1 = self.collect(Phase::Round1, Self::round1_of).await?;
        let packages = self.parse_all(&round1)?;
        round1.insert(mine.member, mine);

        let session = self.second_round(session, &transport, &round1, &packages).await?;
        self.context.dkg_advanced.notify_waiters();

        let (digests, keys) = (Arc::new(digests(&round1, &self.id)), Arc::new(round1));
        let secret = Arc::new(transport);
        let round2 = self
            .collect(Phase::Round2, |run, member| {
                let (digests, keys, secret) = (digests.clone(), keys.clone(), secret.clone());
                async move { run.round2_of(member, &digests, &keys, &secret).await }
            })
            .await?;
        self.finish(&session, &packages, round2).await
    }

    /// Makes this member's round-1 package, once and for all.
    async fn begin(&self) -> Result<DkgSession> {
        let store = &self.context.store;
        if let Some(session) = store.dkg_session(&self.id).await? {
            return Ok(session);
        }
        let me = self.committee.member(&self.context.wallet()).expect("only members are admitted");
        let (size, threshold) = (self.committee.size() as u16, self.committee.threshold);
        let (secret, package) = dkg::part1(me.identifier(), size, threshold, OsRng)?;
        let transport = seal::fresh_key();
        let (package, key) = (package.serialize()?, transport.public_key().to_bytes());
        let round1 = Round1::sign(&self.context.identity, &self.id, me.wallet, package, key);
        let (vault, plain) = (&self.context.vault, Zeroizing::new(secret.serialize()?));
        let session = DkgSession {
            epoch: self.committee.epoch,
            round1: write(&round1)?,
            round1_sealed: Some(vault.seal(&plain)),
            transport_sealed: Some(vault.seal(&Zeroizing::new(transport.to_bytes())[..])),
            ..DkgSession::default()
        };
        store.begin_dkg(&self.id, &session).await?;
        store.dkg_session(&self.id).await?.ok_or(Error::Corrupt { what: "key generation" })
    }

    fn transport_key(&self, session: &DkgSession) -> Result<SecretKey> {
        let plain = self.open(&session.transport_sealed, "session key")?;
        SecretKey::from_slice(&plain).map_err(|_| Error::Corrupt { what: "session key" })
    }

    fn open(&self, sealed: &Option<Vec<u8>>, what: &'static str) -> Result<Zeroizing<Vec<u8>>> {
        sealed.as_deref().and_then(|s| self.context.vault.open(s)).ok_or(Error::Corrupt { what })
    }

    /// Gets something from every other member, all at once.
    async fn collect<T, F>(&self, phase: Phase, get: impl Fn(Run, Member) -> F) -> Result<BTreeMap<Hash32, T>>
    where
        F: Future<Output = Result<T>>,
    {
        let mut waiting: FuturesUnordered<_> = self
            .committee
            .others(self.context.wallet())
            .map(|member| {
                let (wallet, got) = (member.wallet, get(self.clone(), member.clone()));
                async move { got.await.map(|value| (wallet, value)) }
            })
            .collect();
        let mut all = BTreeMap::new();
        loop {
            self.report(phase, all.len() + 1);
            match tokio::time::timeout_at(self.deadline, waiting.next()).await {
                Ok(None) => return Ok(all),
                Ok(Some(got)) => {
                    let (wallet, value) = got?;
                    all.insert(wallet, value);
                }
                Err(_) => {
                    let others = self.committee.others(self.context.wallet()).map(|m| m.wallet);
                    let missing = others.filter(|w| !all.contains_key(w)).collect();
                    return Err(Error::Deadline { what: "key generation", missing, faults: Vec::new() });
                }
            }
        }
    }

    async fn ask<T: serde::de::DeserializeOwned>(
        &self,
        to: &Member,
        kind: Kind,
        body: &impl Serialize,
    ) -> Result<T, Error> {
        let session = hex::encode(self.id);
        let question = Question { committee: &self.committee, to, kind, session: &session };
        question.ask(&self.context, body).await.map_err(|e| culprit(to, format!("{}: {e}", kind.as_str())))
    }

    async fn round1_of(self, member: Member) -> Result<Round1> {
        let store = &self.context.store;
        if store.received(&self.id, &member.wallet, 1).await?.is_none() {
            let answer: Round1 = self.ask(&member, Kind::DkgRound1, &()).await?;
            if !answer.is_by(&member, &self.id) {
                return Err(culprit(&member, "sent a round-1 package that it did not sign"));
            }
            if let Err(reason) = answer.parse(self.committee.threshold) {
                return Err(culprit(&member, format!("sent an invalid round-1 package: {reason}")));
            }
            store.receive(&self.id, &member.wallet, 1, &write(&answer)?).await?;
        }
        // As stored: of two answers that differ the first counts, here and after every restart.
        let stored = store.received(&self.id, &member.wallet, 1).await?;
        read(&stored.ok_or(Error::Corrupt { what: "round 1" })?, "round 1")
    }

    /// The other members' packages, as FROST takes them.
    fn parse_all(&self, round1: &BTreeMap<Hash32, Round1>) -> Result<Packages> {
        let parse = |(wallet, r): (&Hash32, &Round1)| {
            let member = self.committee.member(wallet).expect("only members are asked");
            let package = r.parse(self.committee.threshold).map_err(|_| Error::Corrupt { what: "round 1" })?;
            Ok((member.identifier(), package))
        };
        round1.iter().map(parse).collect()
    }

    /// Makes the packages for the others, once and for all.
    async fn second_round(
        &self,
        session: DkgSession,
        transport: &SecretKey,
        round1: &BTreeMap<Hash32, Round1>,
        packages: &Packages,
    ) -> Result<DkgSession> {
        if session.round2.is_some() {
            return Ok(session);
        }
        let secret = dkg::round1::SecretPackage::deserialize(&self.open(&session.round1_sealed, "round-1 secret")?)?;
        let (secret, outgoing) = dkg::part2(secret, packages).map_err(|e| self.name_culprit(e, "round-1 package"))?;
        let mut sealed = BTreeMap::new();
        for (identifier, package) in &outgoing {
            let member = self.committee.by_identifier(identifier).expect("packages are for members");
            let recipient = PublicKey::from_bytes(round1[&member.wallet].transport_key);
            let plain = Zeroizing::new(package.serialize()?);
            sealed.insert(hex::encode(member.wallet), hex::encode(seal::seal(&recipient, transport, &plain)));
        }
        let plain = Zeroizing::new(secret.serialize()?);
        let store = &self.context.store;
        store.keep_round2(&self.id, &self.context.vault.seal(&plain), &write(&sealed)?).await?;
        store.dkg_session(&self.id).await?.ok_or(Error::Corrupt { what: "key generation" })
    }

    async fn round2_of(
        self,
        member: Member,
        digests: &BTreeMap<String, String>,
        round1: &BTreeMap<Hash32, Round1>,
        secret: &SecretKey,
    ) -> Result<dkg::round2::Package> {
        let store = &self.context.store;
        let answer: Round2 = match store.received(&self.id, &member.wallet, 2).await? {
            Some(stored) => read(&stored, "round 2")?,
            None => self.ask(&member, Kind::DkgRound2, &()).await?,
        };
        if answer.seen != *digests {
            return Err(self.who_differs(&member, &answer.seen, digests).await);
        }
        let sender = PublicKey::from_bytes(round1[&member.wallet].transport_key);
        let plain = seal::open(&sender, secret, &answer.package)
            .ok_or_else(|| culprit(&member, "sent a round-2 package that cannot be decrypted"))?;
        let package = dkg::round2::Package::deserialize(&plain)
            .map_err(|e| culprit(&member, format!("sent an invalid round-2 package: {e}")))?;
        store.receive(&self.id, &member.wallet, 2, &write(&answer)?).await?;
        Ok(package)
    }

    /// `member` built on other round-1 packages than this one. Either their author signed two, or `member` lies.
    async fn who_differs(
        &self,
        member: &Member,
        theirs: &BTreeMap<String, String>,
        mine: &BTreeMap<String, String>,
    ) -> Error {
        let Some(author) = self.committee.members.iter().find(|m| {
            let key = hex::encode(m.wallet);
            theirs.get(&key) != mine.get(&key)
        }) else {
            return culprit(member, "built on round-1 packages of strangers");
        };
        let request = EvidenceRequest { member: author.wallet };
        let shown = match self.ask::<Round1>(member, Kind::DkgEvidence, &request).await {
            Ok(shown) => shown,
            Err(error) => return error,
        };
        let claimed = theirs.get(&hex::encode(author.wallet));
        if shown.is_by(author, &self.id) && claimed == Some(&hex::encode(shown.digest(&self.id))) {
            return culprit(author, format!("signed another round-1 package for {}", member.name()));
        }
        culprit(member, format!("claims a round-1 package that {} did not sign", name(&author.wallet)))
    }

    async fn finish(
        &self,
        session: &DkgSession,
        round1: &Packages,
        round2: BTreeMap<Hash32, dkg::round2::Package>,
    ) -> Result<KeyShare> {
        let secret = dkg::round2::SecretPackage::deserialize(&self.open(&session.round2_sealed, "round-2 secret")?)?;
        let by_identifier = |(wallet, package): (Hash32, dkg::round2::Package)| {
            (self.committee.member(&wallet).expect("only members are asked").identifier(), package)
        };
        let round2 = round2.into_iter().map(by_identifier).collect();
        let (key_package, public_key_package) =
            dkg::part3(&secret, round1, &round2).map_err(|e| self.name_culprit(e, "round-2 package"))?;
        let share = KeyShare {
            epoch: self.committee.epoch,
            committee: self.id,
            group_key: key_bytes(public_key_package.verifying_key())?,
            key_package,
            public_key_package,
        };
        self.context.store.finish_dkg(&share.to_row(&self.context.vault)?).await?;
        self.report(Phase::Done, self.committee.size());
        Ok(share)
    }

    fn name_culprit(&self, error: frost_ed25519::Error, what: &str) -> Error {
        match error.culprits().iter().find_map(|i| self.committee.by_identifier(i)) {
            Some(member) => culprit(member, format!("sent an invalid {what}: {error}")),
            None => error.into(),
        }
    }

    fn report(&self, phase: Phase, have: usize) {
        self.context.report(Progress {
            activity: Activity::KeyGeneration,
            epoch: self.committee.epoch,
            subject: self.id,
            sequence: 0,
            phase,
            have,
            of: self.committee.size(),
        });
    }
}

type Packages = BTreeMap<frost_ed25519::Identifier, dkg::round1::Package>;

fn digests(round1: &BTreeMap<Hash32, Round1>, committee: &Hash32) -> BTreeMap<String, String> {
    round1.iter().map(|(wallet, r)| (hex::encode(wallet), hex::encode(r.digest(committee)))).collect()
}

fn culprit(member: &Member, what: impl Into<String>) -> Error {
    Error::Culprit { member: member.wallet, what: what.into() }
}

fn read<T: serde::de::DeserializeOwned>(text: &str, what: &'static str) -> Result<T> {
    serde_json::from_str(text).map_err(|_| Error::Corrupt { what })
}

fn write(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|e| Error::Setup(format!("cannot write JSON: {e}")))
}
