//! The metrics of jobs on the `metrics` facade: for Prometheus, StatsD and others that have a recorder.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use metrics::{Label, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

use crate::{
    error::JobError,
    observe::{
        listener::{BatchInfo, Listener},
        metrics::{Frontier, JobMetrics},
        monitor::Monitor,
    },
};

/// A listener that puts jobs' [`JobMetrics`] on the [`metrics`] facade. With the cargo feature `metrics`.
///
/// Install the recorder first, for instance that of `metrics-exporter-prometheus`, then give the exporter to
/// [`Engine::listener`](crate::Engine::listener). Each job is exported once a second, and when it ends;
/// [`refresh`](MetricsExporter::refresh) exports at once, for a server that is asked. `examples/prometheus.rs` is a complete program.
///
/// Names and labels are stable. Every series but the last has the label `job`, so jobs of one process need names of their
/// own.
///
/// | name | kind | labels | |
/// |---|---|---|---|
/// | `streaming_job_running` | gauge | | 1 until the job has ended, then 0 |
/// | `streaming_uptime_seconds` | gauge | | since the start |
/// | `streaming_clock_ahead_seconds` | gauge | | stream time less the system's clock; not 0 when that was set |
/// | `streaming_records_total` | counter | | records taken in, of all sources |
/// | `streaming_batches_closed_total` | counter | | batches closed |
/// | `streaming_batches_delivered_total` | counter | | batches that every sink has taken |
/// | `streaming_batches_in_flight` | gauge | | closed and not delivered |
/// | `streaming_last_batch_seconds` | gauge | | the last one's time since the Unix epoch |
/// | `streaming_batch_scheduling_delay_seconds` | histogram | | from a batch's time until it could be closed |
/// | `streaming_batch_processing_delay_seconds` | histogram | | from closing a batch until it was delivered |
/// | `streaming_engine_busy_seconds` | gauge | | workers' time in what is no operator's |
/// | `streaming_listener_panics_total` | counter | | panics of listeners |
/// | `streaming_cluster_strangers_total` | counter | | connections at the cluster's address that were dropped |
/// | `streaming_memory_held_bytes` | gauge | | input that the job holds |
/// | `streaming_memory_ceiling_bytes` | gauge | | the most that it may |
/// | `streaming_source_records_total` | counter | `source` | records taken in |
/// | `streaming_source_records_per_second` | gauge | `source` | over the last five seconds |
/// | `streaming_source_waiting_chunks` | gauge | `source` | chunks in its queues to the workers |
/// | `streaming_source_idle_seconds` | gauge | `source` | since the last records; 0 while some wait |
/// | `streaming_source_shed_total` | counter | `source` | records dropped because the job was behind |
/// | `streaming_source_events_total` | counter | `source`, `event` | what its connector counts, by name |
/// | `streaming_source_ignored_total` | counter | `source` | files found and left alone |
/// | `streaming_sink_records_total` | counter | `sink` | records taken |
/// | `streaming_sink_batches_total` | counter | `sink` | batches taken |
/// | `streaming_sink_busy_seconds` | gauge | `sink` | time in finished writes |
/// | `streaming_sink_writing_seconds` | gauge | `sink` | how long the write takes that is going on; 0 if none is |
/// | `streaming_operator_records_in_total` | counter | `operator` | records that came in |
/// | `streaming_operator_records_out_total` | counter | `operator` | records that went out |
/// | `streaming_operator_skipped_total` | counter | `operator` | records left out by `skip` |
/// | `streaming_operator_busy_seconds` | gauge | `operator` | time in which it ran |
/// | `streaming_operator_state_records` | gauge | `operator` | entries that it keeps |
/// | `streaming_operator_state_bytes` | gauge | `operator` | bytes of that, estimated from below |
/// | `streaming_operator_waiting_batch` | gauge | `operator` | 1 while a batch is closed that it has not finished |
/// | `streaming_jobs_ended_total` | counter | `code`, no `job` | `ok` or the [`JobError::code`] |
///
/// Operators that are fused into another have no series. Times that add up are gauges, because the facade's counters are
/// whole numbers.
#[derive(Clone)]
pub struct MetricsExporter {
    jobs: Arc<Mutex<Vec<Monitor>>>,
    every: Duration,
}

