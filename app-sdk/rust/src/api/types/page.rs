//! The parts that answers have in common: pages of lists, and refusals.

use serde::{Deserialize, Serialize};

/// A page of a list. To read on, pass `next` as `?cursor=` until it is absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Opaque name of the next page. It is absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none", default = "none")]
    pub next: Option<String>,
}

fn none() -> Option<String> {
    None
}

/// The body of every refusal of the API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// What is wrong and what to do.
    pub error: String,
    /// The parameter or the part of the path whose value is wrong, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
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
