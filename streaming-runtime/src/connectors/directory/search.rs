//! Finds the files of a batch.

use std::{
    fs::{
        DirEntry, Metadata, {self},
    },
    hash::BuildHasher,
    path::{Path, PathBuf},
    sync::Arc,
    time::UNIX_EPOCH,
};

use hashbrown::HashSet;

use crate::{
    connectors::directory::{
        glob::Directories,
        names::Names,
        new_files::{Age, Candidate, NewFiles},
        skipped_files::{FileFilter, SkippedFiles},
    },
    contract::error::ConnectorError,
    time::BatchTime,
};

/// Looks through the directories, batch by batch.
pub(super) struct Search {
    pub(super) directories: Directories,
    pub(super) filter: Arc<FileFilter>,
    pub(super) new: NewFiles,
    /// Where names decide: those that are known.
    pub(super) names: Option<Names>,
    pub(super) skipped: SkippedFiles,
    seen: SeenFiles,
    /// Whether files that are too old in the first look are reported: not if only new files count.
    counts_first: bool,
    /// Stream time less the system's, in nanoseconds, at the last look.
    offset: Option<i64>,
    /// Whether stream time has to do with that clock.
    follows_system: bool,
}

/// What a look has found.
#[derive(Default)]
pub(super) struct Found {
    /// To be read in this batch, in order.
    pub(super) new: Vec<PathBuf>,
    /// How many files were left alone because of their times, for the first time.
    pub(super) too_old: u64,
}

/// The names that were there at the last look, by their hashes: they only decide what is reported.
#[derive(Default)]
struct SeenFiles {
    hasher: foldhash::fast::RandomState,
    last: HashSet<u64, foldhash::fast::RandomState>,
    now: HashSet<u64, foldhash::fast::RandomState>,
    /// How many directories were listed at the last look, if there was one.
    listed: Option<usize>,
    /// The last batch of before, if this goes on from a checkpoint.
    resumed: Option<BatchTime>,
}

impl Search {
    pub(super) fn new(
        directories: Directories,
        filter: Arc<FileFilter>,
        new: NewFiles,
        names: Option<Names>,
        skipped: SkippedFiles,
        counts_first: bool,
    ) -> Self {
        let seen = SeenFiles::default();
        Search {
            directories,
            filter,
            new,
            names,
            skipped,
            seen,
            counts_first,
            offset: None,
            follows_system: true,
        }
    }

    /// Continues behind the batch at `last`.
    pub(super) fn resumed(&mut self, last: BatchTime) {
        self.seen.resumed = Some(last);
    }

    /// What to read in the batch at `time`, when stream time is `offset` nanoseconds ahead of the system's clock, if it has
    /// anything to do with that.
    pub(super) fn look(&mut self, time: BatchTime, offset: Option<i64>) -> Result<Found, ConnectorError> {
        let mut candidates = Vec::new();
        let mut too_old = Vec::new();
        self.follows_system = offset.is_some();
        let offset = offset.unwrap_or(0);
        let mut listed = 0;
        let offsets = [offset, self.offset.replace(offset).unwrap_or(offset)];
        for directory in self.directories.matching() {
            let Ok(entries) =
                fs::read_dir(&directory).inspect_err(|error| self.skipped.unseen(&directory, error))
            else {
                continue;
            };
            listed += 1;
            // An entry that fails was removed while we looked.
            for entry in entries.flatten() {
                candidates.extend(self.candidate(time, offsets, &entry, &mut too_old));
            }
            self.new.check_limit(candidates.len())?;
        }
        self.seen.done(listed, self.new.limit());
        self.skipped.are_too_old(&too_old);
        let horizon = self.new.horizon(time);
        let new = match &mut self.names {
            None => self.new.select(time, candidates)?,
            Some(names) => {
                candidates.sort_unstable();
                let new: Vec<PathBuf> = candidates.into_iter().map(|file| file.path).collect();
                new.iter().for_each(|path| names.take(path.clone(), time));
                names.forget(horizon, self.new.limit())?;
                new
            }
        };
        Ok(Found { new, too_old: too_old.len() as u64 })
    }

    fn candidate(
        &mut self,
        time: BatchTime,
        offsets: [i64; 2],
        entry: &DirEntry,
        too_old: &mut Vec<PathBuf>,
    ) -> Option<Candidate> {
        let path = entry.path();
        if !(self.filter)(&path) {
            return None;
        }
        if let Some(names) = &mut self.names {
            if names.knows(&path, time) {
                return None;
            }
            let about = self.about(&path)?;
            return about.is_file().then(|| Candidate { modified: modified(&about), path });
        }
        let is_new_name = self.seen.see(&path);
        if self.new.is_taken(&path) {
            return None;
        }
        let about = self.about(&path).filter(Metadata::is_file)?;
        let modified = modified(&about);
        // A file from just before the system's clock was set has a time by what it was then.
        let ages = offsets.map(|offset| self.new.age(time, shifted(modified, offset)));
        if ages.contains(&Age::InTime) {
            return Some(Candidate { modified, path });
        }
        if is_new_name {
            match ages[0] {
                Age::TooOld if self.is_worth_a_word(&about, offsets[0]) => too_old.push(path),
                Age::Future => {
                    tracing::warn!(path = %path.display(), "a file's time is far in the future; it is read then");
                }
                _ => {}
            }
        }
        None
    }

    fn about(&self, path: &Path) -> Option<Metadata> {
        fs::metadata(path).inspect_err(|error| self.skipped.unseen(path, error)).ok()
    }

    /// Whether a file that is too old, and whose name was not there at the last look, came since then.
    fn is_worth_a_word(&self, about: &Metadata, offset: i64) -> bool {
        match self.seen.resumed {
            _ if self.seen.listed.is_some() => true,
            Some(last) => {
                self.follows_system && put_there(about).is_some_and(|at| shifted(at, offset) > last)
            }
            None => self.counts_first,
        }
    }
}

impl SeenFiles {
    /// Whether a name was not there at the last look.
    fn see(&mut self, path: &Path) -> bool {
        let hash = self.hasher.hash_one(path);
        self.now.insert(hash);
        !self.last.contains(&hash)
    }

    /// The look is over, which has listed so many directories.
    fn done(&mut self, listed: usize, limit: usize) {
        // Where one is away for a while, what is in it is not new when it is back.
        if self.listed.is_some_and(|before| listed < before) && self.now.len() + self.last.len() <= limit {
            self.now.extend(self.last.drain());
        }
        std::mem::swap(&mut self.last, &mut self.now);
        self.now.clear();
        self.listed = Some(listed.max(self.listed.unwrap_or(0)));
    }
}

/// Times before 1970 are as old as any; so is one that the system does not know.
fn modified(about: &Metadata) -> BatchTime {
    let since =
        about.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    BatchTime::from_nanos(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

/// When the file was made, moved or changed in any way: nobody can set that.
#[cfg(unix)]
fn put_there(about: &Metadata) -> Option<BatchTime> {
    use std::os::unix::fs::MetadataExt;
    let nanos = i128::from(about.ctime()) * 1_000_000_000 + i128::from(about.ctime_nsec());
    u64::try_from(nanos).ok().map(BatchTime::from_nanos)
}

#[cfg(not(unix))]
fn put_there(_: &Metadata) -> Option<BatchTime> {
    None
}

/// A time of the system's clock as stream time.
fn shifted(time: BatchTime, offset: i64) -> BatchTime {
    BatchTime::from_nanos(time.as_nanos().saturating_add_signed(offset))
}
