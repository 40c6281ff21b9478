//! The operators, one family a file. All are methods of [`Stream`](crate::Stream).
//!
//! | file | operators | state |
//! |---|---|---|
//! | `each` | `map` `filter` `filter_map` `flat_map` `inspect` `key_by` `map_values` `flat_map_values` | none; fused |
//! | `lent` | a `flat_map` of words that are not copied before they are known to be new | none; fused |
//! | `by_key` (and `key_map`) | `reduce_by_key` `group_by_key` `combine_by_key` `aggregate_by_key` `count_by_value` `distinct` | one value per key, until the batch closes |
//! | `join` | `cogroup` `join` `left_join` `right_join` `full_join` | both batches, until they close |
//! | `state` (and `state_table`) | `update_state` `map_with_state` | one state per key, as long as the pipeline says |
//! | `whole` | `count` `reduce` `reduce_with_inverse` `aggregate`; in `crate::aggregate` also `top_k` | one value, until the batch closes |
//! | `route` | `union` `split` `repartition` | none |
//! | `transform` | `transform` `transform_with` `map_partitions` `glom` | the batch, until it closes |
//! | `to` | `to` | the batch, until it closes |
//!
//! Invariant: what an operator emits for a batch depends on the records of that batch only, for any number
//! of workers, up to the order of the records.

mod aggregate;
mod by_key;
mod collection;
mod each;
mod iterate;
mod join;
mod keep;
mod key_map;
mod lent;
mod meet;
mod per_epoch;
mod route;
mod sliding;
mod slots;
mod state;
mod state_table;
mod to;
mod transform;
mod upkeep;
mod whole;
mod window;

pub use aggregate::{Abelian, Aggregate, Algebra, Associative, Neither, Of, Undo};
pub(crate) use by_key::ByKey;
pub use collection::{Comparable, Looped};
pub use each::Emit;
pub use iterate::LoopScope;
pub use lent::Reader;
pub use state::{Keeps, idle_for, unbounded};
pub use state_table::KeyState;
pub use to::SinkPort;
pub(crate) use to::{Part, PartSender};
