//! The job's log as the engine uses it: by the numbers that batches have in this run, and from whatever process.
//!
//! A job has one log, which in a cluster is the leader's. What a follower writes to it (parts, marks and inputs) are
//! [`LogMessage`]s, which travel between workers as records do; see [`log_forwarding`](super::log_forwarding).

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::{
    checkpoint::{Durable, Log, Mark, SourceMark, crash_point},
    contract::checkpoint_mark::CheckpointId,
    ids::Epoch,
    time::BatchTime,
    timeline::Follows,
};

/// What a follower has for the log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum LogMessage {
    /// What the operators of a worker say of a batch.
    Part { epoch: Epoch, worker: u32, bytes: Bytes },
    /// Where the sources of a process were when a batch closed.
    Mark { epoch: Epoch, process: u32, sources: Vec<SourceMark> },
    /// Input of a source, which has this place among those of all processes.
    Input { port: u32, first: u64, count: u64, bytes: Bytes },
}

/// Bytes that are copied as a whole.
#[derive(Clone, Debug)]
pub(crate) struct Bytes(pub(crate) Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Whole;
        impl serde::de::Visitor<'_> for Whole {
            type Value = Bytes;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(bytes.to_owned()))
            }
            fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Bytes, E> {
                Ok(Bytes(bytes))
            }
        }
        deserializer.deserialize_byte_buf(Whole)
    }
}

/// What a follower's sources have for the log, in order, until its first worker sends it on. Its bounds are those of what
/// is in it: the memory that input may take, and one mark for each batch in flight.
#[derive(Debug, Default)]
pub(crate) struct LogMessages(Mutex<Vec<LogMessage>>);

impl LogMessages {
    pub(crate) fn put(&self, message: LogMessage) {
        self.0.lock().expect("nothing panics under this lock").push(message);
    }

    pub(crate) fn take(&self) -> Vec<LogMessage> {
        std::mem::take(&mut *self.0.lock().expect("nothing panics under this lock"))
    }
}

/// Where the input of the sources of this process is written down.
#[derive(Clone, Debug)]
pub(crate) enum InputLog {
    /// In this process's log.
    Log(Log),
    /// In the leader's; the sources here are numbered from this on.
    LogMessages { messages: Arc<LogMessages>, from: u32 },
}

