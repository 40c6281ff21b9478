//! The sources and sinks of a job that resumes.

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::{
    checkpoint::{ReplayMark, ReplayOrigin, Restored, SourceMark},
    contract::{delivery::Delivery, recovery::Recovery},
    delivery::sink_task::{SinkReport, SinkReportSender},
    engine::{
        resume::port_names::port_of,
        wiring::{Replay, SinkTask, SourceTask},
    },
    intake::progress::SourceProgress,
    operators::sink::EmitRhythm,
    schema::Schema,
};

/// A source, as far as it matters when a job resumes.
pub(crate) struct RecoveringSource {
    pub(super) port: &'static str,
    pub(super) recovery: Recovery,
    pub(super) progress: Arc<SourceProgress>,
    pub(super) replay: Replay,
    pub(super) replay_origin: ReplayOrigin,
    /// Why its records cannot be logged.
    pub(super) fault: Option<String>,
}

impl RecoveringSource {
    pub(crate) fn of(source: &SourceTask) -> Self {
        let SourceTask { port, recovery, progress, replay, schema, .. } = source;
        let (replay_origin, fault) = match recovery {
            Recovery::Lost => (ReplayOrigin::Never, None),
            Recovery::Replays => (ReplayOrigin::FromSource, None),
            Recovery::Logged => {
                let Schema { text, fault } = schema();
                (ReplayOrigin::FromLog { records: format!("records of {text}") }, fault)
            }
        };
        RecoveringSource {
            port,
            recovery: *recovery,
            progress: progress.clone(),
            replay: replay.clone(),
            replay_origin,
            fault,
        }
    }
}

impl RecoveringSource {
    pub(crate) fn port(&self) -> &'static str {
        self.port
    }

    pub(crate) fn recovery(&self) -> Recovery {
        self.recovery
    }
}

/// A sink, as far as it matters when a job resumes.
pub(crate) struct RecoveringSink {
    pub(super) port: &'static str,
    pub(super) emit_rhythm: EmitRhythm,
    /// What a transactional one has.
    pub(super) report: Option<oneshot::Receiver<SinkReport>>,
}

impl RecoveringSink {
    /// A sink, and where a transactional one reports what it has.
    pub(super) fn of(sink: &SinkTask) -> (Self, Option<SinkReportSender>) {
        let (ask, report) = match sink.delivery {
            Delivery::Transactional => Some(oneshot::channel()).unzip(),
            Delivery::AtLeastOnce | Delivery::Idempotent => (None, None),
        };
        (RecoveringSink { port: sink.port, emit_rhythm: sink.emit_rhythm.clone(), report }, ask)
    }
}

/// Brings the sources of a process to their positions, and tells them which batches are replayed.
pub(super) fn resume_sources(
    sources: &[RecoveringSource],
    restored: &mut Restored,
    replay: &[ReplayMark],
    process: usize,
) {
    let open = if restored.at.is_some() { 1 } else { 0 };
    for source in sources {
        let name = port_of(process, source.port);
        let of = |marks: &[(String, SourceMark)]| {
            marks.iter().find(|(port, _)| *port == name).map(|(_, mark)| mark.clone())
        };
        let mark = of(&restored.sources).unwrap_or_default();
        let mut before = mark.clone();
        let replay = replay.iter().map(|batch| {
            // A source that was not there moved nowhere.
            before = of(&batch.sources).unwrap_or(SourceMark { records: 0, ..before.clone() });
            before.clone()
        });
        source.progress.resume(open, mark, source.recovery, replay.collect());
        if source.recovery == Recovery::Logged {
            let inputs = restored.inputs.remove(&name).unwrap_or_default();
            *source.replay.lock().expect("nothing panics under this lock") = inputs;
        }
    }
}
