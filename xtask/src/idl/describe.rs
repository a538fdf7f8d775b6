//! Builds interface descriptions from the programs' sources.

use std::{env, path::PathBuf, process::Command};

use anchor_lang_idl::{
    build::IdlBuilder,
    types::{Idl, IdlErrorCode},
};
use anyhow::{Context, Result, bail};

use crate::{
    cargo::{cargo, forget_ourselves},
    paths, process,
    progress::Spinner,
};

/// Builds one program's description. This needs a process of its own, because the builder runs cargo and takes its
/// settings only from the environment.
pub fn describe(program: &str) -> Result<Idl> {
    // Not the binary's path, because another checkout with the same cache may have replaced the binary there.
    let mut command = Command::new("/proc/self/exe");
    command
        .arg("print-idl")
        .arg(paths::root().join("programs").join(program))
        .env("CARGO_TARGET_DIR", paths::target()?)
        // The builder sets RUSTFLAGS, which would compile every dependency a second time. This variable overrides it.
        .env("CARGO_ENCODED_RUSTFLAGS", "")
        // The builder would pass the variable on as a literal "+{toolchain}".
        .env_remove("RUSTUP_TOOLCHAIN");
    forget_ourselves(&mut command);
    let text = spinning(command, &format!("describing the interface of {program}"))?;
    serde_json::from_str(&text).with_context(|| format!("the description of {program} is not one"))
}

/// Prints the description of the program in this folder. [`describe`] runs it.
pub fn print(program: PathBuf) -> Result<()> {
    // With this variable the builder would have rustup install, and so update, the toolchain that it names.
    if env::var_os("RUSTUP_TOOLCHAIN").is_some() {
        bail!("run `cargo xtask idl` instead");
    }
    let name = program.display().to_string();
    let idl = IdlBuilder::new()
        .program_path(program)
        .cargo_args(vec!["--lib".into()])
        .build()
        .with_context(|| format!("cannot describe the interface of the program in {name}"))?;
    println!("{}", serde_json::to_string(&idl)?);
    Ok(())
}

/// The errors of `programs/shared`, which any program may raise. The builder describes only programs. This crate is not
/// a program, but prints its errors as programs do for the builder.
pub fn shared_errors() -> Result<Vec<IdlErrorCode>> {
    let mut command = cargo()?;
    command
        .current_dir(paths::root().join("programs/shared"))
        .args(["test", "--lib", "--features", "idl-build", "__anchor_private_print_idl"])
        .args(["--", "--show-output", "--quiet"]);
    let printed = spinning(command, "describing the errors that programs share")?;
    let errors = section(&printed, "errors").context("programs/shared printed no error enum, or more than one")?;
    serde_json::from_str(errors).context("the errors of programs/shared do not read")
}

/// Runs a command behind a spinner and returns what it printed.
fn spinning(command: Command, doing: &str) -> Result<String> {
    let spinner = Spinner::start(doing);
    let printed = process::output(command, doing);
    match &printed {
        Ok(_) => spinner.done(),
        Err(_) => spinner.abandon(),
    }
    printed
}

/// The text that Anchor printed between its marks of a section. `None` if there is no such section, or more than one.
fn section<'a>(printed: &'a str, name: &str) -> Option<&'a str> {
    let begin = format!("--- IDL begin {name} ---\n");
    let (_, rest) = printed.split_once(&begin)?;
    let (inside, after) = rest.split_once(&format!("--- IDL end {name} ---"))?;
    (!after.contains(&begin)).then_some(inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_what_stands_between_its_marks() {
        let printed = "running 1 test\n--- IDL begin errors ---\n[\n]\n--- IDL end errors ---\nok\n";
        assert_eq!(section(printed, "errors"), Some("[\n]\n"));
        assert_eq!(section(printed, "event"), None);
        assert_eq!(section(&printed.repeat(2), "errors"), None, "which of two enums is meant?");
    }
}
