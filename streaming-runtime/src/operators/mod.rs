//! The operators, one family a file. All are methods of [`Stream`](crate::Stream).
//!
//! | file | operators | stores |
//! |---|---|---|
//! | `stateless` | `map` `filter` `filter_map` `flat_map` `inspect` `key_by` `map_values` `flat_map_values` | nothing; fused |
//! | `route` | `union` `split` `repartition` | nothing |
//! | `try_map` | `try_map`, and the ends of what fails: `skip` `fail` | nothing |
//! | `formats` | `decode` `decode_with` `encode` | nothing |
//! | `by_key` | `reduce_by_key` `group_by_key` `combine_by_key` `aggregate_by_key` `sum_by_key` `count_by_key` `min_by_key` `max_by_key` `count_by_value` `distinct`, and inverses | a value per key, for a batch or a window |
//! | `global` | `count` `reduce` `reduce_with_inverse` `aggregate` `top_k` | one value, for a batch or a window |
//! | `join` | `cogroup` `join` `left_join` `right_join` `full_join` `semijoin` `antijoin` | both sides |
//! | `window` | `window` `history` `snapshot` `changes` `allow_unbounded` `expire_after` | the window, where it is read as it is |
//! | `state` | `update_state` `map_with_state` | one state per key, as long as the pipeline says |
//! | `transform` | `transform` `transform_with` `map_partitions` `glom` | the batch, until it closes |
//! | `iterate` | `iterate` `iterate_at_most` `iterate_within` | differential arrangements |
//! | `sink` | `to` | the batch, until it closes |
//!
//! `borrowed_keys` is a `flat_map` of words that are copied only when they are new, and `foreign_names` answers names from elsewhere.
//! `kernel` has what operators are made of. Imports go one way: `record` <- `stream` <- `operators::kernel` <- `operators`.
//!
//! A new operator by key is a method in a file of this room, one row of the table in `streaming-macros/src/operators.rs`, its docs and
//! its tests. `by_key/shorthand` has the shortest ones.
//!
//! Invariant: what an operator emits for a batch depends on the records of the batches so far only, for any number of
//! workers, up to the order of the records.

pub(crate) mod borrowed_keys;
pub(crate) mod by_key;
pub(crate) mod foreign_names;
pub(crate) mod formats;
pub(crate) mod global;
pub(crate) mod iterate;
pub(crate) mod join;
pub(crate) mod kernel;
pub(crate) mod route;
pub(crate) mod sink;
pub(crate) mod state;
pub(crate) mod stateless;
pub(crate) mod transform;
pub(crate) mod try_map;
pub(crate) mod window;
