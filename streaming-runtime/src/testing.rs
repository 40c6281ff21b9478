//! Faults on demand, for tests of what a job does after a crash: a [`SimulatedDisk`] under
//! [`Checkpoint::in_storage`](crate::Checkpoint::in_storage), and the [`CRASH_POINTS`] at which a process ends that is started with the
//! variable `STREAMING_CRASH_AT`. With the cargo feature `testing`.

pub use crate::checkpoint::{
    crash::POINTS as CRASH_POINTS,
    simulated::{Fault, SimulatedDisk},
};
