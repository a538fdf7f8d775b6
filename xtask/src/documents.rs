//! The demo's documents: real texts of known authors and licences, from Debian packages.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, anyhow, bail};
use serde::{Deserialize, Serialize};

use crate::{
    checksum, paths,
    process::{self, exists, run_quietly},
};

/// A package, and its version with a known hash. Another release of Debian has another version. That is accepted as apt
/// has verified it, and recorded.
struct Pinned {
    package: &'static str,
    version: &'static str,
    sha256: &'static str,
}

const PACKAGES: [Pinned; 5] = [
    Pinned {
        package: "manpages",
        version: "6.03-2",
        sha256: "efa1ba4cd19ad7baeae959c9209a7eb74be2ebb858bcabb412597bfc9f588c91",
    },
    Pinned {
        package: "manpages-dev",
        version: "6.03-2",
        sha256: "96f55cb5e26231d5567c89b692bced63825a14a2d5bd18fdf16ea2ed44eb9838",
    },
    Pinned {
        package: "dict-foldoc",
        version: "20230119-1",
        sha256: "745cbedb55c2da609cc88ee0284e9d11a67a11ae3709daf7bad0e895ac3294c3",
    },
    Pinned {
        package: "dict-jargon",
        version: "4.4.7-3.1",
        sha256: "405f8168d7994ed2cb71407bb95493daec2e9aa66fc0461dafa74a9d6728a8c1",
    },
    Pinned {
        package: "dict-devil",
        version: "1.0-13.1",
        sha256: "6a535684def2a1f70cd42da16d12d43f0e9dc3e54e4a329178eebab3170e3154",
    },
];

/// The record of an unpacked package. It is written as `PACKAGE.json` beside the folder `PACKAGE` when that is
/// complete.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    package: String,
    version: String,
    sha256: String,
}

/// The folder that holds a folder for each package. Missing packages are downloaded.
pub fn fetch() -> Result<PathBuf> {
    let folder = paths::cache()?.join("documents");
    let missing: Vec<_> = PACKAGES.iter().filter(|pinned| !is_complete(&folder, pinned.package)).collect();
    if missing.is_empty() {
        return Ok(folder);
    }
    for program in ["apt-get", "dpkg-deb"] {
        if !exists(program) {
            bail!(
                "the demo's documents come from Debian packages, and there is no `{program}` here: use Debian or Ubuntu"
            );
        }
    }
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let absent: Vec<_> =
        missing.iter().map(|pinned| pinned.package).filter(|package| find_deb(&folder, package).is_none()).collect();
    if !absent.is_empty() {
        download(&folder, &absent)?;
    }
    for pinned in missing {
        unpack(&folder, pinned)?;
    }
    Ok(folder)
}

fn record_of(folder: &Path, package: &str) -> PathBuf {
    folder.join(format!("{package}.json"))
}

fn is_complete(folder: &Path, package: &str) -> bool {
    let record = fs::read(record_of(folder, package)).ok();
    let record = record.and_then(|bytes| serde_json::from_slice::<Record>(&bytes).ok());
    record.is_some_and(|record| record.package == package) && folder.join(package).is_dir()
}

/// The package's file, `PACKAGE_VERSION_ARCHITECTURE.deb`.
fn find_deb(folder: &Path, package: &str) -> Option<PathBuf> {
    let prefix = format!("{package}_");
    let files = folder.read_dir().ok()?.flatten().map(|entry| entry.path());
    files.into_iter().find(|path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with(&prefix) && name.ends_with(".deb")
    })
}

/// Downloads packages with package lists of our own, because a user may not update the system's lists and a fresh
/// machine has none. The lists are in a folder of their own. apt checks each file against its signed list, and
/// continues a partial download.
fn download(folder: &Path, packages: &[&str]) -> Result<()> {
    let (partial, lists) = (folder.join(".download"), folder.join(".apt"));
    fs::create_dir_all(&partial)?;
    fs::create_dir_all(lists.join("lists/partial"))?;
    fs::create_dir_all(lists.join("cache/archives/partial"))?;
    let apt = || {
        let mut apt = Command::new("apt-get");
        apt.arg("-qq")
            .args(["-o", &format!("Dir::State::Lists={}", lists.join("lists").display())])
            .args(["-o", &format!("Dir::Cache={}", lists.join("cache").display())])
            // As root, apt downloads as an unprivileged account, which may not enter root's cache.
            .args(["-o", "APT::Sandbox::User=root", "-o", "Acquire::Languages=none", "-o", "Acquire::Retries=3"])
            .current_dir(&partial);
        apt
    };
    let mut update = apt();
    update.arg("update");
    run_quietly(update, "getting the list of Debian packages", "documents-update")?;
    let mut get = apt();
    get.arg("download").args(packages);
    run_quietly(get, "downloading the demo's documents (7 MB)", "documents")?;
    for package in packages {
        let file = find_deb(&partial, package).with_context(|| format!("apt-get left no file of {package}"))?;
        fs::rename(&file, folder.join(file.file_name().expect("a file has a name")))?;
    }
    fs::remove_dir_all(partial)?;
    fs::remove_dir_all(lists)?;
    Ok(())
}

