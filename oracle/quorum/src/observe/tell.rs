//! Telling the other members what this member has. Nobody relies on the coordinator to pass it on.

use std::time::{Duration, Instant};

use futures::{StreamExt, stream::FuturesUnordered};
use openledger_protocol::Hash32;

use super::{
    memory::Memory,
    wire::{About, Published, Tell, Told},
};
use crate::{
    encoding::name,
    envelope::Kind,
    membership::{Committee, Member},
    participant::Participant,
    transport::Question,
};

/// The session of a round's messages.
pub fn session(about: &About) -> String {
    format!("{}:{}", hex::encode(about.subject), about.sequence)
}

/// Whom to wait for when something is told.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// The members that show signs of life.
    Living,
    /// All members: those that are silent may come back.
    All,
}

/// Tells all other members `told`. Returns when those to wait for have taken or refused it, or when `limit` is over.
///
/// A member that has an agreement about the round answers with it, and it is kept here.
pub async fn tell(
    participant: &Participant,
    committee: &Committee,
    about: About,
    told: Told,
    wait: Wait,
    limit: Duration,
) {
    let tell = &Tell { about, told };
    let until = Instant::now() + limit;
    let (session, memory) = (&session(&about), Memory::of(participant, committee, &about));
    let ask = async |to: &Member| {
        let question = Question { committee, to, kind: Kind::ObserveTell, session };
        (to.wallet, question.ask::<Option<Published>>(participant, tell).await)
    };
    let mut untold: Vec<_> = committee.others(participant.wallet()).map(|m| m.wallet).collect();
    let mut asked: FuturesUnordered<_> = committee.others(participant.wallet()).map(ask).collect();
    let over = |untold: &[Hash32]| untold.iter().all(|w| wait == Wait::Living && participant.is_silent(w));
    while !over(&untold) && Instant::now() < until {
        let Ok(Some((member, answer))) = tokio::time::timeout(participant.settings.retry_min, asked.next()).await
        else {
            continue;
        };
        untold.retain(|w| *w != member);
        match answer {
            Ok(None) => {}
            Ok(Some(published)) => {
                if let Err(error) = memory.keep_agreement(&published).await {
                    tracing::warn!(member = name(&member), %error, "sent an agreement that does not count");
                }
            }
            Err(refusal) => tracing::debug!(member = name(&member), %refusal, "refused what it was told"),
        }
    }
}

/// Tells all other members `told` in the background, for the length of a turn.
pub fn tell_on(participant: &Participant, committee: &Committee, about: About, told: Told) {
    let (participant, committee) = (participant.clone(), committee.clone());
    tokio::spawn(async move {
        tell(&participant, &committee, about, told, Wait::All, participant.settings.turn).await;
    });
}
