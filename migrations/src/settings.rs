//! How a pool's transactions run.

use std::time::Duration;

/// How the transactions of a [`crate::Database`] run.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'a> {
    /// The schema that unqualified names are in. It need not exist yet. It goes into SQL as it is.
    pub schema: &'a str,
    /// The name by which the server lists the connections.
    pub name: &'a str,
    /// Most connections at a time.
    pub connections: usize,
    /// Whether the server refuses writes.
    pub read_only: bool,
    /// Most time for a statement, from the wait for a connection to the last row. `None` sets no limit.
    pub within: Option<Duration>,
    /// Whether an end of a transaction waits until it is on disk, whatever the server does by itself.
    pub durable: bool,
}

impl Settings<'_> {
    /// The statements that begin a transaction.
    pub(crate) fn begin(&self) -> String {
        let access = if self.read_only { " READ ONLY" } else { "" };
        // Every statement here reads few rows, for which compiling it or starting workers takes longer than the reading.
        let mut begin = format!(
            "BEGIN{access}; SET LOCAL search_path = {}; SET LOCAL jit = off; SET LOCAL max_parallel_workers_per_gather = 0; \
             SET LOCAL random_page_cost = 1.1",
            self.schema
        );
        if self.durable {
            begin += "; SET LOCAL synchronous_commit = on";
        }
        if let Some(within) = self.within {
            begin += &format!("; SET LOCAL statement_timeout = {}", within.as_millis());
        }
        begin
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_says_all_that_it_needs() {
        let settings =
            Settings { schema: "s", name: "n", connections: 1, read_only: false, within: None, durable: false };
        let plain = settings.begin();
        assert!(plain.starts_with("BEGIN; SET LOCAL search_path = s;") && !plain.contains("timeout"), "{plain}");
        let durable = Settings { durable: true, ..settings }.begin();
        assert!(
            durable.ends_with("; SET LOCAL synchronous_commit = on") && !plain.contains("synchronous"),
            "{durable}"
        );
        let reader = Settings { read_only: true, within: Some(Duration::from_millis(1_500)), ..settings }.begin();
        assert!(reader.starts_with("BEGIN READ ONLY;") && reader.ends_with("statement_timeout = 1500"), "{reader}");
    }
}
