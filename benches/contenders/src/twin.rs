//! The micro-batch twin: the same operators in the other design, in the same language, with the same hash maps and the
//! same number of threads. A batch is collected, the stages of the job are run over it, partitioned by key between two
//! stages with a barrier as Spark's shuffle has one, and past batches are kept: a window is made anew of its batches at each
//! slide, or of the window before and an inverse; a window that is joined is joined again.
//!
//! It is as fast as we can make it, and flattered where that is simpler: no lineage, nothing serialised, state changed
//! in place where Spark makes a new one of all keys, nothing computed while a window fills. The thread that asks is
//! the first of its threads, so with one thread nothing ever waits; others are kept, and spin for a moment before they
//! sleep. Maps and buffers keep their capacity. All maps of a job hash with the same seed and what comes out of a map is
//! kept in the map's order, so what is merged goes through the other map from its begin to its end, and not at random.
//!
//! Estimate, before the first run, one thread:
//! - Word count, 100k words a batch: the plain loop of `words` without the growth of its map, 1.1x of it; two threads count
//!   half of the words each, then 16,000 words a thread go through the exchange as text, 1.5x of one thread.
//! - A window that is made anew: 25,000 keys a batch at 4 ns, since they come in order, where the former twin took
//!   9: 3.5 ms at 10 batches, 5.5 at 30, 33 at 300. With an inverse 3.5 ms.
//! - A window that is joined again: 10,000 records a side and batch, three passes at 5 ns, and 1 ns a pair: 2 ms at 10
//!   batches, 25 ms at 100, 140 ms at 300.
//! - The running count: each batch is reduced first, 20 ns a record, and goes through the million in order, 20 ns a key:
//!   4 ms a batch, half of the plain loop's time.

mod interval;
mod join;
mod reduce;
mod running;
mod stage;
mod window;
mod words;

pub use interval::at_intervals;
pub use join::Join;
pub use reduce::Reduce;
pub use running::Count;
pub use window::{Inverted, Recompute, Windowed};
pub use words::count_words;
