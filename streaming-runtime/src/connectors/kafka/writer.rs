//! The thread of a sink: librdkafka's calls for transactions wait for brokers.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::mpsc::{SyncSender, TrySendError, sync_channel},
};

use tokio::sync::oneshot;

use crate::{
    BatchTime,
    connect::{CheckpointId, CheckpointMark, ConnectorError},
    connectors::kafka::{
        fault::unreachable,
        patience::Patience,
        progress::{self, Progress},
        record::Record,
        sink_settings::{SinkIdentity, SinkSettings},
        transaction::{Failure, Transactions, fenced},
    },
};

/// Calls that wait: the caller makes the next when one is done, unless a policy has given one up.
const CALLS: usize = 4;

type Call = Box<dyn FnOnce(&mut TopicWriter) + Send>;

/// Where a sink's calls go. When it is dropped, the thread ends once its call is done, and nobody waits for it.
pub(super) struct WriterThread {
    calls: SyncSender<Call>,
    patience: Patience,
}

impl WriterThread {
    pub(super) fn start(settings: SinkSettings, identity: SinkIdentity) -> Result<Self, ConnectorError> {
        let (calls, called) = sync_channel::<Call>(CALLS);
        let patience = Patience::default();
        let mut writer = TopicWriter::new(settings, identity, patience.clone());
        let thread = std::thread::Builder::new().name("kafka-sink".into()).spawn(move || {
            called.into_iter().for_each(|call| call(&mut writer));
        });
        thread.map_err(|error| ConnectorError::io("start a thread for a sink", error))?;
        Ok(WriterThread { calls, patience })
    }

    /// Does `work` there. A panic in it goes on here.
    pub(super) async fn call<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut TopicWriter) -> Result<R, ConnectorError> + Send + 'static,
    ) -> Result<R, ConnectorError> {
        type Outcome<R> = Result<Result<R, ConnectorError>, Box<dyn Any + Send>>;
        let (done, outcome) = oneshot::channel::<Outcome<R>>();
        let call: Call = Box::new(move |writer| {
            // Nothing of the writer is half changed where a closure of the program's may panic.
            let _ = done.send(catch_unwind(AssertUnwindSafe(|| work(writer))));
        });
        match self.calls.try_send(call) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                return Err(ConnectorError::other("earlier batches are still being written to Kafka"));
            }
            Err(TrySendError::Disconnected(_)) => return Err(ConnectorError::Closed),
        }
        match outcome.await {
            Ok(Ok(done)) => done,
            Ok(Err(panic)) => resume_unwind(panic),
            Err(_) => Err(ConnectorError::Closed),
        }
    }
}

impl Drop for WriterThread {
    fn drop(&mut self) {
        self.patience.end();
    }
}

/// Writes batches to a topic, each in a transaction.
pub(super) struct TopicWriter {
    settings: SinkSettings,
    identity: SinkIdentity,
    patience: Patience,
    /// This run of the sink, among all that there are.
    session: String,
    transactions: Option<Transactions>,
    /// What is in the topic of progress.
    progress: Option<Progress>,
    /// The first batch that was skipped has been told of.
    has_skipped: bool,
}

impl TopicWriter {
    fn new(settings: SinkSettings, identity: SinkIdentity, patience: Patience) -> Self {
        TopicWriter {
            settings,
            identity,
            patience,
            session: format!("{:016x}", rand::random::<u64>()),
            transactions: None,
            progress: None,
            has_skipped: false,
        }
    }

    /// Looks whether the topics are there; says whether there is one for progress.
    pub(super) fn look(&mut self) -> Result<bool, ConnectorError> {
        self.retried(|writer| progress::look(&writer.settings, &writer.identity, &writer.patience))
    }

    /// Takes over from earlier processes, and then reads how far they came.
    pub(super) fn take_over(&mut self) -> Result<(), ConnectorError> {
        self.retried(|writer| {
            progress::await_topic(&writer.settings, &writer.identity, &writer.patience)?;
            writer.transactions = Some(Transactions::begin(&writer.settings, &writer.identity)?);
            writer.progress = writer.read()?;
            Ok(())
        })
    }

