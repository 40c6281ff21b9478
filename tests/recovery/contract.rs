//! What connectors are told and may ask: which port they work for, when records are delivered, where partitions were.

use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use streaming_runtime::{
    BatchTime, Checkpoint, Job, ManualClock, Source,
    connect::{
        Batch, CheckpointId, CheckpointMark, Closed, ConnectorError, Delivery, Partition, PortContext,
        Recovery, Retry, SinkPolicies, SourceContext, any_sink, queue, restarted,
    },
    prelude::*,
};
use support::{Lasting, block_on, soon};
use tokio::sync::{Notify, mpsc};

stream!(
    #[batch(secs(1))]
    fn copied<numbers: Source<u64>, out: Sink<u64>>() {
        numbers.to(out);
    }
);

/// A job whose time is moved by hand.
fn start(numbers: impl Source<u64>, out: impl Sink<u64>, clock: &ManualClock, place: &Path) -> Job {
    let engine = Engine::new().name("copies").manual_clock(clock).checkpoint(Checkpoint::new(place));
    engine.start(copied::Ports { numbers, out }).expect("it starts")
}

/// A sink that says what is asked of it.
#[derive(Clone, Default)]
struct Witness {
    calls: Arc<Mutex<Vec<&'static str>>>,
    ports: Arc<Mutex<Vec<PortContext>>>,
}

impl Witness {
    fn note(&self, call: &'static str) {
        self.calls.lock().expect("no test has panicked").push(call);
    }
}

impl Sink<u64> for Witness {
    const DELIVERY: Delivery = Delivery::Transactional;

    fn checkpoint_mark(&self) -> Result<Option<CheckpointMark>, ConnectorError> {
        Ok(None)
    }
    async fn open(&mut self, context: &PortContext) -> Result<(), ConnectorError> {
        self.ports.lock().expect("no test has panicked").push(context.clone());
        self.note("open");
        Ok(())
    }
    async fn committed(&mut self) -> Result<Option<BatchTime>, ConnectorError> {
        self.note("committed");
        Ok(None)
    }
    async fn mark_checkpoint(&mut self, _: CheckpointId) -> Result<(), ConnectorError> {
        self.note("mark_checkpoint");
        Ok(())
    }
    async fn write(&mut self, _: Batch<u64>) -> Result<(), ConnectorError> {
        self.note("write");
        Ok(())
    }
    async fn close(&mut self) -> Result<(), ConnectorError> {
        self.note("close");
        Ok(())
    }
}

/// What a sink is asked in a job of two batches, and what it is told.
fn witnessed<S: Sink<u64>>(wrapped: impl FnOnce(Witness) -> S) -> (Vec<&'static str>, Vec<PortContext>) {
    let (witness, place, clock) =
        (Witness::default(), tempfile::tempdir().expect("temp"), ManualClock::new());
    block_on(async {
        let mut job = start(queue(vec![vec![1, 2], vec![3]]), wrapped(witness.clone()), &clock, place.path());
        clock.advance(secs(2));
        soon(job.join()).await.expect("it ends well");
    });
    let calls = witness.calls.lock().expect("no test has panicked").clone();
    let ports = witness.ports.lock().expect("no test has panicked").clone();
    (calls, ports)
}

fn retry() -> Retry {
    Retry::default().waits(millis(1), millis(2))
}

#[test]
fn a_sink_is_opened_once_and_first_whatever_is_around_it() {
    for (calls, ports) in [
        witnessed(|witness| witness),
        witnessed(|witness| witness.retry(retry())),
        witnessed(|witness| witness.timeout(secs(60))),
        witnessed(any_sink),
        witnessed(|witness| any_sink(witness.timeout(secs(60)).retry(retry()))),
    ] {
        assert_eq!(calls[..4], ["open", "committed", "mark_checkpoint", "write"], "{calls:?}");
        assert_eq!(calls.iter().filter(|call| **call == "open").count(), 1, "{calls:?}");
        assert_eq!(calls.last(), Some(&"close"));
        let [port] = &ports[..] else { panic!("{ports:?}") };
        assert_eq!((port.pipeline, port.job.as_str(), port.port), ("copied", "copies", "out"));
        assert_eq!((port.process, port.processes, port.takes("orders/3")), (0, 1, true));
    }
    // It is at least once, so nobody asks what it has committed. The one for dead letters is opened, too.
    let other = Witness::default();
    let (calls, ports) = witnessed(|witness| witness.or_dead_letter(other.clone()));
    assert_eq!((calls[0], ports.len()), ("open", 1));
    assert!(!calls.contains(&"committed"), "{calls:?}");
    assert_eq!(other.calls.lock().expect("no test has panicked")[0], "open");
    assert_eq!(*other.ports.lock().expect("no test has panicked"), ports);
}

