//! The people who keep a world. Their keys stay in its folder.

use crate::{data, people::Person};
use anyhow::{Context, Result};
use std::path::Path;

/// Folder of their key files, within the world's.
pub const KEYS: &str = "keys";

/// The participant of this name in the world's folder. Makes its key if there is none.
pub fn kept(folder: &Path, name: &str) -> Result<Person> {
    let keys = folder.join(KEYS);
    std::fs::create_dir_all(&keys).with_context(|| format!("cannot make {}", keys.display()))?;
    let plain: String = name.chars().map(|c| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    Person::at(name, &keys.join(format!("{plain}.json")))
}

/// The people who keep a world.
pub struct Keepers {
    /// Who deploys the programs and has all OPEN at first.
    pub genesis: Person,
    /// Owner of the Datanets and of the first model.
    pub owner: Person,
    /// The user who works with the world.
    pub user: Person,
    /// Receives the network's share of fees.
    pub treasury: Person,
    /// Who reviews what is contributed.
    pub validators: Vec<Person>,
}

impl Keepers {
    /// Reads their keys, and makes those that are missing.
    pub fn at(folder: &Path) -> Result<Self> {
        let person = |name: &str| kept(folder, name);
        let validators = (1..=data::VALIDATORS).map(|n| person(&format!("validator {n}")));
        Ok(Self {
            genesis: person("genesis")?,
            owner: person("owner")?,
            user: person("user")?,
            treasury: person("treasury")?,
            validators: validators.collect::<Result<_>>()?,
        })
    }
}
