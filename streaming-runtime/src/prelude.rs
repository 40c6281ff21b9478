//! What programs with pipelines use.
//!
//! It also makes names that operators have elsewhere known to the compiler, which then says what to write:
//! `.reduceByKey(..)` is answered by `.reduce_by_key(|a, b| ..)`.
//!
//! # Beside the prelude of `futures`
//!
//! `futures::prelude` has traits called `Stream` and `Sink` too. Both preludes may be imported by `*`; only who writes such a
//! name has to say which is meant, by an import of that name, which goes before those by `*`. In the header of
//! [`stream!`](crate::stream!) nothing needs to be said: there `Source` and `Sink` are words of the macro.
//!
//! ```
//! use futures::prelude::*;
//! use streaming_runtime::{Stream, prelude::*}; // `Stream` is this one
//!
//! fn long<'s>(words: Stream<'s, String>) -> Stream<'s, String> {
//!     words.filter(|word| word.len() > 3).share()
//! }
//!
//! stream!(
//!     #[batch(secs(1))]
//!     fn long_words<words: Source<String>, out: Sink<String>>() {
//!         long(words).to(out);
//!     }
//! );
//!
//! /// Methods of both work; a trait of `futures` is named by its path.
//! async fn all(words: impl futures::Stream<Item = String>) -> Vec<String> {
//!     words.map(|word| word.to_uppercase()).collect().await
//! }
//! # fn main() {}
//! ```

#[doc(hidden)]
pub use streaming_macros::batch;

pub use crate::{
    Aggregate as _, BatchTime, Engine, Key, KeyState, ManualClock, Record, Sink, Source, Stream, aggregate,
    aggregate::foreign_names::AggregateNames as _,
    connect::SinkPolicies as _,
    connectors::foreign_names::ConsoleNames as _,
    engine::foreign_names::{EngineNames as _, JobNames as _},
    hours, idle_for,
    kinds::StreamKind,
    millis, minutes,
    operators::foreign_names::{SinkNames as _, StateNames as _, StreamNames as _},
    secs, stage, stream,
    stream::Unshared as _,
    unbounded,
};
