//! Cost against load: where does the micro-batch design take less CPU for a record than closing early, and where does
//! it take more records?
//!
//! Lines over TCP at given rates, counted by key, as in `open_loop`, from a hundred a second to as fast as they go. The
//! engine closes a batch early (`interval_ms` 0), early but a millisecond apart (1), or at the interval only; the twin runs
//! at the interval. All have one thread. CPU time is that of the engine's thread: what the kernel says that all threads of
//! this process ran between the first line and the last result, without the sender, which waits until all is seen. Work that
//! the kernel does for a packet is in the sender's time, for all of them.
//!
//! Estimate, before the first run. To be woken, read the socket and close a batch costs the engine 20 us, and so does a
//! boundary; to be woken and read the socket without closing 10 us; to be woken once an interval costs the twin 10 us, with
//! no line in it too; a line 0.15 us the engine and 0.12 us the twin. The sender's bursts wake somebody 10,000 times a
//! second at most. CPU us a record:
//!
//! | records/s | early | by 1 / 10 / 100 ms | twin, 1 / 10 / 100 ms |
//! |---|---|---|---|
//! | 100 | 20 | 210 / 30 / 12 | 100 / 10 / 1.1 |
//! | 1,000 | 20 | 30 / 12 / 10 | 10 / 1.1 / 0.2 |
//! | 10,000 | 20 | 12 / 10 / 10 | 1.1 / 0.2 / 0.13 |
//! | 100,000 | 2.2 | 1.4 / 1.2 / 1.2 | 0.2 / 0.13 / 0.12 |
//! | 1,000,000 | 0.35 | 0.27 / 0.25 / 0.25 | 0.13 / 0.12 / 0.12 |
//! | as fast as it goes | 0.15 | 0.15 | 0.12 |
//!
//! So the twin at 1 ms costs less from 500 records a second on, at 10 and 100 ms always; at its best by 50 times, in the middle;
//! and it takes 1.2 times as many. It is paid in latency: half an interval at the median and one at the 99th, against 0.1
//! and 1 ms.

use std::{
    fs::read_to_string,
    net::{SocketAddr, TcpListener},
    time::{Duration, Instant},
};

use streaming_runtime::{connect::tcp, prelude::*};

use crate::open_loop::{Load, Seen, accept, count_lines, drive, parse, send_lines, twin};
use contenders::measure::{Params, Row, Runs};

macro_rules! count_every {
    ($name:ident $ms:tt) => {
        stream!(
            #[batch(millis($ms))]
            fn $name<lines: Source<String>, counts: Sink<(u64, (u64, u64))>>() {
                let due = lines.map(|line| parse(&line));
                let ones = due.map(|(key, due)| (key, (1, due)));
                ones.reduce_by_key(|(n, a), (m, b)| (n + m, a.min(b))).to(counts);
            }
        );
    };
}

count_every!(every_1_ms 1);
count_every!(every_10_ms 10);
count_every!(every_100_ms 100);

/// Runs until the sender at the address has closed.
type Run = fn(SocketAddr, Seen);

struct Contestant {
    engine: &'static str,
    interval_ms: u64,
    run: Run,
}

const EARLY: &str = "stream, close early";
const BY_INTERVAL: &str = "stream, by interval";
const TWIN: &str = "twin";

const CONTESTANTS: [Contestant; 8] = [
    entrant(EARLY, 0, |at, counts| {
        drive(false, Engine::new().close_early(true), count_lines::Ports { lines: lines(at), counts });
    }),
    entrant(EARLY, 1, |at, counts| {
        let engine = Engine::new().close_early(true).min_batch(millis(1));
        drive(false, engine, count_lines::Ports { lines: lines(at), counts });
    }),
    entrant(BY_INTERVAL, 1, |at, counts| {
        drive(false, Engine::new(), every_1_ms::Ports { lines: lines(at), counts });
    }),
    entrant(TWIN, 1, |at, seen| twin(Duration::from_millis(1), at, &seen)),
    entrant(BY_INTERVAL, 10, |at, counts| {
        drive(false, Engine::new(), every_10_ms::Ports { lines: lines(at), counts });
    }),
    entrant(TWIN, 10, |at, seen| twin(Duration::from_millis(10), at, &seen)),
    entrant(BY_INTERVAL, 100, |at, counts| {
        drive(false, Engine::new(), every_100_ms::Ports { lines: lines(at), counts });
    }),
    entrant(TWIN, 100, |at, seen| twin(Duration::from_millis(100), at, &seen)),
];

