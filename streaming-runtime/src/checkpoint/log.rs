//! The writer's thread: it takes everything that waits, writes it with one sync, and reports what is durable.

use crate::{
    checkpoint::{
        CheckpointError, Durable, Mark, Place, Program, Settings,
        compact::Compaction,
        writer::{Message, Writer},
    },
    ids::Epoch,
    panic_origin,
};
use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::{
        JoinHandle, {self},
    },
};
use tokio::sync::watch;

/// A handle on the writer. Clones are the same writer; when the last is dropped it is closed.
///
/// Its queue has no bound of its own. What is in it is bounded by what the engine lets in flight: batches by
/// `Engine::in_flight`, inputs by `Engine::memory_limit`.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    messages: mpsc::Sender<Message>,
    durable: watch::Receiver<Durable>,
    /// How the thread has ended. Nobody joins it: it may be stuck in a call to the storage.
    ended: watch::Receiver<Option<Result<(), CheckpointError>>>,
}

impl Log {
    /// Puts the place in order, opens a new log in it, and starts the thread. Batches that are there already are not
    /// written again, but count as durable. If another program ran them, whose operators wrote other things,
    /// those behind `at` are written again as they run again.
    ///
    /// `workers_with_state` parts are awaited for each batch. `on_error` is called at most once; nothing is written
    /// after it. `on_durable` is called on the writer's thread each time that more is durable.
    pub(crate) fn start(
        place: Place,
        program: Program,
        settings: Settings,
        workers_with_state: usize,
        on_error: Box<dyn FnOnce(CheckpointError) + Send>,
        on_durable: Box<dyn Fn(Durable) + Send>,
    ) -> Result<Log, CheckpointError> {
        let stop = Arc::new(AtomicBool::new(false));
        let writer = Writer::start(place, program, settings, workers_with_state, stop.clone())?;
        let (messages, queue) = mpsc::channel();
        let (publish, durable) = watch::channel(writer.durable().clone());
        let (end, ended) = watch::channel(None);
        let mut thread =
            Thread { writer, queue, messages: messages.clone(), compaction: None, publish, on_durable };
        let run = move || {
            let result = catch_unwind(AssertUnwindSafe(|| thread.run())).unwrap_or_else(|panic| {
                let panic = io::Error::other(format!("a panic: {}", panic_origin::message(&*panic)));
                Err(CheckpointError::io("writing", "the log")(panic))
            });
            stop.store(true, Ordering::Relaxed);
            if let Some(compaction) = thread.compaction.take() {
                // The place is not given free while something is written there.
                let _ = compaction.join();
            }
            // The place is free before anybody hears of the end.
            let _ = catch_unwind(AssertUnwindSafe(|| drop(thread)));
            if let Err(error) = &result {
                on_error(error.clone());
            }
            end.send_replace(Some(result));
        };
        let thread = thread::Builder::new().name("checkpoint".to_owned()).spawn(run);
        thread.map_err(CheckpointError::io("starting the thread of", "the log"))?;
        Ok(Log { shared: Arc::new(Shared { messages, durable, ended }) })
    }

    /// The batch is closed. Input that was logged for it was given to [`input`](Log::input) before.
    pub(crate) fn mark(&self, mark: Mark) {
        self.shared.send(Message::Mark(mark));
    }

    /// A worker's part of a batch, from [`PartWriter::take`](super::PartWriter::take).
    pub(crate) fn part(&self, epoch: Epoch, worker: u32, bytes: Vec<u8>) {
        self.shared.send(Message::Part(epoch, worker, bytes));
    }

    /// Input of a source that cannot replay: `count` records, the first of which has the number `first`.
    pub(crate) fn input(&self, port: u32, first: u64, count: u64, bytes: Vec<u8>) {
        self.shared.send(Message::Input { port, first, count, bytes });
    }

    /// All sinks have the batch, and those before it.
    pub(crate) fn delivered(&self, epoch: Epoch) {
        self.shared.send(Message::Delivered(epoch));
    }

    /// What is durable; closed when the writer has ended.
    pub(crate) fn durable(&self) -> watch::Receiver<Durable> {
        self.shared.durable.clone()
    }

    /// Writes what waits and is complete, and what was delivered, syncs, and gives the place free; waits until that is done.
    /// The error is the one that `on_error` was given.
    pub(crate) async fn close(&self) -> Result<(), CheckpointError> {
        self.shared.send(Message::Close);
        let mut ended = self.shared.ended.clone();
        let ended = ended.wait_for(Option::is_some).await.map(|ended| ended.clone());
        ended.ok().flatten().unwrap_or_else(|| {
            Err(CheckpointError::io("closing", "the log")(io::Error::other(
                "its thread has not said how it ended",
            )))
        })
    }
}

impl Shared {
    fn send(&self, message: Message) {
        // The thread ends early only after an error, which it has reported.
        let _ = self.messages.send(message);
    }
}

impl Drop for Shared {
    /// Does not wait: the thread that drops it may be one that a disk must not hold up.
    fn drop(&mut self) {
        self.send(Message::Close);
    }
}

/// What the thread has.
struct Thread {
    writer: Writer,
    queue: mpsc::Receiver<Message>,
    /// For compactions, to say that they are done.
    messages: mpsc::Sender<Message>,
    compaction: Option<JoinHandle<()>>,
    publish: watch::Sender<Durable>,
    on_durable: Box<dyn Fn(Durable) + Send>,
}

impl Thread {
    fn run(&mut self) -> Result<(), CheckpointError> {
        loop {
            let Ok(mut message) = self.queue.recv() else { return Ok(()) };
            let mut closing = false;
            // All that waits goes with one sync, up to a bound: what came first should not wait for ever.
            loop {
                match message {
                    Message::Close => closing = true,
                    message => self.writer.take(message)?,
                }
                if closing || self.writer.has_much() {
                    break;
                }
                let Ok(next) = self.queue.try_recv() else { break };
                message = next;
            }
            if self.writer.commit()? {
                let durable = self.writer.durable().clone();
                self.publish.send_replace(durable.clone());
                (self.on_durable)(durable);
            }
            if closing {
                return self.writer.close_log();
            }
            self.writer.roll_if_due()?;
            if let Some(compaction) = self.writer.compaction() {
                self.compact(compaction);
            }
        }
    }

    fn compact(&mut self, compaction: Compaction) {
        let messages = self.messages.clone();
        let run = move || {
            let run = AssertUnwindSafe(|| compaction.run());
            // A panic must not be the end of all compactions.
            let done = catch_unwind(run)
                .unwrap_or_else(|_| Err(CheckpointError::io("compacting", "")(io::Error::other("a panic"))));
            // If the job has ended, nobody listens.
            let _ = messages.send(Message::Compacted(done));
        };
        let thread = thread::Builder::new().name("checkpoint-compaction".to_owned());
        match thread.spawn(run) {
            Ok(thread) => self.compaction = Some(thread),
            Err(error) => {
                let error = CheckpointError::io("starting the thread of", "a compaction")(error);
                self.writer.compacted(Err(error));
            }
        }
    }
}
