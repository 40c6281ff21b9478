//! Look-ups in a view from a thread of their own, while a job updates 100,000 keys at half of what it can.
//!
//! Each look-up is timed by itself, one after the other, at random keys: a histogram of single look-ups, the slowest
//! included. The clock is read twice a look-up; what that costs alone stands in the first row and is not taken off
//! the others. A look-up that is held up delays those behind it, which are not counted as slow, so the quantiles say how
//! long a call takes, and hide what happens seldom and long. The share of the time that is spent in look-ups of more
//! than 5 us shows it; in the first row it is the scheduler's alone.
//!
//! Estimate, before the first run: two reads of the clock 50 ns, a hash and two atomic operations 30 ns, a miss or two
//! of the caches 100 ns: 0.15-0.2 us at the median and 0.5 us at the 99th percentile; the slowest is a time slice of
//! the scheduler, as three threads share two cores. By hand, under one lock that a batch holds while it is put in: the
//! same median, and held up for as long as batches are put in, some 5 % of the time.

use std::{
    sync::{
        Arc, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use foldhash::{HashMap, HashMapExt};
use hdrhistogram::Histogram;
use streaming_runtime::{
    BatchInfo, Listener,
    connect::{Batch, ConnectorError, SourceContext, view_of_changes},
    prelude::*,
};

use contenders::measure::{Params, Row, Runs, mix};

const KEYS: u64 = 100_000;

stream!(
    /// Running totals by key.
    #[batch(millis(10))]
    fn totals<records: Source<(u64, i64)>, out: Sink<((u64, i64), i64)>>() {
        let ever = records.history().allow_unbounded("the keys are bounded");
        ever.reduce_by_key(|a, b| a.wrapping_add(b)).changes().to(out);
    }
);

/// Sends so many records a second, or as many as are taken.
struct Load(Option<u64>);

impl Source<(u64, i64)> for Load {
    async fn run(self, mut out: SourceContext<(u64, i64)>) -> Result<(), ConnectorError> {
        // All keys, then a rate.
        out.send_all((0..KEYS).map(|key| (key, 1)).collect()).await?;
        let mut tick = tokio::time::interval(Duration::from_millis(1));
        for turn in 0.. {
            let records = match self.0 {
                Some(a_second) => {
                    tick.tick().await;
                    a_second / 1000
                }
                None => 1024,
            };
            let record = |n| (mix(turn << 20 | n) % KEYS, 1);
            out.send_all((0..records).map(record).collect()).await?;
        }
        Ok(())
    }
}

/// Counts what was delivered.
#[derive(Clone, Default)]
struct Delivered(Arc<AtomicU64>);

impl Listener for Delivered {
    fn batch_completed(&self, batch: &BatchInfo) {
        let records = batch.records.iter().map(|(_, n)| n).sum();
        self.0.fetch_add(records, Ordering::Relaxed);
    }
}

/// What one would write first: a map under one lock.
struct ByHand(Arc<RwLock<HashMap<u64, i64>>>);

impl Sink<((u64, i64), i64)> for ByHand {
    async fn write(&mut self, batch: Batch<((u64, i64), i64)>) -> Result<(), ConnectorError> {
        let mut map = self.0.write().expect("no panics under it");
        // Keys stay, so what is taken back is always replaced.
        let new = batch.records.into_iter().filter(|(_, times)| *times > 0);
        map.extend(new.map(|(pair, _)| pair));
        Ok(())
    }
}

pub fn run(runs: Runs) -> Vec<Row> {
    let watched = Duration::from_secs(if runs.quick { 1 } else { 10 });
    let (sink, _) = view_of_changes();
    let (capacity, _) = under(Load(None), sink, watched, || ());
    let half = (capacity / 2.0) as u64;
    let params = Params::from([
        ("keys", KEYS.into()),
        ("capacity_per_s", (capacity as u64).into()),
        ("watched_s", watched.as_secs().into()),
    ]);
    let row = |engine, took: Duration, (rate, times): (f64, Histogram<u64>)| {
        let micros = |nanos: u64| Some(nanos as f64 / 1e3);
        let row = Row {
            workload: "views",
            params: params.clone(),
            engine,
            workers: 1,
            records: Some(times.len()),
            records_per_s: (rate > 1.0).then_some(rate),
            p50_us: micros(times.value_at_quantile(0.5)),
            p99_us: micros(times.value_at_quantile(0.99)),
            p999_us: micros(times.value_at_quantile(0.999)),
            ..Row::default()
        };
        let slow = times.iter_recorded().filter(|step| step.value_iterated_to() > 5_000);
        let slow = slow.map(|step| step.value_iterated_to() * step.count_at_value()).sum::<u64>();
        let figures = [
            ("p50 us", times.value_at_quantile(0.5) as f64 / 1e3, "<= 0.5"),
            ("p99 us", times.value_at_quantile(0.99) as f64 / 1e3, "<= 5"),
            ("slowest us", times.max() as f64 / 1e3, ""),
            ("% of the time in look-ups of more than 5 us", slow as f64 / took.as_nanos() as f64 * 100.0, ""),
        ]
        .map(|(what, value, wanted)| {
            Row::figure("views", &params, format!("{engine}: {what}"), value, wanted)
        });
        [vec![row], figures.into()].concat()
    };
    let view_under = |load| {
        let (sink, totals) = view_of_changes();
        under(load, sink, watched, move || timed(watched, |key| totals.get(&key)))
    };
    let by_hand = {
        let map = Arc::new(RwLock::new(HashMap::new()));
        let look_up = map.clone();
        let get = move |key: u64| look_up.read().expect("no panics under it").get(&key).copied();
        under(Load(Some(half)), ByHand(map), watched, move || timed(watched, get))
    };
    [
        row("the clock alone", watched / 4, (0.0, timed(watched / 4, Some))),
        row("view, idle job", watched, view_under(Load(Some(0)))),
        row("view, job at half its capacity", watched, view_under(Load(Some(half)))),
        row("one RwLock, by hand, same load", watched, by_hand),
    ]
    .concat()
}

/// Times single look-ups of random keys for so long; in nanoseconds.
fn timed<V>(watched: Duration, look_up: impl Fn(u64) -> Option<V>) -> Histogram<u64> {
    let mut histogram = Histogram::new(3).expect("three digits");
    let begun = Instant::now();
    for n in 0.. {
        let key = mix(n) % KEYS;
        let started = Instant::now();
        let value = std::hint::black_box(look_up(std::hint::black_box(key)));
        let ended = Instant::now();
        assert!(value.is_some(), "all keys are there");
        histogram.record((ended - started).as_nanos() as u64).expect("it resizes");
        if ended - begun > watched {
            break;
        }
    }
    histogram
}

/// Runs a job, and `look` on a thread of its own while it runs. Returns the records a second that were delivered in
/// that time, or while it was `watched`, and what `look` returned.
fn under<R: Send + 'static>(
    load: Load,
    sink: impl Sink<((u64, i64), i64)>,
    watched: Duration,
    look: impl FnOnce() -> R + Send + 'static,
) -> (f64, R) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let (runtime, delivered) = (runtime.expect("a runtime"), Delivered::default());
    let mut job = {
        let _in_it = runtime.enter();
        let engine = Engine::new().listener(delivered.clone());
        engine.start(totals::Ports { records: load, out: sink }).expect("it starts")
    };
    // Until all keys are there, and it has settled.
    while delivered.0.load(Ordering::Relaxed) < KEYS {
        thread::sleep(Duration::from_millis(10));
    }
    thread::sleep(Duration::from_millis(300));
    let (begun, before) = (Instant::now(), delivered.0.load(Ordering::Relaxed));
    let looking = thread::spawn(look);
    thread::sleep(watched);
    let found = looking.join().expect("it finds all keys");
    let rate = (delivered.0.load(Ordering::Relaxed) - before) as f64 / begun.elapsed().as_secs_f64();
    runtime.block_on(job.stop()).expect("it stops well");
    (rate, found)
}
