//! The name and version of an attribution method.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::{fmt, str::FromStr};

/// An attribution method and the version of its arithmetic. Two scores are comparable only under the same method and
/// version. In JSON it is one string such as `magic 3`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Method {
    /// Its name: one word.
    pub name: String,
    /// Its version. It is raised whenever the same settings would give other scores than before.
    pub version: u32,
}

impl Method {
    /// Makes a method from its name and version.
    pub fn new(name: impl Into<String>, version: u32) -> Self {
        Self { name: name.into(), version }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.version)
    }
}

impl FromStr for Method {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once(' ').filter(|(name, _)| !name.is_empty());
        let method = parts.and_then(|(name, version)| Some(Self::new(name, version.parse().ok()?)));
        method.ok_or_else(|| format!("{text:?} is not a method with its version, such as `magic 3`"))
    }
}

impl Serialize for Method {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Method {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_is_one_word_and_a_number() {
        assert_eq!("magic 3".parse(), Ok(Method::new("magic", 3)));
        assert_eq!(Method::new("magic", 3).to_string(), "magic 3");
        for bad in ["", "magic", "magic three", " 3", "magic 3 4"] {
            assert!(bad.parse::<Method>().is_err(), "{bad:?}");
        }
    }
}
