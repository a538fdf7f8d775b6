//! A member's own run of key generation, step by step as in the FROST paper (Komlo and Goldberg 2020, figure 1). Each
//! numbered step of the paper is quoted beside the code that does it.
//!
//! A run can be ended at any moment and begun again, because every step first checks whether its result is stored.

use std::{collections::BTreeMap, sync::Arc};

use crypto_box::{PublicKey, SecretKey, aead::OsRng};
use frost_ed25519::{Identifier, keys::dkg};
use futures::{StreamExt, stream::FuturesUnordered};
use openledger_protocol::Hash32;
use serde::de::DeserializeOwned;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::{
    attempts::{self, ATTEMPTS},
    evidence::Evidence,
    packages::{Digests, Round1, Round2, attempt_id, digests},
    wire::{Asked, Done, EvidenceRequest, Reply},
};
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

/// Takes part in the key generation of `committee`, and continues a run that was ended before. Returns when all members
/// hold their shares of one key, or at once if that is known already.
///
/// Fails with [`Error::Culprit`] after [`ATTEMPTS`] attempts, or if a member breaks the protocol without leaving
/// evidence. Fails with [`Error::Deadline`] after `Settings::dkg_deadline`.
///
/// Keep serving [`crate::routes`] meanwhile and afterwards: members that come late fetch from this one.
pub async fn run(participant: &Participant, committee: &Committee) -> Result<KeyShare> {
    let committee = participant.admit(committee.clone())?;
    let deadline = Instant::now() + participant.settings.dkg_deadline;
    loop {
        if let Some(share) = KeyShare::stored(participant, &committee).await? {
            return Ok(share);
        }
        let refuted = attempts::refuted(participant, &committee).await?;
        let number = refuted.len() as u16;
        if let Some(last) = refuted.last()
            && number >= ATTEMPTS
        {
            let attempt = attempt_id(&committee.id(), number - 1);
            let fault = last.culprit(&committee, &attempt).map_err(|_| Error::Corrupt { what: "evidence" })?;
            return Err(fault.into());
        }
        let run = Run {
            participant: participant.clone(),
            id: committee.id(),
            attempt: attempt_id(&committee.id(), number),
            number,
            refuted: Arc::new(refuted),
            committee: committee.clone(),
            deadline,
        };
        let outcome = tokio::select! {
            outcome = run.run() => outcome,
            ended = run.until_refuted() => ended,
        };
        match outcome {
            // The attempt is over. Whatever the run came to, the next attempt counts.
            Err(error) if attempts::refuted(participant, &committee).await?.len() > usize::from(number) => {
                tracing::warn!(number, %error, "trying again");
            }
            outcome => return outcome,
        }
    }
}

/// Round-1 packages of the other members, in FROST's types.
type Packages = BTreeMap<Identifier, dkg::round1::Package>;

/// One attempt.
#[derive(Clone)]
struct Run {
    participant: Participant,
    committee: Arc<Committee>,
    /// [`Committee::id`].
    id: Hash32,
    /// Number of the attempt.
    number: u16,
    /// [`attempt_id`].
    attempt: Hash32,
    /// The evidence that ended each attempt before.
    refuted: Arc<Vec<Evidence>>,
    deadline: Instant,
}

impl Run {
    async fn run(&self) -> Result<KeyShare> {
        let session = self.part1().await?;
        self.participant.dkg_advanced.notify_waiters();
        let session = match session.group_key {
            Some(_) => session,
            None => self.parts2_and_3(session).await?,
        };
        self.participant.dkg_advanced.notify_waiters();

        let mine = session.group_key.ok_or(Error::Corrupt { what: "group key" })?;
        self.collect(Phase::Confirm, |run, member| async move { run.fetch_done(member, mine).await }).await?;
        self.participant.store.finish_dkg(&self.id, self.number).await?;
        self.sweep().await;
        let share = KeyShare::stored(&self.participant, &self.committee).await?;
        self.report(Phase::Done, self.committee.size());
        share.ok_or(Error::Corrupt { what: "key share" })
    }

