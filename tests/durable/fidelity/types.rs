//! Types that serde does not read back as it writes them, each with another attribute or form.

use super::*;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Noted {
    pub(super) total: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) note: Option<String>,
    pub(super) last: u8,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Zeros {
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) total: i64,
    pub(super) last: u8,
}

pub(super) fn is_zero(n: &i64) -> bool {
    *n == 0
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Pair(
    pub(super) u8,
    #[serde(skip_serializing_if = "Vec::is_empty")] pub(super) Vec<u8>,
    pub(super) u8,
);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Status {
    #[serde(skip)]
    #[allow(dead_code)]
    Draft,
    Sent,
    Paid,
    Late,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Untagged {
    Number(i64),
    Text(String),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub(super) enum Tagged {
    A { n: u8 },
    B { text: String },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Flat {
    pub(super) id: u8,
    #[serde(flatten)]
    pub(super) rest: BTreeMap<String, u8>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Unwritten {
    pub(super) total: i64,
    #[serde(default, skip_serializing)]
    pub(super) secret: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Unread {
    pub(super) total: i64,
    #[serde(skip_deserializing)]
    pub(super) cached: u32,
}

/// Written in milliseconds, read in seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Timed {
    #[serde(serialize_with = "as_millis", deserialize_with = "as_secs")]
    pub(super) took: Duration,
}

pub(super) fn as_millis<S: Serializer>(took: &Duration, to: S) -> Result<S::Ok, S::Error> {
    (took.as_millis() as u64).serialize(to)
}

pub(super) fn as_secs<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    u64::deserialize(from).map(Duration::from_secs)
}

/// The attribute is in a variant that is not the first, of a part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Deep {
    Plain,
    Nested { parts: Vec<Part> },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Part {
    None,
    Named {
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<Box<Part>>,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Odd {
    #[serde(default, skip_serializing_if = "is_odd_one")]
    pub(super) n: i64,
    pub(super) last: u8,
}

pub(super) fn is_odd_one(n: &i64) -> bool {
    *n == 4711
}
