//! The real directory, and the writer's thread.

use crate::checkpoint::{
    Append, CheckpointError, Durable, Edits, LocalDirectory, Log, PartWriter, Settings, Storage,
    frame::LIMIT,
    inspect, open,
    simulated::{Fault, SimulatedDisk},
    tests::work::{State, Work},
};
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

fn settings() -> Settings {
    Settings { segment: 1500, ..Settings::default() }
}

/// Says batches to a log, waits until they are durable, delivers them.
pub(super) fn run(storage: &Arc<dyn Storage>, work: &Work, epochs: u64) -> Result<u64, CheckpointError> {
    run_with(settings(), storage, work, epochs)
}

fn close(log: &Log) -> Result<(), CheckpointError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(log.close())
}

fn run_with(
    settings: Settings,
    storage: &Arc<dyn Storage>,
    work: &Work,
    epochs: u64,
) -> Result<u64, CheckpointError> {
    let opened = open(storage.clone())?;
    let head = opened.head().map(|(epoch, _)| epoch);
    let at = opened.delivered().min(head);
    let (restored, place) = opened.restore(at, Edits::default())?;
    assert_eq!(State::of(&restored, &work.operators), work.state(at));
    let (errors, error) = mpsc::channel();
    let on_error = Box::new(move |error| errors.send(error).expect("it is waited for"));
    let (says, said) = mpsc::channel();
    // Nobody listens at the end.
    let on_durable = Box::new(move |durable| drop(says.send(durable)));
    let log = Log::start(place, work.program(), settings, work.workers as usize, on_error, on_durable)?;
    let watched = log.durable();
    let mut durable: Durable = watched.borrow().clone();
    let logged = durable.inputs[1];
    for epoch in at.unwrap_or(0) + 1..=head.unwrap_or(0) + epochs {
        let (first, bytes) = work.input(epoch);
        if first >= logged {
            log.input(1, first, 2, bytes);
        }
        for worker in 0..work.workers {
            log.part(epoch, worker, work.part(epoch, worker));
        }
        log.mark(work.mark(epoch));
        if epoch % 5 == 0 {
            while durable.epoch < Some(epoch) {
                let Ok(more) = said.recv() else {
                    return Err(error
                        .recv_timeout(Duration::from_secs(10))
                        .expect("it ends by an error only"));
                };
                assert!(more != durable && more.epoch >= durable.epoch, "more each time");
                durable = more;
            }
            log.delivered(epoch);
        }
    }
    close(&log)?;
    let last = watched.borrow().epoch.expect("there were batches");
    Ok(last)
}

#[test]
fn a_directory_is_as_good_as_a_simulated_disk() {
    let directory = tempfile::tempdir().expect("there is room");
    let storage: Arc<dyn Storage> =
        Arc::new(LocalDirectory::new(directory.path().join("a/b")).expect("it can be made"));
    let work = Work::new(9);
    for lived in 1..=3 {
        assert_eq!(run(&storage, &work, 100).expect("the disk is good"), 100 * lived);
    }
    let inspection = inspect(&*storage).expect("the disk is good");
    assert!(inspection.problems.is_empty(), "{:?}", inspection.problems);
    assert_eq!(inspection.delivered, Some(300), "a log that is closed has noted it");
    assert!(inspection.base.is_some(), "it was compacted");
}

#[test]
fn one_job_at_a_time() {
    let directory = tempfile::tempdir().expect("there is room");
    let local = || Arc::new(LocalDirectory::new(directory.path()).expect("it is there"));
    let first = open(local()).expect("nobody is there");
    let error = open(local()).expect_err("the first is there");
    let CheckpointError::Taken { by, .. } = &error else { panic!("{error}") };
    assert_eq!(*by, format!("process {}", std::process::id()));
    let (_, place) = first.restore(None, Edits::default()).expect("nothing is there");
    assert!(open(local()).is_err(), "the place has the lock now");
    drop(place);
    drop(open(local()).expect("nobody is there"));
}

#[test]
fn what_is_left_of_a_publish_is_cleared_when_the_place_is_taken() {
    let directory = tempfile::tempdir().expect("there is room");
    let local = LocalDirectory::new(directory.path()).expect("it is there");
    let mut parts = [Ok(vec![1, 2]), Err(std::io::Error::other("no more"))].into_iter();
    local.publish("base-1", &mut parts).expect_err("a part is an error");
    std::fs::write(directory.path().join("base-2.unfinished"), "half").expect("there is room");
    assert_eq!(local.list().expect("it is there"), []);
    drop(local.lock().expect("nobody is there"));
    let names: Vec<_> = std::fs::read_dir(directory.path()).expect("it is there").collect();
    assert_eq!(names.len(), 1, "only the lock: {names:?}");
    assert_eq!(
        local.publish("base-1", &mut [Ok(vec![1, 2]), Ok(vec![3])].into_iter()).expect("there is room"),
        3
    );
    assert_eq!(local.read("base-1").expect("it is there"), [1, 2, 3]);
    local.append("base-1").err().expect("it is there already");
}

#[test]
fn an_error_ends_the_log_and_is_told_once() {
    for nth in [8, 9, 20] {
        let disk = SimulatedDisk::new(1);
        let storage: Arc<dyn Storage> = Arc::new(disk.clone());
        disk.fail_at(nth, Fault::Io);
        // Nothing is compacted, an error of which would not end it.
        let error =
            run_with(Settings::default(), &storage, &Work::new(1), 100).expect_err("the disk has failed");
        assert_eq!(error.code(), "checkpoint.io");
        run(&storage, &Work::new(1), 100).expect("the disk is good again, and nobody has the place");
    }
}

