//! Downloads: the language model and the demo's documents.

use anyhow::Result;

use crate::{documents, model};

/// Makes sure that both are there and right, and prints where.
pub fn run() -> Result<()> {
    println!("{}", model::fetch()?.display());
    println!("{}", documents::fetch()?.display());
    Ok(())
}
