//! Loops: operators repeated until nothing changes, and kept up to date by differential dataflow.

use std::{
    collections::VecDeque,
    rc::Rc,
    time::{Duration, Instant},
};

use differential_dataflow::{VecCollection, operators::iterate::Variable};
use timely::{dataflow::Scope, order::Product};

use crate::{
    build_error::refuse,
    ids::{Epoch, OpId},
    observe::operator_stats,
    operators::{
        kernel::differential::{Comparable, Inside, Looped, Moment, collection, relation},
        window::window_records,
    },
    panic_origin::{Why, fail},
    stream::{
        Stream,
        chain::Chain,
        context::JobContext,
        copies::Copies,
        held::Updates,
        kind::{Holding, StreamKind, Table, Windowed},
    },
    timeline::rhythm::Rhythm,
};

/// Rounds after which a loop is taken to have no end.
const ROUNDS: u64 = 100_000;

/// Time for the rounds of one batch after which a loop is taken to have no end. A round is no unit of time: one that
/// adds records without end takes longer and longer.
const TIME: Duration = Duration::from_secs(60);

/// The inside of a loop. `stream!` passes it; people do not.
pub struct LoopScope<'i, M: Moment>(Scope<'i, Inside<M>>);

impl<M: Moment> Clone for LoopScope<'_, M> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<M: Moment> Copy for LoopScope<'_, M> {}

/// What a loop made, seen from outside.
pub struct Made<'s, M: Moment, T: 'static> {
    collection: VecCollection<'s, M, T, Copies>,
    id: OpId,
    job: Rc<JobContext>,
    rhythm: Rhythm,
}

/// A stream that can go round in a loop, and be read in one.
#[diagnostic::on_unimplemented(
    message = "this stream cannot be used in a loop",
    label = "a loop works on what is kept from batch to batch",
    note = "put `.window(size, slide)` or `.history().allow_unbounded(\"why\")` before it; unbounded state says first how long it is kept"
)]
pub trait Loops: StreamKind {
    /// The time outside of the loop.
    #[doc(hidden)]
    type Moment: Moment;
    /// What comes out of the loop.
    #[doc(hidden)]
    type Out: StreamKind;
    #[doc(hidden)]
    fn updates<'s, T: Comparable, C: Chain<Out = T>>(
        stream: Stream<'s, T, Self, C>,
    ) -> VecCollection<'s, Self::Moment, T, Copies>;
    #[doc(hidden)]
    fn outside<'s, T: Comparable>(made: Made<'s, Self::Moment, T>) -> Stream<'s, T, Self::Out>;
}

impl Loops for Table {
    type Moment = Epoch;
    type Out = Table;
    fn updates<'s, T: Comparable, C: Chain<Out = T>>(
        stream: Stream<'s, T, Self, C>,
    ) -> VecCollection<'s, Epoch, T, Copies> {
        collection(stream)
    }
    fn outside<'s, T: Comparable>(made: Made<'s, Epoch, T>) -> Stream<'s, T, Table> {
        let Made { collection, id, job, rhythm } = made;
        Stream::new(relation(collection, rhythm.clone(), id, job.clone()), id, job, rhythm)
    }
}

impl Loops for Windowed {
    type Moment = Epoch;
    type Out = Table;
    fn updates<'s, T: Comparable, C: Chain<Out = T>>(
        stream: Stream<'s, T, Self, C>,
    ) -> VecCollection<'s, Epoch, T, Copies> {
        collection(window_records(stream))
    }
    fn outside<'s, T: Comparable>(made: Made<'s, Epoch, T>) -> Stream<'s, T, Table> {
        Table::outside(made)
    }
}

impl<M: Moment> Loops for Looped<M> {
    type Moment = Inside<M>;
    type Out = Looped<M>;
    fn updates<'s, T: Comparable, C: Chain<Out = T>>(
        stream: Stream<'s, T, Self, C>,
    ) -> VecCollection<'s, Inside<M>, T, Copies> {
        Self::realise(stream.held, stream.chain, stream.id).collection
    }
    fn outside<'s, T: Comparable>(made: Made<'s, Inside<M>, T>) -> Stream<'s, T, Looped<M>> {
        let Made { collection, id, job, rhythm } = made;
        Stream::new(Updates { collection, settled: false }, id, job, rhythm)
    }
}

