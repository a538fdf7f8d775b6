//! The formats of files, and the texts in them.

use super::{
    docx, html, pdf,
    piece::{Columns, Piece},
    table,
};
use std::path::Path;

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Plain text, Markdown and whatever else is UTF-8: the file is the text.
    Plain,
    /// A web page.
    Html,
    /// Comma-separated values with a header.
    Csv,
    /// A JSON object on each line.
    Jsonl,
    /// A document of Word or LibreOffice.
    Docx,
    /// A PDF file.
    Pdf,
}

impl Format {
    /// The format by the end of a file's name.
    pub fn of(path: &Path) -> Self {
        let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase());
        match extension.as_deref() {
            Some("html" | "htm" | "xhtml") => Self::Html,
            Some("csv") => Self::Csv,
            Some("jsonl" | "ndjson") => Self::Jsonl,
            Some("docx") => Self::Docx,
            Some("pdf") => Self::Pdf,
            _ => Self::Plain,
        }
    }

    /// Its name in manifests.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "text",
            Self::Html => "html",
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
            Self::Docx => "docx",
            Self::Pdf => "pdf",
        }
    }

    /// The texts in a file. Fails with what is wrong with the file and what to do.
    pub fn pieces(self, bytes: &[u8], columns: &Columns) -> Result<Vec<Piece>, String> {
        match self {
            Self::Plain => Ok(vec![Piece { title: None, text: utf8(bytes)?.to_owned(), row: None }]),
            Self::Html => Ok(vec![html::piece(utf8(bytes)?)?]),
            Self::Csv => table::csv(utf8(bytes)?, columns),
            Self::Jsonl => table::jsonl(utf8(bytes)?, columns),
            Self::Docx => Ok(vec![docx::piece(bytes)?]),
            Self::Pdf => Ok(vec![pdf::piece(bytes)?]),
        }
    }
}

/// The text of bytes in UTF-8, without the byte-order mark that some editors put before it.
fn utf8(bytes: &[u8]) -> Result<&str, String> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err("it is UTF-16 (by its byte-order mark): save it as UTF-8".into());
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8 text: save it as UTF-8".to_owned())?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_told_by_the_name() {
        let names = ["a.HTML", "b.csv", "c.jsonl", "d.docx", "e.pdf", "f.md", "README"];
        let expected =
            [Format::Html, Format::Csv, Format::Jsonl, Format::Docx, Format::Pdf, Format::Plain, Format::Plain];
        assert_eq!(names.map(|n| Format::of(Path::new(n))), expected);
    }

    #[test]
    fn byte_order_marks_are_left_out_or_named() {
        let pieces = |bytes: &[u8]| Format::Plain.pieces(bytes, &Columns::default());
        assert_eq!(pieces(b"\xef\xbb\xbftext").unwrap()[0].text, "text");
        assert!(pieces(&[0xff, 0xfe, b'a', 0]).unwrap_err().contains("byte-order mark"));
        assert!(pieces(&[b'a', 0xff]).unwrap_err().contains("not UTF-8"));
    }
}
