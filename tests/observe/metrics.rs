//! Counts, times, rates.

use std::time::Duration;

use streaming_runtime::{
    BatchTime, ManualClock,
    connect::{channel, collect, queue},
    metrics::{Frontier, JobMetrics, OperatorMetrics},
    prelude::*,
};

use super::{at_the_end, gated, seen};

stream!(
    #[batch(secs(1))]
    fn word_count<lines: Source<String>, counts: Sink<(String, i64)>, long: Sink<String>>() {
        let words = lines.flat_map(|line| line.split_whitespace().map(str::to_owned));
        words.map(|word| (word, 1)).reduce_by_key(|a, b| a + b).to(counts);
        words.filter(|word| word.len() > 3).to(long);
    }
);

stream!(
    #[batch(secs(1))]
    fn slow<numbers: Source<u64>, out: Sink<u64>>(pause: Duration) {
        let paused = numbers.map(move |n| {
            std::thread::sleep(pause);
            n
        });
        paused.distinct().to(out);
    }
);

stream!(
    #[batch(secs(1))]
    fn copy<numbers: Source<u64>, out: Sink<u64>>() {
        numbers.to(out);
    }
);

fn lines() -> Vec<Vec<String>> {
    let batch = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
    vec![batch(&["to be or", "not to be", "that is"]), batch(&[]), batch(&["the question is"])]
}

fn operator<'a>(metrics: &'a JobMetrics, id: &str) -> &'a OperatorMetrics {
    metrics.operator(id).unwrap_or_else(|| panic!("{id} is none of {:?}", word_count::OPERATORS))
}

async fn counted(workers: usize, metered: bool) -> JobMetrics {
    let clock = ManualClock::new();
    let ((counts, _), (long, _)) = (collect(), collect());
    let engine = Engine::new().workers(workers).manual_clock(&clock).name("hamlet").metrics(metered);
    let job = engine.start(word_count::Ports { lines: queue(lines()), counts, long }).expect("it starts");
    clock.advance(secs(3));
    at_the_end(job).await
}

#[tokio::test]
async fn records_are_counted_where_they_pass() {
    for workers in [1, 2] {
        let metrics = counted(workers, true).await;
        assert_eq!((&*metrics.job, metrics.workers, metrics.has_ended), ("hamlet", workers, true));
        assert_eq!((metrics.records, metrics.batches_closed, metrics.batches_delivered), (4, 3, 3));
        assert_eq!(metrics.batches_in_flight, 0);
        assert_eq!(metrics.last_batch, Some(BatchTime::from_millis(3000)));
        assert_eq!((metrics.processing_delay.batches, metrics.scheduling_delay.batches), (3, 3));
        assert!(metrics.processing_delay.last <= metrics.processing_delay.max);
        let lines = metrics.source("lines").expect("a port");
        assert_eq!((lines.records, lines.waiting_chunks, lines.has_ended), (4, 0, true));
        let sink = |port| {
            let sink = metrics.sink(port).expect("a port");
            (sink.records, sink.batches, sink.writing)
        };
        assert_eq!((sink("counts"), sink("long")), ((9, 3, None), (2, 3, None)));

        let ids: Vec<_> = metrics.operators.iter().map(|operator| operator.id).collect();
        assert_eq!(ids, word_count::OPERATORS, "all of them, in order");
        let passed = |id| {
            let operator = operator(&metrics, id);
            (operator.is_fused, operator.records_in, operator.records_out)
        };
        assert_eq!(passed("word_count/words/flat_map"), (false, 4, 11), "two read it, and it says it once");
        assert_eq!(passed("word_count/counts/map"), (true, 0, 0));
        assert_eq!(passed("word_count/counts/reduce_by_key"), (false, 11, 9), "not what its parts exchange");
        assert_eq!(passed("word_count/counts/to"), (false, 9, 0));
        assert_eq!(passed("word_count/long/to"), (false, 11, 0), "with the filter that is fused into it");
        assert_eq!(operator(&metrics, "word_count/counts/to").frontier, Some(Frontier::Open));
    }
}

#[tokio::test]
async fn a_job_that_is_not_metered_counts_at_its_ends_only() {
    let metrics = counted(1, false).await;
    assert_eq!((metrics.records, metrics.sink("counts").expect("a port").records), (4, 9));
    assert!(metrics.operators.iter().all(|operator| operator.records_in == 0 && operator.busy.is_zero()));
}

