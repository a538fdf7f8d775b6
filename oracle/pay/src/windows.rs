//! From examples to documents. A long document is learned in several examples, its windows. They are trained, indexed and
//! scored each by itself, and paid together.

use std::ops::Range;

/// Which examples are of which document. The examples of a document follow one another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Windows {
    /// For each document the number of examples up to its last.
    ends: Vec<usize>,
}

impl Windows {
    /// Examples in their order, each given by what names its document. Equal names that follow one another are one
    /// document.
    pub fn of<T: PartialEq>(examples: impl IntoIterator<Item = T>) -> Self {
        let (mut ends, mut last) = (Vec::new(), None);
        for (i, name) in examples.into_iter().enumerate() {
            match ends.last_mut() {
                Some(end) if last.as_ref() == Some(&name) => *end = i + 1,
                _ => ends.push(i + 1),
            }
            last = Some(name);
        }
        Self { ends }
    }

    /// Documents of one example each.
    pub fn single(documents: usize) -> Self {
        Self { ends: (1..=documents).collect() }
    }

    /// Number of documents.
    pub fn documents(&self) -> usize {
        self.ends.len()
    }

    /// Number of examples.
    pub fn examples(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    /// The examples of the document at `position`.
    pub fn of_document(&self, position: usize) -> Range<usize> {
        let start = position.checked_sub(1).map_or(0, |before| self.ends[before]);
        start..self.ends[position]
    }

    /// The examples of each document, in the order of documents.
    pub fn iter(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        (0..self.documents()).map(|document| self.of_document(document))
    }

    /// For each example the position of its document.
    pub fn documents_of_examples(&self) -> impl Iterator<Item = usize> + '_ {
        self.iter().enumerate().flat_map(|(document, examples)| examples.map(move |_| document))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_names_in_a_row_are_one_document() {
        let windows = Windows::of(["a", "b", "b", "b", "c", "a"]);
        assert_eq!((windows.documents(), windows.examples()), (4, 6));
        assert_eq!(windows.iter().collect::<Vec<_>>(), [0..1, 1..4, 4..5, 5..6]);
        assert_eq!(windows.documents_of_examples().collect::<Vec<_>>(), [0, 1, 1, 1, 2, 3]);
        assert_eq!(Windows::of(0..3), Windows::single(3));
        assert_eq!((Windows::of([0; 0]).documents(), Windows::default().examples()), (0, 0));
    }
}
