//! The same queries as plain loops: one thread, hash maps, no engine. Each makes a closure that is given the batches in
//! turn and returns what came of each. What the pipelines deliver is compared with it after each batch.
//!
//! They know what an engine is not told: that the ids of persons and auctions are unique.

mod kept;

use std::{
    collections::{HashSet, VecDeque},
    hash::Hash,
};

use hashbrown::{HashMap, hash_map::Entry};
use nexmark::event::{Auction, Bid, Event, Person};

use super::{
    events::{bid, class, day, euros, ten_seconds},
    joined::{Ranked, Sale, rank},
    kept::{Channel, Numbers, Prices, is_later, minute},
    stateless::{Row, Row14, Row21, Row22, channel_id, directories, kind, side},
    windowed::{Count, GAP, Session},
};
pub use kept::{q15, q16, q17, q18, q19};

type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;
type Set<K> = HashSet<K, foldhash::fast::RandomState>;
type Changes<U> = Vec<(U, i64)>;

fn bids(events: Vec<Event>) -> impl Iterator<Item = Bid> {
    events.into_iter().filter_map(bid)
}

fn sorted(events: Vec<Event>) -> (Vec<Person>, Vec<Auction>, Vec<Bid>) {
    let (mut persons, mut auctions, mut bids) = (Vec::new(), Vec::new(), Vec::with_capacity(events.len()));
    for event in events {
        match event {
            Event::Person(person) => persons.push(person),
            Event::Auction(auction) => auctions.push(auction),
            Event::Bid(bid) => bids.push(bid),
        }
    }
    (persons, auctions, bids)
}

/// A state by key that is delivered as changes: each state makes at most one row.
struct Table<K, S, U> {
    states: Map<K, (S, u64)>,
    /// Keys that were touched in this batch, with the row that they had.
    touched: Vec<(K, Option<U>)>,
    batch: u64,
    row: fn(&K, &S) -> Option<U>,
}

impl<K: Clone + Hash + Eq, S: Default, U> Table<K, S, U> {
    fn new(row: fn(&K, &S) -> Option<U>) -> Self {
        Table { states: Map::default(), touched: Vec::new(), batch: 1, row }
    }

    /// The state of a key, about to be changed.
    fn touch(&mut self, key: K) -> &mut S {
        let mut entry = match self.states.entry(key) {
            Entry::Occupied(entry) => entry,
            Entry::Vacant(entry) => entry.insert_entry(Default::default()),
        };
        if entry.get().1 != self.batch {
            self.touched.push((entry.key().clone(), (self.row)(entry.key(), &entry.get().0)));
            entry.get_mut().1 = self.batch;
        }
        &mut entry.into_mut().0
    }

    /// What changed since the last call.
    fn changes(&mut self) -> Changes<U> {
        self.batch += 1;
        let mut changes = Vec::with_capacity(2 * self.touched.len());
        for (key, before) in self.touched.drain(..) {
            let now = (self.row)(&key, &self.states[&key].0);
            changes.extend(before.map(|row| (row, -1)));
            changes.extend(now.map(|row| (row, 1)));
        }
        changes
    }
}

pub fn q0() -> impl FnMut(u64, Vec<Event>) -> Vec<Row> {
    |_, events| bids(events).map(|b| (b.auction, b.bidder, b.price, b.date_time, b.extra)).collect()
}

pub fn q1() -> impl FnMut(u64, Vec<Event>) -> Vec<Row> {
    |_, events| bids(events).map(|b| (b.auction, b.bidder, euros(b.price), b.date_time, b.extra)).collect()
}

pub fn q2() -> impl FnMut(u64, Vec<Event>) -> Vec<(usize, usize)> {
    |_, events| bids(events).filter(|b| b.auction % 123 == 0).map(|b| (b.auction, b.price)).collect()
}

pub fn q3() -> impl FnMut(u64, Vec<Event>) -> Changes<Sale> {
    let mut persons = Map::<usize, (String, String, String)>::default();
    let mut sellers = Map::<usize, Vec<usize>>::default();
    move |_, events| {
        let mut sales = Vec::new();
        let sale = |(name, city, state): &(String, String, String), auction| {
            ((name.clone(), city.clone(), state.clone(), auction), 1)
        };
        for event in events {
            match event {
                Event::Person(p) if ["or", "id", "ca"].contains(&&*p.state) => {
                    let person = (p.name, p.city, p.state);
                    let before = sellers.get(&p.id).into_iter().flatten();
                    sales.extend(before.map(|auction| sale(&person, *auction)));
                    persons.insert(p.id, person);
                }
                Event::Auction(a) if a.category == 10 => {
                    sales.extend(persons.get(&a.seller).map(|person| sale(person, a.id)));
                    sellers.entry(a.seller).or_default().push(a.id);
                }
                _ => {}
            }
        }
        sales
    }
}

