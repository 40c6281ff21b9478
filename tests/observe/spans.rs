//! Spans and events for `tracing`.

use std::{
    fmt::Debug,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread::{self, ThreadId},
};

use streaming_runtime::{
    ManualClock,
    connect::{channel, collect, queue},
    prelude::*,
};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

stream!(
    #[batch(secs(1))]
    fn copy<numbers: Source<u64>, out: Sink<u64>>() {
        numbers.to(out);
    }
);

/// Writes down the engine's spans and events of a thread, and of the job that is looked at, with their fields.
struct Written {
    lines: Arc<Mutex<Vec<String>>>,
    thread: ThreadId,
    spans: AtomicU64,
}

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0 += &format!(" {field}={value:?}");
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0 += &format!(" {field}={value}");
    }
}

impl Written {
    fn write(&self, metadata: &Metadata<'_>, name: &str, record: impl FnOnce(&mut Fields)) {
        if metadata.target().starts_with("streaming_runtime") {
            let mut fields = Fields(name.to_owned());
            record(&mut fields);
            // What has a thread of its own says whose it is; the rest comes from the threads of all tests.
            if thread::current().id() != self.thread && !fields.0.contains("job=seen") {
                return;
            }
            self.lines.lock().expect("no panic").push(fields.0);
        }
    }
}

impl Subscriber for Written {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.write(span.metadata(), span.metadata().name(), |fields| span.record(fields));
        Id::from_u64(self.spans.fetch_add(1, Ordering::Relaxed) + 1)
    }
    fn event(&self, event: &Event<'_>) {
        self.write(event.metadata(), "event", |fields| event.record(fields));
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn a_job_its_connectors_and_its_batches_have_spans() {
    let (clock, lines) = (ManualClock::new(), Arc::default());
    // The job's connectors and its local worker are all on this thread, its supervisor has one of its own. A subscriber of a
    // thread only would not do: what other tests log first is then off for all.
    let written =
        Written { lines: Arc::clone(&lines), thread: thread::current().id(), spans: AtomicU64::new(0) };
    tracing::subscriber::set_global_default(written).expect("no other test has one");
    let ports = copy::Ports { numbers: queue(vec![vec![1, 2]]), out: collect().0 };
    let engine = Engine::new().manual_clock(&clock).name("seen");
    let (mut job, worker) = engine.start_local(ports).expect("it starts");
    clock.advance(secs(1));
    let (ended, ()) = tokio::join!(job.join(), worker);
    ended.expect("it ends well");
    // One whose source sends nothing.
    let clock = ManualClock::new();
    let (sender, numbers) = channel(1);
    let engine = Engine::new().manual_clock(&clock).name("quiet");
    let (mut job, worker) = engine.start_local(copy::Ports { numbers, out: collect().0 }).expect("it starts");
    let quiet = async {
        for second in 1..=5 {
            clock.advance(secs(1));
            job.delivered(BatchTime::from_millis(second * 1000)).await.expect("it is delivered");
        }
        drop(sender);
        clock.advance(secs(1));
        job.join().await
    };
    let (ended, ()) = tokio::join!(quiet, worker);
    ended.expect("it ends well");
    let written = lines.lock().expect("no panic");
    let has =
        |begin: &str| assert!(written.iter().any(|line| line.starts_with(begin)), "{begin}\n{written:#?}");
    has("job job=seen");
    has("source job=seen port=numbers");
    has("sink job=seen port=out");
    has("write batch=1970-01-01 00:00:01.000 UTC records=2");
    has(r#"event message=batch started job=seen time=1970-01-01 00:00:01.000 UTC records=[("numbers", 2)]"#);
    has(
        r#"event message=batch delivered job=seen time=1970-01-01 00:00:01.000 UTC records=[("numbers", 2)]"#,
    );
    has("event message=job ended job=seen");
    let waits =
        r#"event message=waits for sources: none has sent anything yet job=quiet sources=["numbers"]"#;
    assert_eq!(written.iter().filter(|line| line.starts_with(waits)).count(), 1, "{written:#?}");
    assert!(!written.iter().any(|line| line.contains("waits for sources") && line.contains("job=seen")));
}
