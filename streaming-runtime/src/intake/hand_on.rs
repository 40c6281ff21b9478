//! The request to a source to hand on what the program has given to it.
//!
//! A test sends a record, moves its clock, and looks at the batch that closed: the record must be in it. So before the engine
//! closes a batch whose time a test's clock has reached, each source that [accepts](crate::Source::ACCEPTS) records from
//! the program hands on what it had accepted by then. A source that cannot, because a limit holds its records back until
//! time goes on or a batch is delivered, reports that, and the engine does not wait for it.

use tokio::sync::watch;

/// The state of the requests to one source; see the module.
#[derive(Debug)]
pub(crate) struct HandOn(watch::Sender<HandOnState>);

#[derive(Clone, Copy, Debug, Default)]
struct HandOnState {
    /// How often the source was asked to hand on, and how often it has.
    asked: u64,
    done: u64,
    /// How many parts of the source wait for time, or for a delivery.
    held_up: usize,
    /// It has ended.
    over: bool,
}

impl Default for HandOn {
    fn default() -> Self {
        HandOn(watch::Sender::new(HandOnState::default()))
    }
}

impl HandOn {
    /// Has the source hand on what it has accepted, and waits until it has, cannot, or has ended.
    pub(crate) async fn ask(&self) {
        let mut state = self.0.subscribe();
        self.0.send_modify(|state| state.asked += 1);
        let asked = state.borrow_and_update().asked;
        let settled = |state: &HandOnState| state.done >= asked || state.held_up > 0 || state.over;
        // The sender is this one's.
        let _ = state.wait_for(settled).await;
    }

    /// Whether the source has ended.
    pub(crate) fn is_over(&self) -> bool {
        self.0.borrow().over
    }

    /// For the source: waits until it is asked; to be [told](HandOn::done) when it has handed on what it had by then.
    pub(crate) async fn asked(&self) -> u64 {
        let mut state = self.0.subscribe();
        let asked = state.wait_for(|state| state.asked > state.done).await.map(|state| state.asked);
        asked.expect("the sender is this one's")
    }

    /// For the source: it has handed on what it had accepted when it was asked for this time.
    pub(crate) fn done(&self, asked: u64) {
        self.0.send_modify(|state| state.done = asked);
    }

    /// For the source: it waits for time or for a delivery until what is returned is dropped.
    pub(crate) fn held_up(&self) -> HeldUp<'_> {
        self.0.send_modify(|state| state.held_up += 1);
        HeldUp(self)
    }

    /// The source has ended, however.
    pub(crate) fn over(&self) {
        self.0.send_modify(|state| state.over = true);
    }
}

/// See [`HandOn::held_up`].
pub(crate) struct HeldUp<'a>(&'a HandOn);

impl Drop for HeldUp<'_> {
    fn drop(&mut self) {
        self.0.0.send_modify(|state| state.held_up -= 1);
    }
}
