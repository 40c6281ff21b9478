//! What several targets of the tests need. It is compiled once; what is generic over a pipeline is instantiated in the target,
//! so that part is kept small ([`run`]), and what is not is instantiated here ([`instances`]).

mod instances;
mod lasting;
mod runs;
pub mod servers;

pub use instances::instances;
pub use lasting::{Delivered, Lasting};
pub use runs::{Pair, block_on, got, outcome, run, soon, sorted};
