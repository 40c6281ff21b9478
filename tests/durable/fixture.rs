//! A checkpoint that an earlier version wrote is read, and goes on as if nothing had happened.
//!
//! `fixture/` was written by `write` below, run on that version. It is never written again: a format that changes gets a
//! directory of its own beside it.

use std::{fs, path::Path};

use serde::{Deserialize, Serialize};
use streaming_runtime::{
    BatchTime, Checkpoint, Job, ManualClock, Pipeline,
    aggregate::{count, first, last, max, sum, top_k},
    connect::{durable, queue, text_files},
    prelude::*,
};

use support::{Delivered, Lasting};

type Pair = (u8, i64);

/// A state with the kinds of parts that serde knows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Seen {
    total: i64,
    last: Option<String>,
    kind: Kind,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
enum Kind {
    #[default]
    New,
    Known {
        since: u64,
    },
    Often(u32, bool),
}

stream!(
    /// One of each kind that keeps something.
    #[batch(secs(1))]
    pub fn earlier<
        pairs: Source<Pair>,
        others: Source<Pair>,
        logged: Source<Pair>,
        window: Sink<Pair>,
        undone: Sink<(u8, (i64, i64))>,
        stacks: Sink<(u8, (i64, Vec<i64>))>,
        ordered: Sink<(u8, (i64, i64))>,
        groups: Sink<(u8, Vec<i64>)>,
        inverse: Sink<Pair>,
        running: Sink<Pair>,
        highest: Sink<(u8, Vec<i64>)>,
        seen: Sink<(u8, Seen)>,
        expiring: Sink<Pair>,
        mapped: Sink<(u8, i64)>,
        states: Sink<Pair>,
        joined: Sink<(u8, (i64, i64))>,
        looked_up: Sink<(u8, (i64, i64))>,
        different: Sink<Pair>,
        text: Sink<Pair>,
    >(
        known: Vec<(u8, i64)>,
    ) {
        let recent = pairs.window(secs(4), secs(2));
        recent.to(window);
        recent.aggregate_by_key((count(), sum())).to(undone);
        recent.aggregate_by_key((max(), top_k(2))).to(stacks);
        pairs.window(secs(3), secs(1)).aggregate_by_key((first(), last())).to(ordered);
        recent.group_by_key().to(groups);
        recent.reduce_by_key_with_inverse(|a, b| a + b, |a, b| a - b).expire_after(secs(5)).to(inverse);
        let all = logged.history().allow_unbounded("a test");
        all.reduce_by_key(|a: i64, b: i64| a.max(b)).to(running);
        all.aggregate_by_key(top_k(2)).to(highest);
        let kept = pairs.update_state(|_, state: Option<Seen>, new: &[i64]| {
            let Seen { total, .. } = state.unwrap_or_default();
            let total = total + new.iter().sum::<i64>();
            let kind = match total % 3 {
                0 => Kind::New,
                1 => Kind::Known { since: total.unsigned_abs() },
                _ => Kind::Often(7, total > 0),
            };
            Some(Seen { total, last: (total % 2 == 0).then(|| total.to_string()), kind })
        });
        kept.allow_unbounded("a test").to(seen);
        others
            .update_state_with(known, |_, _, state: Option<i64>, new: &[i64]| {
                Some(state.unwrap_or(0) + new.len() as i64)
            })
            .expire_after(secs(4))
            .to(expiring);
        let (emitted, snapshots) = pairs.map_with_state(idle_for(secs(3)), |key, value, state| {
            let sum: i64 = state.get().copied().unwrap_or(0_i64) + value.unwrap_or(0);
            if !state.is_timing_out() {
                state.update(sum);
            }
            Some((*key, sum))
        });
        emitted.to(mapped);
        snapshots.to(states);
        pairs.window(secs(4), secs(2)).join(others.window(secs(2), secs(2))).to(joined);
        others.join(logged.history().allow_unbounded("a test")).to(looked_up);
        recent.distinct().to(different);
        pairs.to(text);
    }
);

const BATCHES: u64 = 12;
/// After so many, the job of the fixture was stopped.
const STOPPED: u64 = 6;

