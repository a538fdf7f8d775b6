//! What ARCHITECTURE.md says, as tables.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

/// The repository's root in the checkout that the tests run in, which need not be the one that compiled them.
pub fn root() -> &'static Path {
    static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
        let xtask = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo test and nextest name the package's folder");
        Path::new(&xtask).parent().expect("xtask is a folder of the repository").to_path_buf()
    });
    &ROOT
}

/// A row: what its first cell names, and what its second does.
pub type Row = (Vec<String>, Vec<String>);

/// The rows of the document's table whose first heading is `heading`.
pub fn table(heading: &str) -> Vec<Row> {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md is there");
    let rows = rows(&text, heading);
    assert!(!rows.is_empty(), "ARCHITECTURE.md has no table that begins with {heading:?}");
    rows
}

fn rows(text: &str, heading: &str) -> Vec<Row> {
    let table = text.lines().skip_while(|line| !line.starts_with(&format!("| {heading} |")));
    let row = |line: &str| {
        let mut cells = line.trim_matches('|').split('|').map(names);
        (cells.next().unwrap_or_default(), cells.next().unwrap_or_default())
    };
    table.skip(2).take_while(|line| line.starts_with('|')).map(row).collect()
}

/// What stands in backticks in a cell; `a/{b,c}` is two.
fn names(cell: &str) -> Vec<String> {
    let quoted = cell.split('`').skip(1).step_by(2);
    let each = |name: &str| match (name.split_once('{'), name.strip_suffix('}')) {
        (Some((before, _)), Some(inside)) => {
            inside[before.len() + 1..].split(',').map(|last| format!("{before}{last}")).collect()
        }
        _ => vec![name.to_owned()],
    };
    quoted.flat_map(each).collect()
}

#[test]
fn a_table_is_read_by_its_first_heading() {
    let text = "| x | y |\n|---|---|\n| `a` | — |\n\n| crate | may |\n|---|---|\n| `p/{b,c}`, `d` | `a`, or `e` | no `z` |\nend";
    let names = |all: &[&str]| all.iter().map(|n| n.to_string()).collect::<Vec<_>>();
    assert_eq!(rows(text, "crate"), [(names(&["p/b", "p/c", "d"]), names(&["a", "e"]))]);
    assert_eq!(rows(text, "x"), [(names(&["a"]), vec![])]);
}
