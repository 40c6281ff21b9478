//! The life of a job, by Spark's steps in this engine's terms.
//!
//! | Spark | here |
//! |---|---|
//! | a streaming context | a pipeline's ports with an engine; once started, a `Job` |
//! | `INITIALIZED`, `ACTIVE`, `STOPPED` | there are ports; there is a job that `join` waits for; `join` returns |
//! | the Spark context | the program's tokio runtime and the engine, which no job ends |
//! | `awaitTerminationOrTimeout` | `join` under `tokio::time::timeout` |
//! | `getOrCreate`, recovery from a path | the same `Engine::checkpoint` and `start` as the first time |

use std::{fs, path::Path, time::Duration};

use futures::FutureExt;
use serde_json::Value;
use streaming_runtime::{
    Engine, Job, ManualClock, StartError,
    connect::{
        Collected, collect,
        queue::{self, Pusher, Queue, SharedQueue},
    },
    prelude::*,
};
use tempfile::TempDir;

use super::run::{case, items};

/// Where this engine means something else, or says it in other words, by case and step.
const DIFFERS: &[(&str, usize, &str, &str)] = &[
    ("life-start-stop-states", 7, "true", "a job never ends what it was started in"),
    ("life-two-contexts", 4, "\"ok\"", "many jobs run at once"),
    // A mistyped path shows in the log, which says as of when a job goes on.
    ("checkpoint-missing-dir", 0, "\"ok\"", "a place where nothing is yet is where a job begins"),
    ("life-get-or-create-corrupt", 0, "\"error checkpoint.corrupt\"", "the error's own name"),
    (
        "life-queueStream-with-checkpoint",
        6,
        "\"recovered\"",
        "a queue is given its batches again and goes on behind those it had",
    ),
];

stream!(
    #[batch(secs(1))]
    fn ones<numbers: Source<i64>, out: Sink<i64>>() {
        numbers.to(out);
    }
);

stream!(
    /// How many numbers there were so far, in a job with checkpoints.
    #[batch(secs(1))]
    fn tally<numbers: Source<i64>, out: Sink<((), usize)>>() {
        let so_far = numbers
            .map(|n| ((), n))
            .update_state(|(), n: Option<usize>, new| Some(n.unwrap_or(0) + new.len()));
        so_far.allow_unbounded("it is one key").to(out);
    }
);

/// Runs the steps of the case `id`.
pub fn life_cycle(id: &str, workers: usize) {
    let case = case(id);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("tokio starts");
    let results = async {
        let clock = ManualClock::new();
        let engine = Engine::new().workers(workers).manual_clock(&clock);
        let [mut first, mut second] = [(); 2].map(|()| Context::new(&engine, &clock));
        let mut results = Vec::new();
        for step in items(&case["steps"]) {
            let words = step[0].as_str().expect("a step has words");
            results.push(match words.split_once(" second") {
                Some((words, rest)) => second.step(&format!("{words}{rest}")).await,
                None => first.step(words).await,
            });
        }
        results
    };
    let results = runtime.block_on(async {
        tokio::time::timeout(Duration::from_secs(30), results).await.expect("no case hangs")
    });
    for (number, (got, spark)) in results.iter().zip(items(&case["expected"])).enumerate() {
        let differs = DIFFERS.iter().find(|(case, step, ..)| *case == id && *step == number);
        let expected = match differs {
            Some((_, _, here, _)) => here.parse().expect("it is JSON"),
            None => spark.clone(),
        };
        assert_eq!(*got, expected, "{id}, step {number}, {workers} workers");
        assert!(differs.is_none() || got != spark, "{id}, step {number} does not differ from Spark's");
    }
}

type Start = Box<dyn FnOnce(&Engine) -> Result<Job, StartError>>;

/// What Spark calls a streaming context.
struct Context {
    engine: Engine,
    clock: ManualClock,
    pusher: Option<Pusher<i64>>,
    /// The pipeline with its ports, until it is started.
    ports: Option<Start>,
    job: Option<Job>,
    state: Option<TempDir>,
    is_queued: bool,
}

impl Context {
    fn new(engine: &Engine, clock: &ManualClock) -> Self {
        Context {
            engine: engine.clone(),
            clock: clock.clone(),
            pusher: None,
            ports: None,
            job: None,
            state: None,
            is_queued: false,
        }
    }

    /// A pipeline with its ports; its input is `[1]` in each batch, without end.
    fn make(&mut self) {
        let (pusher, numbers) = ones_without_end();
        self.pusher = Some(pusher);
        self.ports = Some(Box::new(|engine| engine.start(ones::Ports { numbers, out: collect().0 })));
    }

    fn job(&mut self) -> &mut Job {
        self.job.as_mut().expect("the case has started it")
    }

