//! The feed of events as a live stream, with what becomes of them: that they are final, or that the cluster dropped them.

use super::{
    error::Refusal,
    events::{filters, read},
    query::Query,
    state::State,
};
use crate::db::{Database, DbError};
use futures::StreamExt;
use openledger_sdk::api::types::EventRow;
use serde::{Deserialize, Serialize};
use std::{str::FromStr, time::Duration};
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use warp::{
    reply::{Reply, Response},
    sse,
};

/// Most rows that are read at a time.
const PART: i64 = 200;
/// How long it waits before it reads again what it could not read.
const AGAIN: Duration = Duration::from_secs(2);
const MOST_AGAIN: Duration = Duration::from_secs(60);
/// Most transactions that are excepted when slots are said to be final.
const EXCEPTED: i64 = 100;

/// The feed as a whole.
#[derive(Clone, Debug, Deserialize)]
struct Now {
    /// The feed's name. Another one means that the events have other numbers than before.
    feed: String,
    /// Number of the last event.
    event: u64,
    /// Number of the last roll-back.
    rollback: u64,
    /// The cluster's newest final slot.
    finalized_slot: u64,
}

/// How far a listener has heard: the id of a server-sent event.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Heard {
    feed: String,
    event: u64,
    rollback: u64,
}

impl std::fmt::Display for Heard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.feed, self.event, self.rollback)
    }
}

impl FromStr for Heard {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let number = |text: &str| text.parse::<i64>().ok().and_then(|n| u64::try_from(n).ok());
        // Earlier versions gave the event's number alone: whoever has such a one is told to read again.
        if let Some(event) = number(text).filter(|_| text.bytes().all(|b| b.is_ascii_digit())) {
            return Ok(Self { feed: String::new(), event, rollback: 0 });
        }
        let read = || {
            let (feed, rest) = text.split_once(':')?;
            let (event, rollback) = rest.split_once(':')?;
            Some(Self { feed: feed.to_owned(), event: number(event)?, rollback: number(rollback)? })
        };
        read().ok_or_else(|| {
            Refusal::bad("Last-Event-ID", format!("Last-Event-ID `{text}` is no id that this stream has given"))
        })
    }
}

/// What is final.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Settled {
    /// All that was told of slots up to this one,
    slot: u64,
    /// except for these transactions, which cannot be confirmed yet.
    except: Vec<String>,
}

/// What a listener is told.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Told {
    /// An event of a program.
    Event(Box<EventRow>),
    /// The cluster dropped a transaction, or executed it otherwise: what was told of it is void. Its events come again, with
    /// other numbers, if it has any now.
    RolledBack {
        /// The transaction.
        signature: String,
        /// The slot that it was in.
        slot: u64,
    },
    /// All that was told of slots up to one is final, except for some transactions.
    Final(Settled),
    /// The index was made anew, and events have other numbers: all that was told is to be read again.
    Reset {
        /// The feed's name now.
        feed: String,
        /// Number of the last event now. The stream goes on after it.
        after: u64,
    },
}

impl Told {
    fn name(&self) -> &str {
        match self {
            Self::Event(row) => &row.name,
            Self::RolledBack { .. } => "rolled-back",
            Self::Final(_) => "final",
            Self::Reset { .. } => "reset",
        }
    }
}

/// Streams the events after row `after` as server-sent events, each once. With `after` 0 the stream starts at the
/// beginning. Without `after` it starts with the next new event. The request may narrow it like a list. Roll-backs, finality
/// and a new numbering are told between them, whatever narrows it.
///
/// Roll-backs from before the first answer are told to nobody who gives a number alone: such a one reads the pages again.
///
/// A browser that reconnects sends the last id as `Last-Event-ID`, which takes precedence over `after`, and the stream goes on
/// there.
pub async fn stream(state: &State, query: &Query, last_id: Option<String>) -> Result<Response, Refusal> {
    let last: Option<Heard> = last_id.map(|id| id.parse()).transpose()?;
    let filters = filters(query)?;
    let after = query.number("after")?;
    let full =
        |_| Refusal::unavailable("too many live feeds are open: try again later, or read the pages of /v1/events");
    let place = state.feeds.clone().try_acquire_owned().map_err(full)?;
    let now = now(&state.db).await?;
    let from = Heard { event: after.unwrap_or(now.event), rollback: now.rollback, feed: now.feed };
    let (sender, told) = mpsc::channel(PART as usize);
    let listener = Listener { db: state.db.clone(), filters, heard: last.unwrap_or(from), settled: None, sender };
    let news = state.news.subscribe();
    tokio::spawn(async move {
        listener.follow(news).await;
        drop(place);
    });
    let live = ReceiverStream::new(told).map(|(heard, told): (Heard, Told)| {
        sse::Event::default().id(heard.to_string()).event(told.name().to_owned()).json_data(&told)
    });
    Ok(sse::reply(sse::keep_alive().stream(live)).into_response())
}

/// Whoever listens, and how far it has heard.
struct Listener {
    db: Database,
    filters: Vec<(&'static str, String)>,
    heard: Heard,
    /// What was said to be final, and when the cluster had come how far.
    settled: Option<(u64, Settled)>,
    sender: mpsc::Sender<(Heard, Told)>,
}

/// The listener is gone.
struct Gone;

impl Listener {
    /// Tells what happens until the listener is gone. While nothing happens the database is not asked.
    async fn follow(mut self, mut news: watch::Receiver<()>) {
        let mut pause = AGAIN;
        while !self.sender.is_closed() {
            news.mark_unchanged();
            match self.catch_up().await {
                Ok(Ok(())) => {
                    pause = AGAIN;
                    tokio::select! {
                        changed = news.changed() => if changed.is_err() { return },
                        () = self.sender.closed() => return,
                    }
                }
                Ok(Err(Gone)) => return,
                Err(error) => {
                    tracing::warn!(%error, "the live feed cannot read: trying again");
                    tokio::time::sleep(pause).await;
                    // What it reads may be too much for the database.
                    pause = (pause * 2).min(MOST_AGAIN);
                }
            }
        }
    }

