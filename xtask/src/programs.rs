//! Compiling the on-chain programs.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use crate::{checksum, paths, process::run, progress::say, sbf::Toolchain};

/// The programs, in the order in which they depend on one another.
pub const NAMES: [&str; 4] = ["stake", "datanet", "model", "payout"];

/// A compiled program.
pub struct Built {
    pub name: &'static str,
    pub path: PathBuf,
    pub bytes: u64,
    pub sha256: String,
}

/// The programs of these names, or all if none is given.
pub fn chosen(names: &[String]) -> Vec<&'static str> {
    NAMES.into_iter().filter(|name| names.is_empty() || names.iter().any(|n| n == name)).collect()
}

/// Compiles programs to `NAME.so` in [`paths::programs`]. Cargo skips what is fresh.
///
/// One cargo call a program: together, a program that another calls would be compiled without its entrypoint.
pub fn build(toolchain: &Toolchain, names: &[&'static str]) -> Result<Vec<Built>> {
    let (target, deploy) = (paths::sbf_target()?, paths::programs()?);
    fs::create_dir_all(&deploy).with_context(|| format!("cannot create {}", deploy.display()))?;
    say(&format!("compiling on-chain programs: {}", names.join(", ")));
    names.iter().map(|name| build_one(toolchain, name, &target, &deploy)).collect()
}

fn build_one(toolchain: &Toolchain, name: &'static str, target: &Path, deploy: &Path) -> Result<Built> {
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
    Ok(Built { name, sha256: checksum::sha256(&path)?, path, bytes })
}

/// Copies a file in one step, so that nobody reads half of it; an equal file is left alone.
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
