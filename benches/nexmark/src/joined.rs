//! Queries that bring persons, auctions and bids together: q3, q4, q6, q8 is with the windows, q9, q20. Output: changes of
//! a result over all that ever came.
//!
//! A bid counts for its auction if it came while the auction was open, so never before the auction: it is enough to look
//! bids up in the auctions so far. q20 asks for no such thing, and some bids come before their auction.

use std::cmp::Ordering;

use nexmark::event::{Auction, Bid, Event};
use serde::{Deserialize, Serialize};
use streaming_runtime::{Aggregate, aggregate::Associative, prelude::*};

use super::{
    events::{auction, bid, is_bid, is_person, person},
    query::Query,
    reference,
};

/// name, city, state, auction
pub type Sale = (String, String, String, usize);

/// Which of two bids wins, that is, is the greater: the higher, of equal ones the earlier.
pub fn rank(this: &Bid, other: &Bid) -> Ordering {
    let price = this.price.cmp(&other.price);
    let earlier = price.then_with(|| other.date_time.cmp(&this.date_time));
    let bidder = earlier.then_with(|| other.bidder.cmp(&this.bidder));
    bidder.then_with(|| other.extra.cmp(&this.extra))
}

/// A bid in that order.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Ranked(pub Bid);

impl PartialOrd for Ranked {
    fn partial_cmp(&self, Ranked(other): &Ranked) -> Option<Ordering> {
        Some(rank(&self.0, other))
    }
}

/// expires, auction, highest bid
type Closed = (u64, usize, usize);

/// The last ten auctions, each with its highest bid. What is not among the last ten of some is not among those of more.
pub struct LastTen;

impl Aggregate<Closed> for LastTen {
    /// Latest first.
    type Accumulator = Vec<Closed>;
    /// The mean of their highest bids.
    type Result = usize;
    type Algebra = Associative;
    fn create(&self, closed: Closed) -> Vec<Closed> {
        vec![closed]
    }
    fn add(&self, mut last: Vec<Closed>, (expires, auction, price): Closed) -> Vec<Closed> {
        let later = |other: &Closed| (other.0, other.1) > (expires, auction);
        let place = last.partition_point(later);
        match last.get_mut(place) {
            Some((_, other, highest)) if *other == auction => *highest = price.max(*highest),
            _ if place < 10 => {
                last.truncate(9);
                last.insert(place, (expires, auction, price));
            }
            _ => {}
        }
        last
    }
    fn merge(&self, older: Vec<Closed>, newer: Vec<Closed>) -> Vec<Closed> {
        newer.into_iter().fold(older, |last, closed| self.add(last, closed))
    }
    fn result(&self, last: Vec<Closed>) -> usize {
        self.peek(&last)
    }
    fn peek(&self, last: &Vec<Closed>) -> usize {
        last.iter().map(|(_, _, price)| price).sum::<usize>() / last.len()
    }
}

stream!(
    /// `SELECT name, city, state, auction.id FROM auction JOIN person ON seller = person.id WHERE category = 10 AND state IN
    /// ('or', 'id', 'ca')`
    #[batch(secs(1))]
    fn q3<events: Source<Event>, out: Sink<(Sale, i64)>>() {
        let (persons, auctions) = events.filter(|event| !is_bid(event)).split(is_person);
        let persons = persons.filter_map(person).filter(|p| ["or", "id", "ca"].contains(&&*p.state));
        let persons = persons.map(|p| (p.id, (p.name, p.city, p.state)));
        let sellers = auctions.filter_map(auction).filter(|a| a.category == 10).map(|a| (a.seller, a.id));
        let sales = sellers
            .history()
            .allow_unbounded("SQL joins whatever comes")
            .join(persons.history().allow_unbounded("SQL joins whatever comes"));
        let sales = sales.map(|(_, (auction, (name, city, state)))| (name, city, state, auction));
        sales.changes().to(out);
    }
);

