//! How batches follow each other: which slides were due where batches do not follow each other closely.
//!
//! A slide is due at its multiples, and normally each of them is a batch. There are two exceptions:
//!
//! - When all sources have ended, each window is delivered once more, at its next slide. In such an *ending* batch only those slides are
//!   due that have it as their next after the last batch before the end.
//! - [Missed](crate::Engine::skip_missed_batches) batches may be skipped. Then nothing was due between two batches.
//!
//! Code that asks when something was last due, or whether a window's contents have been taken back by now, must know of both. A
//! [`Timeline`] has the stretches of time that still matter.

pub(crate) mod rhythm;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::BatchTime;

/// How a batch follows the one before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Follows {
    /// At the next boundary, or earlier.
    #[default]
    Closely,
    /// All sources have ended: it is the next slide of some windows.
    AtTheEnd(Jump),
    /// The boundaries in between were left out.
    AfterMissed(Jump),
}

/// From which batch time jumped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Jump {
    /// The last batch before; of several at the end, the last before all of them.
    #[serde(with = "nanos")]
    pub(crate) from: BatchTime,
    /// When each slide of the pipeline will have been due after it, if time goes on.
    #[serde(with = "nanos")]
    pub(crate) settled: BatchTime,
}

impl Jump {
    /// To the batch of time `to`, in a pipeline of these slides.
    pub(crate) fn new(from: BatchTime, to: BatchTime, slides: &[Duration]) -> Self {
        let settled = slides.iter().map(|slide| to.next_multiple_of(*slide)).max().unwrap_or(to);
        Jump { from, settled }
    }
}

impl Follows {
    /// Whether what is renewed by each batch is renewed by this one.
    pub(crate) fn is_regular(self) -> bool {
        !matches!(self, Follows::AtTheEnd(_))
    }

    /// Whether a slide is due in a batch of this time.
    pub(crate) fn is_due(self, time: BatchTime, slide: Duration) -> bool {
        match self {
            Follows::AtTheEnd(Jump { from, .. }) => at_the_end(from, slide) == Some(time),
            _ => time.is_multiple_of(slide),
        }
    }
}

/// When a slide is due at the end, if the last batch before is that of time `from`.
pub(crate) fn at_the_end(from: BatchTime, slide: Duration) -> Option<BatchTime> {
    (!from.is_multiple_of(slide)).then(|| from.next_multiple_of(slide))
}

/// The stretches up to some batch, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Timeline(Vec<Stretch>);

/// From one batch to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) upto: BatchTime,
    pub(crate) follows: Follows,
}

impl Stretch {
    pub(crate) fn jump(self) -> Jump {
        match self.follows {
            Follows::AtTheEnd(jump) | Follows::AfterMissed(jump) => jump,
            Follows::Closely => Jump { from: self.upto, settled: self.upto },
        }
    }
}

impl FromIterator<Stretch> for Timeline {
    fn from_iter<I: IntoIterator<Item = Stretch>>(stretches: I) -> Self {
        Timeline(stretches.into_iter().collect())
    }
}

impl Timeline {
    pub(crate) fn stretches(&self) -> &[Stretch] {
        &self.0
    }

    /// One more batch.
    pub(crate) fn push(&mut self, time: BatchTime, follows: Follows) {
        if follows == Follows::Closely {
            return;
        }
        let stretch = Stretch { upto: time, follows };
        let from = stretch.jump().from;
        match self.0.last_mut() {
            // One more batch of the same end.
            Some(last) if last.jump().from == from => *last = stretch,
            _ => {
                let settled = self.0.iter().rposition(|old| old.jump().settled <= from);
                self.0.drain(..settled.map_or(0, |last| last + 1));
                self.0.push(stretch);
            }
        }
    }

    /// If the batch of time `last` is one of the end: the last batch before that.
    pub(crate) fn ends_from(&self, last: BatchTime) -> Option<BatchTime> {
        match self.0.last() {
            Some(Stretch { upto, follows: Follows::AtTheEnd(jump) }) if *upto == last => Some(jump.from),
            _ => None,
        }
    }

