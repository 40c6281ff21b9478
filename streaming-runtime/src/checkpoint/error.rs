//! What can be wrong with a checkpoint.

use std::{io, sync::Arc, time::Duration};

use crate::{disk::has_vanished, sentence::debug_as_sentence, time::BatchTime};

/// Why a job cannot use its checkpoint, or can no longer write it.
#[derive(Clone, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// Another process, or another job of this one, writes there.
    #[error(
        "checkpoint {place}: another job writes there ({by}); stop that one, or give this one a place of its own"
    )]
    Taken {
        /// The storage, as it names itself.
        place: String,
        /// What the storage knows of the other.
        by: String,
    },
    /// The storage failed. What was durable before still is: repair the storage and start the job again.
    #[error(
        "checkpoint: {doing} `{file}`: {source}; what was durable still is, start again when the storage works"
    )]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To which file; empty if to the place itself.
        file: String,
        /// How it failed.
        source: Arc<io::Error>,
    },
    /// The checkpoint was removed, moved or replaced while the job ran. If it was moved, what was written is at the new place: bring it
    /// back, or start in an empty place.
    #[error(
        "checkpoint: {doing} `{file}`: {source}; what was written to it is gone with it, unless it was only moved: bring it back, or \
         start from nothing in an empty place"
    )]
    Vanished {
        /// What was being done.
        doing: &'static str,
        /// To which file.
        file: String,
        /// What is in its place.
        source: Arc<io::Error>,
    },
    /// A call to the storage has not returned within its limit: the disk hangs, or is too slow. The call's thread is left behind, and
    /// keeps the place locked until the call returns.
    #[error(
        "checkpoint: {doing} `{file}` has not ended within {limit:.1?}: the storage hangs; what was durable still is. Start again when \
         the storage works, or give `Checkpoint::storage_limit` a longer time if it is only slow"
    )]
    Stuck {
        /// What is being done.
        doing: &'static str,
        /// To which file, or to the place itself.
        file: String,
        /// How long it may take.
        limit: Duration,
    },
    /// A file is damaged. Nothing was changed: restore the file from a copy, or start in an empty place.
    #[error(
        "checkpoint: `{file}` is damaged at byte {at}: {what}; nothing was changed. Bring the file back from a copy, \
         or start from nothing in an empty place"
    )]
    Corrupt {
        /// The file.
        file: String,
        /// Where in it, in bytes.
        at: u64,
        /// What is wrong there.
        what: String,
    },
    /// A newer version of this crate wrote it.
    #[error(
        "checkpoint: `{file}` has format version {version}, this program reads version {known}: use the program that wrote it, or a newer one"
    )]
    Version {
        /// The file.
        file: String,
        /// The version that it says.
        version: u32,
        /// The version that is known here.
        known: u32,
    },
    /// A sink has a later batch than the checkpoint: the checkpoint is of another run, or was restored from a copy.
    #[error(
        "checkpoint: sink `{port}` has the batch of {batch}, but the checkpoint does not: use the checkpoint that belongs to this sink (is its \
         directory the right one, whole and there?), or an empty sink; what it has is taken over where \
         `.adopt(\"{port}\")` is declared"
    )]
    Behind {
        /// The sink.
        port: String,
        /// Its last batch.
        batch: BatchTime,
    },
    /// A sink belongs to another checkpoint: that one is gone, or the sink is another job's.
    #[error(
        "checkpoint: sink `{port}` has batches up to {batch} that were written with another checkpoint, which is gone or is another \
         job's: use the checkpoint that belongs to this sink, or an empty sink (`text_files`: remove the directories of its \
         batches). Declare `.adopt(\"{port}\")` to go on with what it has"
    )]
    Foreign {
        /// The sink.
        port: String,
        /// Its last batch.
        batch: BatchTime,
    },
    /// A sink could not report its checkpoint.
    #[error("checkpoint: sink `{port}` does not say to which checkpoint it belongs: {source}")]
    Mark {
        /// The sink.
        port: String,
        /// Its answer.
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// A sink lacks batches that were delivered to it and are no longer in the checkpoint.
    #[error(
        "checkpoint: sink `{port}` lacks batches up to {base} that it had: bring its data back, give the port another name if it is \
         another sink, or start from nothing in an empty place"
    )]
    Lost {
        /// The sink.
        port: String,
        /// The batch from which on batches can run again.
        base: BatchTime,
    },
    /// The state is of a program that this one does not fit.
    #[error("checkpoint: {what}")]
    Incompatible {
        /// What does not fit, and what to do.
        what: String,
    },
    /// Values of a type are not read back as they are written, so a checkpoint would lose or change state. This is found before such a
    /// value is written. Also: what is written cannot be read.
    #[error(
        "checkpoint: {of}: {what}. What is kept has to be read back as it is written: drop the attribute, or give the state a \
         type of its own that has plain derives of `Serialize` and `Deserialize`"
    )]
    Unreadable {
        /// The operator or source.
        of: String,
        /// The type, and what is wrong with it.
        what: String,
    },
    /// One batch, input or entry is larger than a frame can be.
    #[error(
        "checkpoint: {what} has {bytes} bytes, at most {limit} are possible: use shorter batches or more, smaller keys"
    )]
    TooLarge {
        /// What is.
        what: String,
        /// Its size.
        bytes: u64,
        /// The largest there can be.
        limit: u64,
    },
}

debug_as_sentence!(CheckpointError);

impl CheckpointError {
    /// A name for the kind of error that stays the same across releases.
    pub fn code(&self) -> &'static str {
        match self {
            CheckpointError::Taken { .. } => "checkpoint.taken",
            CheckpointError::Io { .. } => "checkpoint.io",
            CheckpointError::Vanished { .. } => "checkpoint.vanished",
            CheckpointError::Stuck { .. } => "checkpoint.stuck",
            CheckpointError::Corrupt { .. } => "checkpoint.corrupt",
            CheckpointError::Version { .. } => "checkpoint.version",
            CheckpointError::Behind { .. } => "checkpoint.behind",
            CheckpointError::Foreign { .. } => "checkpoint.foreign",
            CheckpointError::Mark { .. } => "checkpoint.mark",
            CheckpointError::Lost { .. } => "checkpoint.lost",
            CheckpointError::Incompatible { .. } => "checkpoint.incompatible",
            CheckpointError::Unreadable { .. } => "checkpoint.unreadable",
            CheckpointError::TooLarge { .. } => "checkpoint.too_large",
        }
    }

    /// For `map_err`: the storage failed at doing this to that file.
    pub(super) fn io(doing: &'static str, file: &str) -> impl FnOnce(io::Error) -> CheckpointError {
        let file = file.to_owned();
        move |source| CheckpointError::Io { doing, file, source: Arc::new(source) }
    }

    /// As [`io`](CheckpointError::io), where the storage also says if what is written to has vanished.
    pub(super) fn writing(doing: &'static str, file: &str) -> impl FnOnce(io::Error) -> CheckpointError {
        let file = file.to_owned();
        move |source| {
            let vanished = has_vanished(&source);
            let source = Arc::new(source);
            match vanished {
                true => CheckpointError::Vanished { doing, file, source },
                false => CheckpointError::Io { doing, file, source },
            }
        }
    }

    pub(super) fn corrupt(file: &str, at: usize, what: impl Into<String>) -> CheckpointError {
        CheckpointError::Corrupt { file: file.to_owned(), at: at as u64, what: what.into() }
    }
}
