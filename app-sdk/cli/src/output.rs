//! Prints results: tables and plain lines for people, JSON for programs.
//!
//! Everything that is printed goes through this file. Texts of strangers are made safe for a terminal, and a reader that
//! has gone ends the command quietly.

use crate::failure::{self, Failure};
use comfy_table::{ContentArrangement, Table, presets::UTF8_HORIZONTAL_ONLY};
use openledger_text::{printable, printable_lines};
use serde::Serialize;
use std::io::Write;

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
        let text = if self.json {
            escaped(&serde_json::to_string_pretty(value)?)
        } else {
            printable_lines(&human(value)).into_owned()
        };
        write(&format!("{}\n", text.trim_end()))
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

    /// Prints a piece of a text as it comes. Nothing in JSON.
    pub fn piece(&self, text: &str) -> anyhow::Result<()> {
        if self.json { Ok(()) } else { write(&printable_lines(text)) }
    }

    /// Tells people something beside the result, on stderr. Nothing in JSON.
    pub fn tell(&self, text: &str) {
        if !self.json {
            complain(&printable_lines(text));
        }
    }

    /// Tells something on stderr that must not be lost if this process ends: a line for people, or one of JSON.
    pub fn note<T: Serialize>(&self, value: &T, text: &str) {
        match serde_json::to_string(value) {
            Ok(json) if self.json => complain(&escaped(&json)),
            _ => complain(&printable_lines(text)),
        }
    }

    /// Prints an error on stderr.
    pub fn error(&self, error: &anyhow::Error) {
        if self.json {
            complain(&escaped(&failure::json(error).to_string()));
        } else {
            let head = console::style("error:").for_stderr().red().bold();
            complain(&format!("{head} {}", printable_lines(&failure::message(error))));
        }
    }
}

/// Writes to stdout. Unlike `print!` it does not panic if the reader has gone.
fn write(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Err(Failure::NoReader.into()),
        other => Ok(other?),
    }
}

/// Writes a line to stderr. If that fails, nobody is left to be told.
fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Prints a script for a shell, as it is.
pub fn script(bytes: Vec<u8>) -> anyhow::Result<()> {
    write(&String::from_utf8(bytes)?)
}

/// The same JSON, with escapes for the characters that steer a terminal. JSON has them only within strings.
fn escaped(json: &str) -> String {
    json.chars()
        .map(|c| {
            let alone = c.to_string();
            if printable_lines(&alone) == alone {
                return alone;
            }
            c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect()
        })
        .collect()
}

/// A table that fits the terminal.
pub fn table(headers: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_preset(UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Disabled).set_header(headers);
    for row in rows {
        table.add_row(row.iter().map(|cell| printable(cell).into_owned()));
    }
    table.to_string()
}

/// Lines of `name  value` for the fields of a thing. Further lines of a value stand below it.
pub fn fields(fields: &[(&str, String)]) -> String {
    let width = fields.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let below = format!("\n{}", " ".repeat(width + 2));
    fields.iter().map(|(name, value)| format!("{name:<width$}  {}\n", value.replace('\n', &below))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_aligned_and_no_value_makes_a_field() {
        assert_eq!(fields(&[("a", "1".into()), ("long", "2".into())]), "a     1\nlong  2\n");
        assert_eq!(fields(&[("name", "x\npaid  yes".into())]), "name  x\n      paid  yes\n");
    }

    #[test]
    fn a_table_has_its_headers_and_all_rows() {
        let text = table(&["name", "root"], [vec!["one".into(), "ab".into()], vec!["t\nwo".into(), "cd".into()]]);
        for word in ["name", "root", "one", "ab", "t⟨U+000A⟩wo", "cd"] {
            assert!(text.contains(word), "{text}");
        }
    }

    #[test]
    fn json_says_the_same_without_steering_a_terminal() {
        let title = "\u{1b}[2J \u{9b}31m \u{202e}txt é \u{e0041}";
        let json = escaped(&serde_json::to_string_pretty(&[title]).unwrap());
        assert_eq!(printable_lines(&json), json);
        assert_eq!(serde_json::from_str::<Vec<String>>(&json).unwrap(), [title]);
    }
}
