//! Directories by a pattern.

use std::{
    ffi::{OsStr, OsString},
    fs,
    path::{Component, Path, PathBuf},
};

use globset::{GlobBuilder, GlobMatcher};

use crate::contract::{error::ConnectorError, target::resolved};

/// A path whose parts may be patterns. One part matches one name: `*` never crosses a `/`.
#[derive(Debug)]
pub(super) struct Directories {
    parts: Vec<GlobPart>,
}

#[derive(Debug)]
enum GlobPart {
    Name(OsString),
    Pattern(GlobMatcher),
}

impl Directories {
    pub(super) fn new(path: &Path) -> Result<Self, ConnectorError> {
        let part = |component: Component<'_>| {
            let name = component.as_os_str();
            match name.to_str() {
                Some(text) if text.contains(['*', '?', '[', '{']) => {
                    let glob = GlobBuilder::new(text).literal_separator(true).build();
                    glob.map(|glob| GlobPart::Pattern(glob.compile_matcher()))
                        .map_err(|error| ConnectorError::Config(format!("`{}`: {error}", path.display())))
                }
                _ => Ok(GlobPart::Name(name.to_owned())),
            }
        };
        Ok(Directories { parts: path.components().map(part).collect::<Result<_, _>>()? })
    }

    /// The path up to its first pattern: all that it names lies in there.
    pub(super) fn base(&self) -> PathBuf {
        let names = self.parts.iter().map_while(|part| match part {
            GlobPart::Name(name) => Some(name),
            GlobPart::Pattern(_) => None,
        });
        names.collect()
    }

    /// How a file of this whole path would be listed, if it lay in what the path names.
    pub(super) fn would_have(&self, file: &Path) -> Option<PathBuf> {
        let base = self.base();
        let below = file.strip_prefix(resolved(&base)).ok()?;
        let (directory, name) = (below.parent()?, below.file_name()?);
        let parts = &self.parts[base.components().count()..];
        let names: Vec<_> = directory.components().map(Component::as_os_str).collect();
        let is_like = |(part, name): (&GlobPart, &&OsStr)| match part {
            GlobPart::Name(part) => part == *name,
            GlobPart::Pattern(pattern) => pattern.is_match(name),
        };
        let is_one = names.len() == parts.len() && parts.iter().zip(&names).all(is_like);
        is_one.then(|| base.join(directory).join(name))
    }

    /// All that lies in them now.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let entries =
            self.matching().into_iter().flat_map(|directory| fs::read_dir(directory).into_iter().flatten());
        entries.flatten().map(|entry| entry.path()).collect()
    }

    /// What the path names now. Without patterns that is the path itself, there or not.
    pub(super) fn matching(&self) -> Vec<PathBuf> {
        let mut found = vec![PathBuf::new()];
        for part in &self.parts {
            match part {
                GlobPart::Name(name) => found.iter_mut().for_each(|path| path.push(name)),
                GlobPart::Pattern(pattern) => {
                    found = found.iter().flat_map(|path| below(path, pattern)).collect();
                }
            }
        }
        found
    }
}

/// The directories directly in `path` whose names match; none if it cannot be read.
fn below(path: &Path, pattern: &GlobMatcher) -> Vec<PathBuf> {
    let here = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    let entries = fs::read_dir(here).into_iter().flatten().flatten();
    let matching = entries.filter(|entry| pattern.is_match(entry.file_name()));
    matching.map(|entry| path.join(entry.file_name())).filter(|path| path.is_dir()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(root: &Path, pattern: &str) -> Vec<String> {
        let directories = Directories::new(&root.join(pattern)).expect("a glob");
        let mut names: Vec<String> = directories
            .matching()
            .iter()
            .map(|path| path.strip_prefix(root).expect("below").display().to_string())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn patterns_match_directories_name_by_name() {
        let root = tempfile::tempdir().expect("temp");
        for path in ["a/x", "a/y/deep", "b/x", "b/.hidden"] {
            fs::create_dir_all(root.path().join(path)).expect("made");
        }
        fs::write(root.path().join("a/xfile"), "").expect("written");
        assert_eq!(found(root.path(), "*"), ["a", "b"]);
        assert_eq!(found(root.path(), "*/x*"), ["a/x", "b/x"], "files do not match");
        assert_eq!(found(root.path(), "{a,c}/[xyz]/"), ["a/x", "a/y"]);
        assert_eq!(found(root.path(), "?/y/*"), ["a/y/deep"]);
        assert_eq!(found(root.path(), "nowhere/*"), [""; 0]);
        assert_eq!(found(root.path(), "nowhere"), ["nowhere"]);
    }

    #[test]
    fn a_broken_pattern_is_a_mistake_in_the_setting() {
        let error = Directories::new(Path::new("logs/{a,b")).expect_err("not closed");
        assert_eq!(error.code(), "connector.config");
        assert!(error.to_string().contains("logs/{a,b"), "{error}");
    }
}
