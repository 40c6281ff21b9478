//! What several targets of the tests need.
//!
//! It is compiled once, and each target links it: whatever is generic over a pipeline is instantiated there, so keep
//! that part small.

mod lasting;
mod runs;

pub use lasting::{Delivered, Lasting};
pub use runs::{Pair, block_on, got, run, soon, sorted};
