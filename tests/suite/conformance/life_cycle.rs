//! The life of a job, by Spark's steps in this engine's terms.
//!
//! | Spark | here |
//! |---|---|
//! | a streaming context | a pipeline's ports with an engine; once started, a `Job` |
//! | `INITIALIZED`, `ACTIVE`, `STOPPED` | there are ports; there is a job that `join` waits for; `join` returns |
//! | the Spark context | the program's tokio runtime and the engine, which no job ends |
//! | `awaitTerminationOrTimeout` | `join` under `tokio::time::timeout` |

use std::time::Duration;

use futures::FutureExt;
use serde_json::Value;
use streaming_runtime::{
    Engine, Job, ManualClock, StartError,
    connect::{
        collect,
        queue::{self, Pusher},
    },
    prelude::*,
};

use super::run::{case, items};

/// Where this engine means something else, by case and step.
const DIFFERS: &[(&str, usize, &str, &str)] = &[
    ("life-start-stop-states", 7, "true", "a job never ends what it was started in"),
    ("life-two-contexts", 4, "\"ok\"", "many jobs run at once"),
];

stream!(
    #[batch(secs(1))]
    fn ones<numbers: Source<i64>, out: Sink<i64>>() {
        numbers.to(out);
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
}

impl Context {
    fn new(engine: &Engine, clock: &ManualClock) -> Self {
        Context { engine: engine.clone(), clock: clock.clone(), pusher: None, ports: None, job: None }
    }

    /// A pipeline with its ports; its input is `[1]` in each batch, without end.
    fn make(&mut self) {
        let (pusher, numbers) = queue::shared(1);
        let numbers = numbers.default_batch(vec![1]);
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
            "spark context usable" => return self.another_job_runs().await.into(),
            _ => panic!("an unknown step: {words}"),
        }
        "ok".into()
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