    async fn parts2_and_3(&self, session: DkgSession) -> Result<DkgSession> {
        let mine: Round1 = from_json(&session.round1, "round 1")?;
        let transport = self.transport_key(&session)?;

        let mut round1 = self.collect(Phase::Round1, Self::fetch_round1).await?;
        let packages = self.parse_all(&round1)?;
        round1.insert(mine.member, mine);

        let session = self.part2(session, &transport, &round1, &packages).await?;
        self.participant.dkg_advanced.notify_waiters();

        let (round1, secret) = (Arc::new(round1), Arc::new(transport));
        let round2 = self
            .collect(Phase::Round2, |run, member| {
                let (round1, secret) = (round1.clone(), secret.clone());
                async move { run.fetch_round2(member, &round1, &secret).await }
            })
            .await?;
        self.part3(&session, &packages, round2).await?;
        self.session().await
    }

    /// Forgets what committees long gone have left. A failure does no harm: the next key generation does it again.
    async fn sweep(&self) {
        let finalized = self.participant.finalized_slot().await;
        if let Err(error) = self.participant.store.sweep(self.committee.epoch, finalized).await {
            tracing::warn!(%error, "cannot sweep the tables");
        }
    }

    /// Waits until the attempt is over. Never returns a share.
    async fn until_refuted(&self) -> Result<KeyShare> {
        loop {
            // The wait is set up before the check, so that no change in between is missed.
            let advanced = self.participant.dkg_advanced.notified();
            tokio::pin!(advanced);
            advanced.as_mut().enable();
            if let Some(evidence) =
                attempts::refuted(&self.participant, &self.committee).await?.get(usize::from(self.number))
            {
                let fault = evidence.culprit(&self.committee, &self.attempt);
                return Err(fault.map_err(|_| Error::Corrupt { what: "evidence" })?.into());
            }
            advanced.await;
        }
    }

    async fn session(&self) -> Result<DkgSession> {
        let session = self.participant.store.dkg_session(&self.id, self.number).await?;
        session.ok_or(Error::Corrupt { what: "key generation" })
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
    /// The random values are drawn once for an attempt. A second draw, for example after a restart, would show other
    /// members a different package, as a cheating member does.
    async fn part1(&self) -> Result<DkgSession> {
        let store = &self.participant.store;
        if let Some(session) = store.dkg_session(&self.id, self.number).await? {
            return Ok(session);
        }
        let me = self.committee.member(&self.participant.wallet()).expect("only members are admitted");
        let (size, threshold) = (self.committee.size() as u16, self.committee.threshold);
        let (secret, package) = dkg::part1(me.identifier(), size, threshold, OsRng)?;
        let transport = seal::fresh_key();
        let (package, key) = (package.serialize()?, transport.public_key().to_bytes());
        let round1 = Round1::sign(&self.participant.identity, &self.attempt, me.wallet, package, key);
        let (sealing_key, plain) = (&self.participant.sealing_key, Zeroizing::new(secret.serialize()?));
        let session = DkgSession {
            epoch: self.committee.epoch,
            round1: to_json(&round1)?,
            round1_sealed: Some(sealing_key.seal(&plain)),
            transport_sealed: Some(sealing_key.seal(&Zeroizing::new(transport.to_bytes())[..])),
            ..DkgSession::default()
        };
        store.begin_dkg(&self.id, self.number, &session).await?;
        self.session().await
    }

    /// A member's round-1 package, verified and stored.
    ///
    /// > Round 1, step 5. Upon receiving C_ℓ, σ_ℓ from participants 1 ≤ ℓ ≤ n, ℓ ≠ i, participant P_i verifies σ_ℓ,
    /// > aborting on failure.
    async fn fetch_round1(self, member: Member) -> Result<Round1> {
        let store = &self.participant.store;
        if store.received(&self.id, self.number, &member.wallet, 1).await?.is_none() {
            let package: Round1 = self.ask(&member, Kind::DkgRound1).await?;
            if !package.is_by(&member, &self.attempt) {
                return Err(culprit(&member, "sent a round-1 package that it did not sign"));
            }
            if package.parse(&self.committee).is_err() {
                return Err(self.refute(Evidence::BadPackage { package }).await);
            }
            store.receive(&self.id, self.number, &member.wallet, 1, &to_json(&package)?).await?;
        }
        // The stored package counts. If the member gives two different answers, the first counts, now and after every
        // restart.
        let stored = store.received(&self.id, self.number, &member.wallet, 1).await?;
        from_json(&stored.ok_or(Error::Corrupt { what: "round 1" })?, "round 1")
    }

    /// The other members' packages, in FROST's types.
    fn parse_all(&self, round1: &BTreeMap<Hash32, Round1>) -> Result<Packages> {
        let parse = |(wallet, r): (&Hash32, &Round1)| {
            let member = self.committee.member(wallet).expect("only members are asked");
            let package = r.parse(&self.committee).map_err(|_| Error::Corrupt { what: "round 1" })?;
            Ok((member.identifier(), package))
        };
        round1.iter().map(parse).collect()
    }

    /// Makes the round-2 packages for the others, once and for all. Their round-1 packages are verified already.
    ///
    /// > Round 2, step 1. Each P_i securely sends to each other participant P_ℓ a secret share (ℓ, f_i(ℓ)), deleting
    /// > f_i and each share afterward except for (i, f_i(i)), which they keep for themselves.
    ///
    /// Here the others fetch their packages, from `serve::round2`. So each is encrypted to its recipient's session key
    /// and signed before it is stored. The polynomial is forgotten in the statement that stores them.
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
        let (secret, outgoing) = dkg::part2(secret, packages)?;
        let (from, seen) = (self.participant.wallet(), digests(round1, &self.attempt));
        let mut sealed = BTreeMap::new();
        for (identifier, package) in &outgoing {
            let to = self.committee.by_identifier(identifier).expect("packages are for members").wallet;
            let recipient = PublicKey::from_bytes(round1[&to].transport_key);
            let package = seal::seal(&recipient, transport, &Zeroizing::new(package.serialize()?));
            let package = Round2 { from, to, seen: seen.clone(), package, signature: [0; 64] };
            sealed.insert(hex::encode(to), package.sign(&self.participant.identity, &self.attempt));
        }
        let secret = self.participant.sealing_key.seal(&Zeroizing::new(secret.serialize()?));
        self.participant.store.keep_round2(&self.id, self.number, &secret, &to_json(&sealed)?).await?;
        self.session().await
    }

