//! Every batch as a directory of text.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs::{
        File, {self},
    },
    io::{
        BufWriter, Write, {self},
    },
    path::{Path, PathBuf},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    connectors::blocking::blocking,
    contract::{
        checkpoint_mark::{CheckpointId, CheckpointMark},
        delivery::Delivery,
        error::ConnectorError,
        format::{ByDebug, ByDisplay, Format},
        sink::{Batch, Sink},
        target::Target,
    },
    disk::{
        Held, {self},
    },
    time::BatchTime,
};

mod mark;

const PART: &str = "part-00000";
/// A sink that begins looks for drafts in so many of its last directories: a kill leaves one in the last that was written.
const SEARCHED: usize = 1024;

/// Writes every batch to a directory of its own, `prefix-TIME_IN_MS[.suffix]`, as Spark's `saveAsTextFiles`
/// does: one file `part-00000` with one record a line, also for an empty batch.
///
/// - The file appears whole or not at all: it is written to a draft, synced and renamed. `write` returns when the name is on disk,
///   too.
/// - Records are written with `Display`; see [`format`](TextFiles::format) and [`debug`](TextFiles::debug). A newline inside of a
///   record is not escaped.
/// - A batch that closed early, not at a whole millisecond, is named by its nanoseconds, `prefix-TIME_IN_NSns[.suffix]`. So no two
///   batches share a directory, and names sort by time.
/// - Missing parent directories are made. Modes follow the process' umask. Drafts of a killed process are removed when the sink
///   starts.
/// - The directories of batches may be taken away at any time. The directory that contains them must stay while the job runs: if it
///   is removed, moved or replaced, the next batch is an error.
///
/// # After a crash
/// Each batch is there once: a repeated batch replaces its file.
///
/// In a job with checkpoints, a hidden file beside the directories, `.prefix[.suffix].checkpoint`, names the checkpoint that they
/// belong to. A job with another checkpoint, or with one that is older than the files, is refused at its start, because batches
/// would be there twice. Use the checkpoint that belongs to them, an empty directory, or
/// [`Checkpoint::adopt`](crate::Checkpoint::adopt).
///
/// ```
/// use streaming_runtime::connect::text_files;
///
/// let lines = text_files("out/lines").suffix("txt");
/// let counts = text_files("out/counts").format(|(word, n): &(String, i64)| format!("{word}\t{n}"));
/// # let _ = (lines, counts);
/// ```
///
/// # Errors
/// [`ConnectorError::Io`] with the path when the disk is full, something else is in the way, and the like.
/// [`ConnectorError::Vanished`] when the directory is no longer in its place. Each ends the job, unless
/// [a policy](crate::connect::SinkPolicies) says otherwise.
pub fn text_files(prefix: impl AsRef<Path>) -> TextFiles<ByDisplay> {
    TextFiles {
        prefix: prefix.as_ref().to_owned(),
        suffix: String::new(),
        format: Arc::new(ByDisplay),
        parent: Arc::default(),
    }
}

/// See [`text_files`].
#[derive(Debug)]
pub struct TextFiles<F> {
    prefix: PathBuf,
    suffix: String,
    format: Arc<F>,
    /// The directory that the directories of batches are in, since the first of them.
    parent: Arc<OnceLock<Held>>,
}

impl<F> TextFiles<F> {
    /// What the directories' names end in, without the dot. None by default.
    pub fn suffix(mut self, suffix: impl Into<String>) -> Self {
        self.suffix = suffix.into();
        self
    }
    /// How to write a record, for instance `.format(|pair: &(String, i64)| pair.0.clone())`.
    pub fn format<T, G: Fn(&T) -> String + Send + Sync + 'static>(self, format: G) -> TextFiles<G> {
        self.with(format)
    }
    /// Writes records by `Debug`.
    pub fn debug(self) -> TextFiles<ByDebug> {
        self.with(ByDebug)
    }

    fn with<G>(self, format: G) -> TextFiles<G> {
        let TextFiles { prefix, suffix, parent, .. } = self;
        TextFiles { prefix, suffix, format: Arc::new(format), parent }
    }

    fn directory(&self, time: BatchTime) -> PathBuf {
        match time.as_nanos() {
            nanos if nanos.is_multiple_of(1_000_000) => self.named(&time.as_millis().to_string()),
            nanos => self.named(&format!("{nanos}ns")),
        }
    }

    /// The directory of a batch, by what names it.
    fn named(&self, batch: &str) -> PathBuf {
        let mut name = OsString::from(&self.prefix);
        name.push(format!("-{batch}"));
        if !self.suffix.is_empty() {
            name.push(format!(".{}", self.suffix));
        }
        name.into()
    }
}

