//! The file that says which checkpoint the directories beside it belong to.
//!
//! It is `.prefix[.suffix].checkpoint`: hidden, so that readers of the directories do not meet it.

use std::{
    ffi::OsString,
    fs::{
        File, {self},
    },
    io::{
        Write, {self},
    },
    path::{Path, PathBuf},
};

use crate::{
    connectors::text_files::{PART, at, batches},
    contract::{
        checkpoint_mark::{CheckpointId, CheckpointMark},
        error::ConnectorError,
    },
    disk,
};

/// The file of directories that are named like `pattern`.
fn file(pattern: &Path) -> PathBuf {
    let name = pattern.file_name().unwrap_or_default().to_string_lossy();
    let (prefix, suffix) = name.split_once("-*").unwrap_or((&name, ""));
    pattern.with_file_name(OsString::from(format!(".{prefix}{suffix}.checkpoint")))
}

/// What is there of before.
pub(super) fn read(pattern: &Path) -> Result<Option<CheckpointMark>, ConnectorError> {
    let path = file(pattern);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(at("read", &path, error)),
    };
    let checkpoint = text.trim().parse::<CheckpointId>();
    let checkpoint =
        checkpoint.map_err(|error| at("read", &path, io::Error::new(io::ErrorKind::InvalidData, error)))?;
    let there = batches(pattern)?.into_iter().rev();
    let last = there.filter(|(_, directory)| directory.join(PART).exists()).map(|(time, _)| time).next();
    Ok(Some(CheckpointMark { checkpoint, last }))
}

/// Says that what is there, and will be, belongs to `checkpoint`.
pub(super) fn write(pattern: &Path, checkpoint: CheckpointId) -> Result<(), ConnectorError> {
    let path = file(pattern);
    let text = format!("{checkpoint}\n");
    if fs::read_to_string(&path).is_ok_and(|there| there == text) {
        return Ok(());
    }
    let draft = path.with_extension("checkpoint.tmp");
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    disk::make_directory(parent).map_err(|error| at("make the directory", parent, error))?;
    File::create(&draft)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&draft, &path))
        .and_then(|()| disk::sync_directory(parent))
        .map_err(|error| at("write", &path, error))
}
