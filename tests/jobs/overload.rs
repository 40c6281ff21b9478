//! More than a job can take: rates, back-pressure, the ceiling of memory, shedding.
//!
//! Time is moved by hand, and nothing is waited for but counts: how many records a source has sent, a worker has seen,
//! and how many batches have come to a sink that takes one only when it is let.

use std::{sync::Arc, time::Duration};

use streaming_runtime::{
    Job, ManualClock, Pid,
    connect::{Batch, Collected, ConnectorError, SourceContext, channel, collect, queue, shedding},
    prelude::*,
};
use tokio::sync::{Semaphore, watch};

stream!(
    #[batch(secs(1))]
    fn copy<lines: Source<String>, out: Sink<String>>() {
        lines.to(out);
    }
);

stream!(
    #[batch(secs(1))]
    fn counted<numbers: Source<u64>, out: Sink<u64>>(seen: Count) {
        numbers.inspect(move |_| seen.send_modify(|n| *n += 1)).to(out);
    }
);

type Count = watch::Sender<u64>;

/// Waits until the count is `n`, and says if it is more.
async fn reaches(count: &Count, n: u64) {
    let reached = count.subscribe().wait_for(|count| *count >= n).await.map(|count| *count);
    assert_eq!(reached.expect("the count is here"), n);
}

/// A line of 100 bytes, and what it weighs: itself, an allocation, its text.
const LINE: u64 = (24 + 16 + 100) * 3 / 2;

fn line() -> String {
    "x".repeat(100)
}

/// Sends a line for each permit, one by one, and counts those that `send` has returned for.
#[derive(Clone)]
struct Tap {
    permits: Arc<Semaphore>,
    sent: Count,
}

impl Tap {
    fn of(permits: usize) -> Self {
        Tap { permits: Arc::new(Semaphore::new(permits)), sent: Count::default() }
    }

    fn endless() -> Self {
        Tap::of(Semaphore::MAX_PERMITS)
    }
}

impl Source<String> for Tap {
    async fn run(self, mut out: SourceContext<String>) -> Result<(), ConnectorError> {
        loop {
            self.permits.acquire().await.expect("never closed").forget();
            out.send(line()).await?;
            self.sent.send_modify(|sent| *sent += 1);
        }
    }
}

/// A sink that counts the batches that come, and takes one for each permit.
#[derive(Clone)]
struct Gated<S> {
    permits: Arc<Semaphore>,
    came: Count,
    sink: S,
}

fn gated<T: Send + 'static>() -> (Gated<impl Sink<T>>, Arc<Semaphore>, Count, Collected<T>) {
    let (sink, out) = collect();
    let gated = Gated { permits: Arc::new(Semaphore::new(0)), came: Count::default(), sink };
    let (permits, came) = (gated.permits.clone(), gated.came.clone());
    (gated, permits, came, out)
}

impl<T: Send + 'static, S: Sink<T>> Sink<T> for Gated<S> {
    async fn write(&mut self, batch: Batch<T>) -> Result<(), ConnectorError> {
        self.came.send_modify(|came| *came += 1);
        self.permits.acquire().await.expect("never closed").forget();
        self.sink.write(batch).await
    }
}

/// As tests say that nothing hangs.
async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), what).await.expect("it does not hang")
}

async fn stopped(job: &mut Job) {
    soon(job.stop()).await.expect("it stops well");
    assert_eq!(job.memory().held, 0, "all is given back");
}

fn engine(workers: usize) -> (Engine, ManualClock) {
    let clock = ManualClock::new();
    (Engine::new().workers(workers).manual_clock(&clock), clock)
}

