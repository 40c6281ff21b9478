//! Where each partition of a source is, in the source's position.
//!
//! Records of different partitions come in whichever order they come, so the number of records of a source says nothing about
//! which those were. A batch that is replayed therefore gets of each partition the records that it had of that one.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Where a partition was at a batch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct PartitionMark {
    /// Its records up to and with this batch.
    total: u64,
    /// Records that it gave after `position`, up to and with this batch.
    since: u64,
    /// A sum over its records in this batch, if the source makes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    digest: Option<u64>,
    /// A place from which it can be read again, in the source's own terms.
    #[serde(default)]
    position: Value,
    /// Where it began, if that was in this batch: no batch before has a position of it, should this one run again.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    begin: Value,
}

/// All partitions of a source at a batch: what a checkpoint has as the position of that source.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PartitionMarks {
    partitions: BTreeMap<String, PartitionMark>,
}

impl PartitionMarks {
    /// What a position says of partitions; `None` for one of a source that has none.
    pub(crate) fn read(position: Option<&[u8]>) -> Option<Self> {
        serde_json::from_slice(position?).ok()
    }

    /// Where a partition is in them.
    pub(crate) fn position(&self, partition: &str) -> Option<Value> {
        let position = &self.partitions.get(partition)?.position;
        (!position.is_null()).then(|| position.clone())
    }

    /// Those of a batch that ran when the source had no partitions, if all is of this one.
    pub(crate) fn of_one(partition: &str, total: u64, position: Value) -> Self {
        // How many records came after the position is not known, only that it is not to be compared with.
        let mark = PartitionMark { total, since: 1, position, ..PartitionMark::default() };
        PartitionMarks { partitions: [(partition.to_owned(), mark)].into() }
    }

    fn total(&self, partition: &str) -> u64 {
        self.partitions.get(partition).map_or(0, |mark| mark.total)
    }
}

/// Of which partition records are, if their source has some.
#[derive(Clone, Debug, Default)]
pub(crate) struct ChunkOrigin<'a> {
    pub(crate) partition: Option<&'a str>,
    /// The position behind the last of them, if there is one.
    pub(crate) reached: Option<Value>,
    /// A sum over them, if the source makes one.
    pub(crate) digest: Option<u64>,
}

/// What a partition gives to a batch that is replayed is not what it gave before.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum NotAsBefore {
    /// It had as many records and ended at this position.
    Position(Value),
    /// It had as many records, and others.
    Contents,
}

/// The partitions of a running source.
#[derive(Debug, Default)]
pub(crate) struct Partitions {
    states: BTreeMap<String, PartitionState>,
    /// Whether any is elsewhere than at the end of the last batch.
    has_moved: bool,
    /// Whether nothing comes again of one without a position: its source does not replay.
    is_lossy: bool,
}

#[derive(Debug, Default)]
struct PartitionState {
    mark: PartitionMark,
    /// Records behind the position that come again and that were in batches before.
    skip: u64,
    /// Records that wait at the other end, as the connector sees it.
    lag: Option<u64>,
    /// How far behind the other end it is read, as the connector sees it.
    lag_time: Option<Duration>,
    /// Whether it is left out of the next batch.
    is_retired: bool,
}

/// A partition of a source in numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PartitionMetrics {
    /// Its name, as the connector gives it: `clicks/3` for partition 3 of a topic.
    pub name: String,
    /// Records that it has sent into the job, those before the last start included.
    pub records: u64,
    /// Where it can be read again from, in the connector's own terms; `null` before it was anywhere.
    pub position: Value,
    /// Records that wait at the other end, if the connector knows.
    pub lag: Option<u64>,
    /// How long before the newest record at the other end the last one arrived there that was read, if the connector knows that.
    pub lag_time: Option<Duration>,
}