fn batches(seed: u64) -> Vec<Vec<Pair>> {
    let record = |batch: u64, n: u64| {
        let mixed = (batch * 31 + n * 17 + seed * 7) % 101;
        ((mixed % 5) as u8, mixed as i64 - 50)
    };
    (0..BATCHES).map(|batch| (0..(batch + seed) % 4).map(|n| record(batch, n)).collect()).collect()
}

/// The program, on sinks that last; `out` is where its text goes.
fn program(sinks: &mut Vec<Lasting>, out: &Path) -> impl Pipeline {
    let mut next = 0;
    let mut sink = || {
        next += 1;
        sinks.resize_with(sinks.len().max(next), Lasting::default);
        sinks[next - 1].clone()
    };
    earlier::Ports {
        pairs: queue(batches(1)),
        others: queue(batches(2)),
        logged: durable(queue(batches(3))),
        window: sink(),
        undone: sink(),
        stacks: sink(),
        ordered: sink(),
        groups: sink(),
        inverse: sink(),
        running: sink(),
        highest: sink(),
        seen: sink(),
        expiring: sink(),
        mapped: sink(),
        states: sink(),
        joined: sink(),
        looked_up: sink(),
        different: sink(),
        text: text_files(out.join("text")).debug(),
        known: vec![(0, 100), (4, 200), (9, 300)],
    }
}

async fn delivered(job: &mut Job, batch: u64) {
    job.delivered(BatchTime::from_millis(1000 * batch)).await.expect("delivered");
}

/// What each sink has of the batches behind the one at which the fixture was stopped.
fn behind(sinks: &[Lasting]) -> Vec<Delivered> {
    let stopped = BatchTime::from_millis(1000 * STOPPED);
    sinks.iter().map(|sink| sink.delivered().split_off(&(stopped + millis(1)))).collect()
}

/// Writes the fixture. Run once: `cargo test -p tests --test durable write_the_fixture -- --ignored`.
#[tokio::test]
#[ignore = "it writes into the source tree"]
async fn write_the_fixture() {
    let fixture = Path::new(FIXTURE);
    let clock = ManualClock::new();
    let engine = Engine::new().manual_clock(&clock).checkpoint(fixture.join("state"));
    let mut job = engine.start(program(&mut Vec::new(), fixture)).expect("starts");
    for batch in 1..=STOPPED {
        clock.advance(secs(1));
        delivered(&mut job, batch).await;
    }
    job.stop().await.expect("stops");
    fs::remove_file(fixture.join("state/LOCK")).expect("it is there");
}

const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/durable/fixture");

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from).expect("it is there") {
        let entry = entry.expect("readable");
        let to = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(fs::copy(entry.path(), to).expect("copied")),
        }
    }
}

/// Runs the rest of the batches on what is in `directory`, or all of them.
async fn run(directory: &Path, from: u64, workers: usize) -> Vec<Lasting> {
    let clock = ManualClock::new();
    clock.advance(secs(from));
    let mut sinks = Vec::new();
    let checkpoint = Checkpoint::new(directory.join("state"));
    let engine = Engine::new().workers(workers).manual_clock(&clock).checkpoint(checkpoint);
    let mut job = engine.start(program(&mut sinks, directory)).expect("starts");
    for batch in from + 1..=BATCHES {
        clock.advance(secs(1));
        delivered(&mut job, batch).await;
    }
    job.join().await.expect("ends well");
    sinks
}

#[tokio::test]
async fn what_an_earlier_version_wrote_goes_on() {
    let whole = tempfile::tempdir().expect("temp");
    let once = run(whole.path(), 0, 1).await;
    for workers in 1..=2 {
        let rest = tempfile::tempdir().expect("temp");
        copy(Path::new(FIXTURE), rest.path());
        let sinks = run(rest.path(), STOPPED, workers).await;
        assert_eq!(behind(&sinks), behind(&once), "with {workers} workers");
        // And on, from what this version has written behind it: nothing is left but the end.
        run(rest.path(), BATCHES, 1).await;
    }
}
