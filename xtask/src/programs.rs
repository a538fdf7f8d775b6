//! Compiles the on-chain programs.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use crate::{checksum, paths, process::run, progress::say, sbf::Toolchain, sources};

/// The programs. Each depends only on earlier ones.
pub const NAMES: [&str; 5] = ["stake", "datanet", "model", "payout", "governance"];

/// A compiled program.
pub struct Built {
    pub name: &'static str,
    pub path: PathBuf,
    pub bytes: u64,
    pub sha256: String,
}

/// The programs with these names, or all programs if no name is given.
pub fn chosen(names: &[String]) -> Vec<&'static str> {
    NAMES.into_iter().filter(|name| names.is_empty() || names.iter().any(|n| n == name)).collect()
}

/// Compiles programs to `NAME.so` in [`paths::programs`], unless the file was already compiled from the same sources.
///
/// Each program has its own cargo call. In one call, a program that another one depends on would be compiled without
/// its entrypoint. Cargo alone would compile every program anew each time, because the versions with and without
/// entrypoint have the same file name.
pub fn build(toolchain: &Toolchain, names: &[&'static str]) -> Result<Vec<Built>> {
    let (target, deploy) = (paths::sbf_target()?, paths::programs()?);
    fs::create_dir_all(&deploy).with_context(|| format!("cannot create {}", deploy.display()))?;
    let origin = sources::hash(paths::root(), &toolchain.to_string())?;
    let build = |name: &&'static str| match fresh(name, &origin, &deploy) {
        Some(built) => Ok(built),
        None => {
            say(&format!("compiling the on-chain program {name}"));
            build_one(toolchain, name, &origin, &target, &deploy)
        }
    };
    names.iter().map(build).collect()
}

/// The file that records a program's sources and the compiled result.
fn stamp(name: &str, deploy: &Path) -> PathBuf {
    deploy.join(format!("{name}.origin"))
}

/// The compiled program, if it is there and was compiled from sources with the hash `origin`.
fn fresh(name: &'static str, origin: &str, deploy: &Path) -> Option<Built> {
    let path = deploy.join(format!("{name}.so"));
    let (bytes, sha256) = (fs::metadata(&path).ok()?.len(), checksum::sha256(&path).ok()?);
    let stamp = fs::read_to_string(stamp(name, deploy)).ok()?;
    (stamp == format!("{origin} {sha256}")).then_some(Built { name, path, bytes, sha256 })
}

fn build_one(toolchain: &Toolchain, name: &'static str, origin: &str, target: &Path, deploy: &Path) -> Result<Built> {
    let (command, built) = toolchain.build(name, target, deploy)?;
    run(command, &format!("compiling the program {name}"))?;
    let path = deploy.join(format!("{name}.so"));
    if built != path {
        put(&built, &path)?;
    }
    let bytes = fs::metadata(&path)?.len();
    if bytes == 0 {
        bail!("{} is empty: delete {} and run this again", path.display(), target.display());
    }
    let sha256 = checksum::sha256(&path)?;
    fs::write(stamp(name, deploy), format!("{origin} {sha256}"))?;
    Ok(Built { name, sha256, path, bytes })
}

/// Copies a file atomically, so that nobody reads an incomplete one. An equal file is not replaced.
fn put(from: &Path, to: &Path) -> Result<()> {
    let content = fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
    if fs::read(to).is_ok_and(|present| present == content) {
        return Ok(());
    }
    let draft = to.with_extension("partial");
    fs::write(&draft, content)
        .and_then(|()| fs::rename(&draft, to))
        .with_context(|| format!("cannot write {}", to.display()))
}

/// Prints a line for each program.
pub fn print(programs: &[Built]) {
    for Built { name, path, bytes, sha256 } in programs {
        println!("{name:<8} {bytes:>9} bytes  sha256 {sha256}  {}", path.display());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_fresh_only_of_the_same_sources_and_untouched() {
        let deploy = tempfile::tempdir().unwrap();
        let so = deploy.path().join("stake.so");
        assert!(fresh("stake", "a", deploy.path()).is_none());
        fs::write(&so, "program").unwrap();
        fs::write(stamp("stake", deploy.path()), format!("a {}", checksum::sha256(&so).unwrap())).unwrap();
        assert_eq!(fresh("stake", "a", deploy.path()).unwrap().bytes, 7);
        assert!(fresh("stake", "b", deploy.path()).is_none());
        fs::write(&so, "another").unwrap();
        assert!(fresh("stake", "a", deploy.path()).is_none());
    }

    #[test]
    fn no_name_means_all_and_the_order_is_ours() {
        assert_eq!(chosen(&[]), NAMES);
        assert_eq!(chosen(&["payout".into(), "stake".into()]), ["stake", "payout"]);
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_and_only_when_it_differs() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("a"), folder.path().join("b.so"));
        fs::write(&from, "new").unwrap();
        fs::write(&to, "old").unwrap();
        put(&from, &to).unwrap();
        assert_eq!(fs::read_to_string(&to).unwrap(), "new");
        let written = fs::metadata(&to).unwrap().modified().unwrap();
        put(&from, &to).unwrap();
        assert_eq!(fs::metadata(&to).unwrap().modified().unwrap(), written);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
