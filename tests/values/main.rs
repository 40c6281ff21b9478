//! Values that operators must keep right: order, loops, closures that change their answer, durations, odd keys.

mod closures;
mod durations;
mod keys;
mod loops;
mod order;

use streaming_runtime::{Job, JobError, ManualClock, prelude::*};
use support::{block_on, soon};

/// How a job ends that gets so many batches of a second each.
fn outcome(engine: Engine, batches: usize, start: impl FnOnce(&Engine) -> Job) -> Result<(), JobError> {
    let clock = ManualClock::new();
    block_on(async {
        let mut job = start(&engine.manual_clock(&clock));
        for _ in 0..batches {
            clock.advance(secs(1));
            tokio::task::yield_now().await;
        }
        soon(job.join()).await
    })
}
