//! Durations as pipelines write them, and the time that names a batch.

use std::{fmt, time::Duration};

/// `n` milliseconds.
pub const fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}
/// `n` seconds.
pub const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}
/// `n` minutes. Saturates.
pub const fn minutes(n: u64) -> Duration {
    secs(n.saturating_mul(60))
}
/// `n` hours. Saturates.
pub const fn hours(n: u64) -> Duration {
    secs(n.saturating_mul(3600))
}

/// A length of time: a [`Duration`]. Operators ask for it by this name, so that a bare number is answered by how to write one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no length of time",
    label = "expected a `Duration`, a number with its unit",
    note = "write `millis(1500)`, `secs(10)`, `minutes(30)` or `hours(1)`, each of a whole number; a value in the `()` of a header is a `Duration`"
)]
pub trait TimeSpan {
    #[doc(hidden)]
    fn duration(self) -> Duration;
}

impl TimeSpan for Duration {
    fn duration(self) -> Duration {
        self
    }
}

/// A length in nanoseconds. What is longer than all of time, some 584 years, is as long: it does not end.
pub(crate) const fn nanos(length: Duration) -> u64 {
    let nanos = length.as_nanos();
    if nanos > u64::MAX as u128 { u64::MAX } else { nanos as u64 }
}

/// The monotonic time in which a wait that begins now is over; far away if it is not over in our days.
pub(crate) fn deadline(wait: Duration) -> tokio::time::Instant {
    /// As tokio has it: what its clock can hold on every system.
    const FAR: Duration = secs(86_400 * 365 * 30);
    tokio::time::Instant::now() + if wait.as_nanos() > FAR.as_nanos() { FAR } else { wait }
}

/// The stream time at which a batch closed; it names the batch.
///
/// A batch at `t` holds what arrived in `(previous batch, t]`. Regular batches are at multiples of the
/// batch interval since the Unix epoch; a batch closed early lies between two of them.
///
/// Time ends in the year 2554, where nanoseconds no longer fit. Later times saturate, so a window or a time-out of
/// [`Duration::MAX`] never ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BatchTime(u64);

impl BatchTime {
    /// The time `nanos` nanoseconds after the Unix epoch.
    pub const fn from_nanos(nanos: u64) -> Self {
        BatchTime(nanos)
    }
    /// The time `millis` milliseconds after the Unix epoch.
    pub const fn from_millis(millis: u64) -> Self {
        BatchTime(millis.saturating_mul(1_000_000))
    }
    /// Nanoseconds since the Unix epoch.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }
    /// Whole milliseconds since the Unix epoch, Spark's unit.
    pub const fn as_millis(self) -> u64 {
        self.0 / 1_000_000
    }
    /// The time of day, for people to read.
    pub(crate) const fn time_of_day(self) -> TimeOfDay {
        TimeOfDay(self)
    }
    /// Whether this is a multiple of `interval` since the Unix epoch.
    pub const fn is_multiple_of(self, interval: Duration) -> bool {
        self.0.is_multiple_of(nanos(interval))
    }
    /// This time if it is a multiple of `interval`, else the first one after it.
    pub(crate) const fn at_or_next_multiple_of(self, interval: Duration) -> BatchTime {
        BatchTime(self.0.div_ceil(nanos(interval)).saturating_mul(nanos(interval)))
    }
    /// This time if it is a multiple of `interval`, else the last one before it.
    pub(crate) const fn at_or_last_multiple_of(self, interval: Duration) -> BatchTime {
        let step = nanos(interval);
        BatchTime(self.0 / step * step)
    }
    /// The first multiple of `interval` after this time.
    pub const fn next_multiple_of(self, interval: Duration) -> BatchTime {
        let step = nanos(interval);
        BatchTime((self.0 / step).saturating_add(1).saturating_mul(step))
    }
}

/// A time of day in UTC: `22:13:20.000 UTC`.
pub(crate) struct TimeOfDay(BatchTime);

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        let seconds = millis / 1000;
        let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        write!(f, "{hour:02}:{minute:02}:{second:02}.{:03} UTC", millis % 1000)
    }
}

impl std::ops::Add<Duration> for BatchTime {
    type Output = BatchTime;
    fn add(self, by: Duration) -> BatchTime {
        BatchTime(self.0.saturating_add(nanos(by)))
    }
}

/// Milliseconds since the Unix epoch, as Spark prints it: `1700000000000 ms`.
impl fmt::Display for BatchTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.as_millis())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_boundary_lies_strictly_after() {
        let t = BatchTime::from_millis;
        assert_eq!(t(0).next_multiple_of(secs(1)), t(1000));
        assert_eq!(t(1000).next_multiple_of(secs(1)), t(2000));
        assert_eq!(t(1001).next_multiple_of(secs(1)), t(2000));
        assert!(t(2000).is_multiple_of(secs(1)) && !t(2001).is_multiple_of(secs(1)));
    }

    #[test]
    fn time_ends_and_does_not_wrap() {
        let end = BatchTime::from_nanos(u64::MAX);
        let now = BatchTime::from_millis(1_800_000_000_000);
        for long in [Duration::MAX, hours(u64::MAX), minutes(u64::MAX), secs(u64::MAX), hours(24 * 365 * 600)]
        {
            assert_eq!(now + long, end);
            assert_eq!(now.next_multiple_of(long), end);
            assert_eq!(now.at_or_next_multiple_of(long), end);
            assert_eq!(now.at_or_last_multiple_of(long), BatchTime::default());
            assert!(!now.is_multiple_of(long));
            assert!(deadline(long) > tokio::time::Instant::now() + hours(24 * 365));
        }
        assert_eq!(end.next_multiple_of(secs(1)), end);
        assert_eq!(end + secs(1), end);
        assert_eq!(BatchTime::from_millis(u64::MAX), end);
        assert!(now + hours(24 * 365 * 400) < end);
    }
}