pub fn q4() -> impl FnMut(u64, Vec<Event>) -> Changes<(usize, usize)> {
    let mut auctions = Map::<usize, (u64, u64, usize)>::default();
    let mut finals = Map::<usize, usize>::default();
    let mut categories = Table::new(|category, (sum, n): &(usize, usize)| {
        let mean = sum.checked_div(*n)?;
        Some((*category, mean))
    });
    move |_, events| {
        let (_, opened, bids) = sorted(events);
        auctions.extend(opened.into_iter().map(|a| (a.id, (a.date_time, a.expires, a.category))));
        for bid in bids {
            let Some((opens, expires, category)) = auctions.get(&bid.auction) else { continue };
            if !(*opens..=*expires).contains(&bid.date_time) {
                continue;
            }
            match finals.get_mut(&bid.auction) {
                Some(highest) if *highest >= bid.price => {}
                Some(highest) => {
                    categories.touch(*category).0 += bid.price - *highest;
                    *highest = bid.price;
                }
                None => {
                    finals.insert(bid.auction, bid.price);
                    let (sum, n) = categories.touch(*category);
                    (*sum, *n) = (*sum + bid.price, *n + 1);
                }
            }
        }
        categories.changes()
    }
}

pub fn q5() -> impl FnMut(u64, Vec<Event>) -> Vec<(usize, i64)> {
    let mut counts = Map::<usize, i64>::default();
    let mut window = VecDeque::<Map<usize, i64>>::new();
    move |n, events| {
        let mut second = Map::default();
        bids(events).for_each(|b| *second.entry(b.auction).or_insert(0) += 1);
        second.iter().for_each(|(auction, n)| *counts.entry(*auction).or_insert(0) += n);
        window.push_back(second);
        while window.len() > 10 {
            for (auction, n) in window.pop_front().into_iter().flatten() {
                let count = counts.get_mut(&auction).expect("it was counted when it came");
                *count -= n;
                if *count == 0 {
                    counts.remove(&auction);
                }
            }
        }
        if !(n + 1).is_multiple_of(2) {
            return Vec::new();
        }
        let most = counts.values().copied().max();
        counts.iter().filter(|(_, n)| Some(**n) == most).map(|(auction, n)| (*auction, *n)).collect()
    }
}

pub fn q6() -> impl FnMut(u64, Vec<Event>) -> Changes<(usize, usize)> {
    let mut auctions = Map::<usize, (u64, u64, usize)>::default();
    // Of each seller the auctions with a valid bid, (expires, id) and the highest: all of them.
    let mut sellers = Table::new(|seller, finals: &Vec<((u64, usize), usize)>| {
        let last = &finals[finals.len().saturating_sub(10)..];
        let sum: usize = last.iter().map(|(_, price)| price).sum();
        let mean = sum.checked_div(last.len())?;
        Some((*seller, mean))
    });
    move |_, events| {
        let (_, opened, bids) = sorted(events);
        auctions.extend(opened.into_iter().map(|a| (a.id, (a.date_time, a.expires, a.seller))));
        for bid in bids {
            let Some((opens, expires, seller)) = auctions.get(&bid.auction) else { continue };
            if !(*opens..=*expires).contains(&bid.date_time) {
                continue;
            }
            let finals = sellers.touch(*seller);
            let auction = (*expires, bid.auction);
            match finals.binary_search_by_key(&auction, |(auction, _)| *auction) {
                Ok(place) => finals[place].1 = bid.price.max(finals[place].1),
                Err(place) => finals.insert(place, (auction, bid.price)),
            }
        }
        sellers.changes()
    }
}

pub fn q7() -> impl FnMut(u64, Vec<Event>) -> Vec<Row> {
    let mut highest = Vec::<Row>::new();
    move |n, events| {
        for bid in bids(events) {
            let price = highest.first().map_or(0, |(_, price, ..)| *price);
            if bid.price > price {
                highest.clear();
            }
            if bid.price >= price {
                highest.push((bid.auction, bid.price, bid.bidder, bid.date_time, bid.extra));
            }
        }
        if (n + 1).is_multiple_of(10) { std::mem::take(&mut highest) } else { Vec::new() }
    }
}

pub fn q8() -> impl FnMut(u64, Vec<Event>) -> Vec<(usize, String, u64)> {
    let mut came = Vec::new();
    let mut sellers = Set::default();
    move |n, events| {
        for event in events {
            match event {
                Event::Person(p) => came.push((p.id, p.name, ten_seconds(p.date_time))),
                Event::Auction(a) => drop(sellers.insert(a.seller)),
                Event::Bid(_) => {}
            }
        }
        if !(n + 1).is_multiple_of(10) {
            return Vec::new();
        }
        let sellers = std::mem::take(&mut sellers);
        came.drain(..).filter(|(id, ..)| sellers.contains(id)).collect()
    }
}

