//! Connected components and distances from a root, kept up to date while edges come and go.
//!
//! Estimate, before the first run. A recomputation reads all edges at random places: 1e6 edges at some 20 ns are
//! 20-40 ms a batch for the union-find, and as much for the search. Differential touches what 100 changed edges
//! touch: a few thousand updates over 20-40 rounds, of which each costs the scheduling of some five operators:
//! 0.5-2 ms, so 10-60x at 1e6 edges. Ours adds to differential's by hand a look-up of each edge, the wake-ups
//! between the source, the worker and the sink (some 50 us) and whatever the loop does beside: 0.8-0.9x of it.
//!
//! It came out lower: at 100 changes differential's reduce looks thousands of keys up in traces of a dozen layers,
//! 5-10 ms. Batches of 2 changes show what a batch costs by itself. Without the first of the two loops of
//! `components`, every removal moves labels that lose anyway: 40 times as slow.
//!
//! Each batch is given when the answer to the one before is there. The first loads the graph.

mod plain;

use std::{
    cell::RefCell,
    collections::{BTreeMap, VecDeque},
    rc::Rc,
    time::{Duration, Instant},
};

use differential_dataflow::{AsCollection, VecCollection, operators::iterate::Iterate};
use hashbrown::{HashMap, HashSet};
use rand::{Rng, SeedableRng, rngs::SmallRng};
use streaming_runtime::{
    ManualClock,
    connect::{channel_sink, queue},
    prelude::*,
};
use timely::{
    container::CapacityContainerBuilder,
    dataflow::{InputHandle, ProbeHandle},
};

use contenders::measure::{Row, Runs, mix, rss_bytes};
use plain::*;

type Edge = (u32, u32);
/// A vertex with its component or its distance.
type Label = (u32, u32);
type Changes<T> = Vec<(T, i64)>;

stream!(
    /// Every vertex takes the smallest label that it can reach. The component of vertex 0 goes first, alone: nearly
    /// all vertices are in it, and would try a dozen labels on their way to 0.
    #[batch(secs(1))]
    fn components<changes: Source<(Edge, i64)>, labels: Sink<(Label, i64)>>() {
        let counts = changes.history().allow_unbounded("the graph is the state").reduce_by_key(|a, b| a + b);
        let edges = counts.filter(|&(_, n)| n > 0).map(|(edge, _)| edge);
        let links = edges.flat_map(|(a, b)| [(a, b), (b, a)]);
        let own = links.map(|(a, _)| (a, a)).distinct();
        let root = own.filter(|&(vertex, _)| vertex == 0);
        let first = root.iterate(|label| {
            let offered = label.join(links).map(|(_, (label, to))| (to, label));
            offered.union(root).reduce_by_key(u32::min)
        });
        let others = own.antijoin(first.map(|(vertex, _)| vertex));
        let rest = others.iterate(|label| {
            let offered = label.join(links).map(|(_, (label, to))| (to, label));
            offered.union(others).reduce_by_key(u32::min)
        });
        first.union(rest).changes().to(labels);
    }
);

stream!(
    /// The edges from the root, which is 0 and has an edge to itself, to each vertex.
    #[batch(secs(1))]
    fn distances<changes: Source<(Edge, i64)>, labels: Sink<(Label, i64)>>() {
        let counts = changes.history().allow_unbounded("the graph is the state").reduce_by_key(|a, b| a + b);
        let edges = counts.filter(|&(_, n)| n > 0).map(|(edge, _)| edge);
        let links = edges.flat_map(|(a, b)| [(a, b), (b, a)]);
        let root = edges.filter(|&edge| edge == (0, 0)).map(|(root, _)| (root, 0));
        let reached = root.iterate(|distance| {
            let offered = distance.join(links).map(|(_, (distance, to))| (to, distance + 1));
            offered.union(root).reduce_by_key(u32::min)
        });
        reached.changes().to(labels);
    }
);

#[derive(Clone, Copy, PartialEq)]
enum Task {
    Components,
    Distances,
}

/// One run: how long each batch took, the first of which loads the graph, and a digest of all answers.
struct Timed {
    batches: Vec<Duration>,
    checksum: u64,
    rss: u64,
}

/// The labels that there are, summed up as they change.
#[derive(Default)]
struct Labels {
    sum: u64,
    digest: u64,
}

