//! What the closures of the cases' functions call, and the record types that Rust does not have.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use streaming_runtime::KeyState;

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

/// The sum of a key's new values.
pub fn sum(values: &[i64]) -> i64 {
    values.iter().sum()
}

/// Adds a value to a running sum.
pub fn add(state: &mut KeyState<i64>, value: Option<i64>) -> i64 {
    let sum = state.get().copied().unwrap_or(0) + value.unwrap_or(0);
    state.update(sum);
    sum
}

/// What a running sum emits: the sum, or `["timeout", sum]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SumOrTimeout {
    /// The sum with the record's value.
    Sum(i64),
    /// The word, and the last sum.
    Timeout(String, i64),
}

impl SumOrTimeout {
    /// Of a key that times out with this state.
    pub fn timeout(state: Option<&i64>) -> Self {
        Self::Timeout("timeout".to_owned(), *state.expect("only a key with a state times out"))
    }
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
