//! Ten times more than a job can take, for a minute, from a producer that waits: whether memory stays under the ceiling,
//! nothing is lost, and latency is what it was soon after.
//!
//! Estimate, before the first run: an operator or a sink that takes 25 us a record makes a capacity of 40,000 a second.
//! Records weigh 1,048 bytes, so that 128 MiB are some 128,000 of them, 3.2 s of work: that is the latency under load, and
//! what it takes to come back when a tenth of the capacity is offered again. With back-pressure the rate follows what
//! was processed and little waits in the job: the latency of a batch or two. Resident memory is the ceiling, the
//! channel's 1,024 records, and what an allocator keeps: under 1.1 of it, above that of an idle job. What comes beside
//! the input, the channel and the allocator's pages, is 5 to 10 MB whatever the ceiling: of 32 MiB it was 0.3.
//!
//! Latency is from the send to the sink; each batch counts by its 99th percentile. A job is back when a batch is within
//! twice the worst of those before the load, and so are all after it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use contenders::{
    child::in_child,
    measure::{Params, Row, Runs, rss_bytes},
};
use streaming_runtime::{
    Job, Pid,
    connect::{Batch, ConnectorError, Sender, channel},
    prelude::*,
};

stream!(
    #[batch(millis(100))]
    fn worked<records: Source<(u64, String)>, out: Sink<(u64, String)>>(work: Duration) {
        records.inspect(move |_| spin(work)).to(out);
    }
);

/// What one record takes, where it is the bottleneck.
const WORK: Duration = Duration::from_micros(25);
/// Reached before the queues are full.
const CEILING: u64 = 128 << 20;
const PAYLOAD: usize = 1000;
/// The load, in capacities.
const TIMES: u32 = 10;

fn spin(time: Duration) {
    let began = Instant::now();
    while began.elapsed() < time {
        std::hint::spin_loop();
    }
}

pub fn run(runs: Runs) -> Vec<Row> {
    let mut rows = Vec::new();
    for (what, engine) in [
        ("operator", "ceiling"),
        ("operator", "back-pressure"),
        ("sink", "ceiling"),
        ("sink", "back-pressure"),
    ] {
        if !runs.wants(what) {
            continue;
        }
        let figures = in_child(&["overload", what, engine], runs);
        let params: Params = BTreeMap::from([
            ("bottleneck", what.into()),
            ("limited_by", engine.into()),
            ("seconds", load(runs).as_secs().into()),
            ("offered_by_capacity", TIMES.into()),
            ("ceiling_bytes", CEILING.into()),
        ]);
        let [capacity, sent, delivered, idle, resident, held, normal, loaded, back] = figures[..] else {
            panic!("the child says nine figures: {figures:?}")
        };
        let mut figure = |text: &str, value: f64, wanted| {
            rows.push(Row::figure("overload", &params, format!("{what}, {engine}: {text}"), value, wanted));
        };
        figure("capacity, records a second", capacity as f64, "");
        figure("sent, records", sent as f64, "");
        figure("sent and not delivered, records", sent as f64 - delivered as f64, "0");
        figure("input held at most / ceiling", held as f64 / CEILING as f64, "<= 1");
        figure("resident at most, above idle / ceiling", (resident - idle) as f64 / CEILING as f64, "<= 1.1");
        figure("p99 before, ms", normal as f64 / 1e3, "");
        figure("p99 under load, ms", loaded as f64 / 1e3, "");
        figure("back to twice the p99 before, s", back as f64 / 1e3, "<= 5");
    }
    rows
}

fn load(runs: Runs) -> Duration {
    Duration::from_secs(match (runs.quick, runs.brief) {
        (true, _) => 2,
        (false, true) => 10,
        (false, false) => 60,
    })
}

/// What came, for each batch that was not empty: when, how many records, their latency's 99th percentile.
type Came = Arc<Mutex<Vec<(Instant, u64, Duration)>>>;

struct Slow {
    work: Duration,
    began: Instant,
    came: Came,
}

impl Sink<(u64, String)> for Slow {
    async fn write(&mut self, batch: Batch<(u64, String)>) -> Result<(), ConnectorError> {
        let records = batch.records;
        if records.is_empty() {
            return Ok(());
        }
        tokio::time::sleep(self.work * records.len() as u32).await;
        let (at, now) = (Instant::now(), self.began.elapsed().as_nanos() as u64);
        let mut latencies: Vec<u64> = records.iter().map(|(sent, _)| now - sent).collect();
        let place = (latencies.len() - 1) * 99 / 100;
        let (_, p99, _) = latencies.select_nth_unstable(place);
        let p99 = Duration::from_nanos(*p99);
        self.came.lock().expect("no panic").push((at, records.len() as u64, p99));
        Ok(())
    }
}

