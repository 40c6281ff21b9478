//! Values that operators must keep right: order, loops, closures that change their answer, durations, odd keys.

mod closures;
mod durations;
mod keys;
mod loops;
mod order;

use std::time::Duration;

use streaming_runtime::{Job, JobError, ManualClock, prelude::*};

/// How a job ends that gets so many batches of a second each.
fn outcome(engine: Engine, batches: usize, start: impl FnOnce(&Engine) -> Job) -> Result<(), JobError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let clock = ManualClock::new();
    runtime.block_on(async {
        let mut job = start(&engine.manual_clock(&clock));
        for _ in 0..batches {
            clock.advance(secs(1));
            tokio::task::yield_now().await;
        }
        soon(job.join()).await
    })
}

/// How long to wait for what must come.
async fn soon<R>(what: impl Future<Output = R>) -> R {
    tokio::time::timeout(Duration::from_secs(120), what).await.expect("nothing hangs")
}