    /// A member's round-2 package for this member, verified and stored.
    async fn fetch_round2(
        self,
        member: Member,
        round1: &BTreeMap<Hash32, Round1>,
        secret: &SecretKey,
    ) -> Result<dkg::round2::Package> {
        let store = &self.participant.store;
        let me = self.committee.member(&self.participant.wallet()).expect("only members are admitted");
        let sender = &round1[&member.wallet];
        if let Some(stored) = store.received(&self.id, self.number, &member.wallet, 2).await? {
            let stored: Round2 = from_json(&stored, "round 2")?;
            return stored.open(sender, me, secret, &self.committee).map_err(|_| Error::Corrupt { what: "round 2" });
        }
        let answer: Round2 = self.ask(&member, Kind::DkgRound2).await?;
        if !answer.is_by(&member, &self.attempt) || answer.to != me.wallet {
            return Err(culprit(&member, "sent a round-2 package that it did not sign for this member"));
        }
        if answer.seen != digests(round1, &self.attempt) {
            return Err(self.who_differs(&member, &answer.seen, round1).await);
        }
        match answer.open(sender, me, secret, &self.committee) {
            Ok(package) => {
                store.receive(&self.id, self.number, &member.wallet, 2, &to_json(&answer)?).await?;
                Ok(package)
            }
            Err(_) => {
                let evidence = Evidence::BadShare {
                    sender: Box::new(sender.clone()),
                    recipient: Box::new(round1[&me.wallet].clone()),
                    round2: Box::new(answer),
                    secret: secret.to_bytes(),
                };
                Err(self.refute(evidence).await)
            }
        }
    }

    /// Whether a member holds its share of this attempt's key.
    async fn fetch_done(self, member: Member, mine: Hash32) -> Result<()> {
        let Done { group_key } = self.ask(&member, Kind::DkgDone).await?;
        if group_key == mine {
            return Ok(());
        }
        Err(culprit(&member, format!("holds a share of another key, {}", hex::encode(group_key))))
    }

