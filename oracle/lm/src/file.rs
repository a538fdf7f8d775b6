//! Files that are whole or absent, whatever crashes.

use crate::error::{LmError, Result};
use std::{io::Write, path::Path};

/// Writes beside `path`, flushes to disk, then renames into place.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    let mut file = std::fs::File::create(&temporary).map_err(LmError::io("create", &temporary))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(LmError::io("write", &temporary))?;
    std::fs::rename(&temporary, path).map_err(LmError::io("rename into place", path))
}
