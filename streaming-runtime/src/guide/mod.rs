//! Guides: how to use the crate, each a page whose programs are compiled and run by the tests.
//!
//! The text is Markdown beside this file, so that it can be read in the repository as well. Links are defined twice: the first
//! definition counts, so those here lead to pages of these docs, and those in the files to the files.

/// From an empty crate to a pipeline with a test.
///
/// [spark]: crate::guide::coming_from_spark
/// [windows]: crate::guide::windows_and_state
/// [service]: crate::guide::inside_a_service
/// [crash]: crate::guide::after_a_crash
/// [recipes]: crate::guide::recipes
///
#[doc = include_str!("getting_started.md")]
pub mod getting_started {}

/// Each name of the DStream API, and what it is here.
///
/// [recipes]: crate::guide::recipes
/// [crash]: crate::guide::after_a_crash
/// [limits]: crate::guide::limits
/// [kafka]: crate::guide::kafka
///
#[doc = include_str!("coming_from_spark.md")]
pub mod coming_from_spark {}

/// Batches, order, streams with different rhythms, the end, time.
///
#[doc = include_str!("semantics.md")]
pub mod semantics {}

/// What a stream holds of its past, and which operator to take.
///
/// [semantics]: crate::guide::semantics
/// [crash]: crate::guide::after_a_crash
///
#[doc = include_str!("windows_and_state.md")]
pub mod windows_and_state {}

/// Channels, views, latency, back-pressure, failures, stopping.
///
/// [crash]: crate::guide::after_a_crash
/// [recipes]: crate::guide::recipes
///
#[doc = include_str!("inside_a_service.md")]
pub mod inside_a_service {}

/// Checkpoints, guarantees by connector, changed programs.
///
/// [recipes]: crate::guide::recipes
/// [own]: crate::guide::own_operators
///
#[doc = include_str!("after_a_crash.md")]
pub mod after_a_crash {}

/// Topics: where jobs begin and end, lag and rates, and what happens in each fault.
///
/// [crash]: crate::guide::after_a_crash
///
#[doc = include_str!("kafka.md")]
pub mod kafka {}

/// Methods, stages, and the names of state.
///
#[doc = include_str!("own_operators.md")]
pub mod own_operators {}

/// Clocks, queues, channels.
///
/// [crash]: crate::guide::after_a_crash
///
#[doc = include_str!("testing.md")]
pub mod testing {}

/// Where the time is, and what to do.
///
/// [windows]: crate::guide::windows_and_state
///
#[doc = include_str!("tuning.md")]
pub mod tuning {}

/// Short answers to common questions.
///
/// [formats]: crate::formats
/// [windows]: crate::guide::windows_and_state
/// [testing]: crate::guide::testing
///
#[doc = include_str!("recipes.md")]
pub mod recipes {}

/// What is not there, and what to know before it matters.
///
/// [recipes]: crate::guide::recipes
/// [semantics]: crate::guide::semantics
///
#[doc = include_str!("limits.md")]
pub mod limits {}

/// The program of the README, compiled as those of the guides are.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
mod readme {}
