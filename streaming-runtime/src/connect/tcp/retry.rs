//! Waiting between attempts.

use std::{io, sync::Arc, time::Duration};

use crate::connect::ConnectorError;

/// How attempts are spaced, and when to give up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Retry {
    pub(super) first: Duration,
    pub(super) cap: Duration,
    pub(super) attempts: u32,
}

impl Default for Retry {
    fn default() -> Self {
        Retry { first: Duration::from_millis(100), cap: Duration::from_secs(2), attempts: 10 }
    }
}

/// Attempts that failed in a row.
#[derive(Debug)]
pub(super) struct Failures {
    retry: Retry,
    count: u32,
}

impl Failures {
    pub(super) fn new(retry: Retry) -> Self {
        Failures { retry, count: 0 }
    }

    /// An attempt went well.
    pub(super) fn reset(&mut self) {
        self.count = 0;
    }

    /// An attempt failed: how long to wait before the next, if there is to be one.
    pub(super) fn add(&mut self, what: &str, source: io::Error) -> Result<Duration, ConnectorError> {
        self.count += 1;
        if self.count >= self.retry.attempts {
            let (what, source) = (what.to_owned(), Arc::new(source));
            return Err(ConnectorError::Unreachable { what, attempts: self.count, source });
        }
        Ok(self.delay())
    }

    /// Twice as long each time up to the cap, less a random part of up to a half, so that clients which lost
    /// the same server do not come back together.
    pub(super) fn delay(&self) -> Duration {
        let doublings = self.count.saturating_sub(1).min(31);
        let longest = self.retry.first.saturating_mul(1 << doublings).min(self.retry.cap);
        longest.mul_f64(rand::random_range(0.5..=1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{millis, secs};

    #[test]
    fn delays_double_up_to_the_cap_and_vary() {
        let mut failures = Failures::new(Retry::default());
        for longest in [100, 200, 400, 800, 1600, 2000, 2000, 2000, 2000] {
            let delay = failures.add("x", io::ErrorKind::ConnectionRefused.into()).expect("goes on");
            assert!(delay >= millis(longest / 2) && delay <= millis(longest), "{delay:?} of {longest} ms");
        }
        let error = failures.add("x", io::ErrorKind::ConnectionRefused.into()).expect_err("the tenth");
        assert_eq!(
            error.to_string(),
            "x: gave up after 10 attempts, the last failed with: connection refused"
        );
        failures.reset();
        assert!(failures.delay() <= millis(100));
    }

    #[test]
    fn the_largest_settings_do_not_overflow() {
        let retry = Retry { first: secs(u64::MAX), cap: secs(1), attempts: u32::MAX };
        let failures = Failures { retry, count: u32::MAX - 1 };
        assert!(failures.delay() <= secs(1));
    }
}