impl Partitions {
    /// Begins behind these marks. Of a source that replays, one without a position begins at its beginning.
    pub(crate) fn resume(marks: PartitionMarks, replays: bool) -> Self {
        let state = |mark: PartitionMark| {
            let skip = mark.since;
            // What is of the last batch is not of the next.
            let mark = PartitionMark { digest: None, begin: Value::Null, ..mark };
            PartitionState { skip, mark, ..PartitionState::default() }
        };
        let marks = marks.partitions.into_iter().filter(|(_, mark)| replays || !mark.position.is_null());
        let states = marks.map(|(name, mark)| (name, state(mark))).collect();
        Partitions { states, has_moved: false, is_lossy: !replays }
    }

    /// Where the source was, which had no partitions, is where this one is.
    pub(crate) fn take_up(&mut self, partition: &str, total: u64, since: u64, position: Value) {
        let mark = PartitionMark { total, since, position, ..PartitionMark::default() };
        let state = PartitionState { mark, skip: since, ..PartitionState::default() };
        self.states.insert(partition.to_owned(), state);
    }

    /// Partitions that begin in a batch that is replayed begin where they did.
    pub(crate) fn begin_again(&mut self, replayed: &PartitionMarks) {
        for (name, then) in replayed.partitions.iter().filter(|(_, then)| !then.begin.is_null()) {
            let mark = &mut self.state(name).mark;
            if mark.position.is_null() {
                (mark.position, mark.begin) = (then.begin.clone(), then.begin.clone());
            }
        }
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.states.keys().cloned().collect()
    }

    /// Ends a batch, the last of those that are retired. What a checkpoint has of them, if that is not what it has already.
    pub(crate) fn end_batch(&mut self) -> Option<PartitionMarks> {
        if !std::mem::take(&mut self.has_moved) {
            return None;
        }
        let kept = self.states.iter().filter(|(_, state)| !self.is_lossy || !state.mark.position.is_null());
        let marks = kept.map(|(name, state)| (name.clone(), state.mark.clone()));
        let marks = PartitionMarks { partitions: marks.collect() };
        let before = self.states.len();
        self.states.retain(|_, state| !state.is_retired);
        self.states
            .values_mut()
            .for_each(|state| (state.mark.digest, state.mark.begin) = (None, Value::Null));
        // Those are in the marks of this batch, and not in those of the next.
        self.has_moved = self.states.len() < before;
        Some(marks)
    }

    /// Where a partition can be read again from; `None` if it was nowhere.
    pub(crate) fn position(&self, partition: &str) -> Option<Value> {
        let position = &self.states.get(partition)?.mark.position;
        (!position.is_null()).then(|| position.clone())
    }

    fn state(&mut self, partition: &str) -> &mut PartitionState {
        self.states.entry(partition.to_owned()).or_default()
    }

    /// Counts records of a partition, with a sum over them if there is one.
    pub(crate) fn put(
        &mut self,
        partition: &str,
        records: u64,
        digest: Option<u64>,
        replayed: Option<&PartitionMarks>,
    ) -> Result<(), NotAsBefore> {
        self.has_moved = true;
        let mark = &mut self.state(partition).mark;
        mark.total += records;
        mark.since += records;
        if let Some(digest) = digest {
            mark.digest = Some(mark.digest.unwrap_or(0).wrapping_add(digest));
        }
        let (Some(then), Some(digest)) =
            (replayed.and_then(|marks| marks.partitions.get(partition)), mark.digest)
        else {
            return Ok(());
        };
        // A release that made no sums has left none.
        let is_other = then.total == mark.total && then.digest.is_some_and(|then| then != digest);
        if is_other { Err(NotAsBefore::Contents) } else { Ok(()) }
    }