/// A sink that cannot be opened ends the job, and is not written to.
#[test]
fn a_sink_that_cannot_be_opened_ends_the_job() {
    struct Shut;
    impl Sink<u64> for Shut {
        async fn open(&mut self, context: &PortContext) -> Result<(), ConnectorError> {
            Err(ConnectorError::permanent(format!("no right to write for `{}`", context.port)))
        }
        async fn write(&mut self, _: Batch<u64>) -> Result<(), ConnectorError> {
            panic!("it is not open")
        }
    }
    let (place, clock) = (tempfile::tempdir().expect("temp"), ManualClock::new());
    block_on(async {
        let mut job = start(queue(vec![vec![1]]), Shut, &clock, place.path());
        clock.advance(secs(1));
        let error = soon(job.join()).await.expect_err("it cannot be opened");
        assert_eq!(error.to_string(), "sink `out`: no right to write for `out`");
    });
}

/// Sends with a receipt, as a whole or by a partition, and says what that says.
struct Tracked {
    by_partition: bool,
    sent: Arc<Notify>,
    told: mpsc::Sender<Result<BatchTime, Closed>>,
    port: Arc<Mutex<Option<PortContext>>>,
}

impl Source<u64> for Tracked {
    const MAY_BLOCK: bool = false;
    const RECOVERY: Recovery = Recovery::Replays;

    async fn run(self, mut out: SourceContext<u64>) -> Result<(), ConnectorError> {
        *self.port.lock().expect("no test has panicked") = Some(out.port().clone());
        let receipt = match self.by_partition {
            true => out.partition("log").send_tracked(vec![1, 2], &2).await?,
            false => out.send_tracked(vec![1, 2]).await?,
        };
        self.sent.notify_one();
        let told = receipt.await;
        self.told.send(told).await.map_err(ConnectorError::other)?;
        std::future::pending().await
    }
}

/// A receipt is ready when the sink has taken the batch, and not before.
#[test]
fn a_receipt_of_a_source_says_when_its_records_are_delivered() {
    for by_partition in [false, true] {
        let (place, clock, out) =
            (tempfile::tempdir().expect("temp"), ManualClock::new(), Lasting::default());
        let (told, mut tells) = mpsc::channel(1);
        let (sent, port) = (Arc::new(Notify::new()), Arc::default());
        let source = Tracked { by_partition, sent: sent.clone(), told, port: Arc::clone(&port) };
        block_on(async {
            let mut job = start(source, out.clone(), &clock, place.path());
            soon(sent.notified()).await;
            assert!(tells.try_recv().is_err() && out.delivered().is_empty(), "the batch is open");
            clock.advance(secs(1));
            let time = soon(tells.recv()).await.expect("it is told").expect("they are delivered");
            assert_eq!(time, BatchTime::from_millis(1000));
            assert_eq!(out.delivered()[&time], ["1", "2"]);
            job.stop().await.expect("it stops");
        });
        let port = port.lock().expect("no test has panicked").take().expect("it ran");
        assert_eq!((port.port, port.job.as_str(), port.process), ("numbers", "copies", 0));
    }
}

/// Takes so many batches, and hangs at the next.
struct Stuck {
    takes: usize,
    reached: Arc<Notify>,
}

impl Sink<u64> for Stuck {
    const DELIVERY: Delivery = Delivery::Idempotent;

    async fn write(&mut self, _: Batch<u64>) -> Result<(), ConnectorError> {
        match self.takes.checked_sub(1) {
            Some(left) => self.takes = left,
            None => {
                self.reached.notify_one();
                std::future::pending().await
            }
        }
        Ok(())
    }
}

/// What a partition is told at a start: where it begins, where the batch ends that comes again, which partitions are known.
type Told = (Option<u64>, Option<u64>, Vec<String>);

/// Sends up to each of these numbers when it is let, and ends.
struct Steps {
    steps: Vec<u64>,
    go: Arc<Notify>,
    sent: Arc<Notify>,
    told: Arc<Mutex<Vec<Told>>>,
}

impl Source<u64> for Steps {
    const MAY_BLOCK: bool = false;
    const RECOVERY: Recovery = Recovery::Replays;

