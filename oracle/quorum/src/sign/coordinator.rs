//! A coordinator's side of a signature. It asks all members and lets the first t that are ready sign. It goes on
//! without members that are slow, and names those that lie.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use crypto_box::aead::{OsRng, rand_core::RngCore};
use ed25519_dalek::{Signature, VerifyingKey};
use frost_ed25519::{CheaterDetection, SigningPackage, round1, round2};
use futures::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use openledger_protocol::{
    Hash32,
    attest::{Message, payload_hash},
};
use tokio::time::Instant;

use super::wire::{CommitAnswer, CommitRequest, Committed, ShareAnswer, ShareRequest, signing_package};
use crate::{
    envelope::Kind,
    error::{Code, Error, Fault, Refusal, Result},
    key_share::{KeyShare, key_bytes},
    membership::Committee,
    participant::Participant,
    progress::{Activity, Phase, Progress},
    transport::Question,
};

/// How many times a member may say in the share round that it has lost its session. Then it is left out.
const LOST_SESSIONS: u32 = 3;

/// A signature of the committee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attestation {
    /// Plain Ed25519 signature over `Message::to_bytes`.
    pub signature: [u8; 64],
    /// The committee's public key.
    pub group_key: Hash32,
    /// Wallets of the members whose shares made the signature.
    pub signers: Vec<Hash32>,
    /// Members that refused or lied on the way.
    pub faults: Vec<Fault>,
}

/// Coordinates signatures. It holds no state of its own, so any member may coordinate, and several may do so at the
/// same time.
pub struct Coordinator;

impl Coordinator {
    /// Has the committee of `message.committee_epoch` sign `message`, whose payload hash is that of `payload`.
    ///
    /// Fails with [`Error::TooFew`] as soon as more than n − t members have refused
    /// or lied, and with [`Error::Deadline`] after `Settings::sign_deadline`. Both errors name the members and what
    /// each of them did.
    pub async fn sign(participant: &Participant, message: &Message, payload: &[u8]) -> Result<Attestation> {
        if message.payload != payload_hash(payload) {
            return Err(Error::Message("its payload hash is not that of the payload".into()));
        }
        let committee = participant.committee(message.committee_epoch)?;
        let public = KeyShare::needed(participant, &committee).await?.public_key_package;
        let request = CommitRequest { message: message.to_bytes().to_vec(), payload: payload.to_vec() };
        let mut run = Run {
            participant: participant.clone(),
            committee,
            message: *message,
            request: Arc::new(request),
            public,
            events: FuturesUnordered::new(),
            ready: VecDeque::new(),
            rounds: Vec::new(),
            faults: BTreeMap::new(),
            lost: BTreeMap::new(),
        };
        run.sign().await
    }
}

/// A member that has committed to nonces and waits for a round.
struct Ready {
    session: String,
    committed: Committed,
}

/// A signing round: t members, and the shares that they have sent.
struct Round {
    package: SigningPackage,
    signers: Vec<Hash32>,
    shares: BTreeMap<Hash32, round2::SignatureShare>,
    /// Set when the round keeps its signers waiting or can no longer succeed. The members that have answered are then
    /// free for other rounds.
    released: bool,
}

enum Event {
    Commitment { member: Hash32, session: String, answer: Result<CommitAnswer, Refusal> },
    Share { round: usize, member: Hash32, answer: Result<ShareAnswer, Refusal> },
    Stalled { round: usize },
}

struct Run {
    participant: Participant,
    committee: Arc<Committee>,
    message: Message,
    request: Arc<CommitRequest>,
    public: frost_ed25519::keys::PublicKeyPackage,
    events: FuturesUnordered<BoxFuture<'static, Event>>,
    ready: VecDeque<Ready>,
    rounds: Vec<Round>,
    faults: BTreeMap<Hash32, String>,
    lost: BTreeMap<Hash32, u32>,
}