#[tokio::test]
async fn a_large_send_goes_at_the_largest_rate() {
    for workers in [1, 2] {
        let (engine, clock) = engine(workers);
        let (sender, numbers) = channel(1);
        let ((out, results), seen) = (collect(), Count::default());
        let ports = counted::Ports { numbers, out, seen: seen.clone() };
        let mut job = engine.max_rate(1000.0).start(ports).expect("it starts");
        assert_eq!(job.rates(), [("numbers", Some(1000.0))]);
        assert_eq!(job.metrics().source("numbers").and_then(|source| source.max_rate), Some(1000.0));
        sender.send_all((0..5000).collect()).await.expect("room");
        soon(reaches(&seen, 1)).await;
        for step in 1..=100 {
            clock.advance(millis(20));
            soon(reaches(&seen, 1 + 20 * step)).await;
            if step % 50 == 0 {
                // A batch closes soon after its time, and takes what comes until then.
                soon(job.delivered(clock.now())).await.expect("it runs");
            }
        }
        soon(job.delivered(clock.now())).await.expect("it runs");
        let sizes: Vec<_> = results.batches().iter().map(|batch| batch.records.len()).collect();
        assert_eq!(sizes.len(), 2);
        assert!(sizes[0] <= 1001, "{sizes:?}");
        assert!(sizes[0] + sizes[1] <= 2001, "{sizes:?}");
        // What was accepted is delivered, and time need not go on for it.
        stopped(&mut job).await;
        let mut records = results.records();
        records.sort();
        assert_eq!(records, (0..5000).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn each_source_has_its_rate_and_paced_ones_have_none() {
    stream!(
        #[batch(secs(1))]
        fn both<lines: Source<String>, whole: Source<String>, out: Sink<String>>() {
            lines.union(whole).to(out);
        }
    );
    let (engine, clock) = engine(1);
    let (out, results) = collect();
    let (lines, whole) = (Tap::endless(), queue(vec![vec![line(); 5000]]));
    let sent = lines.sent.clone();
    let engine = engine.max_rate(10.0).memory_limit(100 * LINE);
    let mut job = engine.start(both::Ports { lines, whole, out }).expect("it starts");
    assert_eq!(job.rates(), [("lines", Some(10.0)), ("whole", None)]);
    soon(reaches(&sent, 1)).await;
    clock.advance(secs(1));
    soon(job.delivered(clock.now())).await.expect("neither limit holds up a batch");
    assert!(results.batches()[0].records.len() >= 5001);
    assert!(job.memory().peak >= 5001 * LINE);
    stopped(&mut job).await;
}

#[tokio::test]
async fn back_pressure_lowers_the_rate_of_a_job_that_is_behind() {
    for workers in [1, 2] {
        let (engine, clock) = engine(workers);
        let ((out, let_in, came, _), lines) = (gated(), Tap::of(10));
        let engine = engine.in_flight(1).backpressure(Pid::default());
        let mut job = engine.start(copy::Ports { lines: lines.clone(), out }).expect("it starts");
        assert_eq!(job.rates(), [("lines", None)]);
        soon(reaches(&lines.sent, 10)).await;
        clock.advance(secs(1));
        soon(reaches(&came, 1)).await;
        // The second batch can be closed nine intervals late only: a backlog that no speed makes up for.
        lines.permits.add_permits(10);
        soon(reaches(&lines.sent, 20)).await;
        clock.advance(secs(10));
        let_in.add_permits(1000);
        soon(job.delivered(clock.now())).await.expect("it runs");
        assert_eq!(job.rates(), [("lines", Some(100.0))], "the smallest rate");
        // A source that was idle may catch up on a tenth of a second, and one record.
        lines.permits.add_permits(1000);
        soon(reaches(&lines.sent, 31)).await;
        clock.advance(millis(50));
        soon(reaches(&lines.sent, 36)).await;
        stopped(&mut job).await;
    }
}

#[tokio::test]
async fn sources_wait_at_the_ceiling_until_a_batch_is_delivered() {
    for workers in [1, 2] {
        let (engine, clock) = engine(workers);
        let ((out, let_in, came, results), lines) = (gated(), Tap::endless());
        let sent = lines.sent.clone();
        let ports = copy::Ports { lines, out };
        let mut job = engine.memory_limit(100 * LINE + 7).start(ports).expect("it starts");
        for batch in 1..=5 {
            soon(reaches(&sent, 100 * batch)).await;
            assert_eq!(job.memory().held, 100 * LINE, "as many as fit");
            assert_eq!(job.metrics().memory, job.memory());
            let full = || job.explain()[0].to_string().contains("bytes of input are held, of at most");
            soon(async {
                while !full() {
                    tokio::task::yield_now().await
                }
            })
            .await;
            clock.advance(secs(1));
            soon(reaches(&came, batch)).await;
            assert_eq!(job.memory().held, 100 * LINE, "in flight it is held, too");
            let_in.add_permits(1);
        }
        soon(reaches(&sent, 600)).await;
        let_in.add_permits(1);
        stopped(&mut job).await;
        let memory = job.memory();
        assert_eq!((memory.peak, memory.ceiling), (100 * LINE, 100 * LINE + 7), "never more");
        assert_eq!(results.records().len(), 600, "nothing is lost");
    }
}

#[tokio::test]
async fn what_is_larger_than_the_ceiling_goes_alone() {
    let (engine, clock) = engine(2);
    let ((out, results), lines) = (collect(), Tap::endless());
    let sent = lines.sent.clone();
    let mut job = engine.memory_limit(1).start(copy::Ports { lines, out }).expect("it starts");
    for batch in 1..=10 {
        soon(reaches(&sent, batch)).await;
        clock.advance(secs(1));
    }
    soon(reaches(&sent, 11)).await;
    stopped(&mut job).await;
    assert_eq!(job.memory().peak, LINE);
    assert_eq!(results.records().len(), 11);
}

#[tokio::test]
async fn at_the_ceiling_a_batch_closes_early_where_batches_may() {
    for workers in [1, 2] {
        let (engine, _stands) = engine(workers);
        let ((out, results), lines) = (collect(), Tap::of(1000));
        let sent = lines.sent.clone();
        let engine = engine.close_early(true).memory_limit(10 * LINE);
        let mut job = engine.start(copy::Ports { lines, out }).expect("it starts");
        soon(reaches(&sent, 1000)).await;
        stopped(&mut job).await;
        assert!(job.memory().peak <= 10 * LINE);
        assert_eq!(results.records().len(), 1000);
    }
}

#[tokio::test]
async fn a_paced_source_is_asked_when_there_is_room() {
    for workers in [1, 2] {
        let (engine, clock) = engine(workers);
        let (out, let_in, came, results) = gated();
        let lines = queue(vec![vec![line(); 50]; 4]);
        let mut job = engine.memory_limit(10 * LINE).start(copy::Ports { lines, out }).expect("it starts");
        clock.advance(secs(4));
        for batch in 1..=4 {
            soon(reaches(&came, batch)).await;
            assert_eq!(job.memory().held, 50 * LINE, "one batch, and the next is not asked for");
            let_in.add_permits(1);
        }
        soon(job.join()).await.expect("it ends well");
        assert_eq!(job.memory().peak, 50 * LINE);
        assert_eq!(results.records().len(), 200);
    }
}

#[tokio::test]
async fn a_stop_takes_what_was_accepted_whatever_the_limits() {
    for workers in [1, 2] {
        let (engine, _stands) = engine(workers);
        let (sender, lines) = channel(1000);
        for _ in 0..1000 {
            sender.try_send(line()).expect("room");
        }
        let (out, results) = collect();
        let engine = engine.max_rate(1.0).memory_limit(1);
        let mut job = engine.start(copy::Ports { lines, out }).expect("it starts");
        stopped(&mut job).await;
        assert_eq!(results.records().len(), 1000);
    }
}

/// Runs a source that sheds and sends 1,000 lines while the sink takes none; then lets all through. Returns how many
/// were shed.
async fn shed(engine: Engine) -> u64 {
    let ((out, let_in, _, results), lines) = (gated(), Tap::of(1000));
    let sent = lines.sent.clone();
    let mut job = engine.start(copy::Ports { lines: shedding(lines), out }).expect("it starts");
    // It waits for nothing.
    soon(reaches(&sent, 1000)).await;
    let_in.add_permits(1000);
    stopped(&mut job).await;
    let [("lines", shed)] = job.shed()[..] else { panic!("one source: {:?}", job.shed()) };
    assert_eq!(results.records().len() as u64 + shed, 1000, "delivered or counted");
    shed
}

#[tokio::test]
async fn a_source_that_sheds_waits_for_nothing_and_counts_what_it_drops() {
    for workers in [1, 2] {
        let engine = || engine(workers).0;
        assert_eq!(shed(engine().queue(2000)).await, 0, "there is room");
        assert_eq!(shed(engine().queue(2000).memory_limit(100 * LINE)).await, 900);
        assert_eq!(shed(engine().queue(2000).max_rate(1.0)).await, 999);
    }
}

#[tokio::test]
async fn full_queues_are_shed_too() {
    for workers in [1, 2] {
        let (engine, clock) = engine(workers);
        let ((out, let_in, came, results), lines) = (gated(), Tap::of(0));
        let (permits, sent) = (lines.permits.clone(), lines.sent.clone());
        let ports = copy::Ports { lines: shedding(lines), out };
        let mut job = engine.in_flight(1).queue(3).start(ports).expect("it starts");
        // With a batch in flight and no other allowed, workers take in nothing.
        clock.advance(secs(1));
        soon(reaches(&came, 1)).await;
        permits.add_permits(1000);
        soon(reaches(&sent, 1000)).await;
        let room = 3 * workers as u64;
        assert_eq!(job.shed(), [("lines", 1000 - room)]);
        assert_eq!(job.metrics().source("lines").map(|source| source.shed), Some(1000 - room));
        let_in.add_permits(1000);
        stopped(&mut job).await;
        assert_eq!(results.records().len() as u64, room);
    }
}

#[tokio::test]
async fn limits_out_of_range_are_errors_at_the_start() {
    let new = Engine::new;
    let engines = [
        (new().max_rate(0.0), "rate"),
        (new().max_rate(f64::NAN), "rate"),
        (new().memory_limit(0), "memory"),
        (new().backpressure(Pid { min_rate: 0.0, ..Pid::default() }), "min_rate"),
        (new().backpressure(Pid { integral: -1.0, ..Pid::default() }), "integral"),
        (new().backpressure(Pid { initial_rate: Some(-1.0), ..Pid::default() }), "initial_rate"),
    ];
    for (engine, what) in engines {
        let error =
            engine.start(copy::Ports { lines: Tap::of(0), out: collect().0 }).err().expect("it cannot");
        assert_eq!(error.code(), "start.config");
        assert!(error.to_string().contains(what), "{error}");
    }
}
