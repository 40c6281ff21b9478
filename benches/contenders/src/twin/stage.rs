//! Threads that are kept, each with its partition, and what goes from one to another between two stages.

use std::{
    sync::{
        Arc, Condvar, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::JoinHandle,
};

/// What a thread does with its part of a batch: all stages of a job.
pub trait Partition: Send + 'static {
    type Part: Default + Send + 'static;
    type Out: Default + Send + 'static;
    /// Leaves `part` empty. Both are the thread's own again at the next batch, with their capacity.
    fn run(&mut self, part: &mut Self::Part, out: &mut Self::Out);
}

/// Partitions, the first of them in the thread that asks.
pub struct Team<P: Partition> {
    own: P,
    shared: Arc<Shared<P>>,
    others: Vec<JoinHandle<()>>,
}

struct Shared<P: Partition> {
    /// Passed when a batch begins and when it is done.
    barrier: Barrier,
    ended: AtomicBool,
    seats: Vec<Mutex<Seat<P>>>,
}

type Seat<P> = (<P as Partition>::Part, <P as Partition>::Out);

impl<P: Partition> Team<P> {
    pub fn new(partitions: impl IntoIterator<Item = P>) -> Self {
        let mut partitions: Vec<P> = partitions.into_iter().collect();
        let seats = partitions.iter().map(|_| Mutex::default()).collect();
        let barrier = Barrier::new(partitions.len());
        let shared = Arc::new(Shared { barrier, ended: AtomicBool::new(false), seats });
        let others = partitions.drain(1..).enumerate().map(|(before, partition)| {
            let shared = shared.clone();
            std::thread::spawn(move || work(partition, before + 1, &shared))
        });
        let others = others.collect();
        Team { own: partitions.pop().expect("there is a first"), shared, others }
    }

    pub fn threads(&self) -> usize {
        self.shared.seats.len()
    }

    /// The part of a thread in the next batch, and what it made of the last.
    pub fn seat(&self, thread: usize) -> MutexGuard<'_, Seat<P>> {
        self.shared.seats[thread].lock().expect("a panic ends the process")
    }

    /// Runs all stages over the parts that are in the seats.
    pub fn run(&mut self) {
        self.shared.barrier.wait();
        let (part, out) = &mut *self.shared.seats[0].lock().expect("a panic ends the process");
        self.own.run(part, out);
        self.shared.barrier.wait();
    }
}

impl<P: Partition> Drop for Team<P> {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Release);
        self.shared.barrier.wait();
        self.others.drain(..).for_each(|other| other.join().expect("a panic ends the process"));
    }
}

fn work<P: Partition>(mut partition: P, at: usize, shared: &Shared<P>) {
    let _ends = EndsProcess;
    loop {
        shared.barrier.wait();
        if shared.ended.load(Ordering::Acquire) {
            return;
        }
        let (part, out) = &mut *shared.seats[at].lock().expect("a panic ends the process");
        partition.run(part, out);
        shared.barrier.wait();
    }
}

/// The others would wait for a thread that panicked for ever.
struct EndsProcess;

impl Drop for EndsProcess {
    fn drop(&mut self) {
        if std::thread::panicking() {
            std::process::abort();
        }
    }
}

/// The parts of a batch for so many threads, in order.
pub fn parts<T>(mut batch: Vec<T>, threads: usize) -> impl Iterator<Item = Vec<T>> {
    let share = batch.len().div_ceil(threads);
    (0..threads).map(move |_| {
        let rest = batch.split_off(share.min(batch.len()));
        std::mem::replace(&mut batch, rest)
    })
}

/// What each thread has for each, behind a barrier.
pub struct Exchange<T> {
    threads: usize,
    barrier: Barrier,
    /// From the first to each, from the second to each.
    ways: Vec<Mutex<T>>,
}

impl<T: Default> Exchange<T> {
    pub fn new(threads: usize) -> Arc<Self> {
        let ways = (0..threads * threads).map(|_| Mutex::default()).collect();
        Arc::new(Exchange { threads, barrier: Barrier::new(threads), ways })
    }

    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Gives what `from` has for each, and gets back what they have emptied of the batch before; returns when all have
    /// given.
    pub fn give(&self, from: usize, outgoing: &mut [T]) {
        for (to, outgoing) in outgoing.iter_mut().enumerate() {
            std::mem::swap(outgoing, &mut *self.way(from, to));
        }
        self.barrier.wait();
    }

    /// What all have given to `to`.
    pub fn given(&self, to: usize) -> impl Iterator<Item = MutexGuard<'_, T>> {
        (0..self.threads).map(move |from| self.way(from, to))
    }

    fn way(&self, from: usize, to: usize) -> MutexGuard<'_, T> {
        self.ways[from * self.threads + to].lock().expect("a panic ends the process")
    }
}

/// The thread that has the keys of this hash. Maps take their places from the lowest bits and their tags from the highest.
pub fn owner(hash: u64, threads: usize) -> usize {
    (((hash >> 32) & 0xffff) as usize * threads) >> 16
}

/// Tries before a thread sleeps, some 50 us: less than a sleeping core needs to wake up.
const SPINS: usize = 2_000;

struct Barrier {
    threads: usize,
    arrived: AtomicUsize,
    passed: AtomicUsize,
    asleep: Mutex<()>,
    wake: Condvar,
}

impl Barrier {
    fn new(threads: usize) -> Self {
        Barrier {
            threads,
            arrived: AtomicUsize::new(0),
            passed: AtomicUsize::new(0),
            asleep: Mutex::new(()),
            wake: Condvar::new(),
        }
    }

    fn wait(&self) {
        if self.threads == 1 {
            return;
        }
        let before = self.passed.load(Ordering::Acquire);
        let waits = || self.passed.load(Ordering::Acquire) == before;
        if self.arrived.fetch_add(1, Ordering::AcqRel) + 1 == self.threads {
            self.arrived.store(0, Ordering::Relaxed);
            // Under the lock, or who is about to sleep misses it.
            let asleep = self.asleep.lock().expect("nothing panics under it");
            self.passed.store(before.wrapping_add(1), Ordering::Release);
            drop(asleep);
            self.wake.notify_all();
            return;
        }
        for _ in 0..SPINS {
            if !waits() {
                return;
            }
            std::hint::spin_loop();
        }
        let asleep = self.asleep.lock().expect("nothing panics under it");
        drop(self.wake.wait_while(asleep, |()| waits()).expect("nothing panics under it"));
    }
}