/// Puts jobs' metrics on the [`metrics`] facade; see [`MetricsExporter`].
///
/// ```no_run
/// use streaming_runtime::{metrics::metrics_exporter, prelude::*};
///
/// // With a recorder installed, such as `PrometheusBuilder::new().install_recorder()?`.
/// let exporter = metrics_exporter();
/// let engine = Engine::new().listener(exporter.clone());
/// // Where a server is asked for metrics:
/// exporter.refresh();
/// ```
pub fn metrics_exporter() -> MetricsExporter {
    MetricsExporter { jobs: Arc::default(), every: Duration::from_secs(1) }
}

impl MetricsExporter {
    /// Exports jobs this often by itself, instead of once a second.
    ///
    /// # Panics
    /// If `every` is zero.
    pub fn every(mut self, every: Duration) -> Self {
        assert!(!every.is_zero(), "an exporter that is never done would take a core");
        self.every = every;
        self
    }

    /// Exports the jobs now.
    pub fn refresh(&self) {
        self.jobs().retain(|job| {
            let has_ended = job.has_ended();
            export(&job.metrics());
            !has_ended
        });
    }

    fn jobs(&self) -> MutexGuard<'_, Vec<Monitor>> {
        // A recorder that panicked has harmed nothing of ours.
        self.jobs.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Listener for MetricsExporter {
    fn attached(&self, job: &Monitor) {
        describe();
        self.jobs().push(job.clone());
        export(&job.metrics());
        // Not at once again and again: that would be to spin.
        let (job, every) = (job.clone(), self.every.max(Duration::from_millis(1)));
        tokio::spawn(async move {
            while !job.has_ended() {
                tokio::time::sleep(every).await;
                export(&job.metrics());
            }
        });
    }

    fn batch_completed(&self, batch: &BatchInfo) {
        let delay = |name: &'static str, delay: Duration| {
            histogram!(name, "job" => batch.job.clone()).record(delay.as_secs_f64());
        };
        delay(SCHEDULING, batch.scheduling_delay);
        delay(PROCESSING, batch.processing_delay);
    }

    fn ended(&self, result: &Result<(), JobError>) {
        let code = result.as_ref().map_or_else(JobError::code, |()| "ok");
        counter!("streaming_jobs_ended_total", "code" => code).increment(1);
        self.refresh();
    }
}

const SCHEDULING: &str = "streaming_batch_scheduling_delay_seconds";
const PROCESSING: &str = "streaming_batch_processing_delay_seconds";

fn export(job: &JobMetrics) {
    let labels = vec![Label::new("job", job.job.clone())];
    let set = |name: &'static str, value: f64| gauge!(name, labels.clone()).set(value);
    let count = |name: &'static str, value: u64| counter!(name, labels.clone()).absolute(value);
    set("streaming_job_running", f64::from(u8::from(!job.has_ended)));
    set("streaming_uptime_seconds", job.uptime.as_secs_f64());
    set("streaming_clock_ahead_seconds", job.clock.ahead.as_secs_f64() - job.clock.behind.as_secs_f64());
    count("streaming_records_total", job.records);
    count("streaming_batches_closed_total", job.batches_closed);
    count("streaming_batches_delivered_total", job.batches_delivered);
    set("streaming_batches_in_flight", job.batches_in_flight as f64);
    if let Some(time) = job.last_batch {
        set("streaming_last_batch_seconds", time.as_millis() as f64 / 1e3);
    }
    set("streaming_engine_busy_seconds", job.engine_busy.as_secs_f64());
    count("streaming_listener_panics_total", job.listener_panics);
    count("streaming_cluster_strangers_total", job.strangers);
    set("streaming_memory_held_bytes", job.memory.held as f64);
    set("streaming_memory_ceiling_bytes", job.memory.ceiling as f64);

    let with = |key: &'static str, value: &'static str| {
        labels.iter().cloned().chain([Label::new(key, value)]).collect::<Vec<_>>()
    };
    let seconds = |duration: Option<Duration>| duration.unwrap_or_default().as_secs_f64();
    for source in &job.sources {
        let labels = with("source", source.port);
        for (event, count) in &source.events {
            let labels: Vec<_> = labels.iter().cloned().chain([Label::new("event", *event)]).collect();
            counter!("streaming_source_events_total", labels).absolute(*count);
        }
        counter!("streaming_source_records_total", labels.clone()).absolute(source.records);
        counter!("streaming_source_shed_total", labels.clone()).absolute(source.shed);
        counter!("streaming_source_ignored_total", labels.clone()).absolute(source.ignored);
        gauge!("streaming_source_records_per_second", labels.clone()).set(source.records_per_second);
        gauge!("streaming_source_waiting_chunks", labels.clone()).set(source.waiting_chunks as f64);
        gauge!("streaming_source_idle_seconds", labels).set(seconds(source.idle));
    }
    for sink in &job.sinks {
        let labels = with("sink", sink.port);
        counter!("streaming_sink_records_total", labels.clone()).absolute(sink.records);
        counter!("streaming_sink_batches_total", labels.clone()).absolute(sink.batches);
        gauge!("streaming_sink_busy_seconds", labels.clone()).set(sink.busy.as_secs_f64());
        gauge!("streaming_sink_writing_seconds", labels).set(seconds(sink.writing));
    }
    for operator in job.operators.iter().filter(|operator| !operator.is_fused) {
        let labels = with("operator", operator.id);
        counter!("streaming_operator_records_in_total", labels.clone()).absolute(operator.records_in);
        counter!("streaming_operator_records_out_total", labels.clone()).absolute(operator.records_out);
        counter!("streaming_operator_skipped_total", labels.clone()).absolute(operator.skipped);
        gauge!("streaming_operator_busy_seconds", labels.clone()).set(operator.busy.as_secs_f64());
        gauge!("streaming_operator_state_records", labels.clone()).set(operator.state_records as f64);
        gauge!("streaming_operator_state_bytes", labels.clone()).set(operator.state_bytes as f64);
        let waits = matches!(operator.frontier, Some(Frontier::Batch(_)));
        gauge!("streaming_operator_waiting_batch", labels).set(f64::from(u8::from(waits)));
    }
}

