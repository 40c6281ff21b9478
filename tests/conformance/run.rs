//! Runs a case, by its kind, with time moved by hand.

use std::{
    collections::HashMap,
    fs::{self, File},
    path::Path,
    sync::LazyLock,
    time::{Duration, SystemTime},
};

use serde_json::Value;
use streaming_runtime::{BatchTime, Engine, JobError, ManualClock, StartError, millis};
use tokio::runtime::{Builder, Runtime};

use super::{
    compare::Rule,
    generated::FILES,
    given::{Given, Started},
    recovery::recovers,
};

/// How a generated pipeline is started.
pub type Start = fn(&Engine, &Given) -> Result<Started, StartError>;

/// No case takes a second; one that takes this long hangs.
pub(super) const LIMIT: Duration = Duration::from_secs(30);

static CASES: LazyLock<HashMap<String, Value>> = LazyLock::new(|| {
    let cases = |file: &&str| serde_json::from_str::<Vec<Value>>(file).expect("the generator read it");
    let id = |case: &Value| case["id"].as_str().expect("a case has an id").to_owned();
    FILES.iter().flat_map(cases).map(|case| (id(&case), case)).collect()
});

/// How time moves, and where the connectors run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Pace {
    /// Each batch is delivered before the next closes. One thread for all connectors.
    BatchByBatch,
    /// All are due at once, so that several are in flight, and connectors run beside each other: what the
    /// batches hold must depend on neither.
    AllAtOnce,
}

impl Pace {
    pub(super) fn runtime(self) -> Runtime {
        let mut builder = match self {
            Pace::BatchByBatch => Builder::new_current_thread(),
            Pace::AllAtOnce => Builder::new_multi_thread(),
        };
        builder.worker_threads(2).enable_all().build().expect("tokio starts")
    }
}

/// The case `id`.
pub fn case(id: &str) -> &'static Value {
    &CASES[id]
}

/// Runs the case `id` on `start` with so many workers and compares.
pub fn check(id: &str, workers: usize, start: Start) {
    let case = case(id);
    if case["kind"] == "checkpoint_recovery" {
        return recovers(case, workers, start);
    }
    let fails = !case["expected_error"].is_null();
    // In a job that fails, which batches were delivered before is certain only if they were waited for.
    let paces = match case["kind"].as_str() {
        Some("stream" | "slice") if !fails => &[Pace::BatchByBatch, Pace::AllAtOnce][..],
        _ => &[Pace::BatchByBatch],
    };
    for &pace in paces {
        let run = async { tokio::time::timeout(LIMIT, Run::new(case, workers, pace).go(start)).await };
        let (started, outcome) = pace
            .runtime()
            .block_on(run)
            .unwrap_or_else(|_| panic!("{id} hangs with {workers} workers, {pace:?}"));
        let got = (started.batches)();
        if fails {
            failed(case, outcome, &got, started.operators);
        } else {
            outcome.unwrap_or_else(|error| panic!("{id} fails: {error}"));
            match case["kind"].as_str() {
                Some("slice") => slices(case, &got),
                _ => compare(case, "expected", workers, &got),
            }
            if let Some(states) = started.states {
                compare(case, "expected_state", workers, &states());
            }
        }
    }
}

/// One run of one case.
pub(super) struct Run {
    case: &'static Value,
    workers: usize,
    pace: Pace,
    clock: ManualClock,
    pub(super) batches: u64,
    pub(super) interval: u64,
}

impl Run {
    pub(super) fn new(case: &'static Value, workers: usize, pace: Pace) -> Self {
        let interval = case["batch_ms"].as_u64().unwrap_or(1000);
        Run { case, workers, pace, clock: ManualClock::new(), batches: batches(case), interval }
    }

    async fn go(self, start: Start) -> (Started, Result<(), JobError>) {
        let given = Given::new(self.case, self.batches as usize);
        if self.case["kind"] == "file_stream" {
            self.before_start(&given);
        }
        let engine = Engine::new().workers(self.workers).manual_clock(&self.clock);
        let mut started = start(&engine, &given).expect("nothing keeps the job from starting");
        let outcome = match self.case["kind"].as_str() {
            Some("stream" | "slice") => self.stream(&mut started).await,
            Some("queue_stream") => self.queue_stream(&mut started, &given).await,
            Some("file_stream") => self.file_stream(&mut started, &given).await,
            kind => panic!("there are no tests of kind {kind:?}"),
        };
        (started, outcome)
    }

    async fn stream(&self, started: &mut Started) -> Result<(), JobError> {
        match self.pace {
            Pace::AllAtOnce => self.clock.advance(millis(self.batches * self.interval)),
            Pace::BatchByBatch => {
                for _ in 0..self.batches {
                    self.clock.advance(millis(self.interval));
                    started.job.delivered(self.clock.now()).await?;
                }
            }
        }
        // The sources end with the last batch.
        started.job.join().await
    }

