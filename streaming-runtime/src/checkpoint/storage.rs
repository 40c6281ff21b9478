//! Where checkpoints are kept: a trait as small as an object store could serve, and the local directory.

use crate::{
    checkpoint::crash_point,
    disk::{Held, make_private_directory, private, sync_directory},
};
use std::{
    fmt::{
        Debug, {self},
    },
    fs::{
        File, TryLockError, {self},
    },
    io::{
        Read, Write, {self},
    },
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

/// A place for checkpoints: objects by flat names such as `log-00000000000000000017`.
///
/// Calls may block; they come from threads of the checkpoint's own, and at the start of a job. Except for one log that
/// grows, objects are written whole and never change. An error is never taken for success, and a file of which an
/// append or a sync has failed is not written again: what is durable is what was, when a call said so without error.
pub trait Storage: Send + Sync + Debug + 'static {
    /// Takes the place for this process until the guard is dropped, and clears what a crash left of a
    /// [`publish`](Storage::publish).
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::WouldBlock`] if another has it, in the same process too.
    fn lock(&self) -> io::Result<Box<dyn Send>>;

    /// Names and lengths of what is there, in any order. Names that are not the checkpoint's do no harm.
    fn list(&self) -> io::Result<Vec<(String, u64)>>;

    /// The whole of an object.
    fn read(&self, name: &str) -> io::Result<Vec<u8>>;

    /// A new object that grows, durably there and empty when this returns.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::AlreadyExists`] if there is one of that name.
    fn append(&self, name: &str) -> io::Result<Box<dyn Append>>;

    /// Writes a whole object, in place of one of that name if there is one, so that it is there completely and durably,
    /// or not at all. Returns its length. An error among the parts ends it: then it is not there.
    fn publish(&self, name: &str, parts: &mut dyn Iterator<Item = io::Result<Vec<u8>>>) -> io::Result<u64>;

    /// Removes an object. It may come back after a crash.
    fn remove(&self, name: &str) -> io::Result<()>;
}

/// An object that grows.
pub trait Append: Send {
    /// Adds all of `bytes` at the end. They are durable after the next [`sync`](Append::sync).
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Makes durable what was appended, under the object's name.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::NotFound`] if the object is not in its place any more, so that nobody would find what is in it, and
    /// [`io::ErrorKind::StaleNetworkFileHandle`] if another is there.
    fn sync(&mut self) -> io::Result<()>;
}

/// Checkpoints in a directory of a local file system.
///
/// It is locked by `flock` on a file `LOCK`, which the system releases when a process dies. Appends are made durable by
/// `fdatasync`, whole files by writing beside, `fsync`, rename and `fsync` of the directory. Not for file systems without
/// these, as some network ones.
///
/// What is made here only its owner can read, since state is made of the service's data: a directory is made with mode 0700,
/// files with 0600. A directory that is there keeps the mode that somebody gave it, and so do the files in it.
///
/// With each sync it is looked whether the log, the lock and so the directory are still where they were: what is written
/// into files that were removed, moved away or replaced is lost, and an error instead.
#[derive(Clone)]
pub struct LocalDirectory {
    path: PathBuf,
    /// What was there when it was locked last.
    held: Arc<Mutex<Vec<Arc<Held>>>>,
}

/// By its path alone.
impl Debug for LocalDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.path.display())
    }
}

const LOCK: &str = "LOCK";
/// What is being written beside, and not yet there.
const UNFINISHED: &str = ".unfinished";

impl LocalDirectory {
    /// The directory `path`, made if it is not there, with those above it. A relative path is one from the process' directory
    /// as of now.
    ///
    /// # Errors
    ///
    /// As the system says.
    pub fn new(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = std::path::absolute(path.into())?;
        // Its name has to be durable as well, or all that is in it goes with the directory.
        make_private_directory(&path)?;
        Ok(LocalDirectory { path, held: Arc::default() })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn write_beside(
        &self,
        unfinished: &Path,
        parts: &mut dyn Iterator<Item = io::Result<Vec<u8>>>,
    ) -> io::Result<u64> {
        crash_point("publish-begin");
        let mut file = private().write(true).create(true).truncate(true).open(unfinished)?;
        let mut length = 0;
        for part in parts {
            let part = part?;
            file.write_all(&part)?;
            length += part.len() as u64;
        }
        crash_point("publish-written");
        file.sync_all()?;
        crash_point("publish-synced");
        Ok(length)
    }

    fn held(&self) -> Vec<Arc<Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Storage for LocalDirectory {
    fn lock(&self) -> io::Result<Box<dyn Send>> {
        let path = self.path.join(LOCK);
        let mut file = lock(&path)?;
        file.set_len(0)?;
        writeln!(file, "{}", std::process::id())?;
        let held = [Held::directory(&self.path)?, Held::file(&path, &file)?].map(Arc::new);
        // Between being opened and being locked it may have been taken away, with the directory: then it locks nothing.
        held[1].check()?;
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = held.into();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().ends_with(UNFINISHED) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(Box::new(file))
    }

    fn list(&self) -> io::Result<Vec<(String, u64)>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let ours = name != LOCK && !name.ends_with(UNFINISHED);
            // It may be gone since: an inspection reads beside a job that writes.
            match entry.metadata() {
                Ok(metadata) if ours && metadata.is_file() => names.push((name, metadata.len())),
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(names)
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        fs::read(self.path.join(name))
    }

    fn append(&self, name: &str) -> io::Result<Box<dyn Append>> {
        // Into another directory than the one that has all else it must not go.
        self.held().iter().try_for_each(|held| held.check())?;
        let path = self.path.join(name);
        let file = private().append(true).create_new(true).open(&path)?;
        sync_directory(&self.path)?;
        // The log's place says where the directory is, but not whether the lock is in it.
        let lock = self.held().into_iter().filter(|held| held.path().ends_with(LOCK));
        let places = lock.chain([Arc::new(Held::file(&path, &file)?)]).collect();
        Ok(Box::new(LocalFile { file, places }))
    }

    fn publish(&self, name: &str, parts: &mut dyn Iterator<Item = io::Result<Vec<u8>>>) -> io::Result<u64> {
        self.held().iter().try_for_each(|held| held.check())?;
        let unfinished = self.path.join(format!("{name}{UNFINISHED}"));
        let length = self.write_beside(&unfinished, parts).inspect_err(|_| {
            // The room may be what is lacking. If this fails too, the next lock clears it.
            let _ = fs::remove_file(&unfinished);
        })?;
        fs::rename(&unfinished, self.path.join(name))?;
        crash_point("publish-renamed");
        sync_directory(&self.path)?;
        Ok(length)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }
}

/// Opens the file and locks it; what is there already stays.
fn lock(path: &Path) -> io::Result<File> {
    let file = private().read(true).write(true).create(true).truncate(false).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let mut other = String::new();
            // Only words for the message: a lock without them is one all the same.
            let _ = file.take(32).read_to_string(&mut other);
            Err(io::Error::new(io::ErrorKind::WouldBlock, format!("process {}", other.trim())))
        }
        Err(TryLockError::Error(error)) => Err(error),
    }
}

struct LocalFile {
    file: File,
    /// Its own place, and that of the lock.
    places: Vec<Arc<Held>>,
}

impl Append for LocalFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        // The length is metadata that fdatasync brings along; times of access are not.
        self.file.sync_data()?;
        self.places.iter().try_for_each(|held| held.check())
    }
}
