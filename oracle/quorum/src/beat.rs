//! Signs of life: every member asks every other member for a signed answer, again and again.
//!
//! Only an answer to a fresh question is a sign of life. A request proves nothing, because anybody who has recorded a
//! dead member's request can send it again. Any signed answer counts, a refusal too.

use std::{collections::HashMap, sync::Arc, time::Instant};

use crypto_box::aead::{OsRng, rand_core::RngCore};
use openledger_protocol::Hash32;
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;

use crate::{
    answer::{Answer, body},
    envelope::{Envelope, Kind},
    error::Result,
    membership::{Committee, Member},
    participant::Participant,
    transport::Question,
};

/// Body of `beat`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Beat {
    /// A random number. The answer names the digest of its question, so no old answer fits.
    pub nonce: u64,
}

/// Answers `beat`.
pub(crate) async fn answer(request: &Envelope) -> Result<Answer> {
    let _: Beat = body(request)?;
    Answer::ready(&"alive")
}

/// Sends beats in the background to the members of the newest committees, until the participant is dropped.
pub(crate) fn start(participant: &Participant) {
    let (weak, every) = (participant.downgrade(), participant.settings.beat_every);
    tokio::spawn(async move {
        let mut beats: HashMap<(u64, Hash32), JoinHandle<()>> = HashMap::new();
        while let Some(participant) = weak.upgrade() {
            beats.retain(|_, beat| !beat.is_finished());
            for committee in participant.newest_committees() {
                for member in committee.others(participant.wallet()) {
                    let send = || tokio::spawn(send(participant.clone(), committee.clone(), member.clone()));
                    beats.entry((committee.epoch, member.wallet)).or_insert_with(send);
                }
            }
            drop(participant);
            tokio::time::sleep(every).await;
        }
    });
}

async fn send(participant: Participant, committee: Arc<Committee>, to: Member) {
    let question = Question { committee: &committee, to: &to, kind: Kind::Beat, session: "beat" };
    let beat = Beat { nonce: OsRng.next_u64() };
    let answer = question.answered(&participant, &beat);
    if tokio::time::timeout(participant.settings.silent_after, answer).await.is_ok() {
        participant.presence.saw(to.wallet, Instant::now());
    }
}
