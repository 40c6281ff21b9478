//! Nexmark's events as DBSP wants records to be: archived, ordered and measured.

#![allow(unsafe_code)] // what `rkyv` derives has some

use nexmark::{EventGenerator, config::NexmarkConfig, event};
use rkyv::{Archive, Deserialize, Serialize};
use size_of::SizeOf;

macro_rules! records {
    ($($record:item)*) => {$(
        #[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, SizeOf, Archive, Serialize, Deserialize)]
        #[archive_attr(derive(Ord, Eq, PartialEq, PartialOrd))]
        #[archive(compare(PartialEq, PartialOrd))]
        $record
    )*};
}

records! {
    #[derive(Default)]
    pub struct Person {
        pub id: u64,
        pub name: String,
        pub email_address: String,
        pub credit_card: String,
        pub city: String,
        pub state: String,
        pub date_time: u64,
        pub extra: String,
    }

    #[derive(Default)]
    pub struct Auction {
        pub id: u64,
        pub item_name: String,
        pub description: String,
        pub initial_bid: u64,
        pub reserve: u64,
        pub date_time: u64,
        pub expires: u64,
        pub seller: u64,
        pub category: u64,
        pub extra: String,
    }

    #[derive(Default)]
    pub struct Bid {
        pub auction: u64,
        pub bidder: u64,
        pub price: u64,
        pub channel: String,
        pub url: String,
        pub date_time: u64,
        pub extra: String,
    }

    pub enum Event {
        Person(Person),
        Auction(Auction),
        Bid(Bid),
    }
}

impl Default for Event {
    fn default() -> Event {
        Event::Bid(Bid::default())
    }
}

dbsp::never_none!(Person, Auction, Bid, Event);
dbsp::never_roaring_filter!(Person, Auction, Bid, Event);

/// 2022-01-01T00:00:00Z in milliseconds.
pub const BASE: u64 = 1_640_995_200_000;

/// Batches of events: one a second of their time.
pub fn events(a_batch: u64, batches: u64) -> Vec<Vec<Event>> {
    let rate = a_batch as usize;
    let config =
        NexmarkConfig { base_time: BASE, first_rate: rate, next_rate: rate, ..NexmarkConfig::default() };
    let mut events = EventGenerator::new(config);
    let batch = |number: u64| {
        let at = |i: u64| BASE + i * 1000 / a_batch;
        let numbers = number * a_batch..(number + 1) * a_batch;
        numbers.zip(events.by_ref()).map(|(i, event)| of(event, at(i))).collect()
    };
    (0..batches).map(batch).collect()
}

/// The event, at an exact time: the crate rounds times by `f32`.
fn of(event: event::Event, date_time: u64) -> Event {
    match event {
        event::Event::Person(event::Person {
            id,
            name,
            email_address,
            credit_card,
            city,
            state,
            extra,
            ..
        }) => Event::Person(Person {
            id: id as u64,
            name,
            email_address,
            credit_card,
            city,
            state,
            date_time,
            extra,
        }),
        event::Event::Auction(auction) => Event::Auction(Auction {
            id: auction.id as u64,
            item_name: auction.item_name,
            description: auction.description,
            initial_bid: auction.initial_bid as u64,
            reserve: auction.reserve as u64,
            date_time,
            expires: date_time + (auction.expires - auction.date_time),
            seller: auction.seller as u64,
            category: auction.category as u64,
            extra: auction.extra,
        }),
        event::Event::Bid(event::Bid { auction, bidder, price, channel, url, extra, .. }) => {
            Event::Bid(Bid {
                auction: auction as u64,
                bidder: bidder as u64,
                price: price as u64,
                channel,
                url,
                date_time,
                extra,
            })
        }
    }
}
