//! What becomes of the records of each kind of source.

pub(crate) mod replay;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    future::{Future, pending, ready},
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use proptest::{collection::vec, prelude::*};
use streaming_runtime::{
    BatchTime, Checkpoint, Job, JobError, ManualClock, Source,
    connect::{
        Batch, ConnectorError, Delivery, Recovery, SourceContext, channel, directory, durable, file, queue,
        tcp,
    },
    prelude::*,
};
use tokio::{io::AsyncWriteExt, net::TcpListener, sync::Notify};

use support::{Delivered, Lasting};

fn counted(_: &(), sum: Option<u64>, new: &[u64]) -> Option<u64> {
    Some(sum.unwrap_or(0) + new.len() as u64)
}

fn parsed(line: String) -> u64 {
    line.parse().unwrap_or(u64::MAX)
}

stream!(
    /// What came, and how much so far.
    #[batch(millis(5))]
    fn numbered<numbers: Source<u64>, out: Sink<u64>, total: Sink<((), u64)>>() {
        numbers.to(out);
        numbers.map(|_| ((), 1)).update_state(counted).allow_unbounded("a test").to(total);
    }
);

stream!(
    /// What came, and how much so far.
    #[batch(millis(5))]
    fn lined<lines: Source<String>, out: Sink<u64>, total: Sink<((), u64)>>() {
        lines.map(parsed).to(out);
        lines.map(|_| ((), 1)).update_state(counted).allow_unbounded("a test").to(total);
    }
);

stream!(
    /// What came, and how much so far.
    #[batch(secs(1))]
    fn read<lines: Source<String>, out: Sink<u64>, total: Sink<((), u64)>>() {
        lines.map(parsed).to(out);
        lines.map(|_| ((), 1)).update_state(counted).allow_unbounded("a test").to(total);
    }
);

/// How a run ends: after so many microseconds, with so many workers.
#[derive(Clone, Copy, Debug)]
struct Run {
    workers: usize,
    micros: u64,
    gently: bool,
    /// Whether batches close early.
    early: bool,
}

fn runs() -> impl Strategy<Value = Vec<Run>> {
    let run = (1..=3usize, 0..40_000u64, prop::bool::weighted(0.2), any::<bool>());
    let run = run.prop_map(|(workers, micros, gently, early)| Run { workers, micros, gently, early });
    vec(run, 1..6)
}

fn block_on<R>(future: impl Future<Output = R>) -> R {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime
        .expect("a runtime")
        .block_on(async { tokio::time::timeout(secs(60), future).await.expect("nothing hangs") })
}

fn engine(workers: usize, place: &Path) -> Engine {
    Engine::new().workers(workers).checkpoint(Checkpoint::new(place).exactly_once())
}

/// Lets a job run and ends it, unless it has come to its end.
async fn end(mut job: Job, run: Run) {
    tokio::select! {
        ended = job.join() => return ended.expect("it ends well"),
        () = tokio::time::sleep(Duration::from_micros(run.micros)) => {}
    }
    if run.gently { job.stop().await.expect("it stops well") } else { job.abort().await }
}

/// All that was delivered, which is there once each and was counted.
fn once(out: &Lasting, total: &Lasting) -> BTreeSet<u64> {
    let mut all = BTreeSet::new();
    for records in out.delivered().values() {
        for record in records {
            let number = record.parse().expect("a number");
            assert!(all.insert(number), "{number} is there twice");
        }
    }
    // The count of the last batch is that of all: it is the largest.
    let totals = total.delivered().into_values().flatten();
    let count = |total: String| total.trim_matches(['(', ')', ',', ' ']).parse::<u64>().expect("a number");
    assert_eq!(totals.map(count).max().unwrap_or(0), all.len() as u64);
    all
}

