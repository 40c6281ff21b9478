//! Which files are new: Spark's rule (`FileInputDStream.isNewFile`), without a file system.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    time::Duration,
};

use hashbrown::HashSet;

use crate::{
    contract::error::ConnectorError,
    time::{BatchTime, nanos},
};

/// A file that was found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Candidate {
    // The order of the fields is the order in which files are read.
    pub(super) modified: BatchTime,
    pub(super) path: PathBuf,
}

/// What a file's modification time means for a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Age {
    /// It belongs to the batch.
    InTime,
    /// It belongs to no batch, this one or a later one.
    TooOld,
    /// It belongs to a later batch.
    Later,
    /// It belongs to one that is further away than files are remembered.
    Future,
}

/// Decides what is new, and remembers what was.
pub(super) struct NewFiles {
    after: BatchTime,
    /// What was modified then or before was taken or left, and may be forgotten.
    past: BatchTime,
    window: Duration,
    limit: usize,
    taken: HashSet<PathBuf, foldhash::fast::RandomState>,
    /// What was taken in which batch, oldest first.
    by_time: VecDeque<(BatchTime, PathBuf)>,
}

impl NewFiles {
    /// Files modified after `after` are new for `remember`, rounded up to whole batches of `interval`; at
    /// most `limit` files are remembered.
    pub(super) fn new(after: BatchTime, remember: Duration, interval: Duration, limit: usize) -> Self {
        let batches = remember.as_nanos().div_ceil(interval.as_nanos().max(1));
        let window = u64::try_from(batches * interval.as_nanos()).unwrap_or(u64::MAX);
        NewFiles {
            after,
            past: BatchTime::from_nanos(0),
            window: Duration::from_nanos(window),
            limit,
            taken: HashSet::default(),
            by_time: VecDeque::new(),
        }
    }

    /// Goes on from where another was: it has to be told of all that is remembered, the oldest first.
    pub(super) fn resume(
        &mut self,
        after: BatchTime,
        past: BatchTime,
        taken: impl IntoIterator<Item = (BatchTime, PathBuf)>,
    ) {
        (self.after, self.past) = (after, past);
        self.by_time = taken.into_iter().collect();
        self.taken = self.by_time.iter().map(|(_, path)| path.clone()).collect();
    }

    /// What was taken before the batch at `now` and is remembered, the oldest first.
    pub(super) fn remembered(&self, now: BatchTime) -> impl Iterator<Item = (BatchTime, &Path)> {
        let taken = self.by_time.iter().map(|(time, path)| (*time, path.as_path()));
        taken.take_while(move |(time, _)| *time < now)
    }

    pub(super) fn is_taken(&self, path: &Path) -> bool {
        self.taken.contains(path)
    }

    /// Whether a file modified at `modified` can belong to the batch at `now`.
    pub(super) fn age(&self, now: BatchTime, modified: BatchTime) -> Age {
        match modified {
            _ if modified <= self.after.max(self.past).max(self.horizon(now)) => Age::TooOld,
            _ if modified <= now => Age::InTime,
            _ if modified <= now + self.window => Age::Later,
            _ => Age::Future,
        }
    }

    /// Takes those that are new in the batch at `now`, in their order: those that are in time and not taken.
    pub(super) fn select(
        &mut self,
        now: BatchTime,
        mut candidates: Vec<Candidate>,
    ) -> Result<Vec<PathBuf>, ConnectorError> {
        self.check_limit(candidates.len())?;
        candidates.sort_unstable();
        let new: Vec<PathBuf> = candidates.into_iter().map(|file| file.path).collect();
        for path in &new {
            self.taken.insert(path.clone());
            self.by_time.push_back((now, path.clone()));
        }
        // Spark forgets after a batch, not before it.
        let horizon = self.horizon(now);
        while let Some((_, path)) = self.by_time.pop_front_if(|(time, _)| *time < horizon) {
            self.taken.remove(&path);
        }
        Ok(new)
    }

    /// Fails if `more` files cannot be remembered.
    pub(super) fn check_limit(&self, more: usize) -> Result<(), ConnectorError> {
        check_limit(self.taken.len() + more, self.limit)
    }

