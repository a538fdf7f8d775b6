//! Which file of a crate imports which, read from the sources.
//!
//! A file imports another where it names an item that is defined there: in a `use`, or by a path that begins with
//! `crate`, `self`, `super` or the name of a child module. Three things are no imports: what stands in `#[cfg(test)]`,
//! a re-export (`pub use`), which is followed to the file that defines the item, and what a macro makes or names.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};
use syn::{Attribute, Ident, Item, ItemMod, ItemUse, UseTree, Visibility, visit::Visit};

/// A module's path from the crate's root: empty for the root itself.
type Module = Vec<String>;

/// The modules of one crate target.
#[derive(Default)]
pub struct Files {
    /// The file of each module.
    files: BTreeMap<Module, PathBuf>,
    /// Names of the items that each module defines.
    defined: BTreeMap<Module, BTreeSet<String>>,
    /// What each module exports on: by name, or a whole module.
    exports: BTreeMap<Module, Vec<(Option<String>, Module)>>,
    /// What each module calls a thing that it imports, with the thing's path from the root.
    aliases: BTreeMap<Module, BTreeMap<String, Module>>,
    /// The paths that each module names, from the root.
    named: Vec<(Module, Module)>,
}

impl Files {
    /// Reads the crate whose root module is `root`, `lib.rs` or `main.rs`.
    pub fn read(root: &Path) -> Self {
        let mut files = Self::default();
        files.read_file(root, Vec::new());
        files
    }

    /// Which file imports which. Both are as `read` found them.
    pub fn imports(&self) -> BTreeSet<(PathBuf, PathBuf)> {
        let mut imports = BTreeSet::new();
        for (module, path) in &self.named {
            if let Some(defining) = self.resolve(path, &mut BTreeSet::new()) {
                let (from, to) = (&self.files[module], &self.files[&defining]);
                if from != to {
                    imports.insert((from.clone(), to.clone()));
                }
            }
        }
        imports
    }

    /// The module that defines what `path` names; `None` where no source says so.
    fn resolve(&self, path: &[String], seen: &mut BTreeSet<Module>) -> Option<Module> {
        if !seen.insert(path.to_vec()) {
            return None;
        }
        let depth = (0..=path.len()).rev().find(|n| self.files.contains_key(&path[..*n]))?;
        let (module, rest) = path.split_at(depth);
        let Some(name) = rest.first() else { return Some(module.to_vec()) };
        if self.defined[module].contains(name) {
            return Some(module.to_vec());
        }
        let exports = self.exports.get(module).map_or(&[][..], Vec::as_slice);
        exports.iter().find_map(|(exported, target)| match exported {
            Some(exported) if exported == name => self.resolve(&[target, &rest[1..]].concat(), seen),
            None => self.resolve(&[target, rest].concat(), seen).filter(|found| found != module),
            Some(_) => None,
        })
    }

    fn read_file(&mut self, file: &Path, module: Module) {
        let source = fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let parsed = syn::parse_file(&source).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        self.read_module(file, module, &parsed.items);
    }

    fn read_module(&mut self, file: &Path, module: Module, items: &[Item]) {
        self.files.insert(module.clone(), file.to_path_buf());
        let items: Vec<&Item> = items.iter().filter(|item| !is_for_tests(item)).collect();
        self.defined.insert(module.clone(), items.iter().filter_map(|item| name(item)).collect());
        let children: BTreeSet<String> = items.iter().filter_map(|item| child(item)).collect();
        let mut reader = Reader { module: &module, children: &children, files: self };
        // First the imports: the other items use the names that they give.
        let (uses, others): (Vec<&Item>, Vec<&Item>) = items.iter().partition(|item| matches!(item, Item::Use(_)));
        uses.into_iter().chain(others).for_each(|item| reader.visit_item(item));
        for item in items {
            let Item::Mod(ItemMod { ident, content, .. }) = item else { continue };
            let child = [&module[..], &[ident.to_string()]].concat();
            match content {
                Some((_, items)) => self.read_module(file, child, items),
                None => self.read_file(&child_file(file, ident), child),
            }
        }
    }
}

/// The file of the child module `name` of the module in `file`.
fn child_file(file: &Path, name: &Ident) -> PathBuf {
    let stem = file.file_stem().unwrap_or_default();
    let folder = file.parent().expect("a file has a folder");
    let folder = match stem.to_str() {
        Some("lib" | "main" | "mod") => folder.to_path_buf(),
        _ => folder.join(stem),
    };
    let flat = folder.join(format!("{name}.rs"));
    if flat.exists() { flat } else { folder.join(name.to_string()).join("mod.rs") }
}

fn child(item: &Item) -> Option<String> {
    match item {
        Item::Mod(module) => Some(module.ident.to_string()),
        _ => None,
    }
}

/// The name that an item defines in its module.
fn name(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Const(i) => &i.ident,
        Item::Enum(i) => &i.ident,
        Item::Fn(i) => &i.sig.ident,
        Item::Macro(i) => i.ident.as_ref()?,
        Item::Static(i) => &i.ident,
        Item::Struct(i) => &i.ident,
        Item::Trait(i) => &i.ident,
        Item::Type(i) => &i.ident,
        Item::Union(i) => &i.ident,
        _ => return None,
    };
    Some(ident.to_string())
}

