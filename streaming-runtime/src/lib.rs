//! Stream pipelines as values in a Rust service: written in ordinary Rust inside [`stream!`], type-checked
//! when the crate is compiled, run on timely dataflow inside the service's own process.
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
//! # Meaning
//!
//! - Time is cut into **batches**, one each interval. The batch at `t` holds what arrived in
//!   `(t - interval, t]`; `t` is a multiple of the interval and names the batch, see [`BatchTime`]. Empty
//!   batches are batches: `count` says 0.
//! - An operator means what Spark Streaming's operator of that name means; each one's page says what it does,
//!   what it holds and for how long.
//! - The same batches in give the same batches out, for any number of workers, up to the order of records
//!   inside a batch. Where an operator depends on that order (`first`, `last`, `group_by_key`, `cogroup`, `map_with_state`,
//!   `update_state`), one worker takes in all that a source sends, so that a key's values keep the order of their source.
//! - **Order.** The values of a key stand in the order in which they came into the stream, also in windows, behind joins and
//!   in all else that is kept ([`Table`]), and after a restart: what is new comes last, what is taken back is the oldest of its
//!   kind. A join makes of a key what it makes in the order in which it comes to be; what passes through `semijoin` and
//!   `antijoin` keeps its own. Records of different keys have no order behind an operator by key but that of their batches.
//!   In a loop nothing has an order, so `group_by_key` and `cogroup` do not compile there, and `first` and `last` are
//!   errors of the start; what comes out of a loop in one batch is in the order of `Ord`.
//! - **Taking back.** What a chain of closures made of a record of what is kept is taken back by calling them again with the
//!   same record. So behind a [`Table`] stream a closure must give the same for the same record; where it looks at the clock,
//!   counts its calls or is random, it belongs before the window or the state: what a window was told is kept as it was
//!   said. Operators that keep such records (aggregates, joins, loops) end the job with
//!   [`JobError::NotDeterministic`] when something is taken back that was never there. What they cannot see: a `filter` that
//!   lets a record in and later does not let it out, and what a sink makes of [`changes`](Stream::changes). An inverse that
//!   does not undo is wrong until the last pane of its key has left.
//! - With [`Engine::close_early`], a batch also closes as soon as the sources are drained: results come within
//!   microseconds, each as a batch of its own.
//!
//! ## The end
//!
//! | a job ends by | then |
//! |---|---|
//! | all of its sources: they have no more to give | the open batch is closed, and windows deliver what they still hold, once, as at their next slide |
//! | [`Job::stop`], without a checkpoint | the same, with what the sources have sent by then |
//! | [`Job::stop`], with a checkpoint | the open batch is closed, with the slides that are due by then. What is in open windows stays in the checkpoint and is delivered, whole, after the next start |
//! | [`Job::abort`], a failure, a crash | nothing more is delivered; with a checkpoint, the next start goes on |
//!
//! So of thirteen batches of 100 records, a window of ten seconds each ten seconds delivers 1,000 at 10 s and 300 at 20 s.
//! A *batch at the end* has the time of such a slide, and only what slides then is due in it: streams of batches, `count` and
//! states of batches, and their sinks, have none; a sink of a window has one if there is something in it. Windows of
//! several slides have one each, in the order of their times, and what is made of windows, joins and windows behind windows
//! among it, comes out with them. They do not wait for the clock. A crash between them changes nothing, and a start
//! after them says nothing again.
//!
//! A job with a checkpoint that has ended goes on if its sources have more, as when a directory has grown. Times only grow,
//! so it goes on behind the last batch at the end, which may lie ahead of the clock, by less than the longest slide: the
//! job is ahead by so much then, by a [`ManualClock`], too.
//!
//! ## Absences
//!
//! A job that goes on from its checkpoint after an absence makes the batches of that time, as Spark does: empty ones, in
//! which windows slide and keys expire. Those that are late and empty share what they wait for, up to 512 of them, so that
//! one costs little more than without a checkpoint; sinks that get many records at each slide, and sources that look into a
//! directory for each batch, take their time. [`Engine::skip_missed_batches`] leaves them out instead.
//!
//! # Operators of your own
//!
//! An operator is a method. One of your own is a method of an extension trait, made of the operators that there are;
//! in `stream!` it stands in a chain like any other, and has a name in the plan. Where it asks nothing of what the
//! stream holds it is generic over it, [`StreamKind`]; otherwise it says `Stream<'s, T>`, which is [`PerBatch`], or
//! `Stream<'s, T, Windowed>`. What it returns after `map`, `filter` and the like is made real by
//! [`share`](Stream::share).
//!
//! ```
//! use streaming_runtime::{
//!     Key, ManualClock, Past, Record, aggregate::{max, min}, connect::{collect, queue}, prelude::*,
//! };
//!
//! /// On records by key.
//! trait Ranges<'s, K: 'static> {
//!     /// How far the values of each key are apart in a batch.
//!     fn ranges(self) -> Stream<'s, (K, i64)>;
//! }
//!
//! impl<'s, K: Key> Ranges<'s, K> for Stream<'s, (K, i64)> {
//!     fn ranges(self) -> Stream<'s, (K, i64)> {
//!         self.aggregate_by_key((min(), max())).map_values(|(least, most)| most - least).share()
//!     }
//! }
//!
//! /// On batches, windows and what is kept.
//! trait Above<'s, K: 'static, P: Past> {
//!     /// The pairs whose value is more than `least`.
//!     fn above(self, least: i64) -> Stream<'s, (K, i64), P>;
//! }
//!
//! impl<'s, K: Record, P: Past> Above<'s, K, P> for Stream<'s, (K, i64), P> {
//!     fn above(self, least: i64) -> Stream<'s, (K, i64), P> {
//!         self.filter(move |(_, value)| *value > least).share()
//!     }
//! }
//!
//! stream!(
//!     /// Prices that moved in a batch, and symbols that were traded a lot in the last minute.
//!     #[batch(secs(1))]
//!     pub fn moves<trades: Source<(u8, i64)>, moved: Sink<(u8, i64)>, busy: Sink<(u8, i64)>>() {
//!         trades.ranges().above(0).to(moved);
//!         trades.map(|(symbol, _)| symbol).window(minutes(1), secs(1)).count_by_value().above(2).to(busy);
//!     }
//! );
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let ((moved, all_moved), (busy, all_busy)) = (collect(), collect());
//!     let clock = ManualClock::new();
//!     let trades = queue(vec![vec![(1, 10), (2, 7), (1, 13)], vec![(1, 12)]]);
//!     let mut job = Engine::new().manual_clock(&clock).start(moves::Ports { trades, moved, busy })?;
//!     clock.advance(secs(2));
//!     job.join().await?;
//!     assert_eq!(all_moved.records(), [(1, 3)]);
//!     assert_eq!(all_busy.records(), [(1, 3)]);
//!     assert!(moves::OPERATORS.contains(&"moves/moved/ranges"));
//!     Ok(())
//! }
//! ```
//!
//! What such a method or a function keeps in a job with checkpoints is known by its call: `moves/busy/recent`, where `recent` is
//! the method. That names one state. Where a function keeps several, or calls others that do, it is a [`stage!`]: its operators
//! have ids of their own, which stand in the pipeline's `OPERATORS` and in its plan. What has no name is refused:
//!
//! | state in | its name | |
//! |---|---|---|
//! | the body of `stream!` | `pipeline/binding/operator` | |
//! | a `stage!` | `pipeline/binding/stage/binding/operator`, also through several | in `OPERATORS` and `PLAN` |
//! | a function or a method, one state in it | `pipeline/binding/function` | |
//! | the same, several kinds of operators | `pipeline/binding/function/update_state`, the kind last | |
//! | the same, two of a kind, as in a loop or by a call in a loop | none | a job with checkpoints does not start |
//! | two calls of one function under one `let` or sink | none | a job with checkpoints does not start |
//!
//! # What a stream holds
//!
//! The third parameter of [`Stream`] says what a stream holds of its past, so the compiler accounts for state:
//!
//! | kind | a batch of it is | made by |
//! |---|---|---|
//! | [`PerBatch`] | what is new | sources, operators on batches |
//! | [`Windowed`] | what came in the window, at each slide | `.window(size, slide)`; `.history()` without an end |
//! | [`Table`] | the whole of what an operator keeps up to date | operators on windows and on what is kept |
//! | [`UnboundedTable`] | as `Table`, but it can grow without bound | `update_state`, `reduce_by_key_with_inverse` |
//! | [`UnboundedWindow`] | all that ever came | `.history()` |
//!
//! The last two go nowhere before somebody says how long: `.expire_after(hours(24))`, or `.allow_unbounded("why")`.
//! What is kept goes to a sink whole at each batch or slide, as Spark's does; `.changes()` gives `(record, +n/-n)`
//! instead, at a cost that follows what changed; `.snapshot()` takes the whole for a batch.
//!
//! # Streams with different rhythms
//!
//! A stream is **renewed** by certain batches. A sink, `count`, `transform`, a state or a window takes each batch that renews
//! its stream, and no other: a batch without records is one too, and none is left out because it closed early.
//!
//! | stream | is renewed | has in between |
//! |---|---|---|
//! | a source, and what is made of it batch by batch | by each batch, early ones too | nothing: records belong to their batch |
//! | `window(size, slide)`, and what is made of it | at the multiples of `slide`, also if that is one batch | contents, which stand |
//! | `history()`, `update_state` and the states of `map_with_state` | as the stream that they read | contents, which stand |
//! | `snapshot()` and `count()` of what is kept, and what is made of these | as what they are of | contents, which stand |
//! | `changes()`, and what `map_with_state` emits | as what they are of | nothing: records belong to their batch |
//!
//! Of two streams it does not matter which stands left:
//!
//! | | is renewed | and has then |
//! |---|---|---|
//! | `union` of streams of batches | whenever one is | the batch's own records, and contents where the batch renews them |
//! | `union` of what is kept | whenever one is | both contents as they stand |
//! | `union` of windows as they are | together | both: they must have one size and one slide, or it does not start |
//! | `union` of batches with a window or with what is kept | | does not compile: say `.snapshot()` |
//! | joins of two streams whose records belong to batches | whenever one is | what these records make together |
//! | joins of such a stream with a snapshot, a window or what is kept | whenever that stream is | its records with the contents as of their last renewal |
//! | joins of a snapshot with a window or with what is kept | whenever the snapshot is | the same |
//! | joins of two snapshots, of windows, of what is kept | whenever one is | what both contents make together, as they stand |
//! | `transform_with` | whenever one is | contents as they stand, the batch's own records |
//! | loops | whenever a stream is that is read in it | what the contents lead to, as they stand |
//!
//! Joins are `join`, `left_join`, `right_join`, `full_join`, `semijoin`, `antijoin` and `cogroup`. A union of snapshots that
//! are not renewed together is a stream of batches: its records belong to the batch that they are delivered in. Whatever
//! is kept says with its changes what its contents say: their sum is the contents, at each renewal.
//!
//! In a job that goes on from a checkpoint, contents stand as they did before.
//!
//! # Lowering
//!
//! One method per idea, several ways to do it, chosen by type; the plan names the way of each operator:
//!
//! | operator | on | kept as | cost of a slide |
//! |---|---|---|---|
//! | any aggregate | a batch | combined where records are, then at the key's owner | the batch |
//! | `sum`, `count`, `mean` of integers, `distinct`, inverses ([`Abelian`]) | a window | one value a key, one a key and pane | what enters and leaves |
//! | `reduce_by_key`, `max`, float sums ([`Associative`]) | a window | two stacks a key | the same, three merges a pane |
//! | `group_by_key` ([`Neither`]) | a window | the panes' accumulators | the same, and all panes of each key that is delivered |
//! | joins | windows, histories, what is kept, batches with these and with snapshots | symmetric hash join | the pairs that come and go |
//! | any aggregate | what is kept | the values of each key, in order of arrival | all values of the keys that change |
//! | anything | loops | differential arrangements and `reduce` | what changes |
//!
//! The lowerings of windows are held against those of what is kept on random input (`tests/windows/lowerings.rs`), and all
//! against models that are made anew (`tests/fuzz`). DESIGN kept Abelian windows in differential's difference as well; hash
//! slots with panes that hold slot numbers were several times faster (`benches -- windows`). Joins and aggregates of what is
//! kept were differential's, too; but arrangements hold the values of a key in the order of `Ord`, and arrival is lost. So
//! differential serves loops. With a checkpoint, an aggregate of what is kept also writes down the order of its values,
//! unless it is [`Abelian`]: which values there are, the operators before it know.
//!
//! # In a service
//!
//! - [`connect::channel`] takes records from any task; [`send_tracked`](connect::Sender::send_tracked) and
//!   [`flush`](connect::Sender::flush) say when what was sent is in the outputs. [`connect::channel_sink`] gives the batches of a
//!   sink as a `futures` stream, [`connect::view()`] a table that any thread reads.
//! - [`Engine::start`] puts workers on threads of their own, for throughput and for work that must not hold up the
//!   service; [`Engine::start_local`] puts one into a `current_thread` runtime, for latency. Neither spins.
//! - [`Engine::close_early`] closes batches as soon as there is nothing more to take in, [`Engine::min_batch`] apart.
//!
//! # Time
//!
//! Batches are named by **stream time**. It never goes back, and goes on as a monotonic clock does. A job begins at the system's time, or
//! behind the last batch of its checkpoint if that is later. What happens when the two part is looked at once a second at least:
//!
//! | the system's clock | stream time | of which you hear |
//! |---|---|---|
//! | goes on by up to a month at once: a suspended machine, a clock that is set right | goes with it; batches are due for the time between, as after an absence | a warning |
//! | goes on by more | goes on as it did, behind it until the next start | a warning, [`JobMetrics::clock`], [`Job::explain`] |
//! | is set back | goes on as it did, ahead of it until the clock has caught up or is set right | the same |
//! | is earlier at a start than the last batch of the checkpoint | goes on behind that batch, ahead of the clock | the same |
//!
//! Times of files are by the system's clock; [`directory::lines`](connect::directory::lines) compares them with batches by what
//! both clocks say when it looks, and a source of one's own has [`SourceContext::system_time_of`](connect::Outlet::system_time_of) for
//! that. Tests set stream time by [`Engine::manual_clock`], or the system's clock by [`Engine::system_time`].
//!
//! # Under load
//!
//! A job that is behind lets its sources wait; nothing is lost, and nothing grows without bound:
//!
//! | what | bounds | at the bound |
//! |---|---|---|
//! | [`Engine::queue`], [`Engine::in_flight`] | chunks before a worker, batches on their way | sources wait |
//! | [`Engine::memory_limit`] | bytes of input in queues, open batch and batches in flight; see [`Job::memory`] | sources wait |
//! | [`Engine::max_rate`] | records by the second, by source | the source waits |
//! | [`Engine::backpressure`] | the same, set after each batch by what the job could take: [`Job::rates`] | the source waits |
//! | [`connect::shedding`] | the time that a source waits: none | records are dropped, counted in [`Job::shed`] |
//!
//! In a cluster queues, memory and rates are those of each process by itself; batches in flight are process 0's, which closes them.
//!
//! # After a crash
//!
//! [`Engine::checkpoint`] names a directory. What a job takes in and keeps of each batch is on disk, synced, before the
//! batch is delivered; the same job started on that directory goes on as if nothing had happened: state as of the last
//! batch that all sinks have, batches behind it run again with the records and the times that they had, then those that are
//! due since. The number of workers may be another; [`Cluster`] says what holds for several processes, which must all reach
//! the place.
//!
//! ```text
//! for each batch   marks of the sources (positions, counts) + what stateful operators took in or changed
//!                  -> one frame, checksummed, appended by one thread, one sync for all that waits -> sinks
//! in background    old base + logs -> new base, on bytes: dead panes and overwritten keys are left out
//! ```
//!
//! | source | after a crash | what it must be |
//! |---|---|---|
//! | [`file::lines`](connect::file::lines), [`directory::lines`](connect::directory::lines), [`queue()`](connect::queue()) | every record counts once | there, and as it was, when it is read again |
//! | one's own with [`Recovery::Replays`](connect::Recovery) | every record counts once | the same records again from a position |
//! | any in [`durable(..)`](connect::durable()) | every record that a receipt was given for counts once, others at most once | |
//! | any other: [`channel`](connect::channel()), TCP, `futures` streams | what was under way is lost; what is in the state stays | |
//!
//! | sink | a batch that comes again | then each batch is there |
//! |---|---|---|
//! | [`text_files`](connect::text_files()) | replaces the file of that batch, by rename | once |
//! | `sqlite::append`, `upsert`, `changes` (feature `sqlite`) | is told by its time, which is in the same transaction as its rows | once |
//! | one's own with [`Delivery::Idempotent`](connect::Delivery) or `Transactional` | as it says | once |
//! | [`view()`](connect::view()), [`view_of_changes`](connect::view_of_changes) | are in memory: filled again from the state | as of the last batch |
//! | [`console`](connect::console()), [`collect`](connect::collect()), [`channel_sink`](connect::channel_sink()) | is there twice, with the same time | at least once |
//!
//! A start is refused if two sinks have one [target](Sink::targets), in this job or in two of the process, if a sink writes into
//! the checkpoint's directory, or into what a source of the same job reads. The checkpoint and what sinks write to must stay in
//! their place while a job runs: if one is removed, moved away or replaced, the job ends with an error at the next sync.
//!
//! A checkpoint has an identity, and `text_files`, `sqlite` and sinks of one's own ([`Sink::checkpoint_mark`]) note which one
//! they belong to and how far they are: a checkpoint that is gone, older than what a sink has, or another's, is refused by
//! name until [`Checkpoint::adopt`]. Types that serde would read back as something else are refused at the start, and a value
//! that is found to be one only when it is written ends the job before it counts; `#[serde(skip)]` fields are read back as
//! their default. Initial states are taken in once; others than those are asked about. A start warns of a source that begins
//! anew before state that stays ([`Job::warnings`]), until [`Checkpoint::may_lose`].
//!
//! [`Checkpoint::exactly_once`] refuses to start with a port that cannot do its part. [`Checkpoint::deliver_at_once`] does
//! not wait for the disk. With a source whose records are lost, the job goes on with the last state there is, and batches
//! that were on their way to sinks may be missing.
//!
//! State belongs to operators by their ids (`OPERATORS`), which do not change when statements move. When a program is
//! changed, a start compares what its operators keep, and its source ports, with what is written, before anything is
//! touched: what fits is kept, new operators begin empty, and anything else is refused by name until
//! [`Checkpoint::renamed`] or [`Checkpoint::forget`] says what to do; two operators of one type that seem to have exchanged their
//! names are asked about as well, see [`Checkpoint::keeps`]; [`Checkpoint::lock_file`] puts the list under version control. That a closure does
//! something else now cannot be seen. What a checkpoint calls aggregates and joins does not depend on the names of Rust types; one's
//! own aggregate has its [`NAME`](Aggregate::NAME), without which a job with a checkpoint does not start. `examples/checkpoint.rs` lists, inspects and verifies a directory.
//!
//! It differs from DESIGN in one thing: frames are not replayed through the dataflow. Each operator that keeps something
//! reads its own entries; joins and aggregates of what is kept, and loops, are made again from what the operators before
//! them keep, said once as changes. So no batch of before is computed again, and nothing is written twice but the order of
//! values, where it counts.
//!
//! # Architecture
//!
//! ```text
//!   stream! (streaming-macros)     names operators, finds the graph, checks it, draws the plan
//!      | emits `Ports` and a body of method calls
//!   record  <-  checkpoint, ledger  <-  past, stream  <-  op  <-  connect  <-  engine     an arrow points to what is built on
//! ```
//!
//! | module | what it is | knows timely |
//! |---|---|---|
//! | `record` | properties of records, each a trait with words for the compiler | no |
//! | `time`, `clock` | durations, batch times; the system's clock or a test's | no |
//! | `rhythm` | which batches renew a stream | no |
//! | `timeline` | which slides are due where batches do not follow closely: at the end, after an absence | no |
//! | `stream` | [`Stream`]: a root and a chain of fused operators | yes |
//! | `past` | what a stream holds of its past | yes |
//! | `op` | the operators, one family a file | yes |
//! | [`aggregate`] | counts, sums, extremes and the like, for operators that make one value of many | no |
//! | [`connect`] | the contract with the outside world, and connectors | no |
//! | `engine` | starting, workers, batches, failure, stop | `mod`, `wiring`, `worker`, `notes`, `cluster/link`, `cluster/wire`, `metrics/meter`, `metrics/owners` |
//! | [`checkpoint`] | frames, the log's thread, compaction, recovery, what fits a changed program; bytes only | no |
//! | `stage`, `build` | ids and plans of stages; what is wrong with a body that makes no dataflow | no |
//! | `ledger` | what operators write down of a batch | yes |
//! | `codec`, `schema` | as which bytes, and of which types | no |
//! | `blame` | which operator panicked | no |
//! | `gauge` | what operators say of themselves: state, progress, which one runs | no |
//! | `disk` | names in directories that outlive a crash, and whether they mean what they did | no |
//! | `aside` | work that may hang, on threads that nobody joins | no |
//! | `owners` | which worker owns a key | no |
//! | `outbox`, `skipped` | batches that wait for operators which may object; what was left out | no |
//!
//! ## Invariants
//!
//! - No type of timely's is in the public API, and connectors see none at all.
//! - A chain of stateless operators costs what one closure costs: it is fused by type into its reader. Only
//!   where a stream is read twice, or leaves for code that `stream!` does not know, is it made real.
//! - The epochs of the dataflow are running numbers; the time of a batch is known when it closes and is looked
//!   up then. (DESIGN proposed to name epochs by their time. A batch that closes early does not know its time
//!   while its records flow, and the alternatives were to hold records back until it does, which costs the
//!   latency that early closing is for, or to name it by its first record, which breaks `(t - interval, t]`.)
//! - At most [`Engine::in_flight`] batches are closed and not delivered; beyond that queues fill and sources
//!   wait. No queue is unbounded, and nothing spins.
//! - A batch is delivered whole, once, in order, or not at all; a window only at its slides. It waits for each
//!   [`skip`](Stream::skip) and [`fail`](Stream::fail) of the pipeline to have seen its records.
//! - A record that is taken back is taken back on the worker where it was added: operators that may part the two bring
//!   them to the record's owner.
//! - Of a source, a batch has the records from one place in their order to another: a record counts for the batch that is
//!   open when it is put into its queue, under one lock with the count (`connect/cut.rs`).
//! - In a job that goes on, batch 0 is the past: operators that write something down ignore what comes to them in it and say
//!   what they keep, as contents and as changes, to those that do not; sinks drop it.
//! - Records and changes come only in batches that renew their stream, see `rhythm`.
//!
//! # Seeing what a job does
//!
//! - [`Job::metrics`] is a job in numbers: records and rates of sources, batches and delays, and of each operator its
//!   records, its time, what it keeps, and how far it is. [`Job::explain`] says of each sink what it waits for:
//!   "waits for source `clicks`, idle for 41s". A [`Monitor`] says both from any thread, also after the end.
//! - A [`Listener`] is told when sources, batches and the job begin, end and fail.
//! - With the cargo feature `metrics`, `metrics_exporter()` puts the numbers on the `metrics` facade, under names that stay:
//!   `examples/prometheus.rs`.
//! - `tracing` gets spans `job`, `source` and `sink` (with their port) around what the connectors log, `worker` around what
//!   closures log, `write` of each batch (trace), and events when batches start and are delivered (debug).
//!
//! It costs none to six hundredths of the throughput, see `benches -- observed`; [`Engine::metrics`] turns the meters of
//! operators off.
//!
//! # Where the time goes
//!
//! By `perf` on two vCPUs with 1 MiB of second cache each; parts of the CPU time of the whole process. What the engine adds
//! to a batch of 100k records (chunks, channels, progress, delivery) is half a millisecond; the rest is memory. What was
//! tried was run in turns with what there is, by throw-away programs on the workloads of `benches`: to see it again, run the
//! workload at the commits before and after.
//!
//! - *Stateless operators* (`benches -- chain`): 83 % of the worker is the fused loop, which is what an operator by hand has; the
//!   rest is timely and its log, by chunk. Two things took it from 0.81 s of CPU for 50M records to 0.68 s: a source whose
//!   queue is full waits until half of it is empty, since waking it for each place is a call to the kernel a chunk, and what
//!   is made of a whole batch is kept beside the table, since a table whose only key is `()` is hashed for nothing.
//! - *Words* (`benches -- words`, 100k a batch, two workers): gathering and looking up 32 %, comparing 8 %, merging 12 %,
//!   exchange 6 %, fresh pages 7 %, giving back lines that another thread allocated 7 %. The limit is one `String` for each
//!   different word and worker; a twin that keeps the words of a batch in one text is 1.1-1.4x faster. Tried and left out:
//!   messages of 32 KiB between workers instead of 8 (1.0-1.2x with two workers, a loss of 5 % at 1M words with one),
//!   combiners in the order in which their keys came (1.2x with two workers, 0.78x at 1M words with one).
//! - *Windows by key* (`benches -- windows`): gathering the batch 22 %, finding the slots of its keys 17 %, what leaves 6 %,
//!   copying the batch into chunks 6 %, contents 4 %. The limit is a miss of the cache for each key that enters and each
//!   that leaves, so a slot is small (32 bytes for integer keys and sums), changes are listed only where somebody asks, and
//!   all tables share one hash, so that a batch meets the slots' table in the order of its memory. Tried and left out: slots
//!   in that table itself (a fifth slower: frequent keys lie apart), looking up 32 or 64 keys ahead (no gain beyond noise).
//! - *Joins of windows* (`benches -- joins`): finding slots 16 %, pairs 22 %, what leaves 23 %, sorting by slot 10 %, which
//!   saves twice that. A form of [`changes`](Stream::changes) without what went took a third less for new pairs; it was
//!   left out because a value that changes and is the same again would be named as if it had come.
//!
//! # Limits
//!
//! - [`Engine::memory_limit`] bounds the input that a job holds, its open batch too; what operators keep and make of it is
//!   not in that figure, nor the batch of a paced source.
//! - A closure that never returns cannot be stopped: its worker's thread is left behind when the job ends, a second after an
//!   abort or a stop's limit, five after a failure. So is a connector that blocks its thread, and the thread of a
//!   [storage](checkpoint::Storage) that hangs; until its call returns, the place of the checkpoint stays taken. What was held up
//!   is named: in [`Job::explain`], in the log, in [`JobError::StopTimedOut`] or [`CheckpointError::Stuck`](checkpoint::CheckpointError).
//! - The supervisor of a job has a thread and timers of its own, and so has each connector of your own
//!   ([`Source::MAY_BLOCK`]): one that blocks its thread holds up neither the job's end nor the service. A connector that
//!   promises not to block and does, and a local worker in a closure, have the thread of the service's that polls them; in a
//!   runtime of one thread that is all there is. A [`Listener`] must not block: it is called where the job does its work.
//! - A panic is contained by unwinding: with `panic = "abort"` it ends the process, as does
//!   [`fail`](Stream::fail).
//! - A job may run in several processes ([`Cluster`]); the death of one ends it in all. With checkpoints it goes on
//!   when it is started again: nothing starts it by itself.
//! - Records of one key from several sources, in a union, have no order among each other. With several workers, those of
//!   one source that were exchanged have none within a batch either, unless an operator for which it counts (`first`, `last`,
//!   `group_by_key`, `cogroup`, `map_with_state`, `update_state`) makes one worker take that source in. A function that
//!   `reduce_by_key` is given must not depend on it.
//! - Copies of a record are counted, in loops as elsewhere, and at most 2^28 of one are written out: what multiplies them
//!   beyond that, or beyond `i64`, ends the job with [`JobError::TooManyCopies`]. A loop that still changes after 100 000
//!   rounds, or when they have taken 60 s for one batch, ends it with [`JobError::LoopWithoutEnd`]; see
//!   [`iterate_within`](Stream::iterate_within).
//! - A key must be equal to itself: one with a NaN in it, under an `Eq` that compares floats, ends the job with
//!   [`JobError::KeyNotItself`].
//! - Time ends in 2554, where nanoseconds do not fit any more. A duration may be of any length: a window, a time-out or a
//!   limit that goes beyond that does not end.
//! - Sums of floats in a window may differ in their last bits after a recovery, as they may with another number of
//!   workers: they are added in another grouping.
//! - A state is written whole when it changes: a large state a key, such as all values of it in `update_state`, costs its
//!   size in each batch that touches it. `update_state` also pays for the keys that do not change, since nobody else knows.
//! - After a long absence every batch of that time is made, as Spark makes them; [`Engine::skip_missed_batches`] leaves them out.
//! - `update_state` calls its function for every key in every batch, as Spark's does: its cost follows the keys.
//! - `.changes()` may take a record back and add it again: records need not be comparable.

