//! A member's side of an observation: stored before it is shown, and shown the same for ever.

use crypto_box::aead::{OsRng, rand_core::RngCore};
use openledger_protocol::hash::sha256;

use super::{About, CommitRequest, Commitment, Published, Reveal, RevealRequest, observation::context_hash};
use crate::{
    agree::{self, in_ppm},
    context::{Context, body},
    envelope::Envelope,
    error::{Code, Error, Refusal, Result},
    membership::Committee,
    store::ObservationKey,
    transport::Answer,
};

/// `observe-commit`: score, store, commit.
pub(crate) async fn commit(context: &Context, committee: &Committee, request: &Envelope) -> Result<Answer> {
    let asked: CommitRequest = body(request)?;
    let key = key(context, committee, &asked.about);
    let asked_in = context_hash(&asked.context);
    let reveal = match stored_reveal(context, &key).await? {
        Some(reveal) => reveal,
        None => {
            match observed(context, key, &asked).await {
                None => return Ok(Answer::Pending),
                Some(Err(reason)) => return Err(Refusal::new(Code::NotApproved, reason).into()),
                Some(Ok(())) => {}
            }
            stored_reveal(context, &key).await?.ok_or(Error::Corrupt { what: "observation" })?
        }
    };
    if reveal.context != asked_in {
        let text = "has observed this subject and sequence in another context before";
        return Err(Refusal::new(Code::AlreadyObserved, text).into());
    }
    Answer::ready(&Commitment::sign(&context.identity, &key, &reveal))
}

/// `observe-reveal`: when enough members have committed, this one among them.
pub(crate) async fn reveal(context: &Context, committee: &Committee, request: &Envelope) -> Result<Answer> {
    let asked: RevealRequest = body(request)?;
    let key = key(context, committee, &asked.about);
    let bad = |text: String| Refusal::new(Code::BadRequest, text);
    agree::check_commitments(committee, &key, &asked.commitments).map_err(|e| bad(e.to_string()))?;
    let own = stored_reveal(context, &key).await?.ok_or_else(|| bad("I have not observed this".into()))?;
    let commitment = own.commitment(&key);
    if !asked.commitments.iter().any(|c| c.operator == own.operator && c.commitment == commitment) {
        return Err(bad("my commitment is not in the set".into()).into());
    }
    Answer::ready(&own)
}

/// `observe-result`: check the set, keep it.
pub(crate) async fn result(context: &Context, committee: &Committee, request: &Envelope) -> Result<Answer> {
    let published: Published = body(request)?;
    let about = About { subject: published.subject, sequence: published.sequence };
    let key = key(context, committee, &about);
    let agreement = agree::agree(committee, &key, &published, None)
        .map_err(|e| Refusal::new(Code::BadRequest, format!("the set does not count: {e}")))?;
    let text = serde_json::to_string(&published).map_err(|e| Error::Setup(format!("cannot write JSON: {e}")))?;
    context.store.keep_agreement(&key, &agreement.observations_root, &text).await?;
    context.agreed.notify_waiters();
    Answer::ready(&hex::encode(agreement.observations_root))
}

/// This member's stored observation.
pub(crate) async fn stored_reveal(context: &Context, key: &ObservationKey) -> Result<Option<Reveal>> {
    let stored = context.store.observation(key).await?;
    let read = |(_, text): (_, String)| serde_json::from_str(&text).map_err(|_| Error::Corrupt { what: "observation" });
    stored.map(read).transpose()
}

/// Has the node score and stores what it says, once and for all.
async fn observed(context: &Context, key: ObservationKey, asked: &CommitRequest) -> Option<Result<(), String>> {
    let asked_in = context_hash(&asked.context);
    let id = sha256(&[&key.epoch.to_le_bytes(), &key.subject, &key.sequence.to_le_bytes(), &asked_in]);
    let (own, about) = (context.clone(), asked.context.clone());
    let work = || async move {
        let scores = own.observer.observe(&key.subject, key.sequence, &about).await?;
        if !in_ppm(&scores) {
            return Err("its scores are more than 1,000,000 parts per million".to_string());
        }
        let mut salt = [0; 32];
        OsRng.fill_bytes(&mut salt);
        let reveal = Reveal::sign(&own.identity, &key, own.wallet(), asked_in, scores, salt);
        let text = serde_json::to_string(&reveal).map_err(|e| e.to_string())?;
        own.store.keep_observation(&key, &asked_in, &text).await.map_err(|error| {
            tracing::error!(%error, "cannot store an observation");
            "it cannot store its observation: see its log".to_string()
        })
    };
    context.observations.poll(id, context.settings.hold, work).await
}

fn key(context: &Context, committee: &Committee, about: &About) -> ObservationKey {
    let About { subject, sequence } = *about;
    ObservationKey { cluster: context.cluster, epoch: committee.epoch, subject, sequence }
}
