//! The file beside the program that says what its operators keep.

use std::{path::Path, sync::Arc};

use crate::checkpoint::{CheckpointError, OperatorState, read_lock, write_lock};

/// Compares the lock file beside the program with what the operators keep. If the file is new or to be updated, returns
/// what writes it, to be called when nothing else refuses the start.
///
/// # Errors
/// The file says otherwise, or cannot be read.
pub(super) fn check_lock_file(
    path: &Path,
    pipeline: &str,
    operators: &[OperatorState],
) -> Result<Option<impl FnOnce() -> Result<(), CheckpointError> + Send + use<>>, CheckpointError> {
    let name = path.display().to_string();
    let failed = |doing| {
        let file = name.clone();
        move |source| CheckpointError::Io { doing, file, source: Arc::new(source) }
    };
    let text = write_lock(pipeline, operators);
    let is_renewed = std::env::var_os("STREAMING_LOCK").is_some_and(|value| value == "update");
    let written = match std::fs::read_to_string(path) {
        Ok(written) if !is_renewed => written,
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(failed("reading")(error));
        }
        _ => {
            let (path, failed) = (path.to_owned(), failed("writing"));
            return Ok(Some(move || std::fs::write(path, text).map_err(failed)));
        }
    };
    if written == text {
        return Ok(None);
    }
    let refused = |what| CheckpointError::Incompatible { what };
    let (_, known) = read_lock(&written).map_err(|error| refused(format!("`{name}`: {error}")))?;
    let differences = differences(&known, operators);
    if differences.is_empty() {
        // An older version wrote it, without all that is in it now.
        return Ok(None);
    }
    Err(refused(format!(
        "`{name}` says otherwise what the operators keep: {}. If that is meant, start once with `STREAMING_LOCK=update` \
         and commit the file",
        differences.join(", ")
    )))
}

/// The operators of which only the file knows (`-`), and those of which only the program knows (`+`).
fn differences(known: &[OperatorState], operators: &[OperatorState]) -> Vec<String> {
    let is_in = |operators: &[OperatorState], one: &OperatorState| {
        operators.iter().any(|other| other.id == one.id && one.shape.is_as(&other.shape))
    };
    let gone = known
        .iter()
        .filter(|written| !operators.iter().any(|is| is.id == written.id && is.shape.is_as(&written.shape)));
    let new = operators.iter().filter(|is| !is_in(known, is));
    gone.map(|operator| ("-", operator))
        .chain(new.map(|operator| ("+", operator)))
        .map(|(sign, OperatorState { id, shape, .. })| format!("{sign} `{id}`: {shape}"))
        .collect()
}
