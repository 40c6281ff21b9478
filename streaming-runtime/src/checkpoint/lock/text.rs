//! `stream.lock`.

use std::{collections::HashSet, fmt::Write};

use crate::checkpoint::lock::shape::{Initial, OperatorState, ShapeError};

const HEADER: &str = "\
# stream.lock: what the operators of this pipeline keep, one a line, sorted by their ids.
# Written by the engine, not by hand. Commit it: a line that changes or goes is state that a checkpoint cannot
# bring along by itself, until the program declares `.renamed(old, new)` or `.forget(id)`.
";

/// The text of `stream.lock`: the same for any order of the operators.
pub(crate) fn write_lock(pipeline: &str, operators: &[OperatorState]) -> String {
    let mut operators: Vec<_> = operators.iter().collect();
    operators.sort_by(|a, b| a.id.cmp(&b.id));
    let mut text = format!("{HEADER}pipeline = {pipeline}\n\n");
    for OperatorState { id, shape, .. } in operators {
        debug_assert!(!id.contains(['\n', '\r']) && !id.contains(" = "), "an id is a path of names");
        writeln!(text, "{id} = {shape}").expect("a String takes everything");
    }
    text
}

/// A `stream.lock` that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LockError {
    #[error("stream.lock, line {line}: {what}")]
    Line { line: usize, what: String },
    #[error("stream.lock, line {line}: {source}")]
    Shape { line: usize, source: ShapeError },
    #[error("stream.lock lacks its first line, `pipeline = ..`")]
    NoPipeline,
}

/// The pipeline and its operators.
///
/// # Errors
/// [`LockError`] with the line that cannot be read; one of a merge that was not resolved says so.
pub(crate) fn read_lock(text: &str) -> Result<(String, Vec<OperatorState>), LockError> {
    let (mut pipeline, mut operators, mut ids) = (None, Vec::new(), HashSet::new());
    for (number, line) in text.lines().enumerate() {
        let failed = |what: &str| LockError::Line { line: number + 1, what: what.to_owned() };
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        if ["<<<<<<<", "=======", ">>>>>>>", "|||||||"].iter().any(|mark| line.starts_with(mark)) {
            return Err(failed("a merge is not resolved; take either side and let the engine write it anew"));
        }
        let Some((id, value)) = line.split_once(" = ") else {
            return Err(failed("neither a comment nor `id = state`"));
        };
        if pipeline.is_none() {
            if id != "pipeline" {
                return Err(LockError::NoPipeline);
            }
            pipeline = Some(value.trim_end().to_owned());
            continue;
        }
        if !ids.insert(id) {
            return Err(failed(&format!("`{id}` is there twice")));
        }
        let shape = value.parse().map_err(|source| LockError::Shape { line: number + 1, source })?;
        let (id, mark, initial) = (id.to_owned(), String::new(), Initial::default());
        operators.push(OperatorState { id, shape, mark, initial });
    }
    Ok((pipeline.ok_or(LockError::NoPipeline)?, operators))
}