    /// When a slide was due last, as of a batch; `None` for what is renewed by each batch.
    pub(crate) fn last_due(&self, mut as_of: BatchTime, slide: Option<Duration>) -> BatchTime {
        let last = |as_of: BatchTime| slide.map_or(as_of, |slide| as_of.at_or_last_multiple_of(slide));
        for stretch in self.0.iter().rev() {
            let Jump { from, .. } = stretch.jump();
            if last(as_of) > stretch.upto || as_of <= from {
                continue;
            }
            match (stretch.follows, slide) {
                (Follows::AfterMissed(_), _) if last(as_of) == stretch.upto => return stretch.upto,
                (Follows::AtTheEnd(_), Some(slide)) => {
                    if let Some(due) = at_the_end(from, slide).filter(|due| *due <= as_of.min(stretch.upto)) {
                        return due;
                    }
                }
                _ => {}
            }
            as_of = from;
        }
        last(as_of)
    }

    /// Whether what counts until the slide at `until` has been taken back, as of a batch.
    pub(crate) fn is_over(&self, mut until: BatchTime, as_of: BatchTime) -> bool {
        for stretch in &self.0 {
            let Jump { from, settled } = stretch.jump();
            let is_last = matches!(stretch.follows, Follows::AfterMissed(_)) && until == stretch.upto;
            if until > from && until <= stretch.upto && !is_last {
                until = settled;
            }
        }
        until <= as_of
    }
}

/// Batch times as numbers.
mod nanos {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::time::BatchTime;

    pub(super) fn serialize<S: Serializer>(time: &BatchTime, serializer: S) -> Result<S::Ok, S::Error> {
        time.as_nanos().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BatchTime, D::Error> {
        u64::deserialize(deserializer).map(BatchTime::from_nanos)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::secs;

    const SLIDES: [Duration; 3] = [secs(3), secs(4), secs(6)];

    fn t(seconds: u64) -> BatchTime {
        BatchTime::from_nanos(seconds * 1_000_000_000)
    }

    fn jump(from: u64, to: u64) -> Jump {
        Jump::new(t(from), t(to), &SLIDES)
    }

    /// Batches of one second, an end, more batches, an absence, and more.
    fn history() -> Vec<(BatchTime, Follows)> {
        let closely = |times: std::ops::RangeInclusive<u64>| times.map(|at| (t(at), Follows::Closely));
        let end = |from, to| (t(to), Follows::AtTheEnd(jump(from, to)));
        let missed = |from, to| (t(to), Follows::AfterMissed(jump(from, to)));
        let mut all: Vec<_> = closely(1..=13).collect();
        all.extend([end(13, 15), end(13, 16), end(13, 18)]);
        all.extend(closely(19..=19));
        all.extend([end(19, 20), end(19, 21)]);
        all.extend(closely(22..=26));
        all.extend([missed(26, 28), missed(28, 100)]);
        all.extend(closely(101..=101));
        all.push(missed(101, 120));
        all.extend(closely(121..=130));
        all
    }

    #[test]
    fn what_was_due_last_is_what_going_through_all_batches_says() {
        for slide in SLIDES.map(Some).into_iter().chain([None]) {
            let (mut timeline, mut due) = (Timeline::default(), t(0));
            for (time, follows) in history() {
                timeline.push(time, follows);
                if slide.map_or(follows.is_regular(), |slide| follows.is_due(time, slide)) {
                    due = time;
                }
                assert_eq!(timeline.last_due(time, slide), due, "{slide:?} as of {time}: {timeline:?}");
            }
        }
    }

    #[test]
    fn nothing_is_over_before_its_slide_was_due_at_or_after_its_time() {
        for slide in SLIDES {
            let mut timeline = Timeline::default();
            let mut due = t(0);
            for (time, follows) in history() {
                timeline.push(time, follows);
                if follows.is_due(time, slide) {
                    due = time;
                }
                for until in (0..140).map(t).filter(|until| until.is_multiple_of(slide)) {
                    let over = timeline.is_over(until, time);
                    assert!(!over || until <= due, "{until} as of {time}, due last at {due}: {timeline:?}");
                }
            }
            assert!(timeline.is_over(t(100), t(130)), "it is over in the end");
            assert!(timeline.0.len() <= 2, "what is settled is forgotten: {timeline:?}");
        }
    }

    #[test]
    fn of_an_end_half_way_it_is_known_from_where() {
        let mut timeline = Timeline::default();
        for (time, follows) in history().into_iter().take(14) {
            timeline.push(time, follows);
        }
        assert_eq!(timeline.ends_from(t(15)), Some(t(13)));
        assert_eq!(timeline.ends_from(t(16)), None);
    }
}