    /// Tells what the listener has not heard.
    async fn catch_up(&mut self) -> Result<Result<(), Gone>, DbError> {
        // Before what is read by it: what comes meanwhile is told by the next look.
        let now = now(&self.db).await?;
        // An older copy of the database has fewer roll-backs under the same name.
        if now.feed != self.heard.feed || self.heard.rollback > now.rollback {
            self.settled = None;
            self.heard = Heard { feed: now.feed.clone(), event: now.event, rollback: now.rollback };
            if let Err(gone) = self.tell(Told::Reset { feed: now.feed, after: now.event }).await {
                return Ok(Err(gone));
            }
            return Ok(Ok(()));
        }
        while self.heard.rollback < now.rollback {
            let sql = "SELECT id, signature, slot FROM rollback WHERE id > $1 ORDER BY id LIMIT $2";
            let rows = self.db.query(sql, &[&(self.heard.rollback as i64), &PART]).await?;
            for row in &rows {
                self.heard.rollback = row.get::<_, i64>(0) as u64;
                let told = Told::RolledBack { signature: row.get(1), slot: row.get::<_, i64>(2) as u64 };
                if let Err(gone) = self.tell(told).await {
                    return Ok(Err(gone));
                }
            }
            if rows.is_empty() {
                self.heard.rollback = now.rollback;
            }
        }
        while self.heard.event < now.event {
            // No newer ones: the roll-backs before them are not told yet.
            let found = read(&self.db, self.heard.event, now.event, PART, &self.filters).await?;
            let full = found.rows.len() as i64 == PART;
            for row in found.rows {
                self.heard.event = row.id;
                if let Err(gone) = self.tell(Told::Event(Box::new(row))).await {
                    return Ok(Err(gone));
                }
            }
            // What does not pass the filters is not looked at again.
            match found.through {
                Some(through) => self.heard.event = self.heard.event.max(through),
                None if !full => self.heard.event = self.heard.event.max(now.event),
                None => {}
            }
        }
        // What was excepted or left out may be final meanwhile, at the same slot.
        let whole = |(at, settled): &(u64, Settled)| {
            *at == now.finalized_slot && settled.except.is_empty() && settled.slot == *at
        };
        if now.finalized_slot > 0
            && !self.settled.as_ref().is_some_and(whole)
            && let Some(settled) = self.what_is_settled(now.finalized_slot).await?
            && self.settled.as_ref().is_none_or(|(_, said)| *said != settled)
        {
            self.settled = Some((now.finalized_slot, settled.clone()));
            if let Err(gone) = self.tell(Told::Final(settled)).await {
                return Ok(Err(gone));
            }
        }
        Ok(Ok(()))
    }

    async fn tell(&self, told: Told) -> Result<(), Gone> {
        self.sender.send((self.heard.clone(), told)).await.map_err(|_| Gone)
    }

    /// What is final when the cluster has finalised the slots up to `slot`. Where many transactions are not confirmed it says
    /// so of fewer slots. `None` while the listener has not heard of all roll-backs: what was dropped is no exception.
    async fn what_is_settled(&self, slot: u64) -> Result<Option<Settled>, DbError> {
        // One statement, so that both are of the same moment. Of a transaction that is set aside as a whole nothing was told.
        let sql = "SELECT r.last, t.signature, t.slot FROM (SELECT coalesce(max(id), 0) AS last FROM rollback) r
                   LEFT JOIN LATERAL (
                       SELECT t.signature, t.slot FROM transaction t WHERE NOT t.finalized AND t.slot <= $1
                       AND NOT EXISTS (SELECT 1 FROM quarantine q WHERE q.signature = t.signature AND q.place < 0)
                       ORDER BY t.slot LIMIT $2) t ON true";
        let rows = self.db.query(sql, &[&(slot as i64), &(EXCEPTED + 1)]).await?;
        if rows.first().is_some_and(|row| row.get::<_, i64>(0) as u64 > self.heard.rollback) {
            return Ok(None);
        }
        let left = rows.iter().filter_map(|row| Some((row.get::<_, Option<String>>(1)?, row.get::<_, i64>(2) as u64)));
        let left: Vec<(String, u64)> = left.collect();
        let slot = left.get(EXCEPTED as usize).map_or(slot, |(_, first)| first.saturating_sub(1));
        let except = left.into_iter().filter(|(_, at)| *at <= slot).map(|(signature, _)| signature).collect();
        Ok(Some(Settled { slot, except }))
    }
}

async fn now(db: &Database) -> Result<Now, DbError> {
    let sql = "SELECT feed, coalesce((SELECT max(id) FROM event), 0) AS event,
                      coalesce((SELECT max(id) FROM rollback), 0) AS rollback, finalized_slot FROM chain";
    let found = db.row(sql, &[]).await?;
    // A database that is not bound to a cluster has no events.
    Ok(found.unwrap_or_else(|| Now { feed: String::new(), event: 0, rollback: 0, finalized_slot: 0 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_of_a_stream_are_taken_up() {
        let heard = Heard { feed: "a-b".into(), event: 7, rollback: 2 };
        assert_eq!(heard.to_string().parse::<Heard>().expect("ours"), heard);
        assert_eq!("7".parse::<Heard>().expect("an old one").feed, "");
        for bad in ["+7", "a:7", "a:7:", "a:-7:2", "a:7:2:1", ""] {
            assert!(bad.parse::<Heard>().is_err(), "{bad}");
        }
    }
}
