//! No circles: a file imports only files that do not import it, at any distance.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use crate::{crates, document::root, files::Files};

/// Every largest set of files each of which imports all others of the set, at some distance.
fn circles(imports: &BTreeSet<(PathBuf, PathBuf)>) -> BTreeSet<BTreeSet<&Path>> {
    let mut next = BTreeMap::<&Path, Vec<&Path>>::new();
    for (from, to) in imports {
        next.entry(from).or_default().push(to);
    }
    let reached: BTreeMap<&Path, BTreeSet<&Path>> =
        next.keys().map(|file| (*file, reached_from(file, &next))).collect();
    let both = |a: &Path, b: &Path| reached[a].contains(b) && reached.get(b).is_some_and(|from_b| from_b.contains(a));
    let circle_of = |file: &&'_ Path| reached[*file].iter().copied().filter(|other| both(file, other)).collect();
    next.keys().map(circle_of).filter(|circle: &BTreeSet<&Path>| !circle.is_empty()).collect()
}

/// All files that `start` imports, at any distance.
fn reached_from<'a>(start: &Path, next: &BTreeMap<&'a Path, Vec<&'a Path>>) -> BTreeSet<&'a Path> {
    let (mut reached, mut open) = (BTreeSet::new(), next.get(start).cloned().unwrap_or_default());
    while let Some(file) = open.pop() {
        if reached.insert(file) {
            open.extend(next.get(file).into_iter().flatten());
        }
    }
    reached
}

#[test]
fn no_file_imports_a_file_that_imports_it() {
    let mut found = Vec::new();
    for folder in crates::folders() {
        for target in ["lib.rs", "main.rs"].map(|name| root().join(&folder).join("src").join(name)) {
            if !target.exists() {
                continue;
            }
            let imports = Files::read(&target).imports();
            for circle in circles(&imports) {
                let short = |file: &Path| file.strip_prefix(root()).unwrap_or(file).display().to_string();
                let within = |(from, to): &&(PathBuf, PathBuf)| circle.contains(&**from) && circle.contains(&**to);
                let arrows = imports.iter().filter(within).map(|(a, b)| format!("{} -> {}", short(a), short(b)));
                found.push(arrows.collect::<Vec<_>>().join("\n"));
            }
        }
    }
    assert!(found.is_empty(), "these files import one another:\n{}", found.join("\n\n"));
}

#[test]
fn a_circle_is_found_at_any_distance() {
    let imports = |all: &[(&str, &str)]| all.iter().map(|(a, b)| (PathBuf::from(a), PathBuf::from(b))).collect();
    assert!(circles(&imports(&[("a", "b"), ("b", "c"), ("a", "c")])).is_empty());
    let two = imports(&[("x", "a"), ("a", "b"), ("b", "c"), ("c", "a"), ("c", "d"), ("d", "e"), ("e", "d")]);
    let circle = |files: &[&'static str]| files.iter().copied().map(Path::new).collect::<BTreeSet<_>>();
    assert_eq!(circles(&two), [circle(&["a", "b", "c"]), circle(&["d", "e"])].into());
}
