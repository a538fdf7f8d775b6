//! The text of a document of Word or LibreOffice (Office Open XML).

use super::piece::Piece;
use quick_xml::{Reader, events::Event};
use std::io::{Cursor, Read};
use zip::ZipArchive;

/// Most bytes of a part that are read. A small archive may hold much more than a document.
const MOST_BYTES: u64 = 64 << 20;

/// The document's title and its paragraphs, one on a line.
pub fn piece(bytes: &[u8]) -> Result<Piece, String> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|e| format!("it is not a DOCX file: {e}"))?;
    let document = part(&mut archive, "word/document.xml")?.ok_or("it is not a DOCX file: it has no document")?;
    let title = match part(&mut archive, "docProps/core.xml")? {
        Some(core) => Some(texts(&core, "title")?.trim().to_owned()).filter(|t| !t.is_empty()),
        None => None,
    };
    Ok(Piece { title, text: texts(&document, "t")?.trim().to_owned(), row: None })
}

fn part(archive: &mut ZipArchive<Cursor<&[u8]>>, name: &str) -> Result<Option<String>, String> {
    let Ok(file) = archive.by_name(name) else { return Ok(None) };
    let mut text = String::new();
    let read =
        file.take(MOST_BYTES + 1).read_to_string(&mut text).map_err(|e| format!("its {name} does not read: {e}"))?;
    if read as u64 > MOST_BYTES {
        return Err(format!("its {name} has more than {MOST_BYTES} bytes"));
    }
    Ok(Some(text))
}

/// What stands in the elements of this name. A paragraph ends a line.
fn texts(xml: &str, name: &str) -> Result<String, String> {
    let mut reader = Reader::from_str(xml);
    let (mut text, mut inside) = (String::new(), false);
    loop {
        match reader.read_event().map_err(|e| format!("its XML does not read: {e}"))? {
            Event::Start(e) if e.local_name().as_ref() == name => inside = true,
            Event::End(e) if e.local_name().as_ref() == name => inside = false,
            Event::End(e) if e.local_name().as_ref() == "p" => text.push('\n'),
            Event::Empty(e) | Event::Start(e) => match e.local_name().as_ref() {
                "tab" => text.push('\t'),
                "br" | "cr" => text.push('\n'),
                _ => {}
            },
            Event::Text(e) if inside => text.push_str(&e),
            Event::CData(e) if inside => text.push_str(&e),
            Event::GeneralRef(e) if inside => {
                let of_number = e.resolve_char_ref().map_err(|e| e.to_string())?.map(String::from);
                let known = || quick_xml::escape::resolve_predefined_entity(&e).map(str::to_owned);
                text.push_str(&of_number.or_else(known).ok_or_else(|| format!("its XML names an unknown {}", &*e))?);
            }
            Event::Eof => return Ok(text),
            _ => {}
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::io::Write;
    use zip::{ZipWriter, write::SimpleFileOptions};

    /// A document of these parts.
    pub(crate) fn docx(parts: &[(&str, &str)]) -> Vec<u8> {
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, text) in parts {
            archive.start_file(*name, SimpleFileOptions::default()).unwrap();
            archive.write_all(text.as_bytes()).unwrap();
        }
        archive.finish().unwrap().into_inner()
    }

    #[test]
    fn paragraphs_are_lines_and_the_title_is_that_of_the_properties() {
        let body = "<w:document xmlns:w=\"w\"><w:body><w:p><w:r><w:t>Bread &amp; </w:t></w:r><w:r><w:t>salt&#33;</w:t>\
                    </w:r></w:p><w:p><w:r><w:t>Second</w:t><w:tab/><w:t>line</w:t></w:r></w:p></w:body></w:document>";
        let core = "<cp:coreProperties xmlns:cp=\"c\" xmlns:dc=\"d\"><dc:title>On bread</dc:title></cp:coreProperties>";
        let whole = docx(&[("word/document.xml", body), ("docProps/core.xml", core)]);
        let expected = Piece { title: Some("On bread".into()), text: "Bread & salt!\nSecond\tline".into(), row: None };
        assert_eq!(piece(&whole).unwrap(), expected);
        assert_eq!(piece(&docx(&[("word/document.xml", body)])).unwrap().title, None);
    }

    #[test]
    fn what_is_no_document_is_refused() {
        assert!(piece(b"PK").unwrap_err().contains("not a DOCX file"));
        assert!(piece(&docx(&[("x", "y")])).unwrap_err().contains("no document"));
    }
}
