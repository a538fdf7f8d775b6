//! What the answers have in common: lists come in pages, and refusals say what to do.

use serde::{Deserialize, Serialize};

/// Part of a list. Ask on with `?cursor=` until `next` is absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Opaque; names the next part, absent at the end.
    #[serde(skip_serializing_if = "Option::is_none", default = "none")]
    pub next: Option<String>,
}

fn none() -> Option<String> {
    None
}

/// What every refusal of the API says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// What is wrong and what to do.
    pub error: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_without_next_is_the_last() {
        let page: Page<u32> = serde_json::from_str(r#"{"items":[1,2]}"#).unwrap();
        assert_eq!(page, Page { items: vec![1, 2], next: None });
        assert_eq!(serde_json::to_string(&page).unwrap(), r#"{"items":[1,2]}"#);
    }
}
