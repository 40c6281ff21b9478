//! Operators with a state per key that lasts from batch to batch.
//!
//! Records go to the worker that owns their key as they are: what a function makes of a state may depend on their
//! order, so nothing is combined on the way.

mod initial;
mod map_with_state;
mod update_state;

use std::time::Duration;

use crate::{
    operators::window::Materialize,
    record::{Key, Record},
    stream::{Stream, chain::Chain, keyed::Keyed},
};

/// How long [`map_with_state`](Stream::map_with_state) keeps the state of a key: [`idle_for`] or [`unbounded`].
#[derive(Clone, Copy, Debug)]
pub struct Keeps(Option<Duration>);

/// Keeps a key until it has had no record for longer than `timeout`. Then the function is called with it once more, and the key is
/// forgotten.
pub const fn idle_for(timeout: Duration) -> Keeps {
    Keeps(Some(timeout))
}

/// Keeps each key until the function removes it, so state may grow for as long as the job runs. `why` is for the next reader of
/// the program.
pub const fn unbounded(why: &'static str) -> Keeps {
    let _ = why;
    Keeps(None)
}

/// A bound for the state of a key: [`idle_for`] or [`unbounded`].
#[diagnostic::on_unimplemented(
    message = "this does not say how long a key is kept",
    label = "expected `idle_for(..)` or `unbounded(..)`, found `{Self}`",
    note = "write `idle_for(minutes(30))`, or `unbounded(\"why\")` if the state is meant to grow"
)]
pub trait SaysHowLong {
    #[doc(hidden)]
    fn keeps(self) -> Keeps;
}

impl SaysHowLong for Keeps {
    fn keeps(self) -> Keeps {
        self
    }
}

/// The records of each batch, each with the key by which it goes to its worker.
fn pairs<'s, T, P, C, K, V>(stream: Stream<'s, T, P, C>) -> Stream<'s, (K, V)>
where
    T: Record + Keyed<K, V>,
    P: Materialize,
    C: Chain<Out = T>,
    K: Key,
    V: Record,
{
    P::contents(stream).map(T::part).share()
}