#[tokio::test]
async fn time_is_counted_where_it_is_spent() {
    for workers in [1, 2] {
        let (clock, (out, _)) = (ManualClock::new(), collect());
        let pause = Duration::from_millis(40);
        let numbers = queue(vec![vec![1, 2, 3], vec![4, 5]]);
        let engine = Engine::new().workers(workers).manual_clock(&clock);
        let job = engine.start(slow::Ports { numbers, out, pause }).expect("it starts");
        clock.advance(secs(2));
        let metrics = at_the_end(job).await;
        let distinct = metrics.operator("slow/out/distinct").expect("an operator");
        assert!(distinct.busy >= 5 * pause, "with the map in it: {distinct:?}");
        let rest: Duration = metrics.operators.iter().map(|operator| operator.busy).sum::<Duration>();
        assert_eq!(metrics.operator("slow/paused/map").expect("an operator").busy, Duration::ZERO);
        assert!(rest - distinct.busy + metrics.engine_busy < distinct.busy, "{metrics:?}");
    }
}

#[tokio::test]
async fn rates_and_idle_times_go_by_the_jobs_clock() {
    let (clock, (out, _)) = (ManualClock::new(), collect());
    clock.advance(secs(1));
    let (numbers, source) = channel(8);
    let ports = copy::Ports { numbers: source, out };
    let mut job = Engine::new().manual_clock(&clock).start(ports).expect("it starts");
    numbers.send_all((0..100).collect()).await.expect("it runs");
    seen(&job.monitor(), |metrics| metrics.records == 100).await;
    let source = |job: &streaming_runtime::Job| job.metrics().source("numbers").expect("a port").clone();
    for (after, rate) in [(1, 100.0), (2, 50.0), (4, 25.0), (10, 0.0)] {
        clock.advance(millis(1000 + 1000 * after - clock.now().as_millis()));
        job.delivered(clock.now()).await.expect("it runs");
        let source = source(&job);
        assert_eq!((source.records, source.records_per_second), (100, rate));
        assert_eq!(source.idle, Some(secs(after)));
    }
    job.stop().await.expect("it stops well");
}

#[tokio::test]
async fn what_waits_is_seen() {
    let (clock, (out, mut gate)) = (ManualClock::new(), gated());
    let (numbers, source) = channel(1);
    let engine = Engine::new().manual_clock(&clock).in_flight(1).queue(3);
    let mut job = engine.start(copy::Ports { numbers: source, out }).expect("it starts");
    let monitor = job.monitor();
    clock.advance(secs(1));
    gate.is_writing().await;
    // One batch is in flight, so workers take in nothing more.
    let sending = tokio::spawn(async move {
        for n in 0..6 {
            numbers.send(n).await.expect("it runs");
        }
    });
    // From another thread, while this one has other things to do.
    let full = std::thread::spawn(move || {
        loop {
            let metrics = monitor.metrics();
            if metrics.sources[0].waiting_chunks == 3 {
                return metrics;
            }
            std::thread::yield_now();
        }
    });
    let full = tokio::task::spawn_blocking(|| full.join()).await.expect("it ran").expect("no panic");
    assert_eq!((full.records, full.sources[0].idle, full.batches_in_flight), (0, None, 1));
    assert_eq!((full.sinks[0].writing, full.sinks[0].batches), (Some(Duration::ZERO), 0));
    gate.open();
    sending.await.expect("it was all sent");
    job.stop().await.expect("it stops well");
    assert_eq!(job.metrics().sinks[0].records, 6);
}

#[tokio::test]
async fn numbers_go_out_as_json() {
    let json = serde_json::to_value(counted(1, true).await).expect("plain values");
    assert_eq!(json["last_batch"], 3000.0);
    assert_eq!(json["sources"][0]["port"], "lines");
    assert!(json["uptime"].as_f64().is_some_and(|seconds| seconds > 0.0));
    let to = json["operators"].as_array().expect("a list").last().expect("an operator");
    assert_eq!((&to["id"], &to["frontier"]), (&"word_count/long/to".into(), &"open".into()));
}

#[tokio::test]
async fn a_local_worker_is_metered_too() {
    let (clock, (out, _)) = (ManualClock::new(), collect());
    let ports = copy::Ports { numbers: queue(vec![vec![1, 2], vec![3]]), out };
    let (mut job, worker) = Engine::new().manual_clock(&clock).start_local(ports).expect("it starts");
    clock.advance(secs(2));
    let (ended, ()) = tokio::join!(job.join(), worker);
    ended.expect("it ends well");
    let metrics = job.metrics();
    let to = metrics.operator("copy/out/to").expect("an operator");
    assert_eq!((metrics.records, to.records_in, metrics.sinks[0].records), (3, 3, 3));
}
