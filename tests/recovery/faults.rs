//! Whole jobs on a disk that fails or crashes at any of its calls.
//!
//! The disk is simulated, so each failure is at the same call again: `k` and the kind of the fault are in the message, and
//! what a crash makes of unsynced bytes is from the seed. What is left to chance is which thread comes first.

use std::time::Duration;

use proptest::{collection::vec, prelude::*};
use streaming_runtime::{
    Checkpoint, Job, JobError, ManualClock, StartError,
    checkpoint::{CheckpointError, Storage as _},
    connect::{channel, collect, durable, queue},
    prelude::*,
    testing::{Fault, SimulatedDisk},
};

use support::{Delivered, Lasting, Pair, block_on};

stream!(
    /// A window and a state.
    #[batch(secs(1))]
    fn small<pairs: Source<Pair>, recent: Sink<Pair>, totals: Sink<Pair>>() {
        pairs.window(secs(3), secs(1)).reduce_by_key(|a, b| a + b).to(recent);
        let sums = pairs.update_state(|_, sum: Option<i64>, new: &[i64]| {
            Some(new.iter().fold(sum.unwrap_or(0), |sum, n| sum * 3 + n)).filter(|sum| sum % 7 != 0)
        });
        sums.allow_unbounded("a test").to(totals);
    }
);

const BATCHES: i64 = 12;

/// No run takes a second; one that takes this long hangs.
const LIMIT: Duration = Duration::from_secs(10);

fn pairs() -> Vec<Vec<Pair>> {
    (0..BATCHES)
        .map(|batch| (0..5).map(|n| (((batch * 7 + n * 3) % 6) as u8, batch * 10 + n)).collect())
        .collect()
}

/// What lasts longer than a job: its disk, its sinks and time.
#[derive(Clone, Default)]
struct World {
    disk: SimulatedDisk,
    recent: Lasting,
    totals: Lasting,
    clock: ManualClock,
    /// Whether batches do not wait for the disk.
    at_once: bool,
}

/// How a job ended badly.
#[derive(Debug)]
enum Failure {
    Start(StartError),
    Job(JobError),
}

impl Failure {
    fn checkpoint(&self) -> &CheckpointError {
        match self {
            Failure::Start(StartError::Checkpoint(error)) | Failure::Job(JobError::Checkpoint(error)) => {
                error
            }
            other => panic!("the checkpoint is why, not {other:?}"),
        }
    }
}

impl World {
    fn on(disk: SimulatedDisk) -> Self {
        World { disk, ..World::default() }
    }

    fn start(&self, workers: usize) -> Result<Job, StartError> {
        let World { disk, recent, totals, clock, at_once } = self.clone();
        // Small segments, so that twelve batches are compacted more than once.
        let checkpoint = Checkpoint::in_storage(disk).segment_bytes(600);
        let checkpoint = if at_once { checkpoint.deliver_at_once() } else { checkpoint.exactly_once() };
        let engine = Engine::new().workers(workers).manual_clock(&clock).checkpoint(checkpoint);
        engine.start(small::Ports { pairs: queue(pairs()), recent, totals })
    }

    /// Runs the job to its end, each batch being delivered before the next closes.
    async fn run(&self, workers: usize) -> Result<(), Failure> {
        let run = async {
            let mut job = self.start(workers).map_err(Failure::Start)?;
            let until = self.clock.now().as_millis() + 1000 * (BATCHES as u64 + 2);
            while self.clock.now().as_millis() < until {
                self.clock.advance(secs(1));
                job.delivered(self.clock.now()).await.map_err(Failure::Job)?;
            }
            job.join().await.map_err(Failure::Job)
        };
        tokio::time::timeout(LIMIT, run).await.expect("no job hangs")
    }

    /// What the sinks have of the batches that the source gives; a job that is started when all was given may close a
    /// batch more before it ends. A job that has written nothing begins anew, when it is later: only the order of times
    /// counts.
    fn output(&self) -> [Vec<Vec<String>>; 2] {
        let batches = |delivered: Delivered| delivered.into_values().take(BATCHES as usize).collect();
        [batches(self.recent.delivered()), batches(self.totals.delivered())]
    }
}

/// A job beside those that fail.
struct Neighbour {
    job: Job,
    clock: ManualClock,
}

stream!(
    #[batch(secs(1))]
    fn neighbour<ones: Source<u8>, out: Sink<i64>>() {
        ones.count().to(out);
    }
);

