//! Queries on windows of event time, and sessions: q5, q7, q8, q11, q12. Output: the contents of each window when it is
//! complete, and each session when it is closed.

use std::cmp::Ordering;

use nexmark::event::Event;
use streaming_runtime::{Aggregate, Record, aggregate::Associative, prelude::*};

use super::{
    events::{auction, bid, is_bid, is_person, person, ten_seconds},
    query::Query,
    reference,
    stateless::Row,
};

/// bidder, bids, first bid, ten seconds after the last bid
pub type Session = (usize, u64, u64, u64);
/// bidder, bids, start and end of the window
pub type Count = (usize, i64, u64, u64);

/// The largest value, with all that have it.
pub struct Largest;

impl<N: Record + Ord, T: Record> Aggregate<(N, T)> for Largest {
    type Accumulator = (N, Vec<T>);
    type Result = (N, Vec<T>);
    type Algebra = Associative;
    fn create(&self, (n, of): (N, T)) -> (N, Vec<T>) {
        (n, vec![of])
    }
    fn add(&self, (largest, mut all): (N, Vec<T>), (n, of): (N, T)) -> (N, Vec<T>) {
        if n < largest {
            return (largest, all);
        }
        if n > largest {
            all.clear();
        }
        all.push(of);
        (n, all)
    }
    fn merge(&self, older: (N, Vec<T>), newer: (N, Vec<T>)) -> (N, Vec<T>) {
        match older.0.cmp(&newer.0) {
            Ordering::Less => newer,
            Ordering::Greater => older,
            Ordering::Equal => (older.0, older.1.into_iter().chain(newer.1).collect()),
        }
    }
    fn result(&self, largest: (N, Vec<T>)) -> (N, Vec<T>) {
        largest
    }
}

stream!(
    /// The auctions with most bids in each ten seconds, every two seconds: `SELECT auction, num FROM [bids by auction and
    /// window, counted] WHERE num = [the largest of the window]`
    #[batch(secs(1))]
    fn q5<events: Source<Event>, out: Sink<(usize, i64)>>() {
        let counts = events.filter_map(bid).map(|b| b.auction).window(secs(10), secs(2)).count_by_value();
        let largest = counts.snapshot().map(|(auction, n)| (n, auction)).aggregate(Largest);
        largest.flat_map(|(n, auctions)| auctions.into_iter().map(move |auction| (auction, n))).to(out);
    }
);

stream!(
    /// The highest bid of each ten seconds: `SELECT auction, price, bidder, date_time, extra FROM bid WHERE price = [the
    /// highest of the window]`
    #[batch(secs(1))]
    fn q7<events: Source<Event>, out: Sink<Row>>() {
        let bids =
            events.filter_map(bid).map(|b| (b.price, (b.auction, b.price, b.bidder, b.date_time, b.extra)));
        bids.window(secs(10), secs(10)).aggregate(Largest).flat_map(|(_, bids)| bids).to(out);
    }
);

stream!(
    /// Who came and opened an auction in the same ten seconds: `SELECT person.id, name, [start of the window] FROM person
    /// JOIN [sellers of the window] ON person.id = seller`
    #[batch(secs(1))]
    fn q8<events: Source<Event>, out: Sink<(usize, String, u64)>>() {
        let (persons, auctions) = events.filter(|event| !is_bid(event)).split(is_person);
        let persons = persons.filter_map(person).map(|p| (p.id, (p.name, ten_seconds(p.date_time))));
        let sellers = auctions.filter_map(auction).map(|a| a.seller).distinct();
        let new = persons.window(secs(10), secs(10)).semijoin(sellers.window(secs(10), secs(10)));
        new.map(|(id, (name, start))| (id, name, start)).to(out);
    }
);

/// Bids that are further apart are not in a session.
pub const GAP: u64 = 10_000;

stream!(
    /// Sessions of bids: `SELECT bidder, COUNT(*), SESSION_START, SESSION_END FROM bid GROUP BY bidder, SESSION(date_time,
    /// 10 s)`. A batch is shorter than the gap, so what a bidder does in one belongs together.
    #[batch(secs(1))]
    fn q11<events: Source<Event>, out: Sink<Session>>() {
        let seconds = events.filter_map(bid).map(|b| (b.bidder, (1, b.date_time, b.date_time)));
        let seconds = seconds.reduce_by_key(|(n, first, last), (m, start, end)| {
            (n + m, Ord::min(first, start), Ord::max(last, end))
        });
        let (closed, _) = seconds.map_with_state(
            idle_for(secs(10)),
            |bidder, second, session: &mut KeyState<(u64, u64, u64)>| {
                let before = session.get().copied();
                let closed = before.map(|(n, first, last)| (*bidder, n, first, last + GAP));
                match (before, second) {
                    (Some((n, first, last)), Some((m, start, end))) if start <= last + GAP => {
                        session.update((n + m, first, end));
                        None
                    }
                    (_, Some(second)) => {
                        session.update(second);
                        closed
                    }
                    (_, None) => closed,
                }
            },
        );
        closed.to(out);
    }
);

stream!(
    /// `SELECT bidder, COUNT(*), [start and end of the window] FROM bid GROUP BY bidder, TUMBLE(PROCTIME(), 10 s)`
    #[batch(secs(1))]
    fn q12<events: Source<Event>, out: Sink<Count>>() {
        let bidders = events.filter_map(bid).map(|b| (b.bidder, ten_seconds(b.date_time)));
        let counts = bidders.window(secs(10), secs(10)).count_by_value();
        counts.map(|((bidder, start), n)| (bidder, n, start, start + 10_000)).to(out);
    }
);

pub fn queries() -> Vec<Query> {
    vec![
        Query::each("q5", |engine, events, out| engine.start(q5::Ports { events, out }), reference::q5),
        Query::each("q7", |engine, events, out| engine.start(q7::Ports { events, out }), reference::q7),
        Query::each("q8", |engine, events, out| engine.start(q8::Ports { events, out }), reference::q8),
        Query::each("q11", |engine, events, out| engine.start(q11::Ports { events, out }), reference::q11),
        Query::each("q12", |engine, events, out| engine.start(q12::Ports { events, out }), reference::q12),
    ]
}
