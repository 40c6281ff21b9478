//! The queries, as somebody writes them who knows DBSP and what the events are: nothing is ever taken back from the
//! input, so a greatest value is a `chain_aggregate`, which keeps one value a key; columns that a query has no use for
//! are left out before anything is sorted; what can never be met again is dropped (`..._retain_...`).

use std::{cmp::Ordering, sync::Arc};

use dbsp::{
    CmpFunc, OrdIndexedZSet, OrdZSet, RootCircuit, Stream, TypedBox, ZWeight,
    dynamic::DynData,
    operator::Max,
    utils::{Tup2, Tup3, Tup4, Tup5, Tup7},
};

use super::{
    Input,
    model::{Auction, BASE, Bid, Event},
};

type Set<T> = Stream<RootCircuit, OrdZSet<T>>;
type Indexed<K, V> = Stream<RootCircuit, OrdIndexedZSet<K, V>>;

impl Input {
    fn bids<T: dbsp::DBData>(&self, of: impl Fn(&Bid) -> Option<T> + 'static) -> Set<T> {
        self.set(move |event| if let Event::Bid(bid) = event { of(bid) } else { None })
    }

    fn bids_by<K: dbsp::DBData, V: dbsp::DBData>(
        &self,
        of: impl Fn(&Bid) -> (K, V) + 'static,
    ) -> Indexed<K, V> {
        self.indexed(move |event| if let Event::Bid(bid) = event { Some(of(bid)) } else { None })
    }

    fn auctions_by<K: dbsp::DBData, V: dbsp::DBData>(
        &self,
        of: impl Fn(&Auction) -> Option<(K, V)> + 'static,
    ) -> Indexed<K, V> {
        self.indexed(move |event| if let Event::Auction(auction) = event { of(auction) } else { None })
    }
}

fn eur(price: u64) -> u64 {
    price * 908 / 1000
}

/// When a batch begins.
fn start(batch: u64) -> u64 {
    BASE + batch * 1000
}

/// The number of the window of ten seconds.
fn window(date_time: u64) -> u64 {
    (date_time - BASE) / 10_000
}

fn day(date_time: u64) -> u64 {
    date_time / 86_400_000
}

/// 0, 1 or 2.
fn rank(price: u64) -> u8 {
    match price {
        ..10_000 => 0,
        ..1_000_000 => 1,
        _ => 2,
    }
}

pub fn q0(input: &Input) -> Set<Tup5<u64, u64, u64, u64, String>> {
    input.bids(|bid| Some(Tup5(bid.auction, bid.bidder, bid.price, bid.date_time, bid.extra.clone())))
}

pub fn q1(input: &Input) -> Set<Tup5<u64, u64, u64, u64, String>> {
    input.bids(|bid| Some(Tup5(bid.auction, bid.bidder, eur(bid.price), bid.date_time, bid.extra.clone())))
}

pub fn q2(input: &Input) -> Set<Tup2<u64, u64>> {
    input.bids(|bid| bid.auction.is_multiple_of(123).then_some(Tup2(bid.auction, bid.price)))
}

pub fn q3(input: &Input) -> Set<Tup4<String, String, String, u64>> {
    let auctions =
        input.auctions_by(|auction| (auction.category == 10).then_some((auction.seller, auction.id)));
    let persons = input.indexed(|event| match event {
        Event::Person(person) if ["or", "id", "ca"].contains(&person.state.as_str()) => {
            Some((person.id, Tup3(person.name.clone(), person.city.clone(), person.state.clone())))
        }
        _ => None,
    });
    auctions.join(&persons, |_, auction, Tup3(name, city, state)| {
        Tup4(name.clone(), city.clone(), state.clone(), *auction)
    })
}

/// An auction's id, category, seller, and when it expires.
type Sold = Tup4<u64, u64, u64, u64>;

/// The highest valid bid of each auction.
fn finals(input: &Input) -> Indexed<Sold, u64> {
    let now = input.now();
    let auctions = input.auctions_by(|auction| {
        let Auction { id, category, seller, date_time, expires, .. } = auction;
        Some((*id, Tup4(*date_time, *expires, *category, *seller)))
    });
    let auctions = auctions.shard();
    auctions
        .accumulate_integrate_trace_retain_values(&now, |Tup4(_, expires, ..), now| *expires >= start(*now));
    let bids = input.bids_by(|bid| (bid.auction, Tup2(bid.date_time, bid.price))).shard();
    // An auction that is yet to come has no valid bids from before it.
    bids.accumulate_integrate_trace_retain_values(&now, |Tup2(at, _), now| *at >= start(*now));
    let valid = auctions.join_index(&bids, |id, Tup4(from, to, category, seller), Tup2(at, price)| {
        (from..=to).contains(&at).then(|| (Tup4(*id, *category, *seller, *to), *price))
    });
    valid.chain_aggregate(|price, _| *price, |best, price, _| best.max(*price))
}

