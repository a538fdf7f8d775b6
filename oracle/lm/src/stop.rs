//! Ends a stream of text before a stop text, even if the stop text arrives in pieces.

/// Holds back the end of the text while it may still become a stop text.
#[derive(Debug)]
pub struct StopMatcher {
    stops: Vec<String>,
    held: String,
}

/// What may be shown after a piece of text has arrived.
#[derive(Debug, PartialEq, Eq)]
pub struct Released {
    /// Text that is safe to show.
    pub text: String,
    /// Whether a stop text was met. No text follows then.
    pub stopped: bool,
}

impl StopMatcher {
    /// A matcher for the given texts, which must not be empty.
    pub fn new(stops: &[String]) -> Self {
        Self { stops: stops.to_vec(), held: String::new() }
    }

    /// Adds text and releases what cannot be part of a stop text any more.
    pub fn push(&mut self, text: &str) -> Released {
        self.held.push_str(text);
        if let Some(at) = self.stops.iter().filter_map(|s| self.held.find(s)).min() {
            self.held.truncate(at);
            return Released { text: std::mem::take(&mut self.held), stopped: true };
        }
        let keep = self.stops.iter().map(|s| overlap(&self.held, s)).max().unwrap_or(0);
        let rest = self.held.split_off(self.held.len() - keep);
        Released { text: std::mem::replace(&mut self.held, rest), stopped: false }
    }

    /// Ends the stream and releases the text that was held back, which is no stop text after all.
    pub fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }
}

/// Length in bytes of the longest proper beginning of `stop` with which `text` ends.
fn overlap(text: &str, stop: &str) -> usize {
    (1..stop.len()).rev().find(|n| stop.is_char_boundary(*n) && text.ends_with(&stop[..*n])).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_text_in_pieces_is_cut_off_and_its_beginning_never_shown() {
        let mut matcher = StopMatcher::new(&["END".into()]);
        assert_eq!(matcher.push("aE"), Released { text: "a".into(), stopped: false });
        assert_eq!(matcher.push("N"), Released { text: "".into(), stopped: false });
        assert_eq!(matcher.push("Dz"), Released { text: "".into(), stopped: true });
    }

    #[test]
    fn text_that_only_began_like_a_stop_is_released() {
        let mut matcher = StopMatcher::new(&["END".into(), "é!".into()]);
        assert_eq!(matcher.push("EN").text, "");
        assert_eq!(matcher.push("x é").text, "ENx ");
        assert_eq!(matcher.finish(), "é");
    }
}
