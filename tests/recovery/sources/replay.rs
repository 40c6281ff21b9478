//! Sources that say that they replay, and do not.

use super::*;

stream!(
    #[batch(secs(1))]
    pub(super) fn copied<numbers: Source<u64>, others: Source<u64>, out: Sink<u64>>() {
        numbers.union(others).to(out);
    }
);

/// Sends so many records in each batch, whatever it sent before.
pub(super) struct Paced(pub(super) u64);

impl Source<u64> for Paced {
    const PACED: bool = true;
    const RECOVERY: Recovery = Recovery::Replays;

    async fn run(self, mut out: SourceContext<u64>) -> Result<(), ConnectorError> {
        let mut batch = out.resume_from::<u64>()?.unwrap_or(0);
        while out.batch_due().await.is_some() {
            out.send_all((0..self.0).collect()).await?;
            batch += 1;
            out.reached(&batch);
        }
        Ok(())
    }
}

/// Sends so many records at once, says so, and ends if it is to.
pub(super) struct Unpaced(pub(super) u64, Arc<Notify>, bool);

impl Source<u64> for Unpaced {
    const RECOVERY: Recovery = Recovery::Replays;

    async fn run(self, mut out: SourceContext<u64>) -> Result<(), ConnectorError> {
        out.send_all((0..self.0).collect()).await?;
        self.1.notify_one();
        if self.2 { Ok(()) } else { pending().await }
    }
}

/// The positions of which are names.
pub(super) struct Named;

impl Source<u64> for Named {
    const RECOVERY: Recovery = Recovery::Replays;

    async fn run(self, out: SourceContext<u64>) -> Result<(), ConnectorError> {
        out.resume_from::<String>().map(drop)
    }
}

/// The end of a job on `second`, after one on `first` which was aborted when its sink was stuck behind `takes` batches.
/// It begins when it is told.
pub(crate) async fn replay(
    first: impl Source<u64>,
    begin: impl Future<Output = ()>,
    takes: usize,
    second: impl Source<u64>,
) -> JobError {
    let place = tempfile::tempdir().expect("temp");
    let clock = ManualClock::new();
    let stuck = Stuck { takes, reached: Arc::default() };
    let (others, quiet) = channel(1);
    let ports = copied::Ports { numbers: first, others: durable(quiet), out: stuck.clone() };
    let mut job = engine(1, place.path()).manual_clock(&clock).start(ports).expect("starts");
    begin.await;
    for _ in 0..takes {
        clock.advance(secs(1));
        job.delivered(clock.now()).await.expect("it runs");
    }
    clock.advance(secs(1));
    stuck.reached.notified().await;
    job.abort().await;
    drop(others);
    // This one does not end, and must not keep the job from its end.
    let (_others, quiet) = channel(1);
    let ports = copied::Ports { numbers: second, others: durable(quiet), out: Lasting::default() };
    let mut job = engine(1, place.path()).manual_clock(&clock).start(ports).expect("starts");
    job.join().await.expect_err("it is not as it was")
}

#[test]
pub(super) fn other_records_than_before_are_an_error() {
    block_on(async {
        for came in [2, 4] {
            let error = replay(Paced(3), ready(()), 1, Paced(came)).await;
            let JobError::Replay { port: "numbers", batch, records: 3, again } = error else {
                panic!("{error}")
            };
            assert_eq!((batch, again), (BatchTime::from_millis(2000), came));
        }
    });
}

#[test]
pub(super) fn a_source_that_ends_too_early_is_an_error() {
    block_on(async {
        let sent = Arc::new(Notify::new());
        let first = Unpaced(3, sent.clone(), false);
        let error = replay(first, sent.notified(), 0, Unpaced(1, Arc::default(), true)).await;
        assert_eq!(error.code(), "job.replay", "{error}");
        assert!(error.to_string().contains("1 records came where 3"), "{error}");
    });
}

#[test]
pub(super) fn a_position_of_another_source_is_an_error() {
    block_on(async {
        let error = replay(Paced(3), ready(()), 1, Named).await;
        let JobError::Source { port: "numbers", source } = error else { panic!("{error}") };
        assert_eq!(source.code(), "connector.config");
        assert!(source.to_string().contains("does not know, 1:"), "{source}");
    });
}
