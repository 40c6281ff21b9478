//! Streams of Kinesis: shards as a source whose records are each there exactly once, also after a crash, and a sink.
//!
//! ```no_run
//! use streaming_runtime::{connect::{console, kinesis}, prelude::*};
//!
//! stream!(
//!     /// Words of each batch.
//!     #[batch(secs(1))]
//!     pub fn words<texts: Source<String>, counts: Sink<(String, i64)>>() {
//!         texts.flat_map(|text| text.split_whitespace().map(str::to_owned)).count_by_value().to(counts);
//!     }
//! );
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut job = Engine::new().start(words::Ports {
//!     texts: kinesis::stream("texts").region("eu-central-1").texts(),
//!     counts: console(),
//! })?;
//! job.join().await?;
//! # Ok(()) }
//! ```
//!
//! Credentials and region come from where all clients of AWS look: the environment, the profiles, the role of the machine.
//!
//! # Shards and positions
//!
//! A partition is called as its shard, and its position is a sequence number in the job's checkpoint: no table of leases is needed.
//! Processes of a cluster share the shards by their names. A shard that came of a split or a merge is read when all is read of its
//! parents; of those that another process of the cluster reads, nothing is known, and it is not waited for them.
//!
//! Records that the Kinesis producer library has aggregated are taken apart, each with its sub-sequence number. What is not whole (by
//! its MD5) is a record as it is.
//!
//! # Errors
//!
//! | what | error |
//! |---|---|
//! | nobody answers, or Kinesis throttles, at the start or later | asked again by [`Retry`](crate::connect::Retry), then [`GaveUp`](crate::connect::ConnectorError::GaveUp) |
//! | no region | [`Config`](crate::connect::ConnectorError::Config) |
//! | no credentials | [`Fault::NoCredentials`] |
//! | credentials that are not taken, or lack a right | [`Fault::Forbidden`] |
//! | no such stream | [`Fault::UnknownStream`] |
//! | the record at a position is gone | [`Fault::LostRecords`], or as [`on_lost_records`](Shards::on_lost_records) says |
//! | a batch runs again, and the stream has other records for it | [`Changed`](crate::connect::ConnectorError::Changed), by position, by number or by a checksum |
//! | a record for the sink that Kinesis takes from nobody | [`Fault::TooLarge`], [`Fault::BadKey`] |
//!
//! While it is asked again, [`Job::explain`](crate::Job::explain) says how often and of how many times.
//!
//! # Limits
//!
//! - Records of one key keep their order across a split or a merge within a process. Where another process reads the parent, children
//!   are read at once.
//! - A shard that had nothing new for longer than the stream keeps its records has a position whose record is gone. After a restart
//!   that is a lost position.
//! - The hash range of a shard is not compared with what an aggregated record has in it: all of that is taken, after a reshard too.
//! - Each shard is asked for by polling, without enhanced fan-out.

mod aggregate;
mod client;
mod fault;
mod reader;
mod record;
mod shards;
mod sink;
mod source;

pub use self::{
    fault::Fault,
    reader::OnLostRecords,
    record::{Put, Record, Records, Shape, Texts},
    sink::StreamSink,
    source::Shards,
};

/// A source of the records of a stream.
pub fn stream(name: impl Into<String>) -> Shards {
    Shards::new(name.into())
}

/// A sink that appends to a stream, at least once: Kinesis has no transactions, so after a crash the last batches may be there twice.
/// It takes [`Put`]s and what can be made into them, such as pairs of a partition key and data.
pub fn append(stream: impl Into<String>) -> StreamSink {
    StreamSink::new(stream.into())
}
