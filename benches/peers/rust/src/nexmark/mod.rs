//! Nexmark by DBSP: one transaction for the events of one second.
//!
//! Events come in two ways. `dbsp, a set of events` is how DBSP's own benchmark of Nexmark gives them: as a Z-set of
//! events, sorted whole before a query looks at any. In `dbsp` a batch comes as a list, and each query makes of it the
//! Z-sets that it wants, of the columns that it uses: what an expert can do when nothing is ever deleted.
//!
//! Estimate, before the first run, a batch of 10,000 events, one worker. A set of events: 10,000 records of 200 bytes
//! sorted, 13 comparisons by 20 ns: 3 ms, on top of the query. Stateless queries clone and sort 9,200 records: 2-3 ms
//! (q2 nothing, 0.1 ms). Joins with 600 auctions (q4, q6): sort 9,200 narrow records, 1 ms, and look 3,000 keys up: 3 ms;
//! q9 and q20 carry whole bids, 6 ms. Counts (q15, q16, q17): two or three sorts of 9,200, 5-8 ms. q18, q19: 6-10 ms.
//! Two workers: 0.7 of that, since batches are small for what a step costs.

mod model;
mod queries;

use std::time::Instant;

use dbsp::{
    Batch, DBData, DynZWeight, IndexedZSetReader, InputHandle, OrdIndexedZSet, OrdZSet, RootCircuit, Stream,
    TypedBox, ZSetHandle, ZWeight,
    dynamic::DynData,
    typed_batch::{BatchReader, SpineSnapshot},
    utils::{Tup2, Tup3, Tup4, Tup5, Tup7},
};
use serde_json::json;

use crate::{
    circuit::{Changes, Driven, Give, parts},
    measure::{Measured, RUNS, Report, Run, cpu_seconds, mix},
};
use model::{Auction, BASE, Bid, Event};

/// A batch's number and its events, with the weight that they have in a Z-set.
type Events = (u64, Vec<Tup2<Event, ZWeight>>);

/// What a query reads.
pub struct Input {
    events: Form,
    clock: Stream<RootCircuit, u64>,
}

enum Form {
    Set(Stream<RootCircuit, OrdZSet<Event>>),
    List(Stream<RootCircuit, Events>),
}

impl Input {
    /// A Z-set of what `of` makes of events.
    fn set<T: DBData>(&self, of: impl Fn(&Event) -> Option<T> + 'static) -> Stream<RootCircuit, OrdZSet<T>> {
        match &self.events {
            Form::Set(events) => events.flat_map(of),
            Form::List(events) => events.apply(move |(_, events): &Events| {
                let records = events.iter().filter_map(|Tup2(event, _)| of(event));
                OrdZSet::from_keys((), records.map(|record| Tup2(record, 1)).collect())
            }),
        }
    }

    /// Likewise, of keys with values.
    fn indexed<K: DBData, V: DBData>(
        &self,
        of: impl Fn(&Event) -> Option<(K, V)> + 'static,
    ) -> Stream<RootCircuit, OrdIndexedZSet<K, V>> {
        match &self.events {
            Form::Set(events) => events.flat_map_index(of),
            Form::List(events) => events.apply(move |(_, events): &Events| {
                let records = events.iter().filter_map(|Tup2(event, _)| of(event));
                OrdIndexedZSet::from_tuples((), records.map(|(k, v)| Tup2(Tup2(k, v), 1)).collect())
            }),
        }
    }

    /// The number of the batch that came last.
    fn now(&self) -> Stream<RootCircuit, TypedBox<u64, DynData>> {
        let mut last = 0;
        self.clock.apply_mut(move |number: &u64| {
            // Between batches the input has the default of its type.
            last = last.max(*number);
            TypedBox::new(last)
        })
    }
}

/// How events are given.
enum Given {
    Set(ZSetHandle<Event>, InputHandle<u64>),
    List(InputHandle<Events>),
}

impl Give<Events> for Given {
    fn give(&self, worker: usize, (number, mut events): Events) {
        match self {
            Given::Set(set, clock) => {
                set.append(&mut events);
                clock.set_for_worker(worker, number);
            }
            Given::List(list) => list.set_for_worker(worker, (number, events)),
        }
    }
}

