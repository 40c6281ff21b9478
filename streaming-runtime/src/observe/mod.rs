//! What a job reports about itself.

pub(crate) mod explain;
#[cfg(feature = "metrics")]
pub(crate) mod exporter;
pub(crate) mod listener;
pub(crate) mod metrics;
pub(crate) mod monitor;
pub(crate) mod operator_stats;
pub mod plan;
pub(crate) mod skip_counters;
