//! A checkpoint that is gone, older, or another's, is noticed by what the sinks have.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use streaming_runtime::{
    BatchTime, Checkpoint, ManualClock, Pipeline, Sink, StartError,
    connect::{
        Batch, CheckpointId, CheckpointMark, ConnectorError, Delivery, Retry, SinkPolicies, queue, sqlite,
        text_files,
    },
    prelude::*,
};

use crate::fidelity::refused;

stream!(
    #[batch(secs(1))]
    fn sums<numbers: Source<i64>, out: Sink<((), i64)>>() {
        let sums = numbers
            .map(|n| ((), n))
            .update_state(|_, sum, new: &[i64]| Some(sum.unwrap_or(0) + new.iter().sum::<i64>()));
        sums.allow_unbounded("one number").to(out);
    }
);

fn sums<S: Sink<((), i64)>>(out: S) -> impl Pipeline {
    sums::Ports { numbers: queue((1..=20).map(|n| vec![n]).collect()), out }
}

fn files(root: &Path) -> impl Sink<((), i64)> + use<> {
    text_files(root.join("out/sums")).suffix("txt").debug().retry(Retry::default()).timeout(secs(60))
}

/// The files of all batches.
fn written(root: &Path) -> BTreeMap<PathBuf, String> {
    let batches =
        fs::read_dir(root.join("out")).expect("it is there").map(|entry| entry.expect("readable").path());
    let parts = batches.filter(|path| path.is_dir()).map(|path| path.join("part-00000"));
    parts.map(|path| (path.clone(), fs::read_to_string(&path).expect("written"))).collect()
}

async fn run(checkpoint: impl Into<Checkpoint>, clock: &ManualClock, batches: u64, pipeline: impl Pipeline) {
    let engine = Engine::new().manual_clock(clock).checkpoint(checkpoint);
    let mut job = engine.start(pipeline).unwrap_or_else(|error| panic!("{error}"));
    for _ in 0..batches {
        clock.advance(secs(1));
        job.delivered(clock.now()).await.expect("delivered");
    }
    job.stop().await.expect("stops");
}

fn logs(state: &Path) -> Vec<PathBuf> {
    let all = fs::read_dir(state).expect("it is there").map(|entry| entry.expect("readable").path());
    let mut logs: Vec<_> = all
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("log-")))
        .collect();
    logs.sort();
    logs
}

#[tokio::test]
async fn files_are_of_one_checkpoint() {
    let root = tempfile::tempdir().expect("temp");
    let (root, state) = (root.path(), root.path().join("state"));
    let clock = ManualClock::new();
    // Where nothing came out, nothing belongs to anything.
    run(&state, &clock, 0, sums(files(root))).await;
    fs::remove_dir_all(&state).expect("removed");
    run(&state, &clock, 2, sums(files(root))).await;
    run(&state, &clock, 2, sums(files(root))).await;
    let before = written(root);
    assert_eq!(before.len(), 4);

    // Gone.
    let kept = root.join("kept");
    fs::rename(&state, &kept).expect("moved");
    let (code, said) = refused(&state, sums(files(root)));
    assert_eq!(code, "checkpoint.foreign");
    for word in ["sink `out`", ".adopt(\"out\")", "another checkpoint"] {
        assert!(said.contains(word), "`{word}` is not in: {said}");
    }
    assert_eq!(written(root), before, "a refusal touches nothing");
    // Another's.
    let other = root.join("other");
    run(&other, &clock, 1, sums(text_files(root.join("elsewhere/sums")).debug())).await;
    assert_eq!(refused(&other, sums(files(root))).0, "checkpoint.foreign");
    // Brought back, it goes on.
    fs::remove_dir_all(&state).expect("removed");
    fs::rename(&kept, &state).expect("moved");
    run(&state, &clock, 1, sums(files(root))).await;
    assert_eq!(written(root).len(), 6);

    // Its newest log is gone, as if it were an older copy.
    let newest = logs(&state).pop().expect("a log");
    let moved = root.join("newest");
    fs::rename(&newest, &moved).expect("moved");
    let (code, said) = refused(&state, sums(files(root)));
    assert_eq!(code, "checkpoint.behind");
    for word in ["sink `out`", ".adopt(\"out\")"] {
        assert!(said.contains(word), "`{word}` is not in: {said}");
    }
    fs::rename(&moved, &newest).expect("moved");
    run(&state, &clock, 1, sums(files(root))).await;

    // What is there is taken over where that is said, and an empty place belongs to anybody.
    fs::remove_dir_all(&state).expect("removed");
    run(Checkpoint::new(&state).adopt("out"), &clock, 1, sums(files(root))).await;
    run(&state, &clock, 1, sums(files(root))).await;
    fs::remove_dir_all(&state).expect("removed");
    for directory in written(root).into_keys() {
        fs::remove_dir_all(directory.parent().expect("of a batch")).expect("removed");
    }
    run(&state, &clock, 1, sums(files(root))).await;
    let engine = Engine::new().checkpoint(Checkpoint::new(&state).adopt("typo"));
    let error = engine.start(sums(files(root))).err().expect("there is no such sink");
    assert!(error.to_string().contains("typo"), "{error}");
}

