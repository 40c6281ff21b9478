//! The contract between the engine and connectors. It knows neither the engine nor any connector.

pub(crate) mod checkpoint_mark;
pub(crate) mod error;
pub(crate) mod format;
pub(crate) mod receipt;
pub(crate) mod retry;
pub(crate) mod sink;
pub(crate) mod source;
pub(crate) mod target;
#[cfg(test)]
pub(crate) mod testing;