impl InputLog {
    pub(crate) fn input(&self, port: u32, first: u64, count: u64, bytes: Vec<u8>) {
        match self {
            InputLog::Log(log) => log.input(port, first, count, bytes),
            InputLog::LogMessages { messages, from } => {
                messages.put(LogMessage::Input { port: from + port, first, count, bytes: Bytes(bytes) });
            }
        }
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct JobLog {
    place: RunPlace,
    /// How many batches sinks may be ahead of the disk: none, or as many as are in flight, so that what waits for a slow
    /// disk is bounded.
    ahead: Epoch,
    /// Which checkpoint it is.
    checkpoint: CheckpointId,
}

/// Where the log is.
#[derive(Debug)]
enum RunPlace {
    Here {
        log: Log,
        /// What number 0 is in the log.
        first: Epoch,
        durable: watch::Receiver<Durable>,
        /// How many processes have sources.
        processes: usize,
        /// Batches of which not all processes have said where their sources were.
        gathering: Mutex<BTreeMap<Epoch, Gathering>>,
    },
    AtLeader {
        messages: Arc<LogMessages>,
        process: u32,
        /// The last batch that is on disk there.
        durable: watch::Sender<Option<Epoch>>,
    },
}

/// The marks of a batch, by process.
#[derive(Debug, Default)]
struct Gathering {
    time: Option<(BatchTime, Follows)>,
    marks: BTreeMap<u32, Vec<SourceMark>>,
}

impl JobLog {
    /// With the log in this process, of a job that has so many.
    pub(crate) fn new(
        log: Log,
        first: Epoch,
        processes: usize,
        ahead: Epoch,
        checkpoint: CheckpointId,
    ) -> Self {
        let durable = log.durable();
        let gathering = Mutex::default();
        JobLog { place: RunPlace::Here { log, first, durable, processes, gathering }, ahead, checkpoint }
    }

    /// With the log in another process.
    pub(crate) fn elsewhere(
        messages: Arc<LogMessages>,
        process: u32,
        ahead: Epoch,
        checkpoint: CheckpointId,
    ) -> Self {
        let durable = watch::Sender::new(None);
        JobLog { place: RunPlace::AtLeader { messages, process, durable }, ahead, checkpoint }
    }

    /// Which checkpoint it is.
    pub(crate) fn checkpoint(&self) -> CheckpointId {
        self.checkpoint
    }

    /// A batch was closed, with the sources of this process where they were.
    pub(crate) fn mark(&self, epoch: Epoch, time: (BatchTime, Follows), sources: Vec<SourceMark>) {
        match &self.place {
            RunPlace::Here { .. } => self.gather(epoch, 0, Some(time), sources),
            RunPlace::AtLeader { messages, process, .. } => {
                messages.put(LogMessage::Mark { epoch, process: *process, sources });
            }
        }
    }

    /// Takes what another process has for the log.
    pub(crate) fn write(&self, message: LogMessage) {
        let RunPlace::Here { log, .. } = &self.place else { panic!("messages come to the leader") };
        match message {
            LogMessage::Part { epoch, worker, bytes } => self.part(epoch, worker as usize, bytes.0),
            LogMessage::Mark { epoch, process, sources } => self.gather(epoch, process, None, sources),
            LogMessage::Input { port, first, count, bytes } => log.input(port, first, count, bytes.0),
        }
    }

    /// The mark of a batch is complete when those of all processes are there. Each gives its own in order, so the batches
    /// are complete in order.
    fn gather(
        &self,
        epoch: Epoch,
        process: u32,
        time: Option<(BatchTime, Follows)>,
        sources: Vec<SourceMark>,
    ) {
        let RunPlace::Here { log, first, processes, gathering, .. } = &self.place else { return };
        let mut gathering = gathering.lock().expect("nothing panics under this lock");
        let batch = gathering.entry(epoch).or_default();
        batch.time = batch.time.or(time);
        let before = batch.marks.insert(process, sources);
        assert!(before.is_none(), "process {process} has closed batch {epoch} twice");
        if batch.marks.len() == *processes {
            let batch = gathering.remove(&epoch).expect("it was just looked at");
            let (time, follows) = batch.time.expect("the leader has said when it closed the batch");
            let sources = batch.marks.into_values().flatten().collect();
            log.mark(Mark { epoch: first + epoch, time, follows, sources });
        }
    }

    /// All sinks everywhere have a batch.
    pub(crate) fn delivered(&self, epoch: Epoch) {
        if let RunPlace::Here { log, first, .. } = &self.place {
            crash_point("before-acknowledge");
            log.delivered(first + epoch);
            crash_point("after-acknowledge");
        }
    }

    /// Waits until a batch may be given to a sink; whether it may at all.
    pub(crate) async fn released(&self, epoch: Epoch) -> bool {
        match epoch.checked_sub(self.ahead) {
            Some(epoch) => self.is_durable(epoch).await,
            None => true,
        }
    }

    /// Waits until a batch is on disk; whether it ever will be.
    pub(crate) async fn is_durable(&self, epoch: Epoch) -> bool {
        match &self.place {
            RunPlace::Here { first, durable, .. } => {
                let epoch = first + epoch;
                let mut durable = durable.clone();
                // The log ends before that only if it failed, and the job with it.
                durable
                    .wait_for(|durable| durable.epoch.is_some_and(|durable| durable >= epoch))
                    .await
                    .is_ok()
            }
            RunPlace::AtLeader { durable, .. } => {
                let mut durable = durable.subscribe();
                durable.wait_for(|durable| durable.is_some_and(|durable| durable >= epoch)).await.is_ok()
            }
        }
    }

    /// The leader says what is on disk.
    pub(crate) fn told_durable(&self, epoch: Epoch) {
        if let RunPlace::AtLeader { durable, .. } = &self.place {
            durable.send_modify(|durable| *durable = (*durable).max(Some(epoch)));
        }
    }

    /// A part of a batch, of a worker of whatever process. Only where the log is.
    pub(crate) fn part(&self, epoch: Epoch, worker: usize, bytes: Vec<u8>) {
        match &self.place {
            RunPlace::Here { log, first, .. } => log.part(first + epoch, worker as u32, bytes),
            RunPlace::AtLeader { .. } => panic!("a follower's workers send their parts to the leader"),
        }
    }

    /// The log, if it is in this process.
    pub(crate) fn log(&self) -> Option<&Log> {
        match &self.place {
            RunPlace::Here { log, .. } => Some(log),
            RunPlace::AtLeader { .. } => None,
        }
    }
}
