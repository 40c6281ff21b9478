//! One job over several processes: real ones, which are this test binary started again with a role.

use std::{
    collections::BTreeMap,
    fmt::Debug,
    io::{BufRead, BufReader, Read},
    net::TcpListener,
    process::{Child, ChildStdout, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering},
    },
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use streaming_runtime::{
    BatchTime, Job, JobError, Listener, ManualClock, StartError,
    cluster::{Cluster, ClusterError},
    connect::{Collected, ConnectorError, SourceContext, channel, channel_sink, collect, queue},
    prelude::*,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpSocket,
    sync::Notify,
    time::timeout,
};

stream!(
    /// Operators that bring keys together in each of their ways.
    #[batch(secs(1))]
    fn mixed<
        words: Source<String>,
        prices: Source<(String, i64)>,
        counts: Sink<(String, i64)>,
        recent: Sink<(String, i64)>,
        priced: Sink<(String, (i64, i64))>,
        total: Sink<i64>,
    >() {
        let ones = words.map(|word| (word, 1));
        let per_batch = ones.reduce_by_key(|a, b| a + b);
        per_batch.to(counts);
        ones.window(secs(3), secs(1)).reduce_by_key(|a, b| a + b).to(recent);
        per_batch.join(prices).to(priced);
        words.count().to(total);
    }
);

/// A key that the next pipeline does not bear.
const POISON: u64 = u64::MAX;

stream!(
    #[batch(millis(20))]
    fn sums<numbers: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        let checked = numbers.map(|(key, n)| {
            assert!(key != POISON, "poisoned");
            (key, n)
        });
        checked.reduce_by_key(|a, b| a + b).to(out);
    }
);

stream!(
    #[batch(hours(1))]
    fn rare<numbers: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        numbers.reduce_by_key(|a, b| a + b).to(out);
    }
);

/// What a process is to do.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Task {
    /// `mixed` on its part of the input.
    Mixed,
    /// `sums` without records of its own.
    Quiet,
    /// `sums` with records without end.
    Flood,
    /// `sums` with a record that makes an operator panic.
    Poison,
    /// `rare` without records of its own, closing early.
    Rare,
}

/// One process of a cluster.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Role {
    hosts: Vec<String>,
    index: usize,
    workers: usize,
    task: Task,
    /// How long to wait for the others.
    gather: Duration,
}

/// What it has to say at its end.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Report {
    code: String,
    message: String,
    peer: Option<usize>,
    taken: Taken,
}

/// The batches of each sink, by time: records as text, in order.
type Taken = BTreeMap<String, BTreeMap<u64, Vec<String>>>;

/// More than any of this should take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

impl Role {
    fn cluster(&self) -> Cluster {
        // Silence is told from death by one test only; the others run on a machine that may be busy.
        Cluster::new(self.hosts.clone(), self.index).gather_within(self.gather).silence(secs(20))
    }
    fn engine(&self) -> Engine {
        Engine::new().workers(self.workers).cluster(self.cluster())
    }
}

/// Addresses below the ports that systems give to outgoing connections, so that nobody takes them meanwhile.
pub(crate) fn hosts(processes: usize) -> Vec<String> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 10_000 + (std::process::id() % 200) as u16 * 100;
    let free = |_| loop {
        let address = format!("127.0.0.1:{}", first + NEXT.fetch_add(1, Ordering::Relaxed) % 2000);
        // Bound, but not listening: what listens would also be in the hands of a process that is just being started.
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_reuseaddr(true).expect("as those who listen later");
        if socket.bind(address.parse().expect("an address")).is_ok() {
            return address;
        }
    };
    (0..processes).map(free).collect()
}

fn roles(processes: usize, workers: usize, task: Task) -> Vec<Role> {
    let hosts = hosts(processes);
    (0..processes)
        .map(|index| Role { hosts: hosts.clone(), index, workers, task, gather: PATIENCE })
        .collect()
}

const ROLE: &str = "STREAMING_CLUSTER_TEST_ROLE";

/// Another process, and what it says.
struct Other(Option<(Child, BufReader<ChildStdout>)>);

/// It says this when all processes are there.
const BEGUN: &str = "BEGUN";

