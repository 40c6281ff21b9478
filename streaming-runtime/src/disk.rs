//! Durable names in directories, and whether they still mean the same while a job relies on them.

use std::{
    fs::{
        DirBuilder, File, Metadata, OpenOptions, {self},
    },
    io,
    path::{Path, PathBuf},
};

/// Makes a directory and those above it that are missing.
pub(crate) fn make_directory(path: &Path) -> io::Result<()> {
    make(path, &DirBuilder::new())
}

/// As [`make_directory`], readable by its owner only if it is created here. An existing one stays as it is.
pub(crate) fn make_private_directory(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    make(path, &builder)
}

fn make(path: &Path, builder: &DirBuilder) -> io::Result<()> {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    let Some(above) = path.parent() else { return Ok(()) };
    make_directory(above)?;
    match builder.create(path) {
        // Someone else made it just now.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {}
        made => made?,
    }
    sync_directory(if above.as_os_str().is_empty() { Path::new(".") } else { above })
}

/// Options that create files which only their owner can read.
pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes the names in a directory durable. Only Unix can, and needs to.
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

/// The identity of a file or directory, whatever its name. Only while it is open: then no other gets its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity(Number);

/// Device and number on it.
#[cfg(unix)]
type Number = (u64, u64);
/// When it was made, which is all that the standard library knows elsewhere.
#[cfg(not(unix))]
type Number = Option<std::time::SystemTime>;

impl Identity {
    pub(crate) fn of(about: &Metadata) -> Self {
        #[cfg(unix)]
        let number = {
            use std::os::unix::fs::MetadataExt;
            (about.dev(), about.ino())
        };
        #[cfg(not(unix))]
        let number = about.created().ok();
        Identity(number)
    }

    /// Of what `path` names.
    pub(crate) fn at(path: &Path) -> io::Result<Self> {
        Ok(Identity::of(&fs::metadata(path)?))
    }

    /// Fails if `path` names it no longer: by [`io::ErrorKind::NotFound`] if it names nothing, and by
    /// [`io::ErrorKind::StaleNetworkFileHandle`] if it names another. One look at the directory.
    pub(crate) fn check(self, path: &Path) -> io::Result<()> {
        match Identity::at(path) {
            Ok(there) if there == self => Ok(()),
            Ok(_) => Err(io::Error::new(
                io::ErrorKind::StaleNetworkFileHandle,
                "another is in its place since the job opened it",
            )),
            Err(error) if is_gone(&error) => Err(io::Error::new(
                io::ErrorKind::NotFound,
                "it was removed or moved away since the job opened it",
            )),
            Err(error) => Err(error),
        }
    }
}

/// Whether [`Identity::check`] or [`Held::check`] has found that the name means something else now.
pub(crate) fn has_vanished(error: &io::Error) -> bool {
    is_gone(error) || error.kind() == io::ErrorKind::StaleNetworkFileHandle
}

fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// A file or directory that is open, and the name by which it was opened.
#[derive(Debug)]
pub(crate) struct Held {
    path: PathBuf,
    identity: Identity,
    /// Keeps a directory's number from going to another.
    _open: Option<File>,
}

impl Held {
    /// A file that the caller has open, and keeps so: a copy of the handle would keep its locks, too.
    pub(crate) fn file(path: &Path, file: &File) -> io::Result<Self> {
        Ok(Held { path: path.to_owned(), identity: Identity::of(&file.metadata()?), _open: None })
    }

    /// A directory, which is opened for this where the system can.
    pub(crate) fn directory(path: &Path) -> io::Result<Self> {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        let path = std::path::absolute(path)?;
        let open = if cfg!(unix) { Some(File::open(&path)?) } else { None };
        let about = match &open {
            Some(open) => open.metadata()?,
            None => fs::metadata(&path)?,
        };
        Ok(Held { identity: Identity::of(&about), path, _open: open })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// As [`Identity::check`].
    pub(crate) fn check(&self) -> io::Result<()> {
        self.identity.check(&self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_removed_moved_or_replaced_is_not_there_any_more() {
        let root = tempfile::tempdir().expect("temp");
        let path = root.path().join("place");
        fs::create_dir(&path).expect("made");
        let directory = Held::directory(&path).expect("there");
        let name = path.join("file");
        let open = File::create(&name).expect("made");
        let file = Held::file(&name, &open).expect("there");
        let kinds = || [&directory, &file].map(|held| held.check().err().map(|error| error.kind()));
        assert_eq!(kinds(), [None, None]);
        fs::rename(&path, root.path().join("elsewhere")).expect("moved");
        assert_eq!(kinds(), [Some(io::ErrorKind::NotFound); 2]);
        fs::create_dir(&path).expect("made");
        fs::write(&name, "").expect("made");
        assert_eq!(kinds(), [Some(io::ErrorKind::StaleNetworkFileHandle); 2]);
        fs::remove_dir_all(&path).expect("removed");
        fs::rename(root.path().join("elsewhere"), &path).expect("brought back");
        assert_eq!(kinds(), [None, None]);
    }
}
