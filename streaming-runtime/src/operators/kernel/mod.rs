//! The shells and data structures that operators are made of.

pub(crate) mod arrival;
pub(crate) mod differential;
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
