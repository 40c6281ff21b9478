//! The life of a job: start, batches, end, stop, abort. What Spark's contexts do, in this engine's own terms.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use streaming_runtime::{
    BatchInfo, BatchTime, Job, JobError, Listener, ManualClock, StartError,
    connect::{Batch, Collected, ConnectorError, SourceContext, channel, collect, queue},
    prelude::*,
};
use tokio::sync::Semaphore;

stream!(
    #[batch(secs(1))]
    fn both<busy: Source<u64>, idle: Source<u64>, out: Sink<u64>>() {
        busy.union(idle).to(out);
    }
);

stream!(
    #[batch(secs(1))]
    fn word_count<lines: Source<String>, counts: Sink<(String, i64)>>() {
        let words = lines.flat_map(|line| line.split_whitespace().map(str::to_owned));
        words.map(|word| (word, 1)).reduce_by_key(|a, b| a + b).to(counts);
    }
);

stream!(
    #[batch(secs(1))]
    fn copy<numbers: Source<u64>, out: Sink<u64>>() {
        numbers.to(out);
    }
);

stream!(
    #[batch(secs(1))]
    fn count<numbers: Source<u64>, out: Sink<i64>>() {
        numbers.count().to(out);
    }
);

/// The batches that a sink has taken.
type Taken<T> = Arc<Mutex<Vec<Batch<T>>>>;

/// A sink that takes a batch only when it is let: closed it holds everything up.
struct Gated<T> {
    gate: Arc<Semaphore>,
    taken: Taken<T>,
}

impl<T> Gated<T> {
    fn new() -> (Self, Arc<Semaphore>, Taken<T>) {
        let (gate, taken) = (Arc::new(Semaphore::new(0)), Arc::new(Mutex::new(Vec::new())));
        (Gated { gate: gate.clone(), taken: taken.clone() }, gate, taken)
    }
}

impl<T: Send + 'static> Sink<T> for Gated<T> {
    async fn write(&mut self, batch: Batch<T>) -> Result<(), ConnectorError> {
        self.gate.acquire().await.expect("never closed").forget();
        self.taken.lock().expect("no panic").push(batch);
        Ok(())
    }
}

/// Sends numbers without end and counts those that `send` has returned for.
struct Flood(Arc<AtomicUsize>);

