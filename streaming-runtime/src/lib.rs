//! Stream pipelines as values in a Rust service: written in ordinary Rust inside [`stream!`], type-checked when your crate is
//! compiled, run on timely dataflow inside your own process.
//!
//! It means what Spark Streaming's DStreams mean, keeps windows and joins up to date instead of recomputing them, and goes on
//! after a crash as if there had been none.
//!
//! ```no_run
//! use streaming_runtime::{connect::{console, tcp}, prelude::*};
//!
//! stream!(
//!     /// Words of each batch.
//!     #[batch(secs(1))]
//!     pub fn word_count<lines: Source<String>, counts: Sink<(String, i64)>>() {
//!         let words = lines.flat_map(|line| line.split_whitespace().map(str::to_owned));
//!         words.map(|word| (word, 1)).reduce_by_key(|a, b| a + b).to(counts);
//!     }
//! );
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let mut job = Engine::new().workers(2).start(word_count::Ports {
//!         lines: tcp::lines("127.0.0.1:9999"),
//!         counts: console(),
//!     })?;
//!     tokio::select! {
//!         result = job.join() => result?,
//!         () = tokio::time::sleep(secs(60)) => job.stop().await?, // delivers the last batch
//!     }
//!     Ok(())
//! }
//! ```
//!
//! - [`stream!`] declares a pipeline: sources and sinks in `<>`, values in `()`, an interval, a body of streams and operators.
//! - [`Engine`] has the settings, and starts pipelines on connectors. [`Job`] is one that runs: join it, stop it, ask it.
//! - [`Stream`] has the operators. Its type says what records it carries and what it holds of its past.
//! - A batch holds what arrived in an interval. Operators work on batches, on windows of them, or on state.
//! - A mistake in a pipeline is a compile error; a failure while it runs is a typed error of its job, [`JobError`].
//!
//! # Guides
//!
//! | | |
//! |---|---|
//! | [Getting started](guide::getting_started) | from an empty crate to a pipeline with a test |
//! | [Coming from Spark Streaming](guide::coming_from_spark) | each name of the DStream API, and what it is here |
//! | [What a pipeline means](guide::semantics) | batches, order, streams with different rhythms, the end, time |
//! | [Windows and state](guide::windows_and_state) | what a stream holds of its past, and which operator to take |
//! | [Inside a service](guide::inside_a_service) | channels, views, latency, back-pressure, failures, stopping |
//! | [After a crash](guide::after_a_crash) | checkpoints, guarantees by connector, changed programs |
//! | [Kafka](guide::kafka) | where jobs begin and end, lag, rates, what happens in each fault |
//! | [Operators of your own](guide::own_operators) | methods, stages, the names of state |
//! | [Testing](guide::testing) | clocks, queues, channels |
//! | [Tuning](guide::tuning) | where the time is, and what to do |
//! | [Recipes](guide::recipes) | JSON and CSV, tables, async calls, duplicates, backfill, SIGTERM, ask and answer |
//! | [Limits](guide::limits) | what is not there, and what to know before it matters |
//!
//! The repository has runnable `examples`, the architecture in `docs/ARCHITECTURE.md` and measurements in `docs/PERFORMANCE.md`.
//!
//! # Operators
//!
//! All are methods of [`Stream`]. Each one's page says what it does, what it stores and for how long, and what it costs.
//!
//! [`map`]: Stream::map
//! [`filter`]: Stream::filter
//! [`filter_map`]: Stream::filter_map
//! [`flat_map`]: Stream::flat_map
//! [`inspect`]: Stream::inspect
//! [`key_by`]: Stream::key_by
//! [`map_values`]: Stream::map_values
//! [`flat_map_values`]: Stream::flat_map_values
//! [`try_map`]: Stream::try_map
//! [`decode`]: Stream::decode
//! [`decode_with`]: Stream::decode_with
//! [`encode`]: Stream::encode
//! [`skip`]: Stream::skip
//! [`fail`]: Stream::fail
//! [`split`]: Stream::split
//! [`union`]: Stream::union
//! [`repartition`]: Stream::repartition
//! [`count`]: Stream::count
//! [`reduce`]: Stream::reduce
//! [`aggregate`]: Stream::aggregate
//! [`top_k`]: Stream::top_k
//! [`reduce_with_inverse`]: Stream::reduce_with_inverse
//! [`transform`]: Stream::transform
//! [`transform_with`]: Stream::transform_with
//! [`map_partitions`]: Stream::map_partitions
//! [`glom`]: Stream::glom
//! [`reduce_by_key`]: Stream::reduce_by_key
//! [`aggregate_by_key`]: Stream::aggregate_by_key
//! [`sum_by_key`]: Stream::sum_by_key
//! [`count_by_key`]: Stream::count_by_key
//! [`min_by_key`]: Stream::min_by_key
//! [`max_by_key`]: Stream::max_by_key
//! [`combine_by_key`]: Stream::combine_by_key
//! [`group_by_key`]: Stream::group_by_key
//! [`count_by_value`]: Stream::count_by_value
//! [`distinct`]: Stream::distinct
//! [`reduce_by_key_with_inverse`]: Stream::reduce_by_key_with_inverse
//! [`reduce_by_key_with_inverse_and_filter`]: Stream::reduce_by_key_with_inverse_and_filter
//! [`window`]: Stream::window
//! [`history`]: Stream::history
//! [`allow_unbounded`]: Stream::allow_unbounded
//! [`expire_after`]: Stream::expire_after
//! [`changes`]: Stream::changes
//! [`snapshot`]: Stream::snapshot
//! [`map_with_state`]: Stream::map_with_state
//! [`map_with_state_from`]: Stream::map_with_state_from
//! [`update_state`]: Stream::update_state
//! [`update_state_with`]: Stream::update_state_with
//! [`join`]: Stream::join
//! [`left_join`]: Stream::left_join
//! [`right_join`]: Stream::right_join
//! [`full_join`]: Stream::full_join
//! [`semijoin`]: Stream::semijoin
//! [`antijoin`]: Stream::antijoin
//! [`cogroup`]: Stream::cogroup
//! [`iterate`]: Stream::iterate
//! [`iterate_at_most`]: Stream::iterate_at_most
//! [`iterate_within`]: Stream::iterate_within
//! [`to`]: Stream::to
//! [`share`]: Stream::share
//! [`aggregate::count`]: aggregate::count
//! [`aggregate::sum`]: aggregate::sum
//! [`aggregate::mean`]: aggregate::mean
//! [`aggregate::min`]: aggregate::min
//! [`aggregate::max`]: aggregate::max
//! [`aggregate::first`]: aggregate::first
//! [`aggregate::last`]: aggregate::last
//! [`aggregate::top_k`]: aggregate::top_k
//! [`aggregate::count_distinct`]: aggregate::count_distinct
//! [`aggregate::population_variance`]: aggregate::population_variance
//! [`aggregate::sample_variance`]: aggregate::sample_variance
//!
#![doc = include_str!("guide/operators.md")]
//!
//! # Connectors
//!
//! All are in [`connect`], whose page has the contract for your own, and what becomes of errors. What bytes mean is in [`formats`].
//!
//! [`connect::channel`]: connect::channel()
//! [`connect::from_stream`]: connect::from_stream
//! [`connect::try_from_stream`]: connect::try_from_stream
//! [`connect::tcp::lines`]: connect::tcp::lines
//! [`connect::tcp::listen`]: connect::tcp::listen
//! [`connect::file::lines`]: connect::file::lines
//! [`connect::directory::lines`]: connect::directory::lines
//! [`connect::queue()`]: connect::queue()
//! [`connect::queue::shared`]: connect::queue::shared
//! [`connect::Source`]: connect::Source
//! [`connect::durable`]: connect::durable()
//! [`connect::any_source`]: connect::any_source()
//! [`connect::any_sink`]: connect::any_sink()
//! [`connect::restarted`]: connect::restarted
//! [`connect::shedding`]: connect::shedding()
//! [`connect::console`]: connect::console
//! [`connect::collect`]: connect::collect
//! [`connect::channel_sink`]: connect::channel_sink
//! [`connect::view()`]: connect::view()
//! [`connect::view_of_changes`]: connect::view_of_changes
//! [`connect::text_files`]: connect::text_files
//! [`connect::into_sink`]: connect::into_sink
//! [`connect::Sink`]: connect::Sink
//! [`timeout`]: connect::SinkPolicies::timeout
//! [`retry`]: connect::SinkPolicies::retry
//! [`or_dead_letter`]: connect::SinkPolicies::or_dead_letter
//!
#![doc = include_str!("guide/connectors.md")]
//!
//! # Running a job
//!
//! | to | see |
//! |---|---|
//! | set workers, clocks, limits | [`Engine`] |
//! | keep a job's state on disk | [`Engine::checkpoint`], [`Checkpoint`], [`checkpoint`] |
//! | run in several processes | [`Engine::cluster`], [`cluster`] |
//! | know what it does | [`Job::metrics`], [`Job::explain`], [`Monitor`], [`Listener`] |
//! | test it | [`ManualClock`], [`connect::queue()`], [`connect::collect()`] |
//!
//! # Cargo features, none of which is on by default
//!
//! | feature | adds | needs |
//! |---|---|---|
//! | `sqlite` | `connect::sqlite`: tables of a SQLite database as sinks, exactly once | a C compiler: SQLite is bundled |
//! | `avro`, `protobuf` | formats: Avro, also by a schema registry (by https with `avro-ssl`); protocol buffers by descriptors | |
//! | `kafka` | `connect::kafka`: topics of Kafka as sources and sinks, exactly once; `kafka-ssl`, `kafka-sasl` and `kafka-zstd` add to it | a C compiler and make: librdkafka is compiled |
//! | `flume` | `connect::flume`: agents of Flume by Avro and by Thrift, as sources and sinks | |
//! | `metrics` | `metrics_exporter()`: the numbers of jobs on the `metrics` facade, for Prometheus and others | |
//! | `testing` | `testing`: a disk that fails, and crashes at named points, for tests of what is exactly once | |

#[doc(hidden)]
pub mod __private;
pub mod aggregate;
mod build_error;
pub mod checkpoint;
mod clock;
pub mod cluster;
mod codec;
pub mod connect;
mod connectors;
mod contract;
mod delivery;
mod detached;
mod disk;
mod engine;
mod epoch_queue;
mod error;
mod foreign_names;
pub mod formats;
pub mod guide;
mod ids;
mod intake;
pub mod kinds;
pub mod metrics;
mod observe;
mod operators;
mod panic_origin;
mod partitioner;
pub mod prelude;
mod record;
mod schema;
mod sentence;
mod stage;
mod stream;
#[cfg(feature = "testing")]
pub mod testing;
mod time;
mod timeline;

pub use aggregate::Aggregate;
pub use build_error::BuildError;
pub use clock::ManualClock;
pub use contract::{sink::Sink, source::Source};
// `Value` is what the compiler names where a value of a pipeline is refused: it names no hidden item well.
pub use engine::{
    Engine, Job, LocalWorker, Pid, PidEstimator, Pipeline, Value, checkpoint_settings::Checkpoint,
};
pub use error::{JobError, StartError};
pub use observe::{
    listener::{BatchInfo, Listener},
    monitor::Monitor,
    plan,
};
pub use operators::{
    kernel::{differential::Comparable, state_table::KeyState},
    // Functions that take a sink name it.
    sink::SinkPort,
    state::{Keeps, idle_for, unbounded},
    stateless::Emit,
};
pub use record::{Key, Record};
pub use stream::{Stream, keyed::Keyed};
pub use time::{BatchTime, TimeSpan, hours, millis, minutes, secs};

/// Declares a pipeline.
///
/// ```text
/// stream!(
///     attributes and doc comments
///     #[batch(secs(1))]                                // millis, secs, minutes, hours
///     visibility fn name<port: Source<T>, port: Sink<T>>(value: Type, ..) {
///         let stream = port.operator(..).operator(..);
///         let (one, other) = stream.split(..);
///         stream.operator(..).to(sink);
///     }
/// );
/// ```
///
/// - Ports are in `<>`: what flows in and out.
/// - Values are in `()`: what is known when the pipeline is started. Each worker gets a clone.
/// - The body is ordinary Rust: streams are variables, operators are methods of [`Stream`], closures and functions are your own. A
///   stream may be read any number of times.
/// - Types may be left to whoever starts the pipeline: `fn name<T: Key, events: Source<T>, ..>()`, with a `where` clause if need be. In
///   the `<>`, a port is a `Source` or a `Sink`; what has any other bound is a type parameter. `PLAN`, `OPERATORS` and the state in a
///   checkpoint do not depend on the types: `name::<(), ()>::PLAN`, with a `()` for each.
/// - A port or a value may have a `#[cfg(..)]`, and so may the statements that use it.
/// - A function of your own takes a stream as `Stream<'s, T>` and a sink as `&SinkPort<'s, T>`; it is called with their names. It may
///   return a stream, a tuple, or a struct with streams in its fields.
/// - `stream!( .. )` has parentheses, because rustfmt formats what is inside of them.
///
/// It may be used wherever an item may, also inside a function. It becomes an enum `name` with
///
/// - one variant, `Ports`, with a field for each port and value, for [`Engine::start`]. A port that is missing, given twice or of
///   another type is a compile error there.
/// - `plan()`, the graph as a [`Plan`](plan::Plan); `PLAN` and `DOT`, drawn from it for Mermaid and Graphviz; and `OPERATORS`, the
///   ids of the operators. An id is made of the `let` or the sink that an operator works for, so it does not change when statements
///   move.
///
/// The body has one way through it: it runs once on each worker, when the job starts. Each source must be read, and each sink must get
/// exactly one stream. Where the macro cannot see that, it is a [`BuildError`] of the start.
///
/// Two conveniences: a `flat_map` may return an iterator that borrows from its record. And in
/// `flat_map(|line| line.split_whitespace().map(str::to_owned))` followed by `map(|word| (word, 1))`, written like this, a word is
/// copied only when the `reduce_by_key` behind it has not seen it yet.
///
/// ```
/// use streaming_runtime::{ManualClock, connect::{collect, queue}, prelude::*};
///
/// stream!(
///     /// One prefix, two outputs, a split and a union.
///     #[batch(secs(1))]
///     pub fn orders<
///         web: Source<(u64, i64)>,
///         shop: Source<(u64, i64)>,
///         totals: Sink<(u64, i64)>,
///         review: Sink<(u64, i64)>,
///     >(
///         limit: i64,
///     ) {
///         let all = web.union(shop).filter(|&(_, amount)| amount != 0);
///         let (large, small) = all.split(move |&(_, amount)| amount.abs() > limit);
///         let refunds = small.filter(|&(_, amount)| amount < 0);
///         all.reduce_by_key(|a, b| a + b).to(totals);
///         large.union(refunds).to(review);
///     }
/// );
///
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let (totals, all_totals) = collect();
///     let (review, to_review) = collect();
///     let clock = ManualClock::new(); // a test moves time
///     let mut job = Engine::new().manual_clock(&clock).start(orders::Ports {
///         web: queue(vec![vec![(1, 20), (2, 900)]]),
///         shop: queue(vec![vec![(1, -5), (2, 0)]]),
///         totals,
///         review,
///         limit: 500,
///     })?;
///     clock.advance(secs(1));
///     job.join().await?;
///     let mut totals = all_totals.records();
///     totals.sort();
///     assert_eq!(totals, [(1, 15), (2, 900)]);
///     assert_eq!(to_review.records(), [(2, 900), (1, -5)]);
///     assert!(orders::PLAN.starts_with("flowchart LR"));
///     Ok(())
/// }
/// ```
#[macro_export]
macro_rules! stream {
    ($($tokens:tt)*) => { $crate::__private::stream! { ($crate) $($tokens)* } };
}

/// Declares a stage: a function from streams to streams whose operators have ids of their own, as those of a pipeline have.
///
/// ```text
/// stage!(
///     attributes and doc comments
///     visibility fn name<'s, K: Key, ..>(stream: Stream<'s, T>, .., value: Type, ..) -> Stream<'s, U, P> {
///         let stream = port.operator(..).operator(..);
///         stream.operator(..)
///     }
/// );
/// ```
///
/// A stage is an ordinary function, with any generics, bounds and values. It is called by its name or path, from `stream!` and from
/// other stages, also across crates. Its body is handled as that of [`stream!`]: streams are shared where they are read twice, and
/// each operator has an id, behind that of the call. The last line is the stream that it returns, or a tuple of streams. It may take
/// a sink of its caller as `&SinkPort<'s, T>`.
///
/// Give each call a `let` of its own: after a restart its state is found by that name, wherever the lines are. A call that the
/// macros cannot see, from a plain function or a method, has the id of the call around it.
///
/// The stage's name is also taken among types, by an enum that tells pipelines its plan.
///
/// ```
/// use streaming_runtime::{Key, kinds::Table, prelude::*};
///
/// stage!(
///     /// The number and the sum of the amounts of each key, for ever.
///     pub fn balances<'s, K: Key>(
///         entries: Stream<'s, (K, i64)>,
///     ) -> (Stream<'s, (K, i64), Table>, Stream<'s, (K, i64), Table>) {
///         let counts = entries.update_state(|_, n: Option<i64>, new| Some(n.unwrap_or(0) + new.len() as i64));
///         let sums = entries.update_state(|_, sum: Option<i64>, new| Some(sum.unwrap_or(0) + new.iter().sum::<i64>()));
///         (counts.allow_unbounded("a number a key"), sums.allow_unbounded("a number a key"))
///     }
/// );
///
/// stream!(
///     #[batch(secs(1))]
///     fn bank<entries: Source<(u64, i64)>, out: Sink<(u64, (i64, i64))>>() {
///         let (counts, sums) = balances(entries);
///         counts.join(sums).to(out);
///     }
/// );
///
/// # fn main() {
/// assert!(bank::<(), ()>::OPERATORS.contains(&"bank/counts+sums/balances/sums/update_state"));
/// assert!(bank::<(), ()>::PLAN.contains("stage balances"));
/// # }
/// ```
#[macro_export]
macro_rules! stage {
    ($($tokens:tt)*) => { $crate::__private::stage! { ($crate) $($tokens)* } };
}
