//! What becomes of batches that come again.

/// What a sink does with a batch that comes again after a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The batch is there twice.
    AtLeastOnce,
    /// The batch replaces the first one: batches are identified by their times.
    Idempotent,
    /// The sink reports the last batch that it has [committed](crate::Sink::committed), and gets none twice.
    Transactional,
}