const fn entrant(engine: &'static str, interval_ms: u64, run: Run) -> Contestant {
    Contestant { engine, interval_ms, run }
}

fn lines(at: SocketAddr) -> tcp::Lines {
    tcp::lines(at.to_string()).until_closed()
}

/// What a run took from its first line to its last result.
#[derive(Clone, Copy)]
struct Took {
    seconds: f64,
    cpu: f64,
}

pub fn run(runs: Runs) -> Vec<Row> {
    let (rates, seconds, most): (&[u64], f64, u64) = match runs {
        Runs { quick: true, .. } => (&[100, 1_000, 100_000], 0.3, 2_000_000),
        Runs { brief: true, .. } => (&[100, 10_000, 100_000, 1_000_000, 3_000_000], 1.5, 10_000_000),
        _ => (&[100, 1_000, 10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000], 2.0, 10_000_000),
    };
    let paced = rates.iter().map(|&rate| Load { records: (rate as f64 * seconds) as u64, rate: Some(rate) });
    let loads: Vec<Load> = paced.chain([Load { records: most, rate: None }]).collect();
    let mut rows = Vec::new();
    for load in &loads {
        rows.extend(under(*load, if runs.brief { 3 } else { runs.repeat.div_ceil(2) }));
    }
    let figures = figures(&rows);
    rows.extend(figures);
    rows
}

/// All contestants under a load, in turn.
fn under(load: Load, repeat: usize) -> Vec<Row> {
    let seen: Vec<Seen> = CONTESTANTS.iter().map(|_| Seen::new()).collect();
    let mut took = vec![Vec::new(); CONTESTANTS.len()];
    for _ in 0..repeat {
        for ((contestant, seen), took) in CONTESTANTS.iter().zip(&seen).zip(&mut took) {
            took.push(once(load, contestant.run, seen));
        }
    }
    let sum = seen[0].so_far().sum;
    let row = |((contestant, seen), took): ((&Contestant, Seen), &mut Vec<Took>)| {
        let Contestant { engine, interval_ms, .. } = *contestant;
        let seen = seen.so_far();
        assert_eq!(seen.sum, sum, "{engine} at {interval_ms} ms differs from {}", CONTESTANTS[0].engine);
        took.sort_by(|a, b| a.cpu.total_cmp(&b.cpu));
        let Took { seconds, cpu } = took[took.len() / 2];
        let row = Row {
            workload: "crossover",
            params: Params::from([("interval_ms", interval_ms.into()), ("records_per_s", load.rate.into())]),
            engine,
            workers: 1,
            records: Some(load.records),
            seconds: Some(seconds),
            records_per_s: Some(load.records as f64 / seconds),
            cpu_seconds: Some(cpu),
            checksum: Some(format!("{:016x}", seen.sum)),
            ..Row::default()
        };
        row.with_latencies(&seen.latencies)
    };
    CONTESTANTS.iter().zip(seen).zip(&mut took).map(row).collect()
}

/// One run.
fn once(load: Load, run: Run, seen: &Seen) -> Took {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it is bound");
    let all = seen.so_far().records + load.records;
    let watched = seen.clone();
    let sender = std::thread::spawn(move || {
        let mut client = accept(&listener);
        let (cpu, started) = (cpu_of_others(), Instant::now());
        send_lines(&mut client, load);
        // The end of a paced load waits for its boundary as all of it did; throughput is measured without.
        let _open = load.rate.is_some().then_some(client);
        while watched.so_far().records < all {
            std::thread::sleep(Duration::from_micros(500));
        }
        Took { seconds: started.elapsed().as_secs_f64(), cpu: cpu_of_others() - cpu }
    });
    run(address, seen.clone());
    sender.join().expect("it sends all")
}

