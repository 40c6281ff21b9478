//! Word count per batch: lines of ten words in, `(word, count)` of each batch out.
//!
//! Estimate, before the first run. The plain loop on borrowed words spends 35-60 ns a word: split 5, hash 5,
//! a look-up in a map of some 25,000 words 20-40, and a share of the output. Our chain adds an allocation and a
//! release a word, 10-15 ns with mimalloc, and the way through a queue and an input, 1 ns a word: 0.7x of the
//! plain loop and 0.85x of the combiner on borrowed words by hand. Two workers halve the first pass and add
//! the exchange of 25,000 pairs a batch: 1.2-1.5x of one.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
};

use hashbrown::HashMap;
use streaming_runtime::{
    ManualClock,
    connect::{Batch, ConnectorError, SourceContext},
    prelude::*,
};
use timely::{
    container::CapacityContainerBuilder,
    dataflow::{
        InputHandle, ProbeHandle, StreamVec,
        channels::pact::{Exchange, Pipeline},
        operators::{Capability, Probe, generic::operator::Operator},
    },
};

use contenders::{
    data,
    dataflow::epoch_of,
    driven::Running,
    measure::{Contender, Output, Row, Runs, in_turn, mix, mix_text},
    twin::count_words,
};

stream!(
    /// Words of each batch.
    #[batch(secs(1))]
    pub(crate) fn word_count<lines: Source<String>, counts: Sink<(String, i64)>>() {
        let words = lines.flat_map(|line| line.split_whitespace().map(str::to_owned));
        words.map(|word| (word, 1)).reduce_by_key(|a, b| a + b).to(counts);
    }
);

type Lines = Vec<Vec<String>>;
type Counts = Vec<Vec<(String, i64)>>;
type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// The same for equal multisets of counts in each batch.
fn checksum(counts: &Counts) -> u64 {
    counts.iter().map(|batch| sum(batch)).fold(0, |sum, batch| mix(sum ^ batch))
}

/// The same for equal multisets of counts.
fn sum(counts: &[(String, i64)]) -> u64 {
    let pair = |(word, n): &(String, i64)| mix(mix_text(word) ^ *n as u64);
    counts.iter().map(pair).fold(0, u64::wrapping_add)
}

/// The pipeline, driven batch by batch.
pub fn driven() -> Running<String, (String, i64)> {
    let start = |engine: &Engine, lines, counts| engine.start(word_count::Ports { lines, counts });
    Running::start(1, start, |_, counts| sum(&counts))
}

fn done(counts: Counts) -> Output {
    Box::new(move || checksum(&counts))
}

pub fn run(runs: Runs) -> Vec<Row> {
    let mut rows = Vec::new();
    let sizes: &[(usize, usize)] = match runs.quick {
        true => &[(100_000, 20)],
        false => &[(100_000, 50), (1_000_000, 8)],
    };
    for &(words, batches) in sizes {
        let lines = data::lines(batches, words);
        let (read, lines) = (&lines, || lines.clone());
        let contenders = [
            contender("plain, borrowed words", 1, &lines, plain),
            contender("stream", 1, &lines, |lines| stream(lines, 1)),
            contender("stream", 2, &lines, |lines| stream(lines, 2)),
            contender("twin", 1, &lines, |lines| count_words(lines, 1)),
            contender("twin", 2, &lines, |lines| count_words(lines, 2)),
            // As the engine's worker has them: to free what another thread allocated costs more.
            contender("twin, lines of another thread", 1, &lines, |lines| {
                let counting = std::thread::spawn(|| count_words(lines, 1));
                counting.join().expect("it counts")
            }),
            contender("timely, combine borrowed words", 1, &lines, |lines| {
                timely(lines, 1, combine_borrowed)
            }),
            contender("timely, combine borrowed words", 2, &lines, |lines| {
                timely(lines, 2, combine_borrowed)
            }),
            contender("timely, exchange owned words", 1, &lines, |lines| timely(lines, 1, exchange_owned)),
            contender("timely, exchange owned words", 2, &lines, |lines| timely(lines, 2, exchange_owned)),
        ];
        let params = BTreeMap::from([("words_a_batch", words.into()), ("batches", batches.into())]);
        let records = (words * read.len()) as u64;
        rows.extend(in_turn("words", params, records, runs, &contenders));
    }
    rows
}