impl Run {
    async fn sign(&mut self) -> Result<Attestation> {
        let deadline = Instant::now() + self.participant.settings.sign_deadline;
        for member in self.committee.members.iter().map(|m| m.wallet).collect::<Vec<_>>() {
            self.ask_commitment(member);
        }
        loop {
            let event = match tokio::time::timeout_at(deadline, self.events.next()).await {
                Ok(Some(event)) => event,
                Ok(None) => return Err(self.too_few()),
                Err(_) => return Err(self.out_of_time()),
            };
            match event {
                Event::Commitment { member, session, answer } => self.committed(member, session, answer)?,
                Event::Stalled { round } => self.release(round),
                Event::Share { round, member, answer } => {
                    if let Some(attestation) = self.shared(round, member, answer)? {
                        return Ok(attestation);
                    }
                }
            }
            if self.committee.size() - self.faults.len() < self.committee.needed() {
                return Err(self.too_few());
            }
        }
    }

    /// Asks a member to commit to nonces, in a new session.
    fn ask_commitment(&mut self, member: Hash32) {
        if self.faults.contains_key(&member) {
            return;
        }
        let (participant, committee, request) =
            (self.participant.clone(), self.committee.clone(), self.request.clone());
        let mut id = [0; 16];
        OsRng.fill_bytes(&mut id);
        let session = hex::encode(id);
        self.events.push(Box::pin(async move {
            let to = committee.member(&member).expect("only members are asked");
            let question = Question { committee: &committee, to, kind: Kind::SignCommit, session: &session };
            let answer = question.ask(&participant, &*request).await;
            Event::Commitment { member, session, answer }
        }));
    }

    fn committed(&mut self, member: Hash32, session: String, answer: Result<CommitAnswer, Refusal>) -> Result<()> {
        let commitments = match answer {
            Ok(answer) => answer.commitments,
            Err(refusal) => {
                self.fault(member, format!("refused: {refusal}"));
                return Ok(());
            }
        };
        if round1::SigningCommitments::deserialize(&commitments).is_err() {
            self.fault(member, "sent commitments that cannot be read".into());
            return Ok(());
        }
        self.ready.push_back(Ready { session, committed: Committed { member, commitments } });
        self.report(Phase::Commit, self.ready.len());
        if self.ready.len() >= self.committee.needed() {
            self.start_round()?;
        }
        Ok(())
    }

    /// Starts a round of the first t members that are ready.
    fn start_round(&mut self) -> Result<()> {
        let signers: Vec<Ready> = self.ready.drain(..self.committee.needed()).collect();
        let round: Vec<Committed> = signers.iter().map(|r| r.committed.clone()).collect();
        let package = signing_package(&self.committee, &round, &self.request.message)?;
        let number = self.rounds.len();
        let request = Arc::new(ShareRequest { round });
        self.rounds.push(Round {
            package,
            signers: signers.iter().map(|r| r.committed.member).collect(),
            shares: BTreeMap::new(),
            released: false,
        });
        for Ready { session, committed } in signers {
            let (participant, committee, request) = (self.participant.clone(), self.committee.clone(), request.clone());
            let member = committed.member;
            self.events.push(Box::pin(async move {
                let to = committee.member(&member).expect("only members are asked");
                let question = Question { committee: &committee, to, kind: Kind::SignShare, session: &session };
                let answer = question.ask(&participant, &*request).await;
                Event::Share { round: number, member, answer }
            }));
        }
        let patience = self.participant.settings.stall_after;
        self.events.push(Box::pin(async move {
            tokio::time::sleep(patience).await;
            Event::Stalled { round: number }
        }));
        Ok(())
    }

    fn shared(
        &mut self,
        number: usize,
        member: Hash32,
        answer: Result<ShareAnswer, Refusal>,
    ) -> Result<Option<Attestation>> {
        let share = match answer.map(|a| round2::SignatureShare::deserialize(&a.share)) {
            Ok(Ok(share)) => share,
            Ok(Err(_)) => {
                self.fault(member, "sent a signature share that cannot be read".into());
                self.release(number);
                return Ok(None);
            }
            Err(refusal) => {
                self.lost_session(member, refusal);
                self.release(number);
                return Ok(None);
            }
        };
        let round = &mut self.rounds[number];
        round.shares.insert(member, share);
        let (have, complete, released) =
            (round.shares.len(), round.shares.len() == round.signers.len(), round.released);
        self.report(Phase::Share, have);
        if complete && let Some(attestation) = self.aggregate(number)? {
            return Ok(Some(attestation));
        }
        // The round was released before this answer came. The release freed the other members that had answered, but
        // not this one.
        if released {
            self.ask_commitment(member);
        }
        Ok(None)
    }