fn describe() {
    describe_gauge!("streaming_job_running", "1 until the job has ended");
    describe_gauge!("streaming_uptime_seconds", Unit::Seconds, "since the start");
    describe_gauge!("streaming_clock_ahead_seconds", Unit::Seconds, "stream time less the system's clock");
    describe_counter!("streaming_records_total", "records taken in, of all sources");
    describe_counter!("streaming_batches_closed_total", "batches closed");
    describe_counter!("streaming_batches_delivered_total", "batches that every sink has taken");
    describe_gauge!("streaming_batches_in_flight", "batches closed and not delivered");
    describe_gauge!("streaming_last_batch_seconds", Unit::Seconds, "time of the last batch delivered");
    describe_histogram!(SCHEDULING, Unit::Seconds, "from a batch's time until it could be closed");
    describe_histogram!(PROCESSING, Unit::Seconds, "from closing a batch until it was delivered");
    describe_gauge!("streaming_engine_busy_seconds", Unit::Seconds, "workers' time in no operator");
    describe_counter!("streaming_listener_panics_total", "panics of listeners");
    describe_counter!("streaming_cluster_strangers_total", "connections of strangers that were dropped");
    describe_counter!("streaming_source_events_total", "what a source's connector counts");
    describe_gauge!("streaming_memory_held_bytes", Unit::Bytes, "input that is held");
    describe_gauge!("streaming_memory_ceiling_bytes", Unit::Bytes, "the most input that may be held");
    describe_counter!("streaming_source_shed_total", "records dropped because the job was behind");
    describe_counter!("streaming_source_ignored_total", "files found and left alone");
    describe_counter!("streaming_operator_skipped_total", "records left out");
    describe_counter!("streaming_source_records_total", "records taken in");
    describe_gauge!("streaming_source_records_per_second", "records taken in, over five seconds");
    describe_gauge!("streaming_source_waiting_chunks", "chunks in the queues to the workers");
    describe_gauge!("streaming_source_idle_seconds", Unit::Seconds, "since the last records");
    describe_counter!("streaming_sink_records_total", "records taken");
    describe_counter!("streaming_sink_batches_total", "batches taken");
    describe_gauge!("streaming_sink_busy_seconds", Unit::Seconds, "time in finished writes");
    describe_gauge!("streaming_sink_writing_seconds", Unit::Seconds, "how long the write takes that goes on");
    describe_counter!("streaming_operator_records_in_total", "records that came in");
    describe_counter!("streaming_operator_records_out_total", "records that went out");
    describe_gauge!("streaming_operator_busy_seconds", Unit::Seconds, "time in which it ran");
    describe_gauge!("streaming_operator_state_records", "entries kept");
    describe_gauge!("streaming_operator_state_bytes", Unit::Bytes, "bytes kept, estimated from below");
    describe_gauge!("streaming_operator_waiting_batch", "1 while a closed batch is not finished");
    describe_counter!("streaming_jobs_ended_total", "jobs that ended, by how");
}
