//! Real processes that end at each named point.

use crate::checkpoint::{
    LocalDirectory, Storage,
    crash::POINTS,
    tests::{place, work::Work},
};
use std::{collections::BTreeSet, path::Path, process::Command, sync::Arc};

const DIRECTORY: &str = "STREAMING_CRASH_TEST_DIRECTORY";
const CHILD: &str = "checkpoint::tests::crash::the_child_that_ends";

fn job(directory: &Path) -> u64 {
    let storage: Arc<dyn Storage> = Arc::new(LocalDirectory::new(directory).expect("it can be made"));
    place::run(&storage, &Work::new(2), 30).expect("the disk is good")
}

/// Not a test by itself: the next one runs it in processes of its own.
#[test]
fn the_child_that_ends() {
    if let Some(directory) = std::env::var_os(DIRECTORY) {
        job(Path::new(&directory));
    }
}

/// Whether it ended at the point.
fn child(directory: &Path, point: &str, nth: u64) -> bool {
    let program = std::env::current_exe().expect("this is one");
    let output = Command::new(program)
        .args(["--exact", CHILD, "--nocapture"])
        .env(DIRECTORY, directory)
        .env("STREAMING_CRASH_AT", format!("{point}:{nth}"))
        .output()
        .expect("it can be started");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!said.contains("panicked"), "{point}:{nth}: {said}");
    !output.status.success()
}

/// Attempts to meet a point: a compaction is left off when its job ends, and on a busy machine that may come first.
const ATTEMPTS: usize = 20;

/// Ends processes at the point, and goes on from what they leave. Whether any ended there.
fn meets(point: &str) -> bool {
    let directory = tempfile::tempdir().expect("there is room");
    // A job that ended without closing, so that recovery has something to do.
    assert!(child(directory.path(), "before-sync", 2));
    let ended = [1, 2].map(|nth| child(directory.path(), point, nth));
    job(directory.path()); // checks the state
    ended != [false; 2]
}

#[test]
fn a_process_that_ends_at_any_point_is_followed_by_one_that_goes_on() {
    let engine = ["before-commit", "after-commit", "before-acknowledge", "after-acknowledge"];
    let ours = POINTS.iter().filter(|point| !engine.contains(point));
    let mut never = BTreeSet::new();
    for &point in ours {
        if !(0..ATTEMPTS).any(|_| meets(point)) {
            never.insert(point);
        }
    }
    assert_eq!(never, BTreeSet::new(), "points that are never passed");
}