impl Neighbour {
    fn new() -> Self {
        let (pusher, ones) = queue::shared(1);
        // It ends with its job.
        std::mem::forget(pusher);
        let clock = ManualClock::new();
        let ports = neighbour::Ports { ones: ones.default_batch(vec![1]), out: collect().0 };
        let job = Engine::new().manual_clock(&clock).start(ports).expect("it starts");
        Neighbour { job, clock }
    }

    async fn is_unharmed(&mut self) {
        self.clock.advance(secs(1));
        let delivered = tokio::time::timeout(LIMIT, self.job.delivered(self.clock.now())).await;
        delivered.expect("it does not hang").expect("it is unharmed");
    }
}

/// What a run without faults puts out, and how many calls it makes.
async fn without_faults() -> ([Vec<Vec<String>>; 2], u64) {
    // The compaction has a thread of its own: on a machine that has other work a run may be over before it has a turn.
    for _ in 0..50 {
        let world = World::default();
        world.run(1).await.expect("nothing fails");
        if world.disk.files().keys().any(|name| name.starts_with("base-")) {
            return (world.output(), world.disk.calls());
        }
    }
    panic!("no run was compacted: the segments are not small enough");
}

/// Lets each call fail in this way. Started again, when the machine has crashed in between or not, it is as if nothing
/// had been.
fn each_call_fails(fault: Fault, crashes: bool) {
    block_on(async {
        let (expected, calls) = without_faults().await;
        let mut neighbour = Neighbour::new();
        let mut failed = 0;
        // Compactions come when they come, so some runs make a few more calls.
        for k in 1..=calls + 5 {
            let at = format!("call {k} of {calls} fails by {fault:?}, crashes: {crashes}");
            let world = World::on(SimulatedDisk::new(k));
            world.disk.fail_at(k, fault);
            match world.run(1).await {
                Ok(()) => {
                    assert_eq!(world.output(), expected, "{at}, which is a compaction's: the job goes on")
                }
                Err(failure) => {
                    let error = failure.checkpoint();
                    assert!(matches!(error, CheckpointError::Io { .. }), "{at}: {error:?}");
                    failed += 1;
                }
            }
            neighbour.is_unharmed().await;
            heal(&world.disk, crashes);
            if let Err(failure) = world.run(2).await {
                panic!("{at}: the next start fails by {failure:?} with {:?}", world.disk.list());
            }
            assert_eq!(world.output(), expected, "{at}");
        }
        assert!(failed > BATCHES, "the batches' own appends and syncs are among the calls");
    });
}

/// Whatever has failed does not fail again; the machine has crashed meanwhile, or only the process has ended.
fn heal(disk: &SimulatedDisk, crashes: bool) {
    if crashes { disk.restart() } else { disk.kill() }
}

#[test]
fn a_full_disk() {
    each_call_fails(Fault::NoSpace, false);
}

#[test]
fn a_full_disk_and_a_crash() {
    each_call_fails(Fault::NoSpace, true);
}

/// Which of the calls are syncs, too.
#[test]
fn a_broken_disk() {
    each_call_fails(Fault::Io, false);
}

#[test]
fn a_broken_disk_and_a_crash() {
    each_call_fails(Fault::Io, true);
}

#[test]
fn a_short_write() {
    each_call_fails(Fault::ShortWrite, false);
}

#[test]
fn a_short_write_and_a_crash() {
    each_call_fails(Fault::ShortWrite, true);
}

/// The machine crashes in the midst of each call.
#[test]
fn a_crash_at_each_call() {
    each_call_fails(Fault::Crash, true);
}

/// Delivered at once, a batch may come again, of a job that has written nothing even at another time; none is missing,
/// and what is kept is right.
#[test]
fn a_crash_at_each_call_of_a_job_that_delivers_at_once() {
    block_on(async {
        let (expected, calls) = without_faults().await;
        for k in 1..=calls + 5 {
            let world = World { at_once: true, ..World::on(SimulatedDisk::new(k)) };
            world.disk.fail_at(k, Fault::Crash);
            // It may have ended well before.
            if let Err(failure) = world.run(1).await {
                let error = failure.checkpoint();
                assert!(matches!(error, CheckpointError::Io { .. }), "call {k}: {error:?}");
            }
            world.disk.restart();
            if let Err(failure) = world.run(2).await {
                panic!("call {k}: the next start fails by {failure:?} with {:?}", world.disk.list());
            }
            for (sink, expected) in [&world.recent, &world.totals].into_iter().zip(&expected) {
                let delivered: Vec<_> = sink.delivered().into_values().collect();
                let mut batches = delivered.iter();
                let is_there = |batch: &Vec<String>| batches.any(|delivered| delivered == batch);
                assert!(expected.iter().all(is_there), "call {k}: {delivered:?} is not {expected:?}");
            }
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 40, ..ProptestConfig::default() })]

    /// Crash after crash, some of them while the job recovers, and with workers that come and go.
    #[test]
    fn crashes_at_random(seed: u64, crashes in vec((1..60u64, 1..=3usize), 1..5)) {
        block_on(async {
            let (expected, _) = without_faults().await;
            let world = World::on(SimulatedDisk::new(seed));
            for (k, workers) in crashes {
                world.disk.fail_at(k, Fault::Crash);
                // It may have ended well before.
                if let Err(failure) = world.run(workers).await {
                    let error = failure.checkpoint();
                    assert!(matches!(error, CheckpointError::Io { .. }), "{error:?}");
                }
                world.disk.restart();
            }
            world.run(2).await.expect("nothing fails any more");
            assert_eq!(world.output(), expected);
        });
    }
}

