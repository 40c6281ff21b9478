//! What connectors are told to do about errors.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use futures::stream;
use streaming_runtime::{
    Job, JobError, ManualClock,
    connect::{
        Batch, Collected, ConnectorError, Retry, SourceContext, channel, collect, console, restarted,
        text_files, try_from_stream,
    },
    prelude::*,
};

use super::host::{Host, copy, ends, fails, into, soon};

/// Takes what is asked of it by plan: the next word each time, and what follows the last is taken.
#[derive(Clone, Default)]
struct Planned {
    plan: Arc<Mutex<Vec<Do>>>,
    taken: Arc<Mutex<Vec<i64>>>,
    asked: Arc<AtomicUsize>,
}

#[derive(Clone, Copy)]
enum Do {
    Take,
    /// An error that may pass.
    Fail,
    /// One that does not.
    Refuse,
    Hang,
}
use Do::{Fail, Hang, Refuse, Take};

impl Planned {
    fn new(plan: impl IntoIterator<Item = Do>) -> Self {
        let mut plan: Vec<_> = plan.into_iter().collect();
        plan.reverse();
        Planned { plan: Arc::new(Mutex::new(plan)), ..Planned::default() }
    }
    fn taken(&self) -> Vec<i64> {
        self.taken.lock().expect("no panic").clone()
    }
    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Sink<i64> for Planned {
    async fn write(&mut self, batch: Batch<i64>) -> Result<(), ConnectorError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let next = self.plan.lock().expect("no panic").pop();
        match next.unwrap_or(Take) {
            Take => {
                self.taken.lock().expect("no panic").extend(batch.records);
                Ok(())
            }
            Fail => Err(ConnectorError::other("not now")),
            Refuse => Err(ConnectorError::Config("never".to_owned())),
            Hang => std::future::pending().await,
        }
    }
}

fn soon_again() -> Retry {
    Retry::default().waits(millis(1), millis(2))
}

#[tokio::test]
async fn a_batch_is_written_again_until_it_is_taken() {
    let sink = Planned::new([Take, Fail, Fail, Take, Fail]);
    let out = sink.clone().retry(soon_again().attempts(3));
    let retries = out.retries();
    ends(into(out)).await.expect("it ends well");
    assert_eq!((sink.taken(), sink.asked(), retries.count()), (vec![1, 2, 3, 4], 6, 3));
}

#[tokio::test]
async fn attempts_are_bounded_and_the_error_counts_them() {
    let sink = Planned::new([Take, Fail, Fail, Fail, Take]);
    let (error, code) = fails(into(sink.clone().retry(soon_again().attempts(3)))).await;
    assert_eq!(error, "sink `out`: gave up after 3 attempts, the last failed with: not now");
    assert_eq!((code, sink.taken(), sink.asked()), ("job.sink", vec![1, 2], 4));
}

#[tokio::test]
async fn what_will_not_pass_is_not_tried_again() {
    let sink = Planned::new([Refuse]);
    let (error, _) = fails(into(sink.clone().retry(soon_again()))).await;
    assert_eq!((error.as_str(), sink.asked()), ("sink `out`: never", 1));
}

#[tokio::test]
async fn a_sink_that_hangs_is_late() {
    let sink = Planned::new([Take, Hang]);
    let (error, code) = fails(into(sink.clone().timeout(millis(5)))).await;
    assert_eq!((error.as_str(), code), ("sink `out`: not done within 5ms", "job.sink"));
    assert_eq!(sink.taken(), [1, 2]);
}

#[tokio::test]
async fn a_close_that_hangs_is_late() {
    struct Unclosed;
    impl Sink<i64> for Unclosed {
        async fn write(&mut self, _: Batch<i64>) -> Result<(), ConnectorError> {
            Ok(())
        }
        async fn close(&mut self) -> Result<(), ConnectorError> {
            std::future::pending().await
        }
    }
    // What is wrapped around it closes it as well.
    let out = Unclosed.timeout(millis(5)).retry(soon_again()).or_dead_letter(collect().0);
    assert_eq!(fails(into(out)).await.0, "sink `out`: not done within 5ms");
}

#[tokio::test]
async fn a_hanging_attempt_is_given_up_and_tried_again() {
    let sink = Planned::new([Hang, Fail, Take, Hang]);
    ends(into(sink.clone().timeout(millis(5)).retry(soon_again()))).await.expect("it ends well");
    assert_eq!((sink.taken(), sink.asked()), (vec![1, 2, 3, 4], 6));
}

#[tokio::test]
async fn a_refused_batch_goes_elsewhere_whole_and_the_job_lives_on() {
    let sink = Planned::new([Take, Fail, Fail, Refuse]);
    let (other, refused): (_, Collected<i64>) = collect();
    let out = sink.clone().retry(soon_again().attempts(2)).or_dead_letter(other);
    let dead = out.dead_letters();
    ends(into(out)).await.expect("it ends well");
    assert_eq!(sink.taken(), [1, 2]);
    let batches: Vec<_> = refused.batches().into_iter().map(|b| (b.time.as_millis(), b.records)).collect();
    assert_eq!(batches, [(2000, vec![3]), (3000, vec![4])]);
    assert_eq!((dead.batches(), dead.records()), (2, 2));
}

