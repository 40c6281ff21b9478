//! Records that make no sense.

use streaming_runtime::{
    JobError, ManualClock,
    connect::{channel, collect, queue},
    prelude::*,
};

use super::host::{ends, soon};

stream!(
    #[batch(secs(1))]
    fn parted<lines: Source<String>, out: Sink<i64>, dead: Sink<(String, String)>>(most: i64) {
        let (numbers, failed) = lines.try_map(|line| match line.parse::<i64>() {
            Ok(number) => Ok(number),
            Err(error) => Err((line, error.to_string())),
        });
        let (small, large) = numbers.try_map(move |n| if n <= most { Ok(n) } else { Err(n) });
        small.to(out);
        failed.to(dead);
        large.skip();
    }
);

stream!(
    /// The sink's operator stands before the one that fails.
    #[batch(secs(1))]
    fn strict<numbers: Source<i64>, out: Sink<i64>>() {
        let (even, odd) = numbers.try_map(|n| if n % 2 == 0 { Ok(n) } else { Err(n) });
        even.to(out);
        odd.map(|n| format!("{n} is odd")).fail();
    }
);

stream!(
    /// What fails takes the longer way, and another sink has nothing to do with it.
    #[batch(secs(1))]
    fn strict_from_afar<numbers: Source<i64>, more: Source<i64>, out: Sink<i64>, all: Sink<i64>>() {
        let (even, odd) = numbers.try_map(|n| if n % 2 == 0 { Ok(n) } else { Err(n) });
        even.to(out);
        let far = odd.map(|n| (n, n)).reduce_by_key(i64::max).map(|(n, _)| n);
        let (none, failed) = far.repartition(2).try_map(Err::<i64, _>);
        failed.union(none).fail();
        more.to(all);
    }
);

stream!(
    #[batch(secs(1))]
    fn windowed<numbers: Source<i64>, sums: Sink<i64>, odd: Sink<i64>>() {
        let recent = numbers.window(secs(2), secs(1));
        let (even, failed) = recent.try_map(|n| if n % 2 == 0 { Ok(n) } else { Err(n) });
        even.reduce(|a, b| a + b).to(sums);
        failed.to(odd);
        failed.skip();
    }
);

stream!(
    #[batch(secs(1))]
    fn kept<numbers: Source<i64>, out: Sink<i64>>() {
        let distinct = numbers.window(secs(2), secs(1)).distinct();
        let (even, odd) = distinct.try_map(|n| if n % 2 == 0 { Ok(n) } else { Err(n) });
        even.to(out);
        odd.skip();
    }
);

fn lines(batches: &[&[&str]]) -> Vec<Vec<String>> {
    batches.iter().map(|batch| batch.iter().map(|line| (*line).to_owned()).collect()).collect()
}

fn sorted<T: Ord>(mut records: Vec<T>) -> Vec<T> {
    records.sort();
    records
}

#[tokio::test]
async fn a_bad_record_goes_where_it_is_told() {
    for workers in [1, 2] {
        let ((out, numbers), (dead, failed)) = (collect(), collect());
        let lines = queue(lines(&[&["1", "x", "200", "3"], &["", "300", "400"], &["5"]]));
        let clock = ManualClock::new();
        let engine = Engine::new().workers(workers).manual_clock(&clock);
        let mut job = engine.start(parted::Ports { lines, out, dead, most: 100 }).expect("it starts");
        let skipped = |n| vec![("parted/large/skip", n)];
        for (n, so_far) in [1, 3, 3].into_iter().enumerate() {
            clock.advance(secs(1));
            job.delivered(clock.now()).await.expect("it lives on");
            assert_eq!(job.skipped(), skipped(so_far), "counted before batch {n} is delivered");
        }
        job.join().await.expect("it ends well");
        assert_eq!(sorted(numbers.records()), [1, 3, 5]);
        let failed: Vec<_> = sorted(failed.records());
        let why = |line: &str, why: &str| (line.to_owned(), why.to_owned());
        let want =
            [why("", "cannot parse integer from empty string"), why("x", "invalid digit found in string")];
        assert_eq!(failed, want);
        assert_eq!(job.skipped(), skipped(3), "also after the end");
        let (id, count) = skipped(3)[0];
        assert_eq!(job.metrics().operator(id).map(|operator| operator.skipped), Some(count));
    }
}

