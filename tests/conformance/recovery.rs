//! Cases of kind `checkpoint_recovery`: a job stops in the middle, and another goes on from its checkpoints.
//!
//! Spark stops a context and makes a new one from the checkpoint directory. Here a job is stopped or aborted, and the
//! same pipeline is started on the same directory with sources that begin at their beginning. `collect()` cannot tell a
//! batch that comes again, so it gets some twice, as a user's sink would: each must be what it was.

use std::{collections::BTreeMap, path::Path};

use serde_json::Value;
use streaming_runtime::{BatchTime, Engine, ManualClock, millis};

use super::{
    given::{Given, Started},
    run::{LIMIT, Pace, Run, Start, compare},
};

/// How the first job ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    /// It is stopped when all of its batches are delivered.
    Stopped,
    /// It is aborted when all of its batches are delivered.
    Aborted,
    /// It is aborted when its first batch is delivered, wherever the others are.
    AbortedInFlight,
}

/// Runs the case with `workers` after the restart.
pub fn recovers(case: &'static Value, workers: usize, start: Start) {
    for before in [1, 2] {
        for end in [End::Stopped, End::Aborted, End::AbortedInFlight] {
            let restart = Restart { case, before, after: workers, end, start };
            // Connectors beside each other if several batches are in flight.
            let pace = if end == End::AbortedInFlight { Pace::AllAtOnce } else { Pace::BatchByBatch };
            let run = async { tokio::time::timeout(LIMIT, restart.go()).await };
            let got = pace.runtime().block_on(run).unwrap_or_else(|_| panic!("{restart:?} hangs"));
            compare(case, "expected", before.max(workers), &got);
        }
    }
}

/// One run of a case with a stop in it.
#[derive(Clone, Copy)]
struct Restart {
    case: &'static Value,
    before: usize,
    after: usize,
    end: End,
    start: Start,
}

impl std::fmt::Debug for Restart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Restart { case, before, after, end, .. } = self;
        write!(f, "{}, {before} and {after} workers, {end:?}", case["id"])
    }
}

type Batches = Vec<(u64, Vec<Value>)>;

impl Restart {
    /// Both runs; returns each batch once.
    async fn go(&self) -> Batches {
        let state = tempfile::tempdir().expect("a directory for temporary files is there");
        let clock = ManualClock::new();
        let stops_after = self.case["restart_after"].as_u64().expect("the case says when");
        let Run { batches, interval, .. } = Run::new(self.case, self.before, Pace::BatchByBatch);

        let (mut first, _given) = self.started(self.before, &clock, state.path(), batches);
        clock.advance(millis(stops_after * interval));
        let waits_for = if self.end == End::AbortedInFlight { 1 } else { stops_after };
        let waited = first.job.delivered(BatchTime::from_millis(waits_for * interval)).await;
        waited.unwrap_or_else(|error| panic!("{self:?}: {error}"));
        match self.end {
            End::Stopped => first.job.stop().await.unwrap_or_else(|error| panic!("{self:?}: {error}")),
            End::Aborted | End::AbortedInFlight => first.job.abort().await,
        }
        let before = (first.batches)();

        let (mut second, _given) = self.started(self.after, &clock, state.path(), batches);
        clock.advance(millis((batches - stops_after) * interval));
        second.job.join().await.unwrap_or_else(|error| panic!("{self:?}, after the restart: {error}"));
        let after = (second.batches)();

        let last = before.last().map_or(0, |(time, _)| *time);
        let times = after.iter().map(|(time, _)| *time);
        let new: Vec<u64> = times.filter(|time| *time > last).collect();
        let expected: Vec<u64> =
            (1..=batches).map(|batch| batch * interval).filter(|time| *time > last).collect();
        assert_eq!(new, expected, "{self:?}: what was not delivered comes after the restart");
        if self.end == End::Stopped {
            assert_eq!(after.len(), new.len(), "{self:?}: after a stop nothing comes again");
        }
        self.merged(before, after)
    }

    fn started(&self, workers: usize, clock: &ManualClock, state: &Path, batches: u64) -> (Started, Given) {
        let given = Given::new(self.case, batches as usize);
        let engine = Engine::new().workers(workers).manual_clock(clock).checkpoint(state);
        let started = (self.start)(&engine, &given).unwrap_or_else(|error| panic!("{self:?}: {error}"));
        (started, given)
    }

    /// The batches of both jobs; those of both must be the same in both.
    fn merged(&self, before: Batches, after: Batches) -> Batches {
        let mut all: BTreeMap<u64, Vec<Value>> = before.into_iter().collect();
        for (time, records) in after {
            let sorted = |records: &[Value]| {
                let mut texts: Vec<String> = records.iter().map(Value::to_string).collect();
                texts.sort();
                texts
            };
            if let Some(known) = all.get(&time) {
                assert_eq!(sorted(known), sorted(&records), "{self:?}: the batch at {time} ms came again");
            }
            all.insert(time, records);
        }
        all.into_iter().collect()
    }
}
