//! The shells and data structures that operators are made of.
//!
//! | file | what |
//! |---|---|
//! | `per_epoch` | the shell of operators that gather a batch and forget it |
//! | `stateful` `output` | the shell of operators with state, and what they write for a batch |
//! | `key_map` `slots` `hashing` | keys of a batch; keys that last, by number; their hash |
//! | `exchange` | records go to the worker that owns them |
//! | `sliding` `window_spec` | aggregates of a window by key |
//! | `hash_join` | joins of batches, windows and tables |
//! | `arrival` | aggregates of tables, in order of arrival |
//! | `state_table` | the states of keys, and when each was touched last |
//! | `standing` | contents that stay while another stream is renewed |
//! | `differential` | the lowering of loops |
//!
//! Every operator gets a [`BatchContext`](crate::stream::context::BatchContext) for each batch, and knows of time by nothing else.

pub(crate) mod arrival;
pub(crate) mod differential;
pub(crate) mod exchange;
pub(crate) mod hash_join;
pub(crate) mod hashing;
pub(crate) mod key_map;
pub(crate) mod output;
pub(crate) mod per_epoch;
pub(crate) mod sliding;
pub(crate) mod slots;
pub(crate) mod standing;
pub(crate) mod state_table;
pub(crate) mod stateful;
pub(crate) mod window_spec;
