//! Which spans of an answer are returned.

use crate::error::{AttributionError, Result};
use serde::{Deserialize, Serialize};

/// Everything that the spans of an answer depend on besides the answer, the documents and the beginnings of words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpanSettings {
    /// Number of tokens of the shortest span that is returned.
    pub min_tokens: usize,
    /// Number of spans that are returned. They are the rarest ones.
    pub top: usize,
    /// Number of documents that are named for each span.
    pub documents_per_span: usize,
}

impl Default for SpanSettings {
    fn default() -> Self {
        Self { min_tokens: 4, top: 10, documents_per_span: 10 }
    }
}

impl SpanSettings {
    /// Fails if nothing can be returned under these settings.
    pub fn validate(&self) -> Result<()> {
        let fields = [
            ("spans.min_tokens", self.min_tokens),
            ("spans.top", self.top),
            ("spans.documents_per_span", self.documents_per_span),
        ];
        match fields.into_iter().find(|(_, value)| *value == 0) {
            Some((field, _)) => Err(AttributionError::setting(field, "is 0, it must be at least 1")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_under_which_nothing_can_be_told_are_refused_by_name() {
        SpanSettings::default().validate().unwrap();
        let own = SpanSettings::default;
        let cases = [
            (SpanSettings { min_tokens: 0, ..own() }, "min_tokens"),
            (SpanSettings { top: 0, ..own() }, "top"),
            (SpanSettings { documents_per_span: 0, ..own() }, "documents_per_span"),
        ];
        for (settings, name) in cases {
            assert!(settings.validate().unwrap_err().to_string().contains(name));
        }
    }
}
