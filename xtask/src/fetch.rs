//! Downloads: the language model and the demo's documents.

use anyhow::Result;

use crate::{disk, documents, model, paths};

/// Makes sure that both are there and right, and prints where.
pub fn run() -> Result<()> {
    disk::check_downloads(&paths::cache()?)?;
    println!("{}", model::fetch()?.display());
    println!("{}", documents::fetch()?.display());
    Ok(())
}
