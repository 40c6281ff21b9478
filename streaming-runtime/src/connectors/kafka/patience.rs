//! Waiting that ends when nobody wants the result any more.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crate::connect::ConnectorError;

/// How long it may be until a pause notices that nobody waits any more.
const STEP: Duration = Duration::from_millis(50);

/// Ends what waits when the sink is gone.
#[derive(Clone, Debug, Default)]
pub(super) struct Patience(Arc<AtomicBool>);

impl Patience {
    pub(super) fn is_over(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn end(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(super) fn check(&self) -> Result<(), ConnectorError> {
        if self.is_over() { Err(ConnectorError::Closed) } else { Ok(()) }
    }

    pub(super) fn pause(&self, time: Duration) -> Result<(), ConnectorError> {
        let until = Instant::now() + time;
        loop {
            self.check()?;
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            std::thread::sleep(left.min(STEP));
        }
    }
}
