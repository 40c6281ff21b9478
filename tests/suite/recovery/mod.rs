//! After a crash, as if there had been none: jobs that stop anywhere and go on from their checkpoints.

mod kills;
mod operators;
mod sink;
mod slides;
mod soak;
mod sources;
