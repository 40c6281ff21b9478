//! Windows and running counts by key.
#![allow(missing_docs, reason = "what a workload exports is its `run` and what its child does")]

pub mod running;
pub mod windows;
