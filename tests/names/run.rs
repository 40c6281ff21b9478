//! Programs that go on from what was written, beside the same that were never interrupted.

use std::{fs, path::Path};

use streaming_runtime::{BatchTime, Checkpoint, Job, ManualClock, Pipeline, prelude::*};
use support::{Delivered, Lasting};

use crate::{aggregates, closures, joins, states, types::Pair};

const BATCHES: u64 = 10;
/// After so many, the jobs that wrote the checkpoints were stopped.
const STOPPED: u64 = 5;

const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/names");

pub(crate) fn batches(seed: u64) -> Vec<Vec<Pair>> {
    let record = |batch: u64, n: u64| {
        let mixed = (batch * 31 + n * 17 + seed * 7) % 101;
        ((mixed % 3) as u8, (mixed % 9) as i64 - 4)
    };
    (0..BATCHES).map(|batch| (0..(batch + seed) % 4).map(|n| record(batch, n)).collect()).collect()
}

async fn delivered(job: &mut Job, batch: u64) {
    job.delivered(BatchTime::from_millis(1000 * batch)).await.expect("delivered");
}

/// Runs the batches behind `from` on what is in `state`, with `lock` as the list of what is kept.
async fn run<P: Pipeline>(
    program: fn(Lasting) -> P,
    state: &Path,
    lock: &Path,
    from: u64,
    until: u64,
) -> Delivered {
    let (clock, out) = (ManualClock::new(), Lasting::default());
    clock.advance(secs(from));
    let checkpoint = Checkpoint::new(state).lock_file(lock);
    let engine = Engine::new().manual_clock(&clock).checkpoint(checkpoint);
    let mut job = engine.start(program(out.clone())).unwrap_or_else(|error| panic!("{error}"));
    for batch in from + 1..=until {
        clock.advance(secs(1));
        delivered(&mut job, batch).await;
    }
    job.stop().await.expect("stops");
    out.delivered()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from).expect("it is there") {
        let entry = entry.expect("readable");
        fs::copy(entry.path(), to.join(entry.file_name())).expect("copied");
    }
}

/// The program `name` goes on from what was written, as one that was not interrupted does; and again from what that wrote.
async fn goes_on<P: Pipeline>(name: &str, program: fn(Lasting) -> P) {
    let directory = tempfile::tempdir().expect("temp");
    let place = |part: &str| directory.path().join(part);
    let listed = Path::new(HERE).join(format!("{name}.lock"));
    let mut whole = run(program, &place("whole"), &listed, 0, BATCHES).await;
    let rest = whole.split_off(&BatchTime::from_millis(1000 * STOPPED + 1));
    assert_eq!(rest.len() as u64, BATCHES - STOPPED);

    // The old list of what is kept is as good as the old checkpoint.
    let written = Path::new(HERE).join("written").join(name);
    copy(&written, &place("state"));
    let old_list = place("old.lock");
    fs::copy(written.with_extension("lock"), &old_list).expect("copied");
    let half = (STOPPED + BATCHES) / 2;
    let mut again = run(program, &place("state"), &old_list, STOPPED, half).await;
    again.extend(run(program, &place("state"), &listed, half, BATCHES).await);
    assert_eq!(again, rest);

    // Byte by byte: a list is not written where it says the same in other words.
    run(program, &place("new"), &place("new.lock"), 0, 0).await;
    let read = |path: &Path| fs::read_to_string(path).expect("it is there");
    assert_eq!(read(&place("new.lock")), read(&listed), "see the head of main.rs");
}

#[tokio::test]
async fn aggregates_go_on() {
    goes_on("aggregates", aggregates::program).await;
}

#[tokio::test]
async fn closures_go_on() {
    goes_on("closures", closures::program).await;
}

#[tokio::test]
async fn joins_go_on() {
    goes_on("joins", joins::program).await;
}

#[tokio::test]
async fn states_go_on() {
    goes_on("states", states::program).await;
}

/// Writes the checkpoints. Run once: `cargo test -p tests --test names write_the_checkpoints -- --ignored`.
#[tokio::test]
#[ignore = "it writes into the source tree"]
async fn write_the_checkpoints() {
    async fn write<P: Pipeline>(name: &str, program: fn(Lasting) -> P) {
        let written = Path::new(HERE).join("written");
        let state = written.join(name);
        run(program, &state, &written.join(format!("{name}.lock")), 0, STOPPED).await;
        fs::remove_file(state.join("LOCK")).expect("it is there");
    }
    write("aggregates", aggregates::program).await;
    write("closures", closures::program).await;
    write("joins", joins::program).await;
    write("states", states::program).await;
}
