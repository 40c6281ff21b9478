//! What a stream holds of its past: the third parameter of [`Stream`](crate::Stream).

pub use crate::stream::kind::{PerBatch, StreamKind, Table, UnboundedTable, UnboundedWindow, Windowed};
