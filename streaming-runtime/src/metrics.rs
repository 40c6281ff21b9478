//! A job in numbers, and what it waits for: what [`Job::metrics`](crate::Job::metrics), [`Job::explain`](crate::Job::explain) and
//! [`Monitor`](crate::Monitor) return.

#[cfg(feature = "metrics")]
pub use crate::observe::exporter::{MetricsExporter, metrics_exporter};
pub use crate::{
    intake::{admission::Memory, partitions::PartitionMetrics},
    observe::{
        explain::{Explanation, Wait},
        metrics::{ClockOffset, Delays, Frontier, JobMetrics, OperatorMetrics, SinkMetrics, SourceMetrics},
    },
};
