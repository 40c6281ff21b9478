//! What a record must be able to do. Each property is a trait with an error message of its own.
//!
//! Bounds that users can miss are on methods, not on `impl` blocks: a missing property is then E0277, whose text `on_unimplemented`
//! sets, and not E0599, whose text it cannot set.

use std::hash::Hash;

use serde::{Serialize, de::DeserializeOwned};

/// A value that can travel on a stream: any `Clone + Send` type that owns its data and has serde's derives.
///
/// `Clone` because a stream may have several readers, `Send` because workers are threads, serde because
/// records cross processes and are stored in checkpoints. Nothing else is needed: floats and enums are fine.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use streaming_runtime::Record;
///
/// #[derive(Clone, Serialize, Deserialize)]
/// struct Click { user: u64, price: f64 }
///
/// fn is_record<T: Record>() {}
/// is_record::<Click>();
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the record of a stream",
    label = "this type, or a part of it, does not own its data or lacks one of `Clone`, `Send` and serde's derives",
    note = "on a type of your own put `#[derive(Clone, serde::Serialize, serde::Deserialize)]`; for a type parameter say `{Self}: Record`",
    note = "a record owns its data: `String` for `&str`, and `.clone()` for other references",
    note = "of types that serde does not know: `Arc` and `Rc` need serde's feature `rc`, or are a `String` or `Box`; an array of more than 32 is a `Vec<..>`; an `Instant` is a `BatchTime` or a `SystemTime`; an error is its text, `error.to_string()`; a trait object is an `enum`",
    note = "a future is no record, since closures run at once: await it in a task that sends what comes into a `channel(..)`, the source, or in one that takes the batches of a `channel_sink(..)`"
)]
pub trait Record: Clone + Send + Serialize + DeserializeOwned + 'static {}
#[diagnostic::do_not_recommend]
impl<T: Clone + Send + Serialize + DeserializeOwned + 'static> Record for T {}

/// A record behind an `Arc` or an `Rc`, which serde reads and writes only if it is told to. `stream!` asks for it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the record of a stream while serde's feature `rc` is off",
    label = "serde does not read and write what has several owners",
    note = "carry what it holds (`String` for `Arc<str>`), or turn the feature on: `serde = {{ version = \"1\", features = [\"derive\", \"rc\"] }}`"
)]
#[doc(hidden)]
pub trait SharedRecord: Record {}
#[diagnostic::do_not_recommend]
impl<T: Record> SharedRecord for T {}

/// A record that can be compared for equality and hashed: what operators by key group by.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a key",
    label = "records are told apart by `{Self}` here, and it lacks `Eq` or `Hash`, or is no record",
    note = "derive `PartialEq, Eq, Hash` beside `Clone, Serialize, Deserialize`; for a float, use its bits or round it to an integer first; for a `HashMap` or a `HashSet` take a `BTreeMap` or a `BTreeSet`",
    note = "for a type parameter say `{Self}: Key`"
)]
pub trait Key: Record + Eq + Hash {}
#[diagnostic::do_not_recommend]
impl<T: Record + Eq + Hash> Key for T {}

/// A pair, by the types of its parts.
#[diagnostic::on_unimplemented(
    message = "records of type `{Self}` have no key",
    label = "this operator works by key, so it needs records of type `(key, value)`",
    note = "add one step before it: `.key_by(|record| key)` or `.map(|record| (key, value))`"
)]
pub trait Pair {
    /// What it is grouped by.
    type Key;
    /// What it carries.
    type Value;
}
#[diagnostic::do_not_recommend]
impl<K, V> Pair for (K, V) {
    type Key = K;
    type Value = V;
}
