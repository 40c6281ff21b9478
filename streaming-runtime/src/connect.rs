//! The contract between the engine and the outside world, and the connectors that fulfil it.
//!
//! ```text
//!            run(outlet)                       one call a batch, in order
//!  Source ----------------> bounded queues --> workers --> Batch { time, records } --> Sink::write
//!   ^  send().await waits when queues are full    |                                        |
//!   +---------------------- back-pressure <-------+---- batches in flight are limited <----+
//! ```
//!
//! - A source is one future on tokio, in a runtime of its own unless it says that it never
//!   [blocks](Source::MAY_BLOCK) its thread. It hands records to its [`SourceContext`], which waits while the workers are
//!   behind. What `send` has returned for is in a batch, now or later; nothing is lost but by a crash.
//!   The engine stops a source by dropping that future at an await point, so a source keeps nothing that it
//!   has taken from outside and not sent across an await other than the outlet's; one that must, says
//!   [`DRAINS`](Source::DRAINS) and is asked first.
//! - A source that returns `Ok` has ended; when all have, the engine closes the last batch and the job ends.
//! - A sink gets every batch, the empty ones too, one at a time and in the order of their times. When `write`
//!   returns, the batch counts as delivered and makes room for another in flight.
//! - An error from either ends the job with that error, naming the port, and so does a panic; the service and its
//!   other jobs go on.
//!
//! # What becomes of errors
//!
//! | connector | bad input | what it tries again | what ends the job |
//! |---|---|---|---|
//! | [`tcp::lines`] | long lines skipped, bad UTF-8 replaced, both counted; or an error | connecting: [`Retry`] | a peer away for too long |
//! | [`tcp::listen`] | the same, where an error closes that connection only | accepting | no way to accept |
//! | [`file::lines`] | the same, where an error ends the job | | a file that cannot be read, or is another after a crash |
//! | [`directory::lines`] | the same; an unreadable file skipped and counted | looking, in each batch | a bad glob, too many files, a file that is another when its batch runs again |
//! | [`channel()`], [`queue()`], [`queue::shared`] | none: records come typed | | nothing |
//! | [`from_stream`] | none; items that are `Result`s are parted by [`try_map`](crate::Stream::try_map) | | nothing |
//! | [`try_from_stream`] | the first error ends the job | | that error |
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
//! No sink is limited in time unless [`timeout`](SinkPolicies::timeout) says so: one that hangs holds its job up, until
//! [`Job::stop`](crate::Job::stop) gives up waiting or the job is aborted. Records that make no sense to the pipeline
//! itself are the matter of [`try_map`](crate::Stream::try_map).
//!
//! # After a crash
//!
//! In a job with [checkpoints](crate::Engine::checkpoint) each source is of one kind ([`Recovery`]), and each sink
//! ([`Delivery`]). What is not of a kind that can do its part is refused where
//! [`exactly_once`](crate::Checkpoint::exactly_once) is asked for. Without checkpoints, all that was under way is lost.
//!
//! | source | kind | records after a crash |
//! |---|---|---|
//! | [`file::lines`] | replays | each once: it reads on from its place in the file, which must be the same |
//! | [`directory::lines`] | replays | each once, and those that came in the down time: files have to stay until they are delivered |
//! | [`queue()`] | replays | each once: it is given the same batches again |
//! | [`durable`](durable()) of any below | logged | each that was sent into the job once, from the job's log; what an answer was waited for is there |
//! | [`channel()`], [`queue::shared`] | lost | what was under way is lost: at most once |
//! | [`tcp::lines`], [`tcp::listen`] | lost | the same, and what peers send while nobody listens |
//! | [`from_stream`], [`try_from_stream`] | lost | the same; the stream is a new one |
//! | [`restarted`] | as the source in it | as the source in it |
//! | [`shedding`](shedding()) | logged or lost | of a `durable` source as that; else at most once, as what is dropped is lost anyway |
//! | a source of one's own | its [`RECOVERY`](Source::RECOVERY) | if it replays: it asks [`SourceContext::resume_from`], and says what it [`reached`](Outlet::reached) |
//!
//! | sink | kind | batches after a crash |
//! |---|---|---|
//! | `sqlite::append`, `sqlite::upsert`, `sqlite::changes` (feature `sqlite`) | transactional | each once |
//! | [`text_files`] | idempotent | each once: it takes the place of the same batch |
//! | [`view()`], [`view_of_changes`] | idempotent | in memory only, so there is none to double: the new view has all from its first batch on |
//! | [`console`], [`channel_sink`], [`collect`], [`into_sink`] | at least once | the last ones may come twice, with the same times |
//! | a sink with [`retry`](SinkPolicies::retry) or [`timeout`](SinkPolicies::timeout) | as the sink in it | as the sink in it |
//! | a sink with [`or_dead_letter`](SinkPolicies::or_dead_letter) | at least once | the last ones may come twice, here or there |
//! | a sink of one's own | its [`DELIVERY`](Sink::DELIVERY) | batches are told apart by their times |
//!
//! A batch that runs again has the records and the time that it had. A source that gives it other numbers of records ends
//! the job with [`JobError::Replay`](crate::JobError::Replay); one that finds that it cannot give the same, with an error
//! that says so, as [`ConnectorError::Changed`].
//!
//! Invariant: connectors never see a timely type, an epoch number or a worker.

#[cfg(feature = "sqlite")]
pub use crate::connectors::sqlite;
pub use crate::{
    connectors::{
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
        error::{Closed, ConnectorError},
        format::{ByDebug, ByDisplay, Format},
        receipt::Receipt,
        retry::Retry,
        sink::{Batch, Delivery, Sink},
        source::{Recovery, Source},
        target::{Origin, Target},
    },
    intake::{admission::Memory, source_context::SourceContext},
};
