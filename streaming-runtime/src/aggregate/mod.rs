//! Aggregates by name, for [`aggregate`](crate::Stream::aggregate) and
//! [`aggregate_by_key`](crate::Stream::aggregate_by_key), on batches, windows and histories.
//!
//! | aggregate | of values | result | a window stores per key |
//! |---|---|---|---|
//! | [`count`] | any | `i64` | a number, and one per pane |
//! | [`sum`] | numbers | their own type | integers: a number, and one per pane; floats: two per pane |
//! | [`mean`] | numbers | `f64` | as `sum` |
//! | [`population_variance`] [`sample_variance`] | numbers | `f64`, `Option<f64>` | two triples of numbers per pane |
//! | [`min`] [`max`] | `PartialOrd` | their own type | two values per pane |
//! | [`first`] [`last`] | any | their own type | two values per pane |
//! | [`top_k`] | `PartialOrd` | `Vec`, largest first | two lists of up to `k` per pane |
//! | [`count_distinct`] | `Eq + Hash` | `i64` | its distinct values, and those of each pane |
//!
//! - Without values there is no result: an empty batch or window delivers nothing, not a 0.
//! - A tuple is several aggregates at once, `(count(), max())`. Each part is stored as if it were alone.
//! - [`.of(|trade: &Trade| trade.price)`](crate::Aggregate::of) aggregates a part of each value; also on tuples.
//! - Undoing must be exact, so only sums of integers are undone when values leave a window. Sums of floats are computed from sums of
//!   panes: no error accumulates, and a NaN or an infinity is gone when it has left.
//! - For your own, implement [`Aggregate`]. With a checkpoint it needs a [`NAME`](Aggregate::NAME), which stays when the type is renamed.
//!
//! ```
//! use streaming_runtime::{ManualClock, aggregate::{count, max, mean}, connect::{collect, queue}, prelude::*};
//!
//! stream!(
//!     /// Trades, highest price and mean price of each symbol.
//!     #[batch(secs(1))]
//!     pub fn prices<trades: Source<(u8, f64)>, out: Sink<(u8, (i64, f64, f64))>>() {
//!         trades.aggregate_by_key((count(), max(), mean())).to(out);
//!     }
//! );
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let (out, prices) = collect();
//!     let clock = ManualClock::new();
//!     let trades = queue(vec![vec![(7, 1.5), (7, 4.5), (7, 3.0)]]);
//!     let mut job = Engine::new().manual_clock(&clock).start(prices::Ports { trades, out })?;
//!     clock.advance(secs(1));
//!     job.join().await?;
//!     assert_eq!(prices.records(), [(7, (3, 4.5, 3.0))]);
//!     Ok(())
//! }
//! ```
//!
//! | file | what |
//! |---|---|
//! | `traits` | [`Aggregate`], what merges can be relied on for, names on disk |
//! | `basic` `variance` `order` `distinct` | the aggregates of the table above |
//! | `tuple` `part` | several at once; of a part of each value |
//! | `functions` | what operators such as `reduce_by_key` and `group_by_key` aggregate with |
//! | `window_state` | what a window keeps of each key, by algebra |
//! | `parameters` | what an aggregate was made with |
//! | `foreign_names` | what aggregates are asked for elsewhere |
//!
//! Invariant: nothing here knows an operator or a stream.

mod basic;
mod distinct;
pub(crate) mod foreign_names;
mod functions;
mod number;
mod order;
mod parameters;
mod part;
mod traits;
mod tuple;
mod variance;
mod window_state;

pub use basic::{Count, Mean, Sum, count, mean, sum};
pub use distinct::{CountDistinct, count_distinct};
pub(crate) use functions::{Combine, Group, Once, Reduce, ReduceBack, SumOfCounts};
pub use number::Number;
pub(crate) use number::own_types;
pub use order::{First, Last, Max, Min, Ordered, TopK, first, last, max, min, top_k};
pub use parameters::Parameters;
pub use part::Of;
pub use traits::{Aggregate, Algebra, Associative, Invertible, NonAssociative, Undo};
pub(crate) use traits::{LeavingOf, StateOf, name_of};
pub use variance::{PopulationVariance, SampleVariance, population_variance, sample_variance};
pub(crate) use window_state::WindowState;
