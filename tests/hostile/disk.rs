//! A storage whose k-th call never returns, or panics: whoever starts, runs or ends a job on it gets an answer.

use std::{
    io,
    panic::resume_unwind,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use streaming_runtime::{
    Checkpoint, JobError, ManualClock, StartError,
    checkpoint::{Append, CheckpointError, Storage, inspect},
    connect::{channel, collect, durable},
    prelude::*,
    testing::SimulatedDisk,
};

use super::within::{all, within};

stream!(
    #[batch(secs(1))]
    fn totals<orders: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        let all =
            orders.update_state(|_, sum: Option<i64>, new| Some(sum.unwrap_or(0) + new.iter().sum::<i64>()));
        all.allow_unbounded("one number a customer").to(out);
    }
);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    Hangs,
    Panics,
}

/// A disk one of whose calls goes wrong.
#[derive(Clone, Debug)]
struct Hostile {
    disk: SimulatedDisk,
    fault: Fault,
    /// The call that does, from 1.
    at: u64,
    calls: Arc<AtomicU64>,
    /// Told when it does.
    reached: mpsc::Sender<()>,
}

impl Hostile {
    fn new(disk: SimulatedDisk, fault: Fault, at: u64) -> (Self, mpsc::Receiver<()>) {
        let (reached, is_reached) = mpsc::channel();
        (Hostile { disk, fault, at, calls: Arc::default(), reached }, is_reached)
    }

    fn call(&self) {
        if self.calls.fetch_add(1, Ordering::SeqCst) + 1 == self.at {
            let _ = self.reached.send(());
            match self.fault {
                Fault::Hangs => loop {
                    thread::park();
                },
                // As `panic!`, without the backtrace: many at once take longer to print than a call may take here.
                Fault::Panics => resume_unwind(Box::new("the storage is out of its mind")),
            }
        }
    }
}

impl Storage for Hostile {
    fn lock(&self) -> io::Result<Box<dyn Send>> {
        self.call();
        self.disk.lock()
    }
    fn list(&self) -> io::Result<Vec<(String, u64)>> {
        self.call();
        self.disk.list()
    }
    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        self.call();
        self.disk.read(name)
    }
    fn append(&self, name: &str) -> io::Result<Box<dyn Append>> {
        self.call();
        Ok(Box::new(Appending(self.clone(), self.disk.append(name)?)))
    }
    fn publish(&self, name: &str, parts: &mut dyn Iterator<Item = io::Result<Vec<u8>>>) -> io::Result<u64> {
        self.call();
        self.disk.publish(name, parts)
    }
    fn remove(&self, name: &str) -> io::Result<()> {
        self.call();
        self.disk.remove(name)
    }
}

struct Appending(Hostile, Box<dyn Append>);

impl Append for Appending {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.call();
        self.1.append(bytes)
    }
    fn sync(&mut self) -> io::Result<()> {
        self.0.call();
        self.1.sync()
    }
}

/// What is done with a job on such a disk.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Ending {
    Join,
    StopWithin,
    Abort,
    Drop,
}

/// A disk on which a job has run before, so that there is something to read and to compact.
fn used() -> SimulatedDisk {
    let disk = SimulatedDisk::new(1);
    let (healthy, _) = Hostile::new(disk.clone(), Fault::Panics, u64::MAX);
    run(healthy, Ending::Join, Duration::from_secs(30), || ())
        .expect("the disk is good")
        .expect("it ends well");
    disk
}

/// Some batches of a job, and its end in one of the ways. Everything is the scenario's own, also the runtime, whose end is
/// part of it.
fn run(
    disk: Hostile,
    ending: Ending,
    limit: Duration,
    started: impl FnOnce(),
) -> Result<Result<(), JobError>, StartError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async move {
        let clock = ManualClock::new();
        if !disk.disk.files().is_empty() {
            clock.advance(secs(10)); // behind the batches of before
        }
        let (sender, orders) = channel(16);
        // Small logs, so that some are compacted on the way.
        let checkpoint = Checkpoint::in_storage(disk).segment_bytes(1).storage_limit(limit);
        let engine = Engine::new().manual_clock(&clock).checkpoint(checkpoint);
        let mut job = engine.start(totals::Ports { orders: durable(orders), out: collect().0 })?;
        started();
        for batch in 0..6 {
            if sender.send((batch, 1)).await.is_err() {
                break; // the job has failed
            }
            clock.advance(secs(1));
            if ending == Ending::Join && job.delivered(clock.now()).await.is_err() {
                break;
            }
        }
        drop(sender);
        Ok(match ending {
            Ending::Join => job.join().await,
            Ending::StopWithin => job.stop_within(millis(200)).await,
            Ending::Abort => {
                job.abort().await;
                Ok(())
            }
            Ending::Drop => {
                drop(job);
                Ok(())
            }
        })
    })
}

