//! One job over several processes.
//!
//! ```text
//!   process 0: leader                                   process 1, 2, ..: followers
//!   supervisor -- closes batches -- link ---- control ---- link -- supervisor
//!                                   (Close, Delivered, ..  Acked, Ended, ..)
//!   workers ---------------------- wires ---- records ---- wires ---------- workers
//! ```
//!
//! Every process builds the same dataflow, so timely sends records and progress between all workers. The engine adds what timely does not
//! do: the leader numbers and times the batches, every process hears of every end, and a peer that is gone is an error, not a panic.
//!
//! | file | what it is |
//! |---|---|
//! | `assemble`, `hello` | from addresses to connections between processes that run the same |
//! | `frame` | the messages of the control connections |
//! | `link` | the thread that keeps them: its heartbeats do not depend on the service's own runtime |
//! | `hub` | distributes what a peer says |
//! | `peers` | what the supervisor and the control of this process know of the others |
//! | `secret` | how processes prove that they belong together |
//! | `wire` | the connections that timely's threads use |
//!
//! # Checkpoints
//!
//! The leader has the job's only log. What the others write to it (parts of their workers, marks and logged input of their sources)
//! travels between workers as records do, in a dataflow of its own (`engine::log_forwarding`); the mark of a batch is
//! complete when those of all processes are there. A job begins like this:
//!
//! ```text
//!   leader                                 followers
//!   locks and reads the place              build their dataflows
//!        <---------- Has, Built ---------- what their transactional sinks have
//!   finds where to go on  -- Restore ---->  read the place, whose log nobody writes to now
//!        <---------- Restored ------------  all of the state is where it belongs
//!   opens its log  -------- Begin ------->  sources begin
//!        -- Pace, Close, .., Durable ---->  sinks take what is on the leader's disk
//! ```
//!
//! Invariants: the leader alone closes batches, and counts the sinks of all processes, so the limit on batches in
//! flight holds over all. A batch is delivered when every sink of every process has taken it. Every frame is
//! bounded, every wait has a limit.

mod assemble;
mod frame;
mod hello;
mod hub;
mod link;
mod peers;
mod secret;
mod wire;

use std::{hash::Hash, io, net::IpAddr, path::Path, time::Duration};

pub(crate) use hello::ProgramHello;
pub(crate) use link::{Link, ProcessSeat};
pub(crate) use peers::{CommittedSink, PeerOrder, Peers, ProcessReport, Role};
use secret::Secret;

use crate::partitioner::takes;

