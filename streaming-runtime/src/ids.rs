//! How operators and batches are named inside of a job.

/// The running number of a batch in its job. Batches closed early are named by a time that nobody knows
/// while their records flow; a number is known, and [`Times`](crate::stream::times::Times) holds the time by when the batch closes.
pub(crate) type Epoch = u64;

/// Names an operator across rebuilds: `pipeline/binding/operator`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OpId(pub &'static str);
