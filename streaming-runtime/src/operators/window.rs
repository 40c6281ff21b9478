//! Windows, and the forms in which what is kept is delivered: whole, or as changes.

use std::{collections::VecDeque, convert::Infallible, rc::Rc, time::Duration};

use timely::dataflow::channels::pact::Pipeline;

use crate::{
    build_error::refuse,
    checkpoint::{StateShape, state_log::StateWriter},
    observe::operator_stats::Held,
    operators::kernel::{
        sliding::WindowSpec,
        stateful::{Audience, BatchContext, Output, StatefulOperator, keep_of},
    },
    record::Record,
    stream::{
        Stream,
        chain::{Chain, Ready},
        context::JobContext,
        kind::{Panes, PerBatch, Relation, StreamKind, Table, UnboundedTable, UnboundedWindow, Windowed},
        rhythm::Rhythm,
    },
    time::{BatchTime, TimeSpan},
};

/// A stream that can be delivered whole: its state has a bound.
#[diagnostic::on_unimplemented(
    message = "the state of this stream can grow without bound",
    label = "nothing says how long it is kept",
    note = "say it before this operator: `.expire_after(minutes(30))`, or `.allow_unbounded(\"why\")` if it is meant to grow"
)]
pub trait Materialize: StreamKind {
    /// The chain that is left on the contents.
    #[doc(hidden)]
    type Left<C: Chain<Out: Record>>: Chain<Out = C::Out>;
    #[doc(hidden)]
    fn contents<'s, T: Record, C: Chain<Out = T>>(
        stream: Stream<'s, T, Self, C>,
    ) -> Stream<'s, T, PerBatch, Self::Left<C>>;
}

/// A stream of which it is kept what changed.
#[diagnostic::on_unimplemented(
    message = "this stream has no changes",
    label = "a stream of batches is new in each batch, and state without a bound cannot be delivered",
    note = "`.changes()` is for what is kept from batch to batch: put `.window(..)`, `.update_state(..)` or another operator with state before it, and say how long unbounded state is kept"
)]
pub trait Changing: Materialize {
    #[doc(hidden)]
    fn changes<'s, T: Record, C: Chain<Out = T>>(stream: Stream<'s, T, Self, C>) -> Stream<'s, (T, i64)>;
}

impl Materialize for PerBatch {
    type Left<C: Chain<Out: Record>> = C;
    fn contents<'s, T: Record, C: Chain<Out = T>>(
        stream: Stream<'s, T, Self, C>,
    ) -> Stream<'s, T, PerBatch, C> {
        stream
    }
}

impl Materialize for Table {
    type Left<C: Chain<Out: Record>> = C;
    fn contents<'s, T: Record, C: Chain<Out = T>>(
        stream: Stream<'s, T, Self, C>,
    ) -> Stream<'s, T, PerBatch, C> {
        let mut contents = stream.on(|relation| {
            relation.wants.want_contents();
            relation.contents
        });
        contents.rhythm = contents.rhythm.standing();
        contents
    }
}

impl Changing for Table {
    fn changes<'s, T: Record, C: Chain<Out = T>>(stream: Stream<'s, T, Self, C>) -> Stream<'s, (T, i64)> {
        let Stream { held, chain, id, job, rhythm, .. } = stream;
        held.wants.want_changes();
        Stream::new(chain.realise_changes(held.changes, id), id, job, rhythm.passing())
    }
}

impl Materialize for Windowed {
    type Left<C: Chain<Out: Record>> = Ready<C::Out>;
    fn contents<'s, T: Record, C: Chain<Out = T>>(stream: Stream<'s, T, Self, C>) -> Stream<'s, T, PerBatch> {
        Table::contents(kept(stream))
    }
}

impl Changing for Windowed {
    fn changes<'s, T: Record, C: Chain<Out = T>>(stream: Stream<'s, T, Self, C>) -> Stream<'s, (T, i64)> {
        Table::changes(kept(stream))
    }
}