pub mod aggregate;
mod build_error;
pub mod checkpoint;
mod clock;
mod codec;
pub mod connect;
mod connectors;
mod contract;
mod delivery;
mod detached;
mod disk;
mod engine;
mod error;
mod ids;
mod intake;
mod observe;
mod operators;
mod partitioner;
mod record;
mod schema;
mod stage;
mod stream;
mod time;

pub use build_error::BuildError;
pub use clock::ManualClock;
pub use contract::{sink::Sink, source::Source};
pub use engine::{
    Cluster, Engine, Job, LocalWorker, Pid, PidEstimator, Pipeline, Value, checkpoint_settings::Checkpoint,
};
pub use error::{JobError, StartError, cluster::ClusterError};
pub use ids::OpId;
pub use intake::admission::Memory;
#[cfg(feature = "metrics")]
pub use observe::exporter::{MetricsExporter, metrics_exporter};
pub use observe::{
    explain::{Explanation, Wait},
    listener::{BatchInfo, Listener},
    metrics::{ClockOffset, Delays, Frontier, JobMetrics, OperatorMetrics, SinkMetrics, SourceMetrics},
    monitor::Monitor,
};
pub use operators::{
    aggregate::{Abelian, Aggregate, Algebra, Associative, Neither, Of, Undo},
    iterate::LoopScope,
    kernel::{
        borrowed_keys::Reader,
        copies::Copies,
        differential::{Comparable, Looped},
        state_table::KeyState,
    },
    parameters::Parameters,
    sink::SinkPort,
    state::{Keeps, idle_for, unbounded},
    stateless::Emit,
};
pub use record::{Key, Keyed, Pair, Record};
pub use stream::{
    Stream,
    kind::{PerBatch, StreamKind, Table, UnboundedTable, UnboundedWindow, Windowed},
};
pub use time::{BatchTime, hours, millis, minutes, secs};

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
/// Ports stand in `<>`: what flows in and out. Values stand in `()`: what is known when the pipeline is
/// started; each worker gets a clone. The body is ordinary Rust: streams are variables, operators are methods
/// of [`Stream`], closures and functions are your own. A stream may be read as often as you like. Parentheses,
/// because rustfmt formats what is in them.
///
/// It may stand wherever an item may, in a function too. It becomes an enum `name` with
///
/// - one variant, `Ports`, with a field for each port and value: give it to [`Engine::start`]. A port that is
///   missing, given twice or of another type is a compile error there.
/// - `PLAN` and `DOT`, the graph for Mermaid and Graphviz; `OPERATORS`, the names of the operators. A name is
///   made of the `let` or the sink that an operator works for, so it does not change when statements move.
///
/// The body goes one way: it is run once on each worker, when the job starts. Each source must be read and each sink get one stream
/// in it; what the macro cannot see of that is a [`BuildError`] of the start.
///
/// Two things are easier than they look. A `flat_map` may return what borrows from its record. And in
/// `flat_map(|line| line.split_whitespace().map(str::to_owned))` followed by `map(|word| (word, 1))`, written
/// like this, words are copied only when a `reduce_by_key` behind has not seen them yet.
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
///     let clock = ManualClock::new(); // time of a test's own
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