/// The numbers whose receipts came.
type Safe = Arc<Mutex<BTreeSet<u64>>>;

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 20, ..ProptestConfig::default() })]

    #[test]
    fn a_durable_channel_keeps_what_it_gave_a_receipt_for(runs in runs()) {
        block_on(async {
            let place = tempfile::tempdir().expect("temp");
            let (out, total, safe) = (Lasting::default(), Lasting::default(), Safe::default());
            let mut next = 0;
            let last = Run { workers: 2, micros: 0, gently: true, early: false };
            for run in runs.iter().chain([&last]) {
                let (sender, numbers) = channel(16);
                let ports = numbered::Ports { numbers: durable(numbers), out: out.clone(), total: total.clone() };
                let job = engine(run.workers, place.path()).close_early(run.early).start(ports).expect("starts");
                let noted = safe.clone();
                let sending = tokio::spawn(async move {
                    loop {
                        // One with a receipt, some without, and a flush behind others.
                        let Ok(receipt) = sender.send_tracked(next).await else { break };
                        let one = noted.clone();
                        let number = next;
                        tokio::spawn(async move {
                            if receipt.await.is_ok() {
                                one.lock().expect("no panic").insert(number);
                            }
                        });
                        if sender.send_all((next + 1..next + 4).collect()).await.is_err() {
                            break;
                        }
                        if next % 50 == 0 && sender.flush().await.is_ok() {
                            noted.lock().expect("no panic").extend(next..next + 4);
                        }
                        next += 5;
                        tokio::task::yield_now().await;
                    }
                    next + 5
                });
                end(job, *run).await;
                next = sending.await.expect("no panic");
                let has: BTreeSet<u64> = out.delivered().into_values().flatten()
                    .map(|number| number.parse().expect("a number")).collect();
                let lost: Vec<u64> = safe.lock().expect("no panic").difference(&has).copied().collect();
                assert!(lost.is_empty(), "{lost:?} had a receipt");
            }
            let all = once(&out, &total);
            assert!(safe.lock().expect("no panic").is_subset(&all));
        });
    }

    #[test]
    fn a_durable_queue_gives_each_dataset_once(runs in runs(), all_at_once: bool) {
        block_on(async {
            let place = tempfile::tempdir().expect("temp");
            let (out, total) = (Lasting::default(), Lasting::default());
            let mut next = 0;
            let mut seen = BTreeMap::new();
            for run in &runs {
                let (pusher, numbers) = queue::shared(4);
                let numbers = durable(if all_at_once { numbers.all_at_once() } else { numbers });
                let ports = numbered::Ports { numbers, out: out.clone(), total: total.clone() };
                let job = engine(run.workers, place.path()).close_early(run.early).start(ports).expect("starts");
                let pushing = tokio::spawn(async move {
                    while pusher.push((next..next + 3000).collect()).await.is_ok() {
                        next += 3000;
                    }
                    next + 3000
                });
                end(job, *run).await;
                next = pushing.await.expect("no panic");
                seen.extend(out.delivered());
            }
            let (pusher, numbers) = queue::shared(4);
            let ports = numbered::Ports { numbers: durable(numbers), out: out.clone(), total: total.clone() };
            let mut job = engine(1, place.path()).start(ports).expect("starts");
            let last: BTreeSet<u64> = (next..next + 3000).collect();
            pusher.push(last.iter().copied().collect()).await.expect("there is room");
            drop(pusher);
            job.join().await.expect("it ends well");
            assert!(once(&out, &total).is_superset(&last));
            let after = out.delivered();
            assert!(seen.iter().all(|(time, records)| after.get(time) == Some(records)));
        });
    }

    #[test]
    fn a_durable_socket_gives_each_line_once(runs in runs()) {
        block_on(async {
            let place = tempfile::tempdir().expect("temp");
            let (out, total) = (Lasting::default(), Lasting::default());
            let server = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let address = server.local_addr().expect("an address").to_string();
            let serving = tokio::spawn(async move {
                let mut next = 0_u64;
                loop {
                    let (mut client, _) = server.accept().await.expect("a client");
                    while client.write_all(format!("{next}\n").as_bytes()).await.is_ok() {
                        next += 1;
                    }
                }
            });
            for run in &runs {
                let lines = durable(tcp::lines(&address));
                let ports = lined::Ports { lines, out: out.clone(), total: total.clone() };
                end(engine(run.workers, place.path()).close_early(run.early).start(ports).expect("starts"), *run).await;
            }
            serving.abort();
            // What is in the log is sent, whatever the source is now.
            let lines = durable(channel(1).1);
            let ports = lined::Ports { lines, out: out.clone(), total: total.clone() };
            engine(1, place.path()).start(ports).expect("starts").join().await.expect("it ends well");
            once(&out, &total);
        });
    }

    #[test]
    fn a_file_is_read_once(runs in runs()) {
        block_on(async {
            let place = tempfile::tempdir().expect("temp");
            let (out, total) = (Lasting::default(), Lasting::default());
            let path = place.path().join("numbers");
            let lines: Vec<String> = (0..100_000).map(|n| n.to_string()).collect();
            fs::write(&path, lines.join("\n")).expect("written");
            let state = place.path().join("state");
            for run in &runs {
                let lines = file::lines(&path);
                let ports = lined::Ports { lines, out: out.clone(), total: total.clone() };
                // As many batches as runs have time for.
                let engine = engine(run.workers, &state).max_rate(1e6).close_early(run.early);
                end(engine.start(ports).expect("starts"), *run).await;
            }
            let ports = lined::Ports { lines: file::lines(&path), out: out.clone(), total: total.clone() };
            engine(2, &state).start(ports).expect("starts").join().await.expect("it ends well");
            assert!(once(&out, &total) == (0..100_000).collect());
        });
    }
}