    fn read(&self) -> Result<Option<Progress>, ConnectorError> {
        progress::read(&self.settings, &self.identity, &self.patience)
    }

    /// Does something until it succeeds, as often as the settings say.
    fn retried<R>(
        &mut self,
        mut attempt: impl FnMut(&mut Self) -> Result<R, ConnectorError>,
    ) -> Result<R, ConnectorError> {
        let mut backoff = self.settings.retry.backoff();
        loop {
            match attempt(self) {
                Ok(done) => return Ok(done),
                Err(error) => {
                    if backoff.count() == 0 && error.may_pass() {
                        tracing::warn!(target: "streaming_runtime::kafka", topic = self.settings.topic, %error, "trying again");
                    }
                    let wait = backoff.after(error).map_err(unreachable)?;
                    self.patience.pause(wait)?;
                }
            }
        }
    }

    /// The last batch with records that is there.
    pub(super) fn last(&self) -> Option<BatchTime> {
        self.progress.as_ref().and_then(Progress::last)
    }

    pub(super) fn mark(&self) -> Result<Option<CheckpointMark>, ConnectorError> {
        self.progress.as_ref().map_or(Ok(None), Progress::mark)
    }

    fn known(&self) -> Progress {
        self.progress.clone().unwrap_or_else(|| Progress::new(&self.session))
    }

    /// Notes the checkpoint, and that this process writes from now on.
    pub(super) fn mark_checkpoint(&mut self, checkpoint: CheckpointId) -> Result<(), ConnectorError> {
        let next = self.known().of_checkpoint(checkpoint, &self.session);
        self.commit(&[], next)
    }

    /// Writes a batch, unless it is there. One without records is there always.
    pub(super) fn write(&mut self, time: BatchTime, records: &[Record]) -> Result<(), ConnectorError> {
        if let Some(last) = self.last().filter(|last| *last >= time) {
            if !std::mem::replace(&mut self.has_skipped, true) {
                tracing::warn!(
                    target: "streaming_runtime::kafka", topic = self.settings.topic, batch = %time, %last,
                    "batches up to the last one of this sink are skipped: they are there already"
                );
            }
            return Ok(());
        }
        if records.is_empty() {
            return Ok(());
        }
        let next = self.known().with_batch(time, &self.session);
        self.commit(records, next)
    }

    fn commit(&mut self, records: &[Record], next: Progress) -> Result<(), ConnectorError> {
        self.retried(|writer| {
            writer.attempt(records, &next).map_err(|Failure { error, is_usable }| {
                if !is_usable {
                    writer.transactions = None;
                }
                error
            })
        })?;
        self.progress = Some(next);
        Ok(())
    }

    fn attempt(&mut self, records: &[Record], next: &Progress) -> Result<(), Failure> {
        if self.transactions.is_none() && self.resume(next).map_err(Failure::unusable)? {
            return Ok(());
        }
        let transactions = self.transactions.as_ref().expect("it was just made");
        transactions.commit(records, next, &self.patience)
    }

    /// Goes on with another producer, of which the brokers did not say how a transaction ended; returns whether it was committed.
    /// Whoever has written meanwhile has taken over.
    fn resume(&mut self, tried: &Progress) -> Result<bool, ConnectorError> {
        let is_own = |found: &Option<Progress>| *found == self.progress || found.as_ref() == Some(tried);
        let taken_over = || Err(fenced(&self.identity.transactional_id));
        // Before anything that would stop the other.
        if !is_own(&self.read()?) {
            return taken_over();
        }
        let transactions = Transactions::begin(&self.settings, &self.identity)?;
        let found = self.read()?;
        if !is_own(&found) {
            return taken_over();
        }
        self.transactions = Some(transactions);
        Ok(found.as_ref() == Some(tried))
    }
}
