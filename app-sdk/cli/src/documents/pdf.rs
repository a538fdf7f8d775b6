//! The text of a PDF file.

use super::piece::Piece;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The file's text, page after page. A scan has none.
pub fn piece(bytes: &[u8]) -> Result<Piece, String> {
    // The library panics on some files that are not as they should be. One bad file must not stop the others.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let extracted = catch_unwind(AssertUnwindSafe(|| pdf_extract::extract_text_from_mem(bytes)));
    std::panic::set_hook(hook);
    let text = match extracted {
        Ok(Ok(text)) => text,
        Ok(Err(e)) => return Err(format!("its PDF does not read: {e}")),
        Err(_) => return Err("its PDF does not read: export it anew, or as text".into()),
    };
    let text = text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim().to_owned();
    if text.is_empty() {
        return Err("its PDF holds no text: if it is a scan, have its text recognised first".into());
    }
    Ok(Piece { title: None, text, row: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A PDF of one page that draws with these operators.
    fn pdf(operators: &str) -> Vec<u8> {
        let objects = [
            "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
            "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Contents 5 0 R \
             /Resources << /Font << /F1 4 0 R >> >> >>"
                .to_owned(),
            "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_owned(),
            format!("<< /Length {} >>\nstream\n{operators}\nendstream", operators.len()),
        ];
        let (mut file, mut places) = (b"%PDF-1.4\n".to_vec(), Vec::new());
        for (object, number) in objects.iter().zip(1..) {
            places.push(file.len());
            file.extend(format!("{number} 0 obj\n{object}\nendobj\n").bytes());
        }
        let table = file.len();
        file.extend(b"xref\n0 6\n0000000000 65535 f \n");
        places.iter().for_each(|at| file.extend(format!("{at:010} 00000 n \n").bytes()));
        file.extend(format!("trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n").bytes());
        file
    }

    #[test]
    fn the_text_of_a_page_is_read() {
        let text = piece(&pdf("BT /F1 12 Tf 20 100 Td (Bread needs salt.) Tj ET")).unwrap().text;
        assert_eq!(text, "Bread needs salt.");
    }

    #[test]
    fn what_has_no_text_or_is_no_pdf_is_refused_with_what_to_do() {
        assert!(piece(&pdf("0 0 10 10 re f")).unwrap_err().contains("scan"));
        assert!(piece(b"%PDF-1.4 and nothing").is_err());
    }
}
