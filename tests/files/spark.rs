//! Spark's rule of new files, step by step through the whole engine.

use std::{
    fs::{self, File},
    time::{Duration, UNIX_EPOCH},
};

use streaming_runtime::{
    ManualClock,
    connect::{collect, directory},
    prelude::*,
};

use crate::{copy, in_time};

/// What happens half a batch before one: a file is written with a time so many milliseconds from then, renamed, touched or
/// removed.
enum Do {
    Write(&'static str, i64),
    Rename(&'static str, &'static str),
    Touch(&'static str),
    Remove(&'static str),
}
use Do::{Remove, Rename, Touch, Write};

/// The names that the batches had, as texts of files.
async fn batches(all: bool, before: &[&str], steps: &[(u64, Do)], batches: u64) -> Vec<Vec<String>> {
    const START: u64 = 1_700_000_000_000;
    let root = tempfile::tempdir().expect("temp");
    let at = |name: &str| root.path().join(name);
    let touch = |name: &str, time: u64| {
        let file = File::options().append(true).open(at(name)).expect("there");
        file.set_modified(UNIX_EPOCH + Duration::from_millis(time)).expect("set");
    };
    let write = |name: &str, time: u64| {
        fs::write(at(name), name).expect("written");
        touch(name, time);
    };
    before.iter().for_each(|name| write(name, START - 1000));
    let clock = ManualClock::new();
    clock.advance(Duration::from_millis(START));
    let (out, copied) = collect();
    let lines = directory::lines(root.path()).new_files_only(!all);
    let mut job = Engine::new().manual_clock(&clock).start(copy::Ports { lines, out }).expect("it starts");
    for batch in 1..=batches {
        let now = START + batch * 1000 - 500;
        for (_, what) in steps.iter().filter(|(at, _)| *at == batch) {
            match *what {
                Write(name, shift) => write(name, now.saturating_add_signed(shift)),
                Rename(from, to) => fs::rename(at(from), at(to)).expect("renamed"),
                Touch(name) => touch(name, now),
                Remove(name) => fs::remove_file(at(name)).expect("removed"),
            }
        }
        clock.advance(secs(1));
        in_time(job.delivered(clock.now())).await.expect("it runs");
    }
    in_time(job.stop()).await.expect("it stops well");
    copied.batches().into_iter().map(|batch| batch.records).take(batches as usize).collect()
}

#[tokio::test]
async fn the_rule() {
    let new = |n: u64, name| (n, Write(name, 0));
    let got = batches(false, &["0"], &[new(1, "1"), new(2, "2"), new(3, "3")], 4).await;
    assert_eq!(got, [vec!["1"], vec!["2"], vec!["3"], vec![]], "only new ones");
    let got = batches(true, &["0"], &[new(1, "1"), new(2, "2")], 3).await;
    assert_eq!(got, [vec!["0", "1"], vec!["2"], vec![]], "all");
    let steps = [new(1, "a"), (2, Rename("a", "b")), (3, Rename("b", "c")), (3, Touch("c"))];
    assert_eq!(batches(false, &[], &steps, 4).await, [vec!["a"], vec!["a"], vec!["a"], vec![]], "names");
    let steps = [(2, Write("a", -8000)), (2, Write("b", 0))];
    assert_eq!(batches(false, &[], &steps, 3).await, [vec![], vec!["b"], vec![]], "old times");
    let steps = [new(1, "a"), (1, Write("later", 2000)), (2, Write("gone", 1500)), (3, Remove("gone"))];
    assert_eq!(
        batches(false, &[], &steps, 4).await,
        [vec!["a"], vec![], vec!["later"], vec![]],
        "later ones"
    );
}
