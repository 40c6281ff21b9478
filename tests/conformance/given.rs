//! What a case gives to its pipeline, and what it gets back.

use std::{cell::RefCell, path::Path};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use streaming_runtime::{
    Engine, Job, Pipeline, Record, StartError,
    connect::{
        Batch, Collected, directory,
        queue::{self, Queue, SharedQueue},
    },
};
use tempfile::TempDir;

/// Puts a dataset into a shared queue of whatever type.
type Push = Box<dyn Fn(&Value)>;

/// The data of one run of a case, as connectors.
pub struct Given {
    case: &'static Value,
    batches: usize,
    push: RefCell<Option<Push>>,
    directory: TempDir,
}

impl Given {
    /// The data of `case` for `batches` batches.
    pub fn new(case: &'static Value, batches: usize) -> Self {
        let directory = tempfile::tempdir().expect("a directory for temporary files is there");
        Given { case, batches, push: RefCell::default(), directory }
    }

    /// An input's batches, as many as are run; a stream that has ended goes on with empty ones.
    pub fn batches<T: Record>(&self, input: usize) -> Queue<T> {
        let mut batches: Vec<Vec<T>> = read(&self.case["inputs"][input]);
        batches.resize_with(self.batches, Vec::new);
        queue::queue(batches)
    }

    /// A queue into which [`push`](Given::push) puts datasets.
    pub fn pushed<T: Record>(&self, _input: usize) -> SharedQueue<T> {
        let (pusher, mut source) = queue::shared(16);
        let push = move |dataset: &Value| {
            pusher.try_push(read(dataset)).map_err(|_| "unsent").expect("no case queues more datasets");
        };
        self.push.replace(Some(Box::new(push)));
        if self.case["params"]["one_at_a_time"] == false {
            source = source.all_at_once();
        }
        match &self.case["params"]["default"] {
            Value::Null => source,
            records => source.default_batch(read(records)),
        }
    }

    /// Pushes a dataset.
    pub fn push(&self, dataset: &Value) {
        let push = self.push.borrow();
        push.as_ref().expect("the pipeline has been started on `pushed`")(dataset);
    }

    /// The files of a directory of the case's own.
    pub fn files(&self, _input: usize) -> directory::Lines {
        let params = &self.case["params"];
        let glob = params["glob"].as_str().unwrap_or_default();
        let source = directory::lines(format!("{}{glob}", self.directory.path().display()))
            .new_files_only(params["new_files_only"] == true);
        match params["filter"].as_str() {
            Some("accept all") => source.filter(|_| true),
            Some("name ends with .txt") => {
                source.filter(|path| path.extension().is_some_and(|it| it == "txt"))
            }
            Some("default") => source,
            filter => panic!("an unknown filter of files: {filter:?}"),
        }
    }

    /// The directory that [`files`](Given::files) watches.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }
}

fn read<T: DeserializeOwned>(value: &Value) -> T {
    T::deserialize(value).expect("the generator inferred the type from this value")
}

/// The batches that a sink has taken: their times in milliseconds and their records.
pub type Batches = Box<dyn Fn() -> Vec<(u64, Vec<Value>)>>;

/// A pipeline that runs, with its types left behind.
pub struct Started {
    /// The job.
    pub job: Job,
    /// The ids of its operators.
    pub operators: &'static [&'static str],
    /// What came out.
    pub batches: Batches,
    /// The states, of a case that shows them.
    pub states: Option<Batches>,
}

impl Started {
    /// With the sink of the states.
    pub fn with_states<T: Record>(self, collected: Collected<T>) -> Self {
        Started { states: Some(Box::new(move || batches(&collected))), ..self }
    }
}

/// Starts a pipeline whose sink is read by `collected`.
pub fn started<P: Pipeline, T: Record>(
    engine: &Engine,
    pipeline: P,
    collected: Collected<T>,
) -> Result<Started, StartError> {
    let job = engine.start(pipeline)?;
    let batches: Batches = Box::new(move || batches(&collected));
    Ok(Started { job, operators: P::OPERATORS, batches, states: None })
}

fn batches<T: Clone + Serialize>(collected: &Collected<T>) -> Vec<(u64, Vec<Value>)> {
    let json = |record: T| serde_json::to_value(record).expect("records of cases are JSON");
    let batch = |batch: Batch<T>| (batch.time.as_millis(), batch.records.into_iter().map(json).collect());
    collected.batches().into_iter().map(batch).collect()
}