#[tokio::test]
async fn the_first_failure_ends_the_job_with_its_operator_and_words() {
    for workers in [1, 2] {
        let (sink, out) = collect();
        let numbers = queue(vec![vec![2, 4], vec![], vec![6, 7, 8], vec![10]]);
        let ended = ends(|engine| {
            engine.clone().workers(workers).start(strict::Ports { numbers, out: sink }).expect("it starts")
        })
        .await;
        match ended {
            Err(error @ JobError::RecordFailed { .. }) => {
                assert_eq!(error.to_string(), "operator `strict/odd/fail`: 7 is odd");
                assert_eq!(error.code(), "job.record_failed");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(sorted(out.records()), [2, 4], "nothing of the batch is delivered, and all before it");
        assert_eq!(out.len(), 2);
        assert!(strict::OPERATORS.contains(&"strict/odd/fail"));
    }
}

#[tokio::test]
async fn no_sink_gets_a_batch_in_which_a_record_fails_wherever_that_shows() {
    for workers in [1, 2, 3] {
        let ((sink, out), (all_sink, all)) = (collect(), collect());
        let numbers = queue(vec![vec![2, 4], (0..2000).collect(), vec![]]);
        let more = queue(vec![vec![1], vec![2], vec![3]]);
        let ended = ends(|engine| {
            let ports = strict_from_afar::Ports { numbers, more, out: sink, all: all_sink };
            engine.clone().workers(workers).start(ports).expect("it starts")
        })
        .await;
        assert_eq!(ended.expect_err("it fails").code(), "job.record_failed");
        assert_eq!((sorted(out.records()), all.records()), (vec![2, 4], vec![1]));
    }
}

#[tokio::test]
async fn a_batch_that_closes_early_is_held_back_as_well() {
    for workers in [1, 2] {
        let (sink, out) = collect();
        let (numbers, source) = channel(8);
        let clock = ManualClock::new();
        let engine = Engine::new().workers(workers).manual_clock(&clock).close_early(true);
        let mut job = engine.start(strict::Ports { numbers: source, out: sink }).expect("it starts");
        for n in [0, 2, 4] {
            numbers.send(n).await.expect("it runs");
            assert!(out.wait_until(|batches| batches.iter().any(|batch| batch.records.contains(&n))).await);
        }
        numbers.send(5).await.expect("it runs");
        assert_eq!(job.join().await.expect_err("odd").code(), "job.record_failed");
        assert_eq!(out.records(), [0, 2, 4]);
    }
}

#[tokio::test]
async fn a_local_worker_does_the_same() {
    let ((out, numbers), (dead, failed)) = (collect(), collect());
    let (sender, lines) = channel(8);
    let engine = Engine::new().close_early(true);
    let (mut job, worker) =
        engine.start_local(parted::Ports { lines, out, dead, most: 100 }).expect("it starts");
    let service = async {
        for (line, skipped) in [("1", 0), ("x", 0), ("200", 1), ("3", 1)] {
            let receipt = sender.send_tracked(line.to_owned()).await.expect("room");
            receipt.await.expect("delivered, wherever it went");
            assert_eq!(job.skipped(), [("parted/large/skip", skipped)]);
        }
        job.stop().await.expect("it ends well");
    };
    soon(async { tokio::join!(worker, service) }).await;
    assert_eq!((numbers.records(), failed.records().len()), (vec![1, 3], 1));

    let (sender, numbers) = channel(8);
    let (sink, out) = collect();
    let (mut job, worker) = engine.start_local(strict::Ports { numbers, out: sink }).expect("it starts");
    let service = async {
        sender.send_tracked(2).await.expect("room").await.expect("delivered");
        let lost = sender.send_tracked(3).await.expect("room").await;
        assert!(lost.is_err(), "its batch is not delivered");
        job.join().await.expect_err("odd").to_string()
    };
    let ((), error) = soon(async { tokio::join!(worker, service) }).await;
    assert_eq!(error, "operator `strict/odd/fail`: 3 is odd");
    assert_eq!(out.records(), [2]);
}

#[tokio::test]
async fn failures_of_a_window_are_those_of_the_window_and_counted_once() {
    for workers in [1, 2] {
        let ((sums, all_sums), (odd, all_odd)) = (collect(), collect());
        let numbers = queue(vec![vec![1, 2], vec![4, 5, 7], vec![8]]);
        let clock = ManualClock::new();
        let engine = Engine::new().workers(workers).manual_clock(&clock);
        let mut job = engine.start(windowed::Ports { numbers, sums, odd }).expect("it starts");
        clock.advance(secs(3));
        job.join().await.expect("it ends well");
        assert_eq!(all_sums.records(), [2, 6, 12]);
        let odd: Vec<_> = all_odd.batches().into_iter().map(|batch| sorted(batch.records)).collect();
        assert_eq!(odd, [vec![1], vec![1, 5, 7], vec![5, 7]]);
        assert_eq!(job.skipped(), [("windowed/failed/skip", 3)]);
    }
}

#[tokio::test]
async fn of_what_is_kept_a_failure_counts_when_it_is_added() {
    for workers in [1, 2] {
        let (sink, out) = collect();
        let numbers = queue(vec![vec![1, 1, 2], vec![4], vec![], vec![1]]);
        let clock = ManualClock::new();
        let engine = Engine::new().workers(workers).manual_clock(&clock);
        let mut job = engine.start(kept::Ports { numbers, out: sink }).expect("it starts");
        clock.advance(secs(4));
        job.join().await.expect("it ends well");
        let batches: Vec<_> = out.batches().into_iter().map(|batch| sorted(batch.records)).collect();
        assert_eq!(batches, [vec![2], vec![2, 4], vec![4], vec![]]);
        // It comes, goes with the window, and comes again.
        assert_eq!(job.skipped(), [("kept/odd/skip", 2)]);
    }
}

stream!(
    #[batch(secs(1))]
    fn fragile<numbers: Source<i64>, out: Sink<i64>>() {
        let (made, failed) = numbers.try_map(|n| 12_i64.checked_rem(n).ok_or_else(|| format!("{}", 1 / n)));
        made.to(out);
        failed.skip();
    }
);

#[tokio::test]
async fn a_panic_is_no_failure_of_a_record() {
    let numbers = queue(vec![vec![1, 0]]);
    let ended =
        ends(|engine| engine.start(fragile::Ports { numbers, out: collect().0 }).expect("it starts")).await;
    assert_eq!(
        ended.expect_err("it panics").to_string(),
        "operator `fragile/made+failed/try_map` panicked: attempt to divide by zero"
    );
}
