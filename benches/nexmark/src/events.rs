//! The events, batch by batch.

use nexmark::{
    EventGenerator,
    config::NexmarkConfig,
    event::{Auction, Bid, Event, Person},
};

/// 2022-01-01T00:00:00Z, in milliseconds.
pub const BASE: u64 = 1_640_995_200_000;

/// So many batches of `rate` events, a second of event time each.
///
/// The generator rounds times to the nearest millisecond, so that a second's last events would be in the next one. Times
/// are set anew, rounded down: batch `n` is second `n`, exactly.
pub fn batches(rate: usize, batches: usize) -> Vec<Vec<Event>> {
    let config =
        NexmarkConfig { base_time: BASE, first_rate: rate, next_rate: rate, ..NexmarkConfig::default() };
    let mut events = (0..).zip(EventGenerator::new(config)).map(|(i, mut event)| {
        let time = BASE + i * 1000 / rate as u64;
        match &mut event {
            Event::Person(person) => person.date_time = time,
            Event::Auction(auction) => {
                auction.expires = time + (auction.expires - auction.date_time);
                auction.date_time = time;
            }
            Event::Bid(bid) => bid.date_time = time,
        }
        event
    });
    (0..batches).map(|_| events.by_ref().take(rate).collect()).collect()
}

pub fn person(event: Event) -> Option<Person> {
    if let Event::Person(person) = event { Some(person) } else { None }
}

pub fn auction(event: Event) -> Option<Auction> {
    if let Event::Auction(auction) = event { Some(auction) } else { None }
}

pub fn bid(event: Event) -> Option<Bid> {
    if let Event::Bid(bid) = event { Some(bid) } else { None }
}

pub fn is_person(event: &Event) -> bool {
    matches!(event, Event::Person(_))
}

pub fn is_bid(event: &Event) -> bool {
    matches!(event, Event::Bid(_))
}

/// A price in euros, as q1 and q14 have it.
pub fn euros(price: usize) -> usize {
    price * 908 / 1000
}

/// Days since 1970.
pub fn day(time: u64) -> u64 {
    time / 86_400_000
}

/// When the window of ten seconds began that a time is in.
pub fn ten_seconds(time: u64) -> u64 {
    time - (time - BASE) % 10_000
}

/// Which of three classes a price is in.
pub fn class(price: usize) -> usize {
    match price {
        ..10_000 => 0,
        10_000..1_000_000 => 1,
        1_000_000.. => 2,
    }
}