impl<T: Send + 'static, F: Format<T>> Sink<T> for TextFiles<F> {
    const MAY_BLOCK: bool = false;
    const DELIVERY: Delivery = Delivery::Idempotent;

    fn targets(&self) -> Vec<Target> {
        vec![Target::files(self.named("*"), self.directory(BatchTime::from_millis(1000)).join(PART))]
    }

    fn checkpoint_mark(&self) -> Result<Option<CheckpointMark>, ConnectorError> {
        mark::read(&self.named("*"))
    }

    async fn mark_checkpoint(&mut self, checkpoint: CheckpointId) -> Result<(), ConnectorError> {
        let pattern = self.named("*");
        blocking(move || mark::write(&pattern, checkpoint)).await?
    }

    async fn write(&mut self, batch: Batch<T>) -> Result<(), ConnectorError> {
        let (directory, pattern) = (self.directory(batch.time), self.named("*"));
        let (format, parent) = (self.format.clone(), self.parent.clone());
        blocking(move || {
            let parent = match parent.get() {
                Some(parent) => parent,
                None => {
                    let begun = begin(&pattern)?;
                    parent.get_or_init(|| begun)
                }
            };
            let in_place =
                || parent.check().map_err(|error| ConnectorError::vanished_or_io(parent.path(), error));
            in_place()?;
            // Not by a path that means another place when the process changes its directory.
            let directory = parent.path().join(directory.file_name().unwrap_or_default());
            disk::make_directory(&directory).map_err(|error| at("make the directory", &directory, error))?;
            write_part(&directory, |to| {
                let mut line = String::new();
                for record in &batch.records {
                    line.clear();
                    format.append(record, &mut line);
                    line.push('\n');
                    to.write_all(line.as_bytes())?;
                }
                Ok(())
            })?;
            // What was written to a directory that was taken away meanwhile is with it.
            in_place()
        })
        .await?
    }
}

/// Makes the directory that directories like `pattern` are in, and removes drafts from those that are there.
fn begin(pattern: &Path) -> Result<Held, ConnectorError> {
    let parent = pattern.parent().unwrap_or(Path::new(""));
    disk::make_directory(parent).map_err(|error| at("make the directory", parent, error))?;
    let held = Held::directory(parent).map_err(|error| at("open the directory", parent, error))?;
    batches(pattern)?.values().rev().take(SEARCHED).for_each(|directory| remove_drafts(directory));
    Ok(held)
}

/// The directories of batches that are named like `pattern`, by their times.
fn batches(pattern: &Path) -> Result<BTreeMap<BatchTime, PathBuf>, ConnectorError> {
    let parent = pattern.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = pattern.file_name().unwrap_or_default().to_string_lossy();
    let (before, behind) = name.split_once('*').unwrap_or((&name, ""));
    let entries = fs::read_dir(parent).map_err(|error| at("list", parent, error))?;
    let named = entries.flatten().filter_map(|entry| {
        let name = entry.file_name();
        let batch = name.to_str()?.strip_prefix(before)?.strip_suffix(behind)?;
        let nanos = match batch.strip_suffix("ns") {
            Some(nanos) => nanos.parse().ok()?,
            None => batch.parse::<u64>().ok()?.checked_mul(1_000_000)?,
        };
        Some((BatchTime::from_nanos(nanos), entry.path()))
    });
    Ok(named.collect())
}

