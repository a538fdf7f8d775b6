//! The SQLite file that keeps a chain across restarts.

use std::path::Path;

use surfpool_db::diesel::{Connection, SqliteConnection, connection::SimpleConnection};

use crate::{LocalnetError, config::CHAIN_ID};

/// Tables that only grow and that the chain does not need. surfpool appends its bundled IDLs (3 MB) at every start, and
/// keeps about 200 kB of execution profile for each token transaction.
const SCRATCH_TABLES: [&str; 4] =
    ["registered_idls", "executed_transaction_profiles", "simulated_transaction_profiles", "profile_tag_map"];

/// Slots to skip at a restart, because the last checkpoint may be a second old and no slot may be made twice.
const SLOT_GAP: u32 = 16;

/// Prepares the file of an earlier run for a new run. Does nothing if there is no file.
pub(crate) fn prepare(path: &Path) -> Result<(), LocalnetError> {
    let wrong = |reason: String| LocalnetError::Database { path: path.to_owned(), reason };
    if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty() && !p.is_dir()) {
        return Err(wrong(format!("the folder {} does not exist: create it first", folder.display())));
    }
    if !path.exists() {
        return Ok(());
    }
    let name = path.to_str().ok_or_else(|| wrong("its name is not UTF-8".into()))?;
    let mut db = SqliteConnection::establish(name).map_err(|e| wrong(e.to_string()))?;
    // Opening reads nothing, so this is the first statement that detects a file of another kind.
    db.batch_execute("SELECT COUNT(*) FROM sqlite_master").map_err(|e| wrong(e.to_string()))?;
    for table in SCRATCH_TABLES {
        // A file from a run that was killed early lacks some tables.
        let _ = db.batch_execute(&format!("DELETE FROM {table}"));
    }
    let _ = db.batch_execute(&resume_statement());
    db.batch_execute("VACUUM").map_err(|e| wrong(e.to_string()))
}

/// Moves the checkpoint a little past the last slot known.
fn resume_statement() -> String {
    format!(
        r#"INSERT OR REPLACE INTO slot_checkpoint (surfnet_id, key, value)
           SELECT '{CHAIN_ID}', '"latest_slot"', CAST(MAX(slot) + {SLOT_GAP} AS TEXT) FROM (
             SELECT CAST(value AS INTEGER) slot FROM slot_checkpoint WHERE surfnet_id = '{CHAIN_ID}'
             UNION ALL SELECT CAST(key AS INTEGER) FROM blocks WHERE surfnet_id = '{CHAIN_ID}')
           HAVING MAX(slot) IS NOT NULL"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_folder_is_named() {
        let error = prepare(Path::new("/no/such/folder/chain.sqlite")).unwrap_err().to_string();
        assert!(error.contains("/no/such/folder does not exist"), "{error}");
    }

    #[test]
    fn a_file_that_is_no_database_is_refused_and_left_alone() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "this is a letter to my aunt, not a database").unwrap();
        assert!(matches!(prepare(file.path()), Err(LocalnetError::Database { .. })));
        assert!(std::fs::read_to_string(file.path()).unwrap().starts_with("this is a letter"));
    }
}
