//! What the engine calls state on disk is its own and lasts: a checkpoint that was written before names were constants is
//! read, and the names that are written are those of the lists beside this file.
//!
//! `written/` was made by `write_the_checkpoints` in [`run`], run on that version; it is never made again. The lists,
//! `*.lock`, are made anew with `STREAMING_LOCK=update`: a line of them that changes is state that users would lose.

mod aggregates;
mod closures;
mod joins;
mod run;
mod states;
mod types;
