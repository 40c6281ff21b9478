//! A part of a pipeline is a function from streams to streams.

use streaming_runtime::{Record, prelude::*};

fn long<'s>(words: Stream<'s, String>, least: usize) -> Stream<'s, String> {
    words.filter(move |word| word.len() >= least).share()
}

fn both<'s, T: Record>(left: Stream<'s, T>, right: Stream<'s, T>) -> Stream<'s, T> {
    left.union(right)
}

stream!(
    #[batch(secs(1))]
    fn helped<web: Source<String>, shop: Source<String>, out: Sink<String>>(least: usize) {
        let all = both(web, shop.filter(|word| !word.is_empty()));
        long(all.map(|word| word.trim().to_owned()), least).to(out);
    }
);

#[test]
fn a_helper_takes_plain_streams() {
    let _ = |web: streaming_runtime::connect::ChannelSource<String>, shop| {
        // A source of another type would not compile, so this one is the same.
        let _: &streaming_runtime::connect::ChannelSource<String> = &shop;
        Engine::new().start(helped::Ports { web, shop, out: streaming_runtime::connect::console(), least: 3 })
    };
    assert!(helped::PLAN.contains("long"), "{}", helped::PLAN);
}
