//! How much of a document a job learns, and in how many windows. Nobody knows exactly without the model's tokenizer; this is
//! told before anything is paid.

use super::job_config::DataSettings;

/// Tokens of an example that hold neither the title nor the text: the chat template, the words around the title and the
/// end of the turn.
const TEMPLATE_TOKENS: usize = 13;
/// Tokens that the questions of later windows have besides.
const PART_TOKENS: usize = 4;
/// Bytes of a text for each token, roughly, in European languages.
const BYTES_OF_A_TOKEN: usize = 4;

/// Most tokens of a document's first window that its question may take, of which the title is a part. A longer title is
/// cut, so that it does not leave a window without anything to learn.
pub fn most_question_tokens(max_tokens: usize) -> usize {
    max_tokens - max_tokens / 4
}

/// The same for the later windows, which repeat the title.
pub fn most_later_question_tokens(max_tokens: usize) -> usize {
    max_tokens / 2
}

/// About what a job learns of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Learned {
    /// Windows, each an example.
    pub windows: usize,
    /// Tokens of all windows, with their questions. Compute is paid by them.
    pub tokens: usize,
    /// Bytes of the text.
    pub bytes: usize,
}

/// About what a job learns of a document whose title and text have so many bytes, if the document is drawn.
pub fn learned(settings: &DataSettings, title: usize, text: usize) -> Learned {
    let most = settings.max_tokens;
    let question = TEMPLATE_TOKENS + title.div_ceil(BYTES_OF_A_TOKEN);
    let later = (question + PART_TOKENS).min(most_later_question_tokens(most));
    let first = question.min(most_question_tokens(most));
    // Of a window without room for text one token is counted. Operators refuse such a config.
    let room = |question: usize| most.saturating_sub(question).max(1);
    let all = text.div_ceil(BYTES_OF_A_TOKEN);
    let needed = 1 + all.saturating_sub(room(first)).div_ceil(room(later));
    let windows = settings.max_windows.map_or(needed, |most| needed.min(most.max(1)));
    let own = all.min(room(first) + room(later) * (windows - 1));
    Learned {
        windows,
        tokens: first + later * (windows - 1) + own,
        bytes: text.min(own.saturating_mul(BYTES_OF_A_TOKEN)),
    }
}

/// About what a job learns of several documents, if they are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outlook {
    /// Number of documents.
    pub documents: usize,
    /// Windows of those that can be learned.
    pub windows: usize,
    /// Tokens of these windows.
    pub tokens: usize,
    /// Documents of which only the beginning can be learned, because the config limits the windows of a document.
    pub cut: usize,
    /// Documents that take no part, because they have more windows than the job learns of one document
    /// ([`DataSettings::most_windows`]).
    pub too_long: usize,
}

impl Outlook {
    /// What is learned of documents whose titles and texts have so many bytes.
    pub fn of(settings: &DataSettings, documents: impl IntoIterator<Item = (usize, usize)>) -> Self {
        let mut all = Self::default();
        for (title, text) in documents {
            let Learned { windows, tokens, bytes } = learned(settings, title, text);
            all.documents += 1;
            if windows > settings.most_windows() {
                all.too_long += 1;
                continue;
            }
            (all.windows, all.tokens) = (all.windows + windows, all.tokens + tokens);
            all.cut += usize::from(bytes < text);
        }
        all
    }

    /// What is learned of `documents` documents, if these are a sample of them.
    pub fn scaled(self, documents: usize) -> Self {
        let of = |count: usize| (count as u128 * documents as u128).checked_div(self.documents as u128);
        let scale = |count| of(count).unwrap_or(0) as usize;
        Self {
            documents,
            windows: scale(self.windows),
            tokens: scale(self.tokens),
            cut: scale(self.cut),
            too_long: scale(self.too_long),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(max_tokens: usize, max_windows: Option<usize>) -> DataSettings {
        DataSettings { max_tokens, max_windows, ..DataSettings::default() }
    }

    #[test]
    fn a_title_takes_from_what_the_first_window_learns() {
        let first = |title, text| learned(&settings(40, Some(1)), title, text);
        assert_eq!(first(0, 1_000), Learned { windows: 1, tokens: 40, bytes: 108 });
        assert_eq!(first(40, 1_000).bytes, 68);
        assert_eq!(first(400, 1_000).bytes, 40, "a long title leaves a quarter");
        assert_eq!(first(0, 5), Learned { windows: 1, tokens: 15, bytes: 5 });
    }

    #[test]
    fn a_document_is_learned_whole_in_as_many_windows_as_it_needs() {
        let whole = |title, text| learned(&settings(128, None), title, text);
        assert_eq!(whole(20, 440), Learned { windows: 1, tokens: 128, bytes: 440 });
        assert_eq!(whole(20, 441), Learned { windows: 2, tokens: 18 + 22 + 111, bytes: 441 });
        // 110 tokens in the first window, and 106 in each of the others.
        assert_eq!(whole(20, 4 * (110 + 2 * 106)).windows, 3);
        assert_eq!(whole(20, 4 * (110 + 2 * 106) + 1).windows, 4);
        let long_title = whole(4_000, 4_000);
        assert_eq!((long_title.windows, long_title.bytes), (1 + (1_000 - 32usize).div_ceil(64), 4_000));
        let two = learned(&settings(128, Some(2)), 20, 9_999);
        assert_eq!((two.windows, two.tokens, two.bytes), (2, 256, 4 * (110 + 106)));
    }

    #[test]
    fn what_is_not_learned_of_many_documents_is_counted() {
        let outlook = |settings: &DataSettings| Outlook::of(settings, [(20, 440), (20, 1_000), (20, 100_000)]);
        let whole = outlook(&settings(128, None));
        assert_eq!((whole.documents, whole.windows, whole.cut, whole.too_long), (3, 1 + 3, 0, 1));
        let first = outlook(&settings(128, Some(1)));
        assert_eq!((first.windows, first.tokens, first.cut, first.too_long), (3, 3 * 128, 2, 0));
        assert_eq!(first.scaled(300).windows, 300);
        // A quarter of 48 examples is the most for one document: 110 tokens of text in the first, 106 in each other.
        let most = 4 * (110 + 11 * 106);
        let long = |text| Outlook::of(&settings(128, None), [(20, text)]);
        assert_eq!((long(most).windows, long(most).too_long), (12, 0));
        assert_eq!((long(most + 1).windows, long(most + 1).too_long), (0, 1));
        assert_eq!(Outlook::default().scaled(7), Outlook { documents: 7, ..Outlook::default() });
    }
}
