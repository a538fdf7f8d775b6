//! How much of a document a job learns. Nobody knows exactly without the model's tokenizer; this is told before anything
//! is paid.

use super::job_config::DataSettings;

/// Tokens of an example that hold neither the title nor the text: the chat template, the words around the title and the
/// end of the turn.
const TEMPLATE_TOKENS: usize = 13;
/// Bytes of a text for each token, roughly, in European languages.
const BYTES_OF_A_TOKEN: usize = 4;

/// Most tokens of an example that its question may take, of which the title is a part. A longer title is cut, so that it
/// does not leave a document without anything to learn.
pub fn most_question_tokens(max_tokens: usize) -> usize {
    max_tokens - max_tokens / 4
}

/// About how many of the bytes of a document with this title and text a job learns.
pub fn learned_bytes(settings: &DataSettings, title: &str, text: &str) -> usize {
    let question = TEMPLATE_TOKENS + title.len().div_ceil(BYTES_OF_A_TOKEN);
    let left = settings.max_tokens - question.min(most_question_tokens(settings.max_tokens));
    text.len().min(left.saturating_mul(BYTES_OF_A_TOKEN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_takes_from_what_is_learned() {
        let settings = DataSettings { max_tokens: 40, ..DataSettings::default() };
        let text = "x".repeat(1_000);
        assert_eq!(learned_bytes(&settings, "", &text), 108);
        assert_eq!(learned_bytes(&settings, &"t".repeat(40), &text), 68);
        assert_eq!(learned_bytes(&settings, &"t".repeat(400), &text), 40, "a long title leaves a quarter");
        assert_eq!(learned_bytes(&settings, "", "short"), 5);
    }
}