    async fn step(&mut self, words: &str) -> Value {
        match words {
            "new" => self.make(),
            // Spark's graph is made step by step in a context; here there are ports when it is whole. That a context
            // leaves Spark's own alone is a setting there and always so here.
            "register output" | "set conf" => {}
            "start" => {
                let start = self.ports.take().expect("a case starts once");
                self.job = Some(start(&self.engine).expect("nothing keeps it from starting"));
            }
            "stop" | "stop keep spark context" | "stop gracefully" => {
                self.job().stop().await.expect("it stops well");
            }
            "state" => return self.state().into(),
            "await 200ms" => {
                let joined = tokio::time::timeout(Duration::from_millis(200), self.job().join()).await;
                return joined.is_ok().into();
            }
            "set checkpoint dir" => {
                let state = directory();
                self.engine = self.engine.clone().checkpoint(state.path());
                self.state = Some(state);
                let (pusher, numbers) = ones_without_end();
                self.pusher = Some(pusher);
                self.ports = Some(Box::new(|engine| Ok(tallies(engine, numbers)?.0)));
            }
            "add queueStream output" => {
                self.is_queued = true;
                self.ports = Some(Box::new(|engine| Ok(tallies(engine, queued())?.0)));
            }
            "run 2 batches" => self.run_batches(2).await,
            "getOrCreate from its checkpoint directory" => {
                let state = self.state.take().expect("the case has set it");
                return match self.goes_on(state.path()).await {
                    Ok(3) => "recovered".into(),
                    other => format!("{other:?} of 3").into(),
                };
            }
            "recover from missing directory" => {
                let state = directory();
                let begun = self.goes_on(&state.path().join("missing")).await;
                assert_eq!(begun.expect("it starts"), 1, "it begins with nothing");
            }
            "getOrCreate with empty directory creates" => {
                let begun = self.goes_on(directory().path()).await;
                return (begun.expect("it starts") == 1).into();
            }
            "getOrCreate with corrupt checkpoint" => {
                let refused = self.goes_on(self.corrupt().await.path()).await;
                return format!("error {}", refused.expect_err("it cannot go on").code()).into();
            }
            // That the state may be lost is the program's to say, by giving another place.
            "getOrCreate with corrupt checkpoint, create on error" => {
                let corrupt = self.corrupt().await;
                let begun = match self.goes_on(corrupt.path()).await {
                    Err(StartError::Checkpoint(_)) => self.goes_on(&corrupt.path().join("anew")).await,
                    begun => begun,
                };
                return (begun.expect("it starts") == 1).into();
            }
            "spark context usable" => return self.another_job_runs().await.into(),
            _ => panic!("an unknown step: {words}"),
        }
        "ok".into()
    }

    async fn run_batches(&mut self, batches: usize) {
        for _ in 0..batches {
            self.clock.advance(secs(1));
            let now = self.clock.now();
            self.job().delivered(now).await.expect("nothing ends it");
        }
    }

    /// Runs one batch of a job that finds its state in this place; returns the tally.
    async fn goes_on(&self, state: &Path) -> Result<usize, StartError> {
        let engine = self.engine.clone().checkpoint(state);
        let (_pusher, numbers) = ones_without_end();
        let (mut job, collected) =
            if self.is_queued { tallies(&engine, queued())? } else { tallies(&engine, numbers)? };
        self.clock.advance(secs(1));
        job.delivered(self.clock.now()).await.expect("nothing ends it");
        job.stop().await.expect("it stops well");
        Ok(collected.records().last().expect("a batch was delivered").1)
    }

    /// A place in which a byte is not what was written.
    async fn corrupt(&self) -> TempDir {
        let state = directory();
        self.goes_on(state.path()).await.expect("it starts");
        let is_log = |path: &std::path::PathBuf| path.to_string_lossy().contains("log-");
        let files =
            fs::read_dir(state.path()).expect("it is there").map(|file| file.expect("it is there").path());
        let log = files.into_iter().find(is_log).expect("a job writes a log");
        let mut bytes = fs::read(&log).expect("it can be read");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&log, bytes).expect("it can be written");
        state
    }

    fn state(&mut self) -> &'static str {
        match &mut self.job {
            None => "INITIALIZED",
            Some(job) => match job.join().now_or_never() {
                None => "ACTIVE",
                Some(_) => "STOPPED",
            },
        }
    }

    /// Whether the engine and the runtime serve another job.
    async fn another_job_runs(&mut self) -> bool {
        let (out, collected) = collect();
        let numbers = queue::queue(vec![vec![1]]);
        let mut job = self.engine.start(ones::Ports { numbers, out }).expect("it starts");
        self.clock.advance(secs(1));
        job.join().await.expect("it ends well");
        collected.records() == [1]
    }
}

fn directory() -> TempDir {
    tempfile::tempdir().expect("a directory for temporary files is there")
}

/// `[1]` in each batch.
fn ones_without_end() -> (Pusher<i64>, SharedQueue<i64>) {
    let (pusher, numbers) = queue::shared(1);
    (pusher, numbers.default_batch(vec![1]))
}

/// `[1]` in each batch, as datasets that are given at once.
fn queued() -> Queue<i64> {
    queue::queue(vec![vec![1]; 5])
}

fn tallies(engine: &Engine, numbers: impl Source<i64>) -> Result<(Job, Collected<((), usize)>), StartError> {
    let (out, collected) = collect();
    Ok((engine.start(tally::Ports { numbers, out })?, collected))
}

/// Spark's failed start leaves a context that is stopped; here there is no job, and the next start is another.
#[tokio::test]
async fn a_failed_start_leaves_nothing() {
    let start = |engine: Engine| {
        let (out, collected) = collect();
        (engine.start(ones::Ports { numbers: queue::queue(vec![vec![1]]), out }), collected)
    };
    let clock = ManualClock::new();
    let (failed, _) = start(Engine::new().manual_clock(&clock).memory_limit(0));
    assert_eq!(failed.err().expect("it cannot").code(), "start.config");
    let (job, collected) = start(Engine::new().manual_clock(&clock));
    clock.advance(secs(1));
    job.expect("it starts").join().await.expect("it ends well");
    assert_eq!(collected.records(), [1]);
}
