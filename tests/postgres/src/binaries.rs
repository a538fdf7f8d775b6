//! Finds PostgreSQL's programs.

use std::{
    env,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use crate::PostgresError;

/// Folder in which Debian has one folder for each major version.
const DEBIAN: &str = "/usr/lib/postgresql";

/// The folder with `postgres`, `initdb` and `createdb`: `$PG_BIN`, else the newest of Debian's, else from `$PATH`.
pub(crate) fn find() -> Result<PathBuf, PostgresError> {
    search(env::var_os("PG_BIN").map(PathBuf::from), Path::new(DEBIAN), &env::var_os("PATH").unwrap_or_default())
}

fn search(pg_bin: Option<PathBuf>, debian: &Path, path: &OsStr) -> Result<PathBuf, PostgresError> {
    if let Some(folder) = pg_bin {
        return if has_server(&folder) { Ok(folder) } else { Err(PostgresError::WrongPgBin(folder)) };
    }
    let on_path = || env::split_paths(path).find(|folder| has_server(folder));
    newest(debian).or_else(on_path).ok_or(PostgresError::NotInstalled)
}

/// The folder with the highest version number in Debian's layout, `ROOT/MAJOR/bin`.
fn newest(root: &Path) -> Option<PathBuf> {
    let versions = fs::read_dir(root).ok()?.flatten().filter_map(|entry| {
        let version: u32 = entry.file_name().to_str()?.parse().ok()?;
        Some((version, entry.path().join("bin")))
    });
    versions.filter(|(_, bin)| has_server(bin)).max().map(|(_, bin)| bin)
}

fn has_server(folder: &Path) -> bool {
    ["postgres", "initdb"].iter().all(|program| folder.join(program).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn install(root: &Path, version: &str, programs: &[&str]) {
        let bin = root.join(version).join("bin");
        fs::create_dir_all(&bin).unwrap();
        for program in programs {
            fs::write(bin.join(program), "").unwrap();
        }
    }

    #[test]
    fn the_newest_complete_version_wins_by_number() {
        let root = tempfile::tempdir().unwrap();
        install(root.path(), "9", &["postgres", "initdb"]);
        install(root.path(), "15", &["postgres", "initdb"]);
        install(root.path(), "17", &["psql"]);
        assert_eq!(newest(root.path()), Some(root.path().join("15/bin")));
    }

    #[test]
    fn path_is_searched_last() {
        let root = tempfile::tempdir().unwrap();
        install(root.path(), "opt", &["postgres", "initdb"]);
        let bin = root.path().join("opt/bin");
        assert_eq!(search(None, root.path(), bin.as_os_str()).unwrap(), bin);
    }

    #[test]
    fn a_missing_postgresql_names_the_package_to_install() {
        let nowhere = Path::new("/no/such/folder");
        let error = search(None, nowhere, OsStr::new("/no/such/bin")).unwrap_err().to_string();
        assert!(error.contains("apt-get install postgresql"), "{error}");
    }

    #[test]
    fn a_wrong_pg_bin_is_named_rather_than_passed_over() {
        let error = search(Some("/no/such/bin".into()), Path::new(DEBIAN), OsStr::new("")).unwrap_err().to_string();
        assert!(error.contains("PG_BIN is /no/such/bin"), "{error}");
    }
}
