//! Queries that keep something of each key for ever: q15 to q19. Output: changes of the result.

use nexmark::event::{Bid, Event};
use streaming_runtime::{aggregate::top_k, prelude::*};

use super::{
    events::{bid, class, day},
    joined::Ranked,
    query::Query,
    reference,
};

/// Of all and of each class of prices: bids, bidders, auctions.
pub type Numbers = [i64; 12];
/// channel, day, minute of the last bid, numbers
pub type Channel = (String, u64, u64, Numbers);
/// auction, day, bids of all and of each class, lowest, highest, mean and sum of prices
pub type Prices = (usize, u64, [i64; 4], usize, usize, usize, usize);

/// What one bid of a class adds to the numbers of bids.
fn one_bid(class: usize) -> Numbers {
    let mut numbers = [0; 12];
    numbers[0] = 1;
    numbers[1 + class] = 1;
    numbers
}

/// What a bidder (from 4) or an auction (from 8) adds, of whom it is known in which classes there were bids; `times`
/// as in a change.
fn one_of(from: usize, classes: u8, times: i64) -> Numbers {
    let mut numbers = [0; 12];
    numbers[from] = times;
    (0..3).filter(|class| classes & 1 << class != 0).for_each(|class| numbers[from + 1 + class] = times);
    numbers
}

fn add(mut a: Numbers, b: Numbers) -> Numbers {
    a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
    a
}

pub fn minute(time: u64) -> u64 {
    time / 60_000 % 1440
}

stream!(
    /// `SELECT day, COUNT(*), COUNT(DISTINCT bidder), COUNT(DISTINCT auction) FROM bid GROUP BY day`, each also of three
    /// classes of prices. Who bid in which classes is kept by bidder and by auction, and counted from its changes.
    #[batch(secs(1))]
    fn q15<events: Source<Event>, out: Sink<((u64, Numbers), i64)>>() {
        let bids =
            events.filter_map(bid).map(|b| (day(b.date_time), b.bidder, b.auction, class(b.price) as u8));
        let bidders = bids.map(|(day, bidder, _, class)| ((day, bidder), 1 << class)).history();
        let bidders = bidders.allow_unbounded("a byte for each bidder").reduce_by_key(|a: u8, b| a | b);
        let bidders = bidders.changes().map(|(((day, _), classes), n)| (day, one_of(4, classes, n)));
        let all_bidders = bidders.reduce_by_key(add);
        let auctions = bids.map(|(day, _, auction, class)| ((day, auction), 1 << class)).history();
        let auctions = auctions.allow_unbounded("a byte for each auction").reduce_by_key(|a: u8, b| a | b);
        let auctions = auctions.changes().map(|(((day, _), classes), n)| (day, one_of(8, classes, n)));
        let all_auctions = auctions.reduce_by_key(add);
        let all_bids = bids.map(|(day, _, _, class)| (day, one_bid(class.into()))).reduce_by_key(add);
        let numbers = all_bids.union(all_bidders).union(all_auctions);
        numbers.history().allow_unbounded("a row for each day").reduce_by_key(add).changes().to(out);
    }
);

