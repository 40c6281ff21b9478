//! What a job is doing, in numbers: [`JobMetrics`], taken from a job at any time.
//!
//! Everything is in atomics ([`board`]): workers, tasks and sinks each write their own, and a snapshot reads them without a lock. So nobody
//! waits for a reader, also when the job is stuck or has ended. A snapshot is not a consistent cut: numbers that belong together may be a
//! moment apart.
//!
//! | file | what it is | knows timely |
//! |---|---|---|
//! | `board` | what is known of a job, and the snapshot | no |
//! | `polls` | whether a connector blocks its thread | no |
//! | `recent` | rates and delays of the last seconds and batches | no |
//! | `meter` | records and time of operators, from the workers' logs | yes |
//! | `owners` | which operator of the pipeline an operator of the dataflow belongs to | yes |
//! | `crate::gauge` | what operators say of themselves: state, frontier, which one runs | no |

mod board;
mod meter;
mod owners;
mod polls;
mod recent;

use std::time::Duration;

pub(crate) use board::{Board, BoardSettings, LATE_BATCHES, Port, SinkBoard, SourceState, Waiting};
pub(crate) use meter::Meter;
pub(crate) use polls::Polls;
use serde::{Serialize, Serializer};

use crate::{
    intake::{admission::Memory, partitions::PartitionMetrics},
    time::BatchTime,
};

/// A snapshot of a job in numbers: a plain value to keep, print or send. See [`Job::metrics`] and [`Monitor`].
///
/// In serde's form, durations are seconds as floats: exact to the nanosecond for the first hundred days, then to the microsecond.
/// Batch times are milliseconds since the Unix epoch as integers, rounded down;
/// [`last_batch_nanos`](JobMetrics::last_batch_nanos) is exact.
///
/// [`Job::metrics`]: crate::Job::metrics
/// [`Monitor`]: crate::Monitor
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct JobMetrics {
    /// The job's name.
    pub job: String,
    /// Its workers.
    pub workers: usize,
    /// How long it has run, until its end.
    #[serde(serialize_with = "seconds")]
    pub uptime: Duration,
    /// How far its clock is from the system's.
    pub clock: ClockOffset,
    /// Whether it has ended.
    pub has_ended: bool,
    /// Records taken in, of all sources.
    pub records: u64,
    /// Batches that were closed.
    pub batches_closed: u64,
    /// Batches that every sink has taken.
    pub batches_delivered: u64,
    /// Batches that were closed and not delivered.
    pub batches_in_flight: u64,
    /// The last batch that was delivered.
    #[serde(serialize_with = "maybe_millis")]
    pub last_batch: Option<BatchTime>,
    /// The same in nanoseconds since the Unix epoch, for readers of the serialised form.
    pub last_batch_nanos: Option<u64>,
    /// From the batches' times until they could be closed, see [`BatchInfo`](crate::BatchInfo).
    pub scheduling_delay: Delays,
    /// From closing the batches until every sink had taken them.
    pub processing_delay: Delays,
    /// Time that the workers spent outside of operators: inputs, progress, the loop around the dataflow.
    #[serde(serialize_with = "seconds")]
    pub engine_busy: Duration,
    /// How often a [`Listener`](crate::Listener) panicked. Each is logged, and nothing else happens.
    pub listener_panics: u64,
    /// Connections that came to this process's address in the [`Cluster`](crate::cluster::Cluster) and were dropped: they did not have
    /// the secret, ran another program, or sent nothing.
    pub strangers: u64,
    /// What it holds of its input, and the limit; see [`Engine::memory_limit`](crate::Engine::memory_limit).
    pub memory: Memory,
    /// The sources, in the order of the header.
    pub sources: Vec<SourceMetrics>,
    /// The sinks, in the order of the header.
    pub sinks: Vec<SinkMetrics>,
    /// The operators, in the order of the pipeline's `OPERATORS`.
    pub operators: Vec<OperatorMetrics>,
}

/// The difference between stream time and the system's clock, after that clock was set; see [time](crate::guide::semantics#time).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ClockOffset {
    /// How far it is ahead.
    #[serde(serialize_with = "seconds")]
    pub ahead: Duration,
    /// How far it is behind.
    #[serde(serialize_with = "seconds")]
    pub behind: Duration,
}

impl ClockOffset {
    /// From stream time minus the system's, in nanoseconds.
    pub(crate) fn of(offset: i64) -> Self {
        let length = Duration::from_nanos(offset.unsigned_abs());
        match offset {
            ..0 => ClockOffset { ahead: Duration::ZERO, behind: length },
            _ => ClockOffset { ahead: length, behind: Duration::ZERO },
        }
    }
}

impl JobMetrics {
    /// The source of this port.
    pub fn source(&self, port: &str) -> Option<&SourceMetrics> {
        self.sources.iter().find(|source| source.port == port)
    }
    /// The sink of this port.
    pub fn sink(&self, port: &str) -> Option<&SinkMetrics> {
        self.sinks.iter().find(|sink| sink.port == port)
    }
    /// The operator of this id.
    pub fn operator(&self, id: &str) -> Option<&OperatorMetrics> {
        self.operators.iter().find(|operator| operator.id == id)
    }
}