    async fn queue_stream(&self, started: &mut Started, given: &Given) -> Result<(), JobError> {
        for batch in 0..self.batches as usize {
            items(&self.case["steps"][batch]).iter().for_each(|dataset| given.push(dataset));
            self.clock.advance(millis(self.interval));
            started.job.delivered(self.clock.now()).await?;
        }
        started.job.stop().await
    }

    /// What a file source finds when it starts.
    fn before_start(&self, given: &Given) {
        let start = start(self.case);
        self.clock.advance(millis(start));
        for name in items(&self.case["params"]["subdirs"]) {
            let name = name.as_str().expect("a directory has a name");
            fs::create_dir_all(given.directory().join(name)).expect("the directory can be made");
        }
        for step in items(&self.case["steps"]).iter().filter(|step| step["at"] == "before start") {
            let after = step["mtime_ms"].as_i64().expect("files from before the start have a time");
            write(given, step, (start - self.interval).saturating_add_signed(after));
        }
    }

    async fn file_stream(&self, started: &mut Started, given: &Given) -> Result<(), JobError> {
        for batch in 1..=self.batches {
            self.clock.advance(millis(self.interval / 2));
            for step in items(&self.case["steps"]).iter().filter(|step| step["at"] == batch) {
                file_step(given, step, self.clock.now());
            }
            self.clock.advance(millis(self.interval - self.interval / 2));
            started.job.delivered(self.clock.now()).await?;
        }
        started.job.stop().await
    }
}

/// The time at which the stream starts, in milliseconds: files leave room for older ones.
fn start(case: &Value) -> u64 {
    if case["kind"] == "file_stream" { 1_700_000_000_000 } else { 0 }
}

/// The number of batches to run.
fn batches(case: &Value) -> u64 {
    let inputs = items(&case["inputs"]).iter().map(|input| items(input).len() as u64);
    let given = [&case["num_batches"], &case["params"]["num_batches"]].into_iter().find_map(Value::as_u64);
    let listed = match case["kind"].as_str() {
        Some("queue_stream") => items(&case["expected"]).len() as u64,
        _ => inputs.max().unwrap_or_default(),
    };
    given.unwrap_or(listed)
}

fn file_step(given: &Given, step: &Value, now: BatchTime) {
    let path = |field: &str| given.directory().join(step[field].as_str().expect("the step names a file"));
    let now = now.as_millis();
    match step["do"].as_str() {
        Some("write") => {
            let later = step["mtime_from_now_ms"].as_i64().unwrap_or(0);
            write(given, step, now.saturating_add_signed(later));
        }
        Some("append") => {
            let before = fs::read_to_string(path("file")).expect("the file is there");
            fs::write(path("file"), before + text(step)).expect("the file can be written");
            touch(&path("file"), now);
        }
        Some("rename") => fs::rename(path("file"), path("to")).expect("the file is there"),
        Some("rename and touch") => {
            fs::rename(path("file"), path("to")).expect("the file is there");
            touch(&path("to"), now);
        }
        Some("delete") => fs::remove_file(path("file")).expect("the file is there"),
        step => panic!("an unknown step: {step:?}"),
    }
}

fn text(step: &Value) -> &str {
    step["text"].as_str().expect("the step has a text")
}

fn write(given: &Given, step: &Value, modified: u64) {
    let path = given.directory().join(step["file"].as_str().expect("the step names a file"));
    fs::write(&path, text(step)).expect("the file can be written");
    touch(&path, modified);
}

fn touch(path: &Path, modified: u64) {
    let file = File::options().append(true).open(path).expect("the file is there");
    file.set_modified(SystemTime::UNIX_EPOCH + millis(modified)).expect("times can be set");
}

/// Holds the batches against those that stand in the case's field.
pub(super) fn compare(case: &Value, field: &str, workers: usize, got: &[(u64, Vec<Value>)]) {
    let (id, interval) = (&case["id"], case["batch_ms"].as_u64().unwrap_or(1000));
    let expected = items(&case[field]);
    let rule = Rule {
        // Each worker has a part of every batch, Spark's partition. A sink gets the parts one after the other,
        // and which worker has which changes from batch to batch: with two, order holds within a part only.
        // Sorting is another matter: it puts the whole batch in order.
        ordered: case["order_matters"] == true
            && (is_sorted(case) || (workers == 1 && !unites_sources(case))),
        tolerance: case["tolerance"].as_f64().unwrap_or(0.0),
    };
    let at: Vec<u64> = match case["output_at"].as_array() {
        Some(at) => at.iter().map(|batch| batch.as_u64().expect("batches are numbered")).collect(),
        None => (1..).take(expected.len()).collect(),
    };
    assert_eq!(at.len(), expected.len(), "{id} names each batch that puts something out");
    // Every batch is a batch, also one without records; but a sink gets to see only those in which its stream is due.
    let due: Vec<u64> = if slides(case) { at.clone() } else { (1..=batches(case)).collect() };
    let times: Vec<u64> = got.iter().map(|(time, _)| *time).collect();
    let expected_times: Vec<u64> = due.iter().map(|batch| start(case) + batch * interval).collect();
    assert_eq!(times, expected_times, "{id}: each batch is delivered once, named by its time");
    for (batch, (_, got)) in due.into_iter().zip(got) {
        let due = at.iter().position(|due| *due == batch).map_or(&[][..], |place| items(&expected[place]));
        let holds = match workers > 1 && field == "expected" && shows_sums_on_the_way(case) {
            true => rule.holds(&keys(got), &keys(due)),
            false => rule.holds(got, due),
        };
        assert!(
            holds,
            "{id}, batch {batch}, {workers} workers, {rule:?}\n     got {}\nexpected {}",
            Value::from(got.clone()),
            Value::from(due)
        );
    }
}

