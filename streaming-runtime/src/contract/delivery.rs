//! What becomes of batches that come again.

use serde::{Deserialize, Serialize};

/// What a sink does with a batch that comes again after a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// The batch is there twice.
    AtLeastOnce,
    /// The batch replaces the first one: batches are identified by their times.
    Idempotent,
    /// The sink reports the last batch that it has [committed](crate::Sink::committed), and gets none twice.
    Transactional,
}
