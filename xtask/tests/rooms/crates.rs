//! Which crate imports which, as their manifests say.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use serde::Deserialize;

use crate::document::{root, table};

#[derive(Deserialize)]
struct Manifest {
    package: Package,
    #[serde(default)]
    dependencies: BTreeMap<String, toml::Value>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
}

/// The folders of all crates, from the repository's root.
pub fn folders() -> Vec<String> {
    let mut folders = Vec::new();
    for place in ["programs", "oracle", "app-sdk", "tests"] {
        let entries = fs::read_dir(root().join(place)).unwrap_or_else(|e| panic!("{place}: {e}"));
        folders.extend(entries.map(|entry| format!("{place}/{}", entry.unwrap().file_name().display())));
    }
    folders.extend(["indexer", "migrations", "xtask"].map(String::from));
    folders.retain(|folder| root().join(folder).join("Cargo.toml").exists());
    folders.sort();
    folders
}

fn manifest(folder: &str) -> Manifest {
    let text = fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap();
    toml::from_str(&text).unwrap_or_else(|e| panic!("{folder}: {e}"))
}

#[test]
fn no_crate_imports_what_the_architecture_does_not_allow() {
    let allowed: BTreeMap<String, Vec<String>> = table("crate")
        .into_iter()
        .flat_map(|(crates, may)| crates.into_iter().map(move |name| (name, may.clone())))
        .collect();
    let manifests: BTreeMap<String, Manifest> = folders().into_iter().map(|f| (f.clone(), manifest(&f))).collect();
    let by_package: BTreeMap<&str, &str> =
        manifests.iter().map(|(folder, m)| (m.package.name.as_str(), folder.as_str())).collect();
    let mut wrong = Vec::new();
    for (folder, manifest) in &manifests {
        let Some(may) = allowed.get(folder) else {
            wrong.push(format!("{folder} has no row"));
            continue;
        };
        let reached = closure(may, &allowed);
        for dependency in manifest.dependencies.keys().filter_map(|name| by_package.get(name.as_str())) {
            if !reached.contains(*dependency) {
                wrong.push(format!("{folder} imports {dependency}"));
            }
        }
    }
    assert!(wrong.is_empty(), "ARCHITECTURE.md, What must not depend on what:\n{}", wrong.join("\n"));
}

/// `crates`, and whatever the crates of their rows may import.
fn closure(crates: &[String], allowed: &BTreeMap<String, Vec<String>>) -> BTreeSet<String> {
    let (mut reached, mut next) = (BTreeSet::new(), crates.to_vec());
    while let Some(name) = next.pop() {
        let further = allowed.get(&name).unwrap_or_else(|| panic!("ARCHITECTURE.md names {name}, which has no row"));
        if reached.insert(name) {
            next.extend(further.iter().cloned());
        }
    }
    reached
}