    /// How many files may be remembered.
    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// What was modified then or before is too old for the batch at `now`, and those behind it.
    pub(super) fn horizon(&self, now: BatchTime) -> BatchTime {
        BatchTime::from_nanos(now.as_nanos().saturating_sub(nanos(self.window)))
    }
}

/// Fails if so many files cannot be remembered.
pub(super) fn check_limit(files: usize, limit: usize) -> Result<(), ConnectorError> {
    if files <= limit {
        return Ok(());
    }
    let what = "directory: new files within the remembered time, see `.max_files(..)`".to_owned();
    Err(ConnectorError::LimitExceeded { what, limit })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{millis, secs};

    const T: fn(u64) -> BatchTime = BatchTime::from_millis;

    fn file(path: &str, modified: u64) -> Candidate {
        Candidate { modified: T(modified), path: path.into() }
    }

    /// Takes what is new of what is there, as a look does.
    fn select(
        new: &mut NewFiles,
        now: BatchTime,
        mut there: Vec<Candidate>,
    ) -> Result<Vec<PathBuf>, ConnectorError> {
        there.retain(|file| new.age(now, file.modified) == Age::InTime && !new.is_taken(&file.path));
        new.select(now, there)
    }

    fn names(found: Result<Vec<PathBuf>, ConnectorError>) -> Vec<String> {
        found.expect("within the limit").iter().map(|path| path.display().to_string()).collect()
    }

    #[test]
    fn the_bounds_are_those_of_the_rule() {
        let mut new = NewFiles::new(T(100_000), secs(60), secs(2), 9);
        let files =
            |now| vec![file("start", 100_000), file("now", now), file("late", now + 1), file("b", 100_001)];
        assert_eq!(names(select(&mut new, T(102_000), files(102_000))), ["b", "now"], "start < mtime <= now");
        assert_eq!(
            names(select(&mut new, T(104_000), files(102_000))),
            ["late"],
            "a time in the future waits"
        );
        let old = vec![file("edge", 200_000 - 60_000), file("in", 200_000 - 59_999)];
        assert_eq!(names(select(&mut new, T(200_000), old)), ["in"], "now - window < mtime");
    }

    #[test]
    fn the_window_is_whole_batches() {
        let mut new = NewFiles::new(T(0), secs(60), secs(7), 9);
        let files = vec![file("out", 137_000), file("in", 137_001)];
        assert_eq!(names(select(&mut new, T(200_000), files)), ["in"], "9 batches of 7 s");
        let mut new = NewFiles::new(T(0), secs(60), millis(1), 9);
        assert_eq!(
            names(select(&mut new, T(200_000), vec![file("out", 140_000), file("in", 140_001)])),
            ["in"]
        );
    }

    #[test]
    fn a_path_is_taken_once_while_it_is_remembered() {
        let mut new = NewFiles::new(T(0), secs(4), secs(2), 9);
        assert_eq!(names(select(&mut new, T(2000), vec![file("a", 2000)])), ["a"]);
        for now in [4000, 6000, 8000] {
            assert_eq!(names(select(&mut new, T(now), vec![file("a", now)])), [""; 0], "touched at {now}");
        }
        // The batch at 8000 forgot those before 4000.
        assert_eq!(names(select(&mut new, T(10_000), vec![file("a", 9000)])), ["a"]);
        assert_eq!(new.taken.len(), new.by_time.len());
    }

    #[test]
    fn order_is_by_modification_then_path() {
        let mut new = NewFiles::new(T(0), secs(60), secs(2), 9);
        let files = vec![file("c", 5), file("b", 6), file("a", 6), file("d", 1)];
        assert_eq!(names(select(&mut new, T(10), files)), ["d", "c", "a", "b"]);
    }

    #[test]
    fn too_many_is_an_error() {
        let mut new = NewFiles::new(T(0), secs(60), secs(2), 2);
        assert_eq!(names(select(&mut new, T(10), vec![file("a", 1), file("b", 1)])), ["a", "b"]);
        assert_eq!(
            select(&mut new, T(10), vec![file("c", 1)]).expect_err("a third").code(),
            "connector.limit"
        );
    }
}
