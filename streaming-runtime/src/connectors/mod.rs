//! The connectors. Each fulfils the contract, and knows nothing of the engine.

pub(crate) mod any;
mod blocking;
pub(crate) mod channel;
pub(crate) mod collect;
pub(crate) mod console;
pub mod directory;
pub(crate) mod durable;
pub mod file;
#[cfg(feature = "flume")]
pub mod flume;
pub(crate) mod foreign_names;
pub(crate) mod futures;
#[cfg(feature = "kafka")]
pub mod kafka;
#[cfg(feature = "kinesis")]
pub mod kinesis;
pub(crate) mod lines;
mod option;
pub(crate) mod policy;
pub mod queue;
pub(crate) mod shedding;
#[cfg(feature = "sqlite")]
pub mod sqlite;
pub mod tcp;
pub(crate) mod text_files;
pub mod view;
