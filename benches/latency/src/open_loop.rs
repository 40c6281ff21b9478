//! Lines over TCP at a given rate, counted by key: how long after it should have been sent is a record in a result?
//!
//! Free of coordinated omission: a record's time is when it was due, whether or not the sender could keep up. A line
//! is `key due`, in nanoseconds; an engine says of each key of a batch how many records came and which was due first,
//! and all of them are given that one's latency. The plain loop reads the socket, parses and counts each line, and
//! calls a line done when all that one `read` gave is counted. The twin reads and counts what has come at each interval,
//! in one thread. The sender, a thread of this process, shares the cores with all of them.
//!
//! Estimate, before the first run: the sender sleeps some 60 us between its bursts, a read wakes another thread, so
//! 0.1 ms at the median for the plain loop; the engine in the runtime adds its 10 us; on a thread of its own, another
//! wake-up of 20 us. The twin at 100 ms: 50 ms at the median, 100 ms at the 99th. At saturation the twin counts a
//! batch as the plain loop does, and the engine some 0.7 times as fast.

use std::{
    collections::BTreeMap,
    io::{BufWriter, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use foldhash::fast::RandomState;
use futures::future::{Either, ready};
use hashbrown::HashMap;
use hdrhistogram::Histogram;
use streaming_runtime::{
    connect::{Batch, ConnectorError, channel, tcp},
    prelude::*,
};

use contenders::{
    function::Function,
    measure::{Params, Row, Runs, mix, monotonic_nanos as now},
    twin::{Reduce, at_intervals},
};

stream!(
    /// How many lines of each key, and when the first was due.
    #[batch(secs(1))]
    pub fn count_lines<lines: Source<String>, counts: Sink<(u64, (u64, u64))>>() {
        let due = lines.map(|line| parse(&line));
        due.map(|(key, due)| (key, (1, due))).reduce_by_key(|(n, a), (m, b)| (n + m, a.min(b))).to(counts);
    }
);

stream!(
    /// The same of records.
    #[batch(secs(1))]
    fn count_records<records: Source<(u64, u64)>, counts: Sink<(u64, (u64, u64))>>() {
        records
            .map(|(key, due)| (key, (1, due)))
            .reduce_by_key(|(n, a), (m, b)| (n + m, a.min(b)))
            .to(counts);
    }
);

/// Keys that come.
const KEYS: u64 = 100_000;

pub fn parse(line: &str) -> (u64, u64) {
    let (key, due) = line.split_once(' ').expect("a line is `key due`");
    (key.parse().expect("a number"), due.parse().expect("a number"))
}

/// What was seen.
#[derive(Clone)]
pub struct Seen(Arc<Mutex<Sight>>);

#[derive(Clone)]
pub struct Sight {
    pub records: u64,
    /// Of the keys of all records: the same however they are put into batches.
    pub sum: u64,
    /// In nanoseconds.
    pub latencies: Histogram<u64>,
}

impl Default for Seen {
    fn default() -> Self {
        Self::new()
    }
}

impl Seen {
    pub fn new() -> Self {
        let latencies = Histogram::new(3).expect("three digits");
        Seen(Arc::new(Mutex::new(Sight { records: 0, sum: 0, latencies })))
    }

    pub fn so_far(&self) -> MutexGuard<'_, Sight> {
        self.0.lock().expect("no panic")
    }

    fn note<'a>(&self, counts: impl IntoIterator<Item = &'a (u64, (u64, u64))>) {
        let (done, mut seen) = (now(), self.so_far());
        for &(key, (records, due)) in counts {
            seen.records += records;
            seen.sum = seen.sum.wrapping_add(mix(key).wrapping_mul(records));
            seen.latencies.record_n(done.saturating_sub(due), records).expect("it resizes");
        }
    }
}

impl Sink<(u64, (u64, u64))> for Seen {
    async fn write(&mut self, batch: Batch<(u64, (u64, u64))>) -> Result<(), ConnectorError> {
        self.note(&batch.records);
        Ok(())
    }
}

/// What is sent: so many records, so many a second, or as fast as it goes.
#[derive(Clone, Copy)]
pub struct Load {
    pub records: u64,
    pub rate: Option<u64>,
}

/// Gives each record to `send` when it is due, and lets go what has gathered before it sleeps.
fn offer<S>(load: Load, sender: &mut S, send: impl Fn(&mut S, u64, u64), let_go: impl Fn(&mut S)) {
    let start = now();
    for n in 0..load.records {
        let due = load.rate.map(|rate| start + (n as f64 * 1e9 / rate as f64) as u64);
        if let Some(due) = due
            && due > now()
        {
            let_go(sender);
            std::thread::sleep(Duration::from_nanos(due.saturating_sub(now())));
        }
        send(sender, mix(n) % KEYS, due.unwrap_or_else(now));
    }
    let_go(sender);
}