pub fn q4(input: &Input) -> Indexed<u64, ZWeight> {
    let by_category = finals(input).map_index(|(Tup4(_, category, ..), price)| (*category, *price));
    by_category.average(|price| *price as ZWeight)
}

/// A window of ten seconds every two: a bid is at the number of its two seconds.
pub fn q5(input: &Input) -> Set<Tup2<u64, ZWeight>> {
    let bids = input.bids_by(|bid| ((bid.date_time - BASE) / 2_000, bid.auction));
    let bounds = input.now().apply(|now: &TypedBox<u64, DynData>| {
        let closed = (**now + 1) / 2;
        (TypedBox::<u64, DynData>::new(closed.saturating_sub(5)), TypedBox::<u64, DynData>::new(closed))
    });
    let counts = bids.window((true, false), &bounds).map(|(_, auction)| *auction).weighted_count();
    let most = counts.map_index(|(_, count)| ((), *count)).aggregate(Max).map_index(|((), most)| (*most, ()));
    let by_count = counts.map_index(|(auction, count)| (*count, *auction));
    most.join(&by_count, |count, (), auction| Tup2(*auction, *count))
}

pub fn q6(input: &Input) -> Indexed<u64, ZWeight> {
    let by_seller = finals(input)
        .map_index(|(Tup4(id, _, seller, expires), price)| (*seller, Tup3(*expires, *id, *price)));
    by_seller.topk_desc(10).average(|Tup3(_, _, price)| *price as ZWeight)
}

/// Of a batch's bids only those of its highest price are looked at further.
pub fn q7(input: &Input) -> Set<Tup5<u64, u64, u64, u64, String>> {
    type Highest = Tup2<u64, Tup4<u64, u64, u64, String>>;
    let bids = input.bids_by(|bid| {
        (
            window(bid.date_time),
            Tup2(bid.price, Tup4(bid.auction, bid.bidder, bid.date_time, bid.extra.clone())),
        )
    });
    let of_batch =
        bids.stream_aggregate(Max).map_index(|(window, Tup2(price, _))| (Tup2(*window, *price), ()));
    let bids: Indexed<Tup2<u64, u64>, Tup4<u64, u64, u64, String>> =
        bids.map_index(|(window, Tup2(price, bid))| (Tup2(*window, *price), bid.clone()));
    let bids: Set<Tup2<u64, Highest>> =
        bids.stream_join(&of_batch, |Tup2(window, price), bid, ()| Tup2(*window, Tup2(*price, bid.clone())));
    let bids = bids.map_index(|Tup2(window, Tup2(price, bid))| (Tup2(*window, *price), bid.clone()));
    let highest = bids.map_index(|(Tup2(window, price), _)| (*window, *price));
    let highest = highest.chain_aggregate(|price, _| *price, |best, price, _| best.max(*price));
    let highest = highest.map_index(|(window, price)| (Tup2(*window, *price), ()));
    bids.join(&highest, |Tup2(_, price), Tup4(auction, bidder, at, extra), ()| {
        Tup5(*auction, *price, *bidder, *at, extra.clone())
    })
}

pub fn q8(input: &Input) -> Set<Tup3<u64, String, u64>> {
    let now = input.now();
    let open = |Tup2(_, window): &Tup2<u64, u64>, now: &u64| *window >= now / 10;
    let persons = input.indexed(|event| match event {
        Event::Person(person) => Some((Tup2(person.id, window(person.date_time)), person.name.clone())),
        _ => None,
    });
    let persons = persons.shard();
    persons.accumulate_integrate_trace_retain_keys(&now, open);
    let sellers = input.auctions_by(|auction| Some((Tup2(auction.seller, window(auction.date_time)), ())));
    let sellers = sellers.shard();
    sellers.accumulate_integrate_trace_retain_keys(&now, open);
    let sellers = sellers.distinct();
    sellers.accumulate_integrate_trace_retain_keys(&now, open);
    persons.join(&sellers, |Tup2(id, window), name, ()| Tup3(*id, name.clone(), BASE + window * 10_000))
}

