//! How soon results are there, and what else a job costs while it waits or has too much to do.
#![allow(missing_docs, reason = "what a workload exports is its `run` and what its child does")]

pub mod crossover;
pub mod idle;
pub mod latency;
pub mod open_loop;
pub mod overload;
pub mod views;