/// Removes what a killed process left in the directory of a batch. Best effort: it does no harm there.
fn remove_drafts(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let number =
            name.to_str().and_then(|name| name.strip_prefix('.')?.strip_prefix(PART)?.strip_prefix('.'));
        let is_draft = number
            .and_then(|number| number.strip_suffix(".tmp"))
            .is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
        // A process that is writing one holds its lock.
        if is_draft && File::open(entry.path()).is_ok_and(|draft| draft.try_lock().is_ok()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Puts what `fill` writes into the place of the directory's file.
fn write_part(
    directory: &Path,
    fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<(), ConnectorError> {
    // A write that was given up may still be going on: each has a name of its own. The dot hides it from
    // readers.
    static WRITES: AtomicU64 = AtomicU64::new(0);
    let draft = directory.join(format!(".{PART}.{}.tmp", WRITES.fetch_add(1, Ordering::Relaxed)));
    let part = directory.join(PART);
    let written = File::create(&draft)
        .and_then(|file| {
            // So that another process which begins does not take it for one that was left behind. Not all file systems can.
            let _ = file.try_lock();
            let mut to = BufWriter::with_capacity(64 * 1024, file);
            fill(&mut to)?;
            to.into_inner()?.sync_all()
        })
        .and_then(|()| fs::rename(&draft, &part));
    written.map_err(|error| {
        let _ = fs::remove_file(&draft); // best effort: the error that matters is the first
        at("write", &part, error)
    })?;
    disk::sync_directory(directory).map_err(|error| at("sync", directory, error))
}

fn at(doing: &str, path: &Path, error: io::Error) -> ConnectorError {
    ConnectorError::io(format!("{doing} `{}`", path.display()), error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch<T>(time: BatchTime, records: Vec<T>) -> Batch<T> {
        Batch { time, records }
    }

    fn tree(root: &Path) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for directory in fs::read_dir(root).expect("is there") {
            let directory = directory.expect("readable").path();
            for file in fs::read_dir(&directory).expect("a directory") {
                let file = file.expect("readable").path();
                let name = file.strip_prefix(root).expect("below").display().to_string();
                found.push((name, fs::read_to_string(&file).expect("text")));
            }
        }
        found.sort();
        found
    }

    #[tokio::test]
    async fn a_directory_a_batch_named_by_its_time() {
        let root = tempfile::tempdir().expect("temp");
        let out = root.path().join("deep/er");
        let mut sink = text_files(out.join("counts")).suffix("txt");
        sink.write(batch(BatchTime::from_millis(1000), vec!["a", "b"])).await.expect("written");
        sink.write(batch(BatchTime::from_nanos(1_000_000_001), vec!["c"])).await.expect("written");
        sink.write(batch(BatchTime::from_millis(2000), Vec::<i32>::new())).await.expect("written");
        // Written again, as after a recovery.
        sink.write(batch(BatchTime::from_millis(1000), vec!["x"])).await.expect("replaced");
        let want = [
            ("counts-1000.txt/part-00000", "x\n"),
            ("counts-1000000001ns.txt/part-00000", "c\n"),
            ("counts-2000.txt/part-00000", ""),
        ];
        assert_eq!(tree(&out), want.map(|(name, text)| (name.to_owned(), text.to_owned())));
    }

    #[tokio::test]
    async fn the_prefix_may_have_no_directory_and_no_suffix() {
        let sink = text_files("counts");
        assert_eq!(sink.directory(BatchTime::from_millis(5)), Path::new("counts-5"));
        assert_eq!(sink.directory(BatchTime::from_nanos(5)), Path::new("counts-5ns"));
    }

    #[tokio::test]
    async fn formats() {
        let root = tempfile::tempdir().expect("temp");
        let pair = || vec![("w", 1)];
        let mut debug = text_files(root.path().join("a")).debug();
        debug.write(batch(BatchTime::from_millis(1), pair())).await.expect("written");
        let mut own =
            text_files(root.path().join("b")).format(|pair: &(&str, i32)| format!("({},{})", pair.0, pair.1));
        own.write(batch(BatchTime::from_millis(1), pair())).await.expect("written");
        let texts: Vec<String> = tree(root.path()).into_iter().map(|(_, text)| text).collect();
        assert_eq!(texts, ["(\"w\", 1)\n", "(w,1)\n"]);
    }

    #[tokio::test]
    async fn a_file_in_the_way_is_an_error_that_names_it() {
        let root = tempfile::tempdir().expect("temp");
        fs::write(root.path().join("a-1"), "in the way").expect("written");
        let mut sink = text_files(root.path().join("a"));
        let error = sink.write(batch(BatchTime::from_millis(1), vec![1])).await.expect_err("no directory");
        assert!(error.to_string().contains("a-1"), "{error}");
        assert_eq!(error.code(), "connector.io");
    }

    #[test]
    fn a_failed_write_leaves_what_was_there() {
        let root = tempfile::tempdir().expect("temp");
        write_part(root.path(), |to| to.write_all(b"first\n")).expect("written");
        let full = |to: &mut BufWriter<File>| {
            to.write_all(b"half")?;
            Err(io::Error::from(io::ErrorKind::StorageFull))
        };
        write_part(root.path(), full).expect_err("the disk is full");
        let names: Vec<_> =
            fs::read_dir(root.path()).expect("is there").map(|e| e.expect("ok").file_name()).collect();
        assert_eq!(names, [PART]);
        assert_eq!(fs::read_to_string(root.path().join(PART)).expect("text"), "first\n");
    }
}