/// The processes that run a job together, and which of them this is.
///
/// Every process runs the same program and starts the same pipeline, with its own index and otherwise the same settings. Processes
/// may start in any order; no source starts before all are there.
///
/// ```no_run
/// use streaming_runtime::{connect::{console, tcp}, cluster::Cluster, prelude::*};
///
/// stream!(
///     #[batch(secs(1))]
///     pub fn word_count<lines: Source<String>, counts: Sink<(String, i64)>>() {
///         let words = lines.flat_map(|line| line.split_whitespace().map(str::to_owned));
///         words.map(|word| (word, 1)).reduce_by_key(|a, b| a + b).to(counts);
///     }
/// );
///
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let index = std::env::args().nth(1).ok_or("which process is this?")?.parse()?;
///     let secret = std::fs::read("/etc/word_count/secret")?; // the same on both machines
///     let cluster = Cluster::new(["10.0.0.1:2101", "10.0.0.2:2101"], index).secret(secret);
///     let feeds = ["feed-a:9999", "feed-b:9999"]; // one for each process
///     let mut job = Engine::new().workers(4).cluster(cluster).start(word_count::Ports {
///         lines: tcp::lines(feeds[index]),
///         counts: console(), // the words that live in this process
///     })?;
///     job.join().await?;
///     Ok(())
/// }
/// ```
///
/// # What is where
///
/// - **Sources** run in each process. A source with its own input, such as a feed or a directory on the local disk, needs nothing
///   else. Where all could read the same input, [`takes`](Cluster::takes) assigns names to processes. A source that only one process
///   has is an `Option`: `(cluster.index() == 0).then(|| tcp::lines(address))`.
/// - **Keys** belong to one worker of one process. A record travels to the worker that owns its key. To another process it is
///   serialised with serde and bincode, so it must not depend on a self-describing format
///   (`#[serde(untagged)]`, `flatten`, `skip_serializing_if`).
/// - **Sinks** run in each process and get the records of its workers. The batches of a sink in all processes together are the batches
///   of one process with as many workers. Operators with one value for all keys (`count`, `reduce`, `transform`) deliver in process 0;
///   the others get empty batches.
/// - **Views** ([`view`](crate::connect::view())) are sinks: each has the keys of its process, and exactly one process has a key.
///   `.repartition(1)` before a sink brings all of its records to process 0.
/// - **Metrics** and explanations are those of the process that is asked, and so are the records of a
///   [`BatchInfo`](crate::BatchInfo). A batch counts as delivered when it is in all processes.
/// - **Time** is that of process 0, which closes the batches for all. Other clocks do not matter.
/// - **Values** of the pipeline must be the same in all processes.
///
/// # Checkpoints
///
/// With [`Engine::checkpoint`](crate::Engine::checkpoint) in all processes, the job goes on after a process has died, when all are started
/// again. Only process 0 writes. The others read the same place when the job begins, so all must reach it: a shared file system, or
/// your own [`Storage`](crate::checkpoint::Storage). Reading has the same time limit as coming together.
///
/// The job may go on with other numbers of processes and workers, with two exceptions:
///
/// - A source belongs to its process. If the source had not ended and its process is no longer there, that is an error.
/// - If a crash left a batch in some sinks and not in others, the job must first be started with the same numbers, and stopped. Sinks
///   that replace a batch do not need this, as long as their process stays.
///
/// # Ends
///
/// - The job ends when the sources of all processes have ended; each process's sinks have then taken all.
/// - [`Job::stop`](crate::Job::stop) in any process stops all of them gracefully.
/// - A failure, an abort or a death of one process ends the job in all: with its own error there, and with
///   [`JobError::Peer`](crate::JobError::Peer) elsewhere. A process that is killed is noticed at once, a machine that vanishes after
///   [`silence`](Cluster::silence). Nothing restarts by itself.
///
/// # Network
///
/// Each process listens at its own address until all are there (for itself it may be written as `0.0.0.0:2101`). First, two processes
/// prove to each other that they have the cluster's [`secret`](Cluster::secret), which is required unless all addresses are loopback
/// addresses. A peer that cannot prove it, runs another program, or is slow, is dropped and counted, and the job lives on. If a process
/// was refused for such a reason and no other came in its place, the job ends with that reason after
/// [`gather_within`](Cluster::gather_within).
///
/// Connections are authenticated when they are made. They are not encrypted, and not protected against changes on the way. Across
/// networks that you do not trust, use a tunnel: WireGuard or IPsec between the machines, or TLS by `stunnel`, with the tunnels' near
/// ends as the cluster's addresses.
#[derive(Clone, Debug)]
pub struct Cluster {
    pub(super) hosts: Vec<String>,
    pub(super) index: usize,
    pub(super) gather: Duration,
    pub(super) silence: Duration,
    secret: Secret,
}

impl Cluster {
    /// The process `index` of those at `hosts`, each `host:port`, in the same order in all processes. Waits 30 s
    /// for the others, and 1 s for their heartbeats.
    pub fn new(hosts: impl IntoIterator<Item = impl Into<String>>, index: usize) -> Self {
        Cluster {
            hosts: hosts.into_iter().map(Into::into).collect(),
            index,
            gather: Duration::from_secs(30),
            silence: Duration::from_secs(1),
            secret: Secret::default(),
        }
    }

