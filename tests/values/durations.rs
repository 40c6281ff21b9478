//! Durations as long as there are: what does not end does not end, and nothing wraps or panics.

use std::time::Duration;

use streaming_runtime::{
    ManualClock,
    connect::{Retry, SinkPolicies, collect, queue},
    prelude::*,
};

use support::soon;

use super::outcome;

/// Longer than the time that there is, by all ways to say it.
fn long() -> Vec<Duration> {
    vec![
        Duration::MAX,
        secs(u64::MAX),
        minutes(u64::MAX),
        hours(u64::MAX),
        millis(u64::MAX),
        hours(24 * 365 * 580),
        hours(24 * 365 * 600),
    ]
}

stream!(
    #[batch(secs(1))]
    fn expiring<pairs: Source<(u8, i64)>, out: Sink<(u8, i64)>, inverse: Sink<(u8, i64)>>(idle: Duration) {
        let sums = pairs.update_state(|_, sum: Option<i64>, new: &[i64]| {
            Some(sum.unwrap_or(0) + new.iter().sum::<i64>())
        });
        sums.expire_after(idle).to(out);
        let back = pairs.window(secs(2), secs(1)).reduce_by_key_with_inverse(|a, b| a + b, |a, b| a - b);
        back.expire_after(idle).to(inverse);
    }
);

stream!(
    #[batch(secs(1))]
    fn idling<pairs: Source<(u8, i64)>, out: Sink<(u8, i64)>, gone: Sink<u8>>(idle: Duration) {
        let (gone_keys, states) = pairs.map_with_state(idle_for(idle), |key, value, state| match value {
            Some(value) => {
                state.update(value);
                None
            }
            None => Some(*key),
        });
        gone_keys.to(gone);
        states.to(out);
    }
);

stream!(
    #[batch(secs(1))]
    fn windowed<
        numbers: Source<i64>,
        all: Sink<i64>,
        groups: Sink<(i64, Vec<i64>)>,
        joined: Sink<(i64, ((), ()))>,
        records: Sink<i64>,
    >(
        size: Duration,
    ) {
        let recent = numbers.window(size, secs(1));
        recent.count().to(all);
        recent.map(|n| (n % 2, n)).group_by_key().to(groups);
        let keyed = recent.map(|n| (n, ()));
        keyed.join(keyed).to(joined);
        recent.to(records);
    }
);

fn pairs() -> Vec<Vec<(u8, i64)>> {
    vec![vec![(1, 5)], vec![], vec![], vec![(2, 7)], vec![]]
}

#[test]
fn what_expires_after_more_than_all_time_does_not_expire() {
    for idle in long() {
        let ((out, all), (inverse, all_inverse)) = (collect(), collect());
        let ports = expiring::Ports { pairs: queue(pairs()), out, inverse, idle };
        outcome(Engine::new(), 5, |engine| engine.start(ports).expect("it starts")).expect("it ends well");
        let mut last = all.batches()[4].records.clone();
        last.sort();
        assert_eq!(last, [(1, 5), (2, 7)], "{idle:?}");
        let mut last = all_inverse.batches()[4].records.clone();
        last.sort();
        assert_eq!(last, [(1, 0), (2, 7)], "{idle:?}");
        let ((out, all), (gone, all_gone)) = (collect(), collect());
        let ports = idling::Ports { pairs: queue(pairs()), out, gone, idle };
        outcome(Engine::new(), 5, |engine| engine.start(ports).expect("it starts")).expect("it ends well");
        let mut last = all.batches()[4].records.clone();
        last.sort();
        assert_eq!(last, [(1, 5), (2, 7)], "{idle:?}");
        assert!(all_gone.records().is_empty());
    }
}

#[test]
fn what_expires_at_once_does() {
    for idle in [Duration::ZERO, Duration::from_nanos(1)] {
        let ((out, all), (inverse, _)) = (collect(), collect());
        let ports = expiring::Ports { pairs: queue(pairs()), out, inverse, idle };
        outcome(Engine::new(), 5, |engine| engine.start(ports).expect("it starts")).expect("it ends well");
        let all: Vec<_> = all.batches().into_iter().map(|batch| batch.records).collect();
        assert_eq!(all, [vec![(1, 5)], vec![], vec![], vec![(2, 7)], vec![]], "{idle:?}");
    }
}

