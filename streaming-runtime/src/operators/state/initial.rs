//! The states with which an operator begins.

use crate::{
    checkpoint::state_log::StateWriter,
    codec::fingerprint,
    ids::Epoch,
    record::{Key, Record},
    stream::context::JobContext,
};

/// The states with which an operator begins, until it has taken them in: in the first batch for which it is due. Until then
/// a job that goes on is given them again.
pub(super) struct Initial<K, S> {
    /// Those that this worker owns.
    states: Vec<(K, S)>,
    /// Tells them all from others, where that is to be written down.
    pub(super) fingerprint: Option<u64>,
    /// Whether this worker writes that they were taken in: they may all go again, and are not to come a second time.
    is_noted_here: bool,
}

impl<K: Key, S: Record> Initial<K, S> {
    pub(super) fn new(states: impl IntoIterator<Item = (K, S)>, job: &JobContext) -> Self {
        // An exchange takes the rest of what it is given, too.
        let mine = |key: &K| job.owns(key);
        let (states, fingerprint) = match job.state_log.is_on() {
            false => (states.into_iter().filter(|(key, _)| mine(key)).collect(), None),
            true => {
                let mut all: Vec<_> = states.into_iter().collect();
                let fingerprint = (!all.is_empty()).then(|| fingerprint(&all));
                all.retain(|(key, _)| mine(key));
                (all, fingerprint)
            }
        };
        Initial { states, fingerprint, is_noted_here: job.worker == 0 }
    }

    /// Takes them, and writes that down.
    pub(super) fn take(self, epoch: Epoch, log: &StateWriter) -> Vec<(K, S)> {
        if let Some(fingerprint) = self.fingerprint.filter(|_| self.is_noted_here) {
            log.pane::<u64, u64>(epoch, None, &[fingerprint]);
        }
        self.states
    }
}
