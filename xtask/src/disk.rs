//! Checks of free disk space, so that hours of work do not end in "no space left on device".

use std::{ffi::CString, io, mem::MaybeUninit, os::unix::ffi::OsStrExt, path::Path};

use anyhow::{Context, Result, bail};

const GIB: u64 = 1 << 30;

/// Bytes that a first build takes: the toolchain, the model, and the native and on-chain build output.
const COLD: u64 = 15 * GIB;
/// Bytes that are needed if most of that is there.
const WARM: u64 = 2 * GIB;

/// Bytes that the model and the documents take, with their packages.
const DOWNLOADS: u64 = GIB / 2;

/// Fails with one message if the downloads would not fit into `cache`.
pub fn check_downloads(cache: &Path) -> Result<()> {
    require(cache, DOWNLOADS)
}

/// Fails with one message if a build into `target` and `cache` would not fit.
pub fn check(cache: &Path, target: &Path) -> Result<()> {
    let need = if target.join("debug").is_dir() { WARM } else { COLD };
    require(cache, need)?;
    require(target, need)
}

fn require(folder: &Path, need: u64) -> Result<()> {
    let free = free_bytes(folder).with_context(|| format!("cannot tell how much space {} has", folder.display()))?;
    verdict(folder, free, need)
}

fn verdict(folder: &Path, free: u64, need: u64) -> Result<()> {
    if free < need {
        bail!(
            "not enough disk space: {} has {:.1} GiB free, and {:.1} GiB are needed. Free some, or point XDG_CACHE_HOME \
             (and CARGO_TARGET_DIR, if you set it) to a larger disk",
            folder.display(),
            free as f64 / GIB as f64,
            need as f64 / GIB as f64
        );
    }
    Ok(())
}

/// Bytes that an ordinary user may still write where `path` is, or will be.
fn free_bytes(path: &Path) -> io::Result<u64> {
    let existing = path.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("/"));
    let name = CString::new(existing.as_os_str().as_bytes())?;
    let mut stat = MaybeUninit::<libc::statvfs>::uninit();
    // SAFETY: `name` ends in NUL and `stat` has room for the answer.
    if unsafe { libc::statvfs(name.as_ptr(), stat.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call succeeded and filled `stat`.
    let stat = unsafe { stat.assume_init() };
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_little_space_names_the_folder_both_amounts_and_the_way_out() {
        let error = verdict(Path::new("/small"), 3 * GIB / 2, COLD).unwrap_err().to_string();
        for part in ["/small", "1.5 GiB free", "15.0 GiB", "XDG_CACHE_HOME"] {
            assert!(error.contains(part), "{error}");
        }
        assert!(verdict(Path::new("/large"), COLD, COLD).is_ok());
    }

    #[test]
    fn a_folder_that_does_not_exist_yet_is_measured_where_it_will_be() {
        assert_eq!(free_bytes(Path::new("/no/such/folder")).unwrap() > 0, free_bytes(Path::new("/")).unwrap() > 0);
    }
}