/// What happens in a batch interval: files that appear, and how the job is then.
#[derive(Clone, Debug)]
struct Step {
    /// How many lines each has, and how long before the batch it was modified.
    files: Vec<(usize, u64)>,
    then: Then,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// It goes on, or stays down, and nobody waits for its batch.
    On,
    /// It is waited for.
    Wait,
    Abort,
    Stop,
    /// With so many workers.
    Start(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let then = prop_oneof![
        2 => Just(Then::On),
        3 => Just(Then::Wait),
        2 => Just(Then::Abort),
        1 => Just(Then::Stop),
        3 => (1..=3_usize).prop_map(Then::Start),
    ];
    let files = vec((0..2000_usize, 0..1000_u64), 0..3);
    vec((files, then).prop_map(|(files, then)| Step { files, then }), 1..14)
}

/// Reads a directory in which files appear step by step; what each sink has in the end.
async fn directory(steps: &[Step], stops: bool) -> (Delivered, Delivered) {
    let place = tempfile::tempdir().expect("temp");
    let spool = place.path().join("spool");
    fs::create_dir(&spool).expect("made");
    let (out, total, clock) = (Lasting::default(), Lasting::default(), ManualClock::new());
    let start = |workers: usize| {
        let lines = directory::lines(&spool).remember(secs(4));
        let ports = read::Ports { lines, out: out.clone(), total: total.clone() };
        engine(workers, &place.path().join("state")).manual_clock(&clock).start(ports).expect("starts")
    };
    // A job that crashes before its first batch has not begun.
    let mut job = Some(start(1));
    clock.advance(secs(1));
    job.as_mut().expect("it runs").delivered(clock.now()).await.expect("it runs");
    let mut number = 0;
    for step in steps {
        let due = clock.now().as_millis() + 1000;
        for (file, (lines, before)) in step.files.iter().enumerate() {
            let text: String = (0..*lines).map(|n| format!("{}\n", number + n)).collect();
            number += lines;
            // Renamed into place, so that it is never there by half.
            let path = place.path().join("unfinished");
            fs::write(&path, text).expect("written");
            let modified = SystemTime::UNIX_EPOCH + millis(due - before);
            File::options().append(true).open(&path).expect("is there").set_modified(modified).expect("set");
            fs::rename(&path, spool.join(format!("{due}-{file}"))).expect("renamed");
        }
        clock.advance(secs(1));
        let then = if stops { step.then } else { Then::Wait };
        match (then, &mut job) {
            (Then::Wait, Some(job)) => job.delivered(clock.now()).await.expect("it runs"),
            (Then::Abort, running @ Some(_)) => running.take().expect("it runs").abort().await,
            (Then::Stop, Some(running)) => {
                running.stop().await.expect("it stops well");
                job = None;
            }
            (Then::Start(workers), None) => job = Some(start(workers)),
            _ => {}
        }
    }
    let mut job = job.unwrap_or_else(|| start(1));
    job.delivered(clock.now()).await.expect("it runs");
    job.stop().await.expect("it stops well");
    once(&out, &total);
    (out.delivered(), total.delivered())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, max_shrink_iters: 20, ..ProptestConfig::default() })]

    #[test]
    fn a_directory_is_as_if_the_job_had_never_been_away(steps in steps()) {
        let (once, stopped) = block_on(async { (directory(&steps, false).await, directory(&steps, true).await) });
        prop_assert_eq!(once, stopped);
    }
}

/// A sink that gets stuck in a batch.
#[derive(Clone)]
struct Stuck {
    /// Batches before that.
    takes: usize,
    reached: Arc<Notify>,
}

impl Sink<u64> for Stuck {
    const DELIVERY: Delivery = Delivery::Idempotent;

    async fn write(&mut self, _: Batch<u64>) -> Result<(), ConnectorError> {
        if self.takes == 0 {
            self.reached.notify_one();
            pending::<()>().await;
        }
        self.takes -= 1;
        Ok(())
    }
}
