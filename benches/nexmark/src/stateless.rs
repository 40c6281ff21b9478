//! Queries that look at one bid at a time: q0, q1, q2, q13, q14, q21, q22. Output: a record for a bid, each batch.

use std::sync::{Arc, LazyLock};

use hashbrown::HashMap;
use nexmark::event::Event;
use streaming_runtime::prelude::*;

use super::{
    events::{bid, euros},
    query::Query,
    reference,
};

/// auction, bidder, price, date_time, extra
pub type Row = (usize, usize, usize, u64, String);
/// auction, bidder, price in euros, kind of the time, date_time, extra, how often it has a "c"
pub type Row14 = (usize, usize, usize, String, u64, String, usize);
/// auction, bidder, price, channel, channel_id
pub type Row21 = (usize, usize, usize, String, String);
/// auction, bidder, price, channel, and three directories of the url
pub type Row22 = (usize, usize, usize, String, String, String, String);

/// The table that q13 looks up: known before the run.
pub type Side = Arc<HashMap<usize, String, foldhash::fast::RandomState>>;

pub fn side() -> Side {
    static SIDE: LazyLock<Side> =
        LazyLock::new(|| Arc::new((0..10_000).map(|key| (key, key.to_string())).collect()));
    SIDE.clone()
}

/// What time of day it is.
pub fn kind(time: u64) -> &'static str {
    match time / 3_600_000 % 24 {
        8..=18 => "dayTime",
        ..=6 | 20.. => "nightTime",
        _ => "otherTime",
    }
}

/// The number of a channel, that of a well known one by its name.
pub fn channel_id(channel: &str, url: &str) -> Option<String> {
    let known = ["apple", "google", "facebook", "baidu"];
    match known.iter().position(|known| channel.eq_ignore_ascii_case(known)) {
        Some(number) => Some(number.to_string()),
        None => url.split('&').find_map(|part| part.strip_prefix("channel_id=")).map(str::to_owned),
    }
}

/// The directories of a url.
pub fn directories(url: &str) -> (String, String, String) {
    let mut parts = url.split('/').skip(3);
    let mut next = || parts.next().unwrap_or_default().to_owned();
    (next(), next(), next())
}

stream!(
    /// `SELECT auction, bidder, price, date_time, extra FROM bid`
    #[batch(secs(1))]
    fn q0<events: Source<Event>, out: Sink<Row>>() {
        events.filter_map(bid).map(|b| (b.auction, b.bidder, b.price, b.date_time, b.extra)).to(out);
    }
);

stream!(
    /// `SELECT auction, bidder, 0.908 * price, date_time, extra FROM bid`
    #[batch(secs(1))]
    fn q1<events: Source<Event>, out: Sink<Row>>() {
        events.filter_map(bid).map(|b| (b.auction, b.bidder, euros(b.price), b.date_time, b.extra)).to(out);
    }
);

stream!(
    /// `SELECT auction, price FROM bid WHERE MOD(auction, 123) = 0`
    #[batch(secs(1))]
    fn q2<events: Source<Event>, out: Sink<(usize, usize)>>() {
        events.filter_map(bid).filter(|b| b.auction % 123 == 0).map(|b| (b.auction, b.price)).to(out);
    }
);

stream!(
    /// `SELECT auction, bidder, price, date_time, side.value FROM bid JOIN side ON MOD(auction, 10000) = side.key`; the
    /// side is a table that does not change, so each worker has it at hand.
    #[batch(secs(1))]
    fn q13<events: Source<Event>, out: Sink<Row>>(side: Side) {
        let bids = events.filter_map(bid);
        bids.filter_map(move |b| {
            let value = side.get(&(b.auction % 10_000))?;
            Some((b.auction, b.bidder, b.price, b.date_time, value.clone()))
        })
        .to(out);
    }
);

stream!(
    /// `SELECT auction, bidder, 0.908 * price, [day, night or other], date_time, extra, [how often "c" is in extra] FROM bid
    /// WHERE 0.908 * price > 1000000 AND 0.908 * price < 50000000`
    #[batch(secs(1))]
    fn q14<events: Source<Event>, out: Sink<Row14>>() {
        let bids = events.filter_map(bid).filter(|b| (1_000_001..50_000_000).contains(&euros(b.price)));
        bids.map(|b| {
            let c = b.extra.bytes().filter(|byte| *byte == b'c').count();
            let kind = kind(b.date_time).to_owned();
            (b.auction, b.bidder, euros(b.price), kind, b.date_time, b.extra, c)
        })
        .to(out);
    }
);

stream!(
    /// `SELECT auction, bidder, price, channel, [number of the channel, by its name or from the url] FROM bid`, where there
    /// is one
    #[batch(secs(1))]
    fn q21<events: Source<Event>, out: Sink<Row21>>() {
        let bids = events.filter_map(bid);
        bids.filter_map(|b| {
            let id = channel_id(&b.channel, &b.url)?;
            Some((b.auction, b.bidder, b.price, b.channel, id))
        })
        .to(out);
    }
);

stream!(
    /// `SELECT auction, bidder, price, channel, SPLIT_INDEX(url, '/', 3), (.., 4), (.., 5) FROM bid`
    #[batch(secs(1))]
    fn q22<events: Source<Event>, out: Sink<Row22>>() {
        let bids = events.filter_map(bid);
        bids.map(|b| {
            let (one, two, three) = directories(&b.url);
            (b.auction, b.bidder, b.price, b.channel, one, two, three)
        })
        .to(out);
    }
);

pub fn queries() -> Vec<Query> {
    vec![
        Query::each("q0", |engine, events, out| engine.start(q0::Ports { events, out }), reference::q0),
        Query::each("q1", |engine, events, out| engine.start(q1::Ports { events, out }), reference::q1),
        Query::each("q2", |engine, events, out| engine.start(q2::Ports { events, out }), reference::q2),
        Query::each(
            "q13",
            |engine, events, out| engine.start(q13::Ports { events, out, side: side() }),
            reference::q13,
        ),
        Query::each("q14", |engine, events, out| engine.start(q14::Ports { events, out }), reference::q14),
        Query::each("q21", |engine, events, out| engine.start(q21::Ports { events, out }), reference::q21),
        Query::each("q22", |engine, events, out| engine.start(q22::Ports { events, out }), reference::q22),
    ]
}
