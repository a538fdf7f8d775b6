//! A member's own run of key generation, step by step as in the FROST paper (Komlo and Goldberg 2020, figure 1). Each
//! numbered step of the paper is quoted beside the code that does it.
//!
//! A run can be ended at any moment and begun again, because every step first checks whether its result is stored.

use std::{collections::BTreeMap, sync::Arc};

use crypto_box::{PublicKey, SecretKey, aead::OsRng};
use frost_ed25519::{Identifier, keys::dkg};
use futures::{StreamExt, stream::FuturesUnordered};
use openledger_protocol::Hash32;
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::wire::{Digests, EvidenceRequest, Round1, Round2, digests};
use crate::{
    encoding::name,
    envelope::Kind,
    error::{Error, Result},
    key_share::{KeyShare, key_bytes},
    membership::{Committee, Member},
    participant::Participant,
    progress::{Activity, Phase, Progress},
    seal,
    store::{DkgSession, from_json, to_json},
    transport::Question,
};

/// Takes part in the key generation of `committee`, and continues a run that was ended before. Returns at once if the
/// key share is stored already.
///
/// Keep serving [`crate::routes`] meanwhile and afterwards: members that come late fetch from this one.
pub async fn run(participant: &Participant, committee: &Committee) -> Result<KeyShare> {
    let committee = participant.admit(committee.clone())?;
    if let Some(share) = KeyShare::stored(participant, &committee).await? {
        return Ok(share);
    }
    let deadline = Instant::now() + participant.settings.dkg_deadline;
    Run { participant: participant.clone(), id: committee.id(), committee, deadline }.run().await
}

/// Round-1 packages of the other members, in FROST's types.
type Packages = BTreeMap<Identifier, dkg::round1::Package>;

#[derive(Clone)]
struct Run {
    participant: Participant,
    committee: Arc<Committee>,
    /// [`Committee::id`].
    id: Hash32,
    deadline: Instant,
}

impl Run {
    async fn run(&self) -> Result<KeyShare> {
        let session = self.part1().await?;
        self.participant.dkg_advanced.notify_waiters();
        let mine: Round1 = from_json(&session.round1, "round 1")?;
        let transport = self.transport_key(&session)?;

        let mut round1 = self.collect(Phase::Round1, Self::fetch_round1).await?;
        let packages = self.parse_all(&round1)?;
        round1.insert(mine.member, mine);

        let session = self.part2(session, &transport, &round1, &packages).await?;
        self.participant.dkg_advanced.notify_waiters();

        let (digests, round1, secret) = (Arc::new(digests(&round1, &self.id)), Arc::new(round1), Arc::new(transport));
        let round2 = self
            .collect(Phase::Round2, |run, member| {
                let (digests, round1, secret) = (digests.clone(), round1.clone(), secret.clone());
                async move { run.fetch_round2(member, &digests, &round1, &secret).await }
            })
            .await?;
        self.part3(&session, &packages, round2).await
    }