    /// As [`new`](Cluster::new), with hosts from a file: one `host:port` a line; empty lines and those that begin
    /// with `#` are left out.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn from_file(path: impl AsRef<Path>, index: usize) -> io::Result<Self> {
        let text = std::fs::read_to_string(path)?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        Ok(Cluster::new(lines, index))
    }

    /// How long to wait until all processes are there. Then the job ends with [`ClusterError::Missing`](crate::cluster::ClusterError::Missing).
    pub fn gather_within(mut self, limit: Duration) -> Self {
        self.gather = limit;
        self
    }

    /// How long a peer may be silent before it counts as dead: 1 s by default, at least 10 ms. Heartbeats are ten times as frequent. A
    /// shorter time notices a vanished machine sooner, and more often takes a stalled one for vanished.
    pub fn silence(mut self, limit: Duration) -> Self {
        self.silence = limit;
        self
    }

    /// The secret that all processes of the cluster share. Each proves to each other that it has it, before anything else; a peer that
    /// cannot is dropped and counted ([`JobMetrics::strangers`](crate::metrics::JobMetrics)). Required if an address is not a loopback address. Use
    /// a long random value from where the program has its other secrets. It is never printed, logged or sent.
    ///
    /// ```
    /// use streaming_runtime::cluster::Cluster;
    ///
    /// # fn secret() -> std::io::Result<Vec<u8>> { Ok(vec![7; 32]) }
    /// # fn main() -> std::io::Result<()> {
    /// let secret = secret()?; // 32 random bytes of a file that only the service can read, say
    /// let cluster = Cluster::new(["10.0.0.1:2101", "10.0.0.2:2101"], 0).secret(secret);
    /// # let _ = cluster;
    /// # Ok(()) }
    /// ```
    pub fn secret(mut self, secret: impl AsRef<[u8]>) -> Self {
        self.secret = Secret::new(secret.as_ref());
        self
    }

    /// Which process this is, from 0.
    pub fn index(&self) -> usize {
        self.index
    }

    /// How many processes there are.
    pub fn processes(&self) -> usize {
        self.hosts.len()
    }

    /// Whether this process takes `name`: a file, a partition, a topic. Exactly one process does, and always the same.
    ///
    /// ```
    /// use streaming_runtime::cluster::Cluster;
    ///
    /// let hosts = ["10.0.0.1:2101", "10.0.0.2:2101"];
    /// let processes = [Cluster::new(hosts, 0), Cluster::new(hosts, 1)];
    /// for file in ["a.log", "b.log", "c.log"] {
    ///     assert_eq!(processes.iter().filter(|process| process.takes(file)).count(), 1);
    /// }
    /// ```
    pub fn takes(&self, name: impl Hash) -> bool {
        takes(&name, self.index, self.hosts.len())
    }

    /// What cannot work, in words.
    pub(crate) fn check(&self) -> Result<(), String> {
        let Cluster { hosts, index, gather, silence, secret } = self;
        if *index >= hosts.len() {
            return Err(format!("the index of this process is {index}, and the cluster has {}", hosts.len()));
        }
        if hosts.len() > MOST {
            return Err(format!("a cluster has at most {MOST} processes, and this one has {}", hosts.len()));
        }
        for (process, host) in hosts.iter().enumerate() {
            let port = host.rsplit_once(':').and_then(|(name, port)| (!name.is_empty()).then_some(port));
            if port.and_then(|port| port.parse::<u16>().ok()).is_none_or(|port| port == 0) {
                return Err(format!(
                    "the address of process {process} must be `host:port`, and it is `{host}`"
                ));
            }
            if hosts[..process].contains(host) {
                return Err(format!("two processes of the cluster have the address `{host}`"));
            }
        }
        if let Some(host) = hosts.iter().find(|host| !is_loopback(host))
            && !secret.is_given()
        {
            return Err(format!(
                "`{host}` can be reached from other machines, and whoever reaches it could take part in the job: give all \
                 processes the same secret with `Cluster::secret(..)`"
            ));
        }
        if *silence < Duration::from_millis(10) || gather.is_zero() {
            return Err(format!(
                "a cluster needs time: it gathers within {gather:?}, silent at most {silence:?}"
            ));
        }
        Ok(())
    }
}

/// Processes of a cluster at most: each has a connection and two threads for each other.
const MOST: usize = 64;

/// Whether only processes of this machine reach an address.
fn is_loopback(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name == "localhost" || address.parse().is_ok_and(|address: IpAddr| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_work_is_said() {
        let cluster = |hosts: &[&str], index| Cluster::new(hosts.to_vec(), index).secret("of the tests");
        let wrong = |hosts: &[&str], index| cluster(hosts, index).check().expect_err("wrong");
        assert!(wrong(&["a:1", "b:1"], 2).contains("index of this process is 2"));
        assert!(wrong(&["a:1", "b"], 0).contains("process 1 must be `host:port`, and it is `b`"));
        assert!(wrong(&["a:1", "b:0"], 0).contains("`b:0`"));
        assert!(wrong(&["a:1", "a:1"], 0).contains("two processes"));
        assert!(wrong(&[], 0).contains("the cluster has 0"));
        assert_eq!(cluster(&["[::1]:1", "b:2"], 1).check(), Ok(()));
    }

    #[test]
    fn what_others_can_reach_needs_a_secret() {
        for hosts in [
            ["127.0.0.1:1", "127.9.9.9:2"],
            ["[::1]:1", "localhost:2"],
            ["[::ffff:127.0.0.1]:1", "127.0.0.1:2"],
        ] {
            assert_eq!(Cluster::new(hosts, 0).check(), Ok(()));
        }
        for host in
            ["10.0.0.1:1", "0.0.0.0:1", "[::]:1", "db.example:1", "localhost.example:1", "[fe80::1]:1"]
        {
            let cluster = Cluster::new(["127.0.0.1:2", host], 0);
            for cluster in [cluster.clone(), cluster.clone().secret("")] {
                let error = cluster.check().expect_err("anybody could come");
                assert!(error.contains("Cluster::secret") && error.contains(host), "{error}");
            }
            assert_eq!(cluster.secret("sesame, and more of it").check(), Ok(()));
        }
        let cluster = Cluster::new(["10.0.0.1:1"], 0).secret("sesame");
        assert!(!format!("{cluster:?}").contains("sesame"));
    }

    #[test]
    fn hosts_come_from_a_file() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(&file, "# all\na:1\n\n  b:2 \n").expect("written");
        let cluster = Cluster::from_file(file.path(), 1).expect("read");
        assert_eq!((cluster.hosts, cluster.index), (vec!["a:1".to_owned(), "b:2".to_owned()], 1));
    }
}