impl<'s, T: 'static, P: StreamKind, C: Chain<Out = T>> Stream<'s, T, P, C> {
    /// Repeats `body` until nothing changes: first on this stream, then on what `body` returned. The body can read streams from
    /// outside by their names.
    ///
    /// The result is kept up to date: a batch that changes little costs little, however many rounds the result took. A loop must
    /// come to an end: let it deliver each record once (`distinct`, `reduce_by_key`), and fewer or smaller ones in each round. One that still changes after 100 000 rounds, or when the rounds of one batch have taken 60 s,
    /// ends the job with [`JobError::LoopWithoutEnd`](crate::JobError::LoopWithoutEnd); see
    /// [`iterate_at_most`](Stream::iterate_at_most) and [`iterate_within`](Stream::iterate_within). A job can be stopped
    /// and aborted between two rounds.
    ///
    /// Copies of a record are counted. A loop that multiplies copies in each round ends the job with
    /// [`JobError::TooManyCopies`](crate::JobError::TooManyCopies) when they no longer fit. Records in a loop have no order of
    /// arrival, so `group_by_key`, `cogroup`, `first` and `last` are refused there.
    ///
    /// State: the arrangements of its operators, with the rounds in which each record changed. Cost: every change in every round,
    /// including those that a later round overrules. Where most records end with one value, as the vertices of a large component do,
    /// let that value spread in a loop of its own first, and the others among the rest.
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     /// Every vertex takes the smallest label that it can reach.
    ///     #[batch(secs(1))]
    ///     pub fn components<edges: Source<(u32, u32)>, labels: Sink<(u32, u32)>>() {
    ///         let graph = edges.history().allow_unbounded("the graph is the state");
    ///         let links = graph.flat_map(|(a, b)| [(a, b), (b, a)]);
    ///         let own = links.map(|(a, _)| (a, a)).distinct();
    ///         let reached = own.iterate(|label| {
    ///             let offered = label.join(links).map(|(_, (label, to))| (to, label));
    ///             offered.union(own).reduce_by_key(u32::min)
    ///         });
    ///         reached.to(labels);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn iterate<F, M: Moment, Q: StreamKind>(self, body: F) -> Stream<'s, T, Q>
    where
        T: Comparable,
        P: Loops<Moment = M, Out = Q>,
        F: for<'i> FnOnce(LoopScope<'i, M>, Stream<'i, T, Looped<M>>) -> Stream<'i, T, Looped<M>>,
    {
        self.iterate_at_most(ROUNDS, body)
    }

    /// As [`iterate`](Stream::iterate), with at most `rounds` rounds per batch. State: as there.
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     /// The numbers that halving leads to, down to 1.
    ///     #[batch(secs(1))]
    ///     pub fn halves<numbers: Source<u64>, out: Sink<u64>>() {
    ///         let recent = numbers.window(minutes(1), secs(1)).distinct();
    ///         let reached = recent.iterate_at_most(64, |all| {
    ///             all.filter(|&n| n > 1).map(|n| n / 2).union(recent).distinct()
    ///         });
    ///         reached.to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn iterate_at_most<F, M: Moment, Q: StreamKind>(self, rounds: u64, body: F) -> Stream<'s, T, Q>
    where
        T: Comparable,
        P: Loops<Moment = M, Out = Q>,
        F: for<'i> FnOnce(LoopScope<'i, M>, Stream<'i, T, Looped<M>>) -> Stream<'i, T, Looped<M>>,
    {
        self.iterate_within(rounds, TIME, body)
    }

    /// As [`iterate`](Stream::iterate), with at most `rounds` rounds per batch, which may take `time` together. After a restart, one
    /// batch contains everything that the loop is made of. State: as there.
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     /// The numbers that halving leads to, down to 1, or an error within a second.
    ///     #[batch(secs(1))]
    ///     pub fn halves<numbers: Source<u64>, out: Sink<u64>>() {
    ///         let recent = numbers.window(minutes(1), secs(1)).distinct();
    ///         let reached = recent.iterate_within(64, secs(1), |all| {
    ///             all.filter(|&n| n > 1).map(|n| n / 2).union(recent).distinct()
    ///         });
    ///         reached.to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn iterate_within<F, M: Moment, Q: StreamKind>(
        self,
        rounds: u64,
        time: Duration,
        body: F,
    ) -> Stream<'s, T, Q>
    where
        T: Comparable,
        P: Loops<Moment = M, Out = Q>,
        F: for<'i> FnOnce(LoopScope<'i, M>, Stream<'i, T, Looped<M>>) -> Stream<'i, T, Looped<M>>,
    {
        if rounds == 0 || time.is_zero() {
            refuse(self.id, "a loop makes nothing in no rounds, or in no time: give 1 or more");
        }
        let (id, job, mut rhythm) = (self.id, self.job.clone(), self.rhythm.clone());
        let seed = P::updates(self);
        let outer = seed.scope();
        let result = outer.scoped::<Inside<M>, _, _>(id.0, |scope| {
            let (variable, looped) =
                Variable::new_from(seed.enter(scope), Product::new(Default::default(), 1));
            let looped = Updates { collection: looped, settled: false };
            let once = Stream::new(looped, id, job.clone(), rhythm.clone());
            // What enters the loop renews what comes out of it.
            let Stream { held: made, rhythm: also, .. } = body(LoopScope(scope), once);
            rhythm = rhythm.or(&also);
            // Differences that cancel out must not go round. The arrangement for it is a tenth of a loop's time.
            let bytes = size_of::<(T, Inside<M>, Copies)>();
            let made = match made.settled {
                true => made.collection,
                false => operator_stats::made(id, bytes, || made.collection.consolidate()),
            };
            variable.set(bounded(made.clone(), Bounds::new(rounds, time, id)));
            made.leave(outer)
        });
        P::outside(Made { collection: result, id, job, rhythm })
    }

    /// Brings a stream into a loop. `stream!` writes it.
    #[doc(hidden)]
    pub fn enter<'i, M: Moment>(self, scope: LoopScope<'i, M>) -> Stream<'i, T, Looped<M>>
    where
        T: Comparable,
        P: Loops<Moment = M>,
    {
        let (id, job, rhythm) = (self.id, self.job.clone(), self.rhythm.clone());
        let collection = P::updates(self).enter(scope.0);
        Stream::new(Updates { collection, settled: false }, id, job, rhythm)
    }
}