/// Delays of the last batches, at most 256.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Delays {
    /// Sample size; all fields are 0 before the first delivery.
    pub batches: usize,
    /// The delay of the last batch.
    #[serde(serialize_with = "seconds")]
    pub last: Duration,
    /// The mean.
    #[serde(serialize_with = "seconds")]
    pub mean: Duration,
    /// The median.
    #[serde(serialize_with = "seconds")]
    pub p50: Duration,
    /// The 99th percentile.
    #[serde(serialize_with = "seconds")]
    pub p99: Duration,
    /// The longest.
    #[serde(serialize_with = "seconds")]
    pub max: Duration,
}

/// A source in numbers.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct SourceMetrics {
    /// The port's name.
    pub port: &'static str,
    /// Records that the workers have taken in.
    pub records: u64,
    /// Records per second that the workers took in, over the last five seconds.
    pub records_per_second: f64,
    /// Chunks, of up to 1,024 records each, that wait in its queues to the workers.
    pub waiting_chunks: u64,
    /// Time since the last records, or since the start, if no records wait. By the job's clock.
    #[serde(serialize_with = "maybe_seconds")]
    pub idle: Option<Duration>,
    /// The records per second that it may send now, if there is a limit; see [`Engine::max_rate`](crate::Engine::max_rate)
    /// and [`Engine::backpressure`](crate::Engine::backpressure).
    pub max_rate: Option<f64>,
    /// Records that it dropped because the job was behind, if it is [`shedding`](crate::connect::shedding).
    pub shed: u64,
    /// Counters of its connector, by name, such as `connections_refused` of [`tcp::listen`](crate::connect::tcp::listen);
    /// see [`SourceContext::count`](crate::connect::SourceContext::count).
    pub events: Vec<(&'static str, u64)>,
    /// Its partitions, of a topic, say, by name, if it has any.
    pub partitions: Vec<PartitionMetrics>,
    /// Input, such as files, that it found and ignored, and that somebody may miss. Each is in the log.
    pub ignored: u64,
    /// Whether it has ended.
    pub has_ended: bool,
}

/// A sink in numbers.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct SinkMetrics {
    /// The port's name.
    pub port: &'static str,
    /// Records that it has taken.
    pub records: u64,
    /// Batches that it has taken; a window is written at its slides only.
    pub batches: u64,
    /// Time spent in [`write`](crate::Sink::write), finished calls only.
    #[serde(serialize_with = "seconds")]
    pub busy: Duration,
    /// How long it has been writing the batch that it is writing. By the job's clock.
    #[serde(serialize_with = "maybe_seconds")]
    pub writing: Option<Duration>,
    /// How long it has been waiting for a batch, if it is. By the job's clock.
    #[serde(serialize_with = "maybe_seconds")]
    pub waiting: Option<Duration>,
}

/// An operator in numbers, all its workers together.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct OperatorMetrics {
    /// Its id, as in the pipeline's `OPERATORS`.
    pub id: &'static str,
    /// Whether it is fused into the operator that reads it. Then that operator has the numbers of both, and these are 0.
    pub is_fused: bool,
    /// Records that came in, to the first of the operators that are fused into it. What differential's arrangements pass on counts as
    /// one record per batch.
    pub records_in: u64,
    /// Records that went out.
    pub records_out: u64,
    /// Records that it dropped: those of [`skip`](crate::Stream::skip).
    pub skipped: u64,
    /// Time in which it ran.
    #[serde(serialize_with = "seconds")]
    pub busy: Duration,
    /// Entries of its state: keys, the entries of a window's panes, values of a join, updates of an arrangement. Also what it
    /// gathered of the last batch, which is everything that an operator on batches has.
    pub state_records: u64,
    /// Bytes of that, as a lower estimate: capacity times the size of an entry, without heap data of entries such as the text of a
    /// `String`.
    pub state_bytes: u64,
    /// Its progress, for operators that gather batches.
    pub frontier: Option<Frontier>,
}

/// The progress of an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Frontier {
    /// It has finished every batch that is closed.
    Open,
    /// It has not finished this batch, which is closed.
    Batch(#[serde(serialize_with = "millis")] BatchTime),
}

/// A duration in seconds, as the float that is nearest: one division of two numbers that floats have exactly. A sum of
/// seconds and their fraction is rounded twice, and wrong in the last digit every now and then.
pub(super) fn in_seconds(duration: Duration) -> f64 {
    const EXACT: u128 = 1 << f64::MANTISSA_DIGITS;
    match duration.as_nanos() {
        nanos @ 0..=EXACT => nanos as f64 / 1e9,
        nanos => (nanos / 1000) as f64 / 1e6,
    }
}

fn seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    in_seconds(*duration).serialize(serializer)
}

fn maybe_seconds<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    duration.map(in_seconds).serialize(serializer)
}

fn millis<S: Serializer>(time: &BatchTime, serializer: S) -> Result<S::Ok, S::Error> {
    time.as_millis().serialize(serializer)
}

fn maybe_millis<S: Serializer>(time: &Option<BatchTime>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(BatchTime::as_millis).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_the_floats_that_are_nearest() {
        for nanos in (0..2_000_000_000_u64).step_by(7_654_321) {
            for seconds in [0, 3, 59, 86_400, 8_640_000] {
                let duration = Duration::from_secs(seconds) + Duration::from_nanos(nanos);
                let (whole, part) = (duration.as_secs(), duration.subsec_nanos());
                let exact: f64 = format!("{whole}.{part:09}").parse().expect("a number");
                assert_eq!(in_seconds(duration), exact, "{duration:?}");
            }
        }
        assert_eq!(
            in_seconds(Duration::from_secs(31_536_000) + Duration::from_micros(123_456)),
            31_536_000.123456
        );
    }
}
