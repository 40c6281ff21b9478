//! After a crash, as if there had been none: jobs that stop anywhere and go on from their checkpoints.

mod bounds;
mod edits;
mod faults;
mod kills;
mod lock_file;
mod operators;
mod ports;
mod processes;
mod records;
mod sink;
mod slides;
mod soak;
mod sources;
mod wiring;

/// Runs on a tokio runtime of its own, as `#[tokio::test]` does, for tests with parameters.
fn block_on<R>(future: impl Future<Output = R>) -> R {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}
