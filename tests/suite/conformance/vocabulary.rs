//! What the closures of the cases' functions call, and the one record type that Rust does not have.

use serde::{Deserialize, Serialize};

/// A record of a stream that carries numbers and strings, as Python's may.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum IntOrText {
    /// A number.
    Int(i64),
    /// A string.
    Text(String),
}

/// The number of characters.
pub fn length(text: &str) -> i64 {
    text.chars().count() as i64
}

/// The characters as strings.
pub fn characters(text: &str) -> impl Iterator<Item = String> {
    text.chars().map(String::from)
}

/// The list in order: the order of arrival inside a group is not part of any case.
pub fn sorted<T: Ord>(mut list: Vec<T>) -> Vec<T> {
    list.sort();
    list
}

/// Fails like a function of a user's that meets a record which it cannot bear.
pub fn fail_if<T>(fails: bool, with: &str, record: T) -> T {
    assert!(!fails, "{with}");
    record
}