pub fn q9() -> impl FnMut(u64, Vec<Event>) -> Changes<(Auction, Bid)> {
    // The row has the whole auction, so it is part of the state.
    let mut auctions = Table::new(|_: &usize, won: &Option<(Auction, Option<Bid>)>| {
        let (auction, bid) = won.as_ref()?;
        Some((auction.clone(), bid.clone()?))
    });
    move |_, events| {
        let (_, opened, bids) = sorted(events);
        for auction in opened {
            let id = auction.id;
            *auctions.touch(id) = Some((auction, None));
        }
        for bid in bids {
            let Some((Some((auction, best)), _)) = auctions.states.get(&bid.auction) else { continue };
            let is_valid = (auction.date_time..=auction.expires).contains(&bid.date_time);
            if is_valid
                && best.as_ref().is_none_or(|best| rank(&bid, best).is_gt())
                && let Some((_, best)) = auctions.touch(bid.auction)
            {
                *best = Some(bid);
            }
        }
        auctions.changes()
    }
}

pub fn q11() -> impl FnMut(u64, Vec<Event>) -> Vec<Session> {
    // Of each bidder: bids, first, last, and the batch of the last.
    let mut sessions = Map::<usize, (u64, u64, u64, u64)>::default();
    let mut came = VecDeque::<Vec<usize>>::new();
    move |n, events| {
        let mut closed = Vec::new();
        let mut bidders = Vec::new();
        for bid in bids(events) {
            let new = (1, bid.date_time, bid.date_time, n);
            let Some(session) = sessions.get_mut(&bid.bidder) else {
                sessions.insert(bid.bidder, new);
                bidders.push(bid.bidder);
                continue;
            };
            if session.3 != n {
                bidders.push(bid.bidder);
            }
            if bid.date_time <= session.2 + GAP {
                *session = (session.0 + 1, session.1, bid.date_time, n);
            } else {
                closed.push((bid.bidder, session.0, session.1, session.2 + GAP));
                *session = new;
            }
        }
        came.push_back(bidders);
        // Who did nothing in the eleven batches since.
        let idle = if came.len() > 11 { came.pop_front() } else { None };
        for bidder in idle.into_iter().flatten() {
            if let Some((bids, first, last, seen)) = sessions.get(&bidder)
                && seen + 11 == n
            {
                closed.push((bidder, *bids, *first, last + GAP));
                sessions.remove(&bidder);
            }
        }
        closed
    }
}

pub fn q12() -> impl FnMut(u64, Vec<Event>) -> Vec<Count> {
    let mut counts = Map::<(usize, u64), i64>::default();
    move |n, events| {
        bids(events).for_each(|b| *counts.entry((b.bidder, ten_seconds(b.date_time))).or_insert(0) += 1);
        match (n + 1).is_multiple_of(10) {
            true => counts.drain().map(|((bidder, start), n)| (bidder, n, start, start + 10_000)).collect(),
            false => Vec::new(),
        }
    }
}

pub fn q13() -> impl FnMut(u64, Vec<Event>) -> Vec<Row> {
    let side = side();
    move |_, events| {
        let value = |b: &Bid| side[&(b.auction % 10_000)].clone();
        bids(events).map(|b| (b.auction, b.bidder, b.price, b.date_time, value(&b))).collect()
    }
}

pub fn q14() -> impl FnMut(u64, Vec<Event>) -> Vec<Row14> {
    |_, events| {
        let bids = bids(events).filter(|b| euros(b.price) > 1_000_000 && euros(b.price) < 50_000_000);
        bids.map(|b| {
            let c = b.extra.bytes().filter(|byte| *byte == b'c').count();
            let kind = kind(b.date_time).to_owned();
            (b.auction, b.bidder, euros(b.price), kind, b.date_time, b.extra, c)
        })
        .collect()
    }
}

pub fn q20() -> impl FnMut(u64, Vec<Event>) -> Changes<(Bid, Auction)> {
    // Those of other categories as `None`.
    let mut auctions = Map::<usize, Option<Auction>>::default();
    let mut early = Map::<usize, Vec<Bid>>::default();
    move |_, events| {
        let mut met = Vec::new();
        for event in events {
            match event {
                Event::Auction(auction) => {
                    let id = auction.id;
                    let auction = (auction.category == 10).then_some(auction);
                    if let (Some(bids), Some(auction)) = (early.remove(&id), &auction) {
                        met.extend(bids.into_iter().map(|bid| ((bid, auction.clone()), 1)));
                    }
                    auctions.insert(id, auction);
                }
                Event::Bid(bid) => match auctions.get(&bid.auction) {
                    Some(Some(auction)) => met.push(((bid, auction.clone()), 1)),
                    Some(None) => {}
                    None => early.entry(bid.auction).or_default().push(bid),
                },
                Event::Person(_) => {}
            }
        }
        met
    }
}

pub fn q21() -> impl FnMut(u64, Vec<Event>) -> Vec<Row21> {
    |_, events| {
        let row = |b: Bid| {
            let id = channel_id(&b.channel, &b.url)?;
            Some((b.auction, b.bidder, b.price, b.channel, id))
        };
        bids(events).filter_map(row).collect()
    }
}

pub fn q22() -> impl FnMut(u64, Vec<Event>) -> Vec<Row22> {
    |_, events| {
        let row = |b: Bid| {
            let (one, two, three) = directories(&b.url);
            (b.auction, b.bidder, b.price, b.channel, one, two, three)
        };
        bids(events).map(row).collect()
    }
}
