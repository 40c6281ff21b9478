//! The contract between connectors and the engine. It knows neither the engine nor any connector.
//!
//! | file | what it is |
//! |---|---|
//! | `source`, `sink` | the two traits |
//! | `error`, `recovery`, `receipt` | what intake and delivery need of the contract: they stand below the traits |
//! | `port_context` | which port of which job a connector works for |
//! | `target` | what a sink writes to, and that no two sinks write to the same |
//! | `checkpoint_mark` | how a sink knows the checkpoint that its contents belong to |
//! | `format`, `retry` | how records become text, and when a failed call is repeated |
//! | `testing` | a source without the engine around it, for unit tests |

pub(crate) mod checkpoint_mark;
pub(crate) mod delivery;
pub(crate) mod error;
pub(crate) mod format;
pub(crate) mod port_context;
pub(crate) mod properties;
pub(crate) mod receipt;
pub(crate) mod recovery;
pub(crate) mod retry;
pub(crate) mod sink;
pub(crate) mod source;
pub(crate) mod target;
#[cfg(test)]
pub(crate) mod testing;
