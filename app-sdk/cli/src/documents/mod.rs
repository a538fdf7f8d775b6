//! Documents as people have them: from a folder of files to contributions, and what is passed over with its reason.
//!
//! What is contributed is text. Of a file that is no plain text the text is extracted, and the manifest names the file too.

mod docx;
mod folder;
mod format;
mod html;
mod metadata;
mod pdf;
mod piece;
mod table;

pub use folder::{Found, Passed, Reading, read};
pub use pdf::{READ_PDF, read_pdf};
pub use piece::Columns;
