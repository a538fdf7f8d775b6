//! Compiles the code that runs on a GPU. The machine need not have one.

use std::{fs, process::Command};

use anyhow::{Context, Result};

use crate::{
    cargo::cargo,
    checksum, paths,
    process::{run, run_quietly},
    progress::say,
};

/// Compiles and lints the model crate with its `cuda` feature, with a compiler of our own in the cache.
pub fn check() -> Result<()> {
    let script = paths::root().join("xtask/cuda/install.sh");
    let (home, wanted) = (paths::cache()?.join("cuda"), checksum::sha256(&script)?);
    let stamp = home.join("installed");
    if !fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        let mut install = Command::new("bash");
        install.arg(&script).arg(&home);
        run_quietly(install, "installing NVIDIA's compiler (1 GB, once)", "cuda").context(
            "it comes as Python packages: check that `python3 -m pip` works (Debian: python3-pip) and a C compiler is there",
        )?;
        fs::write(&stamp, wanted)?;
    }
    say("compiling the GPU path (some seven minutes the first time, nearly all of them candle's kernels)");
    let mut clippy = cargo()?;
    clippy.args([
        "clippy",
        "--package",
        "openledger-lm",
        "--features",
        "cuda",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]);
    // It has its own folder, because the feature would change every native crate that uses candle.
    clippy.env("CARGO_TARGET_DIR", paths::cache()?.join("cuda-target"));
    let cuda = home.join("root/nvidia/cu13");
    for name in ["CUDA_HOME", "CUDA_PATH", "CUDA_ROOT"] {
        clippy.env(name, &cuda);
    }
    if std::env::var_os("CUDA_COMPUTE_CAP").is_none() {
        clippy.env("CUDA_COMPUTE_CAP", "90");
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = [cuda.join("bin")].into_iter().chain(std::env::split_paths(&path));
    clippy.env("PATH", std::env::join_paths(folders)?);
    clippy.env("LIBRARY_PATH", std::env::join_paths([cuda.join("lib"), cuda.join("lib/stubs")])?);
    run(clippy, "compiling the GPU path")
}
