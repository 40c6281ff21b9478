//! Windows, and the forms in which what is kept is delivered: whole, or as changes.

mod bounds;
mod materialize;
mod records;

use std::time::Duration;

use crate::{
    build_error::refuse,
    record::Record,
    stream::{
        Stream,
        chain::Chain,
        held::Panes,
        kind::{PerBatch, StreamKind, UnboundedWindow, Windowed},
    },
    time::TimeSpan,
    timeline::rhythm::Rhythm,
};
pub(crate) use materialize::{Changing, Materialize};
pub(crate) use records::window_records;

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
