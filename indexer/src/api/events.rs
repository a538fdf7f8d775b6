//! The feed of events in pages.

use super::{
    error::Refusal,
    parameters::{EVENTS, Parameter, Takes},
    query::Query,
    state::State,
};
use crate::db::{Database, DbError};
use openledger_interface::Event;
use openledger_sdk::api::types::{EventRow, Page};
use tokio_postgres::types::ToSql;

/// The feed is paged by the events' numbers.
pub const CURSOR: Parameter =
    Parameter { name: "cursor", takes: Takes::Number, about: "`next` of the page before, instead of `after`." };

/// Most events of one account that are looked through for those of a name.
const MOST_LOOKED_THROUGH: i64 = 5_000;

/// Returns a page of the events after row `after`, oldest first. A page may have fewer rows than there are, and even none,
/// where it had to pass over many: `next` goes on.
pub async fn page(state: &State, query: &Query) -> Result<Page<EventRow>, Refusal> {
    let limit = query.limit()?;
    let after = match query.number("cursor")? {
        Some(cursor) => cursor,
        None => query.number("after")?.unwrap_or(0),
    };
    let mut found = read(&state.db, after, u64::MAX, limit as i64 + 1, &filters(query)?).await?;
    let more = found.rows.len() > limit;
    found.rows.truncate(limit);
    let last = found.rows.last().filter(|_| more).map(|last| last.id);
    Ok(Page { items: found.rows, next: last.or(found.through).map(|id| id.to_string()) })
}

/// What narrows the feed. Refuses what no event can be.
pub(super) fn filters(query: &Query) -> Result<Vec<(&'static str, String)>, Refusal> {
    let mut filters = query.filters(EVENTS)?;
    let of = |name: &str| filters.iter().find(|(column, _)| *column == name).map(|(_, value)| value.as_str());
    if let (Some(name), Some(program)) = (of("name"), of("program")) {
        let its = Event::program_of(name).map(|program| program.name());
        if its != Some(program) {
            let error =
                format!("program `{program}` has no event {name}: leave it out, or write {}", its.unwrap_or("another"));
            return Err(Refusal::bad("program", error));
        }
        // The name says it. The database would look for both.
        filters.retain(|(column, _)| *column != "program");
    }
    Ok(filters)
}

/// Events, and where the search for them ended.
pub(super) struct Found {
    /// The events.
    pub rows: Vec<EventRow>,
    /// The number of the event at which the search ended, though there may be more after it. `None` if it did not end early.
    pub through: Option<u64>,
}

/// Reads events after row `after` and up to row `last` that pass `filters`, at most `limit` of them, oldest first.
pub(super) async fn read(
    db: &Database,
    after: u64,
    last: u64,
    limit: i64,
    filters: &[(&'static str, String)],
) -> Result<Found, DbError> {
    let (after, last) = (after as i64, i64::try_from(last).unwrap_or(i64::MAX));
    let subject = filters.iter().find(|(column, _)| *column == "subject");
    // The database finds an account's events, but has to look through them for all else.
    let (until, through) = match subject.filter(|_| filters.len() > 1) {
        None => (last, None),
        Some((_, subject)) => {
            let sql = "SELECT id FROM event WHERE subject = $1 AND id > $2 ORDER BY id OFFSET $3 LIMIT 1";
            let end = db.query(sql, &[subject, &after, &(MOST_LOOKED_THROUGH - 1)]).await?;
            let end = end.first().map(|row| row.get::<_, i64>(0));
            let end = end.filter(|end| *end < last);
            (end.unwrap_or(last), end.map(|end| end as u64))
        }
    };
    let mut params: Vec<&(dyn ToSql + Sync)> = vec![&after, &limit, &until];
    let mut condition = String::new();
    for (column, value) in filters {
        params.push(value);
        condition += &format!(" AND {column} = ${}", params.len());
    }
    let sql = format!("SELECT * FROM feed WHERE id > $1 AND id <= $3{condition} ORDER BY id LIMIT $2");
    let rows: Vec<EventRow> = db.rows(&sql, &params).await?;
    // A full page ends at its last row.
    Ok(Found { through: through.filter(|_| (rows.len() as i64) < limit), rows })
}
