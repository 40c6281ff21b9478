//! The processes of a cluster, each of which has a role: what it runs, and what it says at its end.

use super::*;

stream!(
    /// Operators that bring keys together in each of their ways.
    #[batch(secs(1))]
    pub(super) fn mixed<
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
pub(super) const POISON: u64 = u64::MAX;

stream!(
    #[batch(millis(20))]
    pub(super) fn sums<numbers: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        let checked = numbers.map(|(key, n)| {
            assert!(key != POISON, "poisoned");
            (key, n)
        });
        checked.reduce_by_key(|a, b| a + b).to(out);
    }
);

stream!(
    #[batch(hours(1))]
    pub(super) fn rare<numbers: Source<(u64, i64)>, out: Sink<(u64, i64)>>() {
        numbers.reduce_by_key(|a, b| a + b).to(out);
    }
);

/// What a process is to do.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) enum Task {
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
pub(super) struct Role {
    pub(super) hosts: Vec<String>,
    pub(super) index: usize,
    pub(super) workers: usize,
    pub(super) task: Task,
    /// How long to wait for the others.
    pub(super) gather: Duration,
}

/// What it has to say at its end.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Report {
    pub(super) code: String,
    pub(super) message: String,
    pub(super) peer: Option<usize>,
    pub(super) taken: Taken,
}

/// The batches of each sink, by time: records as text, in order.
pub(super) type Taken = BTreeMap<String, BTreeMap<u64, Vec<String>>>;

/// More than any of this should take on a busy machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

impl Role {
    pub(super) fn cluster(&self) -> Cluster {
        // Silence is told from death by one test only; the others run on a machine that may be busy.
        Cluster::new(self.hosts.clone(), self.index).gather_within(self.gather).silence(secs(20))
    }
    pub(super) fn engine(&self) -> Engine {
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

pub(super) fn roles(processes: usize, workers: usize, task: Task) -> Vec<Role> {
    let hosts = hosts(processes);
    (0..processes)
        .map(|index| Role { hosts: hosts.clone(), index, workers, task, gather: PATIENCE })
        .collect()
}

pub(super) const ROLE: &str = "STREAMING_CLUSTER_TEST_ROLE";

/// Another process, and what it says.
pub(super) struct Other(pub(super) Option<(Child, BufReader<ChildStdout>)>);

/// It says this when all processes are there.
pub(super) const BEGUN: &str = "BEGUN";

impl Other {
    pub(super) fn start(role: &Role) -> Self {
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
    pub(super) async fn begins(mut self) -> Self {
        let begins = tokio::task::spawn_blocking(move || {
            let (_, out) = self.0.as_mut().expect("it runs");
            let begun = out.lines().map_while(Result::ok).any(|line| line.contains(BEGUN));
            assert!(begun, "it ended before it began");
            self
        });
        soon(begins).await.expect("no panic")
    }
    pub(super) fn signal(&mut self, signal: &str) {
        let pid = self.0.as_ref().expect("it runs").0.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().expect("there is `kill`").success());
    }
    pub(super) fn kill(&mut self) {
        self.0.as_mut().expect("it runs").0.kill().expect("it runs");
    }
    /// What it says when it has ended by itself, and what it had on stderr.
    pub(super) async fn report(mut self) -> (Report, String) {
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

pub(super) struct SayBegun;

impl Listener for SayBegun {
    fn started(&self) {
        println!("\n{BEGUN}");
    }
}

/// The other processes: a test only if it is given a role.
#[test]
pub(super) fn process() {
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

pub(super) fn in_order<T: Clone + Debug>(
    name: &str,
    sink: &Collected<T>,
) -> (String, BTreeMap<u64, Vec<String>>) {
    let mut batches = BTreeMap::<_, Vec<_>>::new();
    for batch in sink.batches() {
        let mut records: Vec<_> = batch.records.iter().map(|record| format!("{record:?}")).collect();
        records.sort();
        batches.insert(batch.time.as_millis(), records);
    }
    (name.to_owned(), batches)
}

/// Sends the same again and again.
pub(super) struct Flood;

impl Source<(u64, i64)> for Flood {
    async fn run(self, mut out: SourceContext<(u64, i64)>) -> Result<(), ConnectorError> {
        loop {
            out.send_all((0..200).map(|n| (n, 1)).collect()).await?;
            tokio::time::sleep(millis(1)).await;
        }
    }
}

/// Starts what a role says. The second is called for what the sinks here have taken.
pub(super) fn start(role: &Role, engine: Engine) -> (Job, Box<dyn Fn() -> Taken>) {
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

pub(super) type Batches<T> = Vec<Vec<T>>;

/// The words that one process gets. Not all get as many batches.
pub(super) fn input(part: usize) -> Batches<String> {
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect();
    match part {
        0 => vec![words("to be or not to be"), words("a a b"), words("")],
        _ => vec![words("be not afraid"), words("b c"), words("or to"), words("d or b"), words("e")],
    }
}

pub(super) fn input_prices(part: usize) -> Batches<(String, i64)> {
    let prices = |prices: &[(&str, i64)]| prices.iter().map(|(word, n)| ((*word).to_owned(), *n)).collect();
    match part {
        0 => vec![prices(&[("be", 3), ("or", 4)]), prices(&[("c", 5)])],
        _ => vec![prices(&[("to", 1)]), prices(&[("a", 7), ("a", 8)]), prices(&[]), prices(&[("or", 9)])],
    }
}

/// What all processes get, batch by batch.
pub(super) fn united<T>(parts: [Batches<T>; 2]) -> Batches<T> {
    let [mut all, more] = parts;
    all.resize_with(all.len().max(more.len()), Vec::new);
    all.iter_mut().zip(more).for_each(|(batch, mut more)| batch.append(&mut more));
    all
}

pub(super) fn start_mixed(
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
pub(super) fn together(parts: [Taken; 2]) -> Taken {
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
pub(super) struct Begun(pub(super) Arc<Notify>);

impl Begun {
    pub(super) async fn wait(&self, job: &mut Job) {
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
pub(super) async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(PATIENCE, what).await.expect("it takes too long")
}