    /// Makes this member's round-1 package, once and for all.
    ///
    /// > Round 1, step 1. Every participant P_i samples t random values (a_i0, …, a_i(t−1)) ← Z_q, and uses these
    /// > values as coefficients to define a degree t − 1 polynomial f_i.
    ///
    /// > Step 2. Every P_i computes a proof of knowledge to the corresponding secret a_i0.
    ///
    /// > Step 3. Every participant P_i computes a public commitment C_i = ⟨φ_i0, …, φ_i(t−1)⟩, where φ_ij = g^a_ij.
    ///
    /// > Step 4. Every P_i broadcasts C_i, σ_i to all other participants.
    ///
    /// Here the others fetch the package, from `serve::round1`. So it is signed and stored before it can be fetched.
    ///
    /// # Security
    ///
    /// The random values are drawn once for a committee. A second draw, for example after a restart, would show other
    /// members a different package, as a cheating member does.
    async fn part1(&self) -> Result<DkgSession> {
        let store = &self.participant.store;
        if let Some(session) = store.dkg_session(&self.id).await? {
            return Ok(session);
        }
        let me = self.committee.member(&self.participant.wallet()).expect("only members are admitted");
        let (size, threshold) = (self.committee.size() as u16, self.committee.threshold);
        let (secret, package) = dkg::part1(me.identifier(), size, threshold, OsRng)?;
        let transport = seal::fresh_key();
        let (package, key) = (package.serialize()?, transport.public_key().to_bytes());
        let round1 = Round1::sign(&self.participant.identity, &self.id, me.wallet, package, key);
        let (sealing_key, plain) = (&self.participant.sealing_key, Zeroizing::new(secret.serialize()?));
        let session = DkgSession {
            epoch: self.committee.epoch,
            round1: to_json(&round1)?,
            round1_sealed: Some(sealing_key.seal(&plain)),
            transport_sealed: Some(sealing_key.seal(&Zeroizing::new(transport.to_bytes())[..])),
            ..DkgSession::default()
        };
        store.begin_dkg(&self.id, &session).await?;
        store.dkg_session(&self.id).await?.ok_or(Error::Corrupt { what: "key generation" })
    }

    /// A member's round-1 package, checked and stored.
    async fn fetch_round1(self, member: Member) -> Result<Round1> {
        let store = &self.participant.store;
        if store.received(&self.id, &member.wallet, 1).await?.is_none() {
            let answer: Round1 = self.ask(&member, Kind::DkgRound1, &()).await?;
            if !answer.is_by(&member, &self.id) {
                return Err(culprit(&member, "sent a round-1 package that it did not sign"));
            }
            if let Err(reason) = answer.parse(self.committee.threshold) {
                return Err(culprit(&member, format!("sent an invalid round-1 package: {reason}")));
            }
            store.receive(&self.id, &member.wallet, 1, &to_json(&answer)?).await?;
        }
        // The stored package counts. If the member gives two different answers, the first counts, now and after every
        // restart.
        let stored = store.received(&self.id, &member.wallet, 1).await?;
        from_json(&stored.ok_or(Error::Corrupt { what: "round 1" })?, "round 1")
    }

    /// The other members' packages, in FROST's types.
    fn parse_all(&self, round1: &BTreeMap<Hash32, Round1>) -> Result<Packages> {
        let parse = |(wallet, r): (&Hash32, &Round1)| {
            let member = self.committee.member(wallet).expect("only members are asked");
            let package = r.parse(self.committee.threshold).map_err(|_| Error::Corrupt { what: "round 1" })?;
            Ok((member.identifier(), package))
        };
        round1.iter().map(parse).collect()
    }

    /// Checks the others' round-1 packages and makes the round-2 packages for them, once and for all.
    ///
    /// > Round 1, step 5. Upon receiving C_ℓ, σ_ℓ from participants 1 ≤ ℓ ≤ n, ℓ ≠ i, participant P_i verifies σ_ℓ,
    /// > aborting on failure.
    ///
    /// > Round 2, step 1. Each P_i securely sends to each other participant P_ℓ a secret share (ℓ, f_i(ℓ)), deleting
    /// > f_i and each share afterward except for (i, f_i(i)), which they keep for themselves.
    ///
    /// Here the others fetch their packages, from `serve::round2`. So each is encrypted to its recipient's session key
    /// before it is stored. The polynomial is forgotten in the statement that stores them.
    async fn part2(
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
        let store = &self.participant.store;
        store.keep_round2(&self.id, &self.participant.sealing_key.seal(&plain), &to_json(&sealed)?).await?;
        store.dkg_session(&self.id).await?.ok_or(Error::Corrupt { what: "key generation" })
    }

