//! What sinks write to and sources read from, so that a start can find conflicts.

use std::{
    collections::BTreeMap,
    fmt, fs,
    path::{Component, Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

/// What a sink writes to: what [`Sink::targets`](crate::connect::Sink::targets) names. No two sinks of a process may have one
/// target; a job that would have is refused when it starts.
///
/// ```
/// use streaming_runtime::connect::Target;
///
/// let table = Target::file("/var/lib/orders.db").part("totals");
/// assert!(table.is(&Target::file("/var/lib/../lib/orders.db").part("totals")));
/// assert!(!table.is(&Target::file("/var/lib/orders.db").part("customers")));
/// assert!(!table.is(&Target::named("redis://cache/totals")));
/// ```
#[derive(Clone, Debug)]
pub struct Target {
    key: TargetKey,
    /// A file that will be written, as it will be called.
    writes: Option<PathBuf>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct TargetKey {
    place: TargetPlace,
    part: String,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum TargetPlace {
    Named(String),
    Path(PathBuf),
}

impl Target {
    /// Something that is told from others by its name, such as an address.
    pub fn named(name: impl Into<String>) -> Self {
        Target {
            key: TargetKey { place: TargetPlace::Named(name.into()), part: String::new() },
            writes: None,
        }
    }

    /// A file, there or not: the same through whatever links it is reached.
    pub fn file(path: impl AsRef<Path>) -> Self {
        let path = resolved(path.as_ref());
        Target {
            key: TargetKey { place: TargetPlace::Path(path.clone()), part: String::new() },
            writes: Some(path),
        }
    }

    /// All files whose names are like `pattern`, such as `out/lines-*`, of which `example` is one. Patterns are compared as
    /// they are, but for their directory.
    pub fn files(pattern: impl AsRef<Path>, example: impl AsRef<Path>) -> Self {
        let (pattern, example) = (pattern.as_ref(), example.as_ref());
        let directory = resolved(pattern.parent().unwrap_or(Path::new("")));
        let path = directory.join(pattern.file_name().unwrap_or_default());
        Target {
            key: TargetKey { place: TargetPlace::Path(path), part: String::new() },
            writes: Some(resolved(example)),
        }
    }

    /// A part of it that has no other part of another name in it, such as a table of a database. Case does not count.
    pub fn part(mut self, name: impl AsRef<str>) -> Self {
        self.key.part = name.as_ref().to_lowercase();
        self
    }

    /// Whether it is the same as another.
    pub fn is(&self, other: &Target) -> bool {
        self.key == other.key
    }

    /// Whether it is a file in a directory, or in one of those in it.
    pub(crate) fn is_in(&self, directory: &Path) -> bool {
        matches!(&self.key.place, TargetPlace::Path(path) if path.starts_with(resolved(directory)))
    }

    /// Whether a source reads what it writes.
    pub(crate) fn feeds(&self, origin: &Origin) -> bool {
        self.writes.as_deref().is_some_and(|file| (origin.0)(file))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TargetKey { place, part } = &self.key;
        if !part.is_empty() {
            write!(f, "`{part}` of ")?;
        }
        match place {
            TargetPlace::Named(name) => write!(f, "`{name}`"),
            TargetPlace::Path(path) => write!(f, "`{}`", path.display()),
        }
    }
}

/// Which files a source reads: what [`Source::origin`](crate::connect::Source::origin) says, for a job whose sinks would feed it.
#[derive(Clone)]
pub struct Origin(Arc<dyn Fn(&Path) -> bool + Send + Sync>);

impl Origin {
    /// The files of which `reads` says so, by their whole path without links. They need not be there yet.
    pub fn files(reads: impl Fn(&Path) -> bool + Send + Sync + 'static) -> Self {
        Origin(Arc::new(reads))
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Origin")
    }
}

/// The whole path of what need not be there: without links, `.` and `..`.
pub(crate) fn resolved(path: &Path) -> PathBuf {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut resolved = PathBuf::new();
    for component in whole.components() {
        match component {
            Component::ParentDir => drop(resolved.pop()),
            Component::CurDir => {}
            other => resolved.push(other),
        }
        if let Ok(there) = fs::canonicalize(&resolved) {
            resolved = there;
        }
    }
    resolved
}

/// The targets of this process that are taken, and by whom.
static TAKEN: Mutex<BTreeMap<TargetKey, String>> = Mutex::new(BTreeMap::new());

/// A target that is taken until this is dropped.
#[derive(Debug)]
pub(crate) struct Claim(TargetKey);

impl Claim {
    /// Takes it for `owner`, or says who has it.
    pub(crate) fn new(target: &Target, owner: &str) -> Result<Self, String> {
        let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(other) = taken.get(&target.key) {
            return Err(other.clone());
        }
        taken.insert(target.key.clone(), owner.to_owned());
        Ok(Claim(target.key.clone()))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        TAKEN.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.0);
    }
}