impl Other {
    fn start(role: &Role) -> Self {
        let (_, module) = module_path!().split_once("::").expect("a module of the binary");
        let child = Command::new(std::env::current_exe().expect("it runs"))
            .args([&format!("{module}::process"), "--exact", "--nocapture"])
            .env(ROLE, serde_json::to_string(role).expect("a role is JSON"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = child.expect("it runs once more");
        let out = BufReader::new(child.stdout.take().expect("it is piped"));
        Other(Some((child, out)))
    }
    /// Waits until all processes are there, as this one sees it.
    async fn begins(mut self) -> Self {
        let begins = tokio::task::spawn_blocking(move || {
            let (_, out) = self.0.as_mut().expect("it runs");
            let begun = out.lines().map_while(Result::ok).any(|line| line.contains(BEGUN));
            assert!(begun, "it ended before it began");
            self
        });
        soon(begins).await.expect("no panic")
    }
    fn signal(&mut self, signal: &str) {
        let pid = self.0.as_ref().expect("it runs").0.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().expect("there is `kill`").success());
    }
    fn kill(&mut self) {
        self.0.as_mut().expect("it runs").0.kill().expect("it runs");
    }
    /// What it says when it has ended by itself, and what it had on stderr.
    async fn report(mut self) -> (Report, String) {
        let (child, mut said) = self.0.take().expect("it runs");
        let output = tokio::task::spawn_blocking(move || {
            let mut out = String::new();
            said.read_to_string(&mut out).expect("text");
            (out, child.wait_with_output().expect("it ended").stderr)
        });
        let (out, err) = timeout(PATIENCE, output).await.expect("it ends").expect("no panic");
        let err = String::from_utf8_lossy(&err);
        let report = out.lines().find_map(|line| line.split_once("REPORT ")).map(|(_, report)| report);
        let report = report.unwrap_or_else(|| panic!("no report in {out}{err}"));
        (serde_json::from_str(report).expect("a report"), err.into_owned())
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        if let Some((mut child, _)) = self.0.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

struct SayBegun;

impl Listener for SayBegun {
    fn started(&self) {
        println!("\n{BEGUN}");
    }
}

/// The other processes: a test only if it is given a role.
#[test]
fn process() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let role: Role = serde_json::from_str(&role).expect("a role");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let report = runtime.block_on(async {
        let (mut job, taken) = start(&role, role.engine().listener(SayBegun));
        let result = job.join().await;
        let (code, message, peer) = match &result {
            Ok(()) => (String::new(), String::new(), None),
            Err(JobError::Peer { index, message, .. }) => {
                ("job.peer".to_owned(), message.clone(), Some(*index))
            }
            Err(error) => (error.code().to_owned(), error.to_string(), None),
        };
        Report { code, message, peer, taken: taken() }
    });
    println!("\nREPORT {}", serde_json::to_string(&report).expect("a report is JSON"));
}

fn in_order<T: Clone + Debug>(name: &str, sink: &Collected<T>) -> (String, BTreeMap<u64, Vec<String>>) {
    let mut batches = BTreeMap::<_, Vec<_>>::new();
    for batch in sink.batches() {
        let mut records: Vec<_> = batch.records.iter().map(|record| format!("{record:?}")).collect();
        records.sort();
        batches.insert(batch.time.as_millis(), records);
    }
    (name.to_owned(), batches)
}

/// Sends the same again and again.
struct Flood;

impl Source<(u64, i64)> for Flood {
    async fn run(self, mut out: SourceContext<(u64, i64)>) -> Result<(), ConnectorError> {
        loop {
            out.send_all((0..200).map(|n| (n, 1)).collect()).await?;
            tokio::time::sleep(millis(1)).await;
        }
    }
}

/// Starts what a role says. The second is called for what the sinks here have taken.
fn start(role: &Role, engine: Engine) -> (Job, Box<dyn Fn() -> Taken>) {
    let (one, out) = collect();
    let taken = Box::new(move || Taken::from([in_order("out", &out)]));
    match role.task {
        Task::Mixed => {
            start_mixed(engine.manual_clock(&ManualClock::new()), input(role.index), input_prices(role.index))
        }
        Task::Quiet => {
            let (sender, numbers) = channel(8);
            std::mem::forget(sender); // it never ends by itself
            (engine.start(sums::Ports { numbers, out: one }).expect("it starts"), taken)
        }
        Task::Flood => (engine.start(sums::Ports { numbers: Flood, out: one }).expect("it starts"), taken),
        Task::Poison => {
            let numbers = queue(vec![vec![(POISON, 1)]]);
            (engine.start(sums::Ports { numbers, out: one }).expect("it starts"), taken)
        }
        Task::Rare => {
            let engine = engine.close_early(true);
            let numbers = None::<Flood>;
            (engine.start(rare::Ports { numbers, out: one }).expect("it starts"), taken)
        }
    }
}

type Batches<T> = Vec<Vec<T>>;

/// The words that one process gets. Not all get as many batches.
fn input(part: usize) -> Batches<String> {
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect();
    match part {
        0 => vec![words("to be or not to be"), words("a a b"), words("")],
        _ => vec![words("be not afraid"), words("b c"), words("or to"), words("d or b"), words("e")],
    }
}

fn input_prices(part: usize) -> Batches<(String, i64)> {
    let prices = |prices: &[(&str, i64)]| prices.iter().map(|(word, n)| ((*word).to_owned(), *n)).collect();
    match part {
        0 => vec![prices(&[("be", 3), ("or", 4)]), prices(&[("c", 5)])],
        _ => vec![prices(&[("to", 1)]), prices(&[("a", 7), ("a", 8)]), prices(&[]), prices(&[("or", 9)])],
    }
}

/// What all processes get, batch by batch.
fn united<T>(parts: [Batches<T>; 2]) -> Batches<T> {
    let [mut all, more] = parts;
    all.resize_with(all.len().max(more.len()), Vec::new);
    all.iter_mut().zip(more).for_each(|(batch, mut more)| batch.append(&mut more));
    all
}

fn start_mixed(
    engine: Engine,
    words: Batches<String>,
    prices: Batches<(String, i64)>,
) -> (Job, Box<dyn Fn() -> Taken>) {
    let ((counts, all_counts), (recent, all_recent)) = (collect(), collect());
    let ((priced, all_priced), (total, all_total)) = (collect(), collect());
    let (words, prices) = (queue(words), queue(prices));
    let job = engine.start(mixed::Ports { words, prices, counts, recent, priced, total }).expect("it starts");
    let taken = move || {
        Taken::from([
            in_order("counts", &all_counts),
            in_order("recent", &all_recent),
            in_order("priced", &all_priced),
            in_order("total", &all_total),
        ])
    };
    (job, Box::new(taken))
}

/// What several processes have taken together.
fn together(parts: [Taken; 2]) -> Taken {
    let mut all = Taken::new();
    for (sink, batches) in parts.into_iter().flatten() {
        for (time, records) in batches {
            all.entry(sink.clone()).or_default().entry(time).or_default().extend(records);
        }
    }
    all.values_mut().flat_map(BTreeMap::values_mut).for_each(|records| records.sort());
    all
}

/// Tells when a job has begun.
#[derive(Clone, Default)]
struct Begun(Arc<Notify>);

impl Begun {
    async fn wait(&self, job: &mut Job) {
        tokio::select! {
            () = soon(self.0.notified()) => {}
            ended = job.join() => panic!("it ended before it began: {ended:?}"),
        }
    }
}

impl Listener for Begun {
    fn started(&self) {
        self.0.notify_one();
    }
}

/// Waits for something that must come.
async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(PATIENCE, what).await.expect("it takes too long")
}

async fn two_processes_are_as_one(workers: usize) {
    let clock = ManualClock::new();
    let engine = Engine::new().workers(2 * workers).manual_clock(&clock);
    let (mut job, taken) =
        start_mixed(engine, united([input(0), input(1)]), united([input_prices(0), input_prices(1)]));
    for second in 1..=5 {
        clock.advance(secs(1));
        soon(job.delivered(BatchTime::from_millis(second * 1000))).await.expect("delivered");
    }
    soon(job.join()).await.expect("a good end");
    let expected = taken();

    let roles = roles(2, workers, Task::Mixed);
    let other = Other::start(&roles[1]);
    let (clock, begun) = (ManualClock::new(), Begun::default());
    let engine = roles[0].engine().manual_clock(&clock).listener(begun.clone());
    let (mut job, taken) = start_mixed(engine, input(0), input_prices(0));
    begun.wait(&mut job).await;
    for second in 1..=5 {
        clock.advance(secs(1));
        soon(job.delivered(BatchTime::from_millis(second * 1000))).await.expect("delivered");
    }
    // The sources have ended here after three batches, and there after five.
    soon(job.join()).await.expect("a good end");
    let (report, stderr) = other.report().await;
    assert_eq!((report.code.as_str(), stderr.contains("panicked")), ("", false), "{report:?}{stderr}");
    for sink in ["counts", "recent"] {
        let lives_there = report.taken[sink].values().flatten().count();
        let lives_here = taken()[sink].values().flatten().count();
        assert!(lives_here > 0 && lives_there > 0, "{sink}: {lives_here} records here, {lives_there} there");
    }
    assert_eq!(together([taken(), report.taken]), expected);
}

#[tokio::test]
async fn two_processes_of_one_worker_are_as_one_of_two() {
    two_processes_are_as_one(1).await;
}

#[tokio::test]
async fn two_processes_of_two_workers_are_as_one_of_four() {
    two_processes_are_as_one(2).await;
}

#[tokio::test]
async fn a_follower_stops_all_and_all_is_delivered() {
    let roles = roles(2, 1, Task::Quiet);
    let leader = Other::start(&roles[0]);
    let (sender, numbers) = channel(8);
    let (out, all) = collect();
    let mut job = roles[1].engine().start(sums::Ports { numbers, out }).expect("it starts");
    for key in 0..1000 {
        soon(sender.send((key, 1))).await.expect("it takes records");
    }
    soon(job.stop()).await.expect("a good end");
    let (report, _) = leader.report().await;
    assert_eq!(report.code, "", "{report:?}");
    let there: usize = report.taken["out"].values().map(Vec::len).sum();
    let here = all.records().len();
    assert_eq!(there + here, 1000);
    assert!(there > 0 && here > 0);
}

#[tokio::test]
async fn batches_close_early_over_processes() {
    let roles = roles(2, 1, Task::Rare);
    let leader = Other::start(&roles[0]);
    let (sender, numbers) = channel(8);
    let (out, mut batches) = channel_sink(64);
    let engine = roles[1].engine().close_early(true);
    let mut job = engine.start(rare::Ports { numbers, out }).expect("it starts");
    // Twice, so that what the first leaves behind is seen; of many keys some live here.
    for round in 0..2 {
        for key in 0..50 {
            soon(sender.send((key, round))).await.expect("it takes records");
        }
        let mut some = 0;
        while some == 0 {
            let batch = soon(batches.recv()).await.expect("a batch long before the hour is over");
            some += batch.records.iter().filter(|(_, n)| *n >= round).count();
        }
        while batches.try_recv().is_some() {}
    }
    drop(sender);
    drop(batches);
    let _ = soon(job.stop()).await;
    drop(leader);
}

/// Asserts how a job ends when a process goes; says how long that took.
async fn ends_for(job: &mut Job, gone: usize, since: Instant) -> String {
    let error = soon(job.join()).await.expect_err("a process is gone");
    println!("noticed after {:?}: {error}", since.elapsed());
    assert_eq!(error.code(), "job.peer");
    match error {
        JobError::Peer { index, message, .. } if index == gone => message,
        error => panic!("{error:?}"),
    }
}

async fn killed(victim: usize) {
    let roles = roles(2, 2, Task::Flood);
    let mut other = Other::start(&roles[victim]);
    let (own, begun) = (&roles[1 - victim], Begun::default());
    let (mut job, taken) = start(own, own.engine().listener(begun.clone()));
    begun.wait(&mut job).await;
    soon(job.delivered(BatchTime::from_nanos(1))).await.expect("records flow");
    other.kill();
    ends_for(&mut job, victim, Instant::now()).await;
    assert!(!taken().is_empty());
}

#[tokio::test]
async fn a_follower_that_is_killed_ends_the_leader() {
    killed(1).await;
}

#[tokio::test]
async fn a_leader_that_is_killed_ends_the_follower() {
    killed(0).await;
}

/// Followers have connections between them that no leader watches; and nothing in a survivor panics.
#[tokio::test]
async fn all_survivors_name_the_process_that_died() {
    let roles = roles(3, 1, Task::Flood);
    let (leader, victim, other) = (Other::start(&roles[0]), Other::start(&roles[1]), Other::start(&roles[2]));
    let (leader, mut victim, other) = (leader.begins().await, victim.begins().await, other.begins().await);
    victim.kill();
    for survivor in [leader, other] {
        let (report, stderr) = survivor.report().await;
        assert_eq!((report.code.as_str(), report.peer), ("job.peer", Some(1)), "{report:?}");
        assert!(!stderr.contains("panicked"), "{stderr}");
    }
}

#[tokio::test]
async fn a_process_that_stands_still_is_taken_for_dead() {
    let roles = roles(2, 1, Task::Quiet);
    let mut other = Other::start(&roles[1]);
    let begun = Begun::default();
    let cluster = roles[0].cluster().silence(secs(2));
    let engine = roles[0].engine().cluster(cluster).listener(begun.clone());
    let (mut job, _taken) = start(&roles[0], engine);
    begun.wait(&mut job).await;
    other.signal("-STOP");
    let message = ends_for(&mut job, 1, Instant::now()).await;
    assert_eq!(message, "was silent for 2s");
    other.signal("-CONT");
    let (report, stderr) = other.report().await;
    assert_eq!((report.code.as_str(), report.peer), ("job.peer", Some(0)), "{report:?}");
    assert!(!stderr.contains("panicked"), "{stderr}");
}

#[tokio::test]
async fn what_fails_in_one_process_is_said_in_all() {
    let roles = roles(2, 1, Task::Poison);
    let other = Other::start(&roles[1]);
    let own = Role { task: Task::Quiet, ..roles[0].clone() };
    let (mut job, _taken) = start(&own, own.engine());
    let message = ends_for(&mut job, 1, Instant::now()).await;
    assert!(message.contains("operator `sums/checked/map` panicked: poisoned"), "{message}");
    let (report, stderr) = other.report().await;
    assert_eq!(report.code, "job.operator_panicked");
    // The operator's, and none of timely's threads.
    assert_eq!(stderr.matches("panicked at").count(), 1, "{stderr}");
}

#[tokio::test]
async fn an_abort_in_one_process_ends_the_others() {
    let roles = roles(2, 1, Task::Quiet);
    let other = Other::start(&roles[1]);
    let begun = Begun::default();
    let (mut job, _taken) = start(&roles[0], roles[0].engine().listener(begun.clone()));
    begun.wait(&mut job).await;
    soon(job.abort()).await;
    let (report, stderr) = other.report().await;
    assert_eq!((report.code.as_str(), report.peer), ("job.peer", Some(0)), "{report:?}");
    assert_eq!(report.message, "the job was aborted");
    assert!(!stderr.contains("panicked"), "{stderr}");
}

#[tokio::test]
async fn processes_that_differ_say_in_what() {
    let roles = roles(2, 1, Task::Quiet);
    let other = Other::start(&Role { workers: 2, ..roles[1].clone() });
    // The right one may still come, until the patience is at an end.
    let own = Role { gather: secs(15), ..roles[0].clone() };
    let (mut job, _taken) = start(&own, own.engine());
    let error = soon(job.join()).await.expect_err("they differ");
    assert_eq!(error.code(), "cluster.mismatch");
    let JobError::Cluster(ClusterError::Mismatch { index, what, here, there, .. }) = error else {
        panic!("{error:?}");
    };
    assert_eq!((index, what.as_str()), (1, "the number of workers of a process"));
    assert_eq!((here.as_str(), there.as_str()), ("1", "2"));
    let (report, _) = other.report().await;
    assert_eq!(report.code, "cluster.mismatch");
    assert!(report.message.contains("is 2 in this process, and 1 in process 0"), "{}", report.message);
}

#[tokio::test]
async fn another_pipeline_is_another_program() {
    let roles = roles(2, 1, Task::Quiet);
    let other = Other::start(&Role { task: Task::Mixed, ..roles[1].clone() });
    let own = Role { gather: secs(15), ..roles[0].clone() };
    let (mut job, _taken) = start(&own, own.engine());
    let error = soon(job.join()).await.expect_err("they differ");
    assert!(error.to_string().contains("the pipeline is sums in this process, and mixed in"), "{error}");
    let (report, _) = other.report().await;
    assert_eq!(report.code, "cluster.mismatch");
}

#[tokio::test]
async fn a_process_that_never_comes_is_named() {
    let roles = roles(3, 1, Task::Quiet);
    for role in &roles[..2] {
        let role = Role { gather: millis(200), ..role.clone() };
        let (mut job, _taken) = start(&role, role.engine());
        let error = soon(job.join()).await.expect_err("nobody comes");
        assert_eq!(error.code(), "cluster.missing");
        let other = &roles[1 - role.index];
        let named = format!("process {} ({})", other.index, other.hosts[other.index]);
        assert!(error.to_string().contains(&named), "{error}");
        assert!(error.to_string().contains("process 2 ("), "{error}");
    }
}

#[tokio::test]
async fn a_process_that_gives_up_waiting_says_so() {
    let roles = roles(3, 1, Task::Quiet);
    let impatient = Other::start(&Role { gather: secs(2), ..roles[2].clone() });
    let (mut job, _taken) = start(&roles[0], roles[0].engine());
    // Long before this one's own patience is at an end; process 1 never comes.
    let message = ends_for(&mut job, 2, Instant::now()).await;
    assert!(message.contains("there was still no process 1 ("), "{message}");
    let (report, _) = impatient.report().await;
    assert_eq!(report.code, "cluster.missing", "{report:?}");
}

#[tokio::test]
async fn a_job_can_be_stopped_and_aborted_while_it_waits_for_others() {
    let role = &roles(2, 1, Task::Quiet)[0];
    let (mut job, _taken) = start(role, role.engine());
    soon(job.stop()).await.expect("nothing was lost");
    let (job, _taken) = start(role, role.engine());
    soon(job.abort()).await;
    // The address is free again.
    let (mut job, _taken) = start(role, role.engine().cluster(role.cluster().gather_within(millis(100))));
    assert_eq!(soon(job.join()).await.expect_err("nobody comes").code(), "cluster.missing");
}

#[tokio::test]
async fn an_address_in_use_is_an_error() {
    let role = &roles(2, 1, Task::Quiet)[0];
    let _taken = TcpListener::bind(&role.hosts[0]).expect("it was free");
    let (mut job, _taken) = start(role, role.engine());
    let error = soon(job.join()).await.expect_err("in use");
    assert_eq!(error.code(), "cluster.listen");
    assert!(error.to_string().contains(&role.hosts[0]), "{error}");
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_at_the_start() {
    let (_sender, numbers) = channel(8);
    let (out, _all) = collect();
    let engine = Engine::new().cluster(Cluster::new(["127.0.0.1:2101"], 1));
    let Err(error) = engine.start(sums::Ports { numbers, out }) else { panic!("there is no process 1") };
    assert!(matches!(error, StartError::Config(_)), "{error:?}");
}

#[tokio::test]
async fn a_cluster_of_one_is_a_process() {
    let role = &roles(1, 2, Task::Quiet)[0];
    let (out, all) = collect();
    let numbers = queue(vec![vec![(1, 1), (1, 2)], vec![(1, 3)]]);
    let mut job = role.engine().start(sums::Ports { numbers, out }).expect("it starts");
    soon(job.join()).await.expect("a good end");
    assert_eq!(all.records(), [(1, 3), (1, 3)]);
}

/// Says something at an address until somebody is there, and hears what comes back.
async fn call(address: &str, words: &[u8]) -> Vec<u8> {
    loop {
        if let Ok(mut socket) = tokio::net::TcpStream::connect(address).await {
            let _ = socket.write_all(words).await;
            let _ = socket.shutdown().await;
            let mut answer = Vec::new();
            let _ = socket.read_to_end(&mut answer).await;
            return answer;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn strangers_are_refused_and_change_nothing() {
    let roles = roles(2, 1, Task::Poison);
    let begun = Begun::default();
    let (out, all) = collect();
    let numbers = queue(vec![vec![(1, 1)]]);
    let engine = roles[0].engine().listener(begun.clone());
    let mut job = engine.start(sums::Ports { numbers, out }).expect("it starts");
    let address = &roles[0].hosts[0];
    for words in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0; 100], &[b'x'; 100_000], b"{}\n", b""] {
        assert_eq!(soon(call(address, words)).await, b"", "strangers get no answer");
    }
    let _silent = tokio::net::TcpStream::connect(address).await.expect("it listens");
    let other = Other::start(&roles[1]);
    begun.wait(&mut job).await;
    // That they came together is what is to be shown; what the other brings ends both.
    assert_eq!(soon(job.join()).await.expect_err("poison").code(), "job.peer");
    drop((other, all));
}
