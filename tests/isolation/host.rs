//! A service with a job that must not notice when another fails.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use streaming_runtime::{
    Job, JobError, ManualClock,
    connect::{Collected, Sender, channel, collect, queue},
    prelude::*,
};

stream!(
    #[batch(secs(1))]
    pub fn copy<numbers: Source<i64>, out: Sink<i64>>() {
        numbers.to(out);
    }
);

stream!(
    #[batch(secs(1))]
    pub fn copy_lines<lines: Source<String>, out: Sink<String>>() {
        lines.to(out);
    }
);

/// How long to wait for what must come.
pub async fn soon<R>(what: impl Future<Output = R>) -> R {
    tokio::time::timeout(Duration::from_secs(60), what).await.expect("nothing hangs")
}

/// How a job ends that is started beside a healthy one, in ten batches one after the other. When it has ended, nothing
/// of it is left, and the healthy one delivers what it is sent.
pub async fn ends(start: impl FnOnce(&Engine) -> Job) -> Result<(), JobError> {
    let host = Host::new().await;
    let clock = ManualClock::new();
    let mut job = start(&host.engine().manual_clock(&clock));
    for _ in 0..10 {
        clock.advance(secs(1));
        if soon(job.delivered(clock.now())).await.is_err() {
            break;
        }
    }
    let ended = soon(job.join()).await;
    drop(job);
    host.unharmed().await;
    ended
}

/// As [`ends`], of a job that fails: its error as text and the error's name.
pub async fn fails(start: impl FnOnce(&Engine) -> Job) -> (String, &'static str) {
    let error = ends(start).await.expect_err("it fails");
    (error.to_string(), error.code())
}

/// Three batches into `out`.
pub fn into(out: impl Sink<i64>) -> impl FnOnce(&Engine) -> Job {
    let numbers = queue(vec![vec![1, 2], vec![3], vec![4]]);
    move |engine| engine.start(copy::Ports { numbers, out }).expect("it starts")
}

pub struct Host {
    /// The name of the jobs that may fail.
    name: String,
    healthy: Job,
    clock: ManualClock,
    numbers: Sender<i64>,
    out: Collected<i64>,
    sent: i64,
    /// Tasks of the runtime while only the healthy job runs.
    tasks: usize,
}

impl Host {
    pub async fn new() -> Self {
        static HOSTS: AtomicU64 = AtomicU64::new(0);
        let name = format!("iso{}", HOSTS.fetch_add(1, Ordering::Relaxed));
        let (numbers, source) = channel(8);
        let (sink, out) = collect();
        let clock = ManualClock::new();
        let ports = copy::Ports { numbers: source, out: sink };
        let healthy = Engine::new().name("healthy").manual_clock(&clock).start(ports).expect("it starts");
        let mut host = Host { name, healthy, clock, numbers, out, sent: 0, tasks: 0 };
        host.delivers().await;
        host.tasks = tasks();
        host
    }

    /// For jobs of which nothing must be left.
    pub fn engine(&self) -> Engine {
        Engine::new().workers(2).name(&self.name)
    }

    /// The healthy job delivers one number more.
    async fn delivers(&mut self) {
        self.numbers.send(self.sent).await.expect("the healthy job takes it");
        self.sent += 1;
        let delivered = async {
            // It may come too late for a batch or two.
            while self.out.records().len() < self.sent as usize {
                self.clock.advance(secs(1));
                self.healthy.delivered(self.clock.now()).await.expect("the healthy job runs");
            }
        };
        soon(delivered).await;
    }

    /// Waits until no thread and no task of the other jobs is left, and sees that the healthy one goes on.
    pub async fn unharmed(mut self) {
        self.delivers().await;
        let gone = async {
            while threads(&self.name) > 0 || tasks() > self.tasks {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let gone = tokio::time::timeout(Duration::from_secs(60), gone).await;
        assert!(gone.is_ok(), "{} threads, {} tasks of {}", threads(&self.name), tasks(), self.tasks);
        self.healthy.stop().await.expect("it stops well");
        assert_eq!(self.out.records(), (0..self.sent).collect::<Vec<_>>());
    }
}

fn tasks() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

/// The workers' threads of the jobs of that name. Only Linux tells.
fn threads(name: &str) -> usize {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return 0 };
    let names =
        threads.flatten().filter_map(|thread| std::fs::read_to_string(thread.path().join("comm")).ok());
    names.filter(|thread| thread.trim_end().starts_with(&format!("{name}-"))).count()
}
