//! After a crash, as if there had been none: jobs that stop anywhere and go on from their checkpoints.

mod bounds;
mod contract;
mod edits;
mod faults;
mod lock_file;
mod operators;
mod partitions;
mod ports;
mod records;
mod slides;
mod sources;
mod wiring;
