//! Where batches begin and end in the records of a source.
//!
//! A batch must contain the same records when it is replayed after a crash. So a record belongs to the batch that is open when the record
//! is put into its queue, under one lock with the count; closing a batch takes the same lock. A batch then has the records of a source
//! from one place in their order to another. A place is a position that the source has named, and the number of records after it.
//! A source with [partitions](crate::intake::partitions) has a place in each of them.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use tokio::sync::Notify;

use serde_json::Value;

use crate::{
    checkpoint::SourceMark,
    contract::recovery::Recovery,
    ids::Epoch,
    intake::{
        hand_on::HandOn,
        partitions::{ChunkOrigin, NotAsBefore, PartitionMarks, PartitionMetrics, Partitions},
    },
};

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct SourceProgress {
    /// Whether the source is asked for each batch, and so knows itself what belongs to it.
    paced: bool,
    /// For a source that takes records from the program, under a test's clock.
    hand_on: Option<HandOn>,
    state: Mutex<ProgressState>,
    /// Notified when a replayed batch was closed, or has all of its records.
    moved: Notify,
}

#[derive(Debug, Default)]
struct ProgressState {
    open: Epoch,
    mark: SourceMark,
    /// Where each partition is, of a source that has some.
    partitions: Partitions,
    /// Records behind the position that the source sends again and that were in batches before.
    skip: u64,
    /// The batches to replay, from the open one on.
    replay: VecDeque<SourceReplay>,
    /// Records that replayed batches got beyond those that they had.
    surplus: u64,
    /// Whether positions are written down.
    keeps: bool,
    /// Whether the source had ended before the job was started.
    had_ended: bool,
}

/// A batch to replay, as far as the source is concerned.
#[derive(Debug)]
struct SourceReplay {
    /// The records that it had.
    expected: u64,
    /// The records that it has yet to get.
    missing: u64,
    /// Where the source was at its end.
    position: Option<Vec<u8>>,
    /// What that says of partitions.
    partitions: Option<PartitionMarks>,
    /// Whether a paced source was asked for it. One that was not asked has sent nothing and kept its position.
    asked: bool,
}

/// The right to put records into the open batch.
pub(crate) struct Putting<'a>(MutexGuard<'a, ProgressState>);

impl Putting<'_> {
    pub(crate) fn epoch(&self) -> Epoch {
        self.0.open
    }
}

impl SourceProgress {
    pub(crate) fn new(paced: bool, accepts: bool) -> Self {
        SourceProgress { paced, hand_on: accepts.then(HandOn::default), ..SourceProgress::default() }
    }

    /// For a source that takes records from the program.
    pub(crate) fn hand_on(&self) -> Option<&HandOn> {
        self.hand_on.as_ref()
    }

