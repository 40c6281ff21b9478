//! What listeners hear, and that they harm nobody.

use std::sync::{Arc, Mutex};

use streaming_runtime::{
    BatchInfo, JobError, Listener, ManualClock, Monitor,
    connect::{Batch, ConnectorError, SourceContext, collect, queue},
    prelude::*,
};

stream!(
    #[batch(secs(1))]
    fn both<a: Source<u64>, b: Source<u64>, out: Sink<u64>>() {
        a.union(b).to(out);
    }
);

/// Writes down what it hears.
#[derive(Clone, Default)]
struct Heard {
    lines: Arc<Mutex<Vec<String>>>,
    job: Arc<Mutex<Option<Monitor>>>,
}

impl Heard {
    fn hears(&self, line: impl Into<String>) {
        self.lines.lock().expect("no panic").push(line.into());
    }
    fn lines(&self) -> Vec<String> {
        self.lines.lock().expect("no panic").clone()
    }
}

fn batch_line(what: &str, batch: &BatchInfo) -> String {
    format!("{what} {} of {}: {:?}", batch.time, batch.job, batch.records)
}

impl Listener for Heard {
    fn attached(&self, job: &Monitor) {
        self.hears(format!("attached to {}", job.name()));
        *self.job.lock().expect("no panic") = Some(job.clone());
    }
    fn started(&self) {
        self.hears("started");
    }
    fn source_started(&self, port: &'static str) {
        self.hears(format!("{port} started"));
    }
    fn source_ended(&self, port: &'static str) {
        self.hears(format!("{port} ended"));
    }
    fn source_failed(&self, port: &'static str, error: &JobError) {
        self.hears(format!("{port} failed: {error}"));
    }
    fn batch_started(&self, batch: &BatchInfo) {
        self.hears(batch_line("batch", batch));
    }
    fn batch_completed(&self, batch: &BatchInfo) {
        self.hears(batch_line("done", batch));
    }
    fn sink_failed(&self, port: &'static str, error: &JobError) {
        self.hears(format!("{port} failed: {error}"));
    }
    fn ended(&self, result: &Result<(), JobError>) {
        self.hears(format!("ended: {}", result.as_ref().map_or_else(|error| error.code(), |()| "well")));
    }
}

#[tokio::test]
async fn a_job_is_told_from_its_beginning_to_its_end() {
    for workers in [1, 2] {
        let (clock, heard) = (ManualClock::new(), Heard::default());
        let engine = Engine::new().workers(workers).manual_clock(&clock).listener(heard.clone());
        let (a, b) = (queue(vec![vec![1, 2], vec![]]), queue(vec![vec![], vec![3]]));
        let mut job = engine.start(both::Ports { a, b, out: collect().0 }).expect("it starts");
        clock.advance(secs(2));
        job.join().await.expect("it ends well");

        let lines = heard.lines();
        assert_eq!((&*lines[0], &**lines.last().expect("some")), ("attached to both", "ended: well"));
        let all = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
        let (mut lives, batches): (Vec<_>, Vec<_>) = lines[1..lines.len() - 1]
            .iter()
            .cloned()
            .partition(|line| line.ends_with("started") || line.ends_with("ended"));
        let at = |what: &str| lives.iter().position(|line| line == what).expect("it was told");
        assert!(at("a started") < at("a ended") && at("b started") < at("b ended"));
        lives.sort();
        assert_eq!(lives, all(&["a ended", "a started", "b ended", "b started", "started"]));
        let (mut begun, mut done): (Vec<_>, Vec<_>) =
            batches.iter().cloned().partition(|line| line.starts_with("batch"));
        for line in &begun {
            let done = line.replace("batch", "done");
            let place = |line: &str| batches.iter().position(|other| other == line).expect("it was told");
            assert!(place(line) < place(&done), "{batches:?}");
        }
        let records = [
            r#"1970-01-01 00:00:01.000 UTC of both: [("a", 2), ("b", 0)]"#,
            r#"1970-01-01 00:00:02.000 UTC of both: [("a", 0), ("b", 1)]"#,
        ];
        begun.iter_mut().for_each(|line| *line = line.replacen("batch ", "", 1));
        done.iter_mut().for_each(|line| *line = line.replacen("done ", "", 1));
        assert_eq!((begun, done), (all(&records), all(&records)));

        let monitor = heard.job.lock().expect("no panic").clone().expect("it was attached");
        assert_eq!((monitor.has_ended(), monitor.metrics().records), (true, 3), "it outlives its job");
    }
}

