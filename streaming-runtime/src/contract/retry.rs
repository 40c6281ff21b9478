//! Waiting between attempts.

use std::{io, sync::Arc, time::Duration};

use crate::contract::error::ConnectorError;

/// How often a failed operation is tried again, and how long to wait in between. Each wait is twice as long as the one before, up
/// to a maximum. A random part of up to a half is subtracted, so that clients which lost the same peer do not come back together.
///
/// ```
/// use streaming_runtime::{connect::Retry, millis, secs};
///
/// let soon_and_long = Retry::default().waits(millis(10), secs(5)).attempts(100);
/// # let _ = soon_and_long;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "it is given to what is tried again"]
pub struct Retry {
    pub(crate) first: Duration,
    pub(crate) cap: Duration,
    pub(crate) attempts: u32,
}

impl Default for Retry {
    /// 10 attempts, with waits of up to 100 ms at first and 2 s later: about 8 s in all.
    fn default() -> Self {
        Retry { first: Duration::from_millis(100), cap: Duration::from_secs(2), attempts: 10 }
    }
}

impl Retry {
    /// The longest wait before the second attempt, and the longest wait of all: 100 ms and 2 s by default.
    pub fn waits(mut self, first: Duration, cap: Duration) -> Self {
        (self.first, self.cap) = (first, cap);
        self
    }
    /// How many attempts in a row may fail, the first included: 10 by default, at least 1; `u32::MAX` never gives up.
    pub fn attempts(mut self, failures: u32) -> Self {
        self.attempts = failures;
        self
    }

    /// How many attempts in a row may fail; `None` if it never gives up.
    pub fn limit(self) -> Option<u32> {
        (self.attempts != u32::MAX).then_some(self.attempts.max(1))
    }

    /// Counts attempts, and says how long to wait after one that failed.
    ///
    /// ```
    /// use streaming_runtime::connect::{ConnectorError, Retry};
    ///
    /// # async fn connect() -> Result<(), ConnectorError> { Ok(()) }
    /// # async fn example() -> Result<(), ConnectorError> {
    /// let mut backoff = Retry::default().backoff();
    /// while let Err(error) = connect().await {
    ///     tokio::time::sleep(backoff.after(error)?).await; // the error comes back when it was tried too often
    /// }
    /// # Ok(()) }
    /// ```
    pub fn backoff(self) -> Backoff {
        Backoff { retry: self, count: 0 }
    }
}

/// Attempts that failed in a row, see [`Retry::backoff`].
#[derive(Debug)]
pub struct Backoff {
    retry: Retry,
    count: u32,
}

impl Backoff {
    /// An attempt went well.
    pub fn reset(&mut self) {
        self.count = 0;
    }

    /// How many there were.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// An attempt failed: how long to wait before the next, if there is to be one.
    pub(crate) fn next_wait(&mut self) -> Option<Duration> {
        self.count = self.count.saturating_add(1);
        (self.count < self.retry.attempts || self.retry.attempts == u32::MAX).then(|| self.delay())
    }

    /// An attempt failed in this way: how long to wait before the next.
    ///
    /// # Errors
    /// `error`, if it does not [pass](ConnectorError::may_pass); [`ConnectorError::GaveUp`] with it, if there is to be no further attempt.
    pub fn after(&mut self, error: ConnectorError) -> Result<Duration, ConnectorError> {
        if !error.may_pass() {
            return Err(error);
        }
        self.next_wait()
            .ok_or_else(|| ConnectorError::GaveUp { attempts: self.count, source: Box::new(error) })
    }

    /// As [`next_wait`](Backoff::next_wait), for a peer that cannot be reached.
    pub(crate) fn add(&mut self, what: &str, source: io::Error) -> Result<Duration, ConnectorError> {
        let (what, source) = (what.to_owned(), Arc::new(source));
        self.next_wait().ok_or(ConnectorError::Unreachable { what, attempts: self.count, source })
    }

    /// Twice as long each time up to the cap, less the random part.
    pub(crate) fn delay(&self) -> Duration {
        let doublings = self.count.saturating_sub(1).min(31);
        let longest = self.retry.first.saturating_mul(1 << doublings).min(self.retry.cap);
        // A part of the longest in 1024ths: a float of `Duration::MAX` does not fit in a duration.
        longest / 1024 * rand::random_range(512..=1024)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{millis, secs};

    #[test]
    fn delays_double_up_to_the_cap_and_vary() {
        let mut failures = Retry::default().backoff();
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
    fn an_error_that_passes_is_waited_after_until_there_were_too_many_in_a_row() {
        let away = || ConnectorError::other("away");
        let mut failures = Retry::default().waits(millis(8), millis(16)).attempts(3).backoff();
        for longest in [8, 16] {
            let wait = failures.after(away()).expect("it is tried again");
            assert!(wait >= millis(longest / 2) && wait <= millis(longest), "{wait:?} of {longest} ms");
        }
        failures.reset();
        assert_eq!(failures.count(), 0);
        for attempt in 1..3 {
            failures.after(away()).expect("the row is a new one");
            assert_eq!(failures.count(), attempt);
        }
        let error = failures.after(away()).expect_err("the third");
        assert!(matches!(&error, ConnectorError::GaveUp { attempts: 3, .. }) && !error.may_pass());
        assert_eq!(error.to_string(), "gave up after 3 attempts, the last failed with: away");
        // What no attempt can mend comes back as it is, at the first.
        let mut failures = Retry::default().backoff();
        let error = failures.after(ConnectorError::permanent("forbidden")).expect_err("it does not pass");
        assert_eq!((error.code(), failures.count()), ("connector.permanent", 0));
        let mut endless = Retry::default().waits(millis(1), millis(1)).attempts(u32::MAX).backoff();
        assert!((0..1000).all(|_| endless.after(away()).is_ok()));
    }

    #[test]
    fn the_largest_settings_do_not_overflow() {
        let retry = Retry { first: secs(u64::MAX), cap: secs(1), attempts: u32::MAX };
        let failures = Backoff { retry, count: u32::MAX - 1 };
        assert!(failures.delay() <= secs(1));
        let retry = Retry { first: Duration::MAX, cap: Duration::MAX, attempts: u32::MAX };
        assert!(Backoff { retry, count: 3 }.delay() >= Duration::MAX / 3);
        let retry = Retry { first: Duration::from_nanos(1), cap: Duration::ZERO, attempts: u32::MAX };
        assert_eq!(Backoff { retry, count: 3 }.delay(), Duration::ZERO);
    }
}
