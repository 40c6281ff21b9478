//! What ports can give, and what a job with checkpoints makes of it: refused at the start, or as good as it can be.

mod table;

use std::{
    collections::BTreeMap,
    fs, io,
    path::Path,
    sync::{Arc, Mutex},
};

use streaming_runtime::{
    BatchTime, Checkpoint, Job, JobError, ManualClock, Sink, StartError,
    checkpoint::CheckpointError,
    connect::{
        Batch, ConnectorError, Delivery, channel, channel_sink, collect, console, durable,
        queue::{self, Queue},
        view, view_of_changes,
    },
    prelude::*,
    testing::{Fault, SimulatedDisk},
};

use support::{Lasting, Pair, block_on};

stream!(
    #[batch(secs(1))]
    fn copy<numbers: Source<i64>, out: Sink<i64>>() {
        numbers.to(out);
    }
);

stream!(
    /// The sum so far.
    #[batch(secs(1))]
    fn summed<numbers: Source<i64>, out: Sink<((), i64)>>() {
        let sums = numbers
            .map(|n| ((), n))
            .update_state(|(), sum: Option<i64>, new| Some(sum.unwrap_or(0) + new.iter().sum::<i64>()));
        sums.allow_unbounded("it is one key").to(out);
    }
);

/// `[1]`, `[2]`, ..., more than any test here takes.
pub(super) fn numbers() -> Queue<i64> {
    queue::queue((1..=40).map(|n| vec![n]).collect())
}

pub(super) fn temporary() -> tempfile::TempDir {
    tempfile::tempdir().expect("a directory for temporary files is there")
}

/// Lets so many batches be delivered, one by one.
pub(super) async fn deliver(job: &mut Job, clock: &ManualClock, batches: usize) -> Result<(), JobError> {
    for _ in 0..batches {
        clock.advance(secs(1));
        let delivered = tokio::time::timeout(secs(10), job.delivered(clock.now()));
        delivered.await.expect("it does not hang")?;
    }
    Ok(())
}

fn refused(job: Result<Job, StartError>, port: &str, remedy: &str) {
    let error = job.err().expect("it is refused");
    let StartError::Delivery { port: named, .. } = &error else { panic!("{error:?}") };
    assert_eq!((&**named, error.code()), (port, "start.delivery"));
    let text = error.to_string();
    assert!(text.contains(remedy) && text.contains(port), "`{remedy}` is not in `{text}`");
}

#[tokio::test]
async fn exactly_once_needs_ports_that_can() {
    let directory = temporary();
    let engine = || Engine::new().checkpoint(Checkpoint::new(directory.path()).exactly_once());
    let out = Lasting::default;
    let (_sender, lost) = channel(1);
    refused(engine().start(copy::Ports { numbers: lost, out: out() }), "numbers", "durable(..)");
    let (_pusher, lost) = queue::shared(1);
    refused(engine().start(copy::Ports { numbers: lost, out: out() }), "numbers", "durable(..)");
    let sinks = "`text_files` or `sqlite::append`";
    refused(engine().start(copy::Ports { numbers: numbers(), out: console() }), "out", sinks);
    refused(engine().start(copy::Ports { numbers: numbers(), out: collect().0 }), "out", sinks);
    refused(engine().start(copy::Ports { numbers: numbers(), out: channel_sink(1).0 }), "out", sinks);
    // A policy is as good as what it is put on.
    let retried = collect().0.timeout(secs(1));
    refused(engine().start(copy::Ports { numbers: numbers(), out: retried }), "out", sinks);
    // What is refused has not made the directory its own, and has written nothing.
    assert_eq!(fs::read_dir(directory.path()).expect("it is there").count(), 0);
    let (_sender, lost) = channel(1);
    let out = out().timeout(secs(1));
    engine().start(copy::Ports { numbers: durable(lost), out }).expect("both can").abort().await;
}