/// The records of a window, each on the worker where it came in.
pub(crate) fn kept<'s, T: Record, C: Chain<Out = T>>(
    stream: Stream<'s, T, Windowed, C>,
) -> Stream<'s, T, Table> {
    let Stream { held: Panes { batches, size }, mut chain, id, job, rhythm, .. } = stream;
    let keeper = Records {
        cut: WindowSpec::new(size, rhythm.step(job.interval)),
        rhythm: rhythm.clone(),
        job: job.clone(),
        panes: VecDeque::new(),
        entered: 0,
        kept: 0,
    };
    let gather = move |batch: &mut Vec<T>, records: &mut Vec<C::In>| chain.gather(records, batch);
    let keeps = C::IS_EMPTY.then(|| *batches.name());
    let (_, relation) = keep_of(batches, Pipeline, (false, keeps), id, job.clone(), keeper, gather);
    Stream::new(relation, id, job, rhythm)
}

/// The records of a window as they are.
struct Records<T> {
    cut: WindowSpec,
    rhythm: Rhythm,
    job: Rc<JobContext>,
    panes: VecDeque<(BatchTime, Vec<T>)>,
    /// Panes from here on are not in the window that was delivered last.
    entered: usize,
    /// How many records the panes have together.
    kept: usize,
}

impl<T: Record> Records<T> {
    fn enter(&mut self, time: BatchTime, batch: &mut Vec<T>) {
        let end = self.cut.pane_of(time);
        if batch.is_empty() || self.cut.is_between(end) {
            return batch.clear();
        }
        self.kept += batch.len();
        let fresh = self.panes.len() > self.entered;
        match self.panes.back_mut() {
            Some((last, pane)) if fresh && *last == end => pane.append(batch),
            _ => self.panes.push_back((end, std::mem::take(batch))),
        }
    }

    fn slide(&mut self, time: BatchTime, said: &mut Output<T>) {
        while let Some((_, pane)) = self.panes.pop_front_if(|(end, _)| self.cut.has_left(*end, time)) {
            self.kept -= pane.len();
            if self.entered == 0 {
                continue; // it was never in a window that was delivered
            }
            self.entered -= 1;
            pane.into_iter().for_each(|record| said.change(|| record, -1));
        }
        for (_, pane) in self.panes.range(self.entered..) {
            pane.iter().for_each(|record| said.change(|| record.clone(), 1));
        }
        self.entered = self.panes.len();
        if said.wants_contents() {
            self.panes.iter().for_each(|(_, pane)| said.contents.extend_from_slice(pane));
        }
    }
}

impl<T: Record> StatefulOperator for Records<T> {
    type In = T;
    type Out = T;
    type Emitted = Infallible;

    const KIND: &'static str = "window";

    fn shape(&self) -> Option<StateShape> {
        Some(StateShape::panes::<T>(self.cut.size, self.rhythm.slide()))
    }

    fn close(
        &mut self,
        BatchContext { epoch, time }: BatchContext,
        batch: &mut Vec<T>,
        said: &mut Output<T>,
        log: &StateWriter,
    ) {
        let end = self.cut.pane_of(time);
        if log.is_on() && !batch.is_empty() && !self.cut.is_between(end) {
            log.pane::<T, T>(epoch, self.cut.until(end), batch);
        }
        if self.cut.size.is_none() && !said.wants.contents() {
            // Nothing ever leaves, so nothing needs to be remembered.
            self.panes.clear();
            batch.drain(..).for_each(|record| said.change(|| record, 1));
            return;
        }
        self.enter(time, batch);
        if self.job.is_due(epoch, &self.rhythm) {
            self.slide(time, said);
        }
        said.held = Held::new(self.kept, self.kept * size_of::<T>());
    }

    fn restore(&mut self, as_of: BatchTime, log: &StateWriter, _: &mut Vec<T>, said: &mut Output<T>) {
        let due = self.job.last_due(as_of, &self.rhythm);
        let mut later = Vec::new();
        log.panes(|time, is_mine, mut batch| match () {
            () if !is_mine => {}
            () if time > due => later.push((time, batch)),
            () => self.enter(time, &mut batch),
        });
        said.speaking(Audience::Contents, |said| self.slide(due, said));
        later.iter_mut().for_each(|(time, batch)| self.enter(*time, batch));
        said.held = Held::new(self.kept, self.kept * size_of::<T>());
    }
}