/// Serves the load to the first client; returns its address.
fn serve(load: Load) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it is bound");
    std::thread::spawn(move || send_lines(&mut accept(&listener), load));
    address
}

/// The first client.
pub fn accept(listener: &TcpListener) -> BufWriter<TcpStream> {
    let (client, _) = listener.accept().expect("a client");
    client.set_nodelay(true).expect("a socket");
    BufWriter::with_capacity(1 << 16, client)
}

pub fn send_lines(client: &mut BufWriter<TcpStream>, load: Load) {
    let line = |client: &mut BufWriter<TcpStream>, key, due| {
        writeln!(client, "{key} {due}").expect("the client reads");
    };
    offer(load, client, line, |client| client.flush().expect("the client reads"));
}

/// Says a port, and serves a load there to an engine in another process, once. Times are of the clock that processes
/// share.
pub fn send(rate: u64, records: u64) -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?.port());
    send_lines(&mut accept(&listener), Load { records, rate: Some(rate) });
    Ok(())
}

/// Gives the lines of each read to `read`.
fn read_lines(address: SocketAddr, mut read: impl FnMut(&mut dyn Iterator<Item = (u64, u64)>)) {
    let mut client = TcpStream::connect(address).expect("the sender listens");
    let (mut buffer, mut filled) = (vec![0; 1 << 16], 0);
    loop {
        match client.read(&mut buffer[filled..]).expect("the sender sends") {
            0 => return,
            n => filled += n,
        }
        let end = buffer[..filled].iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let whole = std::str::from_utf8(&buffer[..end]).expect("the sender sends text");
        read(&mut whole.lines().map(parse));
        buffer.copy_within(end..filled, 0);
        filled -= end;
    }
}

fn plain(load: Load, seen: &Seen) {
    let mut counts = HashMap::<u64, u64, RandomState>::default();
    read_lines(serve(load), |lines| {
        let mut done = Vec::new();
        for (key, due) in lines {
            *counts.entry(key).or_default() += 1;
            done.push((key, (1, due)));
        }
        seen.note(&done);
    });
}

/// How many lines of a key there were and which was due first.
enum Due {}
impl Function for Due {
    type Of = (u64, u64);
    fn of(due: i64) -> (u64, u64) {
        (1, due as u64)
    }
    fn merge((n, a): (u64, u64), (m, b): (u64, u64)) -> (u64, u64) {
        (n + m, a.min(b))
    }
    fn is_nothing(_: &(u64, u64)) -> bool {
        false
    }
    fn portable((n, due): (u64, u64)) -> u64 {
        mix(n) ^ due
    }
}

/// One thread reads and counts.
pub fn twin(interval: Duration, address: SocketAddr, seen: &Seen) {
    let mut reduce = Reduce::<u64, Due>::on(1, &RandomState::default()).next().expect("one thread's part");
    let mut counts = Vec::new();
    let socket = TcpStream::connect(address).expect("the sender listens");
    at_intervals(socket, interval, |lines| match lines {
        Some(lines) => lines.lines().map(parse).for_each(|(key, due)| reduce.add(key, due as i64)),
        None => {
            reduce.finish(&mut counts);
            seen.note(&counts);
            counts.clear();
        }
    });
}

/// Whether the worker has a thread of its own.
fn stream(own_thread: bool, load: Load, seen: &Seen) {
    let lines = tcp::lines(serve(load).to_string()).until_closed();
    drive(own_thread, early(), count_lines::Ports { lines, counts: seen.clone() });
}

/// In the process, without a socket.
fn pushed(own_thread: bool, load: Load, seen: &Seen) {
    let (mut sender, records) = channel(1 << 16);
    std::thread::spawn(move || {
        let send = |sender: &mut streaming_runtime::connect::Sender<(u64, u64)>, key, due| {
            sender.blocking_send((key, due)).expect("the job runs");
        };
        offer(load, &mut sender, send, |_| {});
    });
    drive(own_thread, early(), count_records::Ports { records, counts: seen.clone() });
}

fn early() -> Engine {
    Engine::new().close_early(true)
}

pub fn drive(own_thread: bool, engine: Engine, ports: impl streaming_runtime::Pipeline) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let (mut job, worker) = match own_thread {
            true => (engine.start(ports).expect("it starts"), Either::Right(ready(()))),
            false => {
                let (job, worker) = engine.start_local(ports).expect("it starts");
                (job, Either::Left(worker))
            }
        };
        tokio::join!(async { job.join().await.expect("it ends well") }, worker);
    });
}