#[tokio::test]
async fn a_view_is_told_all_anew_so_it_can() {
    let engine = || Engine::new().checkpoint(Checkpoint::new(temporary().path()).exactly_once());
    engine().start(summed::Ports { numbers: numbers(), out: view().0 }).expect("it can").abort().await;
    let (changes, _) = view_of_changes();
    let ports = totals::Ports { pairs: queue::queue(vec![]), totals: changes, recent: view_of_changes().0 };
    engine().start(ports).expect("it can").abort().await;
}

#[tokio::test]
async fn exactly_once_needs_batches_to_wait_for_the_disk() {
    let checkpoint = Checkpoint::new(temporary().path()).exactly_once().deliver_at_once();
    let ports = copy::Ports { numbers: numbers(), out: Lasting::default() };
    let error = Engine::new().checkpoint(checkpoint).start(ports).err().expect("they contradict");
    assert_eq!(error.code(), "start.config");
    assert!(error.to_string().contains("drop `deliver_at_once()`"), "{error}");
}

#[tokio::test]
async fn delivering_at_once_goes_on_too() {
    let (directory, clock, out) = (temporary(), ManualClock::new(), Lasting::default());
    for _ in 0..2 {
        let checkpoint = Checkpoint::new(directory.path()).deliver_at_once();
        let engine = Engine::new().manual_clock(&clock).checkpoint(checkpoint);
        let mut job =
            engine.start(summed::Ports { numbers: numbers(), out: out.clone() }).expect("it starts");
        deliver(&mut job, &clock, 2).await.expect("nothing ends it");
        job.stop().await.expect("it stops");
    }
    let delivered: Vec<_> = out.delivered().into_values().flatten().collect();
    assert_eq!(delivered, ["((), 1)", "((), 3)", "((), 6)", "((), 10)"]);
}

#[tokio::test]
async fn a_local_worker_goes_on_too() {
    let (directory, clock, out) = (temporary(), ManualClock::new(), Lasting::default());
    for ends in ["well", "by a crash", "well", "by a crash", "well"] {
        let checkpoint = Checkpoint::new(directory.path()).exactly_once();
        let engine = Engine::new().manual_clock(&clock).checkpoint(checkpoint);
        let ports = summed::Ports { numbers: numbers(), out: out.clone() };
        let (mut job, worker) = engine.start_local(ports).expect("it starts");
        if ends == "well" {
            let service = async {
                deliver(&mut job, &clock, 2).await.expect("nothing ends it");
                job.stop().await.expect("it stops");
            };
            tokio::join!(service, worker);
        } else {
            tokio::select! {
                delivered = deliver(&mut job, &clock, 2) => delivered.expect("nothing ends it"),
                () = worker => panic!("nothing ends it"),
            }
            // The worker is gone in the midst of it.
            job.abort().await;
        }
    }
    let delivered: Vec<_> = out.delivered().into_values().flatten().collect();
    let sums: Vec<_> = (1..=delivered.len() as i64).map(|n| format!("((), {})", n * (n + 1) / 2)).collect();
    assert!(delivered.len() >= 10);
    assert_eq!(delivered, sums);
}

#[tokio::test]
async fn one_job_at_a_time_has_a_directory() {
    let (directory, clock, out) = (temporary(), ManualClock::new(), Lasting::default());
    let engine = Engine::new().manual_clock(&clock).checkpoint(directory.path());
    let start = || engine.start(summed::Ports { numbers: numbers(), out: out.clone() });
    let mut first = start().expect("it starts");
    deliver(&mut first, &clock, 1).await.expect("nothing ends it");
    let error = start().err().expect("it is taken");
    assert!(matches!(error, StartError::Checkpoint(CheckpointError::Taken { .. })), "{error:?}");
    let text = error.to_string();
    let place = directory.path().display().to_string();
    for words in [&*place, &format!("process {}", std::process::id()), "a place of its own"] {
        assert!(text.contains(words), "`{words}` is not in `{text}`");
    }
    deliver(&mut first, &clock, 1).await.expect("the first goes on");
    first.stop().await.expect("it stops");
    let mut second = start().expect("the place is free");
    deliver(&mut second, &clock, 1).await.expect("nothing ends it");
    second.abort().await;
    let third = start().expect("the place is free when the abort has returned");
    third.abort().await;
    let delivered: Vec<_> = out.delivered().into_values().flatten().collect();
    assert_eq!(delivered, ["((), 1)", "((), 3)", "((), 6)"]);
}

