//! Writes files so that they are whole or absent, even if this process crashes meanwhile.

use crate::error::{LmError, Result};
use std::{fs::File, io::Write, path::Path};

/// Writes a temporary file beside `path`, flushes it to disk, and renames it to `path`. Not even a power cut leaves
/// half a file.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    write(path, bytes, File::sync_all)
}

/// Writes a file that is whole or absent, even if this process crashes meanwhile.
///
/// It does not wait for the disk: after a power cut the file may be damaged. Use it only for a file that can be checked
/// and made again.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    write(path, bytes, |_| Ok(()))
}

fn write(path: &Path, bytes: &[u8], flush: impl Fn(&File) -> std::io::Result<()>) -> Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    let mut file = File::create(&temporary).map_err(LmError::io("create", &temporary))?;
    file.write_all(bytes).and_then(|()| flush(&file)).map_err(LmError::io("write", &temporary))?;
    std::fs::rename(&temporary, path).map_err(LmError::io("rename into place", path))
}