fn contender<'a>(
    engine: &'static str,
    workers: usize,
    lines: &'a dyn Fn() -> Lines,
    run: fn(Lines) -> Counts,
) -> Contender<'a> {
    let set_up = move || -> Box<dyn FnOnce() -> Output> {
        let lines = lines();
        Box::new(move || done(run(lines)))
    };
    Contender { engine, workers, set_up: Box::new(set_up) }
}

/// The honest limit: one loop, one map, no copy of a word that was seen before.
fn plain(lines: Lines) -> Counts {
    let count = |lines: Vec<String>| {
        let mut counts = Map::<&str, i64>::default();
        for line in &lines {
            for word in line.split_whitespace() {
                *counts.entry(word).or_insert(0) += 1;
            }
        }
        counts.into_iter().map(|(word, n)| (word.to_owned(), n)).collect()
    };
    lines.into_iter().map(count).collect()
}

/// Sends each batch whole, as fast as the job takes it.
struct Batches(Lines);
impl Source<String> for Batches {
    const PACED: bool = true;
    async fn run(self, mut out: SourceContext<String>) -> Result<(), ConnectorError> {
        for lines in self.0 {
            out.batch_due().await;
            out.send_all(lines).await?;
        }
        Ok(())
    }
}

struct Collected(Arc<Mutex<Counts>>);
impl Sink<(String, i64)> for Collected {
    async fn write(&mut self, batch: Batch<(String, i64)>) -> Result<(), ConnectorError> {
        self.0.lock().expect("no panics under it").push(batch.records);
        Ok(())
    }
}

fn stream(lines: Lines, workers: usize) -> Counts {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let counts = Arc::new(Mutex::new(Counts::new()));
    let batches = lines.len() as u64;
    let ports = word_count::Ports { lines: Batches(lines), counts: Collected(counts.clone()) };
    runtime.block_on(async {
        let clock = ManualClock::new();
        let mut job = Engine::new().workers(workers).manual_clock(&clock).start(ports).expect("it starts");
        // Every boundary is due at once: batches close as fast as they are done.
        clock.advance(secs(batches));
        job.join().await.expect("it ends well");
    });
    std::mem::take(&mut *counts.lock().expect("no panics under it"))
}

type Wire = for<'s> fn(StreamVec<'s, u64, String>) -> StreamVec<'s, u64, (String, i64)>;

/// What somebody writes who knows timely: an input, `wire`, and a probe that keeps two batches in flight.
fn timely(lines: Lines, workers: usize, wire: Wire) -> Counts {
    let batches = lines.len();
    // Each worker takes its contiguous part of each batch; built before, as the other engines' input is.
    let mut parts: Vec<VecDeque<Vec<String>>> = (0..workers).map(|_| VecDeque::new()).collect();
    for mut batch in lines {
        let share = batch.len().div_ceil(workers);
        for part in &mut parts {
            let rest = batch.split_off(share.min(batch.len()));
            part.push_back(std::mem::replace(&mut batch, rest));
        }
    }
    let parts = Arc::new(Mutex::new(parts));
    let counts = Arc::new(Mutex::new(vec![Vec::new(); batches]));
    let gathered = counts.clone();
    let config = match workers {
        1 => timely::Config::thread(),
        n => timely::Config::process(n),
    };
    let guards = timely::execute(config, move |worker| {
        let part = std::mem::take(&mut parts.lock().expect("no panics under it")[worker.index()]);
        let mut input = InputHandle::<u64, CapacityContainerBuilder<Vec<String>>>::new_with_builder();
        let probe = ProbeHandle::new();
        let gathered = gathered.clone();
        worker.dataflow(|scope| {
            let counted = wire(input.to_stream(scope));
            counted.probe_with(&probe).sink(Pipeline, "Collect", move |(input, _)| {
                input.for_each(|time, counts| {
                    let mut gathered = gathered.lock().expect("no panics under it");
                    let batch: &mut Vec<_> = &mut gathered[epoch_of(&time) as usize];
                    match batch.is_empty() {
                        true => *batch = std::mem::take(counts),
                        false => batch.append(counts),
                    }
                });
            });
        });
        for (batch, lines) in part.into_iter().enumerate() {
            let mut lines = lines.into_iter();
            while lines.len() > 0 {
                let mut chunk = lines.by_ref().take(1024).collect();
                input.send_batch(&mut chunk);
                worker.step();
            }
            input.advance_to(batch as u64 + 1);
            while probe.less_than(&(batch as u64)) {
                worker.step();
            }
        }
    });
    drop(guards.expect("it starts"));
    std::mem::take(&mut *counts.lock().expect("no panics under it"))
}