/// Ends the job when there are changes after so many rounds, or so much time, or more of them than can be counted.
fn bounded<'s, M: Moment, T: Comparable>(
    updates: VecCollection<'s, Inside<M>, T, Copies>,
    mut bounds: Bounds<M>,
) -> VecCollection<'s, Inside<M>, T, Copies> {
    updates.inspect_batch(move |stamp, updates| {
        for (_, _, times) in updates {
            times.get(bounds.id);
        }
        stamp.iter().for_each(|time| bounds.check(time));
    })
}

/// How long a loop may go on for one batch, and how long it has.
struct Bounds<M> {
    rounds: u64,
    time: Duration,
    id: OpId,
    /// The time that the rounds of each batch have taken, of those that were seen last.
    taken: VecDeque<(M, Duration)>,
    seen: Instant,
}

impl<M: Moment> Bounds<M> {
    /// Batches that are remembered. More are hardly under way at once, and one that goes round stays among them.
    const REMEMBERED: usize = 1024;

    fn new(rounds: u64, time: Duration, id: OpId) -> Self {
        Bounds { rounds, time, id, taken: VecDeque::new(), seen: Instant::now() }
    }

    fn check(&mut self, time: &Inside<M>) {
        let before = std::mem::replace(&mut self.seen, Instant::now());
        let place = self.taken.iter().rposition(|(outer, _)| *outer == time.outer);
        let elapsed = match place.and_then(|place| self.taken.remove(place)) {
            // Time counts for the batch that is looked at next, so that none pays for another.
            Some((_, elapsed)) => elapsed + (self.seen - before),
            None => Duration::ZERO,
        };
        if time.inner >= self.rounds || elapsed > self.time {
            fail(self.id, Why::Endless { rounds: time.inner, elapsed });
        }
        self.taken.push_back((time.outer.clone(), elapsed));
        if self.taken.len() > Self::REMEMBERED {
            self.taken.pop_front();
        }
    }
}