stream!(
    /// What a source sends that cannot send it again.
    #[batch(secs(1))]
    fn noted<numbers: Source<i64>, out: Sink<i64>>() {
        numbers.to(out);
    }
);

/// A record whose receipt came is in the sink once, one whose receipt did not come at most once.
#[test]
fn what_was_acknowledged_survives_each_fault() {
    block_on(async {
        for (fault, crashes) in
            [(Fault::NoSpace, false), (Fault::Io, true), (Fault::ShortWrite, true), (Fault::Crash, true)]
        {
            for k in 1..40 {
                acknowledged_survives(k, fault, crashes).await;
            }
        }
    });
}

/// Lets time go on until the future has come: a record is in whichever batch is open when it has come in.
pub(super) async fn ticking<F: Future>(clock: &ManualClock, future: F) -> F::Output {
    tokio::pin!(future);
    loop {
        clock.advance(secs(1));
        if let Ok(output) = tokio::time::timeout(millis(5), &mut future).await {
            return output;
        }
    }
}

async fn acknowledged_survives(k: u64, fault: Fault, crashes: bool) {
    let at = format!("call {k}, {fault:?}, crashes: {crashes}");
    let (disk, out, clock) = (SimulatedDisk::new(k), Lasting::default(), ManualClock::new());
    let start = || {
        let (sender, numbers) = channel(16);
        let checkpoint = Checkpoint::in_storage(disk.clone()).segment_bytes(300).exactly_once();
        let engine = Engine::new().manual_clock(&clock).checkpoint(checkpoint);
        Ok::<_, StartError>((
            sender,
            engine.start(noted::Ports { numbers: durable(numbers), out: out.clone() })?,
        ))
    };
    disk.fail_at(k, fault);
    let mut acknowledged = Vec::new();
    let first = async {
        let (sender, mut job) = start().map_err(Failure::Start)?;
        for n in 0..8 {
            // It is closed if the job has ended.
            let Ok(receipt) = sender.send_tracked(n).await else { break };
            match ticking(&clock, receipt).await {
                Ok(_) => acknowledged.push(n),
                Err(_) => break,
            }
        }
        drop(sender);
        job.stop().await.map_err(Failure::Job)
    };
    if let Err(failure) = tokio::time::timeout(LIMIT, first).await.unwrap_or_else(|_| panic!("{at} hangs")) {
        failure.checkpoint();
    }
    heal(&disk, crashes);
    let second = async {
        let (sender, mut job) = start().unwrap_or_else(|error| panic!("{at}: {error}"));
        let receipt = sender.send_tracked(100).await.unwrap_or_else(|error| panic!("{at}: {error:?}"));
        ticking(&clock, receipt).await.unwrap_or_else(|error| panic!("{at}: {error:?}"));
        job.stop().await.unwrap_or_else(|error| panic!("{at}: {error}"));
    };
    tokio::time::timeout(LIMIT, second).await.unwrap_or_else(|_| panic!("{at} hangs after the fault"));
    let mut got = Vec::new();
    for batch in out.delivered().into_values() {
        // As text, 100 came before 2.
        let mut numbers: Vec<i64> = batch.iter().map(|n| n.parse().expect("a number")).collect();
        numbers.sort();
        got.append(&mut numbers);
    }
    let mut once = got.clone();
    once.dedup();
    assert_eq!(got, once, "{at}: nothing is there twice");
    let lost: Vec<_> = acknowledged.iter().filter(|n| !got.contains(n)).collect();
    assert!(lost.is_empty(), "{at}: {lost:?} were acknowledged, and only {got:?} are there");
    assert_eq!(got.last(), Some(&100), "{at}");
    // What was not acknowledged is what came last, so what is there has no gaps.
    assert_eq!(got[..got.len() - 1], (0..got.len() as i64 - 1).collect::<Vec<_>>(), "{at}");
}