    /// All records of a partition so far lie before `position`. The error is where it should be instead: a batch that is
    /// replayed had as many records of it, and ended elsewhere.
    pub(crate) fn reached(
        &mut self,
        partition: &str,
        position: Value,
        replayed: Option<&PartitionMarks>,
    ) -> Result<(), NotAsBefore> {
        let state = self.state(partition);
        let (total, since) = (state.mark.total, state.skip);
        if state.mark.position.is_null() && total == 0 {
            state.mark.begin = position.clone();
        }
        state.mark.position = position;
        state.mark.since = since;
        match replayed.and_then(|marks| marks.partitions.get(partition)) {
            // Within a send that was cut, the position of a batch is the one before.
            Some(then) if (then.total, then.since, since) == (total, 0, 0) => {
                let is_same = then.position == state.mark.position;
                if is_same { Ok(()) } else { Err(NotAsBefore::Position(then.position.clone())) }
            }
            _ => Ok(()),
        }
    }

    /// How many of the next `records` were in batches before.
    pub(crate) fn skip(&mut self, partition: &str, records: u64) -> u64 {
        let Some(state) = self.states.get_mut(partition) else { return 0 };
        let skip = state.skip.min(records);
        state.skip -= skip;
        skip
    }

    /// Each begins again at its position: what it gave since then is left out.
    pub(crate) fn rewind(&mut self) {
        self.states.values_mut().for_each(|state| state.skip = state.mark.since);
    }

    /// How many records a batch with these marks is missing of a partition.
    pub(crate) fn missing(&self, partition: &str, marks: &PartitionMarks) -> u64 {
        let total = self.states.get(partition).map_or(0, |state| state.mark.total);
        marks.total(partition).saturating_sub(total)
    }

    /// Nothing of it is kept any more behind the open batch.
    pub(crate) fn retire(&mut self, partition: &str) {
        if let Some(state) = self.states.get_mut(partition) {
            state.is_retired = true;
            self.has_moved = true;
        }
    }

    pub(crate) fn set_lag(&mut self, partition: &str, lag: Option<u64>) {
        self.state(partition).lag = lag;
    }

    pub(crate) fn set_lag_time(&mut self, partition: &str, behind: Duration) {
        self.state(partition).lag_time = Some(behind);
    }

    /// In numbers, by name.
    pub(crate) fn metrics(&self) -> Vec<PartitionMetrics> {
        let metrics = |(name, state): (&String, &PartitionState)| PartitionMetrics {
            name: name.clone(),
            records: state.mark.total,
            position: state.mark.position.clone(),
            lag: state.lag,
            lag_time: state.lag_time,
        };
        self.states.iter().filter(|(_, state)| !state.is_retired).map(metrics).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_is_over_one_batch_also_after_a_restart() {
        let batch = |partitions: &mut Partitions, digest, position: u64, replayed| {
            assert_eq!(partitions.put("log", 1, Some(digest), replayed), Ok(()));
            assert_eq!(partitions.reached("log", position.into(), replayed), Ok(()));
            partitions.end_batch().expect("it has moved")
        };
        let mut before = Partitions::default();
        let first = batch(&mut before, 7, 1, None);
        let second = batch(&mut before, 5, 2, None);
        assert_eq!(batch(&mut Partitions::resume(first.clone(), true), 5, 2, Some(&second)), second);
        let other = Partitions::resume(first, true).put("log", 1, Some(6), Some(&second));
        assert_eq!(other, Err(NotAsBefore::Contents));
    }

    #[test]
    fn without_a_position_nothing_is_left_out_of_what_does_not_come_again() {
        let mut before = Partitions::default();
        assert_eq!(before.put("peer", 3, None, None), Ok(()));
        let marks = before.end_batch().expect("it has moved");
        assert_eq!(Partitions::resume(marks.clone(), true).skip("peer", 5), 3);
        let mut lossy = Partitions::resume(marks, false);
        assert_eq!(lossy.skip("peer", 5), 0);
        assert_eq!(lossy.put("peer", 3, None, None), Ok(()));
        assert_eq!(lossy.put("log", 2, None, None), Ok(()));
        assert_eq!(lossy.reached("log", 2.into(), None), Ok(()));
        let marks = lossy.end_batch().expect("it has moved");
        assert_eq!(marks.partitions.keys().collect::<Vec<_>>(), ["log"]);
    }
}