/// Declares a stage: a function from streams to streams whose operators are known as those of a pipeline are.
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
/// It is an ordinary function, with generics, bounds and values as one likes, and is called by its name or its path from
/// `stream!` and from other stages, of other crates too. Its body is read as that of [`stream!`] is: streams are shared where
/// they are read twice, and each operator has an id, here behind that of the call. Its last line is the stream that it
/// returns, or a tuple of streams. It may take a sink of the caller's as `&SinkPort<'s, T>`.
///
/// Give each call a `let` of its own: what it keeps is found again by that name after a restart, wherever the lines stand,
/// in the stage and in the pipeline. A call that the macros cannot see, from a plain function or a method, has the id of
/// the call around it.
///
/// Its name is taken among types, too, by an enum that tells pipelines its plan.
///
/// ```
/// use streaming_runtime::{Kept, Key, prelude::*};
///
/// stage!(
///     /// The number and the sum of the amounts of each key, for ever.
///     pub fn balances<'s, K: Key>(
///         entries: Stream<'s, (K, i64)>,
///     ) -> (Stream<'s, (K, i64), Kept>, Stream<'s, (K, i64), Kept>) {
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

/// What programs with pipelines use.
pub mod prelude {
    pub use crate::{
        Aggregate as _, Engine, KeyState, Sink, Source, Stream, connect::SinkPolicies as _, hours, idle_for,
        millis, minutes, secs, stage, stream, unbounded,
    };
}

#[doc(hidden)]
pub mod __private {
    pub use crate::{
        engine::{Flow, InPort, OutPort, Wiring},
        stage::{Fragment, IsStage, Stage, count, fragment, joined, length, lines, no_stage, text},
        stream::Reported,
    };
    pub use streaming_macros::{stage, stream};
}