type Contestant = (&'static str, fn(Load, &Seen));

const OVER_TCP: [Contestant; 5] = [
    ("plain loop", plain),
    ("stream, in the runtime", |load, seen| stream(false, load, seen)),
    ("stream, own thread", |load, seen| stream(true, load, seen)),
    ("twin, 100 ms", |load, seen| twin(Duration::from_millis(100), serve(load), seen)),
    ("twin, 1 ms", |load, seen| twin(Duration::from_millis(1), serve(load), seen)),
];

const IN_PROCESS: [Contestant; 2] = [
    ("pushed, in the runtime", |load, seen| pushed(false, load, seen)),
    ("pushed, own thread", |load, seen| pushed(true, load, seen)),
];

pub fn run(runs: Runs) -> Vec<Row> {
    let (seconds, rates): (u64, &[u64]) = match runs {
        Runs { quick: true, .. } => (1, &[1_000, 10_000, 50_000, 100_000]),
        Runs { brief: true, .. } => (3, &[10_000, 50_000, 100_000]),
        _ => (4, &[1_000, 10_000, 50_000, 100_000]),
    };
    let mut rows = Vec::new();
    for &rate in rates {
        let load = Load { records: rate * seconds, rate: Some(rate) };
        rows.extend(paced("open loop over TCP", load, runs, &OVER_TCP));
    }
    let load = Load { records: 100_000 * seconds, rate: Some(100_000) };
    rows.extend(paced("open loop in process", load, runs, &IN_PROCESS));
    rows.extend(saturated(runs, seconds));
    rows
}

/// The latencies of each at a rate.
fn paced(what: &'static str, load: Load, runs: Runs, contestants: &[Contestant]) -> Vec<Row> {
    let params = Params::from([("records_per_s", load.rate.into()), ("load", what.into())]);
    let all: Vec<_> = contestants.iter().map(|_| Seen::new()).collect();
    for _ in 0..runs.repeat.div_ceil(2) {
        for ((_, run), seen) in contestants.iter().zip(&all) {
            run(load, seen);
        }
    }
    let (mut rows, mut quantiles) = (Vec::new(), BTreeMap::new());
    let sum = all[0].so_far().sum;
    for ((engine, _), seen) in contestants.iter().zip(&all) {
        let seen = seen.so_far();
        assert_eq!(seen.records, load.records * runs.repeat.div_ceil(2) as u64, "{engine} lost records");
        assert_eq!(seen.sum, sum, "{engine} has other keys");
        let quantile = |q| seen.latencies.value_at_quantile(q) as f64 / 1e3;
        quantiles.insert(*engine, (quantile(0.5), quantile(0.99)));
        let row = Row {
            workload: "latency",
            params: params.clone(),
            engine,
            workers: 1,
            records: Some(seen.records),
            checksum: Some(format!("{:016x}", seen.sum)),
            ..Row::default()
        };
        rows.push(row.with_latencies(&seen.latencies));
    }
    let mut ratio = |one, other, worst: (&'static str, &'static str)| {
        if let (Some(one_is), Some(other_is)) = (quantiles.get(one), quantiles.get(other)) {
            let mut figure = |quantile, value, wanted| {
                let what = format!("{quantile} of {one} / {other}");
                rows.push(Row::figure("latency", &params, what, value, wanted));
            };
            figure("p50", one_is.0 / other_is.0, worst.0);
            figure("p99", one_is.1 / other_is.1, worst.1);
        }
    };
    ratio("stream, in the runtime", "plain loop", ("<= 1.3", "<= 1.5"));
    ratio("stream, own thread", "plain loop", ("<= 1.3", "<= 1.5"));
    ratio("twin, 100 ms", "stream, in the runtime", ("", ">= 20"));
    ratio("twin, 1 ms", "stream, in the runtime", ("", ""));
    rows
}

/// How much each takes at most, and the latency at 80 % of that.
fn saturated(runs: Runs, seconds: u64) -> Vec<Row> {
    let load = Load { records: 500_000 * seconds, rate: None };
    let params = Params::from([("load", "open loop, as fast as it goes over TCP".into())]);
    let mut rows = Vec::new();
    let mut capacity = BTreeMap::new();
    for (engine, run) in &OVER_TCP[..4] {
        let mut times: Vec<f64> = (0..runs.repeat.div_ceil(2))
            .map(|_| {
                let start = Instant::now();
                run(load, &Seen::new());
                start.elapsed().as_secs_f64()
            })
            .collect();
        times.sort_by(f64::total_cmp);
        let seconds = times[times.len() / 2];
        let rate = load.records as f64 / seconds;
        capacity.insert(*engine, rate);
        rows.push(Row {
            workload: "latency",
            params: params.clone(),
            engine,
            workers: 1,
            records: Some(load.records),
            seconds: Some(seconds),
            records_per_s: Some(rate),
            ..Row::default()
        });
    }
    let ratio = capacity["stream, own thread"] / capacity["twin, 100 ms"];
    rows.push(Row::figure("latency", &params, "throughput of stream, own thread / twin, 100 ms", ratio, ""));
    for (engine, run) in &OVER_TCP[1..3] {
        let rate = (capacity[engine] * 0.8) as u64;
        let load = Load { records: rate * seconds, rate: Some(rate) };
        rows.extend(paced("open loop over TCP, 80 % of capacity", load, runs, &[(*engine, *run)]));
    }
    rows
}