#[tokio::test]
async fn dead_letters_that_nobody_takes_end_the_job() {
    let out = Planned::new([Refuse]).or_dead_letter(Planned::new([Fail]));
    let dead = out.dead_letters();
    assert_eq!(fails(into(out)).await, ("sink `out`: not now".to_owned(), "job.sink"));
    assert_eq!(dead.batches(), 0);
}

#[tokio::test]
async fn connectors_that_take_any_record_need_no_type_beside_a_policy() {
    let root = tempfile::tempdir().expect("temp");
    std::fs::write(root.path().join("out-2000"), "in the way").expect("written");
    let out = text_files(root.path().join("out"))
        .timeout(secs(30))
        .retry(soon_again())
        .or_dead_letter(console().to_writer(Vec::new()).timeout(secs(30)));
    let dead = out.dead_letters();
    ends(into(out)).await.expect("it ends well");
    assert_eq!(dead.batches(), 1);
    assert!(root.path().join("out-3000/part-00000").exists());
}

#[tokio::test]
async fn a_stop_does_not_wait_for_attempts() {
    let host = Host::new().await;
    let sink = Planned::new([Fail; 5]);
    let (numbers, source) = channel(8);
    let out = sink.clone().retry(Retry::default().waits(hours(1), hours(1)));
    let retries = out.retries();
    let clock = ManualClock::new();
    let mut job =
        host.engine().manual_clock(&clock).start(copy::Ports { numbers: source, out }).expect("it starts");
    numbers.send(1).await.expect("it runs");
    clock.advance(secs(1));
    soon(async {
        while retries.count() == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let ended = soon(job.stop_within(millis(5))).await;
    assert!(matches!(ended, Err(JobError::StopTimedOut { .. })), "{ended:?}");
    drop(job);
    host.unharmed().await;
}

fn from(numbers: impl Source<i64>) -> (impl FnOnce(&Engine) -> Job, Collected<i64>) {
    let (sink, out) = collect();
    (move |engine: &Engine| engine.start(copy::Ports { numbers, out: sink }).expect("it starts"), out)
}

#[tokio::test]
async fn a_source_is_made_again_until_it_ends() {
    let mut feeds = vec![vec![Ok(3), Ok(4)], vec![Err("again")], vec![Ok(1), Ok(2), Err("the line is down")]];
    let source =
        restarted(soon_again(), move || try_from_stream(stream::iter(feeds.pop().unwrap_or_default())));
    let retries = source.retries();
    let (start, out) = from(source);
    ends(start).await.expect("it ends well");
    assert_eq!((out.records().len(), retries.count()), (4, 2));
}

#[tokio::test]
async fn a_source_is_not_made_for_ever() {
    let made = Arc::new(AtomicUsize::new(0));
    let count = made.clone();
    let source = restarted(soon_again().waits(millis(1), secs(60)).attempts(3), move || {
        count.fetch_add(1, Ordering::SeqCst);
        try_from_stream(stream::iter([Ok(1), Err("the line is down")]))
    });
    let (error, code) = fails(from(source).0).await;
    assert_eq!(error, "source `numbers`: gave up after 3 attempts, the last failed with: the line is down");
    assert_eq!((code, made.load(Ordering::SeqCst)), ("job.source", 3));
}

/// Sends a number in each batch that is due, and fails after the second.
struct TwoBatches(Arc<AtomicUsize>);

impl Source<i64> for TwoBatches {
    const PACED: bool = true;
    async fn run(self, mut out: SourceContext<i64>) -> Result<(), ConnectorError> {
        for _ in 0..2 {
            let Some(_) = out.batch_due().await else { return Ok(()) };
            let sent = self.0.fetch_add(1, Ordering::SeqCst) as i64;
            if sent == 4 {
                return Ok(());
            }
            out.send(sent).await?;
        }
        Err(ConnectorError::other("two are enough"))
    }
}

#[tokio::test]
async fn a_paced_source_that_is_made_again_keeps_pace() {
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = sent.clone();
    let source = restarted(soon_again(), move || TwoBatches(counter.clone()));
    let (start, out) = from(source);
    let clock = ManualClock::new();
    let mut job = start(&Engine::new().workers(2).manual_clock(&clock));
    // While none is there, batches go on without it.
    let ended = async {
        while sent.load(Ordering::SeqCst) <= 4 {
            clock.advance(secs(1));
            job.delivered(clock.now()).await.expect("it runs");
        }
        job.join().await
    };
    soon(ended).await.expect("it ends well");
    assert_eq!(out.records(), [0, 1, 2, 3]);
    assert!(out.batches().iter().all(|batch| batch.records.len() <= 1), "one a batch: {:?}", out.batches());
}

/// Fails as soon as it is asked to stop.
struct Last;

impl Source<i64> for Last {
    const DRAINS: bool = true;
    async fn run(self, mut out: SourceContext<i64>) -> Result<(), ConnectorError> {
        out.send(1).await?;
        out.stop_requested().await;
        out.send(2).await?;
        Err(ConnectorError::other("could not say goodbye"))
    }
}

#[tokio::test]
async fn a_source_that_drains_is_not_made_again_after_a_stop() {
    let source = restarted(Retry::default().waits(hours(1), hours(1)), || Last);
    let (start, out) = from(source);
    let mut job = start(&Engine::new().manual_clock(&ManualClock::new()).close_early(true));
    assert!(soon(out.wait_until(|batches| !batches.is_empty())).await);
    soon(job.stop()).await.expect("it stops well");
    assert_eq!(out.records(), [1, 2]);
}
