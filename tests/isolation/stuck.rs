//! Connectors that hang: nobody who ends their job hangs with them.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, mpsc},
};

use streaming_runtime::{
    Job, JobError, ManualClock,
    connect::{Batch, ConnectorError, SourceContext, channel, collect, console, from_stream},
    prelude::*,
};
use tokio::{sync::Semaphore, task::block_in_place};

use super::host::{Host, copy, soon};

/// Where a connector says that it has come to where it hangs.
type Reached = Arc<Semaphore>;

/// Waits for ever, at its first batch or when it is closed.
struct Hanging {
    at_close: bool,
    reached: Reached,
}

impl Hanging {
    async fn hang(&self) -> Result<(), ConnectorError> {
        self.reached.add_permits(1);
        std::future::pending().await
    }
}

impl Sink<i64> for Hanging {
    async fn write(&mut self, _: Batch<i64>) -> Result<(), ConnectorError> {
        if self.at_close { Ok(()) } else { self.hang().await }
    }
    async fn close(&mut self) -> Result<(), ConnectorError> {
        self.hang().await
    }
}

/// Sends one number and waits for ever, whether it is asked to stop or not.
struct Silent<const DRAINS: bool>(Reached);

impl<const D: bool> Source<i64> for Silent<D> {
    const DRAINS: bool = D;
    async fn run(self, mut out: SourceContext<i64>) -> Result<(), ConnectorError> {
        out.send(1).await?;
        self.0.add_permits(1);
        std::future::pending().await
    }
}

/// One number, then the end.
fn one() -> impl Source<i64> {
    let (sender, source) = channel(1);
    sender.try_send(1).expect("there is room");
    source
}

async fn hanging<N: Source<i64>, O: Sink<i64>>(host: &Host, reached: &Reached, numbers: N, out: O) -> Job {
    let clock = ManualClock::new();
    let engine = host.engine().manual_clock(&clock);
    let job = engine.start(copy::Ports { numbers, out }).expect("it starts");
    clock.advance(secs(1));
    soon(reached.acquire()).await.expect("never closed").forget();
    job
}

/// Ends a job in all ways that do not wait for its connectors.
async fn can_be_ended<N: Source<i64>, O: Sink<i64>>(connectors: impl Fn(Reached) -> (N, O)) {
    let host = Host::new().await;
    let reached = Reached::new(Semaphore::new(0));
    let start = || {
        let (numbers, out) = connectors(reached.clone());
        hanging(&host, &reached, numbers, out)
    };
    let ended = soon(start().await.stop_within(millis(20))).await;
    assert!(matches!(ended, Err(JobError::StopTimedOut { .. })), "{ended:?}");
    soon(start().await.abort()).await;
    drop(start().await);
    host.unharmed().await;
}

#[tokio::test]
async fn a_sink_that_hangs_does_not_keep_its_job() {
    for at_close in [false, true] {
        can_be_ended(|reached| (one(), Hanging { at_close, reached })).await;
    }
}

#[tokio::test]
async fn a_source_that_hangs_does_not_keep_its_job() {
    can_be_ended(|reached| (Silent::<true>(reached), collect().0)).await;
    // One that need not be asked is dropped, and the job stops well.
    let host = Host::new().await;
    let reached = Reached::new(Semaphore::new(0));
    let start = || hanging(&host, &reached, Silent::<false>(reached.clone()), collect().0);
    soon(start().await.stop()).await.expect("it stops well");
    soon(start().await.abort()).await;
    let start = || {
        let numbers = from_stream(futures::stream::pending());
        host.engine().start(copy::Ports { numbers, out: collect().0 }).expect("it starts")
    };
    soon(start().stop()).await.expect("it stops well");
    soon(start().abort()).await;
    host.unharmed().await;
}

/// Standard output of a terminal that somebody has stopped.
struct Stopped {
    until: Arc<Mutex<mpsc::Receiver<()>>>,
    reached: Reached,
}

impl Write for Stopped {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.reached.add_permits(1);
        let _ = self.until.lock().expect("no panic").recv();
        Ok(text.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_system_that_does_not_answer_does_not_keep_the_job() {
    let (release, until) = mpsc::channel::<()>();
    let until = Arc::new(Mutex::new(until));
    let out = |reached| console().to_writer(Stopped { until: until.clone(), reached });
    can_be_ended(|reached| (one(), out(reached))).await;
    drop(release); // or the runtime would wait for the threads that print
}

/// Blocks the thread that it runs on, which no connector should. It tells tokio, which else could leave other tasks
/// behind on that thread.
struct Blocking {
    until: mpsc::Receiver<()>,
    reached: Reached,
}

impl Source<i64> for Blocking {
    async fn run(self, _: SourceContext<i64>) -> Result<(), ConnectorError> {
        self.reached.add_permits(1);
        let _ = block_in_place(|| self.until.recv());
        Ok(())
    }
}

/// See [`Blocking`].
struct BlockingSink {
    until: Mutex<mpsc::Receiver<()>>,
    reached: Reached,
}

impl Sink<i64> for BlockingSink {
    async fn write(&mut self, _: Batch<i64>) -> Result<(), ConnectorError> {
        self.reached.add_permits(1);
        let _ = block_in_place(|| self.until.lock().expect("no panic").recv());
        Ok(())
    }
}

/// Takes as long as the engine waits for such connectors.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connectors_that_block_their_threads_are_left_behind() {
    let (release_source, source_until) = mpsc::channel();
    let (release_sink, sink_until) = mpsc::channel();
    let host = Host::new().await;
    let reached = Reached::new(Semaphore::new(0));
    let source = Blocking { until: source_until, reached: reached.clone() };
    let sink = BlockingSink { until: Mutex::new(sink_until), reached: reached.clone() };
    let one_job = hanging(&host, &reached, source, collect().0).await;
    let mut other = hanging(&host, &reached, one(), sink).await;
    let (_, ended) = tokio::join!(soon(one_job.abort()), soon(other.stop_within(millis(20))));
    assert!(matches!(ended, Err(JobError::StopTimedOut { .. })), "{ended:?}");
    drop((release_source, release_sink, other));
    host.unharmed().await;
}
