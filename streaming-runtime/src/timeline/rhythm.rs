//! Which batches renew a stream.
//!
//! The guide "What a pipeline means" has the table of what two streams make together; operators follow it with this module.
//!
//! Invariant: the records of a stream of batches, and contents and changes of what is kept, come only in batches in which
//! the stream's rhythm is due. So an operator that asks [`BatchContext::is_due`](crate::stream::context::BatchContext::is_due) with the rhythm of its
//! input misses nothing. Records for a window come with each batch, and wait there.

use std::time::Duration;

use crate::{
    time::{BatchTime, nanos},
    timeline::{Follows, Timeline},
};

/// In which batches a stream is renewed, and what it has in between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rhythm {
    /// In each batch, also one that closes early.
    batches: bool,
    /// At the multiples of each of these; in order, each once.
    slides: Vec<Duration>,
    /// Whether the records of a stream of batches stand until it is renewed, as contents do. Otherwise they belong to
    /// the batch in which they come, as what arrives and what changes does.
    stands: bool,
}

impl Rhythm {
    /// That of a source: what arrives.
    pub(crate) fn of_batches() -> Self {
        Rhythm { batches: true, slides: Vec::new(), stands: false }
    }

    /// That of a window.
    pub(crate) fn of_slide(slide: Duration) -> Self {
        Rhythm { batches: false, slides: vec![slide], stands: true }
    }

    /// Renewed whenever one of the two is. With another rhythm beside them, contents do not stand by themselves.
    pub(crate) fn or(&self, other: &Rhythm) -> Rhythm {
        let mut slides = [&*self.slides, &*other.slides].concat();
        slides.sort_unstable();
        slides.dedup();
        let stands = self.stands && other.stands && self.is_with(other);
        Rhythm { batches: self.batches || other.batches, slides, stands }
    }

    /// The same, of contents.
    pub(crate) fn standing(self) -> Self {
        Rhythm { stands: true, ..self }
    }

    /// The same, of what belongs to its batch.
    pub(crate) fn passing(self) -> Self {
        Rhythm { stands: false, ..self }
    }

    /// Whether records stand until the next renewal.
    pub(crate) fn stands(&self) -> bool {
        self.stands
    }

    /// Whether both are renewed by the same batches, always.
    pub(crate) fn is_with(&self, other: &Rhythm) -> bool {
        (self.batches, &self.slides) == (other.batches, &other.slides)
    }

    /// Whether the batch of this time, which follows so on the one before, renews it.
    pub(crate) fn is_due(&self, time: BatchTime, follows: Follows) -> bool {
        self.batches && follows.is_regular() || self.slides.iter().any(|slide| follows.is_due(time, *slide))
    }

    /// When it was renewed last, as of a batch behind these times.
    pub(crate) fn last(&self, as_of: BatchTime, timeline: &Timeline) -> BatchTime {
        let slides = self.slides.iter().map(|slide| timeline.last_due(as_of, Some(*slide)));
        let own = self.batches.then(|| timeline.last_due(as_of, None));
        slides.chain(own).max().expect("what no batch renews has slides")
    }

    /// At or after which time it is renewed for certain, if batches are `interval` apart at most.
    pub(crate) fn at_or_next(&self, time: BatchTime, interval: Duration) -> BatchTime {
        let own = self.batches.then_some(interval);
        let next = self.slides.iter().chain(&own).map(|slide| time.at_or_next_multiple_of(*slide)).min();
        next.expect("what no batch renews has slides")
    }

    /// The length that all times of renewals are multiples of, but for batches that close early.
    pub(crate) fn step(&self, interval: Duration) -> Duration {
        let slides = self.slides.iter().copied().map(nanos);
        let own = self.batches.then_some(nanos(interval));
        let step = slides.chain(own).reduce(common).expect("what no batch renews has slides");
        Duration::from_nanos(step)
    }

    /// The slide of what is renewed at the multiples of one, and not by each batch.
    pub(crate) fn slide(&self) -> Option<Duration> {
        match &*self.slides {
            [slide] if !self.batches => Some(*slide),
            _ => None,
        }
    }
}

/// The greatest common divisor.
pub(crate) fn common(mut a: u64, mut b: u64) -> u64 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::secs;

    fn due(rhythm: &Rhythm, time: BatchTime) -> bool {
        rhythm.is_due(time, Follows::Closely)
    }

    fn last(rhythm: &Rhythm, as_of: BatchTime) -> BatchTime {
        rhythm.last(as_of, &Timeline::default())
    }

    #[test]
    fn what_is_made_of_two_is_renewed_with_each() {
        let at = BatchTime::from_millis;
        let both = Rhythm::of_slide(secs(4)).or(&Rhythm::of_slide(secs(6)));
        let renewed: Vec<u64> = (1..=12).filter(|n| due(&both, at(n * 1000))).collect();
        assert_eq!(renewed, [4, 6, 8, 12]);
        assert_eq!((last(&both, at(7500)), last(&both, at(6000))), (at(6000), at(6000)));
        assert_eq!(both.at_or_next(at(6001), secs(1)), at(8000));
        assert_eq!((both.step(secs(1)), both.slide()), (secs(2), None));
        assert!(!due(&both, at(4001)) && !both.stands());
        let all = both.or(&Rhythm::of_batches());
        assert!(due(&all, at(4001)));
        assert_eq!((last(&all, at(4001)), all.step(secs(1))), (at(4001), secs(1)));
        assert_eq!(all.at_or_next(at(4001), secs(1)), at(5000));
    }

    /// A slide of one batch is not each batch: batches close early.
    #[test]
    fn a_slide_of_one_batch_leaves_early_batches_out() {
        let (slide, batches) = (Rhythm::of_slide(secs(1)), Rhythm::of_batches());
        assert!(due(&slide, BatchTime::from_millis(1000)) && !due(&slide, BatchTime::from_millis(1001)));
        assert!(!slide.is_with(&batches) && slide.is_with(&slide.clone().passing()));
        assert!(slide.or(&slide).stands() && !slide.or(&batches).stands());
    }
}