/// A batch that is too large for a frame ends the log by an error that names it, and harms nothing; panes that are
/// nearly so large are compacted one by one.
#[test]
fn what_is_too_large_is_refused_and_what_is_nearly_so_is_compacted() {
    let disk = SimulatedDisk::new(1);
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    let mut work = Work::new(1);
    work.workers = 1;
    work.operators.truncate(1);
    let start = || {
        let opened = open(storage.clone()).expect("the disk is good");
        let head = opened.head().map(|(epoch, _)| epoch);
        let (_, place) = opened.restore(head, Edits::default()).expect("there is a head");
        let (tell, errors) = mpsc::channel();
        let failed = Box::new(move |error| tell.send(error).expect("it is waited for"));
        let log = Log::start(place, work.program(), settings(), 1, failed, Box::new(drop));
        (log.expect("the disk is good"), errors, head.unwrap_or(0))
    };
    let pane = |bytes: usize| {
        let mut part = PartWriter::default();
        part.pane(0, None, |into| into.resize(into.len() + bytes, 7));
        part.take()
    };
    let (log, _, _) = start();
    for epoch in 1..=6 {
        log.part(epoch, 0, pane(LIMIT / 3 * 2));
        log.mark(work.mark(epoch));
        log.delivered(epoch);
    }
    close(&log).expect("the disk is good");
    let (log, errors, head) = start();
    assert_eq!(head, 6);
    log.part(7, 0, pane(LIMIT));
    log.mark(work.mark(7));
    let error = errors.recv_timeout(Duration::from_secs(10)).expect("it is too large");
    let CheckpointError::TooLarge { what, .. } = &error else { panic!("{error}") };
    assert!(what.contains("the batch of"), "{what}");
    close(&log).expect_err("it has ended");
    drop(log);
    // A job that ends does not wait for its compactions, so each has more time than the one before.
    let is_compacted = (0..12).any(|attempt| {
        let (log, _, head) = start();
        assert_eq!(head, 6 + attempt, "what was before is there");
        log.part(head + 1, 0, pane(10));
        log.mark(work.mark(head + 1));
        log.delivered(head + 1);
        thread::sleep(Duration::from_millis(20 << attempt.min(6)));
        close(&log).expect("the disk is good");
        let inspection = inspect(&*storage).expect("the disk is good");
        assert!(inspection.problems.is_empty(), "{:?}", inspection.problems);
        inspection.base.is_some()
    });
    assert!(is_compacted);
}

/// A disk whose first publish panics.
#[derive(Debug)]
struct Panics(SimulatedDisk, AtomicBool);

impl Storage for Panics {
    fn lock(&self) -> io::Result<Box<dyn Send>> {
        self.0.lock()
    }
    fn list(&self) -> io::Result<Vec<(String, u64)>> {
        self.0.list()
    }
    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        self.0.read(name)
    }
    fn append(&self, name: &str) -> io::Result<Box<dyn Append>> {
        self.0.append(name)
    }
    fn publish(&self, name: &str, parts: &mut dyn Iterator<Item = io::Result<Vec<u8>>>) -> io::Result<u64> {
        assert!(self.1.swap(true, Ordering::Relaxed), "the first does not work");
        self.0.publish(name, parts)
    }
    fn remove(&self, name: &str) -> io::Result<()> {
        self.0.remove(name)
    }
}

#[test]
fn a_compaction_that_panics_is_tried_again() {
    let disk = SimulatedDisk::new(1);
    let storage: Arc<dyn Storage> = Arc::new(Panics(disk, AtomicBool::new(false)));
    // A job that ends does not wait for its compactions.
    let is_compacted = (0..10).any(|_| {
        run(&storage, &Work::new(1), 600).expect("the disk is good");
        inspect(&*storage).expect("the disk is good").base.is_some()
    });
    assert!(is_compacted);
}

/// As in a cluster where sinks do not wait for the disk: all have a batch before all have said what they keep of it.
#[test]
fn what_was_delivered_is_there() {
    let work = Work::new(3);
    let disk = SimulatedDisk::new(3);
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    assert_eq!(run(&storage, &work, 4).expect("the disk is good"), 4);
    let (_, place) =
        open(storage.clone()).expect("it is there").restore(Some(4), Edits::default()).expect("is");
    let workers = work.workers as usize;
    let nothing = (Box::new(|error| panic!("{error}")), Box::new(|_| {}));
    let log =
        Log::start(place, work.program(), settings(), workers, nothing.0, nothing.1).expect("it starts");
    for epoch in [5, 6] {
        (0..work.workers).for_each(|worker| log.part(epoch, worker, work.part(epoch, worker)));
        log.mark(work.mark(epoch));
        log.delivered(9);
    }
    log.mark(work.mark(7));
    close(&log).expect("the disk is good");
    let inspection = inspect(&*storage).expect("the disk is good");
    assert_eq!((inspection.head.map(|(epoch, _)| epoch), inspection.delivered), (Some(6), Some(6)));
    let opened = open(storage).expect("it is there");
    let delivered = opened.delivered();
    assert_eq!(delivered, Some(6));
    opened.restore(delivered, Edits::default()).expect("it goes on from there");
}
