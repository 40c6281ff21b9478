//! A worker as a future on the thread of the service.

use std::{
    future::Future,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use futures::FutureExt;
use timely::communication::{Allocator, allocator::thread::Thread};
use tokio::sync::{Notify, mpsc};

use crate::{
    build_error::BuildError,
    engine::{
        control::Control,
        worker::{
            running::{Running, timely_worker},
            start::{Exit, RestoredReceiver, WorkerStart},
        },
    },
    error::JobError,
};

/// How long a local worker works before it lets the other tasks of its thread have their turn. A single step may take
/// longer: an operator is not interrupted.
const SLICE: Duration = Duration::from_micros(100);

/// The worker of a job that was started with [`Engine::start_local`](crate::Engine::start_local): a future that does the
/// job's work on whatever thread polls it, a slice of some 100 us at a time, and sleeps while there is nothing to do. It is
/// ready when the job has ended. Dropping it before ends the job with [`JobError::WorkerDropped`].
#[must_use = "the job does nothing unless its worker is polled: give it to `spawn_local`"]
pub struct LocalWorker {
    work: Pin<Box<dyn Future<Output = Exit>>>,
    control: Arc<Control>,
    exits: Option<mpsc::UnboundedSender<Exit>>,
}

impl LocalWorker {
    /// Builds the dataflow on this thread.
    pub(crate) fn new(start: WorkerStart, exits: mpsc::UnboundedSender<Exit>) -> Result<Self, BuildError> {
        let (control, wake) = (start.control.clone(), start.signal.attach_task());
        let (running, recovery) = Running::built(start, timely_worker(Allocator::Thread(Thread::default())))?;
        let work = AssertUnwindSafe(work(running, recovery, wake)).catch_unwind();
        let work = Box::pin(work.map(|end| end.map_err(JobError::unwound)));
        Ok(LocalWorker { work, control, exits: Some(exits) })
    }

    fn exit(&mut self, exit: Exit) {
        if let Some(exits) = self.exits.take() {
            if exit.is_err() {
                self.control.abort();
            }
            let _ = exits.send(exit);
        }
    }
}

impl Future for LocalWorker {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.exits.is_none() {
            return Poll::Ready(());
        }
        self.work.as_mut().poll(context).map(|exit| self.exit(exit))
    }
}

impl Drop for LocalWorker {
    fn drop(&mut self) {
        self.exit(Err(JobError::WorkerDropped));
    }
}

impl std::fmt::Debug for LocalWorker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalWorker").finish_non_exhaustive()
    }
}

/// The loop of a local worker.
async fn work(mut running: Running, recovery: Option<RestoredReceiver>, wake: Arc<Notify>) {
    if let Some(restored) = recovery {
        let Ok(restored) = restored.await else { return };
        running.resume(restored);
    }
    let mut began = Instant::now();
    while running.turn() {
        if running.has_work() {
            if began.elapsed() < SLICE {
                continue;
            }
            tokio::task::yield_now().await;
        } else {
            running.meter.publish();
            // A wake-up that comes before this line is kept for it.
            let _ = tokio::time::timeout(running.idle, wake.notified()).await;
        }
        began = Instant::now();
    }
}
