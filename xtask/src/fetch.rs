//! Downloads: the language model and the demo's documents.

use anyhow::Result;

use crate::{disk, documents, model, paths};

/// Downloads both if necessary, checks them, and prints their paths.
pub fn run() -> Result<()> {
    disk::check_downloads(&paths::cache()?)?;
    println!("{}", model::fetch()?.display());
    println!("{}", documents::fetch()?.display());
    Ok(())
}
