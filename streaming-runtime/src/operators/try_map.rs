//! Records that cannot be made sense of: parted from the others by [`try_map`](Stream::try_map), and their ends.

use std::rc::Rc;

use timely::dataflow::{StreamVec, channels::pact::Pipeline, operators::generic::operator::Operator};

use crate::{
    ids::{Epoch, OpId},
    operators::route::Splits,
    panic_origin::{Why, fail, named},
    record::Record,
    stream::{
        Stream,
        chain::{Chain, Signed},
        context::JobContext,
        kind::{PerBatch, StreamKind, Table, UnboundedTable, UnboundedWindow, Windowed},
    },
};

/// An error that can be the record of a stream.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the record of a stream of failures",
    label = "what fails goes on as a record, and `{Self}` is none",
    note = "make a text of the error, `.map_err(|error| error.to_string())`, or a type of your own with `#[derive(Clone, serde::Serialize, serde::Deserialize)]`"
)]
pub trait Failure: Record {}
#[diagnostic::do_not_recommend]
impl<E: Record> Failure for E {}

/// A record that can say what failed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot say what failed",
    label = "the job's error carries this as text, and `{Self}` has no `Display`",
    note = "make a text of it before: `.map(|failed| format!(\"{{failed:?}}\")).fail()`"
)]
pub trait FailureReport: std::fmt::Display {}
#[diagnostic::do_not_recommend]
impl<E: std::fmt::Display> FailureReport for E {}

/// A stream that can end inside of the pipeline.
#[diagnostic::on_unimplemented(
    message = "a stream cannot end inside of a loop",
    label = "what goes round in a loop comes out at its end only",
    note = "let it come out of the loop with what goes round, or do this before the loop"
)]
pub trait FailureEnds: StreamKind {
    /// Reads the stream, and shows each record to the end's function, with how often it came.
    #[doc(hidden)]
    fn end<C: Chain>(
        held: Self::Held<'_, C::In>,
        chain: C,
        end: FailureEnd<impl FnMut(C::Out, u64) + 'static>,
    );
}

/// An operator that ends a stream: its name, and what it does with a record.
#[doc(hidden)]
pub struct FailureEnd<F> {
    id: OpId,
    job: Rc<JobContext>,
    f: F,
}

/// Declares how streams of a kind end whose records come once each, in batches.
macro_rules! ends_in_batches {
    ($($kind:ty: |$held:ident| $batches:expr;)*) => {$(
        impl FailureEnds for $kind {
            fn end<C: Chain>(
                $held: Self::Held<'_, C::In>,
                chain: C,
                end: FailureEnd<impl FnMut(C::Out, u64) + 'static>,
            ) {
                end.read($batches, chain);
            }
        }
    )*};
}

ends_in_batches! {
    PerBatch: |held| held;
    UnboundedWindow: |held| held;
    Windowed: |held| held.batches;
}

impl FailureEnds for Table {
    fn end<C: Chain>(
        held: Self::Held<'_, C::In>,
        chain: C,
        FailureEnd { id, job, mut f }: FailureEnd<impl FnMut(C::Out, u64) + 'static>,
    ) {
        held.wants.want_changes();
        let added = move |(record, times), _| {
            // What is taken back came before.
            if let Ok(times @ 1..) = u64::try_from(times) {
                f(record, times);
            }
        };
        FailureEnd { id, job, f: added }.read(held.changes, Signed(chain));
    }
}

impl FailureEnds for UnboundedTable {
    fn end<C: Chain>(
        held: Self::Held<'_, C::In>,
        chain: C,
        end: FailureEnd<impl FnMut(C::Out, u64) + 'static>,
    ) {
        Table::end(held.relation, chain, end);
    }
}

