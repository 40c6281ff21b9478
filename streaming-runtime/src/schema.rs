//! What the serialized form of a type looks like, in a line of text: by it a checkpoint recognises that the type of
//! a state has changed.
//!
//! ```text
//! (String, i64)
//! { user: u64, at: enum { Now, Then(i64) }, seen: Map<String, Vec<f64>> }
//! 'a { value: i64, next: Option<'a> }                                a type that holds itself
//! { day: String, ?: ? } opaque Day                                   could not be looked through
//! ```
//!
//! A type is traced by its `Deserialize`: it is given a deserializer that makes values up and notes what it is asked
//! for. One run shows one variant of an enum, so there are several, until nothing new is found. A type that refuses what
//! was made up (a date out of an empty string) is offered other values; if it refuses them all, what is known of it is
//! written with `?` for the rest, and with its name after `opaque`.
//!
//! The text has what matters to a format that is not self-describing, as checkpoints use, and what a reader of it
//! would mistake: order, types, and names of fields and variants. Two fields of one type that changed places are told
//! apart by these. It has no names of types and no paths: to move or rename a type changes nothing. What serde writes
//! in the same way reads the same: a newtype as what is in it, a set as a `Vec`, `usize` as `u64`.
//!
//! Not seen: what happens in functions (`serialize_with` that changes its unit), and what is inside of `any`.
//!
//! The crate `serde-reflection` does this too, for whole registries of types. It knows types by their bare names, so
//! it refuses a program that has two types of one name, and a generic type with two arguments.

mod graph;
mod text;
mod tracer;

use std::{
    any::type_name,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    thread,
};

use serde::{Serialize, de::DeserializeOwned};

use self::{
    graph::Graph,
    tracer::{Refused, Trace, Tracer},
};

/// Runs of a type at most: an enum of more variants than this is opaque.
const RUNS: usize = 4096;
/// Bytes of stack; the system gives them as they are used.
const STACK: usize = 64 << 20;

/// Describes the serialized form of `T`, see the module. It ends for every type, and does not panic.
pub(crate) fn of<T: Serialize + DeserializeOwned>() -> String {
    let (graph, root, whole) = on_a_large_stack(trace::<T>);
    let text = text::write(&graph, root);
    if whole { text } else { format!("{text} opaque {}", without_paths(type_name::<T>())) }
}

/// Values that are made up may be deep, in unoptimised code too, and the caller's stack may be a small one.
fn on_a_large_stack<R: Send>(work: fn() -> R) -> R {
    let thread = thread::Builder::new().name("schema".to_owned()).stack_size(STACK);
    thread::scope(|scope| match thread.spawn_scoped(scope, work) {
        Ok(running) => running.join().unwrap_or_else(|panic| resume_unwind(panic)),
        Err(_) => work(), // no more threads: the caller's stack may do
    })
}

/// What was found, where it begins, and whether that is all.
fn trace<T: DeserializeOwned>() -> (Graph, graph::Shape, bool) {
    let mut trace = Trace::default();
    let mut root = graph::Shape::Unknown;
    for _ in 0..RUNS {
        let before = trace.graph.progress();
        trace.begin();
        // A panic in a type's own `Deserialize` is a refusal like others.
        let run = catch_unwind(AssertUnwindSafe(|| T::deserialize(Tracer::new(&mut trace)).map(drop)))
            .unwrap_or(Err(Refused::Value));
        root = trace.root();
        if trace.graph.is_known(root) {
            return (trace.graph, root, true);
        }
        let goes_on = match run {
            Ok(()) => trace.graph.progress() > before,
            Err(Refused::Value) => trace.offer_another(),
            Err(Refused::NoEnd) => trace.come_back_later(),
            Err(Refused::TooLarge) => false,
        };
        if !goes_on {
            break;
        }
    }
    (trace.graph, root, false)
}

/// The name of a type without the modules that it and its arguments are in.
fn without_paths(name: &str) -> String {
    let mut short = String::new();
    let mut segment = 0; // where the last segment of the path began
    let mut rest = name.chars().peekable();
    while let Some(c) = rest.next() {
        if c == ':' && rest.peek() == Some(&':') {
            rest.next();
            short.truncate(segment);
            continue;
        }
        short.push(c);
        if !(c.is_alphanumeric() || matches!(c, '_' | '{' | '}' | '#')) {
            segment = short.len();
        }
    }
    short
}

#[cfg(test)]
mod tests;
