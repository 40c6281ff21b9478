//! Loops that do not end, or that multiply: each ends its job with an error that names the loop.

use std::time::Duration;

use streaming_runtime::{
    JobError, ManualClock,
    connect::{collect, queue},
    prelude::*,
};

use support::soon;

use super::outcome;

stream!(
    /// Twice as many copies in each round.
    #[batch(secs(1))]
    fn doubling<numbers: Source<u64>, out: Sink<u64>>(rounds: u64) {
        let recent = numbers.window(secs(1), secs(1));
        let all = recent.iterate_at_most(rounds, |x| x.union(x));
        all.to(out);
    }
);

#[test]
fn copies_that_double_in_each_round_end_the_job() {
    let (out, all) = collect();
    let numbers = queue(vec![vec![7]]);
    let ended = outcome(Engine::new(), 1, |engine| {
        engine.start(doubling::Ports { numbers, out, rounds: 10_000 }).expect("it starts")
    });
    let Err(error @ JobError::TooManyCopies { .. }) = ended else { panic!("it ends with {ended:?}") };
    assert_eq!(error.code(), "job.too_many_copies");
    assert!(error.to_string().contains("`doubling/all/iterate_at_most`"), "{error}");
    assert!(all.is_empty(), "nothing is delivered of it");
}

stream!(
    /// Paths counted by copies: each way through a ladder is one. Outside of the loop it is one record that is there often.
    #[batch(secs(1))]
    fn paths<steps: Source<(u64, u64)>, out: Sink<(u64, u64)>, number: Sink<i64>>() {
        let steps = steps.window(secs(1), secs(1));
        let start = steps.filter(|(from, _)| *from == 0).map(|_| (0_u64, ())).distinct();
        let ways = start.iterate(|at| {
            let next = at.join(steps).map(|(_, ((), to))| (to, ()));
            next.union(start)
        });
        let ends = ways.join(steps.filter(|(from, to)| from == to)).map(|(at, _)| (at, at));
        ends.count().to(number);
        ends.to(out);
    }
);

/// Each step has two ways, and behind the last is a mark.
fn ladder(steps: u64) -> Vec<(u64, u64)> {
    let step = |n| [(n, n + 1), (n, n + 1)];
    (0..steps).flat_map(step).collect()
}

#[test]
fn paths_are_counted_or_the_job_ends_but_never_wrong() {
    for (steps, counts) in [(10, true), (70, false)] {
        let ((out, _), (number, all_numbers)) = (collect(), collect());
        let ports = paths::Ports { steps: queue(vec![ladder(steps)]), out, number };
        let ended = outcome(Engine::new(), 1, |engine| engine.start(ports).expect("it starts"));
        if counts {
            ended.expect("it ends well");
            assert_eq!(all_numbers.records(), [0]);
        } else {
            assert!(matches!(ended, Err(JobError::TooManyCopies { .. })), "{ended:?}");
        }
    }
}

stream!(
    /// One record that is there more often than anybody can write out.
    #[batch(secs(1))]
    fn written_out<numbers: Source<u64>, out: Sink<u64>>() {
        let recent = numbers.window(secs(1), secs(1));
        let all = recent.iterate_at_most(100, |x| {
            let (more, done) = x.split(|n| *n < 40);
            more.map(|n| n + 1).union(more.map(|n| n + 1)).union(done)
        });
        all.to(out);
    }
);

#[test]
fn copies_that_do_not_fit_in_memory_are_not_written_out() {
    let (out, all) = collect();
    let ports = written_out::Ports { numbers: queue(vec![vec![0]]), out };
    let ended = outcome(Engine::new(), 1, |engine| engine.start(ports).expect("it starts"));
    assert!(matches!(ended, Err(JobError::TooManyCopies { .. })), "{ended:?}");
    assert!(all.is_empty());
}

stream!(
    /// A loop without an end.
    #[batch(secs(1))]
    fn endless<numbers: Source<u64>, out: Sink<u64>>(rounds: u64, time: Duration) {
        let seeds = numbers.window(secs(1), secs(1)).distinct();
        let all = seeds.iterate_within(rounds, time, |n| n.map(|n| n + 1).union(seeds).distinct());
        all.to(out);
    }
);

#[test]
fn a_loop_is_bounded_by_time_too() {
    let (out, all) = collect();
    let ports = endless::Ports { numbers: queue(vec![vec![1]]), out, rounds: u64::MAX, time: millis(300) };
    let ended = outcome(Engine::new(), 1, |engine| engine.start(ports).expect("it starts"));
    let Err(error @ JobError::LoopWithoutEnd { operator, rounds, elapsed }) = &ended else {
        panic!("it ends with {ended:?}");
    };
    assert_eq!((*operator, error.code()), ("endless/all/iterate_within", "job.loop_without_end"));
    assert!(*rounds > 0 && *elapsed > millis(300), "{rounds} {elapsed:?}");
    assert!(all.is_empty());
}

/// The job answers while its loop goes round, and ends when it is told to.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_stopped_and_aborted_while_its_loop_goes_round() {
    for stops in [true, false] {
        let (out, _) = collect();
        let clock = ManualClock::new();
        let (rounds, time) = (u64::MAX, Duration::MAX);
        let ports = endless::Ports { numbers: queue(vec![vec![1]]), out, rounds, time };
        let mut job = Engine::new().manual_clock(&clock).start(ports).expect("it starts");
        clock.advance(secs(1));
        let monitor = job.monitor();
        let round = |job: &streaming_runtime::metrics::JobMetrics| {
            job.operators.iter().map(|operator| operator.records_in).sum::<u64>()
        };
        soon(async {
            while round(&monitor.metrics()) < 100 {
                tokio::task::yield_now().await;
            }
        })
        .await;
        assert!(!monitor.explain().is_empty());
        if stops {
            let ended = soon(job.stop_within(millis(100))).await;
            assert!(matches!(ended, Err(JobError::StopTimedOut { .. })), "{ended:?}");
        } else {
            soon(job.abort()).await;
        }
    }
}