/// Greater is better.
fn better(a: &Bid, b: &Bid) -> Ordering {
    let key = |bid: &Bid| (bid.date_time, bid.bidder);
    let rest = || (&b.extra, &b.channel, &b.url, b.auction).cmp(&(&a.extra, &a.channel, &a.url, a.auction));
    a.price.cmp(&b.price).then_with(|| key(b).cmp(&key(a))).then_with(rest)
}

pub fn q9(input: &Input) -> Set<Tup2<Auction, Bid>> {
    let now = input.now();
    let times =
        input.auctions_by(|auction| Some((auction.id, Tup2(auction.date_time, auction.expires)))).shard();
    times.accumulate_integrate_trace_retain_values(&now, |Tup2(_, expires), now| *expires >= start(*now));
    let bids = input.bids_by(|bid| (bid.auction, bid.clone())).shard();
    bids.accumulate_integrate_trace_retain_values(&now, |bid, now| bid.date_time >= start(*now));
    let valid = times.join_index(&bids, |id, Tup2(from, to), bid| {
        (from..=to).contains(&&bid.date_time).then(|| (*id, bid.clone()))
    });
    let winning = valid.chain_aggregate(
        |bid, _| bid.clone(),
        |best, bid, _| if better(bid, &best).is_gt() { bid.clone() } else { best },
    );
    let auctions = input.auctions_by(|auction| Some((auction.id, auction.clone()))).shard();
    auctions.accumulate_integrate_trace_retain_values(&now, |auction, now| auction.expires >= start(*now));
    auctions.join(&winning, |_, auction, bid| Tup2(auction.clone(), bid.clone()))
}

pub fn q12(input: &Input) -> Indexed<Tup2<u64, u64>, ZWeight> {
    let bids = input.bids_by(|bid| (Tup2(bid.bidder, window(bid.date_time)), ()));
    bids.aggregate_linear_retain_keys(&input.now(), |Tup2(_, window), now| *window >= now / 10, |()| 1)
}

/// The side input does not change, so a bid looks its value up.
pub fn q13(input: &Input) -> Set<Tup5<u64, u64, u64, u64, String>> {
    let side: Arc<Vec<String>> = Arc::new((0..10_000).map(|key: u64| key.to_string()).collect());
    input.bids(move |bid| {
        let value = side.get(bid.auction as usize % 10_000)?;
        Some(Tup5(bid.auction, bid.bidder, bid.price, bid.date_time, value.clone()))
    })
}

pub fn q14(input: &Input) -> Set<Tup7<u64, u64, u64, u8, u64, String, u64>> {
    input.bids(|bid| {
        let price = eur(bid.price);
        (1_000_000 < price && price < 50_000_000).then(|| {
            let kind = match bid.date_time / 3_600_000 % 24 {
                8..=18 => 0,
                ..=6 | 20.. => 1,
                _ => 2,
            };
            let count = bid.extra.bytes().filter(|byte| *byte == b'c').count() as u64;
            Tup7(bid.auction, bid.bidder, price, kind, bid.date_time, bid.extra.clone(), count)
        })
    })
}

/// Of all, and of each rank.
pub type Counts = Tup4<ZWeight, ZWeight, ZWeight, ZWeight>;
/// Of bids, of bidders, of auctions.
pub type AllCounts = Tup3<Counts, Counts, Counts>;

const BIDDERS: u8 = 1 << 4;
const AUCTIONS: u8 = 2 << 4;

/// A channel, or none, and a day.
type Key = Tup2<String, u64>;

/// Counts by a key: of bids, and of different bidders and auctions. Which ranks of price a bidder has had is a set of
/// three bits; all counts are one sum over bids and such sets.
fn counts(input: &Input, key: fn(&Bid) -> Key) -> Indexed<Key, AllCounts> {
    let bids = input.bids_by(move |bid| (key(bid), 1u8 << rank(bid.price)));
    let different = |of: fn(&Bid) -> u64, kind: u8| {
        let ranks = input.bids_by(move |bid| (Tup2(key(bid), of(bid)), 1u8 << rank(bid.price)));
        let sets = ranks.chain_aggregate(|rank, _| *rank, |set, rank, _| set | rank);
        sets.map_index(move |(Tup2(key, _), set)| (key.clone(), kind | set))
    };
    let bidders = different(|bid| bid.bidder, BIDDERS);
    let auctions = different(|bid| bid.auction, AUCTIONS);
    bids.plus(&bidders).plus(&auctions).aggregate_linear(|set: &u8| {
        let bit = |bit: u8| ZWeight::from(set >> bit & 1);
        let (counts, none) = (Tup4(1, bit(0), bit(1), bit(2)), Tup4(0, 0, 0, 0));
        match set & !7 {
            BIDDERS => Tup3(none, counts, none),
            AUCTIONS => Tup3(none, none, counts),
            _ => Tup3(counts, none, none),
        }
    })
}

