//! Threads of a job: idle ones, and stuck ones.

use std::{
    fs,
    sync::{Arc, Condvar, Mutex},
    time::{Duration, Instant},
};

use streaming_runtime::{
    BatchTime, JobError,
    connect::{channel, collect},
    prelude::*,
};

stream!(
    #[batch(millis(10))]
    fn copied<numbers: Source<i64>, out: Sink<i64>>() {
        numbers.to(out);
    }
);

/// What the threads of this process whose names begin so have worked, in hundredths of a second.
fn worked(name: &str) -> (usize, u64) {
    let threads = fs::read_dir("/proc/self/task").expect("this is Linux").filter_map(Result::ok);
    let of = threads.filter_map(|thread| {
        let read = |file| fs::read_to_string(thread.path().join(file)).ok();
        read("comm")?.starts_with(name).then_some(())?;
        // Behind the name in brackets come the state and ten more; then user's and system's time.
        let stat = read("stat")?;
        let fields: Vec<u64> =
            stat.rsplit(") ").next()?.split(' ').map(|field| field.parse().unwrap_or(0)).collect();
        Some(fields[11] + fields[12])
    });
    of.fold((0, 0), |(threads, all), one| (threads + 1, all + one))
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_idle_job_does_not_spin() {
    let ((_sender, numbers), (out, all)) = (channel(1), collect());
    let engine = Engine::new().workers(2).name("idle-job");
    let mut job = engine.start(copied::Ports { numbers, out }).expect("it starts");
    assert!(all.wait_until(|batches| !batches.is_empty()).await);
    let (began, (threads, before)) = (Instant::now(), worked("idle-job"));
    assert!(threads >= 2, "the workers are threads of that name");
    let enough = all.len() + 100;
    assert!(all.wait_until(|batches| batches.len() >= enough).await);
    let passed = began.elapsed();
    let (_, after) = worked("idle-job");
    // Two that spin work for as long as two cores let them; a hundred empty batches take a hundredth of that.
    let worked = Duration::from_millis(10 * (after - before));
    assert!(worked < passed / 4, "they have worked {worked:?} in {passed:?}");
    job.stop().await.expect("it stops");
}

type Gate = Arc<(Mutex<bool>, Condvar)>;

stream!(
    #[batch(millis(10))]
    fn stuck<numbers: Source<i64>, out: Sink<i64>>(gate: Gate) {
        let held = numbers.map(move |n| {
            let (is_open, opened) = &*gate;
            let is_open = is_open.lock().expect("no test has panicked");
            drop(opened.wait_while(is_open, |is_open| !*is_open).expect("no test has panicked"));
            n
        });
        held.to(out);
    }
);

/// As long as nobody opens the gate, its worker hangs, and its job ends all the same.
#[tokio::test]
async fn a_closure_that_never_returns_is_left_behind() {
    let ((sender, numbers), (out, all)) = (channel(1), collect());
    let gate = Gate::default();
    let mut job = Engine::new().start(stuck::Ports { numbers, out, gate: gate.clone() }).expect("it starts");
    sender.send(1).await.expect("it runs");
    let ended = job.stop_within(millis(100)).await.expect_err("it cannot stop");
    assert!(matches!(ended, JobError::StopTimedOut { .. }), "{ended}");
    assert!(all.batches().iter().all(|batch| batch.records.is_empty() && batch.time > BatchTime::default()));
    let (is_open, opened) = &*gate;
    *is_open.lock().expect("no test has panicked") = true;
    opened.notify_all();
}