    fn state(&self) -> MutexGuard<'_, ProgressState> {
        self.state.lock().expect("nothing panics under this lock")
    }

    /// Begins with batch `open`, behind `mark`, and keeps positions from now on. Replays the batches with the marks `replay`.
    pub(crate) fn resume(
        &self,
        open: Epoch,
        mut mark: SourceMark,
        recovery: Recovery,
        mut replay: Vec<SourceMark>,
    ) {
        if recovery == Recovery::Logged {
            // What the log has lies behind any position that the source itself had.
            for mark in replay.iter_mut().chain([&mut mark]) {
                (mark.position, mark.since) = (None, 0);
            }
        }
        let mut state = self.state();
        state.open = open;
        state.keeps = recovery != Recovery::Logged;
        state.had_ended = mark.ended;
        // Without a position nothing comes again, but from those that begin at the beginning.
        let comes_again = mark.position.is_some() || recovery == Recovery::Replays;
        state.skip = if comes_again { mark.since } else { 0 };
        let marks = PartitionMarks::read(mark.position.as_deref()).unwrap_or_default();
        state.partitions = Partitions::resume(marks, recovery == Recovery::Replays);
        let mut before = mark.position.clone();
        state.mark = SourceMark { records: 0, ended: false, ..mark };
        let replay = replay.into_iter().map(|SourceMark { records, position, .. }| {
            let asked = records > 0 || position != before;
            before.clone_from(&position);
            let partitions = PartitionMarks::read(position.as_deref());
            SourceReplay { expected: records, missing: records, position, partitions, asked }
        });
        state.replay = replay.collect();
        let ProgressState { replay, partitions, .. } = &mut *state;
        replay
            .iter()
            .filter_map(|batch| batch.partitions.as_ref())
            .for_each(|marks| partitions.begin_again(marks));
    }

    /// The source begins again at its position: what it gave since then is left out.
    pub(crate) fn rewind(&self) {
        let mut state = self.state();
        state.skip = state.mark.since;
        state.partitions.rewind();
    }

    /// Counts `records` into the open batch; they must be sent before what is returned is dropped. Returns the number of the
    /// first of them, too, and whether they are what they were before.
    pub(crate) fn put(
        &self,
        records: usize,
        origin: ChunkOrigin<'_>,
    ) -> (Putting<'_>, u64, Result<(), NotAsBefore>) {
        let (mut state, records) = (self.state(), records as u64);
        let first = state.mark.total;
        let is_as_before = state.put(records, origin);
        state.mark.records += records;
        state.mark.total += records;
        state.mark.since += records;
        let mut surplus = 0;
        if let Some(batch) = state.replay.front_mut() {
            surplus = records.saturating_sub(batch.missing);
            batch.missing = batch.missing.saturating_sub(records);
            if batch.missing == 0 {
                self.moved.notify_waiters();
            }
        }
        state.surplus += surplus;
        (Putting(state), first, is_as_before)
    }

    /// All records of a partition so far lie before the position, if one is given.
    pub(crate) fn reached_in(&self, origin: ChunkOrigin<'_>) -> Result<(), NotAsBefore> {
        self.state().put(0, origin)
    }

    /// Where a partition can be read again from.
    pub(crate) fn partition_position(&self, partition: &str) -> Option<Value> {
        self.state().partitions.position(partition)
    }

    /// Where a partition was at the end of the batch that is replayed now.
    pub(crate) fn partition_replay_position(&self, partition: &str) -> Option<Value> {
        let state = self.state();
        let replayed = state.replay.front()?.partitions.as_ref()?;
        replayed.position(partition)
    }

    /// All of the source is of this partition, also what it gave when it had none. Returns the name that it has already, if it has
    /// one.
    pub(crate) fn has_one(&self, partition: String) -> String {
        let mut state = self.state();
        let known = state.partitions.names();
        if let Some(known) = known.into_iter().next() {
            return known;
        }
        let written = |position: &Option<Vec<u8>>| {
            position.as_deref().and_then(|position| serde_json::from_slice(position).ok()).unwrap_or_default()
        };
        let ProgressState { mark, replay, partitions, .. } = &mut *state;
        let mut total = mark.total;
        partitions.take_up(&partition, total, mark.since, written(&mark.position));
        for batch in replay {
            total += batch.expected;
            let position = written(&batch.position);
            batch.partitions.get_or_insert_with(|| PartitionMarks::of_one(&partition, total, position));
        }
        partition
    }

    /// The partitions that have been anywhere.
    pub(crate) fn partitions(&self) -> Vec<String> {
        self.state().partitions.names()
    }

    /// Nothing is kept of a partition any more, behind the open batch. The error is how many records it has yet to give to
    /// batches that are replayed.
    pub(crate) fn retire(&self, partition: &str) -> Result<(), u64> {
        let mut state = self.state();
        let marks = state.replay.iter().filter_map(|batch| batch.partitions.as_ref());
        match marks.map(|marks| state.partitions.missing(partition, marks)).max() {
            None | Some(0) => {
                state.partitions.retire(partition);
                Ok(())
            }
            Some(missing) => Err(missing),
        }
    }

    pub(crate) fn set_lag(&self, partition: &str, lag: Option<u64>) {
        self.state().partitions.set_lag(partition, lag);
    }

    pub(crate) fn set_lag_time(&self, partition: &str, behind: Duration) {
        self.state().partitions.set_lag_time(partition, behind);
    }

    pub(crate) fn partition_metrics(&self) -> Vec<PartitionMetrics> {
        self.state().partitions.metrics()
    }

    /// All records so far lie before `position`.
    pub(crate) fn reached(&self, position: Vec<u8>) {
        let mut state = self.state();
        state.mark.position = Some(position);
        state.mark.since = state.skip;
    }

    /// Whether positions are written down.
    pub(crate) fn keeps(&self) -> bool {
        self.state().keeps
    }

    /// Where the source was at the end of the batch that is replayed now, or of the next one that has a position.
    pub(crate) fn replay_position(&self) -> Option<Vec<u8>> {
        self.state().replay.iter().find_map(|batch| batch.position.clone())
    }

    pub(crate) fn is_paced(&self) -> bool {
        self.paced
    }

    /// Whether the source had ended when the job ended before.
    pub(crate) fn had_ended(&self) -> bool {
        self.state().had_ended
    }

    /// Whether a paced source is to be asked for the open batch.
    pub(crate) fn is_due(&self) -> bool {
        self.state().replay.front().is_none_or(|batch| batch.asked)
    }

    /// Records that replayed batches got beyond those that they had.
    pub(crate) fn surplus(&self) -> u64 {
        self.state().surplus
    }

    /// How many records there were in all batches so far.
    pub(crate) fn total(&self) -> u64 {
        self.state().mark.total
    }

    pub(crate) fn position(&self) -> Option<Vec<u8>> {
        self.state().mark.position.clone()
    }

    /// How many of the next `records` were in batches before.
    pub(crate) fn skip(&self, partition: Option<&str>, records: usize) -> usize {
        let mut state = self.state();
        if let Some(partition) = partition {
            return state.partitions.skip(partition, records as u64) as usize;
        }
        let skip = state.skip.min(records as u64);
        state.skip -= skip;
        skip as usize
    }

    /// How many records, of a partition if that is named, the open batch may still get: 1 at least, once there is room
    /// for it.
    pub(crate) async fn room(&self, partition: Option<&str>) -> usize {
        if self.paced {
            return usize::MAX;
        }
        loop {
            let moved = self.moved.notified();
            tokio::pin!(moved);
            moved.as_mut().enable();
            match self.missing_of(partition) {
                None => return usize::MAX,
                Some(0) => {}
                Some(left) => return usize::try_from(left).unwrap_or(usize::MAX),
            }
            moved.await;
        }
    }

    /// How many records the open batch is missing, if it is replayed.
    pub(crate) fn missing(&self) -> Option<u64> {
        self.state().replay.front().map(|batch| batch.missing)
    }

    /// The same, of a partition if that is named.
    fn missing_of(&self, partition: Option<&str>) -> Option<u64> {
        let state = self.state();
        let batch = state.replay.front()?;
        // A source that had no partitions when the batch ran has the records of all of them.
        Some(match partition.zip(batch.partitions.as_ref()) {
            Some((partition, marks)) => state.partitions.missing(partition, marks),
            None => batch.missing,
        })
    }

    /// How many records the open batch had, if it is replayed.
    pub(crate) fn expected(&self) -> u64 {
        self.state().replay.front().map_or(0, |batch| batch.expected)
    }

    /// The source is gone.
    pub(crate) fn over(&self) {
        self.hand_on.iter().for_each(HandOn::over);
    }

    /// The source has ended by itself.
    pub(crate) fn ended(&self) {
        self.state().mark.ended = true;
    }

    /// Waits until the open batch has all records that it had.
    pub(crate) async fn filled(&self) {
        loop {
            let moved = self.moved.notified();
            tokio::pin!(moved);
            moved.as_mut().enable();
            if self.missing().is_none_or(|missing| missing == 0) {
                return;
            }
            moved.await;
        }
    }

    /// Closes the open batch; what is put from now on is in the next.
    pub(crate) fn close(&self) -> SourceMark {
        let mut state = self.state();
        state.open += 1;
        if state.replay.pop_front().is_some() {
            self.moved.notify_waiters();
        }
        if let Some(marks) = state.partitions.end_batch().filter(|_| state.keeps) {
            let marks = serde_json::to_vec(&marks);
            state.mark.position = Some(marks.expect("texts and numbers can be written as JSON"));
            state.mark.since = 0;
        }
        let closed = state.mark.clone();
        state.mark.records = 0;
        closed
    }
}

impl ProgressState {
    /// Counts records of a partition, if they are of one.
    fn put(&mut self, records: u64, origin: ChunkOrigin<'_>) -> Result<(), NotAsBefore> {
        let ChunkOrigin { partition: Some(partition), reached, digest } = origin else { return Ok(()) };
        let replayed = self.replay.front().and_then(|batch| batch.partitions.as_ref());
        self.partitions.put(partition, records, digest, replayed)?;
        match reached {
            Some(position) => self.partitions.reached(partition, position, replayed),
            None => Ok(()),
        }
    }
}