/// Panics at all that it hears.
struct Panicking;
impl Listener for Panicking {
    fn attached(&self, _: &Monitor) {
        panic!("attached")
    }
    fn started(&self) {
        panic!("started")
    }
    fn source_started(&self, _: &'static str) {
        panic!("a source started")
    }
    fn source_ended(&self, _: &'static str) {
        panic!("a source ended")
    }
    fn batch_started(&self, _: &BatchInfo) {
        panic!("a batch started")
    }
    fn batch_completed(&self, _: &BatchInfo) {
        panic!("a batch was completed")
    }
    fn ended(&self, _: &Result<(), JobError>) {
        panic!("ended")
    }
}

#[tokio::test]
async fn a_listener_that_panics_harms_neither_the_job_nor_other_listeners() {
    for workers in [1, 2] {
        let (clock, heard, (out, got)) = (ManualClock::new(), Heard::default(), collect());
        let engine = Engine::new().workers(workers).manual_clock(&clock);
        let engine = engine.listener(Panicking).listener(heard.clone());
        let (a, b) = (queue(vec![vec![1], vec![2]]), queue(vec![]));
        let mut job = engine.start(both::Ports { a, b, out }).expect("it starts");
        clock.advance(secs(2));
        job.join().await.expect("it ends well");
        assert_eq!(got.records(), [1, 2]);
        // Attached, started, two sources, two batches, and the end.
        assert_eq!(job.metrics().listener_panics, 1 + 1 + 2 * 2 + 2 * 2 + 1);
        assert_eq!(heard.lines().len() as u64, job.metrics().listener_panics);
    }
}

struct Failing;
impl Source<u64> for Failing {
    async fn run(self, _: SourceContext<u64>) -> Result<(), ConnectorError> {
        Err(ConnectorError::other("the well is dry"))
    }
}
impl Sink<u64> for Failing {
    async fn write(&mut self, _: Batch<u64>) -> Result<(), ConnectorError> {
        Err(ConnectorError::other("the disk is full"))
    }
}

struct Broken;
impl Source<u64> for Broken {
    async fn run(self, _: SourceContext<u64>) -> Result<(), ConnectorError> {
        panic!("a bug")
    }
}

async fn fails(a: impl Source<u64>, out: impl Sink<u64>) -> Vec<String> {
    let (clock, heard) = (ManualClock::new(), Heard::default());
    let engine = Engine::new().manual_clock(&clock).listener(heard.clone());
    let b = queue(vec![vec![1]]);
    let mut job = engine.start(both::Ports { a, b, out }).expect("it starts");
    clock.advance(secs(1));
    job.join().await.expect_err("it fails");
    heard.lines().into_iter().filter(|line| line.contains("failed") || line.starts_with("ended")).collect()
}

#[tokio::test]
async fn failures_of_connectors_are_told_before_the_job_ends() {
    let fine = || collect().0;
    assert_eq!(fails(Failing, fine()).await, ["a failed: source `a`: the well is dry", "ended: job.source"]);
    assert_eq!(
        fails(Broken, fine()).await,
        ["a failed: connector of port `a` panicked: a bug", "ended: job.connector_panicked"]
    );
    assert_eq!(
        fails(queue(vec![vec![1]]), Failing).await,
        ["out failed: sink `out`: the disk is full", "ended: job.sink"]
    );
}
