//! What the closures of the cases' functions call, and the one record type that Rust does not have.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

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

/// A dataset of the case's that is in no stream.
pub fn dataset<T: DeserializeOwned>(json: &str) -> Vec<T> {
    serde_json::from_str(json).expect("the generator inferred the type from this text")
}

/// Each pair of records that share a key.
pub fn joined<K: Clone + Eq, V: Clone, W: Clone>(left: Vec<(K, V)>, right: Vec<(K, W)>) -> Vec<(K, (V, W))> {
    let inner = left_joined(left, right).into_iter();
    inner.filter_map(|(key, (v, w))| w.map(|w| (key, (v, w)))).collect()
}

/// As [`joined`], and each record of `left` that has no counterpart.
pub fn left_joined<K: Clone + Eq, V: Clone, W: Clone>(
    left: Vec<(K, V)>,
    right: Vec<(K, W)>,
) -> Vec<(K, (V, Option<W>))> {
    let mut made = Vec::new();
    for (key, v) in left {
        let before = made.len();
        let same = right.iter().filter(|(other, _)| *other == key);
        made.extend(same.map(|(_, w)| (key.clone(), (v.clone(), Some(w.clone())))));
        if made.len() == before {
            made.push((key, (v, None)));
        }
    }
    made
}
