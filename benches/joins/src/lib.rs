//! Joins and graphs.
#![allow(missing_docs, reason = "what a workload exports is its `run` and what its child does")]

pub mod graph;
pub mod joins;
