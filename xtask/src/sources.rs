//! The sources of the on-chain programs.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::checksum;

/// SHA-256 over the programs' sources and manifests, the workspace's, the lock file and the compiler's description.
pub fn hash(root: &Path, compiler: &str) -> Result<String> {
    let mut files = vec![root.join("Cargo.toml"), root.join("Cargo.lock")];
    collect(&root.join("programs"), &mut files)?;
    files.sort();
    let mut all = format!("{compiler}\n");
    for file in files {
        let name = file.strip_prefix(root).unwrap_or(&file);
        all += &format!("{} {}\n", name.display(), checksum::sha256(&file)?);
    }
    Ok(checksum::sha256_of(all.as_bytes()))
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|e| e == "rs" || e == "toml") {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_manifest_and_the_compiler_count_and_notes_do_not() {
        let root = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        for name in ["Cargo.toml", "Cargo.lock", "programs/stake/src/lib.rs", "programs/stake/Cargo.toml"] {
            write(name, "1");
        }
        let of = |compiler| hash(root.path(), compiler).unwrap();
        let first = of("a");
        write("programs/NOTES.md", "a note");
        assert_eq!(of("a"), first);
        assert_ne!(of("b"), first);
        for name in ["Cargo.toml", "Cargo.lock", "programs/stake/src/lib.rs", "programs/stake/Cargo.toml"] {
            let before = of("a");
            write(name, "2");
            assert_ne!(of("a"), before, "{name}");
        }
        write("programs/stake/src/state/new.rs", "");
        assert_ne!(of("a"), first);
    }
}
