//! The toolchain for on-chain programs: Solana's own if it is installed, else one that we build in the cache.

use std::{
    fmt,
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::{
    cargo::{cargo, forget_ourselves},
    checksum, paths,
    process::{exists, run_quietly},
    progress,
};

/// The scripts that build our toolchain, by their paths beside `install.sh`. A change of any of them causes a new
/// build.
const SCRIPTS: [(&str, &str); 6] = [
    ("install.sh", include_str!("../sbf/install.sh")),
    ("patch_std.py", include_str!("../sbf/patch_std.py")),
    ("sbpf-solana.json.in", include_str!("../sbf/sbpf-solana.json.in")),
    ("rt/Cargo.toml.in", include_str!("../sbf/rt/Cargo.toml.in")),
    ("rt/division.rs", include_str!("../sbf/rt/division.rs")),
    ("rt/i128.ll", include_str!("../sbf/rt/i128.ll")),
];

/// File in a finished toolchain that says which scripts built it.
const STAMP: &str = "stamp";

/// Arguments of the linker: SBPF v3, 4 KiB stack frames, and no instructions that the chain does not have.
const LINKER_ARGUMENTS: [&str; 6] = [
    "--arch=v3",
    "--llvm-args=--bpf-stack-size=4096",
    "--llvm-args=--disable-movsx",
    "--llvm-args=--disable-ldsx",
    "--llvm-args=--disable-bswap",
    "--llvm-args=--bpf-min-jump-table-entries=100000",
];

/// The compiler of on-chain programs.
#[derive(Debug, PartialEq, Eq)]
pub enum Toolchain {
    /// `cargo build-sbf`.
    Solana,
    /// Our own toolchain, in this folder.
    Own(PathBuf),
}

impl fmt::Display for Toolchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Solana => write!(f, "cargo build-sbf"),
            Self::Own(home) => write!(f, "the toolchain in {}", home.display()),
        }
    }
}

impl Toolchain {
    /// The command that compiles one program, and the file that it leaves.
    pub fn build(&self, program: &str, target: &Path, deploy: &Path) -> Result<(Command, PathBuf)> {
        let mut command = cargo()?;
        command.env("CARGO_TARGET_DIR", target);
        match self {
            Self::Solana => {
                command
                    .args(["build-sbf", "--arch", "v3", "--manifest-path"])
                    .arg(format!("programs/{program}/Cargo.toml"))
                    .arg("--sbf-out-dir")
                    .arg(deploy)
                    // It always builds the profile `release`, so that profile gets the settings of our profile `sbf`.
                    .env("CARGO_PROFILE_RELEASE_LTO", "fat")
                    .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1")
                    .env("CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS", "true");
                Ok((command, deploy.join(format!("{program}.so"))))
            }
            Self::Own(home) => {
                for variable in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "RUSTC_WRAPPER", "RUSTUP_TOOLCHAIN"] {
                    command.env_remove(variable);
                }
                command
                    .args(["build", "--lib", "--profile", "sbf", "--package", program])
                    .args(["-Zjson-target-spec", "-Zbuild-std=std,panic_abort", "-Zbuild-std-features=", "--target"])
                    .arg(home.join("sbpf-solana.json"))
                    .env("RUSTC", home.join("bin/rustc"))
                    // Lets a stable compiler build its own standard library.
                    .env("RUSTC_BOOTSTRAP", "1")
                    .env("RUSTC_BOOTSTRAP_SYNTHETIC_TARGET", "1")
                    .env("CARGO_TARGET_SBPF_SOLANA_RUSTFLAGS", rustflags());
                Ok((command, target.join(format!("sbpf-solana/sbf/lib{program}.so"))))
            }
        }
    }
}

fn rustflags() -> String {
    let link: Vec<_> = LINKER_ARGUMENTS.iter().map(|argument| format!(" -C link-arg={argument}")).collect();
    format!("-C passes=lower-atomic{}", link.concat())
}

/// A hash over the scripts.
fn version() -> String {
    let all: Vec<_> = SCRIPTS.iter().map(|(name, text)| format!("{name}\0{text}\0")).collect();
    checksum::sha256_of(all.concat().as_bytes())
}

fn home() -> Result<PathBuf> {
    Ok(paths::cache()?.join("sbf"))
}

/// The installed toolchain, if there is one.
pub fn installed() -> Result<Option<Toolchain>> {
    if solana_tools_know_v3() {
        return Ok(Some(Toolchain::Solana));
    }
    let home = home()?;
    let current = fs::read_to_string(home.join(STAMP)).is_ok_and(|stamp| stamp.trim() == version());
    Ok(current.then_some(Toolchain::Own(home)))
}

