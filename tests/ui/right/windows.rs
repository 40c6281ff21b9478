//! Windows on windows, beside each other, and met with what lasts.

use streaming_runtime::{
    aggregate::{count, max, mean},
    connect::{channel, console},
    prelude::*,
};

stream!(
    /// What was trending in the last minute, as often as it was in the last hour.
    #[batch(secs(5))]
    fn nested<words: Source<String>, out: Sink<(String, i64)>, changes: Sink<((String, i64), i64)>>() {
        let trending = words.window(minutes(1), secs(10)).count_by_value().filter(|(_, n)| *n > 100);
        let often = trending.window(hours(1), minutes(1)).map(|(word, _)| word).count_by_value();
        often.to(out);
        often.changes().to(changes);
    }
);

stream!(
    /// Two windows over one stream: now against before.
    #[batch(secs(1))]
    fn compared<prices: Source<(u64, f64)>, out: Sink<(u64, (f64, Option<(i64, f64)>))>>() {
        let usual = prices.window(hours(1), secs(10)).aggregate_by_key((count(), mean()));
        let now = prices.window(secs(10), secs(10)).aggregate_by_key(max());
        let rounded = now.map_values(|price| price.to_bits());
        let usual = usual.map_values(|(n, mean)| (n, mean.to_bits()));
        let both = rounded.left_join(usual);
        both.map_values(|(now, usual)| {
            (f64::from_bits(now), usual.map(|(n, mean)| (n, f64::from_bits(mean))))
        })
        .to(out);
    }
);

stream!(
    /// Recent orders with all that is known of their customers.
    #[batch(secs(1))]
    fn known<
        orders: Source<(u64, i64)>,
        customers: Source<(u64, String)>,
        out: Sink<(u64, (i64, String))>,
    >() {
        let customers = customers.history().allow_unbounded("there are as many as customers");
        orders.window(minutes(1), secs(1)).join(customers).to(out);
    }
);

#[test]
fn windows_stand_where_streams_do() {
    let _ = || {
        let engine = Engine::new();
        let started = [
            engine.start(nested::Ports { words: channel(8).1, out: console(), changes: console() }),
            engine.start(compared::Ports { prices: channel(8).1, out: console() }),
            engine.start(known::Ports { orders: channel(8).1, customers: channel(8).1, out: console() }),
        ];
        drop(started);
    };
    assert!(nested::OPERATORS.contains(&"nested/often/window"), "{:?}", nested::OPERATORS);
}
