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
//! The values that were made up are also written and read back, so that a type of which a checkpoint would not give back
//! what it was given is known before the first record: each variant, options and lists with something in them and without,
//! numbers that are 0 and that are not, for those are what attributes such as `skip_serializing_if` ask for.
//!
//! Not seen: what happens in functions (`serialize_with` that changes its unit and `deserialize_with` that changes it back).
//!
//! The crate `serde-reflection` does this too, for whole registries of types. It knows types by their bare names, so
//! it refuses a program that has two types of one name, and a generic type with two arguments.

mod graph;
mod text;
mod trace;

use std::{
    any::type_name,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    thread,
};

use serde::{Serialize, de::DeserializeOwned};

use self::trace::{Trace, TraceRefused, Tracer};
use crate::codec::{Declared, Forms, encode, read_back};

/// Runs of a type at most: an enum of more variants than this is opaque.
const RUNS: usize = 4096;
/// Bytes of stack; the system gives them as they are used.
const STACK: usize = 64 << 20;

/// What is known of a type, see the module.
#[derive(Clone, Debug)]
pub(crate) struct Schema {
    /// Its serialized form.
    pub(crate) text: String,
    /// Why values of it are not read back as they are written, if that is so.
    pub(crate) fault: Option<String>,
}

/// Looks at `T`. It ends for every type, and does not panic.
pub(crate) fn of<T: Serialize + DeserializeOwned>() -> Schema {
    of_named::<T>(&name::<T>(&[]))
}

/// The same of a type that is not to be called as Rust does, where its name is written: one of this crate's.
pub(crate) fn of_named<T: Serialize + DeserializeOwned>(name: &str) -> Schema {
    schema(name, |trace, run| make(trace, run, probe::<T>))
}

/// What the `Deserialize` of `T` asks for, to explain why a value was not read back.
pub(crate) fn declared<T: DeserializeOwned>() -> Declared {
    on_a_large_stack(|trace, run| make::<T>(trace, run, |_, _| Ok(()))).trace.declared()
}

/// Looks at a type by making values of it. What is in here and below knows no type, and is compiled once.
fn schema(name: &str, make: Make) -> Schema {
    let Traced { trace, text, is_whole, fault } = on_a_large_stack(make);
    let text = if is_whole { text } else { format!("{text} opaque {name}") };
    let fault = fault.or_else(|| trace.declared().fault()).map(|why| format!("`{name}`: {why}"));
    Schema { text, fault }
}

/// Values that are made up may be deep, in unoptimised code too, and the caller's stack may be a small one.
fn on_a_large_stack(make: Make) -> Traced {
    let thread = thread::Builder::new().name("schema".to_owned()).stack_size(STACK);
    thread::scope(|scope| match thread.spawn_scoped(scope, move || trace(make)) {
        Ok(running) => running.join().unwrap_or_else(|panic| resume_unwind(panic)),
        Err(_) => trace(make), // no more threads: the caller's stack may do
    })
}

/// What was found, as text too, and what is wrong with a value.
struct Traced {
    trace: Trace,
    text: String,
    /// Whether all of the type is known.
    is_whole: bool,
    fault: Option<String>,
}

/// Makes a value of some type up, and looks at it if that is wanted: what is wrong with it. It may panic.
type Make = fn(&mut Trace, &mut Run) -> Result<Option<String>, TraceRefused>;

/// How one value is made up.
struct Run {
    /// Whether to look at the value.
    looks: bool,
    /// Whether the value was made.
    is_made: bool,
}

/// The part of all this that is compiled for each type.
fn make<T: DeserializeOwned>(
    trace: &mut Trace,
    run: &mut Run,
    probe: fn(&T, &Trace) -> Result<(), String>,
) -> Result<Option<String>, TraceRefused> {
    let value = T::deserialize(Tracer::new(trace))?;
    run.is_made = true;
    Ok(if run.looks { probe(&value, trace).err() } else { None })
}

/// Writes a value and reads it back.
fn probe<T: Serialize + DeserializeOwned>(value: &T, trace: &Trace) -> Result<(), String> {
    let mut bytes = Vec::new();
    encode(value, &mut bytes, &mut Forms::default())?;
    read_back::<T, T>(value, &bytes, &|| trace.declared())
}

fn trace(make: Make) -> Traced {
    let mut traced = Traced { trace: Trace::default(), text: String::new(), is_whole: false, fault: None };
    for _ in 0..RUNS {
        let before = traced.trace.graph.progress();
        let run = traced.run(make);
        traced.is_whole = traced.trace.graph.is_known(traced.trace.root());
        if traced.is_whole {
            break;
        }
        let finds_more = match run {
            Ok(()) => traced.trace.graph.progress() > before,
            Err(TraceRefused::Value) => traced.trace.offer_another(),
            Err(TraceRefused::NoEnd) => traced.trace.come_back_later(),
            Err(TraceRefused::TooLarge) => false,
        };
        if !finds_more {
            break;
        }
    }
    // What stands for a type must not depend on what else is looked at.
    traced.text = text::write(&traced.trace.graph, traced.trace.root());
    traced.go_through(make);
    traced
}

impl Traced {
    /// Makes one value up, and looks at it.
    fn run(&mut self, make: Make) -> Result<(), TraceRefused> {
        self.trace.begin();
        let mut run = Run { looks: self.fault.is_none(), is_made: false };
        let made = catch_unwind(AssertUnwindSafe(|| make(&mut self.trace, &mut run)));
        let looked = match made {
            Ok(looked) => looked?,
            Err(_) if run.is_made => Some("its `Serialize` or `Deserialize` panics".to_owned()),
            // A panic in a type's own `Deserialize` is a refusal like others.
            Err(_) => return Err(TraceRefused::Value),
        };
        self.fault = self.fault.take().or(looked);
        Ok(())
    }

    /// Makes values of all branches that are known, as short as they can be, of one number and of another: what was made
    /// up so far was to find them, and once for all.
    fn go_through(&mut self, make: Make) {
        for (aim, offer) in self.trace.aims() {
            if self.fault.is_some() {
                return;
            }
            self.trace.aim(aim, offer);
            // What is refused here was made up otherwise before, or never is.
            if let Err(TraceRefused::TooLarge) = self.run(make) {
                return;
            }
        }
    }
}

/// The name of a type, as it is written where it cannot be looked through. `own` are types of this crate in it, as Rust calls
/// them and as they are called on disk.
pub(crate) fn name<T>(own: &[(&str, &str)]) -> String {
    renamed(type_name::<T>(), own)
}

fn renamed(name: &str, own: &[(&str, &str)]) -> String {
    without_paths(&own.iter().fold(name.to_owned(), |name, (rust, disk)| name.replace(rust, disk)))
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
