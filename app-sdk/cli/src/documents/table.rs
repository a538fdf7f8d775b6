//! The rows of tables (CSV and JSON lines), each of which is a document.

use super::piece::{Columns, Piece};
use serde_json::{Map, Value};

/// Columns that are taken for the text if none is named.
const TEXTS: [&str; 4] = ["text", "content", "body", "document"];
/// Columns that are taken for the title if none is named.
const TITLES: [&str; 3] = ["title", "name", "headline"];

/// The rows of comma-separated values with a header.
pub fn csv(text: &str, columns: &Columns) -> Result<Vec<Piece>, String> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let wrong = |e: csv::Error| format!("its CSV does not read: {e}");
    let headers: Vec<String> = reader.headers().map_err(wrong)?.iter().map(|h| h.trim().to_owned()).collect();
    // With another separator every line would be one cell, and so a document.
    if let [alone] = &headers[..]
        && let Some(separator) = [';', '\t', '|'].into_iter().find(|s| alone.contains(*s))
    {
        return Err(format!("its columns seem to be separated by {separator:?}: separate them by commas"));
    }
    let texts = column(&headers, columns.text.as_deref(), &TEXTS)?
        .or((headers.len() == 1).then_some(0))
        .ok_or_else(|| no_text(&headers))?;
    let titles = column(&headers, columns.title.as_deref(), &TITLES)?;
    let mut pieces = Vec::new();
    for (record, row) in reader.records().zip(1..) {
        let record = record.map_err(wrong)?;
        let cell = |at: usize| record.get(at).unwrap_or_default().to_owned();
        let title = titles.map(cell).filter(|t| !t.trim().is_empty());
        pieces.push(Piece { title, text: cell(texts), row: Some(row) });
    }
    Ok(pieces)
}

/// The objects of JSON lines.
pub fn jsonl(text: &str, columns: &Columns) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    for (line, row) in text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty()) {
        let object: Map<String, Value> =
            serde_json::from_str(line).map_err(|e| format!("line {row} is not a JSON object: {e}"))?;
        let names: Vec<String> = object.keys().cloned().collect();
        let at =
            |named: Option<&str>, usual: &[&str]| column(&names, named, usual).map_err(|e| format!("line {row}: {e}"));
        let texts = at(columns.text.as_deref(), &TEXTS)?.ok_or_else(|| format!("line {row}: {}", no_text(&names)))?;
        let string = |at: usize| object[&names[at]].as_str().map(str::to_owned);
        let text = string(texts).ok_or_else(|| format!("line {row}: {} is not a text", names[texts]))?;
        let title = at(columns.title.as_deref(), &TITLES)?.and_then(string).filter(|t| !t.trim().is_empty());
        pieces.push(Piece { title, text, row: Some(row) });
    }
    Ok(pieces)
}

/// The place of the named column, else of the first of the usual ones. Fails if the named one is missing.
fn column(headers: &[String], named: Option<&str>, usual: &[&str]) -> Result<Option<usize>, String> {
    let place = |name: &str| headers.iter().position(|h| h.eq_ignore_ascii_case(name));
    match named {
        Some(name) => match place(name) {
            None => Err(format!("it has no column {name}, but {}", headers.join(", "))),
            found => Ok(found),
        },
        None => Ok(usual.iter().find_map(|name| place(name))),
    }
}

fn no_text(headers: &[String]) -> String {
    format!("name the column of its text with --text-column: {}", headers.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(pieces: Vec<Piece>) -> Vec<(Option<String>, String, Option<u64>)> {
        pieces.into_iter().map(|p| (p.title, p.text, p.row)).collect()
    }

    #[test]
    fn a_row_is_a_document_and_a_column_its_title() {
        let rows = "id,Title,text\n1,One,\"first,\nin two lines\"\n2,,second\n";
        let expected = [(Some("One".into()), "first,\nin two lines".into(), Some(1)), (None, "second".into(), Some(2))];
        assert_eq!(shown(csv(rows, &Columns::default()).unwrap()), expected);
        let lines = "{\"title\":\"One\",\"text\":\"first,\\nin two lines\"}\n{\"text\":\"second\",\"n\":2}\n";
        assert_eq!(shown(jsonl(lines, &Columns::default()).unwrap()), expected);
    }

    #[test]
    fn columns_are_named_where_they_have_other_names() {
        let columns = Columns { text: Some("answer".into()), title: Some("question".into()) };
        let pieces = csv("question,answer\nWhy?,Because.\n", &columns).unwrap();
        assert_eq!((pieces[0].title.as_deref(), pieces[0].text.as_str()), (Some("Why?"), "Because."));
        let unnamed = csv("question,answer\nWhy?,Because.\n", &Columns::default()).unwrap_err();
        assert!(unnamed.contains("--text-column") && unnamed.contains("question, answer"), "{unnamed}");
        assert!(csv("a,b\n1,2\n", &columns).unwrap_err().contains("no column answer"));
        assert_eq!(csv("anything\nalone\n", &Columns::default()).unwrap()[0].text, "alone");
        for other in ["title;text\nOne;a; b\n", "title\ttext\nOne\ta\n"] {
            assert!(csv(other, &Columns::default()).unwrap_err().contains("commas"), "{other}");
        }
    }

    #[test]
    fn a_line_that_does_not_read_is_named() {
        assert!(jsonl("{\"text\":\"a\"}\n[1]\n", &Columns::default()).unwrap_err().contains("line 2"));
        assert!(jsonl("{\"text\":1}", &Columns::default()).unwrap_err().contains("line 1: text is not a text"));
    }
}
