//! Events.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// An event of Flume: headers and a body. A text or bytes make one without headers.
///
/// ```
/// use streaming_runtime::connect::flume::Event;
///
/// let event = Event::new("a line").header("host", "web-1");
/// assert_eq!((event.text(), event.headers["host"].as_str()), ("a line".into(), "web-1"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Event {
    /// Its headers, by name.
    pub headers: BTreeMap<String, String>,
    /// What it says.
    pub body: Vec<u8>,
}

impl Event {
    /// An event without headers.
    pub fn new(body: impl Into<Vec<u8>>) -> Self {
        Event { headers: BTreeMap::new(), body: body.into() }
    }
    /// With one more header; one of the same name is replaced.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.insert(name.into(), value.into());
        self
    }
    /// The body as a text, in which what is not UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl From<String> for Event {
    fn from(body: String) -> Self {
        Event::new(body)
    }
}

impl From<&str> for Event {
    fn from(body: &str) -> Self {
        Event::new(body)
    }
}

impl From<Vec<u8>> for Event {
    fn from(body: Vec<u8>) -> Self {
        Event::new(body)
    }
}

/// How a record of the stream becomes an event: by a closure, or [`AsIs`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` makes no event of a `{T}`",
    label = "this sink has to turn a `{T}` into a `flume::Event`",
    note = "say how: `.format(|record: {T}| flume::Event::new(..).header(.., ..))`; a text or bytes will do, too"
)]
pub trait IntoEvent<T>: Send + Sync + 'static {
    /// The event.
    fn event(&self, record: T) -> Event;
}

/// Takes records that are events already, texts or bytes.
#[derive(Clone, Copy, Debug)]
pub struct AsIs;

impl<T: Into<Event>> IntoEvent<T> for AsIs {
    fn event(&self, record: T) -> Event {
        record.into()
    }
}

impl<T, E: Into<Event>, F: Fn(T) -> E + Send + Sync + 'static> IntoEvent<T> for F {
    fn event(&self, record: T) -> Event {
        self(record).into()
    }
}
