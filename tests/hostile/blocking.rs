//! Connectors that block the thread that runs them, and what goes on all the same.

use std::{
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use streaming_runtime::{
    Job, JobError, ManualClock,
    connect::{Batch, ConnectorError, SourceContext, channel, collect, from_stream},
    prelude::*,
};
use tokio::{runtime::Runtime, sync::Semaphore};

use super::within::within;

stream!(
    #[batch(millis(10))]
    fn copy<numbers: Source<u64>, more: Source<u64>, out: Sink<u64>>() {
        numbers.union(more).to(out);
    }
);

/// Sends one number and blocks its thread for ever, without telling tokio.
struct Blocking(Arc<Semaphore>);

impl Source<u64> for Blocking {
    async fn run(self, mut out: SourceContext<u64>) -> Result<(), ConnectorError> {
        out.send(1).await?;
        self.0.add_permits(1);
        block()
    }
}

/// Takes one batch that has something and blocks its thread for ever.
struct BlockingSink(Arc<Semaphore>);

impl Sink<u64> for BlockingSink {
    async fn write(&mut self, batch: Batch<u64>) -> Result<(), ConnectorError> {
        if batch.records.is_empty() {
            return Ok(());
        }
        self.0.add_permits(1);
        block()
    }
}

fn block() -> ! {
    loop {
        thread::sleep(Duration::from_secs(3600));
    }
}

/// Runtimes of one thread, the caller's and one of its own, and of more.
fn runtimes() -> Vec<(String, fn() -> Runtime)> {
    fn of(threads: usize) -> Runtime {
        let mut builder = match threads {
            0 => tokio::runtime::Builder::new_current_thread(),
            _ => tokio::runtime::Builder::new_multi_thread(),
        };
        builder.worker_threads(threads.max(1)).enable_all().build().expect("a runtime")
    }
    let kinds: [(usize, fn() -> Runtime); 4] = [(0, || of(0)), (1, || of(1)), (2, || of(2)), (4, || of(4))];
    kinds.map(|(threads, make)| (format!("a runtime of {threads} threads"), make)).into()
}

/// The service's own tasks and timers.
async fn is_alive() {
    for _ in 0..20 {
        let task = tokio::spawn(tokio::time::sleep(millis(1)));
        task.await.expect("no panic");
    }
}

async fn until(reached: &Semaphore, permits: u32) {
    reached.acquire_many(permits).await.expect("never closed").forget();
}

/// Ends the jobs that `start` starts in all ways, in runtimes of all kinds, and sees that the service lives.
fn check(port: &'static str, start: impl Fn(&Arc<Semaphore>) -> Job + Clone + Send + 'static) {
    for (what, runtime) in runtimes() {
        let start = start.clone();
        within(&what, move || {
            runtime().block_on(async move {
                let reached = Arc::new(Semaphore::new(0));
                // More of them than the runtime has threads.
                let mut jobs: Vec<Job> = (0..5).map(|_| start(&reached)).collect();
                until(&reached, 5).await;
                is_alive().await;
                while !jobs[0].explain()[0].to_string().contains(&format!("`{port}` has blocked its thread"))
                {
                    tokio::time::sleep(millis(10)).await;
                }
                let error = jobs[0].stop_within(millis(1500)).await.expect_err("it cannot stop");
                assert!(matches!(error, JobError::StopTimedOut { .. }), "{error}");
                assert!(error.to_string().contains(&format!("`{port}` has blocked its thread")), "{error}");
                jobs.pop().expect("there are five").abort().await;
                drop(jobs);
                is_alive().await;
            });
        });
    }
}

#[test]
fn a_source_that_blocks_its_thread_holds_up_nobody_else() {
    check("numbers", |reached| {
        let (sender, more) = channel(1);
        sender.try_send(2).expect("there is room");
        std::mem::forget(sender);
        let ports = copy::Ports { numbers: Blocking(reached.clone()), more, out: collect().0 };
        Engine::new().workers(2).start(ports).expect("it starts")
    });
}

#[test]
fn a_stream_that_blocks_its_thread_holds_up_nobody_else() {
    check("numbers", |reached| {
        let reached = reached.clone();
        let numbers = from_stream(futures::stream::poll_fn(move |_| {
            reached.add_permits(1);
            block()
        }));
        let (sender, more) = channel(1);
        std::mem::forget(sender);
        Engine::new().start(copy::Ports { numbers, more, out: collect().0 }).expect("it starts")
    });
}

#[test]
fn a_sink_that_blocks_its_thread_holds_up_nobody_else() {
    check("out", |reached| {
        let (sender, numbers) = channel(1);
        sender.try_send(2).expect("there is room");
        let (other, more) = channel(1);
        std::mem::forget((sender, other));
        Engine::new()
            .start(copy::Ports { numbers, more, out: BlockingSink(reached.clone()) })
            .expect("it starts")
    });
}

/// What a connector of somebody's own does in tokio's runtime it can do as before.
#[test]
fn a_connector_with_a_thread_of_its_own_has_a_whole_runtime() {
    struct Busy;
    impl Source<u64> for Busy {
        async fn run(self, mut out: SourceContext<u64>) -> Result<(), ConnectorError> {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            let address = listener.local_addr().expect("bound");
            let client = tokio::spawn(tokio::net::TcpStream::connect(address));
            listener.accept().await.expect("it connects");
            client.await.expect("no panic").expect("it connects");
            tokio::time::sleep(millis(1)).await;
            let n = tokio::task::spawn_blocking(|| 1).await.expect("no panic");
            let m = tokio::task::block_in_place(|| 2);
            out.send_all(vec![n, m]).await?;
            Ok(())
        }
    }
    for (what, runtime) in runtimes() {
        within(&what, move || {
            runtime().block_on(async {
                let (out, all) = collect();
                let clock = ManualClock::new();
                let (_, more) = channel(1);
                let engine = Engine::new().manual_clock(&clock);
                let mut job = engine.start(copy::Ports { numbers: Busy, more, out }).expect("it starts");
                job.join().await.expect("it ends well");
                assert_eq!(all.records(), [1, 2]);
            });
        });
    }
}

/// A source that says that it never blocks, and does: it has the service's thread, and the others go on.
#[test]
fn a_source_that_does_not_keep_its_promise_is_noticed() {
    struct Liar(Arc<Semaphore>, mpsc::Receiver<()>);
    impl Source<u64> for Liar {
        const MAY_BLOCK: bool = false;
        async fn run(self, _: SourceContext<u64>) -> Result<(), ConnectorError> {
            self.0.add_permits(1);
            let _ = self.1.recv();
            Ok(())
        }
    }
    for threads in [2, 4] {
        within("a liar", move || {
            let mut builder = tokio::runtime::Builder::new_multi_thread();
            let runtime = builder.worker_threads(threads).enable_all().build().expect("a runtime");
            let (release, until_released) = mpsc::channel();
            runtime.block_on(async move {
                let reached = Arc::new(Semaphore::new(0));
                let (sender, more) = channel(1);
                std::mem::forget(sender);
                let numbers = Liar(reached.clone(), until_released);
                let mut job =
                    Engine::new().start(copy::Ports { numbers, more, out: collect().0 }).expect("it starts");
                until(&reached, 1).await;
                is_alive().await;
                while !job.explain()[0].to_string().contains("`numbers` has blocked its thread") {
                    tokio::time::sleep(millis(10)).await;
                }
                let error = job.stop_within(millis(1500)).await.expect_err("it cannot stop");
                assert!(error.to_string().contains("`numbers` has blocked its thread"), "{error}");
                drop(release); // or the runtime would wait for its thread
            });
        });
    }
}