    async fn run(self, out: SourceContext<u64>) -> Result<(), ConnectorError> {
        let mut log: Partition<u64> = out.partition("log");
        let mut next = log.resume_from()?;
        let told = (next, log.replay_position()?, out.known_partitions());
        self.told.lock().expect("no test has panicked").push(told);
        for end in self.steps {
            self.go.notified().await;
            let begin = next.replace(end).unwrap_or(0);
            log.send((begin..end).collect(), &end).await?;
            self.sent.notify_one();
        }
        Ok(())
    }
}

#[test]
fn a_partition_is_told_where_it_was_and_where_the_batch_ends_that_comes_again() {
    let (place, clock) = (tempfile::tempdir().expect("temp"), ManualClock::new());
    let (go, sent, told) = (Arc::new(Notify::new()), Arc::new(Notify::new()), Arc::default());
    let steps = |steps: &[u64]| Steps {
        steps: steps.to_vec(),
        go: go.clone(),
        sent: sent.clone(),
        told: Arc::clone(&told),
    };
    block_on(async {
        let reached = Arc::new(Notify::new());
        let stuck = Stuck { takes: 1, reached: reached.clone() };
        let mut job = start(steps(&[3, 5, 9]), stuck, &clock, place.path());
        go.notify_one();
        soon(sent.notified()).await;
        clock.advance(secs(1));
        soon(job.delivered(clock.now())).await.expect("it runs");
        go.notify_one();
        soon(sent.notified()).await;
        clock.advance(secs(1));
        soon(reached.notified()).await;
        job.abort().await;
        let out = Lasting::default();
        let mut job = start(steps(&[5, 6]), out.clone(), &clock, place.path());
        for _ in 0..2 {
            go.notify_one();
            soon(sent.notified()).await;
        }
        clock.advance(secs(1));
        soon(job.join()).await.expect("it ends well");
        let delivered: Vec<Vec<String>> = out.delivered().into_values().collect();
        assert_eq!(delivered, [vec!["3", "4"], vec!["5"]]);
    });
    let told = told.lock().expect("no test has panicked").clone();
    assert_eq!(told, [(None, None, vec![]), (Some(3), Some(5), vec!["log".to_owned()])]);
}

/// Two partitions of fifty numbers each, ten at a time. It fails after every thirty.
#[derive(Clone)]
struct Failing(Arc<AtomicUsize>);

impl Failing {
    async fn send(&self, number: u64, mut log: Partition<u64>) -> Result<(), ConnectorError> {
        let mut next: u64 = log.resume_from()?.unwrap_or(0);
        while next < 50 {
            log.send((next..next + 10).map(|n| 100 * number + n).collect(), &(next + 10)).await?;
            next += 10;
            if self.0.fetch_add(1, Ordering::SeqCst) % 3 == 2 {
                return Err(ConnectorError::other("the line is down"));
            }
        }
        Ok(())
    }
}

impl Source<u64> for Failing {
    const MAY_BLOCK: bool = false;
    const RECOVERY: Recovery = Recovery::Replays;

    async fn run(self, out: SourceContext<u64>) -> Result<(), ConnectorError> {
        let logs = [self.send(0, out.partition("log/0")), self.send(1, out.partition("log/1"))];
        futures::future::try_join_all(logs).await.map(drop)
    }
}

/// A source that is made again goes on where each partition was, with a checkpoint and without.
#[test]
fn partitions_of_a_source_that_is_made_again_go_on_where_they_were() {
    for has_checkpoint in [true, false] {
        let (place, out) = (tempfile::tempdir().expect("temp"), Lasting::default());
        let sends = Arc::<AtomicUsize>::default();
        let made = sends.clone();
        let source = restarted(retry(), move || Failing(made.clone()));
        let retries = source.retries();
        block_on(async {
            let engine = Engine::new().close_early(true);
            let engine =
                if has_checkpoint { engine.checkpoint(Checkpoint::new(place.path())) } else { engine };
            let ports = copied::Ports { numbers: source, out: out.clone() };
            let mut job = engine.start(ports).expect("it starts");
            soon(job.join()).await.expect("it ends well");
        });
        let mut got: Vec<u64> =
            out.delivered().into_values().flatten().map(|n| n.parse().expect("a number")).collect();
        got.sort();
        assert_eq!(got, (0..50).chain(100..150).collect::<Vec<_>>(), "with a checkpoint: {has_checkpoint}");
        assert!(retries.count() >= 3, "{} retries", retries.count());
        assert!(sends.load(Ordering::SeqCst) >= 10);
    }
}
