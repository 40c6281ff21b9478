//! A batch that begins while the one before is being closed is delivered when it closes itself.

use std::sync::{Arc, Condvar, Mutex};

use streaming_runtime::{
    BatchTime, ManualClock,
    connect::{ConnectorError, Source as Connector, SourceContext, collect},
    prelude::*,
};
use tokio::sync::mpsc;

stream!(
    #[batch(secs(1))]
    fn dealt<held: Source<u64>, numbers: Source<u64>, out: Sink<u64>, passed: Sink<u64>>(gate: Gate) {
        held.inspect(move |_| gate.pass()).to(passed);
        numbers.repartition(2).to(out);
    }
);

/// Holds workers up until it is opened.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<(u32, bool)>, Condvar)>);

impl Gate {
    fn pass(&self) {
        let (state, changed) = &*self.0;
        let mut state = state.lock().expect("no panic");
        state.0 += 1;
        changed.notify_all();
        drop(changed.wait_while(state, |state| !state.1).expect("no panic"));
    }
    fn wait_for(&self, workers: u32) {
        let (state, changed) = &*self.0;
        drop(
            changed.wait_while(state.lock().expect("no panic"), |state| state.0 < workers).expect("no panic"),
        );
    }
    fn open(&self) {
        let (state, changed) = &*self.0;
        state.lock().expect("no panic").1 = true;
        changed.notify_all();
    }
}

/// Sends what it is told to and says when that is in the queue to a worker.
struct Told(mpsc::Receiver<u64>, mpsc::Sender<()>);

impl Connector<u64> for Told {
    async fn run(mut self, mut out: SourceContext<u64>) -> Result<(), ConnectorError> {
        while let Some(record) = self.0.recv().await {
            out.send(record).await?;
            let _ = self.1.send(()).await;
        }
        Ok(())
    }
}

fn told() -> (mpsc::Sender<u64>, mpsc::Receiver<()>, Told) {
    let (tell, records) = mpsc::channel(1);
    let (sent, done) = mpsc::channel(1);
    (tell, done, Told(records, sent))
}

#[tokio::test]
async fn a_batch_begun_while_another_closes_is_not_held_back() {
    let (clock, gate) = (ManualClock::new(), Gate::default());
    let (hold, mut held_sent, held) = told();
    let (tell, mut sent, numbers) = told();
    let ((out, collected), (passed, _passed)) = (collect(), collect());
    let engine = Engine::new().workers(2).manual_clock(&clock);
    let mut job =
        engine.start(dealt::Ports { held, numbers, out, passed, gate: gate.clone() }).expect("it starts");

    // Both workers are inside of a closure ...
    for record in 0..2 {
        hold.send(record).await.expect("it runs");
        held_sent.recv().await.expect("it runs");
    }
    gate.wait_for(2);
    // ... while the first batch closes and the second begins.
    clock.advance(secs(1));
    // `delivered` cannot be waited for; the supervisor closes the batch as soon as it gets a turn.
    tokio::time::sleep(millis(50)).await;
    tell.send(7).await.expect("it runs");
    sent.recv().await.expect("it runs");
    gate.open();
    job.delivered(BatchTime::from_millis(1000)).await.expect("the first batch");
    clock.advance(secs(1));
    let second = tokio::time::timeout(secs(3), job.delivered(BatchTime::from_millis(2000))).await;
    second.expect("the second batch is delivered").expect("it runs");
    assert_eq!(collected.records(), [7]);
    job.stop().await.expect("a clean end");
}
