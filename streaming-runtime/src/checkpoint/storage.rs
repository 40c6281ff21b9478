//! Where checkpoints are stored: a small trait that an object store could implement, and local directories.

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
/// Calls may block: they come from the checkpoint's own threads, and from the start of a job. Except for one log that grows, objects are
/// written whole and never change. A file whose append or sync has failed is never written again. Only what a call has reported
/// without an error counts as durable.
pub trait Storage: Send + Sync + Debug + 'static {
    /// Locks the place for this process until the guard is dropped, and removes what a crash left of a [`publish`](Storage::publish).
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::WouldBlock`] if it is locked already, also by this process.
    fn lock(&self) -> io::Result<Box<dyn Send>>;

    /// Names and lengths of all objects, in any order. Objects of other names are ignored.
    fn list(&self) -> io::Result<Vec<(String, u64)>>;

    /// The whole of an object.
    fn read(&self, name: &str) -> io::Result<Vec<u8>>;

    /// Creates an object that grows. It is empty and durable when this returns.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::AlreadyExists`] if there is one of that name.
    fn append(&self, name: &str) -> io::Result<Box<dyn Append>>;

    /// Writes a whole object, atomically and durably, and replaces one of the same name. Returns its length. An error among the parts
    /// leaves no object.
    fn publish(&self, name: &str, parts: &mut dyn Iterator<Item = io::Result<Vec<u8>>>) -> io::Result<u64>;

    /// Removes an object. It may reappear after a crash.
    fn remove(&self, name: &str) -> io::Result<()>;
}

/// An object that grows.
pub trait Append: Send {
    /// Appends all of `bytes`. They are durable after the next [`sync`](Append::sync).
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Makes everything that was appended durable, under the object's name.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::NotFound`] if the object is no longer in its place, so that nobody would find it, and
    /// [`io::ErrorKind::StaleNetworkFileHandle`] if another object is there.
    fn sync(&mut self) -> io::Result<()>;
}

/// Checkpoints in a directory of a local file system.
///
/// - It is locked with `flock` on a file `LOCK`; the system releases it when a process dies.
/// - Appends become durable with `fdatasync`; whole files by a draft, `fsync`, rename and `fsync` of the directory. File systems without
///   these, such as some network file systems, are not supported.
/// - Only the owner can read what is created, since state contains the service's data: directories have mode 0700, files 0600. An
///   existing directory keeps its mode.
/// - Each sync checks that the log, the lock and the directory are still in their places. If they were removed, moved or replaced, that
///   is an error, because what is written there would be lost.
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
    /// The directory `path`, created with its parents if it is missing. A relative path is resolved now.
    ///
    /// # Errors
    ///
    /// Errors of the operating system.
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
        // The log's place shows that the directory is there, but not that the lock is in it.
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
