//! Agents of Apache Flume: a source that their sinks connect to, and a sink that connects to their sources; by Avro or by Thrift.
//!
//! ```no_run
//! use streaming_runtime::{connect::{console, flume}, prelude::*};
//!
//! stream!(
//!     /// Words of each batch.
//!     #[batch(secs(1))]
//!     pub fn words<events: Source<flume::Event>, counts: Sink<(String, i64)>>() {
//!         let words = events.flat_map(|event| event.text().split_whitespace().map(str::to_owned).collect::<Vec<_>>());
//!         words.count_by_value().to(counts);
//!     }
//! );
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut job = Engine::new().checkpoint("state").start(words::Ports {
//!     events: flume::listen_avro("127.0.0.1:4141")?,
//!     counts: console(),
//! })?;
//! job.join().await?;
//! # Ok(()) }
//! ```
//!
//! The agent's side of it:
//!
//! ```text
//! agent.sinks.job.type = avro
//! agent.sinks.job.hostname = 127.0.0.1
//! agent.sinks.job.port = 4141
//! agent.sinks.job.channel = ..
//! ```
//!
//! # What OK means
//!
//! An agent keeps the events of a transaction in its channel until it is told OK. It is told so when their batch is delivered and, in a
//! job with [checkpoints](crate::Engine::checkpoint), they are in the job's log, so that a crash loses none of them. With
//! [`deliver_at_once`](crate::Checkpoint::deliver_at_once) that does not wait for the log, and without checkpoints there is none. No
//! [`durable`](crate::connect::durable()) is needed.
//!
//! What was not answered OK comes again: after a crash, a stop, or [`answer_within`](Listen::answer_within). If it was in the job all
//! the same, and only the answer was lost, its events are there **twice**: at least once at that edge, and Flume has no number to tell
//! it by. Who cannot have that gives events a header with an id, and leaves out what it has seen.
//!
//! A transaction takes about a batch interval, and an agent's sink has one at a time: its `batch-size` for each interval is what it can
//! send. Give it a large `batch-size`, or the agent several sinks.
//!
//! # Partitions and bounds
//!
//! A connection is a partition, called by its address. What agents may take is bounded: [connections](Listen::max_connections), a
//! [call](Listen::max_frame), [all that wait](Listen::max_waiting), [silence](Listen::idle_timeout) and 30 s for a call to arrive. Garbage
//! closes its connection, and is counted in [`Connections`] and in the job's metrics.
//!
//! Neither side proves who it is, and nothing is encrypted: as with [`tcp::listen`](crate::connect::tcp::listen), whoever reaches the
//! address can send. Listen on `127.0.0.1`, or on a network that only agents reach. Agents' `ssl`, `compression-type = deflate` and
//! Kerberos are not supported: such an agent is refused as garbage.
//!
//! # Errors
//!
//! | what | error |
//! |---|---|
//! | the address is taken | [`Io`](crate::connect::ConnectorError::Io), at once |
//! | garbage, another protocol, a call above its bound | none: that connection is closed, counted and warned of |
//! | a transaction is not durable in time | none: it is answered FAILED, and its agent sends it again |
//! | a sink's agent is away, or answers FAILED | tried again by [`retry`](Remote::retry), then [`GaveUp`](crate::connect::ConnectorError::GaveUp) |

mod avro;
mod bytes;
mod call;
mod client;
mod connection;
mod connections;
mod event;
mod frame;
mod listen;
mod sink;
#[cfg(test)]
mod tests;
mod thrift;

use std::{fmt, net::ToSocketAddrs};

use self::frame::Framing;
pub use self::{
    connections::Connections,
    event::{AsIs, Event, IntoEvent},
    listen::Listen,
    sink::Remote,
};
use crate::connect::ConnectorError;

/// A source of the events that agents send by their sinks of type `avro`. It listens from now on; port 0 takes a free one, see
/// [`local_addr`](Listen::local_addr). It does not end by itself.
///
/// ```
/// use streaming_runtime::connect::{ConnectorError, flume};
///
/// # fn main() -> Result<(), ConnectorError> {
/// let source = flume::listen_avro("127.0.0.1:0")?.max_connections(10);
/// println!("agents may connect to {}", source.local_addr());
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`ConnectorError::Io`] with the address when it is taken or not ours.
pub fn listen_avro(address: impl ToSocketAddrs + fmt::Debug) -> Result<Listen, ConnectorError> {
    Listen::new(address, Framing::Avro)
}

/// A source of the events that agents send by their sinks of type `thrift`, in the compact protocol or in the binary one. Otherwise as
/// [`listen_avro`].
///
/// # Errors
/// As [`listen_avro`].
pub fn listen_thrift(address: impl ToSocketAddrs + fmt::Debug) -> Result<Listen, ConnectorError> {
    Listen::new(address, Framing::Thrift)
}

/// A sink that sends events to an agent's source of type `avro`, at `host:port`. Each batch is there at least once: what was not answered
/// OK is sent again.
///
/// ```
/// use streaming_runtime::connect::flume;
///
/// let texts = flume::to_avro("127.0.0.1:4141"); // of texts, bytes or events
/// let counts = flume::to_avro("127.0.0.1:4141")
///     .format(|(word, n): (String, i64)| flume::Event::new(n.to_string()).header("word", word));
/// # fn is_sink<T>(_: impl streaming_runtime::Sink<T>) {}
/// # is_sink::<String>(texts);
/// # is_sink(counts);
/// ```
///
/// # Errors
/// See [the module](self).
pub fn to_avro(address: impl Into<String>) -> Remote {
    Remote::new(address.into(), Framing::Avro)
}

/// A sink that sends events to an agent's source of type `thrift`, in the compact protocol, which is the agent's default. Otherwise as
/// [`to_avro`].
///
/// # Errors
/// See [the module](self).
pub fn to_thrift(address: impl Into<String>) -> Remote {
    Remote::new(address.into(), Framing::Thrift)
}
