//! The conformance cases: Spark's meaning, held against this engine.
//!
//! `build.rs` turns each case of `cases/` that the engine can run into a pipeline and into two tests, for one and for two
//! workers; cases with the same program and types share a pipeline ([`generator`](../conformance/generator/mod.rs)). A test
//! takes its case's data from the JSON, starts the pipeline as a program would, on real connectors and with time moved by
//! hand, and compares what came out with what Spark puts out; [`recovery`] stops it in between where a case says so.
//! Cases about rates and about the life of a job have no pipeline of their own: [`rates`] and [`life_cycle`] run them.
//! [`coverage`] says which cases are not run.

mod compare;
mod coverage;
mod given;
mod life_cycle;
mod rates;
mod recovery;
mod run;
mod vocabulary;

pub use run::check;

/// What the generator wrote, and what its pipelines use.
#[allow(clippy::clone_on_copy, reason = "closures are written for records of any type")]
mod generated {
    #[allow(unused_imports, reason = "which functions the cases use changes with them")]
    use super::vocabulary::{
        IntOrText, SumOrTimeout, add, characters, dataset, fail_if, joined, left_joined, length, sorted, sum,
    };
    use super::{
        check,
        given::{Given, Started, started},
        life_cycle::life_cycle,
        rates::{pid, rate_limiter},
    };
    use streaming_runtime::{StartError, connect::collect, prelude::*};

    include!(concat!(env!("OUT_DIR"), "/conformance.rs"));
}
