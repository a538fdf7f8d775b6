//! The text of a web page.

use super::piece::Piece;
use html2text::config::plain_no_decorate;

/// Columns after which lines are wrapped.
const WIDTH: usize = 1_000;

/// The page's title and what a reader sees of it.
pub fn piece(page: &str) -> Result<Piece, String> {
    let text = seen(page)?;
    let title = title(page).map(seen).transpose()?.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
    Ok(Piece { title, text, row: None })
}

fn seen(html: &str) -> Result<String, String> {
    let reader = plain_no_decorate().raw_mode(true).allow_width_overflow();
    let text = reader.string_from_read(html.as_bytes(), WIDTH).map_err(|e| format!("its HTML does not read: {e}"))?;
    Ok(text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim().to_owned())
}

/// What stands in the page's `title` element.
fn title(page: &str) -> Option<&str> {
    let lower = page.to_ascii_lowercase();
    let open = lower.find("<title")?;
    let start = open + lower[open..].find('>')? + 1;
    let end = start + lower[start..].find("</title")?;
    Some(&page[start..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_what_a_reader_sees() {
        let page = "<html><head><TITLE>Bread &amp; salt</TITLE><style>p { color: red }</style></head>\
                    <body><script>alert(1)</script><h1>Bread</h1><p>Flour,\n water &mdash; and <b>salt</b>.</p>\
                    <table><tr><td>Oven</td><td>230°</td></tr></table></body></html>";
        let piece = piece(page).unwrap();
        assert_eq!(piece.title.as_deref(), Some("Bread & salt"));
        for seen in ["Bread", "Flour, water — and salt.", "Oven", "230°"] {
            assert!(piece.text.contains(seen), "{seen}: {}", piece.text);
        }
        for hidden in ["alert", "color", "<", "title"] {
            assert!(!piece.text.contains(hidden), "{hidden}: {}", piece.text);
        }
    }
}