pub(super) fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(directory).expect("it is there").map(|file| file.expect("it is there"));
    let named = files.map(|file| (file.file_name().to_string_lossy().into_owned(), file.path()));
    let ours = named.filter(|(name, _)| name != "LOCK");
    ours.map(|(name, path)| (name, fs::read(path).expect("it can be read"))).collect()
}

pub(super) fn copied(files: &BTreeMap<String, Vec<u8>>) -> tempfile::TempDir {
    let directory = temporary();
    for (name, bytes) in files {
        fs::write(directory.path().join(name), bytes).expect("it can be written");
    }
    directory
}

#[tokio::test]
async fn a_byte_that_is_not_what_was_written() {
    let (directory, clock, out) = (temporary(), ManualClock::new(), Lasting::default());
    let start = |directory: &Path, out: Lasting| {
        let checkpoint = Checkpoint::new(directory).segment_bytes(400).exactly_once();
        let engine = Engine::new().manual_clock(&clock).checkpoint(checkpoint);
        engine.start(summed::Ports { numbers: numbers(), out })
    };
    // Each start opens a log, so there are a base and a log or more in the end.
    for _ in 0..4 {
        let mut job = start(directory.path(), out.clone()).expect("it starts");
        deliver(&mut job, &clock, 4).await.expect("nothing ends it");
        job.stop().await.expect("it stops");
    }
    let whole = files(directory.path());
    let has = |kind: &str| whole.keys().filter(|name| name.starts_with(kind)).count();
    assert!(has("base-") == 1 && has("log-") >= 1, "{:?}", whole.keys());
    for (file, bytes) in &whole {
        for at in (0..bytes.len()).step_by(7) {
            let mut damaged = whole.clone();
            damaged.get_mut(file).expect("it is there")[at] ^= 0x10;
            let place = copied(&damaged);
            let error = start(place.path(), Lasting::default()).err();
            let Some(error) = error else {
                // The last words of a log may have been torn by a crash, and nothing says that they were not: they only
                // spare a batch that comes again.
                assert!(
                    file.starts_with("log-") && bytes.len() - at < 48,
                    "byte {at} of {} in `{file}`",
                    bytes.len()
                );
                continue;
            };
            let text = error.to_string();
            match error {
                StartError::Checkpoint(CheckpointError::Corrupt { file: named, at: byte, .. }) => {
                    assert_eq!(&named, file, "byte {at}");
                    assert!(byte <= at as u64, "byte {at} is in the frame at {byte}");
                    assert!(text.contains(&named) && text.contains(&byte.to_string()), "{text}");
                }
                StartError::Checkpoint(CheckpointError::Version { file: named, .. }) => {
                    assert_eq!(&named, file, "byte {at}");
                }
                error => panic!("byte {at} of `{file}`: {error:?}"),
            }
            assert_eq!(files(place.path()), damaged, "nothing was touched");
        }
    }
    let mut job = start(directory.path(), out.clone()).expect("it starts");
    deliver(&mut job, &clock, 1).await.expect("nothing ends it");
    job.stop().await.expect("it stops");
    assert_eq!(
        out.delivered().into_values().next_back(),
        Some(vec![format!("((), {})", (1..=17).sum::<i64>())])
    );
}

stream!(
    /// What two views show.
    #[batch(secs(1))]
    fn totals<pairs: Source<Pair>, totals: Sink<(Pair, i64)>, recent: Sink<(Pair, i64)>>() {
        let sums =
            pairs.update_state(|_, sum: Option<i64>, new| Some(sum.unwrap_or(0) + new.iter().sum::<i64>()));
        sums.allow_unbounded("a test").changes().to(totals);
        pairs.window(secs(3), secs(1)).reduce_by_key(|a, b| a + b).changes().to(recent);
    }
);

