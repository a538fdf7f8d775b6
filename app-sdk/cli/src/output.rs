//! Prints results: tables and plain lines for people, JSON for programs.

use comfy_table::{ContentArrangement, Table, presets::UTF8_HORIZONTAL_ONLY};
use serde::Serialize;

/// How to print.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    json: bool,
}

impl Output {
    /// JSON or for people.
    pub fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether to print JSON.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Prints one thing: as JSON, or as what `human` makes of it.
    pub fn show<T: Serialize>(&self, value: &T, human: impl FnOnce(&T) -> String) -> anyhow::Result<()> {
        let text = if self.json { serde_json::to_string_pretty(value)? } else { human(value) };
        println!("{}", text.trim_end());
        Ok(())
    }

    /// Prints a list: as a JSON array, or as a table.
    pub fn list<T: Serialize>(
        &self,
        items: &[T],
        headers: &[&str],
        row: impl Fn(&T) -> Vec<String>,
    ) -> anyhow::Result<()> {
        self.show(&items, |items| {
            if items.is_empty() {
                return "nothing here yet".to_owned();
            }
            table(headers, items.iter().map(row))
        })
    }

    /// Prints an error on stderr.
    pub fn error(&self, error: &anyhow::Error) {
        if self.json {
            eprintln!("{}", serde_json::json!({ "error": format!("{error:#}") }));
        } else {
            eprintln!("{} {error:#}", console::style("error:").for_stderr().red().bold());
        }
    }
}

/// A table that fits the terminal.
pub fn table(headers: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_preset(UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Disabled).set_header(headers);
    for row in rows {
        table.add_row(row);
    }
    table.to_string()
}

/// Lines of `name  value` for the fields of a thing.
pub fn fields(fields: &[(&str, String)]) -> String {
    let width = fields.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    fields
        .iter()
        .map(|(name, value)| format!("{}  {value}\n", console::style(format!("{name:<width$}")).bold()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_aligned() {
        console::set_colors_enabled(false);
        assert_eq!(fields(&[("a", "1".into()), ("long", "2".into())]), "a     1\nlong  2\n");
    }

    #[test]
    fn a_table_has_its_headers_and_all_rows() {
        let text = table(&["name", "root"], [vec!["one".into(), "ab".into()], vec!["two".into(), "cd".into()]]);
        for word in ["name", "root", "one", "ab", "two", "cd"] {
            assert!(text.contains(word), "{text}");
        }
    }
}