fn is_for_tests(item: &Item) -> bool {
    let attributes: &[Attribute] = match item {
        Item::Fn(i) => &i.attrs,
        Item::Impl(i) => &i.attrs,
        Item::Mod(i) => &i.attrs,
        Item::Struct(i) => &i.attrs,
        Item::Use(i) => &i.attrs,
        _ => return false,
    };
    attributes.iter().any(|a| a.path().is_ident("cfg") && quoted(a).contains("test"))
}

fn quoted(attribute: &Attribute) -> String {
    attribute.meta.require_list().map(|list| list.tokens.to_string()).unwrap_or_default()
}

/// Notes the paths that one module names.
struct Reader<'a> {
    module: &'a [String],
    children: &'a BTreeSet<String>,
    files: &'a mut Files,
}

impl Reader<'_> {
    /// `path` as seen from the crate's root; `None` where it leads into another crate.
    fn rooted(&self, path: &[String]) -> Option<Module> {
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" => Some(rest.to_vec()),
            "self" => Some([self.module, rest].concat()),
            "super" => {
                let mut up = self.module.to_vec();
                up.pop();
                let mut rest = rest;
                while let Some(("super", further)) = rest.split_first().map(|(first, rest)| (first.as_str(), rest)) {
                    up.pop();
                    rest = further;
                }
                Some([&up, rest].concat())
            }
            name if self.children.contains(name) => Some([self.module, path].concat()),
            name => Some([&self.files.aliases.get(self.module)?.get(name)?[..], rest].concat()),
        }
    }

    fn tree(&mut self, before: &mut Vec<String>, tree: &UseTree, exported: bool) {
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.tree(before, &path.tree, exported);
                before.pop();
            }
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.tree(before, tree, exported)),
            UseTree::Name(name) if name.ident == "self" => self.used(before, before.last().cloned(), exported),
            UseTree::Name(name) => {
                before.push(name.ident.to_string());
                self.used(before, Some(name.ident.to_string()), exported);
                before.pop();
            }
            UseTree::Rename(rename) => {
                before.push(rename.ident.to_string());
                self.used(before, Some(rename.rename.to_string()), exported);
                before.pop();
            }
            UseTree::Glob(_) => self.used(before, None, exported),
        }
    }

    fn used(&mut self, path: &[String], name: Option<String>, exported: bool) {
        let Some(path) = self.rooted(path) else { return };
        if exported {
            self.files.exports.entry(self.module.to_vec()).or_default().push((name, path));
            return;
        }
        if let Some(name) = name {
            self.files.aliases.entry(self.module.to_vec()).or_default().insert(name, path.clone());
        }
        self.files.named.push((self.module.to_vec(), path));
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item_mod(&mut self, _: &'ast ItemMod) {
        // Modules are read on their own.
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let exported = !matches!(item.vis, Visibility::Inherited);
        self.tree(&mut Vec::new(), &item.tree, exported);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        if segments.len() > 1
            && let Some(path) = self.rooted(&segments)
        {
            self.files.named.push((self.module.to_vec(), path));
        }
        syn::visit::visit_path(self, path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(files: &[(&str, &str)]) -> (tempfile::TempDir, Files) {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let read = Files::read(&folder.path().join("lib.rs"));
        (folder, read)
    }

    fn imports(files: &[(&str, &str)]) -> Vec<(String, String)> {
        let (folder, read) = written(files);
        let short = |path: &PathBuf| path.strip_prefix(folder.path()).unwrap().display().to_string();
        read.imports().iter().map(|(from, to)| (short(from), short(to))).collect()
    }

    #[test]
    fn uses_and_paths_are_imports_and_re_exports_are_followed() {
        let found = imports(&[
            ("lib.rs", "pub mod a; mod b; mod c; mod face; use std::fmt; pub use b::B;"),
            ("a.rs", "use crate::face::Deep; fn f() -> crate::B { super::b::make() }"),
            ("b.rs", "pub struct B; pub fn make() -> B { B }"),
            ("c.rs", "use crate::{a, face as shown}; fn f() { shown::make(); a::g() }"),
            ("face/mod.rs", "mod deep; pub use deep::*;"),
            ("face/deep.rs", "pub struct Deep; pub fn make() {} #[cfg(test)] mod tests { use crate::a::f; }"),
        ]);
        // A whole module is imported where it is named, and what is used of it where that is defined.
        let expected = [
            ("a.rs", "b.rs"),
            ("a.rs", "face/deep.rs"),
            ("c.rs", "a.rs"),
            ("c.rs", "face/deep.rs"),
            ("c.rs", "face/mod.rs"),
        ];
        assert_eq!(found, expected.map(|(from, to)| (from.to_owned(), to.to_owned())));
    }

    #[test]
    fn what_a_parent_takes_from_a_child_and_a_child_from_its_parent_is_seen() {
        let found = imports(&[
            ("lib.rs", "mod child; pub struct Ground; fn f() { child::f() }"),
            ("child.rs", "use super::Ground; pub fn f() {}"),
        ]);
        let expected = [("child.rs", "lib.rs"), ("lib.rs", "child.rs")];
        assert_eq!(found, expected.map(|(from, to)| (from.to_owned(), to.to_owned())));
    }
}
