//! The contract between the engine and the outside world, and the connectors that fulfil it.
//!
//! ```text
//!            run(context)                      one call a batch, in order
//!  Source ----------------> bounded queues --> workers --> Batch { time, records } --> Sink::write
//!   ^  send().await waits when queues are full    |                                        |
//!   +---------------------- back-pressure <-------+---- batches in flight are limited <----+
//! ```
//!
//! - A source is one future on tokio. It has a runtime of its own, unless it promises never to [block](Source::MAY_BLOCK) its
//!   thread. It gives records to its [`SourceContext`], whose `send` waits while the workers are behind. Once `send` has returned, the
//!   record is in a batch, now or later; only a crash can lose it.
//! - The engine stops a source by dropping its future at an await point. So a source must not hold records that it has taken from
//!   outside across any await but the outlet's. One that has to, sets [`DRAINS`](Source::DRAINS) and is asked to end first.
//! - A source with [partitions](Partition), such as those of a topic, sends each from a future of its own. Positions, replays and
//!   [metrics](crate::metrics::PartitionMetrics) are by partition, and partitions may come and go.
//!   [`file::lines`] is one. Files of [`directory::lines`] are none: they come in the order of their times, also when a batch runs again, and
//!   partitions have no order among each other. Connections of [`tcp::listen`] are none: they have no position to come back to.
//! - A source and a sink are told [which port of which job](PortContext) they work for: for names that are the same after a restart.
//! - A source that returns `Ok` has ended. When all have ended, the engine closes the last batch and the job ends.
//! - A sink gets every batch, including empty ones, one at a time and in the order of their times. When `write` returns, the batch
//!   counts as delivered, and there is room for another one in flight.
//! - An error or a panic of either ends the job with an error that names the port. The service and its other jobs go on.
//!
//! # Errors by connector
//!
//! | connector | bad input | retried | what ends the job |
//! |---|---|---|---|
//! | [`tcp::lines`] | long lines skipped, bad UTF-8 replaced, both counted; or an error | connecting: [`Retry`] | a peer away for too long |
//! | [`tcp::listen`] | the same, where an error closes that connection only | accepting | no way to accept |
//! | [`file::lines`] | the same, where an error ends the job | | a file that cannot be read, or is another after a crash |
//! | [`directory::lines`] | the same; an unreadable file skipped and counted | looking, in each batch | a bad glob, too many files, a file that is another when its batch runs again |
//! | [`channel()`], [`queue()`], [`queue::shared`] | none: records come typed | | nothing |
//! | [`from_stream`] | none; items that are `Result`s are parted by [`try_map`](crate::Stream::try_map) | | nothing |
//! | [`try_from_stream`] | the first error ends the job | | that error |
//! | `kafka::topic`, `kafka::pattern` (feature `kafka`) | none: records are bytes; lost offsets end the job or are counted | brokers that are away: [`Retry`] | those for too long, a named topic that is unknown or gone, a right that is missing |
//! | `kafka::append`, `kafka::changes`, `kafka::upserts` (feature `kafka`) | | writing the batch, and brokers that are away: their own `retry` | those for too long, a record that the topic does not take, another process in its place, a right that is missing |
//! | `flume::listen_avro`, `flume::listen_thrift` (feature `flume`) | garbage closes its connection, and is counted | accepting | nothing |
//! | `flume::to_avro`, `flume::to_thrift` (feature `flume`) | | agents that are away or answer FAILED: their own `retry` | those for too long |
//! | `kinesis::stream` (feature `kinesis`) | none: records are bytes; a lost position ends the job or is counted | no answer, throttling: [`Retry`] | those for too long, a stream that is unknown, a right or credentials that are missing |
//! | `kinesis::append` (feature `kinesis`) | a record that is too large, or a bad key, ends the job | the same; records that were not taken | the same |
//! | [`restarted`] | as the source in it | making that source: [`Retry`] | what is left after that |
//! | [`console`], [`text_files`] | | | what the system refuses |
//! | [`collect`] | | | more records than its bound |
//! | [`channel_sink`] | | | a receiver that is gone |
//! | [`view()`], [`view_of_changes`] | | | two values of a key, more keys than its bound |
//! | [`into_sink`] | | | the sink's error |
//! | a sink with [`retry`](SinkPolicies::retry) | | writing the batch: [`Retry`] | what is left after that |
//! | a sink with [`timeout`](SinkPolicies::timeout) | | | that, and not being done in time |
//! | a sink with [`or_dead_letter`](SinkPolicies::or_dead_letter) | | writing the batch elsewhere | an error there, or of its close |
//!
//! No sink has a time limit unless [`timeout`](SinkPolicies::timeout) sets one: a sink that hangs holds up its job until
//! [`Job::stop`](crate::Job::stop) gives up waiting or the job is aborted. Records that the pipeline itself cannot use are for
//! [`try_map`](crate::Stream::try_map).
//!
//! # After a crash
//!
//! In a job with [checkpoints](crate::Engine::checkpoint), the kind of a source ([`Recovery`]) and of a sink ([`Delivery`]) decides
//! what a crash does. [`exactly_once`](crate::Checkpoint::exactly_once) refuses connectors whose kind cannot guarantee it. Without
//! checkpoints, everything that was under way is lost.
//!
//! | source | kind | records after a crash |
//! |---|---|---|
//! | [`file::lines`] | replays | each once: it reads on from its position in the file, which must be unchanged |
//! | [`directory::lines`] | replays | each once, including files that appeared while the job was down; files must stay until they are delivered |
//! | `kafka::topic`, `kafka::pattern` (feature `kafka`) | replays | each once: every partition is read on from its offset in the checkpoint |
//! | `flume::listen_avro`, `flume::listen_thrift` (feature `flume`) | logged | what an agent was told is in the job is never lost; it sends the rest again, of which some may have been there |
//! | `kinesis::stream` (feature `kinesis`) | replays | each once: every shard is read on from its sequence number in the checkpoint |
//! | [`queue()`] | replays | each once: it must be given the same batches again |
//! | [`durable`](durable()) of any below | logged | each record that was sent into the job once, from its log; a record with a receipt is never lost |
//! | [`channel()`], [`queue::shared`] | lost | what was under way is lost: at most once |
//! | [`tcp::lines`], [`tcp::listen`] | lost | the same, and what peers send while the job is down |
//! | [`from_stream`], [`try_from_stream`] | lost | the same; the stream is a new one |
//! | [`restarted`] | as the source in it | as the source in it |
//! | [`any_source`] | as the source in it | as the source in it |
//! | [`shedding`](shedding()) | logged or lost | around a `durable` source as that; else at most once |
//! | your own | its [`RECOVERY`](Source::RECOVERY) | to replay, it starts at [`SourceContext::resume_from`] and reports what it [`reached`](SourceContext::reached) |
//!
//! | sink | kind | batches after a crash |
//! |---|---|---|
//! | `sqlite::append`, `sqlite::upsert`, `sqlite::changes` (feature `sqlite`) | transactional | each once |
//! | `kafka::append`, `kafka::changes`, `kafka::upserts` (feature `kafka`) | transactional | each once, for readers of what is committed |
//! | [`text_files`] | idempotent | each once: it replaces the same batch |
//! | [`view()`], [`view_of_changes`] | idempotent | in memory only: the new view is complete from its first batch on |
//! | `flume::to_avro`, `flume::to_thrift` (feature `flume`) | at least once | the last batches may come twice; so may what an agent took and could not say |
//! | `kinesis::append` (feature `kinesis`) | at least once | the last batches may come twice, and parts of a batch |
//! | [`console`], [`channel_sink`], [`collect`], [`into_sink`] | at least once | the last batches may come twice, with the same times |
//! | a sink with [`retry`](SinkPolicies::retry) or [`timeout`](SinkPolicies::timeout) | as the sink in it | as the sink in it |
//! | [`any_sink`] | as the sink in it | as the sink in it |
//! | a sink with [`or_dead_letter`](SinkPolicies::or_dead_letter) | at least once | the last batches may come twice, in either sink |
//! | your own | its [`DELIVERY`](Sink::DELIVERY) | a batch is identified by its time |
//!
//! A batch that runs again has the same records and the same time. A source that sends another number of records for it ends the
//! job with [`JobError::Replay`](crate::JobError::Replay). A source that notices that its input is different should return an error,
//! such as [`ConnectorError::Changed`].
//!
//! Invariant: connectors never see a timely type, an epoch number or a worker.

