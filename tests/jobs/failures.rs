//! What fails ends its job with a typed error, and nothing else.

use std::time::Duration;

use streaming_runtime::{
    BuildError, Job, JobError, ManualClock, StartError,
    connect::{Batch, ConnectorError, SourceContext, channel, collect, queue},
    prelude::*,
};

stream!(
    #[batch(secs(1))]
    fn strict<pairs: Source<(i64, i64)>, out: Sink<(i64, i64)>>() {
        pairs.reduce_by_key(|_, _| panic!("one value a key")).to(out);
    }
);

stream!(
    #[batch(secs(1))]
    fn halves<numbers: Source<i64>, out: Sink<(i64, i64)>>(limit: i64) {
        let small = numbers.filter(move |&n| {
            assert!(n < limit, "{n} is too large");
            true
        });
        let inverses = small.map(|n| (n % 3, 100 / n));
        inverses.reduce_by_key(|a, b| a.checked_add(b).expect("no overflow")).to(out);
    }
);

stream!(
    #[batch(secs(1))]
    fn copy<numbers: Source<i64>, out: Sink<i64>>() {
        numbers.to(out);
    }
);

/// Fails when it is given a batch.
struct Broken;

impl<T: Send + 'static> Sink<T> for Broken {
    async fn write(&mut self, _: Batch<T>) -> Result<(), ConnectorError> {
        Err(ConnectorError::other("it is broken"))
    }
}

/// Whoever waits for a receipt has to hear of it, also where the program keeps the job to look at it.
#[tokio::test]
async fn no_receipt_is_waited_for_when_the_job_has_failed() {
    let (sender, numbers) = channel(16);
    let engine = Engine::new().close_early(true);
    let mut job = engine.start(copy::Ports { numbers, out: Broken }).expect("it starts");
    let receipt = sender.send_tracked(1).await.expect("it is taken");
    let told = tokio::time::timeout(Duration::from_secs(10), receipt).await;
    told.expect("it is told").expect_err("it was not delivered");
    assert_eq!(job.join().await.expect_err("the sink is broken").code(), "job.sink");
}

async fn outcome(workers: usize, batches: Vec<Vec<i64>>) -> (Result<(), JobError>, usize) {
    let clock = ManualClock::new();
    let (sink, out) = collect();
    let n = batches.len() as u64;
    let engine = Engine::new().workers(workers).manual_clock(&clock);
    let mut job =
        engine.start(halves::Ports { numbers: queue(batches), out: sink, limit: 1000 }).expect("it starts");
    for batch in 1..=n {
        clock.advance(secs(1));
        if job.delivered(clock.now()).await.is_err() {
            return (job.join().await, batch as usize - 1);
        }
    }
    (job.join().await, out.len())
}

#[tokio::test]
async fn a_panic_names_the_operator_inside_a_fused_chain() {
    for workers in [1, 2] {
        let cases = [
            (5000, "halves/small/filter", "5000 is too large"),
            (0, "halves/inverses/map", "attempt to divide by zero"),
        ];
        for (poison, operator, message) in cases {
            let (result, delivered) =
                outcome(workers, vec![vec![1, 2, 3], vec![4, poison, 5], vec![6]]).await;
            match result {
                Err(JobError::OperatorPanicked { operator: named, message: said }) => {
                    assert_eq!((named.as_str(), said.as_str()), (operator, message));
                }
                other => panic!("{other:?}"),
            }
            assert_eq!(delivered, 1, "the batch before was delivered, the one with the poison was not");
        }
    }
}

#[tokio::test]
async fn a_panic_in_a_combiner_names_it() {
    for workers in [1, 2] {
        let clock = ManualClock::new();
        let (sink, _) = collect();
        let pairs = queue(vec![vec![(1, 1), (2, 1), (1, 1), (2, 2)]]);
        let engine = Engine::new().workers(workers).manual_clock(&clock);
        let mut job = engine.start(strict::Ports { pairs, out: sink }).expect("it starts");
        clock.advance(secs(1));
        let error = job.join().await.expect_err("it panics");
        assert_eq!(error.to_string(), "operator `strict/out/reduce_by_key` panicked: one value a key");
        assert_eq!(error.code(), "job.operator_panicked");
    }
}

