//! Aggregates by key that have a name of their own.

use crate::{
    aggregate::{Number, Ordered, count, max, min, sum},
    operators::by_key::ByKey,
    record::{Key, Record},
    stream::{Stream, chain::Chain, keyed::Keyed, kind::StreamKind},
};

impl<'s, T: 'static, P: StreamKind, C: Chain<Out = T>> Stream<'s, T, P, C> {
    /// The sum of the values of each key: [`aggregate_by_key`](Stream::aggregate_by_key) of
    /// [`sum`](crate::aggregate::sum).
    ///
    /// A key without values has no sum. Integers are added up exactly; a result that does not fit its type ends the job.
    ///
    /// State: one number per key of the batch. On windows, one number per key and pane for integers, two for floats. On tables,
    /// the values. Cost: what enters and leaves; on tables, the values of the keys that change.
    ///
    /// ```
    /// use streaming_runtime::{ManualClock, connect::{collect, queue}, prelude::*};
    ///
    /// stream!(
    ///     /// What each customer spent: in the batch, and in the last minute.
    ///     #[batch(secs(1))]
    ///     fn spent<orders: Source<(u64, i64)>, now: Sink<(u64, i64)>, recently: Sink<(u64, i64)>>() {
    ///         orders.sum_by_key().to(now);
    ///         orders.window(minutes(1), secs(1)).sum_by_key().to(recently);
    ///     }
    /// );
    ///
    /// #[tokio::main(flavor = "current_thread")]
    /// async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     let ((now, by_batch), (recently, by_window)) = (collect(), collect());
    ///     let orders = queue(vec![vec![(7, 5), (7, 6)], vec![(7, 10)]]);
    ///     let clock = ManualClock::new();
    ///     let mut job = Engine::new().manual_clock(&clock).start(spent::Ports { orders, now, recently })?;
    ///     clock.advance(secs(2));
    ///     job.join().await?;
    ///     assert_eq!(by_batch.records(), [(7, 11), (7, 10)]);
    ///     assert_eq!(by_window.records()[..2], [(7, 11), (7, 21)]);
    ///     Ok(())
    /// }
    /// ```
    pub fn sum_by_key<K: Key, V: Number, Q: StreamKind>(self) -> Stream<'s, (K, V::Own), Q>
    where
        T: Keyed<K, V>,
        P: ByKey<K, V, V::Own, Out = Q>,
    {
        P::aggregate(self, sum())
    }

    /// How many records each key has; Spark's `countByKey`. It is [`aggregate_by_key`](Stream::aggregate_by_key) of
    /// [`count`](crate::aggregate::count); [`count_by_value`](Stream::count_by_value) counts equal records.
    ///
    /// A key without records has no count, and not a 0.
    ///
    /// State: one number per key of the batch, and on windows one per key and pane. On tables, the values. Cost: what enters
    /// and leaves; on tables, the values of the keys that change.
    ///
    /// ```
    /// use streaming_runtime::{ManualClock, connect::{collect, queue}, prelude::*};
    ///
    /// stream!(
    ///     /// How many orders each customer gave in the batch, whatever they came to.
    ///     #[batch(secs(1))]
    ///     fn given<orders: Source<(u64, f64)>, out: Sink<(u64, i64)>>() {
    ///         orders.count_by_key().to(out);
    ///     }
    /// );
    ///
    /// #[tokio::main(flavor = "current_thread")]
    /// async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     let (out, counts) = collect();
    ///     let orders = queue(vec![vec![(7, 0.5), (7, 0.25)]]);
    ///     let clock = ManualClock::new();
    ///     let mut job = Engine::new().manual_clock(&clock).start(given::Ports { orders, out })?;
    ///     clock.advance(secs(1));
    ///     job.join().await?;
    ///     assert_eq!(counts.records(), [(7, 2)]);
    ///     Ok(())
    /// }
    /// ```
    pub fn count_by_key<K: Key, V: Record, Q: StreamKind>(self) -> Stream<'s, (K, i64), Q>
    where
        T: Keyed<K, V>,
        P: ByKey<K, V, i64, Out = Q>,
    {
        P::aggregate(self, count())
    }

    /// The smallest value of each key, of equal ones the earlier: [`aggregate_by_key`](Stream::aggregate_by_key) of
    /// [`min`](crate::aggregate::min).
    ///
    /// State: one value per key of the batch, and on windows two per key and pane. On tables, the values. Cost: what enters and
    /// leaves; on tables, the values of the keys that change.
    ///
    /// ```
    /// use streaming_runtime::{ManualClock, connect::{collect, queue}, prelude::*};
    ///
    /// stream!(
    ///     /// The best offer for each item.
    ///     #[batch(secs(1))]
    ///     fn cheapest<offers: Source<(u64, f64)>, out: Sink<(u64, f64)>>() {
    ///         offers.min_by_key().to(out);
    ///     }
    /// );
    ///
    /// #[tokio::main(flavor = "current_thread")]
    /// async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     let (out, prices) = collect();
    ///     let offers = queue(vec![vec![(7, 2.5), (7, 1.5), (7, 2.0)]]);
    ///     let clock = ManualClock::new();
    ///     let mut job = Engine::new().manual_clock(&clock).start(cheapest::Ports { offers, out })?;
    ///     clock.advance(secs(1));
    ///     job.join().await?;
    ///     assert_eq!(prices.records(), [(7, 1.5)]);
    ///     Ok(())
    /// }
    /// ```
    pub fn min_by_key<K: Key, V: Record + Ordered, Q: StreamKind>(self) -> Stream<'s, (K, V), Q>
    where
        T: Keyed<K, V>,
        P: ByKey<K, V, V, Out = Q>,
    {
        P::aggregate(self, min())
    }

    /// The largest value of each key, of equal ones the earlier: [`aggregate_by_key`](Stream::aggregate_by_key) of
    /// [`max`](crate::aggregate::max).
    ///
    /// State: one value per key of the batch, and on windows two per key and pane. On tables, the values. Cost: what enters and
    /// leaves; on tables, the values of the keys that change.
    ///
    /// ```
    /// use streaming_runtime::{ManualClock, connect::{collect, queue}, prelude::*};
    ///
    /// stream!(
    ///     /// The longest answer of each server.
    ///     #[batch(secs(1))]
    ///     fn slowest<answers: Source<(u64, u32)>, out: Sink<(u64, u32)>>() {
    ///         answers.max_by_key().to(out);
    ///     }
    /// );
    ///
    /// #[tokio::main(flavor = "current_thread")]
    /// async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     let (out, slowest_of) = collect();
    ///     let answers = queue(vec![vec![(7, 30), (7, 120), (7, 80)]]);
    ///     let clock = ManualClock::new();
    ///     let mut job = Engine::new().manual_clock(&clock).start(slowest::Ports { answers, out })?;
    ///     clock.advance(secs(1));
    ///     job.join().await?;
    ///     assert_eq!(slowest_of.records(), [(7, 120)]);
    ///     Ok(())
    /// }
    /// ```
    pub fn max_by_key<K: Key, V: Record + Ordered, Q: StreamKind>(self) -> Stream<'s, (K, V), Q>
    where
        T: Keyed<K, V>,
        P: ByKey<K, V, V, Out = Q>,
    {
        P::aggregate(self, max())
    }
}