/// Checks a package's file and unpacks it into `folder/PACKAGE`, in one step.
fn unpack(folder: &Path, pinned: &Pinned) -> Result<()> {
    let package = pinned.package;
    let deb = find_deb(folder, package).with_context(|| format!("the file of {package} is gone"))?;
    let way_out = format!("Delete it (rm {}) and run `cargo xtask fetch` to download it again", deb.display());
    let version = version_of(&deb, package).map_err(|error| anyhow!("{error:#}. {way_out}"))?;
    if version == pinned.version {
        checksum::verify(&deb, pinned.sha256, &way_out)?;
    }
    let (draft, place) = (folder.join(format!(".{package}.partial")), folder.join(package));
    for old in [&draft, &place] {
        if old.exists() {
            fs::remove_dir_all(old)?;
        }
    }
    let mut extract = Command::new("dpkg-deb");
    extract.arg("--extract").arg(&deb).arg(&draft);
    process::run(extract, &format!("unpacking {}", deb.display()))?;
    fs::rename(&draft, &place)?;
    let record = Record { package: package.into(), version, sha256: checksum::sha256(&deb)? };
    // The record is written last, so a package with a record is complete.
    fs::write(record_of(folder, package), serde_json::to_string_pretty(&record)?)?;
    Ok(())
}

/// The version in a package's file. Fails if the file is of another package.
fn version_of(deb: &Path, package: &str) -> Result<String> {
    let mut show = Command::new("dpkg-deb");
    show.args(["--show", "--showformat=${Package} ${Version}"]).arg(deb);
    let shown = process::output(show, &format!("reading {}", deb.display()))?;
    match shown.split_once(' ') {
        Some((name, version)) if name == package => Ok(version.to_owned()),
        _ => bail!("{} holds `{shown}`, and not {package}", deb.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_complete_only_with_its_folder_and_its_record() {
        let folder = tempfile::tempdir().unwrap();
        let record = Record { package: "manpages".into(), version: "6.03-2".into(), sha256: "00".into() };
        assert!(!is_complete(folder.path(), "manpages"));
        fs::write(record_of(folder.path(), "manpages"), serde_json::to_string(&record).unwrap()).unwrap();
        assert!(!is_complete(folder.path(), "manpages"));
        fs::create_dir(folder.path().join("manpages")).unwrap();
        assert!(is_complete(folder.path(), "manpages"));
        fs::write(record_of(folder.path(), "manpages"), "{").unwrap();
        assert!(!is_complete(folder.path(), "manpages"));
    }

    #[test]
    fn a_package_whose_name_begins_another_is_not_taken_for_it() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("manpages-dev_6.03-2_all.deb"), "").unwrap();
        assert_eq!(find_deb(folder.path(), "manpages"), None);
        assert!(find_deb(folder.path(), "manpages-dev").is_some());
    }

    /// Builds the file of an empty package.
    fn build(folder: &Path, name: &str, version: &str) {
        let content = folder.join("content");
        fs::create_dir_all(content.join("DEBIAN")).unwrap();
        let control =
            format!("Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: x <x@x>\nDescription: x\n");
        fs::write(content.join("DEBIAN/control"), control).unwrap();
        let deb = folder.join("dict-devil_1.0-13.1_all.deb");
        assert!(process::succeeds("dpkg-deb", &["--build".as_ref(), content.as_path(), deb.as_path()]));
    }

    /// The error of unpacking that file as `dict-devil`. It must leave nothing behind.
    fn refusal(folder: &Path) -> String {
        let devil = PACKAGES.iter().find(|pinned| pinned.package == "dict-devil").unwrap();
        let error = unpack(folder, devil).unwrap_err();
        assert!(!folder.join("dict-devil").exists());
        format!("{error:#}")
    }

    #[test]
    fn a_package_of_the_known_version_with_another_hash_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        build(folder.path(), "dict-devil", "1.0-13.1");
        let error = refusal(folder.path());
        assert!(error.contains("SHA-256") && error.contains("cargo xtask fetch"), "{error}");
    }

    #[test]
    fn another_package_under_the_name_of_ours_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        build(folder.path(), "dict-jargon", "4.4.7");
        let error = refusal(folder.path());
        assert!(error.contains("dict-jargon") && error.contains("cargo xtask fetch"), "{error}");
    }
}
