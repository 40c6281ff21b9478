//! File descriptors: how many the process may open, and what to do when there are none left.

use std::io;

/// How many connections a source may hold unless told otherwise: half of what the process may open at most, as checkpoints,
/// files and other sources need some as well.
pub(super) fn share() -> usize {
    const MOST: usize = 1024;
    #[cfg(unix)]
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    #[cfg(not(unix))]
    let limit = None;
    limit.map_or(MOST, |limit| usize::try_from(limit / 2).unwrap_or(MOST).clamp(1, MOST))
}

/// Whether the process or the machine has no room for one more connection, which is not a fault of the peer at its other
/// end, and passes.
pub(super) fn is_exhausted(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        let errors = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
        Errno::from_io_error(error).is_some_and(|error| errors.contains(&error))
    }
    #[cfg(not(unix))]
    {
        error.kind() == io::ErrorKind::OutOfMemory
    }
}

/// Whether a listener will never accept again.
pub(super) fn is_broken(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        let errors = [Errno::BADF, Errno::INVAL, Errno::NOTSOCK, Errno::OPNOTSUPP, Errno::FAULT];
        Errno::from_io_error(error).is_some_and(|error| errors.contains(&error))
    }
    #[cfg(not(unix))]
    {
        matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::NotConnected)
    }
}