stream!(
    #[batch(secs(1))]
    fn built<numbers: Source<i64>, out: Sink<i64>>(factor: Option<i64>) {
        let factor = factor.expect("a factor");
        numbers.map(move |n| n * factor).to(out);
    }
);

#[tokio::test]
async fn a_panic_between_operators_is_the_bodys() {
    for workers in [1, 2] {
        let (out, _) = collect();
        let ports = built::Ports { numbers: queue(vec![vec![1]]), out, factor: None };
        let error = Engine::new().workers(workers).start(ports).err().expect("it panics");
        assert_eq!(error.to_string(), "operator `the body of the pipeline` panicked: a factor");
    }
}

#[tokio::test]
async fn a_panic_leaves_other_jobs_alone() {
    let clock = ManualClock::new();
    let (sink, out) = collect();
    let engine = Engine::new().manual_clock(&clock);
    let mut healthy =
        engine.start(copy::Ports { numbers: queue(vec![vec![1], vec![2]]), out: sink }).expect("starts");
    clock.advance(secs(1));
    healthy.delivered(clock.now()).await.expect("it runs");
    let (result, _) = outcome(2, vec![vec![0]]).await;
    assert!(result.is_err());
    clock.advance(secs(1));
    healthy.join().await.expect("it ends well");
    assert_eq!(out.records(), [1, 2]);
}

struct Failing;
impl Source<i64> for Failing {
    async fn run(self, mut out: SourceContext<i64>) -> Result<(), ConnectorError> {
        out.send(1).await?;
        Err(ConnectorError::other("the well is dry"))
    }
}
impl Sink<i64> for Failing {
    async fn write(&mut self, _: Batch<i64>) -> Result<(), ConnectorError> {
        Err(ConnectorError::other("the disk is full"))
    }
}

struct Panicking;
impl Source<i64> for Panicking {
    async fn run(self, _: SourceContext<i64>) -> Result<(), ConnectorError> {
        panic!("a bug in a source")
    }
}
impl Sink<i64> for Panicking {
    async fn write(&mut self, _: Batch<i64>) -> Result<(), ConnectorError> {
        panic!("a bug in a sink")
    }
}

/// Fails only when it is to finish.
struct Unfinished;
impl Sink<i64> for Unfinished {
    async fn write(&mut self, _: Batch<i64>) -> Result<(), ConnectorError> {
        Ok(())
    }
    async fn close(&mut self) -> Result<(), ConnectorError> {
        Err(ConnectorError::other("could not flush"))
    }
}

async fn failure(numbers: impl Source<i64>, out: impl Sink<i64>) -> String {
    let clock = ManualClock::new();
    let engine = Engine::new().workers(2).manual_clock(&clock);
    let mut job = engine.start(copy::Ports { numbers, out }).expect("it starts");
    clock.advance(secs(1));
    let ended = tokio::time::timeout(Duration::from_secs(60), job.join()).await;
    ended.expect("nothing hangs").expect_err("it fails").to_string()
}

#[tokio::test]
async fn connectors_fail_with_their_port() {
    let sink = || collect().0;
    assert_eq!(failure(Failing, sink()).await, "source `numbers`: the well is dry");
    assert_eq!(failure(queue(vec![vec![1]]), Failing).await, "sink `out`: the disk is full");
    assert_eq!(failure(Panicking, sink()).await, "connector of port `numbers` panicked: a bug in a source");
    assert_eq!(
        failure(queue(vec![vec![1]]), Panicking).await,
        "connector of port `out` panicked: a bug in a sink"
    );
    assert_eq!(failure(queue(vec![vec![1]]), Unfinished).await, "sink `out`: could not flush");
}

#[tokio::test]
async fn a_receiver_that_goes_away_is_a_sinks_error() {
    let (sink, receiver) = streaming_runtime::connect::channel_sink::<i64>(1);
    drop(receiver);
    assert_eq!(failure(queue(vec![vec![1]]), sink).await, "sink `out`: the other end is closed");
}

#[tokio::test]
async fn a_sender_learns_that_its_job_failed() {
    let (numbers, source) = channel::<i64>(4);
    let mut job =
        Engine::new().close_early(true).start(copy::Ports { numbers: source, out: Failing }).expect("starts");
    numbers.send(1).await.expect("it runs");
    job.join().await.expect_err("its sink fails");
    assert!(numbers.send(2).await.is_err());
}

