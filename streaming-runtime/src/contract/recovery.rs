//! What happens to a source's records after a crash.

use serde::{Deserialize, Serialize};

/// What happens to a source's records when the job crashes ([`Engine::checkpoint`](crate::Engine::checkpoint)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recovery {
    /// What was under way is lost: at most once.
    Lost,
    /// The source sends the same records in the same order again, from a position: it begins at [`SourceContext::resume_from`](crate::connect::SourceContext::resume_from), or at its
    /// beginning if there is none, and reports its progress with [`SourceContext::reached`](crate::connect::SourceContext::reached). The engine cuts the records into the same
    /// batches as before, by their number. A [paced](crate::Source::PACED) source must give each batch the records that it had, and may ask
    /// which those were ([`SourceContext::replay_position`](crate::connect::SourceContext::replay_position)). It is asked only for batches for which it was asked before.
    Replays,
    /// The engine writes the records to the job's log before their batch counts, and sends them again itself. `durable` does this
    /// to any source.
    Logged,
}
