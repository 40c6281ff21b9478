//! Stream time by the system's clock, which may be set, and a monotonic one, which may stand still.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use crate::time::{BatchTime, nanos};

/// Reads the system's clock; tests replace it.
pub(crate) type ReadTime = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// How far the system's clock may go on at once for stream time to go with it.
const FOLLOWED: Duration = Duration::from_secs(31 * 24 * 3600);
/// Less than this is how exactly two clocks can be read one after the other.
const EXACT: Duration = Duration::from_millis(10);
/// A larger difference is reported.
const TOLD: Duration = Duration::from_secs(1);

/// See the module above.
pub(crate) struct SystemClock {
    read: ReadTime,
    started: Instant,
    /// Stream time when it started, and what was added since. It never becomes less.
    at: AtomicU64,
    /// Stream time less the system's, in nanoseconds, as of the last look.
    offset: AtomicI64,
    /// One at a time compares the two.
    looking: Mutex<()>,
}

impl fmt::Debug for SystemClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SystemClock").field("now", &self.now()).field("offset", &self.offset).finish()
    }
}

impl SystemClock {
    pub(crate) fn new(read: ReadTime) -> Self {
        let clock = SystemClock {
            read,
            started: Instant::now(),
            at: AtomicU64::new(0),
            offset: AtomicI64::new(0),
            looking: Mutex::default(),
        };
        clock.at.store(clock.system(), Relaxed);
        clock
    }

    /// Times before 1970 are as early as any.
    fn system(&self) -> u64 {
        nanos((self.read)().duration_since(UNIX_EPOCH).unwrap_or_default())
    }

    pub(crate) fn now(&self) -> BatchTime {
        BatchTime::from_nanos(self.at.load(Relaxed).saturating_add(nanos(self.started.elapsed())))
    }

    /// How long it is to `time`, if neither clock jumps.
    pub(crate) fn left(&self, time: BatchTime) -> Duration {
        Duration::from_nanos(time.as_nanos().saturating_sub(self.now().as_nanos()))
    }

    /// Stream time less the system's, in nanoseconds, as of the last [look](SystemClock::look).
    pub(crate) fn offset(&self) -> i64 {
        self.offset.load(Relaxed)
    }

    /// Compares stream time with the system's clock.
    pub(crate) fn look(&self) {
        let _one = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
        let gap = i128::from(self.system()) - i128::from(self.now().as_nanos());
        let is_followed = gap > EXACT.as_nanos() as i128 && gap <= FOLLOWED.as_nanos() as i128;
        if is_followed {
            let gap = gap as u64; // more than 0, and at most a month
            self.at.fetch_add(gap, Relaxed);
            if gap > nanos(TOLD) {
                tracing::warn!(
                    by = ?Duration::from_nanos(gap),
                    "the system's clock went on, as after a suspension or when it is set: batches are due for that time"
                );
            }
        }
        let offset = if is_followed || gap.unsigned_abs() <= EXACT.as_nanos() { 0 } else { -gap };
        let offset = i64::try_from(offset).unwrap_or(if offset < 0 { i64::MIN } else { i64::MAX });
        let before = self.offset.swap(offset, Relaxed);
        if offset.abs_diff(before) > nanos(TOLD) {
            let by = Duration::from_nanos(offset.unsigned_abs());
            match offset {
                0 => tracing::info!("stream time is the system's again"),
                1.. => tracing::warn!(
                    ?by,
                    "the system's clock is behind stream time, which goes on: batches are ahead of it by that"
                ),
                _ => tracing::warn!(
                    ?by,
                    "the system's clock went on by more than a month at once, which stream time does not follow: batches are behind it by \
                     that until the job is started again"
                ),
            }
        }
    }

    /// Goes on from `time`, if it is not there yet.
    pub(crate) fn not_before(&self, time: BatchTime) {
        let lacks = time.as_nanos().saturating_sub(self.now().as_nanos());
        if lacks > 0 {
            self.at.fetch_add(lacks, Relaxed);
        }
        self.look();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{hours, secs};

    const DAY: i64 = 24 * 3600;

    /// A clock, and by how many seconds the system's was set.
    fn clock() -> (SystemClock, Arc<AtomicI64>) {
        let set = Arc::new(AtomicI64::new(0));
        let (by, begun) = (set.clone(), Instant::now());
        let read = move || {
            let right = UNIX_EPOCH + hours(24 * 365 * 50) + begun.elapsed();
            let by = by.load(Relaxed);
            let length = secs(by.unsigned_abs());
            if by < 0 { right - length } else { right + length }
        };
        (SystemClock::new(Arc::new(read)), set)
    }

    /// Whole seconds from `begin` to now, and of the offset.
    fn seconds(clock: &SystemClock, begin: BatchTime) -> (i64, i64) {
        let whole = |nanos: i64| (nanos as f64 / 1e9).round() as i64;
        (whole((clock.now().as_nanos() - begin.as_nanos()) as i64), whole(clock.offset()))
    }

    #[test]
    fn it_goes_on_with_the_system_and_never_back() {
        let (clock, set) = clock();
        let begin = clock.now();
        for (system, stream, offset) in [
            (0, 0, 0),
            (3600, 3600, 0),    // a suspension, or set right
            (0, 3600, 3600),    // set back
            (1800, 3600, 1800), // half of it
            (7200, 7200, 0),    // past it
            (-365 * DAY, 7200, 7200 + 365 * DAY),
            (365 * DAY, 7200, 7200 - 365 * DAY), // too far to make all of its batches
            (7200, 7200, 0),
            (30 * DAY, 30 * DAY, 0),
        ] {
            set.store(system, Relaxed);
            clock.look();
            assert_eq!(seconds(&clock, begin), (stream, offset), "the system's clock is set by {system} s");
        }
    }

    #[test]
    fn it_begins_where_a_job_left_off() {
        let (clock, _) = clock();
        let begin = clock.now();
        clock.not_before(begin + hours(1));
        assert_eq!(seconds(&clock, begin), (3600, 3600));
        clock.not_before(begin);
        assert_eq!(seconds(&clock, begin), (3600, 3600));
    }

    #[test]
    fn a_system_that_knows_no_time_begins_in_1970() {
        let clock = SystemClock::new(Arc::new(|| UNIX_EPOCH - secs(5)));
        assert!(clock.now() < BatchTime::from_millis(60_000));
        clock.look();
        assert!(clock.offset() >= 0);
    }
}
