//! A runtime that goes while its job runs.

use streaming_runtime::{
    Checkpoint, JobError, ManualClock,
    connect::{channel, collect, durable, file, queue},
    prelude::*,
    testing::SimulatedDisk,
};

use super::within::within;

stream!(
    #[batch(secs(1))]
    fn totals<orders: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        let all =
            orders.update_state(|_, sum: Option<i64>, new| Some(sum.unwrap_or(0) + new.iter().sum::<i64>()));
        all.allow_unbounded("one number a customer").to(out);
    }
);

stream!(
    #[batch(secs(1))]
    fn copy<lines: Source<String>, out: Sink<String>>() {
        lines.to(out);
    }
);

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

#[test]
fn a_job_whose_runtime_is_gone_gives_its_checkpoint_free() {
    within("a runtime that goes", || {
        let disk = SimulatedDisk::new(1);
        let clock = ManualClock::new();
        let engine = || Engine::new().manual_clock(&clock).checkpoint(Checkpoint::in_storage(disk.clone()));
        let first = runtime();
        let (sender, orders) = channel(8);
        let mut job = first.block_on(async {
            let ports = totals::Ports { orders: durable(orders), out: collect().0 };
            let mut job = engine().start(ports).expect("it starts");
            sender.send((1, 5)).await.expect("it runs");
            clock.advance(secs(1));
            job.delivered(clock.now()).await.expect("it runs");
            job
        });
        drop(first);
        runtime().block_on(async {
            // The handle is kept: it is the end of the job that counts.
            let ended = job.join().await;
            assert!(matches!(ended, Err(JobError::RuntimeGone)), "{ended:?}");
            let (out, all) = collect();
            let (_sender, orders) = channel(8);
            let mut next =
                engine().start(totals::Ports { orders: durable(orders), out }).expect("the place is free");
            clock.advance(secs(1));
            next.delivered(clock.now()).await.expect("it runs");
            next.stop().await.expect("it ends well");
            assert_eq!(all.records().last(), Some(&(1, 5)));
        });
        drop(job);
    });
}

/// A source that goes with its runtime has not ended: what it had to give is not all there was.
#[test]
fn a_source_that_its_runtime_drops_has_not_ended() {
    within("a runtime that goes", || {
        let text = tempfile::NamedTempFile::new().expect("a file");
        for _ in 0..20 {
            let first = runtime();
            let (sender, orders) = channel(8);
            let mut job = first.block_on(async {
                Engine::new().start(totals::Ports { orders, out: collect().0 }).expect("it starts")
            });
            drop(first);
            let ended = runtime().block_on(job.join());
            assert!(matches!(ended, Err(JobError::RuntimeGone)), "{ended:?}");
            drop(sender);
        }
        // One that has ended has.
        runtime().block_on(async {
            let ports = copy::Ports { lines: file::lines(text.path()), out: collect().0 };
            Engine::new().start(ports).expect("it starts").join().await.expect("it ends well");
            let ports = totals::Ports { orders: queue(vec![]), out: collect().0 };
            Engine::new().start(ports).expect("it starts").join().await.expect("it ends well");
        });
    });
}