impl Labels {
    /// The digest depends on the labels after each batch, and not on how they are said.
    fn change(&mut self, changes: &[(Label, i64)]) {
        for ((vertex, label), times) in changes {
            let label = mix(u64::from(*vertex) << 32 | u64::from(*label));
            self.sum = self.sum.wrapping_add(label.wrapping_mul(*times as u64));
        }
        self.digest = mix(self.digest ^ self.sum);
    }
}

/// `edges` random edges, then batches in which half of `changed` come and half leave.
fn changes(vertices: u32, edges: usize, batches: usize, changed: usize) -> Vec<Changes<Edge>> {
    let mut rng = SmallRng::seed_from_u64(11);
    let mut there = vec![(0, 0)];
    let mut known = HashSet::<Edge, foldhash::fast::RandomState>::from_iter([(0, 0)]);
    let come = |rng: &mut SmallRng, there: &mut Vec<Edge>, known: &mut HashSet<Edge, _>| loop {
        let edge = (rng.random_range(0..vertices), rng.random_range(0..vertices));
        if known.insert(edge) {
            there.push(edge);
            return (edge, 1);
        }
    };
    let mut load: Changes<Edge> = (1..edges).map(|_| come(&mut rng, &mut there, &mut known)).collect();
    load.push(((0, 0), 1));
    let mut all = vec![load];
    for _ in 0..batches {
        let mut batch: Changes<Edge> = Vec::with_capacity(changed);
        for _ in 0..changed / 2 {
            // The root's edge to itself, the first, stays.
            let edge = there.swap_remove(rng.random_range(1..there.len()));
            known.remove(&edge);
            batch.push((edge, -1));
        }
        batch.extend((0..changed / 2).map(|_| come(&mut rng, &mut there, &mut known)));
        all.push(batch);
    }
    all
}

pub fn run(runs: Runs) -> Vec<Row> {
    let (vertices, edges, batches) =
        if runs.quick { (50_000, 100_000, 50) } else { (500_000, 1_000_000, 200) };
    let mut rows = Vec::new();
    for changed in [100, 2] {
        let input = changes(vertices, edges, batches, changed);
        for (task, workload) in [(Task::Components, "graph components"), (Task::Distances, "graph distances")]
        {
            let row = |phase: &str, records: usize| Row {
                workload,
                params: BTreeMap::from([
                    ("vertices", vertices.into()),
                    ("edges", edges.into()),
                    ("phase", phase.into()),
                    ("changes_a_batch", records.into()),
                ]),
                workers: 1,
                records: Some(records as u64),
                ..Row::default()
            };
            let timed = in_turn(&input, vertices as usize, task, runs);
            rows.extend(timed.iter().map(|(engine, runs)| {
                let seconds = median(runs.iter().map(|run| run.batches[0]).collect()).as_secs_f64();
                let (seconds, records_per_s) = (Some(seconds), Some(edges as f64 / seconds));
                Row { engine, seconds, records_per_s, ..row("load", edges) }
            }));
            rows.extend(timed.iter().map(|(engine, runs)| {
                let at = |q| median(runs.iter().map(|run| quantile(run.batches[1..].to_vec(), q)).collect());
                let seconds = at(0.5).as_secs_f64();
                Row {
                    engine,
                    seconds: Some(seconds),
                    records_per_s: Some(changed as f64 / seconds),
                    p50_us: Some(seconds * 1e6),
                    p99_us: Some(at(0.99).as_secs_f64() * 1e6),
                    rss_bytes: runs.last().map(|run| run.rss),
                    checksum: Some(format!("{:016x}", runs[0].checksum)),
                    ..row("batches", changed)
                }
            }));
        }
    }
    rows
}

/// The runs of each engine, which all must have the same answers after each batch.
fn in_turn(
    input: &[Changes<Edge>],
    vertices: usize,
    task: Task,
    runs: Runs,
) -> Vec<(&'static str, Vec<Timed>)> {
    let mut timed = ["plain, recomputed", "differential", "stream"].map(|engine| (engine, Vec::new()));
    // To load takes seconds, and a run has a median of many batches.
    for _ in 0..runs.repeat.min(3) {
        timed[0].1.push(plain(input, vertices, task));
        timed[1].1.push(differential(input, task));
        timed[2].1.push(stream(input, task));
    }
    let checksum = timed[0].1[0].checksum;
    for (engine, runs) in &timed {
        assert!(runs.iter().all(|run| run.checksum == checksum), "{engine} differs");
    }
    timed.into()
}

