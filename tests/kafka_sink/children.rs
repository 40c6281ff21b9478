//! Jobs in processes of their own, which are killed or stopped.

use std::{
    fs::{self, File},
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{Child, ExitStatus, Stdio},
};

use serde::Serialize;
use streaming_runtime::{Checkpoint, KeyState};

use super::*;

stream!(
    /// What each key counts, by state; and what enters and leaves a window.
    #[batch(millis(20))]
    pub fn counted<texts: Source<String>, counts: Sink<(u8, (u64, u64))>, windows: Sink<((u8, u64), i64)>>() {
        let numbers = texts.map(|text| {
            let (key, number) = text.split_once(' ').expect("two numbers");
            (key.parse::<u8>().expect("a number"), number.parse::<u64>().expect("a number"))
        });
        let (numbered, _) =
            numbers.map_with_state(idle_for(hours(1)), |key, number, n: &mut KeyState<u64>| {
                let number = number?;
                let count = n.get().copied().unwrap_or(0) + 1;
                n.update(count);
                Some((*key, (number, count)))
            });
        numbered.to(counts);
        numbers.window(millis(400), millis(20)).changes().to(windows);
    }
);

/// Where a child finds its role.
const ROLE: &str = "STREAMING_KAFKA_ROLE";

/// What a child does.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Role {
    pub broker: String,
    /// Also the name of the job, and the beginning of the names of the other topics.
    pub topic: String,
    pub state: PathBuf,
    pub workers: usize,
    /// Records a second.
    pub rate: f64,
    /// Whether it ends when it has read all.
    pub ends: bool,
}

impl Role {
    pub fn counts(&self) -> String {
        format!("{}-counts", self.topic)
    }
    pub fn windows(&self) -> String {
        format!("{}-windows", self.topic)
    }

    /// Makes the topics, and puts so many records into the first: `key number`, the numbers of a key in order.
    pub fn prepare(&self, records: u64) {
        let (counts, windows) = (self.counts(), self.windows());
        let script = format!(
            "create(3)\ncreate(3, '{counts}')\ncreate(3, '{windows}')\nsend(range({records}), 3, text=lambda i: f'{{i % 12}} {{i}}')"
        );
        python(&self.broker, &self.topic, &script);
    }

    /// Starts it.
    pub fn spawn(&self) -> Running {
        let log = self.state.with_extension("log");
        let said = File::options().create(true).append(true).open(&log).expect("the directory is there");
        let mut command = Command::new(env::current_exe().expect("it runs"));
        command.args(["children::process", "--exact", "--nocapture"]);
        command.env(ROLE, serde_json::to_string(self).expect("a role is JSON"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said);
        Running { child: command.spawn().expect("it runs"), log }
    }

    /// Compares what is committed with `records` that were read: each once, those of a key in order.
    pub fn check(&self, records: u64) {
        let mut next = [(0, 0_u64); 12];
        for read in committed(&self.broker, &self.counts()) {
            let key: usize = read.key.expect("a key").parse().expect("a number");
            let value = read.value.expect("a value");
            let (number, count) = value.split_once(' ').expect("two numbers");
            let (number, count): (u64, u64) =
                (number.parse().expect("a number"), count.parse().expect("a number"));
            let (numbers, counted) = &mut next[key];
            assert_eq!(number, *numbers * 12 + key as u64, "the next of key {key}, as its count {count}");
            assert_eq!(count, *counted + 1, "of number {number} of key {key}");
            (*numbers, *counted) = (*numbers + 1, count);
        }
        let all: u64 = next.iter().map(|(_, count)| count).sum();
        assert_eq!(all, records, "none is lost");
        let (mut came, mut left) = (vec![0_u32; records as usize], vec![0_u32; records as usize]);
        for read in committed(&self.broker, &self.windows()) {
            let number: usize = read.value.expect("a value").parse().expect("a number");
            match read.headers[0].1.as_str() {
                "+1" => came[number] += 1,
                "-1" => {
                    assert_eq!(came[number], 1, "{number} leaves after it came");
                    left[number] += 1;
                }
                other => panic!("{other}"),
            }
        }
        assert!(came.iter().all(|n| *n == 1), "each comes into the window once");
        assert!(left.iter().all(|n| *n <= 1), "each leaves the window at most once");
    }
}

/// A child.
pub struct Running {
    child: Child,
    log: PathBuf,
}

impl Running {
    pub fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(sent.expect("it runs").success());
    }

    /// As `kill -9`; whether it was still there.
    pub fn kill(mut self) -> bool {
        self.child.kill().expect("it is a child");
        let status = self.child.wait().expect("it is a child");
        assert!(status.signal() == Some(9) || status.success(), "{status}: {}", self.said());
        status.signal() == Some(9)
    }

    pub fn is_there(&mut self) -> bool {
        self.child.try_wait().expect("it is a child").is_none()
    }

    pub fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    pub fn wait(&mut self, limit: Duration) -> ExitStatus {
        let until = Instant::now() + limit;
        loop {
            match self.child.try_wait().expect("it is a child") {
                Some(status) => return status,
                None => assert!(Instant::now() < until, "it does not end: {}", self.said()),
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// The children: a test only if it is given a role.
#[test]
fn process() {
    let Ok(role) = env::var(ROLE) else { return };
    let role: Role = serde_json::from_str(&role).expect("a role is JSON");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.expect("a runtime").block_on(run(&role, &role.state)).unwrap_or_else(|error| panic!("{error}"));
}

async fn run(role: &Role, state: &Path) -> Result<(), JobError> {
    let texts = kafka::topic(&role.broker, &role.topic);
    let texts = if role.ends { texts.until_latest().texts() } else { texts.texts() };
    let counts = kafka::append(&role.broker, role.counts());
    let windows = kafka::changes(&role.broker, role.windows());
    let engine = Engine::new().name(&role.topic).workers(role.workers).max_rate(role.rate);
    let ports = counted::Ports {
        texts,
        counts: counts.format(|(key, (number, count)): (u8, (u64, u64))| {
            (key.to_string(), format!("{number} {count}"))
        }),
        windows: windows.format(|(key, number): (u8, u64)| (key.to_string(), number.to_string())),
    };
    let checkpoint = Checkpoint::new(state).segment_bytes(64 << 10).exactly_once();
    engine.checkpoint(checkpoint).start(ports).expect("it starts").join().await
}