impl<'s, T: 'static, P: StreamKind, C: Chain<Out = T>> Stream<'s, T, P, C> {
    /// The records of the last `size`, at each multiple of `slide`: those of the batches in `(t - size, t]`. Both must be multiples
    /// of the batch interval, or of the slide of a window before this one. The first windows hold what there is so far. So does the
    /// last, which is delivered when all sources have ended: see [the end](crate::guide::semantics#the-end).
    ///
    /// The next operator is kept up to date: a slide costs what enters and what leaves. State: none by itself. The operator behind
    /// it stores what it needs; a sink directly behind it needs all records of the window.
    ///
    /// A window over a table holds the table's contents at each slide, each record as often as it was delivered.
    ///
    /// Several windows over one stream share their panes if each batch is reduced before the windows, as below: a batch is combined
    /// and exchanged once, and each window stores one value per key and batch.
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     /// Sales by shop in the last minute and in the last hour.
    ///     #[batch(secs(1))]
    ///     fn sales<sold: Source<(u32, i64)>, minute: Sink<(u32, i64)>, hour: Sink<(u32, i64)>>() {
    ///         let panes = sold.reduce_by_key(|a, b| a + b);
    ///         panes.window(minutes(1), secs(1)).reduce_by_key(|a, b| a + b).to(minute);
    ///         panes.window(hours(1), minutes(1)).reduce_by_key(|a, b| a + b).to(hour);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     /// Words of the last 30 s, every 10 s.
    ///     #[batch(secs(5))]
    ///     fn trending<words: Source<String>, counts: Sink<(String, i64)>>() {
    ///         words.window(secs(30), secs(10)).count_by_value().to(counts);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn window<D: Chain<Out = T>>(
        self,
        size: impl TimeSpan,
        slide: impl TimeSpan,
    ) -> Stream<'s, T, Windowed, D>
    where
        T: Record,
        P: Materialize<Left<C> = D>,
    {
        let (size, slide) = (size.duration(), slide.duration());
        let id = self.id;
        let of = self.rhythm.step(self.job.interval);
        if slide.as_nanos() > u128::from(u64::MAX) {
            refuse(
                id,
                format!(
                    "a window that slides every {slide:?} is delivered beyond the end of time, 584 years after 1970; for \
                     one that never slides take `.history()`"
                ),
            );
        }
        // What is longer than time itself never leaves.
        let fits = |length: Duration| {
            !length.is_zero() && (length.as_nanos().is_multiple_of(of.as_nanos()) || length == Duration::MAX)
        };
        if !(fits(size) && fits(slide)) {
            refuse(
                id,
                format!(
                    "a window of {size:?} every {slide:?} cannot be cut from batches of {of:?}: both must be multiples"
                ),
            );
        }
        let mut windowed = P::contents(self).on(|batches| Panes { batches, size: Some(size) });
        windowed.rhythm = Rhythm::of_slide(slide);
        windowed.job.slides_by(slide);
        windowed
    }

    /// The whole contents of a window or a table as a stream of batches: what `.to(sink)` delivers, for operators that work on a
    /// batch. Its contents stay until they are renewed: a batch that is joined with it meets them as of the last slide, see
    /// [Streams with different rhythms](crate::guide::semantics#streams-with-different-rhythms). State: the
    /// contents, while they stand.
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     /// How many words were seen in the last minute, and how many different ones.
    ///     #[batch(secs(1))]
    ///     fn words<words: Source<String>, different: Sink<i64>>() {
    ///         words.window(minutes(1), secs(1)).distinct().snapshot().count().to(different);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn snapshot<D: Chain<Out = T>>(self) -> Stream<'s, T, PerBatch, D>
    where
        T: Record,
        P: Materialize<Left<C> = D>,
    {
        P::contents(self)
    }

    /// What changed since the last delivery: `(record, n)` for a record that is there n times more often, `(record, -n)` for one that
    /// is there n times less often. The sum of all changes equals the contents. A value that changed and is the same again may occur
    /// twice, with - and +.
    ///
    /// State: none. Cost: what changed, where the whole contents cost what there is.
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn trending<words: Source<String>, changes: Sink<((String, i64), i64)>>() {
    ///         words.window(minutes(1), secs(1)).count_by_value().changes().to(changes);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn changes(self) -> Stream<'s, (T, i64)>
    where
        T: Record,
        P: Changing,
    {
        P::changes(self)
    }
}

