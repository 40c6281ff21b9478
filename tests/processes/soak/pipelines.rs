//! What the children run.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use streaming_runtime::{
    Checkpoint, ManualClock,
    connect::{ByDebug, TextFiles, channel, durable, sqlite, text_files},
    prelude::*,
};

use super::sources::{Batches, KEYS, Numbers, Pair, Peer};

stream!(
    #[batch(secs(1))]
    fn window<pairs: Source<Pair>, sums: Sink<Pair>, rows: Sink<Pair>, shown: Sink<(Pair, i64)>>() {
        let sums_by_key = pairs.window(secs(6), secs(2)).reduce_by_key(|a, b| a + b);
        sums_by_key.to(sums);
        sums_by_key.to(rows);
        sums_by_key.changes().to(shown);
    }
);

stream!(
    #[batch(secs(1))]
    fn join<
        left: Source<Pair>,
        right: Source<Pair>,
        joined: Sink<(i64, (i64, i64))>,
        rows: Sink<(i64, (i64, i64))>,
        shown: Sink<((i64, (i64, i64)), i64)>,
    >() {
        let both = left.window(secs(4), secs(2)).join(right.window(secs(2), secs(2)));
        both.to(joined);
        both.to(rows);
        both.changes().to(shown);
    }
);

stream!(
    #[batch(secs(1))]
    fn update<pairs: Source<Pair>, states: Sink<Pair>, latest: Sink<Pair>, shown: Sink<(Pair, i64)>>() {
        // Each value shows all of the history of its key, in order; keys come and go.
        let states_by_key = pairs.update_state(|_, state: Option<i64>, new: &[i64]| {
            let state = new.iter().fold(state.unwrap_or(1), |a, b| (a * 31 + b) % 1_000_003);
            (state % 5 != 0).then_some(state)
        });
        let kept = states_by_key.allow_unbounded("few keys");
        kept.to(states);
        kept.to(latest);
        kept.changes().to(shown);
    }
);

stream!(
    #[batch(secs(1))]
    fn sessions<
        pairs: Source<Pair>,
        told: Sink<(i64, Option<i64>, i64)>,
        rows: Sink<(i64, Option<i64>, i64)>,
        states: Sink<Pair>,
    >() {
        let (records, snapshots) = pairs.map_with_state(idle_for(secs(3)), |key, value, state| {
            let sum = state.get().copied().unwrap_or(1_i64) * 7 % 1_000_003 + value.unwrap_or(0);
            if !state.is_timing_out() {
                match sum % 11 {
                    0 if state.exists() => state.remove(),
                    _ => state.update(sum),
                }
            }
            Some((*key, value, sum))
        });
        records.to(told);
        records.to(rows);
        snapshots.to(states);
    }
);

stream!(
    #[batch(secs(1))]
    fn reach<pairs: Source<Pair>, reached: Sink<Pair>, rows: Sink<Pair>, shown: Sink<(Pair, i64)>>() {
        let edges = pairs.window(secs(4), secs(2)).map(|(from, to)| (from, to % 16)).distinct();
        let all = edges.iterate(|reach| {
            let further = reach.map(|(from, to)| (to, from)).join(edges).map(|(_, (from, to))| (from, to));
            further.union(edges).distinct()
        });
        all.to(reached);
        all.to(rows);
        all.changes().to(shown);
    }
);

stream!(
    /// Records of a peer that may send what it got no answer for again, and of a source that may send anything again.
    #[batch(millis(10))]
    fn received<
        sent: Source<Pair>,
        numbers: Source<Pair>,
        once: Sink<(i64, i64, i64)>,
        rows: Sink<(i64, i64, i64)>,
        numbered: Sink<(i64, i64, i64)>,
        numbered_rows: Sink<(i64, i64, i64)>,
    >() {
        // A number that is not the next of its key was lost, and shows.
        let (in_turn, _) = sent.map_with_state(unbounded("few keys"), |key, number, state| {
            let (next, sum) = state.get().copied().unwrap_or((*key, 0));
            let number = number?;
            if number < next {
                return None;
            }
            state.update((number + KEYS as i64, sum + number));
            Some((*key, if number == next { number } else { -number }, sum + number))
        });
        in_turn.to(once);
        in_turn.to(rows);
        let (sums, _) = numbers.map_with_state(unbounded("few keys"), |key, number, state| {
            let (count, sum) = state.get().copied().unwrap_or((0, 0));
            let number = number?;
            state.update((count + 1, sum + number));
            Some((*key, count, sum + number))
        });
        sums.to(numbered);
        sums.to(numbered_rows);
    }
);

