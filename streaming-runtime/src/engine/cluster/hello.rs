//! Who is at the other end, and whether it runs the same.

use serde::{Deserialize, Serialize};
use std::time::Duration;

use crate::{error::cluster::ClusterError, partitioner::spread};

/// What every process of a cluster must agree on. Two that differ in any of it would build different dataflows,
/// or send keys to different workers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ProgramHello {
    /// The engine's version, the width of numbers and their order: keys are hashed and sent as they are.
    engine: String,
    pipeline: String,
    interval: Duration,
    processes: usize,
    workers: usize,
    /// Whether checkpoints are kept.
    checkpoints: bool,
    /// Of the plan and the operators' names.
    fingerprint: u64,
}

impl ProgramHello {
    pub(crate) fn new(
        pipeline: &str,
        interval: Duration,
        plan: &str,
        operators: &[&str],
        (processes, workers): (usize, usize),
        checkpoints: bool,
    ) -> Self {
        let order = if cfg!(target_endian = "little") { "little" } else { "big" };
        ProgramHello {
            engine: format!("{}, {} bit, {order}-endian", env!("CARGO_PKG_VERSION"), usize::BITS),
            pipeline: pipeline.to_owned(),
            interval,
            processes,
            workers,
            checkpoints,
            fingerprint: spread(&(plan, operators)),
        }
    }

    /// What differs first: what it is called, what it is here, and what it is there.
    pub(super) fn difference(&self, there: &ProgramHello) -> Option<(String, String, String)> {
        // What a fingerprint is says nothing to people, and it is not for strangers to know.
        let same = self.fingerprint == there.fingerprint;
        let prints = ("one".to_owned(), if same { "one" } else { "another" }.to_owned());
        [
            ("the engine", self.engine.clone(), there.engine.clone()),
            ("the pipeline", self.pipeline.clone(), there.pipeline.clone()),
            ("the batch interval", format!("{:?}", self.interval), format!("{:?}", there.interval)),
            ("the number of processes", self.processes.to_string(), there.processes.to_string()),
            ("the number of workers of a process", self.workers.to_string(), there.workers.to_string()),
            ("whether checkpoints are kept", self.checkpoints.to_string(), there.checkpoints.to_string()),
            ("the fingerprint of the operators", prints.0, prints.1),
        ]
        .into_iter()
        .find(|(_, here, there)| here != there)
        .map(|(what, here, there)| (what.to_owned(), here, there))
    }
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Purpose {
    /// Orders and reports, between a follower and the leader.
    Control,
    /// Records, between any two.
    Records,
}

/// The first line on a connection, from the process that opened it. The field's name tells strangers.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Greeting {
    #[serde(rename = "streaming-cluster")]
    pub(super) nonce: String,
}

/// The answer to it: that who listens has the secret.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Challenge {
    pub(super) nonce: String,
    pub(super) proof: String,
}

/// Who called, once it knows that it is at the right place.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Hello {
    pub(super) purpose: Purpose,
    pub(super) index: usize,
    pub(super) program: ProgramHello,
}

impl Hello {
    /// What a proof of it is about.
    pub(super) fn words(&self) -> String {
        serde_json::to_string(self).expect("it is JSON as it is")
    }
}

/// A hello of one who has the secret.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Proven {
    pub(super) hello: Hello,
    pub(super) proof: String,
}

/// The answer to a hello.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Answer {
    Welcome,
    /// What differs, as the answering process sees it.
    Mismatch {
        what: String,
        here: String,
        there: String,
    },
}

/// The error that a difference is, where it is noticed and where it is told.
pub(super) fn mismatch(
    (what, here, there): (String, String, String),
    index: usize,
    address: &str,
) -> ClusterError {
    ClusterError::Mismatch { index, address: address.to_owned(), what, here, there }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::secs;

    #[test]
    fn what_differs_is_named() {
        let program = |workers, operators: &[&str]| {
            ProgramHello::new("p", secs(1), "plan", operators, (2, workers), false)
        };
        let this = program(2, &["p/a", "p/b"]);
        assert_eq!(this.difference(&this.clone()), None);
        let (what, here, there) = this.difference(&program(3, &["p/a", "p/b"])).expect("a difference");
        assert_eq!(
            (what.as_str(), here.as_str(), there.as_str()),
            ("the number of workers of a process", "2", "3")
        );
        let (what, ..) = this.difference(&program(2, &["p/a", "p/c"])).expect("a difference");
        assert_eq!(what, "the fingerprint of the operators");
    }
}