fn owner(word: &str) -> u64 {
    use std::hash::BuildHasher;
    foldhash::fast::FixedState::with_seed(1).hash_one(word)
}

/// Counts words where they are, borrowed until one is new; exchanges counts.
fn combine_borrowed<'s>(lines: StreamVec<'s, u64, String>) -> StreamVec<'s, u64, (String, i64)> {
    let workers = lines.scope().peers();
    let counts = lines.unary_frontier::<CapacityContainerBuilder<Vec<(String, i64)>>, _, _, _>(
        Pipeline,
        "Count",
        |_, _| {
            let mut open = BTreeMap::<u64, (Capability<u64>, Map<String, i64>)>::new();
            move |(input, frontier), output| {
                input.for_each(|time, lines| {
                    let epoch = epoch_of(&time);
                    let (_, counts) =
                        open.entry(epoch).or_insert_with(|| (time.delayed(&epoch, 0), Map::default()));
                    for line in lines.drain(..) {
                        for word in line.split_whitespace() {
                            *counts.entry_ref(word).or_insert(0) += 1;
                        }
                    }
                });
                while let Some(first) = open.first_entry().filter(|first| !frontier.less_equal(first.key())) {
                    let (time, mut counts) = first.remove();
                    output.session(&time).give_container(&mut counts.drain().collect());
                }
            }
        },
    );
    if workers == 1 { counts } else { count_owned(counts) }
}

/// Allocates every word, exchanges it, and counts it where it belongs.
fn exchange_owned<'s>(lines: StreamVec<'s, u64, String>) -> StreamVec<'s, u64, (String, i64)> {
    let words =
        lines.unary::<CapacityContainerBuilder<Vec<(String, i64)>>, _, _, _>(Pipeline, "Split", |_, _| {
            move |input, output| {
                input.for_each(|time, lines| {
                    let mut session = output.session(&time);
                    for line in lines.drain(..) {
                        line.split_whitespace().for_each(|word| session.give((word.to_owned(), 1)));
                    }
                });
            }
        });
    count_owned(words)
}

fn count_owned<'s>(counts: StreamVec<'s, u64, (String, i64)>) -> StreamVec<'s, u64, (String, i64)> {
    let by_word = Exchange::new(|(word, _): &(String, i64)| owner(word));
    counts.unary_frontier::<CapacityContainerBuilder<Vec<(String, i64)>>, _, _, _>(by_word, "Sum", |_, _| {
        let mut open = BTreeMap::<u64, (Capability<u64>, Map<String, i64>)>::new();
        move |(input, frontier), output| {
            input.for_each(|time, words| {
                let epoch = epoch_of(&time);
                let (_, counts) =
                    open.entry(epoch).or_insert_with(|| (time.delayed(&epoch, 0), Map::default()));
                words.drain(..).for_each(|(word, n)| *counts.entry(word).or_insert(0) += n);
            });
            while let Some(first) = open.first_entry().filter(|first| !frontier.less_equal(first.key())) {
                let (time, mut counts) = first.remove();
                output.session(&time).give_container(&mut counts.drain().collect());
            }
        }
    })
}
