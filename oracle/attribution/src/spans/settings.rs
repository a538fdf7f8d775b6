//! Which spans are told.

use crate::error::{AttributionError, Result};
use serde::{Deserialize, Serialize};

/// Everything the spans of an answer depend on besides the answer, the documents and where words begin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpanSettings {
    /// Tokens of the shortest span that is told.
    pub min_tokens: usize,
    /// How many spans are told, the rarest ones.
    pub top: usize,
    /// How many documents are named for each span.
    pub documents_per_span: usize,
}

impl Default for SpanSettings {
    fn default() -> Self {
        Self { min_tokens: 4, top: 10, documents_per_span: 10 }
    }
}

impl SpanSettings {
    /// Refuses settings under which nothing can be told.
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