fn quantile(mut times: Vec<Duration>, q: f64) -> Duration {
    times.sort_unstable();
    times[((times.len() - 1) as f64 * q).round() as usize]
}

fn median(times: Vec<Duration>) -> Duration {
    quantile(times, 0.5)
}

/// In `stream!`: the clock moves on by a batch when the answer to the one before is there.
fn stream(input: &[Changes<Edge>], task: Task) -> Timed {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (sink, mut answers) = channel_sink::<(Label, i64)>(4);
    let source = queue(input.to_vec());
    let engine = Engine::new();
    runtime.block_on(async {
        let clock = ManualClock::new();
        let engine = engine.manual_clock(&clock);
        let job = match task {
            Task::Components => engine.start(components::Ports { changes: source, labels: sink }),
            Task::Distances => engine.start(distances::Ports { changes: source, labels: sink }),
        };
        let mut job = job.expect("it starts");
        let (mut labels, mut times) = (Labels::default(), Vec::new());
        for _ in input {
            let start = Instant::now();
            clock.advance(secs(1));
            let answer = answers.recv().await.expect("the job runs");
            times.push(start.elapsed());
            labels.change(&answer.records);
        }
        let rss = rss_bytes();
        job.join().await.expect("it ends well");
        Timed { batches: times, checksum: labels.digest, rss }
    })
}

type Collection<'s, T> = VecCollection<'s, u64, T, isize>;

/// What somebody writes who knows differential: the edges are arranged once, outside of the loop.
fn differential(input: &[Changes<Edge>], task: Task) -> Timed {
    let mut batches: VecDeque<Changes<Edge>> = input.to_vec().into();
    timely::execute_directly(move |worker| {
        let mut input =
            InputHandle::<u64, CapacityContainerBuilder<Vec<(Edge, u64, isize)>>>::new_with_builder();
        let probe = ProbeHandle::new();
        let answers = Rc::new(RefCell::new(Changes::<Label>::new()));
        let gathered = answers.clone();
        worker.dataflow(|scope| {
            let edges = input.to_stream(scope).as_collection();
            let labels = match task {
                Task::Components => differential_components(edges),
                Task::Distances => differential_distances(edges),
            };
            let gather = move |(label, _, times): &(Label, u64, isize)| {
                gathered.borrow_mut().push((*label, *times as i64));
            };
            labels.consolidate().inspect(gather).probe_with(&probe);
        });
        let (mut labels, mut times, mut epoch) = (Labels::default(), Vec::new(), 0);
        while let Some(batch) = batches.pop_front() {
            let start = Instant::now();
            batch.into_iter().for_each(|(edge, times)| input.send((edge, epoch, times as isize)));
            epoch += 1;
            input.advance_to(epoch);
            input.flush();
            worker.step_while(|| probe.less_than(&epoch));
            times.push(start.elapsed());
            labels.change(&std::mem::take(&mut *answers.borrow_mut()));
        }
        Timed { batches: times, checksum: labels.digest, rss: rss_bytes() }
    })
}

fn differential_components<'s>(edges: Collection<'s, Edge>) -> Collection<'s, Label> {
    let links = edges.flat_map(|(a, b)| [(a, b), (b, a)]);
    let own = links.clone().map(|(a, _)| a).distinct().map(|a| (a, a));
    let links = links.arrange_by_key();
    let spread = |from: Collection<'s, Label>| {
        let links = links.clone();
        from.clone().iterate(|scope, label| {
            let offered = label.join_core(links.enter(scope), |_, label, to| Some((*to, *label)));
            offered.concat(from.enter(scope)).reduce(|_, labels, out| out.push((*labels[0].0, 1)))
        })
    };
    let first = spread(own.clone().filter(|(vertex, _)| *vertex == 0));
    let rest = spread(own.antijoin(first.clone().map(|(vertex, _)| vertex)));
    first.concat(rest)
}

fn differential_distances(edges: Collection<'_, Edge>) -> Collection<'_, Label> {
    let root = edges.clone().filter(|edge| *edge == (0, 0)).map(|(root, _)| (root, 0));
    let links = edges.flat_map(|(a, b)| [(a, b), (b, a)]).arrange_by_key();
    root.clone().iterate(|scope, distance| {
        let offered = distance.join_core(links.enter(scope), |_, distance, to| Some((*to, distance + 1)));
        offered.concat(root.enter(scope)).reduce(|_, distances, out| out.push((*distances[0].0, 1)))
    })
}