pub fn q15(input: &Input) -> Indexed<Key, AllCounts> {
    counts(input, |bid| Tup2(String::new(), day(bid.date_time)))
}

pub fn q16(input: &Input) -> Set<Tup3<Key, u64, AllCounts>> {
    let key = |bid: &Bid| Tup2(bid.channel.clone(), day(bid.date_time));
    let minutes = input.bids_by(move |bid| (key(bid), bid.date_time / 60_000 % 1440));
    let last = minutes.chain_aggregate(|minute, _| *minute, |last, minute, _| last.max(*minute));
    counts(input, key).join(&last, |key, counts, minute| Tup3(key.clone(), *minute, *counts))
}

/// Bids, those of each rank, and the least, the greatest and the sum of prices.
pub type Prices = Tup5<u64, Tup3<u64, u64, u64>, u64, u64, u64>;

pub fn q17(input: &Input) -> Indexed<Tup2<u64, u64>, Prices> {
    fn add(
        Tup5(count, Tup3(low, middle, high), least, greatest, sum): Prices,
        price: &u64,
        times: ZWeight,
    ) -> Prices {
        let times = times as u64;
        let of = |rank_of: u8| if rank(*price) == rank_of { times } else { 0 };
        let ranks = Tup3(low + of(0), middle + of(1), high + of(2));
        Tup5(count + times, ranks, least.min(*price), greatest.max(*price), sum + price * times)
    }
    let bids = input.bids_by(|bid| (Tup2(bid.auction, day(bid.date_time)), bid.price));
    let none = Tup5(0, Tup3(0, 0, 0), u64::MAX, 0, 0);
    bids.chain_aggregate(move |price, times| add(none, price, times), add)
}

pub fn q18(input: &Input) -> Indexed<Tup2<u64, u64>, Bid> {
    let later = |a: &Bid, b: &Bid| (a.date_time, a.price, &a.extra) > (b.date_time, b.price, &b.extra);
    let bids = input.bids_by(|bid| (Tup2(bid.bidder, bid.auction), bid.clone()));
    bids.chain_aggregate(
        |bid, _| bid.clone(),
        move |last, bid, _| if later(bid, &last) { bid.clone() } else { last },
    )
}

/// The best first.
enum Best {}
impl CmpFunc<Bid> for Best {
    fn cmp(left: &Bid, right: &Bid) -> Ordering {
        better(right, left)
    }
}

pub fn q19(input: &Input) -> Indexed<u64, Tup2<Bid, i64>> {
    let bids = input.bids_by(|bid| (bid.auction, bid.clone()));
    bids.topk_row_number_custom_order::<Best, _, _>(10, |rank, bid| Tup2(bid.clone(), rank))
}

pub fn q20(input: &Input) -> Set<Tup2<Bid, Auction>> {
    let bids = input.bids_by(|bid| (bid.auction, bid.clone()));
    let auctions =
        input.auctions_by(|auction| (auction.category == 10).then(|| (auction.id, auction.clone())));
    bids.join(&auctions, |_, bid, auction| Tup2(bid.clone(), auction.clone()))
}

pub fn q21(input: &Input) -> Set<Tup5<u64, u64, u64, String, String>> {
    input.bids(|bid| {
        let known = ["apple", "google", "facebook", "baidu"];
        let id = match known.iter().position(|name| bid.channel.eq_ignore_ascii_case(name)) {
            Some(position) => position.to_string(),
            None => bid.url.split('&').find_map(|part| part.strip_prefix("channel_id="))?.to_owned(),
        };
        Some(Tup5(bid.auction, bid.bidder, bid.price, bid.channel.clone(), id))
    })
}

pub fn q22(input: &Input) -> Set<Tup5<u64, u64, u64, String, Tup3<String, String, String>>> {
    input.bids(|bid| {
        let mut parts = bid.url.split('/').skip(3).map(str::to_owned);
        let mut part = || parts.next().unwrap_or_default();
        let directories = Tup3(part(), part(), part());
        Some(Tup5(bid.auction, bid.bidder, bid.price, bid.channel.clone(), directories))
    })
}
