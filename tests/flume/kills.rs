//! A job that is killed while an agent feeds it.

use std::{
    os::unix::process::ExitStatusExt as _,
    path::PathBuf,
    process::{Child, Stdio},
};

use streaming_runtime::{Checkpoint, connect::text_files};

use super::*;

stream!(
    /// The text of each event.
    #[batch(millis(20))]
    pub fn bodies<events: Source<flume::Event>, texts: Sink<String>>() {
        events.map(|event| event.text()).to(texts);
    }
);

/// Where a child finds its port and its directory.
const ROLE: &str = "STREAMING_FLUME_ROLE";

/// A child that ends with its test.
struct Running(Child);

impl Running {
    /// As `kill -9`; how it ended.
    fn kill(&mut self) -> std::process::ExitStatus {
        self.0.kill().expect("it is a child");
        self.0.wait().expect("it is a child")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

fn child(port: u16, directory: &Path) -> Running {
    let log = fs::File::options().create(true).append(true).open(directory.join("log")).expect("temp");
    let mut command = Command::new(env::current_exe().expect("it runs"));
    command.args(["kills::process", "--exact", "--nocapture"]);
    command.env(ROLE, format!("{port} {}", directory.display()));
    Running(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().expect("it runs"))
}

/// The child: a test only if it is given a role.
#[test]
fn process() {
    let Ok(role) = env::var(ROLE) else { return };
    let (port, directory) = role.split_once(' ').expect("a port and a directory");
    let directory = PathBuf::from(directory);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let source = flume::listen_avro(format!("127.0.0.1:{port}")).expect("the port is free");
        let ports = bodies::Ports { events: source, texts: text_files(directory.join("texts/batch")) };
        let engine = Engine::new().checkpoint(Checkpoint::new(directory.join("state")).exactly_once());
        engine.start(ports).expect("it starts").join().await.expect("it ends well");
    });
}

/// All lines of the files that a job has written.
fn written(directory: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest = vec![directory.join("texts")];
    while let Some(path) = rest.pop() {
        if path.is_dir() {
            rest.extend(fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.path()));
        } else if path.extension().is_none_or(|draft| draft != "tmp") {
            // A batch that is written again has gone meanwhile, and comes back.
            let text = fs::read_to_string(&path).unwrap_or_default();
            lines.extend(text.lines().filter(|line| line.starts_with("line ")).map(str::to_owned));
        }
    }
    lines
}

/// 8 kills, or as many as `STREAMING_KILLS` says.
#[test]
fn what_an_agent_was_told_is_never_lost() {
    if !has_agents() {
        return;
    }
    let kills = env::var("STREAMING_KILLS").map_or(8, |kills| kills.parse().expect("a number of kills"));
    let directory = tempfile::tempdir().expect("temp");
    let directory = directory.path();
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
    let port = free.expect("a free port").port();
    fs::create_dir(directory.join("texts")).expect("temp");
    let lines = 1_500 * (kills + 1);
    let spooled = directory.join("spool");
    spool(&spooled, 0..lines);
    let more = "sinks.job.maxBackoff = 200\nsinks.job.reset-connection-interval = 0";
    let mut job = child(port, directory);
    let _agent = Agent::spooling("kills", &spooled, ("avro", port, more));
    for _ in 0..kills {
        // Some more has come: it is in the middle of it.
        let before = written(directory).len();
        let left = || before as u64 + 500 >= lines;
        wait("more lines", || written(directory).len() > before + 200 || left());
        let status = job.kill();
        assert_eq!(status.signal(), Some(9), "{}", fs::read_to_string(directory.join("log")).expect("texts"));
        job = child(port, directory);
    }
    wait("each line", || counted(written(directory)).len() as u64 == lines);
    job.kill();
    let counts = counted(written(directory));
    assert_eq!(counts.keys().collect::<Vec<_>>(), once(0..lines).keys().collect::<Vec<_>>());
    let twice: u64 = counts.values().map(|n| n - 1).sum();
    // Of each kill, the one transaction under way.
    assert!(twice <= 50 * kills, "{twice} lines came again after {kills} kills");
    eprintln!("{kills} kills, {lines} lines, none lost, {twice} came again");
}