impl<'s, T: 'static, P: StreamKind, C: Chain<Out = T>> Stream<'s, T, P, C> {
    /// All records that ever arrived: a window without an end. It cannot be used before `.allow_unbounded("why")`.
    ///
    /// State: none by itself. The operator behind it stores what it needs: a sum per key, say, or every record for a join.
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     /// Running totals.
    ///     #[batch(secs(1))]
    ///     fn totals<orders: Source<(u64, i64)>, out: Sink<((u64, i64), i64)>>() {
    ///         let all = orders.history().allow_unbounded("one number per customer");
    ///         all.reduce_by_key(|a, b| a + b).changes().to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn history(self) -> Stream<'s, T, UnboundedWindow, C>
    where
        P: Batches,
    {
        P::batches(self).on(|batches| batches)
    }
}

/// A stream of batches, each of which is new.
#[diagnostic::on_unimplemented(
    message = "this operator takes the records of each batch, once",
    label = "this stream delivers again what it delivered before",
    note = "put the operator before the window or the state; `.snapshot()` before it takes the whole contents for a batch"
)]
pub trait Batches: StreamKind {
    #[doc(hidden)]
    fn batches<'s, T: 'static, C: Chain<Out = T>>(
        stream: Stream<'s, T, Self, C>,
    ) -> Stream<'s, T, PerBatch, C>;
}

impl Batches for PerBatch {
    fn batches<'s, T: 'static, C: Chain<Out = T>>(stream: Stream<'s, T, Self, C>) -> Stream<'s, T, Self, C> {
        stream
    }
}

/// State that waits for a bound.
#[diagnostic::on_unimplemented(
    message = "the state of this stream needs no bound",
    label = "only state that can grow without bound asks for one",
    note = "drop this call; it belongs behind `.history()`, `.update_state(..)` or `.reduce_by_key_with_inverse(..)`"
)]
pub trait Grows: StreamKind {
    #[doc(hidden)]
    type Allowed: StreamKind;
    #[doc(hidden)]
    fn allow<'s, In: 'static>(held: Self::Held<'s, In>) -> <Self::Allowed as StreamKind>::Held<'s, In>;
}

impl Grows for UnboundedTable {
    type Allowed = Table;
    fn allow<'s, In: 'static>(held: Self::Held<'s, In>) -> Relation<'s, In> {
        held.relation
    }
}

impl Grows for UnboundedWindow {
    type Allowed = Windowed;
    fn allow<'s, In: 'static>(held: Self::Held<'s, In>) -> Panes<'s, In> {
        Panes { batches: held, size: None }
    }
}

/// State that can forget by itself.
#[diagnostic::on_unimplemented(
    message = "nothing of this stream can expire",
    label = "only the state of an operator by key expires",
    note = "it belongs right behind `.update_state(..)` or `.reduce_by_key_with_inverse(..)`; `.map_with_state(..)` is told by its first argument, and a window by its size"
)]
pub trait Expires: StreamKind {
    #[doc(hidden)]
    fn expire<'s, In: 'static>(held: Self::Held<'s, In>, idle: Duration) -> Relation<'s, In>;
}

impl Expires for UnboundedTable {
    fn expire<'s, In: 'static>(held: Self::Held<'s, In>, idle: Duration) -> Relation<'s, In> {
        held.idle.set(Some(idle));
        held.relation
    }
}

impl<'s, T: 'static, P: StreamKind, C: Chain<Out = T>> Stream<'s, T, P, C> {
    /// Accepts state that may grow for as long as the job runs. `why` is for the next reader of the program. State: that of the
    /// operator before it, without a bound.
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn totals<orders: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
    ///         let all = orders.history().allow_unbounded("one number per customer");
    ///         all.reduce_by_key(|a, b| a + b).to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn allow_unbounded<Q: StreamKind>(self, why: &'static str) -> Stream<'s, T, Q, C>
    where
        P: Grows<Allowed = Q>,
    {
        let _ = why;
        self.on(P::allow)
    }

    /// Forgets a key that has had no new values for longer than `idle`, in the first batch after that. State: that of the operator
    /// before it, for the keys that are not idle.
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     /// How many readings each sensor has sent, until it is silent for an hour.
    ///     #[batch(secs(1))]
    ///     fn heard<readings: Source<(u16, f64)>, out: Sink<(u16, u64)>>() {
    ///         let counts = readings.update_state(|_, n: Option<u64>, new| Some(n.unwrap_or(0) + new.len() as u64));
    ///         counts.expire_after(hours(1)).to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn expire_after(self, idle: impl TimeSpan) -> Stream<'s, T, Table, C>
    where
        P: Expires,
    {
        let idle = idle.duration();
        self.on(|held| P::expire(held, idle))
    }
}
