//! What the workloads of the benches share: how they are run and measured, their input, and what the engine is put beside:
//! plain loops, timely and differential by hand, and the micro-batch twin. No pipeline is in it, so it compiles fast.
#![allow(missing_docs, reason = "the benches alone use it; what is not plain says what it is")]

pub mod by_hand;
pub mod child;
pub mod data;
pub mod dataflow;
pub mod driven;
pub mod function;
pub mod lockstep;
pub mod measure;
pub mod pairs;
pub mod rows;
pub mod twin;
