//! Names in directories that outlive a crash.

use std::{
    fs::{self, File},
    io,
    path::Path,
};

/// Makes a directory and those above it that are missing.
pub(crate) fn make_directory(path: &Path) -> io::Result<()> {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    let Some(above) = path.parent() else { return Ok(()) };
    make_directory(above)?;
    match fs::create_dir(path) {
        // Someone else made it just now.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {}
        made => made?,
    }
    sync_directory(if above.as_os_str().is_empty() { Path::new(".") } else { above })
}

/// Makes the names in a directory durable. Only Unix can, and needs to.
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}
