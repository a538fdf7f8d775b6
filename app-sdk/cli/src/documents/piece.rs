//! A text in a file, and where tables have theirs.

/// A text in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Its title, if the file gives one.
    pub title: Option<String>,
    /// The text.
    pub text: String,
    /// The row that it is from, in a table. The first is 1.
    pub row: Option<u64>,
}

/// The columns of tables that are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// The column of the text.
    pub text: Option<String>,
    /// The column of the title.
    pub title: Option<String>,
}