/// In a process of its own: the nine figures.
pub fn alone(what: &str, engine: &str, runs: Runs) -> Vec<u64> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(overloaded(what, engine, runs))
}

async fn overloaded(what: &str, engine: &str, runs: Runs) -> Vec<u64> {
    let (operator, sink) = match what {
        "operator" => (WORK, Duration::ZERO),
        _ => (Duration::ZERO, WORK),
    };
    let (came, began) = (Came::default(), Instant::now());
    let (sender, records) = channel(1024);
    let out = Slow { work: sink, began, came: came.clone() };
    let settings = Engine::new().queue(1024).memory_limit(CEILING);
    let settings = match engine {
        "ceiling" => settings,
        _ => settings.backpressure(Pid::default()),
    };
    let mut job = settings.start(worked::Ports { records, out, work: operator }).expect("it starts");
    let producer = Producer { sender, began };
    let idle = rss_bytes();
    let short = if runs.quick { Duration::from_secs(1) } else { Duration::from_secs(5) };

    // As much as goes, and until it is delivered, to see how much that is.
    let warm = Instant::now();
    let mut sent = producer.offer(1e6, short).await;
    producer.sender.flush().await.expect("the job runs");
    let capacity = sent as f64 / warm.elapsed().as_secs_f64();
    // What back-pressure has learned from that flood is to be forgotten.
    sent += producer.offer(capacity / 10.0, short).await;
    producer.sender.flush().await.expect("the job runs");

    let calm = Instant::now();
    sent += producer.offer(capacity / 10.0, 2 * short).await;
    let normal = worst(&since(&came, calm));

    let storm = Instant::now();
    let resident = async {
        let mut most = 0;
        loop {
            most = most.max(rss_bytes());
            let left = load(runs).saturating_sub(storm.elapsed());
            if left.is_zero() {
                return most;
            }
            tokio::time::sleep(Duration::from_millis(20).min(left)).await;
        }
    };
    let (more, resident) = tokio::join!(producer.offer(capacity * f64::from(TIMES), load(runs)), resident);
    sent += more;
    let loaded = worst(&since(&came, storm));

    let over = Instant::now();
    sent += producer.offer(capacity / 10.0, Duration::from_secs(8)).await;
    let late = since(&came, over).iter().rfind(|(_, _, p99)| *p99 > 2 * normal).map(|(at, ..)| *at - over);

    let held = job.memory().peak;
    finish(&mut job, producer).await;
    let delivered = came.lock().expect("no panic").iter().map(|(_, records, _)| records).sum();
    let micros = |time: Duration| time.as_micros() as u64;
    let back = late.unwrap_or_default().as_millis() as u64;
    vec![capacity as u64, sent, delivered, idle, resident, held, micros(normal), micros(loaded), back]
}

async fn finish(job: &mut Job, producer: Producer) {
    drop(producer);
    job.join().await.expect("it ends well");
}

fn since(came: &Came, start: Instant) -> Vec<(Instant, u64, Duration)> {
    came.lock().expect("no panic").iter().filter(|(at, ..)| *at >= start).copied().collect()
}

fn worst(came: &[(Instant, u64, Duration)]) -> Duration {
    came.iter().map(|(_, _, p99)| *p99).max().unwrap_or_default()
}

struct Producer {
    sender: Sender<(u64, String)>,
    began: Instant,
}

impl Producer {
    /// Has so many records a second to send, for so long, and waits where there is no room. Returns how many it sent.
    async fn offer(&self, rate: f64, time: Duration) -> u64 {
        let start = Instant::now();
        let mut sent = 0;
        while start.elapsed() < time {
            if sent as f64 > rate * start.elapsed().as_secs_f64() {
                tokio::time::sleep(Duration::from_millis(1)).await;
                continue;
            }
            let record = (self.began.elapsed().as_nanos() as u64, "x".repeat(PAYLOAD));
            let left = time.saturating_sub(start.elapsed());
            match tokio::time::timeout(left, self.sender.send(record)).await {
                Ok(result) => result.expect("the job runs"),
                Err(_) => break,
            }
            sent += 1;
        }
        sent
    }
}
