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

/// Date and time of day in UTC, to the millisecond: `2023-11-14 22:13:20.000 UTC`.
impl fmt::Display for BatchTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = date(self.as_millis() / 86_400_000);
        write!(f, "{year}-{month:02}-{day:02} {}", self.time_of_day())
    }
}

/// The year, month and day in the Gregorian calendar that lie `days` days after 1970-01-01: `civil_from_days` of
/// <https://howardhinnant.github.io/date_algorithms.html>, for days that are not before. Its years begin in March, so that the
/// day that is not in each year is the last.
const fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468; // from 0000-03-01
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day_of_month = day - (153 * month + 2) / 5 + 1;
    let is_next_year = month >= 10;
    let month = if is_next_year { month - 9 } else { month + 3 };
    (era * 400 + year + is_next_year as u64, month, day_of_month)
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
    fn a_time_is_read_as_a_date() {
        let text = |millis| BatchTime::from_millis(millis).to_string();
        assert_eq!(text(0), "1970-01-01 00:00:00.000 UTC");
        assert_eq!(text(86_399_999), "1970-01-01 23:59:59.999 UTC");
        assert_eq!(text(951_782_400_000), "2000-02-29 00:00:00.000 UTC");
        assert_eq!(text(951_868_800_000), "2000-03-01 00:00:00.000 UTC");
        assert_eq!(text(1_700_000_000_000), "2023-11-14 22:13:20.000 UTC");
        assert_eq!(text(1_735_689_599_000), "2024-12-31 23:59:59.000 UTC");
        assert_eq!(text(4_107_542_400_000), "2100-03-01 00:00:00.000 UTC");
        assert_eq!(text(u64::MAX), "2554-07-21 23:34:33.709 UTC");
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