#[cfg(feature = "flume")]
pub use crate::connectors::flume;
#[cfg(feature = "kafka")]
pub use crate::connectors::kafka;
#[cfg(feature = "kinesis")]
pub use crate::connectors::kinesis;
#[cfg(feature = "sqlite")]
pub use crate::connectors::sqlite;
pub use crate::{
    connectors::{
        any::{AnySink, AnySource, any_sink, any_source},
        channel::{BatchReceiver, ChannelSink, ChannelSource, Sender, Unsent, channel, channel_sink},
        collect::{Collect, Collected, collect},
        console::{Console, console},
        directory,
        durable::{Durable, durable},
        file,
        futures::{FromStream, IntoSink, TryFromStream, from_stream, into_sink, try_from_stream},
        lines::{BadLines, OnInvalidUtf8, OnLongLine},
        policy::{DeadLetters, OrDeadLetter, Restarted, Retried, Retries, SinkPolicies, Timed, restarted},
        queue,
        queue::queue,
        shedding::{Shedding, shedding},
        tcp,
        text_files::{TextFiles, text_files},
        view,
        view::{View, view, view_of_changes},
    },
    contract::{
        checkpoint_mark::{CheckpointId, CheckpointMark, NoCheckpointId},
        delivery::Delivery,
        error::{Closed, ConnectorError},
        format::{ByDebug, ByDisplay, Format},
        port_context::PortContext,
        receipt::Receipt,
        recovery::Recovery,
        retry::{Backoff, Retry},
        sink::{Batch, Sink},
        source::Source,
        target::{Origin, Target},
    },
    intake::{admission::Memory, partition::Partition, source_context::SourceContext},
};