/// A pipeline with its ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Job {
    Window,
    Join,
    Update,
    Sessions,
    Reach,
    Received,
}

impl Job {
    pub(crate) const ALL: [Job; 6] =
        [Job::Window, Job::Join, Job::Update, Job::Sessions, Job::Reach, Job::Received];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Job::Window => "window",
            Job::Join => "join of windows",
            Job::Update => "update_state",
            Job::Sessions => "map_with_state",
            Job::Reach => "loop",
            Job::Received => "durable channel",
        }
    }

    /// Whether each run has the same batches, and not only the same records.
    pub(crate) fn has_the_same_batches(self) -> bool {
        self != Job::Received
    }
}

/// What a child is to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Role {
    pub(crate) job: Job,
    pub(crate) seed: u64,
    pub(crate) batches: u64,
    /// The least size of a log that is compacted.
    pub(crate) segment: u64,
    pub(crate) directory: PathBuf,
    pub(crate) workers: usize,
}

/// Runs a job to its end.
///
/// # Errors
/// What ended it badly, as text.
pub(crate) fn child(role: &Role) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    runtime.block_on(run(role))
}

async fn run(role: &Role) -> Result<(), String> {
    let said = |error: &dyn std::error::Error| format!("{:?}: {error}", role.job);
    let Role { job, seed, batches, segment, workers, .. } = *role;
    let out = role.directory.join("out");
    std::fs::create_dir_all(&out).map_err(|error| said(&error))?;
    let checkpoint = Checkpoint::new(role.directory.join("state")).exactly_once().segment_bytes(segment);
    let engine = Engine::new().workers(workers).checkpoint(checkpoint);
    let clock = ManualClock::new();
    let by_hand = engine.clone().manual_clock(&clock);
    let source = |nth, keys| Batches { seed: seed << 4 | nth, batches, keys };
    let file = |name| Files(&out).files(name);
    let database = out.join("rows.db");
    let pair = ["key", "value"];
    let mut peer = None;
    let started = match job {
        Job::Window => by_hand.start(window::Ports {
            pairs: source(0, 12),
            sums: file("sums"),
            rows: sqlite::append(&database, "sums", pair),
            shown: sqlite::changes(&database, "shown", pair).key(["key"]),
        }),
        Job::Join => by_hand.start(join::Ports {
            left: source(0, 9),
            right: source(1, 9),
            joined: file("joined"),
            rows: sqlite::append(&database, "joined", ["key", "a", "b"]).row(joined_row),
            shown: sqlite::changes(&database, "shown", ["key", "a", "b"]).row(joined_row),
        }),
        Job::Update => by_hand.start(update::Ports {
            pairs: source(0, 40),
            states: file("states"),
            latest: sqlite::upsert(&database, "latest", ["key"], ["value"]),
            shown: sqlite::changes(&database, "shown", pair).key(["key"]),
        }),
        Job::Sessions => by_hand.start(sessions::Ports {
            pairs: source(0, 30),
            told: file("told"),
            rows: sqlite::append(&database, "told", ["key", "value", "sum"]),
            states: file("states"),
        }),
        Job::Reach => by_hand.start(reach::Ports {
            pairs: source(0, 16),
            reached: file("reached"),
            rows: sqlite::append(&database, "reached", pair),
            shown: sqlite::changes(&database, "shown", pair),
        }),
        Job::Received => {
            let (sender, sent) = channel(64);
            let acknowledged = role.directory.join("acknowledged");
            peer = Some(tokio::spawn(Peer { acknowledged, end: batches * 20 }.run(sender)));
            engine.start(received::Ports {
                sent: durable(sent),
                numbers: Numbers { seed, end: batches * 20 },
                once: file("once"),
                rows: sqlite::append(&database, "once", ["key", "number", "sum"]),
                numbered: file("numbered"),
                numbered_rows: sqlite::append(&database, "numbered", ["key", "count", "sum"]),
            })
        }
    };
    let mut started = started.map_err(|error| said(&error))?;
    clock.advance(secs(batches));
    started.join().await.map_err(|error| said(&error))?;
    match peer {
        Some(peer) => peer.await.expect("it does not panic").map_err(|error| said(&error)),
        None => Ok(()),
    }
}

struct Files<'a>(&'a Path);

impl Files<'_> {
    fn files(&self, name: &str) -> TextFiles<ByDebug> {
        text_files(self.0.join(name)).debug()
    }
}

fn joined_row((key, (a, b)): (i64, (i64, i64))) -> (i64, i64, i64) {
    (key, a, b)
}