#[test]
fn a_window_longer_than_all_time_holds_all() {
    // The lengths that can be cut into batches of a second, whole or without an end.
    for size in [Duration::MAX, secs(u64::MAX), hours(u64::MAX), hours(24 * 365 * 580), hours(24 * 365 * 600)]
    {
        let ((all, all_counts), (groups, all_groups)) = (collect(), collect());
        let ((joined, all_joined), (records, all_records)) = (collect(), collect());
        let numbers = queue(vec![vec![1, 2], vec![], vec![3]]);
        let ports = windowed::Ports { numbers, all, groups, joined, records, size };
        outcome(Engine::new(), 3, |engine| engine.start(ports).expect("it starts")).expect("it ends well");
        assert_eq!(all_counts.records(), [2, 2, 3], "{size:?}");
        assert_eq!(all_groups.batches()[2].records.iter().map(|(_, group)| group.len()).sum::<usize>(), 3);
        assert_eq!(all_joined.batches()[2].records.len(), 3);
        assert_eq!(all_records.batches()[2].records, [1, 2, 3]);
    }
}

stream!(
    #[batch(secs(1))]
    fn copy<numbers: Source<i64>, out: Sink<i64>>() {
        numbers.to(out);
    }
);

#[tokio::test]
async fn a_stop_may_take_as_long_as_it_likes() {
    for within in long() {
        let (out, all) = collect();
        let (sender, numbers) = streaming_runtime::connect::channel(100);
        let clock = ManualClock::new();
        let engine = Engine::new().manual_clock(&clock).min_batch(within).close_early(true);
        let mut job = engine.start(copy::Ports { numbers, out }).expect("it starts");
        for n in 0..50 {
            sender.send(n).await.expect("it is taken");
        }
        soon(job.stop_within(within)).await.unwrap_or_else(|error| panic!("{error} of {within:?}"));
        assert_eq!(all.records().len(), 50, "{within:?}");
    }
}

#[test]
fn policies_take_any_duration() {
    for length in long().into_iter().chain([Duration::from_nanos(1), Duration::ZERO]) {
        let (out, all) = collect();
        let out = out.retry(Retry::default().waits(length, length)).timeout(length.max(secs(5)));
        let ports = copy::Ports { numbers: queue(vec![vec![1], vec![2]]), out };
        outcome(Engine::new().min_batch(length), 2, |engine| engine.start(ports).expect("it starts"))
            .expect("it ends well");
        assert_eq!(all.records(), [1, 2], "{length:?}");
    }
}

stream!(
    #[batch(hours(100_000_000))]
    fn one_batch<numbers: Source<i64>, out: Sink<i64>>() {
        numbers.to(out);
    }
);
/// Other intervals are refused by the macro: an interval is a literal of one of the four units, and not 0.
#[tokio::test]
async fn a_batch_may_be_longer_than_time() {
    let (out, all) = collect();
    let (sender, numbers) = streaming_runtime::connect::channel(9);
    let mut job = Engine::new().start(one_batch::Ports { numbers, out }).expect("it starts");
    sender.send(7).await.expect("it is taken");
    soon(job.stop()).await.expect("it stops");
    assert_eq!(all.records(), [7]);
}

#[test]
fn a_clock_stops_at_the_end_of_time() {
    let clock = ManualClock::new();
    clock.advance(secs(1));
    for length in long() {
        clock.advance(length);
    }
    assert_eq!(clock.now().as_nanos(), u64::MAX);
}

stream!(
    #[batch(secs(1))]
    fn slid<numbers: Source<i64>, out: Sink<i64>>(slide: Duration) {
        numbers.window(slide, slide).to(out);
    }
);

/// A slide behind the end of time is refused; any other is delivered, if at the end.
#[test]
fn a_window_that_never_slides_is_refused() {
    for slide in [Duration::MAX, secs(u64::MAX), hours(24 * 365 * 600)] {
        let ports = slid::Ports { numbers: queue(vec![vec![1]]), out: collect().0, slide };
        let mut refusal = None;
        let _ = outcome(Engine::new(), 1, |engine| {
            refusal = Some(engine.start(ports).map(drop).expect_err("it never slides").to_string());
            let ports = copy::Ports { numbers: queue(vec![]), out: collect().0 };
            engine.start(ports).expect("it starts")
        });
        let refusal = refusal.expect("it was started");
        assert!(refusal.contains("slid/out/window") && refusal.contains(".history()"), "{refusal}");
    }
    let (out, all) = collect();
    let slide = hours(24 * 365 * 580);
    let ports = slid::Ports { numbers: queue(vec![vec![1], vec![2]]), out, slide };
    outcome(Engine::new(), 2, |engine| engine.start(ports).expect("it starts")).expect("it ends well");
    assert_eq!(all.records(), [1, 2]);
}
