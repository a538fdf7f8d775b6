//! The signing sessions of a participant, with their secret nonces. They live in memory alone.
//!
//! Two shares that were made with the same nonces give the key share away. A database can be restored or rolled back,
//! and would then bring used nonces back. Memory cannot. So a restart loses the sessions in flight. Their coordinators
//! ask for new commitments.

use std::{
    collections::HashMap,
    sync::Mutex,
    time::{Duration, Instant},
};

use frost_ed25519::round1::SigningNonces;
use openledger_protocol::Hash32;

use crate::store::SignedSubject;

/// Most sessions kept for one coordinator. The oldest is forgotten first.
const SESSIONS: usize = 256;

/// How long a session is kept. It is longer than any signature takes.
const LIFETIME: Duration = Duration::from_secs(30 * 60);

/// What a session is about. It does not change while the session lasts.
#[derive(Clone)]
pub struct Purpose {
    /// [`crate::Committee::id`].
    pub committee: Hash32,
    /// Bytes of the message that the nonces were committed for.
    pub message: Vec<u8>,
    /// The payload that is signed with it.
    pub subject: SignedSubject,
    /// Public commitments to the nonces.
    pub commitments: Vec<u8>,
}

/// Signing sessions by coordinator and name.
#[derive(Default)]
pub struct Sessions(Mutex<HashMap<Hash32, HashMap<String, Session>>>);

struct Session {
    purpose: Purpose,
    made: Instant,
    stage: Stage,
}

enum Stage {
    /// The nonces are not used.
    Fresh(Box<SigningNonces>),
    /// The nonces were taken for the round with this digest. The share follows, if the member does not fail.
    Taken(Hash32),
    /// The share that was made for the round with this digest.
    Shared(Hash32, Vec<u8>),
}

/// What [`Sessions::take`] found.
pub enum Taken {
    /// The nonces. Nobody gets them again.
    Nonces(Box<SigningNonces>),
    /// The share that was made for the same round before.
    Share(Vec<u8>),
    /// The nonces were used for another round.
    OtherRound,
    /// There are no nonces: the session is unknown, or its nonces were taken and no share came of it.
    Nothing,
}

impl Sessions {
    /// What the session is about, and whether its nonces are unused. `None` if there is no such session.
    pub fn get(&self, coordinator: &Hash32, session: &str) -> Option<(Purpose, bool)> {
        let all = self.0.lock().expect("no panic holds this lock");
        let found = all.get(coordinator)?.get(session)?;
        Some((found.purpose.clone(), matches!(found.stage, Stage::Fresh(_))))
    }

    /// Keeps a new session unless there is one of this name. Returns the purpose of the one that is kept.
    pub fn begin(&self, coordinator: Hash32, session: &str, purpose: Purpose, nonces: SigningNonces) -> Purpose {
        let mut all = self.0.lock().expect("no panic holds this lock");
        let now = Instant::now();
        let own = all.entry(coordinator).or_default();
        own.retain(|_, s| now.saturating_duration_since(s.made) < LIFETIME);
        if own.len() >= SESSIONS && !own.contains_key(session) {
            let oldest = own.iter().min_by_key(|(_, s)| s.made).map(|(name, _)| name.clone());
            oldest.and_then(|name| own.remove(&name));
        }
        let stage = Stage::Fresh(Box::new(nonces));
        own.entry(session.to_string()).or_insert(Session { purpose, made: now, stage }).purpose.clone()
    }

    /// Takes the nonces for the round with this digest.
    ///
    /// # Security
    ///
    /// This is the only way to the nonces, and it leaves none behind. Whatever fails afterwards, they are not used for
    /// another round.
    pub fn take(&self, coordinator: &Hash32, session: &str, round: Hash32) -> Taken {
        let mut all = self.0.lock().expect("no panic holds this lock");
        let Some(found) = all.get_mut(coordinator).and_then(|own| own.get_mut(session)) else {
            return Taken::Nothing;
        };
        match &found.stage {
            Stage::Shared(used_for, share) if *used_for == round => return Taken::Share(share.clone()),
            Stage::Taken(used_for) if *used_for == round => return Taken::Nothing,
            Stage::Shared(..) | Stage::Taken(_) => return Taken::OtherRound,
            Stage::Fresh(_) => {}
        }
        match std::mem::replace(&mut found.stage, Stage::Taken(round)) {
            Stage::Fresh(nonces) => Taken::Nonces(nonces),
            Stage::Taken(_) | Stage::Shared(..) => unreachable!("the stage was fresh under the same lock"),
        }
    }

    /// Keeps the share that was made with the nonces, for a coordinator that asks again for the same round.
    pub fn shared(&self, coordinator: &Hash32, session: &str, round: Hash32, share: Vec<u8>) {
        let mut all = self.0.lock().expect("no panic holds this lock");
        if let Some(found) = all.get_mut(coordinator).and_then(|own| own.get_mut(session))
            && matches!(found.stage, Stage::Taken(taken_for) if taken_for == round)
        {
            found.stage = Stage::Shared(round, share);
        }
    }
}

#[cfg(test)]
mod tests {
    use frost_ed25519::{keys::SigningShare, round1};

    use super::*;

    const ONE: Hash32 = [1; 32];

    fn nonces() -> SigningNonces {
        let share = SigningShare::deserialize(&[1; 32]).expect("a scalar");
        round1::commit(&share, &mut frost_ed25519::rand_core::OsRng).0
    }

    fn purpose(n: u8) -> Purpose {
        let subject = SignedSubject {
            cluster: [0; 32],
            epoch: 1,
            kind: 1,
            subject: [1; 32],
            sequence: 0,
            core: [2; 32],
            payload: [2; 32],
            expiry_slot: 1,
        };
        Purpose { committee: [0; 32], message: vec![n], subject, commitments: vec![n] }
    }

    #[test]
    fn nonces_are_taken_once_and_the_share_is_repeated_for_its_round_only() {
        let sessions = Sessions::default();
        assert!(matches!(sessions.take(&ONE, "s", [1; 32]), Taken::Nothing));
        assert_eq!(sessions.begin(ONE, "s", purpose(1), nonces()).message, [1]);
        assert_eq!(sessions.begin(ONE, "s", purpose(2), nonces()).message, [1], "the first stays");
        assert!(matches!(sessions.take(&[2; 32], "s", [1; 32]), Taken::Nothing), "it is another coordinator's");
        assert!(matches!(sessions.take(&ONE, "s", [1; 32]), Taken::Nonces(_)));
        assert!(matches!(sessions.take(&ONE, "s", [1; 32]), Taken::Nothing), "the share is not made yet");
        assert!(matches!(sessions.take(&ONE, "s", [2; 32]), Taken::OtherRound));
        sessions.shared(&ONE, "s", [1; 32], vec![9]);
        assert!(matches!(sessions.take(&ONE, "s", [1; 32]), Taken::Share(share) if share == [9]));
        assert!(matches!(sessions.take(&ONE, "s", [2; 32]), Taken::OtherRound));
        assert!(sessions.get(&ONE, "s").is_some_and(|(_, fresh)| !fresh));
    }

    #[test]
    fn a_coordinator_that_begins_many_sessions_loses_its_own_oldest_only() {
        let sessions = Sessions::default();
        sessions.begin([2; 32], "other", purpose(1), nonces());
        for n in 0..=SESSIONS {
            sessions.begin(ONE, &n.to_string(), purpose(1), nonces());
        }
        assert!(sessions.get(&ONE, "0").is_none());
        assert!(sessions.get(&ONE, "1").is_some());
        assert!(sessions.get(&[2; 32], "other").is_some());
    }
}
