//! The programs' interface descriptions (Anchor IDL), committed under `app-sdk/idl`.

use std::{env, fs, path::PathBuf, process::Command};

use anchor_lang_idl::build::IdlBuilder;
use anyhow::{Context, Result, bail};

use crate::{cargo::forget_ourselves, paths, process, programs::NAMES, progress::Spinner};

fn committed(program: &str) -> PathBuf {
    paths::root().join("app-sdk/idl").join(format!("{program}.json"))
}

/// Writes every program's description.
pub fn write() -> Result<()> {
    for program in NAMES {
        let path = committed(program);
        fs::create_dir_all(path.parent().expect("a description is in a folder"))?;
        fs::write(&path, describe(program)?).with_context(|| format!("cannot write {}", path.display()))?;
        println!("{}", path.display());
    }
    Ok(())
}

/// Fails, naming the files, if a committed description is not what its program's source says.
pub fn check() -> Result<()> {
    let mut drifted = Vec::new();
    for program in NAMES {
        if fs::read_to_string(committed(program)).unwrap_or_default() != describe(program)? {
            drifted.push(format!("app-sdk/idl/{program}.json"));
        }
    }
    if !drifted.is_empty() {
        bail!("{}: not what the source says. Run `cargo xtask idl` and commit the result", drifted.join(", "));
    }
    Ok(())
}

/// Builds one description in a process of its own: the builder runs cargo, with settings that it takes from the
/// environment only.
fn describe(program: &str) -> Result<String> {
    let doing = format!("describing the interface of {program}");
    let mut command = Command::new(env::current_exe().context("cannot find our own binary")?);
    command
        .args(["print-idl", program])
        .env("CARGO_TARGET_DIR", paths::target()?)
        // The builder sets RUSTFLAGS, which would compile every dependency a second time; this variable overrules it.
        .env("CARGO_ENCODED_RUSTFLAGS", "")
        // The builder would pass it on as a literal "+{toolchain}".
        .env_remove("RUSTUP_TOOLCHAIN");
    forget_ourselves(&mut command);
    let spinner = Spinner::start(&doing);
    let description = process::output(command, &doing);
    match description {
        Ok(text) => {
            spinner.done();
            Ok(text)
        }
        Err(error) => {
            spinner.abandon();
            Err(error)
        }
    }
}

/// Prints one program's description, to be run by [`describe`].
pub fn print(program: &str) -> Result<()> {
    // With it the builder would have rustup install, and so update, the toolchain that it names.
    if env::var_os("RUSTUP_TOOLCHAIN").is_some() {
        bail!("run `cargo xtask idl` instead");
    }
    let idl = IdlBuilder::new()
        .program_path(paths::root().join("programs").join(program))
        .cargo_args(vec!["--lib".into()])
        .build()
        .with_context(|| format!("cannot describe the interface of {program}"))?;
    println!("{}", serde_json::to_string_pretty(&idl)?);
    Ok(())
}
