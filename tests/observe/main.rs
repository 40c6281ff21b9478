//! What can be seen of a job from outside: its numbers, what it waits for, what it tells listeners.

mod explain;
mod listeners;
mod metrics;
mod plan;
mod spans;
mod state;

use std::sync::Arc;

use streaming_runtime::{
    BatchTime, Job, Monitor,
    connect::{Batch, ConnectorError},
    metrics::JobMetrics,
    prelude::*,
};
use tokio::sync::{Semaphore, mpsc};

/// Takes a batch only when it is let, and says when it has one in its hands.
struct Gated {
    writes: mpsc::UnboundedSender<BatchTime>,
    gate: Arc<Semaphore>,
}

/// The other end of a [`Gated`] sink.
struct Gate {
    writes: mpsc::UnboundedReceiver<BatchTime>,
    gate: Arc<Semaphore>,
}

fn gated() -> (Gated, Gate) {
    let (gate, (send, writes)) = (Arc::new(Semaphore::new(0)), mpsc::unbounded_channel());
    (Gated { writes: send, gate: gate.clone() }, Gate { writes, gate })
}

impl Gate {
    /// Waits until the sink is writing.
    async fn is_writing(&mut self) -> BatchTime {
        self.writes.recv().await.expect("the sink is there")
    }
    fn open(&self) {
        self.gate.add_permits(10_000);
    }
}

impl<T: Send + 'static> Sink<T> for Gated {
    async fn write(&mut self, batch: Batch<T>) -> Result<(), ConnectorError> {
        let _ = self.writes.send(batch.time);
        self.gate.acquire().await.expect("never closed").forget();
        Ok(())
    }
}

/// Ends a job whose sources have ended, and says how it was then.
async fn at_the_end(mut job: Job) -> JobMetrics {
    job.join().await.expect("it ends well");
    job.metrics()
}

/// Looks until what is seen is what is wanted: for what no one tells of.
async fn seen(monitor: &Monitor, is_wanted: impl Fn(&JobMetrics) -> bool) -> JobMetrics {
    loop {
        let metrics = monitor.metrics();
        if is_wanted(&metrics) {
            return metrics;
        }
        tokio::task::yield_now().await;
    }
}
