//! Stages: functions from streams to streams whose operators have ids of their own, and stand in the plan.
//!
//! What a stage says of itself is text in which [`CALLER`] stands for whatever its caller calls it; the functions here
//! put the two together while a pipeline is compiled, so `PLAN` and `OPERATORS` stay constants.

use std::{
    collections::HashSet,
    marker::PhantomData,
    sync::{Mutex, PoisonError},
};

use crate::{
    ids::OpId,
    operators::sink::{Accepts, SinkPort},
    record::Record,
    stream::{Stream, chain::Rooted, kind::StreamKind},
};

/// The placeholder in a stage's text for the id of its call.
const CALLER: u8 = 1;

/// What is known of a stage without its call, see the macro.
#[derive(Clone, Copy)]
pub struct Fragment {
    /// The ids of its operators, one a line.
    pub operators: &'static str,
    /// Their marks, one a line.
    pub marks: &'static str,
    /// Its part of a plan.
    pub graph: &'static str,
}

/// What stands beside the function of a stage.
pub trait IsStage {
    /// What it says.
    const FRAGMENT: Fragment;
}

/// For functions that are no stages: what the names in a question after one mean then.
#[allow(non_camel_case_types)]
pub mod no_stage {
    /// In place of a stage.
    pub mod __stage {}
    /// In place of a stage's variant.
    pub struct __Stage;
    impl super::IsStage for __Stage {
        const FRAGMENT: super::Fragment = super::Fragment { operators: "", marks: "", graph: "" };
    }
}

/// What a stage says.
pub const fn fragment<S: IsStage>(_: &S) -> Fragment {
    S::FRAGMENT
}

/// How long [`joined`] is.
pub const fn length(parts: &[(&str, &str)]) -> usize {
    let (mut length, mut part) = (0, 0);
    while part < parts.len() {
        let (text, caller) = (parts[part].0.as_bytes(), parts[part].1);
        let mut at = 0;
        while at < text.len() {
            length += if text[at] == CALLER { caller.len() } else { 1 };
            at += 1;
        }
        part += 1;
    }
    length
}

/// Texts one behind the other, each with what its caller calls it.
pub const fn joined<const N: usize>(parts: &[(&str, &str)]) -> [u8; N] {
    let mut bytes = [0; N];
    let (mut to, mut part) = (0, 0);
    while part < parts.len() {
        let (text, caller) = (parts[part].0.as_bytes(), parts[part].1.as_bytes());
        let mut at = 0;
        while at < text.len() {
            if text[at] == CALLER {
                let mut from = 0;
                while from < caller.len() {
                    bytes[to] = caller[from];
                    to += 1;
                    from += 1;
                }
            } else {
                bytes[to] = text[at];
                to += 1;
            }
            at += 1;
        }
        part += 1;
    }
    bytes
}

/// Bytes that were texts, as one.
pub const fn text(bytes: &'static [u8]) -> &'static str {
    match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(_) => panic!("texts one behind the other are text"),
    }
}

/// How many lines a text has.
pub const fn count(text: &str) -> usize {
    let (bytes, mut lines, mut at) = (text.as_bytes(), 0, 0);
    while at < bytes.len() {
        lines += (bytes[at] == b'\n') as usize;
        at += 1;
    }
    lines
}

/// The lines of a text.
pub const fn lines<const N: usize>(whole: &'static str) -> [&'static str; N] {
    let mut lines = [""; N];
    let (mut rest, mut line, mut at) = (whole.as_bytes(), 0, 0);
    while line < N {
        if rest[at] == b'\n' {
            let (head, tail) = rest.split_at(at);
            lines[line] = text(head);
            (_, rest) = tail.split_at(1);
            line += 1;
            at = 0;
        } else {
            at += 1;
        }
    }
    lines
}

/// A call of a stage while a pipeline is put together: what its operators' ids begin with.
#[derive(Clone, Copy)]
pub struct Stage(OpId);

impl Stage {
    /// The call that a stage of this name is in, by a stream that it was given. `stream!` and `stage!` name each call; from
    /// code that they cannot see, the id is that of the call around it, and the stage's name.
    pub fn of<T: Record, P: StreamKind, C: Rooted>(name: &str, stream: &Stream<'_, T, P, C>) -> Self {
        let id = stream.id.0;
        let last = id.rsplit('/').next().unwrap_or(id);
        let is_named = last.split('#').next() == Some(name);
        Stage(if is_named { stream.id } else { interned(format!("{id}/{name}")) })
    }

    /// The id of an operator in it.
    pub fn id(&self, operator: &str) -> OpId {
        interned(format!("{}/{operator}", self.0.0))
    }
}

/// An id that is made when a pipeline is put together. Each is kept for good: there are as many as operators in the calls
/// of stages of the program, however often its jobs start.
fn interned(id: String) -> OpId {
    static IDS: Mutex<Option<HashSet<&'static str>>> = Mutex::new(None);
    let mut ids = IDS.lock().unwrap_or_else(PoisonError::into_inner);
    let ids = ids.get_or_insert_default();
    match ids.get(&*id) {
        Some(known) => OpId(known),
        None => {
            let id: &'static str = String::leak(id);
            ids.insert(id);
            OpId(id)
        }
    }
}

/// What a function of the user's takes for a sink: the port itself, or a reference to it.
#[diagnostic::on_unimplemented(
    message = "a sink of `{T}` cannot be given as `{Self}`",
    label = "the function takes `{Self}` here, and the sink takes `{T}`",
    note = "a function takes a sink as `&SinkPort<'s, T>`, where `T` is what the header of `stream!` says of it"
)]
pub trait Given<'a, 's, T> {
    /// The sink as that.
    fn of(port: &'a SinkPort<'s, T>) -> Self;
}

#[diagnostic::do_not_recommend]
impl<'a, 's, T> Given<'a, 's, T> for &'a SinkPort<'s, T> {
    fn of(port: &'a SinkPort<'s, T>) -> Self {
        port
    }
}

#[diagnostic::do_not_recommend]
impl<'s, T> Given<'_, 's, T> for SinkPort<'s, T> {
    fn of(port: &SinkPort<'s, T>) -> Self {
        SinkPort { end: port.end(), scope: PhantomData }
    }
}

impl<'s, T> SinkPort<'s, T> {
    /// The sink as a function takes it that is called with its name. `stream!` writes it.
    #[doc(hidden)]
    pub fn given<'a, G: Given<'a, 's, T>>(&'a self) -> G {
        G::of(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_put_together_by_the_compiler() {
        const PARTS: &[(&str, &str)] =
            &[("p/a/map\n", "\u{1}"), ("\u{1}/b/map\n\u{1}/c\n", "p/t"), ("p/o\n", "\u{1}")];
        const BYTES: [u8; length(PARTS)] = joined(PARTS);
        const LINES: [&str; count(text(&BYTES))] = lines(text(&BYTES));
        assert_eq!(LINES, ["p/a/map", "p/t/b/map", "p/t/c", "p/o"]);
    }

    #[test]
    fn an_id_is_kept_once() {
        let one = interned("p/x/totals/y".to_owned());
        let other = interned(["p", "x", "totals", "y"].join("/"));
        assert!(std::ptr::eq(one.0, other.0));
    }
}
