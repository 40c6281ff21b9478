//! Ports that the body does not connect: what the macro cannot see is an error of the start, never a job that hangs.

use streaming_runtime::{
    BuildError, Pipeline, SinkPort, StartError,
    connect::{collect, queue},
    prelude::*,
};

/// Why a pipeline does not start, which must be the same for any number of workers and for a local one.
fn refused<P: Pipeline>(ports: impl Fn() -> P) -> BuildError {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let build = |error| match error {
            StartError::Build(error) => error,
            other => panic!("the body is refused, not {other}"),
        };
        let local = Engine::new().start_local(ports()).map(|(job, _)| job);
        let local = build(local.err().expect("a local job does not start"));
        for workers in [1, 3] {
            let started = Engine::new().workers(workers).start(ports());
            assert_eq!(build(started.err().expect("it does not start")), local, "with {workers} workers");
        }
        local
    })
}

fn numbers() -> impl streaming_runtime::Source<i64> {
    queue(vec![vec![1, 2], vec![3]])
}

fn unwritten(port: &'static str) -> BuildError {
    BuildError::SinkUnwritten { port }
}

macro_rules! leave {
    ($leaves:expr) => {
        if $leaves {
            return;
        }
    };
}

stream!(
    #[batch(secs(1))]
    fn left<numbers: Source<i64>, out: Sink<i64>>(leaves: bool) {
        let doubled = numbers.map(|n| 2 * n);
        leave!(leaves);
        doubled.to(out);
    }
);

#[test]
fn a_body_that_leaves_in_a_macro_before_its_sink() {
    let error = refused(|| left::Ports { numbers: numbers(), out: collect().0, leaves: true });
    assert_eq!(error, unwritten("out"));
    assert_eq!(error.code(), "build.sink_unwritten");
    assert!(error.to_string().contains("sink `out`") && error.to_string().contains("`.to(out)`"), "{error}");
}

#[tokio::test]
async fn the_same_body_that_does_not_leave_runs() {
    let (out, all) = collect();
    let clock = streaming_runtime::ManualClock::new();
    let ports = left::Ports { numbers: numbers(), out, leaves: false };
    let mut job = Engine::new().manual_clock(&clock).workers(2).start(ports).expect("it starts");
    clock.advance(secs(2));
    job.join().await.expect("it ends well");
    let mut all = all.records();
    all.sort_unstable();
    assert_eq!(all, [2, 4, 6]);
}

stream!(
    #[batch(secs(1))]
    fn dropped<numbers: Source<i64>, kept: Sink<i64>, out: Sink<i64>>() {
        numbers.to(kept);
        drop(out);
    }
);

#[test]
fn a_sink_that_is_dropped() {
    let error = refused(|| dropped::Ports { numbers: numbers(), kept: collect().0, out: collect().0 });
    assert_eq!(error, unwritten("out"));
}

fn lazily<'s>(stream: Stream<'s, i64>, _: &SinkPort<'s, i64>) {
    drop(stream);
}

stream!(
    #[batch(secs(1))]
    fn helped<numbers: Source<i64>, out: Sink<i64>>() {
        lazily(numbers, &out);
    }
);

#[test]
fn a_helper_that_does_not_write() {
    assert_eq!(refused(|| helped::Ports { numbers: numbers(), out: collect().0 }), unwritten("out"));
}

stream!(
    #[batch(secs(1))]
    fn never_called<numbers: Source<i64>, kept: Sink<i64>, out: Sink<i64>>() {
        let send = |stream: Stream<'_, i64>| stream.to(&out);
        numbers.to(kept);
        let _ = &send;
    }
);

#[test]
fn a_closure_that_never_runs() {
    let error = refused(|| never_called::Ports { numbers: numbers(), kept: collect().0, out: collect().0 });
    assert_eq!(error, unwritten("out"));
}

fn doubly<'s>(stream: Stream<'s, i64>, out: &SinkPort<'s, i64>) {
    stream.again().map(|n| n + 1).share().to(out);
    stream.to(out);
}

stream!(
    #[batch(secs(1))]
    fn twice<numbers: Source<i64>, out: Sink<i64>>() {
        doubly(numbers, &out);
    }
);

#[test]
fn a_sink_that_is_written_twice() {
    let error = refused(|| twice::Ports { numbers: numbers(), out: collect().0 });
    assert_eq!(error, BuildError::SinkTwice { port: "out", streams: 2 });
    assert!(error.to_string().contains("`.union(..)` them"), "{error}");
}

stream!(
    #[batch(secs(1))]
    fn unfinished<numbers: Source<i64>, out: Sink<i64>>(done: bool) {
        assert!(done, "not yet");
        numbers.to(out);
    }
);

#[test]
fn a_body_that_panics() {
    let error = refused(|| unfinished::Ports { numbers: numbers(), out: collect().0, done: false });
    assert_eq!(error.code(), "build.panicked");
    assert_eq!(error.to_string(), "operator `the body of the pipeline` panicked: not yet");
}

#[tokio::test]
async fn what_does_not_start_leaves_its_checkpoint_to_the_next() {
    let directory = tempfile::tempdir().expect("a directory");
    let start = |leaves| {
        let ports = left::Ports { numbers: numbers(), out: collect().0, leaves };
        Engine::new().workers(2).checkpoint(directory.path()).start(ports)
    };
    for _ in 0..2 {
        let error = start(true).err().expect("it does not start");
        assert_eq!(error.code(), "build.sink_unwritten");
    }
    let mut job = start(false).expect("it starts");
    job.stop().await.expect("it stops");
}

stream!(
    #[batch(secs(1))]
    fn half_read<numbers: Source<i64>, others: Source<i64>, out: Sink<i64>>(leaves: bool) {
        numbers.to(out);
        leave!(leaves);
        others.skip();
    }
);

#[test]
fn a_source_that_nothing_reads() {
    let ports = || half_read::Ports { numbers: numbers(), others: numbers(), out: collect().0, leaves: true };
    let error = refused(ports);
    assert_eq!(error, BuildError::SourceUnread { port: "others" });
    assert!(error.to_string().contains("`others`"), "{error}");
}

#[tokio::test]
async fn a_process_of_a_cluster_says_it_when_it_is_joined() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
    let host = free.expect("a free port").to_string();
    let engine = Engine::new().workers(2).cluster(streaming_runtime::cluster::Cluster::new([host], 0));
    let ports = left::Ports { numbers: numbers(), out: collect().0, leaves: true };
    let mut job = engine.start(ports).expect("its processes are to come together first");
    let error = job.join().await.expect_err("it makes no dataflow");
    assert!(
        matches!(&error, streaming_runtime::JobError::Build(error) if *error == unwritten("out")),
        "{error:?}"
    );
}