/// How often the contents of the result are delivered whole; otherwise it is kept.
type Every = Option<u64>;

struct Query {
    name: &'static str,
    every: Every,
    start: Box<dyn Fn(bool, usize) -> Driven<Events>>,
}

fn query<B>(
    name: &'static str,
    query: fn(&Input) -> Stream<RootCircuit, B>,
    hash: fn(&B::Key, &B::Val) -> u64,
) -> Query
where
    B: Batch<Time = (), R = ZWeight, DynR = DynZWeight> + Send,
    SpineSnapshot<B>: IndexedZSetReader + BatchReader<Key = B::Key, Val = B::Val> + Send + Clone,
{
    let start = move |as_set: bool, workers: usize| {
        let wire = move |circuit: &mut RootCircuit| {
            if as_set {
                let ((events, set), (clock, now)) = (circuit.add_input_zset(), circuit.add_input_stream());
                (Given::Set(set, now), query(&Input { events: Form::Set(events), clock }))
            } else {
                let (events, list) = circuit.add_input_stream::<Events>();
                let clock = events.apply(|(number, _): &Events| *number);
                (Given::List(list), query(&Input { events: Form::List(events), clock }))
            }
        };
        Driven::new(workers, wire, hash)
    };
    Query { name, every: None, start: Box::new(start) }
}

/// The portable hash of a record, field after field.
struct Hash(u64);

impl Hash {
    fn of(numbers: &[u64]) -> Hash {
        Hash(7).numbers(numbers)
    }
    fn numbers(self, numbers: &[u64]) -> Hash {
        Hash(numbers.iter().fold(self.0, |hash, number| mix(hash ^ number)))
    }
    fn text(self, text: &str) -> Hash {
        Hash(text.bytes().fold(self.0, |hash, byte| mix(hash ^ u64::from(byte))))
    }
    fn bid(self, bid: &Bid) -> Hash {
        let names = self.numbers(&[bid.auction, bid.bidder, bid.price]).text(&bid.channel).text(&bid.url);
        names.numbers(&[bid.date_time]).text(&bid.extra)
    }
    fn auction(self, auction: &Auction) -> Hash {
        let Auction { initial_bid, reserve, date_time, expires, seller, category, .. } = auction;
        let names = self.numbers(&[auction.id]).text(&auction.item_name).text(&auction.description);
        names
            .numbers(&[*initial_bid, *reserve, *date_time, *expires, *seller, *category])
            .text(&auction.extra)
    }
    fn counts(self, Tup3(bids, bidders, auctions): &queries::AllCounts) -> Hash {
        [bids, bidders, auctions].iter().fold(self, |hash, Tup4(all, low, middle, high)| {
            hash.numbers(&[*all as u64, *low as u64, *middle as u64, *high as u64])
        })
    }
}