impl Source<u64> for Flood {
    async fn run(self, mut out: SourceContext<u64>) -> Result<(), ConnectorError> {
        for n in 0.. {
            out.send(n).await?;
            self.0.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}

async fn settled(count: &AtomicUsize) -> usize {
    // Nothing to wait for says that a flood has stalled: it has if it stays put over many turns of the runtime.
    let mut last = (count.load(Ordering::SeqCst), 0);
    while last.1 < 200 {
        tokio::time::sleep(Duration::from_millis(1)).await;
        let now = count.load(Ordering::SeqCst);
        last = if now == last.0 { (now, last.1 + 1) } else { (now, 0) };
    }
    last.0
}

fn lines(batches: &[&[&str]]) -> Vec<Vec<String>> {
    batches.iter().map(|batch| batch.iter().map(|line| (*line).to_owned()).collect()).collect()
}

fn sorted<T: Ord>(mut records: Vec<T>) -> Vec<T> {
    records.sort();
    records
}

fn times<T: Clone>(out: &Collected<T>) -> Vec<u64> {
    out.batches().iter().map(|batch| batch.time.as_millis()).collect()
}

async fn ended(mut job: Job) -> Result<(), JobError> {
    tokio::time::timeout(Duration::from_secs(60), job.join()).await.expect("the job ends")
}

#[tokio::test]
async fn a_bounded_job_ends_by_itself_with_everything_delivered() {
    for workers in [1, 2, 3] {
        let clock = ManualClock::new();
        let (sink, counts) = collect();
        let engine = Engine::new().workers(workers).manual_clock(&clock);
        let ports =
            word_count::Ports { lines: queue(lines(&[&["a b", "b"], &[], &["c c", "c"]])), counts: sink };
        let job = engine.start(ports).expect("it starts");
        clock.advance(secs(3));
        ended(job).await.expect("it ends well");
        let batches: Vec<_> = counts.batches().into_iter().map(|batch| sorted(batch.records)).collect();
        let pair = |word: &str, n| (word.to_owned(), n);
        assert_eq!(batches, [vec![pair("a", 1), pair("b", 2)], vec![], vec![pair("c", 3)]]);
        assert_eq!(times(&counts), [1000, 2000, 3000], "batches are named by multiples of the interval");
    }
}

#[tokio::test]
async fn empty_batches_are_batches() {
    for workers in [1, 2] {
        let clock = ManualClock::new();
        let (sink, counts) = collect();
        let (numbers, source) = channel::<u64>(8);
        let ports = count::Ports { numbers: source, out: sink };
        let mut job = Engine::new().workers(workers).manual_clock(&clock).start(ports).expect("it starts");
        clock.advance(secs(4));
        job.delivered(clock.now()).await.expect("it runs");
        assert_eq!(counts.records(), [0, 0, 0, 0]);
        drop(numbers);
        ended(job).await.expect("it ends well");
    }
}

#[tokio::test]
async fn a_graceful_stop_delivers_what_was_accepted() {
    let clock = ManualClock::new();
    let (sink, out) = collect();
    let (numbers, source) = channel::<u64>(1000);
    let ports = copy::Ports { numbers: source, out: sink };
    let mut job = Engine::new().workers(2).manual_clock(&clock).start(ports).expect("it starts");
    for n in 0..1000 {
        numbers.send(n).await.expect("it runs");
    }
    job.stop().await.expect("it stops well");
    assert_eq!(sorted(out.records()), (0..1000).collect::<Vec<_>>());
    assert!(numbers.send(1).await.is_err(), "a stopped job takes nothing more");
    job.stop().await.expect("stopping twice is nothing");
    job.join().await.expect("and joining says the same");
}

#[tokio::test]
async fn a_stop_has_a_limit() {
    let clock = ManualClock::new();
    let (sink, _gate, taken) = Gated::new();
    let (numbers, source) = channel::<u64>(8);
    let ports = copy::Ports { numbers: source, out: sink };
    let mut job = Engine::new().manual_clock(&clock).start(ports).expect("it starts");
    numbers.send(1).await.expect("it runs");
    let error = job.stop_within(Duration::from_millis(50)).await.expect_err("the sink hangs");
    assert!(matches!(error, JobError::StopTimedOut { .. }), "{error}");
    assert!(taken.lock().expect("no panic").is_empty());
}

#[tokio::test]
async fn abort_and_drop_end_the_job_at_once() {
    struct Ended(tokio::sync::mpsc::UnboundedSender<Result<(), JobError>>);
    impl Listener for Ended {
        fn ended(&self, result: &Result<(), JobError>) {
            let _ = self.0.send(result.clone());
        }
    }
    let (send, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let engine = Engine::new().workers(2).listener(Ended(send));
    let start = || {
        let (sink, _, _) = Gated::new();
        engine.start(copy::Ports { numbers: Flood(Arc::default()), out: sink }).expect("it starts")
    };
    start().abort().await;
    assert!(matches!(heard.recv().await, Some(Err(JobError::Aborted))));
    drop(start());
    assert!(matches!(heard.recv().await, Some(Err(JobError::Aborted))));
}

#[tokio::test]
async fn a_slow_sink_holds_up_batches_and_then_the_source() {
    let clock = ManualClock::new();
    let (sink, gate, taken) = Gated::new();
    let sent = Arc::new(AtomicUsize::new(0));
    let ports = copy::Ports { numbers: Flood(sent.clone()), out: sink };
    let engine = Engine::new().manual_clock(&clock).in_flight(2).queue(16);
    let mut job = engine.start(ports).expect("it starts");
    clock.advance(secs(100));
    let stalled = settled(&sent).await;
    assert!(taken.lock().expect("no panic").is_empty());
    gate.add_permits(2);
    while settled(&sent).await == stalled {}
    assert_eq!(taken.lock().expect("no panic").len(), 2, "two were in flight and no more were taken");
    gate.add_permits(10_000);
    job.stop().await.expect("it stops well");
    let taken = taken.lock().expect("no panic");
    let records: Vec<u64> = taken.iter().flat_map(|batch| batch.records.clone()).collect();
    assert_eq!(records, (0..records.len() as u64).collect::<Vec<_>>(), "nothing is lost or reordered");
    assert!(records.len() >= sent.load(Ordering::SeqCst), "what send returned for is delivered");
}

#[tokio::test]
async fn batches_close_early_when_the_sources_are_drained() {
    for workers in [1, 2] {
        // The clock never moves: only early closing can deliver anything.
        let clock = ManualClock::new();
        let (sink, out) = collect();
        let (numbers, source) = channel::<u64>(8);
        let ports = copy::Ports { numbers: source, out: sink };
        let engine = Engine::new().workers(workers).manual_clock(&clock).close_early(true);
        let job = engine.start(ports).expect("it starts");
        for n in 0..10 {
            numbers.send(n).await.expect("it runs");
            assert!(out.wait_until(|batches| batches.iter().any(|batch| batch.records.contains(&n))).await);
        }
        let batches = out.batches();
        assert_eq!(batches.len(), 10, "one batch a record and no empty ones between");
        assert!(batches.is_sorted_by(|a, b| a.time < b.time), "their times only grow");
        drop(numbers);
        ended(job).await.expect("it ends well");
    }
}

#[tokio::test]
async fn an_idle_source_does_not_hold_back_another() {
    let clock = ManualClock::new();
    let (sink, out) = collect();
    let (_idle, idle) = channel::<u64>(1);
    let ports = both::Ports { busy: queue(vec![vec![1], vec![2]]), idle, out: sink };
    let mut job = Engine::new().manual_clock(&clock).start(ports).expect("it starts");
    clock.advance(secs(2));
    job.delivered(BatchTime::from_millis(2000)).await.expect("it runs");
    assert_eq!(out.records(), [1, 2]);
    job.stop().await.expect("it stops well");
}

#[tokio::test]
async fn many_pipelines_live_in_one_process_and_one_starts_twice() {
    let mut jobs = Vec::new();
    for n in 0..5u64 {
        let clock = ManualClock::new();
        let (sink, out) = collect();
        let ports = copy::Ports { numbers: queue(vec![vec![n], vec![n]]), out: sink };
        let engine = Engine::new().workers(2).name(format!("copy-{n}")).manual_clock(&clock);
        let job = engine.start(ports).expect("it starts");
        assert_eq!(job.name(), format!("copy-{n}"));
        clock.advance(secs(2));
        jobs.push((job, out, n));
    }
    for (job, out, n) in jobs {
        ended(job).await.expect("it ends well");
        assert_eq!(out.records(), [n, n]);
    }
}

#[tokio::test]
async fn listeners_hear_of_every_batch() {
    #[derive(Clone, Default)]
    struct Heard(Arc<Mutex<(usize, Vec<BatchInfo>, usize)>>);
    impl Listener for Heard {
        fn started(&self) {
            self.0.lock().expect("no panic").0 += 1;
        }
        fn batch_completed(&self, batch: &BatchInfo) {
            self.0.lock().expect("no panic").1.push(batch.clone());
        }
        fn ended(&self, result: &Result<(), JobError>) {
            assert!(result.is_ok());
            self.0.lock().expect("no panic").2 += 1;
        }
    }
    let heard = Heard::default();
    let clock = ManualClock::new();
    let (sink, _) = collect();
    let engine = Engine::new().workers(2).manual_clock(&clock).listener(heard.clone());
    let ports = copy::Ports { numbers: queue(vec![vec![1, 2, 3], vec![], vec![4]]), out: sink };
    let job = engine.start(ports).expect("it starts");
    clock.advance(secs(3));
    ended(job).await.expect("it ends well");
    let (started, batches, ended) = &*heard.0.lock().expect("no panic");
    assert_eq!((*started, *ended), (1, 1));
    let records: Vec<_> = batches.iter().map(|batch| batch.records.clone()).collect();
    assert_eq!(records, [[("numbers", 3)], [("numbers", 0)], [("numbers", 1)]]);
}

#[test]
fn a_job_needs_a_runtime_and_says_so() {
    let (sink, _) = collect();
    let error = Engine::new().start(copy::Ports { numbers: queue(vec![]), out: sink }).err();
    let error = error.expect("there is none");
    assert!(matches!(error, StartError::NoRuntime));
    assert!(error.to_string().contains("tokio runtime"), "{error}");
}

#[tokio::test]
async fn settings_out_of_range_are_errors_at_the_start() {
    let engines = [Engine::new().workers(0), Engine::new().in_flight(0), Engine::new().queue(0)];
    for (engine, what) in engines.into_iter().zip(["workers", "in flight", "queue"]) {
        let (sink, _) = collect();
        let error = engine.start(copy::Ports { numbers: queue(vec![]), out: sink }).err().expect("it cannot");
        assert_eq!(error.code(), "start.config");
        assert!(error.to_string().contains(what), "{error}");
    }
}

#[test]
fn a_runtime_that_goes_takes_the_job_with_it() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let (sink, _, _) = Gated::new();
    let sent = Arc::new(AtomicUsize::new(0));
    let ports = copy::Ports { numbers: Flood(sent.clone()), out: sink };
    let mut job = runtime.block_on(async { Engine::new().workers(2).start(ports) }).expect("it starts");
    drop(runtime);
    let other = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    assert!(matches!(other.block_on(job.join()), Err(JobError::RuntimeGone)));
}
