//! What the supervisor asks of the progress of the sources.

use std::sync::Arc;

use crate::{
    engine::control::Control,
    intake::{hand_on::HandOn, progress::SourceProgress},
};

/// The most batches due by a test's clock that a stop closes first.
const MAX_OVERDUE: u128 = 10_000;

impl Control {
    /// The sources that have not sent all records of a batch that runs again, and how many each lacks.
    pub(crate) fn missing(&self) -> Vec<(usize, u64)> {
        let missing = |source: &Arc<SourceProgress>| source.missing().filter(|missing| *missing > 0);
        let sources =
            self.progress.iter().enumerate().filter_map(|(index, source)| Some((index, missing(source)?)));
        sources.collect()
    }

    /// A source that has sent more to a batch that runs again than it had, and how many.
    pub(crate) fn surplus(&self) -> Option<(usize, u64)> {
        let surplus = self.progress.iter().map(|source| source.surplus()).enumerate();
        surplus.into_iter().find(|(_, surplus)| *surplus > 0)
    }

    /// Whether a source is asked for its batches.
    pub(crate) fn is_paced(&self, source: usize) -> bool {
        self.progress[source].is_paced()
    }

    /// Whether a paced source is to be asked for the open batch: for one that runs again only if it was before.
    pub(crate) fn is_due(&self, source: usize) -> bool {
        self.progress[source].is_due()
    }

    /// Waits until a source has sent all records of a batch that runs again.
    pub(crate) async fn filled(&self, source: usize) {
        self.progress[source].filled().await;
    }

    /// How many records the open batch had of a source, if it runs again.
    pub(crate) fn expected(&self, source: usize) -> u64 {
        self.progress[source].expected()
    }

    /// Whether all sources had ended when the job ended before, so that it has most likely nothing to go on with.
    pub(crate) fn had_ended(&self) -> bool {
        !self.progress.is_empty()
            && self.progress.iter().all(|source| source.had_ended() && !source.is_paced())
    }

    /// Whether batches are due by a test's clock that are not closed, and not more than somebody who stops the job would
    /// wait for.
    pub(crate) fn is_behind_manual_clock(&self) -> bool {
        let (now, boundary) = (self.clock.now(), self.boundary());
        let late = u128::from(now.as_nanos().saturating_sub(boundary.as_nanos()));
        self.clock.is_manual() && now >= boundary && late / self.interval.as_nanos() < MAX_OVERDUE
    }

    /// Has the sources hand on what the program gave them, and waits until they have.
    pub(crate) async fn hand_on(&self) {
        for hand_on in self.progress.iter().filter_map(|source| source.hand_on()) {
            hand_on.ask().await;
        }
    }

    /// Whether a source, one that takes records from the program, is gone.
    pub(crate) fn is_source_gone(&self, source: usize) -> bool {
        self.progress[source].hand_on().is_some_and(HandOn::is_over)
    }

    /// The name of a source.
    pub(crate) fn source(&self, index: usize) -> &'static str {
        self.sources[index]
    }
}