    /// A member's round-2 package for this one. It counts only if its sender built on the same round-1 packages as this
    /// member. This check takes the place of the paper's broadcast channel.
    async fn fetch_round2(
        self,
        member: Member,
        digests: &Digests,
        round1: &BTreeMap<Hash32, Round1>,
        secret: &SecretKey,
    ) -> Result<dkg::round2::Package> {
        let store = &self.participant.store;
        let answer: Round2 = match store.received(&self.id, &member.wallet, 2).await? {
            Some(stored) => from_json(&stored, "round 2")?,
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
        store.receive(&self.id, &member.wallet, 2, &to_json(&answer)?).await?;
        Ok(package)
    }

    /// Finds out who cheated if `member` built on other round-1 packages than this one. Either the author of the
    /// package that differs has signed two packages, or `member` lies about it.
    async fn who_differs(&self, member: &Member, theirs: &Digests, mine: &Digests) -> Error {
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

    /// Checks the others' round-2 packages, and computes and stores the key share.
    ///
    /// > Round 2, step 2. Each P_i verifies their shares by calculating g^f_ℓ(i) ≟ ∏ φ_ℓk^(i^k mod q), 0 ≤ k ≤ t − 1,
    /// > aborting if the check fails.
    ///
    /// > Step 3. Each P_i calculates their long-lived private signing share by computing s_i = ∑ f_ℓ(i), 1 ≤ ℓ ≤ n,
    /// > stores s_i securely, and deletes each f_ℓ(i).
    ///
    /// > Step 4. Each P_i calculates their public verification share Y_i = g^s_i, and the group's public key
    /// > Y = ∏ φ_j0, 1 ≤ j ≤ n.
    ///
    /// One transaction stores the share and deletes this member's secrets of both rounds and its session key. Without
    /// the session key, the stored round-2 packages of the others cannot be opened any more.
    async fn part3(
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
        self.participant.store.finish_dkg(&share.to_row(&self.participant.sealing_key)?).await?;
        self.report(Phase::Done, self.committee.size());
        Ok(share)
    }

    /// Calls `get` for every other member, for all at the same time, and collects the results.
    async fn collect<T, F>(&self, phase: Phase, get: impl Fn(Run, Member) -> F) -> Result<BTreeMap<Hash32, T>>
    where
        F: Future<Output = Result<T>>,
    {
        let mut waiting: FuturesUnordered<_> = self
            .committee
            .others(self.participant.wallet())
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
                    let others = self.committee.others(self.participant.wallet()).map(|m| m.wallet);
                    let missing = others.filter(|w| !all.contains_key(w)).collect();
                    return Err(Error::Deadline { what: "key generation", missing, faults: Vec::new() });
                }
            }
        }
    }

    async fn ask<T: DeserializeOwned>(&self, to: &Member, kind: Kind, body: &impl Serialize) -> Result<T> {
        let session = hex::encode(self.id);
        let question = Question { committee: &self.committee, to, kind, session: &session };
        question.ask(&self.participant, body).await.map_err(|e| culprit(to, format!("{}: {e}", kind.as_str())))
    }

    fn transport_key(&self, session: &DkgSession) -> Result<SecretKey> {
        let plain = self.open(&session.transport_sealed, "session key")?;
        SecretKey::from_slice(&plain).map_err(|_| Error::Corrupt { what: "session key" })
    }

    fn open(&self, sealed: &Option<Vec<u8>>, what: &'static str) -> Result<Zeroizing<Vec<u8>>> {
        sealed.as_deref().and_then(|s| self.participant.sealing_key.open(s)).ok_or(Error::Corrupt { what })
    }

    /// The error for a package that FROST refuses. It names the member that made the package, if FROST tells which one.
    fn name_culprit(&self, error: frost_ed25519::Error, what: &str) -> Error {
        match error.culprits().iter().find_map(|i| self.committee.by_identifier(i)) {
            Some(member) => culprit(member, format!("sent an invalid {what}: {error}")),
            None => error.into(),
        }
    }

    fn report(&self, phase: Phase, have: usize) {
        self.participant.report(Progress {
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

fn culprit(member: &Member, what: impl Into<String>) -> Error {
    Error::Culprit { member: member.wallet, what: what.into() }
}