fn queries() -> Vec<Query> {
    use queries::*;
    let of_bid = |Tup5(a, b, c, d, text): &Tup5<u64, u64, u64, u64, String>, &(): &()| {
        Hash::of(&[*a, *b, *c, *d]).text(text).0
    };
    let average = |key: &u64, average: &ZWeight| Hash::of(&[*key, *average as u64]).0;
    vec![
        query("q0", q0, of_bid),
        query("q1", q1, of_bid),
        query("q2", q2, |Tup2(auction, price), ()| Hash::of(&[*auction, *price]).0),
        query("q3", q3, |Tup4(name, city, state, auction), ()| {
            Hash(7).text(name).text(city).text(state).numbers(&[*auction]).0
        }),
        query("q4", q4, average),
        Query {
            every: Some(2),
            ..query("q5", q5, |Tup2(auction, n), ()| Hash::of(&[*auction, *n as u64]).0)
        },
        query("q6", q6, average),
        query("q7", q7, of_bid),
        query("q8", q8, |Tup3(id, name, start), ()| Hash::of(&[*id]).text(name).numbers(&[*start]).0),
        query("q9", q9, |Tup2(auction, bid), ()| Hash(7).auction(auction).bid(bid).0),
        query("q12", q12, |Tup2(bidder, window), count| {
            let start = BASE + window * 10_000;
            Hash::of(&[*bidder, *count as u64, start, start + 10_000]).0
        }),
        query("q13", q13, of_bid),
        query("q14", q14, |Tup7(auction, bidder, price, kind, at, extra, count), ()| {
            let kind = ["dayTime", "nightTime", "otherTime"][*kind as usize];
            let hash = Hash::of(&[*auction, *bidder, *price]).text(kind).numbers(&[*at]);
            hash.text(extra).numbers(&[*count]).0
        }),
        query("q15", q15, |Tup2(_, day), counts| Hash::of(&[*day]).counts(counts).0),
        query("q16", q16, |Tup3(Tup2(channel, day), minute, counts), ()| {
            Hash(7).text(channel).numbers(&[*day, *minute]).counts(counts).0
        }),
        query("q17", q17, |Tup2(auction, day), Tup5(bids, Tup3(low, middle, high), least, greatest, sum)| {
            Hash::of(&[*auction, *day, *bids, *low, *middle, *high, *least, *greatest, sum / bids, *sum]).0
        }),
        query("q18", q18, |_, bid| Hash(7).bid(bid).0),
        query("q19", q19, |_, Tup2(bid, rank)| Hash(7).bid(bid).numbers(&[*rank as u64]).0),
        query("q20", q20, |Tup2(bid, auction), ()| Hash(7).bid(bid).auction(auction).0),
        query("q21", q21, |Tup5(auction, bidder, price, channel, id), ()| {
            Hash::of(&[*auction, *bidder, *price]).text(channel).text(id).0
        }),
        query("q22", q22, |Tup5(auction, bidder, price, channel, Tup3(one, two, three)), ()| {
            Hash::of(&[*auction, *bidder, *price]).text(channel).text(one).text(two).text(three).0
        }),
    ]
}

pub fn run(report: &mut Report) -> std::io::Result<()> {
    // The smaller size of `benches-nexmark`; the larger one would take half an hour.
    let (a_batch, batches) = (10_000, 20);
    let events = model::events(a_batch, batches);
    for query in queries() {
        if !report.wants(&format!("nexmark {}", query.name)) {
            continue;
        }
        for (engine, as_set, workers) in [
            ("dbsp", false, 1),
            ("dbsp", false, 2),
            ("dbsp, a set of events", true, 1),
            ("dbsp, a set of events", true, 2),
        ] {
            let (mut runs, mut sums) = (Vec::new(), Vec::new());
            // The first is the warm-up.
            for _ in 0..=RUNS {
                let (run, sum) = once(&query, &events, as_set, workers);
                runs.push(run);
                sums.push(sum);
            }
            assert!(sums.iter().all(|sum| *sum == sums[0]), "{} differs from run to run", query.name);
            let params = json!({"query": query.name, "events_a_batch": a_batch, "batches": batches});
            let measured = Measured {
                engine,
                workers,
                records: a_batch * batches,
                runs: runs.split_off(1),
                checksum: sums[0],
                batches: Vec::new(),
            };
            report.row("nexmark", &params, measured)?;
        }
    }
    Ok(())
}

/// One run of all batches, and its checksum.
fn once(query: &Query, events: &[Vec<Event>], as_set: bool, workers: usize) -> (Run, u64) {
    let weighted = |batch: &Vec<Event>| batch.iter().map(|event| Tup2(event.clone(), 1)).collect();
    let input: Vec<Vec<Events>> = (0..)
        .zip(events)
        .map(|(number, batch)| {
            parts(weighted(batch), workers).into_iter().map(|part| (number, part)).collect()
        })
        .collect();
    let mut circuit = (query.start)(as_set, workers);
    let (cpu, started) = (cpu_seconds(), Instant::now());
    let changes: Vec<Changes> = input.into_iter().map(|batch| circuit.step(batch)).collect();
    let run = Run { seconds: started.elapsed().as_secs_f64(), cpu_seconds: cpu_seconds() - cpu };
    circuit.stop();
    let (mut kept, mut delivered) = (0u64, 0u64);
    for (number, changes) in (1..).zip(changes) {
        kept = kept.wrapping_add(changes());
        if query.every.is_some_and(|every| number % every == 0) {
            delivered = delivered.wrapping_add(kept);
        }
    }
    (run, if query.every.is_some() { delivered } else { kept })
}