stream!(
    /// `SELECT category, AVG(final) FROM [auctions with their highest valid bid] GROUP BY category`
    #[batch(secs(1))]
    fn q4<events: Source<Event>, out: Sink<((usize, usize), i64)>>() {
        let (bids, auctions) = events.filter(|event| !is_person(event)).split(is_bid);
        let auctions = auctions.filter_map(auction).map(|a| (a.id, (a.date_time, a.expires, a.category)));
        let bids = bids.filter_map(bid).map(|b| (b.auction, (b.date_time, b.price)));
        let met = bids.join(auctions.history().allow_unbounded("auctions stay"));
        let valid = met.filter_map(|(auction, ((time, price), (opens, expires, category)))| {
            (opens..=expires).contains(&time).then_some(((auction, category), price))
        });
        let finals = valid.history().allow_unbounded("a price for each auction").reduce_by_key(usize::max);
        // A change of an auction's price is one of its category's sum: no need to go through all auctions again.
        let moves = finals.changes().map(|(((_, category), price), n)| (category, (price as i64 * n, n)));
        let sums = moves.history().allow_unbounded("a sum for each category");
        let sums = sums.reduce_by_key(|(sum, n), (more, m)| (sum + more, n + m));
        sums.map_values(|(sum, n)| (sum / n) as usize).changes().to(out);
    }
);

stream!(
    /// `SELECT seller, AVG(final) FROM [auctions with their highest valid bid] OVER [the last ten of the seller]`
    #[batch(secs(1))]
    fn q6<events: Source<Event>, out: Sink<((usize, usize), i64)>>() {
        let (bids, auctions) = events.filter(|event| !is_person(event)).split(is_bid);
        let auctions = auctions.filter_map(auction).map(|a| (a.id, (a.date_time, a.expires, a.seller)));
        let bids = bids.filter_map(bid).map(|b| (b.auction, (b.date_time, b.price)));
        let met = bids.join(auctions.history().allow_unbounded("auctions stay"));
        let valid = met.filter_map(|(auction, ((time, price), (opens, expires, seller)))| {
            (opens..=expires).contains(&time).then_some((seller, (expires, auction, price)))
        });
        let sellers = valid.history().allow_unbounded("ten auctions of each seller");
        sellers.aggregate_by_key(LastTen).changes().to(out);
    }
);

stream!(
    /// `SELECT auction.*, bid.* FROM auction JOIN bid` of the winning bid of each auction
    #[batch(secs(1))]
    fn q9<events: Source<Event>, out: Sink<((Auction, Bid), i64)>>() {
        let (bids, auctions) = events.filter(|event| !is_person(event)).split(is_bid);
        let auctions = auctions.filter_map(auction);
        let open = auctions.map(|a| (a.id, (a.date_time, a.expires)));
        let met = bids
            .filter_map(bid)
            .map(|b| (b.auction, b))
            .join(open.history().allow_unbounded("auctions stay"));
        let valid = met.filter_map(|(auction, (bid, (opens, expires)))| {
            (opens..=expires).contains(&bid.date_time).then_some((auction, Ranked(bid)))
        });
        let winners = valid.history().allow_unbounded("a bid for each auction");
        let winners = winners.reduce_by_key(|a, b| if b > a { b } else { a }).changes();
        let known = auctions.map(|a| (a.id, a)).history().allow_unbounded("auctions stay");
        let won = winners.map(|((auction, bid), n)| (auction, (bid, n))).join(known);
        won.map(|(_, ((Ranked(bid), n), auction))| ((auction, bid), n)).to(out);
    }
);

stream!(
    /// `SELECT bid.*, auction.* FROM bid JOIN auction ON auction = auction.id WHERE category = 10`
    #[batch(secs(1))]
    fn q20<events: Source<Event>, out: Sink<((Bid, Auction), i64)>>() {
        let (bids, auctions) = events.filter(|event| !is_person(event)).split(is_bid);
        let auctions = auctions.filter_map(auction).filter(|a| a.category == 10).map(|a| (a.id, a));
        let bids = bids.filter_map(bid).map(|b| (b.auction, b));
        let met = bids
            .history()
            .allow_unbounded("SQL joins whatever comes")
            .join(auctions.history().allow_unbounded("SQL joins whatever comes"));
        met.map(|(_, met)| met).changes().to(out);
    }
);

pub fn queries() -> Vec<Query> {
    vec![
        Query::kept("q3", |engine, events, out| engine.start(q3::Ports { events, out }), reference::q3),
        Query::kept("q4", |engine, events, out| engine.start(q4::Ports { events, out }), reference::q4),
        Query::kept("q6", |engine, events, out| engine.start(q6::Ports { events, out }), reference::q6),
        Query::kept("q9", |engine, events, out| engine.start(q9::Ports { events, out }), reference::q9),
        Query::kept("q20", |engine, events, out| engine.start(q20::Ports { events, out }), reference::q20),
    ]
}
