//! Real servers, which `scripts/servers` starts, and clients of them that are not ours.

use std::{
    process::Command,
    time::{Duration, Instant, SystemTime},
};

/// The script that starts servers, and a Python with clients of them.
pub const SERVERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/servers");

/// Whether a test fails that has no server, as in CI.
pub fn are_required() -> bool {
    std::env::var("STREAMING_SERVERS_REQUIRED").is_ok_and(|required| required == "1")
}

/// Runs the script, and returns what it prints.
pub fn script(arguments: &[&str]) -> String {
    let done = Command::new(SERVERS).args(arguments).output().expect("the script runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).expect("texts")
}

/// A name that nothing has had.
pub fn unique(of: &str) -> String {
    let since = SystemTime::UNIX_EPOCH.elapsed().expect("it is later");
    format!("{of}-{}", since.as_nanos())
}

/// Waits until something is so, for as long as `limit`.
pub async fn within(limit: Duration, mut met: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !met() {
        assert!(begin.elapsed() < limit, "it does not come");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A server that a test does things to which would disturb others. It ends with this process.
pub struct Server {
    name: String,
    /// Where it listens.
    pub address: String,
}

impl Server {
    /// Starts one of a kind that the script knows, with more options.
    pub fn start(kind: &str, options: &[&str]) -> Server {
        let (name, owner) = (unique("own"), std::process::id().to_string());
        let said = script(&[&["start", kind, "--name", &name, "--owner", &owner], options].concat());
        let line = said.lines().find(|line| !line.starts_with("AWS_"));
        let (_, address) = line.and_then(|line| line.split_once('=')).expect("a key and an address");
        Server { name, address: address.to_owned() }
    }

    /// `pause`, `resume`, `down`, `up`, `restart`, with options behind.
    pub async fn make(&self, what: &[&str]) {
        let mut command = Command::new(SERVERS);
        command.args([what[0], &self.name]).args(&what[1..]);
        let done = tokio::task::spawn_blocking(move || command.output()).await.expect("it does not panic");
        let done = done.expect("the script runs");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = Command::new(SERVERS).args(["stop", &self.name]).output();
    }
}