fn calls_of_a_run() -> u64 {
    let (healthy, _) = Hostile::new(used(), Fault::Panics, u64::MAX);
    let calls = healthy.calls.clone();
    run(healthy, Ending::Join, Duration::from_secs(30), || ())
        .expect("the disk is good")
        .expect("it ends well");
    calls.load(Ordering::SeqCst)
}

fn check(fault: Fault, endings: &[Ending]) {
    let calls = calls_of_a_run();
    assert!(calls > 20, "the run is long enough: {calls} calls");
    let cases = (1..=calls + 1).flat_map(|at| endings.iter().map(move |ending| (at, *ending))).collect();
    all(cases, |(at, ending)| {
        let what = format!("call {at} {fault:?}, {ending:?}");
        let (disk, reached) = Hostile::new(used(), fault, at);
        let ended = within(&what, move || run(disk, ending, millis(500), || ()));
        let was_reached = reached.try_recv().is_ok();
        match ended {
            Err(StartError::Checkpoint(error)) => typed(&what, fault, &error),
            Err(error) => panic!("{what}: {error}"),
            Ok(Err(JobError::Checkpoint(error))) => typed(&what, fault, &error),
            Ok(Err(JobError::StopTimedOut { held_up_by, .. })) if ending == Ending::StopWithin => {
                assert_eq!(
                    held_up_by.is_empty(),
                    !(was_reached && fault == Fault::Hangs),
                    "{what}: {held_up_by:?}"
                );
            }
            Ok(Err(error)) => panic!("{what}: {error}"),
            Ok(Ok(())) => {}
        }
    });
}

/// That an error says what was being done.
fn typed(what: &str, fault: Fault, error: &CheckpointError) {
    match (fault, error) {
        (Fault::Hangs, CheckpointError::Stuck { doing, file, .. }) => {
            assert!(!doing.is_empty() && !file.is_empty())
        }
        (Fault::Panics, CheckpointError::Io { doing, source, .. }) => {
            assert!(!doing.is_empty() && source.to_string().contains("out of its mind"), "{what}: {error}");
        }
        (_, error) => panic!("{what}: {error}"),
    }
}

#[test]
fn a_disk_that_hangs_at_any_call_keeps_nobody() {
    check(Fault::Hangs, &[Ending::Join, Ending::StopWithin, Ending::Abort, Ending::Drop]);
}

#[test]
fn a_disk_that_panics_at_any_call_is_an_error() {
    check(Fault::Panics, &[Ending::Join, Ending::StopWithin, Ending::Abort, Ending::Drop]);
}

/// With the limit as it is by default, which is more than a caller's patience.
#[test]
fn who_ends_a_job_does_not_wait_for_the_disk() {
    let calls = calls_of_a_run();
    let cases = (1..=calls)
        .flat_map(|at| [Ending::StopWithin, Ending::Abort, Ending::Drop].map(|ending| (at, ending)));
    all(cases.collect(), |(at, ending)| {
        let what = format!("call {at}, {ending:?}");
        let (disk, reached) = Hostile::new(used(), Fault::Hangs, at);
        let hour = Duration::from_secs(3600);
        let (start, started) = mpsc::channel();
        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            let tell_started = || start.send(()).expect("it is waited for");
            let ended = run(disk, ending, hour, tell_started);
            let _ = tell.send(ended);
        });
        // What hangs before is the matter of the other tests.
        let hangs_in_start = within(&what, move || {
            loop {
                match started.recv_timeout(millis(10)) {
                    Ok(()) => break false,
                    Err(_) if reached.try_recv().is_ok() => break started.recv_timeout(millis(100)).is_err(),
                    Err(_) => {}
                }
            }
        });
        if hangs_in_start {
            return;
        }
        match within(&what, move || told.recv().expect("it runs")) {
            Ok(Ok(()) | Err(JobError::StopTimedOut { .. })) => {}
            other => panic!("{what}: {other:?}"),
        }
    });
}

#[test]
fn a_look_at_a_place_that_panics_is_an_error() {
    for at in 1.. {
        let (disk, reached) = Hostile::new(used(), Fault::Panics, at);
        let looked = inspect(&disk);
        if reached.try_recv().is_err() {
            looked.expect("no call went wrong");
            assert!(at > 3, "there were calls");
            break;
        }
        typed("inspect", Fault::Panics, &looked.expect_err("a call has panicked"));
    }
}
