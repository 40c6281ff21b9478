//! Recent values in bounded memory: records per quarter of a second, delays of the last batches.
//!
//! Each has one writer at a time, and readers never delay it: a reader that looks during a write may see the old value.

use std::{
    sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

use crate::observe::metrics::Delays;

/// Nanoseconds of a slot.
const SLOT: u64 = 250_000_000;
/// Slots that make up a rate: five seconds.
const COUNTED: u64 = 20;
/// Slots that are kept: a power of two.
const SLOTS: u64 = 32;
/// Bits of a count; above them stands the last part of its slot's number.
const BITS: u32 = 40;

/// Counts of the last seconds.
#[derive(Default)]
pub(crate) struct CountedSpan([AtomicU64; SLOTS as usize]);

impl CountedSpan {
    /// Counts `n` at a time in nanoseconds.
    pub(crate) fn add(&self, n: u64, now: u64) {
        let number = now / SLOT;
        let slot = &self.0[(number % SLOTS) as usize];
        let before = slot.load(Relaxed);
        let count = if before >> BITS == tag(number) { before & ((1 << BITS) - 1) } else { 0 };
        slot.store(tag(number) << BITS | (count + n).min((1 << BITS) - 1), Relaxed);
    }

    /// What was counted in the slots before and at `now`.
    fn lately(&self, now: u64) -> u64 {
        let last = now / SLOT;
        let slots = (last + 1).saturating_sub(COUNTED)..=last;
        slots
            .map(|number| (number, self.0[(number % SLOTS) as usize].load(Relaxed)))
            .filter(|(number, slot)| slot >> BITS == tag(*number))
            .map(|(_, slot)| slot & ((1 << BITS) - 1))
            .sum()
    }
}

fn tag(number: u64) -> u64 {
    number & ((1 << (64 - BITS)) - 1)
}

/// How many a second were counted, of a job that began at `began`.
pub(crate) fn rate<'a>(parts: impl Iterator<Item = &'a CountedSpan>, began: u64, now: u64) -> f64 {
    let from = ((now / SLOT + 1).saturating_sub(COUNTED) * SLOT).max(began);
    let counted: u64 = parts.map(|part| part.lately(now)).sum();
    match now.saturating_sub(from) {
        0 => 0.0,
        nanos => counted as f64 * 1e9 / nanos as f64,
    }
}

/// The number of batches whose delays are kept.
const BATCHES: usize = 256;

/// The delays of the last batches.
pub(crate) struct DelayHistory {
    nanos: Box<[AtomicU64]>,
    written: AtomicUsize,
}

impl Default for DelayHistory {
    fn default() -> Self {
        DelayHistory {
            nanos: (0..BATCHES).map(|_| AtomicU64::new(0)).collect(),
            written: AtomicUsize::new(0),
        }
    }
}

impl DelayHistory {
    pub(crate) fn add(&self, delay: Duration) {
        let n = self.written.load(Relaxed);
        self.nanos[n % BATCHES].store(delay.as_nanos() as u64, Relaxed);
        self.written.store(n + 1, Relaxed);
    }

    pub(crate) fn summary(&self) -> Delays {
        let written = self.written.load(Relaxed);
        let Some(last) = written.checked_sub(1) else { return Delays::default() };
        let of = |nanos: u64| Duration::from_nanos(nanos);
        let last = of(self.nanos[last % BATCHES].load(Relaxed));
        let mut nanos: Vec<u64> =
            self.nanos[..written.min(BATCHES)].iter().map(|nanos| nanos.load(Relaxed)).collect();
        nanos.sort_unstable();
        let n = nanos.len();
        Delays {
            batches: n,
            last,
            mean: of(nanos.iter().sum::<u64>() / n as u64),
            p50: of(nanos[(n - 1) / 2]),
            p99: of(nanos[(n - 1) * 99 / 100]),
            max: of(nanos[n - 1]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_of_the_last_five_seconds() {
        let (counted, second) = (CountedSpan::default(), 1_000_000_000);
        let rate = |now| rate([&counted].into_iter(), 0, now);
        assert_eq!(rate(0), 0.0);
        for n in 0..100 {
            counted.add(10, n * second / 10);
        }
        assert_eq!(rate(10 * second - 1).round(), 100.0, "a hundred a second");
        assert!(rate(12 * second) < 70.0, "none in the last two");
        assert_eq!(rate(15 * second), 0.0);
        counted.add(7, 100 * second);
        assert_eq!(counted.lately(100 * second), 7, "what stood in the slot long ago is forgotten");
    }

    #[test]
    fn a_young_job_has_a_rate_from_its_start() {
        let (counted, began) = (CountedSpan::default(), 1_700_000_000_123_456_789);
        counted.add(30, began + 1);
        assert_eq!(rate([&counted, &counted].into_iter(), began, began + 500_000_000), 120.0);
    }

    #[test]
    fn delays_are_of_the_last_batches() {
        let history = DelayHistory::default();
        assert_eq!(history.summary(), Delays::default());
        (0..1000).for_each(|n| history.add(Duration::from_nanos(n)));
        let delays = history.summary();
        let nanos = [delays.last, delays.p50, delays.p99, delays.max].map(|delay| delay.as_nanos());
        assert_eq!((delays.batches, nanos), (256, [999, 871, 996, 999]));
    }
}
