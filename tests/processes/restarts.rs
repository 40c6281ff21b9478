//! Jobs of several processes that stop anywhere, and go on with other numbers of processes and workers.
//!
//! The processes are jobs of this one, which is all the same to them.

mod life;

use std::{
    collections::BTreeMap,
    fmt::Debug,
    future::Future,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use proptest::{collection::vec, prelude::*};
use streaming_runtime::{
    BatchTime, Checkpoint, Job, JobError, Listener, ManualClock, Sink,
    aggregate::{count, max},
    cluster::Cluster,
    connect::{Batch, ConnectorError, Delivery, channel, durable, queue},
    prelude::*,
};
use tokio::{sync::Notify, time::timeout};

use support::{Pair, block_on};

use crate::cluster::hosts;
use life::*;

stream!(
    /// An operator of each family that keeps something.
    #[batch(secs(1))]
    fn families<
        pairs: Source<Pair>,
        others: Source<Pair>,
        window: Sink<(u8, (i64, i64))>,
        joined: Sink<(u8, (i64, i64))>,
        updated: Sink<Pair>,
        mapped: Sink<(u8, Option<i64>, bool)>,
        reached: Sink<(u8, u8)>,
        total: Sink<i64>,
    >() {
        let recent = pairs.window(secs(4), secs(1));
        recent.aggregate_by_key((count(), max())).to(window);
        pairs.window(secs(3), secs(1)).join(others.window(secs(2), secs(1))).to(joined);
        let sums = pairs.update_state(|_, state: Option<i64>, new: &[i64]| {
            Some(state.unwrap_or(0) + new.iter().sum::<i64>())
        });
        sums.allow_unbounded("a test").to(updated);
        let (emitted, _) = others.map_with_state(idle_for(secs(2)), |key, value, state| {
            if !state.is_timing_out() {
                state.update(0_u8);
            }
            Some((*key, value, state.is_timing_out()))
        });
        emitted.to(mapped);
        let edges =
            pairs.window(secs(3), secs(1)).map(|(from, to)| (from, to.unsigned_abs() as u8 % 6)).distinct();
        let reach = edges.iterate(|reach| {
            let further = reach.map(|(from, to)| (to, from)).join(edges).map(|(_, (from, to))| (from, to));
            further.union(edges).distinct()
        });
        reach.to(reached);
        recent.count().to(total);
    }
);

fn batches(n: usize) -> impl Strategy<Value = Batches> {
    vec(vec((0..8u8, -9..9i64), 1..6), n)
}

fn runs() -> impl Strategy<Value = Vec<Run>> {
    let aborted = prop::option::weighted(0.7, (0..3usize, 0..20_000u64));
    let run = (1..=3usize, 1..=2usize, 0..5u64, aborted);
    let run =
        run.prop_map(|(processes, workers, batches, aborted)| Run { processes, workers, batches, aborted });
    vec(run, 1..4)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, max_shrink_iters: 10, ..ProptestConfig::default() })]

    #[test]
    fn sinks_that_replace(here in batches(12), there in batches(4), others in batches(12), runs in runs()) {
        let once = block_on(live::<false>([&here, &there], &others, &[]));
        prop_assert_eq!(block_on(live::<false>([&here, &there], &others, &runs)), once);
    }

    #[test]
    fn sinks_that_take_once(here in batches(12), there in batches(4), others in batches(12), runs in runs()) {
        let once = block_on(live::<true>([&here, &there], &others, &[]));
        prop_assert_eq!(block_on(live::<true>([&here, &there], &others, &runs)), once);
    }
}

stream!(
    #[batch(millis(20))]
    fn sums<numbers: Source<Pair>, out: Sink<Pair>>() {
        let sums = numbers.update_state(|_, sum: Option<i64>, new: &[i64]| {
            Some(sum.unwrap_or(0) + new.iter().sum::<i64>())
        });
        sums.allow_unbounded("a test").changes().filter(|(_, n)| *n > 0).map(|(pair, _)| pair).to(out);
    }
);