#[test]
fn a_view_of_changes_shows_all_after_a_restart() {
    for (before, after) in [(1, 1), (1, 2), (2, 1)] {
        block_on(async {
            let (directory, clock) = (temporary(), ManualClock::new());
            let start = |workers: usize| {
                let batches = (1..=8).map(|n| vec![(n as u8 % 4, n), (9, n)]).collect();
                let ((totals, all), (recent, last)) = (view_of_changes(), view_of_changes());
                let engine = Engine::new().workers(workers).manual_clock(&clock).checkpoint(directory.path());
                let ports = totals::Ports { pairs: queue::queue(batches), totals, recent };
                (engine.start(ports).expect("it starts"), all, last)
            };
            let shown = |view: &view::View<u8, i64>| {
                let mut pairs: Vec<_> = view.read(|now| now.iter().map(|(key, n)| (*key, *n)).collect());
                pairs.sort();
                pairs
            };
            let (mut job, ..) = start(before);
            deliver(&mut job, &clock, 4).await.expect("nothing ends it");
            job.stop().await.expect("it stops");
            let (mut job, all, last) = start(after);
            deliver(&mut job, &clock, 1).await.expect("nothing ends it");
            assert_eq!((all.time(), last.time()), (Some(clock.now()), Some(clock.now())));
            assert_eq!(shown(&all), [(0, 4), (1, 6), (2, 2), (3, 3), (9, 15)]);
            assert_eq!(shown(&last), [(0, 4), (1, 5), (3, 3), (9, 12)]);
            deliver(&mut job, &clock, 1).await.expect("nothing ends it");
            assert_eq!(shown(&last), [(0, 4), (1, 5), (2, 6), (9, 15)]);
            job.stop().await.expect("it stops");
        });
    }
}

/// Text that is written here, and stays.
#[derive(Clone, Default)]
struct Text(Arc<Mutex<Vec<u8>>>);

impl io::Write for Text {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("nothing panics under this lock").extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

stream!(
    /// What cannot tell a batch that comes again.
    #[batch(secs(1))]
    fn shown<numbers: Source<i64>, printed: Sink<i64>, sent: Sink<i64>>() {
        numbers.to(printed);
        numbers.to(sent);
    }
);

#[tokio::test]
async fn others_get_batches_at_least_once_by_their_times() {
    let (disk, clock, text) = (SimulatedDisk::new(0), ManualClock::new(), Text::default());
    let start = || {
        let (sent, received) = channel_sink(16);
        let engine = Engine::new().manual_clock(&clock).checkpoint(Checkpoint::in_storage(disk.clone()));
        let printed = console().to_writer(text.clone());
        (engine.start(shown::Ports { numbers: numbers(), printed, sent }).expect("it starts"), received)
    };
    let (mut job, mut received) = start();
    deliver(&mut job, &clock, 3).await.expect("nothing ends it");
    // That the third batch was delivered is in no frame yet, and so is forgotten.
    disk.fail_at(1, Fault::Io);
    assert_eq!(job.stop().await.expect_err("the last words fail").code(), "checkpoint.io");
    let mut batches = Vec::new();
    while let Some(batch) = received.try_recv() {
        batches.push(batch);
    }
    assert_eq!(batches.len(), 3);
    disk.restart();
    let (mut job, mut received) = start();
    deliver(&mut job, &clock, 2).await.expect("nothing ends it");
    job.stop().await.expect("it stops");
    while let Some(batch) = received.try_recv() {
        batches.push(batch);
    }
    let mut at = BTreeMap::new();
    for Batch { time, records } in &batches {
        assert_eq!(*at.entry(*time).or_insert(records), records, "{time} came again, and is what it was");
    }
    assert!(batches.len() > at.len(), "one came again: {batches:?}");
    let times: Vec<_> = at.keys().map(|time| time.as_millis()).collect();
    assert_eq!(times, [1000, 2000, 3000, 4000, 5000]);
    assert_eq!(at.values().flat_map(|records| records.iter()).copied().collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    let text =
        String::from_utf8(text.0.lock().expect("nothing panics under this lock").clone()).expect("text");
    for n in 1..=5 {
        assert!(text.contains(&format!("Time: 1970-01-01 00:00:0{n}.000 UTC")), "{n} is named in {text}");
    }
}
