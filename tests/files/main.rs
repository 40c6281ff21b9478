//! Files and directories: their bytes, times, ends, and places that vanish.

mod bytes;
mod clock;
mod drafts;
mod ignored;
mod spark;
mod sql;
mod targets;
mod vanishing;

use std::{future::Future, time::Duration};

use streaming_runtime::{JobError, ManualClock, Sink, Source, connect::collect, prelude::*};

stream!(
    /// Records as they come.
    #[batch(secs(1))]
    fn copy<lines: Source<String>, out: Sink<String>>() {
        lines.to(out);
    }
);

/// No test takes a second; one that takes this long hangs.
const LIMIT: Duration = Duration::from_secs(30);

async fn in_time<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, work).await.expect("it does not hang")
}

/// Copies what a source has until it ends, and how that was.
async fn copied(lines: impl Source<String>) -> (Vec<String>, Result<(), JobError>) {
    let (out, copied) = collect();
    let ended = copy_to(lines, out).await;
    (copied.records(), ended)
}

/// Copies what a source has until it ends.
async fn copy_to(lines: impl Source<String>, out: impl Sink<String>) -> Result<(), JobError> {
    let clock = ManualClock::new();
    let mut job = Engine::new().manual_clock(&clock).start(copy::Ports { lines, out }).expect("it starts");
    clock.advance(secs(1));
    in_time(job.join()).await
}
