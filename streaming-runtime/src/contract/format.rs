//! Records as text.

use std::fmt::{Debug, Display, Write};

/// How a sink writes a record of type `T` as text: any `Fn(&T) -> String`, [`ByDisplay`] or [`ByDebug`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot write a record of type `{T}` as text",
    label = "this sink has to turn a `{T}` into text",
    note = "say how: `.format(|record: &{T}| format!(..))`; `text_files(..)` has `.debug()` too"
)]
pub trait Format<T>: Send + Sync + 'static {
    /// Appends the record to `text`, without a line's end.
    fn append(&self, record: &T, text: &mut String);
}

/// Writes records with their `Display`.
#[derive(Clone, Copy, Debug, Default)]
pub struct ByDisplay;

/// Writes records with their `Debug`: `("word", 1)`.
#[derive(Clone, Copy, Debug, Default)]
pub struct ByDebug;

impl<T: Display> Format<T> for ByDisplay {
    fn append(&self, record: &T, text: &mut String) {
        write!(text, "{record}").expect("a String takes everything");
    }
}

impl<T: Debug> Format<T> for ByDebug {
    fn append(&self, record: &T, text: &mut String) {
        write!(text, "{record:?}").expect("a String takes everything");
    }
}

impl<T, F: Fn(&T) -> String + Send + Sync + 'static> Format<T> for F {
    fn append(&self, record: &T, text: &mut String) {
        text.push_str(&self(record));
    }
}