/// Whether the output is due only where the case says so: a window slides by more than a batch.
fn slides(case: &Value) -> bool {
    items(&case["program"]).iter().any(|step| step["slide"].as_f64().is_some_and(|slide| slide > 1.0))
}

/// Whether the last step sees the batch as a whole, with the workers' parts in order, and so puts it in order.
fn is_sorted(case: &Value) -> bool {
    let last = items(&case["program"]).last();
    let function = last.and_then(|step| step["fn"].as_str());
    matches!(last.and_then(|step| step["op"].as_str()), Some("glom" | "mapPartitions"))
        || matches!(function, Some("sort by key" | "sort ascending" | "three largest, descending"))
}

/// Spark's `slice` gives the batches of a range of time again, which its streams remember. Here streams forget, and
/// what was kept is the sink's: `collect()` names the batches by their times.
fn slices(case: &Value, got: &[(u64, Vec<Value>)]) {
    let expected = items(&case["expected"]);
    assert_eq!(items(&case["steps"]).len(), expected.len(), "each slice has an expected list of batches");
    for (step, expected) in items(&case["steps"]).iter().zip(expected) {
        let [from, to] = [0, 1].map(|end| step[end].as_u64().expect("a slice has two times"));
        let slice = got.iter().filter(|(time, _)| (from..=to).contains(time));
        let slice: Vec<Value> = slice.map(|(_, records)| Value::from(records.clone())).collect();
        assert_eq!(slice, items(expected), "{}: from {from} to {to} ms", case["id"]);
    }
}

/// Whether the order of different values of a key shows in what is put out. Workers take parts of a batch, and whose
/// records reach the owner of a key first is nobody's to say; the sums on the way differ then, the keys and the states
/// of the batch do not.
fn shows_sums_on_the_way(case: &Value) -> bool {
    let differ = |batch: &Value| {
        let pairs = items(batch);
        pairs.iter().any(|a| a.is_array() && pairs.iter().any(|b| a[0] == b[0] && a[1] != b[1]))
    };
    let emits = |step: &Value| {
        let function = step["fn"].as_str().unwrap_or_default();
        step["op"] == "mapWithState" && function.contains("emit") && function.contains("sum")
    };
    items(&case["program"]).iter().any(emits) && items(&case["inputs"][0]).iter().any(differ)
}

fn keys(pairs: &[Value]) -> Vec<Value> {
    pairs.iter().map(|pair| pair[0].clone()).collect()
}

/// Whether records of several sources come together in a union. Spark puts the sources' datasets one behind the
/// other; here each record goes on as it arrives, and which of two sources is faster is nobody's to say.
fn unites_sources(case: &Value) -> bool {
    let unites = |step: &Value| {
        let function = step["fn"].as_str().unwrap_or_default();
        step["op"] == "union" || function.contains("union")
    };
    items(&case["inputs"]).len() > 1 && items(&case["program"]).iter().any(unites)
}

/// Holds the failure of a job against the expected one: the batches before it are delivered, and no other.
///
/// Spark goes on with later batches until someone stops the context, so some cases expect those too; here a
/// failure ends the job.
fn failed(case: &Value, outcome: Result<(), JobError>, got: &[(u64, Vec<Value>)], operators: &[&str]) {
    let (id, error) = (&case["id"], &case["expected_error"]);
    let batch: usize = error["when"]
        .as_str()
        .and_then(|when| when.strip_prefix("batch ")?.parse().ok())
        .expect("an error is expected in a batch");
    let Err(JobError::OperatorPanicked { operator, message }) = outcome else {
        panic!("{id}: an operator panics, but the job ends with {outcome:?}");
    };
    assert!(operators.contains(&&*operator), "{id}: `{operator}` is none of {operators:?}");
    let failing = items(&case["program"])
        .iter()
        .find(|step| step["fn"].as_str().is_some_and(|function| function.contains("fail")))
        .and_then(|step| step["id"].as_str());
    assert_eq!(operator.split('/').nth(1), failing, "{id}: it is the step that fails which is to blame");
    let contains = error["contains"].as_str().unwrap_or_default();
    assert!(message.contains(contains), "{id}: `{message}` does not say `{contains}`");

    let delivered: Vec<_> = got.iter().map(|(_, records)| records.clone()).collect();
    let before = items(&case["expected"]).iter().take(batch - 1);
    let before: Vec<_> = before.map(|batch| items(batch).to_vec()).collect();
    assert_eq!(delivered, before, "{id}: the batches before the failing one are delivered");
}

pub fn items(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}