    /// Finds out who cheated if `member` built on other round-1 packages than this one. Either the author of the
    /// package that differs has signed two packages, or `member` lies about it.
    async fn who_differs(&self, member: &Member, theirs: &Digests, round1: &BTreeMap<Hash32, Round1>) -> Error {
        let mine = digests(round1, &self.attempt);
        let Some(author) = self.committee.members.iter().find(|m| {
            let key = hex::encode(m.wallet);
            theirs.get(&key) != mine.get(&key)
        }) else {
            return culprit(member, "built on round-1 packages of strangers");
        };
        let session = hex::encode(self.attempt);
        let question = Question { committee: &self.committee, to: member, kind: Kind::DkgEvidence, session: &session };
        let request = EvidenceRequest { attempt: self.number, member: author.wallet };
        let other = match question.ask::<Round1>(&self.participant, &request).await {
            Ok(shown) => shown,
            Err(refusal) => return culprit(member, format!("{}: {refusal}", Kind::DkgEvidence.as_str())),
        };
        let claimed = theirs.get(&hex::encode(author.wallet));
        if other.is_by(author, &self.attempt) && claimed == Some(&hex::encode(other.digest(&self.attempt))) {
            return self.refute(Evidence::TwoPackages { one: round1[&author.wallet].clone(), other }).await;
        }
        culprit(member, format!("claims a round-1 package that {} did not sign", name(&author.wallet)))
    }

    /// Ends the attempt with evidence, and returns the error that names the culprit.
    async fn refute(&self, evidence: Evidence) -> Error {
        match attempts::refute(&self.participant, &self.committee, self.number, &evidence).await {
            Ok(Ok(fault)) => fault.into(),
            Ok(Err(reason)) => Error::Message(reason),
            Err(error) => error,
        }
    }

    /// Computes this member's key share from the verified packages of the others, and stores it.
    ///
    /// > Round 2, step 3. Each P_i calculates their long-lived private signing share by computing s_i = ∑ f_ℓ(i),
    /// > 1 ≤ ℓ ≤ n, stores s_i securely, and deletes each f_ℓ(i).
    ///
    /// > Step 4. Each P_i calculates their public verification share Y_i = g^s_i, and the group's public key
    /// > Y = ∏ φ_j0, 1 ≤ j ≤ n.
    ///
    /// One statement stores the share and deletes this member's secrets of both rounds and its session key. Without the
    /// session key, the stored round-2 packages of the others cannot be opened any more.
    async fn part3(
        &self,
        session: &DkgSession,
        round1: &Packages,
        round2: BTreeMap<Hash32, dkg::round2::Package>,
    ) -> Result<()> {
        let secret = dkg::round2::SecretPackage::deserialize(&self.open(&session.round2_sealed, "round-2 secret")?)?;
        let by_identifier = |(wallet, package): (Hash32, dkg::round2::Package)| {
            (self.committee.member(&wallet).expect("only members are asked").identifier(), package)
        };
        let round2 = round2.into_iter().map(by_identifier).collect();
        let (key_package, public_key_package) = dkg::part3(&secret, round1, &round2)?;
        let share = KeyShare {
            epoch: self.committee.epoch,
            committee: self.id,
            group_key: key_bytes(public_key_package.verifying_key())?,
            key_package,
            public_key_package,
        };
        self.participant.store.keep_share(self.number, &share.to_row(&self.participant.sealing_key)?).await
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

    /// Asks a member for what it made for this one in this attempt.
    async fn ask<T: DeserializeOwned>(&self, to: &Member, kind: Kind) -> Result<T> {
        let session = hex::encode(self.attempt);
        let question = Question { committee: &self.committee, to, kind, session: &session };
        let asked = Asked { attempt: self.number, refuted: self.refuted.to_vec() };
        match question.ask(&self.participant, &asked).await {
            Ok(Reply::Made(value)) => Ok(value),
            Ok(Reply::Refuted(evidence)) => match self.refute(*evidence).await {
                Error::Message(reason) => Err(culprit(to, reason)),
                named => Err(named),
            },
            Err(refusal) => Err(culprit(to, format!("{}: {refusal}", kind.as_str()))),
        }
    }

    fn transport_key(&self, session: &DkgSession) -> Result<SecretKey> {
        let plain = self.open(&session.transport_sealed, "session key")?;
        SecretKey::from_slice(&plain).map_err(|_| Error::Corrupt { what: "session key" })
    }

    fn open(&self, sealed: &Option<Vec<u8>>, what: &'static str) -> Result<Zeroizing<Vec<u8>>> {
        sealed.as_deref().and_then(|s| self.participant.sealing_key.open(s)).ok_or(Error::Corrupt { what })
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
