//! The hash of a record, by a rule that is easy to follow elsewhere: from 7, field by field; a number is mixed in
//! whole, a string byte by byte.

use nexmark::event::{Auction, Bid};

use contenders::measure::mix;

/// A record or a part of one.
pub trait Portable {
    fn fold(&self, hash: u64) -> u64;
}

/// The hash of a record.
pub fn hash(record: &impl Portable) -> u64 {
    record.fold(7)
}

macro_rules! numbers {
    ($($number:ty)*) => {$(
        impl Portable for $number {
            fn fold(&self, hash: u64) -> u64 {
                mix(hash ^ *self as u64)
            }
        }
    )*};
}

numbers!(u64 i64 usize);

impl Portable for str {
    fn fold(&self, hash: u64) -> u64 {
        self.bytes().fold(hash, |hash, byte| mix(hash ^ u64::from(byte)))
    }
}

impl Portable for String {
    fn fold(&self, hash: u64) -> u64 {
        self.as_str().fold(hash)
    }
}

impl<T: Portable, const N: usize> Portable for [T; N] {
    fn fold(&self, hash: u64) -> u64 {
        self.iter().fold(hash, |hash, part| part.fold(hash))
    }
}

macro_rules! tuples {
    ($($part:ident)*) => {
        impl<$($part: Portable),*> Portable for ($($part,)*) {
            #[allow(non_snake_case)]
            fn fold(&self, hash: u64) -> u64 {
                let ($($part,)*) = self;
                $(let hash = $part.fold(hash);)*
                hash
            }
        }
    };
}

tuples!(A B);
tuples!(A B C);
tuples!(A B C D);
tuples!(A B C D E);
tuples!(A B C D E F);
tuples!(A B C D E F G);
tuples!(A B C D E F G H);

impl Portable for Bid {
    fn fold(&self, hash: u64) -> u64 {
        let Bid { auction, bidder, price, channel, url, date_time, extra } = self;
        let hash = [auction, bidder, price].iter().fold(hash, |hash, number| number.fold(hash));
        extra.fold(date_time.fold(url.fold(channel.fold(hash))))
    }
}

impl Portable for Auction {
    fn fold(&self, hash: u64) -> u64 {
        let hash = self.description.fold(self.item_name.fold(self.id.fold(hash)));
        let hash = self.reserve.fold(self.initial_bid.fold(hash));
        let hash = self.expires.fold(self.date_time.fold(hash));
        self.extra.fold(self.category.fold(self.seller.fold(hash)))
    }
}
