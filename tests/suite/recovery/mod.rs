//! After a crash, as if there had been none: jobs that stop anywhere and go on from their checkpoints.

mod operators;
mod sink;
mod sources;