stream!(
    #[batch(secs(1))]
    fn mistimed<numbers: Source<i64>, out: Sink<i64>>(size: Duration, slide: Duration) {
        numbers.window(size, slide).to(out);
    }
);

stream!(
    #[batch(secs(1))]
    fn unmet<a: Source<(i64, i64)>, b: Source<(i64, i64)>, out: Sink<(i64, i64)>>(
        slides: (Duration, Duration),
    ) {
        let left = a.window(secs(6), slides.0);
        left.union(b.window(secs(6), slides.1)).to(out);
    }
);

stream!(
    #[batch(secs(1))]
    fn ununited<a: Source<(i64, i64)>, b: Source<(i64, i64)>, out: Sink<(i64, i64)>>(
        sizes: (Duration, Duration),
    ) {
        let left = a.window(sizes.0, secs(1));
        left.union(b.window(sizes.1, secs(1))).to(out);
    }
);

stream!(
    /// A table whose closure gives another value each time it is asked.
    #[batch(secs(1))]
    fn fickle<a: Source<(i64, i64)>, b: Source<(i64, i64)>, out: Sink<(i64, (i64, i64))>>() {
        let mut asked = 0;
        let table = b.window(secs(1), secs(1)).distinct().map(move |(key, value)| {
            asked += 1;
            (key, value + asked)
        });
        a.join(table).to(out);
    }
);

/// Starts a job whose sources have a batch each, and says how it ends.
async fn ending(start: impl FnOnce(&Engine, Vec<Vec<(i64, i64)>>) -> Job) -> Result<(), JobError> {
    let clock = ManualClock::new();
    let mut job = start(&Engine::new().manual_clock(&clock), vec![vec![(1, 1)], vec![]]);
    clock.advance(secs(2));
    job.join().await
}

/// How a pipeline cannot be put together: the operator and what it says.
fn refused(started: Result<Job, StartError>) -> (String, String) {
    match started.map(drop) {
        Err(StartError::Build(BuildError::Panicked { operator, message })) => (operator, message),
        Err(StartError::Build(BuildError::Operator { operator, what })) => (operator, what),
        other => panic!("the start ends with {other:?}"),
    }
}

#[tokio::test]
async fn windows_that_only_the_running_program_knows_are_checked_when_they_are_put_together() {
    let engine = Engine::new();
    let pairs = vec![vec![(1, 1)], vec![]];
    for (size, slide) in
        [(millis(2500), secs(1)), (secs(2), millis(500)), (secs(0), secs(1)), (secs(1), secs(0))]
    {
        let ports = mistimed::Ports { numbers: queue(vec![vec![1]]), out: collect().0, size, slide };
        let (operator, message) = refused(engine.start(ports));
        assert_eq!(operator, "mistimed/out/window");
        assert!(message.contains("cannot be cut from batches of 1s: both must be multiples"), "{message}");
    }
    let slides = (secs(2), secs(3));
    let ports = unmet::Ports { a: queue(pairs.clone()), b: queue(pairs.clone()), out: collect().0, slides };
    let (operator, message) = refused(engine.start(ports));
    assert_eq!(operator, "unmet/out/union");
    assert!(message.contains("slide every 2s and every 3s cannot be united"), "{message}");
    let sizes = (secs(2), secs(3));
    let ports = ununited::Ports { a: queue(pairs.clone()), b: queue(pairs), out: collect().0, sizes };
    let (operator, message) = refused(engine.start(ports));
    assert_eq!(operator, "ununited/out/union");
    assert!(message.contains("windows of Some(2s) and Some(3s) cannot be united"), "{message}");
}

#[tokio::test]
async fn what_is_taken_back_must_be_what_was_given() {
    let ended = ending(|engine, pairs| {
        let ports = fickle::Ports { a: queue(pairs.clone()), b: queue(pairs), out: collect().0 };
        engine.start(ports).expect("it starts")
    })
    .await;
    let Err(JobError::NotDeterministic { operator, .. }) = ended else {
        panic!("the job ends with {ended:?}")
    };
    assert_eq!(operator, "fickle/out/join");
}
