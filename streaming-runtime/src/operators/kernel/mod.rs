//! The shells and data structures that operators are made of.

pub(crate) mod arrival;
pub(crate) mod borrowed_keys;
pub(crate) mod copies;
pub(crate) mod differential;
pub(crate) mod epoch_queue;
pub(crate) mod hash_join;
pub(crate) mod hashing;
pub(crate) mod key_map;
pub(crate) mod sliding;
pub(crate) mod slots;
pub(crate) mod standing;
pub(crate) mod state_table;
pub(crate) mod stateful;