stream!(
    /// As q15 by channel and day, and the minute of the last bid
    #[batch(secs(1))]
    fn q16<events: Source<Event>, out: Sink<(Channel, i64)>>() {
        let bids = events.filter_map(bid).map(|b| {
            let channel = (b.channel, day(b.date_time));
            (channel, b.bidder, b.auction, class(b.price) as u8, minute(b.date_time))
        });
        let bidders = bids.map(|(channel, bidder, _, class, _)| ((channel, bidder), 1 << class)).history();
        let bidders = bidders.allow_unbounded("a byte for each bidder").reduce_by_key(|a: u8, b| a | b);
        let bidders =
            bidders.changes().map(|(((channel, _), classes), n)| (channel, (0, one_of(4, classes, n))));
        let auctions = bids.map(|(channel, _, auction, class, _)| ((channel, auction), 1 << class)).history();
        let auctions = auctions.allow_unbounded("a byte for each auction").reduce_by_key(|a: u8, b| a | b);
        let auctions =
            auctions.changes().map(|(((channel, _), classes), n)| (channel, (0, one_of(8, classes, n))));
        let numbers = bids.map(|(channel, _, _, class, minute)| (channel, (minute, one_bid(class.into()))));
        let numbers = numbers.union(bidders).union(auctions);
        let rows = numbers.history().allow_unbounded("a row for each channel");
        let rows = rows.reduce_by_key(|(minute, a), (later, b)| (Ord::max(minute, later), add(a, b)));
        rows.map(|((channel, day), (minute, numbers))| (channel, day, minute, numbers)).changes().to(out);
    }
);

stream!(
    /// `SELECT auction, day, COUNT(*), [of three classes], MIN(price), MAX(price), AVG(price), SUM(price) FROM bid GROUP BY
    /// auction, day`
    #[batch(secs(1))]
    fn q17<events: Source<Event>, out: Sink<(Prices, i64)>>() {
        let bids = events.filter_map(bid).map(|b| {
            let mut bids = [1, 0, 0, 0];
            bids[1 + class(b.price)] = 1;
            ((b.auction, day(b.date_time)), (bids, b.price, b.price, b.price))
        });
        let prices = bids.history().allow_unbounded("a row for each auction");
        let prices = prices.reduce_by_key(|(mut bids, low, high, sum), (more, lower, higher, rest)| {
            bids.iter_mut().zip(more).for_each(|(bids, more): (&mut i64, i64)| *bids += more);
            (bids, Ord::min(low, lower), Ord::max(high, higher), sum + rest)
        });
        let rows = prices.map(|((auction, day), (bids, low, high, sum))| {
            (auction, day, bids, low, high, sum / bids[0] as usize, sum)
        });
        rows.changes().to(out);
    }
);

/// Whether a bid of the same bidder for the same auction is the later one.
pub fn is_later(bid: &Bid, other: &Bid) -> bool {
    (bid.date_time, bid.price, &bid.extra) > (other.date_time, other.price, &other.extra)
}

stream!(
    /// `SELECT * FROM bid`, the last of each bidder for each auction
    #[batch(secs(1))]
    fn q18<events: Source<Event>, out: Sink<(Bid, i64)>>() {
        let bids = events.filter_map(bid).map(|b| ((b.bidder, b.auction), b)).history();
        let last = bids.allow_unbounded("a bid for each bidder and auction");
        let last = last.reduce_by_key(|a, b| if is_later(&b, &a) { b } else { a });
        last.map(|(_, bid)| bid).changes().to(out);
    }
);

stream!(
    /// `SELECT *, [rank] FROM bid`, the ten best of each auction
    #[batch(secs(1))]
    fn q19<events: Source<Event>, out: Sink<((Bid, u64), i64)>>() {
        let bids = events.filter_map(bid).map(|b| (b.auction, Ranked(b)));
        let best = bids.history().allow_unbounded("ten bids for each auction").aggregate_by_key(top_k(10));
        best.flat_map(|(_, best)| best.into_iter().map(|Ranked(bid)| bid).zip(1..)).changes().to(out);
    }
);

pub fn queries() -> Vec<Query> {
    vec![
        Query::kept("q15", |engine, events, out| engine.start(q15::Ports { events, out }), reference::q15),
        Query::kept("q16", |engine, events, out| engine.start(q16::Ports { events, out }), reference::q16),
        Query::kept("q17", |engine, events, out| engine.start(q17::Ports { events, out }), reference::q17),
        Query::kept("q18", |engine, events, out| engine.start(q18::Ports { events, out }), reference::q18),
        Query::kept("q19", |engine, events, out| engine.start(q19::Ports { events, out }), reference::q19),
    ]
}
