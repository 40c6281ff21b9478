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
/// `n` minutes.
pub const fn minutes(n: u64) -> Duration {
    secs(60 * n)
}
/// `n` hours.
pub const fn hours(n: u64) -> Duration {
    minutes(60 * n)
}

/// The stream time at which a batch closed; it names the batch.
///
/// A batch at `t` holds what arrived in `(previous batch, t]`. Regular batches are at multiples of the
/// batch interval since the Unix epoch; a batch closed early lies between two of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BatchTime(u64);

impl BatchTime {
    /// The time `nanos` nanoseconds after the Unix epoch.
    pub const fn from_nanos(nanos: u64) -> Self {
        BatchTime(nanos)
    }
    /// The time `millis` milliseconds after the Unix epoch.
    pub const fn from_millis(millis: u64) -> Self {
        BatchTime(millis * 1_000_000)
    }
    /// Nanoseconds since the Unix epoch.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }
    /// Whole milliseconds since the Unix epoch, Spark's unit.
    pub const fn as_millis(self) -> u64 {
        self.0 / 1_000_000
    }
    /// Whether this is a multiple of `interval` since the Unix epoch.
    pub const fn is_multiple_of(self, interval: Duration) -> bool {
        self.0.is_multiple_of(interval.as_nanos() as u64)
    }
    /// This time if it is a multiple of `interval`, else the first one after it.
    pub(crate) const fn at_or_next_multiple_of(self, interval: Duration) -> BatchTime {
        BatchTime(self.0.div_ceil(interval.as_nanos() as u64) * interval.as_nanos() as u64)
    }
    /// This time if it is a multiple of `interval`, else the last one before it.
    pub(crate) const fn at_or_last_multiple_of(self, interval: Duration) -> BatchTime {
        let step = interval.as_nanos() as u64;
        BatchTime(self.0 / step * step)
    }
    /// The first multiple of `interval` after this time.
    pub const fn next_multiple_of(self, interval: Duration) -> BatchTime {
        let step = interval.as_nanos() as u64;
        BatchTime((self.0 / step + 1) * step)
    }
}

impl std::ops::Add<Duration> for BatchTime {
    type Output = BatchTime;
    fn add(self, by: Duration) -> BatchTime {
        BatchTime(self.0 + by.as_nanos() as u64)
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
}