/// What is sent in a follower, and for which an answer came, is in the leader's log.
#[test]
fn what_a_follower_has_taken_in_is_not_lost() {
    block_on(async {
        let directory = tempfile::tempdir().expect("temp");
        let mut sinks = Sinks::<true>::default();
        let mut sum = 0;
        for round in 0..4_usize {
            let hosts = hosts(3);
            let mut senders = Vec::new();
            let mut jobs: Vec<Job> = (0..3)
                .map(|process| {
                    let cluster = Cluster::new(hosts.clone(), process).silence(secs(20));
                    let engine =
                        Engine::new().workers(1 + round.div_ceil(2) % 2).cluster(cluster).close_early(true);
                    let checkpoint = Checkpoint::new(directory.path()).exactly_once();
                    let (sender, numbers) = channel(64);
                    senders.push(sender);
                    let ports = sums::Ports { numbers: durable(numbers), out: sinks.of("out", process) };
                    engine.checkpoint(checkpoint).start(ports).expect("it starts")
                })
                .collect();
            for (process, sender) in senders.iter().enumerate() {
                for n in 0..5 {
                    let n = 100 * round as i64 + n;
                    sum += n;
                    let sent = async { sender.send_tracked((process as u8, n)).await.expect("sent").await };
                    soon(sent, (round, process)).await.expect("delivered");
                }
            }
            match round % 2 {
                // Then nothing is in doubt, and there may be another number of workers.
                0 => drop(soon(jobs[round % 3].stop(), round).await),
                _ => {
                    soon(jobs.remove(1).abort(), round).await;
                    for job in &mut jobs {
                        assert_eq!(soon(job.join(), round).await.expect_err("aborted").code(), "job.peer");
                    }
                    jobs.clear();
                }
            }
            for job in &mut jobs {
                soon(job.join(), round).await.expect("a good end");
            }
        }
        let last: i64 = (0..3)
            .map(|key| {
                let all = sinks.together();
                let of_key =
                    all["out"].values().flatten().filter(|text| text.starts_with(&format!("({key},")));
                let sums =
                    of_key.map(|text| text[4..text.len() - 1].trim().parse::<i64>().expect("a number"));
                sums.max().expect("there are some")
            })
            .sum();
        assert_eq!(last, sum);
    });
}

/// A source with more to give must not be forgotten.
#[test]
fn a_source_that_is_gone_is_named() {
    block_on(async {
        let directory = tempfile::tempdir().expect("temp");
        let clock = ManualClock::new();
        for processes in [2, 1] {
            let (hosts, begun) = (hosts(processes), Begun::default());
            let mut jobs: Vec<Job> = (0..processes)
                .map(|process| {
                    let cluster = Cluster::new(hosts.clone(), process).silence(secs(20));
                    let engine = Engine::new().cluster(cluster).manual_clock(&clock).listener(begun.clone());
                    let numbers = queue(vec![vec![(1, 1)]; 9]);
                    let ports = sums::Ports { numbers, out: Own::<false>::default() };
                    engine.checkpoint(directory.path()).start(ports).expect("it starts")
                })
                .collect();
            if processes == 2 {
                begun.wait(&mut jobs[0]).await;
                clock.advance(millis(40));
                soon(jobs[0].delivered(BatchTime::from_millis(40)), "two").await.expect("delivered");
                for job in &mut jobs {
                    soon(job.stop(), "two").await.expect("a good end");
                }
            } else {
                let error = soon(jobs[0].join(), "one").await.expect_err("process 1 has more to give");
                let expected = "source `numbers` of process 1 had given 2 records and not ended";
                assert!(error.to_string().contains(expected), "{error}");
                assert_eq!(error.code(), "checkpoint.incompatible");
            }
        }
    });
}

#[test]
fn a_place_that_not_all_reach_is_refused() {
    block_on(async {
        let places = [tempfile::tempdir().expect("temp"), tempfile::tempdir().expect("temp")];
        let clock = ManualClock::new();
        for round in 0..2 {
            let (hosts, begun) = (hosts(2), Begun::default());
            let mut jobs: Vec<Job> = (0..2)
                .map(|process| {
                    let cluster = Cluster::new(hosts.clone(), process).silence(secs(20));
                    let engine = Engine::new().cluster(cluster).manual_clock(&clock).listener(begun.clone());
                    let ports =
                        sums::Ports { numbers: queue(vec![vec![(1, 1)]; 9]), out: Own::<false>::default() };
                    engine.checkpoint(places[process].path()).start(ports).expect("it starts")
                })
                .collect();
            if round == 0 {
                begun.wait(&mut jobs[0]).await;
                clock.advance(millis(20));
                let _ = soon(jobs[0].delivered(BatchTime::from_millis(20)), "one").await;
                for job in jobs {
                    soon(job.abort(), "one").await;
                }
            } else {
                let error = soon(jobs[1].join(), "two").await.expect_err("another place");
                assert!(error.to_string().contains("as process 1 sees it"), "{error}");
                let error = soon(jobs[0].join(), "two").await.expect_err("another place");
                assert_eq!(error.code(), "job.peer");
            }
        }
    });
}
