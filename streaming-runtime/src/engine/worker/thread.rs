//! A worker on a thread of its own.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc::RecvError,
};

use timely::communication::{Allocator, AllocatorBuilder, allocator::thread::Thread};
use tokio::sync::mpsc;

use crate::{
    engine::worker::{
        running::{Running, timely_worker},
        start::{Exit, WorkerLink, WorkerStart},
    },
    error::JobError,
};

/// Runs a worker on a thread of its own, which reports its end to `exits`.
pub(crate) fn spawn(
    name: String,
    mut start: WorkerStart,
    link: WorkerLink,
    exits: mpsc::UnboundedSender<Exit>,
) -> std::io::Result<()> {
    let control = start.control.clone();
    let thread = std::thread::Builder::new().name(name);
    thread.spawn(move || {
        let _span = tracing::info_span!("worker", job = %control.board.job).entered();
        let connected = match link {
            WorkerLink::Local(allocator) => Ok((*allocator, None)),
            WorkerLink::Cluster(seats) => seats.recv().map(|seat| {
                start.seed = seat.seed;
                (seat.allocator, Some(seat.present))
            }),
        };
        let exit = match connected {
            Ok((allocator, _present)) => {
                // Dropped outside of the unwinding: in there, timely's threads of a cluster would panic, too.
                let worker = timely_worker(build(allocator));
                let run = || {
                    start.signal.attach_thread();
                    let (mut running, recovery) =
                        Running::built(start, worker.clone()).map_err(JobError::Build)?;
                    if let Some(restored) = recovery {
                        // The sender is gone: the job failed before it resumed, and the supervisor knows why.
                        let Ok(restored) = restored.blocking_recv() else { return Ok(()) };
                        running.resume(restored);
                    }
                    while running.turn() {
                        running.park();
                    }
                    Ok(())
                };
                catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| Err(JobError::unwound(panic)))
            }
            // The processes did not come together, and the supervisor hears why.
            Err(RecvError) => Ok(()),
        };
        if exit.is_err() {
            // The other workers must not wait for this one's progress.
            control.abort();
        }
        // The supervisor is gone only with its runtime, and then nobody asks.
        let _ = exits.send(exit);
    })?;
    Ok(())
}

/// What timely's own start does on a worker's thread; its trait for it is private.
fn build(allocator: AllocatorBuilder) -> Allocator {
    match allocator {
        AllocatorBuilder::Thread(_) => Allocator::Thread(Thread::default()),
        AllocatorBuilder::Process(process) => Allocator::Process(process.build()),
        AllocatorBuilder::Tcp(tcp) => Allocator::Tcp(tcp.build()),
    }
}
