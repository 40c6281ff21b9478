//! Runs a source or a sink without the engine.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
};

use crate::{
    checkpoint::SourceMark,
    contract::{error::ConnectorError, port_context::PortContext, recovery::Recovery, source::Source},
    intake::{
        admission::Admission,
        progress::SourceProgress,
        queues::{Chunk, PaceRequest, WorkerQueue},
        signal::Signal,
        source_context::{SourceContext, SourceContextParts},
        track::SourceTrack,
    },
    time::BatchTime,
};

/// A running source, and what the engine would hold of it.
pub(crate) struct Running<T> {
    chunks: mpsc::Receiver<Chunk<T>>,
    received: Vec<T>,
    pace: mpsc::Sender<PaceRequest>,
    stop: watch::Sender<bool>,
    progress: Arc<SourceProgress>,
    pub(crate) task: JoinHandle<Result<(), ConnectorError>>,
}

/// Starts `source` in a job with batches of `interval` that began at `started`.
pub(crate) fn start<T: Send + 'static>(
    source: impl Source<T>,
    interval: Duration,
    started: BatchTime,
) -> Running<T> {
    start_with(source, interval, started, Arc::default())
}

/// As [`start`], in a job with checkpoints: behind `mark`, with batches of the marks `replay` to replay.
pub(crate) fn resume<T: Send + 'static, S: Source<T>>(
    source: S,
    (interval, started): (Duration, BatchTime),
    mark: SourceMark,
    replay: Vec<SourceMark>,
) -> Running<T> {
    let is = source.properties();
    let progress = SourceProgress::new(is.paced, is.accepts);
    assert_eq!(is.recovery, Recovery::Replays);
    progress.resume(0, mark, is.recovery, replay);
    start_with(source, interval, started, Arc::new(progress))
}

fn start_with<T: Send + 'static>(
    source: impl Source<T>,
    interval: Duration,
    started: BatchTime,
    progress: Arc<SourceProgress>,
) -> Running<T> {
    let (queue, chunks) = mpsc::channel(4);
    let (pace, requests) = mpsc::channel(1);
    let stop = watch::Sender::new(false);
    let queue = WorkerQueue { queue, signal: Arc::new(Signal::default()), counters: Arc::default() };
    let track = SourceTrack { progress: progress.clone(), input_writer: None };
    let context = SourceContext::new(SourceContextParts {
        context: PortContext {
            pipeline: "test",
            job: "test".to_owned(),
            port: "source",
            process: 0,
            processes: 1,
        },
        admission: Admission::open(),
        queues: vec![queue],
        track,
        pace: requests,
        stop: stop.subscribe(),
        interval,
        started,
    });
    Running { chunks, received: Vec::new(), pace, stop, progress, task: tokio::spawn(source.run(context)) }
}

/// As [`start`], for sources that take no notice of time.
pub(crate) fn run<T: Send + 'static>(source: impl Source<T>) -> Running<T> {
    start(source, Duration::from_secs(1), BatchTime::from_millis(0))
}

impl<T> Running<T> {
    /// Asks the source to end, as a job does that is stopped gracefully.
    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Closes the open batch; what a checkpoint has of it.
    pub(crate) fn close(&self) -> SourceMark {
        self.progress.close()
    }

    /// Waits for `n` more records.
    pub(crate) async fn take(&mut self, n: usize) -> Vec<T> {
        while self.received.len() < n {
            let chunk = self.chunks.recv().await.expect("the source still runs");
            self.received.extend(chunk.records);
        }
        self.received.drain(..n).collect()
    }

    /// Waits for what the source sends next in one go.
    pub(crate) async fn chunk(&mut self) -> Vec<T> {
        self.next_chunk().await.expect("the source still runs")
    }

    /// As [`chunk`](Running::chunk), or `None` at the source's end.
    pub(crate) async fn next_chunk(&mut self) -> Option<Vec<T>> {
        Some(self.chunks.recv().await?.records)
    }

    /// Asks for the batch at `time` and returns its records, or `None` if the source ended before it.
    pub(crate) async fn batch(&mut self, time: BatchTime) -> Option<Vec<T>> {
        let sent = self.ask(time).await?;
        Some(self.answer(sent).await)
    }

    /// Asks for the batch at `time`; [`answer`](Running::answer) waits for it.
    pub(crate) async fn ask(&mut self, time: BatchTime) -> Option<oneshot::Receiver<()>> {
        let (done, sent) = oneshot::channel();
        self.pace.send(PaceRequest { time, done, heard: Arc::default() }).await.ok()?;
        Some(sent)
    }

    /// The records of a batch that was asked for, those that were taken already left out.
    pub(crate) async fn answer(&mut self, mut sent: oneshot::Receiver<()>) -> Vec<T> {
        loop {
            tokio::select! {
                biased;
                Some(chunk) = self.chunks.recv() => self.received.extend(chunk.records),
                _ = &mut sent => break,
            }
        }
        while let Ok(chunk) = self.chunks.try_recv() {
            self.received.extend(chunk.records);
        }
        std::mem::take(&mut self.received)
    }

    /// The engine ends: no more batches are asked for.
    pub(crate) fn end_pace(&mut self) {
        self.pace = mpsc::channel(1).0;
    }

    /// Waits until the source has ended or was aborted; the rest of its records.
    pub(crate) async fn finish_aborted(&mut self) -> Vec<T> {
        while let Some(chunk) = self.chunks.recv().await {
            self.received.extend(chunk.records);
        }
        std::mem::take(&mut self.received)
    }

    /// Waits until the source has ended; the rest of its records and how it ended.
    pub(crate) async fn finish(mut self) -> (Vec<T>, Result<(), ConnectorError>) {
        while let Some(chunk) = self.chunks.recv().await {
            self.received.extend(chunk.records);
        }
        (self.received, self.task.await.expect("a source does not panic"))
    }
}
