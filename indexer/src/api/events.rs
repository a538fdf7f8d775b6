//! The feed of events, as pages and as a live stream.

use super::{
    error::Refusal,
    parameters::{EVENTS, Parameter, Takes},
    query::{Query, number},
    state::State,
};
use crate::db::{Database, DbError};
use futures::StreamExt;
use openledger_sdk::api::types::{EventRow, Page};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio_postgres::types::ToSql;
use tokio_stream::wrappers::ReceiverStream;
use warp::{
    reply::{Reply, Response},
    sse,
};

/// The feed is paged by the events' numbers.
pub const CURSOR: Parameter =
    Parameter { name: "cursor", takes: Takes::Number, about: "`next` of the page before, instead of `after`." };

/// Most rows that the live feed reads at a time.
const PART: i64 = 200;
/// How long the live feed waits before it reads again what it could not read.
const AGAIN: Duration = Duration::from_secs(2);

/// Returns a page of the events after row `after`, oldest first.
pub async fn page(state: &State, query: &Query) -> Result<Page<EventRow>, Refusal> {
    let limit = query.limit()?;
    let after = match query.number("cursor")? {
        Some(cursor) => cursor,
        None => query.number("after")?.unwrap_or(0),
    };
    let filters = query.filters(EVENTS)?;
    let mut items = read(&state.db, after, limit as i64 + 1, &filters).await?;
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|last| last.id.to_string());
    Ok(Page { items, next })
}

/// Streams the events after row `after` as server-sent events, each once. With `after` 0 the stream starts at the
/// beginning. Without `after` it starts with the next new event. The request may narrow it like a list.
///
/// The id of a server-sent event is its row. A browser that reconnects sends the last id as `Last-Event-ID`, which
/// takes precedence over `after`, and the stream goes on there.
pub async fn stream(state: &State, query: &Query, last_id: Option<String>) -> Result<Response, Refusal> {
    let last_id = last_id.map(|id| number("Last-Event-ID", &id)).transpose()?;
    let filters = query.filters(EVENTS)?;
    let full =
        |_| Refusal::unavailable("too many live feeds are open: try again later, or read the pages of /v1/events");
    let place = state.feeds.clone().try_acquire_owned().map_err(full)?;
    let at = match last_id.or(query.number("after")?) {
        Some(after) => after,
        None => newest(&state.db).await?,
    };
    let (sender, rows) = mpsc::channel(PART as usize);
    let followed = follow(state.db.clone(), state.news.subscribe(), at, filters, sender);
    tokio::spawn(async move {
        followed.await;
        drop(place);
    });
    let live = ReceiverStream::new(rows)
        .map(|row: EventRow| sse::Event::default().id(row.id.to_string()).event(row.name.clone()).json_data(&row));
    Ok(sse::reply(sse::keep_alive().stream(live)).into_response())
}

/// Sends every row after `at` that passes `filters` until the receiver is dropped.
async fn follow(
    db: Database,
    mut news: watch::Receiver<()>,
    mut at: u64,
    filters: Vec<(&'static str, String)>,
    sender: mpsc::Sender<EventRow>,
) {
    while !sender.is_closed() {
        news.mark_unchanged();
        match read(&db, at, PART, &filters).await {
            // While nothing happens the database is not asked.
            Ok(rows) if rows.is_empty() => tokio::select! {
                changed = news.changed() => if changed.is_err() { return },
                () = sender.closed() => return,
            },
            Ok(rows) => {
                for row in rows {
                    at = row.id;
                    if sender.send(row).await.is_err() {
                        return;
                    }
                }
            }
            Err(error) => {
                tracing::warn!(%error, "the live feed cannot read: trying again");
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

async fn read(db: &Database, after: u64, limit: i64, filters: &[(&str, String)]) -> Result<Vec<EventRow>, DbError> {
    let after = after as i64;
    let mut params: Vec<&(dyn ToSql + Sync)> = vec![&after, &limit];
    let mut condition = String::new();
    for (column, value) in filters {
        params.push(value);
        condition += &format!(" AND {column} = ${}", params.len());
    }
    db.rows(&format!("SELECT * FROM feed WHERE id > $1{condition} ORDER BY id LIMIT $2"), &params).await
}

async fn newest(db: &Database) -> Result<u64, DbError> {
    let rows = db.query("SELECT coalesce(max(id), 0) FROM event", &[]).await?;
    Ok(rows.first().map_or(0, |row| row.get::<_, i64>(0) as u64))
}