#[tokio::test]
async fn so_are_rows() {
    let root = tempfile::tempdir().expect("temp");
    let (state, database) = (root.path().join("state"), root.path().join("sums.db"));
    let rows = || sqlite::append(&database, "sums", ["n"]).row(|((), n): ((), i64)| (n,));
    let clock = ManualClock::new();
    run(&state, &clock, 2, sums(rows())).await;
    fs::rename(&state, root.path().join("kept")).expect("moved");
    // Not only where each record is to count once.
    assert_eq!(refused(&state, sums(rows())).0, "checkpoint.foreign");
    fs::remove_dir_all(&state).expect("removed");
    run(Checkpoint::new(&state).adopt("out"), &clock, 1, sums(rows())).await;
    run(&state, &clock, 1, sums(rows())).await;
    fs::remove_dir_all(&state).expect("removed");
    run(Checkpoint::new(&state).exactly_once().adopt("out"), &clock, 1, sums(rows())).await;
    fs::remove_dir_all(&state).expect("removed");
    fs::rename(root.path().join("kept"), &state).expect("moved");
    assert_eq!(refused(&state, sums(rows())).0, "checkpoint.foreign", "it belongs to the other now");
}

/// A sink of a user's own that knows its checkpoint.
struct Own(PathBuf);

impl Sink<((), i64)> for Own {
    const DELIVERY: Delivery = Delivery::Idempotent;

    fn checkpoint_mark(&self) -> Result<Option<CheckpointMark>, ConnectorError> {
        let Ok(text) = fs::read_to_string(self.0.join("mark")) else { return Ok(None) };
        let checkpoint = text.parse().map_err(ConnectorError::other)?;
        let times = fs::read_dir(&self.0).expect("it is there").flatten();
        let last = times.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).max();
        Ok(Some(CheckpointMark { checkpoint, last: last.map(BatchTime::from_nanos) }))
    }

    async fn mark_checkpoint(&mut self, checkpoint: CheckpointId) -> Result<(), ConnectorError> {
        fs::write(self.0.join("mark"), checkpoint.to_string())
            .map_err(|error| ConnectorError::io("mark", error))
    }

    async fn write(&mut self, batch: Batch<((), i64)>) -> Result<(), ConnectorError> {
        let path = self.0.join(batch.time.as_nanos().to_string());
        fs::write(path, format!("{:?}", batch.records)).map_err(|error| ConnectorError::io("write", error))
    }
}

#[tokio::test]
async fn a_sink_of_ones_own_can_know_it_too() {
    let root = tempfile::tempdir().expect("temp");
    let (state, out) = (root.path().join("state"), root.path().join("out"));
    fs::create_dir(&out).expect("made");
    let clock = ManualClock::new();
    run(&state, &clock, 2, sums(Own(out.clone()))).await;
    run(&state, &clock, 1, sums(Own(out.clone()))).await;
    fs::remove_dir_all(&state).expect("removed");
    assert_eq!(refused(&state, sums(Own(out.clone()))).0, "checkpoint.foreign");
    fs::write(out.join("mark"), "rubbish").expect("written");
    let (code, said) = refused(&state, sums(Own(out.clone())));
    assert_eq!(code, "checkpoint.mark");
    assert!(said.contains("sink `out`") && said.contains("rubbish"), "{said}");
    // Without checkpoints nobody asks.
    let mut job = Engine::new().manual_clock(&clock).start(sums(Own(out))).expect("starts");
    clock.advance(secs(1));
    job.delivered(clock.now()).await.expect("delivered");
}

/// What was started with the place is refused by name, and the place is free again for the next.
#[tokio::test]
async fn what_is_wrong_with_a_place_is_an_error_of_the_start() {
    let root = tempfile::tempdir().expect("temp");
    let state = root.path().join("state");
    let clock = ManualClock::new();
    run(&state, &clock, 2, sums(files(root.path()))).await;
    let log = logs(&state).pop().expect("a log");
    let whole = fs::read(&log).expect("readable");
    for (bytes, code) in [
        (whole.iter().map(|byte| byte ^ 1).collect::<Vec<_>>(), "checkpoint.corrupt"),
        ([&whole[..8], &[9, 0, 0, 0], &whole[12..]].concat(), "checkpoint.corrupt"),
    ] {
        fs::write(&log, bytes).expect("written");
        for _ in 0..2 {
            assert_eq!(refused(&state, sums(files(root.path()))).0, code);
        }
    }
    fs::write(&log, &whole).expect("written");
    let engine = Engine::new().manual_clock(&clock).checkpoint(&state);
    let mut job = engine.start(sums(files(root.path()))).expect("starts");
    let taken = engine.start(sums(text_files(root.path().join("other/sums")).debug()));
    let Err(StartError::Checkpoint(taken)) = taken else { panic!("it is taken") };
    assert_eq!(taken.code(), "checkpoint.taken");
    job.stop().await.expect("stops");
}
