//! Reads lists and single rows of the database views.

use super::{
    error::Refusal,
    query::{Query, number},
};
use crate::db::Database;
use openledger_sdk::api::types::Page;
use serde::{Deserialize, de::DeserializeOwned};
use tokio_postgres::types::ToSql;

/// A row with its place in the list.
#[derive(Deserialize)]
pub struct Placed<T> {
    /// The row.
    #[serde(flatten)]
    pub row: T,
    page_slot: i64,
    page_row: i64,
}

impl<T> Placed<T> {
    /// The cursor of the rows after this one.
    pub fn cursor(&self) -> String {
        format!("{}-{}", self.page_slot, self.page_row)
    }
}

/// Returns one page of `view`, newest first. It holds the rows whose columns equal `filters` and whose slots are in the
/// request's range, if the request gives one.
///
/// The cursor is the place of the last row. Rows that arrive between two requests therefore cause no repetition and no
/// omission.
pub async fn page<T: DeserializeOwned>(
    db: &Database,
    view: &str,
    filters: &[(&str, String)],
    query: &Query,
) -> Result<Page<T>, Refusal> {
    let (rows, more) = placed(db, view, filters, query).await?;
    let next = rows.last().filter(|_| more).map(Placed::cursor);
    Ok(Page { items: rows.into_iter().map(|r| r.row).collect(), next })
}

/// The rows of such a page with their places, and whether there are more. A caller may end the page before the last of them.
pub async fn placed<T: DeserializeOwned>(
    db: &Database,
    view: &str,
    filters: &[(&str, String)],
    query: &Query,
) -> Result<(Vec<Placed<T>>, bool), Refusal> {
    let limit = query.limit()?;
    let (after, until) = (query.slot("after_slot")?, query.slot("until_slot")?);
    // The page begins at the last slot that is asked for: an index leads there at once, and need not pass over the newer ones.
    let top = (until.unwrap_or(i64::MAX), i64::MAX);
    let (slot, row) = query.text("cursor").map_or(Ok(top), cursor)?.min(top);
    let fetch = limit as i64 + 1;
    let mut params: Vec<&(dyn ToSql + Sync)> = vec![&slot, &row, &fetch];
    let mut condition = String::new();
    for (column, value) in filters {
        params.push(value);
        condition += &format!(" AND {column} = ${}", params.len());
    }
    if let Some(slot) = &after {
        params.push(slot);
        condition += &format!(" AND page_slot > ${}", params.len());
    }
    let sql = format!(
        "SELECT * FROM {view} WHERE (page_slot, page_row) < ($1, $2){condition}
         ORDER BY page_slot DESC, page_row DESC LIMIT $3"
    );
    let mut rows: Vec<Placed<T>> = db.rows(&sql, &params).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    Ok((rows, more))
}

/// Returns the row of `view` whose `column` is `value`. If there is none, it refuses with 404 "there is no `what`
/// `value`".
pub async fn one<T: DeserializeOwned>(
    db: &Database,
    view: &str,
    column: &str,
    value: &str,
    what: &str,
) -> Result<T, Refusal> {
    let sql = format!("SELECT * FROM {view} WHERE {column} = $1 LIMIT 1");
    db.row(&sql, &[&value]).await?.ok_or_else(|| Refusal::absent(what, value))
}

fn cursor(text: &str) -> Result<(i64, i64), Refusal> {
    let number = |text| number("cursor", text).ok().map(|n| n as i64);
    text.split_once('-').and_then(|(slot, row)| Some((number(slot)?, number(row)?))).ok_or_else(|| {
        Refusal::bad("cursor", format!("cursor `{text}` is none that a list gave: pass `next` of the last answer"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_cursors_of_ours_are_taken() {
        assert_eq!(cursor("12-7").expect("ours"), (12, 7));
        for bad in ["", "12", "a-b", "1-2-3", "+1-2", "1-+2", "-1-2"] {
            assert!(cursor(bad).is_err(), "{bad}");
        }
    }
}
