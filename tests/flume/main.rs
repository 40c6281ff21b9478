//! A real agent of Flume before jobs and behind them. Run by `scripts/servers run -- cargo test -p tests --features flume --test flume`;
//! the tests start their own agents.

mod agents;
mod clients;
mod kills;
mod receiving;
mod restarts;
mod sending;

use std::{
    collections::BTreeMap,
    env, fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use streaming_runtime::{
    connect::{collect, flume, queue},
    prelude::*,
};

use agents::Agent;
use support::servers::{self, SERVERS};

stream!(
    /// Each event.
    #[batch(millis(50))]
    pub fn copy<events: Source<flume::Event>, copies: Sink<flume::Event>>() {
        events.map(|event| event).to(copies);
    }
);

/// Whether agents are to be had, or a line that says what is not run.
fn has_agents() -> bool {
    let is_run = env::var_os("STREAMING_SERVERS_SET").is_some();
    let is_required = servers::are_required();
    assert!(is_run || !is_required, "not under `scripts/servers run`, and STREAMING_SERVERS_REQUIRED is 1");
    if !is_run {
        eprintln!(
            "not run, for want of agents: scripts/servers run -- cargo test -p tests --features flume --test flume"
        );
    }
    is_run
}

/// Writes the files of a directory that an agent empties: `line N` for each number.
fn spool(directory: &Path, numbers: std::ops::Range<u64>) {
    fs::create_dir_all(directory).expect("temp");
    let lines: String = numbers.map(|n| format!("line {n}\n")).collect();
    fs::write(directory.join("lines"), lines).expect("temp");
}

/// How often each is there.
fn counted(lines: impl IntoIterator<Item = String>) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    lines.into_iter().for_each(|line| *counts.entry(line).or_insert(0) += 1);
    counts
}

/// Each line once.
fn once(numbers: std::ops::Range<u64>) -> BTreeMap<String, u64> {
    counted(numbers.map(|n| format!("line {n}")))
}

fn wait(what: &str, mut met: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !met() {
        assert!(begin.elapsed() < Duration::from_secs(120), "it does not come: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