/// Seconds that the other threads of this process which are still there have been on a core.
fn cpu_of_others() -> f64 {
    let this = std::fs::read_link("/proc/thread-self").expect("Linux");
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux").flatten();
    let others = tasks.filter(|task| Some(&*task.file_name()) != this.file_name());
    let nanos = |task: std::fs::DirEntry| -> u64 {
        // A thread that has just ended has none.
        let stat = read_to_string(task.path().join("schedstat")).unwrap_or_default();
        stat.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0)
    };
    others.map(nanos).sum::<u64>() as f64 / 1e9
}

/// Where they cross, and how far they are apart at both ends.
fn figures(rows: &[Row]) -> Vec<Row> {
    let mut figures = Vec::new();
    let line = |engine: &'static str, interval_ms: u64| -> Vec<&Row> {
        let of = |row: &&Row| row.engine == engine && row.params["interval_ms"] == interval_ms;
        rows.iter().filter(of).collect()
    };
    for interval in [1, 10, 100] {
        let twin = line(TWIN, interval);
        for (engine, least) in [(EARLY, 0), (EARLY, 1), (BY_INTERVAL, interval)] {
            let ours = line(engine, least);
            let params = Params::from([("interval_ms", interval.into())]);
            let mut figure =
                |what: String, value| figures.push(Row::figure("crossover", &params, what, value, ""));
            let name = match (engine, least) {
                (EARLY, 1) => "stream, close early 1 ms apart",
                _ => engine,
            };
            let ratios: Vec<(f64, f64)> = ours.iter().zip(&twin).map(|(a, b)| ratio(a, b)).collect();
            let crossings = crossings(&ratios);
            for (rate, less) in &crossings {
                let what = format!("records/s from which twin, {interval} ms, costs {less} CPU than {name}");
                figure(what, *rate);
            }
            if crossings.is_empty() {
                let less = if ratios[0].1 > 1.0 { "less" } else { "more" };
                let what =
                    format!("at all rates twin, {interval} ms, costs {less} CPU: {name} / twin, least");
                figure(what, ratios.iter().map(|(_, ratio)| *ratio).fold(f64::INFINITY, f64::min));
            }
            let largest = ratios.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or_default();
            figure(
                format!("CPU of {name} / twin, {interval} ms, largest, at {:.0} records/s", largest.0),
                largest.1,
            );
            if let (Some(ours), Some(twin)) = (ours.last(), twin.last()) {
                let throughput = |row: &Row| row.records_per_s.unwrap_or(f64::NAN);
                figure(
                    format!("throughput of {name} / twin, {interval} ms"),
                    throughput(ours) / throughput(twin),
                );
            }
        }
    }
    figures
}

/// Records a second, and how much more CPU one takes than the other.
fn ratio(one: &Row, other: &Row) -> (f64, f64) {
    let cpu = |row: &Row| row.cpu_seconds.unwrap_or(f64::NAN);
    (one.records_per_s.unwrap_or(f64::NAN), cpu(one) / cpu(other))
}

/// The rates between two that were measured at which the ratio passes 1, on a line between their logarithms; and
/// whether the other costs less from there on, or more.
fn crossings(ratios: &[(f64, f64)]) -> Vec<(f64, &'static str)> {
    let crossing = |pair: &[(f64, f64)]| {
        let ((rate, before), (next, after)) = (pair[0], pair[1]);
        let part = before.ln() / (before.ln() - after.ln());
        let at = (rate.ln() + part * (next.ln() - rate.ln())).exp();
        ((before > 1.0) != (after > 1.0)).then_some((at, if after > 1.0 { "less" } else { "more" }))
    };
    ratios.windows(2).filter_map(crossing).collect()
}