impl<F> FailureEnd<F> {
    /// Reads records that come once each. Batches go out when it has seen all of them.
    fn read<C: Chain>(self, root: StreamVec<'_, Epoch, C::In>, mut chain: C)
    where
        F: FnMut(C::Out, u64) + 'static,
    {
        let FailureEnd { id, job, mut f } = self;
        let seen = job.pending_output.objector();
        root.sink(Pipeline, id.0, move |(input, frontier)| {
            named(id, || {
                input.for_each(|_, records| {
                    for record in records.drain(..) {
                        chain.push(record, &mut |record| f(record, 1));
                    }
                });
            });
            seen.set(frontier.frontier().first().copied().unwrap_or(Epoch::MAX));
        });
    }
}

impl<'s, T: 'static, P: StreamKind, C: Chain<Out = T>> Stream<'s, T, P, C> {
    /// Applies `f` to every record and returns two streams: the values of `Ok`, and those of `Err`, the failures. State: none.
    ///
    /// A bad record need not end the job, nor vanish. In `stream!`, the stream of failures must have an end:
    ///
    /// | end | a failure |
    /// |---|---|
    /// | `failed.to(dead_letters)` | is delivered to a sink of its own |
    /// | [`failed.skip()`](Stream::skip) | is dropped and counted, see [`Job::skipped`](crate::Job::skipped) |
    /// | [`failed.fail()`](Stream::fail) | ends the job with [`JobError::RecordFailed`](crate::JobError::RecordFailed) |
    ///
    /// `f` gets the whole record, so a failure may carry it: `.map_err(|error| (line, error.to_string()))`. Both streams are of the
    /// same kind as this one: on a window, failures are those of the window. A panic in `f` ends the job.
    ///
    /// ```
    /// use streaming_runtime::{ManualClock, connect::{collect, queue}, prelude::*};
    ///
    /// stream!(
    ///     /// Sums of lines of digits; other lines go elsewhere, with why.
    ///     #[batch(secs(1))]
    ///     fn sums<lines: Source<String>, out: Sink<i64>, dead_letters: Sink<(String, String)>>() {
    ///         let (numbers, failed) =
    ///             lines.try_map(|line| line.parse::<i64>().map_err(|error| (line, error.to_string())));
    ///         numbers.reduce(|a, b| a + b).to(out);
    ///         failed.to(dead_letters);
    ///     }
    /// );
    ///
    /// #[tokio::main(flavor = "current_thread")]
    /// async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     let ((out, sums), (dead_letters, failed)) = (collect(), collect());
    ///     let lines = queue(vec![["1", "two", "3"].map(str::to_owned).to_vec()]);
    ///     let clock = ManualClock::new();
    ///     let mut job = Engine::new().manual_clock(&clock).start(sums::Ports { lines, out, dead_letters })?;
    ///     clock.advance(secs(1));
    ///     job.join().await?;
    ///     assert_eq!(sums.records(), [4]);
    ///     assert_eq!(failed.records(), [("two".to_owned(), "invalid digit found in string".to_owned())]);
    ///     Ok(())
    /// }
    /// ```
    pub fn try_map<U: Record, E: Failure, Q: StreamKind>(
        self,
        f: impl FnMut(T) -> Result<U, E> + 'static,
    ) -> (Stream<'s, U, Q>, Stream<'s, E, Q>)
    where
        T: Record,
        P: Splits<Part = Q>,
    {
        let Stream { held, chain, id, job, rhythm, .. } = self;
        let (made, failed) = P::part(held, chain, f, false, id);
        (Stream::new(made, id, job.clone(), rhythm.clone()), Stream::new(failed, id, job, rhythm))
    }

    /// Drops every record and counts it: [`Job::skipped`](crate::Job::skipped) has the number, by this operator's id, and the first
    /// record is logged. A batch is delivered after its records are counted. On a window, a record is counted once, when it arrives;
    /// on a table, each time that it is added. State: none.
    ///
    /// ```
    /// use streaming_runtime::{ManualClock, connect::{collect, queue}, prelude::*};
    ///
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn numbers<lines: Source<String>, out: Sink<i64>>() {
    ///         let (parsed, failed) =
    ///             lines.try_map(|line| line.parse::<i64>().map_err(|error| error.to_string()));
    ///         parsed.to(out);
    ///         failed.skip();
    ///     }
    /// );
    ///
    /// #[tokio::main(flavor = "current_thread")]
    /// async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     let (out, numbers) = collect();
    ///     let lines = queue(vec![["1", "two", "3"].map(str::to_owned).to_vec()]);
    ///     let clock = ManualClock::new();
    ///     let mut job = Engine::new().manual_clock(&clock).start(numbers::Ports { lines, out })?;
    ///     clock.advance(secs(1));
    ///     job.join().await?;
    ///     assert_eq!(numbers.records(), [1, 3]);
    ///     assert_eq!(job.skipped(), [("numbers/failed/skip", 1)]);
    ///     Ok(())
    /// }
    /// ```
    pub fn skip(self)
    where
        T: Record,
        P: FailureEnds,
    {
        let Stream { held, chain, id, job, .. } = self;
        let count = job.skip_counters.counter(id);
        P::end(held, chain, FailureEnd { id, job, f: move |_, times| count.add(times) });
    }

    /// Ends the job at the first record, with [`JobError::RecordFailed`](crate::JobError::RecordFailed), which names this operator and
    /// carries the record as text. No sink gets the batch of that record; what was delivered before stays. State: none.
    ///
    /// ```
    /// use streaming_runtime::{JobError, ManualClock, connect::{collect, queue}, prelude::*};
    ///
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn strict<lines: Source<String>, out: Sink<i64>>() {
    ///         let (parsed, failed) =
    ///             lines.try_map(|line| line.parse::<i64>().map_err(|error| format!("`{line}`: {error}")));
    ///         parsed.to(out);
    ///         failed.fail();
    ///     }
    /// );
    ///
    /// #[tokio::main(flavor = "current_thread")]
    /// async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     let lines = queue(vec![["1", "two"].map(str::to_owned).to_vec()]);
    ///     let clock = ManualClock::new();
    ///     let ports = strict::Ports { lines, out: collect().0 };
    ///     let mut job = Engine::new().manual_clock(&clock).start(ports)?;
    ///     clock.advance(secs(1));
    ///     let error = job.join().await.expect_err("`two` is no number");
    ///     assert!(matches!(error, JobError::RecordFailed { .. }));
    ///     assert_eq!(error.to_string(), "operator `strict/failed/fail`: `two`: invalid digit found in string");
    ///     Ok(())
    /// }
    /// ```
    pub fn fail(self)
    where
        T: Record + FailureReport,
        P: FailureEnds,
    {
        let Stream { held, chain, id, job, .. } = self;
        let f = move |record: T, _| {
            fail(id, Why::Record(record.to_string()));
        };
        P::end(held, chain, FailureEnd { id, job, f });
    }
}
