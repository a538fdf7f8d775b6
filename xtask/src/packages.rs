//! System packages that the builds need from the operating system.

use std::{path::Path, process::Command};

use anyhow::{Result, bail};

use crate::process::{exists, is_root, run_quietly, succeeds};

/// A requirement of the system.
pub struct Package {
    /// What it is, in words.
    pub what: &'static str,
    /// Debian's package that provides it.
    pub debian: &'static str,
    present: fn() -> bool,
}

const PACKAGES: [Package; 8] = [
    Package { what: "a C compiler", debian: "gcc", present: || exists("cc") || exists("gcc") },
    Package { what: "make", debian: "make", present: || exists("make") },
    Package { what: "perl", debian: "perl", present: || exists("perl") },
    Package { what: "pkg-config", debian: "pkg-config", present: || exists("pkg-config") },
    Package {
        what: "OpenSSL's headers",
        debian: "libssl-dev",
        present: || succeeds("pkg-config", &["--exists", "openssl"]),
    },
    Package { what: "PostgreSQL", debian: "postgresql", present: has_postgres },
    // In front of PostgreSQL in tests.
    Package { what: "PgBouncer", debian: "pgbouncer", present: has_pgbouncer },
    Package {
        what: "Python with pip",
        debian: "python3-pip",
        present: || succeeds("python3", &["-m", "pip", "--version"]),
    },
];

fn has_postgres() -> bool {
    let debian = Path::new("/usr/lib/postgresql");
    std::env::var_os("PG_BIN").is_some()
        || (exists("postgres") && exists("initdb"))
        || debian.is_dir() && has_version(debian)
}

/// Debian's is not on everybody's path.
fn has_pgbouncer() -> bool {
    exists("pgbouncer") || Path::new("/usr/sbin/pgbouncer").is_file()
}

/// Whether one of Debian's version folders holds the server.
fn has_version(folder: &Path) -> bool {
    let versions = folder.read_dir().into_iter().flatten().flatten();
    versions.map(|version| version.path().join("bin/postgres")).any(|server| server.is_file())
}

/// The missing packages.
pub fn missing() -> Vec<Package> {
    PACKAGES.into_iter().filter(|package| !(package.present)()).collect()
}

/// Installs missing packages if we may. Otherwise the error says exactly what to install.
pub fn install() -> Result<()> {
    let missing = missing();
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = missing.iter().map(|package| package.debian).collect();
    let root = is_root();
    if !exists("apt-get") || !(root || succeeds("sudo", &["-n", "true"])) {
        bail!("{}", advice(&missing));
    }
    // The first command repairs an interrupted installation.
    for (step, log) in [
        ("dpkg --configure -a".to_owned(), "dpkg"),
        ("apt-get -qq update".to_owned(), "apt-update"),
        (format!("apt-get -qq install -y --no-install-recommends {}", names.join(" ")), "apt-install"),
    ] {
        let mut command = Command::new(if root { "env" } else { "sudo" });
        if !root {
            command.args(["-n", "env"]);
        }
        command.arg("DEBIAN_FRONTEND=noninteractive").args(step.split(' '));
        run_quietly(command, &format!("installing {} ({step})", names.join(", ")), log)?;
    }
    Ok(())
}

fn advice(missing: &[Package]) -> String {
    let what: Vec<_> = missing.iter().map(|package| package.what).collect();
    let names: Vec<_> = missing.iter().map(|package| package.debian).collect();
    format!(
        "this machine lacks {}. Install it, on Debian or Ubuntu with `sudo apt-get install -y {}`, and run this again",
        what.join(", "),
        names.join(" ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_advice_is_one_command_with_every_package() {
        let text = advice(&PACKAGES);
        for package in PACKAGES {
            assert!(text.contains(package.what) && text.contains(package.debian), "{text}");
        }
        assert_eq!(text.matches("apt-get install").count(), 1);
    }

    #[test]
    fn only_a_folder_with_the_server_counts_as_postgresql() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("15/bin")).unwrap();
        assert!(!has_version(root.path()));
        std::fs::write(root.path().join("15/bin/postgres"), "").unwrap();
        assert!(has_version(root.path()));
    }
}