    /// A member that was restarted has lost its nonces. It may commit again, but only a few times.
    fn lost_session(&mut self, member: Hash32, refusal: Refusal) {
        let times = self.lost.entry(member).or_default();
        *times += 1;
        if matches!(refusal.code, Code::UnknownSession | Code::NoncesUsed) && *times < LOST_SESSIONS {
            self.ask_commitment(member);
        } else {
            self.fault(member, format!("refused its share: {refusal}"));
        }
    }

    fn aggregate(&mut self, number: usize) -> Result<Option<Attestation>> {
        let round = &self.rounds[number];
        let shares = round
            .shares
            .iter()
            .filter_map(|(wallet, share)| Some((self.committee.member(wallet)?.identifier(), *share)))
            .collect();
        let detection = CheaterDetection::AllCheaters;
        let error = match frost_ed25519::aggregate_custom(&round.package, &shares, &self.public, detection) {
            Ok(signature) => return self.finish(number, signature).map(Some),
            Err(error) => error,
        };
        let liars: BTreeSet<Hash32> = error
            .culprits()
            .iter()
            .filter_map(|identifier| self.committee.by_identifier(identifier))
            .map(|m| m.wallet)
            .collect();
        if liars.is_empty() {
            return Err(error.into());
        }
        for liar in liars {
            self.fault(liar, "sent an invalid signature share".into());
        }
        self.release(number);
        Ok(None)
    }

    fn finish(&self, number: usize, signature: frost_ed25519::Signature) -> Result<Attestation> {
        let signature: [u8; 64] =
            signature.serialize()?.try_into().map_err(|_| Error::Corrupt { what: "signature" })?;
        let group_key = key_bytes(self.public.verifying_key())?;
        // The chain's Ed25519 precompile makes the same check.
        VerifyingKey::from_bytes(&group_key)
            .and_then(|key| key.verify_strict(&self.request.message, &Signature::from_bytes(&signature)))
            .map_err(|_| Error::Frost(frost_ed25519::Error::InvalidSignature))?;
        let signers = self.rounds[number].signers.clone();
        self.report(Phase::Done, signers.len());
        Ok(Attestation { signature, group_key, signers, faults: self.fault_list() })
    }

    /// Lets the members that have answered in this round start another.
    fn release(&mut self, number: usize) {
        if std::mem::replace(&mut self.rounds[number].released, true) {
            return;
        }
        for member in self.rounds[number].shares.keys().copied().collect::<Vec<_>>() {
            self.ask_commitment(member);
        }
    }

    fn fault(&mut self, member: Hash32, what: String) {
        let fault = Fault { member, what };
        tracing::warn!(%fault, "left out of the signature");
        self.ready.retain(|r| r.committed.member != member);
        self.faults.insert(member, fault.what);
    }

    fn fault_list(&self) -> Vec<Fault> {
        self.faults.iter().map(|(member, what)| Fault { member: *member, what: what.clone() }).collect()
    }

    fn too_few(&self) -> Error {
        Error::TooFew {
            what: "the signature",
            have: self.committee.size() - self.faults.len(),
            need: self.committee.needed(),
            faults: self.fault_list(),
        }
    }

    fn out_of_time(&self) -> Error {
        let answered = |w: &Hash32| {
            self.faults.contains_key(w)
                || self.ready.iter().any(|r| r.committed.member == *w)
                || self.rounds.iter().any(|r| r.shares.contains_key(w))
        };
        let missing = self.committee.members.iter().map(|m| m.wallet).filter(|w| !answered(w)).collect();
        Error::Deadline { what: "the signature", missing, faults: self.fault_list() }
    }

    fn report(&self, phase: Phase, have: usize) {
        self.participant.report(Progress {
            activity: Activity::Signature,
            epoch: self.committee.epoch,
            subject: self.message.subject,
            sequence: self.message.sequence,
            phase,
            have,
            of: self.committee.needed(),
        });
    }
}