fn solana_tools_know_v3() -> bool {
    let Ok(mut command) = cargo() else { return false };
    let help = command.args(["build-sbf", "--help"]).output();
    help.is_ok_and(|help| help.status.success() && String::from_utf8_lossy(&help.stdout).contains("v3"))
}

/// The installed toolchain. If there is none, builds ours. An interrupted build is continued.
pub fn install() -> Result<Toolchain> {
    if let Some(toolchain) = installed()? {
        return Ok(toolchain);
    }
    // Our toolchain is made of Debian packages.
    if !cfg!(all(target_arch = "x86_64", target_os = "linux")) || !exists("apt-get") {
        bail!("on-chain programs need Solana's tools on this machine: install them, so that `cargo build-sbf` runs");
    }
    let cache = paths::cache()?;
    fs::create_dir_all(&cache).with_context(|| format!("cannot create {}", cache.display()))?;
    let _lock = lock(&cache.join("sbf.lock"))?;
    // The process that held the lock may have built it.
    if let Some(toolchain) = installed()? {
        return Ok(toolchain);
    }
    build(&cache)
}

/// Only one process builds at a time.
fn lock(path: &Path) -> Result<File> {
    let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => return Ok(file),
        Err(TryLockError::WouldBlock) => progress::say("another process is building the toolchain: waiting for it"),
        Err(TryLockError::Error(error)) => return Err(error.into()),
    }
    file.lock()?;
    Ok(file)
}

fn build(cache: &Path) -> Result<Toolchain> {
    let (home, building, scripts) = (home()?, cache.join("sbf.building"), cache.join("sbf.scripts"));
    // Stages that other versions of the scripts finished cannot be used.
    if fs::read_to_string(building.join(STAMP)).is_ok_and(|stamp| stamp != version()) {
        fs::remove_dir_all(&building)?;
    }
    write_scripts(&scripts)?;
    fs::create_dir_all(&building)?;
    fs::write(building.join(STAMP), version())?;

    let mut install = Command::new("bash");
    install.arg(scripts.join("install.sh")).args([&scripts, &building, &home]);
    forget_ourselves(&mut install);
    run_quietly(install, "building the toolchain for on-chain programs (200 MB, about six minutes, once)", "sbf")?;

    if home.exists() {
        // Cargo does not notice a changed standard library at the same path.
        let target = paths::sbf_target()?;
        if target.exists() {
            fs::remove_dir_all(target)?;
        }
        fs::remove_dir_all(&home)?;
    }
    fs::rename(&building, &home)?;
    fs::remove_dir_all(&scripts)?;
    Ok(Toolchain::Own(home))
}

fn write_scripts(folder: &Path) -> Result<()> {
    for (name, text) in SCRIPTS {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().expect("a script is in a folder"))?;
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(command: &Command) -> Vec<String> {
        command.get_args().map(|word| word.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn our_toolchain_builds_one_program_with_the_programs_profile() {
        let toolchain = Toolchain::Own("/cache/sbf".into());
        let (command, built) = toolchain.build("stake", Path::new("/target"), Path::new("/deploy")).unwrap();
        let words = words(&command);
        assert!(words.windows(2).any(|pair| pair == ["--package", "stake"]), "{words:?}");
        assert!(words.windows(2).any(|pair| pair == ["--profile", "sbf"]), "{words:?}");
        assert!(words.windows(2).any(|pair| pair == ["--target", "/cache/sbf/sbpf-solana.json"]), "{words:?}");
        assert_eq!(built, Path::new("/target/sbpf-solana/sbf/libstake.so"));
    }

    #[test]
    fn solanas_tools_build_with_the_same_settings() {
        let (command, built) = Toolchain::Solana.build("stake", Path::new("/target"), Path::new("/deploy")).unwrap();
        assert!(words(&command).starts_with(&["build-sbf".into(), "--arch".into(), "v3".into()]));
        assert!(
            command.get_envs().any(|(key, value)| {
                key == "CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS" && value == Some("true".as_ref())
            })
        );
        assert_eq!(built, Path::new("/deploy/stake.so"));
    }

    #[test]
    fn every_program_is_linked_as_sbpf_v3() {
        assert!(rustflags().starts_with("-C passes=lower-atomic -C link-arg=--arch=v3 -C link-arg="));
    }

    #[test]
    fn the_scripts_are_written_with_their_folders() {
        let folder = tempfile::tempdir().unwrap();
        write_scripts(folder.path()).unwrap();
        assert!(folder.path().join("rt/i128.ll").is_file());
        assert_eq!(version().len(), 64);
    }
}
