//! What is kept of each key for ever, and changes: q15 to q19.

use super::*;

/// What q15 and q16 keep of a day.
#[derive(Default)]
pub(super) struct Day {
    pub(super) minute: u64,
    pub(super) bids: [i64; 4],
    pub(super) bidders: [Set<usize>; 4],
    pub(super) auctions: [Set<usize>; 4],
}

impl Day {
    pub(super) fn add(&mut self, time: u64, price: usize, bidder: usize, auction: usize) {
        self.minute = self.minute.max(minute(time));
        for of in [0, 1 + class(price)] {
            self.bids[of] += 1;
            self.bidders[of].insert(bidder);
            self.auctions[of].insert(auction);
        }
    }

    /// Nothing before the first bid.
    pub(super) fn numbers(&self) -> Option<Numbers> {
        let mut numbers = [0; 12];
        for of in 0..4 {
            numbers[of] = self.bids[of];
            numbers[4 + of] = self.bidders[of].len() as i64;
            numbers[8 + of] = self.auctions[of].len() as i64;
        }
        (numbers[0] > 0).then_some(numbers)
    }
}

pub fn q15() -> impl FnMut(u64, Vec<Event>) -> Changes<(u64, Numbers)> {
    let mut days = Table::new(|of: &u64, day: &Day| Some((*of, day.numbers()?)));
    move |_, events| {
        for b in bids(events) {
            days.touch(day(b.date_time)).add(b.date_time, b.price, b.bidder, b.auction);
        }
        days.changes()
    }
}

pub fn q16() -> impl FnMut(u64, Vec<Event>) -> Changes<Channel> {
    let mut channels = Table::new(|(channel, of): &(String, u64), day: &Day| {
        Some((channel.clone(), *of, day.minute, day.numbers()?))
    });
    move |_, events| {
        for b in bids(events) {
            let channel = channels.touch((b.channel, day(b.date_time)));
            channel.add(b.date_time, b.price, b.bidder, b.auction);
        }
        channels.changes()
    }
}

pub fn q17() -> impl FnMut(u64, Vec<Event>) -> Changes<Prices> {
    // Bids by class, lowest, highest, sum.
    let mut auctions =
        Table::new(|(auction, day), (bids, low, high, sum): &([i64; 4], usize, usize, usize)| {
            let mean = sum.checked_div(bids[0] as usize)?;
            Some((*auction, *day, *bids, *low, *high, mean, *sum))
        });
    move |_, events| {
        for bid in bids(events) {
            let (bids, low, high, sum) = auctions.touch((bid.auction, day(bid.date_time)));
            *low = if bids[0] == 0 { bid.price } else { bid.price.min(*low) };
            *high = bid.price.max(*high);
            *sum += bid.price;
            bids[0] += 1;
            bids[1 + class(bid.price)] += 1;
        }
        auctions.changes()
    }
}

pub fn q18() -> impl FnMut(u64, Vec<Event>) -> Changes<Bid> {
    let mut last = Table::new(|_: &(usize, usize), last: &Option<Bid>| last.clone());
    move |_, events| {
        for bid in bids(events) {
            let last = last.touch((bid.bidder, bid.auction));
            if last.as_ref().is_none_or(|last| is_later(&bid, last)) {
                *last = Some(bid);
            }
        }
        last.changes()
    }
}

/// Ten rows a key, where [`Table`] has one.
pub fn q19() -> impl FnMut(u64, Vec<Event>) -> Changes<(Bid, u64)> {
    let mut auctions = Table::new(|_: &usize, best: &Vec<Ranked>| Some(best.clone()));
    move |_, events| {
        for bid in bids(events) {
            let best = auctions.touch(bid.auction);
            let bid = Ranked(bid);
            let place = best.partition_point(|other| *other > bid);
            if place < 10 {
                best.truncate(9);
                best.insert(place, bid);
            }
        }
        let ranked = |(best, times): (Vec<Ranked>, i64)| {
            best.into_iter().zip(1..).map(move |(Ranked(bid), rank)| ((bid, rank), times))
        };
        auctions.changes().into_iter().flat_map(ranked).collect()
    }
}
